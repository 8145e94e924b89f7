"""A scene with some of everything that an editor's timeline shows, and single frames of it as Blender renders them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import bpy

from genlock_blender import compat
from genlock_blender.compat import A

END: Final = 420
FAR: Final = 100
HEADER: Final = 54
"""Bytes of a .bmp before its pixels."""
FRAMES: Final = (
    *(1, 30, 52, 60, 70, 100, 118, 122, 130, 147, 152, 163, 180, 205, 214),
    *(240, 256, 262, 280, 300, 325, 350, 370, 385, 410),
)
"""Frames on the scene's timeline: in each clip, in the middle of each transition, at both its ends, in a hole."""
HOLES: Final = (147,)
"""Of these the ones without a picture."""
LONG_NAME: Final = "Größe, die über sechzig Bytes hinausgeht und deshalb gekürzt wird"


class Maker:
    """Fills the sequencer of one scene."""

    def __init__(self, scene: Any, footage: Path) -> None:
        self.scene, self.footage = scene, footage
        self.strips = compat.strips(compat.editor(scene))

    def lay(self, strip: Any, channel: int, left: int, right: int, first: int = 0) -> Any:
        """Lays the strip over [left, right), showing its frame `first` at left. Far above the others it is laid out first:
        Blender moves what stands in the way of a strip, be it for a moment."""
        setattr(strip, A.start, left - first)
        setattr(strip, A.left, left)
        setattr(strip, A.right, right)
        strip.channel = channel
        assert (strip.channel, getattr(strip, A.left), getattr(strip, A.right)) == (channel, left, right), strip.name
        return strip

    def movie(self, name: str, file: str, channel: int, left: int, right: int, first: int = 0) -> Any:
        return self.lay(self.far(name, file), channel, left, right, first)

    def far(self, name: str, file: str) -> Any:
        """A whole movie far from all other strips."""
        return compat.new_movie(self.strips, name, str(self.footage / file), FAR, 1000 * (len(self.strips) + 1))

    def effect(self, name: str, type: str, channel: int, left: int, right: int, *inputs: Any) -> Any:
        return compat.new_effect(self.strips, name, type, channel, left, right, *inputs)

    def image(self, name: str, files: list[str], channel: int, left: int, right: int) -> Any:
        strip = self.strips.new_image(name, str(self.footage / files[0]), FAR, left)
        for file in files[1:]:
            strip.elements.append(file)
        return self.lay(strip, channel, left, right)


def fill(scene: Any, footage: Path, *, speeds: bool = True) -> None:
    """Makes the scene rich; `speeds` need a sequencer on the screen."""
    make = Maker(scene, footage)
    scene.frame_end = END
    _picture(make)
    _overlays(make)
    _around(make)
    _effects(make)
    if speeds:
        _speeds(make)
    if compat.has_sound():
        _sound(make)
    channels = compat.editor(scene).channels
    channels[1].name = "Main"
    channels[5].name, channels[5].lock = "Titles", True
    channels[9].name, channels[9].mute = "Notes", True
    scene.timeline_markers.new("Act two", frame=120)
    scene.timeline_markers.new("End", frame=400)


def _picture(make: Maker) -> None:
    """Clips on channel 1 with a cross, a gamma cross and a wipe into the next one on channel 2, a hole, stills."""
    one = make.movie("One", "a.mp4", 1, 1, 61, 24)
    two = make.movie("Two", "b.mp4", 2, 45, 121, 60)
    make.effect("Cross", "CROSS", 3, 45, 61, one, two)
    make.image("Still", ["still.png"], 1, 121, 146)
    make.image("Numbered", [f"numbered.{n:04d}.png" for n in range(1, 13)], 1, 150, 162)
    three = make.movie(LONG_NAME, "thirty.mp4", 1, 162, 220, 40)
    four = make.movie("Four", "a.mp4", 2, 200, 260, 100)
    make.effect("Gamma", "GAMMA_CROSS", 3, 200, 220, three, four)
    five = make.movie("Five", "ntsc.mp4", 1, 250, 290, 30)
    wipe = make.effect("Wipe", "WIPE", 3, 250, 260, four, five)
    wipe.transition_type, wipe.direction, wipe.blur_width = "CLOCK", "IN", 0.25
    five.transform.scale_x, five.transform.rotation, five.transform.offset_x = 0.8, 0.2, 17.0
    five.crop.min_x, five.crop.max_y = 20, 11


