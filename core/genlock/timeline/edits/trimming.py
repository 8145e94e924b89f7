"""Trim, ripple trim, roll, slip, slide: edges and cuts move."""

from __future__ import annotations

from genlock.timeline.check import frames
from genlock.timeline.commands import RippleTrimItem, RollCut, SlideItem, SlipItem, TrimItem
from genlock.timeline.edits import selection
from genlock.timeline.edits.cutting import in_point, trim_head
from genlock.timeline.edits.drafts import Draft, EditRefused
from genlock.timeline.edits.rooms import make_room, ripple_along, take_room
from genlock.timeline.edits.selection import rate_of, signed
from genlock.timeline.model import Generator, Item
from genlock.timeline.rate import Rate


def trim_item(draft: Draft, command: TrimItem) -> str:
    _moves(command.delta)
    for id_ in selection.clips(draft, [command.item], linked=command.linked):
        if command.edge == "head":
            _trim_head(draft, id_, command.delta)
        else:
            _trim_tail(draft, id_, command.delta)
    return f"Trim {draft.name(command.item)} {command.edge} {signed(command.delta)}"


def _trim_head(draft: Draft, id_: str, delta: int) -> None:
    _keeps_a_frame(draft, id_, -delta)
    if delta < 0 and draft.magnetic(draft.home(id_)):
        take_room(draft, id_, -1, -delta)
    trim_head(draft, id_, delta, hold=delta > 0)


def _trim_tail(draft: Draft, id_: str, delta: int) -> None:
    duration = _keeps_a_frame(draft, id_, delta)
    magnetic = draft.magnetic(draft.home(id_))
    if magnetic and delta > 0:
        take_room(draft, id_, 1, delta)
    draft.set(id_, duration=duration)
    if magnetic and delta < 0:
        make_room(draft, draft.home(id_), id_, -delta)


def ripple_trim_item(draft: Draft, command: RippleTrimItem) -> str:
    _moves(command.delta)
    members = selection.items(draft, [command.item], linked=command.linked)
    at_head, delta = command.edge == "head", command.delta
    grown = -delta if at_head else delta
    slot = draft.slot(command.item)
    homes = {draft.home(id_) for id_ in members}
    for id_ in sorted(members, key=lambda id_: -draft.slot(id_).start):
        _ripple(draft, id_, delta, at_head=at_head)
    if command.sync:
        ripple_along(draft, homes, slot.start if at_head else slot.end + min(0, grown), grown)
    return f"Ripple trim {draft.name(command.item)} {command.edge} {signed(delta)}"


def _ripple(draft: Draft, id_: str, delta: int, *, at_head: bool) -> None:
    grown = -delta if at_head else delta
    duration = _keeps_a_frame(draft, id_, grown)
    track, item = draft.home(id_), draft.item(id_)
    end = draft.slot(id_).end
    fields = {"source_in": in_point(item, draft.state.rate, delta)} if at_head else {}
    later = None if draft.magnetic(track) else draft.lane(track).since(end)
    if later is not None and grown > 0:
        draft.shift(track, later.id, grown)
    draft.set(id_, **fields, duration=duration)
    if later is not None and grown < 0:
        draft.shift(track, later.id, grown)


def roll_cut(draft: Draft, command: RollCut) -> str:
    _moves(command.delta)
    for id_ in (command.left, command.right):
        draft.editable(id_)
    if not _touch(draft, command.left, command.right):
        message = f"{draft.name(command.left)} and {draft.name(command.right)} do not touch."
        raise EditRefused("not_adjacent", message)
    pairs = [(command.left, command.right)]
    if command.linked:
        lefts, rights = draft.state.linked(command.left), draft.state.linked(command.right)
        pairs.extend((one, two) for one in lefts for two in rights if one != two and _touch(draft, one, two))
    for left, right in pairs:
        draft.editable(left)
        _roll(draft, left, right, command.delta)
    return f"Roll {draft.name(command.left)} / {draft.name(command.right)} {signed(command.delta)}"


def _touch(draft: Draft, left: str, right: str) -> bool:
    track = draft.home(left)
    if draft.home(right) != track:
        return False
    _, slot, behind = draft.lane(track).around(left)
    return behind is not None and behind.id == right and behind.start == slot.end


