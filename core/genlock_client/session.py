"""The client's state machine. Sans-I/O: frames and time go in, frames and happenings come out.

    Connecting -> Greeting -> Live -> Resuming -> Connecting ...          any -> Closed

A command stays in the outbox until the daemon answers it by id, and is sent again after every reconnect, so that a lost
connection neither loses nor doubles an edit. A missed event shows as a jump in an aggregate's version: the session then
forgets its cursor and reconnects for a snapshot.
"""

from __future__ import annotations

import random
import uuid
from collections import OrderedDict
from typing import Any, Callable, NamedTuple, Union

from genlock_client import wire
from genlock_client.errors import ClientError, ProtocolMismatch, Refused, from_payload
from genlock_client.happenings import (
    Changed,
    CommandAccepted,
    CommandRefused,
    Connected,
    Disconnected,
    Ended,
    Happening,
    JobProgress,
    MemoryChanged,
    PresenceChanged,
    TaskProgress,
    Troubled,
)
from genlock_client.model import Inconsistent, Model

OUTBOX = 10_000
"""Commands that may wait for an answer at once."""
GREETING_SECONDS = 10.0
"""How long a connection and its welcome may take."""
PING_SECONDS = 15.0
"""After this long without a word from the daemon it is asked."""
PONG_SECONDS = 15.0
"""After this long without an answer the connection counts as lost."""

BAD_REQUEST, UNAUTHORIZED = 4400, 4401
"""Close codes of the daemon after which trying again with the same words is useless."""


class Backoff(NamedTuple):
    """Waiting times between attempts: `first * 2**n` seconds up to `most`, each halved at random by up to half."""

    first: float = 0.25
    most: float = 10.0

    def delay(self, attempt: int, chance: float) -> float:
        """Returns seconds to wait before the attempt (0 first); `chance` in 0..1 spreads clients apart."""
        return float(min(self.most, self.first * 2.0 ** min(attempt, 30)) * (0.5 + chance / 2))


class Connecting(NamedTuple):
    """A connection should be made, or is being made."""

    attempt: int
    since: float


class Greeting(NamedTuple):
    """The connection stands; hello was said, welcome is awaited."""

    attempt: int
    since: float


class Live(NamedTuple):
    """Welcome arrived."""

    session: str


class Resuming(NamedTuple):
    """The connection is lost; the next attempt comes at `retry_at` of the session's clock."""

    attempt: int
    retry_at: float
    reason: str


class Closed(NamedTuple):
    """Over for good."""

    error: ClientError | None


State = Union[Connecting, Greeting, Live, Resuming, Closed]


