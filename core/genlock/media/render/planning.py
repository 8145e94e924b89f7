"""From a sequence to a render plan. Pure: files are known by what `resolve` and `info` say of them."""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable, Iterable
from fractions import Fraction
from itertools import pairwise
from math import ceil, floor
from pathlib import Path
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from genlock.media.render.program import (
    Bars,
    Colour,
    File,
    Layer,
    Picture,
    Ramp,
    RenderPlan,
    Slate,
    Sound,
    Span,
    fills,
)
from genlock.project.media import MediaInfo
from genlock.timeline.lane import Slot
from genlock.timeline.model import (
    Gap,
    Generator,
    Item,
    Kind,
    Media,
    Nested,
    Resolution,
    Shot,
    Transition,
    source_step,
    transition_key,
)
from genlock.timeline.rate import Rate
from genlock.timeline.sequence import Sequence

_DISSOLVES: Final = ("dissolve", "fade", "cross")
DEEPEST: Final = 16
"""Nesting beyond this becomes a slate."""

Resolve = Callable[[Item], Path | None]
FindNested = Callable[[str], Sequence | None]
Info = Callable[[Path], MediaInfo | None]


def plan(sequence: Sequence, resolve: Resolve, nested: FindNested, *, info: Info) -> RenderPlan:
    """Returns what each frame of the sequence shows.

    `resolve` finds the file of a media or shot item (None: missing, a slate takes its place), `nested` another sequence,
    `info` what a probe found in a file (None: unreadable). Disabled tracks and items are left out; upper tracks lie over
    lower ones; what an opaque clip hides is not opened at all. In a retimed nested sequence the two speeds are multiplied
    and rounded once.
    """
    planner = _Planner(resolve, nested, info)
    frames = sequence.duration
    strips = planner.strips(sequence)
    return RenderPlan(
        rate=sequence.rate,
        resolution=sequence.resolution,
        frames=frames,
        spans=_spans(strips, frames, sequence.resolution),
        sounds=tuple(sorted(planner.sounds(sequence), key=lambda sound: (sound.start, str(sound.path)))),
        missing=tuple(dict.fromkeys(planner.missing)),
        notes=tuple(dict.fromkeys(planner.notes)),
    )


class _Strip(Struct, frozen=True):
    """A layer at frames `start` to `end`."""

    start: int
    end: int
    layer: Layer

    def clipped(self, start: int, end: int) -> _Strip:
        low, high = max(self.start, start), min(self.end, end)
        return _Strip(low, high, self.layer.later(low - self.start))


class _Part(Struct, frozen=True):
    """A stretch of an item, with its handles, at one kind of opacity."""

    start: int
    end: int
    ramp: Ramp | None


