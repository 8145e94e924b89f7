"""A scene shows the picture that is wanted, and keeps all that is the user's."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bpy
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from showing import colour, cross, drive, meta, misplaced, movie, picture, place, present, show

from genlock_blender import applying, compat, creating, placing, reading
from genlock_blender.compat import A
from genlock_blender.states import Channel, Mark, Strip


@pytest.fixture(autouse=True)
def properties() -> Iterator[None]:
    compat.register()
    yield
    compat.unregister()


def strip_of(scene: bpy.types.Scene, key: str) -> Any:
    return reading.find(scene)[key]


def same_but_place(one: Strip, other: Strip) -> bool:
    names = ("key", "name", "type", "mute", "lock", "files", "inputs", "speed", "props", "modifiers", "curves", "note")
    return all(getattr(one, name) == getattr(other, name) for name in names)


def everything(footage: Path) -> list[Strip]:
    """A bit of all: movies under a dissolve, a still, numbered pictures, text, an adjustment, nested meta strips."""
    a, b = str(footage / "a.mp4"), str(footage / "b.mp4")
    numbered = tuple(str(footage / f"numbered.{number:04}.png") for number in range(1, 13))
    return [
        movie("a", a, 2, 1, 60, 12),
        movie("b", b, 3, 50, 120, 40, mute=True),
        cross("x", 4, 50, 60, "a", "b"),
        Strip("still", "still", "IMAGE", 2, 130, 170, 130, 1, files=(str(footage / "still.png"),)),
        Strip("seq", "seq", "IMAGE", 2, 180, 190, 178, 12, files=numbered, frames=12),
        Strip("text", "text", "TEXT", 5, 1, 48, 1, 1, props={"text": "Genlock", "blend_alpha": 0.5}, lock=True),
        Strip("adj", "adj", "ADJUSTMENT", 9, 1, 48, 1, 1),
        meta("m", 6, 200, 300),
        colour("m1", 1, 190, 260, parent="m"),
        meta("n", 2, 210, 290, parent="m"),
        movie("n1", a, 1, 210, 290, 0, parent="n", note={"placeholder": True, "in": 7}),
    ]


def test_an_empty_scene_shows_a_bit_of_all(scene: bpy.types.Scene, footage: Path) -> None:
    wanted = everything(footage)
    ran = show(scene, wanted)
    assert misplaced(scene, wanted) == []
    assert not ran.work.troubles
    there = present(scene)
    for strip in wanted:
        assert there[strip.key].files == strip.files
        assert there[strip.key].note == strip.note
        assert (there[strip.key].mute, there[strip.key].lock) == (strip.mute, strip.lock)
        if strip.type not in ("META", "CROSS"):
            assert there[strip.key].content_start == strip.content_start
    assert there["text"].props["text"] == "Genlock"
    assert there["x"].inputs == ("a", "b")


def test_what_is_there_already_is_not_touched(scene: bpy.types.Scene, footage: Path) -> None:
    show(scene, everything(footage))
    there = present(scene)
    before = reading.fingerprint(scene)
    for shadow in (there, {}):
        work = applying.Applier(scene).begin(picture(scene, there.values()), shadow)
        drive(work)
        assert not work.changed
        assert not work.left
        assert reading.fingerprint(scene) == before
        assert present(scene) == there


def test_all_goes_again(scene: bpy.types.Scene, footage: Path) -> None:
    show(scene, everything(footage))
    ran = show(scene, [])
    assert present(scene) == {}
    assert len(compat.strips_all(scene.sequence_editor)) == 0
    assert set(ran.work.touched.values()) == {None}


def test_another_type_keeps_key_place_and_effects(scene: bpy.types.Scene, footage: Path) -> None:
    first = [colour("a", 2, 1, 60), colour("b", 3, 50, 120), cross("x", 4, 50, 60, "a", "b")]
    show(scene, first)
    effect = strip_of(scene, "x").name
    strip_of(scene, "a").select = True
    scene.sequence_editor.active_strip = strip_of(scene, "a")
    wanted = [movie("a", str(footage / "a.mp4"), 2, 1, 60, 12), first[1], first[2]]
    show(scene, wanted)
    assert misplaced(scene, wanted) == []
    there = present(scene)
    assert (there["a"].type, there["a"].name, there["a"].content_start) == ("MOVIE", "a", -11)
    assert there["x"].inputs == ("a", "b")
    assert there["x"].name == effect
    assert scene.sequence_editor.active_strip == strip_of(scene, "a")
    assert strip_of(scene, "a").select
    assert not strip_of(scene, "b").select
    show(scene, first)
    assert present(scene)["a"].type == "COLOR"
    assert misplaced(scene, first) == []


def test_an_effect_becomes_another_and_changes_inputs(scene: bpy.types.Scene) -> None:
    plain = [colour("a", 2, 1, 60), colour("b", 3, 50, 120), colour("c", 5, 40, 120)]
    show(scene, [*plain, cross("x", 7, 50, 60, "a", "b")])
    show(scene, [*plain, cross("x", 7, 50, 60, "a", "b", type="WIPE")])
    assert (present(scene)["x"].type, present(scene)["x"].inputs) == ("WIPE", ("a", "b"))
    wanted = [*plain, cross("x", 8, 40, 60, "a", "c", type="WIPE")]
    show(scene, wanted)
    assert present(scene)["x"].inputs == ("a", "c")
    assert misplaced(scene, wanted) == []
    show(scene, [plain[0], plain[2], wanted[3]])
    assert present(scene)["x"].inputs == ("a", "c")


def test_an_input_goes_and_its_effect_finds_another(scene: bpy.types.Scene) -> None:
    show(scene, [colour("a", 2, 1, 60), colour("b", 3, 50, 120), cross("x", 4, 50, 60, "a", "b")])
    wanted = [colour("a", 2, 1, 60), colour("c", 3, 40, 120), cross("x", 4, 40, 60, "a", "c")]
    show(scene, wanted)
    assert misplaced(scene, wanted) == []
    assert present(scene)["x"].inputs == ("a", "c")


@pytest.mark.parametrize("other", ["b.mp4", "thirty.mp4"])
def test_another_take_keeps_the_timing(scene: bpy.types.Scene, footage: Path, other: str) -> None:
    """The other file is shorter, or of another rate; Blender before 5.0 moves the strip when its file changes."""
    wanted = [movie("a", str(footage / "a.mp4"), 2, 20, 60, 30), colour("c", 2, 60, 90), colour("d", 2, 1, 20)]
    show(scene, wanted)
    name = strip_of(scene, "a").name
    speed = (4, 5) if other == "thirty.mp4" else (1, 1)
    wanted[0] = wanted[0]._replace(files=(str(footage / other),), speed=speed)
    show(scene, wanted)
    assert misplaced(scene, wanted) == []
    there = present(scene)["a"]
    assert there.files == wanted[0].files
    assert there.content_start == -10
    assert there.name == name


def test_pictures_are_exchanged(scene: bpy.types.Scene, footage: Path) -> None:
    files = tuple(str(footage / f"numbered.{number:04}.png") for number in range(1, 13))
    for chosen in (files, files[3:6], files[:1], files[2:]):
        strip = Strip(
            "p", "p", "IMAGE", 2, 5, 8, 4 if len(chosen) > 1 else 5, len(chosen), files=chosen, frames=len(chosen)
        )
        show(scene, [strip])
        assert present(scene)["p"].files == chosen
        assert misplaced(scene, [strip]) == []


@pytest.mark.skipif(not compat.has_sound(), reason="this Blender has no sound")
def test_sounds_are_laid_and_exchanged(scene: bpy.types.Scene, footage: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.wav"
    other.write_bytes((footage / "tone.wav").read_bytes())
    sound = Strip("s", "s", "SOUND", 2, 11, 60, 1, 240, files=(str(footage / "tone.wav"),), props={"volume": 0.5})
    show(scene, [sound])
    assert misplaced(scene, [sound]) == []
    assert present(scene)["s"].props["volume"] == 0.5
    show(scene, [sound._replace(files=(str(other),))])
    assert present(scene)["s"].files == (str(other),)
    assert present(scene)["s"].content_start == 1


def test_what_this_blender_lacks_is_shown_as_a_colour(scene: bpy.types.Scene) -> None:
    wanted = [
        Strip("f", "hologram", "HOLOGRAM", 2, 1, 60),
        Strip("s", "other scene", "SCENE", 3, 1, 60, 1, scene="Nowhere", note={"in": 3}),
        Strip("m", "nothing", "MOVIE", 4, 1, 60, 1),
    ]
    ran = show(scene, wanted)
    there = present(scene)
    assert {strip.type for strip in there.values()} == {"COLOR"}
    assert all(strip.note["placeholder"] for strip in there.values())
    assert there["s"].note["in"] == 3
    assert [ran.work.troubles[key].code for key in "fsm"] == ["no_type", "no_scene", "no_file"]
    again = show(scene, wanted)
    assert not again.work.changed


def test_a_file_that_is_not_there_has_its_place_all_the_same(scene: bpy.types.Scene) -> None:
    wanted = [movie("a", "/nowhere/gone.mp4", 2, 20, 90, 5)]
    show(scene, wanted)
    assert misplaced(scene, wanted) == []
    assert present(scene)["a"].missing


def test_a_strip_moves_into_a_meta_strip_and_out(scene: bpy.types.Scene, footage: Path) -> None:
    a = movie("a", str(footage / "a.mp4"), 2, 1, 60, 12)
    show(scene, [a, colour("b", 3, 20, 90)])
    strip_of(scene, "a")["theirs"] = "kept"
    inside = [meta("m", 2, 1, 90), a._replace(channel=1, parent="m"), colour("b", 2, 20, 90, parent="m")]
    show(scene, inside)
    assert misplaced(scene, inside) == []
    assert strip_of(scene, "a")["theirs"] == "kept"
    deeper = [meta("m", 2, 1, 90), meta("n", 5, 1, 60, parent="m"), inside[1]._replace(parent="n"), inside[2]]
    show(scene, deeper)
    assert misplaced(scene, deeper) == []
    outside = [a._replace(channel=4), colour("b", 2, 20, 90)]
    show(scene, outside)
    assert misplaced(scene, outside) == []
    assert present(scene)["a"].content_start == -11


def test_a_meta_strip_takes_its_children_along(scene: bpy.types.Scene, footage: Path) -> None:
    before = everything(footage)
    show(scene, before)
    family = {"m", "m1", "n", "n1"}
    inside = compat.strips(strip_of(scene, "m"))
    compat.new_effect(inside, "mine", "COLOR", 9, 220, 230)
    wanted = [
        strip._replace(
            left=strip.left + 500, right=strip.right + 500, content_start=strip.content_start + 500, channel=channel
        )
        if strip.key in family
        else strip
        for strip in before
        for channel in [8 if strip.key == "m" else strip.channel]
    ]
    ran = show(scene, wanted)
    assert misplaced(scene, wanted) == []
    assert family <= ran.work.touched.keys()
    assert getattr(compat.strips_all(scene.sequence_editor)["mine"], A.left) == 720
    trimmed = [strip._replace(left=730, right=780) if strip.key == "m" else strip for strip in wanted]
    show(scene, trimmed)
    assert misplaced(scene, trimmed) == []
    shuffled = [strip._replace(left=695, right=765) if strip.key == "m1" else strip for strip in trimmed]
    show(scene, shuffled)
    assert misplaced(scene, shuffled) == []


def test_looks_change_and_places_do_not(scene: bpy.types.Scene, footage: Path) -> None:
    show(scene, everything(footage))
    there = present(scene)
    keys = [[0.0, 0.0, "LINEAR"], [20.0, 1.0, "LINEAR"]]
    wanted = dict(there)
    wanted["text"] = there["text"]._replace(
        name="title", lock=False, props={"text": "Other", "color": [1.0, 0.0, 0.0, 1.0]}, note={"in": 1}
    )
    wanted["a"] = there["a"]._replace(
        mute=True, props={"transform.scale_x": 2.0}, curves={"blend_alpha": {"keys": keys}}
    )
    wanted["b"] = there["b"]._replace(
        modifiers=({"type": "BRIGHT_CONTRAST", "name": "Light", "props": {"bright": 5.0}},)
    )
    ran = show(scene, wanted.values())
    assert not ran.work.troubles
    assert ran.work.touched.keys() == {"text", "a", "b"}
    after = present(scene)
    for key in ("text", "a", "b"):
        assert same_but_place(after[key], wanted[key])
        assert place(after[key]) == place(there[key])
    show(scene, there.values())
    assert present(scene) == there


def test_curves_go_with_a_strip(scene: bpy.types.Scene) -> None:
    keys = {"blend_alpha": {"keys": [[0.0, 0.0, "LINEAR"], [20.0, 1.0, "LINEAR"]]}}
    show(scene, [colour("a", 2, 1, 60, curves=keys)])
    assert present(scene)["a"].curves == keys
    for wanted in (
        colour("a", 2, 101, 160, curves=keys),
        colour("a", 3, 130, 190, curves=keys),
        colour("a", 3, 140, 190, curves=keys),
    ):
        show(scene, [wanted])
        assert present(scene)["a"].curves == keys
        assert misplaced(scene, [wanted]) == []


def test_two_strips_of_one_name(scene: bpy.types.Scene) -> None:
    wanted = [colour("a", 2, 1, 60, name="same"), colour("b", 3, 1, 60, name="same")]
    show(scene, wanted)
    assert {strip.name for strip in present(scene).values()} == {"same", "same.001"}
    assert not show(scene, wanted).work.changed
    long = "ü" * 80
    show(scene, [colour("a", 2, 1, 60, name=long)])
    assert long.startswith(present(scene)["a"].name)
    assert not show(scene, [colour("a", 2, 1, 60, name=long)]).work.changed


def test_names_are_exchanged(scene: bpy.types.Scene) -> None:
    show(scene, [colour("a", 2, 1, 60, name="one"), colour("b", 3, 1, 60, name="two")])
    wanted = [colour("a", 2, 1, 60, name="two"), colour("b", 3, 1, 60, name="one")]
    show(scene, wanted)
    show(scene, wanted)
    assert {key: strip.name for key, strip in present(scene).items()} == {"a": "two", "b": "one"}


def test_an_edit_between_two_steps_is_left_alone(scene: bpy.types.Scene) -> None:
    strips = [colour(f"k{n}", 2 + n, 1, 50) for n in range(6)]
    show(scene, strips)
    shadow = present(scene)
    wanted = [strip._replace(left=101, right=150, mute=True) for strip in strips[:4]]
    work = applying.Applier(scene).begin(picture(scene, wanted), shadow)
    assert not work.step(0)
    setattr(strip_of(scene, "k0"), A.start, 900)
    strip_of(scene, "k1").mute = True
    strip_of(scene, "k5").blend_alpha = 0.25
    drive(work, 0)
    assert {"k0", "k1", "k5"} <= work.left
    there = present(scene)
    assert there["k0"].left == 900
    assert (there["k1"].left, there["k1"].mute) == (101, True)
    assert there["k5"].props["blend_alpha"] == 0.25
    assert "k4" not in there
    assert misplaced(scene, wanted[2:]) == []
    assert work.touched["k1"] == shadow["k1"]._replace(left=101, right=150, content_start=101)


def test_a_strip_under_an_effect_of_the_user_stays(scene: bpy.types.Scene) -> None:
    show(scene, [colour("a", 2, 1, 60), colour("b", 3, 50, 120)])
    found = reading.find(scene)
    compat.new_effect(compat.strips(scene.sequence_editor), "mine", "CROSS", 4, 50, 60, found["a"], found["b"])
    work = applying.Applier(scene).begin(picture(scene, []), present(scene))
    drive(work)
    assert work.left == {"a", "b"}
    assert compat.strips_all(scene.sequence_editor)["mine"].input_count == 2


def test_what_the_user_removed_stays_away(scene: bpy.types.Scene) -> None:
    show(scene, [colour("a", 2, 1, 60), colour("b", 3, 50, 120)])
    shadow = present(scene)
    compat.strips(scene.sequence_editor).remove(strip_of(scene, "a"))
    wanted = [colour("a", 2, 101, 160), colour("b", 3, 150, 220)]
    work = applying.Applier(scene).begin(picture(scene, wanted), shadow)
    drive(work)
    assert work.left == {"a"}
    assert present(scene).keys() == {"b"}


def test_the_view_stays(scene: bpy.types.Scene, footage: Path) -> None:
    show(scene, everything(footage))
    editor = scene.sequence_editor
    found = reading.find(scene)
    for key, strip in found.items():
        strip.select = key in ("a", "n1")
    scene.frame_set(77)
    editor.display_stack(found["m"])
    editor.active_strip = found["n1"]
    wanted = [
        strip._replace(left=strip.left + 9, right=strip.right + 9, content_start=strip.content_start + 9)
        for strip in everything(footage)
    ]
    show(scene, [*wanted, colour("new", 12, 1, 9), colour("inside", 7, 230, 250, parent="m")])
    assert misplaced(scene, wanted) == []
    assert [one.name for one in editor.meta_stack] == ["m"]
    assert editor.active_strip.name == "n1"
    assert scene.frame_current == 77
    assert {key for key, strip in reading.find(scene).items() if strip.select} == {"a", "n1"}
    show(scene, [wanted[0]])
    assert len(editor.meta_stack) == 0


def test_reading_ahead_rests_during_a_step_and_comes_back(
    scene: bpy.types.Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    editor = scene.sequence_editor
    editor.use_prefetch = True
    editor.use_cache_raw = True
    seen = []
    land = placing.land

    def spy(*given: Any) -> bool:
        seen.append((editor.use_prefetch, editor.use_cache_raw))
        if len(seen) == 2:
            raise KeyboardInterrupt
        return land(*given)

    monkeypatch.setattr(placing, "land", spy)
    work = applying.Applier(scene).begin(picture(scene, [colour("a", 2, 1, 60), colour("b", 3, 1, 60)]), {})
    with pytest.raises(KeyboardInterrupt):
        drive(work)
    assert seen == [(False, False), (False, False)]
    assert (editor.use_prefetch, editor.use_cache_raw) == (True, True)


def test_markers_and_channels(scene: bpy.types.Scene) -> None:
    scene.timeline_markers.new("mine", frame=5)
    camera = bpy.data.objects.new("Cam", bpy.data.cameras.new("Cam"))
    marks = (Mark("k1", "intro", 10), Mark("k2", "cut", 40, "Cam"))
    channels = {2: Channel("Picture", lock=True), 3: Channel("Titles", mute=True)}
    ran = show(scene, [], marks=marks, channels=channels)
    assert ran.work.changed
    told = reading.read(scene)
    assert set(told.marks) == {*marks, Mark("", "mine", 5)}
    assert {number: told.channels[number] for number in (2, 3)} == channels
    assert scene.timeline_markers["cut"].camera == camera
    assert not show(scene, [], marks=marks, channels=channels).work.changed
    show(scene, [], marks=(Mark("k1", "start", 12),), channels=channels)
    assert {(mark.key, mark.name, mark.frame) for mark in reading.read(scene).marks} == {
        ("k1", "start", 12),
        ("", "mine", 5),
    }


def test_markers_that_the_user_changed_stay(scene: bpy.types.Scene) -> None:
    show(scene, [], marks=(Mark("k1", "intro", 10), Mark("k2", "cut", 40)))
    agreed = reading.read(scene)
    scene.timeline_markers["intro"].frame = 15
    wanted = agreed._replace(marks=(Mark("k1", "intro", 30), Mark("k2", "cut", 50)))
    drive(applying.Applier(scene).begin(wanted, {}, agreed))
    assert {(mark.key, mark.frame) for mark in reading.read(scene).marks} == {("k1", 15), ("k2", 50)}


def test_a_scene_that_is_gone_ends_the_work(scene: bpy.types.Scene) -> None:
    other = bpy.data.scenes.new("other")
    other.sequence_editor_create()
    work = applying.Applier(other).begin(picture(scene, [colour("a", 2, 1, 60)]), {})
    bpy.data.scenes.remove(other)
    assert work.step(1)
    assert not work.changed


def test_an_undo_between_two_steps_does_no_harm(scene: bpy.types.Scene) -> None:
    show(scene, [colour(f"k{n}", 2 + n, 1, 50) for n in range(6)])
    bpy.ops.ed.undo_push(message="one")
    show(scene, [colour(f"k{n}", 2 + n, 51, 100) for n in range(6)])
    bpy.ops.ed.undo_push(message="two")
    shadow = present(scene)
    wanted = [colour(f"k{n}", 2 + n, 201, 300) for n in range(6)]
    work = applying.Applier(scene).begin(picture(scene, wanted), shadow)
    while not work.touched:
        assert not work.step(0)
    moved = set(work.touched)
    bpy.ops.ed.undo()
    drive(work, 0)
    there = present(bpy.context.scene)
    assert all(strip.left == 1 for strip in there.values())
    assert work.left == there.keys() - moved


def test_a_refusal_half_way_leaves_nothing_out_of_sight(
    scene: bpy.types.Scene, footage: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = [colour("a", 2, 1, 60), colour("b", 3, 1, 60), cross("x", 4, 1, 60, "a", "b")]
    show(scene, first)
    dress = creating.dress

    def stubborn(strip: Any, wanted: Strip, find: Any) -> Any:
        if wanted.key in ("a", "new"):
            raise RuntimeError("not this one\nwhatever")
        return dress(strip, wanted, find)

    monkeypatch.setattr(creating, "dress", stubborn)
    wanted = [
        movie("a", str(footage / "a.mp4"), 2, 1, 60),
        first[1],
        first[2],
        colour("new", 6, 1, 60),
        colour("fine", 7, 1, 60),
    ]
    ran = show(scene, wanted)
    assert {key: trouble.code for key, trouble in ran.work.troubles.items()} == {"a": "refused", "new": "refused"}
    assert ran.work.troubles["a"].sentence == "Blender refuses it: not this one"
    assert misplaced(scene, [*first, wanted[4]]) == []
    assert present(scene).keys() == {"a", "b", "x", "fine"}
    assert present(scene)["a"].name == "a"
    assert present(scene)["x"].inputs == ("a", "b")


TYPES = ("COLOR", "TEXT", "MOVIE", "IMAGE", "ADJUSTMENT")


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 10**6))
def test_any_picture_becomes_any_other(scene: bpy.types.Scene, footage: Path, seed: int) -> None:
    """Strips, dissolves and meta strips come, go, move, change type and nest at random."""
    luck = random.Random(seed)
    files = {"MOVIE": ["a.mp4", "b.mp4"], "IMAGE": ["still.png", "numbered.0003.png"]}

    def lay(parent: str, keys: list[str], depth: int) -> Iterator[Strip]:
        ends = dict.fromkeys(range(1, 4), 10 + 100 * depth)
        while keys:
            key = keys.pop()
            channel = luck.choice(list(ends))
            left = ends[channel] + luck.choice([0, 0, 5, 40])
            right = ends[channel] = left + luck.randint(2, 70)
            kind = luck.choice(TYPES)
            if depth < 2 and keys and luck.random() < 0.25:
                inner = [keys.pop() for _ in range(min(len(keys), luck.randint(1, 3)))]
                yield meta(key, channel, left, right, parent=parent)
                yield from lay(key, inner, depth + 1)
                continue
            chosen = (str(footage / luck.choice(files[kind])),) if kind in files else ()
            start = left - luck.randint(-9, 99) if kind == "MOVIE" else left
            yield Strip(key, key, kind, channel, left, right, start, 240, parent, luck.random() < 0.3, files=chosen)

    def dissolves(strips: list[Strip]) -> Iterator[Strip]:
        for number, channel in enumerate((7, 8, 9)):
            parent = luck.choice(strips).parent
            plain = [strip for strip in strips if strip.parent == parent and strip.type != "META"]
            if len(plain) > 1:
                one, other = luck.sample(plain, 2)
                yield cross(f"x{number}", channel, 0, 0, one.key, other.key)._replace(parent=parent)

    for _ in range(4):
        keys = [f"k{number}" for number in range(12)]
        luck.shuffle(keys)
        strips = list(lay("", keys[luck.randint(0, 6) :], 0))
        effects = list(dissolves(strips))
        ran = show(scene, [*strips, *effects], budget=luck.choice([0, 0.002, 1]))
        assert misplaced(scene, strips) == []
        there = present(scene)
        assert there.keys() == {strip.key for strip in (*strips, *effects)}
        for strip in strips:
            found = there[strip.key]
            assert (found.type, found.files, found.mute) == (strip.type, strip.files, strip.mute)
            if strip.type == "MOVIE":
                assert found.content_start == strip.content_start
        for one in effects:
            found = there[one.key]
            assert (found.inputs, found.channel, found.parent) == (one.inputs, one.channel, one.parent)
        assert not ran.work.left
        assert not ran.work.troubles
    show(scene, [])
