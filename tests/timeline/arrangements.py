"""What a host would tell: the difference between two versions of a cut as an arrangement, for tests."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from genlock.timeline.laid import Arrangement, Laid, LaidMarker, LaidSettings, LaidTrack, LaidTransition
from genlock.timeline.model import Gap, Marker
from genlock.timeline.sequence import Sequence


def difference(before: Sequence, after: Sequence) -> Arrangement:
    """Returns the arrangement that makes `before` what `after` is, Gap items and the open conflicts apart."""
    return Arrangement(
        settings=LaidSettings(**_differing(LaidSettings, before, after)),
        tracks={
            **{id_: LaidTrack(**_track(before, after, id_)) for id_ in after.order if _track(before, after, id_)},
            **dict.fromkeys(sorted(set(before.tracks) - set(after.tracks))),
        },
        items={
            **{id_: Laid(**_item(before, after, id_)) for id_ in _shown(after) if _item(before, after, id_)},
            **dict.fromkeys(sorted(_shown(before) - _shown(after))),
        },
        transitions={
            **{
                key: LaidTransition(**_differing(LaidTransition, before.transitions.get(key), it))
                for key, it in after.transitions.items()
            },
            **dict.fromkeys(sorted(set(before.transitions) - set(after.transitions))),
        },
        markers={
            **{
                id_: LaidMarker(**_differing(LaidMarker, before.markers.get(id_), marker))
                for id_, marker in seen(after).items()
                if before.markers.get(id_) != marker
            },
            **dict.fromkeys(sorted(set(seen(before)) - set(after.markers))),
        },
    )


def seen(state: Sequence) -> dict[str, Marker]:
    """Returns the markers without those on Gap items, which no host shows."""
    return {
        id_: marker
        for id_, marker in state.markers.items()
        if marker.item is None or not isinstance(state.items[marker.item].source, Gap)
    }


def _shown(state: Sequence) -> set[str]:
    return {id_ for id_, item in state.items.items() if not isinstance(item.source, Gap)}


def _differing(laid: type[Struct], old: Any, new: Any) -> dict[str, Any]:
    names = [name for name in laid.__struct_fields__ if hasattr(new, name)]
    return {name: getattr(new, name) for name in names if old is None or getattr(old, name) != getattr(new, name)}


def _track(before: Sequence, after: Sequence, id_: str) -> dict[str, Any]:
    values = _differing(LaidTrack, before.tracks.get(id_), after.tracks[id_])
    return {**values, **({"after": _below(after, id_)} if _below(after, id_) != _below(before, id_) else {})}


def _below(state: Sequence, id_: str) -> str | None:
    if id_ not in state.order:
        return ""
    same = [track for track in state.order if state.tracks[track].kind == state.tracks[id_].kind]
    at = same.index(id_)
    return same[at - 1] if at else None


def _item(before: Sequence, after: Sequence, id_: str) -> dict[str, Any]:
    old, new = before.items.get(id_), after.items[id_]
    values = _differing(Laid, old, new)
    here = {"track": after.home[id_], "start": after.slot(id_).start}
    there = {"track": before.home[id_], "start": before.slot(id_).start} if old is not None else {}
    groups = [state.links.get(new.link or "") for state in (before, after)]
    told = {"link": new.link} if groups[0] != groups[1] else {}  # what is told stays, also of one member
    return {**values, **told, **{name: value for name, value in here.items() if there.get(name) != value}}
