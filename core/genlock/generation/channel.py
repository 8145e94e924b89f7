"""Messages over a pipe: four bytes of length, then MessagePack. Typed, so that a worker can send nothing but what is
listed here (pickle would let a hostile model file run code in the daemon)."""

from __future__ import annotations

import contextlib
from threading import Lock
from typing import BinaryIO, Final

import msgspec
from msgspec import Struct

from genlock.generation.executor import Failed, Finished, Move, Moved, Progress, Staging, Stopped, Ticket

LARGEST: Final = 64 << 20


class Run(Struct, frozen=True, tag="run"):
    """Daemon to worker: do this. `engines` are the targets of the registry, `device` is where models compute."""

    ticket: Ticket
    engines: dict[str, str]
    device: str = "cpu"


class Cancel(Struct, frozen=True, tag="cancel"):
    """Daemon to worker: stop this job at the next frame."""

    job: str


class Proceed(Struct, frozen=True, tag="proceed"):
    """Daemon to worker: make these moves, then begin the stage asked for."""

    job: str
    moves: tuple[Move, ...] = ()


class Shift(Struct, frozen=True, tag="shift"):
    """Daemon to worker: make these moves, at once when idle, else at the next step."""

    moves: tuple[Move, ...]


class Ready(Struct, frozen=True, tag="ready"):
    """Worker to daemon: imports done."""

    pid: int


class Beat(Struct, frozen=True, tag="beat"):
    """Worker to daemon: at work on this job (empty: on none), with so many bytes of a GPU in use."""

    job: str
    allocated: int = 0


Order = Run | Cancel | Proceed | Shift
Report = Ready | Beat | Progress | Staging | Moved | Finished | Failed | Stopped

_encode = msgspec.msgpack.Encoder().encode
_orders = msgspec.msgpack.Decoder(Order)
_reports = msgspec.msgpack.Decoder(Report)


class Channel:
    """Both ends of the conversation: `send` from any thread, `receive` from one."""

    def __init__(self, reader: BinaryIO, writer: BinaryIO) -> None:
        self._reader, self._writer = reader, writer
        self._lock = Lock()

    def send(self, message: Order | Report) -> bool:
        """Sends; returns False when the other side is gone."""
        body = _encode(message)
        with self._lock:
            try:
                self._writer.write(len(body).to_bytes(4, "big") + body)
                self._writer.flush()
            except (OSError, ValueError):  # ValueError: closed on this side
                return False
        return True

    def receive(self) -> bytes | None:
        """Returns the next message's bytes, waiting for it; None when the other side is gone or talks nonsense."""
        try:
            size = int.from_bytes(head, "big") if len(head := self._reader.read(4)) == 4 else -1
            if not 0 <= size <= LARGEST:
                return None
            body = self._reader.read(size)
        except (OSError, ValueError):
            return None
        return body if len(body) == size else None

    def order(self) -> Order | None:
        """Returns the next order, on the worker's side."""
        body = self.receive()
        return None if body is None else _orders.decode(body)

    def report(self) -> Report | None:
        """Returns the next report, on the daemon's side; nonsense counts as a lost worker."""
        body = self.receive()
        try:
            return None if body is None else _reports.decode(body)
        except msgspec.DecodeError:
            return None

    def close(self) -> None:
        """Closes both directions; the other side notices."""
        for file in (self._writer, self._reader):
            with contextlib.suppress(OSError, ValueError):
                file.close()
