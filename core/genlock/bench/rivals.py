"""The same pairs of cuts told by us and by pyvedit 0.0.1, the only other diff of OpenTimelineIO files there is on PyPI.

Both start from the files as they parsed them: pyvedit from the dicts of orjson, we from what genlock_otio reads; a row
says what it is with reading. pyvedit gets its clips as Clip.1, where it sees their media, and their names unchanged unless
a row says otherwise. An edit is named rightly when a change of its kind is told about a clip of its name. Nothing is
measured where pyvedit is not installed: the row then fails, saying so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from importlib.util import find_spec
from math import nan
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, NamedTuple

import orjson
from msgspec.structs import replace

from genlock.bench import Result, p50
from genlock.bench.exchange import Trip, timed, trip
from genlock.bench.reels import path
from genlock.bench.returns import written
from genlock.collector import uncollected
from genlock.timeline.changes import changes
from genlock.timeline.events import Content, Placed, TrackContent, content_of, restore
from genlock.timeline.match import adopt, match
from genlock.timeline.model import Media, Source
from genlock.timeline.sequence import Sequence

PAIRS: Final = 40

OURS: Final = {
    "trim": {"trimmed"},
    "slip": {"slipped"},
    "roll": {"rolled"},
    "split": {"split"},
    "delete": {"removed", "lifted"},
    "insert": {"inserted"},
    "duplicate": {"inserted"},
    "move": {"moved"},
    "cross": {"moved"},
    "toggle": {"enabled", "disabled"},
    "replace": {"replaced"},
    "retime": {"retimed"},
    "transition": {"transition added", "transition removed"},
    "marker": {"marker added"},
}
THEIRS: Final = {
    "trim": {"trimmed"},
    "slip": {"trimmed"},
    "roll": {"trimmed"},
    "split": {"trimmed"},
    "delete": {"removed"},
    "insert": {"added"},
    "duplicate": {"added"},
    "move": {"moved"},
    "cross": {"moved"},
    "replace": {"replaced"},
    "retime": {"effects_changed"},
    "transition": {"transition_added", "transition_removed"},
}
"""Edit -> what it may be called. Of pyvedit anything that is not wrong is accepted; markers and disabled clips it does
not see."""


class Told(NamedTuple):
    """One change as either tells it."""

    kind: str
    name: str


class Score(NamedTuple):
    """Edits made, edits named rightly, clips said to be new or gone that are neither."""

    made: int
    right: int
    false: int


def run() -> Iterator[Result]:
    """Yields the comparison."""
    if find_spec("vedit") is None:
        yield Result("pyvedit is not installed: nothing to compare with", nan, "", 0.0)
        return
    with TemporaryDirectory() as folder:
        for name, named in (("names kept", _kept), ("clips named after their files", _after_files)):
            ours, theirs = _scores(Path(folder), named)
            yield Result(
                f"edits named rightly against pyvedit, {name}",
                _percent(ours),
                "%",
                1.0,
                _percent(theirs),
                at_least=True,
            )
            yield Result(f"clips wrongly new or gone against pyvedit, {name}", ours.false, "clips", 0.1, theirs.false)
        yield from _speed(Path(folder))


def _percent(score: Score) -> float:
    return 100 * score.right / score.made


def _kept(content: Content) -> Content:
    return content


def _after_files(content: Content) -> Content:
    """Returns the content with its clips named as NLEs name them on import: like the file they show."""
    parts = []
    for part in content.tracks:
        items = tuple(Placed(replace(p.item, name=path(p.item.source).rpartition("/")[2]), p.start) for p in part.items)
        parts.append(TrackContent(part.track, items))
    return replace(content, tracks=tuple(parts))


def _scores(folder: Path, named: Callable[[Content], Content]) -> tuple[Score, Score]:
    ours, theirs = Score(0, 0, 0), Score(0, 0, 0)
    for k in range(PAIRS):
        one = trip(f"rivals {k}", 200, 10)
        base, content = named(content_of(one.base)), named(one.content)
        truth = _truth(one, named)
        here, there = written(base, folder / "a.otio"), written(content, folder / "b.otio")
        ours = _added(ours, _score(one, truth, OURS, _by_us(here, there)))
        theirs = _added(theirs, _score(one, truth, THEIRS, _by_vedit(_parsed(here), _parsed(there))))
    return ours, theirs


def _added(one: Score, other: Score) -> Score:
    return Score(one.made + other.made, one.right + other.right, one.false + other.false)


def _truth(one: Trip, named: Callable[[Content], Content]) -> dict[str, list[str]]:
    """Returns the names each item had before and has now, and those of the markers."""
    names = {marker.id: [marker.name] for marker in one.after.markers.values()}
    for state in (one.base, one.after):
        for part in named(content_of(state)).tracks:
            for placed in part.items:
                names.setdefault(placed.item.id, []).append(placed.item.name)
    return names


def _score(one: Trip, names: dict[str, list[str]], words: Mapping[str, set[str]], told: list[Told]) -> Score:
    left = Counter(told)
    right = 0
    new: Counter[str] = Counter()
    gone: Counter[str] = Counter()
    for made in one.made:
        known = names.get(made.item, [""])
        wanted = [Told(word, name) for word in sorted(words.get(made.kind, ())) for name in known]
        hit = next((what for what in wanted if left[what] > 0), None)
        if hit is not None:
            right += 1
            left[hit] -= 1
        if made.kind in ("insert", "duplicate", "split"):
            new[known[0]] += 1
        if made.kind == "delete":
            gone[known[0]] += 1
    said_new = Counter(what.name for what in told if what.kind in ("inserted", "added"))
    said_gone = Counter(what.name for what in told if what.kind in ("removed", "lifted"))
    return Score(len(one.made), right, (said_new - new).total() + (said_gone - gone).total())


def _by_us(here: Path, there: Path) -> list[Told]:
    import genlock_otio

    base, returned = genlock_otio.read(here), genlock_otio.read(there)
    paths = {file.id: file.path for file in (*base.media, *returned.media)}
    return [Told(*row) for row in _changes(base.content, returned.content, paths)]


def _changes(base: Content, returned: Content, paths: dict[str, str]) -> list[tuple[str, str]]:
    def where(source: Source) -> str:
        return paths.get(source.media, "") if isinstance(source, Media) else ""

    with uncollected():  # as it is where a file is imported
        before = restore("b" * 32, 1, base)
        matching = match(before, restore("r" * 32, 1, returned), base_path=where, path=where)
        found = changes(before, restore("b" * 32, 2, adopt(returned, matching, before)))
    return [(change.kind, _about(change.about, change.name, before)) for change in found]


def _about(about: str, name: str, before: Sequence) -> str:
    """Returns the name of the clip a change is about; a transition's is that of the clip on its left."""
    left = about.partition(">")[0]
    return before.items[left].name if ">" in about and left in before.items else name


