# SPDX-License-Identifier: GPL-3.0-or-later
"""From a picture to a cut: what a scene shows, told as a sequence."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import NamedTuple

from genlock_client.cut import Cut

from ..states import Picture, Strip
from . import marks, nests
from .book import Book, Held, Value
from .crossings import KINDS, Crossing, find, given_name
from .items import PLACEHOLDER, Unmapped, extras_of, name_of, shown_by
from .times import Rate, pair
from .tracks import channel_fields, insert

Fresh = Callable[[], str]
NONE: Value = {}
OVERLAP = ("overlap", "The strip overlaps another one on its track.")


class Mapped(NamedTuple):
    """A picture as a cut. An item, transition or marker is under the key of its strip or marker.

    `held` says what is not in the cut, by the strip's key (its name, where it has no key): it must stay in the model as it
    is, so two Mapped are compared by `level`. `book` has the homes of new tracks; hand it to the next call. Values of items
    and tracks may lack fields that Blender does not know: absent on both sides, they are not compared.
    """

    cut: Cut
    held: Held
    book: Book


def level(before: Mapped, after: Mapped) -> tuple[Cut, Cut]:
    """Returns the two cuts without what either holds back, so that what cannot be told is no change."""
    held = before.held.keys() | after.held.keys()
    if not held:
        return before.cut, after.cut
    return _without(before.cut, held), _without(after.cut, held)


def _without(cut: Cut, held: set[str]) -> Cut:
    items = {id_: value for id_, value in cut.items.items() if id_ not in held}
    transitions = {
        key: value
        for key, value in cut.transitions.items()
        if value["left"] not in held and value["right"] not in held and key not in held
    }
    markers = {id_: value for id_, value in cut.markers.items() if id_ not in held}
    nested = {id_: _without(inner, held) for id_, inner in cut.nested.items()}
    return Cut(cut.settings, cut.tracks, items, transitions, markers, nested)


def new_id() -> str:
    """Returns an id that nobody has."""
    return uuid.uuid4().hex


def to_cut(picture: Picture, book: Book, fresh: Fresh = new_id) -> Mapped:
    """Returns what the picture shows as a cut of the book's sequence; `fresh` makes ids of tracks and nested sequences.

    It never raises: what cannot be told is in `held`. The same picture and book give the same cut, apart from fresh ids,
    which the returned book remembers.
    """
    return Inward(picture, book, fresh).mapped()


class Inward:
    """One walk over a picture."""

    def __init__(self, picture: Picture, book: Book, fresh: Fresh) -> None:
        self.picture = picture
        self.book = book
        self.fresh = fresh
        self.rate: Rate = pair(book.settings.get(book.sequence, NONE).get("rate")) or picture.rate
        self.held: Held = {}
        self.homes = dict(book.homes)
        self.owners = dict(book.owners)
        self.metas = dict(book.metas)
        self.nested: dict[str, Cut] = {}
        self.crossings: dict[str, Crossing] = {}
        self.placed: dict[str, tuple[str, int]] = {}
        self.zeros: dict[str, int] = {}

    def mapped(self) -> Mapped:
        """Walks, and returns what was found."""
        book, picture = self.book, self.picture
        self.children = nests.families(picture.strips, self.held)
        self.zeros[book.sequence] = book.origin
        whole = self._sequence(book.sequence, self.children.get("", []), book.origin, "")
        settings = dict(book.settings.get(book.sequence, NONE))
        known = settings_of(settings)
        known.setdefault("name", picture.scene)
        known.setdefault("rate", [*picture.rate])
        known["resolution"] = [*picture.size]
        if tuple(known["rate"]) != tuple(picture.rate):
            sentence = "The scene's frame rate differs from the sequence's; frames are counted as they are."
            self.held[""] = ("rate_differs", sentence)
        markers = marks.inward(picture.marks, book.marks.get(book.sequence, NONE), book.origin, self.held)
        cut = whole._replace(settings=known, markers=markers, nested=self.nested)
        found = book._replace(homes=self.homes, owners=self.owners, metas=self.metas)
        return Mapped(cut, self.held, found)

    # -- one sequence

    def _sequence(self, sequence: str, strips: list[Strip], zero: int, parent: str) -> Cut:
        by_key = {strip.key: strip for strip in strips}
        crosses = [strip for strip in strips if strip.type in KINDS]
        crossings: list[Crossing] = []
        if crosses:
            crosses = [strip for strip in crosses if not self._told_as_effect(strip, by_key, zero)]
            used = frozenset(key for strip in strips for key in strip.inputs if strip.type not in KINDS)
            used |= {key for strip in crosses for key in strip.inputs if key in by_key and by_key[key].inputs}
            crossings = find(crosses, by_key, used)
        homes = self._homes(sequence, strips)
        places, spans, crossings = self._lay(sequence, strips, zero, homes, crossings)
        effects = {each.effect.key for each in crossings}
        items: dict[str, Value] = {}
        here = self.book.items.get(sequence, NONE)
        for strip in strips:
            key = strip.key
            if key in effects or key not in spans:
                continue
            start, end = spans[key]
            known = here[key] if key in here else self.book.known(sequence, key)
            fields = self._fields(strip, start, known)
            if fields is None:
                continue
            items[key] = {
                "track": self._track(sequence, places[key], homes),
                "start": start - zero,
                "duration": end - start,
                "name": name_of(strip) if strip.note else strip.name,
                "enabled": not strip.mute,
                "link": strip.link or None,
                **fields,
            }
        self._await([strip for strip in strips if strip.inputs and strip.key in items], crossings, items)
        transitions = {
            each.key: self._transition(sequence, each) for each in crossings if each.effect.key not in self.held
        }
        self.crossings.update((each.effect.key, each) for each in crossings if each.key in transitions)
        return Cut(NONE, self._tracks(sequence, parent), items, transitions, {}, {})

    def _told_as_effect(self, effect: Strip, strips: dict[str, Strip], zero: int) -> bool:
        """Whether the model has it as an effect and what it joins lies as there: somebody else's edit made it join, and it
        is what the model has until it is edited here."""
        ends = self.book.crosses.get(effect.key)
        if ends is None or len(effect.inputs) != 2:
            return False
        left, right = (strips.get(key) for key in effect.inputs)
        return left is not None and right is not None and ends == (left.right - zero, right.left - zero)

    def _await(self, effects: list[Strip], crossings: list[Crossing], items: dict[str, Value]) -> None:
        """Holds back what works on strips that are held back, and what is joined to them."""
        waiting = [strip for strip in effects if any(key not in items for key in strip.inputs)]
        apart = [each for each in crossings if not (each.left.key in items and each.right.key in items)]
        while waiting or apart:
            for strip in (*waiting, *(end for each in apart for end in (each.left, each.right, each.effect))):
                items.pop(strip.key, None)
                self.held.setdefault(strip.key, ("waits", f"{strip.name} waits for the strips that it goes with."))
            effects = [strip for strip in effects if strip.key in items]
            crossings = [each for each in crossings if each.effect.key not in self.held]
            waiting = [strip for strip in effects if any(key not in items for key in strip.inputs)]
            apart = [each for each in crossings if not (each.left.key in items and each.right.key in items)]

    def _fields(self, strip: Strip, start: int, known: Value | None) -> Value | None:
        """Returns the fields of an item that do not tell its place; None when it is held back."""
        try:
            if strip.type == "META":
                fields = self._nested(strip, start, known)
            else:
                fields = shown_by(strip, start, known, self.book, self.rate)
        except Unmapped as error:
            self.held[strip.key] = (error.code, error.sentence)
            return None
        old = known or NONE
        if strip.note and strip.note.get(PLACEHOLDER):
            foreign = old.get("foreign")
        else:
            extras = self._locked(strip, extras_of(strip, self.book), old)
            if strip.speed is None:
                extras["speed"] = fields.get("speed", [1, 1])
            foreign = foreign_of(old, extras) if extras or "foreign" in old else None
        if foreign is not None:
            fields["foreign"] = foreign
        if "effects" in old:
            fields["effects"] = old["effects"]
        return fields

    def _locked(self, strip: Strip, extras: Value, known: Value) -> Value:
        """Leaves the lock as the model has it under a locked channel: some Blenders call all strips there locked."""
        channel = self.picture.channels.get(strip.channel)
        if channel is None or not channel.lock or strip.parent:
            return extras
        rest = {name: value for name, value in extras.items() if name != "lock"}
        ours = (known.get("foreign") or NONE).get("blender") or NONE
        return {**rest, "lock": True} if ours.get("lock") else rest

    def _nested(self, strip: Strip, start: int, known: Value | None) -> Value:
        key, book = strip.key, self.book
        source = known["source"] if known else NONE
        if source.get("type") != "nested":
            id_ = self.metas.get(key)
            if id_ is None:
                id_ = self.metas[key] = self.fresh()
            source = {"type": "nested", "sequence": id_}
        inner = source["sequence"]
        children = self.children.get(key, [])
        zero = nests.zero(strip, children)
        if inner in self.nested:
            for child in children:
                self.held[child.key] = ("shown_twice", f"{child.name} is in a nested sequence that is shown twice.")
        else:
            self.zeros[inner] = zero
            self.nested[inner] = Cut({}, {}, {}, {}, {}, {})  # its place, before what is nested in it
            settings = settings_of(book.settings.get(inner, NONE))
            settings.setdefault("name", name_of(strip))
            settings.setdefault("rate", [*self.rate])
            settings.setdefault("resolution", [*self.picture.size])
            found = self._sequence(inner, children, zero, key)
            self.nested[inner] = found._replace(settings=settings, markers=dict(_bare(book.marks.get(inner, NONE))))
        return {"source": source, "source_in": start - zero, "speed": [1, 1]}

    def _transition(self, sequence: str, each: Crossing) -> Value:
        known = self.book.transitions.get(sequence, NONE).get(each.key)
        effect = each.effect
        extras = self._locked(effect, extras_of(effect, self.book), known or NONE)
        if effect.props:
            extras["props"] = effect.props
        if effect.mute:
            extras["mute"] = True
        if name := given_name(effect):
            extras["name"] = name
        value = {name: field for name, field in (known or NONE).items() if name not in ("key", "id")}
        value.update(
            left=each.left.key,
            right=each.right.key,
            in_offset=each.in_offset,
            out_offset=each.out_offset,
            kind=KINDS[effect.type],
            foreign=foreign_of(value, extras),
        )
        return value

    # -- tracks

    def _homes(self, sequence: str, strips: list[Strip]) -> dict[tuple[int, bool], str]:
        """Returns the sequence's tracks by (channel, whether of sound)."""
        found: dict[tuple[int, bool], str] = {}
        for track, channel in self.homes.items():
            owner = self.owners.get(track)
            if owner is not None and owner[0] == sequence:
                found.setdefault((channel, owner[1] == "audio"), track)
        return found

    def _lay(
        self,
        sequence: str,
        strips: list[Strip],
        zero: int,
        homes: dict[tuple[int, bool], str],
        crossings: list[Crossing],
    ) -> tuple[dict[str, tuple[int, bool]], dict[str, tuple[int, int]], list[Crossing]]:
        """Returns each strip's track as (channel, whether of sound), its (start, end) in scene frames, and what transitions
        can be."""
        while True:
            effects = {each.effect.key for each in crossings}
            before = {each.right.key: each for each in crossings}
            behind = {each.left.key: each for each in crossings}
            at: dict[str, tuple[int, bool]] = {}
            spans: dict[str, tuple[int, int]] = {}
            for strip in strips:
                if strip.key not in effects:
                    at[strip.key] = (strip.channel, strip.type == "SOUND" or self._mute(sequence, strip, homes))
                    spans[strip.key] = (strip.left, strip.right)
            for each in crossings:  # in order of time, so that a chain hands its place on
                at[each.right.key] = at[each.left.key]
            for key in before.keys() | behind.keys():
                start, end = spans[key]
                spans[key] = (
                    before[key].cut if key in before else start,
                    behind[key].cut if key in behind else end,
                )
            clashes = self._clashes(sequence, at, spans, zero)
            overlapping = {key for key, why in clashes.items() if why[0] == "overlap"}
            doubtful = {each.key for each in crossings if each.right.key in overlapping or each.left.key in overlapping}
            if not doubtful:
                break
            crossings = [each for each in crossings if each.key not in doubtful]
        for key, sentence in clashes.items():
            self.held.setdefault(key, sentence)
            spans.pop(key, None)
        return at, spans, crossings

    def _mute(self, sequence: str, strip: Strip, homes: dict[tuple[int, bool], str]) -> bool:
        """Whether a placeholder stands for a sound, as where Blender has none."""
        if not strip.note.get(PLACEHOLDER):
            return False
        known = self.book.known(sequence, strip.key)
        if known is not None:
            owner = self.owners.get(known.get("track", ""))
            return owner is not None and owner[1] == "audio"
        return (strip.channel, False) not in homes and (strip.channel, True) in homes

    def _clashes(
        self, sequence: str, at: dict[str, tuple[int, bool]], spans: dict[str, tuple[int, int]], zero: int
    ) -> dict[str, tuple[str, str]]:
        """Returns the strips that cannot lie where they are. Of two that overlap the one stays that the sequence has."""
        known = self.book.known
        found: dict[str, tuple[str, str]] = {}
        ends: dict[tuple[int, bool], tuple[int, str]] = {}
        for start, end, key in sorted([(span[0], span[1], key) for key, span in spans.items()]):
            if end <= start:
                found[key] = ("too_short", "The strip has no frame.")
            elif start < zero:
                found[key] = ("before_start", "The strip begins before the sequence's first frame.")
            elif key in self.held:
                found[key] = self.held[key]
            else:
                last = ends.get(at[key])
                if last is None or last[0] <= start:
                    ends[at[key]] = (end, key)
                elif known(sequence, key) and not known(sequence, last[1]):
                    found[last[1]] = OVERLAP
                    ends[at[key]] = (end, key)
                else:
                    found[key] = OVERLAP
        return found

    def _track(self, sequence: str, place: tuple[int, bool], homes: dict[tuple[int, bool], str]) -> str:
        track = homes.get(place)
        if track is None:
            track = homes[place] = self.fresh()
            self.homes[track] = place[0]
            self.owners[track] = (sequence, "audio" if place[1] else "video")
        return track

    def _tracks(self, sequence: str, parent: str) -> dict[str, Value]:
        """Returns all tracks of the sequence, those of the model first in its order."""
        known = self.book.tracks.get(sequence, NONE)
        own = [track for track, owner in self.owners.items() if owner[0] == sequence]
        order = insert(list(known), self.homes, [track for track in own if track not in known and track in self.homes])
        shared = {self.homes[t] for t in own if self.owners[t][1] == "video" and t in self.homes}
        found: dict[str, Value] = {}
        for track in order:
            old = known.get(track, NONE)
            value = {name: field for name, field in old.items() if name not in ("id", "after", "items")}
            value["kind"] = self.owners[track][1] if track in self.owners else old.get("kind", "video")
            channel = self.homes.get(track)
            if channel is not None and not parent:
                mixed = value["kind"] == "audio" and channel in shared
                value.update(channel_fields(self.picture.channels.get(channel), channel, mixed, old.get("name", "")))
            found[track] = value
        return found


def settings_of(fields: Value) -> Value:
    """Returns the settings in a sequence's fields."""
    names = ("name", "rate", "drop_frame", "start_frame", "resolution", "foreign")
    return {name: fields[name] for name in names if name in fields}


def foreign_of(known: Value, extras: Value) -> Value:
    """Returns the known metadata of other tools, and ours."""
    foreign: Value = known.get("foreign") or NONE
    if not extras and "blender" not in foreign:
        return foreign
    found = {name: value for name, value in foreign.items() if name != "blender"}
    if extras:
        found["blender"] = extras
    return found


def _bare(values: dict[str, Value]) -> list[tuple[str, Value]]:
    return [(id_, {name: field for name, field in value.items() if name != "id"}) for id_, value in values.items()]