class _Planner:
    def __init__(self, resolve: Resolve, nested: FindNested, info: Info) -> None:
        self._resolve, self._nested, self._info = resolve, nested, info
        self.missing: list[str] = []
        self.notes: list[str] = []

    # -- pictures

    def strips(self, sequence: Sequence, above: tuple[str, ...] = ()) -> list[_Strip]:
        """Returns everything visible in the sequence, in painting order."""
        made: list[_Strip] = []
        for transition in sequence.transitions.values():
            if not any(word in transition.kind.lower() for word in _DISSOLVES):
                self.notes.append(f"The transition {transition.name or transition.kind!r} is rendered as a dissolve.")
        for track in _tracks(sequence, "video"):
            for slot, item in sequence.placed(track):
                if _there(item):
                    parts = _parts(sequence, track, slot, item)
                    made.extend(self._painted(sequence, slot, item, parts, above))
        return made

    def _painted(
        self, sequence: Sequence, slot: Slot, item: Item, parts: list[_Part], above: tuple[str, ...]
    ) -> Iterable[_Strip]:
        if isinstance(item.source, Nested):
            inner = self._inside(item, above)
            if inner is not None:
                strips = self.strips(inner, (*above, inner.id))
                return [
                    strip
                    for part in parts
                    for each in strips
                    if (strip := _through(each, part, slot, item, _nested_step(item, sequence, inner))) is not None
                ]
            layer: Layer | None = Layer(self._slate(item, "This sequence is missing"))
        else:
            layer = self._layer(sequence, item)
        if layer is None:
            return ()
        return [
            _Strip(part.start, part.end, replace(layer.later(part.start - slot.start), opacity=part.ramp))
            for part in parts
        ]

    def _layer(self, sequence: Sequence, item: Item) -> Layer | None:
        source = item.source
        if isinstance(source, Generator):
            picture = _generated(source)
            if picture is None:
                self.notes.append(f"The generator {source.generator!r} of {item.name or item.id} is not rendered.")
            return None if picture is None else Layer(picture)
        path, info, why = self._found(item)
        if path is None or info is None:
            return Layer(self._slate(item, why))
        if info.kind == "audio":
            return Layer(self._slate(item, "It has no picture"))
        assert isinstance(source, Media | Shot)
        scale = _scale(source.rate or sequence.rate, info)
        if item.effects:
            self.notes.append(f"Effects on {item.name or item.id} are not rendered.")
        return Layer(
            _file(path, info, sequence.rate),
            origin=(item.source_in - _base(item, source, info, source.rate or sequence.rate)) * scale,
            step=source_step(item, sequence.rate) * scale,
        )

    def _found(self, item: Item) -> tuple[Path | None, MediaInfo | None, str]:
        """Returns the item's file, what is known of it, and what a slate would say."""
        path = self._resolve(item)
        if path is None:
            pinned = isinstance(item.source, Shot)
            return None, None, "This shot has no take yet" if pinned else "Missing media"
        info = self._info(path)
        return path, info, f"Missing or unreadable: {path.name}"

    def _slate(self, item: Item, why: str) -> Slate:
        title = item.name or item.id
        self.missing.append(title)
        return Slate(title, why)

    def _inside(self, item: Item, above: tuple[str, ...]) -> Sequence | None:
        assert isinstance(item.source, Nested)
        inner = self._nested(item.source.sequence)
        return None if inner is None or inner.id in above or len(above) >= DEEPEST else inner

    # -- sound

    def sounds(self, sequence: Sequence, above: tuple[str, ...] = ()) -> list[Sound]:
        """Returns every piece of sound of the sequence."""
        made: list[Sound] = []
        for track in _tracks(sequence, "audio"):
            for slot, item in sequence.placed(track):
                if _there(item) and item.speed.num:
                    made.extend(self._heard(sequence, slot, item, _parts(sequence, track, slot, item), above))
        return made

    def _heard(
        self, sequence: Sequence, slot: Slot, item: Item, parts: list[_Part], above: tuple[str, ...]
    ) -> Iterable[Sound]:
        if isinstance(item.source, Nested):
            inner = self._inside(item, above)
            if inner is None:
                return []
            within = self.sounds(inner, (*above, inner.id))
            return [
                sound
                for part in parts
                for each in within
                if (sound := _heard_through(each, part, slot, item, sequence, inner)) is not None
            ]
        if not isinstance(item.source, Media | Shot):
            return []
        path, info, _ = self._found(item)
        if path is None or info is None:
            self.missing.append(item.name or item.id)
            return []
        if not info.audio:
            return []
        rate = item.source.rate or sequence.rate
        speed = item.speed.fraction
        number = item.source_in - _base(item, item.source, info, rate)
        # Backwards, a frame's sound begins at the frame's end.
        origin = Fraction(number + (speed < 0)) / rate.fraction
        whole = Sound(path, slot.start, slot.end, origin, speed, info.audio[0].channels)
        return [replace(whole.part(part.start, part.end, sequence.rate), loudness=part.ramp) for part in parts]


def _tracks(sequence: Sequence, kind: Kind) -> Iterable[str]:
    return (track for track in sequence.order if sequence.tracks[track].kind == kind and sequence.tracks[track].enabled)


def _there(item: Item) -> bool:
    return item.enabled and not isinstance(item.source, Gap)


