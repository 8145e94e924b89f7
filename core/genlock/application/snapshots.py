"""Snapshots, made in the background from the immutable live state: an edit never waits for one."""

from __future__ import annotations

import logging
from queue import Empty, SimpleQueue
from threading import Thread
from uuid import UUID

from genlock.application.live import SCHEMA, encode_image
from genlock.application.opened import Opened
from genlock.store.store import EventStore

log = logging.getLogger(__name__)

EVERY = 500
"""Events after which a sequence gets a snapshot even while it is being edited."""

IDLE = 2.0
"""Seconds without an edit after which it gets one too."""

LEAST = 50
"""Events below which a snapshot is not worth its space: replaying them takes 2 ms."""


class Snapshots:
    """Makes snapshots of the sequences it is told of, on a thread of its own."""

    def __init__(self, store: EventStore, *, every: int = EVERY, idle: float = IDLE, least: int = LEAST) -> None:
        self._store = store
        self._every = every
        self._idle = idle
        self._least = least
        self._taken: dict[str, int] = {}
        self._queue: SimpleQueue[Opened | None] = SimpleQueue()
        self._thread = Thread(target=self._run, name="genlock-snapshots", daemon=True)
        self._thread.start()

    def changed(self, opened: Opened) -> None:
        """Tells of a sequence's new state."""
        self._queue.put(opened)

    def close(self) -> None:
        """Makes what is due and stops; idempotent."""
        self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        waiting: dict[str, Opened] = {}
        while True:
            try:
                opened = self._queue.get(timeout=self._idle if waiting else None)
            except Empty:
                self._take_all(waiting)
                continue
            if opened is None:
                self._take_all(waiting)
                return
            waiting[opened.state.id] = opened
            if self._since(opened) >= self._every:
                self._take(waiting.pop(opened.state.id))

    def _take_all(self, waiting: dict[str, Opened]) -> None:
        for opened in waiting.values():
            if self._since(opened) >= self._least:
                self._take(opened)
        waiting.clear()

    def _since(self, opened: Opened) -> int:
        """Returns how many events a replay would take: the first event holds a whole sequence, like a snapshot."""
        return opened.state.version - self._taken.get(opened.state.id, max(opened.snapshot, 1))

    def _take(self, opened: Opened) -> None:
        state = opened.state
        try:
            self._store.put_snapshot(UUID(hex=state.id), state.version, SCHEMA, encode_image(opened))
        except Exception:
            # Background task: a snapshot is a shortcut, the events hold everything. A full disk must not end the thread.
            log.warning("No snapshot of %s at version %d", state.name, state.version, exc_info=True)
        self._taken[state.id] = state.version
