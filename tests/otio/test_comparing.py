"""Files against each other as a library: nested sequences, other tools' files, conflicts marked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import genlock_otio
from genlock.timeline.events import Content, Placed, TrackContent
from genlock.timeline.model import Item, Media, Nested, Track
from genlock.timeline.rate import Rate
from genlock_otio.comparing import common, compare, marked, merge_files
from tests.daemon.test_exchange import clip, timeline


def nested(inner: int, outer: int = 50) -> dict[str, Any]:
    """Returns a cut with a nested sequence "scene" of two clips, the first one `inner` frames long."""
    inside = timeline(clip("x", "/m/x.mov", 0, inner, 900), clip("y", "/m/y.mov", 0, 30, 900))["tracks"]
    stack = {"OTIO_SCHEMA": "Stack.1", "name": "scene", "children": inside["children"]}
    return timeline(clip("one", "/m/one.mov", 0, outer, 900), stack, clip("two", "/m/two.mov", 0, 20, 900))


def read(folder: Path, name: str, tree: dict[str, Any]) -> genlock_otio.Imported:
    path = folder / f"{name}.otio"
    path.write_text(json.dumps(tree))
    return genlock_otio.read(path)


def lengths(content: Content) -> list[int]:
    return [placed.item.duration for part in content.tracks for placed in part.items]


def test_a_change_inside_a_nested_sequence_is_told_under_its_name(tmp_path: Path) -> None:
    found = compare(read(tmp_path, "a", nested(40)), read(tmp_path, "b", nested(33)))
    (name, inside), *more = found.nested
    assert (name, more) == ("scene", [])
    assert [(c.kind, c.name) for c in inside.changes] == [("trimmed", "x")]
    # the nested clip is shorter outside too
    assert {c.kind for c in found.changes} <= {"trimmed", "media", "metadata"}


def test_a_merge_takes_nested_edits_of_theirs_beside_ours(tmp_path: Path) -> None:
    base, ours, theirs = (
        read(tmp_path, name, tree) for name, tree in (("a", nested(40)), ("b", nested(40, 45)), ("c", nested(33)))
    )
    found = merge_files(base, ours, theirs)
    assert found.conflicts == ()
    assert lengths(found.content)[0] == 45
    (shown,) = {p.item.source.sequence for part in found.content.tracks for p in part.items if p.item.name == "scene"}
    assert lengths(found.nested[shown]) == [33, 30]
    out = tmp_path / "out.otio"
    genlock_otio.write(found.content, out, media=found.media, nested=found.nested.get)
    again = genlock_otio.read(out)
    assert [lengths(content) for _, content in again.nested] == [[33, 30]]


def test_conflicts_get_a_marker_each_on_their_clip(tmp_path: Path) -> None:
    base, ours, theirs = (read(tmp_path, f"n{n}", nested(40, n)) for n in (50, 45, 38))
    found = merge_files(base, ours, theirs)
    (conflict,) = found.conflicts
    (marker,) = marked(found.content, found.conflicts).markers
    assert (marker.item, marker.color, marker.comment) == (conflict.about, "RED", conflict.message)
    assert merge_files(base, ours, theirs, "theirs").conflicts == ()


def test_merging_one_side_only_gives_that_side(tmp_path: Path) -> None:
    base, other = read(tmp_path, "a", nested(40)), read(tmp_path, "b", nested(33, 45))
    for ours, theirs in ((base, other), (other, base)):
        found = merge_files(base, ours, theirs)
        assert found.conflicts == ()
        assert not compare(genlock_otio.Imported(found.content, tuple(found.media.values()), tuple(found.nested.items())),
                           other).changes  # fmt: skip


def test_files_of_two_tools_are_compared_in_what_both_can_say(tmp_path: Path) -> None:
    cut = read(tmp_path, "a", nested(40))
    flat = read(
        tmp_path, "flat", timeline(clip("one", "/m/one.mov", 0, 50, 900), clip("two", "/m/two.mov", 0, 20, 900))
    )
    list_ = tmp_path / "flat.edl"
    genlock_otio.write(flat.content, list_, media={file.id: file for file in flat.media})
    edl = genlock_otio.read(list_)
    assert compare(flat, edl).ops == ()
    assert not common(cut, edl).has("marker.item")
    assert common(cut, cut).has("marker.item")


@pytest.mark.parametrize("policy", ["ask", "ours", "theirs", "both"])
def test_a_merge_is_the_same_each_time(tmp_path: Path, policy: Any) -> None:
    base, ours, theirs = (read(tmp_path, f"n{n}", nested(40, n)) for n in (50, 45, 38))
    one, two = (merge_files(base, ours, theirs, policy) for _ in range(2))
    assert (one.content, one.conflicts, one.settled) == (two.content, two.conflicts, two.settled)


def test_nested_sequences_are_told_in_the_order_of_the_cut(tmp_path: Path) -> None:
    def scenes(length: int) -> dict[str, Any]:
        inner = timeline(clip("x", "/m/x.mov", 0, length, 900))["tracks"]["children"]
        return timeline(*({"OTIO_SCHEMA": "Stack.1", "name": f"scene {n}", "children": inner} for n in range(9)))

    found = compare(read(tmp_path, "a", scenes(40)), read(tmp_path, "b", scenes(33)))
    assert [name for name, _ in found.nested] == [f"scene {n}" for n in range(9)]


def test_a_nested_sequence_shown_again_and_again_is_looked_into_once() -> None:
    def read_in(length: int) -> genlock_otio.Imported:
        def level(number: int) -> Content:
            source = Nested(f"{number + 1:032x}") if number < 14 else Media("m")
            row = tuple(Placed(Item(f"i{number}.{n}", source, length if number == 14 else 10)) for n in range(4))
            part = TrackContent(Track(f"t{number}", placement="magnetic"), row)
            return Content(f"level {number}", Rate(24), tracks=(part,))

        inner = tuple((f"{number:032x}", level(number)) for number in range(1, 15))
        return genlock_otio.Imported(level(0), (), inner, (), "fcpx")

    found, depth = compare(read_in(10), read_in(9)), 0
    while found.nested:
        ((_, found),) = found.nested
        depth += 1
    assert depth == 14
    assert {change.kind for change in found.changes} == {"trimmed"}
