"""The worker's sink: frames and sound go in, one complete take comes out. Frames are encoded on a thread of their own,
so that the next one is drawn meanwhile."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Callable
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from queue import Queue
from threading import Thread
from time import perf_counter
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final

import cv2
from msgspec.structs import replace

from genlock.errors import GenerationError
from genlock.generation.engine import Engine, Halt
from genlock.generation.executor import Progress, Ticket
from genlock.media import encoding
from genlock.media.digest import file_digest
from genlock.media.naming import proxy_path
from genlock.media.probe import probe
from genlock.media.writer import TakeWriter
from genlock.project.request import Provenance
from genlock.project.shot import Take

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

AHEAD: Final = 6
"""Frames that may wait for the encoder."""

PREVIEW_EVERY: Final = 0.4
PROGRESS_EVERY: Final = 0.05
PREVIEW_WIDTH: Final = 320
"""Seconds between previews and between reports; pixels."""

SUFFIX: Final = {"still": ".png", "text": ".txt"}


class Film:
    """Sink of one job; a context manager that drops everything unfinished. `finish` returns the take."""

    def __init__(
        self, ticket: Ticket, engine: Engine, report: Callable[[Progress], object], stopped: Callable[[], bool]
    ) -> None:
        self._ticket, self._engine, self._report, self.cancelled = ticket, engine, report, stopped
        self._frames = 0
        self._written = ""
        self._seconds: dict[str, float] = {}
        self._begin = perf_counter()
        self._reported = self._previewed = float("-inf")
        self._preview: bytes | None = None
        self._still: Array | None = None
        self._encoder: _Encoder | None = None

    def __enter__(self) -> Film:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._encoder is not None:
            self._encoder.abort()

    # -- what an engine calls

    def frame(self, picture: Array) -> None:
        """Takes the next frame, which is the film's from then on."""
        self._halt()
        if self._frames >= self._wanted:
            return
        self._frames += 1
        if perf_counter() - self._previewed > PREVIEW_EVERY:
            self.preview(_jpeg(picture))
        if self._ticket.plan.product == "still":
            self._still = picture
        else:
            self._open().put_frame(picture)

    def sound(self, samples: Array) -> None:
        """Takes sound; it is cut or filled to the picture's length."""
        self._halt()
        if self._ticket.plan.product == "movie":
            self._open().put_sound(samples)

    def text(self, text: str) -> None:
        """Takes text, behind what came before."""
        self._halt()
        self._written += text

    def progress(self, done: int, total: int, phase: str) -> None:
        """Passes on how far a phase is, at most twenty times a second and always at its end."""
        self._halt()
        now = perf_counter()
        if now - self._reported >= PROGRESS_EVERY or done >= total:
            self._reported = now
            self._report(Progress(self._ticket.job, done, total, phase, self._preview))
            self._preview = None

    def preview(self, jpeg: bytes) -> None:
        """Keeps a picture for the next report."""
        self._preview, self._previewed = jpeg, perf_counter()

    # -- what the worker calls

    def finish(self) -> Take:
        """Completes the files, gives them their names and returns the take.

        Raises GenerationError(engine_failed) when frames are missing, MediaError(unwritable_folder) when the disk is full.
        """
        if self._frames < self._wanted:
            raise GenerationError(
                "engine_failed", f"The engine made {self._frames} of {self._wanted} frames and stopped."
            )
        self._halt()
        self._lap("generate")
        master = self._complete()
        self._lap("finish")
        self._halt()
        number, path, proxy = _deliver(self._ticket, master, self._proxy if self._has_proxy else None)
        info = replace(probe(path), digest=file_digest(path)) if self._ticket.plan.product != "text" else None
        self._lap("deliver")
        provenance = Provenance(
            request=self._ticket.request,
            engine=self._engine.name,
            engine_version=self._engine.version,
            plan=self._ticket.plan.name,
            draft=self._ticket.plan.draft,
            versions=_versions(self._engine.libraries()),
            seconds=self._seconds,
        )
        return Take(
            id=f"take-{self._ticket.job}",
            number=number,
            path=str(path),
            proxy=str(proxy or ""),
            info=info,
            provenance=provenance,
            job=self._ticket.job,
        )

    @property
    def _wanted(self) -> int:
        return {"movie": self._ticket.request.frames, "still": 1, "text": 0}[self._ticket.plan.product]

    @property
    def _master(self) -> Path:
        product = self._ticket.plan.product
        suffix = f".{encoding.master(self._ticket.master).container}" if product == "movie" else SUFFIX[product]
        return self._ticket.desk / f"{self._ticket.stem}{suffix}"

    @property
    def _proxy(self) -> Path:
        return self._ticket.desk / "proxy.mp4"

    @property
    def _has_proxy(self) -> bool:
        return self._ticket.proxy and self._ticket.plan.product == "movie"

    def _open(self) -> _Encoder:
        if self._encoder is None:
            request = self._ticket.request
            # No timecode track: Resolve would count the media from it, and a take counts from 0 in every cut.
            writer = TakeWriter(
                self._master,
                rate=request.rate,
                resolution=request.resolution,
                master=self._ticket.master,
                proxy=self._proxy if self._has_proxy else None,
            )
            self._encoder = _Encoder(writer)
        return self._encoder

    def _complete(self) -> Path:
        """Returns the finished master on the desk."""
        match self._ticket.plan.product:
            case "movie":
                self._open().finish()
            case "still":
                assert self._still is not None
                _write(self._master, cv2.imencode(".png", cv2.cvtColor(self._still, cv2.COLOR_RGB2BGR))[1].tobytes())
            case "text":
                self._master.write_text(self._written, encoding="utf-8")
        return self._master

    def _halt(self) -> None:
        if self.cancelled():
            raise Halt

    def _lap(self, phase: str) -> None:
        now = perf_counter()
        self._seconds[phase], self._begin = round(now - self._begin, 4), now


