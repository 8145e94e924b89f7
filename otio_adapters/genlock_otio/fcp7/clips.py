"""Clip items and generator items being read: where they lie and what they show, on the sequence's grid."""

from __future__ import annotations

from typing import Any, Final, NamedTuple
from xml.etree.ElementTree import Element

from msgspec import Struct

from genlock.errors import BadInput
from genlock.timeline.check import FURTHEST_SOURCE
from genlock.timeline.model import Generator, Media, Nested, Source
from genlock.timeline.rate import FREEZE, NORMAL, Rate, Speed
from genlock_otio.draft import Draft
from genlock_otio.fcp7.crossings import OWN, Crossing
from genlock_otio.fcp7.files import FileIndex, media_span
from genlock_otio.fcp7.notes import REMARKS, meant, remarks
from genlock_otio.fcp7.paths import STILL, suffix_of
from genlock_otio.fcp7.rates import TICKS, read_rate
from genlock_otio.fcp7.speed import Retime, first_shown, read_retime
from genlock_otio.fcp7.trees import apart, children, flag, kept_tree, number, text
from genlock_otio.keeping import Json
from genlock_otio.times import Exact, rounded

_READ: Final = frozenset(
    {
        *("name", "enabled", "duration", "rate", "start", "end", "in", "out", "pproTicksIn", "pproTicksOut", "file"),
        *(
            "sequence",
            "link",
            "marker",
            "filter",
            "comments",
            "logginginfo",
            "effect",
            "stillframe",
            "stillframeoffset",
        ),
    }
)
_SLACK: Final = 1


class Shown(NamedTuple):
    """What an item shows: its source, the number of its first frame, its length in its own frames (None: unknown), its
    rate, and the <media> of its file."""

    source: Source
    first: Exact
    frames: Exact | None
    rate: Rate
    media: Json | None = None
    still: bool = False


class Clip(Struct):
    """A clip on its way to the grid. `start` and `end` are those of what the file shows, transitions included; None where
    it says -1."""

    element: Element
    place: str
    parts: dict[str, Element]
    note: Json
    rate: Rate
    start: Exact | None
    end: Exact | None
    into: Exact
    out: Exact | None

    @property
    def id(self) -> str:
        return self.element.get("id") or ""


def read_clip(element: Element, rate: Rate, place: str, note: Json) -> Clip:
    """Reads the numbers of a clip item; `rate` is the sequence's, `note` what we noted in it.

    Raises BadInput: bad_time, bad_rate.
    """
    parts = children(element)
    start, end = _edge(parts.get("start"), place), _edge(parts.get("end"), place)
    into, out = number(parts.get("in"), place), number(parts.get("out"), place)
    if start is not None and end is not None and end < start:
        raise BadInput("bad_time", f"{place} ends at {float(end):g}, before its start at {float(start):g}.")
    own = read_rate(parts.get("rate"), place) or rate
    if out == -1:  # Final Cut's word for "not set"
        into, out = None if into == -1 else into, None
    return Clip(element, place, parts, note, own, start, end, into or 0, out)


def _edge(element: Element | None, place: str) -> Exact | None:
    found = number(element, place)
    if found is not None and found < 0 and found != -1:
        raise BadInput("bad_time", f"<{element.tag if element is not None else ''}> of {place} is {float(found):g}.")
    return None if found == -1 else found


def settle_edges(
    clip: Clip, head: Crossing | None, tail: Crossing | None, before: Exact, rate: Rate, draft: Draft
) -> tuple[Exact, Exact]:
    """Returns (start, end) of what the clip shows. Final Cut writes -1 beside a transition: there it reaches to the
    transition's far end. `before` is where the item before ended."""
    start, end = clip.start, clip.end
    span = None if clip.out is None else (clip.out - clip.into) * _ratio(rate, clip.rate)
    if span is not None and span < 0:
        span = None
    if start is None and head is not None:
        start = head.start
    if end is None and tail is not None:
        end = tail.end
    if start is None:
        if end is not None and span is not None and end >= span:
            start = end - span
        else:
            draft.warn(f"{clip.place} says no start and lies beside no transition; put after the one before.")
            start = before
    if end is None:
        if span is None:
            raise BadInput("bad_time", f"{clip.place} says neither its end nor its out point.")
        end = start + span
    if end < start:
        raise BadInput("bad_time", f"{clip.place} ends at {float(end):g}, before its start at {float(start):g}.")
    return start, end


