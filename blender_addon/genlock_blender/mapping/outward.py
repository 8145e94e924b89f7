# SPDX-License-Identifier: GPL-3.0-or-later
"""From a cut to a picture: how a scene shows a sequence."""

from __future__ import annotations

from typing import NamedTuple

from genlock_client.cut import Cut
from genlock_client.partly import without

from ..states import Picture, Strip
from . import fitting, marks, nests
from .book import Book, Held, Value
from .crossings import TYPES, given_name, usual
from .inward import NONE, Inward, new_id
from .items import GONE, PLACEHOLDER
from .lanes import UNSEEN, Channels, Join, Span, lay
from .naming import Names
from .shown import LOOKS, MEDIA, Was, bounds, common, inputs_first, same, showing, span_of, transitions_of, was_of
from .strips import Unshown, called, effect_fields, effect_name, extras, form, made, plain
from .times import NORMAL, Rate, pair
from .tracks import CHANNELS, LANES, channels_of, settle


class Wanted(NamedTuple):
    """A cut as a picture. `held` says what a scene cannot show, by the id of the item or track; `book` has the homes of
    the tracks: hand it to the next call."""

    picture: Picture
    held: Held
    book: Book


def to_strips(cut: Cut, book: Book, shown: Picture | None = None) -> Wanted:
    """Returns how the scene shows the cut; `shown` is what it shows at present, of which as much as possible stays.

    A strip that need not change is the very one in `shown`; strips there that `to_cut` holds back stay. It never raises:
    what cannot be shown is in `held`.
    """
    return Outward(cut, book, shown).wanted()


class Level(NamedTuple):
    """One sequence of the cut while it is laid out: `zero` is the scene frame of its first frame, `parent` the key of its
    meta strip."""

    id: str
    cut: Cut
    zero: int
    parent: str
    depth: int = 0


