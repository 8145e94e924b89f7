"""One row for each feature that a format may lack: which things have it, and what is left of them without it.

Losses are the things a row finds, the projection is what its strip leaves: the two cannot disagree. (Whole tracks that
are not carried go before the rows are asked: stripping.py.)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from genlock.timeline.model import (
    Generator,
    Item,
    Media,
    Nested,
    Resolution,
    Shot,
    Transition,
    source_range,
)
from genlock.timeline.profiles import Feature, Profile
from genlock.timeline.rate import NORMAL, Rate, Speed

KEPT: Final = "genlock.otio"
"""The key in `foreign` for what a reader noted for itself (roundings, odd fields): never told, and never a loss."""

PLACEHOLDER: Final = Generator("placeholder")
"""What stands for an item that the format has no word for."""


class Lost(Struct, frozen=True):
    """One kind of thing that would go: how many, and the names of the first ten. `what` fits the count."""

    feature: Feature
    what: str
    count: int
    names: tuple[str, ...] = ()


class Row(Struct, frozen=True):
    """How one feature is lost. `has` finds the things that have it; `strip` returns what is left of one, None when
    nothing is. `one` and `many` name it for a person."""

    feature: Feature
    one: str
    many: str
    has: Callable[[Any], bool]
    strip: Callable[[Any, Rate], Any]


def _set(**fields: Any) -> Callable[[Any, Rate], Any]:
    return lambda thing, _rate: replace(thing, **fields)


def _gone(_thing: Any, _rate: Rate) -> None:
    return None


def told(foreign: Mapping[str, Any]) -> bool:
    """Returns whether there is metadata of other tools, beyond what a reader noted for itself."""
    return bool(foreign) and (len(foreign) > 1 or KEPT not in foreign)


def alike(one: Mapping[str, Any], two: Mapping[str, Any]) -> bool:
    """Returns whether two things have the same metadata of other tools."""
    if one == two:
        return True
    return {k: v for k, v in one.items() if k != KEPT} == {k: v for k, v in two.items() if k != KEPT}


def _bare(thing: Any, _rate: Rate) -> Any:
    return replace(thing, foreign={key: value for key, value in thing.foreign.items() if key == KEPT})


def _foreign(feature: Feature, of: str) -> Row:
    many = "other programs' notes on " + of
    return Row(feature, many, many, lambda thing: told(thing.foreign), _bare)


SEQUENCE: Final[tuple[Row, ...]] = (
    Row("sequence.name", "the sequence's name", "names", lambda c: c.name != "", _set(name="")),
    Row("sequence.start", "the start timecode", "start timecodes", lambda c: c.start_frame != 0, _set(start_frame=0)),
    Row("sequence.drop_frame", "drop-frame counting", "drop-frame", lambda c: c.drop_frame, _set(drop_frame=False)),
    Row(
        "sequence.resolution",
        "the picture size",
        "picture sizes",
        lambda c: c.resolution != Resolution(),
        _set(resolution=Resolution()),
    ),
    _foreign("sequence.foreign", "the sequence"),
)
TRACK: Final[tuple[Row, ...]] = (
    Row("track.name", "track name", "track names", lambda t: t.name != "", _set(name="")),
    Row("track.enabled", "muted track", "muted tracks", lambda t: not t.enabled, _set(enabled=True)),
    Row("track.locked", "track lock", "track locks", lambda t: t.locked, _set(locked=False)),
    _foreign("track.foreign", "tracks"),
)


def without_speed(item: Item, rate: Rate) -> Item:
    """Returns the item at normal speed from the lowest frame it shows."""
    return replace(item, source_in=source_range(item, rate)[0], speed=NORMAL)


def _forwards(item: Item, rate: Rate) -> Item:
    low = source_range(item, rate)[0]
    return replace(item, source_in=low, speed=Speed(-item.speed.num, item.speed.den))


def _endless(item: Item, _rate: Rate) -> Item:
    source = item.source
    assert isinstance(source, Media | Shot)
    return replace(item, source=replace(source, first=0, frames=None))


def _has_ends(item: Item) -> bool:
    source = item.source
    return isinstance(source, Media | Shot) and (source.frames is not None or source.first != 0)


def _unset(item: Item, _rate: Rate) -> Item:
    assert isinstance(item.source, Generator)
    return replace(item, source=Generator(item.source.generator))


_place = _set(source=PLACEHOLDER, source_in=0, speed=NORMAL)


def _is_title(item: Item) -> bool:
    return isinstance(item.source, Generator) and item.source != PLACEHOLDER


def of_kind(effects: tuple[dict[str, Any], ...], key: str) -> tuple[dict[str, Any], ...]:
    """Returns the effects that have metadata under a key; none for no key."""
    return tuple(one for one in effects if isinstance(told := one.get("metadata"), dict) and key in told) if key else ()


def same_effects(one: tuple[dict[str, Any], ...], two: tuple[dict[str, Any], ...]) -> bool:
    """Returns whether two lists of effects say the same: a program that wrote a file anew spells out what goes without
    saying (an effect that is on, one without a name)."""
    return len(one) == len(two) and all(a == b or _said(a) == _said(b) for a, b in zip(one, two, strict=True))


def _said(effect: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in effect.items() if v not in (None, "", [], {}) and not (k == "enabled" and v is True)}


def _effects(key: str) -> Row:
    return Row(
        "item.effects",
        "clip's effects",
        "clips' effects",
        lambda i: i.effects != () and len(of_kind(i.effects, key)) < len(i.effects),
        lambda i, _rate: replace(i, effects=of_kind(i.effects, key)),
    )


def item_rows(profile: Profile) -> tuple[Row, ...]:
    """Returns the rows of items that the profile lacks, in the order in which they are asked."""
    stand_in = profile.placeholders
    strip = _place if stand_in else _gone
    does = ("becomes a placeholder", "become placeholders") if stand_in else ("left out", "left out")
    rows = (
        Row("item.generator", f"title {does[0]}", f"titles {does[1]}", _is_title, strip),
        Row(
            "item.nested",
            f"nested sequence {does[0]}",
            f"nested sequences {does[1]}",
            lambda i: isinstance(i.source, Nested),
            strip,
        ),
        Row(
            "item.parameters",
            "title's settings",
            "titles' settings",
            lambda i: isinstance(i.source, Generator) and i.source.parameters != {},
            _unset,
        ),
        Row(
            "item.reverse",
            "reversed clip plays forwards",
            "reversed clips play forwards",
            lambda i: i.speed.num < 0,
            _forwards if profile.has("item.speed") else without_speed,
        ),
        Row("item.freeze", "freeze frame runs", "freeze frames run", lambda i: i.speed.num == 0, without_speed),
        Row(
            "item.speed",
            "speed change",
            "speed changes",
            lambda i: i.speed.num > 0 and i.speed != NORMAL,
            without_speed,
        ),
        Row("item.handles", "clip's handles", "clips' handles", _has_ends, _endless),
        Row("item.name", "clip name", "clip names", lambda i: i.name != "", _set(name="")),
        Row(
            "item.enabled",
            "switched-off clip comes back on",
            "switched-off clips come back on",
            lambda i: not i.enabled,
            _set(enabled=True),
        ),
        _effects(profile.effects),
        Row("item.link", "linked clip", "linked clips", lambda i: i.link is not None, _set(link=None)),
        _foreign("item.foreign", "clips"),
    )
    return lacking(rows, profile)


def is_fade(transition: Transition) -> bool:
    return transition.left is None or transition.right is None


def centred(transition: Transition) -> Transition:
    """Returns the transition with its middle on the cut; the odd frame lies behind."""
    length = transition.in_offset + transition.out_offset
    return replace(transition, in_offset=length // 2, out_offset=length - length // 2)


TRANSITION: Final[tuple[Row, ...]] = (
    Row("transition", "transition", "transitions", lambda t: not is_fade(t), _gone),
    Row("transition.fade", "fade", "fades", is_fade, _gone),
    Row(
        "transition.asymmetric",
        "off-centre transition is centred",
        "off-centre transitions are centred",
        lambda t: not is_fade(t) and t.in_offset != (t.in_offset + t.out_offset) // 2,
        lambda t, _rate: centred(t),
    ),
    Row(
        "transition.kind",
        "wipe or other transition becomes a dissolve",
        "wipes and other transitions become dissolves",
        lambda t: t.kind != "dissolve",
        _set(kind="dissolve"),
    ),
    Row("transition.name", "transition's name", "transitions' names", lambda t: t.name != "", _set(name="")),
    _foreign("transition.foreign", "transitions"),
)
MARKER: Final[tuple[Row, ...]] = (
    Row("marker.sequence", "marker on the sequence", "markers on the sequence", lambda m: m.item is None, _gone),
    Row("marker.item", "marker on a clip", "markers on clips", lambda m: m.item is not None, _gone),
    Row("marker.name", "marker's name", "markers' names", lambda m: m.name != "", _set(name="")),
    Row("marker.duration", "marker's length", "markers' lengths", lambda m: m.duration != 0, _set(duration=0)),
    Row("marker.color", "marker's colour", "markers' colours", lambda m: m.color != "RED", _set(color="RED")),
    Row("marker.comment", "marker's comment", "markers' comments", lambda m: m.comment != "", _set(comment="")),
    _foreign("marker.foreign", "markers"),
)


def lacking(rows: tuple[Row, ...], profile: Profile) -> tuple[Row, ...]:
    """Returns the rows whose feature the profile does not carry."""
    return tuple(row for row in rows if not profile.has(row.feature))
