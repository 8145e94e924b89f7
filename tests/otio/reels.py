"""Files that real editing systems wrote, and each of them written in another format."""

from __future__ import annotations

from pathlib import Path

import genlock_otio
from genlock.timeline.profiles import PROFILES
from genlock_otio.values import Imported, Loss

SAMPLES = Path(__file__).parent / "samples"
CUTS = sorted(
    file for file in SAMPLES.glob("*/*") if file.suffix in (".otio", ".json", ".edl", ".fcpxml", ".xml", ".aaf")
)
"""Cuts of Resolve, Hiero, Nuke Studio, Premiere and Final Cut (SOURCES.md)."""
FAST = tuple(name for name in PROFILES if name != "aaf")
"""Dialects without a process of their own."""


def name_of(value: object) -> str:
    """Returns how a test of a sample is called."""
    return f"{value.parent.name}-{value.name}" if isinstance(value, Path) else str(value)


def written(cut: Imported, folder: Path, dialect: str) -> tuple[Path, Loss]:
    """Writes a cut that was read, as another tool's file."""
    path = folder / f"out{PROFILES[dialect].suffixes[0]}"
    nested = dict(cut.nested)
    media = {file.id: file for file in cut.media}
    return path, genlock_otio.write(cut.content, path, media=media, nested=nested.get, dialect=dialect, tag=cut.tag)
