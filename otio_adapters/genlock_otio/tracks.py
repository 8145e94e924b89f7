"""Tracks and what lies on them, from OTIO's children to placed items."""

from __future__ import annotations

from itertools import islice
from typing import Any, Final

from genlock.errors import BadInput
from genlock.timeline.events import Content, Placed, TrackContent
from genlock.timeline.model import (
    Gap,
    Item,
    Kind,
    Marker,
    Media,
    Nested,
    Placement,
    Resolution,
    Shot,
    Source,
    Track,
    Transition,
)
from genlock.timeline.rate import NORMAL, RATES, Rate, Speed
from genlock_otio.door import LIMITS
from genlock_otio.effects import read_effects
from genlock_otio.keeping import OURS, PLAIN, Json, current, keep, kept, leftovers, rows, schema, split, text
from genlock_otio.plain import Plain
from genlock_otio.reading import Reading
from genlock_otio.references import MAIN, active_reference, own_source, rate_of_source, read_reference, without_end
from genlock_otio.settling import presentable, settled
from genlock_otio.times import Exact, frames, length, range_json, rounded, says_range, says_time

_TRACK: Final = frozenset({"OTIO_SCHEMA", "metadata", "name", "enabled", "children", "kind", "markers", "effects"})
_CLIP: Final = frozenset(
    {
        *("OTIO_SCHEMA", "metadata", "name", "enabled", "source_range", "effects", "markers"),
        *("media_reference", "media_references", "active_media_reference_key"),
    }
)
_NEST: Final = frozenset(
    {"OTIO_SCHEMA", "metadata", "name", "enabled", "source_range", "effects", "markers", "children", "kind"}
)
_TRANSITION: Final = frozenset({"OTIO_SCHEMA", "metadata", "name", "transition_type", "in_offset", "out_offset"})
NESTING: Final = 32
MISSING: Final[Json] = {"OTIO_SCHEMA": "MissingReference.1"}


class Tracks:
    """Reads the tracks of one stack at one rate."""

    def __init__(self, reading: Reading, rate: Rate, depth: int = 0) -> None:
        if depth > NESTING:
            raise BadInput("too_deep", f"Sequences are nested more than {NESTING} deep.")
        self.reading = reading
        self.rate = rate
        self.depth = depth
        self.content: list[TrackContent] = []
        self.transitions: list[Transition] = []
        self.markers: list[Marker] = []
        self._lengths: list[tuple[int, int]] = []
        self._magnetic = False
        self.plain = Plain(reading, rate)

    def read(self, stack: Json) -> list[Any]:
        """Reads all tracks of a stack; returns those of a kind we have no word for, as [place, verbatim]."""
        self.markers += self.reading.markers(stack, self.rate, None)
        others: list[Any] = []
        if len(rows(stack, "children")) > LIMITS.tracks:
            raise BadInput("too_large", f"A sequence has more than {LIMITS.tracks} tracks.")
        for at, child in enumerate(rows(stack, "children")):
            if current(child, self.reading.warn) != "Track":
                own = split(child)[1].get("track") if isinstance(child, dict) else None
                around = {"kind": "Video", "children": [child], "metadata": {OURS: own}}
                self.track(around, bare=True)
            elif child.get("kind", "Video") in ("Video", "Audio"):
                self.track(child)
            else:
                self.reading.warn(f"A track of kind {child.get('kind')!r} is kept, not shown.")
                others.append([at, child])
        self.note_whole()
        return others

    @property
    def duration(self) -> int:
        """Frames to the end of the last item."""
        return max((end for end, _ in self._lengths), default=0)

    @property
    def full(self) -> int:
        """Frames to the end of the last gap."""
        return max((end for _, end in self._lengths), default=0)

    def track(self, track: Json, *, bare: bool = False) -> None:
        """Reads one track; `bare`: there was none, the item lay in the stack itself."""
        foreign, ours = split(track)
        children = rows(track, "children")
        kind: Kind = "audio" if track.get("kind") == "Audio" else "video"
        placement = self._placement(kind, children, ours)
        id_ = self.reading.id("t", ours.get("id"))
        row = _Row(self, placement)
        last = _last_item(children)
        for at, child in enumerate(children):
            try:
                row.take(child, at > last)
            except BadInput as error:
                raise _placed(error, child, at, track) from error
            children[at] = None  # what is read is let go: a long cut's tree is ten times its timeline
        row.end_transition(None)
        resolve = foreign.get("Resolve_OTIO")
        locked = ours.get("locked", resolve.get("Locked") if isinstance(resolve, dict) else False)
        fields = leftovers(track, _TRACK)
        if fields.get("source_range", ...) is None:
            del fields["source_range"]
        elif "source_range" in fields:
            self.reading.warn(f"The track {text(track, 'name')!r} is trimmed; the trim is kept, not applied.")
        value = Track(
            id_,
            kind,
            text(track, "name"),
            placement,
            track.get("enabled") is not False,
            locked is True,
            ours.get("sync_lock") is not False,
            keep(foreign, gaps=row.kept_gaps(), bare=bare or None, effects=track.get("effects"), fields=fields),
        )
        self.markers += self.reading.markers(track, self.rate, None, track=id_)
        self._lengths.append((row.start - row.pad, row.start))
        self.content.append(TrackContent(value, tuple(row.items)))

    def _placement(self, kind: Kind, children: list[Any], ours: Json) -> Placement:
        """Returns ours, else magnetic for the first video track without gaps (padding at its end does not count)."""
        own = ours.get("placement")
        if own in ("magnetic", "free"):
            self._magnetic = self._magnetic or own == "magnetic"
            return own  # type: ignore[no-any-return]
        if kind == "audio" or self._magnetic or not children:
            return "free"
        last = _last_item(children)
        if last < 0 or any(_is_gap(child) for child in islice(children, last)):
            return "free"
        self._magnetic = True
        return "magnetic"

    def note_whole(self) -> None:
        """Notes at each gap behind a last item how long the whole is, so that it is written only while that is so."""
        for part in self.content:
            for gap in kept(part.track.foreign).get("gaps", ()):
                if "whole" in gap:
                    gap["whole"] = self.duration


