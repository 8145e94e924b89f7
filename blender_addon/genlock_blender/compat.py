# SPDX-License-Identifier: GPL-3.0-or-later
"""What differs between Blender 3.4 and 5.2: the one module that tests versions, resolved once at import.

Blender's own words changed four times: "sequence" became "strip" (4.4), the collections were renamed (4.4, the old ones
went in 5.0), an effect is made with a length and no end (5.0), and every `frame_*` attribute has another name (5.1; the old
one warns and is twenty times slower). The rest of the add-on says `getattr(strip, A.left)` and never asks.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import bpy

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

V: Final[tuple[int, int, int]] = tuple(bpy.app.version)
NEW: Final = V >= (5, 1, 0)
"""The attributes of place have their newer names."""


class Names(NamedTuple):
    """The attribute of a strip for each of our words. `left` to `right` (exclusive) is what shows, in timeline frames;
    `start` is where the content's first frame lies; `left_offset` and `right_offset` are what is cut off the content;
    `left_trim` and `right_trim` what is cut off the file itself (whole frames, not on effects)."""

    start: str
    left: str
    right: str
    duration: str
    left_offset: str
    right_offset: str
    content: str
    left_trim: str
    right_trim: str


_NEWER = Names(
    "content_start",
    "left_handle",
    "right_handle",
    "duration",
    "left_handle_offset",
    "right_handle_offset",
    "content_duration",
    "content_trim_start",
    "content_trim_end",
)
_OLDER = Names(
    "frame_start",
    "frame_final_start",
    "frame_final_end",
    "frame_final_duration",
    "frame_offset_start",
    "frame_offset_end",
    "frame_duration",
    "animation_offset_start",
    "animation_offset_end",
)
A: Final = _NEWER if NEW else _OLDER
PLACE: Final[frozenset[str]] = frozenset((*_NEWER, *_OLDER, "content_end", "channel"))
"""Every attribute of place, under all its names: what a list of plain properties leaves out."""

StripType: Final[Any] = getattr(bpy.types, "Strip", None) or bpy.types.Sequence
_COLLECTION: Final = "strips" if V >= (4, 4, 0) else "sequences"
_INPUTS: Final = ("input1", "input2") if V >= (4, 4, 0) else ("seq1", "seq2")
_CONNECTS: Final = "connections" in StripType.bl_rna.properties
CHANNELS: Final = 128 if V >= (4, 0, 0) else 32
NAME_BYTES: Final = 61
"""Where Blender cuts a strip's name, in bytes of UTF-8."""
RAW_CONTENT: Final = V < (4, 3, 0)
"""A movie's content length is in its own frames; later it is in timeline frames, after any change of rate and speed."""
RETIMED_TAIL: Final = 1 if V < (5, 0, 0) else 0
RETIMED_SKIP: Final = 1 if (4, 3, 0) <= V < (5, 0, 0) else 0
"""Where the last key of a changed speed lies: its segment is `RETIMED_TAIL` frames shorter than the strip's content, and in
it play all of the medium's frames but `RETIMED_SKIP`."""
COLUMNS: Final = V >= (4, 0, 0)
"""`foreach_get` tells flags and enums of strips; before, it leaves them out."""
EFFECTS: Final[frozenset[str]] = frozenset(
    item.identifier
    for item in bpy.types.SequenceEditor.bl_rna.properties[_COLLECTION].fixed_type.properties["type"].enum_items
) - {"IMAGE", "META", "SCENE", "MOVIE", "MOVIECLIP", "MASK", "SOUND"}
"""The types that `new_effect` makes on this version."""
TWINS_READ: Final[dict[str, str]] = {} if V >= (4, 4, 0) else {"align_x": "anchor_x", "align_y": "anchor_y"}
"""Properties of this version that newer ones call otherwise: this version's name -> the name that a payload uses."""


# Collections and strips


def strips(owner: Any) -> Any:
    """The strips directly in a sequence editor or a meta strip."""
    return getattr(owner, _COLLECTION)


def strips_all(editor: Any) -> Any:
    """All strips of a sequence editor, those inside meta strips too."""
    return getattr(editor, _COLLECTION + "_all")


def editor(scene: Any) -> Any:
    """The scene's sequence editor, made when there is none."""
    return scene.sequence_editor or scene.sequence_editor_create()


def new_effect(
    owner: Any, name: str, type: str, channel: int, start: int, end: int, a: Any = None, b: Any = None
) -> Any:
    """Makes an effect strip over [start, end) in `owner` (a `strips` collection); `a` and `b` are its inputs.

    Raises TypeError for a type that this version has not got, RuntimeError when inputs lack.
    """
    given: dict[str, Any] = {"name": name, "type": type, "channel": channel, "frame_start": start}
    if V >= (5, 0, 0):
        given["length"] = end - start
    else:
        given["frame_end"] = end
    given.update({word: strip for word, strip in zip(_INPUTS, (a, b), strict=True) if strip is not None})
    return owner.new_effect(**given)


