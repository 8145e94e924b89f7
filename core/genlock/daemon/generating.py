"""Shots become jobs, and gaps become shots."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from genlock.daemon import language
from genlock.daemon.author import Author
from genlock.daemon.breakdown import next_code
from genlock.daemon.paths import request_paths
from genlock.daemon.pool import Sources
from genlock.daemon.probing import facts
from genlock.daemon.repeats import reused
from genlock.daemon.stills import ensure_folder, save_still
from genlock.errors import NotFound, Refused
from genlock.project.commands import CreateShot
from genlock.project.shot import Brief
from genlock.timeline.commands import FillGap
from genlock.timeline.model import Gap, Item, Media, Shot, source_range
from genlock.timeline.sequence import Sequence

if TYPE_CHECKING:
    from genlock.daemon.services import Services


SHOT, FILL, JOB = "gap shot", "gap fill", "job"
"""Steps of a request, see Author."""


class Hole(NamedTuple):
    """A gap of a track: frames `start` to `end` (exclusive), and the items on both sides."""

    start: int
    end: int
    left: Item | None
    right: Item | None


def generate(services: Services, shots: list[str], overrides: dict[str, Any], author: Author) -> list[str]:
    """Queues a job for each shot and returns the jobs' ids; all requests are made before the first is queued.

    Raises NotFound(no_such_shot), BadInput(bad_generation), AccessError(outside_roots).
    """
    from genlock.application.requests import request_for

    queued = queued_before(services, shots, author)
    commands = []
    for shot in shots[len(queued) :]:
        ensure_folder(services, services.app.shot(shot).project, author)
        wanted = language.chosen(services, shot, overrides)
        command = request_for(services.app, shot, partial(facts, services), **wanted)
        for path in (command.output, *request_paths(command.request)):
            services.roots.resolve(path)
        commands.append(command)
    services.ensure_runner()
    made = author.execute_all(commands, step=JOB, first=len(queued))
    return [*queued, *(accepted.created[0] for accepted in made)]


def queued_before(services: Services, shots: list[str] | None, author: Author) -> list[str]:
    """Returns the jobs that the same request queued before. Raises Refused(command_id_reused) when they are not of these
    shots (None: of any)."""
    jobs = [answer.created[0] for answer in author.all_done(JOB)]
    if shots is not None and [services.app.job(job).shot for job in jobs] != shots[: len(jobs)]:
        raise reused(author.id)
    return jobs


def fill_gap(
    services: Services, sequence: str, track: str, at: int, overrides: dict[str, Any], author: Author
) -> list[str]:
    """Makes a shot of a gap's length, puts it into the gap and queues its job, led by the pictures on both sides.

    Raises Refused(no_gap_here) and as `generate`.
    """
    filled = author.done(FILL)
    if filled is not None and filled.target != sequence:
        raise reused(author.id)
    state = services.app.sequence(sequence, filled.version - 1 if filled else None)
    project = services.app.sequence_project(sequence)
    hole = find_hole(state, track, at)
    made = author.done(SHOT)
    code = (
        services.app.shot(made.created[0]).code
        if made
        else next_code({shot.code.casefold() for shot in services.app.shots(project)})
    )
    frames = hole.end - hole.start
    brief = Brief(prompt=str(overrides.get("prompt", "")), frames=frames, rate=state.rate, notes=f"Fills {state.name}")
    made = made or author.execute(CreateShot(project, code, "", brief), step=SHOT)
    shot = made.created[0]
    if filled is None:
        item = Item("", Shot(shot), frames, code)
        author.execute(FillGap(track, hole.start, item), sequence, step=FILL, label=f"Fill the gap with {code}")
    sides = _sides(services, project, state, hole, code)
    mode = "fill_gap" if sides else "text_to_video"
    return generate(services, [shot], {"mode": mode, **sides, **overrides}, author)


def find_hole(state: Sequence, track: str, at: int) -> Hole:
    """Returns the gap at frame `at` of a track. Raises NotFound(no_such_track), Refused(no_gap_here)."""
    if track not in state.tracks:
        raise NotFound("no_such_track", f"{state.name} has no track {track}.")
    solid = [(slot, item) for slot, item in state.placed(track) if not isinstance(item.source, Gap)]
    before = [(slot, item) for slot, item in solid if slot.end <= at]
    after = [(slot, item) for slot, item in solid if slot.start > at]
    covered = len(before) + len(after) < len(solid)
    if covered or not after or at < 0:
        raise Refused("no_gap_here", f"There is no gap at frame {at} of {state.tracks[track].name or track}.")
    start = before[-1][0].end if before else 0
    return Hole(start, after[0][0].start, before[-1][1] if before else None, after[0][1])


def _sides(services: Services, project: str, state: Sequence, hole: Hole, code: str) -> dict[str, str]:
    """Returns the pictures next to the gap as files: the last frame before it and the first one after it."""
    sources = Sources(services.app, services.roots, project)
    found = {}
    for name, item, last in (("source", hole.left, True), ("after", hole.right, False)):
        path = sources.path_of(item) if item is not None else None
        if item is not None and path is not None:
            still = save_still(services, project, path, _shown(state, item, last=last), f"{code}_{name}")
            if still is not None:
                found[name] = str(still)
    return found


def _shown(state: Sequence, item: Item, *, last: bool) -> int:
    """Returns the file frame that an item shows first or last."""
    low, end = source_range(item, state.rate)
    first = item.source.first if isinstance(item.source, Media | Shot) else 0
    backwards = item.speed.fraction < 0
    return (end - 1 if last != backwards else low) - first
