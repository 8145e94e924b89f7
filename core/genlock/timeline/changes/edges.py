"""What happened to the two edges of an item, and whether the media is long enough for it."""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

from genlock.timeline.model import Item, Source, available_range, source_frame, source_range, source_step
from genlock.timeline.rate import Rate
from genlock.timeline.sequence import Sequence


class Edges(NamedTuple):
    """`head` and `tail` are how many sequence frames later an edge lies on the picture; `slip` how many source frames
    later the whole item shows."""

    head: int = 0
    tail: int = 0
    slip: int = 0


NONE = Edges()


def same_source(old: Source, new: Source) -> bool:
    """Returns whether both show the same thing, however much is known of its length."""
    return old == new or (type(old) is type(new) and shown(old) == shown(new))


def shown(source: Source) -> tuple[object, ...]:
    """Returns what a source shows: all of it but its available range."""
    hidden = ("first", "frames", "rate")
    return tuple(getattr(source, name) for name in source.__struct_fields__ if name not in hidden)


def edges(old: Item, new: Item, rate: Rate, shift: int = 0) -> Edges:
    """Returns what was trimmed and slipped. `shift` is how far the item's start moved by itself, which tells a slip from
    an item trimmed at both ends."""
    more = new.duration - old.duration
    if new.speed != old.speed or not same_source(old.source, new.source):
        return Edges(0, 0, 0)
    later = new.source_in - old.source_in
    if not later:
        return Edges(0, more)
    step = source_step(old, rate)
    if not step:
        return Edges(0, more, later)
    if shift and source_frame(old, rate, shift) == new.source_in:
        return Edges(shift, more + shift)
    if not more:
        return Edges(slip=later)
    if source_frame(old, rate, -more) == new.source_in:
        return Edges(-more)
    head = round(Fraction(later) / step)
    if source_frame(old, rate, head) == new.source_in:
        return Edges(head, more + head)
    return Edges(0, more, later)


def heads(old: Item, new: Item, rate: Rate) -> tuple[int, ...]:
    """Returns by how many frames the start may have moved through a trim of the head."""
    found = edges(old, new, rate)
    if found.head:
        return (found.head,)
    if found.slip and (step := source_step(old, rate)):
        head = round(Fraction(found.slip) / step)
        if source_frame(old, rate, head) == new.source_in:
            return (head,)
    return ()


def short(state: Sequence, item: Item) -> str:
    """Returns what is missing of the media at either end, transitions counted; "" when nothing is or it is not known."""
    available = available_range(item)
    step = source_step(item, state.rate)
    if available is None or not step:
        return ""
    before, behind = _reach(state, item.id)
    longer = Item(item.id, item.source, item.duration + before + behind, speed=item.speed)
    into = source_frame(item, state.rate, -before)
    low, high = source_range(Item(item.id, item.source, longer.duration, "", into, item.speed), state.rate)
    under, over = _frames(available[0] - low, step), _frames(high - available[1], step)
    at_head, at_tail = (under, over) if step > 0 else (over, under)
    said = [f"{end} handle short by {count}" for end, count in (("head", at_head), ("tail", at_tail)) if count]
    return ", ".join(said)


def _frames(missing: int, step: Fraction) -> int:
    """Returns source frames as sequence frames, rounded up."""
    return max(0, -(-missing * step.denominator // abs(step.numerator)))


def _reach(state: Sequence, item: str) -> tuple[int, int]:
    """Returns how many frames transitions show before the head and behind the tail."""
    left, _, right = state.lanes[state.home[item]].around(item)
    into = state.transitions.get(f"{left.id}>{item}") if left else None
    out = state.transitions.get(f"{item}>{right.id}") if right else None
    return into.in_offset if into else 0, out.out_offset if out else 0


def frames(count: int) -> str:
    """Returns "1 frame", "12 frames"."""
    return f"{abs(count)} frame{'' if abs(count) == 1 else 's'}"


def trimmed(found: Edges) -> str:
    """Returns the sentence of a trim: "12 frames longer at the tail"."""
    said = []
    if found.head:
        said.append(f"{frames(found.head)} {'shorter' if found.head > 0 else 'longer'} at the head")
    if found.tail:
        said.append(f"{frames(found.tail)} {'longer' if found.tail > 0 else 'shorter'} at the tail")
    return ", ".join(said)


def moved(by: int) -> str:
    """Returns "12 frames later"."""
    return f"{frames(by)} {'later' if by > 0 else 'earlier'}"
