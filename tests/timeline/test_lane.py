"""A lane answers what a plain list would, whatever happened to it."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genlock.timeline import lane as module
from genlock.timeline.lane import Lane, Slot


class Plain:
    """The model: a list of slots in order."""

    def __init__(self) -> None:
        self.slots: list[Slot] = []

    def index(self, id_: str) -> int:
        return next(at for at, slot in enumerate(self.slots) if slot.id == id_)

    def push(self, since: int, delta: int) -> None:
        self.slots[since:] = [slot._replace(start=slot.start + delta) for slot in self.slots[since:]]


def step(random: Random, lane: Lane, plain: Plain, number: int) -> Lane:
    """Makes one random change on both."""
    ids = [slot.id for slot in plain.slots]
    kind = random.choice(["insert_after", "insert_at", "remove", "resize", "shift"]) if ids else "insert_after"
    new, length = f"n{number}", random.randint(1, 20)
    if kind == "insert_after":
        after = random.choice([None, *ids[-3:], *random.sample(ids, min(2, len(ids)))])
        at = 0 if after is None else plain.index(after) + 1
        start = 0 if after is None else plain.slots[at - 1].end
        if not plain.slots:
            start = 0
        plain.push(at, length)
        plain.slots.insert(at, Slot(new, start, length))
        return lane.insert_after(after, new, length)
    if kind == "insert_at":
        holes = [(one.end, two.start) for one, two in zip(plain.slots, plain.slots[1:], strict=False)]
        holes = [(start, end) for start, end in holes if start < end] + [
            (plain.slots[-1].end, plain.slots[-1].end + 30)
        ]
        start, end = random.choice(holes)
        at = random.randrange(start, end)
        length = min(length, end - at)
        plain.slots.insert(sum(slot.start <= at for slot in plain.slots), Slot(new, at, length))
        return lane.insert_at(at, new, length)
    id_ = random.choice(ids)
    at = plain.index(id_)
    if kind == "remove":
        slot, close = plain.slots.pop(at), random.random() < 0.5
        plain.push(at, -slot.duration if close else 0)
        return lane.remove(id_, close=close)
    if kind == "resize":
        push = random.random() < 0.5
        old = plain.slots[at]
        length = length if push else random.randint(1, old.duration)
        plain.slots[at] = old._replace(duration=length)
        plain.push(at + 1, length - old.duration if push else 0)
        return lane.resize(id_, length, push=push)
    room = plain.slots[at].start - (plain.slots[at - 1].end if at else 0)
    delta = random.randint(-room, 20)
    plain.push(at, delta)
    return lane.shift(id_, delta)


def agree(lane: Lane, plain: Plain, random: Random) -> None:
    slots = plain.slots
    assert list(lane) == slots
    assert list(lane.ids()) == [slot.id for slot in slots]
    assert len(lane) == len(slots)
    assert lane.end == (slots[-1].end if slots else 0)
    assert (lane.first, lane.last) == ((slots[0], slots[-1]) if slots else (None, None))
    assert "nobody" not in lane
    for at in random.sample(range(len(slots)), min(5, len(slots))):
        slot = slots[at]
        left, right = slots[at - 1] if at else None, slots[at + 1] if at + 1 < len(slots) else None
        assert slot.id in lane
        assert lane.slot(slot.id) == slot
        assert (lane.before(slot.id), lane.after(slot.id)) == (left, right)
        assert lane.around(slot.id) == (left, slot, right)
        count = random.randint(0, 9)
        assert lane.lefts(slot.id, count) == tuple(s.id for s in reversed(slots[max(0, at - count) : at]))
        assert lane.rights(slot.id, count) == tuple(s.id for s in slots[at + 1 : at + 1 + count])
    for frame in (random.randint(-3, lane.end + 5) for _ in range(5)):
        assert lane.at(frame) == next((s for s in slots if s.start <= frame < s.end), None)
        assert lane.upto(frame) == next((s for s in reversed(slots) if s.start <= frame), None)
        assert lane.since(frame) == next((s for s in slots if s.start >= frame), None)
        end = frame + random.randint(1, 40)
        assert lane.between(frame, end) == [s for s in slots if s.start < end and s.end > frame]


@settings(max_examples=120, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from([4, 8, 128]))
def test_agrees_with_a_list(seed: int, chunk: int) -> None:
    random = Random(seed)
    kept, module.CHUNK = module.CHUNK, chunk  # small chunks split and empty often
    try:
        lane, plain = Lane(), Plain()
        if random.random() < 0.5:
            plain.slots = [Slot(f"s{n}", n * 10, random.randint(1, 10)) for n in range(random.randint(0, 40))]
            lane = Lane.of(plain.slots)
        for number in range(40):
            before, rows = lane, list(plain.slots)
            lane = step(random, lane, plain, number)
            assert list(before) == rows  # the old one is as it was
            agree(lane, plain, random)
    finally:
        module.CHUNK = kept


def test_empty() -> None:
    lane = Lane()
    assert (lane.at(0), lane.upto(5), lane.since(-5), lane.between(0, 9)) == (None, None, None, [])
    assert lane == Lane.of([])
    assert list(lane.insert_at(7, "a", 3)) == [Slot("a", 7, 3)]
    assert list(lane.insert_after(None, "a", 3)) == [Slot("a", 0, 3)]


@pytest.mark.parametrize("ask", [Lane.slot, Lane.before, Lane.after, Lane.around])
def test_unknown_ids_raise(ask: object) -> None:
    lane = Lane.of([("a", 0, 5)])
    with pytest.raises(KeyError):
        ask(lane, "b")  # type: ignore[operator]


def test_equality_does_not_depend_on_chunks() -> None:
    rows = [(f"s{n}", n * 2, 2) for n in range(300)]
    grown = Lane()
    for id_, _, duration in rows:
        grown = grown.insert_after(grown.last.id if grown.last else None, id_, duration)
    assert grown == Lane.of(rows)
    assert grown != Lane.of(rows[:-1])


def test_a_local_edit_does_not_visit_all() -> None:
    """Chunks away from the edit are shared, not copied."""
    lane = Lane.of([(f"s{n}", n * 2, 2) for n in range(5000)])
    after = lane.resize("s2500", 9, push=True)
    shared = {id(chunk) for chunk in lane._chunks} & {id(chunk) for chunk in after._chunks}
    assert len(shared) == len(lane._chunks) - 1
