# SPDX-License-Identifier: GPL-3.0-or-later
"""What "generate" means where a person is: which shot, which request, where the result goes. Pure: walks of `asking`.

Each function checks first and raises Cannot with a sentence, then returns the walk. Nothing is sent before it is started.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any, NamedTuple

from genlock_client.model import Model, SequenceModel, Value

from . import scenery
from .asking import Body, Ended, Post, Render, Steps, Walk, command, generate
from .scenery import Cannot, Place, Shown

ALPHA_OVER = {"blender": {"props": {"blend_type": "ALPHA_OVER"}}}
"""What makes a clip with an alpha channel show what lies below it."""


class Form(NamedTuple):
    """What a person set. Zero and "" leave a value to the brief, the project or the engine.

    `still`: one picture instead of a clip. `use` says what of a strip is a condition: its "first" frame, its "last" one or
    all of it as a "clip". `points` are `(x, y, inside)` in pixels of the source, given on `on` (a frame of the source).
    """

    prompt: str = ""
    negative: str = ""
    seed: int = 0
    frames: int = 97
    width: int = 0
    height: int = 0
    strength: float = 1.0
    still: bool = False
    use: str = "first"
    engine: str = ""
    variants: int = 1
    text: str = ""
    points: tuple[tuple[float, float, bool], ...] = ()
    on: int = 0
    direction: str = "both"


# -- what is common to all


def overrides(form: Form, **more: Any) -> Body:
    """Returns the fields of the request that a person set, and `more`."""
    given: Body = {}
    for name, value in (
        ("prompt", form.prompt),
        ("negative_prompt", form.negative),
        ("seed", form.seed),
        ("engine", form.engine),
    ):
        if value:
            given[name] = value
    if form.width and form.height:
        given["resolution"] = [form.width - form.width % 2, form.height - form.height % 2]
    return {**given, **more}


def project_of(model: Model) -> str:
    """Returns the project's id; raises Cannot while nothing is connected."""
    if model.project is None:
        raise Cannot("Genlock is not connected")
    return str(model.project["id"])


def _brief(sequence: SequenceModel, form: Form, frames: int, conditioning: Iterable[Body] = ()) -> Body:
    size = (form.width, form.height) if form.width and form.height else scenery.size_of(sequence)
    return {
        "prompt": form.prompt,
        "negative_prompt": form.negative,
        "seed": form.seed,
        "frames": frames,
        "rate": list(scenery.rate_of(sequence)),
        "resolution": [size[0] - size[0] % 2, size[1] - size[1] % 2],
        "conditioning": list(conditioning),
    }


def _queue(project: str, shots: list[str], mode: str, given: Body, variants: int) -> Walk:
    """Queues the takes and says how many; without a seed each take gets its own from the daemon."""
    queued: list[str] = []
    for number in range(max(1, variants)):
        varied = {**given, "seed": given["seed"] + number} if given.get("seed") else given
        answer = yield generate(project, {"shots": shots, **({"mode": mode} if mode else {}), "overrides": varied})
        queued += answer["jobs"]
    return "1 take is queued" if len(queued) == 1 else f"{len(queued)} takes are queued"


def _put(sequence: SequenceModel, code: str, source: Body, start: int, frames: int, **more: Any) -> Post:
    """Returns the edit that shows something on the lowest free track at `start`, on a new one where none is free."""
    above = more.pop("above", "")
    item = {"id": uuid.uuid4().hex, "name": code, "source": source, "duration": frames, **more}
    track = scenery.free_track(sequence, start, frames, above)
    if track:
        return command("OverwriteItem", sequence.id, f"Add {code}", track=track, at=start, item=item)
    track, top = uuid.uuid4().hex, _top(sequence)
    commands = [
        {"do": "AddTrack", "kind": "video", "id": track, **({"after": top} if top else {})},
        {"do": "OverwriteItem", "track": track, "at": start, "item": item},
    ]
    return command("Batch", sequence.id, f"Add {code}", commands=commands)


def _top(sequence: SequenceModel) -> str:
    videos = [track["id"] for track in sequence.tracks if track["kind"] == "video"]
    return str(videos[-1]) if videos else ""


