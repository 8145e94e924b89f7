"""The messages of the wire, protocol 1, as values; docs/protocol.md is the reference.

One message is one JSON object in one WebSocket text frame with a `type` field. `encode` makes the client's, `decode`
reads the server's. Fields a newer daemon adds are ignored, and so are whole messages (`Unknown`); a field of the wrong
type is an error, because guessing would corrupt the model.
"""

from __future__ import annotations

import json
from typing import Any, Callable, NamedTuple, Sequence, Union

from genlock_client.errors import ClientError

PROTOCOL = 1
MAX_MESSAGE = 64 * 1024 * 1024
"""Bytes of the largest message taken: a snapshot of some 100,000 items fits."""


class Cursor(NamedTuple):
    """A place in one store's log: everything up to notification `id` of the log `log` was seen."""

    log: str
    id: int


# -- from the client


class Hello(NamedTuple):
    """The first message. `project` None asks for the list of projects only; `cursor` None asks for a snapshot."""

    host: str
    actor: str
    token: str | None = None
    project: str | None = None
    cursor: Cursor | None = None
    protocol: int = PROTOCOL


class Command(NamedTuple):
    """One command. `id` makes it idempotent: repeat it to repeat the same command, never for another."""

    id: str
    command: dict[str, Any]
    target: str = ""
    base_version: int | None = None
    strict: bool = False
    kind: str = "edit"
    label: str = ""


class Presence(NamedTuple):
    """What this host shows of itself (playhead, selection): any small object. Never stored."""

    state: Any


class Ping(NamedTuple):
    """Asks for a pong."""


ClientMessage = Union[Hello, Command, Presence, Ping]

# -- from the server


class Welcome(NamedTuple):
    """The answer to hello. `snapshot` is None when the cursor could be resumed; then `behind` events follow."""

    protocol: int
    log: str
    cursor: Cursor
    version: str = ""
    session: str = ""
    snapshot: dict[str, Any] | None = None
    behind: int = 0


class Event(NamedTuple):
    """One stored event: notification id, aggregate (hex), its version, topic, the event's JSON, its effects."""

    n: int
    o: str
    v: int
    t: str
    e: Any
    effects: list[list[Any]]


class Events(NamedTuple):
    """At most 64 events, oldest first; `cursor` is the place after the last of them."""

    events: list[Event]
    cursor: Cursor


class Accepted(NamedTuple):
    """The command `id` is durable. `duplicate`: it already was, and nothing was done again."""

    id: str
    target: str = ""
    version: int = 0
    duplicate: bool = False
    created: Sequence[str] = ()
    cursor: Cursor | None = None


class RefusedCommand(NamedTuple):
    """The command `id` was turned down; nothing changed."""

    id: str
    code: str
    message: str = ""
    hint: str = ""
    conflicts: Sequence[Any] = ()


class Job(NamedTuple):
    """Progress of a running job: `done` of `total` frames; `preview` is a base64 JPEG."""

    job: str
    done: int = 0
    total: int = 0
    phase: str = ""
    preview: str | None = None


class PresenceSeen(NamedTuple):
    """What another session shows of itself; `state` None means it left."""

    session: str
    host: str = ""
    actor: str = ""
    state: Any = None


class Memory(NamedTuple):
    """The memory arbiter moved; `state` has the shape of `GET /api/memory`."""

    state: dict[str, Any]


class Task(NamedTuple):
    """A task such as a render moved; `state` has the shape of `GET /api/tasks/{task}`."""

    state: dict[str, Any]


class Resync(NamedTuple):
    """The daemon cuts this client off; reconnect with a cursor."""

    reason: str = ""
    cursor: Cursor | None = None


class Bye(NamedTuple):
    """The daemon is going down; reconnect in a moment with the cursor."""

    reason: str = ""
    cursor: Cursor | None = None


class Pong(NamedTuple):
    """The answer to ping."""


class WireError(NamedTuple):
    """A message could not be served; after a `fatal` one the connection closes."""

    code: str
    message: str = ""
    hint: str = ""
    fatal: bool = True


class Unknown(NamedTuple):
    """A message of a newer daemon; ignored."""

    type: str


ServerMessage = Union[
    Welcome, Events, Accepted, RefusedCommand, Job, PresenceSeen, Memory, Task, Resync, Bye, Pong, WireError, Unknown
]


def encode(message: ClientMessage) -> str:
    """Returns the JSON text of a client's message."""
    fields = message._asdict()
    if isinstance(message, Hello):
        if message.cursor is not None:
            fields["cursor"] = message.cursor._asdict()
        if message.token is None:
            del fields["token"]
    return json.dumps({"type": type(message).__name__.lower(), **fields}, separators=(",", ":"), allow_nan=False)


