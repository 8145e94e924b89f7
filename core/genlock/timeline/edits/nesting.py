"""Nest and unnest: neighbours become a sequence of their own, and come back."""

from __future__ import annotations

import re

from msgspec import Struct
from msgspec.structs import replace

from genlock.timeline.commands import NestItems, UnnestItem
from genlock.timeline.edits import selection
from genlock.timeline.edits.cutting import in_point
from genlock.timeline.edits.drafts import Draft, EditRefused, retarget
from genlock.timeline.events import Content, Placed, TrackContent
from genlock.timeline.lane import Slot
from genlock.timeline.model import Gap, Item, Nested, Track
from genlock.timeline.rate import NORMAL
from genlock.timeline.sequence import Sequence

_SEQUENCE_ID = re.compile(r"[0-9a-f]{32}\Z")


def nest_items(draft: Draft, command: NestItems) -> str:
    slots = _neighbours(draft, command)
    first, last = slots[0], slots[-1]
    track = draft.home(first.id)
    _new_sequence(draft, command.sequence)
    name = command.name or f"Nest of {selection.amount(draft, tuple(s.id for s in slots if not draft.is_gap(s.id)))}"
    draft.spawned[command.sequence] = _content(draft, slots, name)
    left = draft.lane(track).before(first.id)
    length = last.end - first.start
    for slot in reversed(slots):
        draft.remove(slot.id)
    item = Item(draft.fresh("i"), Nested(command.sequence, 0, length), length, name)
    draft.insert(track, item, after=left.id if left else None, start=first.start)
    return f"Nest {name}"


def _neighbours(draft: Draft, command: NestItems) -> list[Slot]:
    """Returns the places of the items, in order, with the gaps between; refuses when another clip lies between."""
    chosen = selection.clips(draft, command.items, linked=False)
    lanes = {draft.home(id_) for id_ in chosen}
    if len(lanes) > 1:
        raise EditRefused("not_adjacent", "The items lie on several tracks: nest those of one track.")
    lane = draft.lane(lanes.pop())
    places = sorted((lane.slot(id_) for id_ in chosen), key=lambda slot: slot.start)
    slots = lane.between(places[0].start, places[-1].end)
    for slot in slots:
        if slot.id not in chosen and not draft.is_gap(slot.id):
            raise EditRefused("not_adjacent", f"{draft.name(slot.id)} lies between the items.")
    return slots


def _new_sequence(draft: Draft, sequence: str) -> None:
    if not _SEQUENCE_ID.match(sequence):
        raise EditRefused("bad_value", "The id of the new sequence must be 32 hex digits.")
    if sequence == draft.state.id or draft.nested(sequence) is not None:
        raise EditRefused("id_taken", f"There is already a sequence {sequence}.")


def _content(draft: Draft, slots: list[Slot], name: str) -> Content:
    state, track = draft.state, draft.state.track_of(slots[0].id)
    magnetic, inside = track.placement == "magnetic", {slot.id for slot in slots}
    placed, markers = [], []
    for slot in slots:
        item = state.items[slot.id]
        if item.link is not None and not state.links[item.link] <= inside:
            item = replace(item, link=None)
        placed.append(Placed(item, None if magnetic else slot.start - slots[0].start))
        markers.extend(draft.markers(slot.id))
    within = [it for it in state.transitions.values() if {it.left, it.right} - {None} <= inside]
    new = Track(draft.fresh("t"), track.kind, "V1" if track.kind == "video" else "A1", track.placement)
    return Content(
        name=name,
        rate=state.rate,
        drop_frame=state.drop_frame,
        resolution=state.resolution,
        tracks=(TrackContent(new, tuple(placed)),),
        transitions=tuple(sorted(within, key=lambda it: it.key)),
        markers=tuple(sorted(markers, key=lambda marker: (marker.item or "", marker.start, marker.id))),
    )


class _Window(Struct, frozen=True):
    """What comes out of a nested sequence: copies with their start behind the nested item's, and the old ids."""

    items: tuple[tuple[int, Item, str], ...]
    whole: frozenset[str]


