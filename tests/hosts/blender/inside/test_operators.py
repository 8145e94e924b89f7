"""Each operator: when its button is grey and why, what it does, and that nothing of it waits."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import bpy
import desks
import pytest
from desks import JOB, PROJECT, SEQUENCE, SHOT, FakeBridge, job

from genlock_blender import bridge, commands, commands_points, compat, desk, form, hints, interface, keymap, picking
from genlock_client.errors import ClientError
from genlock_client.happenings import CommandRefused, Connected


@pytest.fixture
def fake(scene: bpy.types.Scene, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeBridge]:
    made = FakeBridge()
    monkeypatch.setattr(bridge, "bridge", lambda: made)
    for key, left, right in (("one", 1, 25), ("two", 41, 61)):
        desks.strip(scene, key, 1, left, right)
    choose(scene, "")
    interface.register()
    yield made
    interface.unregister()


def choose(scene: Any, key: str) -> None:
    """Makes one strip the active and only selected one."""
    held = scene.sequence_editor
    held.active_strip = None
    for strip in compat.strips_all(held):
        strip.select = strip.get("genlock_id") == key
        if strip.select:
            held.active_strip = strip


def can(name: str) -> bool:
    found: bool = getattr(bpy.ops.genlock, name).poll()
    return found


@pytest.mark.parametrize(
    ("name", "states"),
    [
        ("link_new", {"unlinked"}),
        ("link_existing", {"unlinked"}),
        ("relink", {"asking"}),
        ("unlink", {"linked", "offline", "asking", "stopped", "linking", "working", "paused"}),
        ("sync_now", {"linked", "offline", "asking", "stopped", "linking", "working", "paused"}),
        ("resolve", {"linked", "working", "paused"}),
    ],
)
def test_buttons_are_grey_in_other_states(fake: FakeBridge, name: str, states: set[str]) -> None:
    every = {"absent", "denied", "connecting", "unlinked", "linking", "linked", "working", "paused", "offline"}
    for state in every | {"asking", "stopped"}:
        fake.now = fake.now._replace(state=state)
        assert can(name) == (state in states), state


def test_connect_and_disconnect_are_each_others_opposite(fake: FakeBridge) -> None:
    assert not can("connect")
    assert can("disconnect")
    assert bpy.ops.genlock.disconnect() == {"FINISHED"}
    fake.session = None
    assert can("connect")
    assert not can("disconnect")
    assert bpy.ops.genlock.connect() == {"FINISHED"}
    assert [call[0] for call in fake.calls] == ["disconnect", "connect"]


def test_linking_names_project_and_sequence(scene: Any, fake: FakeBridge) -> None:
    fake.now = fake.now._replace(state="unlinked")
    assert bpy.ops.genlock.link_new("EXEC_DEFAULT", project="NEW", name="Cut") == {"FINISHED"}
    assert bpy.ops.genlock.link_new("EXEC_DEFAULT", project=PROJECT, name="Cut") == {"FINISHED"}
    assert bpy.ops.genlock.link_existing("EXEC_DEFAULT", sequence=f"{PROJECT}/{SEQUENCE}") == {"FINISHED"}
    assert [call[0:1] + call[2:] for call in fake.calls] == [
        ("link_new", "", "Cut"),
        ("link_new", PROJECT, "Cut"),
        ("link_existing", SEQUENCE, PROJECT),
    ]
    assert all(call[1] == scene for call in fake.calls)


def test_a_copy_says_what_it_is(fake: FakeBridge) -> None:
    fake.now = fake.now._replace(state="asking")
    assert bpy.ops.genlock.relink(choice="fork") == {"FINISHED"}
    assert fake.calls[0][0::2] == ("relink", "fork")


def test_a_conflict_is_settled_by_a_command(fake: FakeBridge) -> None:
    assert bpy.ops.genlock.resolve(conflict="c1", choice="theirs") == {"FINISHED"}
    ((command, target, _, then),) = fake.commands
    assert (command, target) == ({"do": "ResolveConflict", "conflict": "c1", "choice": "theirs"}, SEQUENCE)
    then(CommandRefused("1", ClientError("stale", "Changed since.")))
    assert desk.desk().walks.steps[0].error.message == "Changed since."


def test_a_command_that_cannot_be_sent_is_reported(fake: FakeBridge) -> None:
    fake.error = ClientError("daemon_absent", "The session was closed.")
    with pytest.raises(RuntimeError, match="The session was closed"):
        bpy.ops.genlock.resolve(conflict="c1", choice="ours")


def test_jobs_are_cancelled_and_retried_when_they_can_be(fake: FakeBridge) -> None:
    for id_, state in ((JOB, "running"), ("f1", "failed")):
        fake.model.jobs[id_] = job(id_, state)
    fake.jobs.update(Connected("s", "0", True, 0))
    assert bpy.ops.genlock.job_cancel(job=JOB) == {"FINISHED"}
    assert bpy.ops.genlock.job_cancel(job="f1") == {"CANCELLED"}
    assert bpy.ops.genlock.job_retry(job="f1") == {"FINISHED"}
    assert bpy.ops.genlock.job_retry(job="gone") == {"CANCELLED"}
    assert [(command["do"], target) for command, target, *_ in fake.commands] == [
        ("CancelJob", JOB),
        ("RetryJob", "f1"),
    ]


def test_only_the_selections_waiting_jobs_are_cancelled(scene: Any, fake: FakeBridge) -> None:
    for id_, shot in (("w1", SHOT), ("w2", "other")):
        fake.model.jobs[id_] = job(id_, "waiting", shot=shot)
    fake.jobs.update(Connected("s", "0", True, 0))
    assert not can("jobs_cancel")
    choose(scene, "one")
    assert bpy.ops.genlock.jobs_cancel() == {"FINISHED"}
    assert [target for _, target, *_ in fake.commands] == ["w1"]


def test_generate_asks_and_returns_at_once(scene: Any, fake: FakeBridge) -> None:
    scene.frame_current = 11
    assert not can("generate")
    bpy.context.window_manager.genlock_form.prompt = "A ferry"
    assert can("generate")
    assert bpy.ops.genlock.generate(action="new") == {"FINISHED"}
    body = fake.errands.answer("/api/commands", {"created": ["n" * 32]})
    assert body["command"]["do"] == "CreateShot"
    assert (body["host"], bool(body["actor"]), bool(body["id"])) == ("blender", True, True)
    body = fake.errands.answer("/api/commands", {})
    assert str(body["command"]).count("'at': 10") == 1
    body = fake.errands.answer("/generate", {"jobs": ["j"]})
    assert body["shots"] == ["n" * 32]
    assert [step.sentence for step in desk.desk().walks.steps] == ["1 take is queued"]


def test_what_cannot_be_made_is_reported_and_not_sent(fake: FakeBridge) -> None:
    bpy.context.window_manager.genlock_form.prompt = "A ferry"
    assert bpy.ops.genlock.generate(action="extend") == {"CANCELLED"}
    assert fake.errands.asked == []
    fake.now = fake.now._replace(state="offline", sentence="No daemon is running.")
    assert not can("generate")


def test_a_request_that_a_lost_connection_left_open_is_sent_again_with_its_id(fake: FakeBridge) -> None:
    from genlock_client.errors import Offline

    bpy.context.window_manager.genlock_form.prompt = "A ferry"
    bpy.ops.genlock.generate(action="new")
    first = fake.errands.answer("/api/commands", error=Offline("no_answer", "Gone."))
    assert fake.errands.asked == []
    desk.desk().hear(Connected("s", "0", False, 0))
    assert fake.errands.answer("/api/commands", {"created": ["n" * 32]}) == first


def test_a_range_is_marked_and_can_be_undone(scene: Any, fake: FakeBridge) -> None:
    scene.frame_current = 10
    assert bpy.ops.genlock.mark(edge="IN") == {"FINISHED"}
    scene.frame_current = 20
    assert bpy.ops.genlock.mark(edge="OUT", offset=2) == {"FINISHED"}
    assert (scene.use_preview_range, scene.frame_preview_start, scene.frame_preview_end) == (True, 10, 22)
    assert desk.desk().place(bpy.context).span == (9, 22)
    assert bpy.ops.genlock.mark(edge="STRIP") == {"CANCELLED"}
    choose(scene, "two")
    bpy.ops.genlock.mark(edge="STRIP")
    assert (scene.frame_preview_start, scene.frame_preview_end) == (41, 60)
    bpy.ops.genlock.mark(edge="CLEAR")
    assert desk.desk().place(bpy.context).span is None
    assert "UNDO" in bpy.types.GENLOCK_OT_mark.bl_options


def test_the_settings_of_a_take_fill_the_form(scene: Any, fake: FakeBridge) -> None:
    assert not can("settings_from_take")
    choose(scene, "one")
    assert bpy.ops.genlock.settings_from_take() == {"FINISHED"}
    found = form.read(bpy.context)
    assert (found.prompt, found.seed, found.frames, found.engine) == ("Prompt 2", 42, 24, "")
    assert bpy.ops.genlock.choose(action="again") == {"FINISHED"}
    assert bpy.context.window_manager.genlock_form.action == "again"


def test_takes_are_selected_by_the_shot(scene: Any, fake: FakeBridge) -> None:
    assert not can("take_select")
    choose(scene, "one")
    assert bpy.ops.genlock.take_select(take="t1") == {"FINISHED"}
    assert bpy.ops.genlock.take_select(take="t3") == {"CANCELLED"}, "a mask"
    assert bpy.ops.genlock.take_step(by=-1) == {"FINISHED"}
    assert bpy.ops.genlock.take_step(by=1) == {"CANCELLED"}
    assert [(command, target) for command, target, *_ in fake.commands] == [
        ({"do": "SelectTake", "take": "t1"}, SHOT)
    ] * 2


def test_a_pinned_strip_keeps_its_own_choice(scene: Any, fake: FakeBridge) -> None:
    item = fake.model.sequences[SEQUENCE].items["one"]
    pinned = {**item, "source": {**item["source"], "take": "t1"}}
    fake.model.sequences[SEQUENCE].items["one"] = pinned
    choose(scene, "one")
    assert bpy.ops.genlock.take_step(by=1) == {"FINISHED"}
    ((command, target, *_),) = fake.commands
    assert (command["do"], command["source"]["take"], target) == ("ReplaceSource", "t2", SEQUENCE)


def test_a_comparison_comes_and_goes(scene: Any, fake: FakeBridge) -> None:
    choose(scene, "one")
    assert not can("compare_end")
    assert bpy.ops.genlock.take_compare(take="t2", how="WIPE") == {"CANCELLED"}, "it is the shown one"
    assert bpy.ops.genlock.take_compare(take="t1", how="WIPE") == {"FINISHED"}
    body = fake.errands.answer("/api/commands", {})
    laid = body["command"]["commands"][-1]["item"]
    assert (laid["source"]["take"], laid["enabled"]) == ("t1", True)
    assert laid["foreign"]["blender"]["props"]["crop.max_x"] == 64
    fake.model.sequences[SEQUENCE].items["ab"] = {**laid, "id": "ab", "track": "v1"}
    assert bpy.ops.genlock.compare_end() == {"FINISHED"}
    assert fake.commands[0][0] == {"do": "LiftItems", "items": ["ab"]}


def test_a_mask_is_laid_over_its_strip(scene: Any, fake: FakeBridge) -> None:
    choose(scene, "one")
    assert bpy.ops.genlock.lay_over(take="t3") == {"FINISHED"}
    info = {"kind": "video", "frames": 24, "rate": [24, 1], "start": 0}
    assert fake.errands.answer("/media", {"media": [{"id": "m9", "name": "mask.mov", "info": info}]})["paths"]
    body = fake.errands.answer("/api/commands", {})
    assert body["command"]["commands"][1]["item"]["source"] == {
        "type": "media",
        "media": "m9",
        "first": 0,
        "frames": 24,
        "rate": [24, 1],
    }


def test_the_web_panel_opens_with_a_code_that_works_once(fake: FakeBridge) -> None:
    assert bpy.ops.genlock.open_panel() == {"FINISHED"}
    assert fake.errands.answer("/login-code", error=ClientError("internal", "No.")) is None


def test_keys_and_handlers_come_and_go(fake: FakeBridge) -> None:
    def ours() -> int:
        config = bpy.context.window_manager.keyconfigs.addon
        keys = config.keymaps.get("Sequencer") if config is not None else None
        return sum(item.idname.startswith("genlock.") for item in keys.keymap_items) if keys is not None else 0

    def handlers() -> int:
        return sum(
            getattr(handler, "__module__", "") == hints.__name__
            for name, _ in hints.HANDLERS
            for handler in getattr(bpy.app.handlers, name)
        )

    there = bpy.context.window_manager.keyconfigs.addon is not None
    assert ours() == (len(keymap.KEYS) if there else 0)
    assert handlers() == len(hints.HANDLERS)
    interface.unregister()
    assert (ours(), handlers()) == (0, 0)
    assert not hasattr(bpy.types.WindowManager, "genlock_form")
    interface.register()


def test_playback_and_rendering_are_told_and_renewed(fake: FakeBridge) -> None:
    hints.telling.tell(0.0, playing=True)
    hints.telling.renew(5.0)
    hints.telling.renew(20.0)
    hints.telling.tell(21.0, playing=False, rendering=True)
    hints.telling.tell(22.0, rendering=False)
    told = [(call[2]["playing"], call[2]["rendering"]) for call in fake.errands.asked]
    assert told == [(True, False), (True, False), (False, True), (False, False)]


def test_a_render_is_told_by_blender_itself(scene: Any, fake: FakeBridge, tmp_path: Path) -> None:
    scene.render.filepath = str(tmp_path / "frame.png")
    scene.render.resolution_x, scene.render.resolution_y = 32, 32
    bpy.ops.render.render(write_still=True)
    told = [call[2]["rendering"] for call in fake.errands.asked if call[1] == "/api/hints"]
    assert told == [True, False]


class Clicks:
    """A preview of 400x200 region pixels at (100, 50) of the window, showing 2 pictures pixels a region pixel."""

    def __init__(self, scene: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        region = SimpleNamespace(type="PREVIEW", x=100, y=50, width=400, height=200)
        region.view2d = SimpleNamespace(region_to_view=lambda x, y: ((x - 200) * 0.5, (y - 100) * 0.5))
        timeline = SimpleNamespace(type="WINDOW", x=0, y=0, width=100, height=50)
        space = SimpleNamespace(active=SimpleNamespace(view_type="SEQUENCER_PREVIEW"))
        area = SimpleNamespace(
            type="SEQUENCE_EDITOR", regions=[timeline, region], spaces=space, tag_redraw=lambda: None
        )
        self.said: list[Any] = []
        self.context = SimpleNamespace(
            window=SimpleNamespace(screen=SimpleNamespace(areas=[area])),
            window_manager=bpy.context.window_manager,
            workspace=SimpleNamespace(status_text_set=self.said.append),
            scene=scene,
            selected_strips=[],
        )

    def event(self, type: str, x: int = 0, y: int = 0, ctrl: bool = False, value: str = "PRESS") -> Any:
        return SimpleNamespace(type=type, value=value, mouse_x=x, mouse_y=y, ctrl=ctrl)


def test_clicks_become_points_of_the_source(scene: Any, fake: FakeBridge, monkeypatch: pytest.MonkeyPatch) -> None:
    choose(scene, "one")
    scene.frame_current = 6
    scene.render.resolution_x, scene.render.resolution_y = 128, 72
    clicks = Clicks(scene, monkeypatch)
    operator = SimpleNamespace(target=commands_points.Target(bpy.context), before=[], end=lambda c, r: r)
    modal = commands_points.GENLOCK_OT_draw_points.modal
    held = bpy.context.window_manager.genlock_form

    def press(*given: Any, **named: Any) -> Any:
        return modal(operator, clicks.context, clicks.event(*given, **named))

    assert press("LEFTMOUSE", 300, 150) == {"RUNNING_MODAL"}, "the middle of the preview"
    assert press("LEFTMOUSE", 340, 190, ctrl=True) == {"RUNNING_MODAL"}
    assert press("LEFTMOUSE", 20, 20) == {"PASS_THROUGH"}, "the timeline keeps its clicks"
    assert press("WHEELUPMOUSE", 300, 150) == {"PASS_THROUGH"}, "the preview can be zoomed meanwhile"
    assert press("LEFTMOUSE", 499, 249) == {"RUNNING_MODAL"}, "beside the picture nothing is set"
    assert [(tuple(point.at), point.inside) for point in held.points] == [((64.0, 36.0), True), ((84.0, 16.0), False)]
    press("BACK_SPACE")
    assert len(held.points) == 1
    assert press("ESC") == {"CANCELLED"}
    assert len(held.points) == 0
    assert press("RET") == {"FINISHED"}


def test_the_mode_leaves_nothing_on_the_screen(scene: Any, fake: FakeBridge, monkeypatch: pytest.MonkeyPatch) -> None:
    choose(scene, "one")
    scene.frame_current = 6
    clicks = Clicks(scene, monkeypatch)
    commands_points.begin_drawing(commands_points.Target(bpy.context).frame)
    operator = SimpleNamespace()
    commands_points.GENLOCK_OT_draw_points.end(operator, clicks.context, {"FINISHED"})
    assert clicks.said == [None]
    assert commands_points._drawing == []
    assert not can("clear_points")
    commands_points.add_point(bpy.context, (1.0, 2.0), True)
    assert bpy.ops.genlock.clear_points() == {"FINISHED"}


@pytest.mark.parametrize(
    ("name", "move"),
    [
        ("plain", {}),
        ("moved", {"offset_x": 30, "offset_y": -14}),
        ("larger", {"scale_x": 1.6, "scale_y": 0.7}),
        ("turned", {"rotation": math.radians(40)}),
        ("all", {"offset_x": -12, "offset_y": 9, "scale_x": 1.3, "scale_y": 1.3, "rotation": math.radians(-25)}),
    ],
)
@pytest.mark.parametrize("flip", [False, True])
def test_blender_draws_a_pixel_where_we_look_for_it(
    scene: Any, tmp_path: Path, name: str, move: dict[str, float], flip: bool
) -> None:
    """A picture with one bright square is rendered by Blender; the square lies where `view` says that it does."""
    width, height, left, top, side = 120, 80, 84, 20, 8
    picture = bpy.data.images.new("mark", width, height)
    values = [0.0, 0.0, 0.0, 1.0] * (width * height)
    for row in range(height - top - side, height - top):
        for column in range(left, left + side):
            at = 4 * (row * width + column)
            values[at : at + 4] = [1.0, 1.0, 1.0, 1.0]
    picture.pixels.foreach_set(values)
    picture.filepath_raw, picture.file_format = str(tmp_path / "mark.png"), "PNG"
    picture.save()
    strip = compat.strips(scene.sequence_editor).new_image(
        name=name, filepath=str(tmp_path / "mark.png"), channel=1, frame_start=1, fit_method="ORIGINAL"
    )
    for attribute, value in move.items():
        setattr(strip.transform, attribute, value)
    strip.use_flip_x = flip
    frame = commands_points.frame_of(scene, strip, {"width": width, "height": height})
    scene.render.filepath = str(tmp_path / "out.png")
    scene.render.image_settings.file_format = "PNG"
    scene.view_settings.view_transform = "Standard"
    bpy.ops.render.render(write_still=True)
    result = bpy.data.images.load(str(tmp_path / "out.png"))
    wide, high = result.size
    pixels = list(result.pixels)
    bright = [(index % wide + 0.5, index // wide + 0.5) for index in range(wide * high) if pixels[4 * index] > 0.5]
    assert bright
    middle = tuple(sum(each[axis] for each in bright) / len(bright) for axis in (0, 1))
    wanted = picking.view(frame, left + side / 2, top + side / 2)
    assert middle == (pytest.approx(wanted[0] + wide / 2, abs=0.8), pytest.approx(wanted[1] + high / 2, abs=0.8))


def test_every_command_has_a_tip_and_no_button_is_without_a_word(fake: FakeBridge) -> None:
    for each in interface.classes():
        if issubclass(each, bpy.types.Operator):
            assert each.__doc__
            assert not each.__doc__.strip().endswith("."), each
            assert each.bl_label
    assert commands.status(bpy.context).state == "linked"
