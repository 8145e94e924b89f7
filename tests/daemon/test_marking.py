"""Marker lists and subtitles come in as markers, once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.daemon.conftest import Person

SRT = """1
00:00:01,000 --> 00:00:02,500
Is anybody there?

2
00:00:04,000 --> 00:00:05,000
Only the sea.
"""


@pytest.fixture
def sequence(ann: Person) -> tuple[str, str]:
    project = ann.project()
    return project, ann.sequence(project)


def markers(ann: Person, sequence: str) -> list[tuple[int, int, str]]:
    found = ann.get(f"/api/sequences/{sequence}")["markers"]
    return sorted((m["start"], m["duration"], m["name"] or m["comment"]) for m in found)


def test_subtitles_become_markers_with_one_undo(ann: Person, sequence: tuple[str, str], studio: Path) -> None:
    project, id_ = sequence
    file = studio / "media" / f"{id_[:6]}.srt"
    file.write_text(SRT)
    answer = ann.post(f"/api/projects/{project}/import", {"path": str(file), "into": id_, "actor": "ann"})
    assert len(answer["ops"]) == 2
    assert {change["kind"] for change in answer["changes"]} == {"marker added"}
    assert [(start, duration) for start, duration, _ in markers(ann, id_)] == [(24, 36), (96, 24)]
    assert "Is anybody there?" in markers(ann, id_)[0][2]
    again = ann.post(f"/api/projects/{project}/import", {"path": str(file), "into": id_, "actor": "ann"})
    assert (again["ops"], again["version"]) == ([], answer["version"])
    history = ann.get(f"/api/sequences/{id_}/history")["entries"]
    assert (history[0]["kind"], history[0]["label"]) == ("import", f"Import 2 markers of {file.name}")
    ann.command("Undo", id_)
    assert markers(ann, id_) == []


def test_a_marker_list_that_went_out_brings_nothing_back(ann: Person, sequence: tuple[str, str], studio: Path) -> None:
    project, id_ = sequence
    marker = {"id": "", "start": 30, "duration": 12, "name": "Cue", "color": "GREEN", "comment": "softer"}
    ann.command("SetMarker", id_, marker=marker)
    for suffix in (".markers.csv", ".markers.edl"):
        out = studio / "media" / f"{id_[:6]}{suffix}"
        ann.post(f"/api/sequences/{id_}/export", {"path": str(out)})
        answer = ann.post(f"/api/projects/{project}/import", {"path": str(out), "into": id_})
        assert answer["ops"] == [], suffix


def test_a_repeated_request_adds_nothing_twice(ann: Person, sequence: tuple[str, str], studio: Path) -> None:
    project, id_ = sequence
    file = studio / "media" / f"{id_[:6]}.srt"
    file.write_text(SRT)
    body = {"path": str(file), "into": id_, "id": f"marks-{id_}"}
    first = ann.post(f"/api/projects/{project}/import", body)
    assert ann.post(f"/api/projects/{project}/import", body) == first
    assert len(markers(ann, id_)) == 2


def test_a_text_without_a_cue_is_no_list(ann: Person, sequence: tuple[str, str], studio: Path) -> None:
    project, id_ = sequence
    file = studio / "media" / f"{id_[:6]}.srt"
    file.write_text("1\n00:00:99,000 --> nowhere\nWhat?\n")
    body = {"path": str(file), "into": id_}
    assert ann.refused("POST", f"/api/projects/{project}/import", json=body) == (415, "unknown_format")
    assert markers(ann, id_) == []
