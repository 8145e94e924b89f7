"""Files and numbered images join the media pool: probed where they lie, never copied."""

from __future__ import annotations

from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from genlock.daemon.author import Author
from genlock.daemon.paths import is_plain_file
from genlock.errors import GenlockError, NotFound
from genlock.project.commands import AddMedia, ChangeMedia
from genlock.project.media import MediaFile, MediaInfo

if TYPE_CHECKING:
    from genlock.daemon.services import Services


def media_id(path: Path) -> str:
    """Returns the pool id of a file: `f` and 16 hex digits of its path, the same each time."""
    return "f" + blake2b(str(path).encode(), digest_size=8).hexdigest()


def add(services: Services, project: str, paths: list[str], author: Author) -> list[MediaFile]:
    """Probes files and numbered images and adds them; all or none. Raises GenlockError for the first one of no use."""
    pool = services.app.project(project).media
    files = []
    for text in paths:
        path = services.roots.medium(text)
        known = next((file for file in pool.values() if file.path == str(path)), None)
        info = services.media.probe(path)
        id_ = known.id if known else media_id(path)
        files.append(MediaFile(id_, str(path), path.name, info))
    fresh = tuple(file for file in files if pool.get(file.id) is None)
    if fresh:
        author.execute(AddMedia(fresh), project)
    for file in files:
        if pool.get(file.id) not in (None, file):
            author.execute(ChangeMedia(file), project)
    return files


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
    """Returns where an imported file's media lies: at its own path, or relative to the folder of the file that names it.
    None when it is not there or may not be read."""
    text = file.path.removeprefix("file://localhost").removeprefix("file://")
    if not text:
        return None
    for candidate in dict.fromkeys((Path(text), beside / text, beside / Path(text.replace("\\", "/")).name)):
        try:
            if candidate.is_absolute():
                return services.roots.readable(str(candidate))
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
