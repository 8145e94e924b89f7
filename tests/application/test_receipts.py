"""Exports are known by their receipts: folded from notes, kept over a restart, listed newest first."""

from __future__ import annotations

from typing import Any

import pytest

from genlock.application.world import wire_project
from genlock.project.commands import Note
from tests.application.studio import Studio


def note(sequence: str, version: int, export: str = "", **more: Any) -> Note:
    data = {"sequence": sequence, "version": version, "dialect": "fcp7", "path": "/x/cut.xml", "digest": "d" * 32}
    return Note("export", {**data, **({"export": export} if export else {}), **more})


def test_exports_are_listed_newest_first_and_survive_a_restart(studio: Studio) -> None:
    project = studio.project()
    reel, other = studio.sequence(project), studio.sequence(project, "Other")
    for n in range(3):
        studio.do(note(reel, n + 1, f"{n:032x}", nested={other: 1}), project)
    studio.do(note(other, 1, "f" * 32), project)
    found = studio.app.exports(reel)
    assert [(r.export, r.version) for r in found] == [(f"{n:032x}", n + 1) for n in (2, 1, 0)]
    assert (found[0].dialect, found[0].path, found[0].digest) == ("fcp7", "/x/cut.xml", "d" * 32)
    assert found[0].nested == {other: 1}
    assert found[0].timestamp > found[1].timestamp
    again = studio.reopened()
    assert again.app.exports(reel) == found
    assert [r.export for r in again.app.exports(other)] == ["f" * 32]
    again.app.close()


def test_receipts_stay_off_the_wire(studio: Studio) -> None:
    project = studio.project()
    studio.do(note(studio.sequence(project), 1), project)
    assert "receipts" not in wire_project(studio.app.project(project))
    assert "receipts" not in studio.seen[-1].effects[0][2]


def test_a_receipt_of_before_there_were_ids_gets_one(studio: Studio) -> None:
    project = studio.project()
    reel = studio.sequence(project)
    studio.do(note(reel, 1), project)
    studio.do(note(reel, 1), project)
    first, second = studio.app.exports(reel)
    assert len(first.export) == len(second.export) == 32
    assert first.export != second.export


@pytest.mark.parametrize(
    "data", [{}, {"sequence": 5, "version": 1}, {"sequence": "x"}, {"sequence": "x", "version": "new"}, {"nested": [1]}]
)
def test_a_note_of_another_shape_is_no_receipt(studio: Studio, data: dict[str, Any]) -> None:
    project = studio.project()
    reel = studio.sequence(project)
    studio.do(Note("export", data), project)
    studio.do(Note("elsewhere", note(reel, 1).data), project)
    assert studio.app.exports(reel) == []
    assert not studio.app.project(project).receipts