def _roll(draft: Draft, left: str, right: str, delta: int) -> None:
    if delta > 0:
        _head(draft, right, delta)
        _tail(draft, left, delta)
    else:
        _tail(draft, left, delta)
        _head(draft, right, delta)


def _tail(draft: Draft, id_: str, delta: int) -> None:
    """Moves the tail of a clip or a Gap; a Gap goes with its last frame."""
    if draft.is_gap(id_) and draft.item(id_).duration + delta == 0:
        draft.remove(id_)
        return
    draft.set(id_, duration=_keeps_a_frame(draft, id_, delta))


def _head(draft: Draft, id_: str, delta: int) -> None:
    """Moves the head of a clip or a Gap; a Gap goes with its last frame."""
    if draft.is_gap(id_) and draft.item(id_).duration == delta:
        draft.remove(id_)
        return
    _keeps_a_frame(draft, id_, -delta)
    trim_head(draft, id_, delta, hold=False)


def slip_item(draft: Draft, command: SlipItem) -> str:
    _moves(command.delta)
    members = selection.clips(draft, [command.item], linked=command.linked)
    item = draft.item(command.item)
    if isinstance(item.source, Generator):
        raise EditRefused("no_change", f"{draft.name(item.id)} is a generator: it shows the same from every frame.")
    rate = draft.state.rate
    for id_ in members:
        other = draft.item(id_)
        if isinstance(other.source, Generator):
            continue
        draft.set(id_, source_in=other.source_in + _frames_of(other, item, command.delta, rate))
    return f"Slip {draft.name(command.item)} {signed(command.delta)}"


def _frames_of(other: Item, item: Item, delta: int, rate: Rate) -> int:
    """Returns as many source frames of the other as take the time of `delta` source frames of the item."""
    theirs, ours = rate_of(other, rate), rate_of(item, rate)
    return delta if theirs == ours else round(delta * theirs.fraction / ours.fraction)


def slide_item(draft: Draft, command: SlideItem) -> str:
    _moves(command.delta)
    for id_ in selection.clips(draft, [command.item], linked=command.linked):
        if draft.magnetic(draft.home(id_)):
            _slide_magnetic(draft, id_, command.delta)
        else:
            _slide_free(draft, id_, command.delta)
    return f"Slide {draft.name(command.item)} {signed(command.delta)}"


def _slide_magnetic(draft: Draft, id_: str, delta: int) -> None:
    track = draft.home(id_)
    left, _, right = draft.lane(track).around(id_)
    before = left.id if left else None
    if left is not None and not draft.is_gap(left.id):
        _tail(draft, left.id, delta)
    elif delta > 0:
        make_room(draft, track, before, delta)
    else:
        take_room(draft, id_, -1, -delta)
    if right is not None and not draft.is_gap(right.id):
        _head(draft, right.id, delta)
    elif delta > 0:
        take_room(draft, id_, 1, delta)
    else:
        make_room(draft, track, id_, -delta)


def _slide_free(draft: Draft, id_: str, delta: int) -> None:
    track = draft.home(id_)
    left, slot, right = draft.lane(track).around(id_)
    touches_left = left is not None and left.end == slot.start
    touches_right = right is not None and right.start == slot.end
    if delta > 0 and touches_right and right:
        _head(draft, right.id, delta)
    if delta < 0 and touches_left and left:
        _tail(draft, left.id, delta)
    draft.move(id_, track, start=slot.start + delta)
    if delta > 0 and touches_left and left:
        _tail(draft, left.id, delta)
    if delta < 0 and touches_right and right:
        _head(draft, right.id, delta)


def _moves(delta: int) -> None:
    if delta == 0:
        raise EditRefused("no_change", "Nothing moves by 0 frames.")


def _keeps_a_frame(draft: Draft, id_: str, grown: int) -> int:
    """Returns the item's new duration; refuses with too_short when no frame would be left."""
    duration = draft.item(id_).duration
    if duration + grown < 1:
        raise EditRefused("too_short", f"{draft.name(id_)} has {frames(duration)}; {-grown} cannot come off.")
    return duration + grown
