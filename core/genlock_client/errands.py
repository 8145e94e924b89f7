"""REST for a host that may not wait: calls over non-blocking loopback sockets, moved on by `pump` from the host's timer.

One connection for each call, a few at once, no thread. What a call brings is handed to its `then` inside `pump`.
"""

from __future__ import annotations

import errno
import json
import socket
import time
import urllib.parse
from collections import deque
from itertools import count
from typing import Any, Callable, Mapping, NamedTuple

from genlock_client.discovery import Endpoint
from genlock_client.errors import ClientError, Offline, from_payload

AT_ONCE = 4
"""Connections at the same time."""
QUEUE = 10_000
"""Calls that may wait for their turn."""
CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 60.0
"""From the start of a call to the last byte of its answer, unless the call says otherwise."""
PAUSE_SECONDS = 1.0
"""A host that did not pump for longer, as while it renders, could not hear the answer: only so much of it counts."""
HEAD_LIMIT = 64 * 1024
BODY_LIMIT = 64 * 1024 * 1024
CHUNK = 256 * 1024
"""Bytes read or written at once."""

_NOT_YET = frozenset(
    getattr(errno, prefix + name)
    for name in ("EAGAIN", "EWOULDBLOCK", "EINPROGRESS", "EALREADY", "EINTR", "ENOTCONN")
    for prefix in ("", "WSA")
    if hasattr(errno, prefix + name)
)


class Answer(NamedTuple):
    """What became of a call. `body` is JSON, or bytes for a raw call; `error` says why there is none.

    `status` is the HTTP status, 0 when no answer came.
    """

    id: int
    status: int
    body: Any
    error: ClientError | None


Then = Callable[[Answer], object]


class Errands:
    """Calls to the daemon that `find` returns at the start of each (None: there is none now).

    `clock` gives monotonic seconds. Nothing here blocks or raises for what the network or the daemon does: it is in the
    Answer.
    """

    def __init__(self, find: Callable[[], Endpoint | None], *, clock: Callable[[], float] = time.monotonic) -> None:
        self._find = find
        self._clock = clock
        self._ids = count(1)
        self._waiting: deque[_Call] = deque()
        self._active: list[_Call] = []

    @property
    def busy(self) -> bool:
        """Whether a call is under way or waits for its turn."""
        return bool(self._waiting or self._active)

    def get(
        self,
        path: str,
        query: Mapping[str, Any] | None = None,
        then: Then | None = None,
        *,
        raw: bool = False,
        seconds: float = ANSWER_SECONDS,
    ) -> int:
        """Queues a GET and returns its id; query values that are None are left out. With `raw` the body is bytes."""
        return self._queue("GET", path, query, None, then, raw, seconds)

    def post(
        self,
        path: str,
        body: Mapping[str, Any] | None = None,
        then: Then | None = None,
        *,
        query: Mapping[str, Any] | None = None,
        raw: bool = False,
        seconds: float = ANSWER_SECONDS,
    ) -> int:
        """Queues a POST of JSON and returns its id. Raises ValueError or TypeError for a body that is no JSON.

        A connection that is lost before the answer came says nothing of whether the daemon did what was asked: bodies with
        an `id` of their own can be sent again.
        """
        return self._queue("POST", path, query, {} if body is None else body, then, raw, seconds)

    def cancel(self, id: int) -> bool:
        """Forgets a call, and says whether there was one. Its `then` is not called; the daemon may have done it already."""
        for call in [*self._active, *self._waiting]:
            if call.id == id:
                self._drop(call)
                return True
        return False

    def close(self) -> None:
        """Forgets every call and closes the sockets."""
        for call in [*self._active, *self._waiting]:
            self._drop(call)

    def pump(self, budget_seconds: float = 0.002) -> None:
        """Moves the calls on and hands out what came; stops once `budget_seconds` are used.

        One read, one decoding and one `then` are taken whole. What a `then` raises comes out of here; its call is done with
        and the others are not touched.
        """
        deadline = self._clock() + budget_seconds
        moved = True
        while moved:
            moved = False
            while self._waiting and len(self._active) < AT_ONCE:
                self._active.append(self._waiting.popleft())
            for call in list(self._active):
                if call not in self._active:
                    continue  # a `then` cancelled it
                moved = call.step(self._find, self._clock()) or moved
                if call.answer is not None:
                    self._drop(call)
                    if call.then is not None:
                        call.then(call.answer)
                if self._clock() >= deadline:
                    # who had a turn goes behind the others
                    self._active.sort(key=lambda one: one.turns)
                    return

    def _queue(
        self,
        method: str,
        path: str,
        query: Mapping[str, Any] | None,
        body: Mapping[str, Any] | None,
        then: Then | None,
        raw: bool,
        seconds: float,
    ) -> int:
        target = urllib.parse.quote(path, safe="/:@")
        given = {name: _text(value) for name, value in (query or {}).items() if value is not None}
        if given:
            target += "?" + urllib.parse.urlencode(given)
        data = None if body is None else json.dumps(body, allow_nan=False).encode()
        call = _Call(next(self._ids), method, target, data, then, raw, seconds)
        if len(self._waiting) >= QUEUE:
            call.fail(ClientError("too_large", f"{QUEUE:,} calls already wait for the daemon."))
        self._waiting.append(call)
        return call.id

    def _drop(self, call: _Call) -> None:
        call.shut()
        if call in self._active:
            self._active.remove(call)
        elif call in self._waiting:
            self._waiting.remove(call)


