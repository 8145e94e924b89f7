"""The application: commands in, durable events out, and the present and the past to read.

Queries read immutable values and may come from any thread; commands are carried out by one writer thread.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import Future
from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import UUID

from genlock.application import history, returns
from genlock.application.commit import Committer, accepted
from genlock.application.envelope import Accepted, Envelope, HistoryEntry, Published
from genlock.application.live import Live, calm_collector, opened_at
from genlock.application.opened import Opened
from genlock.application.projections import Tail, TrackViews
from genlock.application.snapshots import Snapshots
from genlock.application.world import World, code_key, wire_project, wire_sequence
from genlock.application.writer import Writer
from genlock.errors import BadInput, GenlockError, NotFound
from genlock.project.job import JobState
from genlock.project.project import ProjectState, Receipt
from genlock.project.rules.job import word
from genlock.project.shot import ShotState
from genlock.store.store import EventStore
from genlock.timeline.events import Content, TrackContent, content_of
from genlock.timeline.sequence import Sequence

__all__ = ["Accepted", "Application", "Envelope", "HistoryEntry", "Published", "utcnow"]

log = logging.getLogger(__name__)

T = TypeVar("T")
Subscriber = Callable[[list[Published]], None]


def utcnow() -> datetime:
    """Returns the present moment in UTC."""
    return datetime.now(UTC)


class Application:
    """One store with its live state. Ids are 32 hex digits; an unknown one raises NotFound."""

    def __init__(
        self, store: EventStore, *, clock: Callable[[], datetime] = utcnow, snapshots: Snapshots | None = None
    ) -> None:
        calm_collector()
        self.store = store
        self._live = Live(store)
        self._views = TrackViews()
        self._head = store.tip()
        self._tail = Tail(self._head)
        self._subscribers: tuple[Subscriber, ...] = ()
        self._snapshots = snapshots or Snapshots(store)
        self._writer = Writer(Committer(store, self._live, clock, self._publish).carry_out)

    # -- commands

    def submit(self, envelope: Envelope) -> Future[Accepted]:
        """Queues a command; the future gives its answer, or raises the GenlockError that refused it."""
        return self._writer.submit(envelope)

    def execute(self, envelope: Envelope) -> Accepted:
        """Carries out a command and waits until it is durable. Raises GenlockError when it is refused."""
        try:
            return self.submit(envelope).result()
        except GenlockError as error:
            # The same error may answer several commands of a group: each caller gets one of its own to raise.
            raise _own(error) from error.__cause__

    def answer_to(self, command_id: str) -> Accepted | None:
        """Returns the answer that a command was given, None for one never carried out."""
        row = self.store.find_command(command_id)
        return None if row is None else accepted(command_id, self.store.recorded(row.first_id, row.last_id))

    def subscribe(self, fn: Subscriber) -> Callable[[], None]:
        """Calls `fn` on the writer's thread with what each group made, after it is durable; returns how to stop that."""
        self._subscribers = (*self._subscribers, fn)

        def unsubscribe() -> None:
            self._subscribers = tuple(held for held in self._subscribers if held is not fn)

        return unsubscribe

    def close(self) -> None:
        """Carries out what is queued, makes the snapshots that are due, and stops. The store stays open."""
        self._writer.close()
        self._snapshots.close()

    # -- projects, shots, jobs

    @property
    def world(self) -> World:
        """Everything live at one moment."""
        return self._live.world

    def projects(self) -> list[ProjectState]:
        """Returns all projects by name."""
        return sorted(self.world.projects.values(), key=lambda project: (project.name.casefold(), project.id))

    def project(self, id_: str) -> ProjectState:
        """Returns a project."""
        return _found(self.world.projects.get(id_), "no_such_project", "project", id_)

    def shots(self, project: str) -> list[ShotState]:
        """Returns a project's shots by code."""
        self.project(project)
        return sorted((s for s in self.world.shots.values() if s.project == project), key=lambda s: (s.code, s.id))

    def shot(self, id_: str) -> ShotState:
        """Returns a shot."""
        return _found(self.world.shots.get(id_), "no_such_shot", "shot", id_)

    def find_shot(self, project: str, code: str) -> ShotState:
        """Returns the shot of a code, whatever its case."""
        world = self.world
        return _found(world.shots.get(world.codes.get(code_key(project, code), "")), "no_such_shot", "shot", code)

    def jobs(self, project: str | None = None, status: str | None = None) -> list[JobState]:
        """Returns jobs, the next to run first: by priority, then by when they were queued. `status` is waiting, running,
        succeeded, failed or cancelled."""
        found = (
            job
            for job in self.world.jobs.values()
            if project in (None, job.project) and status in (None, word(job.status))
        )
        return sorted(found, key=lambda job: (-job.priority, job.position, job.id))

    def job(self, id_: str) -> JobState:
        """Returns a job."""
        return _found(self.world.jobs.get(id_), "no_such_job", "job", id_)

    # -- sequences

    def sequence(self, id_: str, version: int | None = None) -> Sequence:
        """Returns a sequence, at its present or an earlier version. Raises NotFound: no_such_sequence,
        no_such_version."""
        return self._opened(id_, version).state

    def sequence_project(self, id_: str) -> str:
        """Returns the project of a sequence."""
        return _found(self.world.homes.get(id_), "no_such_sequence", "sequence", id_)

    def exports(self, sequence: str) -> list[Receipt]:
        """Returns the receipts of a sequence's exports, newest first."""
        receipts = self.project(self.sequence_project(sequence)).receipts.values()
        return sorted((r for r in receipts if r.sequence == sequence), key=lambda r: r.order, reverse=True)

    def taken(self, sequence: str, digest: str, base: int) -> int | None:
        """Returns the version that a returned file made when it was merged against version `base`, None when it was not, or
        that was taken back."""
        return self._live.sequence(sequence).taken_at(digest, base)

    def returns(self, sequence: str, base: int) -> tuple[int, ...]:
        """Returns the versions that returned files made from version `base` made, in order; see returns.versions."""
        return returns.versions(self.store, self._live.sequence(sequence), base)

    def grown(self, sequence: str, base: int, through: tuple[int, ...]) -> Sequence | None:
        """Returns version `base` with the changes of the edits `through` alone; None when they do not stand alone."""
        events = (next(iter(self.store.read(UUID(hex=sequence), after=v - 1, upto=v)), None) for v in through)
        return returns.grown(self.sequence(sequence, base), events)

    def brought(self, sequence: str, base: int) -> frozenset[str]:
        """Returns the ids of the items, tracks and markers that returned files made from version `base` brought in, as far
        as they are there now."""
        opened = self._live.sequence(sequence)
        found: set[str] = set()
        for held in opened.taken.values():
            if held.base == base and held.version not in opened.marks.undone:
                found |= history.brought(self.store, opened, held.version)
        return frozenset(found)

    def content(self, id_: str, version: int | None = None) -> Content:
        """Returns a sequence as a value, ready for an export; of the present one only changed tracks are made again."""
        opened = self._opened(id_, version)
        return self._views.content(opened) if version is None else content_of(opened.state)

    def track_view(self, id_: str, track: str) -> TrackContent:
        """Returns a track of the present sequence with its items in order. Raises NotFound(no_such_track)."""
        opened = self._live.sequence(id_)
        if track not in opened.state.tracks:
            raise NotFound("no_such_track", f"{opened.state.name} has no track {track}.")
        return self._views.track(opened, track)

    def wire_sequence(self, id_: str, version: int | None = None) -> dict[str, Any]:
        """Returns the wire's snapshot of a sequence; `undo` and `redo` say per actor which version is next."""
        return wire_sequence(self._opened(id_, version))

    def wire_project(self, id_: str) -> dict[str, Any]:
        """Returns the wire's value of a project, without its media."""
        return wire_project(self.project(id_))

    def history(
        self, sequence: str, *, actor: str | None = None, before: int | None = None, limit: int = 100
    ) -> list[HistoryEntry]:
        """Returns up to `limit` versions below `before`, newest first."""
        if limit < 1:
            raise BadInput("bad_value", f"A page has at least one entry, not {limit}.")
        return history.entries(self.store, self._live.sequence(sequence), actor=actor, before=before, limit=limit)

    # -- the log

    def head_id(self) -> int:
        """Returns the notification id of the newest event published, 0 before the first."""
        return self._head

    def published_since(self, cursor: int, limit: int = 1000) -> list[Published]:
        """Returns up to `limit` events beyond the cursor with their effects, in order, up to head_id()."""
        held = self._tail.since(cursor, limit)
        if held is not None:
            return held
        head = self._head
        rows = [row for row in self.store.since(cursor, limit) if row.id <= head]
        return history.republished(self.store, self.world, rows)

    # -- inside

    def _opened(self, id_: str, version: int | None) -> Opened:
        opened = self._live.sequence(id_)
        if version is None or version == opened.state.version:
            return opened
        if not 1 <= version < opened.state.version:
            message = f"{opened.state.name} has versions 1 to {opened.state.version}."
            raise NotFound("no_such_version", message, version=version)
        return opened_at(self.store, id_, version)

    def _publish(self, published: list[Published], world: World) -> None:
        self._tail.add(published)
        self._head = published[-1].id
        for id_ in dict.fromkeys(p.event.originator_id.hex for p in published):
            opened = world.opened.get(id_)
            if opened is not None:
                self._snapshots.changed(opened)
        for subscriber in self._subscribers:
            try:
                subscriber(published)
            except Exception:
                # Plug-in boundary: what listens must never stop what writes.
                log.exception("A subscriber failed")


def _found(value: T | None, code: str, kind: str, name: str) -> T:
    if value is None:
        raise NotFound(code, f"There is no {kind} {name}.")
    return value


def _own(error: GenlockError) -> GenlockError:
    return type(error)(error.code, error.message, hint=error.hint, **error.details)
