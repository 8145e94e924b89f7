from __future__ import annotations

import base64
import time
from pathlib import Path
from typing import Any

import pytest

from genlock.daemon.server import embedded
from genlock_client.blocking import Connection
from genlock_client.discovery import Endpoint
from genlock_client.happenings import Changed, Connected, Disconnected, Ended, JobProgress, MemoryChanged
from genlock_client.jobs import JobBook, JobView, next_take, previous_take, takes
from genlock_client.model import Model
from genlock_client.rest import Rest


def job(id_: str, state: str = "waiting", position: int = 0, **more: Any) -> dict[str, Any]:
    ends = {"succeeded": {"take": f"take-{id_}"}, "failed": {"code": "out_of_memory", "message": "Too big."}}
    extra = {"reason": ""} if state == "waiting" else ends.get(state, {})
    return {
        "id": id_,
        "version": 1,
        "project": "p",
        "shot": "s1",
        "request": {"mode": "text_to_video", "shot_code": "OLD", "engine": "", "frames": 8},
        "stem": "SH0010_v001",
        "number": 4,
        "priority": 0,
        "status": {"type": state, **extra},
        "attempt": 1,
        "position": position,
        "engine": "animatic" if state == "running" else "",
        **more,
    }


def take(number: int, **more: Any) -> dict[str, Any]:
    return {"id": f"t{number}", "number": number, "path": f"/t/{number}.mov", **more}


def book(*jobs: dict[str, Any]) -> JobBook:
    model = Model()
    model.load({"project": {"id": "p"}, "jobs": list(jobs), "shots": [{"id": "s1", "code": "SH0010", "takes": {}}]})
    return JobBook(model)


def put(the: JobBook, value: dict[str, Any]) -> bool:
    the.model.jobs[value["id"]] = value
    return the.update(Changed(1, value["id"], 2, "t", {}, frozenset({("job", value["id"])})))


def test_rows_come_running_then_by_turn_then_the_newest_that_ended() -> None:
    the = book(
        job("late", position=9),
        job("old", "failed", 1),
        job("first", position=5),
        job("urgent", position=8, priority=3),
        job("now", "running", 2),
        job("newer", "cancelled", 3),
    )
    assert [(row.id, row.position) for row in the.jobs()] == [
        ("now", 0),
        ("urgent", 1),
        ("first", 2),
        ("late", 3),
        ("newer", 0),
        ("old", 0),
    ]
    put(the, job("late", "succeeded", 9))
    put(the, job("first", "failed", 5))
    assert [row.id for row in the.jobs()] == ["now", "urgent", "first", "late", "newer", "old"]


def row(the: JobBook, id_: str = "j") -> JobView:
    (found,) = [row for row in the.jobs() if row.id == id_]
    return found


@pytest.mark.parametrize(
    ("value", "told", "can"),
    [
        (job("j"), "Comes next.", (True, False)),
        (
            job("j", status={"type": "waiting", "reason": "The worker stopped."}),
            "Comes next. The worker stopped.",
            (1, 0),
        ),
        (job("j", "running"), "Begins.", (True, False)),
        (job("j", "succeeded"), "Made take 4.", (False, False)),
        (job("j", "failed"), "Failed: Too big.", (False, True)),
        (job("j", "cancelled"), "Cancelled.", (False, True)),
    ],
)
def test_every_state_has_a_sentence_and_says_what_can_be_done(
    value: dict[str, Any], told: str, can: tuple[int, int]
) -> None:
    found = row(book(value))
    assert found.sentence == told
    assert (found.can_cancel, found.can_retry) == can
    assert found.code == "SH0010"


def test_who_waits_behind_others_is_told_so() -> None:
    the = book(job("a", position=1), job("b", position=2), job("c", position=3))
    assert [row.sentence for row in the.jobs()] == ["Comes next.", "Waits behind 1 other.", "Waits behind 2 others."]


def test_failures_and_takes_are_shown() -> None:
    assert row(book(job("j", "failed")))[-5:-3] == ("Too big.", "out_of_memory")
    assert row(book(job("j", "succeeded"))).take == "take-j"
    assert row(book(job("j", shot="gone"))).code == "OLD"
    nameless = job("j", shot="", request={"mode": "mask"})
    assert row(book(nameless)).code == "SH0010_v001"


def test_progress_is_kept_of_running_jobs_only_and_with_its_last_preview() -> None:
    the = book(job("j", "running"), job("w"))
    assert the.update(JobProgress("j", 2, 8, "frames", "abc"))
    assert the.update(JobProgress("j", 4, 8, "frames", None))
    found = row(the)
    assert (found.done, found.total, found.phase, found.fraction, found.preview) == (4, 8, "frames", 0.5, "abc")
    assert found.sentence == "Frames: 4 of 8 (50 %)."
    assert not the.update(JobProgress("w", 1, 8, "frames", "x"))
    assert not the.update(JobProgress("gone", 1, 8, "frames", "x"))
    put(the, job("j", "succeeded"))
    assert not the.update(JobProgress("j", 8, 8, "frames", "late"))
    assert (row(the).preview, row(the).fraction) == ("", 0.0)
    put(the, job("j", "running"))
    assert row(the).preview == ""


