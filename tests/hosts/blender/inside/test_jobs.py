"""From a press of a button in Blender to a take on the strip, with a real daemon whose embedded engine makes it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bpy
import pytest
from daemons import Daemon
from linked import Editor, select

from genlock_blender import bridge as bridges
from genlock_blender import compat, desk, generating, hints, interface, panel_jobs
from genlock_blender.asking import Gone
from genlock_blender.compat import A
from genlock_blender.scenery import Place
from genlock_client import discovery

PROMPT = "A ferry leaves in fog, unmistakably prompted"


class Person(Editor):
    """An editor with the interface on, who presses its buttons."""

    def __init__(self, daemon: Daemon, project: str, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__(daemon, project)
        monkeypatch.setattr(bridges, "bridge", lambda: self.bridge)
        interface.register()
        self.scene.render.resolution_x, self.scene.render.resolution_y = 128, 72

    @property
    def form(self) -> Any:
        return bpy.context.window_manager.genlock_form

    @property
    def jobs(self) -> list[Any]:
        return list(self.bridge.jobs.jobs()) if self.bridge.jobs is not None else []

    def press(self, action: str) -> None:
        reason = desk.desk().reason(bpy.context, action)
        assert not reason, reason
        assert bpy.ops.genlock.generate(action=action) == {"FINISHED"}

    def walked(self) -> str:
        """Waits for the walks and says what came of the newest."""
        held = desk.desk().walks
        self.until(lambda: not held.under_way, 60)
        step = held.steps[0]
        assert isinstance(step, Gone)
        assert step.error is None, step.error
        return step.sentence

    def done(self) -> None:
        """Waits until no job waits or runs and the strips show what came of them."""
        self.until(lambda: self.jobs and not any(job.can_cancel for job in self.jobs), 60)
        self.settle()

    def shot_strip(self) -> Any:
        """The one strip that shows a shot."""
        items = [key for key, item in self.items().items() if item["source"]["type"] == "shot"]
        assert len(items) == 1
        return self.bridge.strip_of(self.scene, items[0])

    def there(self) -> Any:
        """The shot's strip, None while there is none."""
        return self.shot_strip() if any(i["source"]["type"] == "shot" for i in self.items().values()) else None

    def take(self) -> str:
        """The file that the shot's strip shows, "" for a placeholder."""
        strip = self.shot_strip()
        return Path(bpy.path.abspath(strip.filepath)).name if strip.type == "MOVIE" else ""

    def close(self) -> None:
        interface.unregister()
        super().close()


@pytest.fixture
def person(scene: object, daemon: Daemon, project: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Person]:
    compat.register()
    made = Person(daemon, project, monkeypatch)
    yield made
    made.close()
    compat.unregister()


@pytest.fixture
def shot(person: Person) -> Person:
    """A scene with one generated shot of 24 frames at frame 31, with a take."""
    person.color("Slate", 1, 1, 13)
    person.link_new()
    person.scene.frame_current = 31
    person.form.prompt, person.form.frames = PROMPT, 24
    person.press("new")
    person.walked()
    person.done()
    select(person, person.shot_strip().name)
    return person


def test_a_prompt_at_the_playhead_becomes_a_strip_that_shows_the_take(person: Person) -> None:
    person.color("Slate", 1, 1, 13)
    person.link_new()
    person.scene.frame_current = 31
    person.form.prompt, person.form.frames = PROMPT, 24
    person.press("new")
    strip = person.until(person.there)
    assert (getattr(strip, A.left), getattr(strip, A.right)) == (31, 55)
    assert person.walked() == "1 take is queued"
    person.done()
    strip = person.shot_strip()
    assert person.take().endswith("_v001.mov"), person.take()
    assert (getattr(strip, A.left), getattr(strip, A.right), strip.mute) == (31, 55, False)
    assert getattr(strip, A.content) == 24


