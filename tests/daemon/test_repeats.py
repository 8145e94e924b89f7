"""A request with an id is carried out once, however often it comes."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from genlock.daemon import breakdown, generating
from genlock.daemon.author import Author
from genlock.daemon.repeats import Repeats
from genlock.errors import GenlockError, Refused
from tests.daemon.test_exchange import clip, timeline

# -- what is remembered


def test_the_first_answer_is_given_again() -> None:
    repeats, made = Repeats(), iter(range(10))
    assert [repeats.answer("a", b"x", lambda: next(made)) for _ in range(3)] == [0, 0, 0]
    assert repeats.answer("b", b"x", lambda: next(made)) == 1
    assert [repeats.answer("", b"x", lambda: next(made)) for _ in range(2)] == [2, 3]
    with pytest.raises(Refused) as reused:
        repeats.answer("a", b"y", lambda: next(made))
    assert reused.value.code == "command_id_reused"


def test_what_failed_may_be_asked_again_and_otherwise() -> None:
    repeats = Repeats()

    def fail() -> int:
        raise Refused("no_change")

    with pytest.raises(Refused):
        repeats.answer("a", b"x", fail)
    assert repeats.answer("a", b"y", lambda: 1) == 1


def test_a_repeat_waits_for_the_first() -> None:
    repeats, started, go = Repeats(), Event(), Event()

    def slow() -> str:
        started.set()
        assert go.wait(10)
        return "first"

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(repeats.answer, "a", b"x", slow)
        assert started.wait(10)
        second = pool.submit(repeats.answer, "a", b"x", lambda: "second")
        go.set()
        assert (first.result(10), second.result(10)) == ("first", "first")


def test_only_the_last_answers_are_kept() -> None:
    repeats = Repeats(kept=2)
    for id_ in "abc":
        repeats.answer(id_, b"x", lambda: 1)
    assert [repeats.answer(id_, b"x", lambda: 2) for id_ in "cba"] == [1, 1, 2]


# -- the routes


@pytest.fixture
def project(ann: Any, studio: Path) -> str:
    return str(ann.project(resolution=[320, 180], folder=str(studio / "media" / "repeats")))


@pytest.fixture
def file(studio: Path) -> Path:
    path = studio / "media" / "twice.otio"
    path.write_text(json.dumps(timeline(*(clip(f"c{n}", f"gone{n}.mov", 0, 6) for n in range(3)))))
    return path


@pytest.fixture(params=["same daemon", "later daemon"])
def again(request: pytest.FixtureRequest, ann: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Sends a request twice; the answers must be the same and nothing may happen at the second one."""

    def ask(path: str, body: dict[str, Any]) -> Any:
        first = ann.post(path, body)
        if request.param == "later daemon":
            monkeypatch.setattr(ann.services, "repeats", Repeats())
        before = made(ann)
        assert ann.post(path, {**body, "actor": "ann"}) == first
        assert made(ann) == before
        return first

    return ask


def made(ann: Any) -> tuple[Any, ...]:
    """What there is, apart from what running jobs come to."""
    world = ann.services.app.world
    return set(world.homes), set(world.shots), set(world.jobs), {p.id: p.media for p in ann.services.app.projects()}


def test_an_import_is_made_once(ann: Any, project: str, file: Path, again: Callable[..., Any]) -> None:
    body = {"path": str(file), "id": f"import {project}"}
    answer = again(f"/api/projects/{project}/import", body)
    assert answer["version"] == 1
    assert [row["missing"] for row in answer["media"]] == [True] * 3
    assert list(ann.services.app.project(project).sequences) == [answer["sequence"]]
    other = file.with_name("other.otio")
    other.write_text(file.read_text())
    refused = ann.refused("POST", f"/api/projects/{project}/import", json={**body, "path": str(other)})
    assert refused == (409, "command_id_reused")
    fresh = ann.post(f"/api/projects/{project}/import", {**body, "id": f"other {project}"})
    assert fresh["sequence"] != answer["sequence"]


def test_an_export_is_written_once(ann: Any, project: str, studio: Path, again: Callable[..., Any]) -> None:
    sequence = ann.sequence(project)
    target = studio / "media" / "once.otio"
    body = {"path": str(target), "id": f"export {project}"}
    answer = again(f"/api/sequences/{sequence}/export", body)
    assert (answer["path"], answer["version"]) == (str(target), 1)
    target.write_text("mine")
    assert ann.post(f"/api/sequences/{sequence}/export", body) == answer
    assert target.read_text() == "mine"
    ann.services.repeats = Repeats()
    elsewhere = {**body, "path": str(studio / "media" / "else.otio")}
    assert ann.refused("POST", f"/api/sequences/{sequence}/export", json=elsewhere) == (409, "command_id_reused")