def _by_vedit(here: Any, there: Any) -> list[Told]:
    found = []
    for change in import_module("vedit").diff(here, there):
        row = change.to_dict()
        clip = row.get("clip") or row.get("after_clip") or row.get("between_before") or {}
        found.append(Told(row["op"], clip.get("name", "") if isinstance(clip, dict) else ""))
    return found


def _parsed(file: Path) -> Any:
    """Returns the file as pyvedit understands it: with the media of Clip.1."""
    tree = orjson.loads(file.read_bytes())
    for track in tree["tracks"]["children"]:
        for child in track["children"]:
            if child["OTIO_SCHEMA"] == "Clip.2":
                child["OTIO_SCHEMA"] = "Clip.1"
                references = child.pop("media_references")
                child["media_reference"] = references[child.pop("active_media_reference_key")]
    return tree


def _speed(folder: Path) -> Iterator[Result]:
    """Yields the time from the parsed files to the list of changes, at 10,000 clips, and that of reading both files."""
    import genlock_otio

    one = trip("rivals", 10_000, 20, media=500)
    here, there = written(content_of(one.base), folder / "a.otio"), written(one.content, folder / "b.otio")
    base, returned = genlock_otio.read(here), genlock_otio.read(there)
    paths = {file.id: file.path for file in (*base.media, *returned.media)}
    dicts = _parsed(here), _parsed(there)
    ours, theirs, reading, parsing = [], [], [], []
    for _ in range(5):
        theirs.extend(timed(1, lambda: _by_vedit(*dicts)))
        ours.extend(timed(1, lambda: _changes(base.content, returned.content, paths)))
        parsing.extend(timed(1, lambda: (orjson.loads(here.read_bytes()), orjson.loads(there.read_bytes()))))
        reading.extend(timed(1, lambda: (genlock_otio.read(here), genlock_otio.read(there))))
    yield Result("10,000 clips told, parsed to changes, against pyvedit", p50(ours), "s", 1.0, p50(theirs))
    whole, floor = p50(ours) + p50(reading), p50(theirs) + p50(parsing)
    yield Result("the same from the files on disk, which we check and it does not", whole, "s", 1.0, floor)
