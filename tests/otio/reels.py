"""Files that real editing systems wrote, and each of them written in another format."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import genlock_otio
from genlock.timeline.events import Content
from genlock.timeline.profiles import PROFILES
from genlock.timeline.projection import losses
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


def untold(content: Content, dialect: str, told: Mapping[str, int]) -> list[str]:
    """Returns what a dialect does not carry and a report (what -> count) does not name. Of metadata and effects a report
    names only those of other programs: its own ride in the file."""
    own = ("item.effects", ".foreign")
    lost = [one for one in losses(content, PROFILES[dialect]) if not one.feature.endswith(own)]
    return [one.what for one in lost if told.get(one.what, 0) < one.count]
