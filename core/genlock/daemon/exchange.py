"""Cuts come in from files: a sequence of its own each, or a returned cut merged into one (merging)."""

from __future__ import annotations

from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from genlock.application.commands import ImportSequence
from genlock.application.envelope import Accepted
from genlock.daemon.author import Author
from genlock.daemon.probing import locate, probed
from genlock.daemon.repeats import reused
from genlock.daemon.stills import project_folder
from genlock.daemon.views import ImportAnswer, MediaRow
from genlock.errors import GenlockError
from genlock.project.commands import AddMedia, ChangeMedia
from genlock.project.media import MediaFile
from genlock.project.project import MediaAdded
from genlock.timeline.events import Content, Origin, SequenceImported
from genlock.timeline.model import Shot

if TYPE_CHECKING:
    from genlock.daemon.services import Services

IMPORT, MEDIA = "import", "import media"
"""Steps of requests, see Author."""


def import_file(services: Services, project: str, path: Path, name: str, author: Author) -> ImportAnswer:
    """Reads a timeline file into a new sequence; its media join the pool first.

    Raises BadInput with the reader's code when the file cannot be used; nothing is stored then.
    """
    import genlock_otio

    services.app.project(project)
    done = author.done(IMPORT)
    if done is not None:
        return _imported(services, project, path, done, author)
    digest = blake2b(path.read_bytes(), digest_size=16).hexdigest()
    unpacked = project_folder(services, project) / "media" / digest[:8]
    read = genlock_otio.read(path, media_folder=unpacked)
    imported = genlock_otio.beside(read, lambda id_: _nested(services, id_) is not None)
    content = replace(imported.content, name=name) if name else imported.content
    media, late = _media(services, project, imported.media, path.parent)
    if media:
        author.execute(AddMedia(tuple(media)), project, step=MEDIA)
    origin = Origin(str(path), imported.dialect, digest)
    accepted = author.execute(ImportSequence(project, content, origin, imported.nested), step=IMPORT, kind="import")
    if late:
        services.tasks.start("probe", project, _later(services, project, late, author))
    return ImportAnswer(
        sequence=accepted.created[0] if accepted.created else accepted.target,
        version=accepted.version,
        media=[MediaRow(file.id, file.name, file.path, file.missing) for file in media],
        shots=sum(isinstance(p.item.source, Shot) for part in content.tracks for p in part.items),
        warnings=list(imported.warnings),
        dialect=imported.dialect,
        name=content.name,
    )


def _imported(services: Services, project: str, path: Path, done: Accepted, author: Author) -> ImportAnswer:
    """Returns the answer to an import made before, from the log; what the reader warned of is not kept there."""
    event = services.store.recorded(done.first_id, done.first_id)[0].event
    if not isinstance(event, SequenceImported) or (event.project, event.origin.path) != (project, str(path)):
        raise reused(author.id)
    added = author.done(MEDIA)
    events = services.store.recorded(added.first_id, added.last_id) if added else []
    files = [file for row in events if isinstance(row.event, MediaAdded) for file in row.event.media]
    return ImportAnswer(
        sequence=done.created[0],
        version=done.version,
        media=[MediaRow(file.id, file.name, file.path, file.missing) for file in files],
        shots=sum(isinstance(p.item.source, Shot) for part in event.content.tracks for p in part.items),
        dialect=event.origin.dialect,
        name=event.content.name,
    )


def _media(
    services: Services, project: str, files: tuple[MediaFile, ...], beside: Path
) -> tuple[list[MediaFile], list[MediaFile]]:
    """Returns the entries to add, and those of them to probe after the answer because reading them takes long."""
    pool = services.app.project(project).media
    fresh, late, budget = [], [], services.settings.probe_limit
    for file in files:
        if file.id in pool:
            continue
        path = locate(services, file, beside)
        budget -= path.stat().st_size if path else 0
        if path is not None and budget < 0:
            waiting = replace(file, path=str(path), missing=False)
            fresh.append(waiting)
            late.append(waiting)
        else:
            fresh.append(probed(services, file, path))
    return fresh, late


def _later(services: Services, project: str, files: list[MediaFile], author: Author) -> Any:
    def work(on_progress: Any, cancelled: Any) -> dict[str, int]:
        for number, file in enumerate(files):
            if cancelled():
                raise GenlockError("cancelled")
            found = probed(services, file, Path(file.path))
            if found != file:
                author.execute(ChangeMedia(found), project)
            on_progress(number + 1, len(files))
        return {"probed": len(files)}

    return work


def _nested(services: Services, id_: str) -> Content | None:
    try:
        return services.app.content(id_)
    except GenlockError:
        return None