def _placed(error: BadInput, child: Any, at: int, track: Json) -> BadInput:
    """Returns the error with the place in the file: the child of a track that it is about."""
    if len(error.message) > 600:  # of nested ones the innermost say enough
        return error
    name = text(child, "name") if isinstance(child, dict) else ""
    where = f"{schema(child) or 'child'} {name[:80]!r}, number {at + 1} of the track {text(track, 'name')[:80]!r}"
    return BadInput(error.code, f"{error.message.rstrip('.')} ({where}).", hint=error.hint, **error.details)


class _Row:
    """One track being read, from left to right. `start` is the frame reached, `pad` the length of the gap at the end."""

    def __init__(self, tracks: Tracks, placement: Placement) -> None:
        self.items: list[Placed] = []
        self.gaps: list[Any] = []
        self.start = 0
        self.pad = 0
        self._tracks = tracks
        self._reading = tracks.reading
        self._rate = tracks.rate
        self._free = placement == "free"
        self._at: Exact = 0
        self._last: str | None = None  # the last item, for where a gap was
        self._left: str | None = None  # the clip that ends here
        self._padded = False  # a gap came last
        self._transition: Json | None = None

    def kept_gaps(self) -> list[Any]:
        """Returns the gaps that say more than their length, and the one at the end, which is no room in the model."""
        if self._padded:
            self.gaps[-1]["whole"] = 0
        return [gap for gap in self.gaps if self._telling(gap)]

    def _telling(self, gap: Json) -> bool:
        alone = len(gap["verbatim"]) == 1 and gap["frames"] and "whole" not in gap
        return not alone or _odd_gap(gap["verbatim"][0], gap["frames"], self._rate)

    def take(self, child: Any, trailing: bool) -> None:
        """Reads the next child; `trailing`: nothing but gaps follows."""
        match (
            "Clip"
            if type(child) is dict and child.get("OTIO_SCHEMA") == "Clip.2"
            else current(child, self._reading.warn)
        ):
            case "Clip":
                self._clip(child)
            case "Gap":
                self._gap(child, trailing)
            case "Transition":
                if self._transition is not None:
                    raise BadInput("bad_timeline", "Two transitions follow each other on a track.")
                self._transition = child
            case "Stack" | "Track":
                self._nest(child)
            case other:
                raise BadInput("bad_timeline", f"A track holds {other or repr(child)[:80]}, which cannot lie on one.")

    # -- items

    def _clip(self, clip: Json) -> None:
        if type(self._at) is int and (plain := self._tracks.plain.read(clip)) is not None:
            self._place(plain, plain.duration, is_gap=False)
            return
        foreign, ours = split(clip)
        name = text(clip, "name")
        key, ref = active_reference(clip)
        references = clip.get("media_references")
        if ref is None:
            if references:
                raise BadInput("bad_timeline", f"The active media reference {key!r} of {name!r} does not exist.")
            ref = MISSING
        reading = self._reading
        source, reference = read_reference(ref, name, ours, self._rate, reading.base, reading.pool)
        others = {k: v for k, v in references.items() if k != key} if references and len(references) > 1 else None
        normal_key = MAIN if not isinstance(source, Shot) else key
        self._item(
            clip,
            source,
            foreign,
            ours,
            ref.get("available_range"),
            _CLIP,
            reference=reference,
            references=others,
            active=None if key == normal_key else key,
        )

    def _nest(self, child: Json) -> None:
        foreign, ours = split(child)
        about = ours.get("nested")
        about = about if isinstance(about, dict) else {}
        outer, reading = self._tracks, self._reading
        inner = Tracks(reading, rate_in(about) or outer.rate, outer.depth + 1)
        single = schema(child) == "Track"
        others: list[Any] = []
        if single:
            bare: Json = {"metadata": {OURS: ours.get("track")}, "source_range": None, "markers": [], "effects": []}
            inner.track({**child, **bare, "enabled": True})
            inner.note_whole()
        else:
            others = inner.read({"children": child.get("children")})
        markers = rows(child, "markers")
        inner.markers += reading.markers({"markers": [m for m in markers if _of_sequence(m)]}, inner.rate, None)
        content = nested_content(inner, about, text(child, "name"), others)
        sequence = reading.nest(content, ours.get("sequence"))
        whole = range_json(0, inner.rate, inner.full, inner.rate)
        own = own_source(ours, "")
        source = Nested(sequence, 0, inner.duration, None if inner.rate == outer.rate else inner.rate)
        if isinstance(own, Nested) and own.sequence == sequence:
            source = own
        mine = {**child, "markers": [m for m in markers if not _of_sequence(m)]}
        self._item(mine, source, foreign, ours, whole, _NEST, shape="Track" if single else None)

    def _gap(self, gap: Json, trailing: bool) -> None:
        span = gap.get("source_range")
        exact: Exact = 0
        if span is not None:
            exact = length(span.get("duration") if isinstance(span, dict) else span, self._rate, "A gap")
        foreign, ours = split(gap)
        if not self._free and ("id" in ours or not trailing):
            self._item(gap, Gap(), foreign, ours, None, _NEST)
            return
        self.end_transition(None)
        before = self.start
        self._at += exact
        self.start = rounded(self._at)
        self.pad += self.start - before
        self._left = None
        self._padded = True
        if self.gaps and self.gaps[-1]["after"] == self._last:
            self.gaps[-1]["frames"] += self.start - before
            self.gaps[-1]["verbatim"].append(gap)
        else:
            self.gaps.append({"after": self._last, "frames": self.start - before, "verbatim": [gap]})

    def _item(
        self,
        thing: Json,
        source: Source,
        foreign: Json,
        ours: Json,
        available: Any,
        known: frozenset[str],
        **more: Any,
    ) -> None:
        """Places an item that plays `thing`'s source range (without one: all that is `available`)."""
        name = text(thing, "name")
        span = thing.get("source_range")
        shown = available if span is None else span
        if not isinstance(shown, dict):
            raise BadInput("bad_timeline", f"{name!r} has neither a source range nor an available range.")
        exact = length(shown.get("duration"), self._rate, repr(name))
        start = self.start
        duration = rounded(self._at + exact) - start
        if duration < 1:
            if not exact:
                self._reading.warn(f"{name!r} is 0 frames long and was left out.")
                return
            self._reading.warn(f"{name!r} is shorter than a frame and was given one.")
            duration, self._at, exact = 1, start, 1
        opaque, speed, warps, idle = read_effects(rows(thing, "effects"), ours)
        own = rate_of_source(source) or self._rate
        first = rounded(frames(shown.get("start_time"), own))
        into = source_in_of(first, duration, speed, own, self._rate)
        if isinstance(source, Media | Nested) and _outside(source, first, into, duration, speed, own, self._rate):
            if isinstance(source, Media):
                self._reading.warn(f"{name!r} shows frames outside the range its media gives; its handles are unknown.")
            source = without_end(source, more.get("reference", {}), available)
        item = Item(
            self._reading.item_id(thing, ours),
            source,
            duration,
            name,
            into,
            speed,
            thing.get("enabled") is not False,
            opaque,
            self._reading.link(foreign, ours),
            keep(
                foreign,
                range=None
                if says_range(span, first, own, duration, self._rate)
                else [span, [into, duration, speed.num, speed.den]],
                warps=warps,
                idle=idle,
                fields=leftovers(thing, known),
                **more,
            ),
        )
        self._place(item, exact, is_gap=isinstance(source, Gap))
        if thing.get("markers"):
            self._tracks.markers += self._reading.markers(thing, own, item.id)

    def _place(self, item: Item, exact: Exact, *, is_gap: bool) -> None:
        self.items.append(Placed(item, self.start if self._free else None))
        if self._transition is not None:
            self.end_transition(None if is_gap else item.id)
        self._at += exact
        self.start += item.duration
        self.pad = 0
        self._padded = False
        self._last = item.id
        self._left = None if is_gap else item.id

    # -- transitions

    def end_transition(self, right: str | None) -> None:
        """Closes a transition that waits for its right neighbour."""
        thing, left = self._transition, self._left
        if thing is None:
            return
        self._transition = None
        foreign, _ = split(thing)
        offsets = [length(thing.get(key), self._rate, "A transition") for key in ("in_offset", "out_offset")]
        before, after = (rounded(offset) for offset in offsets)
        if before + after == 0 and max(offsets) > 0:  # shorter than half a frame on either side
            before, after = (1, 0) if offsets[0] > offsets[1] else (0, 1)
        if (left is None and right is None) or before + after == 0:
            self._reading.warn(
                f"The transition {text(thing, 'name')!r} lies between nothing or is 0 frames long; left out."
            )
            return
        kind = text(thing, "transition_type")
        found = [thing.get("in_offset"), thing.get("out_offset")]
        plain = says_time(found[0], before, self._rate) and says_time(found[1], after, self._rate)
        self._tracks.transitions.append(
            Transition(
                left,
                right,
                before,
                after,
                "dissolve" if kind == "SMPTE_Dissolve" else kind,
                text(thing, "name"),
                keep(
                    foreign,
                    offsets=None if plain else [found, [before, after]],
                    fields=leftovers(thing, _TRANSITION),
                ),
            )
        )


