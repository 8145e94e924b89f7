"""The worker process: takes one job at a time, runs its engine, delivers the take."""

from __future__ import annotations

import errno
import faulthandler
import os
import re
import shutil
import signal
import sys
import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING, Final

from genlock.errors import GenlockError, MediaError
from genlock.generation.channel import Beat, Channel, Ready
from genlock.generation.engine import Engines, Halt, Stage
from genlock.generation.executor import Failed, Finished, Outcome, Progress, Staging, Stopped, Ticket
from genlock.generation.nursery import preload
from genlock.generation.orders import Orders
from genlock.generation.rack import Rack, allocated

if TYPE_CHECKING:
    from genlock.generation.film import Line

BEAT: Final = 1.0
"""Seconds between two signs of life."""

LOG: Final = "worker.log"

LONGEST: Final = 2000
"""Characters of what an engine raised that are kept: it becomes part of the history."""

_NO_ROOM: Final = re.compile(r"OutOfMemory|out of memory|not enough memory|can't allocate memory|ALLOC_FAILED", re.I)
_NO_DEVICE: Final = re.compile(
    r"AcceleratorError|CUDA error|CUDA driver error|device lost|GPU is lost|MPS backend.*lost"
)
"""What torch says when an allocation fails, and when a device is gone or its context is spoilt. Its classes are not
imported here, and of some of these errors the text is all there is."""


def serve(channel: Channel) -> None:
    """Works until the daemon is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    orders = Orders()
    Thread(target=_listen, args=(channel, orders), daemon=True).start()
    work: list[str] = []
    busy = Event()
    Thread(target=_beat, args=(channel, work, busy), daemon=True).start()
    channel.send(Ready(os.getpid()))
    engines = Engines()
    rack = Rack(channel.send)
    while True:
        run = orders.next()
        if run is None:
            rack.order(orders.moves())
            channel.send(Beat("", allocated()))
            continue
        if run.engines != engines.targets:
            engines = Engines(run.engines)
        job, rack.device = run.ticket.job, run.device
        channel.send(Beat(job))
        work[:] = [job]
        busy.set()
        outcome = carry_out(run.ticket, engines, Wire(job, rack, orders, channel))
        busy.clear()
        orders.over(job)
        channel.send(outcome)
        if isinstance(outcome, Failed) and outcome.code == "worker_lost":
            os._exit(1)  # with a context that answers every call with the same error, nothing can be freed
        channel.send(Beat("", allocated()))


class Wire:
    """A running job's connection to the daemon, and to the models of this process."""

    def __init__(self, job: str, models: Rack, orders: Orders, channel: Channel) -> None:
        self.models = models
        self._job, self._orders, self._channel = job, orders, channel

    def report(self, message: Progress) -> None:
        """Passes on how far the job is."""
        self._channel.send(message)

    def stopped(self) -> bool:
        """Whether the job was cancelled."""
        return self._orders.stopped(self._job)

    def step(self) -> None:
        """Makes the moves that are due."""
        if moves := self._orders.moves():
            self.models.order(moves)

    def stage(self, stage: Stage) -> None:
        """Asks to begin a stage and waits for it. Raises Halt."""
        activation = self.models.activation()
        self.models.begin(())  # nothing of the stage before is in use any more
        self._channel.send(Staging(self._job, stage.name, activation))
        while (moves := self._orders.proceed(self._job)) is None:
            if self.stopped():
                raise Halt
            self.step()
        self.models.order(moves)
        self.models.begin(stage.components)


def carry_out(ticket: Ticket, engines: Engines, line: Line) -> Outcome:
    """Runs one job to its end and leaves nothing but the take, or nothing."""
    outcome = _carry_out(ticket, engines, line)
    line.models.begin(())
    if isinstance(outcome, Failed) and outcome.code == "needs_memory":
        line.models.drop(component.name for component in ticket.plan.components)
    return outcome


