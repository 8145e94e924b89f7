"""What settles a conflict: ops on the merged cut, tried when they are made, so that a choice offered is one that works."""

from __future__ import annotations

from collections.abc import Callable
from typing import assert_never, get_args

from msgspec.structs import replace

from genlock.errors import Refused
from genlock.timeline.check import new_violations
from genlock.timeline.decision import Context, Refusal
from genlock.timeline.diff import diff
from genlock.timeline.edits.cutting import cut_out
from genlock.timeline.edits.drafts import Draft
from genlock.timeline.merge.attempts import Sides, attempt
from genlock.timeline.merge.values import (
    Bring,
    Drop,
    Found,
    Place,
    PutMarker,
    PutTransition,
    Remedy,
    Ripple,
    SequenceFields,
    SetItem,
    TrackBack,
    TrackFields,
    TrackGone,
    TrackPlace,
    Unlocked,
    Vetoes,
)
from genlock.timeline.model import Gap, Item, Track
from genlock.timeline.ops import (
    ANCHORS,
    PlainOp,
    SequencePatch,
    SequenceSet,
    TrackInserted,
    TrackMoved,
    TrackPatch,
    TrackRemoved,
    TrackSet,
)
from genlock.timeline.redo import redo
from genlock.timeline.sequence import Sequence

PICTURE = {"source", "speed", "in", "out"}
PLAIN: tuple[type, ...] = get_args(PlainOp)


