"""The edits of items."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from genlock.timeline.changes.edges import NONE, Edges, edges, frames, moved, same_source, short, trimmed
from genlock.timeline.changes.lanes import Lanes, Shift, placed, unexplained
from genlock.timeline.changes.pieces import Pieces, pieces
from genlock.timeline.changes.values import Change, ChangeKind
from genlock.timeline.model import Gap, Item
from genlock.timeline.sequence import Sequence

_RANGE = ("source_in", "duration")


class ItemChanges:
    """Gathers the edits of items between two versions; `done` are those told as part of another one."""

    def __init__(self, before: Sequence, after: Sequence) -> None:
        self.before = before
        self.after = after
        self.lanes: Lanes = placed(before, after)
        self.splits: list[Pieces] = pieces(before, after)
        self.joins: list[Pieces] = pieces(after, before)
        self.edges: dict[str, Edges] = {}
        self.came_from = {piece: cut.item for cut in self.splits for piece in cut.made}
        self._still: set[str] = set()

    def run(self) -> Iterator[Change]:
        changed = self._changed()
        for old, new in changed:
            found = edges(old, new, self.after.rate, self.lanes.own.get(new.id, 0))
            if found != NONE:
                self.edges[new.id] = found
        yield from self._pieces()
        yield from self._slides_and_rolls()
        for old, new in changed:
            yield from self._registers(old, new)
        yield from self._moves()
        yield from self._come_and_gone()
        yield from self._links()

    def _changed(self) -> list[tuple[Item, Item]]:
        if self.before.items is self.after.items:
            return []
        found = []
        for track in self.after.order:
            for id_ in self.after.lanes[track].ids():
                old, new = self.before.items.get(id_), self.after.items[id_]
                if old is not None and old is not new and old != new and not isinstance(new.source, Gap):
                    found.append((old, new))
        return found

    # -- one item

    def _registers(self, old: Item, new: Item) -> Iterator[Change]:
        if not same_source(old.source, new.source):
            yield self._set(
                old, new, "replaced", _joined("shows other media", self._longer(old, new)), "source", *_RANGE
            )
        elif old.source != new.source:
            yield self._set(old, new, "media", "other frames of its media are known", "source")
        if old.speed != new.speed:
            said = f"speed {_percent(old)} → {_percent(new)}"
            yield self._set(old, new, "retimed", _joined(said, self._longer(old, new)), "speed", *_RANGE)
        elif not same_source(old.source, new.source) and old.duration != new.duration:
            pass
        elif (found := self.edges.get(new.id)) is not None:
            yield from self._trims(old, new, found)
        if old.enabled != new.enabled:
            yield self._set(old, new, "enabled" if new.enabled else "disabled", "", "enabled")
        if old.name != new.name:
            yield self._set(old, new, "renamed", f"{old.name!r} → {new.name!r}", "name")
        if old.effects != new.effects:
            yield self._set(old, new, "effects", f"{len(old.effects)} → {len(new.effects)} effects", "effects")
        if old.foreign != new.foreign:
            yield self._set(old, new, "metadata", "other tools' data", "foreign")

    def _trims(self, old: Item, new: Item, found: Edges) -> Iterator[Change]:
        said = trimmed(found)
        if said:
            yield self._set(old, new, "trimmed", _joined(said, short(self.after, new)), *_RANGE)
        if found.slip:
            said = f"shows the source {moved(found.slip)}"
            yield self._set(old, new, "slipped", _joined(said, short(self.after, new)), "source_in")

    def _longer(self, old: Item, new: Item) -> str:
        more = new.duration - old.duration
        said = f"{frames(more)} {'longer' if more > 0 else 'shorter'}" if more else ""
        return _joined(said, short(self.after, new))

    def _set(self, old: Item, new: Item, kind: ChangeKind, detail: str, *names: str) -> Change:
        was, now = ({name: _plain(getattr(item, name)) for name in names} for item in (old, new))
        return self._change(kind, new, detail, was, now)

    # -- several items

    def _pieces(self) -> Iterator[Change]:
        for cut in self.splits:
            item = self.after.items[cut.item]
            lost = f", {frames(cut.lost)} gone" if cut.lost else ""
            self.edges.pop(cut.item, None)
            now = {"pieces": [cut.item, *cut.made]}
            yield self._change("split", item, f"cut into {len(cut.made) + 1} pieces{lost}", None, now)
        for cut in self.joins:
            item = self.after.items[cut.item]
            self.edges.pop(cut.item, None)
            was = {"pieces": [cut.item, *cut.made]}
            yield self._change("joined", item, f"{len(cut.made) + 1} pieces made one", was, None)

    def _slides_and_rolls(self) -> Iterator[Change]:
        """Yields cuts that moved, and items that moved between neighbours that gave and took the frames."""
        for id_ in [id_ for id_, found in self.edges.items() if found.tail]:
            found = self.edges.get(id_)
            right = self._beside(id_)
            if found is None or right is None:
                continue
            other = self.edges.get(right)
            if other is not None and other.head == found.tail:
                detail = f"the cut to {self.after.items[right].name or right} lies {moved(found.tail)}"
                yield self._change("rolled", self.after.items[id_], detail, {"cut": 0}, {"cut": found.tail})
                self._told(id_, right)
            elif other is None and (last := self._beside(right)) is not None:
                end = self.edges.get(last)
                if end is not None and end.head == found.tail and self._untouched(right):
                    detail = f"{moved(found.tail)} between its neighbours"
                    yield self._change("slid", self.after.items[right], detail, *self._starts(right))
                    self._told(id_, last)
                    self._still.add(right)

    def _told(self, left: str, right: str) -> None:
        """Takes what one change told out of the trims of both."""
        for id_, rest in ((left, self.edges[left]._replace(tail=0)), (right, self.edges[right]._replace(head=0))):
            self.edges[id_] = rest
            if rest == NONE:
                del self.edges[id_]

    def _beside(self, id_: str) -> str | None:
        """Returns the item that touches the end of this one, in both versions."""
        found = []
        for state in (self.before, self.after):
            lane = state.lanes[state.home[id_]]
            right = lane.after(id_)
            if right is None or right.start != lane.slot(id_).end or isinstance(state.items[right.id].source, Gap):
                return None
            found.append(right.id)
        return found[0] if found[0] == found[1] else None

    def _untouched(self, id_: str) -> bool:
        old, new = self.before.items[id_], self.after.items[id_]
        return (old.source, old.source_in, old.duration) == (new.source, new.source_in, new.duration)

    def _moves(self) -> Iterator[Change]:
        for id_ in self.lanes.moved:
            item = self.after.items[id_]
            if isinstance(item.source, Gap):
                continue
            here, there = self.before.home[id_], self.after.home[id_]
            detail = (
                f"from {self.before.track_called(here)} to {self.after.track_called(there)}"
                if here != there
                else "to another place"
            )
            yield self._change("moved", item, detail, *self._starts(id_))
        for group in unexplained(self.lanes):
            yield from self._shifted(group)

    def _shifted(self, group: list[Shift]) -> Iterator[Change]:
        first = group[0]
        if first.item in self._still:
            return
        item = self.after.items[first.item]
        if not first.rest:
            yield self._change("moved", item, moved(first.by), *self._starts(first.item))
            return
        tracks = f", on {len(group)} tracks," if len(group) > 1 else ""
        said = f"everything from here on{tracks} {moved(first.by)}"
        yield self._change("rippled", item, said, *self._starts(first.item))

    def _come_and_gone(self) -> Iterator[Change]:
        joined = {piece for cut in self.joins for piece in cut.made}
        for id_, old in _only(self.before, self.after):
            if id_ not in joined:
                kind: ChangeKind = "lifted" if id_ in self.lanes.holes else "removed"
                detail = f"{frames(old.duration)}{' left empty' if kind == 'lifted' else ''}"
                yield self._change(kind, old, detail, _value(self.before, old), None, gone=True)
        for id_, new in _only(self.after, self.before):
            if id_ in self.came_from:
                if self._apart(id_):
                    yield self._change("moved", new, f"the piece of {self._whole(id_)}", None, _value(self.after, new))
                continue
            detail = _joined(frames(new.duration), short(self.after, new))
            yield self._change("inserted", new, detail, None, _value(self.after, new))

    def _whole(self, piece: str) -> str:
        item = self.after.items[self.came_from[piece]]
        return item.name or item.id

    def _apart(self, piece: str) -> bool:
        """Returns whether a split-off piece lies elsewhere than behind what it was cut from."""
        left = self.after.lanes[self.after.home[piece]].before(piece)
        if left is None:
            return True
        return self.came_from.get(left.id, left.id) != self.came_from[piece]

    def _links(self) -> Iterator[Change]:
        if self.before.links is self.after.links:
            return
        known = set(self.before.links.values())
        kept = set(self.after.links.values())
        for kind, state, groups, others in (
            ("linked", self.after, kept, known),
            ("unlinked", self.before, known, kept),
        ):
            for members in sorted((one for one in groups - others if len(one) > 1), key=sorted):
                there = sorted(id_ for id_ in members if id_ in self.before.items and id_ in self.after.items)
                if len(there) > 1 and not any(set(there) <= other for other in others):
                    names = ", ".join(state.items[id_].name or id_ for id_ in there[:4])
                    told: ChangeKind = "linked" if kind == "linked" else "unlinked"
                    yield self._change(told, self.after.items[there[0]], names, None, {"items": there})

    # -- values

    def _starts(self, id_: str) -> tuple[dict[str, Any], dict[str, Any]]:
        return _place(self.before, id_), _place(self.after, id_)

    def _change(
        self,
        kind: ChangeKind,
        item: Item,
        detail: str,
        was: dict[str, Any] | None,
        now: dict[str, Any] | None,
        *,
        gone: bool = False,
    ) -> Change:
        state = self.before if gone else self.after
        track = state.track_called(state.home[item.id])
        return Change(kind, item.id, item.name, track, state.slot(item.id).start, detail, was, now)


def _only(state: Sequence, other: Sequence) -> Iterator[tuple[str, Item]]:
    """Yields the items the other version has not, in order."""
    for track in state.order:
        for id_ in state.lanes[track].ids():
            if id_ not in other.items and not isinstance(state.items[id_].source, Gap):
                yield id_, state.items[id_]


def _place(state: Sequence, id_: str) -> dict[str, Any]:
    return {"track": state.home[id_], "start": state.slot(id_).start}


def _value(state: Sequence, item: Item) -> dict[str, Any]:
    value: dict[str, Any] = _plain(item)
    return {**_place(state, item.id), **value}


def _plain(value: Any) -> Any:
    return msgspec.to_builtins(value)


def _percent(item: Item) -> str:
    return f"{float(item.speed.fraction * 100):g} %"


def _joined(*parts: str) -> str:
    return "; ".join(part for part in parts if part)
