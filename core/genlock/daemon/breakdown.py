"""A cut becomes a list of shots: each item gets a shot of its own, and the cut points at the shots from then on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from genlock.daemon.author import Author
from genlock.daemon.pool import Sources
from genlock.daemon.repeats import reused
from genlock.daemon.stills import save_still
from genlock.errors import NotFound, Refused
from genlock.project.commands import CreateShot
from genlock.project.request import Conditioning
from genlock.project.shot import Brief
from genlock.timeline.commands import Batch, ReplaceSource
from genlock.timeline.lane import Slot
from genlock.timeline.model import Item, Media, Shot, source_range, source_step
from genlock.timeline.sequence import Sequence

if TYPE_CHECKING:
    from genlock.daemon.services import Services

CODE = re.compile(
    r"(?:^|[^A-Za-z0-9])(?:(?P<scene>SC\d{1,4}[A-Z]?)[ _-]?)?(?P<code>SH[ _-]?\d{2,5}[A-Z]?)(?![A-Za-z0-9])", re.I
)
STEP = 10

SHOT, EDIT = "shot", "edit"
"""Steps of a request, see Author."""


class Planned(Struct, frozen=True):
    """A shot to make of an item. `head` and `tail` are handles in frames before and after what the cut shows."""

    item: Item
    code: str
    scene: str
    brief: Brief
    source_in: int


def shots_from(
    services: Services,
    sequence: str,
    tracks: list[str] | None,
    author: Author,
    *,
    handles: int = 0,
    stills: bool = True,
) -> tuple[list[str], int]:
    """Makes a shot for each item that shows media on the tracks (all video tracks without any named), and replaces the
    items' sources in one edit; place and duration of every item stay. Returns the shots' ids and the new version.

    Raises NotFound(no_such_track) and Refused(no_change) when nothing there shows media.
    """
    state = services.app.sequence(sequence)
    project = services.app.sequence_project(sequence)
    if (done := author.done(EDIT)) is not None:
        if done.target != sequence:
            raise reused(author.id)
        return [answer.created[0] for answer in author.all_done(SHOT)], done.version
    taken = _codes(services, project, without={answer.created[0] for answer in author.all_done(SHOT)})
    plans = list(plan(state, _tracks(state, tracks), taken, handles))
    if not plans:
        raise Refused("no_change", "No item of these tracks shows media: there is nothing to make shots of.")
    if stills:
        plans = [_with_still(services, project, state, each) for each in plans]
    commands = (CreateShot(project, each.code, each.scene, each.brief) for each in plans)
    made = author.execute_all(commands, step=SHOT)
    ids = [accepted.created[0] for accepted in made]
    edits = tuple(
        ReplaceSource(each.item.id, Shot(id_), each.source_in, each.code) for each, id_ in zip(plans, ids, strict=True)
    )
    accepted = author.execute(Batch(edits, f"{len(ids)} shots from the cut"), sequence, step=EDIT)
    return ids, accepted.version


def plan(state: Sequence, tracks: list[str], taken: set[str], handles: int) -> Iterator[Planned]:
    """Yields the shots to make, in the order of the cut; `taken` are codes in use, in lower case, and grows."""
    rows = sorted((slot.start, number, item) for number, t in enumerate(tracks) for slot, item in _shown(state, t))
    head, tail = _transition_handles(state)
    for _, _, item in rows:
        code, scene = _code(item.name, taken)
        taken.add(code.casefold())
        bare = replace(item, source=Shot(""), source_in=0)
        step = source_step(bare, state.rate)
        first, end = source_range(bare, state.rate)
        before = max(handles, -(-head.get(item.id, 0) * abs(step.numerator) // step.denominator))
        after = max(handles, -(-tail.get(item.id, 0) * abs(step.numerator) // step.denominator))
        seed = int.from_bytes(blake2b(f"{state.id}{item.id}".encode(), digest_size=4).digest())
        brief = Brief(
            prompt=_prompt(item.name),
            seed=seed,
            frames=before + (end - first) + after,
            rate=state.rate,
            resolution=None,
            notes=f"From {item.name or item.id} of {state.name}",
        )
        yield Planned(item, code, scene, brief, before - first)


def next_code(taken: set[str]) -> str:
    """Returns the first free code: SH0010, SH0020 and so on."""
    number = STEP
    while f"sh{number:04d}" in taken:
        number += STEP
    return f"SH{number:04d}"


def _shown(state: Sequence, track: str) -> Iterator[tuple[Slot, Item]]:
    for slot, item in state.placed(track):
        if isinstance(item.source, Media):
            yield slot, item


def _tracks(state: Sequence, named: list[str] | None) -> list[str]:
    for track in named or ():
        if track not in state.tracks:
            raise NotFound("no_such_track", f"{state.name} has no track {track}.")
    return named or [t for t in state.order if state.tracks[t].kind == "video"]


def _codes(services: Services, project: str, without: set[str]) -> set[str]:
    return {shot.code.casefold() for shot in services.app.shots(project) if shot.id not in without}


def _code(name: str, taken: set[str]) -> tuple[str, str]:
    found = CODE.search(Path(name).stem if "." in name else name)
    if found:
        code = re.sub(r"[ _-]", "", found["code"]).upper()
        if code.casefold() not in taken:
            return code, (found["scene"] or "").upper()
    return next_code(taken), ""


def _prompt(name: str) -> str:
    words = re.sub(r"[_\W]+", " ", CODE.sub(" ", Path(name).stem if "." in name else name)).strip()
    return words if re.search(r"[A-Za-z]{3}", words) else ""


def _transition_handles(state: Sequence) -> tuple[dict[str, int], dict[str, int]]:
    """Returns the sequence frames that transitions need before (by the right item) and after (by the left item)."""
    head, tail = {}, {}
    for transition in state.transitions.values():
        if transition.right is not None:
            head[transition.right] = transition.in_offset
        if transition.left is not None:
            tail[transition.left] = transition.out_offset
    return head, tail


def _with_still(services: Services, project: str, state: Sequence, planned: Planned) -> Planned:
    """Gives the brief the first frame that the old media shows, when there is one to be read."""
    item = planned.item
    path = Sources(services.app, services.roots, project).path_of(item)
    if path is None or not isinstance(item.source, Media):
        return planned
    frame = source_range(item, state.rate)[0] - item.source.first
    name = f"{planned.scene}_{planned.code}".strip("_")
    still = save_still(services, project, path, frame, name)
    if still is None:
        return planned
    return replace(planned, brief=replace(planned.brief, conditioning=(Conditioning(str(still)),)))