class Remedies:
    """Makes the ops that settle conflicts of one merge: on the merged state, or on `now`, where some are settled."""

    def __init__(self, sides: Sides, vetoes: Vetoes, merged: Sequence, now: Sequence | None = None) -> None:
        self._sides = sides
        self._vetoes = vetoes
        self._whole = merged
        self._merged = merged if now is None else now

    def theirs(self, found: Found) -> tuple[PlainOp, ...]:
        """Returns the ops that give theirs its way, at the cost of what lies in its way if need be; empty when that cannot
        be."""
        if found.remedy is None:
            return ()
        remedy, name = found.remedy, f"{found.about}/{found.field}/theirs"
        plain = self._tried(name, lambda draft: self._take(draft, remedy, over=False))
        return plain or self._tried(name, lambda draft: self._take(draft, remedy, over=True))

    def both(self, found: Found) -> tuple[PlainOp, ...]:
        """Returns the ops that put theirs' version beside ours; empty when there is nothing to put beside."""
        id_ = found.about
        match found.kind:
            case "both_set" | "no_handle" | "unsure" | "both_moved":
                fields = set(found.field.split(", "))
                if id_ not in self._merged.items or not (fields & PICTURE or found.field in ("effects", "place", "")):
                    return ()
            case "no_room":
                if not isinstance(found.remedy, Bring | Place):
                    return ()
            case _:
                return ()
        if id_ not in self._sides.theirs.items:
            return ()
        return self._tried(f"{found.about}/{found.field}/both", lambda draft: self._beside(draft, found))

    # -- trying

    def _tried(self, name: str, work: Callable[[Draft], None]) -> tuple[PlainOp, ...]:
        draft = Draft(self._merged, Context(f"{self._sides.seed}/{name}"))
        try:
            work(draft)
            draft.settle()
        except (Refused, KeyError):  # what it needs is not in the merged cut
            return ()
        ops = tuple(op for op in draft.ops if isinstance(op, PLAIN))
        if len(ops) != len(draft.ops) or new_violations(self._merged, ops, draft.state):
            return ()
        return ops  # type: ignore[return-value]

    def _take(self, draft: Draft, remedy: Remedy, *, over: bool) -> None:
        theirs = self._sides.theirs
        match remedy:
            case SetItem():
                self._set(draft, remedy, over=over)
            case Bring(items=items):
                for id_ in items:
                    if id_ not in draft.state.items:
                        self._put(draft, theirs.items[id_], id_, over=over)
                        self._mark(draft, id_)
            case Drop(item=id_):
                draft.remove(id_)
            case Place(item=id_):
                self._move(draft, id_, over=over)
            case Ripple(item=id_, delta=delta):
                draft.shift(draft.home(id_), id_, delta)
            case TrackBack() | TrackGone() | TrackFields() | TrackPlace() | Unlocked():
                self._track(draft, remedy)
            case SequenceFields(fields=fields):
                old = {name: getattr(draft.state, name) for name in fields}
                draft.do(SequenceSet(SequencePatch(**old), SequencePatch(**fields)))
            case PutTransition(key=key, value=transition):
                draft.put_transition(key, transition)
            case PutMarker(marker=id_, value=marker):
                draft.put_marker(id_, marker)
            case _:
                assert_never(remedy)

    def _set(self, draft: Draft, remedy: SetItem, *, over: bool) -> None:
        id_ = remedy.item
        if draft.magnetic(draft.home(id_)):
            draft.set(id_, **remedy.fields)
        else:
            self._set_free(draft, remedy, over=over)
        after = id_
        for part in remedy.with_new:
            self._put(draft, self._sides.theirs.items[part], part, after=after, over=over)
            self._mark(draft, part)
            after = part

    def _set_free(self, draft: Draft, remedy: SetItem, *, over: bool) -> None:
        """On a free track the start may move along, and what follows."""
        id_, track = remedy.item, draft.home(remedy.item)
        slot, right = draft.slot(id_), draft.lane(track).after(id_)
        longer = remedy.shift + remedy.fields.get("duration", slot.duration) - slot.duration
        following = right.id if right is not None and remedy.ripple else None
        if over:
            start = slot.start + remedy.shift
            cut_out(draft, track, start, slot.end + longer, keep={id_})
        if following is not None and longer > 0:
            draft.shift(track, following, longer)
        draft.set(id_, **remedy.fields)
        if remedy.shift:
            draft.move(id_, track, start=slot.start + remedy.shift)
        if following is not None and longer < 0:
            draft.shift(track, following, longer)

    def _put(self, draft: Draft, item: Item, like: str, *, after: str | None = None, over: bool = False) -> None:
        """Inserts an item where theirs has `like`, or behind `after`."""
        track = self._sides.theirs.home[like]
        if after is not None:
            track, start = draft.home(after), draft.slot(after).end
            if over and not draft.magnetic(track):
                cut_out(draft, track, start, start + item.duration)
            draft.insert(track, item, after=after, start=start)
        elif draft.magnetic(track):
            draft.insert(track, item, after=self._left(draft, like))
        else:
            start = self._start(draft, like)
            if over:
                cut_out(draft, track, start, start + item.duration)
            draft.insert(track, item, start=start)

    def _mark(self, draft: Draft, id_: str) -> None:
        """Puts theirs' markers on an item that came back."""
        for name in sorted(self._sides.theirs.marks.get(id_, ())):
            if name not in draft.state.markers:
                draft.put_marker(name, self._sides.theirs.markers[name])

    def _move(self, draft: Draft, id_: str, *, over: bool) -> None:
        track = self._sides.theirs.home[id_]
        if draft.magnetic(track):
            draft.move(id_, track, after=self._left(draft, id_))
            return
        start = self._start(draft, id_)
        if over:
            cut_out(draft, track, start, start + draft.item(id_).duration, keep={id_})
        draft.move(id_, track, start=start)

    def _left(self, draft: Draft, id_: str) -> str | None:
        """Returns theirs' nearest left neighbour that lies on the same track in the draft."""
        lane = self._sides.theirs.lanes[self._sides.theirs.home[id_]]
        track = self._sides.theirs.home[id_]
        left = lane.before(id_)
        while left is not None:
            if left.id in draft.state.items and draft.home(left.id) == track and not draft.is_gap(left.id):
                return left.id
            left = lane.before(left.id)
        return None

    def _start(self, draft: Draft, id_: str) -> int:
        """Returns theirs' start of an item, moved along as its left neighbour (else its right one) was."""
        theirs, track = self._sides.theirs, self._sides.theirs.home[id_]
        lane, slot = theirs.lanes[track], theirs.slot(id_)
        left, right = self._left(draft, id_), lane.after(id_)
        if left is not None:
            return slot.start + draft.slot(left).end - lane.slot(left).end
        if right is not None and right.id in draft.state.items and draft.home(right.id) == track:
            return max(0, slot.start + draft.slot(right.id).start - right.start)
        return slot.start

    # -- both

    def _beside(self, draft: Draft, found: Found) -> None:
        id_ = found.about
        theirs = self._sides.theirs.items[id_]
        known = id_ in draft.state.items
        if not known:
            version, track = theirs, self._sides.theirs.home[id_]
            start = self._start(draft, id_) if not draft.magnetic(track) else 0
        else:
            name = theirs.name or id_
            version = replace(theirs, id=draft.fresh("i"), name=f"{name} (theirs)", link=None)
            track, start = draft.home(id_), draft.slot(id_).start
        if known and draft.magnetic(track) and found.kind != "both_moved":
            draft.insert(track, version, after=id_)
            return
        if found.kind == "both_moved" and known:
            self._put(draft, version, id_)
            return
        draft.insert(self._above(draft, track, start, version.duration), version, start=start)

    def _above(self, draft: Draft, track: str, start: int, duration: int) -> str:
        """Returns a free track above with room there, a new one when there is none."""
        order, kind = draft.state.order, draft.track(track).kind
        for id_ in order[order.index(track) + 1 :]:
            other = draft.state.tracks[id_]
            fits = other.kind == kind and other.placement == "free" and not other.locked
            if fits and not draft.lane(id_).between(start, start + duration):
                return id_
        made = Track(draft.fresh("t"), kind, f"{draft.track(track).name or track} (theirs)")
        draft.do(TrackInserted(made, track))
        return made.id

    # -- tracks

    def _track(self, draft: Draft, remedy: TrackBack | TrackGone | TrackFields | TrackPlace | Unlocked) -> None:
        sides, state = self._sides, draft.state
        match remedy:
            case TrackFields(track=id_, fields=fields):
                old = {name: getattr(state.tracks[id_], name) for name in fields}
                draft.do(TrackSet(id_, TrackPatch(**old), TrackPatch(**fields)))
            case TrackPlace(track=id_):
                lefts = _lefts(state.order, id_)
                draft.do(TrackMoved(id_, lefts[0] if lefts else None, lefts, self._below(state, id_)))
            case TrackBack(track=id_):
                draft.do(TrackInserted(sides.theirs.tracks[id_], self._below(state, id_)))
                self._fill(draft, id_)
            case TrackGone(track=id_):
                for item in list(state.lanes[id_].ids()):
                    draft.remove(item) if item in draft.state.items else None
                lefts = _lefts(draft.state.order, id_)
                draft.do(TrackRemoved(draft.state.tracks[id_], lefts[0] if lefts else None, lefts))
            case Unlocked(track=id_):
                self._again(draft, frozenset({id_}))
            case _:
                assert_never(remedy)

    def _fill(self, draft: Draft, track: str) -> None:
        """Puts on a track that came back what theirs has there and the merged cut has nowhere."""
        theirs, after = self._sides.theirs, None
        for slot, item in list(theirs.placed(track)):
            if item.id in draft.state.items:
                continue
            if theirs.tracks[track].placement == "free":
                draft.insert(track, item, start=slot.start)
            elif not isinstance(item.source, Gap) or item.id not in self._sides.ours.items:
                draft.insert(track, item, after=after)
                after = item.id
        here = draft.state.items
        for key, it in sorted(theirs.transitions.items()):
            if all(side is None or (side in here and draft.home(side) == track) for side in (it.left, it.right)):
                draft.put_transition(key, it)
                draft.doubt(key)
        for id_, marker in sorted(theirs.markers.items()):
            if (
                marker.item is not None
                and draft.state.home.get(marker.item) == track
                and id_ not in draft.state.markers
            ):
                draft.put_marker(id_, marker)

    def _again(self, draft: Draft, opened: frozenset[str]) -> None:
        """Goes to what the merge gives when a locked track takes part."""
        sides = self._sides
        tried = attempt(sides, self._vetoes, opened=opened)
        if tried.vetoes:
            raise KeyError(*opened)
        ops = diff(self._whole, tried.target)
        answer = ops if draft.state is self._whole else redo(draft.state, ops, force=True)  # past the lock
        for op in () if isinstance(answer, Refusal) else answer:
            draft.do(op)

    def _below(self, state: Sequence, id_: str) -> str | None:
        theirs = self._sides.theirs.order
        for other in reversed(theirs[: theirs.index(id_)]):
            if other in state.tracks:
                return other
        return None


def _lefts(order: tuple[str, ...], id_: str) -> tuple[str, ...]:
    return tuple(reversed(order[: order.index(id_)]))[:ANCHORS]
