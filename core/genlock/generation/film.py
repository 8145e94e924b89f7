"""The worker's sink: frames and sound go in, one complete take comes out. Frames are encoded on a thread of their own,
so that the next one is drawn meanwhile."""

from __future__ import annotations

import platform
from collections.abc import Callable
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from queue import Queue
from threading import Thread
from time import perf_counter
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol

import cv2
from msgspec.structs import replace

from genlock.errors import GenerationError
from genlock.generation.delivery import Sidecars, deliver, write
from genlock.generation.engine import Engine, Halt, Product, Stage
from genlock.generation.executor import Progress, Ticket
from genlock.generation.rack import Rack
from genlock.media import encoding
from genlock.media.digest import file_digest
from genlock.media.probe import probe
from genlock.media.writer import TakeWriter
from genlock.project.request import Provenance
from genlock.project.shot import Take, TakeKind

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
_KIND: Final[dict[Product, TakeKind]] = {"movie": "picture", "still": "picture", "text": "text", "matte": "mask"}


class Line(Protocol):
    """What a film needs of the process it runs in."""

    @property
    def models(self) -> Rack:
        """The parts held there."""

    def report(self, message: Progress) -> None:
        """Passes on how far the job is."""

    def stopped(self) -> bool:
        """Whether the job was cancelled."""

    def step(self) -> None:
        """Makes the moves that are due."""

    def stage(self, stage: Stage) -> None:
        """Waits until a stage may begin. Raises Halt."""