def _ratio(one: Rate, two: Rate) -> Exact:
    return 1 if one == two else one.fraction / two.fraction


def retime_of(clip: Clip, still: bool) -> tuple[Retime | None, list[Element]]:
    """Returns the clip's speed, and its other filters in order. `still`: it shows one image, which has no speed."""
    retime: Retime | None = None
    others: list[Element] = []
    for child in clip.element.iterfind("filter") if "filter" in clip.parts else ():
        found = read_retime(child, clip.note, clip.place) if retime is None else None
        if found is None or found.ramp:
            others.append(child)
        retime = retime or found
    if retime is None and not still and flag(clip.parts.get("stillframe"), False):
        offset = number(clip.parts.get("stillframeoffset"), clip.place)
        at = clip.into if offset is None else offset
        retime = Retime(FREEZE, ((clip.into, at),))
    return retime, others


def speed_of(retime: Retime | None) -> Speed:
    return NORMAL if retime is None or retime.ramp else retime.speed


def first_frame(
    clip: Clip, shown: Shown, retime: Retime | None, span: Exact, offset: Exact, draft: Draft, rate: Rate
) -> Exact:
    """Returns the media frame (its own numbering) that the item shows first. `span` are the sequence frames the file gives
    the clip, `offset` those of them that lie before the item's first frame (under a transition)."""
    scale = _ratio(shown.rate, clip.rate)
    ahead = offset * _ratio(shown.rate, rate) if offset else 0
    said = retime.said if retime is not None and not retime.ramp else ""
    noted = meant(clip.note, "in", [str(clip.into), said, clip.start is None])
    if type(noted) is int:
        return noted
    subclip = _subclip(clip, draft)
    if retime is None:
        if clip.out is not None and clip.end is not None and clip.start is not None:
            told = (clip.out - clip.into) * _ratio(rate, clip.rate)
            if apart(told, span) > _SLACK:
                odd = f"{clip.place} shows {float(told):g} frames in {float(span):g}"
                draft.warn(f"{odd}; read at normal speed from its in point.")
        return shown.first + (clip.into + subclip) * scale + ahead
    if _in_media_frames(clip, retime, span, rate):
        place: Exact | None = clip.into * scale if retime.speed.num >= 0 else (clip.out or 0) * scale - 1
    else:
        place = first_shown(retime, clip.into, shown.frames, scale)
    if place is None:
        draft.warn(f"{clip.place} is reversed, and nothing says where its media ends; its in point was taken.")
        place = clip.into * scale
    return shown.first + place + ahead * (1 if retime.ramp else retime.speed.fraction)


def _in_media_frames(clip: Clip, retime: Retime, span: Exact, rate: Rate) -> bool:
    """Returns whether in and out of a retimed clip count in frames of the media, as some programs write them."""
    if clip.out is None or retime.graph or retime.ramp or retime.speed == FREEZE:
        return False
    told = (clip.out - clip.into) * _ratio(rate, clip.rate)
    return apart(told, span) > _SLACK and apart(told, abs(retime.speed.fraction) * span) <= _SLACK


def _subclip(clip: Clip, draft: Draft) -> Exact:
    """Returns what a subclip's in point counts from; Premiere's ticks tell whether it does."""
    inside = clip.parts.get("subclipinfo")
    start = None if inside is None else number(inside.find("startoffset"), clip.place)
    if not start:
        return 0
    exact = number(clip.parts.get("pproTicksIn"), clip.place)
    if exact is not None:
        return start if rounded(exact * clip.rate.fraction / TICKS) == clip.into + start else 0
    draft.warn(f"{clip.place} is part of a subclip; its in point was counted from the media's first frame.")
    return 0


