"""A studio on a store of its own: commands in one line, a clock that ticks by itself."""

from __future__ import annotations

from collections.abc import Sequence as Items
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from genlock.application.application import Accepted, Application, Envelope, Published
from genlock.application.commands import Command, CreateSequence
from genlock.application.snapshots import Snapshots
from genlock.errors import GenlockError
from genlock.project.commands import CreateProject, CreateShot
from genlock.store.records import CommandRow, Commit, Recorded
from genlock.store.store import EventStore, open_store
from genlock.timeline.commands import AppendItem
from genlock.timeline.model import Generator, Item


class Ticks:
    """A clock: a second later at each look."""

    def __init__(self) -> None:
        self._now = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        self._now += timedelta(seconds=1)
        return self._now


class Studio:
    """An application with short ways to do things. `seen` is what was published."""

    def __init__(self, store: EventStore | None = None, *, first: int = 1, **snapshots: Any) -> None:
        self.store = store or open_store("memory:")
        self.app = Application(self.store, clock=Ticks(), snapshots=Snapshots(self.store, **snapshots))
        self.seen: list[Published] = []
        self.app.subscribe(self.seen.extend)
        self.ids = count(first)

    def envelope(self, command: Command, target: str = "", **rest: Any) -> Envelope:
        rest.setdefault("id", f"c{next(self.ids)}")
        rest.setdefault("actor", "ann")
        return Envelope(command=command, target=target, **rest)

    def do(self, command: Command, target: str = "", **rest: Any) -> Accepted:
        return self.app.execute(self.envelope(command, target, **rest))

    def refused(self, command: Command, target: str = "", **rest: Any) -> GenlockError:
        before, head = self.app.world, self.store.tip()
        try:
            self.do(command, target, **rest)
        except GenlockError as error:
            assert self.store.tip() == head
            assert comparable(self.app) == _of_world(before)
            return error
        raise AssertionError(f"{command} was accepted")

    def project(self, name: str = "Blue") -> str:
        return self.do(CreateProject(name)).target

    def sequence(self, project: str = "", name: str = "Cut") -> str:
        return self.do(CreateSequence(project or self.project(), name)).target

    def shot(self, project: str, code: str = "SH0010") -> str:
        return self.do(CreateShot(project, code)).target

    def track(self, sequence: str, at: int = 0) -> str:
        return self.app.sequence(sequence).order[at]

    def append(self, sequence: str, item: str, *, track: int = 0, actor: str = "ann", **rest: Any) -> Accepted:
        command = AppendItem(self.track(sequence, track), clip(item))
        return self.do(command, sequence, actor=actor, **rest)

    def items(self, sequence: str, track: int = 0) -> list[str]:
        state = self.app.sequence(sequence)
        return list(state.lanes[state.order[track]].ids())

    def reopened(self) -> Studio:
        """Closes this one and opens another on the same store."""
        self.app.close()
        return Studio(self.store, first=next(self.ids))


class Failing:
    """A store whose appends fail while `error` is set and whose look-ups fail while `unreadable` is."""

    def __init__(self, store: EventStore) -> None:
        self.store = store
        self.error: Exception | None = None
        self.unreadable: Exception | None = None

    def append(self, commits: Items[Commit]) -> list[list[Recorded]]:
        if self.error is not None:
            raise self.error
        return self.store.append(commits)

    def find_commands(self, command_ids: Items[str]) -> dict[str, CommandRow]:
        if self.unreadable is not None:
            raise self.unreadable
        return self.store.find_commands(command_ids)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)


def clip(item: str, duration: int = 10) -> Item:
    return Item(item, Generator("bars"), duration, name=item)


def comparable(app: Application) -> dict[str, Any]:
    """Everything live, as values that can be compared."""
    return _of_world(app.world)


def _of_world(world: Any) -> dict[str, Any]:
    return {
        "projects": dict(world.projects),
        "shots": dict(world.shots),
        "jobs": dict(world.jobs),
        "codes": dict(world.codes),
        "reserved": dict(world.reserved),
        "homes": dict(world.homes),
    }
