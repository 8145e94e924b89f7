"""Projects and what belongs to them, to read."""

from __future__ import annotations

from fastapi import APIRouter

from genlock.application.world import plain
from genlock.daemon import picture
from genlock.daemon.answers import Answer
from genlock.daemon.openapi import answers
from genlock.daemon.provide import AggregateId, Uses
from genlock.daemon.views import MediaFile, ProjectView, SequenceRow, ShotView

router = APIRouter(prefix="/api/projects")


@router.get("", **answers(list[ProjectView]))
def projects(services: Uses) -> Answer:
    """All projects by name."""
    return Answer([services.app.wire_project(state.id) for state in services.app.projects()])


@router.get("/{project}", **answers(ProjectView))
def project(project: AggregateId, services: Uses) -> Answer:
    """One project."""
    return Answer(services.app.wire_project(project))


@router.get("/{project}/sequences", **answers(list[SequenceRow]))
def sequences(project: AggregateId, services: Uses) -> Answer:
    """A project's sequences."""
    found = services.app.project(project).sequences
    return Answer([picture.row(services.app.sequence(id_)) for id_ in found])


@router.get("/{project}/shots", **answers(list[ShotView]))
def shots(project: AggregateId, services: Uses) -> Answer:
    """A project's shots by code."""
    return Answer([plain(shot) for shot in services.app.shots(project)])


@router.get("/{project}/media", **answers(list[MediaFile]))
def media(project: AggregateId, services: Uses) -> Answer:
    """A project's media pool by name."""
    files = services.app.project(project).media.values()
    return Answer(sorted(files, key=lambda file: (file.name.casefold(), file.id)))
