"""One command's turn: what it sees, and the events it leaves behind."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence as Items
from datetime import datetime
from hashlib import blake2b
from typing import Any, TypeVar
from uuid import UUID

from msgspec import Struct

from genlock.application.envelope import Envelope
from genlock.application.live import opened_at
from genlock.application.opened import Opened
from genlock.application.world import World, effects, fold
from genlock.errors import CODES, BadInput, GenlockError, NotFound, Refused
from genlock.event import Event, EventKind
from genlock.project.job import JobState
from genlock.project.project import ProjectState
from genlock.project.shot import ShotState
from genlock.stamp import Stamp
from genlock.store.store import EventStore
from genlock.timeline.decision import Ids, Refusal
from genlock.timeline.sequence import Sequence

T = TypeVar("T")


class Staged(Struct, frozen=True):
    """An event to be stored, what it changes, and its project."""

    event: Event
    effects: list[list[Any]]
    project: str


class Turn:
    """What a handler works with: reads from the world as the commands before left it, and `emit` for what happens.

    Nothing outside is touched: a turn that ends in an error is dropped with all it did.
    """

    def __init__(
        self,
        world: World,
        envelope: Envelope,
        now: datetime,
        store: EventStore,
        open_sequence: Callable[[str], Opened],
        unsaved: Items[Staged] = (),
    ) -> None:
        self.world = world
        self.envelope = envelope
        self.staged: list[Staged] = []
        self.store = store
        self._now = now
        self._open = open_sequence
        self._unsaved = unsaved
        self._made = 0
        self.ids = Ids(envelope.id)

    # -- reading

    @property
    def target(self) -> str:
        """The aggregate the command is about."""
        return self.envelope.target

    def project(self, id_: str) -> ProjectState:
        """Returns a project. Raises NotFound, or Refused(archived)."""
        found = self.world.projects.get(id_)
        if found is None:
            raise NotFound("no_such_project", f"There is no project {id_ or 'without an id'}.")
        return found

    def active_project(self, id_: str) -> ProjectState:
        """Returns a project that is not archived. Raises NotFound, Refused(archived)."""
        found = self.project(id_)
        if found.archived:
            raise Refused("archived", f"The project {found.name} was archived.")
        return found

    def shot(self, id_: str) -> ShotState:
        """Returns a shot. Raises NotFound."""
        found = self.world.shots.get(id_)
        if found is None:
            raise NotFound("no_such_shot", f"There is no shot {id_ or 'without an id'}.")
        return found

    def job(self, id_: str) -> JobState:
        """Returns a job. Raises NotFound."""
        found = self.world.jobs.get(id_)
        if found is None:
            raise NotFound("no_such_job", f"There is no job {id_ or 'without an id'}.")
        return found

    def sequence(self, id_: str) -> Opened:
        """Returns a sequence at the version the commands before left it. Raises NotFound."""
        found = self.world.opened.get(id_)
        if found is None:
            if id_ not in self.world.homes:
                raise NotFound("no_such_sequence", f"There is no sequence {id_ or 'without an id'}.")
            found = self._open(id_)
            self.world = self.world.with_opened(found)
        return found

    def nested(self, id_: str) -> Sequence | None:
        """Returns another sequence, or None when there is none."""
        return self.sequence(id_).state if id_ in self.world.homes else None

    def event(self, id_: str, version: int) -> Event | None:
        """Returns one event of an aggregate, stored or not yet."""
        for staged in self._unsaved:
            if staged.event.originator_version == version and staged.event.originator_id.hex == id_:
                return staged.event
        return next(iter(self.store.read(UUID(hex=id_), after=version - 1, upto=version)), None)

    def past(self, opened: Opened, version: int) -> Sequence:
        """Returns a sequence as it was at an earlier version, stored or not yet."""
        id_ = opened.state.id
        fresh = [staged.event for staged in self._unsaved if staged.event.originator_id.hex == id_]
        stored = opened.state.version - len(fresh)
        if stored == 0:
            world = fold(fresh[:version], World())
            return world.opened[id_].state
        found = opened_at(self.store, id_, min(version, stored))
        world = fold(fresh[: max(0, version - stored)], World().with_opened(found))
        return world.opened[id_].state

    # -- making

    def new_aggregate(self) -> UUID:
        """Returns an id for a new aggregate, which depends on the command's id alone."""
        self._made += 1
        return UUID(bytes=blake2b(f"{self.envelope.id}\0{self._made}".encode(), digest_size=16).digest())

    def free(self, id_: str) -> UUID:
        """Returns the id that a client made for a new sequence. Raises BadInput, Refused(id_taken)."""
        try:
            made = UUID(hex=id_)
        except ValueError as error:
            raise BadInput("bad_value", f"{id_!r} is no sequence id: 32 hex digits are.") from error
        if made.hex in self.world.homes or made.hex in self.world.projects or made.hex in self.world.shots:
            raise Refused("id_taken", f"Something else already has the id {made.hex}.")
        return made

    def stamp(
        self, originator: UUID | str, version: int = 0, *, kind: EventKind | None = None, ref: int | None = None,
        label: str = "",
    ) -> Stamp:  # fmt: skip
        """Returns the envelope of an event; `version` is the aggregate's present one."""
        envelope = self.envelope
        return Stamp(
            originator=originator if isinstance(originator, UUID) else UUID(hex=originator),
            version=version,
            timestamp=self._now,
            actor=envelope.actor,
            host=envelope.host,
            command_id=envelope.id,
            kind=envelope.kind if kind is None else kind,
            ref=ref,
            label=envelope.label or label,
        )

    def emit(self, event: Event, project: str) -> None:
        """Lets the event happen in this turn."""
        before = self.world
        self.world = before.advance(event)
        self.staged.append(Staged(event, effects(before, self.world, event), project))


def settled(answer: T | Refusal) -> T:
    """Returns what was decided; raises the refusal as the error of its code."""
    if not isinstance(answer, Refusal):
        return answer
    raise error_of(answer)


def error_of(refusal: Refusal) -> GenlockError:
    """Returns the error of a refusal, with its conflicts in the details."""
    status = CODES[refusal.code].status
    kind = NotFound if status == 404 else BadInput if status in (400, 413, 415) else Refused
    conflicts = [{"code": c.code, "id": c.id, "message": c.message} for c in refusal.conflicts]
    return kind(refusal.code, refusal.message, conflicts=conflicts)
