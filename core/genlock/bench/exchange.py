"""A cut that goes out and comes back: who is who, what was done, and how long it takes to find out.

CPU time of this thread, so that a busy machine does not count. Every id is taken from what comes back, tracks and markers
included; names stay, as files keep them. What matching gets wrong counts as wrong, also where nobody could know better.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random
from time import thread_time

from msgspec import Struct

from genlock.bench import Result, p50
from genlock.bench.reels import Made, Script, path, reel, stripped
from genlock.timeline.changes import changes
from genlock.timeline.diff import diff
from genlock.timeline.events import Content, content_of, restore
from genlock.timeline.match import Matching, adopt, match
from genlock.timeline.sequence import Sequence, apply_all

RETURNS = 40
"""Returned cuts of 1,000 clips and 20 edits."""

CASES = 10_000


def run() -> Iterator[Result]:
    """Yields the figures; about a minute on two cores."""
    from genlock.bench import merging, returns, rivals

    yield from _identity()
    yield Result("apply(diff(a, b), a) == b in 10,000 random cases", _law(), "%", 100.0, at_least=True)
    yield from _speed()
    yield from merging.run()
    yield from rivals.run()
    yield from returns.run()


class Trip(Struct, frozen=True):
    """A cut, what was done to it elsewhere, how it came back without ids, and what is true."""

    base: Sequence
    after: Sequence
    made: list[Made]
    content: Content
    truth: dict[str, str]

    def matched(self) -> Matching:
        return match(self.base, restore("r" * 32, 1, self.content), base_path=path, path=path)

    def adopted(self, matching: Matching) -> Sequence:
        return restore(self.base.id, self.base.version, adopt(self.content, matching, self.base))


def trip(seed: str, clips: int, edits: int, *, media: int = 60) -> Trip:
    """Returns a random reel of some clips, edited at random."""
    random = Random(seed)
    base = reel(random, clips, media=media)
    after, made = Script(random).run(base, edits)
    return Trip(base, after, made, *stripped(after))


def _identity() -> Iterator[Result]:
    shared = taken = good = unsure = ops_made = ops_found = edits_made = edits_told = 0
    for k in range(RETURNS):
        one = trip(f"identity {k}", 1_000, 20)
        matching = one.matched()
        shared += sum(true in one.base.items for true in one.truth.values())
        taken += sum(id_ in one.truth for id_ in matching.items)
        good += sum(matching.items.get(id_) == true for id_, true in one.truth.items())
        unsure += len(matching.unsure)
        adopted = one.adopted(matching)
        ops_made += sum(made.ops for made in one.made)
        ops_found += len(diff(one.base, adopted))
        edits_made += len(one.made)
        edits_told += len(changes(one.base, adopted))
    yield Result("identity found, 1,000 clips, 20 edits, no ids", 100 * good / shared, "%", 99.9, at_least=True)
    yield Result("identity right, 1,000 clips, 20 edits, no ids", 100 * good / taken, "%", 99.9, at_least=True)
    yield Result("items called unsure in a returned cut of 1,000", unsure / RETURNS, "items", 1.0)
    yield Result("ops found to ops made", ops_found, "ops", 1.1, floor=ops_made)
    yield Result("edits told to edits made", edits_told, "edits", 1.1, floor=edits_made)


def _law() -> float:
    """Returns the percentage of random pairs of cuts whose diff leads from one to the other: versions of one history
    both ways, strangers, and cuts that came back without ids."""
    random = Random("law")
    right = cases = 0
    while cases < CASES:
        base = reel(random, 16, tracks=3, media=4)
        versions = [base]
        for _ in range(9):
            state, _ = Script(random, f"e{cases}").run(versions[-1], random.randint(1, 4))
            versions.append(state)
        content, _ = stripped(versions[5])
        matching = match(base, restore("r" * 32, 1, content), base_path=path, path=path)
        versions.append(restore(base.id, 1, adopt(content, matching, base)))
        versions.append(reel(random, 16, tracks=3, media=4))
        for _ in range(100):
            one, other = random.choice(versions), random.choice(versions)
            right += content_of(apply_all(one, diff(one, other))) == content_of(other)
            cases += 1
    return 100 * right / cases


def _speed() -> Iterator[Result]:
    one = trip("speed", 10_000, 20, media=500)
    yield Result("10,000 clips matched without ids and diffed", p50(timed(5, lambda: _diffed(one))), "s", 0.5)
    adopted = one.adopted(one.matched())
    yield Result("10,000 clips, changes told", p50(timed(5, lambda: changes(one.base, adopted))), "s", 0.3)
    long = trip("speed", 50_000, 20, media=2_000)
    yield Result("50,000 clips matched without ids", p50(timed(3, long.matched)), "s", 2.0)


def _diffed(one: Trip) -> None:
    diff(one.base, one.adopted(one.matched()))


def timed(rounds: int, call: Callable[[], object]) -> list[float]:
    """Returns the CPU seconds of each call."""
    times = []
    for _ in range(rounds):
        begin = thread_time()
        call()
        times.append(thread_time() - begin)
    return times
