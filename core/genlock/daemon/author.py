"""Gives commands for somebody: routes that make several of them use one author for all."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b
from itertools import count, takewhile
from uuid import uuid4

from genlock.application.application import Application
from genlock.application.commands import Command
from genlock.application.envelope import Accepted, Envelope
from genlock.event import EventKind


class Author:
    """Who does it, and where. Every command gets an id of its own.

    With the `id` of a request, a command that is a `step` of it gets the same id each time, so that a repeated request
    carries out nothing twice; `done` says what a step was answered.
    """

    def __init__(self, app: Application, actor: str = "", host: str = "", id: str = "") -> None:
        self._app = app
        self.host = host or "rest"
        self.actor = actor or self.host
        self.id = id

    def execute(
        self, command: Command, target: str = "", *, step: str = "", kind: EventKind = "edit", label: str = ""
    ) -> Accepted:
        """Carries out a command and waits until it is durable; raises GenlockError when it is refused."""
        return self._app.execute(self._envelope(command, target, step, kind, label))

    def execute_all(self, commands: Iterable[Command], *, step: str = "", first: int = 0) -> list[Accepted]:
        """Carries out commands that make new aggregates, many in one transaction; raises the first refusal. They are the
        steps `step` 0, 1 and so on, from `first`."""
        steps = (f"{step} {number}" if step else "" for number in count(first))
        envelopes = [
            self._envelope(command, "", each, "edit", "") for each, command in zip(steps, commands, strict=False)
        ]
        futures = [self._app.submit(envelope) for envelope in envelopes]
        return [future.result() for future in futures]

    def done(self, step: str) -> Accepted | None:
        """Returns the answer to a step of this request that was carried out before, None without one."""
        return self._app.answer_to(self._command_id(step)) if self.id else None

    def all_done(self, step: str) -> list[Accepted]:
        """Returns the answers to the steps `step` 0, 1 and so on, as far as they were carried out before."""
        answers = (self.done(f"{step} {number}") for number in count())
        return [answer for answer in takewhile(lambda answer: answer is not None, answers) if answer is not None]

    def mark(self, step: str) -> str:
        """Returns 32 hex digits for what a step makes outside the log; a repeated request gets the same ones."""
        return blake2b(f"{self._command_id(step)}/mark".encode(), digest_size=16).hexdigest()

    def _command_id(self, step: str) -> str:
        if not (self.id and step):
            return uuid4().hex
        return blake2b(f"{self.id}\0{step}".encode(), digest_size=16).hexdigest()

    def _envelope(self, command: Command, target: str, step: str, kind: EventKind, label: str) -> Envelope:
        return Envelope(
            id=self._command_id(step),
            command=command,
            target=target,
            actor=self.actor,
            host=self.host,
            kind=kind,
            label=label,
        )
