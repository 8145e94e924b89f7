"""The zip as Blender installs it: enabled, disabled, enabled again, taken away; nothing is left and Blender can leave."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import bpy
import pytest
from conftest import PYTHON
from installations import blender, pack

TOOL = Path(bpy.utils.system_resource("SCRIPTS"), "addons_core/bl_pkg/cli/blender_ext.py")
MODULE = "bl_ext.user_default.genlock"


@pytest.fixture(scope="session")
def extension(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pack(PYTHON, tmp_path_factory.mktemp("extension"))


def tool(*arguments: object) -> str:
    """Runs Blender's own packer; fails when it does."""
    done = subprocess.run(
        [sys.executable, str(TOOL), *map(str, arguments)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_blenders_own_validator_accepts_it(extension: Path) -> None:
    assert "Success" in tool("validate", extension)


def test_blenders_own_packer_builds_the_same_files(extension: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(extension) as zipped:
        zipped.extractall(tmp_path / "source")
        ours = {name: zipped.read(name) for name in zipped.namelist()}
    tool("build", "--source-dir", tmp_path / "source", "--output-filepath", tmp_path / "theirs.zip")
    with zipfile.ZipFile(tmp_path / "theirs.zip") as zipped:
        assert {name: zipped.read(name) for name in zipped.namelist() if not name.endswith("/")} == ours


def test_installed_disabled_enabled_and_taken_away_it_leaves_nothing(extension: Path, tmp_path: Path) -> None:
    user = tmp_path / "user"
    ran = blender(
        user, "look", f"install:{extension}", "look", "disable", "look", "enable", "look", "uninstall", "look"
    )
    assert ran.is_well, ran.output
    before, installed, disabled, enabled, gone = (value for name, value in ran.steps if name == "look")
    assert [value for name, value in ran.steps if name != "look"] == [True] * 4, ran.output
    assert installed["enabled"] == enabled["enabled"] == [MODULE]
    assert installed["traces"]["handlers"] != before["traces"]["handlers"], "it listens while it is enabled"
    assert installed["traces"] == enabled["traces"]
    assert installed["client"].startswith(str(user)), "the client is the bundled one"
    assert {"websockets", "genlock_client"} <= set(installed["unpacked"])
    for left in (disabled, gone):
        assert left["enabled"] == []
        assert {**left["traces"], "modules": []} == {**before["traces"], "modules": []}
    assert gone["traces"]["modules"] == []
    assert gone["installed"] == gone["unpacked"] == []
    assert not (user / "extensions/user_default/genlock").exists()
    assert "Traceback" not in ran.output


@pytest.mark.parametrize("last", [(), ("disable",)], ids=["enabled", "disabled"])
def test_blender_leaves_within_seconds(extension: Path, tmp_path: Path, last: tuple[str, ...]) -> None:
    ran = blender(tmp_path / "user", f"install:{extension}", *last)
    assert ran.is_well, ran.output


@pytest.mark.skipif(
    bpy.app.version < (4, 3, 0), reason="4.2 as a module crashes when it reads preferences, even its own"
)
def test_it_is_enabled_in_the_next_session_too(extension: Path, tmp_path: Path) -> None:
    user = tmp_path / "user"
    assert blender(user, f"install:{extension}", "save").is_well
    ran = blender(user, "preferences", "look")
    assert ran.last("look")["enabled"] == [MODULE]
    assert ran.last("look")["client"].startswith(str(user))
    assert ran.is_well, ran.output


def test_a_newer_file_replaces_the_older_one_and_its_wheels(extension: Path, tmp_path: Path) -> None:
    newer = pack(PYTHON, tmp_path / "newer", "9.9.0")
    ran = blender(tmp_path / "user", f"install:{extension}", "look", f"install:{newer}", "look")
    assert ran.is_well, ran.output
    assert ran.last("look")["installed"] == ["9.9.0"]
    clients = [name for name in ran.last("look")["unpacked"] if name.startswith("genlock_client-")]
    assert len(clients) == 1
    assert clients[0].startswith("genlock_client-9.9.0+")
    assert ran.last("look")["enabled"] == [MODULE]
    old, new = (value for name, value in ran.steps if name == "look")
    assert new["loaded"] != old["loaded"], "the client that came with it is the one it runs with"
    assert "Traceback" not in ran.output
