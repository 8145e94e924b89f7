"""Markers on the sequence and on items."""

from __future__ import annotations

from msgspec.structs import replace

from genlock.timeline.commands import RemoveMarker, SetMarker
from genlock.timeline.edits.drafts import Draft, EditRefused


def set_marker(draft: Draft, command: SetMarker) -> str:
    marker = command.marker
    if marker.duration < 0:
        raise EditRefused("bad_value", f"A marker cannot last {marker.duration} frames.")
    if marker.item is not None:
        draft.editable(marker.item)
    elif marker.start < 0:
        raise EditRefused("before_start", f"Frame {marker.start} lies before the first frame of the sequence.")
    if not marker.id:
        marker = replace(marker, id=draft.fresh("m"))
    old = draft.state.markers.get(marker.id)
    if old is not None and old.item is not None:
        draft.editable(old.item)
    draft.put_marker(marker.id, marker)
    return f"{'Add' if old is None else 'Change'} marker {marker.name or marker.start}"


def remove_marker(draft: Draft, command: RemoveMarker) -> str:
    marker = draft.state.markers.get(command.marker)
    if marker is None:
        raise EditRefused("no_such_marker")
    if marker.item is not None:
        draft.editable(marker.item)
    draft.put_marker(marker.id, None)
    return f"Remove marker {marker.name or marker.start}"