class Session:
    """One host's conversation with the daemon, whatever carries it.

    A transport calls `wants_connection`, `opened`, `received`, `lost` and `tick`, and sends what `outgoing` returns. A host
    calls `command`, `presence` and `close`, and reads `model` and `state`. `clock` gives monotonic seconds and `chance`
    numbers in 0..1, so that tests own time and luck.
    """

    def __init__(
        self,
        host: str,
        actor: str,
        *,
        clock: Callable[[], float],
        project: str | None = None,
        cursor: wire.Cursor | None = None,
        backoff: Backoff = Backoff(),
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.host = host
        self.actor = actor
        self.project = project
        self.cursor = cursor
        self.model = Model()
        self.state: State = Connecting(0, clock())
        self._clock = clock
        self._chance = chance
        self._backoff = backoff
        self._outbox: OrderedDict[str, wire.Command] = OrderedDict()
        self._presence: wire.Presence | None = None
        self._frames: list[str] = []
        self._heard = self._asked = 0.0
        self._awaiting_pong = False
        self._error: ClientError | None = None
        self._denials = 0
        self._outside: set[str] = set()
        self._suspect: str | None = None

    # -- for the host

    @property
    def pending(self) -> list[str]:
        """Ids of the commands that were not answered yet, oldest first."""
        return list(self._outbox)

    def command(
        self,
        command: dict[str, Any],
        target: str = "",
        *,
        id: str | None = None,
        base_version: int | None = None,
        strict: bool = False,
        kind: str = "edit",
        label: str = "",
    ) -> str:
        """Queues a command, sends it when live, and returns its id; the answer comes as a happening.

        `target` is the aggregate's id. `base_version` is the version the host edited; with `strict` the command is refused
        when that is no longer the newest. Raises the error that ended the session when it is closed, and
        ClientError(too_large) when 10,000 commands already wait.
        """
        if isinstance(self.state, Closed):
            raise self.state.error or ClientError("daemon_absent", "The session was closed.")
        if len(self._outbox) >= OUTBOX:
            raise ClientError("too_large", f"{OUTBOX:,} commands already wait for the daemon.")
        message = wire.Command(id or uuid.uuid4().hex, command, target, base_version, strict, kind, label)
        text = wire.encode(message)
        self._outbox[message.id] = message
        if isinstance(self.state, Live):
            self._frames.append(text)
        return message.id

    def presence(self, state: Any) -> None:
        """Shows something of this host to the others, a small object; the last one is shown again after a reconnect."""
        self._presence = wire.Presence(state)
        if isinstance(self.state, Live):
            self._frames.append(wire.encode(self._presence))

    def close(self) -> list[Happening]:
        """Ends the session; commands without an answer are dropped."""
        return self._end(None)

    # -- for the transport

    def wants_connection(self) -> bool:
        """Says whether a connection should be made now."""
        state = self.state
        if isinstance(state, Resuming) and self._clock() >= state.retry_at:
            self.state = Connecting(state.attempt, self._clock())
            return True
        if isinstance(state, Connecting):  # asked while nothing is open: the attempt begins now
            self.state = state._replace(since=self._clock())
            return True
        return False

    def wait_seconds(self) -> float:
        """Returns how long a transport may sleep before `tick` or `wants_connection` matters again."""
        now, state = self._clock(), self.state
        if isinstance(state, Resuming):
            return max(0.0, state.retry_at - now)
        if isinstance(state, Greeting):
            return max(0.0, state.since + GREETING_SECONDS - now)
        if isinstance(state, Live):
            due = self._asked + PONG_SECONDS if self._awaiting_pong else self._heard + PING_SECONDS
            return max(0.0, due - now)
        return 0.0 if isinstance(state, Connecting) else PING_SECONDS

    def opened(self, token: str | None = None) -> None:
        """The connection stands: hello is said."""
        if not isinstance(self.state, Connecting):
            return
        self.state = Greeting(self.state.attempt, self._clock())
        self._error = None
        self._heard = self._clock()
        self._frames = [wire.encode(wire.Hello(self.host, self.actor, token, self.project, self.cursor))]

    def outgoing(self) -> list[str]:
        """Returns the text frames to send now, and forgets them."""
        frames, self._frames = self._frames, []
        return frames

    def received(self, text: str | bytes) -> list[Happening]:
        """Takes one text frame and returns what happened. A frame that is no message drops the connection."""
        if isinstance(self.state, (Closed, Resuming, Connecting)):
            return []
        self._heard = self._clock()
        self._awaiting_pong = False
        try:
            message = wire.decode(text, self.cursor.log if self.cursor else "")
        except ClientError as error:
            return [Troubled(error), *self._drop(error.message)]
        return self._take(message)

    def lost(self, reason: str, code: int | None = None) -> list[Happening]:
        """The connection is gone, or could not be made; `code` is the WebSocket close code when there was one."""
        if isinstance(self.state, (Closed, Resuming)):
            return []
        if code == UNAUTHORIZED:
            self._denials += 1
        error = self._error
        if isinstance(error, ProtocolMismatch) or code == BAD_REQUEST:
            return self._end(error or ClientError("bad_request", reason))
        if self._denials > 1:
            return self._end(error or ClientError("unauthorized", reason or "The daemon does not take our token."))
        return self._drop(reason)

    def tick(self) -> list[Happening]:
        """Lets time pass: asks a silent daemon, gives up a dead connection. Call when everything received was taken."""
        now, state = self._clock(), self.state
        if isinstance(state, (Connecting, Greeting)) and now - state.since >= GREETING_SECONDS:
            return self._drop("The daemon did not answer in time.")
        if isinstance(state, Live):
            if self._awaiting_pong and now - self._asked >= PONG_SECONDS:
                return self._drop("The daemon fell silent.")
            if not self._awaiting_pong and now - self._heard >= PING_SECONDS:
                self._awaiting_pong, self._asked = True, now
                self._frames.append(wire.encode(wire.Ping()))
        return []

    # -- inside

    def _take(self, message: wire.ServerMessage) -> list[Happening]:
        if isinstance(message, wire.Welcome):
            return self._welcome(message)
        if isinstance(message, wire.Events):
            return self._events(message)
        if isinstance(message, wire.Accepted):
            self._answered(message.id)
            return [CommandAccepted(message.id, message.target, message.version, message.duplicate, message.created)]
        if isinstance(message, wire.RefusedCommand):
            return self._refused(message)
        if isinstance(message, wire.Job):
            return [JobProgress(message.job, message.done, message.total, message.phase, message.preview)]
        if isinstance(message, wire.PresenceSeen):
            return [PresenceChanged(message.session, message.host, message.actor, message.state)]
        if isinstance(message, wire.Memory):
            return [MemoryChanged(message.state)]
        if isinstance(message, wire.Task):
            return [TaskProgress(message.state)]
        if isinstance(message, (wire.Resync, wire.Bye)):
            return self._drop(message.reason or "The daemon closed the connection.")
        if isinstance(message, wire.WireError):
            self._error = from_payload({"code": message.code, "message": message.message, "hint": message.hint})
            return [Troubled(self._error)]
        return []

    def _welcome(self, message: wire.Welcome) -> list[Happening]:
        if not isinstance(self.state, Greeting):
            return []
        if message.protocol != wire.PROTOCOL:
            text = f"The daemon speaks protocol {message.protocol}, this client {wire.PROTOCOL}."
            return self._end(ProtocolMismatch("protocol_version", text))
        fresh = message.snapshot is not None
        if message.snapshot is not None:
            try:
                self.model.load(message.snapshot)
            except (Inconsistent, KeyError, TypeError, AttributeError) as error:
                return self._end(ClientError("bad_request", f"The daemon's snapshot cannot be read: {error!r}."))
            self.cursor = message.cursor
            if self._suspect is not None and self._suspect not in self.model.versions:
                self._outside.add(self._suspect)
            self._suspect = None
        elif self.cursor is None or self.cursor.log != message.log:
            return self._drop("The daemon resumed a log that this client never saw.")
        self.state = Live(message.session)
        self._denials = 0
        for command in self._outbox.values():
            self._frames.append(wire.encode(command))
        if self._presence is not None:
            self._frames.append(wire.encode(self._presence))
        return [Connected(message.session, message.version, fresh, message.behind)]

    def _events(self, message: wire.Events) -> list[Happening]:
        if self.cursor is None or not isinstance(self.state, Live):
            return []
        happenings: list[Happening] = []
        for event in message.events:
            if event.n <= self.cursor.id:
                continue
            known = self.model.versions.get(event.o)
            outside = event.o in self._outside or (known is None and self.project is None)
            if not outside and event.v > (known or 0) + 1:
                return [*happenings, *self._gap(event.o, f"Events of {event.o} are missing before version {event.v}.")]
            if outside or known is None or event.v > known:
                try:
                    touched = self.model.apply(event.o, event.v, event.effects)
                except Inconsistent as error:
                    return [*happenings, *self._gap(event.o, str(error))]
                happenings.append(Changed(event.n, event.o, event.v, event.t, event.e, frozenset(touched)))
        if message.cursor.id > self.cursor.id:
            self.cursor = self.cursor._replace(id=message.cursor.id)
        return happenings

    def _gap(self, originator: str, reason: str) -> list[Happening]:
        self.cursor = None
        self._suspect = originator
        return self._drop(reason)

    def _refused(self, message: wire.RefusedCommand) -> list[Happening]:
        if message.code == "shutting_down":  # not done; it goes out again after the reconnect
            return []
        self._answered(message.id)
        error = Refused(message.code, message.message, message.hint, {"conflicts": message.conflicts})
        return [CommandRefused(message.id, error)]

    def _answered(self, id_: str) -> None:
        self._outbox.pop(id_, None)

    def _drop(self, reason: str) -> list[Happening]:
        """Leaves the connection; the transport sees that the state is Resuming and closes it."""
        state = self.state
        attempt = state.attempt if isinstance(state, (Connecting, Greeting)) else 0
        delay = self._backoff.delay(attempt, self._chance())
        self.state = Resuming(attempt + 1, self._clock() + delay, reason)
        self._frames = []
        self._awaiting_pong = False
        return [Disconnected(reason, delay)]

    def _end(self, error: ClientError | None) -> list[Happening]:
        if isinstance(self.state, Closed):
            return []
        self.state = Closed(error)
        self._frames = []
        self._outbox.clear()
        return [Ended(error)]
