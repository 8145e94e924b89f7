"""The media process: `python -m genlock.media.child`. It reads requests from its standard input until that closes and
answers on its standard output. Whatever libav does to it, the daemon lives on."""

from __future__ import annotations

import contextlib
import os
import sys
from fractions import Fraction
from pathlib import Path
from typing import IO, Final, assert_never

import av
import av.logging
from av.video.reformatter import Colorspace

from genlock.errors import GenlockError, MediaError
from genlock.media import messages, peaks, probe, proxy, slate, thumbnails, timing
from genlock.media.messages import (
    TICKS,
    Data,
    Failure,
    Filmstrip,
    Frames,
    Information,
    MakeProxy,
    Measure,
    Measured,
    Peaks,
    Probe,
    Reply,
    Request,
    Slate,
    Thumbnail,
)
from genlock.media.opening import opened, picture_stream

MEMORY: Final = 12 << 30
"""Bytes of address space the process may take before libav is refused more."""
_SD_HEIGHT: Final = 576
_INDEXED: Final = ("mov", "mp4", "matroska", "avi", "mxf")


def main() -> None:
    """Serves requests until the parent is gone."""
    requests, replies = _channels()
    _limit()
    av.logging.set_level(av.logging.PANIC)
    while (request := messages.receive_request(requests)) is not None:
        messages.send(replies, answer(request))


def answer(request: Request) -> Reply:
    """Does what is asked; every error becomes a Failure."""
    try:
        return _do(request)
    except GenlockError as error:
        return Failure(type(error).__name__, error.code, error.message, error.details)
    except Exception as error:  # the request boundary of this process: foreign data may raise anything
        return Failure(
            MediaError.__name__, "media_unreadable", f"It cannot be decoded: {type(error).__name__}: {error}."
        )


def _do(request: Request) -> Reply:
    match request:
        case Probe(path=path):
            return Information(probe.probe(Path(path)))
        case Thumbnail(path=path, frame=frame, width=width):
            return Data((thumbnails.thumbnail(Path(path), frame, width),))
        case Filmstrip(path=path, count=count, height=height, start=start, end=end):
            return Data((thumbnails.filmstrip(Path(path), count, height, start, end),))
        case Peaks(path=path, per_second=per_second):
            return Data((peaks.peaks(Path(path), per_second),))
        case Frames(path=path, indices=indices):
            return Data(tuple(thumbnails.frames(Path(path), indices)))
        case MakeProxy(source=source, target=target):
            proxy.make_proxy(Path(source), Path(target))
            return Data()
        case Slate(target=target, title=title, note=note, size=size):
            slate.draw(Path(target), title, note, size)
            return Data()
        case Measure(path=path):
            return _measure(Path(path))
        case _:
            assert_never(request)


def _measure(path: Path) -> Measured:
    with opened(path) as container:
        stream = picture_stream(container)
        sounds = container.streams.audio
        picture = timing.start_time(stream) if stream is not None else Fraction(0)
        sound = Fraction(sounds[0].start_time or 0) * (sounds[0].time_base or 0) if sounds else picture
        return Measured(
            picture=round(picture * TICKS),
            sound=round(sound * TICKS),
            clock=round(Fraction(container.start_time or 0, av.time_base) * TICKS),
            matrix=_matrix(stream) if stream is not None else "",
            coarse=bool(sounds and (sounds[0].time_base or 0) * (sounds[0].codec_context.sample_rate or 0) > 2),
            seekable=any(name in _INDEXED for name in container.format.name.split(",")),
        )


def _matrix(stream: av.VideoStream) -> str:
    context = stream.codec_context
    if context.format is None or context.format.is_rgb or context.colorspace not in (2, int(Colorspace.DEFAULT)):
        return ""
    return "bt709" if context.height > _SD_HEIGHT else "smpte170m"


def _channels() -> tuple[IO[bytes], IO[bytes]]:
    """Keeps the standard streams for the parent: what a library prints goes to the error stream."""
    requests, replies = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return requests, replies


def _limit() -> None:
    if sys.platform == "win32":
        return
    import resource

    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if sys.platform == "linux":
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


if __name__ == "__main__":
    main()
