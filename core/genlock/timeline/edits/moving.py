"""Move: items change place, on their track or to another, with or without ripple.

Linked items keep their tracks and move by the same frames. Three ways:
free       between free tracks without ripple: each item takes its new start;
over       with `overwrite`: the items leave gaps behind and replace what lies at the target;
ripple     the target opens, the items move, and what they left closes. Magnetic tracks do both by themselves.
"""

from __future__ import annotations

from msgspec import Struct

from genlock.timeline.commands import MoveItems
from genlock.timeline.edits import selection
from genlock.timeline.edits.cutting import cut_out, junction, split
from genlock.timeline.edits.drafts import Draft, EditRefused
from genlock.timeline.edits.insertion import frame_of
from genlock.timeline.edits.rooms import close_up, make_room, merged, open_up, synced
from genlock.timeline.model import Gap, Item


class _Plan(Struct, frozen=True):
    """What moves where: `targets` gives each item its track; `begin` is where the block now starts and `at` where it
    shall (both in frames as they are before the edit), `length` its extent on the target track."""

    members: tuple[str, ...]
    targets: dict[str, str]
    starts: dict[str, int]
    spans: list[tuple[int, int]]
    track: str
    begin: int
    at: int
    length: int

    @property
    def delta(self) -> int:
        return self.at - self.begin

    def on(self, track: str) -> list[str]:
        """Returns the items that go to a track, in order."""
        return sorted((m for m in self.members if self.targets[m] == track), key=lambda m: self.starts[m])

    @property
    def tracks(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self.targets[m] for m in self.members))


def move_items(draft: Draft, command: MoveItems) -> str:
    plan = _plan(draft, command)
    label = f"Move {selection.amount(draft, tuple(dict.fromkeys(command.items)))}"
    sources = {draft.home(m) for m in plan.members}
    magnetic = any(draft.magnetic(track) for track in sources | set(plan.tracks))
    if command.overwrite and not command.ripple:
        _over(draft, plan)
    elif command.ripple or magnetic:
        _ripple(draft, plan, command)
    else:
        order = sorted(plan.members, key=lambda m: plan.starts[m], reverse=plan.delta > 0)
        for m in order:
            draft.move(m, plan.targets[m], start=plan.starts[m] + plan.delta)
    return label


def _plan(draft: Draft, command: MoveItems) -> _Plan:
    members = selection.clips(draft, command.items, linked=command.linked)
    target = draft.open_track(command.place.track)
    first = command.items[0]
    home = draft.home(first)
    targets = {m: target.id if draft.home(m) == home else draft.home(m) for m in members}
    if draft.state.tracks[home].kind != target.kind:
        raise EditRefused(
            "wrong_track_kind", f"{draft.name(first)} cannot go on the {target.kind} track {target.name}."
        )
    slots = {m: draft.slot(m) for m in members}
    if command.place.after in slots:
        raise EditRefused("bad_value", f"{draft.name(command.place.after or '')} cannot be its own neighbour.")
    goal = frame_of(draft, command.place)
    if command.place.at is None and command.place.after is None:
        lane = draft.lane(target.id)
        last = lane.last
        while last is not None and last.id in slots:
            last = lane.before(last.id)
        goal = last.end if last else 0
    block = [slots[m] for m in members if targets[m] == target.id and draft.home(m) == home]
    begin = min(slot.start for slot in block)
    at = goal - (slots[first].start - begin)
    earliest = min(slot.start for slot in slots.values())
    if earliest + at - begin < 0:
        raise EditRefused("before_start", "The edit would put an item before the first frame of the sequence.")
    return _Plan(
        members=members,
        targets=targets,
        starts={m: slots[m].start for m in members},
        spans=merged((slots[m].start, slots[m].end) for m in dict.fromkeys(command.items)),
        track=target.id,
        begin=begin,
        at=at,
        length=max(slot.end for slot in block) - begin,
    )


# -- over


def _over(draft: Draft, plan: _Plan) -> None:
    if plan.delta == 0 and all(draft.home(m) == plan.targets[m] for m in plan.members):
        raise EditRefused("no_change", "The items already lie there.")
    moving = frozenset(plan.members)
    parked = [m for m in plan.members if draft.home(m) == plan.targets[m] and draft.magnetic(draft.home(m))]
    for m in parked:
        _park(draft, m)
    order = sorted(plan.members, key=lambda m: plan.starts[m], reverse=plan.delta > 0)
    for m in order:
        track, start = plan.targets[m], plan.starts[m] + plan.delta
        end = start + draft.item(m).duration
        if draft.magnetic(track):
            _over_magnetic(draft, m, track, start, end, moving)
        else:
            cut_out(draft, track, start, end, keep=moving)
            _leave(draft, m, track, start=start)


def _park(draft: Draft, id_: str) -> None:
    """Moves an item of a magnetic track behind the last one and leaves a gap, so that the track can be cut as if it
    were gone."""
    track = draft.home(id_)
    last = draft.lane(track).last
    if last is not None and last.id != id_:
        _leave(draft, id_, track, after=last.id)


