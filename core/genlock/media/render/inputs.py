"""Inputs of ffmpeg graphs. ffmpeg-python takes two equal inputs for one and then finds its output used twice, so each is
given a number that makes it unlike all others; a file is opened once for every use, which keeps its frames apart."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any, Final

import ffmpeg

from genlock.media.limits import READ_ONLY_FILES

_PROBE: Final = 5_000_000
"""ffmpeg's own default of how many bytes it looks at; the numbers count up from it."""

_numbers: Iterator[int] = count(_PROBE)


def movie(path: Path, **options: Any) -> Any:
    """Returns a file as input, held to what may be read."""
    return ffmpeg.input(f"file:{path}", probesize=next(_numbers), **READ_ONLY_FILES, **options)


def numbered(pattern: str) -> Any:
    """Returns the images of a pattern, from number 0."""
    return ffmpeg.input(pattern, f="image2", start_number=0, threads=2, probesize=next(_numbers))


def generated(source: str) -> Any:
    """Returns a source filter, e.g. "color=c=black", as input."""
    return ffmpeg.input(source, f="lavfi", probesize=next(_numbers))
