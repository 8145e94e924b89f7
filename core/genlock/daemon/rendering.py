"""A sequence becomes a movie, as a task."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from genlock.daemon.pool import Sources
from genlock.daemon.tasks import Task
from genlock.errors import GenlockError
from genlock.project.media import MediaInfo
from genlock.timeline.sequence import Sequence

if TYPE_CHECKING:
    from genlock.daemon.services import Services

MOVIES = (".mov", ".mp4")


def start(services: Services, sequence: str, path: Path, version: int | None) -> Task:
    """Starts a render of a sequence as it is now (or was at a version). Raises NotFound when there is none."""
    state = services.app.sequence(sequence, version)
    project = services.app.sequence_project(sequence)

    def work(on_progress: Any, cancelled: Any) -> Any:
        from genlock.media import render

        sources = Sources(services.app, services.roots, project)
        plan = render.plan(
            state, sources.path_of, lambda id_: _nested(services, id_), info=lambda path: _info(services, path)
        )
        result = render.render(plan, path, on_progress=on_progress, cancelled=cancelled, media=services.media)
        return msgspec.to_builtins(result, enc_hook=str)

    return services.tasks.start("render", project, work)


def _nested(services: Services, id_: str) -> Sequence | None:
    try:
        return services.app.sequence(id_)
    except GenlockError:
        return None


def _info(services: Services, path: Path) -> MediaInfo | None:
    try:
        return services.media.probe(path, digest=False)
    except GenlockError:
        return None
