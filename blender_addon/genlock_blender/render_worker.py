# SPDX-License-Identifier: GPL-3.0-or-later
"""Renders a saved file in a Blender of its own: `blender --background --python render_worker.py -- JOB.json`, or the same
with a Python that has bpy: `python render_worker.py JOB.json`.

The job is one JSON object (see `Job`). What happens is told on stdout in lines that begin with `genlock: ` and go on as
JSON: {"total"} once, {"done", "frame"} for each frame, then {"path", "frames", "codec"} or {"error": {"code", "message"}}.
The file is opened and never saved.
"""

from __future__ import annotations

import json
import os
import sys
import types
from pathlib import Path
from typing import Any, Final, NamedTuple

PREFIX: Final = "genlock: "
KINDS: Final = ("prores", "h264", "png")
SUFFIXES: Final = {"prores": ".mov", "h264": ".mp4", "png": ""}


class Job(NamedTuple):
    """What to render. `strips` are ids or names; none stands for the whole scene. The frames are `first` to `last`
    (exclusive) on the scene's timeline; without them those of the strips, or of the scene. `size` is (width, height) in
    pixels, which the picture covers: Blender scales a cut by whole per cents only; (0, 0) is the scene's. `out` is a
    file, or for the kind "png" a folder."""

    file: str
    out: str
    scene: str = ""
    strips: tuple[str, ...] = ()
    first: int | None = None
    last: int | None = None
    kind: str = "prores"
    size: tuple[int, int] = (0, 0)