def test_takes_are_stepped_through_on_the_strip(shot: Person) -> None:
    person = shot
    person.form.prompt = "Rain"
    person.press("again")
    person.walked()
    person.done()
    assert person.take().endswith("_v002.mov")
    place = (getattr(person.shot_strip(), A.left), getattr(person.shot_strip(), A.right))
    select(person, person.shot_strip().name)
    assert bpy.ops.genlock.take_step(by=-1) == {"FINISHED"}
    person.until(lambda: person.take().endswith("_v001.mov"))
    person.settle()
    select(person, person.shot_strip().name)
    assert bpy.ops.genlock.take_step(by=-1) == {"CANCELLED"}
    assert bpy.ops.genlock.take_step(by=1) == {"FINISHED"}
    person.until(lambda: person.take().endswith("_v002.mov"))
    assert (getattr(person.shot_strip(), A.left), getattr(person.shot_strip(), A.right)) == place
    assert [take.number for take in desk.desk().takes(bpy.context)] == [1, 2]


def test_a_take_is_compared_on_a_channel_above(shot: Person) -> None:
    person = shot
    person.press("again")
    person.walked()
    person.done()
    select(person, person.shot_strip().name)
    before = set(person.items())
    assert bpy.ops.genlock.take_compare(take=desk.desk().takes(bpy.context)[0].id, how="MUTED") == {"FINISHED"}
    person.walked()
    person.settle()
    (key,) = set(person.items()) - before
    above, below = person.bridge.strip_of(person.scene, key), person.bridge.strip_of(person.scene, next(iter(before)))
    below = next(s for s in compat.strips_all(person.scene.sequence_editor) if s.name == "SH0010") or below
    assert above.mute
    assert above.channel > below.channel
    assert Path(above.filepath).name.endswith("_v001.mov")
    assert bpy.ops.genlock.compare_end() == {"FINISHED"}
    person.until(lambda: person.bridge.strip_of(person.scene, key) is None)
    assert set(person.items()) == before


def test_a_running_job_is_cancelled_and_made_again(shot: Person) -> None:
    person = shot
    person.form.frames, person.form.own_size, person.form.width, person.form.height = 600, True, 1280, 720
    person.scene.frame_current = 200
    person.press("new")
    person.walked()
    job = person.until(lambda: next((job for job in person.jobs if job.can_cancel), None), 60)
    assert bpy.ops.genlock.job_cancel(job=job.id) == {"FINISHED"}
    person.until(lambda: next(each for each in person.jobs if each.id == job.id).state == "cancelled", 60)
    assert bpy.ops.genlock.job_cancel(job=job.id) == {"CANCELLED"}
    assert bpy.ops.genlock.job_retry(job=job.id) == {"FINISHED"}
    person.until(lambda: next(each for each in person.jobs if each.id == job.id).can_cancel, 60)
    assert bpy.ops.genlock.job_cancel(job=job.id) == {"FINISHED"}
    person.until(lambda: next(each for each in person.jobs if each.id == job.id).state == "cancelled", 60)


