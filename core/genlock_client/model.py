"""A client's picture of a project, kept from snapshots and effects alone: no edit rule is repeated here.

Values are plain dicts as they came from the wire. They are replaced, never changed in place, so that a caller may keep
one and compare it later by identity. Items of a track are a linked list, so that an upsert costs the same at 10 items and
at 10,000; positions are the running sum of gaps and durations and are computed when asked for.
"""

from __future__ import annotations

from typing import Any, Dict, Iterable, Iterator, Tuple

Value = Dict[str, Any]
Touched = Tuple[str, str]
"""(kind, id) of something that changed."""


class Inconsistent(Exception):
    """Effects do not fit the picture: an event was missed. The session answers with a new snapshot."""


class _Lane:
    """The items of one track in order."""

    __slots__ = ("following", "head", "preceding", "starts", "value")

    def __init__(self, value: Value) -> None:
        self.value = value
        self.head: str | None = None
        self.following: dict[str, str | None] = {}
        self.preceding: dict[str, str | None] = {}
        self.starts: dict[str, int] | None = None

    def place(self, item: str, after: str | None) -> None:
        if after == item or (after is not None and after not in self.following):
            raise Inconsistent(f"{item} should lie behind {after}, which is not on the track")
        following = self.head if after is None else self.following[after]
        self.following[item] = following
        self.preceding[item] = after
        if after is None:
            self.head = item
        else:
            self.following[after] = item
        if following is not None:
            self.preceding[following] = item

    def take(self, item: str) -> None:
        before, behind = self.preceding.pop(item), self.following.pop(item)
        if before is None:
            self.head = behind
        else:
            self.following[before] = behind
        if behind is not None:
            self.preceding[behind] = before

    def __iter__(self) -> Iterator[str]:
        item = self.head
        while item is not None:
            yield item
            item = self.following[item]


class SequenceModel:
    """One sequence: its settings, tracks, items, transitions and markers, with positions in sequence frames."""

    def __init__(self, snapshot: Value) -> None:
        parts = dict(snapshot)
        tracks, transitions, markers, conflicts = (
            parts.pop(key, []) for key in ("tracks", "transitions", "markers", "conflicts")
        )
        self.id: str = parts["id"]
        self.version: int = parts.get("version", 0)
        self.fields: Value = parts
        self.items: dict[str, Value] = {}
        self.transitions: dict[str, Value] = {_transition_key(value): value for value in transitions}
        self.markers: dict[str, Value] = {value["id"]: value for value in markers}
        self.conflicts: dict[str, Value] = {value["id"]: value for value in conflicts}
        self._order: list[str] = []
        self._lanes: dict[str, _Lane] = {}
        for track in tracks:
            value = dict(track)
            items = value.pop("items", [])
            self._order.append(value["id"])
            self._lanes[value["id"]] = lane = _Lane(value)
            before: str | None = None
            for item in items:
                self.items[item["id"]] = item
                lane.place(item["id"], before)
                before = item["id"]

    @property
    def name(self) -> str:
        return str(self.fields.get("name", ""))

    @property
    def tracks(self) -> list[Value]:
        """The tracks' values in order."""
        return [self._lanes[id_].value for id_ in self._order]

    @property
    def duration(self) -> int:
        """Frames to the end of the longest track."""
        longest = 0
        for id_ in self._order:
            starts = self.starts(id_)
            if starts:
                last = next(reversed(starts))  # a dict keeps its order, and the order of a lane is that of time
                longest = max(longest, starts[last] + self.items[last]["duration"])
        return longest

    def on(self, track: str) -> list[Value]:
        """Returns the items of a track in order; KeyError when there is no such track."""
        return [self.items[id_] for id_ in self._lanes[track]]

    def starts(self, track: str) -> dict[str, int]:
        """Returns item id -> first sequence frame, in order; kept until the track changes."""
        lane = self._lanes[track]
        if lane.starts is None:
            lane.starts, frame = {}, 0
            for id_ in lane:
                item = self.items[id_]
                frame += item.get("gap", 0)
                lane.starts[id_] = frame
                frame += item["duration"]
        return lane.starts

    def start(self, item: str) -> int:
        """Returns the first sequence frame of an item; KeyError when there is no such item."""
        return self.starts(self.items[item]["track"])[item]

    def snapshot(self) -> Value:
        """Returns the whole sequence in the shape of the wire's snapshot."""
        tracks: list[Value] = []
        for at, id_ in enumerate(self._order):
            before = None
            items = []
            for item in self.on(id_):
                items.append({**item, "after": before})
                before = item["id"]
            tracks.append({**self._lanes[id_].value, "after": self._order[at - 1] if at else None, "items": items})
        return {
            **self.fields,
            "version": self.version,
            "duration": self.duration,
            "tracks": tracks,
            "transitions": [self.transitions[key] for key in sorted(self.transitions)],
            "markers": [self.markers[key] for key in sorted(self.markers)],
            "conflicts": [self.conflicts[key] for key in sorted(self.conflicts)],
        }

    def apply(self, kind: str, id_: str, value: Value | None) -> None:
        """Applies one effect; raises Inconsistent when it does not fit."""
        if kind == "item":
            self._put_item(id_, value)
        elif kind == "track":
            self._put_track(id_, value)
        elif kind == "transition":
            _put(self.transitions, id_, value)
        elif kind == "marker":
            _put(self.markers, id_, value)
        elif kind == "conflict":
            _put(self.conflicts, id_, value)
        elif kind == "sequence" and value is not None:
            self.fields = {**self.fields, **value}

    def _put_item(self, id_: str, value: Value | None) -> None:
        old = self.items.get(id_)
        if value is None:
            if old is None:
                return
            del self.items[id_]
            self._lift(old["track"], id_)
            return
        lane = self._lane(value["track"])
        after = value.get("after")
        moved = old is None or old["track"] != value["track"] or lane.preceding[id_] != after
        if moved:
            if old is not None:
                self._lift(old["track"], id_)
            lane.place(id_, after)
        lane.starts = None
        self.items[id_] = value

    def _lift(self, track: str, item: str) -> None:
        lane = self._lane(track)
        lane.take(item)
        lane.starts = None

    def _lane(self, track: str) -> _Lane:
        lane = self._lanes.get(track)
        if lane is None:
            raise Inconsistent(f"there is no track {track}")
        return lane

    def _put_track(self, id_: str, value: Value | None) -> None:
        if value is None:
            lane = self._lanes.pop(id_, None)
            for item in lane or ():
                self.items.pop(item, None)
            if lane is not None:
                self._order.remove(id_)
            return
        after = value["after"]
        if id_ in self._order:
            self._order.remove(id_)
        if after is not None and after not in self._order:
            raise Inconsistent(f"the track {id_} should lie behind {after}, which does not exist")
        self._order.insert(0 if after is None else self._order.index(after) + 1, id_)
        if id_ in self._lanes:
            self._lanes[id_].value = value
        else:
            self._lanes[id_] = _Lane(value)