class _Call:
    """One call: first it has no socket, then it sends, then it reads, at last it has an answer."""

    def __init__(
        self, id: int, method: str, target: str, data: bytes | None, then: Then | None, raw: bool, seconds: float
    ) -> None:
        self.id = id
        self.then = then
        self.answer: Answer | None = None
        self.turns = 0
        self._method, self._target, self._data, self._raw = method, target, data, raw
        self._seconds = seconds
        self._last = self._waited = 0.0
        self._socket: socket.socket | None = None
        self._unsent = memoryview(b"")
        self._sent = 0
        self._reply = Reply()

    def step(self, find: Callable[[], Endpoint | None], now: float) -> bool:
        """Does what can be done at once; says whether something was."""
        self.turns += 1
        if self.answer is not None:
            return True
        try:
            if self._socket is None:
                self._open(find(), now)
                return True
            moved = self._send() or self._read()
            if self.answer is None:
                self._wait(now)
            return moved
        except OSError as error:
            self.fail(_unreachable(error.strerror or str(error)))
        except ClientError as error:
            self.fail(error)
        return True

    def fail(self, error: ClientError) -> None:
        self.answer = Answer(self.id, self._reply.status, None, error)

    def shut(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _open(self, endpoint: Endpoint | None, now: float) -> None:
        if endpoint is None:
            raise Offline("daemon_absent", "No daemon is running.")
        self._last = now
        self._unsent = memoryview(self._request(endpoint))
        family = socket.AF_INET6 if ":" in endpoint.host else socket.AF_INET
        sock = self._socket = socket.socket(family, socket.SOCK_STREAM)
        sock.setblocking(False)
        code = sock.connect_ex((endpoint.host, endpoint.port))
        if code and code not in _NOT_YET:
            raise OSError(code, errno.errorcode.get(code, str(code)))

    def _request(self, endpoint: Endpoint) -> bytes:
        lines = [
            f"{self._method} {self._target} HTTP/1.1",
            f"Host: {endpoint.url.partition('//')[2]}",
            f"Authorization: Bearer {endpoint.token}",
            "Accept-Encoding: identity",
            "Connection: close",
        ]
        if self._data is not None:
            lines += ["Content-Type: application/json", f"Content-Length: {len(self._data)}"]
        return "\r\n".join([*lines, "", ""]).encode() + (self._data or b"")

    def _send(self) -> bool:
        sock = self._socket
        if sock is None or not self._unsent:
            return False
        broken = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if broken:
            raise OSError(broken, errno.errorcode.get(broken, str(broken)))
        try:
            sent = sock.send(self._unsent[:CHUNK])
        except OSError as error:
            if error.errno in _NOT_YET:
                return False
            if self._sent:  # it may have answered before it heard all, with a refusal
                self._unsent = memoryview(b"")
                return True
            raise
        self._sent += sent
        self._unsent = self._unsent[sent:]
        return True

    def _read(self) -> bool:
        sock = self._socket
        if sock is None or not self._sent:
            return False
        try:
            data = sock.recv(CHUNK)
        except OSError as error:
            if error.errno in _NOT_YET:
                return False
            raise
        if self._reply.feed(data):
            self.answer = self._read_out()
        elif not data:
            raise _unreachable("it closed the connection before it had answered")
        return True

    def _wait(self, now: float) -> None:
        self._waited += min(now - self._last, PAUSE_SECONDS)
        self._last = now
        if not self._sent and self._waited >= CONNECT_SECONDS:
            raise _unreachable(f"no connection within {CONNECT_SECONDS:g} seconds")
        if self._waited >= self._seconds:
            raise Offline("no_answer", f"The daemon did not answer within {self._seconds:g} seconds.")

    def _read_out(self) -> Answer:
        status, data = self._reply.status, bytes(self._reply.body)
        if 200 <= status < 300 and self._raw:
            return Answer(self.id, status, data, None)
        try:
            body = json.loads(data) if data else None
        except (ValueError, RecursionError):
            body = None
            if 200 <= status < 300:
                text = f"The answer of {self._target.partition('?')[0]} is not JSON."
                return Answer(self.id, status, None, ClientError("internal", text, status=status))
        if 200 <= status < 300:
            return Answer(self.id, status, body, None)
        inner = body.get("error") if isinstance(body, dict) else None
        return Answer(self.id, status, None, from_payload(inner, status))


class Reply:
    """The answer to one HTTP/1.1 request, fed in pieces of any size. Redirects are answers like any other."""

    def __init__(self) -> None:
        self.status = 0
        self.body = bytearray()
        self._buffer = bytearray()
        self._take: Callable[[], bool] = self._head
        self._left = 0
        self._whole = False
        self._until_end = False

    def feed(self, data: bytes) -> bool:
        """Takes bytes, none of them for the end of the stream, and says whether the answer is whole.

        Raises ClientError for what is no HTTP, or too large.
        """
        self._buffer += data
        while not self._whole and self._take():
            pass
        if not data and self._until_end:
            self._whole = True
        if len(self.body) + self._left > BODY_LIMIT:
            raise ClientError("too_large", f"The answer is larger than {BODY_LIMIT // 2**20} MiB.", status=self.status)
        return self._whole

    def _line(self, limit: int = HEAD_LIMIT) -> bytes | None:
        end = self._buffer.find(b"\n")
        if end < 0 or end > limit:
            if len(self._buffer) > limit:
                raise _garbage(self.status)
            return None
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        return line.rstrip(b"\r")

    def _head(self) -> bool:
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            if len(self._buffer) > HEAD_LIMIT or not b"HTTP/1.".startswith(bytes(self._buffer[:7])):
                raise _garbage(0)
            return False
        lines = bytes(self._buffer[:end]).decode("latin-1").split("\r\n")
        del self._buffer[: end + 4]
        version, _, rest = lines[0].partition(" ")
        if version not in ("HTTP/1.1", "HTTP/1.0") or not (rest[:3].isascii() and rest[:3].isdigit()):
            raise _garbage(0)
        self.status = int(rest[:3])
        if self.status < 200:
            return True  # an interim answer; the real one follows
        fields: dict[str, str] = {}
        for line in lines[1:]:
            name, colon, value = line.partition(":")
            name, value = name.lower(), value.strip()
            if not colon or (name == "content-length" and fields.get(name, value) != value):
                raise _garbage(self.status)
            fields[name] = value
        self._framing(fields)
        return True

    def _framing(self, fields: Mapping[str, str]) -> None:
        coding, length = fields.get("transfer-encoding"), fields.get("content-length")
        if self.status in (204, 304):
            self._whole = True
        elif coding is not None:
            if coding.lower() != "chunked":
                raise _garbage(self.status)
            self._take = self._size
        elif length is not None:
            if not (length.isascii() and length.isdigit()) or len(length) > 18:
                raise _garbage(self.status)
            self._left = int(length)
            self._take = self._counted
            self._whole = self._left == 0
        else:
            self._take = self._rest
            self._until_end = True

    def _counted(self) -> bool:
        self._move()
        self._whole = self._left == 0
        return False

    def _rest(self) -> bool:
        self.body += self._buffer
        self._buffer.clear()
        return False

    def _size(self) -> bool:
        line = self._line(1024)
        if line is None:
            return False
        digits = line.partition(b";")[0].strip()
        if not digits or len(digits) > 12 or digits.strip(b"0123456789abcdefABCDEF"):
            raise _garbage(self.status)
        self._left = int(digits, 16)
        self._take = self._chunk if self._left else self._trailer
        return True

    def _chunk(self) -> bool:
        self._move()
        if self._left:
            return False
        self._take = self._chunk_end
        return True

    def _chunk_end(self) -> bool:
        if len(self._buffer) < 2:
            return False
        if self._buffer[:2] != b"\r\n":
            raise _garbage(self.status)
        del self._buffer[:2]
        self._take = self._size
        return True

    def _trailer(self) -> bool:
        line = self._line()
        self._whole = line == b""
        return line is not None

    def _move(self) -> None:
        piece = self._buffer[: self._left]
        del self._buffer[: self._left]
        self.body += piece
        self._left -= len(piece)


def _garbage(status: int) -> ClientError:
    return ClientError("internal", "What answers on the daemon's port does not speak HTTP.", status=status)


def _unreachable(reason: str) -> Offline:
    return Offline("daemon_absent", f"The daemon cannot be reached: {reason}.")


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
