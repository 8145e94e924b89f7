"""What nobody asked for: locks, archives, types from the future, too many tracks, a Blender that sleeps, odd rates. Nothing
is lost, and every one of it is said in a sentence."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bpy
import pytest
from daemons import Daemon
from linked import Editor, left, move, select

from genlock_blender import compat
from genlock_blender.compat import A
from genlock_client.happenings import Connected
from genlock_client.sync import Sending

LONG = "A name that is a good deal longer than what Blender keeps of the name of a strip, ümläuts and all"


@pytest.fixture
def editor(scene: object, daemon: Daemon, project: str) -> Iterator[Editor]:
    compat.register()
    made = Editor(daemon, project)
    yield made
    made.close()
    compat.unregister()


def quiet(editor: Editor, seconds: float = 1.0) -> None:
    """Nothing that was shown comes back as an edit."""
    editor.settle()
    editor.answers.clear()
    version = editor.snapshot()["version"]
    editor.bridge.sync_now(editor.scene)
    editor.pump(seconds)
    assert editor.answers == []
    assert editor.snapshot()["version"] == version


def often(editor: Editor, edits: list[dict[str, Any]]) -> None:
    """Somebody else makes edits, one upon the other, and this Blender is not pumped."""
    version = editor.snapshot()["version"]
    for items in edits:
        version = editor.command({"do": "Arrange", "base": version, "arrangement": {"items": items}})["version"]


def elsewhere(editor: Editor, sequence: str) -> None:
    """Links another, empty scene to the sequence in place of this one."""
    editor.bridge.unlink(editor.scene)
    other = bpy.data.scenes.new("Other")
    other.sequence_editor_create()
    bpy.context.window.scene = other
    editor.bridge.link_existing(other, sequence, editor.project)
    editor.settle()


# Locks


def test_a_strip_on_a_track_that_was_locked_goes_back_and_other_edits_go_on(editor: Editor) -> None:
    editor.color("Red", 1, 1, 49)
    editor.color("Blue", 2, 1, 49)
    editor.link_new()
    keys = {name: editor.named(name)["genlock_id"] for name in ("Red", "Blue")}
    track = editor.items()[keys["Red"]]["track"]
    editor.command({"do": "SetTrack", "track": track, "locked": True})
    editor.settle()
    move(editor.named("Red"), 10)
    editor.settle()
    assert "locked" in editor.status.refusal
    assert (left(editor.named("Red")), editor.items()[keys["Red"]]["start"]) == (1, 0)
    move(editor.named("Blue"), 20)
    editor.settle()
    assert editor.items()[keys["Blue"]]["start"] == 20
    assert editor.status.refusal == ""
    editor.command({"do": "SetTrack", "track": track, "locked": False})
    editor.settle()
    move(editor.named("Red"), 30)
    editor.settle()
    assert editor.items()[keys["Red"]]["start"] == 30


# Archives


def test_a_sequence_that_is_archived_is_said_and_goes_on_when_it_is_back(editor: Editor) -> None:
    editor.color("Red", 1, 1, 49)
    editor.color("Blue", 2, 1, 49)
    editor.link_new()
    keys = {name: editor.named(name)["genlock_id"] for name in ("Red", "Blue")}
    editor.command({"do": "ArchiveSequence"})
    editor.until(lambda: editor.status.state == "stopped")
    assert "archive" in editor.status.hint
    move(editor.named("Red"), 10)
    editor.pump(0.6)
    assert left(editor.named("Red")) == 11
    assert len(editor.strips) == 2
    editor.command({"do": "ArchiveSequence", "archived": False})
    editor.arrange(**{keys["Blue"]: {"start": 60}})
    editor.until(lambda: editor.status.state == "linked")
    editor.settle()
    assert {key: editor.items()[key]["start"] for key in keys.values()} == {keys["Red"]: 10, keys["Blue"]: 60}
    assert left(editor.named("Blue")) == 61
    quiet(editor)


def test_what_the_archive_turned_down_stays_here_and_is_told_when_it_is_back(editor: Editor) -> None:
    editor.color("Red", 1, 1, 49)
    editor.link_new()
    key = editor.named("Red")["genlock_id"]
    move(editor.named("Red"), 10)
    editor.color("Blue", 2, 1, 49)
    editor.command({"do": "ArchiveSequence"})
    editor.until(lambda: isinstance(editor.link.sync.state, Sending) or editor.status.state == "stopped")
    editor.until(lambda: editor.status.state == "stopped")
    editor.pump(0.5)
    assert sorted(strip.name for strip in editor.strips) == ["Blue", "Red"]
    editor.command({"do": "ArchiveSequence", "archived": False})
    editor.until(lambda: editor.status.state == "linked")
    editor.settle()
    assert editor.items()[key]["start"] == 10
    assert {item["name"] for item in editor.items().values()} == {"Red", "Blue"}
    assert left(editor.named("Red")) == 11
    quiet(editor)


def test_a_project_that_is_archived_is_said_and_costs_no_strip(editor: Editor) -> None:
    editor.color("Red", 1, 1, 49)
    editor.link_new()
    key = editor.named("Red")["genlock_id"]
    editor.daemon.rest.command({"do": "ArchiveProject"}, editor.project)
    editor.pump(0.5)
    move(editor.named("Red"), 10)
    editor.pump(1.5)
    status = editor.status
    assert (status.state, status.sentence) == ("stopped", "The project was archived.")
    assert left(editor.named("Red")) == 11
    assert [strip.name for strip in editor.strips] == ["Red"]
    editor.daemon.rest.command({"do": "ArchiveProject", "archived": False}, editor.project)
    editor.until(lambda: editor.status.state == "linked")
    editor.settle()
    assert (left(editor.named("Red")), editor.items()[key]["start"]) == (11, 10)


# Types from the future


def test_a_strip_of_a_type_that_only_blender_makes_stays_what_it_is(
    editor: Editor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compat, "EFFECTS", compat.EFFECTS - {"TEXT"})  # as of a type that came after this add-on
    compat.new_effect(editor.strips, "Words", "TEXT", 1, 1, 49).text = "Nobody knows me"
    editor.color("Red", 2, 1, 49)
    editor.link_new()
    key = editor.named("Words")["genlock_id"]
    source = editor.items()[key]["source"]
    assert (source["type"], source["generator"]) == ("generator", "blender.text")
    editor.arrange(**{key: {"start": 30, "duration": 20, "name": "Written"}})
    editor.until(lambda: editor.shown()[key][1:4] == ("Written", 31, 51))
    move(editor.named("Written"), 5)
    editor.settle()
    strip = editor.named("Written")
    assert (strip.type, strip.text) == ("TEXT", "Nobody knows me")
    assert editor.items()[key]["start"] == 35
    assert editor.items()[key]["source"] == source
    quiet(editor)


def test_an_item_of_a_type_from_the_future_is_a_placeholder_that_can_be_moved(editor: Editor) -> None:
    editor.color("Red", 1, 1, 49)
    editor.link_new()
    track = editor.snapshot()["tracks"][0]["id"]
    source = {"type": "generator", "generator": "blender.hologram", "parameters": {"depth": [1, 2], "of": {"a": None}}}
    foreign = {"blender": {"lens": 35}, "resolve": {"node": "x"}}
    item = {"track": track, "start": 100, "duration": 24, "name": "Ghost", "source": source, "foreign": foreign}
    editor.arrange(ghost=item)
    editor.until(lambda: "ghost" in editor.shown())
    editor.settle()
    assert editor.named("Ghost").type == "COLOR"
    before = editor.items()["ghost"]
    move(editor.named("Ghost"), 12)
    editor.settle()
    after = editor.items()["ghost"]
    assert (before["start"], after["start"]) == (100, 112)
    assert {name: after[name] for name in ("source", "foreign")} == {"source": source, "foreign": foreign}
    quiet(editor)


# Too much


def test_more_tracks_than_blender_has_channels(editor: Editor) -> None:
    editor.color("Red", 1, 1, 49)
    editor.link_new()
    red = editor.named("Red")["genlock_id"]
    base = editor.snapshot()
    below = base["tracks"][-1]["id"]
    tracks: dict[str, Any] = {}
    for number in range(130):
        tracks[f"t{number:03}"] = {"kind": "video", "name": f"T{number}", "after": below}
        below = f"t{number:03}"
    source = editor.items()[red]["source"]
    items = {
        f"i{number:03}": {"track": f"t{number:03}", "start": 60, "duration": 24, "name": f"I{number}", "source": source}
        for number in range(130)
    }
    arrangement = {"tracks": tracks, "items": items}
    editor.command({"do": "Arrange", "base": base["version"], "arrangement": arrangement})
    editor.until(lambda: len(editor.strips) == 128)
    editor.settle()
    said = {**editor.status.held, **editor.status.troubles}
    assert set(said) == {"T127", "T128", "T129"}
    assert all("128 channels" in sentence for _, sentence in said.values())
    editor.answers.clear()
    move(editor.named("Red"), 10)
    move(editor.named("I3"), 100)
    editor.settle()
    assert (editor.items()[red]["start"], editor.items()["i003"]["start"]) == (10, 160)
    assert len(editor.items()) == 131
    assert len(editor.answers) == 1
    quiet(editor)


def test_a_blender_that_slept_while_much_happened_catches_up(editor: Editor) -> None:
    for number in range(8):
        editor.color(f"C{number}", number + 1, 1, 25)
    editor.link_new()
    keys = [editor.named(f"C{number}")["genlock_id"] for number in range(8)]
    move(editor.named("C7"), 500)  # edited before it fell asleep
    often(editor, [{keys[number % 7]: {"start": number + 30, "name": f"N{number}"}} for number in range(200)])
    editor.settle()
    there = editor.items()
    shown = {key: (name, begin - 1) for key, (_, name, begin, *_) in editor.shown().items()}
    assert shown == {key: (item["name"], item["start"]) for key, item in there.items()}
    assert there[keys[7]]["start"] == 500
    assert there[keys[199 % 7]]["start"] == 229
    quiet(editor)


def test_a_blender_that_was_cut_off_while_it_slept_catches_up(editor: Editor) -> None:
    editor.color("Red", 1, 1, 49)
    editor.color("Blue", 2, 1, 49)
    editor.link_new()
    keys = {name: editor.named(name)["genlock_id"] for name in ("Red", "Blue")}
    heard: list[Any] = []
    editor.bridge.listen_all(heard.append)
    text = "x" * 300_000  # forty of them are more than the socket and the daemon's backlog hold
    foreign = [{"other": {"text": text, "number": number}} for number in range(40)]
    often(editor, [{keys["Blue"]: {"start": at + 60, "foreign": each}} for at, each in enumerate(foreign)])
    move(editor.named("Red"), 10)
    editor.settle()
    assert [each for each in heard if isinstance(each, Connected)]  # it was cut off, and came back
    assert left(editor.named("Blue")) == 100
    assert {key: editor.items()[key]["start"] for key in keys.values()} == {keys["Red"]: 10, keys["Blue"]: 99}
    quiet(editor)


# Rates and lengths


def test_a_clip_of_30_in_a_scene_of_23_976(editor: Editor, footage: Path) -> None:
    render = editor.scene.render
    render.fps, render.fps_base = 24, 1.001
    editor.movie(footage / "thirty.mp4", 1, 1)
    strip = editor.named("thirty")
    strip.frame_final_start, strip.frame_final_end = 13, 61
    editor.link_new()
    snapshot = editor.snapshot()
    assert snapshot["rate"] == [24000, 1001]
    (item,) = editor.items().values()
    assert item["source"]["rate"] == [30, 1]
    assert (item["start"], item["duration"]) == (12, 48)
    assert (item["source_in"], item["speed"]) == (12, [800, 1001])  # made by a script, which shows frame for frame
    edges = (left(strip), int(getattr(strip, A.right)), float(getattr(strip, A.start)))
    elsewhere(editor, editor.sequence)
    render = editor.scene.render
    assert (render.fps, render.fps_base) == (24, pytest.approx(1.001))
    again = editor.strips[0]
    assert (left(again), int(getattr(again, A.right))) == edges[:2]
    assert float(getattr(again, A.start)) == pytest.approx(edges[2], abs=1)
    quiet(editor)


def test_a_clip_that_is_longer_than_its_media_is_taken_and_comes_back(editor: Editor, footage: Path) -> None:
    editor.movie(footage / "a.mp4", 1, 25)
    editor.link_new()
    key = editor.named("a")["genlock_id"]
    strip = editor.named("a")
    strip.frame_final_end, strip.frame_final_start = 325, 5
    editor.settle()
    assert editor.status.refusal == ""
    item = editor.items()[key]
    assert (item["start"], item["duration"], item["source_in"]) == (4, 320, -20)
    elsewhere(editor, editor.sequence)
    again = editor.strips[0]
    assert (left(again), int(getattr(again, A.right)), float(getattr(again, A.start))) == (5, 325, 25)
    quiet(editor)


# Overlaps and names


def test_strips_that_a_copy_left_on_each_other_are_said(editor: Editor, sequencer: dict[str, object]) -> None:
    editor.color("Red", 1, 1, 49)
    editor.color("Blue", 2, 1, 49)
    editor.link_new()
    key, blue = (editor.named(name)["genlock_id"] for name in ("Red", "Blue"))
    select(editor, "Red")
    with bpy.context.temp_override(**sequencer, scene=editor.scene):
        bpy.ops.sequencer.duplicate()
    names = sorted(strip.name for strip in editor.strips)
    assert names == ["Blue", "Red", "Red.001"]
    copy = editor.named("Red.001")
    assert (copy.channel, left(copy)) == (1, 1)
    move(editor.named("Blue"), 9)
    editor.settle()
    assert editor.status.refusal == ""
    assert editor.status.held == {"Red.001": ("overlap", "The strip overlaps another one on its track.")}
    assert set(editor.items()) == {key, blue}
    assert editor.items()[blue]["start"] == 9
    move(editor.named("Red.001"), 100)
    editor.settle()
    assert not editor.status.held
    assert sorted(item["start"] for item in editor.items().values()) == [0, 9, 100]
    quiet(editor)


def test_a_long_name_is_kept_whole_when_the_strip_is_moved(editor: Editor) -> None:
    editor.color("Red", 1, 1, 49)
    editor.link_new()
    key = editor.named("Red")["genlock_id"]
    editor.arrange(**{key: {"name": LONG}})
    editor.settle()
    shown = editor.strips[0].name
    assert LONG.startswith(shown)
    assert len(shown.encode()) < 64 < len(LONG.encode())
    move(editor.strips[0], 10)
    editor.settle()
    assert (editor.items()[key]["start"], editor.items()[key]["name"]) == (10, LONG)
    editor.strips[0].name = "Short"
    editor.settle()
    assert editor.items()[key]["name"] == "Short"
    quiet(editor)