def new_movie(owner: Any, name: str, path: str, channel: int, start: int, stream: int = 0) -> Any:
    """Makes a movie strip; a missing file gives a strip of one frame. `stream` counts video streams from 0."""
    more = {"stream": stream} if stream and V >= (5, 2, 0) else {}
    strip = owner.new_movie(name=name, filepath=path, channel=channel, frame_start=start, **more)
    if stream and not more:
        strip.stream_index = stream
    return strip


def new_sound(owner: Any, name: str, path: str, channel: int, start: int, stream: int = 0) -> Any:
    """Makes a sound strip. Raises RuntimeError where Blender has no sound (`has_sound`) or cannot read the file."""
    more = {"stream": stream} if stream and V >= (5, 2, 0) else {}
    return owner.new_sound(name=name, filepath=path, channel=channel, frame_start=start, **more)


def has_sound() -> bool:
    """Whether this build can make sound strips: Blender 4.2 as a Python module cannot."""
    return bool(bpy.app.build_options.audaspace)


def connections(strip: Any) -> tuple[str, ...]:
    """The names of the strips that are connected to this one; () where Blender does not tell (before 5.1)."""
    if not _CONNECTS or not len(strip.connections):
        return ()
    return tuple(other.name for other in strip.connections)


# Contexts


def edit_scene(context: Any) -> Any:
    """The scene that the sequencer shows; from 5.0 on it is the workspace's own choice."""
    return getattr(context, "sequencer_scene", None) or context.scene


def windows() -> list[Any]:
    """The open windows; none while Blender starts or runs in the background."""
    return [window for manager in bpy.data.window_managers for window in manager.windows]


def sequencer_areas() -> Iterator[tuple[Any, Any]]:
    """Each (window, area) that shows a sequencer's timeline."""
    for window in windows():
        for area in window.screen.areas:
            if area.type == "SEQUENCE_EDITOR" and area.spaces.active.view_type != "PREVIEW":
                yield window, area


def sequencer_override(scene: Any) -> dict[str, Any] | None:
    """What `temp_override` needs to run sequencer operators on this scene; None when no area shows its timeline."""
    for window, area in sequencer_areas():
        shown = getattr(window.workspace, "sequencer_scene", None) or window.scene
        region = next((region for region in area.regions if region.type == "WINDOW"), None)
        if shown == scene and region is not None:
            return {"window": window, "screen": window.screen, "area": area, "region": region, "scene": scene}
    return None


_OURS_TO_WAIT_FOR: Final = ("SEQUENCER_OT_", "TRANSFORM_OT_", "MARKER_OT_", "ANIM_OT_", "GRAPH_OT_", "GENLOCK_OT_")
"""Modal operators that change strips. Others, which an add-on may leave running for good, are nobody's business."""


def busy(context: Any) -> str:
    """Why strips must not be touched at this moment: "drag", "playback", "render", or "" when they may be."""
    if bpy.app.is_job_running("RENDER"):
        return "render"
    for window in context.window_manager.windows:
        screen = window.screen
        if screen.is_animation_playing or getattr(screen, "is_scrubbing", False):
            return "playback"
        for operator in getattr(window, "modal_operators", ()):
            if operator.bl_idname.startswith(_OURS_TO_WAIT_FOR):
                return "drag"
    return ""


def undo_push(message: str) -> bool:
    """Makes the present state one undo step with this label; False where there is no undo (no window)."""
    for window in windows():
        with bpy.context.temp_override(window=window):
            if bpy.ops.ed.undo_push.poll():
                bpy.ops.ed.undo_push(message=message)
                return True
    return False


@contextmanager
def selected(scene: Any, chosen: Sequence[Any]) -> Iterator[None]:
    """Selects just these strips, the first one active; what was selected before comes back after it."""
    held = editor(scene)
    everything = strips_all(held)
    before = {strip.name: (strip.select, strip.select_left_handle, strip.select_right_handle) for strip in everything}
    active = held.active_strip.name if held.active_strip is not None else ""
    for strip in everything:
        strip.select = strip.select_left_handle = strip.select_right_handle = False
    for strip in chosen:
        strip.select = True
    held.active_strip = chosen[0] if chosen else None
    try:
        yield
    finally:
        for strip in strips_all(held):
            was = before.get(strip.name, (False, False, False))
            strip.select, strip.select_left_handle, strip.select_right_handle = was
        held.active_strip = strips_all(held).get(active) if active else None


# Speed


def speed_of(strip: Any) -> tuple[int, ...] | None:
    """The frames of the strip's retiming keys on the timeline; () without any, None where it cannot be retimed."""
    keys = getattr(strip, "retiming_keys", None)
    if keys is None:
        return None
    return tuple(key.timeline_frame for key in keys) if len(keys) else ()


