# SPDX-License-Identifier: GPL-3.0-or-later
"""Sets a scene's markers and the names, mutes and locks of its channels; those that the user changed stay as they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bpy

from . import compat
from .states import Mark

if TYPE_CHECKING:
    from .states import Picture


def mark(scene: Any, wanted: Picture, agreed: Picture | None) -> bool:
    """Makes the markers that have our ids those of `wanted`; True when that changed any.

    `agreed` is what was last read: a marker that differs from it is the user's edit, and so is one that is missing.
    """
    markers = scene.timeline_markers
    there = {compat.marker_uid(marker): marker for marker in markers if compat.marker_uid(marker)}
    known = None if agreed is None else {mark.key: mark for mark in agreed.marks}
    want = {mark.key: mark for mark in wanted.marks if mark.key}
    changed = False
    for key, marker in there.items():
        if key not in want and (known is None or known.get(key) == _told(marker)):
            markers.remove(marker)
            changed = True
    for key, one in want.items():
        marker = there.get(key)
        if marker is None:
            if known is None or key not in known:
                marker = markers.new(one.name, frame=one.frame)
                compat.set_marker_uid(marker, key)
                marker.select = False
                _bind(marker, one.camera)
                changed = True
        elif known is None or known.get(key) == _told(marker):
            changed = _set(marker, one) or changed
    return changed


def _told(marker: Any) -> Mark:
    camera = "" if marker.camera is None else marker.camera.name
    return Mark(compat.marker_uid(marker), marker.name, marker.frame, camera)


def _set(marker: Any, wanted: Mark) -> bool:
    before = _told(marker)
    if marker.name != wanted.name:
        marker.name = wanted.name
    if marker.frame != wanted.frame:
        marker.frame = wanted.frame
    _bind(marker, wanted.camera)
    return _told(marker) != before


def _bind(marker: Any, camera: str) -> None:
    """Binds a camera to a marker; one that this file lacks binds nothing."""
    found = bpy.data.objects.get(camera) if camera else None
    if marker.camera != found:
        marker.camera = found


def label(editor: Any, wanted: Picture, agreed: Picture | None) -> bool:
    """Sets the channels' names, mutes and locks; True when that changed any."""
    known = {} if agreed is None else agreed.channels
    changed = False
    for number, want in wanted.channels.items():
        if not 0 < number <= compat.CHANNELS:
            continue
        channel = editor.channels[number]
        for name in ("name", "mute", "lock"):
            value, now = getattr(want, name), getattr(channel, name)
            if now != value and (number not in known or getattr(known[number], name) == now):
                setattr(channel, name, value)
                changed = changed or getattr(channel, name) != now
    return changed
