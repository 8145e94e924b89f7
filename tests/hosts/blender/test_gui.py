"""A real Blender with a real window, under a virtual screen: the tab is there, timers tick, the daemon is reached."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from genlock.blender import package
from genlock_client import discovery
from genlock_client.rest import Rest
from tests.hosts.blender.versions import ROOT

LOOKING = Path(__file__).with_name("looking.py")
SECONDS = 150.0
pytestmark = pytest.mark.blender


@pytest.fixture
def screen() -> Iterator[str]:
    """A virtual screen; returns its DISPLAY."""
    missing = [name for name in ("blender", "Xvfb") if not shutil.which(name)]
    if missing:
        if os.environ.get("REQUIRE_BLENDER"):
            pytest.fail(f"REQUIRE_BLENDER is set, but there is no {' and no '.join(missing)}")
        pytest.skip(f"there is no {' and no '.join(missing)}")
    reading, writing = os.pipe()
    command = ["Xvfb", "-displayfd", str(writing), "-screen", "0", "1400x900x24", "-nolisten", "tcp"]
    server = subprocess.Popen(command, pass_fds=[writing], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    os.close(writing)
    try:
        with os.fdopen(reading) as told:
            yield f":{told.readline().strip()}"
    finally:
        server.terminate()
        server.wait()


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Path]:
    """A daemon of this test's own; returns its store."""
    store = tmp_path / "studio.genlock"
    environment = {**os.environ, "GENLOCK_RUNTIME_DIR": str(tmp_path / "run"), "GENLOCK_HOME": str(tmp_path)}
    command = [sys.executable, "-m", "genlock", "up", "--store", str(store), "--port", "0", "--root", str(tmp_path)]
    daemon = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        end = time.monotonic() + 60
        while not list((tmp_path / "run").glob("daemon-*.json")) and time.monotonic() < end:
            time.sleep(0.05)
        yield store
    finally:
        daemon.send_signal(signal.SIGINT)
        daemon.wait(30)


@pytest.mark.timeout(SECONDS + 60)
def test_a_window_shows_the_tab_and_links_the_scene(
    screen: str, studio: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GENLOCK_RUNTIME_DIR", str(tmp_path / "run"))
    rest = Rest.at(discovery.require(studio))
    project = rest.command({"do": "CreateProject", "name": "Harbour film"})["target"]
    wheels, out = tmp_path / "wheels", tmp_path / "out"
    for folder in (wheels, out, tmp_path / "home"):
        folder.mkdir()
    for name, content in (package.websockets_wheel(), package.client_wheel("0")):
        (wheels / name).write_bytes(content)
    environment = {
        **os.environ, "DISPLAY": screen, "HOME": str(tmp_path / "home"), "LIBGL_ALWAYS_SOFTWARE": "1",
        "XDG_CONFIG_HOME": str(tmp_path / "home"), "GENLOCK_ACTOR": "ada",
    }  # fmt: skip
    environment.pop("PYTHONPATH", None)
    command = ["blender", "--factory-startup", "--window-geometry", "0", "0", "1400", "900", "--python", str(LOOKING)]
    command += ["--", str(ROOT / "blender_addon"), str(wheels), project, str(out)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False)
    said = (done.stdout + done.stderr)[-4000:]
    error = out / "error.txt"
    assert not error.exists(), error.read_text() + said
    assert done.returncode == 0, said
    seen = json.loads((out / "seen.json").read_text())
    if kept := os.environ.get("GENLOCK_PICTURES"):
        shutil.copy(out / "window.png", kept)
    assert seen["ticks a second"] >= 1, seen  # drawn without a graphics card, on a busy machine
    assert seen["status"][0] == "linked", seen
    assert seen["panel"] > 100, seen
    assert seen["left"] == []
    picture = np.asarray(Image.open(out / "window.png").convert("RGB"))
    assert picture.shape[0] > 600
    assert picture.shape[1] > 1000
    assert len(np.unique(picture.reshape(-1, 3), axis=0)) > 100, "the window is empty"
    assert picture.std() > 8
    (sequence,) = rest.get(f"/api/projects/{project}/sequences")
    items = [item for track in rest.get(f"/api/sequences/{sequence['id']}")["tracks"] for item in track["items"]]
    assert {item["name"] for item in items} >= {"Opening", "Harbour", "Ferry"}