class Film:
    """Sink of one job; a context manager that drops everything unfinished. `finish` returns the take."""

    def __init__(self, ticket: Ticket, engine: Engine, line: Line) -> None:
        self._ticket, self._engine, self._line, self.cancelled = ticket, engine, line, line.stopped
        self.models = line.models
        self._sidecars = Sidecars(ticket.desk / "sidecars")
        self._details: dict[str, Any] = {}
        self._stage: Stage | None = None
        self._stages: dict[str, dict[str, float]] = {}
        self._frames = 0
        self._written = ""
        self._seconds: dict[str, float] = {}
        self._begin = self._staged = perf_counter()
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

    def stage(self, name: str) -> None:
        """Begins a stage of the plan, when it may. Raises GenerationError(engine_failed) for one the plan lacks."""
        self._step()
        stage = next((stage for stage in self._ticket.plan.stages if stage.name == name), None)
        if stage is None:
            raise GenerationError("engine_failed", f"The plan {self._ticket.plan.name} has no stage {name}.")
        self._end_stage()
        self._line.stage(stage)
        self._stage, self._staged = stage, perf_counter()

    def attach(self, use: str, name: str, data: bytes) -> None:
        """Takes a file of a sidecar. Raises GenerationError(engine_failed) for a name that is none."""
        self._halt()
        self._sidecars.add(use, name, data)

    def note(self, **details: Any) -> None:
        """Takes details for the provenance."""
        self._details.update(details)

    def frame(self, picture: Array) -> None:
        """Takes the next frame, which is the film's from then on."""
        self._step()
        if self._frames >= self._wanted:
            return
        self._frames += 1
        if perf_counter() - self._previewed > PREVIEW_EVERY:
            self.preview(_jpeg(picture))
        if self._form == "still":
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
        self._step()
        self._written += text

    def progress(self, done: int, total: int, phase: str) -> None:
        """Passes on how far a phase is, at most twenty times a second and always at its end."""
        self._step()
        now = perf_counter()
        if now - self._reported >= PROGRESS_EVERY or done >= total:
            self._reported = now
            self._line.report(Progress(self._ticket.job, done, total, phase, self._preview))
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
        self._end_stage()
        self._lap("generate")
        ticket = self._ticket
        master = self._complete()
        self._lap("finish")
        # Before they have their names: who is killed from here on leaves a complete take or none.
        info = replace(probe(master), digest=file_digest(master)) if self._form != "text" else None
        self._halt()
        number, paths = deliver(ticket, master, self._proxy if self._has_proxy else None, self._sidecars)
        self._lap("deliver")
        return Take(
            id=f"take-{ticket.job}",
            number=number,
            path=str(paths.pop("")),
            proxy=str(paths.pop("proxy", "")),
            info=info,
            provenance=self._provenance(),
            job=ticket.job,
            kind=_KIND[ticket.plan.product],
            sidecars={use: str(path) for use, path in sorted(paths.items())},
        )

    def _provenance(self) -> Provenance:
        plan = self._ticket.plan
        details = dict(self._details)
        if notes := dict.fromkeys((*plan.notes, *details.get("notes", ()))):
            details["notes"] = list(notes)
        if plan.components:
            details["device"] = self.models.device
        if self._stages:
            details["stages"] = self._stages
        return Provenance(
            request=self._ticket.request,
            engine=self._engine.name,
            engine_version=self._engine.version,
            plan=plan.name,
            draft=plan.draft,
            versions=_versions(self._engine.libraries()),
            seconds=self._seconds,
            model=plan.model,
            revision=plan.revision,
            details=details,
        )

    @property
    def _form(self) -> Literal["movie", "still", "text"]:
        """What kind of file it becomes: a matte of one frame is a still."""
        product = self._ticket.plan.product
        if product == "matte":
            return "still" if self._ticket.request.mode == "mask" else "movie"
        return product

    @property
    def _wanted(self) -> int:
        return {"movie": self._ticket.request.frames, "still": 1, "text": 0}[self._form]

    @property
    def _encoding(self) -> str:
        return "prores4444" if self._ticket.plan.product == "matte" else self._ticket.master

    @property
    def _master(self) -> Path:
        form = self._form
        suffix = f".{encoding.master(self._encoding).container}" if form == "movie" else SUFFIX[form]
        return self._ticket.desk / f"{self._ticket.stem}{suffix}"

    @property
    def _proxy(self) -> Path:
        return self._ticket.desk / "proxy.mp4"

    @property
    def _has_proxy(self) -> bool:
        return self._ticket.proxy and self._form == "movie"

    def _open(self) -> _Encoder:
        if self._encoder is None:
            request = self._ticket.request
            # No timecode track: Resolve would count the media from it, and a take counts from 0 in every cut.
            writer = TakeWriter(
                self._master,
                rate=request.rate,
                resolution=request.resolution,
                master=self._encoding,
                channels=0 if self._ticket.plan.product == "matte" else 2,
                proxy=self._proxy if self._has_proxy else None,
            )
            self._encoder = _Encoder(writer)
        return self._encoder

    def _complete(self) -> Path:
        """Returns the finished master on the desk."""
        match self._form:
            case "movie":
                self._open().finish()
            case "still":
                assert self._still is not None
                write(self._master, _png(self._still))
            case "text":
                self._master.write_text(self._written, encoding="utf-8")
        return self._master

    def _halt(self) -> None:
        if self.cancelled():
            raise Halt

    def _step(self) -> None:
        self._halt()
        self._line.step()

    def _end_stage(self) -> None:
        if self._stage is not None:
            # A stage may come again and again, as in a film made of windows.
            measured = self._stages.setdefault(self._stage.name, {"seconds": 0.0})
            measured["seconds"] = round(measured["seconds"] + perf_counter() - self._staged, 4)
            if activation := self.models.activation():
                measured["activation"] = max(activation, measured.get("activation", 0))

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


def _png(picture: Array) -> bytes:
    order = cv2.COLOR_RGBA2BGRA if picture.shape[2] == 4 else cv2.COLOR_RGB2BGR
    png: bytes = cv2.imencode(".png", cv2.cvtColor(picture, order))[1].tobytes()
    return png


def _jpeg(picture: Array) -> bytes:
    if picture.shape[2] == 4:  # what is masked shows, on black
        picture = cv2.multiply(picture[..., :3], cv2.merge([picture[..., 3]] * 3), scale=1 / 255)
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