class Unfit(Exception):
    """The job cannot be done as it stands; `code` and the text are for a person."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(message)


def tell(**fields: Any) -> None:
    """Prints one line for whoever started this."""
    sys.stdout.write(f"{PREFIX}{json.dumps(fields)}\n")
    sys.stdout.flush()


def run(job: Job) -> None:
    """Renders. Raises Unfit."""
    import bpy

    if job.kind not in KINDS:
        raise Unfit("bad_value", f"{job.kind!r} is none of {', '.join(KINDS)}.")
    scene = _open(job)
    if job.strips:
        chosen = _chosen(scene, job.strips)
        _isolate(scene, chosen)
        shown = (min(_edges(strip)[0] for strip in chosen), max(_edges(strip)[1] for strip in chosen))
    else:
        shown = (scene.frame_start, scene.frame_end + 1)
    first = shown[0] if job.first is None else job.first
    last = shown[1] if job.last is None else job.last
    if last <= first:
        raise Unfit("bad_value", f"From frame {first} to {last} there is nothing to render.")
    if first < 0:
        raise Unfit("bad_value", f"Blender renders from frame 0 on, and this begins at {first}.")
    codec = _set_up(scene, job, first, last)
    tell(total=last - first)
    done = _Count(scene.name)
    bpy.app.handlers.render_write.append(done)
    try:
        bpy.ops.render.render(animation=True, scene=scene.name)
    except RuntimeError as error:
        raise Unfit("render_failed", _said(error)) from error
    finally:
        bpy.app.handlers.render_write.remove(done)  # Blender 4.5 never ends with a handler left
    path = Path(job.out)
    if done.frames < last - first or not path.exists():
        raise Unfit("render_failed", f"{done.frames} of {last - first} frames were written.")
    tell(path=str(path), frames=done.frames, codec=codec)


class _Count:
    """Tells of each frame that was written."""

    def __init__(self, scene: str) -> None:
        self.scene, self.frames = scene, 0

    def __call__(self, scene: Any, *_rest: Any) -> None:
        if scene.name == self.scene:
            self.frames += 1
            tell(done=self.frames, frame=scene.frame_current)


def _open(job: Job) -> Any:
    import bpy

    try:
        bpy.ops.wm.open_mainfile(filepath=job.file, load_ui=False, use_scripts=False)
    except RuntimeError as error:
        raise Unfit("render_failed", _said(error)) from error
    scene = bpy.data.scenes.get(job.scene) if job.scene else bpy.context.scene
    if scene is None:
        names = ", ".join(each.name for each in bpy.data.scenes)
        raise Unfit("bad_value", f"The file has no scene {job.scene!r}; it has {names}.")
    return scene


def _chosen(scene: Any, wanted: tuple[str, ...]) -> list[Any]:
    """Returns the strips by id or name. Raises Unfit when one is not there."""
    from genlock_blender import compat

    every = list(compat.strips_all(scene.sequence_editor)) if scene.sequence_editor else []
    found = []
    for key in wanted:
        strip = next((each for each in every if each.get("genlock_id") == key), None)
        strip = strip or next((each for each in every if each.name == key), None)
        if strip is None:
            raise Unfit("bad_value", f"The scene {scene.name!r} has no strip {key!r}.")
        found.append(strip)
    return found


def _edges(strip: Any) -> tuple[int, int]:
    from genlock_blender import compat

    return getattr(strip, compat.A.left), getattr(strip, compat.A.right)


def _isolate(scene: Any, chosen: list[Any]) -> None:
    """Mutes what is neither chosen nor part of it: a meta strip's children, an effect's inputs, the metas around it."""
    from genlock_blender import compat

    needed: set[str] = set()

    def need(strip: Any) -> None:
        if strip is None or strip.name in needed:
            return
        needed.add(strip.name)
        strip.mute = False
        for at in ("input_1", "input_2"):
            need(getattr(strip, at, None))

    def walk(owner: Any, *, within: bool) -> bool:
        """Whether anything below is needed; all of it is `within` a chosen meta strip."""
        any_needed = False
        for strip in compat.strips(owner):
            below = strip.type == "META" and walk(strip, within=within or strip.name in needed)
            if below:
                strip.mute = False
            elif not within and strip.name not in needed:
                strip.mute = True
            any_needed = any_needed or below or strip.name in needed
        return any_needed

    for strip in chosen:
        need(strip)
    walk(scene.sequence_editor, within=False)
    channels = [scene.sequence_editor.channels]
    channels += [each.channels for each in compat.strips_all(scene.sequence_editor) if each.type == "META"]
    for channel in (channel for held in channels for channel in held):
        channel.mute = False
    if len(chosen) == 1 and hasattr(chosen[0], "blend_type") and chosen[0].type != "SOUND":
        chosen[0].blend_type = "REPLACE"  # alone there is nothing under it to multiply or add


def _set_up(scene: Any, job: Job, first: int, last: int) -> str:
    """Sets the range, the size and the format; returns the codec."""
    render = scene.render
    scene.use_preview_range = False
    scene.frame_start, scene.frame_end, scene.frame_step = first, last - 1, 1
    render.resolution_percentage = percentage(render.resolution_x, render.resolution_y, job.size)
    render.use_sequencer = True
    render.use_border = render.use_crop_to_border = render.use_stamp = render.use_multiview = False
    render.use_overwrite, render.use_placeholder = True, False
    out = Path(job.out)
    folder = out if job.kind == "png" else out.parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Unfit("unwritable_folder", f"{folder} cannot be made: {error.strerror}.") from error
    render.use_file_extension = job.kind == "png"
    render.filepath = str(out / "frame.") if job.kind == "png" else str(out)
    return _set_format(render, job.kind)


def percentage(width: int, height: int, size: tuple[int, int]) -> int:
    """Returns the smallest whole percentage of a picture that covers `size` with even sides, as encoders want them.

    Another resolution would frame the cut anew: strips keep their own sizes in pixels.
    """
    if not all(size):
        return 100
    least = max(-(-100 * wanted // whole) for wanted, whole in zip(size, (width, height), strict=True))
    for percent in range(least, least + 100):
        if width * percent // 100 % 2 == 0 == height * percent // 100 % 2:
            return percent
    return least


def _set_format(render: Any, kind: str) -> str:
    from genlock_blender import compat

    if kind == "png":
        compat.image_output(render, "PNG")
        render.image_settings.color_mode = "RGBA"
        return "png"
    compat.video_output(render)
    settings = render.ffmpeg
    if hasattr(settings, "use_autosplit"):
        settings.use_autosplit = False
    codecs = {item.identifier for item in settings.bl_rna.properties["codec"].enum_items}
    if kind == "prores" and "PRORES" in codecs:
        settings.format, settings.codec = "QUICKTIME", "PRORES"
        if compat.has_sound():
            settings.audio_codec = "PCM"
        return "prores"
    settings.format = "QUICKTIME" if kind == "prores" else "MPEG4"
    settings.codec, settings.constant_rate_factor, settings.gopsize = "H264", "PERC_LOSSLESS", 12
    return "h264"


def _said(error: RuntimeError) -> str:
    return str(error).strip().removeprefix("Error: ")


def _stand_in() -> None:
    """Lets this script import its neighbours by the package's name, wherever the folder lies and whatever it is called."""
    package = types.ModuleType("genlock_blender")
    package.__path__ = [str(Path(__file__).resolve().parent)]
    sys.modules["genlock_blender"] = package


def main(arguments: list[str]) -> int:
    """Reads the job, renders it and returns an exit code."""
    try:
        fields = json.loads(Path(arguments[0]).read_text(encoding="utf-8"))
        job = Job(**{**fields, "strips": tuple(fields.get("strips", ())), "size": tuple(fields.get("size", (0, 0)))})
    except (IndexError, OSError, ValueError, TypeError) as error:
        tell(error={"code": "bad_request", "message": f"The job cannot be read: {error}."})
        return 2
    _stand_in()
    try:
        run(job)
    except Unfit as error:
        tell(error={"code": error.code, "message": str(error)})
        return 1
    return 0


if __name__ == "__main__":
    given = sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else sys.argv[1:]
    code = main(given)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # nothing is left to save, and leaving Blender in an orderly way has crashed and hung
