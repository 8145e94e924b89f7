"""What melt renders of our MLT, frame by frame."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from genlock.project.media import MediaFile
from genlock.timeline.events import Content
from genlock.timeline.model import Transition
from genlock.timeline.rate import Rate, Speed
from genlock_otio.mlt.writer import write
from genlock_otio.outgoing import Outgoing
from tests.otio import witness
from tests.otio.witness import PLAIN, clip, cut

RETIMED = {
    "twice as fast": cut([(clip("a", 1, 30, 40, speed=Speed(2)), 0), (clip("b", 2, 100, 25), 40)]),
    "backwards": cut([(clip("a", 1, 130, 40, speed=Speed(-1)), 0), (clip("b", 2, 100, 25, speed=Speed(-2)), 40)]),
    "a freeze frame": cut([(clip("a", 1, 130, 40, speed=Speed(0)), 0), (clip("b", 2, 100, 25), 40)]),
    "switched off": cut([(clip("a", 1, 30, 40), 0)], [(clip("o", 3, 150, 20, enabled=False), 10)]),
}


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory) -> dict[str, MediaFile]:
    return witness.sources(tmp_path_factory.mktemp("media"))


def render(content: Content, pool: dict[str, MediaFile], folder: Path) -> list[tuple[int, int] | str | None]:
    program = witness.require("melt")
    source, movie = folder / "cut.mlt", folder / "cut.mov"
    source.write_bytes(write(Outgoing(content, media=pool, suffix=".mlt")).data)
    how = ("vcodec=mpeg4", "qscale=2", "g=1", "an=1", "real_time=-1")
    command = (program, "-quiet", str(source), "-consumer", f"avformat:{movie}", *how)
    done = subprocess.run(command, capture_output=True, timeout=100, env={**os.environ, "QT_QPA_PLATFORM": "offscreen"})
    assert movie.exists(), done.stderr[-500:]
    return witness.shown(movie)


@pytest.mark.parametrize("name", [*PLAIN, *RETIMED])
def test_melt_shows_every_frame_we_mean(name: str, pool: dict[str, MediaFile], tmp_path: Path) -> None:
    content = {**PLAIN, **RETIMED}[name]
    assert render(content, pool, tmp_path) == witness.expected(content)


def test_melt_mixes_where_the_dissolve_is(pool: dict[str, MediaFile], tmp_path: Path) -> None:
    content = cut([(clip("a", 1, 30, 40), 0), (clip("b", 2, 100, 40), 40)], transitions=(Transition("a", "b", 6, 8),))
    found, wanted = render(content, pool, tmp_path), witness.expected(content)
    assert len(found) == len(wanted)
    assert found[:34] == wanted[:34]
    assert found[48:] == wanted[48:]
    assert found[38:46].count("mix") >= 6


def test_a_slow_clip_is_never_more_than_a_frame_off(pool: dict[str, MediaFile], tmp_path: Path) -> None:
    content = cut([(clip("a", 1, 31, 40, speed=Speed(1, 2)), 0)])
    found, wanted = render(content, pool, tmp_path), witness.expected(content)
    assert len(found) == len(wanted)
    # melt shows the nearest of two source frames, we the one that has begun
    assert all(got[0] == want[0] and 0 <= got[1] - want[1] <= 1 for got, want in zip(found, wanted, strict=True))


def test_an_ntsc_cut_is_as_exact(tmp_path: Path) -> None:
    rate = Rate(30000, 1001)
    content = cut([(clip("a", 1, 30, 40), 3), (clip("b", 2, 100, 25), 50)], rate=rate)
    assert render(content, witness.sources(tmp_path, rate), tmp_path) == witness.expected(content)
