"""What waits for one client: bounded, ordered, never waited for.

Events and answers keep their order. Ephemeral messages (progress, presence, memory) keep only the newest of each key.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from genlock.daemon import wire

BACKLOG_BYTES = 1024 * 1024
BACKLOG_ENTRIES = 4096


class Entry(NamedTuple):
    """One event, encoded once for all clients."""

    id: int
    project: str
    originator: str
    version: int
    data: bytes


class Frames:
    """Builds `events` frames; clients that wait for the same events share one text."""

    def __init__(self, log: str) -> None:
        self._log = log
        self._key: tuple[int, ...] = ()
        self._text = ""

    def of(self, entries: list[Entry], cursor: int) -> str:
        key = (cursor, *(entry.id for entry in entries))
        if key != self._key:
            self._text = wire.events_frame((entry.data for entry in entries), self._log, cursor)
            self._key = key
        return self._text


Direct = Callable[[Callable[[], str]], bool]
"""Sends the text made by the callable if the socket takes it at once; False when it has to be queued."""


class Closing(NamedTuple):
    """The last frame of a session, and the close code that follows it."""

    text: str
    code: int


class Outbox:
    """The queue between the hub and one socket. All of it runs on the event loop.

    `project` None lets only the projects' own events through. `last` is the id of the newest event handed to the socket:
    older ones are dropped, so that a queue registered before the tail was read doubles nothing. `floors` are versions of
    aggregates that a snapshot already holds.
    """

    def __init__(self, frames: Frames, log: str, project: str | None, *, limit: int = BACKLOG_BYTES) -> None:
        self.project = project
        self.last = 0
        self.floors: dict[str, int] = {}
        self._frames = frames
        self._log = log
        self._limit = limit
        self._queue: deque[Entry | str] = deque()
        self._bytes = 0
        self._newest: dict[str, str] = {}
        self._closing: tuple[Callable[[wire.Cursor], wire.DaemonMessage], int] | None = None
        self._slow = False
        self._wake = asyncio.Event()
        self._waiting = False
        self.direct: Direct | None = None
        """Writes a frame to the socket at once, where the server can (see direct.py)."""
        self.cut = asyncio.Event()
        """Set when the client was cut off."""

    @property
    def backlog(self) -> int:
        """Bytes that wait."""
        return self._bytes

    @property
    def is_slow(self) -> bool:
        """Whether the client was cut off for not reading."""
        return self._slow

    @property
    def cursor(self) -> wire.Cursor:
        """Where the client may resume."""
        return wire.Cursor(self._log, self.last)

    def wants(self, entry: Entry) -> bool:
        """Whether this event is for this client and new to it."""
        if entry.id <= self.last or entry.version <= self.floors.get(entry.originator, 0):
            return False
        return entry.project == self.project if self.project is not None else entry.project == entry.originator

    def offer(self, entries: list[Entry]) -> None:
        """Takes events of one commit: sends them at once to a client that waits for nothing else, else queues them."""
        wanted = [entry for entry in entries if self.wants(entry)]
        if not wanted:
            return
        if len(wanted) <= wire.EVENTS_A_FRAME and self._send_now(lambda: self._frames.of(wanted, wanted[-1].id)):
            self.last = wanted[-1].id
            return
        for entry in wanted:
            self._push(entry, len(entry.data))

    def answer(self, text: str) -> None:
        """Takes an answer, in order with the events."""
        if not self._send_now(lambda: text):
            self._push(text, len(text))

    def show(self, key: str, text: str) -> None:
        """Queues an ephemeral message in place of an older one of the same key."""
        if self._closing is None and not self._slow:
            self._newest[key] = text
            self._wake.set()

    def close(self, last: Callable[[wire.Cursor], wire.DaemonMessage], code: int) -> None:
        """Ends the session after what waits, with a last message made from the cursor it reached."""
        if self._closing is None:
            self._closing = last, code
            self._wake.set()

    async def take(self) -> list[str] | Closing:
        """Waits for and returns the next frames to send, or the end. A slow client gets `resync` as its end."""
        while True:
            self._waiting = True
            await self._wake.wait()
            self._waiting = False
            if self._slow:
                text = wire.encode(wire.Resync(self.cursor, "The client read too slowly; come back with this cursor."))
                return Closing(text, wire.CLOSE_SLOW)
            if frames := self._ready():
                return frames
            if self._closing is not None:
                last, code = self._closing
                return Closing(wire.encode(last(self.cursor)), code)
            self._wake.clear()

    def _send_now(self, text: Callable[[], str]) -> bool:
        """Sends past the queue, when it is empty and its task asleep; saves waking 200 tasks for one event."""
        idle = self._waiting and not self._wake.is_set()
        return idle and self.direct is not None and self.direct(text)

    def _ready(self) -> list[str]:
        frames: list[str] = []
        batch: list[Entry] = []
        queue = self._queue
        while queue and len(frames) < wire.EVENTS_A_FRAME:
            head = queue.popleft()
            if isinstance(head, str):
                frames += self._flush(batch)
                frames.append(head)
                self._bytes -= len(head)
                continue
            self._bytes -= len(head.data)
            if self.wants(head):
                self.last = head.id
                batch.append(head)
            if len(batch) == wire.EVENTS_A_FRAME:
                frames += self._flush(batch)
        frames += self._flush(batch)
        if self._newest:
            frames += self._newest.values()
            self._newest = {}
        return frames

    def _flush(self, batch: list[Entry]) -> list[str]:
        if not batch:
            return []
        text = self._frames.of(batch, batch[-1].id)
        batch.clear()
        return [text]

    def _push(self, entry: Entry | str, size: int) -> None:
        if self._slow or self._closing is not None:
            return
        self._queue.append(entry)
        self._bytes += size
        if self._bytes > self._limit or len(self._queue) > BACKLOG_ENTRIES:
            self._slow = True
            self.cut.set()
            self._queue.clear()
            self._newest.clear()
            self._bytes = 0
        self._wake.set()
