"""Split, join, and frames cut out of a track."""

from __future__ import annotations

from collections.abc import Iterable, Set
from typing import Any

from msgspec.structs import replace

from genlock.timeline import check
from genlock.timeline.commands import JoinItems, SplitAt, SplitItem
from genlock.timeline.edits import selection
from genlock.timeline.edits.drafts import Draft, EditRefused, retarget
from genlock.timeline.edits.rooms import make_room
from genlock.timeline.model import Gap, Generator, Item, source_range, source_step
from genlock.timeline.rate import Rate


def in_point(item: Item, rate: Rate, offset: int) -> int:
    """Returns the source frame an item begins with when its head moves by `offset` frames.

    Rounds towards the frames already shown, so that its last frame never moves out of the media.
    """
    if isinstance(item.source, Gap | Generator):
        return item.source_in
    step = source_step(item, rate)
    exact = item.source_in + step * offset
    return -(-exact.numerator // exact.denominator) if step < 0 else exact.numerator // exact.denominator


def split(draft: Draft, id_: str, at: int, *, resume: int | None = None, link: str | None = None) -> str:
    """Cuts the item before frame `at` and returns the right half, which begins at `resume` (else at `at`) and takes
    along the markers only it shows and the transition at the tail."""
    slot, item, track = draft.slot(id_), draft.item(id_), draft.home(id_)
    begin = at if resume is None else resume
    right = replace(
        item,
        id=draft.fresh("i"),
        source_in=in_point(item, draft.state.rate, begin - slot.start),
        duration=slot.end - begin,
        link=link,
    )
    tail = check.transition_at(draft.state, id_, 1)
    draft.set(id_, duration=at - slot.start)
    draft.insert(track, right, after=id_, start=begin)
    if tail is not None:
        rekey(draft, tail.key, left=right.id, right=tail.right)
    _share_markers(draft, id_, right)
    return right.id


def rekey(draft: Draft, key: str, *, left: str | None, right: str | None) -> None:
    """Gives a transition other neighbours."""
    it = draft.state.transitions[key]
    draft.put_transition(key, None)
    changed = retarget(it, left=left, right=right)
    draft.put_transition(changed.key, changed)


def _share_markers(draft: Draft, left: str, right: Item) -> None:
    markers = draft.markers(left)
    if not markers:
        return
    kept = source_range(draft.item(left), draft.state.rate)
    shown = source_range(right, draft.state.rate)
    for marker in markers:
        if shown[0] <= marker.start < shown[1] and not kept[0] <= marker.start < kept[1]:
            draft.put_marker(marker.id, replace(marker, item=right.id))


def halves(draft: Draft, ids: Iterable[str]) -> dict[str, str]:
    """Returns a new link group for the right halves of each group of which several items are cut: old -> new."""
    links = [link for id_ in ids if (link := draft.item(id_).link) is not None]
    return {link: draft.fresh("l") for link in dict.fromkeys(links) if links.count(link) > 1}


def split_all(draft: Draft, ids: Iterable[str], at: int) -> list[str]:
    """Cuts several items before the same frame and links their right halves as the items were; returns these."""
    ids = tuple(ids)
    links = halves(draft, ids)
    return [split(draft, id_, at, link=links.get(draft.item(id_).link or "")) for id_ in ids]


def junction(draft: Draft, track: str, at: int) -> str | None:
    """Returns the item on a magnetic track behind which frame `at` begins (None: the head of the track), cutting what
    lies across it and holding the place with a gap when it lies behind the end."""
    lane = draft.lane(track)
    slot = lane.at(at)
    if slot is None:
        last = lane.last
        if at > lane.end:
            gap = Item(draft.fresh("i"), Gap(), at - lane.end)
            draft.insert(track, gap, after=last.id if last else None)
            return gap.id
        return last.id if last else None
    if slot.start < at:
        split(draft, slot.id, at)
        return slot.id
    left = lane.before(slot.id)
    return left.id if left else None


def cut_out(
    draft: Draft, track: str, start: int, end: int, *, keep: Set[str] = frozenset(), links: dict[str, str] | None = None
) -> str | None:
    """Takes frames `start` to `end` off the track: a magnetic one closes up, a free one keeps the room.

    `keep` items are left alone. Returns the last item that ends at or before `start`.
    """
    for slot in reversed(draft.lane(track).between(start, end)):
        if slot.id in keep:
            continue
        if slot.start < start and slot.end > end:
            link = draft.item(slot.id).link
            split(draft, slot.id, start, resume=end, link=(links or {}).get(link or ""))
        elif slot.start < start:
            draft.set(slot.id, duration=start - slot.start)
        elif slot.end > end:
            trim_head(draft, slot.id, end - slot.start, hold=False)
        else:
            draft.remove(slot.id)
    left = draft.lane(track).upto(start - 1)
    return left.id if left else None


def trim_head(draft: Draft, id_: str, delta: int, *, hold: bool) -> None:
    """Moves the item's head by `delta` frames.

    On a free track its start moves along; on a magnetic one the room it gives up is closed, or with `hold` becomes a gap.
    """
    item, track, slot = draft.item(id_), draft.home(id_), draft.slot(id_)
    fields: dict[str, Any] = {
        "source_in": in_point(item, draft.state.rate, delta),
        "duration": item.duration - delta,
    }
    if draft.magnetic(track):
        left = draft.lane(track).before(id_)
        draft.set(id_, **fields)
        if hold:
            make_room(draft, track, left.id if left else None, delta)
    elif delta > 0:
        draft.set(id_, **fields)
        draft.move(id_, track, start=slot.start + delta)
    else:
        draft.move(id_, track, start=slot.start + delta)
        draft.set(id_, **fields)


# -- commands


def split_item(draft: Draft, command: SplitItem) -> str:
    slot = draft.state.slot(command.item) if draft.editable(command.item) else None
    assert slot is not None
    if draft.is_gap(command.item):
        raise EditRefused("no_change", "A gap in two pieces is the same gap.")
    if command.at in (slot.start, slot.end):
        raise EditRefused("no_change", f"{draft.name(command.item)} already has a cut there.")
    if not slot.start < command.at < slot.end:
        message = f"Frame {command.at} lies outside {draft.name(command.item)} ({slot.start} to {slot.end - 1})."
        raise EditRefused("bad_value", message)
    members = [command.item]
    for id_ in draft.state.linked(command.item) if command.linked else ():
        other = draft.slot(id_)
        if other.start < command.at < other.end:
            draft.editable(id_)
            members.append(id_)
    split_all(draft, members, command.at)
    return f"Split {draft.name(command.item)}"


def split_at(draft: Draft, command: SplitAt) -> str:
    selection.span(command.at, command.at + 1)
    under = []
    for track in selection.tracks(draft, command.tracks):
        slot = draft.lane(track).at(command.at)
        if slot is not None and slot.start < command.at and not draft.is_gap(slot.id):
            under.append(slot.id)
    if not under:
        raise EditRefused("no_change", f"Nothing lies across frame {command.at}.")
    split_all(draft, under, command.at)
    return f"Split {selection.amount(draft, tuple(under))} at {command.at}"


def join_items(draft: Draft, command: JoinItems) -> str:
    left, right = draft.editable(command.left), draft.editable(command.right)
    if draft.is_gap(left.id) or check.item_at(draft.state, left.id, 1) != right.id:
        raise EditRefused("not_adjacent", f"{draft.name(left.id)} and {draft.name(right.id)} do not touch.")
    if (
        left.source != right.source
        or left.speed != right.speed
        or in_point(left, draft.state.rate, left.duration) != right.source_in
    ):
        message = f"{draft.name(right.id)} does not go on where {draft.name(left.id)} ends."
        raise EditRefused("not_contiguous", message)
    for marker in draft.markers(right.id):
        draft.put_marker(marker.id, replace(marker, item=left.id))
    tail = check.transition_at(draft.state, right.id, 1)
    draft.remove(right.id)
    draft.set(left.id, duration=left.duration + right.duration)
    if tail is not None:
        rekey(draft, tail.key, left=left.id, right=tail.right)
    return f"Join {draft.name(left.id)}"
