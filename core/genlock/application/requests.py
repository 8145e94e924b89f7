"""Requests made of shots: what the brief, the project's settings and the take at hand say, and what is asked on top."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, get_args

import msgspec
from msgspec.structs import asdict

from genlock.application.application import Application
from genlock.errors import BadInput, NotFound
from genlock.generation import planner
from genlock.media.naming import next_number, sanitise, take_path
from genlock.project.commands import QueueJob
from genlock.project.media import MediaInfo
from genlock.project.project import ProjectState, Settings
from genlock.project.request import GenerationRequest, Mode
from genlock.project.shot import ShotState, Take
from genlock.timeline.model import Resolution

_OF_QUEUE: Final = ("priority", "take")

_GOES_ON: Final[frozenset[Mode]] = frozenset(
    {"extend", "retake", "mask", "track", "inpaint", "upscale", "retime", "scenes"}
)
"""Modes that start from a take when no source is given."""

_WHOLE: Final[frozenset[Mode]] = frozenset({"retake", "track", "inpaint", "upscale", "scenes"})
"""Modes whose result lasts as long as their source."""

_SAME_SIZE: Final[frozenset[Mode]] = frozenset({"mask", "track", "inpaint", "retime", "scenes"})
"""Modes whose result has the size of their source."""

_TOOLS: Final[frozenset[Mode]] = frozenset({"mask", "track", "upscale", "retime", "scenes", "enhance_prompt"})
"""Modes that a brief's engine is not meant for: it says who makes the shot's pictures."""

Probe = Callable[[str], MediaInfo | None]
"""Says what the file at a path is; None where there is none."""

DEEPEST: Final = 32
"""Lists and objects in one another that a request may hold."""

MOST_PRIORITY: Final = 1_000_000

LARGER: Final = 2
"""How much larger an enlarged take is when no size is given."""


def request_for(app: Application, shot: str, probe: Probe | None = None, /, **overrides: Any) -> QueueJob:
    """Returns the command that queues a take of a shot, from its brief and the project's settings.

    `overrides` replace fields of the request (mode, prompt, frames, span, seed, ...), as values or as JSON has them, and
    `priority`; `take` names the take that an extend, a retake, a mask and their like start from (else the selected one), by
    its id or number.
    `probe` says what a file is that `overrides` name as source: the result follows it as it follows a take.
    Without a seed in the brief each take gets another one, always the same for its number.
    Raises NotFound(no_such_shot, no_such_take), BadInput(bad_value, bad_generation).
    """
    state = app.shot(shot)
    project = app.project(state.project)
    number = _number(app, state, project)
    request = _checked(state, project.settings, number, overrides, probe)
    path = take_path(_folder(app, project), state.scene, state.code, number)
    return QueueJob(
        project=project.id,
        shot=state.id,
        request=request,
        output=str(path.parent),
        stem=path.stem,
        number=number,
        priority=_whole(overrides.get("priority", 0)),
    )


def draft(app: Application, shot: str, probe: Probe | None = None, /, **overrides: Any) -> GenerationRequest:
    """Returns the request that `request_for` would queue, without a place for its take."""
    state = app.shot(shot)
    number = max((take.number for take in state.takes.values()), default=0) + 1
    return _checked(state, app.project(state.project).settings, number, overrides, probe)


def first_draft(app: Application, project: str, probe: Probe | None = None, /, **overrides: Any) -> GenerationRequest:
    """Returns the request for the first take of a shot that is not there yet, with an empty brief.

    Raises as `request_for` does; NotFound(no_such_shot) for a mode that writes about a shot.
    """
    if overrides.get("mode") == "enhance_prompt":
        raise NotFound("no_such_shot", "There is no shot yet whose prompt could be written out.")
    shot = ShotState(id="", version=0, project=project, code="")
    return _checked(shot, app.project(project).settings, 1, overrides, probe)


def _checked(
    shot: ShotState, settings: Settings, number: int, overrides: dict[str, Any], probe: Probe | None
) -> GenerationRequest:
    fields = set(GenerationRequest.__struct_fields__)
    unknown = sorted(set(overrides) - fields - set(_OF_QUEUE))
    if unknown:
        raise BadInput("bad_value", f"A request has no {', '.join(unknown)}.")
    if overrides.get("mode", "image") not in get_args(Mode):
        raise BadInput("bad_value", f"There is no mode {overrides['mode']!r}; there are {', '.join(get_args(Mode))}.")
    _whole(overrides.get("priority", 0))
    if fault := _unstorable(overrides):
        raise BadInput("bad_value", fault)
    values = {name: value for name, value in overrides.items() if name in fields}
    request = _request(shot, settings, number, values, overrides.get("take"), probe)
    try:
        msgspec.msgpack.encode(request)
    except (OverflowError, UnicodeEncodeError) as error:
        raise BadInput("bad_value", f"A number or a text of the request cannot be stored: {error}.") from error
    if reason := next(planner.wording(request), None):
        raise BadInput("bad_generation", reason)
    return request


def _request(
    shot: ShotState,
    settings: Settings,
    number: int,
    overrides: dict[str, Any],
    take: str | int | None,
    probe: Probe | None,
) -> GenerationRequest:
    brief = shot.brief
    drop = settings.drop_frame and bool(brief.rate.drop_per_minute)
    base = GenerationRequest(
        mode=_mode(len(brief.conditioning)),
        prompt=brief.prompt,
        negative_prompt=brief.negative_prompt,
        resolution=brief.resolution or settings.resolution,
        frames=brief.frames,
        rate=brief.rate,
        seed=brief.seed or number,
        conditioning=brief.conditioning,
        start_frame=settings.start_frame if brief.rate == settings.rate else 3600 * brief.rate.nominal,
        drop_frame=drop,
        shot_code="_".join(part for part in (shot.scene, shot.code) if part),
        shot_type=brief.shot_type,
        camera=brief.camera,
        engine="" if str(overrides.get("mode")) in _TOOLS else brief.engine or settings.engine,
    )
    given = {**asdict(base), **overrides}
    if "mode" not in overrides and isinstance(overrides.get("conditioning"), list | tuple):
        given["mode"] = _mode(len(overrides["conditioning"]))
    if given["mode"] in _GOES_ON:
        found = _of_file(given, probe) if given["source"] else _continued(shot, given, take)
        given.update((name, value) for name, value in found.items() if name not in overrides or name == "source")
    if given["mode"] == "enhance_prompt" and isinstance(given["settings"], dict):
        given["settings"] = {"context": _context(shot), **given["settings"]}
    try:
        return msgspec.convert(msgspec.to_builtins(given), GenerationRequest)
    except msgspec.ValidationError as error:
        raise BadInput("bad_value", f"The request does not hold together: {error}.") from error


def _of_file(given: dict[str, Any], probe: Probe | None) -> dict[str, Any]:
    """Returns what a request takes over from the file it names as source; nothing from one that is not there."""
    info = probe(given["source"]) if probe is not None and isinstance(given["source"], str) else None
    return {} if info is None else _measured(info, info.start, given["mode"])


def _continued(shot: ShotState, given: dict[str, Any], take: str | int | None) -> dict[str, Any]:
    """Returns what a request takes over from the take it goes on from."""
    chosen = take or shot.selected
    if chosen is None:
        raise BadInput("bad_generation", f"The shot {shot.code} has no take yet to go on from.")
    held = _take(shot, chosen)
    if held is None:
        raise NotFound("no_such_take", f"The shot {shot.code} has no take {chosen}.")
    if held.kind != "picture":
        raise BadInput("bad_generation", f"Take {held.number} of {shot.code} is a {held.kind}, not a picture.")
    if held.info is None:
        return {"source": held.path}
    # Our own files count from 0: what they were made to start at stands in their request.
    begun = held.provenance.request.start_frame if held.provenance else held.info.start
    return {"source": held.path, **_measured(held.info, begun, given["mode"])}


def _take(shot: ShotState, wanted: object) -> Take | None:
    """Returns a take by its id or its number (3, "3", "v003"), None when there is none."""
    if isinstance(wanted, str) and wanted in shot.takes:
        return shot.takes[wanted]
    number = str(wanted).lower().removeprefix("v").lstrip("0")
    return next((take for take in shot.takes.values() if str(take.number) == number), None)


def _measured(info: MediaInfo, begun: int, mode: Mode) -> dict[str, Any]:
    """Returns rate, length, size and timecode of the result as far as the source, which starts at `begun`, decides them."""
    found: dict[str, Any] = {}
    if info.rate is not None:
        found["rate"] = info.rate
    if mode in _WHOLE:
        found["frames"] = max(1, info.frames)
    elif mode == "mask":
        found["frames"] = 1
    if mode in _SAME_SIZE and info.width and info.height:
        found["resolution"] = Resolution(info.width - info.width % 2, info.height - info.height % 2)
    elif mode == "upscale" and info.width and info.height:
        found["resolution"] = Resolution(info.width * LARGER, info.height * LARGER)
    if mode == "extend" or mode in _SAME_SIZE | {"upscale"}:
        found["start_frame"] = begun + (info.frames if mode == "extend" else 0)
    return found


def _context(shot: ShotState) -> dict[str, str]:
    """Returns what a writer of prompts should know of a shot."""
    brief = shot.brief
    seconds = f"{float(brief.frames / brief.rate.fraction):.1f}"
    known = {
        "shot": shot.code,
        "scene": shot.scene,
        "shot_type": brief.shot_type,
        "camera": brief.camera,
        "notes": brief.notes,
        "negative_prompt": brief.negative_prompt,
        "seconds": seconds,
    }
    return {name: text for name, text in known.items() if text}


def _mode(conditions: int) -> Mode:
    return "text_to_video" if not conditions else "image_to_video" if conditions == 1 else "keyframes"


def _number(app: Application, shot: ShotState, project: ProjectState) -> int:
    """Returns the first take number that no take, no job and no file has."""
    taken = [take.number for take in shot.takes.values()]
    taken += [number for owner, number in app.world.reserved if owner == shot.id]
    on_disk = next_number(_folder(app, project), shot.scene, shot.code)
    return max([*(number + 1 for number in taken), on_disk])


def _folder(app: Application, project: ProjectState) -> Path:
    """Returns the project's folder; one of its name beside the store when its settings name none."""
    if project.settings.folder:
        return Path(project.settings.folder)
    store = Path(app.store.location)
    if store.is_absolute() and store.is_file():
        return store.parent / sanitise(project.name)
    message = f"The project {project.name} has no folder for its takes."
    raise BadInput("bad_generation", message, hint="Set the folder in the project's settings.")


def _whole(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or abs(value) > MOST_PRIORITY:
        raise BadInput("bad_value", f"A priority is a whole number up to {MOST_PRIORITY}, not {value!r}.")
    return value


def _unstorable(value: Any) -> str:
    """Returns why a value cannot be written as JSON and read back the same; empty when it can."""
    level = [value]
    for _ in range(DEEPEST):
        if any(isinstance(one, float) and not math.isfinite(one) for one in level):
            return "The request holds a number that is none (NaN), or an infinite one."
        held = [one for one in level if isinstance(one, dict | list | tuple)]
        if not held:
            return ""
        level = [inner for one in held for inner in (one.values() if isinstance(one, dict) else one)]
    return f"The request holds lists or objects in one another, deeper than {DEEPEST}."
