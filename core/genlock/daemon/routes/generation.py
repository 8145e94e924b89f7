"""Shots from a cut, and takes for shots."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import Field

from genlock.daemon import breakdown, generating, planning
from genlock.daemon.answers import Answer
from genlock.daemon.author import Author
from genlock.daemon.openapi import answers
from genlock.daemon.provide import HEX, AggregateId, Body, RepeatableBody, Uses
from genlock.daemon.views import GenerateAnswer, ShotsFromAnswer
from genlock.errors import BadInput, NotFound

router = APIRouter(prefix="/api/projects")

Hex = Annotated[str, Field(pattern=HEX)]


class ShotsFromBody(RepeatableBody):
    """`tracks` are track ids (all video tracks without); `handles` are frames before and after what the cut shows;
    `stills` makes the first frame of media that is there the shot's conditioning."""

    sequence: Hex
    tracks: list[str] | None = None
    handles: Annotated[int, Field(ge=0, le=1000)] = 0
    stills: bool = True


class GapBody(Body):
    """A gap: a track of a sequence, and a frame inside the gap."""

    sequence: Hex
    track: str
    at: Annotated[int, Field(ge=0)]


class GenerateBody(RepeatableBody):
    """One of `shots`, `all` and `gap`. `overrides` are fields of the GenerationRequest, such as seed or settings. With
    `dry_run` nothing is queued: the answer holds the plans of each shot, or of a shot that is not there yet where none of
    the three is given."""

    shots: Annotated[list[Hex], Field(default_factory=list)]
    all: bool = False
    gap: GapBody | None = None
    mode: str | None = None
    overrides: Annotated[dict[str, Any], Field(default_factory=dict)]
    dry_run: bool = False


@router.post("/{project}/shots-from", **answers(ShotsFromAnswer))
def shots_from(project: AggregateId, body: ShotsFromBody, services: Uses) -> Answer:
    """Makes a shot of each item of a sequence and points the cut at the shots, in one edit."""
    _of_project(services, project, body.sequence)
    shots, version = body.once(
        services,
        f"shots-from {project}",
        lambda author: breakdown.shots_from(
            services, body.sequence, body.tracks, author, handles=body.handles, stills=body.stills
        ),
    )
    return Answer(ShotsFromAnswer(shots, version))


@router.post("/{project}/generate", **answers(GenerateAnswer, status=202))
def generate(project: AggregateId, body: GenerateBody, services: Uses) -> Answer:
    """Queues jobs: for shots, for all shots without a take, or for a gap. 200 with the plans after a dry run."""
    given = bool(body.shots) + body.all + (body.gap is not None)
    if given > 1 or not (given or body.dry_run):
        raise BadInput("bad_request", "Give one of shots, all and gap.")
    if body.dry_run:
        if body.gap is not None:
            raise BadInput("bad_request", "A gap has no shot yet to plan for.")
        if not given:
            return Answer(GenerateAnswer([], [planning.plans_of_first(services, project, _overrides(body))]))
        plans = planning.plans(services, _shots(services, project, body), _overrides(body))
        return Answer(GenerateAnswer([], plans))
    jobs = body.once(services, f"generate {project}", lambda author: _jobs(services, project, body, author))
    return Answer(GenerateAnswer(jobs), status_code=202)


def _jobs(services: Uses, project: str, body: GenerateBody, author: Author) -> list[str]:
    overrides = _overrides(body)
    if body.gap is not None:
        _of_project(services, project, body.gap.sequence)
        gap = body.gap
        return generating.fill_gap(services, gap.sequence, gap.track, gap.at, overrides, author)
    if body.all and (queued := generating.queued_before(services, None, author)):
        return queued  # those shots may have takes by now
    return generating.generate(services, _shots(services, project, body), overrides, author)


def _overrides(body: GenerateBody) -> dict[str, Any]:
    return {**body.overrides, **({"mode": body.mode} if body.mode else {})}


def _shots(services: Uses, project: str, body: GenerateBody) -> list[str]:
    known = {shot.id: shot for shot in services.app.shots(project)}
    if body.all:
        bare = [id_ for id_, shot in known.items() if not any(t.kind == "picture" for t in shot.takes.values())]
        return [id_ for id_ in bare if known[id_].status != "omitted"]
    for id_ in body.shots:
        if id_ not in known:
            raise NotFound("no_such_shot", f"The project has no shot {id_}.")
    return body.shots


def _of_project(services: Uses, project: str, sequence: str) -> None:
    if services.app.sequence_project(sequence) != project:
        raise NotFound("no_such_sequence", f"The project has no sequence {sequence}.")