def _overlays(make: Maker) -> None:
    """What lies over the picture: text, colour, a graded part, a clip that fades, strips that are muted."""
    title = make.effect("Title", "TEXT", 5, 20, 90)
    title.text, title.font_size, title.color = "Genlock", 48.0, (1.0, 0.6, 0.1, 1.0)
    title.location = (0.4, 0.7)
    title.use_shadow, title.blend_type = True, "ALPHA_OVER"
    red = make.effect("Red", "COLOR", 6, 80, 135)
    red.color, red.blend_type, red.blend_alpha = (0.7, 0.05, 0.1), "MULTIPLY", 0.5
    red.color_tag = "COLOR_03"
    over = make.movie("Over", "b.mp4", 4, 130, 200, 12)
    over.blend_type, over.transform.scale_x, over.transform.scale_y = "ALPHA_OVER", 0.5, 0.5
    over.transform.offset_y = 30.0
    for frame, value in ((130, 0.0), (150, 1.0), (185, 0.9), (199, 0.0)):
        over.blend_alpha = value
        over.keyframe_insert("blend_alpha", frame=frame)
    grade = make.effect("Grade", "ADJUSTMENT", 7, 225, 300)
    grade.blend_alpha = 0.8
    if compat.modifiers_safe():
        bright = grade.modifiers.new("Brighter", "BRIGHT_CONTRAST")
        bright.bright, bright.contrast = 4.0, 20.0
    make.effect("Muted", "COLOR", 8, 1, 300).mute = True
    make.effect("Note", "COLOR", 9, 10, 40).blend_type = "ALPHA_OVER"


def _effects(make: Maker) -> None:
    """Effects of one strip and of two, one that has none, and a clip in real time that is graded itself."""
    soft = make.movie("Soft", "b.mp4", 14, 62, 90, 20)
    blur = make.effect("Blur", "GAUSSIAN_BLUR", 15, 62, 90, soft)
    blur.size_x, blur.size_y = 6.0, 2.5
    glow = make.effect("Glow", "GLOW", 16, 62, 90, blur)
    glow.threshold, glow.blend_type, glow.blend_alpha = 0.3, "ALPHA_OVER", 0.4
    one, two = make.movie("Left", "a.mp4", 14, 222, 250, 5), make.effect("Right", "COLOR", 15, 222, 250)
    two.color = (0.2, 0.4, 0.1)
    both = make.effect("Sum", "ADD", 16, 222, 250, one, two)
    both.blend_type, both.blend_alpha = "ALPHA_OVER", 0.3
    camera = make.effect("Camera", "MULTICAM", 17, 262, 288)
    camera.multicam_source, camera.blend_type, camera.blend_alpha = 1, "ALPHA_OVER", 0.5
    graded = make.movie("Graded", "ntsc.mp4", 14, 300, 345, 11)
    graded.blend_type, graded.transform.offset_x, graded.use_flip_x = "ALPHA_OVER", 90.0, True
    graded.color_saturation, graded.strobe = 0.4, 3.0
    if compat.modifiers_safe():
        graded.modifiers.new("Brighter", "BRIGHT_CONTRAST").bright = 9.0
        graded.modifiers.new("White", "WHITE_BALANCE").white_value = (0.9, 0.8, 1.0)


