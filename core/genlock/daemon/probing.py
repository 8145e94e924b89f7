"""Files and numbered images join the media pool: probed where they lie, never copied."""

from __future__ import annotations

from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from msgspec.structs import replace

from genlock.daemon.author import Author
from genlock.daemon.paths import is_plain_file
from genlock.daemon.views import RefusedPath
from genlock.errors import GenlockError, NotFound, Refused
from genlock.project.commands import AddMedia, ChangeMedia
from genlock.project.media import MediaFile, MediaInfo

if TYPE_CHECKING:
    from genlock.daemon.services import Services

TRIES: Final = 5


def media_id(path: Path) -> str:
    """Returns the pool id of a file: `f` and 16 hex digits of its path, the same each time."""
    return "f" + blake2b(str(path).encode(), digest_size=8).hexdigest()


class Added(NamedTuple):
    """What became of paths: the entries of the pool, the pool id of each path as it was written, and what was refused."""

    media: list[MediaFile]
    paths: dict[str, str]
    refused: list[RefusedPath]


def add(services: Services, project: str, paths: list[str], author: Author) -> list[MediaFile]:
    """Probes files and numbered images and adds them; all or none. Raises GenlockError for the first one of no use."""
    pool = _by_path(services, project)
    files = []
    for text in paths:
        path = services.roots.medium(text)
        files.append(_entry(pool, path, services.media.probe(path)))
    _store(services, project, files, author)
    return files


def add_each(services: Services, project: str, paths: list[str], author: Author) -> Added:
    """Adds what can be: a file that is not there joins as missing, one that nothing reads joins unprobed. What may not be
    used, or could not be looked at in time, is refused by itself."""
    pool = _by_path(services, project)
    found: dict[str, MediaFile] = {}
    refused: list[RefusedPath] = []
    for text in dict.fromkeys(paths):
        try:
            found[text] = _kept(services, pool, text)
        except GenlockError as error:
            refused.append(RefusedPath(text, error.code, error.message, error.hint))
    files = list({file.id: file for file in found.values()}.values())
    _store(services, project, files, author)
    return Added(files, {text: file.id for text, file in found.items()}, refused)


def _by_path(services: Services, project: str) -> dict[str, MediaFile]:
    return {file.path: file for file in services.app.project(project).media.values()}


def _entry(pool: dict[str, MediaFile], path: Path, info: MediaInfo | None, *, missing: bool = False) -> MediaFile:
    known = pool.get(str(path))
    return MediaFile(known.id if known else media_id(path), str(path), path.name, info, missing)


def _kept(services: Services, pool: dict[str, MediaFile], text: str) -> MediaFile:
    """Returns the entry of one path; raises GenlockError for what may not be used or was not looked at."""
    try:
        path = services.roots.medium(text)
    except GenlockError as error:
        if error.code not in ("no_such_file", "media_missing"):
            raise
        path = services.roots.resolve(text)
        known = pool.get(str(path))
        return _entry(pool, path, known.info if known else None, missing=True)
    try:
        return _entry(pool, path, services.media.probe(path))
    except GenlockError as error:
        if error.code != "media_unreadable":
            raise
        return _entry(pool, path, None)


def _store(services: Services, project: str, files: list[MediaFile], author: Author) -> None:
    """Adds the entries that are new, in one event, and changes those that are otherwise by now."""
    for attempt in range(TRIES):
        pool = services.app.project(project).media
        fresh = tuple(file for file in files if file.id not in pool)
        if not fresh:
            break
        try:
            author.execute(AddMedia(fresh), project)
            break
        except Refused as error:
            # Another host brings some of them along at this moment; the refusal may come before theirs is to be seen.
            if error.code not in ("no_change", "id_taken") or attempt == TRIES - 1:
                raise
    for file in files:
        if pool.get(file.id) not in (None, file):
            author.execute(ChangeMedia(file), project)


def relink(services: Services, media: str, text: str, author: Author) -> MediaFile:
    """Points a pool entry to where the file lies now and probes it. Raises NotFound(no_such_media) and as `add`."""
    path = services.roots.medium(text)
    for project in services.app.projects():
        old = project.media.get(media)
        if old is not None:
            new = replace(old, path=str(path), info=services.media.probe(path), missing=False)
            if new != old:
                author.execute(ChangeMedia(new), project.id)
            return new
    raise NotFound("no_such_media", f"No project has the media {media!r}.")


def locate(services: Services, file: MediaFile, beside: Path) -> Path | None:
    """Returns where an imported file's media lies, a plain file or numbered images: at its own path, or relative to the
    folder of the file that names it. None when it is not there or may not be read."""
    text = file.path.removeprefix("file://localhost").removeprefix("file://")
    if not text:
        return None
    for candidate in dict.fromkeys((Path(text), beside / text, beside / Path(text.replace("\\", "/")).name)):
        try:
            if candidate.is_absolute() and not candidate.is_dir():
                return services.roots.medium(str(candidate))
        except GenlockError:
            continue
    return None


def probed(services: Services, file: MediaFile, path: Path | None) -> MediaFile:
    """Returns the entry with what is known of it now; one that cannot be decoded stays, unprobed."""
    if path is None:
        return replace(file, missing=True)
    found = replace(file, path=str(path), missing=False)
    try:
        return replace(found, info=services.media.probe(path))
    except GenlockError:
        return found


def facts(services: Services, text: str) -> MediaInfo | None:
    """Returns what a file is, without its digest; None when it is not there.

    Raises BadInput(bad_value), AccessError(outside_roots), MediaError(media_unreadable).
    """
    path = services.roots.resolve(text)
    return services.media.probe(path, digest=False) if is_plain_file(path) else None
