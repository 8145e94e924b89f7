"""A Blender of its own that does to the extension what is named on the command line, and prints what it then sees.

    python installing.py STEP...      steps: install:ZIP, enable, enable:MODULE, disable, uninstall, repository:URL, sync,
                                      fetch, upgrade, save, preferences (read them as at a start), look, and end: the last
                                      line; the process then leaves as Blender does

BLENDER_USER_RESOURCES names the user folder. Bundled packages are looked for there only, as in a Blender without others.
"""

from __future__ import annotations

import json
import os
import sys
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any

import bpy

import addon_utils  # isort: skip  (it is there once bpy is)

BUNDLED = ("websockets", "genlock_client")
USER = Path(os.environ["BLENDER_USER_RESOURCES"])
SITE = USER / f"extensions/.local/lib/python3.{sys.version_info.minor}/site-packages"


class OnlyBundled:
    """Finds the bundled packages where Blender unpacked them, and nowhere else."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        if name not in BUNDLED:
            return None
        spec = PathFinder.find_spec(name, [str(SITE)])
        if spec is None:
            raise ModuleNotFoundError(f"{name} was not unpacked", name=name)
        return spec


def ours() -> list[str]:
    """The modules under which the extension is enabled."""
    return [addon.module for addon in bpy.context.preferences.addons if addon.module.endswith(".genlock")]


def repositories() -> dict[str, int]:
    """The repositories' places in the preferences by module name."""
    return {found.module: at for at, found in enumerate(bpy.context.preferences.extensions.repos)}


def traces() -> dict[str, Any]:
    """All that an add-on can leave in Blender."""
    handlers = {
        name: [f"{each.__module__}.{each.__name__}" for each in found]
        for name in dir(bpy.app.handlers)
        if isinstance(found := getattr(bpy.app.handlers, name), list) and found
    }
    owners = ("Scene", "WindowManager", "TimelineMarker", "Strip", "Sequence", "Object", "Preferences")
    keys = [
        (name, held.name, item.idname)
        for name, configuration in bpy.context.window_manager.keyconfigs.items()
        for held in configuration.keymaps
        for item in held.keymap_items
        if "genlock" in item.idname
    ]
    return {
        "handlers": handlers,
        "types": sorted(name for name in dir(bpy.types) if "genlock" in name.lower()),
        "properties": sorted(
            f"{owner}.{name}"
            for owner in owners
            for name in (getattr(bpy.types, owner, None) or bpy.types.Scene).bl_rna.properties.keys()  # noqa: SIM118  (iterating gives values)
            if "genlock" in name
        ),
        "operators": sorted(dir(bpy.ops.genlock)),
        "keys": keys,
        "modules": sorted(name for name in sys.modules if name.startswith("bl_ext.") and "genlock" in name),
    }


def look() -> dict[str, Any]:
    """What is installed, enabled and loaded."""
    client = sys.modules.get("genlock_client")
    manifests = [path.read_text() for path in USER.glob("extensions/*/genlock/blender_manifest.toml")]
    versions = [line.split('"')[1] for text in manifests for line in text.splitlines() if line.startswith("version")]
    return {
        "enabled": ours(),
        "installed": versions,
        "unpacked": sorted(path.name for path in SITE.iterdir()) if SITE.is_dir() else [],
        "client": str(getattr(client, "__file__", "")),
        "loaded": id(client),
        "traces": traces(),
    }


def do(step: str) -> Any:
    """Carries out one step."""
    name, _, given = step.partition(":")
    if name == "look":
        return look()
    if name == "install":
        done = bpy.ops.extensions.package_install_files(filepath=given, repo="user_default", enable_on_install=True)
    elif name == "enable":
        return addon_utils.enable(given or "bl_ext.user_default.genlock", default_set=True) is not None
    elif name == "disable":
        addon_utils.disable(ours()[0], default_set=True)
        return True
    elif name == "uninstall":
        done = bpy.ops.extensions.package_uninstall(repo_index=repositories()["user_default"], pkg_id="genlock")
    elif name == "repository":
        bpy.context.preferences.system.use_online_access = True
        done = bpy.ops.preferences.extension_repo_add(
            name="daemon", remote_url=given, use_access_token=False, use_sync_on_startup=False, type="REMOTE"
        )
    elif name == "sync":
        done = bpy.ops.extensions.repo_sync(repo_index=repositories()["daemon"])
    elif name == "fetch":
        at = repositories()["daemon"]
        done = bpy.ops.extensions.package_install(repo_index=at, pkg_id="genlock", enable_on_install=True)
    elif name == "upgrade":
        done = bpy.ops.extensions.package_upgrade_all()
    elif name == "preferences":
        done = bpy.ops.wm.read_userpref()
    elif name == "save":
        done = bpy.ops.wm.save_userpref()
    else:
        raise SystemExit(f"no step {name!r}")
    return "FINISHED" in done


if __name__ == "__main__":
    sys.meta_path.insert(0, OnlyBundled())
    for asked in sys.argv[1:]:
        if asked != "end":
            print("step", json.dumps([asked, do(asked)]), flush=True)
    print("end", flush=True)
