"""What the panels draw in every state, on a layout that takes only what this Blender's own takes."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import bpy
import desks
import pytest
from desks import JOB, SEQUENCE, SHOT, FakeBridge, Layout, job

from genlock_blender import (
    bridge,
    commands_points,
    desk,
    generating,
    interface,
    listing,
    offers,
    panel,
    panel_generate,
    panel_jobs,
    panel_takes,
    translations,
)
from genlock_client.errors import ClientError
from genlock_client.happenings import Connected, JobProgress

STATES = ("absent", "denied", "connecting", "unlinked", "linking", "linked", "working", "paused", "offline", "asking")


@pytest.fixture
def fake(scene: bpy.types.Scene, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeBridge]:
    made = FakeBridge()
    monkeypatch.setattr(bridge, "bridge", lambda: made)
    for key, channel, left, right in (("one", 1, 1, 25), ("two", 1, 41, 61)):
        desks.strip(scene, key, channel, left, right)
    interface.register()
    yield made
    interface.unregister()


def activate(scene: Any, fake: FakeBridge, key: str) -> None:
    strip = fake.strip_of(scene, key)
    scene.sequence_editor.active_strip = strip
    strip.select = True


def drawn(draw: Any) -> Layout:
    layout = Layout()
    draw(layout, bpy.context)
    return layout


@pytest.mark.parametrize("state", [*STATES, "stopped"])
def test_every_state_is_drawn_with_its_sentence(fake: FakeBridge, state: str) -> None:
    choices = ("fork", "continue", "unlink") if state == "asking" else ()
    fake.now = fake.now._replace(state=state, sentence=f"It is {state}.", hint="Do this.", choices=choices)
    if state == "absent":
        fake.session = fake.jobs = None
    text = drawn(panel.draw_connection).text
    assert f"It is {state}." in text
    assert "Do this." in text
    assert ("<genlock.connect>" in text) == (state == "absent")
    assert ("<genlock.link_new>" in text) == (state == "unlinked")
    assert ("<genlock.unlink>" in text) == (
        state in ("linking", "linked", "working", "paused", "offline", "asking", "stopped")
    )
    assert text.count("<genlock.relink>") == len(choices)
    for draw in (
        panel_generate.draw_generate,
        panel_jobs.draw_jobs,
        panel_takes.draw_takes,
        panel_generate.draw_engines,
    ):
        assert drawn(draw).lines  # none of them stumbles in any state


def test_what_stays_behind_is_named_with_its_reason(fake: FakeBridge) -> None:
    held = {f"Strip {n}": ("left_of_origin", "It begins before the sequence does.") for n in range(20)}
    fake.now = fake.now._replace(
        state="working",
        local_changes=12,
        held=held,
        troubles={"X": ("media", "Its file is missing.")},
        refusal="Overlap.",
    )
    text = drawn(panel.draw_connection).text
    assert "12 local changes are not sent yet" in text
    assert "Only in Blender: 20" in text
    assert "Strip 0: It begins before" in text
    assert "and 12 more" in text
    assert "Its file is missing." in text
    assert "Not taken: Overlap." in text


def test_conflicts_offer_their_choices(fake: FakeBridge) -> None:
    conflict = {"id": "c1", "message": "Both moved SH0010.", "choices": ["ours", "theirs", "manual"]}
    fake.now = fake.now._replace(conflicts=(conflict,))
    layout = drawn(panel.draw_conflicts)
    assert "Both moved SH0010." in layout.text
    assert [button.given for button in layout.buttons] == [
        {"conflict": "c1", "choice": choice} for choice in ("ours", "theirs", "manual")
    ]


def test_the_tab_stands_only_beside_a_timeline() -> None:
    for view, shown in (("SEQUENCER", True), ("SEQUENCER_PREVIEW", True), ("PREVIEW", False)):
        context = SimpleNamespace(space_data=SimpleNamespace(view_type=view))
        assert panel.Tab.poll(context) is shown
    assert panel.Tab.poll(SimpleNamespace(space_data=None)) is False


@pytest.mark.parametrize("action", [each.action for each in offers.OFFERS])
def test_every_action_says_what_it_lacks(fake: FakeBridge, action: str) -> None:
    bpy.context.window_manager.genlock_form.action = action
    layout = drawn(panel_generate.draw_generate)
    made = [button for button in layout.buttons if button.idname == "genlock.generate"]
    assert [button.given for button in made] == [{"action": action}]
    reason = desk.desk().reason(bpy.context, action)
    if reason:
        assert reason.split()[0] in layout.text
    assert len([button for button in layout.buttons if button.idname == "genlock.choose"]) == len(offers.OFFERS)


def test_the_forecast_is_asked_for_once_and_drawn(scene: Any, fake: FakeBridge) -> None:
    bpy.context.window_manager.genlock_form.prompt = "A ferry leaves"
    drawn(panel_generate.draw_generate)
    drawn(panel_generate.draw_generate)
    asked = [call for call in fake.errands.asked if call[1].endswith("/generate")]
    assert len(asked) == 1
    assert asked[0][2]["dry_run"] is True
    assert asked[0][2]["overrides"]["prompt"] == "A ferry leaves"
    stages = [{"name": "denoise", "bytes": 1, "seconds": 200.0}]
    plan = {
        "engine": "ltx2",
        "name": "whole",
        "model": "ltx2.3",
        "bytes": 42 * 10**9,
        "stages": stages,
        "notes": ["Cut."],
    }
    fake.errands.answer("/generate", {"plans": [{"plans": [{**plan, "draft": False, "forecast": "waits about 9 s"}]}]})
    text = drawn(panel_generate.draw_generate).text
    assert "ltx2 (ltx2.3): whole" in text
    assert "42.0 GB, about 3 min" in text
    assert "waits about 9 s" in text
    assert "Cut." in text


def test_what_no_engine_can_make_is_said_before_it_is_sent(fake: FakeBridge) -> None:
    bpy.context.window_manager.genlock_form.prompt = "A ferry"
    drawn(panel_generate.draw_generate)
    fake.errands.answer("/generate", error=ClientError("model_missing", "ltx2 is not here.", status=409))
    assert "ltx2 is not here." in drawn(panel_generate.draw_generate).text


def test_engines_say_what_they_lack(fake: FakeBridge) -> None:
    drawn(panel_generate.draw_engines)
    rows = [
        {"name": "ltx2", "available": False, "modes": ["text_to_video"], "reason": "torch is not installed."},
        {"name": "animatic", "available": True, "modes": ["text_to_video", "mask"], "reason": ""},
        {"name": "sam3", "available": False, "modes": ["mask"], "reason": "The model sam3 is not here."},
    ]
    fake.errands.answer("/api/engines", rows)
    text = drawn(panel_generate.draw_engines).text
    assert "ltx2: torch is not installed." in text
    assert "animatic: ready" in text
    assert "sam3" not in text
    names = [item[0] for item in desk.form.engines(None, bpy.context)]
    assert names == ["AUTO", "ltx2", "animatic", "sam3"]


def test_jobs_are_listed_with_progress_preview_and_place(fake: FakeBridge) -> None:
    for id_, state in ((JOB, "running"), ("w1", "waiting"), ("f1", "failed"), ("c1", "cancelled"), ("s1", "succeeded")):
        fake.model.jobs[id_] = job(id_, state)
    fake.jobs.update(Connected("s", "0", True, 0))
    desk.desk().changed()
    fake.jobs.update(JobProgress(JOB, 12, 24, "denoise", PIXEL))
    manager = bpy.context.window_manager
    assert sorted(row.job for row in manager.genlock_rows) == sorted(fake.model.jobs)
    manager.genlock_row = [row.job for row in manager.genlock_rows].index(JOB)
    layout = drawn(panel_jobs.draw_jobs)
    assert "{template_list}" in layout.text
    assert "SH0010: Text to video (animatic)" in layout.text
    assert "denoise 12/24" in layout.text
    assert {"job": JOB} in [button.given for button in layout.buttons if button.idname == "genlock.job_cancel"]
    assert desk.desk().thumbs.loaded == 1
    rows = Layout()
    for each in fake.jobs.jobs():
        listing.draw_job(rows, each)
    assert "Next" in rows.lines
    assert "Failed" in rows.lines
    assert {button.given["job"] for button in rows.buttons if button.idname == "genlock.job_retry"} == {"f1", "c1"}
    if "progress" in Layout.FUNCTIONS:
        assert "50%" in rows.lines


def test_a_job_that_failed_says_why(fake: FakeBridge) -> None:
    fake.model.jobs["f1"] = job("f1", "failed")
    fake.jobs.update(Connected("s", "0", True, 0))
    desk.desk().changed()
    assert "The engine fell over." in drawn(panel_jobs.draw_jobs).text


def test_takes_are_drawn_with_pictures_that_come_one_by_one(scene: Any, fake: FakeBridge) -> None:
    activate(scene, fake, "one")
    assert desk.desk().shot(bpy.context)["id"] == SHOT
    layout = drawn(panel_takes.draw_takes)
    assert "SH0010 v002" in layout.text
    assert [b.given["take"] for b in layout.buttons if b.idname == "genlock.take_select"] == ["t2", "t1"]
    assert [b.given["take"] for b in layout.buttons if b.idname == "genlock.lay_over"] == ["t3"]
    thumbs = [call for call in fake.errands.asked if "/thumbnail" in call[1]]
    assert len(thumbs) == 1, "more than one picture under way"
    fake.errands.answer("/thumbnail", base64.b64decode(PIXEL))
    assert desk.desk().thumbs.loaded == 1
    assert len([call for call in fake.errands.asked if "/thumbnail" in call[1]]) == 1
    fake.errands.answer("/thumbnail", error=ClientError("media_missing", "Gone.", status=404))
    drawn(panel_takes.draw_takes)
    assert len([call for call in fake.errands.asked if "/thumbnail" in call[1]]) == 1, (
        "a missing picture is asked for again"
    )


def test_the_history_of_a_strip_is_its_shots_takes(scene: Any, fake: FakeBridge) -> None:
    activate(scene, fake, "one")
    text = drawn(panel_generate.draw_history).text
    assert "v002: animatic, seed 42" in text
    assert "Prompt 1" in text
    assert "<genlock.settings_from_take>" in text
    activate(scene, fake, "two")
    assert "The active strip shows no shot" in drawn(panel_generate.draw_history).text


def test_messages_tell_what_became_of_what_was_asked(fake: FakeBridge) -> None:
    held = desk.desk()
    bpy.context.window_manager.genlock_form.prompt = "A ferry"
    held.start("At the Playhead", held.plan(bpy.context, "new"))
    assert "At the Playhead: The daemon answers" in drawn(panel_generate.draw_generate).text
    fake.errands.answer(
        "/api/commands", error=ClientError("name_taken", "The code is taken.", "Take another.", status=409)
    )
    text = drawn(panel_generate.draw_generate).text
    assert "At the Playhead: The code is taken." in text
    assert "another." in text


def test_a_wrong_click_draws_nothing_and_a_drawing_ends(scene: Any, fake: FakeBridge) -> None:
    activate(scene, fake, "one")
    scene.frame_current = 10
    target = commands_points.Target(bpy.context)
    assert (target.on, target.frame.size) == (9, (128, 72))
    commands_points.begin_drawing(target.frame)
    commands_points.begin_drawing(target.frame)
    assert len(commands_points._drawing) == 1
    commands_points.end_drawing()
    assert commands_points._drawing == []


def test_without_a_translation_the_text_stands(fake: FakeBridge) -> None:
    assert translations.dictionary()["de_DE"][("*", "Connection")] == "Verbindung"
    assert translations.tr("Connection") == "Connection"
    assert translations.tr("") == ""


def test_the_form_is_blank_at_first(fake: FakeBridge) -> None:
    assert desk.form.read(bpy.context) == generating.Form()


def test_the_fixture_knows_one_sequence(fake: FakeBridge) -> None:
    assert desk.desk().place(bpy.context).sequence == SEQUENCE


PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
