"""Cuts come in from files: a sequence of its own each, or a returned cut merged into one (merging)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from genlock.application.commands import ImportSequence
from genlock.application.envelope import Accepted
from genlock.daemon.author import Author
from genlock.daemon.gathering import MEDIA, gather
from genlock.daemon.reading import read_timeline
from genlock.daemon.repeats import reused
from genlock.daemon.views import ImportAnswer, MediaRow
from genlock.project.project import MediaAdded
from genlock.timeline.events import Origin, SequenceImported
from genlock.timeline.model import Shot
from genlock.timeline.rate import Rate

if TYPE_CHECKING:
    from genlock.daemon.services import Services

IMPORT = "import"
"""The step of a request, see Author."""


def import_file(
    services: Services,
    project: str,
    path: Path,
    name: str,
    author: Author,
    *,
    dialect: str = "",
    rate: Rate | None = None,
) -> ImportAnswer:
    """Reads a timeline file into a new sequence; its media join the pool first.

    Raises BadInput with the reader's code when the file cannot be used; nothing is stored then.
    """
    import genlock_otio

    owner = services.app.project(project)
    done = author.done(IMPORT)
    if done is not None:
        return _imported(services, project, path, done, author)
    # lists that do not say their rate are of the project's, once it has shown at which it works
    rate = rate or (owner.settings.rate if owner.sequences else None)
    found = read_timeline(services, project, path, dialect=dialect, rate=rate)
    imported = genlock_otio.beside(found.imported, lambda id_: id_ in services.app.world.homes)
    content = replace(imported.content, name=name) if name else imported.content
    media = gather(services, project, imported.media, path.parent, author)
    origin = Origin(str(path), imported.dialect, found.digest)
    accepted = author.execute(ImportSequence(project, content, origin, imported.nested), step=IMPORT, kind="import")
    return ImportAnswer(
        sequence=accepted.created[0] if accepted.created else accepted.target,
        version=accepted.version,
        media=[MediaRow(file.id, file.name, file.path, file.missing) for file in media],
        shots=sum(isinstance(p.item.source, Shot) for part in content.tracks for p in part.items),
        warnings=list(imported.warnings),
        dialect=imported.dialect,
        name=content.name,
        made_from=imported.tag.sequence if services.app.world.homes.get(imported.tag.sequence) == project else "",
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