class Model:
    """All a session knows: the projects, and of its own project the sequences, shots, jobs and media."""

    def __init__(self) -> None:
        self.project: Value | None = None
        self.projects: dict[str, Value] = {}
        self.sequences: dict[str, SequenceModel] = {}
        self.shots: dict[str, Value] = {}
        self.jobs: dict[str, Value] = {}
        self.media: dict[str, Value] = {}
        self.versions: dict[str, int] = {}

    def load(self, snapshot: Value) -> None:
        """Replaces everything by a snapshot of the wire."""
        self.__init__()  # type: ignore[misc]
        self.project = snapshot.get("project")
        self.projects = _by_id(snapshot.get("projects"))
        if self.project is not None:
            self.projects.setdefault(self.project["id"], self.project)
        self.sequences = {value["id"]: SequenceModel(value) for value in snapshot.get("sequences") or ()}
        self.shots = _by_id(snapshot.get("shots"))
        self.jobs = _by_id(snapshot.get("jobs"))
        self.media = _by_id((self.project or {}).get("media"))
        self.versions = {id_: sequence.version for id_, sequence in self.sequences.items()}
        for values in (self.projects, self.shots, self.jobs):
            for id_, value in values.items():
                if isinstance(value.get("version"), int):
                    self.versions[id_] = value["version"]

    def apply(self, originator: str, version: int, effects: Iterable[list[Any]]) -> set[Touched]:
        """Applies one event's effects and returns what they touched.

        Raises Inconsistent when they do not fit. Effects of sequences that are not shown here are passed over.
        """
        touched: set[Touched] = set()
        try:
            for kind, id_, value in effects:
                touched.add((kind, id_))
                self._apply(originator, version, kind, id_, value)
        except (KeyError, TypeError, AttributeError) as error:
            raise Inconsistent(f"an effect on {originator} lacks {error}") from error
        self.versions[originator] = version
        if originator in self.sequences:
            self.sequences[originator].version = version
        return touched

    def _apply(self, originator: str, version: int, kind: str, id_: str, value: Any) -> None:
        if kind == "project":
            _put(self.projects, id_, value)
            if self.project is not None and self.project["id"] == id_:
                self.project = value
                if value is not None and "media" in value:
                    self.media = _by_id(value["media"])
        elif kind in ("shot", "job", "media"):
            _put({"shot": self.shots, "job": self.jobs, "media": self.media}[kind], id_, value)
        elif kind == "sequence" and value is None:
            self.sequences.pop(id_, None)
        elif kind == "sequence" and ("tracks" in value or (id_ not in self.sequences and version == 1)):
            self.sequences[id_] = SequenceModel({"id": id_, **value})  # the whole of it: new, or out of the archive
        elif originator in self.sequences:
            self.sequences[originator].apply(kind, id_, value)


def _transition_key(value: Value) -> str:
    return str(value.get("key") or f"{value.get('left') or ''}>{value.get('right') or ''}")


def _by_id(values: Any) -> dict[str, Value]:
    if isinstance(values, dict):
        return dict(values)
    return {value["id"]: value for value in values or ()}


def _put(values: dict[str, Value], key: str, value: Value | None) -> None:
    if value is None:
        values.pop(key, None)
    else:
        values[key] = value
