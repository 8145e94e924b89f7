"""Carries a session over a non-blocking socket without a thread: a host calls `pump` from its own timer.

WebSocket framing is `websockets`' own Sans-I/O protocol (13.1 to 17). Loopback only, so there is no TLS. `pump` never
waits: idle it costs one clock reading and one refused `recv`.
"""

from __future__ import annotations

import errno
import json
import select
import socket
import time
from collections import deque
from contextlib import suppress
from typing import Callable, NamedTuple

from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.http11 import Response
from websockets.protocol import OPEN
from websockets.uri import parse_uri

from genlock_client.discovery import Endpoint
from genlock_client.happenings import Happening
from genlock_client.session import UNAUTHORIZED, Closed, Resuming, Session
from genlock_client.wire import MAX_MESSAGE

CHUNK = 256 * 1024
"""Bytes read at once."""

_IN_PROGRESS = (0, errno.EINPROGRESS, errno.EWOULDBLOCK, getattr(errno, "WSAEWOULDBLOCK", -1))


class Waits(NamedTuple):
    """What `select` should watch until the next pump: sockets to read and to write, seconds at most."""

    read: list[socket.socket]
    write: list[socket.socket]
    seconds: float


class Transport:
    """One session's connection.

    `find` is asked for the daemon's endpoint before every attempt, because a restarted daemon has another port and token;
    None means that there is none now.
    """

    def __init__(
        self,
        session: Session,
        find: Callable[[], Endpoint | None],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.session = session
        self._find = find
        self._clock = clock
        self._socket: socket.socket | None = None
        self._protocol: ClientProtocol | None = None
        self._token: str | None = None
        self._connected = False
        self._texts: deque[bytes] = deque()
        self._parts: list[bytes] = []
        self._unsent = b""

    def pump(self, budget_seconds: float = 0.005) -> list[Happening]:
        """Sends, receives and lets time pass; returns what happened, in order.

        Stops taking messages once `budget_seconds` are used; the rest waits for the next call (one message, however
        large, is taken whole). Never blocks and never raises for what the network does.
        """
        happenings: list[Happening] = []
        if self._socket is None:
            if not self.session.wants_connection():
                return happenings
            self._open(happenings)
        if self._socket is not None and not self._connected:
            self._finish_connect(happenings)
        if self._socket is not None and self._connected:
            self._send_frames()
            self._receive(happenings, self._clock() + budget_seconds)
        if not self._texts:
            happenings += self.session.tick()
        if self._socket is not None:
            if isinstance(self.session.state, (Resuming, Closed)):
                self._shut()
            else:
                self._send_frames()
                self._write(happenings)
        return happenings

    def waits(self) -> Waits:
        """Returns what to `select` on before the next pump is worth its while."""
        if self._texts:
            return Waits([], [], 0.0)
        seconds = self.session.wait_seconds()
        if self._socket is None:
            return Waits([], [], seconds)
        if not self._connected:
            return Waits([], [self._socket], max(seconds, 1.0))
        return Waits([self._socket], [self._socket] if self._unsent else [], seconds)

    def close(self) -> list[Happening]:
        """Ends the session, says goodbye to the daemon when that needs no waiting, and closes the socket."""
        happenings = self.session.close()
        self._shut()
        return happenings

    # -- connecting

    def _open(self, happenings: list[Happening]) -> None:
        endpoint = self._find()
        if endpoint is None:
            happenings += self.session.lost("No daemon is running.")
            return
        self._token = endpoint.token
        self._protocol = ClientProtocol(parse_uri(endpoint.websocket), max_size=MAX_MESSAGE)
        self._texts.clear()
        self._parts = []
        self._unsent = b""
        self._connected = False
        family = socket.AF_INET6 if ":" in endpoint.host else socket.AF_INET
        sock = self._socket = socket.socket(family, socket.SOCK_STREAM)
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        code = sock.connect_ex((endpoint.host, endpoint.port))
        if code not in _IN_PROGRESS:
            self._lose(f"The daemon's port cannot be reached: {errno.errorcode.get(code, code)}.", happenings)

    def _finish_connect(self, happenings: list[Happening]) -> None:
        sock, protocol = self._socket, self._protocol
        assert sock is not None
        assert protocol is not None
        _, writable, broken = select.select([], [sock], [sock], 0)
        if not writable and not broken:
            return
        code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            self._lose(f"The daemon's port cannot be reached: {errno.errorcode.get(code, code)}.", happenings)
            return
        self._connected = True
        request = protocol.connect()
        request.headers["Authorization"] = f"Bearer {self._token}"
        protocol.send_request(request)
        self._write(happenings)

    # -- moving bytes

    def _receive(self, happenings: list[Happening], deadline: float) -> None:
        while True:
            while self._texts:
                if isinstance(self.session.state, (Resuming, Closed)):
                    self._texts.clear()
                    return
                happenings += self.session.received(self._texts.popleft())
                if self._clock() >= deadline:
                    return
            if self._socket is None or not self._read(happenings) or (not self._texts and self._clock() >= deadline):
                return

    def _read(self, happenings: list[Happening]) -> bool:
        """Reads one chunk; False when there is none now, or the connection is gone."""
        sock, protocol = self._socket, self._protocol
        assert sock is not None
        assert protocol is not None
        if protocol.close_rcvd is not None or protocol.parser_exc is not None or protocol.reader.eof:
            self._lose(self._why(), happenings, self._close_code())
            return False
        try:
            data = sock.recv(CHUNK)
        except (BlockingIOError, InterruptedError):
            return False
        except OSError as error:
            self._lose(f"The connection broke: {error}.", happenings)
            return False
        if data:
            protocol.receive_data(data)
        else:
            protocol.receive_eof()
        for event in protocol.events_received():
            self._event(event)
        if protocol.handshake_exc is not None:
            self._refused_handshake(protocol.handshake_exc, happenings)
            return False
        return True

    def _event(self, event: object) -> None:
        if isinstance(event, Response):
            if self._protocol is not None and self._protocol.handshake_exc is None:
                self.session.opened(self._token)
                self._send_frames()
            return
        if not isinstance(event, Frame):
            return
        if event.opcode in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
            self._parts.append(bytes(event.data))
            if event.fin:
                self._texts.append(b"".join(self._parts))
                self._parts = []

    def _send_frames(self) -> None:
        protocol = self._protocol
        if protocol is None or protocol.state is not OPEN:
            return
        for text in self.session.outgoing():
            protocol.send_text(text.encode())

    def _write(self, happenings: list[Happening]) -> None:
        sock, protocol = self._socket, self._protocol
        if sock is None or protocol is None:
            return
        waiting = protocol.data_to_send()
        if waiting:
            self._unsent += b"".join(waiting)
        try:
            while self._unsent:
                self._unsent = self._unsent[sock.send(self._unsent) :]
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self._lose(f"The connection broke: {error}.", happenings)

    # -- losing

    def _refused_handshake(self, error: Exception, happenings: list[Happening]) -> None:
        response = getattr(error, "response", None)
        status = getattr(response, "status_code", None)
        reason = _explain(getattr(response, "body", None)) or f"The daemon did not open a WebSocket: {error}."
        self._lose(reason, happenings, UNAUTHORIZED if status in (401, 403) else None)

    def _close_code(self) -> int | None:
        received = self._protocol.close_rcvd if self._protocol is not None else None
        return received.code if received is not None else None

    def _why(self) -> str:
        received = self._protocol.close_rcvd if self._protocol is not None else None
        if received is not None:
            return received.reason or f"The daemon closed the connection ({received.code})."
        error = self._protocol.parser_exc if self._protocol is not None else None
        return f"The daemon broke the WebSocket protocol: {error}." if error else "The daemon went away."

    def _lose(self, reason: str, happenings: list[Happening], code: int | None = None) -> None:
        self._shut()
        happenings += self.session.lost(reason, code)

    def _shut(self) -> None:
        sock, protocol = self._socket, self._protocol
        self._socket, self._protocol = None, None
        self._texts.clear()
        if sock is None:
            return
        if protocol is not None and self._connected:
            if protocol.state is OPEN:
                protocol.send_close(1000)
            with suppress(OSError):  # the farewell is a courtesy
                sock.send(self._unsent + b"".join(protocol.data_to_send()))
        sock.close()

    @property
    def ended(self) -> bool:
        """Whether the session is closed for good."""
        return isinstance(self.session.state, Closed)


def _explain(body: bytes | None) -> str:
    """Returns the message of our error body, or nothing for a body of somebody else."""
    try:
        return str(json.loads(body or b"")["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return ""
