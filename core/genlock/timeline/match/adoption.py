"""A returned cut with the base's ids."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from hashlib import blake2b

from msgspec.structs import replace

from genlock.timeline.events import Content, Placed, TrackContent
from genlock.timeline.match.values import Matching
from genlock.timeline.model import Item, Transition
from genlock.timeline.sequence import Sequence


def adopt(returned: Content, matching: Matching, base: Sequence) -> Content:
    """Returns the returned cut under the base's ids; what is new keeps its own id, or gets another one where the base
    has that already (made from it, so that the same file always gives the same ids)."""
    tracks = _ids([part.track.id for part in returned.tracks], matching.tracks, base.tracks)
    placed = [one for part in returned.tracks for one in part.items]
    items = _ids([one.item.id for one in placed], matching.items, base.items)
    markers = _ids([marker.id for marker in returned.markers], matching.markers, base.markers)
    links = _links([one.item for one in placed], items, base)
    parts = [
        TrackContent(
            replace(part.track, id=tracks[part.track.id]),
            tuple(Placed(_item(one.item, items, links), one.start) for one in part.items),
        )
        for part in returned.tracks
    ]
    made = [_transition(one, items) for one in returned.transitions]
    marks = [replace(m, id=markers[m.id], item=items.get(m.item, m.item) if m.item else None) for m in returned.markers]
    return replace(
        returned,
        tracks=tuple(parts),
        transitions=tuple(sorted(made, key=lambda one: one.key)),
        markers=tuple(sorted(marks, key=lambda m: (m.item or "", m.start, m.id))),
    )


def _item(item: Item, items: dict[str, str], links: dict[str, str]) -> Item:
    id_, link = items[item.id], links[item.link] if item.link is not None else None
    return item if id_ == item.id and link == item.link else replace(item, id=id_, link=link)


def _transition(one: Transition, items: dict[str, str]) -> Transition:
    left = None if one.left is None else items.get(one.left, one.left)
    right = None if one.right is None else items.get(one.right, one.right)
    return replace(one, left=left, right=right)


def _ids(ids: Iterable[str], known: dict[str, str], taken: Iterable[str]) -> dict[str, str]:
    """Returns returned id -> the id it gets; no two the same, and no new one that the base has."""
    found = {}
    used = {*taken, *known.values()}
    for id_ in ids:
        made = known.get(id_)
        if made is None:
            made = _unused(id_, used)
            used.add(made)
        found[id_] = made
    return found


def _unused(id_: str, used: set[str]) -> str:
    made, count = id_, 0
    while made in used:
        count += 1
        made = id_[:1] + blake2b(f"{id_}/{count}".encode(), digest_size=8).hexdigest()
    return made


def _links(placed: list[Item], items: dict[str, str], base: Sequence) -> dict[str, str]:
    """Returns returned link group -> the base's group most of its members were in, each of those once."""
    votes: Counter[tuple[str, str]] = Counter()
    groups: dict[str, None] = {}
    for item in placed:
        if item.link is None:
            continue
        groups[item.link] = None
        old = base.items.get(items[item.id])
        if old is not None and old.link is not None:
            votes[item.link, old.link] += 1
    found: dict[str, str] = {}
    taken: set[str] = set()
    for (group, other), _ in sorted(votes.items(), key=lambda row: (-row[1], row[0])):
        if group not in found and other not in taken:
            found[group] = other
            taken.add(other)
    used = {*base.links, *taken}
    for group in groups:
        if group not in found:
            found[group] = _unused(group, used)
            used.add(found[group])
    return found