def _as_shot(model: Model, place: Place, seen: Shown) -> Steps[str]:
    """Makes a shot of a strip that shows media: what it showed is the shot's first take, so that it can be had back."""
    sequence, item = scenery.sequence_of(model, place), scenery.item_of(model, place, seen.key)
    project, code, take = project_of(model), scenery.next_code(model), uuid.uuid4().hex
    frames = seen.of or seen.frames
    brief = {**_brief(sequence, Form(), frames), "notes": f"From {scenery.name_of(item)} of {sequence.name}"}
    made = yield command("CreateShot", project=project, code=code, brief=brief)
    shot = str(made["created"][0])
    held = {"id": take, "number": 1, "path": seen.path, **({"info": seen.info} if seen.info else {})}
    yield command("AddTake", shot, take=held)
    old = item["source"]
    kept = {name: old[name] for name in ("first", "frames", "rate") if old.get(name) is not None}
    source = {"type": "shot", "shot": shot, **kept}
    at = int(item.get("source_in", 0))
    yield command(
        "ReplaceSource", sequence.id, f"{code} from {item['name']}", item=seen.key, source=source, source_in=at
    )
    return shot


def _worked_on(model: Model, place: Place) -> tuple[Value, Shown]:
    """Returns the active strip's item and what it shows, for what works on a file; raises Cannot where there is none."""
    item = scenery.active(model, place)
    seen = scenery.shown(model, place, item["id"])
    if seen.rendered:
        raise Cannot("{name} is no picture or clip: render it to a file first", name=scenery.name_of(item))
    return item, seen


def _shot_of(model: Model, place: Place, seen: Shown) -> Steps[str]:
    """Answers the shot of what a strip shows, making one where there is none, and with it the take it shows."""
    if seen.shot:
        return seen.shot
    shot = yield from _as_shot(model, place, seen)
    return shot


# -- what can be made


def at_playhead(model: Model, place: Place, form: Form) -> Walk:
    """A new shot at the playhead, on a free track."""
    sequence, project = scenery.sequence_of(model, place), project_of(model)
    if not form.prompt.strip():
        raise Cannot("Write a prompt first")
    return _new_shot(model, project, sequence, place.frame, form, [], "image" if form.still else "text_to_video")


def _new_shot(
    model: Model, project: str, sequence: SequenceModel, start: int, form: Form, conditions: list[Body], mode: str
) -> Walk:
    code = scenery.next_code(model)
    brief = _brief(sequence, form, form.frames, conditions)
    made = yield command("CreateShot", project=project, code=code, brief=brief)
    shot = made["created"][0]
    yield _put(sequence, code, {"type": "shot", "shot": shot}, max(0, start), form.frames)
    return (yield from _queue(project, [shot], mode, overrides(form), form.variants))


def into_gap(model: Model, place: Place, form: Form) -> Walk:
    """A shot as long as the gap at the playhead, led by the pictures on both sides."""
    project, hole = project_of(model), scenery.hole(model, place)
    gap = {"sequence": place.sequence, "track": hole.track, "at": hole.start}
    return _gap(project, gap, overrides(form))


def _gap(project: str, gap: Body, given: Body) -> Walk:
    answer = yield generate(project, {"gap": gap, "overrides": given})
    return "1 take is queued" if len(answer["jobs"]) == 1 else f"{len(answer['jobs'])} takes are queued"


def from_strips(model: Model, place: Place, form: Form) -> Walk:
    """A new shot at the playhead that follows the chosen strips: one is its beginning, two its beginning and end."""
    sequence, project = scenery.sequence_of(model, place), project_of(model)
    keys = scenery.chosen(place)
    seen = [scenery.shown(model, place, key) for key in keys]
    if not seen:
        raise Cannot("Select the strips to start from")
    return _conditioned(model, project, sequence, place, form, seen)


def _conditioned(
    model: Model, project: str, sequence: SequenceModel, place: Place, form: Form, seen: list[Shown]
) -> Walk:
    conditions = []
    for number, each in enumerate(seen):
        each = yield from _with_file(sequence, each)
        at = 0 if form.still else landing(number, len(seen), form.frames)
        conditions.append(condition(each, form, at))
    mode = "image" if form.still else condition_mode(conditions)
    return (yield from _new_shot(model, project, sequence, place.frame, form, conditions, mode))


def condition_mode(conditions: list[Body]) -> str:
    """Returns the mode that shows these conditions in a clip."""
    return "image_to_video" if len(conditions) == 1 else "keyframes"


def landing(number: int, count: int, frames: int) -> int:
    """Returns the frame of the result on which condition `number` of `count` lies: spread from its first to its last."""
    return 0 if count == 1 or number == 0 else -1 if number == count - 1 else number * (frames - 1) // (count - 1)


