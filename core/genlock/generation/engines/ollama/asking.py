"""Talks to an Ollama server: short questions with a deadline, and a stream that can be given up at any moment.

The interface: https://github.com/ollama/ollama/blob/main/docs/api.md.
"""

from __future__ import annotations

import os
import socket
from base64 import b64encode
from collections.abc import Callable
from contextlib import closing, suppress
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from queue import Empty, SimpleQueue
from threading import Event, Thread, Timer
from time import monotonic
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from genlock.errors import BadInput, GenerationError

T = TypeVar("T")
Lines = SimpleQueue[bytes | Exception | None]
"""What a server says, then None; or what went wrong."""

DEFAULT: Final = "http://127.0.0.1:11434"
HOST: Final = "OLLAMA_HOST"
"""Environment variable of Ollama's own: where the server listens."""

QUICK: Final = 0.25
"""Seconds a question about what is there may take."""
CONNECT: Final = 3.0
"""Seconds until a server has to accept a connection."""
LOADING: Final = 180.0
"""Seconds until the first word: a large model comes from disk first."""
SILENCE: Final = 30.0
"""Seconds between two words."""
POLL: Final = 0.05
"""Seconds after which a cancel is noticed."""

LARGEST: Final = 1 << 20
"""Bytes of an answer, or of a line of a stream."""


class Held(Struct, frozen=True):
    """A model the server has: name and bytes on its disk."""

    name: str
    size: int = 0


class _Tags(Struct, frozen=True):
    models: list[Held] = []


class _Said(Struct, frozen=True):
    content: str = ""


class _Line(Struct, frozen=True):
    message: _Said = _Said()
    done: bool = False
    error: str = ""
    eval_count: int = 0
    prompt_eval_count: int = 0


class Counts(Struct, frozen=True):
    """Tokens read and written, as the server counts them."""

    read: int
    written: int


def address(given: str = "") -> str:
    """Returns the server's URL: the one given, else OLLAMA_HOST's, else this machine's. Raises BadInput(bad_value)."""
    text = given or os.environ.get(HOST, "") or DEFAULT
    url = text if "://" in text else f"http://{text}"
    try:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 11434)
    except ValueError as error:
        raise BadInput("bad_value", f"{text!r} is no address of a server.") from error
    name = parts.hostname or ""
    foreign = parts.scheme not in ("http", "https") or not name or parts.username
    if foreign or " " in url or not url.isprintable():
        raise BadInput("bad_value", f"{text!r} is no address of a server.", hint=f"For example {DEFAULT}.")
    # a server told to listen everywhere is asked here
    host = "127.0.0.1" if name in ("0.0.0.0", "::") else name
    return f"{parts.scheme}://{f'[{host}]' if ':' in host else host}:{port}{parts.path.rstrip('/')}"


def models(url: str, patience: float = QUICK) -> list[Held]:
    """Returns the models a server has, in its order. Raises GenerationError(language_model)."""
    return _read(url, "GET", "/api/tags", None, _Tags, patience).models


def abilities(url: str, model: str, patience: float = CONNECT) -> frozenset[str]:
    """Returns what a model can do ("completion", "vision", "thinking"); servers before 0.6 do not say and are read
    between the lines. Raises GenerationError(language_model)."""
    shown = _read(url, "POST", "/api/show", {"model": model}, dict[str, Any], patience)
    said = shown.get("capabilities")
    if isinstance(said, list):
        return frozenset(map(str, said))
    details = shown.get("details")
    families = details.get("families") if isinstance(details, dict) else None
    sees = bool(shown.get("projector_info")) or bool({"clip", "mllama"} & set(families or ()))
    return frozenset({"completion", "vision"} if sees else {"completion"})


def unload(url: str, model: str) -> None:
    """Asks the server to give a model's memory back. Raises GenerationError(language_model)."""
    _read(url, "POST", "/api/generate", {"model": model, "keep_alive": 0}, dict[str, Any], CONNECT)


def message(role: str, text: str, pictures: tuple[bytes, ...] = ()) -> dict[str, Any]:
    """Returns a message of a chat; pictures are JPEG or PNG."""
    images = {"images": [b64encode(picture).decode() for picture in pictures]} if pictures else {}
    return {"role": role, "content": text, **images}