def _around(make: Maker) -> None:
    """A meta strip that is trimmed, and a strip that shows another scene."""
    inner = make.movie("Inner", "a.mp4", FAR - 2, 290, 350, 5)
    caption = make.effect("Caption", "TEXT", FAR - 1, 300, 340)
    caption.text, caption.blend_type = "inside", "ALPHA_OVER"
    meta = make.strips.new_meta("Meta", FAR, 290)
    inner.move_to_meta(meta)
    caption.move_to_meta(meta)
    caption.channel = 2
    inner.channel = 1
    for right in (349, 350):  # a meta strip is counted anew, in some versions only when an edge within it moves
        setattr(inner, A.right, right)
    setattr(meta, A.right, 350)
    make.lay(meta, 1, 296, 330, 6)
    shown = make.strips.new_scene("Plate", bpy.data.scenes["Plate"], FAR, 330)
    shown.scene_input = "SEQUENCER"
    make.lay(shown, 1, 335, 360, 5)


def _speeds(make: Maker) -> None:
    """Played twice as fast, half as fast and backwards."""
    for name, left, right, pace, back in (
        ("Fast", 360, 380, (2, 1), False),
        ("Slow", 380, 400, (1, 2), False),
        ("Back", 400, 420, (1, 1), True),
    ):
        strip = make.far(name, "a.mp4")
        strip.use_reverse_frames = back
        assert compat.set_speed(make.scene, strip, *pace)
        make.lay(strip, 1, left, right, 30)


def _sound(make: Maker) -> None:
    tone = compat.new_sound(make.strips, "Tone", str(make.footage / "tone.wav"), FAR, 30)
    make.lay(tone, 12, 30, 130, 40)
    tone.volume, tone.pan = 0.4, -0.5
    music = compat.new_sound(make.strips, "Music", str(make.footage / "tone.wav"), FAR, 100)
    make.lay(music, 13, 100, 260, 0)
    music.volume = 0.2
    music.keyframe_insert("volume", frame=100)


def plate(footage: Path) -> Any:
    """Makes the scene that a scene strip shows."""
    made = bpy.data.scenes.new("Plate")
    made.render.fps, made.render.resolution_x, made.render.resolution_y = 24, 320, 180
    made.frame_end = 60
    make = Maker(made, footage)
    make.movie("Under", "b.mp4", 1, 1, 61, 0)
    top = make.effect("Sign", "COLOR", 2, 1, 61)
    top.color, top.blend_type, top.blend_alpha = (0.1, 0.3, 0.9), "ALPHA_OVER", 0.5
    return made


def empty(name: str, like: Any) -> Any:
    """Makes an empty scene and brings it to the front, on the screen and in the sequencer. `like` is one whose colours it
    takes over: they are the scene's, no strip has them."""
    made = bpy.data.scenes.new(name)
    made.frame_start, made.frame_end = 1, END
    made.sequence_editor_create()
    if like is not None:
        made.view_settings.view_transform = like.view_settings.view_transform
    window = bpy.context.window_manager.windows[0]
    window.scene = made
    if hasattr(window.workspace, "sequencer_scene"):
        window.workspace.sequencer_scene = made
    return made


def frames(scene: Any, folder: Path, chosen: tuple[int, ...] = FRAMES) -> dict[int, bytes]:
    """Renders stills of the scene and returns their raw pixels by frame."""
    folder.mkdir(parents=True, exist_ok=True)
    render = scene.render
    compat.image_output(render, "BMP")
    render.use_sequencer, render.resolution_percentage, render.use_stamp = True, 100, False
    for frame in chosen:
        scene.frame_set(frame)
        render.filepath = str(folder / f"{frame:04d}.bmp")
        bpy.ops.render.render(write_still=True, scene=scene.name)
    return pixels(folder)


def pixels(folder: Path) -> dict[int, bytes]:
    """The raw pixels of rendered frames by number."""
    return {int(path.stem): path.read_bytes()[HEADER:] for path in sorted(folder.glob("*.bmp"))}


def difference(one: bytes, other: bytes) -> int:
    """The greatest difference of two pictures, in steps of 255."""
    if len(one) != len(other):
        return 255
    return max((abs(a - b) for a, b in zip(one, other, strict=True) if a != b), default=0)