def rate_in(ours: Json) -> Rate | None:
    """Returns the sequence rate that our own metadata names."""
    own = ours.get("rate")
    if isinstance(own, list) and len(own) == 2 and all(isinstance(n, int) for n in own) and Rate(*own) in RATES:
        return Rate(*own)
    return None


def settings_in(ours: Json) -> Json:
    """Returns what our own metadata says about a sequence, as fields of Content."""
    found: Json = {}
    if isinstance(ours.get("drop_frame"), bool):
        found["drop_frame"] = ours["drop_frame"]
    size = ours.get("resolution")
    if isinstance(size, list) and len(size) == 2 and all(isinstance(n, int) and n > 0 for n in size):
        found["resolution"] = Resolution(*size)
    return found


def nested_content(inner: Tracks, about: Json, name: str, others: list[Any]) -> Content:
    """Returns a nested sequence as a value; `about` is what Genlock wrote about it."""
    foreign, start, own = about.get("foreign"), about.get("start_frame"), about.get("name")
    made = Content(
        name=presentable(own if isinstance(own, str) else name or "Nested"),
        rate=inner.rate,
        start_frame=start if isinstance(start, int) and start >= 0 else 0,
        tracks=tuple(inner.content),
        transitions=tuple(sorted(inner.transitions, key=lambda t: t.key)),
        markers=tuple(sorted(inner.markers, key=lambda m: (m.item or "", m.start, m.id))),
        foreign=keep(dict(foreign) if isinstance(foreign, dict) else {}, others=others),
        **settings_in(about),
    )
    return settled(made, inner.reading.warn)


