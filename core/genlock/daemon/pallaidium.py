"""What Pallaidium calls a remote backend, contract v0.1: its requests become shots and jobs of a project of their own.

Pallaidium is a generator inside Blender's sequencer whose "Custom URL" may name any service that speaks this dialect. Its
words are kept at this border and nowhere else: a "model" is an engine with a product, a "file" an upload or a take.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, Literal

from msgspec import Struct

from genlock.daemon import generating, uploads
from genlock.daemon.author import Author
from genlock.daemon.breakdown import next_code
from genlock.daemon.paths import request_paths
from genlock.errors import BadInput, NotFound
from genlock.project.commands import CreateProject, CreateShot
from genlock.project.job import Cancelled, Failed, JobState, Running, Succeeded, Waiting
from genlock.project.project import Settings
from genlock.project.shot import Brief
from genlock.timeline.model import Resolution
from genlock.timeline.rate import Rate, snap_rate, source_rate

if TYPE_CHECKING:
    from genlock.daemon.services import Services

CONTRACT: Final = "v0.1"
PROJECT: Final = "Pallaidium"
"""The project that holds what was asked here; its movies are H.264, which is what the add-on saves as .mp4."""
HOST: Final = "pallaidium"
REFERENCES: Final = 4
"""Pictures of reference that an image may have."""
SEEDS: Final = 2**63
ID_LENGTH: Final = 32
KEPT_SECONDS: Final = 24 * 3600.0
"""How long a file that was sent waits for a job."""

_making = Lock()
"""Two requests at once make one project and two codes, and one tidies at a time."""

Kind = Literal["video", "image"]


class ModelEntry(Struct, omit_defaults=True):
    """An engine as it is offered: `type` says what it makes, `modes` from what; the rest are hints for their panel."""

    id: str
    type: Kind
    modes: list[str]
    display_name: str
    description: str
    max_ref_images: int = 0


class Ask(Struct, frozen=True, omit_defaults=True):
    """A request of the add-on. `control_file_id` names a clip to make anew, `anchor_file_ids` are pictures at fractions of
    the clip."""

    model: str = ""
    prompt: str = ""
    negative_prompt: str = ""
    width: int = 1280
    height: int = 720
    num_frames: int = 97
    fps: float = 24.0
    seed: int = 0
    strength: float = 1.0
    num_inference_steps: int | None = None
    guidance_scale: float | None = None
    image_file_id: str = ""
    last_image_file_id: str = ""
    anchor_file_ids: tuple[tuple[str, float], ...] = ()
    reference_file_ids: tuple[str, ...] = ()
    control_file_id: str = ""


class JobView(Struct):
    """A job in the contract's words: queued, running, succeeded or failed. `progress` is 0..1, `file_id` names the take's
    file once there is one."""

    id: str
    status: Literal["queued", "running", "succeeded", "failed"]
    phase: str
    progress: float
    file_id: str | None
    error: str | None


def models(services: Services) -> list[ModelEntry]:
    """Returns what the engines of this machine can make: one entry for each engine and product."""
    found = []
    for name in services.engines.names():
        engine = services.engines.get(name)
        if engine.missing():
            continue
        if "text_to_video" in engine.modes:
            modes = ["t2v", *(["i2v"] if "image_to_video" in engine.modes else [])]
            found.append(ModelEntry(name, "video", modes, f"Genlock {name}", f"Video by {name}, with Genlock's queue"))
        if "image" in engine.modes:
            edits = "edit_image" in engine.modes
            modes = ["t2i", *(["i2i"] if edits else [])]
            text = f"Images by {name}, with Genlock's queue"
            most = REFERENCES if edits else 0
            found.append(ModelEntry(f"{name}/image", "image", modes, f"Genlock {name}", text, most))
    return found


def ask(services: Services, kind: Kind, wanted: Ask, author: Author) -> str:
    """Makes a shot of the request, queues its job and returns the job's id.

    Raises NotFound(no_such_media) for a file that was never sent or is kept no longer, BadInput(bad_generation, bad_rate,
    bad_value).
    """
    engine = _engine(services, kind, wanted.model)
    rate = _rate(wanted.fps)
    frames = wanted.num_frames if kind == "video" else 1
    if frames < 1:
        raise BadInput("bad_generation", f"{frames} frames cannot be made.")
    overrides = {
        **_mode(services, kind, wanted),
        "engine": engine,
        "seed": wanted.seed % SEEDS if wanted.seed > 0 else 0,
        "settings": _settings(wanted),
    }
    brief = Brief(
        prompt=wanted.prompt,
        negative_prompt=wanted.negative_prompt,
        seed=overrides["seed"],
        frames=frames,
        rate=rate,
        resolution=Resolution(wanted.width, wanted.height),
        notes="Asked for by Pallaidium",
    )
    if not overrides["seed"]:
        del overrides["seed"]
    shot = _shot(services, brief, author)
    return generating.generate(services, [shot], overrides, author)[0]


def job(services: Services, id_: str) -> JobView:
    """Returns a job in the contract's words. Raises NotFound(no_such_job)."""
    state = services.app.job(id_)
    done, total, phase = services.progress_of(id_)
    share = min(done / total, 1.0) if total else 0.0
    match state.status:
        case Waiting():
            return JobView(id_, "queued", "waiting", 0.0, None, None)
        case Running(engine=engine):
            return JobView(id_, "running", phase or engine, share, None, None)
        case Succeeded():
            return JobView(id_, "succeeded", "done", 1.0, id_, None)
        case Failed(message=message):
            return JobView(id_, "failed", "failed", share, None, message)
        case Cancelled():
            return JobView(id_, "failed", "cancelled", share, None, "The job was cancelled.")


