# SPDX-License-Identifier: GPL-3.0-or-later
"""What a walk asks for, one thing after another, and who carries it out: nothing here waits.

A *walk* is a generator that yields asks and is sent their answers: making a shot, putting it on the timeline, queuing its
job. It is pure, so that a test can walk it by hand. `Walks` carries walks out over errands, which answer by callback.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Generator
from typing import Any, NamedTuple, Protocol, TypeVar

from genlock_client.errors import ClientError
from genlock_client.model import Model

from .scenery import Cannot

Body = dict[str, Any]


class Post(NamedTuple):
    """A POST to the daemon; answered by the body of its answer."""

    path: str
    body: Body


class Render(NamedTuple):
    """The strips with these keys rendered over sequence frames `start` to `end` (exclusive); answered by a movie's path."""

    keys: tuple[str, ...]
    start: int
    end: int


class Ended(NamedTuple):
    """The end of jobs, however they end; answered by their values as on the wire."""

    jobs: tuple[str, ...]


Ask = Post | Render | Ended
T = TypeVar("T")
Steps = Generator[Ask, Any, T]
"""A part of a walk, with an answer of its own."""
Walk = Steps[str]
"""Returns a sentence: what came of it."""


def command(do: str, target: str = "", label: str = "", **fields: Any) -> Post:
    """Returns the ask for one command. It has an id of its own, so that asking twice does it once."""
    body = {"id": uuid.uuid4().hex, "target": target, "command": {"do": do, **fields}, "label": label}
    return Post("/api/commands", body)


def generate(project: str, body: Body) -> Post:
    """Returns the ask that queues jobs."""
    return Post(f"/api/projects/{project}/generate", {"id": uuid.uuid4().hex, **body})


class Going(NamedTuple):
    """A walk that is under way; `waits` is for a person: what it waits for."""

    label: str
    waits: str


class Gone(NamedTuple):
    """A walk that ended: with `sentence`, or with `error`."""

    label: str
    sentence: str
    error: ClientError | Cannot | None = None


Step = Going | Gone


class Doing(Protocol):
    """What a host does for walks."""

    def post(self, ask: Post, then: Callable[[Any], None]) -> None:
        """Answers with the body, or with a ClientError."""

    def render(self, ask: Render, then: Callable[[Any], None]) -> None:
        """Answers with the path, or with a ClientError."""

    def ended(self, job: str) -> Body | None:
        """Returns a job that has ended, as `ended` does."""


def ended(model: Model, job: str) -> Body | None:
    """Returns a job that has ended and whose take, if it made one, has come in too; None while it has not."""
    value = model.jobs.get(job)
    status = (value or {}).get("status", {})
    if value is None or status.get("type") in (None, "waiting", "running"):
        return None
    shot = model.shots.get(value.get("shot", ""))
    if status["type"] == "succeeded" and shot is not None and status["take"] not in shot.get("takes", {}):
        return None
    return value


class Walks:
    """The walks of this Blender, newest first; those that ended stay until they are forgotten.

    They end with the program: what they queued goes on, because it is the daemon's.
    """

    MOST = 20

    def __init__(self, doing: Doing, changed: Callable[[], None]) -> None:
        self._doing = doing
        self._changed = changed
        self._steps: list[tuple[int, Step]] = []
        self._awaited: dict[int, tuple[Walk, str, Ended]] = {}
        self._count = 0

    @property
    def steps(self) -> list[Step]:
        return [step for _, step in self._steps]

    @property
    def under_way(self) -> int:
        return sum(isinstance(step, Going) for step in self.steps)

    def start(self, label: str, walk: Walk) -> None:
        """Begins a walk; it goes on as its answers come in."""
        self._count += 1
        self._steps.insert(0, (self._count, Going(label, "")))
        del self._steps[self.MOST :]
        self._go(self._count, label, walk, None)

    def look(self) -> None:
        """Goes on with walks whose jobs have ended; call when jobs changed."""
        for number, (walk, label, ask) in list(self._awaited.items()):
            jobs = [self._doing.ended(job) for job in ask.jobs]
            if None not in jobs:
                del self._awaited[number]
                self._go(number, label, walk, jobs)

    def failed(self, label: str, error: ClientError) -> None:
        """Adds something to the list that was refused at once."""
        self._count += 1
        self._steps.insert(0, (self._count, Gone(label, "", error)))
        del self._steps[self.MOST :]
        self._changed()

    def forget(self) -> None:
        """Drops what ended from the list."""
        self._steps = [(number, step) for number, step in self._steps if isinstance(step, Going)]
        self._changed()

    def close(self) -> None:
        """Drops everything; answers that still come are nobody's."""
        self._steps = []
        self._awaited = {}

    def _go(self, number: int, label: str, walk: Walk, answer: Any) -> None:
        try:
            ask = walk.throw(answer) if isinstance(answer, ClientError) else walk.send(answer)
        except StopIteration as end:
            self._set(number, Gone(label, str(end.value or "")))
            return
        except (ClientError, Cannot) as error:
            self._set(number, Gone(label, "", error))
            return
        self._set(number, Going(label, _waits(ask)))

        def go_on(answer: Any) -> None:
            if any(known == number for known, _ in self._steps):
                self._go(number, label, walk, answer)

        if isinstance(ask, Post):
            self._doing.post(ask, go_on)
        elif isinstance(ask, Render):
            self._doing.render(ask, go_on)
        else:
            self._awaited[number] = (walk, label, ask)
            self.look()

    def _set(self, number: int, step: Step) -> None:
        self._steps = [(known, step if known == number else old) for known, old in self._steps]
        self._changed()


def _waits(ask: Ask) -> str:
    if isinstance(ask, Render):
        return "Another Blender renders the input"
    if isinstance(ask, Ended):
        return "The job is made"
    return "The daemon answers"