def _of_sequence(marker: Any) -> bool:
    """Returns whether Genlock wrote this marker for the nested sequence itself, not for the item that shows it."""
    return isinstance(marker, dict) and split(marker)[1].get("of") == "sequence"


def _is_gap(child: Any) -> bool:
    label = child.get("OTIO_SCHEMA") if type(child) is dict else None
    return label != "Clip.2" and schema(child) == "Gap"


def _last_item(children: list[Any]) -> int:
    backwards = range(len(children) - 1, -1, -1)
    return next((at for at in backwards if schema(children[at]) not in ("Gap", "Transition")), -1)


def source_in_of(first: int, duration: int, speed: Speed, own: Rate, rate: Rate) -> int:
    """Returns the source frame shown first, of a range that starts at `first`.

    OTIO's range names the lowest frame; played backwards, the frame shown first is the one at its other end.
    """
    if speed.num >= 0:
        return first
    back = -speed.fraction * own.fraction / rate.fraction * (duration - 1)
    return first - (-back.numerator // back.denominator)


def first_of(item: Item, rate: Rate) -> int:
    """Returns the lowest source frame the item shows: the inverse of `source_in_of`."""
    own = rate_of_source(item.source) or rate
    shift = source_in_of(0, item.duration, item.speed, own, rate)
    return item.source_in - shift


def _outside(source: Media | Nested, first: int, into: int, duration: int, speed: Speed, own: Rate, rate: Rate) -> bool:
    """Returns whether the frames from `first` (the lowest) on are not all there; `into` is the one shown first."""
    if source.frames is None:
        return False
    end = source.first + source.frames
    if own is rate and speed == NORMAL:
        return first < source.first or first + duration > end
    step = speed.fraction * own.fraction / rate.fraction
    return first < source.first or into >= end or into + step * (duration - 1) >= end


def _odd_gap(gap: Json, count: int, rate: Rate) -> bool:
    """Returns whether the gap says more than its length."""
    known = {"OTIO_SCHEMA", "source_range"}
    if any(key not in PLAIN or gap[key] != PLAIN[key] for key in gap.keys() - known):
        return True
    return not says_range(gap.get("source_range"), 0, rate, count, rate)
