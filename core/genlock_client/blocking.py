"""A connection for scripts and tools that may wait: the same session and transport, driven by `select`.

    with Connection.open(host="script", actor="ada", project=project) as daemon:
        daemon.command({"do": "RenameItem", "item": item, "name": "Opening"}, target=sequence)
        for happening in daemon.events(timeout=10):
            print(happening)

Not for several threads at once.
"""

from __future__ import annotations

import select
import time
from collections import deque
from pathlib import Path
from types import TracebackType
from typing import Any, Callable, Iterator

from genlock_client import discovery
from genlock_client.discovery import Endpoint
from genlock_client.errors import ClientError, Offline
from genlock_client.happenings import CommandAccepted, CommandRefused, Ended, Happening
from genlock_client.model import Model
from genlock_client.session import Live, Resuming, Session
from genlock_client.transport import Transport


class Connection:
    """A session that waits for what it asked. `model` is the picture of the project, kept by every call."""

    def __init__(self, transport: Transport, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.transport = transport
        self.session = transport.session
        self._clock = clock
        self._queue: deque[Happening] = deque()

    @classmethod
    def open(
        cls,
        endpoint: Endpoint | str | Path | None = None,
        *,
        host: str,
        actor: str = "",
        project: str | None = None,
        timeout: float = 10.0,
    ) -> Connection:
        """Connects and waits for the welcome.

        `endpoint` is where the daemon listens, or its store (path or URL), or None for the newest daemon; a store is
        looked up again after each loss, so that a restarted daemon is found. Raises Offline when nobody welcomes us within
        `timeout` seconds, or the error that ended the session.
        """

        def find() -> Endpoint | None:
            return endpoint if isinstance(endpoint, Endpoint) else discovery.find(endpoint)

        if find() is None:
            raise Offline("daemon_absent", f"No daemon runs for {endpoint}." if endpoint else "No daemon is running.")
        session = Session(host, actor or discovery.actor(), clock=time.monotonic, project=project)
        connection = cls(Transport(session, find))
        try:
            connection._until(lambda: isinstance(session.state, Live), timeout)
        except ClientError:
            connection.close()
            raise
        return connection

    @property
    def model(self) -> Model:
        return self.session.model

    def command(
        self, command: dict[str, Any], target: str = "", *, timeout: float = 30.0, **options: Any
    ) -> CommandAccepted:
        """Sends a command and waits until it is durable; `options` are those of Session.command.

        Raises Refused when it was turned down, Offline(no_answer) after `timeout` seconds. The command is then still
        queued under `details["id"]` and may yet be done.
        """
        id_ = self.session.command(command, target, **options)
        answer: list[Happening] = []

        def answered(happening: Happening) -> bool:
            if isinstance(happening, (CommandAccepted, CommandRefused)) and happening.id == id_:
                answer.append(happening)
            return bool(answer)

        try:
            self._watch(answered, timeout)
        except Offline as error:
            error.details["id"] = id_
            raise
        happening = answer[0]
        if isinstance(happening, CommandRefused):
            raise happening.error
        assert isinstance(happening, CommandAccepted)
        return happening

    def events(self, timeout: float | None = None) -> Iterator[Happening]:
        """Yields happenings as they come, also those that came during other calls; ends after `timeout` quiet seconds."""
        while True:
            if not self._queue and not self._step(timeout):
                return
            while self._queue:
                happening = self._queue.popleft()
                yield happening
                if isinstance(happening, Ended):
                    return

    def wait_for(self, wanted: Callable[[Happening], bool], timeout: float = 30.0) -> Happening:
        """Returns the first happening that `wanted` accepts, dropping those before it.

        Raises Offline(no_answer) after `timeout` seconds, or the error that ended the session.
        """
        deadline = self._clock() + timeout
        while True:
            while self._queue:
                happening = self._queue.popleft()
                if wanted(happening):
                    return happening
                _raise_if_ended(happening)
            self._step_before(deadline, timeout)

    def close(self) -> None:
        """Ends the session."""
        self._queue.extend(self.transport.close())

    def __enter__(self) -> Connection:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    # -- waiting

    def _until(self, reached: Callable[[], bool], timeout: float) -> None:
        deadline = self._clock() + timeout
        while not reached():
            for happening in self._step_before(deadline, timeout):
                _raise_if_ended(happening)

    def _watch(self, wanted: Callable[[Happening], bool], timeout: float) -> None:
        """Waits until a new happening is wanted; all of them stay in the queue for `events`."""
        deadline = self._clock() + timeout
        while True:
            fresh = self._step_before(deadline, timeout)
            if any(wanted(happening) for happening in fresh):
                return
            for happening in fresh:
                _raise_if_ended(happening)

    def _step_before(self, deadline: float, timeout: float) -> list[Happening]:
        left = deadline - self._clock()
        if left <= 0:
            state = self.session.state
            why = f": {state.reason}" if isinstance(state, Resuming) else "."
            raise Offline("no_answer", f"The daemon did not answer within {timeout:g} seconds{why}")
        return self._step(left)

    def _step(self, timeout: float | None) -> list[Happening]:
        """Pumps until something happens or `timeout` seconds are over, and queues it."""
        deadline = None if timeout is None else self._clock() + timeout
        while True:
            fresh = self.transport.pump(0.05)
            left = None if deadline is None else deadline - self._clock()
            if fresh or self.transport.ended or (left is not None and left <= 0):
                self._queue.extend(fresh)
                return fresh
            read, write, seconds = self.transport.waits()
            pause = seconds if left is None else min(seconds, left)
            if read or write:
                select.select(read, write, write, pause)
            else:
                time.sleep(min(pause, 1.0))


def _raise_if_ended(happening: Happening) -> None:
    if isinstance(happening, Ended):
        raise happening.error or Offline("daemon_absent", "The session was closed.")
