"""Programs no one here wrote, and what their renders must show: frame-coded media, the frames the model says, and those
of a movie."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from genlock.project.media import MediaFile
from genlock.timeline.events import Content, Placed, TrackContent, restore
from genlock.timeline.layout import visible_at
from genlock.timeline.model import Item, Media, Resolution, Track, source_frame
from genlock.timeline.rate import Rate
from tests.media import coded

SIZE = Resolution(*coded.SIZE)
FRAMES = 240


def require(program: str) -> str:
    """Returns where the program is; without it the test is skipped with a reason, or fails under REQUIRE_WITNESSES."""
    found = shutil.which(program)
    if found is None:
        reason = f"WITNESS MISSING: {program} is not installed, so nobody but us has seen this export"
        if os.environ.get("REQUIRE_WITNESSES"):
            pytest.fail(reason)
        pytest.skip(reason)
    return found


def sources(folder: Path, rate: Rate = Rate(24)) -> dict[str, MediaFile]:
    """Writes three frame-coded films; the pool's ids are f1, f2, f3."""
    pool = {}
    for number in (1, 2, 3):
        path = folder / f"s{number}.mov"
        coded.make(path, number, FRAMES, rate, codec="mpeg4")
        pool[f"f{number}"] = MediaFile(f"f{number}", str(path), path.name)
    return pool


def clip(id_: str, source: int, into: int, length: int, **more: object) -> Item:
    return Item(id_, Media(f"f{source}", 0, FRAMES), length, id_, into, **more)  # type: ignore[arg-type]


def cut(*tracks: list[tuple[Item, int]], rate: Rate = Rate(24), **more: object) -> Content:
    """Returns a cut of free video tracks, bottom first, of (item, start)."""
    parts = [
        TrackContent(Track(f"t{n}", "video", f"V{n}", "free"), tuple(Placed(item, start) for item, start in row))
        for n, row in enumerate(tracks, 1)
    ]
    return Content("witness", rate, resolution=SIZE, tracks=tuple(parts), **more)  # type: ignore[arg-type]


def expected(content: Content) -> list[tuple[int, int] | None]:
    """Returns what each frame shows, (source, frame), None for black; transitions are not counted."""
    state = restore("0" * 32, 1, content)
    found: list[tuple[int, int] | None] = []
    for frame in range(state.duration):
        item = visible_at(state, frame)
        if item is None:
            found.append(None)
        else:
            assert isinstance(item.source, Media)
            found.append(
                (int(item.source.media[1:]), source_frame(item, content.rate, frame - state.slot(item.id).start))
            )
    return found


def shown(movie: Path) -> list[tuple[int, int] | str | None]:
    """Returns what each frame of a movie shows, None for black, "mix" for anything else."""
    return [None if code == "black" else code for code in coded.codes(movie)]


PLAIN = {
    "cuts": cut(
        [(clip("a", 1, 30, 40), 0), (clip("b", 2, 100, 25), 40), (clip("c", 3, 5, 33), 65), (clip("d", 1, 200, 20), 98)]
    ),
    "gaps": cut([(clip("a", 1, 30, 40), 7), (clip("b", 2, 100, 25), 60), (clip("c", 3, 5, 33), 86)]),
    "upper": cut(
        [(clip("a", 1, 30, 40), 0), (clip("b", 2, 100, 25), 50)],
        [(clip("o", 3, 150, 20), 15), (clip("p", 3, 20, 10), 44)],
        [(clip("q", 2, 7, 9), 30)],
    ),
}  # fmt: skip
"""What every witness that renders must show without one wrong frame."""