def chat(
    url: str,
    body: dict[str, Any],
    said: Callable[[str], object],
    waiting: Callable[[], object],
    loading: float = LOADING,
    silence: float = SILENCE,
) -> Counts:
    """Asks and calls `said` with each portion, `waiting` many times a second; both may raise, which hangs up.

    Raises GenerationError(language_model) when the server is down, refuses, talks nonsense, falls silent or hangs up.
    """
    lines: Lines = SimpleQueue()
    wire = _Wire(url)
    reader = Thread(target=_listen, args=(wire, url, body, loading, lines), name="ollama", daemon=True)
    reader.start()
    try:
        return _follow(url, lines, said, waiting, loading, silence)
    finally:
        wire.hang_up()
        reader.join(1)


class _Wire:
    """A connection that another thread can cut at any moment, which also ends the server's work."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        self._connection = kind(parts.hostname or "", parts.port, timeout=CONNECT)
        self._path = parts.path
        # http.client forgets its socket once an answer that ends with the connection has begun
        self._socket: socket.socket | None = None
        self._cut = Event()

    def ask(self, method: str, path: str, body: dict[str, Any] | None, patience: float) -> HTTPResponse:
        """Sends a request and returns the answer's beginning."""
        self._connection.timeout = min(CONNECT, patience)
        self._connection.connect()
        self._socket = self._connection.sock
        if self._cut.is_set():
            self.hang_up()
        self._socket.settimeout(patience)
        data = None if body is None else msgspec.json.encode(body)
        self._connection.request(method, self._path + path, data, {"Content-Type": "application/json"})
        return self._connection.getresponse()

    def hang_up(self) -> None:
        """Wakes whoever reads."""
        self._cut.set()
        if self._socket is not None:
            with suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Lets the socket go."""
        self._connection.close()


def _follow(
    url: str,
    lines: Lines,
    said: Callable[[str], object],
    waiting: Callable[[], object],
    loading: float,
    silence: float,
) -> Counts:
    until = monotonic() + loading
    while True:
        waiting()
        try:
            line = lines.get(timeout=POLL)
        except Empty:
            if monotonic() > until:
                raise _bad(url, "said nothing for too long") from None
            continue
        if line is None:
            raise _bad(url, "hung up in the middle of its answer")
        if isinstance(line, GenerationError):
            raise line
        if isinstance(line, Exception):
            raise _bad(url, f"cannot be read ({line or type(line).__name__})") from line
        until = monotonic() + silence
        told = _decode(url, line, _Line)
        if told.error:
            raise _bad(url, f"says: {told.error}")
        if told.message.content:
            said(told.message.content)
        if told.done:
            return Counts(told.prompt_eval_count, told.eval_count)


def _listen(wire: _Wire, url: str, body: dict[str, Any], loading: float, lines: Lines) -> None:
    with closing(wire):
        try:
            answer = wire.ask("POST", "/api/chat", body, loading)
            with answer:
                if answer.status != 200:
                    lines.put(_refused(url, answer.status, answer.read(LARGEST)))
                    return
                while line := answer.readline(LARGEST):
                    if line.strip():
                        lines.put(line)
            lines.put(None)
        except (OSError, HTTPException, ValueError) as error:
            lines.put(error)


def _read(url: str, method: str, path: str, body: dict[str, Any] | None, type_: type[T], patience: float) -> T:
    wire = _Wire(url)
    # a socket's own time limit counts for one portion only: a server that drips would never reach it
    deadline = Timer(patience, wire.hang_up)
    deadline.daemon = True
    deadline.start()
    with closing(wire):
        try:
            with wire.ask(method, path, body, patience) as answer:
                data = answer.read(LARGEST)
        except (OSError, HTTPException) as error:
            raise _bad(url, f"does not answer ({error or type(error).__name__})") from error
        finally:
            deadline.cancel()
    if answer.status != 200:
        raise _refused(url, answer.status, data)
    return _decode(url, data, type_)


def _decode(url: str, data: bytes, type_: type[T]) -> T:
    try:
        return msgspec.json.decode(data, type=type_)
    except msgspec.DecodeError as error:
        raise _bad(url, f"talks nonsense: {data[:80]!r}") from error


def _refused(url: str, status: int, data: bytes) -> GenerationError:
    try:
        said = msgspec.json.decode(data, type=_Line).error
    except msgspec.DecodeError:
        said = ""
    return _bad(url, f"answers {status}{f': {said}' if said else ''}")


def _bad(url: str, what: str) -> GenerationError:
    return GenerationError("language_model", f"The Ollama server at {url} {what}.")