def condition(seen: Shown, form: Form, frame: int) -> Body:
    """Returns what a request says of a strip as its condition."""
    given: Body = {"path": seen.path, "frame": frame}
    if form.strength != 1.0:
        given["strength"] = form.strength
    if seen.still:
        return given
    if form.use == "clip":
        return {**given, "first": seen.first, "frames": seen.frames}
    at = seen.first + (seen.frames - 1 if form.use == "last" else 0)
    return {**given, **({"first": at} if at else {})}


def _with_file(sequence: SequenceModel, seen: Shown) -> Steps[Shown]:
    """Answers a strip as a file: as it is, or rendered by another Blender over the frames it shows."""
    if not seen.rendered:
        return seen
    start = sequence.start(seen.key)
    path = yield Render((seen.key,), start, start + seen.frames)
    return seen._replace(path=path, first=0, of=seen.frames, rendered=False)


def extend(model: Model, place: Place, form: Form) -> Walk:
    """A new shot behind the active strip that goes on from its last frame."""
    sequence, project = scenery.sequence_of(model, place), project_of(model)
    item = scenery.active(model, place)
    seen = scenery.shown(model, place, item["id"])
    if seen.still:
        raise Cannot("{name} is a still: start from it instead", name=scenery.name_of(item))
    return _extended(model, project, sequence, item, seen, form)


LED_BY = 96
"""Frames at the end of a strip that an extension looks at, when they have to be rendered first."""


def _extended(model: Model, project: str, sequence: SequenceModel, item: Value, seen: Shown, form: Form) -> Walk:
    end = sequence.start(item["id"]) + int(item["duration"])
    path = seen.path
    if seen.rendered or not seen.whole or (item.get("speed") or [1, 1]) != [1, 1]:
        # An extension goes on from a file's last frame, so what a strip cuts off must not be in the file.
        path = yield Render((seen.key,), max(sequence.start(item["id"]), end - LED_BY), end)
    code = scenery.next_code(model)
    made = yield command("CreateShot", project=project, code=code, brief=_brief(sequence, form, form.frames))
    shot, source = made["created"][0], {"type": "shot", "shot": made["created"][0]}
    laid = {"id": uuid.uuid4().hex, "name": code, "source": source, "duration": form.frames}
    track = next(track for track in sequence.tracks if track["id"] == item["track"])
    if track.get("placement", "free") == "free" and scenery.has_room(sequence, item["track"], end, form.frames):
        yield command("OverwriteItem", sequence.id, f"Extend with {code}", track=item["track"], at=end, item=laid)
    else:
        yield _put(sequence, code, source, end, form.frames)
    given = overrides(form, source=path, frames=form.frames, rate=list(scenery.rate_of(sequence)))
    return (yield from _queue(project, [shot], "extend", given, form.variants))


def retake(model: Model, place: Place, form: Form) -> Walk:
    """The marked range of the active strip once more, as a further take of its shot."""
    project = project_of(model)
    item, seen = _worked_on(model, place)
    if seen.still:
        raise Cannot("{name} is a still: edit it instead", name=scenery.name_of(item))
    span = scenery.span_in_source(model, place, item)
    return _take_of(model, place, project, seen, "retake", form, span=list(span))


def edit_image(model: Model, place: Place, form: Form) -> Walk:
    """The active picture as the prompt wants it, as a further take of its shot."""
    project = project_of(model)
    item, seen = _worked_on(model, place)
    if not seen.still:
        raise Cannot("{name} is a clip, not a picture", name=scenery.name_of(item))
    if not form.prompt.strip():
        raise Cannot("Write a prompt first")
    size = _size(seen)
    return _take_of(model, place, project, seen, "edit_image", form, source=seen.path, **size)


def _size(seen: Shown) -> Body:
    """Returns the size of a result that is as large as its source, as even as pictures of a cut have to be."""
    known = seen.info or {}
    width, height = int(known.get("width", 0)), int(known.get("height", 0))
    return {"resolution": [width - width % 2, height - height % 2]} if width >= 16 and height >= 16 else {}


def inpaint(model: Model, place: Place, form: Form) -> Walk:
    """What the points or the words choose in the active strip, made anew: a further take of its shot."""
    project = project_of(model)
    _, seen = _worked_on(model, place)
    more = {"selections": selections(form)}
    return _take_of(model, place, project, seen, "inpaint", form._replace(width=0, height=0), **more)


