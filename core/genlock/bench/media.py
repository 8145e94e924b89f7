"""Figures of media work: a filmstrip against one ffmpeg process a tile, a probe against asking ffmpeg, and the speed of
writing takes against ffmpeg's encoder as it comes."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from genlock.bench import Result, interleaved, p50
from genlock.timeline.model import Resolution
from genlock.timeline.rate import Rate

SIZE = Resolution(1280, 720)
SECONDS = 10
TILES = 10
FRAMES = 48


def run() -> Iterator[Result]:
    """Yields the figures; about half a minute on two cores. Frames are drawn beforehand and not counted."""
    import imageio_ffmpeg

    from genlock.media.service import MediaService

    tool = imageio_ffmpeg.get_ffmpeg_exe()
    with tempfile.TemporaryDirectory() as name, MediaService(lanes=1) as media:
        folder = Path(name)
        movie = _movie(tool, folder / "movie.mp4")
        media.probe(movie)  # the process starts once
        yield _compared(
            "filmstrip of ten against ten ffmpeg processes", "tiles/s", TILES, 4.0, 5,
            lambda: _tiles(tool, movie, folder), lambda: media.filmstrip(movie, count=TILES, height=90),
        )  # fmt: skip
        yield _compared(
            "probe with digest against asking ffmpeg", "files/s", 1, 1.0, 9,
            lambda: _asked(tool, movie), lambda: media.probe(movie),
        )  # fmt: skip
        frames = _frames()
        yield _compared(
            "ProRes take 1280x720 against ffmpeg's ProRes", "frames/s", FRAMES, 1.5, 3,
            lambda: _piped(tool, frames, folder / "floor.mov"), lambda: _written(folder / "take.mov", frames),
        )  # fmt: skip


def _compared(
    name: str,
    unit: str,
    amount: int,
    limit: float,
    rounds: int,
    floor: Callable[[], object],
    ours: Callable[[], object],
) -> Result:
    """Returns how many a second we make against how many the floor makes, timed in turn."""
    floors, subjects = interleaved(rounds, floor, ours)
    return Result(name, amount / p50(subjects), unit, limit, floor=amount / p50(floors), at_least=True)


def _frames() -> list[Any]:
    import numpy as np

    wide = np.zeros((SIZE.height, SIZE.width * 2, 3), np.uint8)
    wide[..., 0] = np.linspace(0, 255, SIZE.width * 2, dtype=np.float32)
    wide[..., 1] = np.linspace(0, 255, SIZE.height, dtype=np.float32)[:, None]
    wide[100:200, ::40] = 255
    return [np.ascontiguousarray(wide[:, at * 8 : at * 8 + SIZE.width]) for at in range(FRAMES)]


def _written(path: Path, frames: list[Any]) -> None:
    from genlock.media.writer import TakeWriter

    with TakeWriter(path, rate=Rate(24), resolution=SIZE) as writer:
        for frame in frames:
            writer.write_video(frame)


def _piped(tool: str, frames: list[Any], path: Path) -> None:
    """Encodes the frames as scripts do: raw RGB through a pipe into ffmpeg's ProRes with its own settings."""
    size = f"{SIZE.width}x{SIZE.height}"
    command = [tool, "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", size, "-r", "24", "-i", "-",
               "-c:v", "prores_ks", "-profile:v", "standard", "-pix_fmt", "yuv422p10le", str(path)]  # fmt: skip
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        for frame in frames:
            process.stdin.write(frame.data)


def _movie(tool: str, path: Path) -> Path:
    source = f"testsrc2=size={SIZE.width}x{SIZE.height}:rate=24:duration={SECONDS}"
    _ffmpeg(tool, "-f", "lavfi", "-i", source, "-f", "lavfi", "-i", f"sine=duration={SECONDS}", "-preset", "veryfast",
            "-c:v", "libx264", "-pix_fmt", "yuv420p", "-g", 48, "-c:a", "aac", path)  # fmt: skip
    return path


def _tiles(tool: str, movie: Path, folder: Path) -> None:
    """Makes ten thumbnails as scripts do: one process each, seeking to its time."""
    for at in range(TILES):
        when = (at + 0.5) * SECONDS / TILES
        _ffmpeg(tool, "-ss", when, "-i", movie, "-frames:v", 1, "-vf", "scale=160:90", folder / "t.jpg")


def _asked(tool: str, movie: Path) -> None:
    subprocess.run([tool, "-hide_banner", "-i", str(movie)], capture_output=True, check=False)


def _ffmpeg(tool: str, *arguments: object) -> None:
    subprocess.run([tool, "-v", "error", "-y", *map(str, arguments)], check=True, stdin=subprocess.DEVNULL)