def _parts(sequence: Sequence, track: str, slot: Slot, item: Item) -> list[_Part]:
    """Returns the item cut into the stretches that its transitions make of it, handles included.

    In a dissolve of D frames frame k shows (k + 1/2) / D of the later clip, laid over the earlier one.
    """
    lane = sequence.lanes[track]
    before, after = lane.before(item.id), lane.after(item.id)
    start, end = slot.start, slot.end
    parts: list[_Part] = []
    left = before.id if before is not None and before.end == slot.start else None
    entering = _transition(sequence, (left, item.id), (None, item.id))
    if entering is not None:
        length = entering.in_offset + entering.out_offset
        start = min(slot.end, slot.start + entering.out_offset)
        parts.append(_Part(slot.start - entering.in_offset, start, _ramp(length, rising=True)))
    right = after.id if after is not None and after.start == slot.end else None
    leaving = _transition(sequence, (item.id, right), (item.id, None))
    tail: list[_Part] = []
    if leaving is not None:
        faces = leaving.right is not None and _there(sequence.items[leaving.right])
        length = leaving.in_offset + leaving.out_offset
        sound = sequence.tracks[track].kind == "audio"
        if faces and not sound:
            end = slot.end + leaving.out_offset
        else:
            end = max(start, slot.end - leaving.in_offset)
            tail.append(_Part(end, slot.end + leaving.out_offset, _ramp(length, rising=False)))
    if end > start:
        parts.append(_Part(start, end, None))
    return [part for part in (*parts, *tail) if part.end > part.start]


def _transition(sequence: Sequence, *sides: tuple[str | None, str | None]) -> Transition | None:
    """Returns the first transition there is between these neighbours; a fade has one side only, whatever it touches."""
    for left, right in sides:
        found = sequence.transitions.get(transition_key(left, right))
        if found is not None and found.in_offset + found.out_offset > 0:
            return found
    return None


def _ramp(length: int, *, rising: bool) -> Ramp:
    half = Fraction(1, 2 * length)
    return Ramp(half, 2 * half) if rising else Ramp(1 - half, -2 * half)


def _base(item: Item, source: Media | Shot, info: MediaInfo, rate: Rate) -> int:
    """Returns the number that the source's numbering gives to the file's first frame.

    Cuts count from the embedded timecode, or from 0, or (when the file lost its timecode) from a timecode that only the
    cut remembers; what the cut says of the available range tells which.
    """
    if info.start:
        known = source.first if source.first or source.frames is not None else item.source_in
        return info.start if known >= info.start else source.first
    length = info.frames or max(
        (Fraction(a.samples, a.sample_rate or 1) * rate.fraction for a in info.audio), default=0
    )
    return 0 if source.first + (source.frames or 0) <= ceil(length) else source.first


def _scale(numbered: Rate, info: MediaInfo) -> Fraction:
    """Returns frames of the file a frame of the numbering: 1, but for a file that runs at another rate than was noted."""
    if info.rate is None:
        return Fraction(1)
    ratio = info.rate.fraction / numbered.fraction
    return Fraction(1) if abs(ratio - 1) < Fraction(1, 500) else ratio


def _file(path: Path, info: MediaInfo, rate: Rate) -> File:
    size = Resolution(max(1, round(info.width * info.sar.fraction)), info.height)
    kind = info.kind
    assert kind != "audio"
    return File(
        path=path,
        kind=kind,
        rate=info.rate or rate,
        frames=max(1, info.frames),
        size=size,
        alpha=_has_alpha(info.pixel_format),
        variable=info.variable_rate,
    )


def _has_alpha(pixels: str) -> bool:
    return pixels.startswith(("yuva", "gbrap", "rgba", "bgra", "argb", "abgr", "ya8", "ya16", "pal8"))


def _generated(source: Generator) -> Picture | None:
    """Returns the picture of a generator that is a plain colour or bars, else None."""
    name = source.generator.lower()
    if "bars" in name:
        return Bars()
    colour = source.parameters.get("color", source.parameters.get("colour"))
    if (
        isinstance(colour, str)
        and len(text := colour.lstrip("#")) == 6
        and not set(text.lower()) - set("0123456789abcdef")
    ):
        return Colour(text.lower())
    if (
        isinstance(colour, list | tuple)
        and len(colour) >= 3
        and all(isinstance(each, int | float) for each in colour[:3])
    ):
        return Colour("".join(f"{round(min(1.0, max(0.0, float(each))) * 255):02x}" for each in colour[:3]))
    return Colour("000000") if "solid" in name or "black" in name else None


# -- nesting


def _nested_step(item: Item, outer: Sequence, inner: Sequence) -> Fraction:
    return item.speed.fraction * inner.rate.fraction / outer.rate.fraction


