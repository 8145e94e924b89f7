"""What all parts of one reading share: ids, warnings, the pool; and markers, which lie on everything."""

from __future__ import annotations

from hashlib import blake2b
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from msgspec.structs import replace

from genlock.errors import BadInput
from genlock.project.media import MediaFile
from genlock.timeline.events import Content
from genlock.timeline.model import Marker
from genlock.timeline.rate import Rate
from genlock_otio.carriers import carried
from genlock_otio.keeping import Json, keep, kept, leftovers, rows, schema, split, text
from genlock_otio.times import frames, length, rounded, says_range

WARNINGS: Final = 100
_MARKER: Final = frozenset({"OTIO_SCHEMA", "metadata", "name", "color", "marked_range", "range", "comment"})
COLORS: Final = {
    "PINK": (1.0, 0.0, 1.0),
    "RED": (1.0, 0.0, 0.0),
    "ORANGE": (1.0, 0.5, 0.0),
    "YELLOW": (1.0, 1.0, 0.0),
    "GREEN": (0.0, 1.0, 0.0),
    "CYAN": (0.0, 1.0, 1.0),
    "BLUE": (0.0, 0.0, 1.0),
    "PURPLE": (0.5, 0.0, 0.5),
    "MAGENTA": (1.0, 0.0, 1.0),
    "BLACK": (0.0, 0.0, 0.0),
    "WHITE": (1.0, 1.0, 1.0),
}
"""OpenTimelineIO's marker colours; Marker.3 writes any colour."""


class Reading:
    """One file being read. `base` is the folder that relative paths count from."""

    def __init__(self, digest: str, base: Path) -> None:
        self.digest = digest
        self.base = str(base)
        self._short = digest[:10]
        self.pool: dict[str, MediaFile] = {}
        self.nested: list[tuple[str, Content]] = []
        self.warnings: dict[str, None] = {}
        self.told: set[str] = set()
        """Ids that came with the file."""
        self.tag: Json = {}
        """What a marker says about where the file comes from."""
        self._first: dict[str, int] = {}
        self._shapes: dict[int, Any] = {}
        self._used: set[str] = set()
        self._count = 0

    def warn(self, message: str) -> None:
        if len(self.warnings) < WARNINGS:
            self.warnings[message] = None

    def id(self, prefix: str, wanted: Any = None) -> str:
        """Returns the id the file names when it is ours and still free (a copy in an NLE copies it), else one that
        depends on the file's bytes and the place in it only."""
        self._count += 1
        if isinstance(wanted, str) and 0 < len(wanted) <= 128 and ">" not in wanted and wanted not in self._used:
            self._used.add(wanted)
            self.told.add(wanted)
            return wanted
        made = f"{prefix}{self._short}{self._count:06x}"
        self._used.add(made)
        return made

    def sequence_id(self, wanted: Any) -> str:
        """Returns the id of a nested sequence: 32 hex digits."""
        self._count += 1
        if isinstance(wanted, str) and len(wanted) == 32 and wanted not in self._used and _is_hex(wanted):
            made = wanted
        else:
            made = blake2b(f"{self.digest}/{self._count}".encode(), digest_size=16).hexdigest()
        self._used.add(made)
        return made

    def nest(self, content: Content, wanted: Any) -> str:
        """Adds a nested sequence and returns its id. One that is shown twice is written twice: while both are alike, they
        are the one that the file names."""
        first = self._first.get(wanted) if isinstance(wanted, str) else None
        if first is not None:
            if first not in self._shapes:
                self._shapes[first] = _shape(self.nested[first][1])
            if self._shapes[first] == _shape(content):
                return self.nested[first][0]
        made = self.sequence_id(wanted)
        self._first.setdefault(made, len(self.nested))
        self.nested.append((made, content))
        return made

    def link(self, foreign: Json, ours: Json) -> str | None:
        """Returns the link group an item is in: ours, or Resolve's."""
        own = ours.get("link")
        if isinstance(own, str) and own:
            return own
        resolve = foreign.get("Resolve_OTIO")
        group = resolve.get("Link Group ID") if isinstance(resolve, dict) else None
        if not isinstance(group, int) or isinstance(group, bool):
            return None
        return "l" + blake2b(f"{self.digest}/link {group}".encode(), digest_size=8).hexdigest()

    def markers(self, thing: Json, rate: Rate, item: str | None, **where: Any) -> list[Marker]:
        """Reads the markers of an object; `rate` is what their frames count in."""
        found = [
            self._marker(marker, rate, item, where) for marker in rows(thing, "markers") if not self._carries(marker)
        ]
        if any(one.start > two.start for one, two in pairwise(found)):  # their order means nothing, but it is theirs
            found = [replace(m, foreign=keep(m.foreign, **kept(m.foreign), order=n + 1)) for n, m in enumerate(found)]
        return found

    def item_id(self, thing: Json, ours: Json) -> str:
        """Returns the id of an item: the file's own, one that rides in a marker, or one made up."""
        wanted = ours.get("id")
        if wanted is None and thing.get("markers"):
            told = (carried(marker) for marker in rows(thing, "markers"))
            wanted = next((one["id"] for one in told if one is not None and "id" in one), None)
        return self.id("i", wanted)

    def _carries(self, marker: Any) -> bool:
        """Returns whether a marker is no marker but carries an id of ours; what a sequence's own says is kept."""
        told = carried(marker)
        if told is not None and told.keys() & {"version", "export"}:
            self.tag = told
        return told is not None

    def _marker(self, marker: Any, rate: Rate, item: str | None, where: Json) -> Marker:
        if schema(marker) != "Marker":
            raise BadInput("bad_timeline", f"{marker!r:.80} is no OpenTimelineIO marker.")
        foreign, ours = split(marker)
        span = marker.get("marked_range", marker.get("range"))
        start, duration = 0, 0
        if span is not None:
            if not isinstance(span, dict):
                raise BadInput("bad_time", f"The range of the marker {text(marker, 'name')!r} is no time range.")
            start = rounded(frames(span.get("start_time"), rate))
            duration = rounded(length(span.get("duration"), rate, f"The marker {text(marker, 'name')!r}"))
        if item is None and start < 0:
            self.warn(f"The marker {text(marker, 'name')!r} lies before the start; it was put on the first frame.")
        color, odd = _color(marker.get("color"))
        plain = text(marker, "comment")
        comment = plain or (_note(foreign) if not ours or ours.get("note") is True else "")
        return Marker(
            self.id("m", ours.get("id")),
            max(0, start) if item is None else start,
            duration,
            item,
            text(marker, "name"),
            color,
            comment,
            keep(
                foreign,
                range=None
                if says_range(span, start, rate, duration, rate)
                else [span, [max(0, start) if item is None else start, duration]],
                color=[odd, [color]] if odd is not None else None,
                comment=[plain, [comment]] if comment != plain else None,
                fields=leftovers(marker, _MARKER),
                **where,
            ),
        )


