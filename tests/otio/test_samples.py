"""Every real file makes the trip into every format and back; what is lost is said before and after alike."""

from __future__ import annotations

from pathlib import Path

import pytest

import genlock_otio
from genlock.timeline.check import violations
from genlock.timeline.events import restore
from genlock.timeline.layout import rows
from genlock.timeline.model import Gap
from genlock_otio.dialects import DIALECTS

HERE = Path(__file__).parent
SUFFIXES = {".otio", ".json", ".edl", ".fcpxml", ".xml", ".kdenlive", ".mlt"}
FILES = sorted(path for path in (HERE / "samples").rglob("*") if path.suffix in SUFFIXES)
WRITTEN = [name for name in DIALECTS if name != "aaf"]  # its own tests: half a second a file


def lengths(content: genlock_otio.Imported) -> list[int]:
    """Returns the frames of picture that are shown, clip by clip, on the lowest track that has any."""
    state = restore("0" * 32, 1, content.content)
    shown = [
        [row.slot.duration for row in rows(state, id_) if not isinstance(row.item.source, Gap)] for id_ in state.order
    ]
    return next((found for found in shown if found), [])


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_real_file_makes_the_trip_into_every_format(path: Path, tmp_path: Path) -> None:
    found = genlock_otio.read(path)
    media, nested = {file.id: file for file in found.media}, dict(found.nested).get
    assert not violations(restore("0" * 32, 1, found.content))
    for name in WRITTEN:
        target = tmp_path / f"{name}{DIALECTS[name].profile.suffixes[0]}"
        before = genlock_otio.loss(found.content, dialect=name, media=media, nested=nested)
        after = genlock_otio.write(found.content, target, media=media, nested=nested, dialect=name)
        assert before.rows == after.rows
        assert all(row.count >= len(row.names) and row.what for row in before.rows)
        back = genlock_otio.read(target, rate=found.content.rate)
        assert back.content.rate == found.content.rate
        assert not violations(restore("0" * 32, 1, back.content))
        if name in ("otio", "resolve"):
            assert lengths(back) == lengths(found)


def test_there_are_real_files() -> None:
    assert len(FILES) >= 17