def _covers(
    start: int, end: int, slot: Slot, item: Item, step: Fraction
) -> tuple[Fraction | None, Fraction | None, bool]:
    """Returns the (low, high) outer positions between which inner frames `start` to `end` show; None when unbounded."""
    origin = Fraction(item.source_in)
    if step == 0:
        return None, None, start <= item.source_in < end
    return slot.start + (start - origin) / step, slot.start + (end - origin) / step, True


def _outer(start: int, end: int, part: _Part, slot: Slot, item: Item, step: Fraction) -> tuple[int, int]:
    """Returns the outer frames of the part that show inner frames `start` to `end`."""
    low, high, shown = _covers(start, end, slot, item, step)
    if not shown:
        return part.start, part.start
    if low is None or high is None:
        return part.start, part.end
    if step < 0:
        return max(part.start, floor(high) + 1), min(part.end, floor(low) + 1)
    return max(part.start, ceil(low)), min(part.end, ceil(high))


def _through(strip: _Strip, part: _Part, slot: Slot, item: Item, step: Fraction) -> _Strip | None:
    """Returns what an outer item shows of a strip inside the sequence it nests."""
    start, end = _outer(strip.start, strip.end, part, slot, item, step)
    if end <= start:
        return None
    inside = item.source_in + step * (start - slot.start) - strip.start
    layer = strip.layer
    ramp = None if part.ramp is None else part.ramp.later(start - part.start)
    if ramp is None and layer.opacity is not None:
        ramp = Ramp(layer.opacity.first + layer.opacity.step * inside, layer.opacity.step * step)
    return _Strip(
        start, end, replace(layer, origin=layer.origin + layer.step * inside, step=layer.step * step, opacity=ramp)
    )


def _heard_through(sound: Sound, part: _Part, slot: Slot, item: Item, outer: Sequence, inner: Sequence) -> Sound | None:
    step = _nested_step(item, outer, inner)
    start, end = _outer(sound.start, sound.end, part, slot, item, step)
    if end <= start:
        return None
    inside = item.source_in + (step < 0) + step * (start - slot.start) - sound.start
    ramp = None if part.ramp is None else part.ramp.later(start - part.start)
    if ramp is None and sound.loudness is not None:
        ramp = Ramp(sound.loudness.first + sound.loudness.step * inside, sound.loudness.step * step)
    return replace(
        sound,
        start=start,
        end=end,
        origin=sound.origin + sound.speed * inside / inner.rate.fraction,
        speed=sound.speed * item.speed.fraction,
        loudness=ramp,
    )


# -- from strips to spans


def _spans(strips: list[_Strip], frames: int, resolution: Resolution) -> tuple[Span, ...]:
    """Returns the timeline cut where what is visible changes."""
    inside = [strip.clipped(0, frames) for strip in strips if strip.start < frames and strip.end > 0]
    edges = sorted({0, frames, *(strip.start for strip in inside), *(strip.end for strip in inside)})
    begins: dict[int, list[int]] = {}
    for order, strip in enumerate(inside):
        begins.setdefault(strip.start, []).append(order)
    active: list[int] = []
    spans: list[Span] = []
    for start, end in pairwise(edges):
        active = [order for order in active if inside[order].end > start]
        for order in begins.get(start, ()):
            insort(active, order)
        seen = _visible([inside[order].clipped(start, end).layer for order in active], resolution)
        span = Span(start, end, seen)
        if spans and (joined := _joined(spans[-1], span)) is not None:
            spans[-1] = joined
        else:
            spans.append(span)
    return tuple(spans)


def _visible(layers: list[Layer], resolution: Resolution) -> tuple[Layer, ...]:
    """Drops what lies under the topmost opaque layer."""
    for at in range(len(layers) - 1, -1, -1):
        if layers[at].opacity is None and fills(layers[at].picture, resolution):
            return tuple(layers[at:])
    return tuple(layers)


def _joined(left: Span, right: Span) -> Span | None:
    """Returns both as one span when the second goes on where the first ends."""
    going_on = tuple(layer.later(left.duration) for layer in left.layers)
    return Span(left.start, right.end, left.layers) if going_on == right.layers else None
