"""Shots and jobs together: codes, takes, and what one transaction holds."""

from __future__ import annotations

import pytest

from genlock.errors import NotFound
from genlock.project.commands import (
    AddTake,
    ArchiveProject,
    CancelJob,
    FailJob,
    FinishJob,
    QueueJob,
    RenameShot,
    RequeueJob,
    RetryJob,
    SelectTake,
    StartJob,
)
from genlock.project.job import Running, Succeeded
from genlock.project.request import GenerationRequest
from genlock.project.shot import Take
from tests.application.studio import Studio, comparable


def queue(studio: Studio, project: str, shot: str = "", number: int = 1, priority: int = 0) -> str:
    request = GenerationRequest("text_to_video")
    return studio.do(QueueJob(project, request, "/takes", "x", shot=shot, number=number, priority=priority)).target


def test_codes_are_unique_in_a_project_whatever_their_case(studio: Studio) -> None:
    project, other = studio.project("One"), studio.project("Two")
    shot = studio.shot(project, "SH0010")
    studio.shot(other, "SH0010")
    second = studio.shot(project, "SH0020")
    error = studio.refused(RenameShot(code="sh0010"), second)
    assert (error.code, error.details["shot"]) == ("name_taken", shot)
    studio.do(RenameShot(code="sh0010"), shot)
    studio.do(RenameShot(code="SH0011"), shot)
    assert studio.do(RenameShot(code="SH0010"), second).version == 2
    assert [s.code for s in studio.app.shots(project)] == ["SH0010", "SH0011"]
    assert studio.app.find_shot(project, "sh0011").id == shot
    with pytest.raises(NotFound):
        studio.app.find_shot(project, "SH0020")


def test_a_finished_job_gives_the_shot_its_take_in_one_transaction(studio: Studio) -> None:
    project = studio.project()
    shot = studio.shot(project)
    job = queue(studio, project, shot)
    studio.do(StartJob("animatic"), job)
    assert isinstance(studio.app.job(job).status, Running)
    done = studio.do(FinishJob(Take("t1", 1, "/takes/x.mov")), job)
    assert (done.target, done.last_id - done.first_id) == (job, 1)
    assert studio.app.job(job).status == Succeeded("t1")
    state = studio.app.shot(shot)
    assert (state.selected, state.takes["t1"].job) == ("t1", job)
    assert [effect[0] for published in studio.seen[-2:] for effect in published.effects] == ["job", "shot"]


def test_a_take_is_never_lost_for_its_number(studio: Studio) -> None:
    project = studio.project()
    shot = studio.shot(project)
    job = queue(studio, project, shot)
    studio.do(StartJob("animatic"), job)
    studio.do(AddTake(Take("by hand", 1, "/a.mov")), shot)
    studio.do(FinishJob(Take("t1", 1, "/takes/x.mov")), job)
    assert {take.id: take.number for take in studio.app.shot(shot).takes.values()} == {"by hand": 1, "t1": 2}


def test_a_job_without_a_shot_makes_no_take(studio: Studio) -> None:
    project = studio.project()
    job = queue(studio, project)
    studio.do(StartJob("llm"), job)
    done = studio.do(FinishJob(Take("t1", 1, "/x.txt")), job)
    assert done.first_id == done.last_id


def test_a_take_number_belongs_to_one_job_at_a_time(studio: Studio) -> None:
    project = studio.project()
    shot = studio.shot(project)
    job = queue(studio, project, shot, 1)
    again = QueueJob(project, GenerationRequest("image"), "/takes", "x", shot=shot, number=1)
    assert studio.refused(again).details["job"] == job
    queue(studio, project, shot, 2)
    studio.do(CancelJob(), job)
    second = studio.do(again).target
    studio.do(StartJob("animatic"), second)
    studio.do(FinishJob(Take("t1", 1, "/x.mov")), second)
    assert studio.refused(again).code == "name_taken"