class Outward:
    """One walk over a cut."""

    def __init__(self, cut: Cut, book: Book, shown: Picture | None) -> None:
        self.cut = cut
        self.book = book
        self.shown = shown
        self.held: Held = {}
        self.homes: dict[str, int] = {}
        self.owners: dict[str, tuple[str, str]] = {}
        self.lanes: dict[int, set[str]] = {}
        self.found: dict[str, Strip] = {}
        rate = pair(cut.settings.get("rate")) or (shown.rate if shown else None)
        self.rate: Rate = rate or (24, 1)
        strips = shown.strips if shown else ()
        self.base: dict[str, Strip] = {strip.key: strip for strip in strips if strip.key}
        walk = Inward(shown or Picture("", self.rate, (0, 0), book.origin, (), {}, ()), book, new_id)
        mine = walk.mapped()
        self.left = mine.held
        self.was = was_of(mine.cut, walk.zeros, book.sequence)
        self.metas = {
            was.value["source"]["sequence"]: key
            for key, was in self.was.items()
            if self.base[key].type == "META" and was.value.get("source", NONE).get("type") == "nested"
        }
        self.crosses = {each.key: each for each in walk.crossings.values()}
        self.transitions = transitions_of(mine.cut)
        self.nest = {book.sequence: ""}
        self.showing = showing(cut)
        self.kids: dict[str, list[str]] = {}
        self.names = Names(self._reserved())

    def wanted(self) -> Wanted:
        """Walks, and returns what was found."""
        cut, book, shown = self.cut, self.book, self.shown
        self._level(Level(book.sequence, cut, book.origin, ""))
        self._keep()
        settled = [track for track in cut.tracks if track in self.homes]
        channels = channels_of(settled, cut.tracks, self.homes, self.lanes, shown.channels if shown else {}, book.homes)
        size = cut.settings.get("resolution") or (shown.size if shown else (1920, 1080))
        picture = Picture(
            scene=shown.scene if shown else cut.settings.get("name", ""),
            rate=self.rate,
            size=(size[0], size[1]),
            first=shown.first if shown else book.origin,
            strips=tuple(self.found.values()),
            channels=channels,
            marks=marks.outward(cut.markers, book.origin),
        )
        return Wanted(picture, self.held, book._replace(homes=self.homes, owners=self.owners))

    def _reserved(self) -> list[str]:
        """Returns the names that strips keep: all but those of strips that go or are called differently."""
        items = dict(self.cut.items)
        for inner in self.cut.nested.values():
            items.update(inner.items)
        return [
            strip.name
            for key, strip in self.base.items()
            if key in self.left
            or (key in self.was and key in items and self.was[key].value["name"] == items[key].get("name", ""))
            or key not in self.was
        ]

    # -- one sequence

    def _level(self, level: Level) -> None:
        level = self._without_grouped(level)
        cut, zero = level.cut, level.zero
        joins, spans = self._joins(level)
        channels, joins = self._channels(level, joins, spans)
        effects: list[str] = []
        metas: list[str] = []
        for id_, value in cut.items.items():
            if value["track"] not in self.homes or (id_ in self.left and id_ in self.base):
                continue
            source = value["source"]
            if source["type"] == "generator" and (source.get("parameters") or NONE).get("inputs"):
                effects.append(id_)
                continue
            if source["type"] == "nested":
                metas.append(id_)
            self._put(
                level,
                id_,
                value,
                channels.get(id_) or self.homes[value["track"]],
                spans.get(id_) or span_of(value, zero),
            )
        for join in joins:
            self._cross(level, join, channels)
        self._effects(level, effects)
        for id_ in metas:
            self._nest(level, id_)

    def _effects(self, level: Level, effects: list[str]) -> None:
        """Makes the strips that work on others. They are as long as those; one that has no room for that is no effect."""
        if not effects:
            return
        items, grid = level.cut.items, Channels()
        strips = [strip for strip in self.found.values() if strip.parent == level.parent]
        grid.fill((strip.channel, strip.left, strip.right, "") for strip in strips)
        spans = {id_: span_of(items[id_], level.zero) for id_ in effects}
        for id_ in effects:
            grid.take(self.homes[items[id_]["track"]], spans[id_], id_)
        for id_ in inputs_first(effects, items):
            value = items[id_]
            channel, span = self.homes[value["track"]], spans[id_]
            inputs = [self.found.get(key) for key in value["source"]["parameters"]["inputs"]]
            shared = common([each for each in inputs if each is not None]) if None not in inputs else None
            others = () if shared is None or shared == span else set(grid.over(channel, shared)) - {id_}
            if shared is not None and not others:
                self._put(level, id_, value, channel, shared)
                grid.drop(channel, span, id_)
                grid.take(channel, shared, id_)
            else:
                self._put(level, id_, value, channel, span)

    def _joins(self, level: Level) -> tuple[list[Join], dict[str, Span]]:
        """Returns the transitions that strips can show, in order of time, and the frames of the items they need."""
        cut, zero = level.cut, level.zero
        joins: list[Join] = []
        spans: dict[str, Span] = {}
        heads: dict[str, int] = {}
        rows = []
        for key, value in cut.transitions.items():
            left, right = cut.items.get(value.get("left") or ""), cut.items.get(value.get("right") or "")
            if left is None or right is None or value.get("kind", "dissolve") not in TYPES:
                continue
            rows.append((right["start"], key, value, left, right))
        rows.sort(key=lambda row: (row[0], row[1]))
        for at, key, value, left, right in rows:
            a, b, before, after = value["left"], value["right"], value["in_offset"], value["out_offset"]
            if not self._joinable(left, right, cut.tracks) or a in self.left or b in self.left:
                continue
            if before < 0 or after < 0 or before + after < 1:
                continue
            if before + heads.get(a, 0) > left["duration"] or after > right["duration"] or b in heads:
                continue
            heads[b] = after
            spans[a] = (spans.get(a, span_of(left, zero))[0], zero + at + after)
            spans[b] = (zero + at - before, zero + at + right["duration"])
            was = self.crosses.get(key)
            effect = was.effect.key if was is not None else key
            joins.append(Join(key, right["track"], a, b, effect, (zero + at - before, zero + at + after)))
        return joins, spans

    def _joinable(self, left: Value, right: Value, tracks: dict[str, Value]) -> bool:
        if left["track"] != right["track"] or left["start"] + left["duration"] != right["start"]:
            return False
        if tracks.get(left["track"], NONE).get("kind", "video") != "video":
            return False
        return not any((each["source"].get("parameters") or NONE).get("inputs") for each in (left, right))

    def _channels(self, level: Level, joins: list[Join], spans: dict[str, Span]) -> tuple[dict[str, int], list[Join]]:
        """Finds homes for the tracks, and returns channels of what lies elsewhere and the joins that have room."""
        order, values = list(level.cut.tracks), level.cut.tracks
        need: dict[str, int] = {}
        strict = False
        fixed = None
        while True:
            homes = settle(order, values, self.book.homes, need)
            fitting = {track: channel for track, channel in homes.items() if channel <= CHANNELS}
            if not joins:
                found: dict[str, int] = {}
                break
            rights = {each.right for each in joins}
            if fixed is None:
                fixed = [
                    (value["track"], *(spans.get(id_) or span_of(value, level.zero)))
                    for id_, value in level.cut.items.items()
                    if id_ not in rights
                ]
            here = [each for each in joins if each.track in fitting]
            seen = {track: track if values[track].get("kind", "video") == "video" else UNSEEN for track in fitting}
            rows = [(homes[track], left, right, seen[track]) for track, left, right in fixed if track in fitting]
            limits = bounds(order, values, homes)
            found, failed = lay(here, spans, rows, homes, limits, {} if strict else self._present(here, homes))
            if not failed:
                break
            fresh = {each.track for each in failed} - need.keys()
            if fresh:
                need.update(dict.fromkeys(fresh, LANES))
            elif not strict:
                strict = True
            else:
                joins = self._drop(failed, joins, level, spans)
                fixed = None
        for track, channel in homes.items():
            if track not in fitting:
                self.held[track] = (
                    "no_channel",
                    f"Blender has {CHANNELS} channels, and this track needs channel {channel}.",
                )
        self.homes.update(fitting)
        self.owners.update((track, (level.id, values[track].get("kind", "video"))) for track in fitting)
        if not level.parent:
            for each in joins:
                for key in (each.right, each.effect):
                    if found.get(key, 0) not in fitting.values():
                        self.lanes.setdefault(found.get(key, 0), set()).add(each.track)
        return found, [each for each in joins if each.track in fitting]

    def _drop(self, failed: list[Join], joins: list[Join], level: Level, spans: dict[str, Span]) -> list[Join]:
        gone = {each.key for each in failed}
        for each in failed:
            self.held[each.key] = ("no_room", "There is no free channel for the transition.")
            left, right = level.cut.items[each.left], level.cut.items[each.right]
            spans[each.left] = (spans[each.left][0], span_of(left, level.zero)[1])
            spans[each.right] = (span_of(right, level.zero)[0], spans[each.right][1])
        return [each for each in joins if each.key not in gone]

    def _present(self, joins: list[Join], homes: dict[str, int]) -> dict[str, tuple[int, ...]]:
        """Returns where strips are at present, and where that is after a move of their track's home."""
        found: dict[str, tuple[int, ...]] = {}
        for each in joins:
            moved = homes[each.track] - self.book.homes.get(each.track, homes[each.track])
            for key in (each.right, each.effect):
                base = self.base.get(key)
                if base is not None:
                    found[key] = (base.channel, base.channel + moved)
        return found

    # -- strips

    def _put(self, level: Level, id_: str, value: Value, channel: int, span: Span) -> None:
        """Makes the strip of an item, or takes the one that is shown."""
        base, was = self.base.get(id_), self.was.get(id_)
        if base is not None and was is not None and value == was.value and level.zero == was.zero:
            there = (base.left, base.right) == span and base.channel == channel and base.parent == level.parent
            if there and not base.note.get(PLACEHOLDER) and not base.inputs and base.type != "META":
                self._place(base)
                return
        start = level.zero + value["start"]
        sound = level.cut.tracks[value["track"]].get("kind", "video") == "audio"
        if (
            base is not None
            and was is not None
            and same(value, was.value, MEDIA)
            and self._fits(level, id_, value, base, span, sound)
        ):
            strip = self._moved(level, value, base, was, channel, span)
        else:
            try:
                able = self._able(level, id_, value, span)
                fields = form(value, sound, start, span, self.book, self.rate, able)
            except Unshown as error:
                self.held[id_] = (error.code, error.sentence)
                return
            strip = self._made(id_, value, base, was, level.parent, channel, span, fields)
        if strip.type == "META":
            self.nest[value["source"]["sequence"]] = id_
        self._place(strip)

    def _works(self, value: Value, span: Span) -> bool:
        """Whether an item that works on others has them, and the frames that they have in common."""
        inputs = (value["source"].get("parameters") or NONE).get("inputs")
        if not inputs:
            return True
        strips = [self.found[key] for key in inputs if isinstance(key, str) and key in self.found]
        return len(strips) == len(inputs) and common(strips) == span

    def _fits(self, level: Level, id_: str, value: Value, base: Strip, span: Span, sound: bool) -> bool:
        """Whether a strip of the right source is still of the right kind."""
        if (base.type == "SOUND") != sound:
            return False
        able = self._able(level, id_, value, span)
        if not base.note.get(PLACEHOLDER):
            return able and (base.type == "META") == (value["source"]["type"] == "nested")
        try:
            fields = form(value, sound, 0, (0, 1), self.book, self.rate, able)
        except Unshown:
            return False
        return bool(fields.get("note", NONE).get(PLACEHOLDER))

    def _able(self, level: Level, id_: str, value: Value, span: Span) -> bool:
        """Whether the item can be the meta strip of its sequence, or the effect that it is."""
        source = value["source"]
        if source["type"] == "nested":
            return self._nests(level, id_, value)
        return source["type"] != "generator" or self._works(value, span)

    def _moved(self, level: Level, value: Value, base: Strip, was: Was, channel: int, span: Span) -> Strip:
        delta = level.zero + value["start"] - was.zero - was.value["start"]
        strip = base
        if delta or span != (base.left, base.right) or channel != base.channel or level.parent != base.parent:
            strip = base._replace(
                left=span[0],
                right=span[1],
                channel=channel,
                parent=level.parent,
                content_start=base.content_start + (0 if base.inputs else delta),
            )
            if base.note.get(PLACEHOLDER):
                was_at = [level.zero + value["start"], span[1], value.get("source_in", 0)]
                strip = strip._replace(note={**base.note, "was": was_at})
        if same(value, was.value, LOOKS):
            return strip
        fields: Value = {"mute": not value.get("enabled", True), "link": value.get("link") or ""}
        name, note = self._named(value, base, was)
        kept = {key: field for key, field in strip.note.items() if key not in ("name", "shown")}
        fields.update(name=name, note={**kept, **note})
        if not base.note.get(PLACEHOLDER):
            clean = {"modifiers": (), "curves": {}, "lock": False, "stream": 0}
            if base.type in ("MOVIE", "IMAGE", "SOUND", "SCENE", "META"):
                clean["props"] = {}
            fields.update(clean | extras(value))
        return self._fitted(strip._replace(**fields), value)

    def _fitted(self, strip: Strip, value: Value) -> Strip:
        """Returns the strip with its picture as large as the frame, unless its item says another scale."""
        if strip.type not in ("MOVIE", "IMAGE"):
            return strip
        fit = fitting.fit_of(self.book.file_of(value["source"]), self.book)
        return strip if fit == 1.0 else strip._replace(props=fitting.shown(strip.props, fit, strip.curves))

    def _made(
        self,
        id_: str,
        value: Value,
        base: Strip | None,
        was: Was | None,
        parent: str,
        channel: int,
        span: Span,
        fields: Value,
    ) -> Strip:
        name, note = self._named(value, base, was)
        fields = plain(fields, extras(value))
        fields = {**fields, "mute": not value.get("enabled", True), "link": value.get("link") or ""}
        if note or "note" in fields:
            fields["note"] = {**fields.get("note", NONE), **note}
        return self._fitted(made(id_, name, channel, span, parent, base, fields), value)

    def _named(self, value: Value, base: Strip | None, was: Was | None) -> tuple[str, Value]:
        name = value.get("name", "")
        if base is not None and was is not None and was.value["name"] == name:
            return base.name, {key: base.note[key] for key in ("name", "shown") if key in base.note}
        return self.names.give(name, called(value["source"]))

    def _cross(self, level: Level, join: Join, channels: dict[str, int]) -> None:
        """Makes the effect strip of a transition, or takes the one that is shown."""
        left, right = self.found.get(join.left), self.found.get(join.right)
        if left is None or right is None or join.effect in self.left:
            return
        value, channel = level.cut.transitions[join.key], channels[join.effect]
        kind, before = value.get("kind", "dissolve"), value["in_offset"]
        was = self.crosses.get(join.key)
        base = was.effect if was is not None and was.effect.type == TYPES[kind] else None
        note = {} if base is None else base.note
        middle = (join.span[1] - join.span[0]) // 2
        if "in" in note or before != middle or left.left >= right.left or left.right >= right.right:
            note = {**note, "in": before}
        if base is None:
            name = self.names.give(effect_name(value) or usual(TYPES[kind]), "")[0]
            strip = Strip(join.effect, name, TYPES[kind], channel, *join.span, content_start=join.span[0], content=1)
            inputs = (join.left, join.right)
            self._place(strip._replace(parent=level.parent, inputs=inputs, note=note, **effect_fields(value)))
            return
        place: Value = {"left": join.span[0], "right": join.span[1], "channel": channel, "parent": level.parent}
        strip = base._replace(**place, note=note)
        if (self.transitions.get(join.key, NONE).get("foreign") or NONE) != (value.get("foreign") or NONE):
            name = effect_name(value)
            if name not in ("", given_name(base)):
                strip = strip._replace(name=self.names.give(name, "")[0])
            strip = strip._replace(**effect_fields(value))
        self._place(base if strip == base else strip)

    # -- nested sequences

    def _nests(self, level: Level, id_: str, value: Value) -> bool:
        """Whether the item is the one that shows its nested sequence as a meta strip."""
        source = value["source"]
        if source["type"] != "nested":
            return False
        inner = source.get("sequence", "")
        cut = self.cut.nested.get(inner)
        if cut is None or self.nest.get(inner, id_) != id_ or level.depth >= nests.DEEPEST - 1:
            return False
        if (pair(value.get("speed")) or NORMAL) != NORMAL:
            return False
        if (pair(cut.settings.get("rate")) or self.rate) != self.rate or source.get("rate") not in (None, [*self.rate]):
            return False
        first = self.metas.get(inner, id_)
        return first == id_ or first not in self.showing.get(inner, ())

    def _nest(self, level: Level, id_: str) -> None:
        """Lays out what a meta strip holds."""
        strip = self.found.get(id_)
        if strip is None or strip.type != "META":
            return
        value = level.cut.items[id_]
        inner = value["source"]["sequence"]
        zero = level.zero + value["start"] - value.get("source_in", 0)
        self._level(Level(inner, self.cut.nested[inner], zero, id_, level.depth + 1))
        children = [self.found[key] for key in self.kids.get(id_, ())]
        children += [self.base[key] for key in self.left if key in self.base and self.base[key].parent == id_]
        self.found[id_] = nests.around(strip, children, zero)

    def _without_grouped(self, level: Level) -> Level:
        """Returns the level without items that its groups hold too: what was changed while it was grouped here is in both,
        and is shown in the group."""
        groups = [value for id_, value in level.cut.items.items() if self._nests(level, id_, value)]
        grouped = {id_ for value in groups for id_ in self.cut.nested[value["source"]["sequence"]].items}
        twice = (grouped | self.found.keys()) & level.cut.items.keys()
        for id_ in twice:
            name = level.cut.items[id_].get("name", "")
            self.held[id_] = ("twice", f"“{name}” is in a group and outside of it, and shown in one place: choose one.")
        return level._replace(cut=without(level.cut, twice)) if twice else level

    # -- what stays on this side

    def _place(self, strip: Strip) -> None:
        self.found[strip.key] = strip
        if strip.parent:
            self.kids.setdefault(strip.parent, []).append(strip.key)

    def _keep(self) -> None:
        """Keeps the shown strips that `to_cut` holds back, on a free channel."""
        kept = [
            strip
            for key, strip in self.base.items()
            if key in self.left and key not in self.found and self.left[key][0] != GONE
        ]
        if not kept:
            return
        grids: dict[str, Channels] = {}
        rows: dict[str, list[tuple[int, int, int, str]]] = {}
        for strip in self.found.values():
            rows.setdefault(strip.parent, []).append((strip.channel, strip.left, strip.right, ""))
        for parent, each in rows.items():
            grids.setdefault(parent, Channels()).fill(each)
        for strip in kept:
            if strip.parent and strip.parent not in self.found:
                continue
            if not all(key in self.found for key in strip.inputs):
                continue
            grid = grids.setdefault(strip.parent, Channels())
            span = (strip.left, max(strip.right, strip.left + 1))
            above = range(strip.channel, CHANNELS + 1)
            channel = next((lane for lane in above if grid.free(lane, span)), strip.channel)
            grid.take(channel, span, "")
            self._place(strip if channel == strip.channel else strip._replace(channel=channel))
