"""Takes the pictures of docs/blender.md from a real Blender with a window, beside a real daemon.

    python -m tests.hosts.blender.pictures docs/pictures [DEMO_FOLDER]

Run by hand; look at every picture. DEMO_FOLDER is what `genlock demo --once` left, else the demo runs first.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image

from genlock.blender import package
from genlock_client import discovery
from genlock_client.rest import Rest
from tests.hosts.blender.versions import ROOT

POSING = Path(__file__).with_name("posing.py")
SIZE = (1280, 1000)
SECONDS = 300.0
COLOURS = 200


@contextmanager
def ended(process: subprocess.Popen[bytes], by: int = signal.SIGTERM) -> Iterator[None]:
    """Ends the process afterwards."""
    try:
        yield
    finally:
        process.send_signal(by)
        process.wait(30)


@contextmanager
def screen() -> Iterator[str]:
    """A virtual screen; its DISPLAY."""
    reading, writing = os.pipe()
    size = f"{SIZE[0]}x{SIZE[1]}x24"
    command = ["Xvfb", "-displayfd", str(writing), "-screen", "0", size, "-nolisten", "tcp"]
    server = subprocess.Popen(command, pass_fds=[writing], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    os.close(writing)
    with ended(server), os.fdopen(reading) as told:
        yield f":{told.readline().strip()}"


@contextmanager
def studio(folder: Path, demo: Path) -> Iterator[Rest]:
    """A daemon on a copy of the demo's store."""
    store = folder / "studio.genlock"
    store.write_bytes((demo / "demo.genlock").read_bytes())
    os.environ["GENLOCK_RUNTIME_DIR"] = str(folder / "run")
    os.environ["GENLOCK_HOME"] = str(folder)
    command = [sys.executable, "-m", "genlock", "up", "--store", str(store), "--port", "0"]
    daemon = subprocess.Popen([*command, "--root", str(demo), "--root", str(folder)], stdout=subprocess.DEVNULL)
    with ended(daemon, signal.SIGINT):
        end = time.monotonic() + 60
        while not list((folder / "run").glob("daemon-*.json")) and time.monotonic() < end:
            time.sleep(0.1)
        yield Rest.at(discovery.require(store))


def main(out: Path, demo: Path | None) -> None:
    """Takes all pictures into `out`."""
    with tempfile.TemporaryDirectory() as held:
        folder = Path(held)
        if demo is None:
            demo = folder / "demo"
            subprocess.run([sys.executable, "-m", "genlock", "demo", "--once", "--out", str(demo)], check=True)
        for name in ("wheels", "shots", "home", "empty"):
            (folder / name).mkdir()
        for name, content in (package.websockets_wheel(), package.client_wheel("0")):
            (folder / "wheels" / name).write_bytes(content)
        with studio(folder, demo) as rest, screen() as display:
            pose(folder, rest, display)
        for place in sorted((folder / "shots").glob("*.json")):
            keep(place, out / f"blender-{place.stem}.png")


def pose(folder: Path, rest: Rest, display: str) -> None:
    """Runs Blender through its poses; raises RuntimeError with what it said when one failed."""
    (project,) = rest.get("/api/projects")
    rest.command({"do": "ChangeSettings", "settings": {"folder": str(folder)}}, project["id"])
    (sequence,) = rest.get(f"/api/projects/{project['id']}/sequences")
    told = {
        "addon": str(ROOT / "blender_addon"), "wheels": str(folder / "wheels"), "out": str(folder / "shots"),
        "project": project["id"], "sequence": sequence["id"],
        "run": str(folder / "run"), "url": rest.base_url, "token": rest.token,
    }  # fmt: skip
    environment = {
        **os.environ, "DISPLAY": display, "HOME": str(folder / "home"), "XDG_CONFIG_HOME": str(folder / "home"),
        "LIBGL_ALWAYS_SOFTWARE": "1", "GENLOCK_ACTOR": "ada", "GENLOCK_RUNTIME_DIR": str(folder / "empty"),
        "GENLOCK_POSE": json.dumps(told),
    }  # fmt: skip
    environment.pop("PYTHONPATH", None)
    command = ["blender", "--factory-startup", "--window-geometry", "0", "0", *map(str, SIZE), "--python", str(POSING)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False)
    error = folder / "shots" / "error.txt"
    if error.exists():
        raise RuntimeError(error.read_text() + (done.stdout + done.stderr)[-3000:])


def keep(place: Path, out: Path) -> None:
    """Cuts a picture to what it is about, and writes it with few colours."""
    picture = Image.open(place.with_suffix(".png")).convert("RGB")
    left, bottom, width, height = json.loads(place.read_text())
    cut = picture.crop((left, picture.height - bottom - height, left + width, picture.height - bottom))
    cut.quantize(COLOURS, dither=Image.Dither.NONE).save(out, optimize=True)
    print(out, cut.size, out.stat().st_size)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]).absolute() if len(sys.argv) > 2 else None)
