"""How strips and items are each other: one example of each rule."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from genlock_blender.mapping import Book, Mapped, Wanted, book_of, level, to_cut, to_strips
from genlock_blender.states import Channel, Mark, Picture, Strip
from genlock_client import cut as cuts
from genlock_client import diff
from genlock_client.cut import Cut
from tests.hosts.blender.movies import model_of

Value = dict[str, Any]

POOL = [
    {"id": "a", "path": "/media/a.mov", "info": {"kind": "video", "rate": [24, 1], "frames": 240}},
    {"id": "b", "path": "/media/b.mov", "info": {"kind": "video", "rate": [30, 1], "frames": 300, "start": 86400}},
    {"id": "w", "path": "/media/w.wav", "info": {"kind": "audio"}},
    {"id": "n", "path": "/media/n.[1001-1040].exr", "info": {"kind": "sequence", "frames": 40, "start": 1001}},
    {
        "id": "small",
        "path": "/media/small.mov",
        "info": {"kind": "video", "rate": [24, 1], "frames": 240, "width": 960, "height": 540},
    },
]
SHOT = {
    "id": "s",
    "code": "SH0010",
    "selected": "t2",
    "takes": {
        "t1": {"id": "t1", "path": "/takes/v1.mov", "info": {"kind": "video", "rate": [24, 1], "frames": 97}},
        "t2": {
            "id": "t2",
            "path": "/takes/v2.mov",
            "head_handle": 8,
            "info": {"kind": "video", "rate": [24, 1], "frames": 113},
        },
    },
}
EMPTY = {"id": "e", "code": "SH0020", "selected": None, "takes": {}}
MEDIA = {"type": "media", "media": "a"}


def item(id_: str, duration: int = 48, gap: int = 0, **more: Any) -> Value:
    return {
        "id": id_,
        "gap": gap,
        "duration": duration,
        "source": MEDIA,
        "source_in": 0,
        "speed": [1, 1],
        "name": id_,
        "enabled": True,
        "link": None,
        **more,
    }


def track(id_: str, *items: Value, kind: str = "video", **more: Any) -> Value:
    return {
        "id": id_,
        "kind": kind,
        "name": id_,
        "placement": "free",
        "enabled": True,
        "locked": False,
        "sync_lock": True,
        "items": [{**each, "track": id_} for each in items],
        **more,
    }


def sequence(*tracks: Value, id_: str = "q", **more: Any) -> Value:
    return {
        "id": id_,
        "name": id_,
        "rate": [24, 1],
        "resolution": [1920, 1080],
        "version": 1,
        "tracks": list(tracks),
        "transitions": [],
        "markers": [],
        **more,
    }


def opened(*sequences: Value, persisted: Value | None = None, shots: list[Value] | None = None) -> tuple[Cut, Book]:
    model = model_of(list(sequences), media=POOL, shots=shots or [SHOT, EMPTY])
    cut = cuts.of(model.sequences["q"], model.sequences)
    return cut, book_of(model, "q", persisted or {}, ["Scene", "Other"])


def strips(wanted: Wanted) -> dict[str, Strip]:
    return {strip.key: strip for strip in wanted.picture.strips}


def edited(wanted: Wanted, *changed: Strip, gone: tuple[str, ...] = ()) -> Picture:
    """The picture after the user changed, added or deleted strips."""
    now = {**strips(wanted), **{strip.key: strip for strip in changed}}
    return wanted.picture._replace(strips=tuple(strip for key, strip in now.items() if key not in gone))


def told(wanted: Wanted, picture: Picture) -> Value:
    """What a local edit tells the daemon, by item."""
    before = to_cut(wanted.picture, wanted.book, _ids("x"))
    after = to_cut(picture, before.book, _ids("y"))
    found = diff.changes(*level(before, after)) or {"arrangement": {}}
    return found["arrangement"]


def _ids(letter: str) -> Any:
    numbers = iter(range(1000))
    return lambda: f"{letter}{next(numbers)}"


def tell(*shown: Strip, book: Book | None = None, **more: Any) -> Mapped:
    picture = Picture("Scene", (24, 1), (1920, 1080), 1, tuple(shown), {}, ())
    if book is None:
        book = opened(sequence())[1]
    return to_cut(picture._replace(**more), book, _ids("t"))


def movie(key: str, channel: int, left: int, right: int, **more: Any) -> Strip:
    fields = {"files": ("/media/a.mov",), "rate": (24, 1), "frames": 240, "content_start": left, **more}
    return Strip(key, key, "MOVIE", channel, left, right, **fields)


# Time


def test_a_clip_of_30_frames_in_a_scene_of_23976_is_counted_in_its_own_frames() -> None:
    clip = item("i", source={"type": "media", "media": "b", "first": 86400, "rate": [30, 1]}, source_in=86404)
    cut, book = opened(sequence(track("V", clip), rate=[24000, 1001]))
    wanted = to_strips(cut, book)
    strip = strips(wanted)["i"]
    assert strip.content_start == 1 - 4
    assert strip.note == {"at": [4, 4, "1001/800"]}, "frame 4 lies between the scene's, so it is remembered"
    trimmed = told(wanted, edited(wanted, strip._replace(left=3)))
    assert trimmed["items"]["i"] == {"start": 2, "duration": 46, "source_in": 86400 + 4 + 2 * 1001 // 800}


def test_a_clip_that_runs_backwards_begins_with_the_last_frame_of_its_range() -> None:
    found = tell(movie("k", 1, 1, 49, speed=(-2, 1), content_start=-9))
    value = found.cut.items["k"]
    assert (value["source_in"], value["speed"]) == (240 - 1 - 20, [-2, 1])


def test_a_held_frame_is_a_strip_that_does_not_get_to_the_next_one() -> None:
    cut, book = opened(sequence(track("V", item("i", source_in=7, speed=[0, 1]))))
    wanted = to_strips(cut, book)
    strip = strips(wanted)["i"]
    num, den = strip.speed or (1, 1)
    shown = {(frame - int(strip.content_start)) * num // den for frame in range(strip.left, strip.right)}
    assert shown == {7}
    slower = strip._replace(speed=(1, 998))  # what Blender makes of it, in whole frames
    assert told(wanted, edited(wanted, slower)) == {}


def test_a_ramp_leaves_the_speed_and_is_kept_whole() -> None:
    cut, book = opened(sequence(track("V", item("i", speed=[2, 1]))))
    wanted = to_strips(cut, book)
    ramp = strips(wanted)["i"]._replace(speed=None, retiming=(0, 20, 50))
    assert told(wanted, edited(wanted, ramp))["items"]["i"] == {
        "foreign": {"blender": {"retiming": [0, 20, 50], "speed": [2, 1]}}
    }


def test_what_goes_beyond_the_file_is_said_not_to_be_limited_by_it() -> None:
    cut, book = opened(sequence(track("V", item("i", source={**MEDIA, "frames": 240}, source_in=200, duration=40))))
    wanted = to_strips(cut, book)
    longer = strips(wanted)["i"]._replace(right=60)
    assert told(wanted, edited(wanted, longer))["items"]["i"] == {"duration": 59, "source": MEDIA}


# Sources


def test_a_shot_stays_a_shot_whichever_of_its_takes_is_shown() -> None:
    cut, book = opened(sequence(track("V", item("i", source={"type": "shot", "shot": "s"}, source_in=5))))
    wanted = to_strips(cut, book)
    strip = strips(wanted)["i"]
    assert (strip.files, strip.content_start) == (("/takes/v2.mov",), 1 - 5 - 8)
    other = told(wanted, edited(wanted, strip._replace(files=("/takes/v1.mov",), content_start=1 - 5)))
    assert other["items"]["i"] == {"source": {"type": "shot", "shot": "s", "take": "t1"}}
    swapped = told(wanted, edited(wanted, strip._replace(files=("/media/a.mov",), content_start=1)))
    assert swapped["items"]["i"]["source"] == {"type": "media", "media": "a", "frames": 240}


def test_a_new_take_is_shown_at_the_same_place() -> None:
    shots = [{**SHOT, "selected": "t1"}, EMPTY]
    content = sequence(track("V", item("i", source={"type": "shot", "shot": "s"}, source_in=5)))
    wanted = to_strips(*opened(content, shots=shots))
    cut, book = opened(content)
    after = strips(to_strips(cut, book._replace(homes=wanted.book.homes), wanted.picture))["i"]
    assert after == strips(wanted)["i"]._replace(files=("/takes/v2.mov",), frames=113, content=113, content_start=-12)


def test_a_picture_of_another_size_fits_the_frame_unless_a_scale_is_told() -> None:
    plain = item("i", source={"type": "media", "media": "small"})
    own = item("j", gap=48, source={"type": "media", "media": "small"})
    own["foreign"] = {"blender": {"props": {"transform.scale_x": 1.0, "transform.scale_y": 0.5}}}
    cut, book = opened(sequence(track("V", plain, own)))
    wanted = to_strips(cut, book)
    fitted, scaled = strips(wanted)["i"], strips(wanted)["j"]
    assert fitted.props == {"transform.scale_x": 2.0, "transform.scale_y": 2.0}
    assert scaled.props == {"transform.scale_y": 0.5}, "1 is Blender's own, which it does not tell"
    assert told(wanted, wanted.picture) == {}
    moved = told(wanted, edited(wanted, fitted._replace(left=200, right=248, content_start=200)))
    assert moved["items"]["i"] == {"start": 199}
    natural = told(wanted, edited(wanted, fitted._replace(props={})))
    assert natural["items"]["i"]["foreign"]["blender"]["props"] == {"transform.scale_x": 1.0, "transform.scale_y": 1.0}
    keyed = told(wanted, edited(wanted, fitted._replace(props={}, curves={name: [] for name in fitted.props})))
    assert "props" not in keyed["items"]["i"]["foreign"]["blender"]


def test_a_file_that_the_project_lacks_is_held_until_it_is_there() -> None:
    cut, book = opened(sequence(track("V", item("i"))))
    wanted = to_strips(cut, book)
    swapped = edited(wanted, strips(wanted)["i"]._replace(files=("/elsewhere.mov",)))
    found = to_cut(swapped, wanted.book)
    assert found.held["i"][0] == "media"
    assert told(wanted, swapped) == {}, "held back is not deleted"
    assert tell(movie("k", 1, 1, 9, files=("/elsewhere.mov",))).cut.tracks == {}


@pytest.mark.parametrize("path", ["/media/n.%04d.exr", "/media/n.####.exr", "/media/n.[1001-1040].exr"])
def test_numbered_images_are_found_however_their_pattern_is_written(path: str) -> None:
    pool = [{**POOL[3], "path": path}]
    model = model_of([sequence(track("V", item("i", source={"type": "media", "media": "n"}, source_in=3)))], media=pool)
    book = book_of(model, "q", {})
    wanted = to_strips(cuts.of(model.sequences["q"], model.sequences), book)
    strip = strips(wanted)["i"]
    assert (strip.type, len(strip.files), strip.files[0]) == ("IMAGE", 40, "/media/n.1001.exr")
    less = strip._replace(files=strip.files[2:], content_start=strip.content_start + 2)
    assert told(wanted, edited(wanted, less)) == {}


def test_a_shot_without_a_take_is_a_placeholder_that_can_be_moved_trimmed_and_named() -> None:
    waiting = item("i", source={"type": "shot", "shot": "e"}, source_in=4, name="Later", effects=[{"a": 1}])
    wanted = to_strips(*opened(sequence(track("V", waiting))))
    strip = strips(wanted)["i"]
    assert (strip.type, strip.name, strip.note["placeholder"]) == ("COLOR", "Later", True)
    moved = strip._replace(left=12, right=49, name="Sooner", mute=True, props={"color": [1, 0, 0]})
    assert told(wanted, edited(wanted, moved))["items"]["i"] == {
        "start": 11,
        "duration": 37,
        "source_in": 15,
        "name": "Sooner",
        "enabled": False,
    }


def test_sound_that_is_not_there_is_not_shown_as_a_picture() -> None:
    lost = item("i", source={"type": "media", "media": "lost"})
    wanted = to_strips(*opened(sequence(track("A", lost, kind="audio"))))
    assert strips(wanted) == {}
    assert wanted.held["i"][0] == "not_shown"


def test_a_colour_in_place_of_sound_stays_on_the_sound_track() -> None:
    content = sequence(track("A", item("i", source={"type": "media", "media": "w"}), kind="audio"))
    wanted = to_strips(*opened(content))
    stand_in = strips(wanted)["i"]._replace(type="COLOR", files=(), note={"placeholder": True})
    assert told(wanted, edited(wanted, stand_in)) == {}


def test_metadata_of_other_tools_is_kept_beside_ours() -> None:
    noted = item("i", foreign={"resolve": {"node": 1}, "blender": {"lock": True}})
    wanted = to_strips(*opened(sequence(track("V", noted))))
    strip = strips(wanted)["i"]
    assert strip.lock
    found = told(wanted, edited(wanted, strip._replace(lock=False, props={"blend_alpha": 0.5})))
    assert found["items"]["i"]["foreign"] == {"resolve": {"node": 1}, "blender": {"props": {"blend_alpha": 0.5}}}


# Names


def test_two_items_of_one_name_keep_it() -> None:
    wanted = to_strips(*opened(sequence(track("V", item("i", name="Opening"), item("j", name="Opening")))))
    assert [strip.name for strip in wanted.picture.strips] == ["Opening", "Opening.001"]
    assert told(wanted, wanted.picture) == {}
    renamed = edited(wanted, strips(wanted)["j"]._replace(name="Ending"))
    assert told(wanted, renamed)["items"] == {"j": {"name": "Ending"}}
    copy = strips(wanted)["j"]._replace(key="new", name="Opening.002", left=500, right=510)
    assert told(wanted, edited(wanted, copy))["items"]["new"]["name"] == "Opening"


def test_a_long_name_is_cut_for_blender_alone() -> None:
    wanted = to_strips(*opened(sequence(track("V", item("i", name="ä" * 40)))))
    assert strips(wanted)["i"].name == "ä" * 30
    assert told(wanted, wanted.picture) == {}


# Tracks and channels


def test_a_track_between_two_gets_a_free_channel_or_moves_what_is_above() -> None:
    one, two, new = track("one"), track("two"), track("new")
    owners = {"one": ["q", "video"], "two": ["q", "video"]}
    for homes, found in (({"one": 1, "two": 3}, (1, 2, 3)), ({"one": 4, "two": 5}, (4, 5, 6))):
        cut, book = opened(sequence(one, new, two), persisted={"origin": 1, "homes": homes, "owners": owners})
        wanted = to_strips(cut, book)
        assert tuple(wanted.book.homes[id_] for id_ in ("one", "new", "two")) == found


def test_only_tracks_that_passed_another_leave_their_channel() -> None:
    tracks = [track(id_) for id_ in ("c", "a", "b")]
    cut, book = opened(sequence(*tracks), persisted={"homes": {"a": 2, "b": 4, "c": 7}})
    assert to_strips(cut, book).book.homes == {"c": 1, "a": 2, "b": 4}


def test_more_tracks_than_channels_are_said_not_to_be_shown() -> None:
    tracks = [track(f"t{n}", item(f"i{n}")) for n in range(130)]
    wanted = to_strips(*opened(sequence(*tracks)))
    assert sorted(wanted.held) == ["t128", "t129"]
    assert len(wanted.picture.strips) == 128
    assert told(wanted, wanted.picture) == {}


@pytest.mark.parametrize("key", ["a", "z"])
def test_a_copy_that_lies_on_a_strip_waits_and_the_strip_stays(key: str) -> None:
    wanted = to_strips(*opened(sequence(track("t", item("m")))))
    mapped = to_cut(edited(wanted, strips(wanted)["m"]._replace(key=key, name="Copy")), wanted.book)
    assert list(mapped.cut.items) == ["m"]
    assert list(mapped.held) == [key]
    assert mapped.held[key][0] == "overlap"


def test_a_channel_of_picture_and_sound_is_home_of_two_tracks() -> None:
    sound = Strip("s", "s", "SOUND", 2, 1, 20, content_start=1, files=("/media/w.wav",))
    found = tell(sound, movie("v", 2, 30, 40), channels={2: Channel("Dialogue", mute=True)})
    assert [(t["kind"], t.get("name"), t["enabled"]) for t in found.cut.tracks.values()] == [
        ("audio", None, False),
        ("video", "Dialogue", False),
    ]
    assert set(found.book.homes.values()) == {2}
    shown = to_strips(found.cut, found.book, Picture("Scene", (24, 1), (1920, 1080), 1, (sound,), {}, ()))
    assert strips(shown)["s"] is sound


def test_a_strip_on_a_channel_without_a_track_makes_one_there() -> None:
    cut, book = opened(sequence(track("one", item("i")), track("two", item("j"))))
    wanted = to_strips(cut, book._replace(homes={"one": 1, "two": 5}))
    found = told(wanted, edited(wanted, movie("k", 3, 1, 20)))
    assert found["tracks"] == {"y0": {"kind": "video", "name": "", "enabled": True, "locked": False, "after": "one"}}
    assert found["items"]["k"]["track"] == "y0"


def test_what_is_remembered_is_json_and_comes_back() -> None:
    cut, book = opened(sequence(track("one", item("i")), track("two", item("j"))))
    wanted = to_strips(cut, book._replace(homes={"one": 3, "two": 8}, origin=101))
    kept = json.loads(json.dumps(wanted.book.persisted()))
    again = opened(sequence(track("one", item("i")), track("two", item("j"))), persisted=kept)[1]
    assert (again.homes, again.origin) == ({"one": 3, "two": 8}, 101)
    assert book_of(model_of([sequence()]), "q", {"homes": 3, "owners": [], "origin": "x"}).homes == {}


# Transitions


def dissolve(before: int, after: int, **more: Any) -> Value:
    return {"left": "i", "right": "j", "in_offset": before, "out_offset": after, "kind": "dissolve", "name": "", **more}


def test_a_dissolve_is_two_strips_that_overlap_under_an_effect() -> None:
    both = track("V", item("i", source_in=50), item("j", source_in=50))
    cut, book = opened(sequence(both, track("W", item("k")), transitions=[dissolve(5, 8)]))
    wanted = to_strips(cut, book)
    found = strips(wanted)
    assert (found["i"].left, found["i"].right, found["i"].channel) == (1, 57, 1)
    assert (found["j"].left, found["j"].right, found["j"].channel) == (44, 97, 2)
    assert (found["i>j"].type, found["i>j"].channel, found["i>j"].inputs) == ("CROSS", 3, ("i", "j"))
    assert found["k"].channel == 4
    wider = edited(wanted, found["j"]._replace(left=40), found["i>j"]._replace(left=40))
    assert told(wanted, wider) == {
        "items": {"i": {"duration": 44}, "j": {"start": 44, "duration": 52, "source_in": 46}},
        "transitions": {"i>j": {"out_offset": 12}},
    }


def test_a_cross_of_the_users_is_cut_in_the_middle_and_left_where_it_is() -> None:
    first, second = movie("i", 1, 1, 60), movie("j", 2, 40, 100)
    cross = Strip("x", "Cross", "CROSS", 5, 40, 60, inputs=("i", "j"))
    over = movie("b", 2, 200, 220)
    found = tell(first, second, cross, over)
    assert found.cut.transitions["i>j"]["in_offset"] == found.cut.transitions["i>j"]["out_offset"] == 10
    assert [found.cut.items[key]["track"] for key in "ijb"] == ["t0", "t0", "t1"]
    shown = Picture("Scene", (24, 1), (1920, 1080), 1, (first, second, cross, over), {}, ())
    again = to_strips(found.cut, found.book, shown)
    assert all(strip is strips(Wanted(shown, {}, found.book))[strip.key] for strip in again.picture.strips)


def test_a_cross_over_which_something_shows_stays_an_effect() -> None:
    found = tell(
        movie("i", 1, 1, 60),
        movie("j", 4, 40, 100),
        movie("between", 2, 70, 80),
        Strip("x", "Cross", "CROSS", 5, 40, 60, inputs=("i", "j")),
    )
    assert found.cut.transitions == {}
    assert found.cut.items["x"]["source"]["generator"] == "blender.cross"
    assert found.cut.items["j"]["start"] == 39


def test_a_cross_that_was_told_as_an_effect_is_one_until_somebody_here_moves_what_it_joins() -> None:
    source = {"type": "generator", "generator": "blender.cross", "parameters": {"inputs": ["i", "j"]}}
    cut, book = opened(
        sequence(
            track("V", item("i")),
            track("W", item("j", gap=40)),
            track("X", item("x", duration=8, gap=40, source=source)),
        )
    )
    wanted = to_strips(cut, book)
    found = strips(wanted)
    assert (found["x"].type, found["x"].inputs, found["x"].left, found["x"].right) == ("CROSS", ("i", "j"), 41, 49)
    shows = to_cut(wanted.picture, wanted.book).cut
    assert diff.changes(cut, shows) is None
    named = told(wanted, edited(wanted, found["i"]._replace(name="I")))
    assert named == {"items": {"i": {"name": "I"}}}
    cross = {"in_offset": 5, "out_offset": 5, "kind": "dissolve", "foreign": {"blender": {"name": "x"}}}
    nearer = found["j"]._replace(left=39, right=87, content_start=39), found["x"]._replace(left=39)
    assert told(wanted, edited(wanted, *nearer)) == {
        "items": {
            "i": {"duration": 43},
            "j": {"start": 43, "duration": 43, "source_in": 5, "track": "V"},
            "x": None,
        },
        "transitions": {"i>j": cross},
    }


def test_a_transition_that_blender_has_not_got_stays_with_the_model() -> None:
    cut, book = opened(sequence(track("V", item("i"), item("j")), transitions=[dissolve(5, 5, kind="iris")]))
    wanted = to_strips(cut, book)
    assert sorted(strips(wanted)) == ["i", "j"]
    assert "transitions" not in told(wanted, edited(wanted, strips(wanted)["j"]._replace(name="J")))


def test_strips_wait_for_what_they_are_joined_to() -> None:
    found = tell(
        movie("i", 1, 1, 60),
        movie("j", 2, 40, 100, files=("/elsewhere.mov",)),
        Strip("x", "Cross", "CROSS", 3, 40, 60, inputs=("i", "j")),
        Strip("g", "Glow", "GLOW", 4, 1, 60, inputs=("i",)),
    )
    assert found.cut.items == {}
    assert {key: code for key, (code, _) in found.held.items()} == {
        "i": "waits",
        "j": "media",
        "x": "waits",
        "g": "waits",
    }


# Nested sequences


def test_a_nested_sequence_is_a_meta_strip() -> None:
    inner = sequence(track("N", item("c", gap=10, duration=20)), id_="n")
    outer = item("m", source={"type": "nested", "sequence": "n"}, source_in=12, duration=10)
    wanted = to_strips(*opened(sequence(track("V", outer, gap=0)), inner))
    found = strips(wanted)
    meta = found["m"]
    assert (meta.type, meta.content_start, meta.note) == ("META", 1 - 12 + 10, {"first": 10})
    assert (found["c"].parent, found["c"].left, found["c"].channel) == ("m", 1 - 12 + 10, 1)
    before = to_cut(wanted.picture, wanted.book)
    after = to_cut(edited(wanted, found["c"]._replace(right=found["c"].right - 3)), before.book)
    changes = diff.changes(*level(before, after), {"n": 1})
    assert changes is not None
    assert changes["nested"][0]["arrangement"] == {"items": {"c": {"duration": 17}}}
    assert changes["arrangement"] == {}


def test_a_meta_strip_of_the_users_is_a_sequence_of_its_own() -> None:
    meta = Strip("m", "Scene 3", "META", 1, 11, 41, content_start=11, content=30)
    found = tell(meta, movie("c", 2, 11, 41, parent="m", content_start=5))
    value = found.cut.items["m"]
    inner = found.cut.nested[value["source"]["sequence"]]
    assert (value["start"], value["source_in"]) == (10, 0)
    assert (inner.settings["name"], inner.settings["rate"]) == ("Scene 3", [24, 1])
    assert (inner.items["c"]["start"], inner.items["c"]["source_in"]) == (0, 6)
    assert to_cut(Picture("", (24, 1), (1, 1), 1, (meta,), {}, ()), found.book).book.metas == found.book.metas


def test_a_sequence_that_is_nested_twice_is_shown_once() -> None:
    source = {"type": "nested", "sequence": "n"}
    twice = track("V", item("m", source=source), item("o", source=source))
    cut, book = opened(sequence(twice), sequence(track("N", item("c")), id_="n"))
    wanted = to_strips(cut, book)
    assert [strips(wanted)[key].type for key in "mo"] == ["META", "COLOR"]
    swapped = cut._replace(items={"o": {**cut.items["o"], "start": 0}, "m": {**cut.items["m"], "start": 48}})
    assert [strips(to_strips(swapped, wanted.book, wanted.picture))[key].type for key in "mo"] == ["META", "COLOR"]


def test_what_is_in_a_group_and_outside_of_it_is_shown_in_the_group_and_said() -> None:
    inner = sequence(track("N", item("i", gap=10)), id_="n")
    group = item("m", source={"type": "nested", "sequence": "n"}, duration=48, gap=10)
    cut, book = opened(sequence(track("V", item("i"), group)), inner)
    wanted = to_strips(cut, book)
    found = strips(wanted)
    assert [found[key].parent for key in "im"] == ["m", ""]
    assert wanted.held["i"][0] == "twice"
    renamed = edited(wanted, found["m"]._replace(name="M"))
    assert told(wanted, renamed) == {"items": {"m": {"name": "M"}}}
    shows = to_cut(wanted.picture, wanted.book).cut
    assert [shows.items["m"][name] for name in ("start", "duration", "source_in")] == [58, 48, 0]
    ungrouped = cut._replace(nested={"n": cut.nested["n"]._replace(items={})})
    again = to_strips(ungrouped, wanted.book, wanted.picture)
    assert (strips(again)["i"].parent, again.held) == ("", {})


# The rest


def test_markers_come_and_go() -> None:
    content = sequence(markers=[{"id": "k", "start": 9, "duration": 0, "item": None, "name": "here", "color": "BLUE"}])
    wanted = to_strips(*opened(content))
    assert wanted.picture.marks == (Mark("k", "here", 10),)
    moved = wanted.picture._replace(marks=(Mark("k", "here", 20, "Cam"), Mark("new", "there", 1), Mark("", "no", 3)))
    assert told(wanted, moved)["markers"] == {
        "k": {"start": 19, "foreign": {"blender": {"camera": "Cam"}}},
        "new": {"start": 0, "name": "there"},
    }


def test_what_lies_before_the_start_is_said_and_not_lost() -> None:
    wanted = to_strips(*opened(sequence(track("V", item("i")))))
    early = edited(wanted, strips(wanted)["i"]._replace(left=-3, right=20))
    assert to_cut(early, wanted.book).held["i"][0] == "before_start"
    assert told(wanted, early) == {}


def test_an_effect_knows_its_inputs_and_is_as_long_as_they_are() -> None:
    glow = item(
        "g", source={"type": "generator", "generator": "blender.glow", "parameters": {"inputs": ["i"], "blur": 2}}
    )
    wanted = to_strips(*opened(sequence(track("V", item("i", duration=30)), track("W", glow))))
    strip = strips(wanted)["g"]
    assert (strip.type, strip.inputs, strip.props, strip.left, strip.right) == ("GLOW", ("i",), {"blur": 2}, 1, 31)
    softer = told(wanted, edited(wanted, strip._replace(props={"blur": 5})))
    assert softer["items"]["g"]["source"]["parameters"] == {"inputs": ["i"], "blur": 5}


def test_a_locked_channel_does_not_lock_its_strips() -> None:
    own = item("own", foreign={"blender": {"lock": True}})
    wanted = to_strips(*opened(sequence(track("V", item("i"), own))))
    every = [strip._replace(lock=True) for strip in wanted.picture.strips]
    locked = edited(wanted, *every)._replace(channels={1: Channel("V", lock=True)})
    assert told(wanted, locked) == {"tracks": {"V": {"locked": True}}}


def test_what_other_tools_generate_hides_nothing() -> None:
    title = item("i", source={"type": "generator", "generator": "resolve.title", "parameters": {"text": "?"}})
    strip = strips(to_strips(*opened(sequence(track("V", title)))))["i"]
    assert (strip.type, strip.props["blend_alpha"]) == ("COLOR", 0.0)


def test_five_thousand_strips_are_told_and_shown_at_once() -> None:
    tracks = [track(f"t{t}", *(item(f"i{t}.{n}", gap=n % 3) for n in range(500))) for t in range(10)]
    cut, book = opened(sequence(*tracks))
    wanted = to_strips(cut, book)
    start = time.process_time()
    found = to_cut(wanted.picture, wanted.book)
    middle = time.process_time()
    to_strips(found.cut, found.book, wanted.picture)
    end = time.process_time()
    assert (middle - start, end - middle) < (0.5, 0.5), "ten times what it takes"