def file(services: Services, id_: str) -> Path:
    """Returns the file that an id names: what was sent, or the take that a job made.

    Raises NotFound(no_such_job) for an id that names neither, NotFound(no_such_media) for a job without a take.
    """
    try:
        return _sent(services, id_)
    except NotFound:
        state = services.app.job(id_)
        return _take(services, state)


def tidy(services: Services) -> None:
    """Removes files that were sent some time ago and that no job works from."""
    before = time.time() - KEPT_SECONDS
    with _making, suppress(OSError):  # what cannot be removed stays
        found = [path for path in uploads.folder(services).glob("*/*") if _is_id(path.parent.name)]
        old = [path for path in found if path.stat().st_mtime < before]
        if old:
            used = {Path(text).parent.name for job in services.app.jobs() for text in request_paths(job.request)}
            for path in old:
                if path.parent.name not in used:
                    uploads.discard(path)


# -- inside


def _shot(services: Services, brief: Brief, author: Author) -> str:
    """Makes a shot under the next free code, and at first the project."""
    with _making:
        project = _project(services, author)
        codes = {shot.code.casefold() for shot in services.app.shots(project)}
        return author.execute(CreateShot(project, next_code(codes), "", brief)).created[0]


def _project(services: Services, author: Author) -> str:
    for state in services.app.projects():
        if state.name == PROJECT and not state.archived:
            return state.id
    return author.execute(CreateProject(PROJECT, Settings(master="h264"))).created[0]


def _engine(services: Services, kind: Kind, model: str) -> str:
    offered = {entry.id: entry for entry in models(services) if entry.type == kind}
    if model not in offered:
        names = ", ".join(offered) or "none"
        raise BadInput("bad_generation", f"There is no {kind} model {model!r} here; there are {names}.")
    return model.removesuffix("/image")


def _rate(fps: float) -> Rate:
    try:
        return snap_rate(fps)
    except BadInput:
        return source_rate(fps)


def _mode(services: Services, kind: Kind, wanted: Ask) -> dict[str, Any]:
    """Returns the mode with the files it works from."""
    if kind == "image":
        names = (wanted.image_file_id, *wanted.reference_file_ids)
        pictures = [str(_sent(services, name)) for name in names if name]
        if not pictures:
            return {"mode": "image"}
        return {
            "mode": "edit_image",
            "source": pictures[0],
            "references": _conditions((path, 0) for path in dict.fromkeys(pictures[1:])),
        }
    if wanted.control_file_id:
        raise BadInput("bad_generation", "Clips that steer a video are not taken here; pictures are.")
    ends = [(wanted.image_file_id, 0), (wanted.last_image_file_id, -1)]
    last = max(wanted.num_frames - 1, 0)
    middle = [(name, round(min(max(share, 0.0), 1.0) * last)) for name, share in wanted.anchor_file_ids]
    anchors = [(str(_sent(services, name)), frame) for name, frame in (*ends, *middle) if name]
    if not anchors:
        return {"mode": "text_to_video"}
    mode = "image_to_video" if [frame for _, frame in anchors] == [0] else "keyframes"
    return {"mode": mode, "conditioning": _conditions(anchors, wanted.strength)}


def _conditions(pictures: Iterable[tuple[str, int]], strength: float = 1.0) -> list[dict[str, Any]]:
    weight = min(max(strength, 0.0), 1.0) or 1.0
    return [{"path": path, "frame": frame, "strength": weight} for path, frame in pictures]


def _settings(wanted: Ask) -> dict[str, Any]:
    given = {"steps": wanted.num_inference_steps, "guidance": wanted.guidance_scale}
    return {name: value for name, value in given.items() if value}


def _sent(services: Services, id_: str) -> Path:
    folder = uploads.folder(services) / id_
    there = _is_id(id_) and folder.is_dir()
    found = next((path for path in folder.iterdir() if path.is_file()), None) if there else None
    if found is None:
        raise NotFound("no_such_media", f"No file {id_!r} was sent here.")
    return found


def _is_id(text: str) -> bool:
    return len(text) == ID_LENGTH and text.isascii() and text.isalnum()


def _take(services: Services, state: JobState) -> Path:
    shot = services.app.shot(state.shot)
    for take in shot.takes.values():
        if take.job == state.id:
            return services.roots.readable(take.path)
    raise NotFound("no_such_media", "That job has made no file yet.")