def unnest_item(draft: Draft, command: UnnestItem) -> str:
    item = draft.editable(command.item)
    if not isinstance(item.source, Nested):
        raise EditRefused("not_nested", f"{draft.name(item.id)} is not a nested sequence.")
    inner = draft.nested(item.source.sequence)
    if inner is None:
        raise EditRefused("no_such_sequence", f"The sequence in {draft.name(item.id)} does not exist.")
    if item.speed != NORMAL or inner.rate != draft.state.rate:
        raise EditRefused("wrong_state", f"{draft.name(item.id)} runs at another speed: set it back to 100 % first.")
    label, track, place = f"Unnest {draft.name(item.id)}", draft.home(item.id), draft.slot(item.id)
    window = _window(draft, inner, item, _inner_track(draft, inner, item.id))
    left = draft.lane(track).before(item.id)
    draft.remove(item.id)
    _fill(draft, track, left.id if left else None, place, window)
    _bring(draft, inner, window)
    return label


def _inner_track(draft: Draft, inner: Sequence, id_: str) -> str:
    kind = draft.state.track_of(id_).kind
    used = [t for t in inner.order if inner.tracks[t].kind == kind and len(inner.lanes[t])]
    if not used:
        raise EditRefused("wrong_state", f"The sequence in {draft.name(id_)} has no {kind}.")
    if len(used) > 1:
        raise EditRefused(
            "wrong_state", f"The sequence in {draft.name(id_)} has {kind} on {len(used)} tracks, not on one."
        )
    return used[0]


def _window(draft: Draft, inner: Sequence, item: Item, track: str) -> _Window:
    """Returns what the nested item shows of the inner track, trimmed to it, under ids that are free here."""
    begin, end = item.source_in, item.source_in + item.duration
    links: dict[str, str] = {}
    rows: list[tuple[int, Item, str]] = []
    whole: set[str] = set()
    for slot in inner.lanes[track].between(begin, end):
        old = inner.items[slot.id]
        if isinstance(old.source, Gap):
            continue
        head, tail = max(0, begin - slot.start), max(0, slot.end - end)
        link = links.setdefault(old.link, draft.fresh("l")) if old.link is not None else None
        new = replace(
            old,
            id=draft.fresh("i") if old.id in draft.state.items else old.id,
            source_in=in_point(old, inner.rate, head),
            duration=old.duration - head - tail,
            link=link,
        )
        rows.append((slot.start + head - begin, new, old.id))
        if not head and not tail:
            whole.add(old.id)
    return _Window(tuple(rows), frozenset(whole))


def _fill(draft: Draft, track: str, after: str | None, place: Slot, window: _Window) -> None:
    """Puts the items where the nested item was; on a magnetic track gaps hold what stays empty."""
    cursor = 0
    for start, item, _ in window.items:
        if draft.magnetic(track) and start > cursor:
            after = _gap(draft, track, after, start - cursor)
        draft.insert(track, item, after=after, start=place.start + start)
        after, cursor = item.id, start + item.duration
    if draft.magnetic(track) and cursor < place.duration:
        _gap(draft, track, after, place.duration - cursor)


def _gap(draft: Draft, track: str, after: str | None, frames: int) -> str:
    gap = Item(draft.fresh("i"), Gap(), frames)
    draft.insert(track, gap, after=after)
    return gap.id


def _bring(draft: Draft, inner: Sequence, window: _Window) -> None:
    """Brings along the markers of the items, and the transitions whose neighbours came out whole."""
    ids = {old: item.id for _, item, old in window.items}
    for marker in sorted(inner.markers.values(), key=lambda marker: marker.id):
        if marker.item in ids:
            new = draft.fresh("m") if marker.id in draft.state.markers else marker.id
            draft.put_marker(new, replace(marker, id=new, item=ids[marker.item]))
    for key in sorted(inner.transitions):
        it = inner.transitions[key]
        sides = [id_ for id_ in (it.left, it.right) if id_ is not None]
        if not all(id_ in window.whole for id_ in sides):
            continue
        new_it = retarget(it, left=ids.get(it.left or ""), right=ids.get(it.right or ""))
        draft.put_transition(new_it.key, new_it)
        draft.doubt(new_it.key)
