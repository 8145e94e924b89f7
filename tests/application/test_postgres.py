"""The whole application on a real PostgreSQL: what people do there is there after a restart, each thing once."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from genlock.application.commands import ImportSequence, Redo, Revert, Undo
from genlock.errors import NotFound, Refused
from genlock.project.commands import FinishJob, QueueJob, StartJob
from genlock.project.job import Succeeded, Waiting
from genlock.project.request import GenerationRequest
from genlock.project.shot import Take
from genlock.store import open_store
from genlock.store.verify import verify
from genlock.timeline.commands import AppendItem, RenameItem
from genlock.timeline.events import Content, Placed, TrackContent
from genlock.timeline.model import Track
from genlock.timeline.rate import Rate
from tests.application.studio import Studio, clip, comparable
from tests.store.postgres_server import database, server

pytestmark = pytest.mark.postgres

THREADS, EDITS = 4, 15


@pytest.fixture(scope="module")
def maintenance() -> Iterator[str]:
    with server() as url:
        yield url


@pytest.fixture
def url(maintenance: str) -> str:
    return database(maintenance)


@pytest.fixture
def studio(url: str) -> Iterator[Studio]:
    made = Studio(open_store(url))
    yield made
    made.app.close()
    made.store.close()


def restarted(studio: Studio, url: str) -> Studio:
    """Another process's view of it: nothing of the first is left but the database."""
    studio.app.close()
    studio.store.close()
    return Studio(open_store(url), first=next(studio.ids))


def imported(studio: Studio, project: str) -> str:
    track = TrackContent(Track("v", "video", "V1", "magnetic"), tuple(Placed(clip(f"s{n}", 24)) for n in range(3)))
    return studio.do(ImportSequence(project, Content("Reel", Rate(24000, 1001), tracks=(track,)))).target


def edit_from_threads(studio: Studio, sequence: str) -> None:
    """Each person appends, with an id of their own for each edit."""
    track = studio.track(sequence)

    def person(name: str) -> list[Any]:
        return [
            studio.do(AppendItem(track, clip(f"{name}{n}")), sequence, id=f"{name}-{n}", actor=name)
            for n in range(EDITS)
        ]

    with ThreadPoolExecutor(THREADS) as pool:
        done = [accepted for each in pool.map(person, "abcd") for accepted in each]
    assert sorted(accepted.version for accepted in done) == list(range(2, THREADS * EDITS + 2))
    assert len({accepted.first_id for accepted in done}) == THREADS * EDITS


def test_a_day_of_work_is_there_after_a_restart(studio: Studio, url: str) -> None:
    project = studio.project()
    sequence = imported(studio, project)
    edit_from_threads(studio, sequence)
    last_of_a = next(entry for entry in studio.app.history(sequence, actor="a") if entry.intent == "AppendItem")
    assert studio.do(Undo(), sequence, actor="a").version == THREADS * EDITS + 2
    assert f"a{EDITS - 1}" not in studio.items(sequence)
    before, items = comparable(studio.app), studio.items(sequence)
    then = restarted(studio, url)
    try:
        assert comparable(then.app) == before
        assert then.items(sequence) == items
        history = then.app.history(sequence, limit=200)
        assert [entry.version for entry in history] == list(range(THREADS * EDITS + 2, 0, -1))
        assert (history[0].kind, history[0].ref) == ("undo", last_of_a.version)
        first = then.app.sequence(sequence, 1)
        assert list(first.lanes[first.order[0]].ids()) == ["s0", "s1", "s2"]
        then.do(Redo(), sequence, actor="a")
        assert f"a{EDITS - 1}" in then.items(sequence)
        then.do(Revert(1), sequence)
        assert then.items(sequence) == ["s0", "s1", "s2"]
        with pytest.raises(NotFound):
            then.app.sequence(sequence, 999)
        assert verify(then.store).ok
    finally:
        then.app.close()
        then.store.close()


def test_an_id_is_used_once_even_after_a_restart(studio: Studio, url: str) -> None:
    sequence = studio.sequence()
    track = studio.track(sequence)
    first = studio.do(AppendItem(track, clip("x")), sequence, id="once")
    assert studio.do(AppendItem(track, clip("x")), sequence, id="once").duplicate
    tip = studio.store.tip()
    then = restarted(studio, url)
    try:
        again = then.do(AppendItem(track, clip("x")), sequence, id="once")
        assert (again.duplicate, again.version, again.first_id) == (True, first.version, first.first_id)
        assert then.refused(AppendItem(track, clip("y")), sequence, id="once").code == "command_id_reused"
        assert then.store.tip() == tip
    finally:
        then.app.close()
        then.store.close()


def test_jobs_and_their_takes_survive(studio: Studio, url: str) -> None:
    project = studio.project()
    shot = studio.shot(project)
    request = GenerationRequest("text_to_video")
    done, waiting = (
        studio.do(QueueJob(project, request, "/takes", f"v{n}", shot=shot, number=n)).target for n in (1, 2)
    )
    studio.do(StartJob("animatic"), done)
    finished = studio.do(FinishJob(Take("t1", 1, "/takes/v1.mov")), done)
    assert finished.last_id - finished.first_id == 1
    then = restarted(studio, url)
    try:
        assert then.app.job(done).status == Succeeded("t1")
        assert isinstance(then.app.job(waiting).status, Waiting)
        assert then.app.shot(shot).takes["t1"].job == done
    finally:
        then.app.close()
        then.store.close()


def test_an_undo_over_somebody_elses_change_is_refused(studio: Studio) -> None:
    sequence = studio.sequence()
    studio.append(sequence, "x", actor="ann")
    studio.do(RenameItem("x", "By Ben"), sequence, actor="ben")
    error = studio.refused(Undo(), sequence, actor="ann")
    assert isinstance(error, Refused)
    assert error.code == "undo_conflict"
    studio.do(Undo(force=True), sequence, actor="ann")
    assert studio.items(sequence) == []
