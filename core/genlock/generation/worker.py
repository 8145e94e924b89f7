"""The worker process: takes one job at a time, runs its engine, delivers the take."""

from __future__ import annotations

import errno
import faulthandler
import os
import shutil
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue
from threading import Event, Thread
from typing import Final, assert_never

from genlock.errors import GenlockError, MediaError
from genlock.generation.channel import Beat, Cancel, Channel, Ready, Run
from genlock.generation.engine import Engines, Halt
from genlock.generation.executor import Failed, Finished, Outcome, Progress, Stopped, Ticket

BEAT: Final = 1.0
"""Seconds between two signs of life."""

LOG: Final = "worker.log"


def serve(channel: Channel) -> None:
    """Works until the daemon is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    orders: SimpleQueue[Run] = SimpleQueue()
    cancelled: dict[str, Event] = {}
    Thread(target=_listen, args=(channel, orders, cancelled), daemon=True).start()
    work: list[str] = []
    busy = Event()
    Thread(target=_beat, args=(channel, work, busy), daemon=True).start()
    channel.send(Ready(os.getpid()))
    engines = Engines()
    while True:
        run = orders.get()
        if run.engines != engines.targets:
            engines = Engines(run.engines)
        job = run.ticket.job
        stop = cancelled[job]
        channel.send(Beat(job))
        work[:] = [job]
        busy.set()
        outcome = carry_out(run.ticket, engines, channel.send, stop.is_set)
        busy.clear()
        channel.send(outcome)
        cancelled.pop(job, None)


def carry_out(
    ticket: Ticket, engines: Engines, report: Callable[[Progress], object], stopped: Callable[[], bool]
) -> Outcome:
    """Runs one job to its end and leaves nothing but the take, or nothing."""
    try:
        if stopped():
            return Stopped(ticket.job)
        with _desk(ticket):
            from genlock.generation.film import Film

            engine = engines.get(ticket.plan.engine)
            with Film(ticket, engine, report, stopped) as film:
                engine.generate(ticket.request, ticket.plan, film)
                return Finished(ticket.job, film.finish())
    except Halt:
        return Stopped(ticket.job)
    except GenlockError as error:
        return Failed(ticket.job, error.code, error.message)
    except MemoryError:
        return Failed(ticket.job, "needs_memory", f"The plan {ticket.plan.name} ran out of memory.")
    except Exception as error:  # an engine is a plug-in: whatever it raises costs its job, not the worker
        traceback.print_exc()
        return _failure(ticket, error)


def _failure(ticket: Ticket, error: Exception) -> Failed:
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS):
        return Failed(ticket.job, "unwritable_folder", f"{ticket.output} cannot be written: {error.strerror}.")
    if type(error).__name__ == "OutOfMemoryError":  # torch's, not imported here
        return Failed(ticket.job, "needs_memory", f"The plan {ticket.plan.name} ran out of device memory.")
    return Failed(
        ticket.job, "engine_failed", f"The engine {ticket.plan.engine} stopped: {type(error).__name__}: {error}"
    )


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


def _listen(channel: Channel, orders: SimpleQueue[Run], cancelled: dict[str, Event]) -> None:
    while True:
        order = channel.order()
        match order:
            case Run(ticket=ticket):
                cancelled[ticket.job] = Event()
                orders.put(order)
            case Cancel(job=job):
                # One for a job that is over already must not stop its retry; one that comes first is said again.
                if stop := cancelled.get(job):
                    stop.set()
            case None:
                os._exit(0)  # the daemon is gone: nobody waits for the take, whatever the engine is doing
            case _:
                assert_never(order)


def _beat(channel: Channel, work: list[str], busy: Event) -> None:
    pause = Event()
    while busy.wait():
        pause.wait(BEAT)
        if busy.is_set() and not channel.send(Beat(work[0])):
            return


def _main() -> None:
    """A fresh interpreter: orders come on stdin, reports leave on what was stdout; prints go to stderr."""
    reader, writer = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.dup2(2, 1)
    serve(Channel(reader, writer))


if __name__ == "__main__":
    _main()
