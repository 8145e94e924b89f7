"""The budget follows what others hold and are about to take: down at once, up when it lasts."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from threading import Event
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genlock.generation.memory import budget
from genlock.generation.memory.budget import BAND, PATIENCE, Sample, Settled, Watch, allowed, settled
from genlock.generation.memory.hints import Hint, Hints
from genlock.generation.memory.machine import CARDS, CONTEXT, MARGIN, GiB, Machine
from genlock.generation.memory.meters import HostMeter, NvmlMeter
from genlock.generation.memory.tenants import Ollama, Resident

CARD = CARDS["24 GB"]
MAC = CARDS["64 GB unified"]
SIZES = st.integers(0, 40 * GiB)
NAMES = st.dictionaries(st.sampled_from(["resolve", "blender", "ollama"]), SIZES, max_size=3)
SAMPLES = st.builds(
    Sample, total=st.just(24 * GiB), free=SIZES, ours=SIZES, workers=st.integers(0, 4), held=NAMES, expected=NAMES
)


class FakeMeter:
    """A memory of 24 GiB with processes 1 (ours), 2 (Resolve), 3 (Ollama) and 4 (nobody knows), in GiB."""

    def __init__(self, lists: bool = True, **held: float) -> None:
        self.lists, self.held = lists, held

    def total(self) -> int:
        return 24 * GiB

    def free(self) -> int:
        return int((24 - sum(self.held.values())) * GiB)

    def by_process(self) -> Mapping[int, int]:
        pids = {"ours": 1, "resolve": 2, "ollama": 3, "unknown": 4}
        return {pids[name]: int(size * GiB) for name, size in self.held.items() if size} if self.lists else {}


class Bench:
    """A watch over a fake memory with a clock that is turned by hand."""

    def __init__(self, meter: FakeMeter, machine: Machine = CARD, **more: Any) -> None:
        self.now = 0.0
        self.told: list[tuple[int, str]] = []
        self.hints = Hints(clock=lambda: self.now)
        names = {1: "python3", 2: "resolve", 3: "ollama.exe"}
        self.watch = Watch(
            machine,
            lambda size, why: self.told.append((size, why)),
            meter=meter,
            hints=self.hints,
            pids=lambda: (1,),
            name_of=lambda pid: names.get(pid, ""),
            clock=lambda: self.now,
            **more,
        )

    def look(self, seconds: float = 2.0) -> float:
        self.now += seconds
        return self.watch.look() / GiB


# -- what one look allows


@given(SAMPLES, SIZES, st.floats(0, 1))
def test_never_negative_and_never_more_than_the_machine_or_what_is_free(s: Sample, reserve: int, share: float) -> None:
    size = allowed(CARD, s, share=share, reserve=reserve)
    assert 0 <= size <= CARD.usable * share
    assert size == 0 or size <= s.free + s.ours - MARGIN
    assert size == 0 or size <= s.total - reserve - s.forecast - MARGIN


@given(SAMPLES, SIZES)
def test_more_free_memory_never_lowers_it_and_more_forecast_never_raises_it(s: Sample, more: int) -> None:
    freer = Sample(s.total, s.free + more, s.ours, s.workers, s.held, s.expected)
    assert allowed(CARD, freer) >= allowed(CARD, s)
    dearer = Sample(s.total, s.free, s.ours, s.workers, s.held, {**s.expected, "adobe": more})
    assert allowed(CARD, dearer) <= allowed(CARD, s)


def test_a_card_of_our_own_gives_all_but_context_and_margin() -> None:
    assert allowed(CARD, Sample(24 * GiB, 24 * GiB)) == CARD.usable == 24 * GiB - CONTEXT - MARGIN


def test_loading_our_own_models_changes_nothing() -> None:
    empty = allowed(CARD, Sample(24 * GiB, 20 * GiB, 0, 1, {"resolve": 4 * GiB}))
    full = allowed(CARD, Sample(24 * GiB, 2 * GiB, 18 * GiB, 1, {"resolve": 4 * GiB}))
    assert empty == full


# -- how it settles


@given(st.lists(st.tuples(st.floats(0.1, 5), SIZES), min_size=1, max_size=60))
def test_it_is_never_above_what_is_allowed_by_more_than_a_band(steps: list[tuple[float, int]]) -> None:
    state: Settled | None = None
    at = 0.0
    for seconds, wanted in steps:
        at += seconds
        state = settled(state, wanted, at)
        assert 0 <= state.budget <= wanted + BAND


@given(SIZES, SIZES, st.integers(2, 60), st.floats(0.5, PATIENCE - 0.1))
def test_what_breathes_faster_than_its_patience_moves_it_once(low: int, high: int, times: int, seconds: float) -> None:
    low, high = sorted((low, high))
    state, seen = None, []
    for step in range(times):
        state = settled(state, (high, low)[step % 2], step * seconds)
        seen.append(state.budget)
    changes = sum(a != b for a, b in itertools.pairwise(seen))
    assert changes <= 1


@given(SIZES, st.lists(SIZES, min_size=1, max_size=20))
def test_what_lasts_is_believed_and_then_rests(first: int, more: list[int]) -> None:
    state = settled(None, first, 0.0)
    at = 0.0
    for wanted in more:
        for _ in range(8):
            at += 2.0
            state = settled(state, wanted, at)
        assert abs(state.budget - wanted) <= BAND
        assert settled(state, wanted, at + 2).budget == state.budget


# -- the watch


def test_a_neighbour_that_grows_is_believed_at_once_and_for_a_minute_after() -> None:
    meter = FakeMeter(resolve=4)
    bench = Bench(meter)
    assert bench.look() == 19.5
    meter.held["resolve"] = 10
    assert bench.look() == 13.5
    assert "resolve holds 10.0 GiB" in bench.told[-1][1]
    meter.held["resolve"] = 4
    assert bench.look(30) == 13.5, "it may come back within the minute"
    assert "10.0 expected" in budget.reason(bench.watch._sample or Sample(0, 0))
    sizes = [bench.look(5) for _ in range(12)]
    assert sizes[-1] == 19.5
    assert sizes == sorted(sizes)
    assert len(bench.told) == 3


def test_a_hint_makes_room_before_the_memory_is_taken_and_runs_out() -> None:
    bench = Bench(FakeMeter(resolve=1))
    before = bench.look()
    bench.hints.hear(Hint("resolve", "Color", playing=True))
    assert bench.look() == before - 4, "4 GiB for the page and 1 for playing, of which it holds 1"
    assert bench.look(20) == before - 4
    rest = [bench.look(5) for _ in range(6)]
    assert rest[-1] == before
    bench.hints.hear(Hint("resolve", "deliver", rendering=True))
    assert bench.look() == before - 5
    bench.hints.forget("resolve")
    assert [bench.look(6) for _ in range(3)][-1] == before


def test_our_own_processes_are_no_tenants() -> None:
    bench = Bench(FakeMeter(ours=12, resolve=4))
    assert bench.look() == 24 - 4 - 0.5 - 0.5, "one worker's context and the margin"
    assert [row["name"] for row in bench.watch.tenants()["tenants"]] == ["resolve"]
    assert bench.watch.tenants()["ours"] == 12 * GiB


def test_where_no_process_is_listed_what_we_know_we_hold_is_ours() -> None:
    bench = Bench(FakeMeter(lists=False, ours=12, resolve=4), held=lambda: 12 * GiB)
    assert bench.look() == 19.5
    assert bench.watch.tenants()["tenants"] == [{"name": "others", "bytes": 4 * GiB, "expected": 4 * GiB}]


def test_in_a_container_our_processes_have_other_numbers() -> None:
    bench = Bench(FakeMeter(unknown=12, resolve=4), held=lambda: 12 * GiB)
    assert bench.look() == 19.5
    assert [row["name"] for row in bench.watch.tenants()["tenants"]] == ["resolve"]


def test_one_memory_counts_what_is_available() -> None:
    bench = Bench(FakeMeter(resolve=4), MAC)
    assert bench.look() == 19.5
    assert Bench(FakeMeter(), CARDS["24 GB"], share=0.5).look() == CARD.usable / 2 / GiB
    assert Bench(FakeMeter(), reserve=10 * GiB).look() == 13.5


def test_a_server_that_is_down_costs_nothing_and_its_models_are_shown() -> None:
    bench = Bench(FakeMeter(ollama=5), ollama=Ollama("http://127.0.0.1:9"))
    assert bench.look() == 18.5
    assert bench.watch.tenants()["ollama"] == []


class Counted(Ollama):
    """Counts who asks it."""

    asked = 0

    def residents(self) -> tuple[Resident, ...]:
        self.asked += 1
        return (Resident("gemma3", 5),)


def test_a_picture_of_the_tenants_asks_no_server() -> None:
    """It is made on the loop that serves everybody: a server that hangs would hold all of them up."""
    ollama = Counted("http://127.0.0.1:9")
    bench = Bench(FakeMeter(ollama=5), ollama=ollama)
    bench.look()
    asked = ollama.asked
    assert bench.watch.tenants()["ollama"] == [{"model": "gemma3", "bytes": 5}]
    assert ollama.asked == asked


class Obliging(Ollama):
    """Gives back what the memory's Ollama holds, when it is ours."""

    def __init__(self, meter: FakeMeter, ours: bool) -> None:
        super().__init__("http://127.0.0.1:9")
        self.meter, self.ours = meter, ours
        self.asked = 0

    def evict(self, free: Callable[[], int], within: float = 10.0) -> int:
        self.asked += 1
        before = free()
        self.meter.held["ollama"] = 0 if self.ours else self.meter.held["ollama"]
        return free() - before


