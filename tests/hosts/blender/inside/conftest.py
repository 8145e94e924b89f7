"""What every test inside Blender needs: one Blender a process, a fresh file for each test, footage, a daemon.

Run one file by hand in one version:

    .venv-bpy-4.5/bin/python -m pytest -c tests/hosts/blender/inside/pytest.ini tests/hosts/blender/inside/test_compat.py
"""

from __future__ import annotations

import atexit
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[4]
for folder in ("core", "blender_addon", "tests/hosts/blender/inside"):
    sys.path.insert(0, str(REPOSITORY / folder))

PYTHON = os.environ.get("GENLOCK_PYTHON") or str(REPOSITORY / ".venv/bin/python")
"""The interpreter that has Genlock itself: Blender's has not, and must not need it."""

_user = tempfile.mkdtemp(prefix="genlock-blender-user-")
os.environ.setdefault("BLENDER_USER_RESOURCES", _user)

_run = tempfile.mkdtemp(prefix="genlock-run-")
os.environ["GENLOCK_RUNTIME_DIR"] = _run  # a test never meets the user's own daemon

for made in (_user, _run):
    atexit.register(shutil.rmtree, made, ignore_errors=True)

import bpy  # noqa: E402  (after the user folder is set)
from daemons import Daemon  # noqa: E402  (after the path is)


@pytest.fixture(scope="session")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A running daemon that may use every file of this test run. A test that kills it starts it again."""
    made = Daemon(tmp_path_factory.mktemp("studio"), [tmp_path_factory.getbasetemp()], PYTHON)
    try:
        made.start()
        yield made
    finally:
        made.end()


@pytest.fixture
def project(daemon: Daemon, request: pytest.FixtureRequest) -> str:
    """The id of a project made for this test."""
    if daemon.endpoint() is None:
        daemon.start()
    return daemon.new_project(request.node.name)


@pytest.fixture
def scene() -> bpy.types.Scene:
    """An empty scene with a sequence editor, at 24 frames per second and 320x180."""
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    found = bpy.context.scene
    found.render.fps, found.render.fps_base = 24, 1.0
    found.render.resolution_x, found.render.resolution_y = 320, 180
    found.frame_start = 1
    found.sequence_editor_create()
    workspace = bpy.context.window.workspace
    if hasattr(workspace, "sequencer_scene"):
        workspace.sequencer_scene = found
    return found


@pytest.fixture(scope="session")
def footage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a.mp4, b.mp4 (240 frames at 24), ntsc.mp4 (24000/1001), thirty.mp4 (150 frames at 30), tone.wav (10 s),
    still.png and numbered.0001.png to numbered.0012.png. Every frame differs, so that a wrong one shows."""
    import footage as maker

    return maker.make(tmp_path_factory.mktemp("footage"), PYTHON)


@pytest.fixture
def sequencer() -> dict[str, object]:
    """The context override under which sequencer operators run: a real sequencer area in the one window."""
    window = bpy.context.window_manager.windows[0]
    area = window.screen.areas[0]
    area.type = "SEQUENCE_EDITOR"
    area.spaces[0].view_type = "SEQUENCER"
    region = next(region for region in area.regions if region.type == "WINDOW")
    return {"window": window, "screen": window.screen, "area": area, "region": region}