def test_shots_are_made_once(ann: Any, project: str, file: Path, again: Callable[..., Any]) -> None:
    sequence = ann.post(f"/api/projects/{project}/import", {"path": str(file)})["sequence"]
    body = {"sequence": sequence, "id": f"shots {project}"}
    answer = again(f"/api/projects/{project}/shots-from", body)
    assert answer["version"] == 2
    assert {shot.id for shot in ann.services.app.shots(project)} == set(answer["shots"])
    assert len(answer["shots"]) == 3
    ann.services.repeats = Repeats()
    other = {**body, "sequence": ann.sequence(project)}
    assert ann.refused("POST", f"/api/projects/{project}/shots-from", json=other) == (409, "command_id_reused")


@pytest.mark.parametrize("what", ["shots", "all"])
def test_jobs_are_queued_once(ann: Any, project: str, again: Callable[..., Any], what: str) -> None:
    shots = [ann.command("CreateShot", project=project, code=f"SH{n}")["created"][0] for n in range(3)]
    body = {"overrides": {"frames": 2}, "id": f"{what} {project}"}
    answer = again(f"/api/projects/{project}/generate", {**body, what: shots if what == "shots" else True})
    assert [ann.services.app.job(job).shot for job in answer["jobs"]] == shots
    ann.services.repeats = Repeats()
    refused = ann.refused("POST", f"/api/projects/{project}/generate", json={**body, "shots": shots[::-1]})
    assert refused == (409, "command_id_reused")


def test_a_gap_is_filled_once(ann: Any, project: str, again: Callable[..., Any]) -> None:
    sequence, gap = with_a_gap(ann, project)
    answer = again(f"/api/projects/{project}/generate", {"gap": gap, "id": f"gap {project}"})
    assert len(answer["jobs"]) == 1
    assert len(ann.services.app.shots(project)) == 1
    assert ann.get(f"/api/sequences/{sequence}")["version"] == 6


def with_a_gap(ann: Any, project: str) -> tuple[str, dict[str, Any]]:
    sequence = ann.sequence(project)
    track = ann.track(sequence)
    middle = [ann.append(sequence, track, duration=6) for _ in range(3)][1]["item"]
    ann.command("LiftItems", sequence, items=[middle])
    return sequence, {"sequence": sequence, "track": track, "at": 8}


class Broken(Author):
    """Comes to an end before a step, as a daemon does that is killed there."""

    def __init__(self, before: str, *rest: Any, **named: Any) -> None:
        super().__init__(*rest, **named)
        self.before = before

    def execute(self, *command: Any, step: str = "", **rest: Any) -> Any:
        self._go(step)
        return super().execute(*command, step=step, **rest)

    def execute_all(self, *commands: Any, step: str = "", **rest: Any) -> Any:
        self._go(step)
        return super().execute_all(*commands, step=step, **rest)

    def _go(self, step: str) -> None:
        if step == self.before:
            raise GenlockError("shutting_down")


def test_shots_that_were_left_half_way_are_finished(ann: Any, project: str, file: Path) -> None:
    sequence = ann.post(f"/api/projects/{project}/import", {"path": str(file)})["sequence"]
    id_ = f"half {project}"
    with pytest.raises(GenlockError):
        breakdown.shots_from(ann.services, sequence, None, Broken(breakdown.EDIT, ann.services.app, id=id_))
    half = [shot.id for shot in ann.services.app.shots(project)]
    assert len(half) == 3
    answer = ann.post(f"/api/projects/{project}/shots-from", {"sequence": sequence, "id": id_})
    assert (sorted(answer["shots"]), answer["version"]) == (sorted(half), 2)
    assert len(ann.services.app.shots(project)) == 3


@pytest.mark.parametrize("before", [generating.FILL, generating.JOB])
def test_a_gap_that_was_left_half_way_is_finished(ann: Any, project: str, before: str) -> None:
    sequence, gap = with_a_gap(ann, project)
    id_ = f"half {before} {project}"
    with pytest.raises(GenlockError):
        generating.fill_gap(ann.services, sequence, gap["track"], 8, {}, Broken(before, ann.services.app, id=id_))
    (job,) = ann.post(f"/api/projects/{project}/generate", {"gap": gap, "id": id_})["jobs"]
    (shot,) = ann.services.app.shots(project)
    assert ann.services.app.job(job).shot == shot.id
    assert ann.get(f"/api/sequences/{sequence}")["version"] == 6
    assert ann.services.app.shot(shot.id).brief.frames == 6


def test_an_import_that_was_left_half_way_is_finished(ann: Any, project: str, file: Path) -> None:
    from genlock.daemon import exchange

    id_ = f"half import {project}"
    with pytest.raises(GenlockError):
        exchange.import_file(ann.services, project, file, "", Broken(exchange.IMPORT, ann.services.app, id=id_))
    pool = ann.services.app.project(project).media
    assert len(pool) == 3
    answer = ann.post(f"/api/projects/{project}/import", {"path": str(file), "id": id_})
    assert list(ann.services.app.project(project).sequences) == [answer["sequence"]]
    assert ann.services.app.project(project).media == pool


def test_an_id_has_a_length(ann: Any, project: str, file: Path) -> None:
    body = {"path": str(file), "id": "x" * 129}
    assert ann.refused("POST", f"/api/projects/{project}/import", json=body) == (400, "bad_request")
