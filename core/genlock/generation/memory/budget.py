"""How many bytes jobs may hold now: measured every two seconds, less what other programs are expected to take.

`Watch` looks and tells; what it tells is decided by the pure functions `allowed` and `settled`. Less is believed at once,
more only when it has lasted: a program that breathes in and out costs one change of budget, not many.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable
from threading import Event, Lock, Thread
from time import monotonic
from typing import Any, Final

from msgspec import Struct

from genlock.generation.memory import meters
from genlock.generation.memory.hints import Hints
from genlock.generation.memory.machine import CONTEXT, MARGIN, GiB, Machine
from genlock.generation.memory.meters import HostMeter, Meter, NvmlMeter
from genlock.generation.memory.tenants import OTHERS, PROGRAMS, Ollama, Recent, Resident, tenant

log = logging.getLogger("genlock.memory")

EVERY: Final = 2.0
"""Seconds between two looks."""

BAND: Final = GiB // 4
"""Bytes the budget does not follow in either direction."""

PATIENCE: Final = 10.0
"""Seconds that more room has to last."""


class Sample(Struct, frozen=True):
    """A look at the memory, in bytes: its size, what is free, what Genlock's `workers` processes hold, and what each tenant
    holds and is expected to hold."""

    total: int
    free: int
    ours: int = 0
    workers: int = 0
    held: dict[str, int] = {}
    expected: dict[str, int] = {}

    @property
    def forecast(self) -> int:
        """Bytes of all tenants: what they are expected to hold, or hold already."""
        names = {*self.held, *self.expected}
        return sum(max(self.held.get(name, 0), self.expected.get(name, 0)) for name in names)


class Settled(Struct, frozen=True):
    """A budget, and since when (monotonic seconds) there was more room than it says: at least `least`."""

    budget: int
    since: float | None = None
    least: int = 0


def allowed(machine: Machine, sample: Sample, *, share: float = 1.0, reserve: int = 0) -> int:
    """Returns the bytes jobs may hold by one look. `reserve` stays with the user whatever happens.

    The least of: a `share` of what the machine can give at all; what is free or ours; what is left when every tenant takes
    what is expected of it.
    """
    now = sample.free + sample.ours - CONTEXT * sample.workers
    later = sample.total - sample.forecast - reserve
    return max(0, min(int(machine.usable * share), now - MARGIN, later - MARGIN))


def settled(before: Settled | None, wanted: int, at: float) -> Settled:
    """Returns the budget after one more look that allows `wanted`."""
    if before is None or wanted < before.budget - BAND:
        return Settled(wanted)
    if wanted <= before.budget + BAND:
        return Settled(before.budget)
    if before.since is None:
        return Settled(before.budget, at, wanted)
    least = min(before.least, wanted)
    if at - before.since < PATIENCE:
        return Settled(before.budget, before.since, least)
    return Settled(least)


def reason(sample: Sample) -> str:
    """Returns why the budget is what it is, for a person."""
    names = sorted({*sample.held, *sample.expected})
    parts = []
    for name in names:
        held, expected = sample.held.get(name, 0), sample.expected.get(name, 0)
        if max(held, expected) < BAND:
            continue
        more = f", {expected / GiB:.1f} expected" if expected > held + BAND else ""
        parts.append(f"{name} holds {held / GiB:.1f} GiB{more}")
    return "; ".join(parts) or "nobody else holds much"


class Watch:
    """Looks at the memory on a thread of its own and calls `on_change(budget, reason)` when the budget changes, the first
    time at once.

    `held` says how many bytes Genlock has on the device; it counts where the system does not tell processes apart.
    """

    def __init__(
        self,
        machine: Machine,
        on_change: Callable[[int, str], None],
        *,
        meter: Meter | None = None,
        hints: Hints | None = None,
        ollama: Ollama | None = None,
        share: float = 1.0,
        reserve: int = 0,
        held: Callable[[], int] = lambda: 0,
        pids: Callable[[], Iterable[int]] | None = None,
        name_of: Callable[[int], str] = meters.name_of,
        every: float = EVERY,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self.machine, self.hints, self.ollama = machine, hints or Hints(), ollama
        self.share, self.reserve, self.every = share, reserve, every
        self._on_change, self._held = on_change, held
        self._pids, self._name_of, self._clock = pids or meters.family, name_of, clock
        self.meter = meter or meter_of(machine, self._pids)
        self._recent = Recent()
        self._settled: Settled | None = None
        self._sample: Sample | None = None
        self._residents: tuple[Resident, ...] = ()
        self._wake, self._ended = Event(), False
        self._thread: Thread | None = None
        self._looking, self._lock = Lock(), Lock()
        self.hints.on_change = self._wake.set

    def start(self) -> None:
        """Begins to look; the first look is over when this returns."""
        self.look()
        self._thread = Thread(target=self._run, name="genlock-memory-watch", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ends it; idempotent."""
        self._ended = True
        self._wake.set()
        if self._thread is not None:
            self._thread.join(5)

    def look(self) -> int:
        """Looks once, tells when the budget changed, and returns it."""
        with self._looking:
            at = self._clock()
            sample = self._look(at)
            before = self._settled
            self._settled = after = settled(
                before, allowed(self.machine, sample, share=self.share, reserve=self.reserve), at
            )
            with self._lock:
                self._sample = sample
            if before is None or before.budget != after.budget:
                self._on_change(after.budget, reason(sample))
            return after.budget

    def make_way(self, size: int) -> None:
        """Has an Ollama server unload the models that Genlock loaded there, when `size` is more than the budget. What comes
        free counts at once."""
        settled = self._settled
        if self.ollama is None or size <= (settled.budget if settled else 0) or not self.ollama.evict(self.meter.free):
            return
        with self._looking:
            self._recent.forget("ollama")
            self._settled = None
        self.look()

    def tenants(self) -> dict[str, Any]:
        """Returns a JSON-ready picture: total, free, ours, each tenant with what it holds and is expected to hold, the
        hints that stand, Ollama's models. Callable from any thread; asks nobody, and waits for nobody."""
        with self._lock:
            sample, residents = self._sample or Sample(0, 0), self._residents
        names = sorted({*sample.held, *sample.expected})
        return {
            "total": sample.total,
            "free": sample.free,
            "ours": sample.ours,
            "reserve": self.reserve,
            "tenants": [
                {"name": name, "bytes": sample.held.get(name, 0), "expected": sample.expected.get(name, 0)}
                for name in names
            ],
            "hints": [
                {"host": hint.host, "page": hint.page, "playing": hint.playing, "rendering": hint.rendering}
                for hint in self.hints.standing()
            ],
            "ollama": [{"model": model.name, "bytes": model.size_vram} for model in residents],
        }

    def _run(self) -> None:
        while not self._ended:
            self._wake.wait(self.every)
            self._wake.clear()
            try:
                self.look()
            except (OSError, RuntimeError, ValueError) as error:  # a look that fails is not the last one
                log.warning("The memory could not be looked at: %s", error)

    def _look(self, at: float) -> Sample:
        total, free, by_process = self.meter.total(), self.meter.free(), self.meter.by_process()
        own = set(self._pids())
        ours = sum(size for pid, size in by_process.items() if pid in own)
        held: Counter[str] = Counter()
        unseen = 0
        for pid, size in by_process.items():
            if pid in own:
                continue
            name = self._name_of(pid)
            if name:
                held[tenant(name)] += size
            else:
                unseen += size
        # From inside a container processes have other numbers, and ours cannot be seen by name either; where no process
        # is listed at all, what nobody else can be charged with is ours.
        if not ours:
            ours = min(self._held(), unseen if by_process else max(0, total - free))
            unseen -= min(unseen, ours)
        models = self.ollama.residents() if self.ollama else ()
        with self._lock:
            self._residents = models
        residents = sum(model.size_vram for model in models)
        if residents and not by_process:
            held["ollama"] = residents
        rest = max(0, total - free - ours - sum(held.values())) if not self.machine.unified else unseen
        if rest:
            held[OTHERS] += rest
        self._recent.note(at, held)
        expected = self._recent.most()
        for name, size in self.hints.expected().items():
            expected[name] = max(expected.get(name, 0), size)
        return Sample(total, free, ours, sum(pid in own for pid in by_process), dict(held), expected)


def meter_of(machine: Machine, pids: Callable[[], Iterable[int]] = meters.family) -> Meter:
    """Returns what measures a machine's device memory."""
    if machine.kind == "cuda" and not machine.unified and machine.gpu:
        return NvmlMeter(machine.gpu)
    return HostMeter(tuple(PROGRAMS), pids)
