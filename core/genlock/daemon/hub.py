"""The live hub: what the writer commits goes to every client, encoded once; a slow client is cut off, never waited for."""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any, Protocol

from genlock.daemon import wire
from genlock.daemon.outbox import BACKLOG_BYTES, Entry, Frames, Outbox
from genlock.daemon.presence import Member, Presence
from genlock.event import Event

RECENT_EVENTS = 5000
RECENT_BYTES = 16 * 1024 * 1024


class PublishedEvent(Protocol):
    """One committed event as the application publishes it."""

    @property
    def id(self) -> int: ...
    @property
    def event(self) -> Event: ...
    @property
    def state(self) -> bytes: ...
    @property
    def effects(self) -> list[Any]: ...
    @property
    def project(self) -> str: ...


def entry_of(published: PublishedEvent) -> Entry:
    """Returns the event as it goes over the wire."""
    event = published.event
    originator = event.originator_id.hex
    data = wire.encode_event(
        published.id, originator, event.originator_version, event.topic(), published.state, published.effects
    )
    return Entry(published.id, published.project, originator, event.originator_version, data)


class Recent:
    """The newest events as they went out, without a hole, for clients that come back after a moment."""

    def __init__(self, limit: int = RECENT_EVENTS, size: int = RECENT_BYTES) -> None:
        self._entries: deque[Entry] = deque()
        self._limit, self._size, self._bytes = limit, size, 0

    def add(self, entries: list[Entry]) -> None:
        """Takes the entries that follow."""
        self._entries.extend(entries)
        self._bytes += sum(len(entry.data) for entry in entries)
        while len(self._entries) > self._limit or self._bytes > self._size:
            self._bytes -= len(self._entries.popleft().data)

    def clear(self) -> None:
        """Forgets all: a hole follows."""
        self._entries.clear()
        self._bytes = 0

    def since(self, cursor: int) -> list[Entry] | None:
        """Returns the entries after the cursor, None when the first of them is not here."""
        entries = self._entries
        if not entries or entries[0].id > cursor + 1:
            return None
        skip = max(0, cursor + 1 - entries[0].id)
        return list(islice(entries, skip, None)) if entries[-1].id - entries[0].id + 1 == len(entries) else None


class Hub:
    """Clients by session. Everything but `publish` and `tell_from_thread` runs on the event loop."""

    def __init__(self, log: str, *, backlog_bytes: int = BACKLOG_BYTES) -> None:
        self.log = log
        self.presence = Presence()
        self._backlog_bytes = backlog_bytes
        self._frames = Frames(log)
        self._recent = Recent()
        self._clients: dict[str, Outbox] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._farewell: str | None = None
        self._empty = asyncio.Event()
        self._empty.set()

    @property
    def clients(self) -> int:
        return len(self._clients)

    @property
    def is_closing(self) -> bool:
        return self._farewell is not None

    def bind(self, loop: asyncio.AbstractEventLoop) -> None:
        """Names the loop that the sockets run on."""
        self._loop = loop

    # -- from other threads

    def publish(self, batch: Iterable[PublishedEvent]) -> None:
        """Takes commits in order; called on the writer's thread, returns at once."""
        events = list(batch)
        self._soon(lambda: self._fan_out(events))

    def tell_from_thread(self, key: str, message: Callable[[], wire.DaemonMessage], project: str | None = None) -> None:
        """Shows an ephemeral message to everybody, or to one project's clients; any thread, returns at once.

        `message` is made on the loop, and only when somebody listens.
        """
        if self._clients:
            self._soon(lambda: self.tell(key, message(), project))

    def _soon(self, call: Callable[[], None]) -> None:
        loop = self._loop
        if loop is None:
            return
        try:
            loop.call_soon_threadsafe(call)
        except RuntimeError:
            # the loop closed between two commits of a shutdown: nobody is left to tell
            self._loop = None

    # -- on the loop

    def join(self, host: str, actor: str, project: str | None) -> tuple[str, Outbox]:
        """Registers a client, its queue held; returns its session id and its outbox."""
        session = secrets.token_hex(8)
        outbox = Outbox(self._frames, self.log, project, limit=self._backlog_bytes)
        self._clients[session] = outbox
        self._empty.clear()
        if self._farewell is not None:
            self._say_bye(outbox, self._farewell)
        self.presence.join(Member(session, host, actor, project))
        return session, outbox

    def arrive(self, session: str) -> None:
        """Introduces a client that was welcomed, and shows it who is here."""
        for member in self.presence:
            if member.session == session:
                self._show(member, member.state)
            else:
                self._clients[session].show(f"presence/{member.session}", _presence(member, member.state))

    def recent(self, cursor: int) -> list[Entry] | None:
        """Returns the events after a cursor as far as they went out, or None when they are not at hand any more."""
        return self._recent.since(cursor)

    def leave(self, session: str) -> None:
        """Forgets a client and tells the others."""
        self._clients.pop(session, None)
        if not self._clients:
            self._empty.set()
        member = self.presence.leave(session)
        if member is not None:
            self._show(member, None)

    async def emptied(self) -> None:
        """Waits until no client is left."""
        await self._empty.wait()

    def show(self, session: str, state: dict[str, Any]) -> None:
        """Shares what a client shows of itself."""
        member = self.presence.show(session, state)
        if member is not None:
            self._show(member, state)

    def tell(self, key: str, message: wire.DaemonMessage, project: str | None = None) -> None:
        """Shows an ephemeral message to everybody, or to the clients of one project."""
        text = wire.encode(message)
        for outbox in self._clients.values():
            if project is None or outbox.project in (None, project):
                outbox.show(key, text)

    def farewell(self, reason: str) -> None:
        """Says bye to everybody and to whoever still comes."""
        self._farewell = reason
        for outbox in self._clients.values():
            self._say_bye(outbox, reason)

    def _say_bye(self, outbox: Outbox, reason: str) -> None:
        outbox.close(lambda cursor: wire.Bye(reason, cursor), wire.CLOSE_GOING)

    def _fan_out(self, events: list[PublishedEvent]) -> None:
        if not self._clients:
            self._recent.clear()
            return
        entries = [entry_of(published) for published in events]
        self._recent.add(entries)
        for outbox in self._clients.values():
            outbox.offer(entries)

    def _show(self, member: Member, state: dict[str, Any] | None) -> None:
        text = _presence(member, state)
        for session, outbox in self._clients.items():
            if session != member.session and outbox.project == member.project:
                outbox.show(f"presence/{member.session}", text)


def _presence(member: Member, state: dict[str, Any] | None) -> str:
    return wire.encode(wire.PresenceOf(member.session, member.host, member.actor, state))
