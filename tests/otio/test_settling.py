"""What the model refuses is settled in reading, and what the file said is still written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from genlock.application.imports import check
from genlock_otio import Imported, read_data
from genlock_otio.compose import Composer
from genlock_otio.outgoing import Outgoing
from genlock_otio.settling import presentable
from tests.otio.test_read import at, clip, span, timeline, track
from tests.otio.timelines import loaded, without_ours


def mix(before: int, after: int) -> dict[str, Any]:
    return {
        "OTIO_SCHEMA": "Transition.1",
        "name": "",
        "in_offset": at(before),
        "out_offset": at(after),
        "transition_type": "SMPTE_Dissolve",
    }


def filmed(name: str, start: int, duration: int) -> dict[str, Any]:
    made = clip(name, start, duration)
    made["media_references"]["DEFAULT_MEDIA"]["available_range"] = span(0, 100)
    return made


def read(*children: Any) -> tuple[Imported, Any]:
    """Reads one track; proves that it may become a sequence and that the file comes back."""
    tree = timeline(track(*children), start=at(0))
    imported = read_data(json.dumps(tree).encode(), Path("/folder"), "file")
    assert check(imported.content) is None
    pool = {f.id: f for f in imported.media}
    written = Composer(Outgoing(imported.content, media=pool)).timeline()
    assert loaded(tree).is_equivalent_to(loaded(without_ours(written)))
    return imported, written


def test_only_the_clip_without_handles_gets_an_unknown_end() -> None:
    imported, _ = read(filmed("a", 10, 50), mix(5, 5), filmed("b", 2, 50))
    sources = [placed.item.source for placed in imported.content.tracks[0].items]
    assert [source.frames for source in sources] == [100, None]  # type: ignore[union-attr]
    assert len(imported.content.transitions) == 1
    assert any("handles" in warning for warning in imported.warnings)


def test_a_transition_longer_than_its_clip_is_shortened() -> None:
    imported, written = read(filmed("a", 20, 4), mix(10, 10), filmed("b", 20, 50))
    (found,) = imported.content.transitions
    assert (found.in_offset, found.out_offset) == (4, 10)
    offsets = written["tracks"]["children"][0]["children"][1]
    assert offsets["in_offset"]["value"] == 10


def test_a_transition_without_any_room_is_written_back_and_not_shown() -> None:
    imported, written = read(filmed("a", 20, 9), mix(1, 1), filmed("b", 20, 1), mix(1, 0), filmed("c", 20, 9))
    assert len(imported.content.transitions) == 1
    kinds = [child["OTIO_SCHEMA"] for child in written["tracks"]["children"][0]["children"]]
    assert kinds == ["Clip.2", "Transition.1", "Clip.2", "Transition.1", "Clip.2"]


@pytest.mark.parametrize(
    ("name", "shown"),
    [("reel 1", "reel 1"), ("a\tb\n", "a b"), ("", "Untitled"), ("\0", "Untitled"), ("x" * 300, "x" * 200)],
)
def test_names_a_sequence_may_have(name: str, shown: str) -> None:
    assert presentable(name) == shown


def test_nameless_media_can_join_the_pool() -> None:
    made = {**clip(""), "media_references": {"DEFAULT_MEDIA": {"OTIO_SCHEMA": "MissingReference.1"}}}
    imported, _ = read(made)
    assert [(file.path, bool(file.name), file.missing) for file in imported.media] == [("", True, True)]
