"""A daemon with model engines in worker processes, what is asked of it, and a look at what it left on disk."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

import av
import msgspec
import numpy as np
import opentimelineio as otio
import pytest
from PIL import Image

from genlock.daemon.server import Running, embedded
from genlock.project.shot import Take
from tests.daemon.conftest import Person

Array = np.ndarray[Any, Any]

WIDTH, HEIGHT = SIZE = 96, 64
PATIENCE = 100.0
ROOT = Path(__file__).resolve().parents[2]
OPEN = ("waiting", "running")


class Lot(Person):
    """Somebody with the token and one project, whose shots are generated."""

    def __init__(self, daemon: Running, folder: Path) -> None:
        super().__init__(daemon)
        self.folder = folder
        settings = {"resolution": SIZE, "folder": str(folder / "takes"), "engine": ""}
        self.film = self.project(**settings)
        self._codes = 0

    # -- asking

    def shot(self, prompt: str = "A lighthouse at dawn", frames: int = 9, **brief: Any) -> str:
        """Adds a shot and returns its id."""
        self._codes += 1
        fields = {"prompt": prompt, "frames": frames, "seed": 7, **brief}
        made = self.command("CreateShot", project=self.film, code=f"LOT{self._codes:04}", brief=fields)
        return str(made["created"][0])

    def queue(self, shot: str = "", **overrides: Any) -> str:
        """Queues a take of a shot (without one: of a new shot) and returns the job."""
        shot = shot or self.shot()
        answer = self.post(f"/api/projects/{self.film}/generate", {"shots": [shot], "overrides": overrides})
        return str(answer["jobs"][0])

    def job(self, job: str) -> dict[str, Any]:
        found: dict[str, Any] = self.get(f"/api/jobs/{job}")
        return found

    def status(self, job: str) -> str:
        return str(self.job(job)["status"]["type"])

    def ended(self, job: str, timeout: float = PATIENCE) -> dict[str, Any]:
        """Waits for the end of a job and returns how it ended."""
        self.until(lambda: self.status(job) not in OPEN, timeout, job)
        found: dict[str, Any] = self.job(job)["status"]
        return found

    def take_of(self, job: str, timeout: float = PATIENCE) -> Take:
        """Waits for a job that has to succeed and returns its take, as the shot has it."""
        ended = self.ended(job, timeout)
        assert ended["type"] == "succeeded", ended
        takes = self.get(f"/api/shots/{self.job(job)['shot']}")["takes"]
        return msgspec.convert(takes[f"take-{job}"], Take)

    def made(self, shot: str = "", **overrides: Any) -> Take:
        """Queues a take, waits for it and returns it."""
        return self.take_of(self.queue(shot, **overrides))

    def fails(self, shot: str = "", **overrides: Any) -> tuple[str, str]:
        """Queues what has to fail and returns its code and message."""
        ended = self.ended(self.queue(shot, **overrides))
        assert ended["type"] == "failed", ended
        return ended["code"], ended["message"]

    # -- looking

    def exported(self, sequence: str) -> list[str]:
        """Exports a sequence as OTIO and returns the files its clips show, in order."""
        path = self.folder / f"{sequence}.otio"
        self.post(f"/api/sequences/{sequence}/export", {"path": str(path)})
        timeline = otio.adapters.read_from_file(str(path))
        urls = [clip.media_reference.target_url for clip in timeline.find_clips()]
        return [unquote(urlparse(url).path) for url in urls]

    def memory(self) -> dict[str, Any]:
        found: dict[str, Any] = self.get("/api/memory")
        return found

    def verdicts(self, verdict: str = "", since: float = 0.0) -> list[dict[str, Any]]:
        """Returns the arbiter's decisions of a kind."""
        found = [d for d in self.memory()["decisions"] if d["at"] > since]
        return [d for d in found if not verdict or d["verdict"] == verdict]

    def pids(self) -> dict[str, list[int]]:
        """Returns the worker processes by lane."""
        executor = self.services.ensure_runner()._executor
        return dict(executor.pids())  # type: ignore[attr-defined]

    def rest(self) -> None:
        """Waits until nothing runs and asserts that nothing is reserved then, and nobody waits."""
        self.until(lambda: not self.memory()["leases"], 10, "a lease stays")
        memory = self.memory()
        assert (memory["held"], memory["waiting"], memory["over"]) == (0, [], 0)

    def left(self) -> list[str]:
        """Returns what lies in private folders beside the takes."""
        takes = self.folder / "takes"
        return sorted(str(p.relative_to(takes)) for p in takes.rglob(".*") if p.is_dir()) if takes.is_dir() else []

    @staticmethod
    def until(holds: Callable[[], object], timeout: float = PATIENCE, what: object = "") -> float:
        """Waits for something and returns the seconds it took."""
        begin = time.monotonic()
        while not holds():
            assert time.monotonic() - begin < timeout, f"not within {timeout:g} s: {what}"
            time.sleep(0.02)
        return time.monotonic() - begin


@contextmanager
def opened(folder: Path, models: Path, **settings: Any) -> Iterator[Lot]:
    """Runs a daemon in `folder` on the models of a folder; `settings` are the daemon's own."""
    with pytest.MonkeyPatch.context() as patch:
        for name, place in (("RUNTIME_DIR", "run"), ("HOME", "home"), ("CACHE", "cache")):
            patch.setenv(f"GENLOCK_{name}", str(folder / place))
        patch.setenv("GENLOCK_MODELS", str(models))
        patch.setenv("OMP_NUM_THREADS", "1")
        patch.setenv("PYTHONPATH", str(ROOT))  # workers find engines of these tests by name
        store = folder / "store" / "lot.genlock"
        store.parent.mkdir(parents=True, exist_ok=True)
        if settings:
            store.with_suffix(".settings.json").write_text(json.dumps(settings))
        with embedded(store, [folder], announce=True) as running:
            lot = Lot(running, folder)
            try:
                yield lot
            finally:
                lot.http.close()


# -- what is on disk


def frames(path: str | Path, form: str = "rgb24") -> Array:
    """Returns all frames of a movie, or the one of a picture."""
    if str(path).endswith(".png"):
        return np.asarray(Image.open(path))[None]
    with av.open(str(path)) as container:
        return np.stack([frame.to_ndarray(format=form) for frame in container.decode(video=0)])


def alpha(path: str | Path) -> Array:
    """Returns the transparency of a movie's frames, 8 bits."""
    found = frames(path, "rgba")
    assert found.shape[3] == 4
    return np.asarray(found[..., 3])


def seconds_of_sound(path: str | Path) -> float:
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        return sum(frame.samples for frame in container.decode(stream)) / stream.rate


def psnr(a: Array, b: Array) -> float:
    error = float(np.mean((a.astype(float) - b.astype(float)) ** 2))
    return 99.0 if error == 0 else float(10 * np.log10(255**2 / error))