def test_what_a_job_needs_must_be_there(studio: Studio) -> None:
    project, other = studio.project("One"), studio.project("Two")
    shot = studio.shot(other)
    request = GenerationRequest("image")
    assert studio.refused(QueueJob("f" * 32, request, "/t", "x")).code == "no_such_project"
    assert studio.refused(QueueJob(project, request, "/t", "x", shot="f" * 32)).code == "no_such_shot"
    assert studio.refused(QueueJob(project, request, "/t", "x", shot=shot)).code == "bad_value"
    assert studio.refused(StartJob("x"), "f" * 32).code == "no_such_job"
    assert studio.refused(SelectTake("t9"), shot).code == "no_such_take"
    studio.do(ArchiveProject(), other)
    assert studio.refused(RenameShot(code="x"), shot).code == "archived"


def test_jobs_wait_by_priority_then_by_age(studio: Studio) -> None:
    project = studio.project()
    low, first, second, high = (queue(studio, project, priority=p) for p in (-1, 0, 0, 5))
    assert [job.id for job in studio.app.jobs()] == [high, first, second, low]
    studio.do(StartJob("x"), first)
    studio.do(FailJob("worker_lost", "gone"), first)
    assert [job.id for job in studio.app.jobs(project, "waiting")] == [high, second, low]
    assert [job.id for job in studio.app.jobs(status="failed")] == [first]
    studio.do(RetryJob(), first)
    assert [job.id for job in studio.app.jobs(project, "waiting")] == [high, first, second, low]
    assert studio.app.jobs("f" * 32) == []


def test_the_queue_survives_a_restart(studio: Studio) -> None:
    project = studio.project()
    shot = studio.shot(project)
    jobs = [queue(studio, project, shot, number) for number in (1, 2, 3)]
    studio.do(StartJob("animatic"), jobs[0])
    studio.do(CancelJob(), jobs[1])
    before = comparable(studio.app)
    again = studio.reopened()
    assert comparable(again.app) == before
    assert [job.id for job in again.app.jobs()] == jobs
    again.do(RequeueJob("restart"), jobs[0])
    assert again.app.job(jobs[0]).attempt == 1
    again.app.close()


def swapped(studio: Studio) -> tuple[str, str, str]:
    """Two shots that have each had the other's code."""
    project = studio.project()
    one, two = studio.shot(project, "X"), studio.shot(project, "Y")
    for shot, code in ((one, "T"), (two, "X"), (one, "Y")):
        studio.do(RenameShot(code=code), shot)
    return project, one, two


def test_codes_that_changed_hands_are_known_after_a_restart(studio: Studio) -> None:
    project, one, two = swapped(studio)
    again = studio.reopened()
    assert comparable(again.app) == comparable(studio.app)
    assert (again.app.find_shot(project, "Y").id, again.app.find_shot(project, "X").id) == (one, two)
    again.app.close()


def test_a_number_that_changed_hands_stays_reserved_after_a_restart(studio: Studio) -> None:
    project = studio.project()
    shot = studio.shot(project)
    first = queue(studio, project, shot)
    studio.do(FailJob("engine_failed", "a wheel came off"), first)
    second = queue(studio, project, shot)
    studio.do(CancelJob(), second)
    studio.do(RetryJob(), first)
    again = studio.reopened()
    assert dict(again.app.world.reserved) == dict(studio.app.world.reserved) == {(shot, 1): first}
    again.app.close()


def test_renames_are_published_again_after_a_restart(studio: Studio) -> None:
    _, one, two = swapped(studio)
    cursor = studio.app.head_id()
    studio.do(RenameShot(scene="SC02"), two)
    studio.do(RenameShot(scene="SC02"), one)
    studio.do(RenameShot(code="Z"), two)
    again = studio.reopened()
    assert again.app.published_since(cursor) == studio.app.published_since(cursor)
    again.app.close()
