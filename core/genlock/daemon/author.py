"""Gives commands for somebody: routes that make several of them use one author for all."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import uuid4

from genlock.application.application import Application
from genlock.application.commands import Command
from genlock.application.envelope import Accepted, Envelope
from genlock.event import EventKind


class Author:
    """Who does it, and where. Every command gets an id of its own."""

    def __init__(self, app: Application, actor: str = "", host: str = "") -> None:
        self._app = app
        self.host = host or "rest"
        self.actor = actor or self.host

    def execute(self, command: Command, target: str = "", *, kind: EventKind = "edit", label: str = "") -> Accepted:
        """Carries out a command and waits until it is durable; raises GenlockError when it is refused."""
        return self._app.execute(self._envelope(command, target, kind, label))

    def execute_all(self, commands: Iterable[Command]) -> list[Accepted]:
        """Carries out commands that make new aggregates, many in one transaction; raises the first refusal."""
        futures = [self._app.submit(self._envelope(command, "", "edit", "")) for command in commands]
        return [future.result() for future in futures]

    def _envelope(self, command: Command, target: str, kind: EventKind, label: str) -> Envelope:
        return Envelope(
            id=uuid4().hex, command=command, target=target, actor=self.actor, host=self.host, kind=kind, label=label
        )
