"""Views of the live state that are made once and kept until what they show changes."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterable
from threading import Lock
from typing import NamedTuple

from genlock.application.envelope import Published
from genlock.application.opened import Opened
from genlock.timeline.events import Content, Placed, TrackContent

KEPT_TRACKS = 1024
KEPT_EVENTS = 4096
KEPT_BYTES = 32 << 20


class _View(NamedTuple):
    stamp: int
    content: TrackContent


class TrackViews:
    """The content of each track, ready for an export: after an edit only the tracks it touched are made again."""

    def __init__(self, keep: int = KEPT_TRACKS) -> None:
        self._keep = keep
        self._lock = Lock()
        self._views: OrderedDict[tuple[str, str], _View] = OrderedDict()
        self.made = 0

    def track(self, opened: Opened, track: str) -> TrackContent:
        """Returns a track with its items in order; KeyError when there is no such track."""
        key, stamp = (opened.state.id, track), opened.stamp(track)
        held = self._views.get(key)
        if held is not None and held.stamp == stamp:
            return held.content
        content = _track_content(opened, track)
        with self._lock:
            self.made += 1
            self._views[key] = _View(stamp, content)
            self._views.move_to_end(key)
            while len(self._views) > self._keep:
                self._views.popitem(last=False)
        return content

    def content(self, opened: Opened) -> Content:
        """Returns the whole sequence as a value."""
        state = opened.state
        return Content(
            name=state.name,
            rate=state.rate,
            drop_frame=state.drop_frame,
            start_frame=state.start_frame,
            resolution=state.resolution,
            tracks=tuple(self.track(opened, track) for track in state.order),
            transitions=tuple(state.transitions[key] for key in sorted(state.transitions)),
            markers=tuple(sorted(state.markers.values(), key=lambda m: (m.item or "", m.start, m.id))),
            foreign=state.foreign,
        )


def _track_content(opened: Opened, track: str) -> TrackContent:
    state = opened.state
    free = state.tracks[track].placement == "free"
    items = tuple(Placed(item, slot.start if free else None) for slot, item in state.placed(track))
    return TrackContent(state.tracks[track], items)


class Tail:
    """The newest events as they were published, so that a client that was away a moment costs no replay."""

    def __init__(self, start: int, events: int = KEPT_EVENTS, size: int = KEPT_BYTES) -> None:
        self._lock = Lock()
        self._floor = self._last = start
        self._limit = events
        self._room = size
        self._held: deque[Published] = deque()
        self._bytes = 0

    def add(self, published: Iterable[Published]) -> None:
        """Keeps events; the oldest go when there are too many."""
        with self._lock:
            for event in published:
                if event.id != self._last + 1:
                    # Another process wrote in between: what came before would have a hole.
                    self._held.clear()
                    self._bytes, self._floor = 0, event.id - 1
                self._last = event.id
                self._held.append(event)
                self._bytes += len(event.state)
            while self._held and (len(self._held) > self._limit or self._bytes > self._room):
                gone = self._held.popleft()
                self._bytes -= len(gone.state)
                self._floor = gone.id

    def since(self, cursor: int, limit: int) -> list[Published] | None:
        """Returns up to `limit` events beyond the cursor, or None when they are not all here any more."""
        with self._lock:
            if cursor < self._floor:
                return None
            return [event for event in self._held if event.id > cursor][:limit]
