"""The messages of the socket, as values. docs/protocol.md is their reference; a test keeps the two equal."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from genlock.errors import CODES, GenlockError
from genlock.event import EventKind

PROTOCOL: Final = 1
EVENTS_A_FRAME: Final = 64
MESSAGE_LIMIT: Final = 8 * 1024 * 1024
"""Bytes a client may send in one message."""
HELLO_SECONDS: Final = 5.0
CLOSE_GOING: Final = 1001
CLOSE_BAD: Final = 4400
CLOSE_UNAUTHORIZED: Final = 4401
CLOSE_SLOW: Final = 4008


class Cursor(Struct, frozen=True):
    """A place in one history: the log's id, and the id of the last notification seen there."""

    log: str
    id: int


# -- from the client


class Hello(Struct, frozen=True, tag_field="type", tag="hello"):
    """The first message. `project` None follows all projects."""

    protocol: int
    host: str = "client"
    actor: str = ""
    token: str = ""
    project: str | None = None
    cursor: Cursor | None = None


class CommandMessage(Struct, frozen=True, tag_field="type", tag="command"):
    id: str
    command: Raw
    target: str = ""
    base_version: int | None = None
    strict: bool = False
    kind: EventKind = "edit"
    label: str = ""


class PresenceMessage(Struct, frozen=True, tag_field="type", tag="presence"):
    """Any small object: playhead, selection, what the person looks at."""

    state: dict[str, Any]


class Ping(Struct, frozen=True, tag_field="type", tag="ping"):
    pass


ClientMessage = Hello | CommandMessage | PresenceMessage | Ping


# -- from the daemon


class Welcome(Struct, frozen=True, tag_field="type", tag="welcome"):
    """`snapshot` is there when the client had no usable cursor; `behind` counts the notifications that follow."""

    protocol: int
    version: str
    log: str
    cursor: Cursor
    session: str
    snapshot: Any = None
    behind: int = 0


class EventsMessage(Struct, frozen=True, tag_field="type", tag="events"):
    events: tuple[Raw, ...]
    cursor: Cursor


class AcceptedMessage(Struct, frozen=True, tag_field="type", tag="accepted"):
    id: str
    target: str
    version: int
    cursor: Cursor
    duplicate: bool = False
    created: tuple[str, ...] = ()


class RefusedMessage(Struct, frozen=True, tag_field="type", tag="refused"):
    id: str
    code: str
    message: str
    hint: str
    conflicts: Any = ()


class JobMessage(Struct, frozen=True, tag_field="type", tag="job"):
    """Progress of a job: `done` of `total` frames; `preview` a JPEG in base64."""

    job: str
    done: int
    total: int
    phase: str
    preview: str | None = None


class PresenceOf(Struct, frozen=True, tag_field="type", tag="presence"):
    """Somebody else's presence; `state` None says that they left."""

    session: str
    host: str
    actor: str
    state: dict[str, Any] | None


class MemoryMessage(Struct, frozen=True, tag_field="type", tag="memory"):
    """The arbiter's state: the machine, who holds what, who waits and for what, the last decisions with their reasons."""

    budget: int
    held: int
    floor: int
    resident: int
    committed: int
    over: int
    machine: Any
    slots: Any
    tiers: Any
    residents: Any
    leases: Any
    waiting: Any
    decisions: Any
    tenants: Any


class TaskMessage(Struct, frozen=True, tag_field="type", tag="task", omit_defaults=True):
    """A render or another long work: `state` is waiting, running, done (with `result`), failed (with `error`) or
    cancelled."""

    task: str
    kind: str
    state: str
    done: int | UnsetType = UNSET
    total: int | UnsetType = UNSET
    result: Any = UNSET
    error: Any = UNSET


class Resync(Struct, frozen=True, tag_field="type", tag="resync"):
    """The client was cut off; it comes back with `cursor` and misses nothing."""

    cursor: Cursor
    reason: str
    code: str = "slow_client"
    hint: str = CODES["slow_client"].hint


class Bye(Struct, frozen=True, tag_field="type", tag="bye"):
    reason: str
    cursor: Cursor


class Pong(Struct, frozen=True, tag_field="type", tag="pong"):
    pass


class ErrorMessage(Struct, frozen=True, tag_field="type", tag="error"):
    """What was wrong with a message; with `fatal` the socket is closed after it."""

    code: str
    message: str
    hint: str
    fatal: bool = True


DaemonMessage = (
    Welcome
    | EventsMessage
    | AcceptedMessage
    | RefusedMessage
    | JobMessage
    | PresenceOf
    | MemoryMessage
    | TaskMessage
    | Resync
    | Bye
    | Pong
    | ErrorMessage
)

_decoder: msgspec.json.Decoder[ClientMessage] = msgspec.json.Decoder(ClientMessage)
_encoder = msgspec.json.Encoder()


def decode(text: str | bytes) -> ClientMessage:
    """Reads a client's message; msgspec.DecodeError (ValidationError for the wrong shape) when it is none."""
    return _decoder.decode(text)


def encode(message: DaemonMessage) -> str:
    """Returns the text of a message."""
    return _encoder.encode(message).decode()


def encode_event(id_: int, originator: str, version: int, topic: str, state: bytes, effects: Any) -> bytes:
    """Returns one event of an `events` frame, with the stored JSON embedded as it is."""
    return b'{"n":%d,"o":"%s","v":%d,"t":"%s","e":%s,"effects":%s}' % (
        id_, originator.encode(), version, topic.encode(), state, _encoder.encode(effects),
    )  # fmt: skip


def events_frame(events: Iterable[bytes], log: str, cursor: int) -> str:
    """Returns the text of an `events` frame."""
    head, tail = b'{"type":"events","events":[', b'],"cursor":{"log":"%s","id":%d}}' % (log.encode(), cursor)
    return (head + b",".join(events) + tail).decode()


def refused(id_: str, error: GenlockError) -> RefusedMessage:
    """Returns the answer to a command that was turned down."""
    return RefusedMessage(id_, error.code, error.message, error.hint, error.details.get("conflicts", ()))


def task_message(view: dict[str, Any]) -> TaskMessage:
    """Returns the message of a task's view (tasks.Task.view)."""
    return TaskMessage(**view)


def error_message(code: str, message: str = "", *, fatal: bool = True) -> ErrorMessage:
    """Returns an error frame with the table's texts where none are given."""
    row = CODES[code]
    return ErrorMessage(code, message or row.meaning, row.hint, fatal)
