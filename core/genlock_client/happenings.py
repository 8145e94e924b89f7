"""What a session reports to its host, as a union of values: a host matches on the class and updates itself."""

from __future__ import annotations

from typing import Any, NamedTuple, Sequence, Union

from genlock_client.errors import ClientError


class Connected(NamedTuple):
    """The daemon welcomed this session. `behind` missed events follow; `fresh`: a snapshot replaced the whole model."""

    session: str
    version: str
    fresh: bool
    behind: int


class Disconnected(NamedTuple):
    """The connection is gone; the session tries again in `retry_in` seconds. Commands stay queued."""

    reason: str
    retry_in: float


class Changed(NamedTuple):
    """A stored event arrived and the model already shows it.

    `originator` is the aggregate, `version` what the event made of it, `topic` and `event` the event itself, `touched`
    the (kind, id) pairs that changed.
    """

    id: int
    originator: str
    version: int
    topic: str
    event: Any
    touched: frozenset[tuple[str, str]]


class CommandAccepted(NamedTuple):
    """A command is durable. `duplicate`: it was before, as after a reconnect that lost the first answer."""

    id: str
    target: str
    version: int
    duplicate: bool
    created: Sequence[str]


class CommandRefused(NamedTuple):
    """A command was turned down; `error` says why."""

    id: str
    error: ClientError


class JobProgress(NamedTuple):
    """A job goes on: `done` of `total` frames; `preview` is a base64 JPEG or None."""

    job: str
    done: int
    total: int
    phase: str
    preview: str | None


class PresenceChanged(NamedTuple):
    """Another session shows something of itself; `state` None: it left."""

    session: str
    host: str
    actor: str
    state: Any


class MemoryChanged(NamedTuple):
    state: dict[str, Any]


class TaskProgress(NamedTuple):
    state: dict[str, Any]


class Troubled(NamedTuple):
    """Something went wrong that did not end the session (a message could not be served)."""

    error: ClientError


class Ended(NamedTuple):
    """The session is closed for good: by the host (`error` None), or because trying again cannot help."""

    error: ClientError | None


Happening = Union[
    Connected,
    Disconnected,
    Changed,
    CommandAccepted,
    CommandRefused,
    JobProgress,
    PresenceChanged,
    MemoryChanged,
    TaskProgress,
    Troubled,
    Ended,
]