def _leave(draft: Draft, id_: str, track: str, *, after: str | None = None, start: int | None = None) -> None:
    """Moves an item and, on a magnetic track, leaves a gap where it was."""
    source = draft.home(id_)
    left, slot, _ = draft.lane(source).around(id_)
    draft.move(id_, track, after=after, start=start)
    if draft.magnetic(source):
        make_room(draft, source, left.id if left else None, slot.duration)


def _over_magnetic(draft: Draft, id_: str, track: str, start: int, end: int, moving: frozenset[str]) -> None:
    last, parked = draft.lane(track).last, draft.home(id_) == track
    while parked and last is not None and last.id in moving:
        last = draft.lane(track).before(last.id)
    length = last.end if last else 0
    if start > length:
        gap = Item(draft.fresh("i"), Gap(), start - length)
        draft.insert(track, gap, after=last.id if last else None)
        after: str | None = gap.id
    else:
        after = cut_out(draft, track, start, min(end, length), keep=moving) if start < length else _id(last)
    if parked:
        draft.move(id_, track, after=after)
    else:
        _leave(draft, id_, track, after=after)


def _id(slot: object) -> str | None:
    return getattr(slot, "id", None)


# -- ripple


def _ripple(draft: Draft, plan: _Plan, command: MoveItems) -> None:
    _refuse_in_place(draft, plan)
    sources = {m: draft.home(m) for m in plan.members}
    opens = command.ripple or draft.magnetic(plan.track)
    closes = command.ripple or any(draft.magnetic(sources[m]) for m in command.items)
    along = set(synced(draft)) if command.sync else set()
    # magnetic tracks open for what comes and close behind what goes by themselves
    comes = {track for track in plan.tracks if draft.magnetic(track)}
    goes = {track for track in sources.values() if draft.magnetic(track)}
    to_open = (along | (set(plan.tracks) if command.ripple else set())) - comes if opens else set()
    to_close = (along | (set(sources.values()) if command.ripple else set())) - goes if closes else set()
    opened = to_open | comes if opens else set()
    if plan.track in to_open and not draft.magnetic(plan.track):
        _cut_under(draft, plan, plan.track)
    for track in (t for t in draft.state.order if t in to_open):
        open_up(draft, track, plan.at, plan.length)
    shifted = _opened(plan.spans, plan.at, plan.length)
    back = 0  # how far the closing that follows takes back what moves
    if plan.track in to_close | goes:
        spans = shifted if plan.track in opened else plan.spans
        back = sum(min(end, plan.at) - begin for begin, end in spans if begin < plan.at)
    for track in plan.tracks:
        if draft.magnetic(track):
            _chain(draft, plan, track)
        else:
            spans = shifted if track in opened else plan.spans
            _place(draft, plan, track, back, spans if track in to_close else [], upwards=track in to_open)
    close_up(draft, [t for t in draft.state.order if t in to_close & opened], shifted)
    close_up(draft, [t for t in draft.state.order if t in to_close - opened], plan.spans)


def _refuse_in_place(draft: Draft, plan: _Plan) -> None:
    """A ripple move of one piece to somewhere inside itself changes nothing."""
    at_home = all(draft.home(m) == plan.targets[m] for m in plan.members)
    if at_home and len(plan.spans) == 1 and plan.begin <= plan.at <= plan.begin + plan.length:
        raise EditRefused("no_change", "The items already lie there.")


def _cut_under(draft: Draft, plan: _Plan, track: str) -> None:
    under = draft.lane(track).at(plan.at)
    if under is not None and under.start < plan.at and under.id not in plan.members:
        split(draft, under.id, plan.at)


def _opened(spans: list[tuple[int, int]], at: int, length: int) -> list[tuple[int, int]]:
    """Returns where the spans lie once `length` frames were inserted at frame `at`."""
    out = []
    for start, end in spans:
        if end <= at:
            out.append((start, end))
        elif start >= at:
            out.append((start + length, end + length))
        else:
            out.extend([(start, at), (at + length, end + length)])
    return out


def _chain(draft: Draft, plan: _Plan, track: str) -> None:
    """Puts the items that go to a magnetic track behind each other, with gaps where they had distance."""
    members = plan.on(track)
    cursor = plan.starts[members[0]] + plan.delta
    under = draft.lane(track).at(cursor)
    if under is not None and under.id in plan.members:
        cursor = under.start
    after = junction(draft, track, cursor)
    while after is not None and after in plan.members:
        left = draft.lane(track).before(after)
        after = left.id if left else None
    end: int | None = None
    for m in members:
        if end is not None and plan.starts[m] > end:
            gap = Item(draft.fresh("i"), Gap(), plan.starts[m] - end)
            draft.insert(track, gap, after=after)
            after = gap.id
        draft.move(m, track, after=after)
        after, end = m, plan.starts[m] + draft.item(m).duration


def _place(draft: Draft, plan: _Plan, track: str, back: int, closing: list[tuple[int, int]], *, upwards: bool) -> None:
    """Puts the items that go to a free track where the closing that follows leaves them at their place."""
    members = plan.on(track)
    if plan.delta > 0 and not upwards:
        members.reverse()
    for m in members:
        start = plan.starts[m] + plan.delta - back
        for begin, end in closing:
            start += end - begin if start >= begin else 0
        draft.move(m, track, start=start)