def shown_media(clip: Clip, files: FileIndex, draft: Draft) -> Shown:
    """Returns the media, the offline media or the generator that a clip item names."""
    element = clip.parts.get("file")
    if element is None and "multiclip" in clip.parts:
        element = next(clip.parts["multiclip"].iter("file"), None)
        draft.warn(f"{clip.place} is a multiclip; its first angle was taken.")
    name = text(clip.parts.get("name"))
    if element is None:
        draft.warn(f"{clip.place} names no file; it counts as offline.")
        return Shown(draft.media("", name=name, rate=clip.rate), 0, None, clip.rate)
    facts = files.facts(element, clip.place)
    if facts.odd:
        draft.warn(facts.odd)
    if facts.generator:
        return Shown(Generator(facts.generator), 0, None, clip.rate, facts.media)
    rate = facts.rate or clip.rate
    first, frames = media_span(facts, rate)
    source = draft.media(
        facts.path, name=facts.name or ("" if facts.path else name), first=first, frames=frames, rate=rate
    )
    still = suffix_of(facts.path) in STILL and "%0" not in facts.path
    return Shown(_noted(source, clip.note), source.first, frames, rate, facts.media, still)


def _noted(source: Media, note: Json) -> Media:
    """Returns the media with what the file's own numbers cannot say."""
    frames = meant(note, "frames", source.frames)
    first = meant(note, "first", source.first)
    count = source.frames
    if type(frames) is int:
        count = None if frames < 0 else frames
    return Media(source.media, first if type(first) is int else source.first, count, source.rate)


def shown_nested(clip: Clip, sequence: str, frames: int, rate: Rate, outer: Rate) -> Shown:
    """Returns a nested sequence as a source."""
    count: int | None = frames or None
    noted = meant(clip.note, "frames", frames)
    if type(noted) is int:
        count = None if noted < 0 else noted
    return Shown(Nested(sequence, 0, count, None if rate == outer else rate), 0, frames, rate)


def foreign_of(
    clip: Clip, others: list[Element], media: Json | None, ramp: Exact | None
) -> tuple[Json, tuple[Json, ...]]:
    """Returns (what to keep of the clip, its filters as opaque effects). `ramp` is the frame a clip with a speed ramp shows
    first, which its in point does not tell."""
    kept: Json = {}
    if ramp is not None and isinstance(clip.into, int):
        kept["ramp"] = [clip.into, rounded(ramp)]
    attributes = {name: value for name, value in clip.element.attrib.items() if name != "id"}
    if attributes:
        kept["attributes"] = attributes
    rest = [tree for child in clip.element if (tree := _kept(child)) is not None]
    if rest:
        kept["children"] = rest
    if media is not None:
        kept["media"] = media
    effects = tuple(_effect(child) for child in others)
    return ({OWN: kept} if kept else {}), effects


def _kept(child: Element) -> Json | None:
    """Returns a child as it is kept: what is read is not, and of remarks only those that are not ours."""
    if child.tag in REMARKS:
        return remarks(child)
    plain = child.tag in _READ or (child.tag == "sourcetrack" and " ".join(child.itertext()).split() == ["audio", "1"])
    return None if plain else kept_tree(child)


def _effect(filter_: Element) -> Json:
    """Returns a filter as an OpenTimelineIO effect, the element itself in its metadata."""
    name: Any = text(filter_, "effect/name") or text(filter_, "effect/effectid")
    return {
        "OTIO_SCHEMA": "Effect.1",
        "name": "",
        "effect_name": name,
        "enabled": flag(filter_.find("enabled"), True),
        "metadata": {OWN: {"filter": kept_tree(filter_)}},
    }


def whole_length(start: Exact, end: Exact) -> int:
    """Returns the frames between two edges on the grid, at least 1."""
    return max(1, rounded(end) - rounded(start))


def bounded(clip: Clip, first: Exact, end: Exact, draft: Draft) -> None:
    """Raises BadInput(bad_time) with the clip's place for times beyond any film's."""
    draft.bound(end, clip.place)
    if apart(first, 0) > FURTHEST_SOURCE:
        raise BadInput(
            "bad_time", f"{clip.place} starts at a frame of its media that is further away than any film is long."
        )


def lowest(frame: Exact, speed: Speed, length: int, own: Rate, rate: Rate) -> Exact:
    """Returns the lowest media frame an item shows that shows `frame` first."""
    if speed.num >= 0:
        return frame
    back = -speed.fraction * own.fraction / rate.fraction * (length - 1)
    return rounded(frame) - -(-back.numerator // back.denominator)
