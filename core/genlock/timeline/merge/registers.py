"""One value three times: what base, ours and theirs say, and what comes of it."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import fields

from genlock.timeline.model import Gap, Generator, Item, Media, Nested, Shot, Source, source_step
from genlock.timeline.rate import Rate


class _Absent:
    """What stands for the value of a thing that is not there: equal to nothing else."""

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT: Final[Any] = _Absent()


def settle(base: Any, ours: Any, theirs: Any) -> tuple[Any, bool]:
    """Returns the merged value and whether both sides changed it differently (then it is ours)."""
    if theirs in (base, ours):
        return ours, False
    if ours == base:
        return theirs, False
    if isinstance(ours, dict) and isinstance(theirs, dict) and (base is ABSENT or isinstance(base, dict)):
        return _settle_dicts({} if base is ABSENT else base, ours, theirs)
    return ours, True


def _settle_dicts(base: dict[str, Any], ours: dict[str, Any], theirs: dict[str, Any]) -> tuple[dict[str, Any], bool]:
    """Merges other tools' metadata key by key, so that two tools that wrote beside each other do not quarrel."""
    merged: dict[str, Any] = {}
    clash = False
    for key in dict.fromkeys((*ours, *theirs)):
        value, both = settle(base.get(key, ABSENT), ours.get(key, ABSENT), theirs.get(key, ABSENT))
        clash = clash or both
        if value is not ABSENT:
            merged[key] = value
    return merged, clash


def settle_fields(
    base: Struct | None, ours: Struct, theirs: Struct, names: tuple[str, ...]
) -> tuple[dict[str, Any], list[str]]:
    """Returns {field: merged value} of the fields that are to be other than in `ours`, and those both set."""
    new: dict[str, Any] = {}
    clashes: list[str] = []
    for name in names:
        one, two = getattr(ours, name), getattr(theirs, name)
        if one == two:
            continue
        value, both = settle(ABSENT if base is None else getattr(base, name), one, two)
        if both:
            clashes.append(name)
        if value is not one:
            new[name] = value
    return new, clashes


def names_of(kind: type[Struct], *left_out: str) -> tuple[str, ...]:
    """Returns the field names of a struct without some."""
    return tuple(field.name for field in fields(kind) if field.name not in left_out)


class Trim(Struct, frozen=True):
    """How far a side moved the two ends of an item, in sequence frames: `head` > 0 cuts frames off at the front, `tail`
    > 0 adds frames behind. A slip moves both alike."""

    head: int = 0
    tail: int = 0


NO_TRIM: Final = Trim()


def trim_of(before: Item, after: Item, rate: Rate) -> Trim:
    """Returns how an item was trimmed. With another speed or another source the front is held to stay."""
    longer = after.duration - before.duration
    moved = after.source_in - before.source_in
    if not moved or not same_picture(before.source, after.source):
        return Trim(0, longer) if longer else NO_TRIM
    step = source_step(before, rate)
    if not step or step != source_step(after, rate):
        return Trim(0, longer)
    if abs(step * -longer - moved) < 1:  # the tail stayed, but for the rounding of one source frame
        return Trim(-longer, 0)
    head = round(Fraction(moved) / step)
    return Trim(head, longer + head)


def same_picture(one: Source, two: Source) -> bool:
    """Returns whether two sources show the same thing with the same numbers (another take, or other known ends, may do)."""
    match one, two:
        case Media(media=a), Media(media=b):
            return a == b
        case Shot(shot=a), Shot(shot=b):
            return a == b and one.take == two.take
        case Nested(sequence=a), Nested(sequence=b):
            return a == b
        case Generator(), Generator():
            return True
        case Gap(), Gap():
            return True
        case _:
            return False