def _shape(content: Content) -> Any:
    """Returns what a sequence is, ids apart."""
    items = [placed.item.id for part in content.tracks for placed in part.items]
    at = {id_: number for number, id_ in enumerate(items)}
    rows = [
        (replace(part.track, id=""), [(p.start, replace(p.item, id="", link=None)) for p in part.items])
        for part in content.tracks
    ]
    mixes = [replace(t, left=None, right=None) for t in content.transitions]
    where = sorted((at.get(t.left or "", -1), at.get(t.right or "", -1)) for t in content.transitions)
    marks = [(at.get(m.item or "", -1), replace(m, id="", item=None)) for m in content.markers]
    rest = replace(content, tracks=(), transitions=(), markers=())
    return rest, rows, where, sorted(map(repr, mixes)), sorted(map(repr, marks))


def _note(foreign: Json) -> str:
    """Returns the note of a marker that Resolve wrote: it has no comment."""
    resolve = foreign.get("Resolve_OTIO")
    return text(resolve, "Note") if isinstance(resolve, dict) else ""


def _color(color: Any) -> tuple[str, Any]:
    """Returns (colour name, what to keep): names as they are, Marker.3's colours by name or the nearest one."""
    if isinstance(color, str):
        return color, None
    if not isinstance(color, dict):
        return "RED", None
    name = text(color, "name").upper()
    if name in COLORS:
        return name, color
    rgb = [v if isinstance(v := color.get(key), int | float) else 0.0 for key in "rgb"]
    return min(COLORS, key=lambda n: sum((a - b) ** 2 for a, b in zip(COLORS[n], rgb, strict=True))), color


def _is_hex(value: str) -> bool:
    return all(c in "0123456789abcdef" for c in value)