def test_odd_progress_does_no_harm() -> None:
    the = book(job("j", "running"))
    the.update(JobProgress("j", 0, 0, "", None))
    assert (row(the).fraction, row(the).sentence) == (0.0, "Begins.")
    the.update(JobProgress("j", 20, 8, "", None))
    assert (row(the).fraction, row(the).sentence) == (1.0, "Running: 20 of 8 (100 %).")


def test_the_revision_says_when_to_draw_again() -> None:
    the = book(job("j", "running"))
    before = the.revision
    assert the.update(JobProgress("j", 2, 8, "frames", None))
    assert not the.update(JobProgress("j", 2, 8, "frames", None))
    assert not the.update(Disconnected("gone", 1.0))
    assert not the.update(Changed(1, "q", 2, "t", {}, frozenset({("item", "i")})))
    assert the.revision == before + 1
    assert the.jobs() is the.jobs()
    assert the.update(Changed(1, "s1", 2, "t", {}, frozenset({("shot", "s1")})))
    assert the.revision == before + 2


def test_a_new_snapshot_replaces_what_was_known() -> None:
    the = book(job("j", "running"))
    the.update(JobProgress("j", 2, 8, "frames", "abc"))
    the.model.load({"project": {"id": "p"}, "jobs": [job("j"), job("k", "running")], "shots": []})
    assert the.update(Connected("s", "0", True, 0))
    assert [(row.id, row.preview) for row in the.jobs()] == [("k", ""), ("j", "")]
    the.model.load({})
    assert the.update(Ended(None))
    assert the.jobs() == []


def test_what_a_waiting_job_waits_for_is_told() -> None:
    the = book(job("j"), job("r", "running"))
    news = {"waiting": [{"owner": "j", "forecast": "needs 2.0 GB"}, {"owner": "alien", "forecast": "x"}]}
    assert the.update(MemoryChanged(news))
    assert not the.update(MemoryChanged(news))
    assert row(the).forecast == "needs 2.0 GB"
    put(the, job("j", "running"))
    assert row(the).forecast == ""


def test_takes_are_rows_by_number() -> None:
    made = {"engine": "ltx2", "request": {"prompt": "a door", "seed": 7}, "seconds": {"generate": 2.5, "finish": 1.5}}
    info = {"digest": "d", "frames": 48, "rate": [24, 1]}
    shot = {"selected": "t1", "takes": {"t2": take(2), "t1": take(1, proxy="/p", provenance=made, info=info)}}
    first, second = takes(shot)
    assert first == ("t1", 1, "/t/1.mov", "/p", "picture", "ltx2", "a door", 7, True, 4.0, 48, (24, 1), "d")
    assert (second.id, second.selected, second.rate, second.seconds) == ("t2", False, None, 0.0)


def test_takes_are_stepped_through_passing_over_masks() -> None:
    shot = {"selected": "t3", "takes": {f"t{n}": take(n) for n in (1, 3, 4)}}
    shot["takes"]["t2"] = take(2, kind="mask")  # type: ignore[index]
    assert (next_take(shot), previous_take(shot)) == ("t4", "t1")
    assert (next_take(shot, "t4"), previous_take(shot, "t1")) == (None, None)
    assert next_take({"selected": None, "takes": {"t1": take(1), "t9": take(9)}}) == "t9"
    assert previous_take({"selected": None, "takes": {}}) is None


@pytest.mark.timeout(60)
def test_a_real_job_is_shown_from_the_queue_to_its_take(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GENLOCK_HOME", str(tmp_path))
    monkeypatch.setenv("GENLOCK_RUNTIME_DIR", str(tmp_path / "run"))
    with embedded(tmp_path / "studio.genlock") as running:
        endpoint = Endpoint(running.port, running.token)
        rest = Rest.at(endpoint)
        film = {"do": "CreateProject", "name": "Film", "settings": {"folder": str(tmp_path / "film")}}
        project = rest.command(film)["target"]
        brief = {"prompt": "a door", "frames": 8, "rate": [24, 1], "resolution": [160, 96]}
        shot = rest.command({"do": "CreateShot", "project": project, "code": "SH0010", "brief": brief})["target"]
        with Connection.open(endpoint, host="test", actor="ada", project=project) as connection:
            the = JobBook(connection.model)
            rest.post(f"/api/projects/{project}/generate", {"shots": [shot]})
            states: list[str] = []
            previews: list[str] = []
            end = time.monotonic() + 40
            while not states or states[-1] not in ("succeeded", "failed"):
                assert time.monotonic() < end, states
                if the.update(connection.wait_for(lambda happening: True, 30)):
                    states += [row.state for row in the.jobs()]
                    previews += [row.preview for row in the.jobs() if row.preview]
            while not connection.model.shots[shot]["takes"]:
                connection.wait_for(lambda happening: True, 10)
            (last,) = the.jobs()
            (made,) = takes(connection.model.shots[shot])
    assert list(dict.fromkeys(states)) == ["waiting", "running", "succeeded"]
    assert all(base64.b64decode(preview).startswith(b"\xff\xd8") for preview in previews)
    assert (last.sentence, last.take, last.engine, last.mode) == ("Made take 1.", made.id, "animatic", "text_to_video")
    assert (made.frames, made.rate, made.selected, made.kind) == (8, (24, 1), True, "picture")
    assert Path(made.path).is_file()
    assert made.seconds > 0
    assert len(made.digest) == 32