def set_speed(scene: Any, strip: Any, num: int, den: int) -> bool:
    """Plays the whole strip at num/den (positive) of its speed; False when that cannot be done at this moment.

    `num` frames of the medium are shown in `den` timeline frames, whatever the rates are. The strip comes back untrimmed,
    its content where it was, so it must stand where the whole of it has room; its handles are the caller's to lay after it.
    The operator is the only way: keys set by hand crash (adding one before 5.2, moving one in 5.2 when another strip stands
    before this one). It needs an area that shows the sequencer. The last key lies where Blender rounds it: read the speed
    back.
    """
    if speed_of(strip) is None:
        return False
    setattr(strip, A.left_offset, 0)
    setattr(strip, A.right_offset, 0)
    override = sequencer_override(scene)
    if override is None:
        return False
    with bpy.context.temp_override(**override), selected(scene, [strip]):
        if not bpy.ops.sequencer.retiming_segment_speed_set.poll():
            return False
        if speed_of(strip):
            bpy.ops.sequencer.retiming_reset()
            setattr(strip, A.left_offset, 0)
            setattr(strip, A.right_offset, 0)
        return num == den or _retime(strip, 100.0 * num / den)


def _retime(strip: Any, percent: float) -> bool:
    """One segment over the whole strip, which is the active one, at this many per cent of one frame in each frame."""
    change = bpy.ops.sequencer.retiming_segment_speed_set
    if "FINISHED" not in change(speed=percent):
        return False
    keys = speed_of(strip) or ()
    if len(keys) == 2 and V >= (5, 0, 0):
        length = getattr(strip, A.duration)
        if abs(length - (keys[1] - keys[0])) > 1:  # it plays in real time, and the per cent are of that
            change(speed=percent * length / (keys[1] - keys[0]))
    if len(keys) <= 2:
        return True
    bpy.ops.sequencer.retiming_reset()  # 4.5 makes a ramp of what plays in real time
    return False


def modifiers_safe() -> bool:
    """Whether a modifier may be made: 5.0 and later crash while no workspace has chosen a scene for its sequencer."""
    if V < (5, 0, 0):
        return True
    return any(getattr(window.workspace, "sequencer_scene", None) is not None for window in windows())


# Markers


def register() -> None:
    """Adds the marker's own property: custom properties of markers raise from 5.0 on."""
    bpy.types.TimelineMarker.genlock_uid = bpy.props.StringProperty(options={"HIDDEN"})


def unregister() -> None:
    """Takes the marker's property away; what files keep under it stays in them."""
    if hasattr(bpy.types.TimelineMarker, "genlock_uid"):
        del bpy.types.TimelineMarker.genlock_uid


def marker_uid(marker: Any) -> str:
    """Our id of a marker, "" while it has none or the property is not registered."""
    return str(getattr(marker, "genlock_uid", ""))


def set_marker_uid(marker: Any, key: str) -> None:
    """Writes our id on a marker; nothing while the property is not registered."""
    if hasattr(bpy.types.TimelineMarker, "genlock_uid"):
        marker.genlock_uid = key


# Animation


def _bag(scene: Any, make: bool) -> Any:
    """What holds the scene's f-curves: the action itself, or from 4.4 on the bag of the scene's slot; None without."""
    data = scene.animation_data
    if data is None:
        if not make:
            return None
        data = scene.animation_data_create()
    if data.action is None:
        if not make:
            return None
        data.action = bpy.data.actions.new(scene.name + "Action")
    action = data.action
    if V < (4, 4, 0):
        return action
    slot = data.action_slot
    if slot is None:
        if not make:
            return None
        slot = action.slots.new("SCENE", scene.name)
        data.action_slot = slot
    for layer in action.layers:
        for part in layer.strips:
            found = part.channelbag(slot, ensure=make)
            if found is not None:
                return found
    if not make:
        return None
    layer = action.layers[0] if action.layers else action.layers.new("Layer")
    return layer.strips.new(type="KEYFRAME").channelbag(slot, ensure=True)


def fcurves(scene: Any) -> Iterable[Any]:
    """The scene's own f-curves, those of its strips among them."""
    bag = _bag(scene, make=False)
    return () if bag is None else bag.fcurves


def new_fcurve(scene: Any, path: str, index: int) -> Any:
    """The scene's f-curve of a property, emptied or made."""
    bag = _bag(scene, make=True)
    found = bag.fcurves.find(path, index=index)
    if found is not None:
        bag.fcurves.remove(found)
    return bag.fcurves.new(path, index=index)


def remove_fcurve(scene: Any, curve: Any) -> None:
    """Takes one f-curve away."""
    bag = _bag(scene, make=False)
    if bag is not None:
        bag.fcurves.remove(curve)


# Output


def video_output(render: Any) -> None:
    """Makes a scene's render settings write H.264 with AAC in MP4."""
    settings = render.image_settings
    if hasattr(settings, "media_type"):
        settings.media_type = "VIDEO"
    settings.file_format = "FFMPEG"
    render.ffmpeg.format = "MPEG4"
    render.ffmpeg.codec = "H264"
    if has_sound():
        render.ffmpeg.audio_codec = "AAC"


def image_output(render: Any, file_format: str = "PNG") -> None:
    """Makes a scene's render settings write single pictures."""
    settings = render.image_settings
    if hasattr(settings, "media_type"):
        settings.media_type = "IMAGE"
    settings.file_format = file_format
