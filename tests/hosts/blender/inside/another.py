"""Another Blender: links a scene to a sequence that somebody else made, and renders it.

python another.py PLATE.blend PROJECT SEQUENCE OUT VIEW
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import bpy
import rich

from genlock_blender import compat
from genlock_blender.bridge import Bridge
from genlock_blender.links import Linked
from genlock_client.sync import Idle

SECONDS = 60.0


def main(plate: str, project: str, sequence: str, out: str, view: str) -> None:
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    window = bpy.context.window_manager.windows[0]
    window.screen.areas[0].type = "SEQUENCE_EDITOR"
    with bpy.data.libraries.load(plate) as (source, target):
        target.scenes = list(source.scenes)
    scene = rich.empty("Another", None)
    scene.view_settings.view_transform = view
    compat.register()
    bridge = Bridge()
    bridge.connect()
    bridge.link_existing(scene, sequence, project)
    link = bridge.links[scene.session_uid]
    end = time.monotonic() + SECONDS

    def level() -> bool:
        if bridge.session is None or not isinstance(link.state, Linked) or not isinstance(link.state.sync.state, Idle):
            return False
        model = bridge.session.model.sequences.get(sequence)
        return model is not None and 0 < model.version == link.state.sync.base

    while not level():
        if time.monotonic() > end:
            raise SystemExit(f"it never came: {bridge.status(scene)} {list(bridge.notes)}")
        bridge.pump()
        time.sleep(0.005)
    status = bridge.status(scene)
    if status.held or status.troubles:
        raise SystemExit(str(status))
    rich.frames(scene, Path(out))
    bridge.close()
    compat.unregister()


if __name__ == "__main__":
    main(*sys.argv[1:])
    sys.stdout.flush()
    os._exit(0)  # nothing is left to do, and leaving Blender in an orderly way has crashed and hung
