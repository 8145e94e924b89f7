"""Media that a timeline file names join the pool before its cut does."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from msgspec.structs import replace

from genlock.daemon.author import Author
from genlock.daemon.probing import locate, probed
from genlock.errors import GenlockError, Refused
from genlock.media import numbered
from genlock.project.commands import AddMedia, ChangeMedia
from genlock.project.media import MediaFile

if TYPE_CHECKING:
    from genlock.daemon.services import Services

MEDIA: Final = "import media"
"""The step of a request, see Author."""
TRIES: Final = 5


def gather(
    services: Services, project: str, files: Iterable[MediaFile], beside: Path, author: Author
) -> list[MediaFile]:
    """Adds the files that the pool does not hold yet, in one event, and returns them. What takes long to read is probed by
    a task afterwards."""
    wanted = tuple(files)
    for attempt in range(TRIES):
        media, late = _fresh(services, project, wanted, beside)
        if not media:
            return []
        try:
            author.execute(AddMedia(tuple(media)), project, step=MEDIA)
        except Refused as error:
            # Somebody else's import brings some of them along at this moment: what is left is asked for again. The refusal
            # may come before theirs is in the pool for all to see.
            if error.code not in ("no_change", "id_taken") or attempt == TRIES - 1:
                raise
            continue
        if late:
            services.tasks.start("probe", project, _later(services, project, late, author))
        return media
    return []


def _missing(services: Services, project: str, files: Iterable[MediaFile]) -> list[MediaFile]:
    pool = services.app.project(project).media
    return [file for file in files if file.id not in pool]


def _fresh(
    services: Services, project: str, files: Iterable[MediaFile], beside: Path
) -> tuple[list[MediaFile], list[MediaFile]]:
    """Returns the entries to add, and those of them to probe after the answer because reading them takes long."""
    fresh, late, budget = [], [], services.settings.probe_limit
    for file in _missing(services, project, files):
        path = locate(services, file, beside)
        budget -= _bytes(path) if path else 0
        if path is not None and budget < 0:
            waiting = replace(file, path=str(path), missing=False)
            fresh.append(waiting)
            late.append(waiting)
        else:
            fresh.append(probed(services, file, path))
    return fresh, late


def _bytes(path: Path) -> int:
    """Returns how much there is to read of a file or numbered images."""
    run = numbered.find(path)
    return sum(image.stat().st_size for image in ([path] if run is None else run.paths))


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
