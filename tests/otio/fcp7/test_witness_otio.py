"""otio-fcp-adapter, which no one here wrote, reads our files as we mean them, and we read what it writes.

It need not be in this environment: OTIO_FCP_PYTHON names a Python that has it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from genlock.project.media import MediaFile
from genlock.timeline.events import Content, restore
from genlock.timeline.layout import rows
from genlock.timeline.model import Marker, Media, Transition
from genlock.timeline.rate import RATES, Rate
from genlock_otio.dialects import Incoming
from genlock_otio.fcp7 import reader, writer
from genlock_otio.outgoing import Outgoing
from tests.otio.witness import PLAIN, clip, cut

POOL = {f"f{n}": MediaFile(f"f{n}", f"/rushes/take {n} 100%.mov", f"take {n}") for n in (1, 2, 3)}
SCRIPT = Path(__file__).parent / "otio_reads.py"
CUTS = {
    **PLAIN,
    "a dissolve": cut(
        [(clip("a", 1, 30, 40), 0), (clip("b", 2, 100, 40), 40)], transitions=(Transition("a", "b", 6, 6),)
    ),
    "a late dissolve": cut(
        [(clip("a", 1, 30, 40), 5), (clip("b", 2, 100, 40), 45)], transitions=(Transition("a", "b", 0, 8),)
    ),
    "markers": cut([(clip("a", 1, 30, 40), 0)], markers=(Marker("m", 12, name="look"),), start_frame=86400),
}


@pytest.fixture(scope="module")
def adapter() -> str:
    python = os.environ.get("OTIO_FCP_PYTHON") or (sys.executable if find_spec("otio_fcp_adapter") else "")
    if python:
        return python
    reason = "WITNESS MISSING: otio-fcp-adapter is not installed, so no other library has read this export"
    if os.environ.get("REQUIRE_WITNESSES"):
        pytest.fail(reason)
    pytest.skip(reason)


def run(python: str, *arguments: str) -> str:
    done = subprocess.run([python, str(SCRIPT), *arguments], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr[-1500:]
    return done.stdout


def placed(content: Content) -> list[tuple[str, int, int, int]]:
    state = restore("0" * 32, 1, content)
    return sorted(
        (row.item.name, row.slot.start, row.item.duration, row.item.source_in)
        for track in state.order
        for row in rows(state, track)
    )


def told(answer: dict[str, Any]) -> list[tuple[str, int, int, int]]:
    return sorted((c["name"], round(c["at"]), round(c["length"]), round(c["first"])) for c in answer["clips"])


@pytest.mark.parametrize("name", list(CUTS))
def test_it_reads_what_we_mean(name: str, adapter: str, tmp_path: Path) -> None:
    content = CUTS[name]
    file = tmp_path / "cut.xml"
    file.write_bytes(writer.write(Outgoing(content, media=POOL)).data)
    answer = json.loads(run(adapter, str(file)))
    assert told(answer) == placed(content)
    assert answer["transitions"] == [[t.in_offset, t.out_offset] for t in content.transitions]
    assert answer["markers"] == [[m.name, m.start] for m in content.markers]
    assert {c["url"] for c in answer["clips"]} <= {
        f"file://localhost/rushes/take%20{n}%20100%25.mov" for n in (1, 2, 3)
    }


@pytest.mark.parametrize("rate", RATES, ids=str)
def test_it_agrees_at_every_rate(rate: Rate, adapter: str, tmp_path: Path) -> None:
    content = replace(CUTS["a dissolve"], rate=rate, start_frame=90_000)
    file = tmp_path / "cut.xml"
    file.write_bytes(writer.write(Outgoing(content, media=POOL)).data)
    answer = json.loads(run(adapter, str(file)))
    assert told(answer) == placed(content)
    assert answer["start"][0] == 90_000
    assert answer["start"][1] == pytest.approx(rate.num / rate.den, rel=1e-12)


@pytest.mark.parametrize("name", [name for name in CUTS if name != "a late dissolve"])  # it writes that one as a fade
def test_we_read_what_it_writes(name: str, adapter: str, tmp_path: Path) -> None:
    from genlock_otio import write

    content = CUTS[name]
    known = {id_: replace(file, path=f"/rushes/{id_}.mov", name=f"{id_}.mov") for id_, file in POOL.items()}
    write(content, tmp_path / "cut.otio", media=known)
    run(adapter, "--write", str(tmp_path / "cut.otio"), str(tmp_path / "theirs.xml"))
    imported = reader.read(Incoming((tmp_path / "theirs.xml").read_bytes(), "theirs", tmp_path))
    assert placed(imported.content) == placed(content)
    assert imported.content.rate == content.rate
    assert imported.content.start_frame == content.start_frame
    offsets = [(t.in_offset, t.out_offset) for t in content.transitions]
    assert [(t.in_offset, t.out_offset) for t in imported.content.transitions] == offsets
    shown = {p.item.source for part in imported.content.tracks for p in part.items}
    assert all(isinstance(source, Media) for source in shown)
    assert {file.path for file in imported.media} <= {file.path for file in known.values()}
