"""How commands become durable: decide each on what the ones before left, append all in one transaction, swap, publish,
answer. In that order, so that nobody ever sees what is not on the disk."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Final

from msgspec.structs import replace

from genlock.application.envelope import Accepted, Envelope, Published
from genlock.application.handlers import handle
from genlock.application.live import Live
from genlock.application.turn import Staged, Turn
from genlock.application.world import World
from genlock.application.writer import Task, internal
from genlock.errors import BadInput, GenlockError, Refused
from genlock.store.records import CommandRow, Commit, Recorded
from genlock.store.store import EventStore

log = logging.getLogger(__name__)

KINDS: Final = ("edit", "sync", "merge", "import")
"""What a client may call its command; undo, redo and revert are commands."""

ID_LENGTH: Final = 128


class Entry:
    """A command that was decided and waits for the transaction, with those that repeat it."""

    def __init__(self, task: Task, digest: bytes, staged: list[Staged]) -> None:
        self.task = task
        self.digest = digest
        self.staged = staged
        self.repeats: list[Task] = []


class Group:
    """Commands decided but not stored: `known` are those whose id was stored before, `unsaved` what the others made."""

    def __init__(self, known: dict[str, CommandRow]) -> None:
        self.known = known
        self.entries: dict[str, Entry] = {}
        self.unsaved: list[Staged] = []


class Committer:
    """Carries out groups of commands, on the writer's thread."""

    def __init__(
        self,
        store: EventStore,
        live: Live,
        clock: Callable[[], datetime],
        publish: Callable[[list[Published], World], None],
    ) -> None:
        self._store = store
        self._live = live
        self._clock = clock
        self._publish = publish

    def carry_out(self, queued: list[Task]) -> None:
        """Answers the tasks; one that it raises for is answered by its caller."""
        tasks = [task for task in queued if task.future.set_running_or_notify_cancel()]
        world = self._live.world
        # Looked up for all at once: one that PostgreSQL cannot hold must not cost the others their answer.
        ids = {task.envelope.id for task in tasks if "\0" not in task.envelope.id}
        group = Group(self._store.find_commands(list(ids)))
        for task in tasks:
            try:
                world = self._take(task, world, group)
            except GenlockError as error:
                task.future.set_exception(error)
            except Exception as error:
                # Request boundary: a mistake in one command must not take down the thread that writes for everybody.
                log.exception("%s failed", type(task.envelope.command).__name__)
                task.future.set_exception(internal(error))
        if group.entries:
            self._commit(list(group.entries.values()), world)

    def _take(self, task: Task, world: World, group: Group) -> World:
        """Decides one command; returns the world after it."""
        envelope = task.envelope
        _check(envelope)
        digest = envelope.digest
        waiting = group.entries.get(envelope.id)
        if waiting is not None:
            _same(envelope, waiting.digest, digest)
            waiting.repeats.append(task)
            return world
        row = group.known.get(envelope.id)
        if row is not None:
            _same(envelope, row.digest, digest)
            first = accepted(envelope.id, self._store.recorded(row.first_id, row.last_id))
            task.future.set_result(replace(first, duplicate=True))
            return world
        turn = Turn(world, envelope, self._clock(), self._store, self._live.sequence, group.unsaved)
        handle(turn)
        group.entries[envelope.id] = Entry(task, digest, turn.staged)
        group.unsaved.extend(turn.staged)
        return turn.world

    def _commit(self, entries: list[Entry], world: World) -> None:
        commits = [
            Commit(e.task.envelope.id, e.task.envelope.actor, e.digest, tuple(s.event for s in e.staged))
            for e in entries
        ]
        try:
            recorded = self._store.append(commits)
        except GenlockError as error:
            self._fail(entries, error)
            return
        self._live.advance(world, {s.event.originator_id.hex for entry in entries for s in entry.staged})
        self._publish(list(_published(entries, recorded)), world)
        for entry, rows in zip(entries, recorded, strict=True):
            answer = accepted(entry.task.envelope.id, rows)
            entry.task.future.set_result(answer)
            for repeat in entry.repeats:
                repeat.future.set_result(replace(answer, duplicate=True))

    def _fail(self, entries: list[Entry], error: GenlockError) -> None:
        if error.code == "stale_version":
            # Another process wrote to the same store: what is live is old.
            self._live.reload()
        for entry in entries:
            for task in (entry.task, *entry.repeats):
                task.future.set_exception(error)


def accepted(command_id: str, rows: list[Recorded]) -> Accepted:
    """Returns the answer to a command from its events: the first one's aggregate is the target."""
    originator = rows[0].event.originator_id
    return Accepted(
        command_id=command_id,
        target=originator.hex,
        version=max(row.event.originator_version for row in rows if row.event.originator_id == originator),
        first_id=rows[0].id,
        last_id=rows[-1].id,
        created=tuple(row.event.originator_id.hex for row in rows if row.event.originator_version == 1),
    )


def _published(entries: list[Entry], recorded: list[list[Recorded]]) -> Iterable[Published]:
    for entry, rows in zip(entries, recorded, strict=True):
        for staged, row in zip(entry.staged, rows, strict=True):
            yield Published(row.id, row.event, row.state, staged.effects, staged.project)


def _check(envelope: Envelope) -> None:
    if not 0 < len(envelope.id) <= ID_LENGTH:
        raise BadInput("bad_request", f"A command needs an id of 1 to {ID_LENGTH} characters.", field="id")
    for field, text in (("id", envelope.id), ("actor", envelope.actor)):
        if "\0" in text:
            raise BadInput("bad_request", f"A command's {field} holds no NUL character.", field=field)
    if envelope.kind not in KINDS:
        raise BadInput("bad_request", f"A command's kind is one of {', '.join(KINDS)}.", field="kind")


def _same(envelope: Envelope, first: bytes, digest: bytes) -> None:
    if first != digest:
        raise Refused("command_id_reused", f"The command id {envelope.id} belongs to another command.")
