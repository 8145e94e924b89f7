"""Clip items and generator items being written."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, Final

from msgspec import Struct

from genlock.timeline.events import Content
from genlock.timeline.layout import Row
from genlock.timeline.model import Gap, Generator, Item, Kind, Media, Nested, Shot, Transition
from genlock.timeline.rate import FREEZE, NORMAL, Rate
from genlock_otio.fcp7.crossings import OWN
from genlock_otio.fcp7.files import Described
from genlock_otio.fcp7.generators import generator_note
from genlock_otio.fcp7.speed import Played, percent_text, played, speed_note, told_place
from genlock_otio.fcp7.trees import is_tree, sound_attributes, writable
from genlock_otio.keeping import Json
from genlock_otio.outgoing import Outgoing
from genlock_otio.times import Exact, rounded

_FIRST: Final = ("masterclipid", "ismasterclip")
FIRST_CHANNEL: Final[Json] = {
    "tag": "sourcetrack",
    "children": [{"tag": "mediatype", "text": "audio"}, {"tag": "trackindex", "text": "1"}],
}
"""What an audio clip plays unless it says otherwise."""
_MIDDLE: Final = ("alphatype", "pixelaspectratio", "anamorphic", "subclipinfo")


class Lying(Struct, frozen=True):
    """An item on its track: where it lies, the transitions at its ends, and its id in the document."""

    row: Row
    head: Transition | None
    tail: Transition | None
    id: str
    kind: Kind
    track: int
    place: int

    @property
    def item(self) -> Item:
        return self.row.item


class Shape(Struct, frozen=True):
    """An item as it is written, in numbers: those of what it shows, transitions included."""

    play: Played
    rate: Rate
    first: int
    start: int
    end: int
    into: int
    out: int
    step: Exact
    before: int

    @property
    def place(self) -> Exact:
        """The place in the media at the in-point."""
        return self.play.place - self.before * self.step * self.play.speed.fraction

    def read_back(self) -> int:
        """Returns the media frame that a reader takes for the first one shown."""
        ahead = self.before * self.step
        if self.play.speed == NORMAL:
            return rounded(self.first + self.into + ahead)
        told = told_place(self.place, self.play.speed.num < 0)
        return rounded(self.first + told + ahead * self.play.speed.fraction)


def shape_of(to: Outgoing, lying: Lying, length: int, first: int, rate: Rate) -> Shape:
    """Returns an item in numbers; `length`, `first` and `rate` are those of what it shows, in its own frames."""
    item, slot = lying.item, lying.row.slot
    step: Exact = 1 if rate == to.rate else rate.fraction / to.rate.fraction
    before = lying.head.in_offset if lying.head is not None else 0
    after = lying.tail.out_offset if lying.tail is not None else 0
    play = played(item.speed, item.source_in - first, length)
    into = max(0, _half_down(play.first - before * step))  # no media has a frame before its first
    ramp = _own(item).get("ramp")
    if isinstance(ramp, list) and len(ramp) == 2 and ramp[1] == item.source_in and type(ramp[0]) is int and not before:
        into = ramp[0]
    out = max(into + 1, _half_down(into + (before + slot.duration + after) * step))
    start = -1 if lying.head is not None else slot.start
    end = -1 if lying.tail is not None else slot.end
    return Shape(play, rate, first, start, end, into, out, step, before)


def _half_down(value: Exact) -> int:
    """Rounds halves down, so that what is added back later and rounded upwards gives the same frame."""
    if isinstance(value, int):
        return value
    lower = value - Fraction(1, 2)
    return -(-lower.numerator // lower.denominator)


def note_of(lying: Lying, shape: Shape, name: str, more: Json) -> Json:
    """Returns what is noted for ourselves at an item that is written under a `name`."""
    item = lying.item
    note: Json = {"id": item.id, "at": [str(n) for n in (shape.start, shape.end, shape.into, shape.out)], **more}
    said = percent_text(item.speed) if item.speed != NORMAL else ""
    if item.speed not in (NORMAL, FREEZE) and (exact := speed_note(item.speed)) is not None:
        note["speed"] = exact
    if shape.read_back() != item.source_in or "ramp" in _own(item):
        note["in"] = [[str(shape.into), said, shape.start == -1], item.source_in]
    if name != item.name and _is_text(item.name):
        note["name"] = [name, item.name]
    if isinstance(item.source, Generator):
        note |= generator_note(item.source)
    return note


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def name_of(item: Item, media: str) -> str:
    """Returns the name to write: some programs do not read items without one."""
    name = writable(item.name)
    return name if name.strip() else writable(media) or "clip"


def _own(item: Item) -> Json:
    found = item.foreign.get(OWN)
    return found if isinstance(found, dict) else {}


def attributes_of(item: Item) -> dict[str, str]:
    return sound_attributes(_own(item).get("attributes"))


def kept_media(item: Item) -> Any:
    """Returns the <media> of the item's file as it was read, None where there is none."""
    found = _own(item).get("media")
    return found if is_tree(found) else None


def synthetic(item: Item) -> Any:
    """Returns the <file> of a generator that Premiere wrote as media without a path, while it is still that generator."""
    tree = kept_media(item)
    if tree is None or tree["tag"] != "file" or not isinstance(item.source, Generator):
        return None
    said = next((leaf.get("text") for leaf in tree.get("children", ()) if leaf["tag"] == "mediaSource"), None)
    return tree if said == item.source.generator else None


class Kept(Struct, frozen=True):
    """Children kept verbatim, by where they are written."""

    first: tuple[Json, ...]
    middle: tuple[Json, ...]
    last: tuple[Json, ...]
    comments: tuple[Json, ...]
    channel: Json | None
    tags: frozenset[str]


def kept_children(foreign: Json) -> Kept:
    """Returns what lies in an item's or a sequence's `foreign` to be written back."""
    own = foreign.get(OWN)
    rows = own.get("children") if isinstance(own, dict) else None
    found = [tree for tree in rows if is_tree(tree)] if isinstance(rows, list) else []
    return Kept(
        tuple(tree for tree in found if tree["tag"] in _FIRST),
        tuple(tree for tree in found if tree["tag"] in _MIDDLE),
        tuple(tree for tree in found if tree["tag"] not in (*_FIRST, *_MIDDLE, "comments", "sourcetrack")),
        tuple(leaf for tree in found if tree["tag"] == "comments" for leaf in tree.get("children", ())),
        next((tree for tree in found if tree["tag"] == "sourcetrack"), None),
        frozenset(tree["tag"] for tree in found),
    )


def filters_of(item: Item) -> list[Json]:
    """Returns the effects that Final Cut has words for: those that were read from such a file."""
    found = []
    for effect in item.effects:
        metadata = effect.get("metadata")
        own = metadata.get(OWN) if isinstance(metadata, dict) else None
        tree = own.get("filter") if isinstance(own, dict) else None
        if is_tree(tree):
            found.append(tree)
    return found


def source_span(
    to: Outgoing, item: Item, described: Described | None, inner: Content | None, reach: int
) -> tuple[int, int, Rate]:
    """Returns (length, number of the first frame, rate) of what an item shows, in its own frames."""
    match item.source:
        case Media() | Shot():
            assert described is not None
            return described.frames, described.first, described.rate
        case Nested() as source:
            return reach, 0, source.rate or (inner.rate if inner is not None else to.rate)
        case Generator() | Gap():
            return max(1, item.source_in + item.duration), 0, to.rate