def decode(text: str | bytes, log: str = "") -> ServerMessage:
    """Returns the server's message in a text frame; `log` completes cursors that are plain numbers.

    Raises ClientError(bad_request) for what is no message of the protocol.
    """
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ClientError("bad_request", f"A frame from the daemon is not JSON: {error}") from error
    if not isinstance(fields, dict) or not isinstance(fields.get("type"), str):
        raise ClientError("bad_request", "A frame from the daemon is not a message: it has no type.")
    kind = fields.pop("type")
    reader = _READERS.get(kind)
    return reader(_Fields(kind, fields, log)) if reader else Unknown(kind)


class _Fields:
    """Reads a message's fields with their types checked."""

    def __init__(self, kind: str, values: dict[str, Any], log: str) -> None:
        self.kind = kind
        self.values = values
        self.log = log

    def need(self, name: str, of: type) -> Any:
        value = self.values.get(name)
        if not isinstance(value, of) or (of is int and isinstance(value, bool)):
            raise ClientError("bad_request", f"In the message {self.kind}, {name} should be of type {of.__name__}.")
        return value

    def get(self, name: str, of: type, default: Any) -> Any:
        return default if self.values.get(name) is None else self.need(name, of)

    def cursor(self, name: str = "cursor") -> Cursor | None:
        value = self.values.get(name)
        if value is None:
            return None
        if isinstance(value, dict):
            inner = _Fields(f"{self.kind}.{name}", value, "")
            return Cursor(inner.need("log", str), inner.need("id", int))
        return Cursor(self.log, self.need(name, int))

    def need_cursor(self) -> Cursor:
        cursor = self.cursor()
        if cursor is None:
            raise ClientError("bad_request", f"The message {self.kind} has no cursor.")
        return cursor


def _welcome(fields: _Fields) -> Welcome:
    log = fields.log = fields.need("log", str)
    return Welcome(
        protocol=fields.need("protocol", int),
        log=log,
        cursor=fields.need_cursor(),
        version=fields.get("version", str, ""),
        session=fields.get("session", str, ""),
        snapshot=fields.get("snapshot", dict, None),
        behind=fields.get("behind", int, 0),
    )


def _event(value: Any) -> Event:
    if not isinstance(value, dict):
        raise ClientError("bad_request", "An event from the daemon is not an object.")
    fields = _Fields("events", value, "")
    effects = fields.get("effects", list, [])
    if not all(isinstance(effect, list) and len(effect) == 3 for effect in effects):
        raise ClientError("bad_request", "An event's effects should each be [kind, id, value].")
    return Event(
        n=fields.need("n", int),
        o=fields.need("o", str),
        v=fields.need("v", int),
        t=fields.get("t", str, ""),
        e=value.get("e"),
        effects=effects,
    )


def _events(fields: _Fields) -> Events:
    return Events([_event(value) for value in fields.need("events", list)], fields.need_cursor())


def _accepted(fields: _Fields) -> Accepted:
    return Accepted(
        id=fields.need("id", str),
        target=fields.get("target", str, ""),
        version=fields.get("version", int, 0),
        duplicate=fields.get("duplicate", bool, False),
        created=fields.get("created", list, []),
        cursor=fields.cursor(),
    )


def _refused(fields: _Fields) -> RefusedCommand:
    return RefusedCommand(
        id=fields.need("id", str),
        code=fields.need("code", str),
        message=fields.get("message", str, ""),
        hint=fields.get("hint", str, ""),
        conflicts=fields.get("conflicts", list, []),
    )


def _job(fields: _Fields) -> Job:
    return Job(
        job=fields.need("job", str),
        done=fields.get("done", int, 0),
        total=fields.get("total", int, 0),
        phase=fields.get("phase", str, ""),
        preview=fields.get("preview", str, None),
    )


def _presence(fields: _Fields) -> PresenceSeen:
    return PresenceSeen(
        session=fields.need("session", str),
        host=fields.get("host", str, ""),
        actor=fields.get("actor", str, ""),
        state=fields.values.get("state"),
    )


def _error(fields: _Fields) -> WireError:
    return WireError(
        code=fields.need("code", str),
        message=fields.get("message", str, ""),
        hint=fields.get("hint", str, ""),
        fatal=fields.get("fatal", bool, True),
    )


_READERS: dict[str, Callable[[_Fields], ServerMessage]] = {
    "welcome": _welcome,
    "events": _events,
    "accepted": _accepted,
    "refused": _refused,
    "job": _job,
    "presence": _presence,
    "memory": lambda fields: Memory(fields.values),
    "task": lambda fields: Task(fields.values),
    "resync": lambda fields: Resync(fields.get("reason", str, ""), fields.cursor()),
    "bye": lambda fields: Bye(fields.get("reason", str, ""), fields.cursor()),
    "pong": lambda fields: Pong(),
    "error": _error,
}
