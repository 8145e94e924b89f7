"""A strip plays as fast as it is wanted to, between the handles it had, or waits for a sequencer to do it in."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import bpy
import pytest
from showing import colour, drive, meta, misplaced, movie, picture, present, show

from genlock_blender import applying, compat, reading, speeds


@pytest.mark.parametrize("speed", [(2, 1), (1, 2), (3, 4), (-1, 1), (-2, 1), (25, 24)])
def test_a_new_strip_has_its_speed(
    scene: bpy.types.Scene, footage: Path, sequencer: dict[str, Any], speed: tuple[int, int]
) -> None:
    path = str(footage / "a.mp4")
    wanted = [
        movie("a", path, 2, 31, 71, 30, speed=speed),
        colour("before", 2, 1, 31),
        colour("after", 2, 71, 600),
        colour("over", 3, 1, 600),
    ]
    ran = show(scene, wanted)
    assert not ran.work.troubles
    assert misplaced(scene, wanted) == []
    there = present(scene)["a"]
    assert Fraction(*there.speed or (0, 1)) == pytest.approx(Fraction(*speed), rel=0.005)
    assert there.content_start == pytest.approx(1, abs=1)
    assert not show(scene, [there._replace(speed=speed), *wanted[1:]]).work.changed


def test_a_speed_changes_between_the_same_handles(
    scene: bpy.types.Scene, footage: Path, sequencer: dict[str, Any]
) -> None:
    path = str(footage / "a.mp4")
    rest = [colour("before", 2, 1, 31), colour("after", 2, 71, 600)]
    for speed in ((1, 1), (2, 1), (1, 2), (-1, 2), (1, 1)):
        wanted = [movie("a", path, 2, 31, 71, 30, speed=speed, name="a"), *rest]
        show(scene, wanted)
        assert misplaced(scene, wanted) == []
        assert present(scene)["a"].speed == speed
    assert not present(scene)["a"].retiming


def test_the_selection_survives_a_change_of_speed(
    scene: bpy.types.Scene, footage: Path, sequencer: dict[str, Any]
) -> None:
    wanted = [movie("a", str(footage / "a.mp4"), 2, 31, 71, 30), colour("b", 3, 1, 31)]
    show(scene, wanted)
    found = reading.find(scene)
    found["b"].select = True
    scene.sequence_editor.active_strip = found["b"]
    show(scene, [wanted[0]._replace(speed=(2, 1)), wanted[1]])
    found = reading.find(scene)
    assert (found["a"].select, found["b"].select) == (False, True)
    assert scene.sequence_editor.active_strip == found["b"]


def test_a_clip_of_another_rate_plays_in_real_time(
    scene: bpy.types.Scene, footage: Path, sequencer: dict[str, Any]
) -> None:
    """150 frames at 30 a second take 120 frames of the scene; made without a speed they take 150."""
    path = str(footage / "thirty.mp4")
    clip = movie("a", path, 2, 11, 101, 10)
    show(scene, [clip._replace(speed=(4, 5))])
    assert present(scene)["a"].speed == (4, 5)
    show(scene, [clip])
    there = present(scene)["a"]
    assert Fraction(*there.speed or (0, 1)) == 1
    assert misplaced(scene, [clip]) == []


def test_a_strip_in_a_meta_strip_gets_its_speed(
    scene: bpy.types.Scene, footage: Path, sequencer: dict[str, Any]
) -> None:
    wanted = [
        meta("m", 4, 20, 90),
        movie("a", str(footage / "a.mp4"), 2, 31, 71, 30, parent="m"),
        colour("b", 3, 1, 31),
    ]
    show(scene, wanted)
    scene.sequence_editor.active_strip = reading.find(scene)["b"]
    wanted[1] = wanted[1]._replace(speed=(2, 1))
    show(scene, wanted)
    assert present(scene)["a"].speed == (2, 1)
    assert misplaced(scene, wanted) == []
    assert len(scene.sequence_editor.meta_stack) == 0
    assert scene.sequence_editor.active_strip == reading.find(scene)["b"]


@pytest.mark.parametrize("speed", [(2, 1), (3, 4), (-1, 2)])
def test_a_fast_or_slow_strip_moves_and_is_trimmed(
    scene: bpy.types.Scene, footage: Path, sequencer: dict[str, Any], speed: tuple[int, int]
) -> None:
    path = str(footage / "a.mp4")
    show(scene, [movie("a", path, 2, 31, 71, 30, speed=speed), colour("b", 3, 90, 140)])
    for channel, left, right, first in ((2, 131, 171, 30), (3, 40, 60, 40), (2, 1, 101, 5), (2, 11, 91, 15)):
        wanted = [
            movie("a", path, channel, left, right, first, speed=present(scene)["a"].speed),
            colour("b", 5 - channel, 90, 140),
        ]
        show(scene, wanted)
        assert misplaced(scene, wanted) == []
        there = present(scene)["a"]
        assert there.speed == wanted[0].speed
        assert there.content_start == pytest.approx(wanted[0].content_start, abs=1)


def test_frames_cut_off_the_file_itself_stay_cut(scene: bpy.types.Scene, footage: Path) -> None:
    path = str(footage / "a.mp4")
    show(scene, [movie("a", path, 2, 31, 71, 30), colour("b", 3, 90, 140)])
    setattr(reading.find(scene)["a"], compat.A.left_trim, 10)
    cut = present(scene)["a"]
    for channel, shift, trim in ((2, 40, 0), (3, -20, 5), (2, 0, 9)):
        wanted = [
            cut._replace(
                channel=channel,
                left=cut.left + shift + trim,
                right=cut.right + shift,
                content_start=cut.content_start + shift,
            ),
            colour("b", 5 - channel, 90, 140),
        ]
        show(scene, wanted)
        assert misplaced(scene, wanted) == []
        assert present(scene)["a"].content_start == wanted[0].content_start
        assert getattr(reading.find(scene)["a"], compat.A.left_trim) == 10


def test_a_speed_waits_until_a_sequencer_is_on_the_screen(
    scene: bpy.types.Scene, footage: Path, request: pytest.FixtureRequest
) -> None:
    for area in bpy.context.screen.areas:
        if area.type == "SEQUENCE_EDITOR":
            area.type = "VIEW_3D"
    wanted = [movie("a", str(footage / "a.mp4"), 2, 31, 71, 30), colour("after", 2, 71, 600)]
    show(scene, wanted)
    wanted[0] = wanted[0]._replace(speed=(2, 1))
    work = applying.Applier(scene).begin(picture(scene, wanted), present(scene))
    drive(work)
    assert work.troubles["a"].code == speeds.PENDING
    assert present(scene)["a"].speed == (1, 1)
    assert misplaced(scene, wanted) == []
    assert work.step(0.008)
    assert work.troubles["a"].code == speeds.PENDING
    request.getfixturevalue("sequencer")
    assert work.step(0.008)
    assert not work.troubles
    assert present(scene)["a"].speed == (2, 1)
    assert misplaced(scene, wanted) == []
    assert work.touched["a"] == present(scene)["a"]


def test_a_ramp_from_elsewhere_is_told(scene: bpy.types.Scene, footage: Path, sequencer: dict[str, Any]) -> None:
    wanted = [movie("a", str(footage / "a.mp4"), 2, 31, 71, 30, speed=None)]
    ran = show(scene, wanted)
    assert ran.work.troubles["a"].code == speeds.RAMP
    assert misplaced(scene, wanted) == []
