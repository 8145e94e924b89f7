"""What becomes of a file that was dropped into a watched folder: a cut is merged, a render of a shot is its new take, other
media join the pool, and what cannot be used is moved aside with the reason beside it."""

from __future__ import annotations

import os
import re
from errno import ELOOP
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from msgspec import Struct

from genlock.daemon import marking, probing
from genlock.daemon.author import Author
from genlock.daemon.homecoming import Asked
from genlock.daemon.merging import merge_file
from genlock.errors import BadInput, GenlockError
from genlock.media import naming
from genlock.project.commands import AddTake
from genlock.project.shot import ShotState, Take
from genlock.timeline.merge import Policy
from genlock.timeline.profiles import PROFILES

if TYPE_CHECKING:
    from genlock.daemon.services import Services

REJECTED: Final = "Rejected"
"""The folder inside of a watched one where files go that cannot be used."""
REASON: Final = ".reason.txt"

CUTS: Final = frozenset(suffix for profile in PROFILES.values() for suffix in profile.suffixes if suffix != ".json")
MEDIA: Final = frozenset(
    {
        ".mov", ".mp4", ".m4v", ".mkv", ".webm", ".mxf", ".avi", ".mpg", ".ts", ".wav", ".aif", ".aiff", ".flac", ".mp3",
        ".m4a", ".aac", ".png", ".jpg", ".jpeg", ".tif", ".tiff", ".exr", ".dpx", ".webp",
    }
)  # fmt: skip
MARKERS: Final = (".srt", ".markers.csv", ".markers.edl")
"""Lists whose markers are added; Avid's .txt may be any text and is only read when it is named."""
_VERSION: Final = re.compile(r"^(?P<stem>.+?)(?:[_-]v(?P<number>\d{1,6}))?$", re.IGNORECASE)


class Into(Struct, frozen=True):
    """What a watched folder feeds: a project, and the sequence that returned cuts are merged into."""

    project: str
    sequence: str
    policy: Policy = "ask"


class Dropped(Struct, frozen=True):
    """What became of one file. `moved` is where it lies now when it was moved aside."""

    path: str
    what: Literal["merged", "unchanged", "take", "media", "known", "rejected", "failed"]
    message: str
    code: str = ""
    version: int | None = None
    conflicts: int = 0
    moved: str = ""


def take_in(services: Services, into: Into, path: Path, author: Author) -> Dropped:
    """Uses one file that has arrived. Raises GenlockError for one that cannot be used."""
    if path.suffix.lower() in CUTS or path.name.lower().endswith(MARKERS):
        return _cut(services, into, path, author)
    return _medium(services, into, path, author)


def is_for_us(path: Path) -> bool:
    """Returns whether the suffix is one of a cut, of media, or of subtitles."""
    return path.suffix.lower() in CUTS or path.suffix.lower() in MEDIA or path.name.lower().endswith(MARKERS)


def _cut(services: Services, into: Into, path: Path, author: Author) -> Dropped:
    kind = marking.list_kind(path)
    if kind:
        answer = marking.add_markers(services, into.project, into.sequence, path, kind, author)
    else:
        answer = merge_file(services, into.project, into.sequence, path, Asked(into.policy, once=True), author)
    open_ = len(answer.conflicts)
    if not (answer.ops or answer.conflicts or answer.nested):
        return Dropped(str(path), "unchanged", "holds nothing new", version=answer.version)
    count = len(answer.changes)
    message = f"{count} change{'s' if count != 1 else ''} came in as version {answer.version}"
    if open_:
        message += f", {open_} conflict{'s' if open_ != 1 else ''} left open"
    return Dropped(str(path), "merged", message, version=answer.version, conflicts=open_)


def _medium(services: Services, into: Into, path: Path, author: Author) -> Dropped:
    shot = _shot_of(services, into.project, path)
    if shot is not None:
        return _take(services, shot, path, author)
    known = services.app.project(into.project).media
    if any(file.path == str(path) and file.info is not None for file in known.values()):
        before = next(file for file in known.values() if file.path == str(path))
        (now,) = probing.add(services, into.project, [str(path)], author)
        if now == before:
            return Dropped(str(path), "known", "is in the media pool already")
        return Dropped(str(path), "media", "was replaced on the disk: probed again")
    probing.add(services, into.project, [str(path)], author)
    return Dropped(str(path), "media", "joined the media pool")


def _shot_of(services: Services, project: str, path: Path) -> ShotState | None:
    """Returns the shot whose code the file's name says: SC03_SH0040_v003.mov, SH0040.mov."""
    found = _VERSION.match(path.stem)
    stem = (found["stem"] if found else path.stem).lower()
    for shot in services.app.shots(project):
        names = {naming.stem(shot.scene, shot.code).lower(), naming.sanitise(shot.code).lower()}
        if stem in names:
            return shot
    return None


def _take(services: Services, shot: ShotState, path: Path, author: Author) -> Dropped:
    info = services.media.probe(path)
    same = next((t for t in shot.takes.values() if t.info is not None and t.info.digest == info.digest), None)
    if same is not None:
        return Dropped(str(path), "known", f"is take v{same.number:03d} of {shot.code} already")
    if info.kind == "audio":
        raise BadInput("bad_value", f"{path.name} holds no picture, so it is no take of {shot.code}.")
    numbers = {take.number for take in shot.takes.values()}
    found = _VERSION.match(path.stem)
    wanted = int(found["number"]) if found and found["number"] else 0
    number = wanted if wanted > 0 and wanted not in numbers else max(numbers, default=0) + 1
    id_ = "k" + blake2b(f"{shot.id}/{info.digest}".encode(), digest_size=8).hexdigest()
    author.execute(AddTake(Take(id_, number, str(path), info=info)), shot.id)
    return Dropped(str(path), "take", f"is take v{number:03d} of {shot.code}")


def reject(folder: Path, path: Path, error: GenlockError) -> Dropped:
    """Moves a file aside, with a text beside it that says why."""
    aside = folder / REJECTED
    try:
        aside.mkdir(exist_ok=True)
        if aside.is_symlink():
            raise OSError(ELOOP, f"{REJECTED} is a link")
        to = _free(aside, path.name)
        os.replace(path, to)
        text = f"{path.name} could not be used.\n\n{error.message}\n{error.hint}\n\n({error.code})\n"
        to.with_name(to.name + REASON).write_text(text, encoding="utf-8")
    except OSError as problem:
        more = f"{error.message} It could not be moved aside: {problem.strerror}."
        return Dropped(str(path), "failed", more, error.code)
    return Dropped(str(path), "rejected", error.message, error.code, moved=str(to))


def _free(folder: Path, name: str) -> Path:
    """Returns a path in the folder that nothing has yet."""
    plain = Path(name)
    count = 1
    to = folder / name
    while to.exists():
        count += 1
        to = folder / f"{plain.stem} {count}{plain.suffix}"
    return to
