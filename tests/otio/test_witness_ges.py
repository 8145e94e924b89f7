"""What GStreamer Editing Services render of our XGES, frame by frame."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from msgspec.structs import replace

from genlock.project.media import MediaFile
from genlock.timeline.model import Marker, Transition
from genlock.timeline.rate import Rate, Speed
from genlock_otio.outgoing import Outgoing
from genlock_otio.xges import write
from tests.otio import witness
from tests.otio.witness import PLAIN, clip, cut

RATE = Rate(25)
"""Its frames are whole nanoseconds; at 24 GES itself rounds cuts a frame off now and then (docs/why/mlt.md)."""


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory) -> dict[str, MediaFile]:
    return witness.sources(tmp_path_factory.mktemp("media"), RATE)


@pytest.mark.parametrize("name", PLAIN)
def test_ges_cuts_where_we_cut(name: str, pool: dict[str, MediaFile], tmp_path: Path) -> None:
    program = witness.require("ges-launch-1.0")
    content = replace(PLAIN[name], rate=RATE)
    source, movie = tmp_path / "cut.xges", tmp_path / "cut.mov"
    source.write_bytes(write(Outgoing(content, media=pool)).data)
    width, height = witness.SIZE.width, witness.SIZE.height
    caps = f"video/quicktime:video/x-raw,framerate=25/1,width={width},height={height}->image/jpeg"
    command = (program, "--load", str(source), "-o", movie.as_uri(), f"--format={caps}", "--mute")
    done = subprocess.run(command, capture_output=True, timeout=100)
    assert movie.exists(), done.stderr[-500:]
    found, wanted = witness.shown(movie), witness.expected(content)
    assert len(found) == len(wanted)
    # its clock starts within the first second: one frame there is sometimes shown early
    wrong = [at for at, (got, want) in enumerate(zip(found, wanted, strict=True)) if got != want]
    assert len(wrong) <= 1
    assert all(found[at] == wanted[at + 1] for at in wrong)


def test_what_xges_does_not_carry_is_said() -> None:
    row = [(clip("a", 1, 0, 10, speed=Speed(2)), 0), (clip("b", 2, 0, 10, enabled=False), 10), (clip("c", 9, 0, 5), 20)]
    pool = {f"f{n}": MediaFile(f"f{n}", f"/media/{n}.mov") for n in (1, 2)}
    content = cut(row, transitions=(Transition("a", None, 3, 0),), markers=(Marker("m", 3, name="here"),))
    written = write(Outgoing(content, media=pool))
    assert {row.what: row.names for row in written.loss.rows} == {
        "speeds": ("a",),
        "clips that are switched off (left out)": ("b",),
        "clips without a file": ("c",),
        "transitions": ("dissolve",),
        "markers": ("here",),
    }
