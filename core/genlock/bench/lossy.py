"""A proxy for TCP that treats what passes as bad networks do: late, in pieces, cut off in the middle, gone."""

from __future__ import annotations

import random
import socket
import threading
import time
from contextlib import suppress
from typing import Final

CHUNK: Final = 16384
LATEST: Final = 0.05
"""Seconds that a piece is kept back at most."""


class Lossy:
    """Listens on loopback and passes everything on to `target` (a port). While `rough` it delays, cuts and drops.

    `port` is where it listens, `cuts` counts the connections that it ended. What happens is drawn from `seed`; when it
    happens is up to the machine.
    """

    def __init__(self, target: int, seed: int) -> None:
        self.target = target
        self.rough = False
        self.away = False
        """Whether nothing passes at all: connections are turned away."""
        self.cuts = 0
        self._random = random.Random(seed)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._open: set[socket.socket] = set()
        self._ended = False
        threading.Thread(target=self._accept, daemon=True).start()

    def drop(self) -> None:
        """Ends every connection at once."""
        self.cuts += 1
        for each in list(self._open):
            _end(each)

    def close(self) -> None:
        """Ends everything."""
        self._ended = True
        _end(self._listener)
        self.drop()

    def _accept(self) -> None:
        while not self._ended:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            if self.away:
                _end(near)
                continue
            try:
                far = socket.create_connection(("127.0.0.1", self.target), 5)
            except OSError:
                _end(near)
                continue
            for one, other in ((near, far), (far, near)):
                self._open.add(one)
                threading.Thread(target=self._carry, args=(one, other, self.target), daemon=True).start()

    def _carry(self, one: socket.socket, other: socket.socket, target: int) -> None:
        ours, theirs = (f"Host: 127.0.0.1:{port}\r\n".encode() for port in (self.port, target))
        with suppress(OSError):
            while data := one.recv(CHUNK):
                data = data.replace(ours, theirs)  # the daemon answers to its own name only
                for piece in self._pieces(data):
                    other.sendall(piece)
        _end(one)
        _end(other)
        self._open.discard(one)

    def _pieces(self, data: bytes) -> list[bytes]:
        """Returns the data, or while it is rough what arrives of it. Raises OSError where the connection ends."""
        if not self.rough:
            return [data]
        drawn = self._random.random()
        if drawn < 0.01:
            self.cuts += 1
            raise OSError
        if drawn < 0.4:
            time.sleep(self._random.random() * LATEST)
        at = self._random.randrange(len(data)) if drawn < 0.7 else 0
        return [data[:at], data[at:]] if at else [data]


def _end(each: socket.socket) -> None:
    with suppress(OSError):
        each.shutdown(socket.SHUT_RDWR)
    each.close()
