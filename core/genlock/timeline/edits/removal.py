"""Lift and extract: items or frames go, and leave a gap or close up."""

from __future__ import annotations

from genlock.timeline.commands import ExtractItems, ExtractRange, LiftItems, LiftRange
from genlock.timeline.edits import selection
from genlock.timeline.edits.cutting import cut_out, halves
from genlock.timeline.edits.drafts import Draft, EditRefused
from genlock.timeline.edits.rooms import close_up, make_room, merged, ripple_along, synced


def lift(draft: Draft, id_: str) -> None:
    """Removes an item and leaves its room."""
    track = draft.home(id_)
    left, slot, _ = draft.lane(track).around(id_)
    draft.remove(id_)
    if draft.magnetic(track):
        make_room(draft, track, left.id if left else None, slot.duration)


def lift_items(draft: Draft, command: LiftItems) -> str:
    chosen = selection.items(draft, command.items, linked=command.linked)
    clips = [id_ for id_ in chosen if not draft.is_gap(id_)]
    if not clips:
        raise EditRefused("no_change", "Lifting a gap leaves a gap.")
    label = f"Lift {selection.amount(draft, tuple(clips))}"
    for id_ in clips:
        lift(draft, id_)
    return label


def extract_items(draft: Draft, command: ExtractItems) -> str:
    chosen = selection.items(draft, command.items, linked=command.linked)
    label = f"Extract {selection.amount(draft, chosen)}"
    own: dict[str, list[tuple[int, int]]] = {}
    spans = []
    for id_ in chosen:
        slot = draft.slot(id_)
        own.setdefault(draft.home(id_), []).append((slot.start, slot.end))
        if id_ in command.items:
            spans.append((slot.start, slot.end))
    closed = merged(spans)
    along = set(synced(draft)) if command.sync else set()
    apart: list[tuple[str, list[tuple[int, int]]]] = []
    for track, places in own.items():
        alone = merged(places) == closed or track not in along
        if draft.magnetic(track) and alone:
            _remove_from(draft, track, chosen)  # removing closes up by itself
            along.discard(track)
            continue
        for id_ in _reversed(draft, track, chosen):
            lift(draft, id_)
        if alone:
            along.discard(track)
            apart.append((track, merged(places)))
    for track, places in apart:
        close_up(draft, [track], places)
    close_up(draft, [track for track in draft.state.order if track in along], closed)
    return label


def _remove_from(draft: Draft, track: str, chosen: tuple[str, ...]) -> None:
    for id_ in _reversed(draft, track, chosen):
        draft.remove(id_)


def _reversed(draft: Draft, track: str, chosen: tuple[str, ...]) -> list[str]:
    """Returns those of a track, last first, so that none changes the place of one that follows."""
    there = [id_ for id_ in chosen if id_ in draft.state.items and draft.home(id_) == track]
    return sorted(there, key=lambda id_: -draft.slot(id_).start)


def lift_range(draft: Draft, command: LiftRange) -> str:
    tracks = _prepare(draft, command)
    links = _cut_links(draft, tracks, command.start, command.end)
    for track in tracks:
        if not _clips(draft, track, command.start, command.end):
            continue
        if not draft.magnetic(track):
            cut_out(draft, track, command.start, command.end, links=links)
            continue
        length = min(command.end, draft.lane(track).end) - command.start
        after = cut_out(draft, track, command.start, command.end, links=links)
        make_room(draft, track, after, length)
    return f"Lift frames {command.start} to {command.end - 1}"


def extract_range(draft: Draft, command: ExtractRange) -> str:
    tracks = _prepare(draft, command)
    links = _cut_links(draft, tracks, command.start, command.end)
    for track in tracks:
        cut_out(draft, track, command.start, command.end, links=links)
        if not draft.magnetic(track):
            close_up(draft, [track], [(command.start, command.end)])
    if command.sync:
        ripple_along(draft, tracks, command.start, command.start - command.end)
    return f"Extract frames {command.start} to {command.end - 1}"


def _prepare(draft: Draft, command: LiftRange | ExtractRange) -> tuple[str, ...]:
    selection.span(command.start, command.end)
    return selection.tracks(draft, command.tracks)


def _clips(draft: Draft, track: str, start: int, end: int) -> bool:
    return any(not draft.is_gap(slot.id) for slot in draft.lane(track).between(start, end))


def _cut_links(draft: Draft, tracks: tuple[str, ...], start: int, end: int) -> dict[str, str]:
    """Returns the link groups for what is cut in the middle (see cutting.halves)."""
    across = [
        slot.id
        for track in tracks
        if (slot := draft.lane(track).at(start)) is not None and slot.start < start and slot.end > end
    ]
    return halves(draft, across)