def _take_of(model: Model, place: Place, project: str, seen: Shown, mode: str, form: Form, **more: Any) -> Walk:
    shot = yield from _shot_of(model, place, seen)
    if seen.take and "source" not in more:
        more["take"] = seen.take
    if mode != "edit_image" and "resolution" not in more:
        form = form._replace(width=0, height=0)
    return (yield from _queue(project, [shot], mode, overrides(form, **more), form.variants))


def selections(form: Form) -> list[Body]:
    """Returns what is to be masked; raises Cannot when nothing was said."""
    chosen: Body = {}
    if form.points:
        chosen["points"] = [[x, y, inside] for x, y, inside in form.points]
    if form.text.strip():
        chosen["text"] = form.text.strip()
    if not chosen:
        raise Cannot("Draw points in the preview, or say in words what to mask")
    return [{**chosen, **({"frame": form.on} if form.on else {})}]


def mask(model: Model, place: Place, form: Form) -> Walk:
    """What the points or the words choose, cut out of one frame and laid over the strip as a clip with alpha."""
    return _cut_out(model, place, form, "mask")


def track(model: Model, place: Place, form: Form) -> Walk:
    """The same through the whole clip."""
    item, seen = _worked_on(model, place)
    if seen.still:
        raise Cannot("{name} is a still: there is nothing to follow", name=scenery.name_of(item))
    return _cut_out(model, place, form, "track")


def _cut_out(model: Model, place: Place, form: Form, mode: str) -> Walk:
    project = project_of(model)
    item, seen = _worked_on(model, place)
    given: Body = {"selections": selections(form)}
    if mode == "track":
        given["direction"] = form.direction
    if form.engine:
        given["engine"] = form.engine
    return _masked(model, place, project, item, seen, mode, given)


def _masked(model: Model, place: Place, project: str, item: Value, seen: Shown, mode: str, given: Body) -> Walk:
    shot = yield from _shot_of(model, place, seen)
    if seen.take:
        given["take"] = seen.take
    answer = yield generate(project, {"shots": [shot], "mode": mode, "overrides": given})
    jobs = yield Ended(tuple(answer["jobs"]))
    status = jobs[0]["status"]
    if status["type"] != "succeeded":
        return "The mask was not made: " + str(status.get("message") or status["type"])
    return (yield from lay_over(model, place, item["id"], shot, status["take"]))


def lay_over(model: Model, place: Place, key: str, shot: str, take: str) -> Walk:
    """Lays a mask take over the strip it was made of, as an alpha clip on a free track above; answers with a sentence."""
    sequence, item = scenery.sequence_of(model, place), scenery.item_of(model, place, key)
    held = model.shots.get(shot, {}).get("takes", {}).get(take)
    if held is None:
        raise Cannot("The shot has no such take")
    return _lay(project_of(model), sequence, item, held)


def _lay(project: str, sequence: SequenceModel, item: Value, held: Value) -> Walk:
    answer = yield Post(f"/api/projects/{project}/media", {"paths": [held["path"]]})
    media, info = answer["media"][0], answer["media"][0].get("info") or {}
    start, duration = sequence.start(item["id"]), int(item["duration"])
    source: Body = {"type": "media", "media": media["id"]}
    first, more = int(info.get("start", 0)), {}
    if info.get("kind") == "video":
        # A mask counts its frames as its source does, so the same cut of it lies over the same pictures.
        source.update(first=first, frames=info.get("frames"), rate=info.get("rate"))
        ahead = int(item.get("source_in", 0)) - int(item["source"].get("first", 0))
        more = {"source_in": first + ahead, "speed": item.get("speed") or [1, 1]}
    name = media.get("name") or held["path"].replace("\\", "/").rsplit("/", 1)[-1]
    yield _put(sequence, name, source, start, duration, above=item["track"], foreign=ALPHA_OVER, **more)
    return f"{name} lies over the strip"


def again(model: Model, place: Place, form: Form) -> Walk:
    """A further take of each chosen shot, by its own brief; the prompt above is used only for a single one."""
    project = project_of(model)
    keys = scenery.chosen(place)
    shots: list[str] = []
    for key in keys:
        source = scenery.sequence_of(model, place).items.get(key, {}).get("source", {})
        if source.get("type") == "shot" and source["shot"] not in shots:
            shots.append(source["shot"])
    if not shots:
        raise Cannot("Select strips that show shots")
    given = overrides(form)
    if len(shots) > 1:
        for name in ("prompt", "negative_prompt", "resolution"):
            given.pop(name, None)
    return _queue(project, shots, "", given, form.variants)