def test_a_job_survives_the_daemon_and_the_add_on(shot: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    person = shot
    person.form.frames, person.form.own_size, person.form.width, person.form.height = 300, True, 640, 360
    person.scene.frame_current = 200
    person.press("new")
    person.walked()
    job = person.until(lambda: next((job for job in person.jobs if job.state == "running"), None), 60)
    person.daemon.restart()
    person.until(lambda: any(each.id == job.id for each in person.jobs), 60)
    interface.unregister()
    person.bridge.close()
    fresh = bridges.Bridge()
    person.bridge = fresh
    interface.register()
    fresh.connect()
    fresh.hint()
    person.until(lambda: any(each.id == job.id for each in person.jobs), 60)
    desk.desk().changed()
    assert job.id in [row.job for row in bpy.context.window_manager.genlock_rows]
    person.until(lambda: next(each for each in person.jobs if each.id == job.id).state == "succeeded", 100)


def test_media_are_retaken_in_the_marked_range(person: Person, footage: Path) -> None:
    person.movie(footage / "a.mp4", 1, 1)
    person.link_new()
    select(person, "a")
    person.scene.frame_current = 10
    assert bpy.ops.genlock.mark(edge="IN") == {"FINISHED"}
    person.scene.frame_current = 20
    assert bpy.ops.genlock.mark(edge="OUT") == {"FINISHED"}
    person.form.prompt = "Snow"
    person.press("retake")
    person.walked()
    person.done()
    job = next(job for job in person.bridge.session.model.jobs.values())
    assert job["request"]["span"] == [9, 20]
    strip = person.shot_strip()
    assert person.take().endswith("_v002.mov"), person.take()
    assert (getattr(strip, A.left), getattr(strip, A.right)) == (1, 241)


def test_a_mask_lies_above_with_alpha(person: Person, footage: Path) -> None:
    person.movie(footage / "a.mp4", 1, 1)
    strip = compat.strips_all(person.scene.sequence_editor)["a"]
    setattr(strip, A.right, 25)
    person.link_new()
    select(person, "a")
    point = person.form.points.add()
    point.at, point.inside = (160.0, 90.0), True
    before = set(person.items())
    person.press("track")
    assert "lies over the strip" in person.walked()
    person.settle()
    (key,) = [key for key, item in person.items().items() if item["source"]["type"] == "media" and key not in before]
    above = person.bridge.strip_of(person.scene, key)
    assert above.type == "MOVIE"
    assert above.blend_type == "ALPHA_OVER"
    assert (getattr(above, A.left), getattr(above, A.right)) == (1, 25)
    assert above.channel > person.shot_strip().channel


def test_what_no_file_shows_is_rendered_while_blender_goes_on(person: Person) -> None:
    person.color("Red", 1, 1, 13)
    person.link_new()
    select(person, "Red")
    person.scene.frame_current = 41
    person.form.prompt, person.form.frames = PROMPT, 16
    person.press("strips")
    held = desk.desk()
    person.until(lambda: held.renders.look() or not held.walks.under_way, 90)
    assert person.walked() == "1 take is queued"
    (job,) = person.bridge.session.model.jobs.values()
    (condition,) = job["request"]["conditioning"]
    assert Path(condition["path"]).is_file()
    person.done()
    assert [job.state for job in person.jobs] == ["succeeded"]


def test_playing_is_told_before_it_takes_memory(person: Person) -> None:
    person.color("Red", 1, 1, 13)
    person.link_new()
    hints.telling.tell(0.0, playing=True)
    person.until(lambda: not person.bridge.errands.busy)
    tenants = person.daemon.rest.get("/api/memory")["tenants"]
    assert "blender" in str(tenants), tenants
    hints.telling.tell(1.0, playing=False)
    person.until(lambda: not person.bridge.errands.busy)
    hints.telling.renew(100.0)
    assert not person.bridge.errands.busy, "nothing goes on"


def test_nothing_of_a_job_is_in_the_saved_file(shot: Person, tmp_path: Path) -> None:
    person = shot
    person.form.text, person.form.negative = "secret selection", "secret negative"
    point = person.form.points.add()
    point.at = (1.0, 2.0)
    desk.desk().changed()
    path = tmp_path / "saved.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(path), compress=False)
    held = path.read_bytes()
    token = discovery.require(person.daemon.store).token
    job = person.jobs[0].id
    assert person.bridge.strip_of(person.scene, "") is None
    for secret in (
        PROMPT,
        "secret selection",
        "secret negative",
        token,
        job,
        "animatic",
        "genlock_form",
        "genlock_rows",
    ):
        assert secret.encode() not in held, secret
    assert b"genlock_id" in held, "the search finds nothing at all"


def test_the_first_waiting_job_says_so(shot: Person) -> None:
    person = shot
    person.form.frames, person.form.own_size, person.form.width, person.form.height = 300, True, 1280, 720
    person.form.variants = 3
    person.scene.frame_current = 200
    person.press("new")
    person.walked()
    person.until(lambda: sum(job.state == "waiting" for job in person.jobs) == 2, 60)
    assert sorted(job.position for job in person.jobs if job.state == "waiting") == [1, 2]
    for job in [job for job in person.jobs if job.can_cancel]:
        bpy.ops.genlock.job_cancel(job=job.id)
    person.until(lambda: not any(job.can_cancel for job in person.jobs), 60)


def test_a_place_is_told_in_frames_of_the_sequence(shot: Person) -> None:
    person = shot
    person.scene.frame_current = 40
    place = desk.desk().place(bpy.context)
    key = person.shot_strip()["genlock_id"]
    assert place == Place(person.sequence, 39, (key,), key, None)
    assert generating.project_of(desk.desk().model()) == person.project
    assert panel_jobs.job_of(bpy.context).state == "succeeded"
