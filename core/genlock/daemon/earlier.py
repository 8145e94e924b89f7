"""A cut that comes home twice: an editor goes on with the same export and returns it again. What the first return brought
in is known again in the second one, so that nothing is there twice."""

from __future__ import annotations

from genlock.application.application import Application
from genlock.daemon.returned import PathOf
from genlock.timeline.events import Content, restore
from genlock.timeline.match import Matching, adopt, match
from genlock.timeline.sequence import Sequence


def known_again(app: Application, before: Sequence, theirs: Content, path: PathOf) -> Content:
    """Returns the cut with the ids that its new items, tracks and markers got when an earlier file made from the same
    version `before` brought them in; what else is new keeps its id."""
    head = app.sequence(before.id)
    brought = app.brought(before.id, before.version) if head.version > before.version else frozenset()
    if not brought:
        return theirs
    cut = restore(head.id, 0, theirs)
    fresh = {id_ for names in (cut.items, cut.tracks, cut.markers) for id_ in names} - _names(before)
    if not fresh:
        return theirs
    told = frozenset(_names(cut) & _names(before))
    found = match(head, cut, base_path=path, path=path, told=told)

    def kept(pairs: dict[str, str], own: set[str]) -> dict[str, str]:
        again = {new: old for new, old in pairs.items() if new in fresh and old in brought}
        return {**{id_: id_ for id_ in own - fresh}, **again}

    def alike(new: str, old: str) -> bool:
        one, two = cut.items[new], head.items[old]
        if found.rungs.get(new) != "slot" or one.name == two.name:
            return True
        return path(one.source) == path(two.source)  # else two editors put each a clip of their own in one place

    same = {new: old for new, old in found.items.items() if alike(new, old)}
    items, tracks = kept(same, set(cut.items)), kept(found.tracks, set(cut.tracks))
    markers = kept(found.markers, set(cut.markers))
    return adopt(theirs, Matching(tracks, items, markers, {}, {}, {}, {}), head)


def _names(state: Sequence) -> set[str]:
    return {*state.items, *state.tracks, *state.markers}
