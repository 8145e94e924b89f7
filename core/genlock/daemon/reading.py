"""A timeline file as it lies on the disk: read by its format's reader, with the digest of its bytes."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from genlock.daemon.stills import project_folder
from genlock.errors import BadInput, NotFound
from genlock.timeline.profiles import PROFILES
from genlock.timeline.rate import Rate

if TYPE_CHECKING:
    from genlock.daemon.services import Services
    from genlock_otio import Imported

BUNDLE = ".otioz"
"""What brings its media along: they are unpacked into the project's folder."""
TRIES: Final = 3


class Found(NamedTuple):
    """What a file holds, and the blake2b-128 of its bytes."""

    imported: Imported
    digest: str
    dialect: str
    """Of genlock.timeline.profiles: what the file can carry."""


def read_timeline(
    services: Services, project: str, path: Path, *, dialect: str = "", rate: Rate | None = None
) -> Found:
    """Reads a timeline file. `dialect` "" is found out; `rate` is for formats that do not say theirs. The digest is that of
    the bytes that were read: a file saved anew meanwhile is read again.

    Raises NotFound(no_such_file), BadInput with the reader's code and the place in the file, and unknown_format for one
    that does not stop changing.
    """
    import genlock_otio

    digest = digest_of(path)
    for _ in range(TRIES):
        folder = project_folder(services, project) / "media" / digest[:8] if path.suffix.lower() == BUNDLE else None
        imported = genlock_otio.read(path, dialect=dialect, rate=rate, media_folder=folder)
        before, digest = digest, digest_of(path)
        if digest == before:
            return Found(imported, digest, _profile(imported.dialect, path, dialect))
    raise BadInput("unknown_format", f"{path.name} changes while it is read.", hint="Import it when it is saved.")


def _profile(tool: str, path: Path, asked: str) -> str:
    from genlock_otio.dialects import dialect_of

    if asked or tool in PROFILES:
        return asked or tool
    found = next((p.name for p in PROFILES.values() if path.suffix.lower() in p.suffixes), None)
    return found or dialect_of(path.with_suffix(".otio")).profile.name


def digest_of(path: Path) -> str:
    """Returns the blake2b-128 of a file. Raises NotFound(no_such_file), BadInput(unknown_format)."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise NotFound("no_such_file", f"{path} does not exist.") from error
    except OSError as error:
        raise BadInput("unknown_format", f"{path} cannot be read: {error.strerror}.") from error
