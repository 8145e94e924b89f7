"""What "generate" means where a person is: every walk against a real daemon whose embedded engine makes the takes."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from genlock.daemon.server import Running, embedded
from genlock_blender import generating, offers, scenery
from genlock_blender.asking import Ask, Ended, Going, Gone, Post, Render, Walk, Walks, ended
from genlock_blender.generating import Form
from genlock_blender.scenery import Cannot, Place
from genlock_client.blocking import Connection
from genlock_client.discovery import Endpoint
from genlock_client.errors import ClientError
from genlock_client.model import Model, SequenceModel, Value
from genlock_client.rest import Rest
from tests.hosts.blender.inside import footage as maker

SMALL = Form(prompt="A ferry leaves in fog", frames=16, width=128, height=72)


@pytest.fixture(scope="module")
def footage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return maker.make(tmp_path_factory.mktemp("footage"), sys.executable)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    home = tmp_path_factory.mktemp("studio")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GENLOCK_HOME", str(home))
        patch.setenv("GENLOCK_RUNTIME_DIR", str(home / "run"))
        with embedded(home / "studio.genlock") as daemon:
            yield daemon


class Studio:
    """A project with a sequence at 24, walked by hand: `asked` is what a walk asked for."""

    def __init__(self, running: Running, name: str, footage: Path) -> None:
        endpoint = Endpoint(running.port, running.token)
        self.rest = Rest.at(endpoint)
        self.footage = footage
        self.project = str(self.rest.command({"do": "CreateProject", "name": name})["target"])
        fields = {"project": self.project, "name": "Reel", "rate": [24, 1], "resolution": [128, 72]}
        made = self.rest.command({"do": "CreateSequence", **fields})
        self.sequence = str((made["created"] or [made["target"]])[0])
        self.connection = Connection.open(endpoint, host="blender", actor="ada", project=self.project)
        self.asked: list[Ask] = []

    @property
    def model(self) -> Model:
        for _ in self.connection.events(timeout=0.15):
            pass
        return self.connection.model

    @property
    def reel(self) -> SequenceModel:
        return self.model.sequences[self.sequence]

    @property
    def free(self) -> str:
        return next(t["id"] for t in self.reel.tracks if t["kind"] == "video" and t["placement"] == "free")

    def place(self, frame: int = 0, *chosen: str, span: tuple[int, int] | None = None) -> Place:
        return Place(self.sequence, frame, chosen, chosen[-1] if chosen else "", span)

    def show(self, name: str, at: int, duration: int, key: str, source_in: int = 0, **more: Any) -> str:
        """Puts a file of the footage on the free track."""
        answer = self.rest.post(f"/api/projects/{self.project}/media", {"paths": [str(self.footage / name)]})
        media = answer["media"][0]
        info = media["info"]
        source = {"type": "media", "media": media["id"]}
        if info["kind"] == "video":
            source.update(frames=info["frames"], rate=info["rate"])
        item = {"id": key, "name": key, "source": source, "duration": duration, "source_in": source_in, **more}
        self.rest.command({"do": "OverwriteItem", "track": self.free, "at": at, "item": item}, self.sequence)
        return key

    def walk(self, walk: Walk) -> str:
        answer: Any = None
        while True:
            try:
                ask = walk.send(answer)
            except StopIteration as end:
                return str(end.value)
            self.asked.append(ask)
            if isinstance(ask, Post):
                answer = self.rest.post(ask.path, ask.body)
            elif isinstance(ask, Render):
                answer = str(self.footage / "a.mp4")
            else:
                answer = self.await_jobs(ask.jobs)

    def await_jobs(self, jobs: tuple[str, ...]) -> list[Value]:
        while True:
            values = [ended(self.model, job) for job in jobs]
            if None not in values:
                return [value for value in values if value is not None]

    def await_all(self) -> list[Value]:
        return self.await_jobs(tuple(self.model.jobs))


@pytest.fixture
def studio(running: Running, footage: Path, request: pytest.FixtureRequest) -> Iterator[Studio]:
    made = Studio(running, request.node.name, footage)
    yield made
    made.connection.close()


def test_a_prompt_becomes_a_shot_at_the_playhead_and_a_take(studio: Studio) -> None:
    model = studio.model
    assert studio.walk(generating.at_playhead(model, studio.place(50), SMALL)) == "1 take is queued"
    (item,) = studio.reel.items.values()
    assert (studio.reel.start(item["id"]), item["duration"], item["track"]) == (50, 16, studio.free)
    (job,) = studio.await_all()
    shot = studio.model.shots[item["source"]["shot"]]
    assert job["status"]["type"] == "succeeded"
    assert shot["brief"]["prompt"] == "A ferry leaves in fog"
    assert shot["takes"][shot["selected"]]["info"]["frames"] == 16


def test_two_shots_at_one_place_lie_on_two_tracks(studio: Studio) -> None:
    for _ in range(3):
        studio.walk(generating.at_playhead(studio.model, studio.place(10), SMALL))
    items = studio.reel.items.values()
    assert {studio.reel.start(item["id"]) for item in items} == {10}
    assert len({item["track"] for item in items}) == 3
    assert sorted(shot["code"] for shot in studio.model.shots.values()) == ["SH0010", "SH0020", "SH0030"]


def test_variants_have_seeds_of_their_own(studio: Studio) -> None:
    studio.walk(generating.at_playhead(studio.model, studio.place(), SMALL._replace(seed=7, variants=3)))
    assert sorted(job["request"]["seed"] for job in studio.await_all()) == [7, 8, 9]


def test_a_gap_is_filled_and_led_from_both_sides(studio: Studio) -> None:
    studio.show("a.mp4", 0, 24, "left")
    studio.show("b.mp4", 40, 24, "right")
    assert (
        studio.walk(generating.into_gap(studio.model, studio.place(30), Form(prompt="Between"))) == "1 take is queued"
    )
    (made,) = [item for key, item in studio.reel.items.items() if key not in ("left", "right")]
    assert (studio.reel.start(made["id"]), made["duration"]) == (24, 16)
    (job,) = studio.await_all()
    assert job["request"]["mode"] == "fill_gap"
    assert job["request"]["source"]
    assert job["request"]["after"]


@pytest.mark.parametrize("frame", [0, 23, 40, 90])
def test_where_no_gap_lies_it_is_said_before_anything_is_sent(studio: Studio, frame: int) -> None:
    studio.show("a.mp4", 0, 24, "left")
    studio.show("b.mp4", 40, 24, "right")
    with pytest.raises(Cannot, match="no gap"):
        generating.into_gap(studio.model, studio.place(frame), SMALL)


def test_a_strip_becomes_the_condition_with_the_frames_it_shows(studio: Studio) -> None:
    studio.show("a.mp4", 0, 24, "one", source_in=30)
    studio.walk(generating.from_strips(studio.model, studio.place(60, "one"), SMALL._replace(use="last")))
    (job,) = studio.await_all()
    assert job["request"]["mode"] == "image_to_video"
    (condition,) = job["request"]["conditioning"]
    assert condition["path"] == str(studio.footage / "a.mp4")
    assert condition["first"] == 53
    assert job["status"]["type"] == "succeeded"


def test_two_strips_are_beginning_and_end(studio: Studio) -> None:
    studio.show("still.png", 0, 24, "one")
    studio.show("thirty.mp4", 30, 24, "two", source_in=15)
    studio.walk(generating.from_strips(studio.model, studio.place(60, "one", "two"), SMALL._replace(use="clip")))
    (job,) = studio.await_all()
    assert job["request"]["mode"] == "keyframes"
    first, last = job["request"]["conditioning"]
    assert (first.get("frame", 0), last["frame"], last["first"], last["frames"]) == (
        0,
        -1,
        15,
        30,
    )  # 24 at 24 are 30 at 30


def test_what_no_file_shows_is_rendered_first(studio: Studio) -> None:
    item = {
        "id": "scene",
        "name": "Scene",
        "source": {"type": "generator", "generator": "blender.scene"},
        "duration": 20,
    }
    studio.rest.command({"do": "OverwriteItem", "track": studio.free, "at": 5, "item": item}, studio.sequence)
    studio.walk(generating.from_strips(studio.model, studio.place(60, "scene"), SMALL))
    assert studio.asked[0] == Render(("scene",), 5, 25)
    (job,) = studio.await_all()
    assert job["request"]["conditioning"][0]["path"] == str(studio.footage / "a.mp4")


def test_an_extension_lies_behind_and_goes_on_from_the_last_frame(studio: Studio) -> None:
    studio.show("a.mp4", 0, 40, "one", source_in=200)
    studio.walk(generating.extend(studio.model, studio.place(0, "one"), SMALL))
    assert not any(isinstance(ask, Render) for ask in studio.asked)
    (made,) = [item for key, item in studio.reel.items.items() if key != "one"]
    assert (studio.reel.start(made["id"]), made["duration"], made["track"]) == (40, 16, studio.free)
    (job,) = studio.await_all()
    assert (job["request"]["mode"], job["request"]["source"]) == ("extend", str(studio.footage / "a.mp4"))
    assert job["status"]["type"] == "succeeded", job["status"]


def test_a_cut_strip_is_rendered_before_it_is_extended(studio: Studio) -> None:
    studio.show("a.mp4", 0, 120, "one", source_in=10)
    studio.walk(generating.extend(studio.model, studio.place(0, "one"), SMALL))
    assert studio.asked[0] == Render(("one",), 24, 120)


def test_media_becomes_a_shot_whose_first_take_can_be_had_back(studio: Studio) -> None:
    studio.show("a.mp4", 100, 48, "one", source_in=24)
    place = studio.place(0, "one", span=(106, 118))
    studio.walk(generating.retake(studio.model, place, Form(prompt="The ferry sounds its horn")))
    item = studio.reel.items["one"]
    assert (studio.reel.start("one"), item["duration"], item["source_in"]) == (100, 48, 24)
    (job,) = studio.await_all()
    assert job["status"]["type"] == "succeeded", job["status"]
    assert (job["request"]["mode"], job["request"]["span"]) == ("retake", [30, 42])
    shot = studio.model.shots[item["source"]["shot"]]
    paths = {take["number"]: take["path"] for take in shot["takes"].values()}
    assert paths[1] == str(studio.footage / "a.mp4")
    assert shot["takes"][shot["selected"]]["number"] == 2
    assert shot["takes"][shot["selected"]]["info"]["frames"] == 240


def test_a_second_retake_goes_on_from_the_take_that_is_shown(studio: Studio) -> None:
    studio.walk(generating.at_playhead(studio.model, studio.place(0), SMALL))
    studio.await_all()
    (key,) = studio.reel.items
    studio.walk(generating.retake(studio.model, studio.place(0, key, span=(4, 8)), Form(prompt="Rain")))
    jobs = studio.await_all()
    assert [job["status"]["type"] for job in jobs] == ["succeeded", "succeeded"]
    (shot,) = studio.model.shots.values()
    assert sorted(take["number"] for take in shot["takes"].values()) == [1, 2]


def test_an_image_is_edited_in_its_own_size(studio: Studio) -> None:
    studio.show("still.png", 0, 24, "one")
    studio.walk(generating.edit_image(studio.model, studio.place(0, "one"), Form(prompt="At night")))
    (job,) = studio.await_all()
    assert job["status"]["type"] == "succeeded", job["status"]
    assert (job["request"]["mode"], job["request"]["resolution"]) == ("edit_image", [320, 180])
    shot = studio.model.shots[studio.reel.items["one"]["source"]["shot"]]
    assert shot["takes"][shot["selected"]]["path"].endswith(".png")


@pytest.mark.parametrize("mode", ["mask", "track"])
def test_what_points_choose_lies_above_as_a_clip_with_alpha(studio: Studio, mode: str) -> None:
    studio.show("a.mp4", 12, 24, "one", source_in=6)
    form = Form(points=((160.0, 90.0, True), (5.0, 5.0, False)), on=10)
    plan = {"mask": generating.mask, "track": generating.track}[mode]
    said = studio.walk(plan(studio.model, studio.place(0, "one"), form))
    (job,) = studio.await_all()
    assert job["status"]["type"] == "succeeded", job["status"]
    assert "lies over the strip" in said
    (above,) = [item for key, item in studio.reel.items.items() if key != "one"]
    tracks = [track["id"] for track in studio.reel.tracks]
    assert tracks.index(above["track"]) > tracks.index(studio.reel.items["one"]["track"])
    assert (studio.reel.start(above["id"]), above["duration"]) == (12, 24)
    assert above["foreign"] == generating.ALPHA_OVER
    media = studio.model.media[above["source"]["media"]]
    assert media["info"]["kind"] == ("image" if mode == "mask" else "video")
    if mode == "track":
        assert above["source_in"] - above["source"].get("first", 0) == 6
        assert media["info"]["frames"] == 240


def test_more_takes_of_several_shots_keep_their_own_prompts(studio: Studio) -> None:
    for frame, prompt in ((0, "Fog"), (20, "Rain")):
        studio.walk(generating.at_playhead(studio.model, studio.place(frame), SMALL._replace(prompt=prompt)))
    studio.await_all()
    keys = tuple(studio.reel.items)
    assert studio.walk(generating.again(studio.model, studio.place(0, *keys), SMALL._replace(prompt="Snow"))) == (
        "2 takes are queued"
    )
    jobs = studio.await_all()
    assert sorted(job["request"]["prompt"] for job in jobs) == ["Fog", "Fog", "Rain", "Rain"]


def test_every_offer_says_why_not(studio: Studio) -> None:
    model, place = studio.model, studio.place()
    said = {each.action: offers.reason(model, place, Form(), each.action) for each in offers.OFFERS}
    assert all(said.values())
    assert all(str(each) and "{" not in str(each) for each in said.values())
    assert offers.reason(model, place, SMALL, "new") is None
    assert str(offers.reason(None, place, SMALL, "new")) == "Genlock is not connected"
    assert str(offers.reason(model, Place("none"), SMALL, "new")) == "This scene is not linked to a sequence"
    apart = place._replace(apart=True)
    for action in ("extend", "strips", "again", "mask"):
        assert str(offers.reason(model, apart, SMALL, action)) == "The strip is not in the sequence yet"


def test_a_shot_without_a_take_has_nothing_to_go_on_from(studio: Studio) -> None:
    made = studio.rest.command({"do": "CreateShot", "project": studio.project, "code": "SH0010"})
    item = {"id": "empty", "name": "SH0010", "source": {"type": "shot", "shot": made["created"][0]}, "duration": 10}
    studio.rest.command({"do": "OverwriteItem", "track": studio.free, "at": 0, "item": item}, studio.sequence)
    with pytest.raises(Cannot, match="SH0010 has no take yet"):
        generating.extend(studio.model, studio.place(0, "empty"), SMALL)


def test_a_backward_strip_shows_the_frames_below_its_in_point(studio: Studio) -> None:
    studio.show("a.mp4", 0, 24, "back", source_in=99, speed=[-2, 1])
    seen = scenery.shown(studio.model, studio.place(), "back")
    assert (seen.first, seen.frames) == (52, 48)
    assert scenery.source_frame(studio.reel.items["back"], studio.reel, 1) == 97


class Hand:
    """Does nothing by itself: a test answers."""

    def __init__(self) -> None:
        self.posted: list[tuple[Post, Any]] = []
        self.done: dict[str, Any] = {}

    def post(self, ask: Post, then: Any) -> None:
        self.posted.append((ask, then))

    def render(self, ask: Render, then: Any) -> None:
        raise AssertionError(ask)

    def ended(self, job: str) -> Any:
        return self.done.get(job)


def _two_steps() -> Walk:
    answer = yield Post("/one", {})
    jobs = yield Ended(tuple(answer["jobs"]))
    return jobs[0]["status"]["type"]


def test_a_walk_goes_on_as_answers_come() -> None:
    hand, changes = Hand(), []
    walks = Walks(hand, lambda: changes.append(None))
    walks.start("Try", _two_steps())
    assert walks.steps == [Going("Try", "The daemon answers")]
    hand.posted[0][1]({"jobs": ["j"]})
    assert walks.steps == [Going("Try", "The job is made")]
    walks.look()
    assert walks.under_way == 1
    hand.done["j"] = {"status": {"type": "cancelled"}}
    walks.look()
    assert walks.steps == [Gone("Try", "cancelled")]
    assert len(changes) >= 3
    walks.forget()
    assert walks.steps == []


def test_a_refusal_ends_a_walk_and_is_kept_for_the_person() -> None:
    hand = Hand()
    walks = Walks(hand, lambda: None)
    walks.start("Try", _two_steps())
    error = ClientError("name_taken", "Taken.")
    hand.posted[0][1](error)
    assert walks.steps == [Gone("Try", "", error)]


def test_an_answer_after_the_end_is_nobodys() -> None:
    hand = Hand()
    walks = Walks(hand, lambda: None)
    walks.start("Try", _two_steps())
    walks.close()
    hand.posted[0][1]({"jobs": ["j"]})
    assert walks.steps == []
