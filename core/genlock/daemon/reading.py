"""A timeline file as it lies on the disk: read by its format's reader, with the digest of its bytes."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from genlock.daemon.stills import project_folder
from genlock.timeline.profiles import PROFILES
from genlock.timeline.rate import Rate

if TYPE_CHECKING:
    from genlock.daemon.services import Services
    from genlock_otio import Imported

BUNDLE = ".otioz"
"""What brings its media along: they are unpacked into the project's folder."""


class Found(NamedTuple):
    """What a file holds, and the blake2b-128 of its bytes."""

    imported: Imported
    digest: str
    dialect: str
    """Of genlock.timeline.profiles: what the file can carry."""


def read_timeline(
    services: Services, project: str, path: Path, *, dialect: str = "", rate: Rate | None = None
) -> Found:
    """Reads a timeline file. `dialect` "" is found out; `rate` is for formats that do not say theirs. Raises BadInput with
    the reader's code and the place in the file."""
    import genlock_otio

    folder, digest = None, ""
    if path.suffix.lower() == BUNDLE:
        digest = _digest(path)
        folder = project_folder(services, project) / "media" / digest[:8]
    imported = genlock_otio.read(path, dialect=dialect, rate=rate, media_folder=folder)
    return Found(imported, digest or _digest(path), _profile(imported.dialect, path, dialect))


def _profile(tool: str, path: Path, asked: str) -> str:
    from genlock_otio.dialects import dialect_of

    if asked or tool in PROFILES:
        return asked or tool
    found = next((p.name for p in PROFILES.values() if path.suffix.lower() in p.suffixes), None)
    return found or dialect_of(path.with_suffix(".otio")).profile.name


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