class _Encoder:
    """Feeds a writer from a thread of its own."""

    def __init__(self, writer: TakeWriter) -> None:
        self._writer = writer
        self._queue: Queue[tuple[Callable[[Array], None], Array] | None] = Queue(AHEAD)
        self._error: BaseException | None = None
        self._open = True
        self._thread = Thread(target=self._loop, name="encode", daemon=True)
        self._thread.start()

    def put_frame(self, picture: Array) -> None:
        self._put(self._writer.write_video, picture)

    def put_sound(self, samples: Array) -> None:
        self._put(self._writer.write_audio, samples)

    def finish(self) -> None:
        self._end()
        if self._error is not None:
            raise self._error
        self._writer.close()

    def abort(self) -> None:
        if self._open:
            self._end()
        self._writer.abort()

    def _put(self, write: Callable[[Array], None], value: Array) -> None:
        if self._error is not None:
            raise self._error
        self._queue.put((write, value))

    def _end(self) -> None:
        self._open = False
        self._queue.put(None)
        self._thread.join()

    def _loop(self) -> None:
        while (entry := self._queue.get()) is not None:
            if self._error is not None:
                continue  # drained, so that nobody waits for room
            try:
                entry[0](entry[1])
            except Exception as error:
                # Background task: libav raises what is none of the usual, and a thread that ends leaves the engine waiting.
                self._error = error


def _deliver(ticket: Ticket, master: Path, proxy: Path | None) -> tuple[int, Path, Path | None]:
    """Moves finished files to their names without ever replacing one; returns the take's number and both paths."""
    number = ticket.number
    folder = Path(ticket.output)
    while True:
        target = folder / f"{_renumbered(ticket, number)}{master.suffix}"
        if _claim(master, target):
            break
        number += 1
    if proxy is None:
        return number, target, None
    place = proxy_path(target)
    place.parent.mkdir(parents=True, exist_ok=True)
    proxy.replace(place)  # a proxy without its master is a leftover
    return number, target, place


def _claim(source: Path, target: Path) -> bool:
    """Gives a file its name unless that is taken."""
    try:
        os.link(source, target)
    except FileExistsError:
        return False
    except OSError:  # a file system without links: the check and the move are two steps there
        if target.exists():
            return False
        source.replace(target)
        return True
    source.unlink()
    return True


def _renumbered(ticket: Ticket, number: int) -> str:
    if number == ticket.number:
        return ticket.stem
    base = re.sub(r"_v\d{3,}$", "", ticket.stem)
    return f"{base}_v{number:03d}"


def _write(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _jpeg(picture: Array) -> bytes:
    height, width = picture.shape[:2]
    scale = min(1.0, PREVIEW_WIDTH / width)
    small = cv2.resize(picture, (round(width * scale), max(1, round(height * scale))), interpolation=cv2.INTER_AREA)
    jpeg: bytes = cv2.imencode(".jpg", cv2.cvtColor(small, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 80])[
        1
    ].tobytes()
    return jpeg


@cache
def _versions(libraries: tuple[str, ...]) -> dict[str, str]:
    found = {"python": platform.python_version()}
    for name in ("genlock", *libraries):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