def _carry_out(ticket: Ticket, engines: Engines, line: Line) -> Outcome:
    try:
        if line.stopped():
            return Stopped(ticket.job)
        with _desk(ticket):
            from genlock.generation.film import Film

            engine = engines.get(ticket.plan.engine)
            if not ticket.plan.stages:
                line.models.begin(component.name for component in ticket.plan.components)
            with Film(ticket, engine, line) as film:
                engine.generate(ticket.request, ticket.plan, film)
                return Finished(ticket.job, film.finish())
    except Halt:
        return Stopped(ticket.job)
    except GenlockError as error:
        return _failure(ticket, error)
    except ImportError as error:
        traceback.print_exc()
        lacks = engines.get(ticket.plan.engine).missing()
        return Failed(ticket.job, "engine_failed", lacks) if lacks else _failure(ticket, error)
    except Exception as error:  # an engine is a plug-in: whatever it raises costs its job, not the worker
        traceback.print_exc()
        return _failure(ticket, error)


def _failure(ticket: Ticket, error: Exception) -> Failed:
    # A lack of memory while a part is loaded may come as one of its files that cannot be used.
    causes = [cause for cause in _causes(error) if not isinstance(cause, GenlockError)]
    if any(isinstance(cause, MemoryError) for cause in causes):
        return Failed(ticket.job, "needs_memory", f"The plan {ticket.plan.name} ran out of memory.")
    if any(_NO_ROOM.search(f"{type(cause).__name__}: {cause}") for cause in causes):
        return Failed(ticket.job, "needs_memory", f"The plan {ticket.plan.name} ran out of device memory.")
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS):
        return Failed(ticket.job, "unwritable_folder", f"{ticket.output} cannot be written: {error.strerror}.")
    said = f"{type(error).__name__}: {error}"
    if len(said) > LONGEST:  # some libraries list every tensor of a model
        said = f"{said[:LONGEST]} ..."
    if any(_NO_DEVICE.search(f"{type(cause).__name__}: {cause}") for cause in causes):
        return Failed(ticket.job, "worker_lost", f"The device stopped working under the job: {said}")
    if isinstance(error, GenlockError):
        return Failed(ticket.job, error.code, error.message)
    return Failed(ticket.job, "engine_failed", f"The engine {ticket.plan.engine} stopped: {said}")


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yields an error and what led to it: libraries wrap what torch says."""
    for _ in range(8):
        if error is None:
            return
        yield error
        error = error.__cause__ or error.__context__


@contextmanager
def _desk(ticket: Ticket) -> Iterator[Path]:
    """Gives the job its private folder and sends everything printed to a log in it; clears both away."""
    desk = ticket.desk
    shutil.rmtree(desk, ignore_errors=True)
    try:
        desk.mkdir(parents=True)
    except OSError as error:
        raise MediaError("unwritable_folder", f"{ticket.output} cannot be written: {error.strerror}.") from error
    kept = os.dup(2)
    with (desk / LOG).open("wb", buffering=0) as log:
        os.dup2(log.fileno(), 2)
        faulthandler.enable(log)  # a crash in native code leaves its stack in the log
        try:
            yield desk
        finally:
            faulthandler.disable()
            sys.stderr.flush()
            os.dup2(kept, 2)
            os.close(kept)
            shutil.rmtree(desk, ignore_errors=True)


def _listen(channel: Channel, orders: Orders) -> None:
    while (order := channel.order()) is not None:
        orders.put(order)
    os._exit(0)  # the daemon is gone: nobody waits for the take, whatever the engine is doing


def _beat(channel: Channel, work: list[str], busy: Event) -> None:
    pause = Event()
    while busy.wait():
        pause.wait(BEAT)
        if busy.is_set() and not channel.send(Beat(work[0], allocated())):
            return


def main(modules: Iterable[str] = ()) -> None:
    """A fresh interpreter: orders come on stdin, reports leave on what was stdout; prints go to stderr. Imports first."""
    reader, writer = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.dup2(2, 1)
    preload(modules)
    serve(Channel(reader, writer))


if __name__ == "__main__":
    main(sys.argv[1:])