@pytest.mark.parametrize("ours", [True, False])
def test_a_plan_that_does_not_fit_takes_back_what_is_ours(ours: bool) -> None:
    meter = FakeMeter(ollama=9)
    ollama = Obliging(meter, ours)
    bench = Bench(meter, ollama=ollama)
    assert bench.look() == 14.5
    bench.watch.make_way(14 * GiB)
    assert ollama.asked == 0, "it fits"
    bench.watch.make_way(20 * GiB)
    assert ollama.asked == 1
    assert bench.told[-1][0] == (CARD.usable if ours else int(14.5 * GiB)), "at once, not after a minute"


def test_the_thread_looks_by_itself_and_at_once_when_a_host_speaks() -> None:
    changed, hints = Event(), Hints()
    told: list[int] = []

    def on_change(size: int, why: str) -> None:
        told.append(size)
        changed.set()

    watch = Watch(CARD, on_change, meter=FakeMeter(), hints=hints, pids=tuple, every=60)
    watch.start()
    assert told == [CARD.usable]
    changed.clear()
    hints.hear(Hint("resolve", "color"))
    assert changed.wait(5)
    watch.stop()
    assert told[-1] == 24 * GiB - 4 * GiB - MARGIN


def test_this_machine_can_be_watched() -> None:
    told: list[int] = []
    watch = Watch(Machine("this", "cpu", 4 * GiB), lambda size, why: told.append(size))
    assert isinstance(watch.meter, HostMeter)
    assert told == []
    assert 0 <= watch.look() <= 4 * GiB
    assert isinstance(budget.meter_of(Machine("card", "cuda", GiB, GiB, gpu="GPU-1")), NvmlMeter)
    assert NvmlMeter("GPU-none").free() == 0
    assert NvmlMeter("GPU-none").by_process() == {}
