"""What the daemon and its media process say to each other: msgpack frames with a four-byte length before them."""

from __future__ import annotations

from typing import IO, Any, Final

import msgspec
from msgspec import Struct

from genlock.project.media import MediaInfo
from genlock.timeline.model import Resolution

LARGEST: Final = 1 << 30
TICKS: Final = 90_000 * 48
"""Parts of a second in which exact times are told: whole frames and samples of any usual rate are whole ticks or near."""


class Probe(Struct, frozen=True, tag="probe"):
    path: str


class Thumbnail(Struct, frozen=True, tag="thumbnail"):
    path: str
    frame: int
    width: int


class Filmstrip(Struct, frozen=True, tag="filmstrip"):
    path: str
    count: int
    height: int
    start: int
    end: int | None


class Peaks(Struct, frozen=True, tag="peaks"):
    path: str
    per_second: int


class Frames(Struct, frozen=True, tag="frames"):
    path: str
    indices: tuple[int, ...]


class MakeProxy(Struct, frozen=True, tag="make_proxy"):
    source: str
    target: str


class Slate(Struct, frozen=True, tag="slate"):
    target: str
    title: str
    note: str
    size: Resolution


class Measure(Struct, frozen=True, tag="measure"):
    """Asks for what a render must know of a file beyond its MediaInfo."""

    path: str


Request = Probe | Thumbnail | Filmstrip | Peaks | Frames | MakeProxy | Slate | Measure


class Measured(Struct, frozen=True, tag="measured"):
    """`picture` and `sound`: start of the first stream of each kind, `clock`: where the file's clock starts, in TICKS of a
    second. `matrix` names the colour matrix that untagged pixels are to be read with, "" when they are tagged or RGB.
    `seekable`: the container's index leads to any frame. `coarse`: the sound's time stamps are longer than a sample."""

    picture: int = 0
    sound: int = 0
    clock: int = 0
    matrix: str = ""
    seekable: bool = False
    coarse: bool = False


class Information(Struct, frozen=True, tag="information"):
    info: MediaInfo


class Data(Struct, frozen=True, tag="data"):
    parts: tuple[bytes, ...] = ()


class Failure(Struct, frozen=True, tag="failure"):
    """A GenlockError of the child: `kind` is its class."""

    kind: str
    code: str
    message: str
    details: dict[str, Any] = {}


Reply = Information | Data | Measured | Failure

_encoder = msgspec.msgpack.Encoder()
_requests: msgspec.msgpack.Decoder[Request] = msgspec.msgpack.Decoder(Request)
_replies: msgspec.msgpack.Decoder[Reply] = msgspec.msgpack.Decoder(Reply)


def send(stream: IO[bytes], message: Request | Reply) -> None:
    """Writes one message; OSError when the other side is gone."""
    body = _encoder.encode(message)
    stream.write(len(body).to_bytes(4, "little") + body)
    stream.flush()


def receive_request(stream: IO[bytes]) -> Request | None:
    """Returns the next request, None when the other side is gone."""
    body = _receive(stream)
    return None if body is None else _requests.decode(body)


def receive_reply(stream: IO[bytes]) -> Reply | None:
    """Returns the next reply, None when the other side is gone."""
    body = _receive(stream)
    return None if body is None else _replies.decode(body)


def _receive(stream: IO[bytes]) -> bytes | None:
    head = _exactly(stream, 4)
    if head is None:
        return None
    size = int.from_bytes(head, "little")
    return _exactly(stream, size) if size <= LARGEST else None


def _exactly(stream: IO[bytes], size: int) -> bytes | None:
    parts = bytearray()
    while len(parts) < size:
        part = stream.read(size - len(parts))
        if not part:
            return None
        parts += part
    return bytes(parts)
