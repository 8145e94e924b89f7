"""The client against the real daemon: what it shows is what the daemon holds, through edits, losses and restarts."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from genlock.daemon.server import Running, embedded
from genlock_client import discovery
from genlock_client.blocking import Connection
from genlock_client.discovery import Endpoint
from genlock_client.errors import ClientError, Refused
from genlock_client.happenings import Changed, Connected, Disconnected, Ended, PresenceChanged, TaskProgress
from genlock_client.model import SequenceModel
from genlock_client.rest import Rest
from genlock_client.session import Backoff, Live, Session
from genlock_client.transport import Transport

BARS = {"type": "generator", "generator": "bars"}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GENLOCK_HOME", str(tmp_path))
    monkeypatch.setenv("GENLOCK_RUNTIME_DIR", str(tmp_path / "run"))
    return tmp_path


@pytest.fixture
def daemon(home: Path) -> Iterator[Running]:
    with embedded(home / "studio.genlock", announce=True) as running:
        yield running


class Studio:
    """A project with a sequence, made through REST."""

    def __init__(self, running: Running) -> None:
        self.endpoint = Endpoint(running.port, running.token)
        self.rest = Rest.at(self.endpoint)
        self.project = str(self.rest.command({"do": "CreateProject", "name": "Film"})["target"])
        made = self.rest.command({"do": "CreateSequence", "project": self.project, "name": "Reel"})
        self.sequence = str((made["created"] or [made["target"]])[0])
        self.tracks = [track["id"] for track in self.whole()["tracks"]]

    def whole(self) -> dict[str, Any]:
        whole: dict[str, Any] = self.rest.get(f"/api/sequences/{self.sequence}")
        return whole

    def append(self, id_: str, duration: int = 24, **envelope: Any) -> dict[str, Any]:
        item = {"id": id_, "source": BARS, "duration": duration, "name": id_}
        command = {"do": "AppendItem", "track": self.tracks[0], "item": item}
        return self.rest.command(command, self.sequence, **envelope)

    def open(self, actor: str = "ada", project: str | None = "mine") -> Connection:
        return Connection.open(
            self.endpoint, host="test", actor=actor, project=self.project if project == "mine" else project
        )


@pytest.fixture
def studio(daemon: Running) -> Studio:
    return Studio(daemon)


def shown(connection: Connection, sequence: str) -> dict[str, Any]:
    return connection.model.sequences[sequence].snapshot()


def same(picture: dict[str, Any], whole: dict[str, Any]) -> bool:
    """Equal but for whose undo comes next, which effects do not carry."""
    return without_stacks(SequenceModel(whole).snapshot()) == without_stacks(picture)


def without_stacks(whole: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in whole.items() if key not in ("undo", "redo")}


def until(connection: Connection, version: int, sequence: str, seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while connection.model.versions.get(sequence, 0) < version:
        assert time.monotonic() < deadline, connection.session.state
        for _ in connection.events(timeout=0.05):
            pass


def test_the_snapshot_is_the_daemons_picture(studio: Studio) -> None:
    for number in range(3):
        studio.append(f"i{number}")
    with studio.open() as connection:
        assert same(shown(connection, studio.sequence), studio.whole())
        assert connection.model.project is not None
        assert connection.model.project["name"] == "Film"


def test_commands_over_the_socket_are_answered_and_seen_by_others(studio: Studio) -> None:
    with studio.open("ada") as mine, studio.open("bo") as theirs:
        item = {"id": "i1", "source": BARS, "duration": 10}
        accepted = mine.command({"do": "AppendItem", "track": studio.tracks[0], "item": item}, studio.sequence)
        assert accepted.version == 2
        until(theirs, 2, studio.sequence)
        until(mine, 2, studio.sequence)
        assert same(shown(theirs, studio.sequence), studio.whole())
        assert shown(mine, studio.sequence) == shown(theirs, studio.sequence)
        again = mine.command(
            {"do": "AppendItem", "track": studio.tracks[0], "item": item}, studio.sequence, id=accepted.id
        )
        assert again.duplicate
        assert again.version == accepted.version


def test_a_merge_its_conflicts_and_their_settling_are_seen_by_others(studio: Studio, home: Path) -> None:
    for number in range(3):
        studio.append(f"i{number}")
    file = home / "out.otio"
    studio.rest.post(f"/api/sequences/{studio.sequence}/export", {"path": str(file)})
    tree = json.loads(file.read_text())
    for clip, frames in ((0, 10), (2, 6)):
        tree["tracks"]["children"][0]["children"][clip]["source_range"]["duration"]["value"] -= frames
    file.write_text(json.dumps(tree))
    studio.rest.command({"do": "RippleTrimItem", "item": "i0", "edge": "tail", "delta": -4}, studio.sequence)
    with studio.open("bo") as other:
        into = {"path": str(file), "into": studio.sequence, "actor": "ada"}
        merged = studio.rest.post(f"/api/projects/{studio.project}/import", into)
        until(other, merged["version"], studio.sequence)
        (conflict,) = shown(other, studio.sequence)["conflicts"]
        assert (conflict["about"], conflict["field"]) == ("i0", "out")
        assert same(shown(other, studio.sequence), studio.whole())

        settle = {"do": "ResolveConflict", "conflict": conflict["id"], "choice": "theirs"}
        accepted = other.command(settle, studio.sequence)
        until(other, accepted.version, studio.sequence)
        assert shown(other, studio.sequence)["conflicts"] == []
        assert [item["duration"] for item in shown(other, studio.sequence)["tracks"][0]["items"]] == [14, 24, 18]

        studio.rest.command({"do": "Undo", "ref": accepted.version}, studio.sequence)
        until(other, accepted.version + 1, studio.sequence)
        assert shown(other, studio.sequence)["conflicts"] == [conflict]
        assert same(shown(other, studio.sequence), studio.whole())


def test_an_answer_follows_its_event_without_waiting_for_an_ack(studio: Studio) -> None:
    """Two small frames in a row: with Nagle's algorithm the second waits for the client's delayed ACK, about 40 ms."""
    with studio.open() as connection:
        gaps = []
        for number in range(9):
            item = {"id": f"g{number}", "source": BARS, "duration": 10}
            connection.session.command({"do": "AppendItem", "track": studio.tracks[0], "item": item}, studio.sequence)
            times: dict[str, float] = {}
            while "CommandAccepted" not in times or "Changed" not in times:
                for happening in connection.transport.pump():
                    times[type(happening).__name__] = time.perf_counter()
                time.sleep(0.0005)
            gaps.append(times["CommandAccepted"] - times["Changed"])
        assert sorted(gaps)[4] < 0.02


def test_refusals_carry_code_and_hint(studio: Studio) -> None:
    with studio.open() as connection:
        with pytest.raises(Refused) as caught:
            connection.command({"do": "RenameItem", "item": "gone", "name": "x"}, studio.sequence)
        assert caught.value.code == "no_such_item"
        assert caught.value.hint
        with pytest.raises(Refused) as caught:
            connection.command({"do": "Conjure"}, studio.sequence)
        assert caught.value.code == "unknown_command"


def test_random_edits_keep_two_clients_and_the_daemon_equal(studio: Studio) -> None:
    chance = random.Random(3)
    with studio.open("ada") as ada, studio.open("bo") as bo:
        for number in range(120):
            try:
                (ada if chance.random() < 0.5 else bo).command(edit(chance, number, studio), studio.sequence)
            except Refused:
                continue
        version = studio.whole()["version"]
        assert version > 40
        until(ada, version, studio.sequence)
        until(bo, version, studio.sequence)
        assert same(shown(ada, studio.sequence), studio.whole())
        assert shown(ada, studio.sequence) == shown(bo, studio.sequence)
    with studio.open() as fresh:
        assert same(shown(fresh, studio.sequence), studio.whole())


def edit(chance: random.Random, number: int, studio: Studio) -> dict[str, Any]:
    items = [f"n{n}" for n in range(number)]
    item = {"id": f"n{number}", "source": BARS, "duration": chance.randint(5, 40)}
    track, any_item = chance.choice(studio.tracks[:2]), chance.choice(items or ["none"])
    return chance.choice(
        [
            {"do": "AppendItem", "track": track, "item": item},
            {"do": "InsertItem", "place": {"track": track, "at": chance.randint(0, 200)}, "item": item},
            {"do": "OverwriteItem", "track": track, "at": chance.randint(0, 300), "item": item},
            {"do": "ExtractItems", "items": [any_item]},
            {"do": "LiftItems", "items": [any_item]},
            {"do": "RippleTrimItem", "item": any_item, "edge": "tail", "delta": chance.randint(-5, 5)},
            {"do": "SplitItem", "item": any_item, "at": chance.randint(0, 300)},
            {"do": "MoveItems", "items": [any_item], "place": {"track": track, "at": chance.randint(0, 300)}},
            {"do": "SetMarker", "marker": {"id": "", "start": chance.randint(0, 300)}},
            {"do": "AddTrack", "kind": "video"},
            {"do": "Undo"},
            {"do": "Redo"},
            {"do": "Revert", "version": chance.randint(1, max(1, number // 4))},
        ]
    )


def test_what_was_missed_is_resumed_by_the_cursor(studio: Studio) -> None:
    with studio.open() as connection:
        studio.append("first")
        until(connection, 2, studio.sequence)
        cut(connection.transport)
        for number in range(200):
            studio.append(f"m{number}")
        versions = []
        connects = []
        deadline = time.monotonic() + 20
        while connection.model.versions[studio.sequence] < 202 and time.monotonic() < deadline:
            for happening in connection.events(timeout=0.05):
                if isinstance(happening, Changed):
                    versions.append(happening.version)
                if isinstance(happening, Connected):
                    connects.append(happening)
        assert versions == list(range(3, 203))
        assert [(happening.fresh, happening.behind) for happening in connects] == [(False, 200)]
        assert same(shown(connection, studio.sequence), studio.whole())


def cut(transport: Transport) -> None:
    """Breaks the connection as a pulled cable would."""
    import socket

    assert transport._socket is not None
    transport._socket.shutdown(socket.SHUT_RDWR)


def test_a_restart_of_the_daemon_is_survived_with_an_edit_in_hand(home: Path) -> None:
    store = home / "studio.genlock"
    with embedded(store, announce=True) as running:
        studio = Studio(running)
        session = Session("test", "ada", clock=time.monotonic, project=studio.project, backoff=Backoff(0.05, 0.3))
        transport = Transport(session, lambda: discovery.find(store))
        happenings = pump(transport, lambda h: any(isinstance(x, Connected) for x in h))
    happenings = pump(transport, lambda h: any(isinstance(x, Disconnected) for x in h))
    assert any(isinstance(h, Disconnected) and "ended" in h.reason for h in happenings)
    item = {"id": "later", "source": BARS, "duration": 10}
    session.command({"do": "AppendItem", "track": studio.tracks[0], "item": item}, studio.sequence)
    with embedded(store, announce=True) as running:
        happenings = pump(transport, lambda h: "later" in session.model.sequences[studio.sequence].items)
        assert any(isinstance(h, Connected) and not h.fresh for h in happenings)
        pump(transport, lambda h: session.pending == [])
        transport.close()


def pump(transport: Transport, reached: Any, seconds: float = 15.0) -> list[Any]:
    seen: list[Any] = []
    deadline = time.monotonic() + seconds
    while not reached(seen):
        assert time.monotonic() < deadline, (transport.session.state, seen)
        seen += transport.pump()
        time.sleep(0.005)
    return seen


def test_another_store_behind_the_same_session_is_a_snapshot(home: Path) -> None:
    with embedded(home / "a.genlock") as first:
        studio = Studio(first)
        endpoints = [Endpoint(first.port, first.token)]
        session = Session("test", "ada", clock=time.monotonic, backoff=Backoff(0.05, 0.3))
        transport = Transport(session, lambda: endpoints[-1])
        pump(transport, lambda h: studio.project in session.model.projects)
        with embedded(home / "b.genlock") as second:
            endpoints.append(Endpoint(second.port, second.token))
            cut(transport)
            seen = pump(transport, lambda h: any(isinstance(x, Connected) for x in h))
            assert any(isinstance(h, Connected) and h.fresh for h in seen)
            assert session.model.projects == {}
            transport.close()


def test_presence_is_seen_and_leaves(studio: Studio) -> None:
    with studio.open("ada") as ada:
        with studio.open("bo") as bo:
            bo.session.presence({"playhead": 12})
            bo.command({"do": "SetSequence", "name": "Pushes the frame out"}, studio.sequence)
            seen = ada.wait_for(lambda h: isinstance(h, PresenceChanged) and h.state == {"playhead": 12}, 5)
            assert isinstance(seen, PresenceChanged)
            assert (seen.actor, seen.host) == ("bo", "test")
        gone = ada.wait_for(lambda h: isinstance(h, PresenceChanged) and h.state is None, 5)
        assert isinstance(gone, PresenceChanged)


def test_a_session_without_a_project_sees_projects_come(studio: Studio) -> None:
    with studio.open(project=None) as connection:
        assert set(connection.model.projects) == {studio.project}
        made = studio.rest.command({"do": "CreateProject", "name": "Second"})["target"]
        connection.wait_for(lambda h: made in connection.model.projects, 5)
        studio.append("unseen")
        studio.rest.command({"do": "RenameProject", "name": "Renamed"}, studio.project)
        connection.wait_for(lambda h: connection.model.projects[studio.project]["name"] == "Renamed", 5)
        assert connection.model.sequences == {}


def test_shots_jobs_and_media_are_kept(studio: Studio) -> None:
    with studio.open() as connection:
        made = connection.command({"do": "CreateShot", "project": studio.project, "code": "SH01"})
        shot = (made.created or [made.target])[0]
        connection.wait_for(lambda h: shot in connection.model.shots, 5)
        connection.command({"do": "SetShotStatus", "status": "review"}, shot)
        connection.wait_for(lambda h: connection.model.shots[shot]["status"] == "review", 5)
        file = {"id": "m1", "path": "/nowhere/a.mov", "missing": True}
        connection.command({"do": "AddMedia", "media": [file]}, studio.project)
        connection.wait_for(lambda h: "m1" in connection.model.media, 5)
    with studio.open() as again:
        assert again.model.shots[shot]["status"] == "review"
        assert "m1" in again.model.media


def test_jobs_memory_and_renders_are_told_without_losing_the_connection(studio: Studio, home: Path) -> None:
    studio.append("i1", 5)
    brief = {"prompt": "A lighthouse", "frames": 6, "resolution": [160, 90]}
    shot = studio.rest.command({"do": "CreateShot", "project": studio.project, "code": "SH01", "brief": brief})
    with studio.open() as connection:
        body = {"shots": [(shot["created"] or [shot["target"]])[0]]}
        (job,) = studio.rest.post(f"/api/projects/{studio.project}/generate", body)["jobs"]
        connection.wait_for(
            lambda h: connection.model.jobs.get(job, {}).get("status", {}).get("type") == "succeeded", 60
        )
        task = studio.rest.post(f"/api/sequences/{studio.sequence}/render", {"path": str(home / "out.mov")})["task"]
        seen: list[Any] = []

        def is_over(happening: Any) -> bool:
            seen.append(happening)
            return isinstance(happening, TaskProgress) and happening.state["state"] in ("done", "failed")

        ended = connection.wait_for(is_over, 60)
        assert isinstance(ended, TaskProgress)
        assert (ended.state["task"], ended.state["state"]) == (task, "done")
        assert not any(isinstance(happening, Disconnected) for happening in seen)
        assert isinstance(connection.session.state, Live)


def test_wrong_token_and_unknown_project_end_the_session_with_their_reason(studio: Studio) -> None:
    with pytest.raises(ClientError) as caught:
        Connection.open(studio.endpoint._replace(token="wrong"), host="test", timeout=10)
    assert caught.value.code == "unauthorized"
    with pytest.raises(ClientError) as caught:
        studio.open(project="0" * 32)
    assert caught.value.code == "no_such_project"
    with pytest.raises(ClientError) as caught:
        Rest(studio.rest.base_url, "wrong").get("/api/projects")
    assert (caught.value.code, caught.value.status) == ("unauthorized", 401)


def test_a_presence_that_is_too_large_ends_the_session_with_its_reason(studio: Studio) -> None:
    with studio.open() as connection:
        connection.session.presence({"x": "y" * 100_000})
        ended = connection.wait_for(lambda h: isinstance(h, Ended), 5)
        assert isinstance(ended, Ended)
        assert ended.error is not None
        assert ended.error.code == "too_large"


def test_uploads_and_downloads(studio: Studio, home: Path) -> None:
    file = home / "cut.otio"
    studio.append("i1")
    size = studio.rest.download(f"/api/sequences/{studio.sequence}/export", file)
    assert size == file.stat().st_size
    assert json.loads(file.read_text())["OTIO_SCHEMA"].startswith("Timeline")
    uploaded = studio.rest.upload(file)
    answer = studio.rest.post(f"/api/projects/{studio.project}/import", {"path": uploaded, "name": "Again"})
    assert answer["version"] == 1
