"""The wire of docs/protocol.md against a real daemon."""

from __future__ import annotations

import json
import threading
import time
from typing import Any
from uuid import uuid4

import pytest

from genlock.daemon import socket as daemon_socket


@pytest.fixture
def cut(ann: Any) -> tuple[str, str, str]:
    project = ann.project()
    sequence = ann.sequence(project)
    return project, sequence, ann.track(sequence)


def item(name: str = "") -> dict[str, Any]:
    source = {"type": "generator", "generator": "color"}
    return {"id": f"i{uuid4().hex[:16]}", "duration": 10, "name": name, "source": source}


# -- hello


def test_a_new_client_gets_a_snapshot(ann: Any, cut: tuple[str, str, str]) -> None:
    project, sequence, track = cut
    ann.append(sequence, track)
    with ann.socket(project=project) as wire:
        welcome = wire.welcome
    assert welcome["type"] == "welcome"
    assert welcome["protocol"] == 1
    assert welcome["log"] == ann.services.hub.log
    assert welcome["cursor"] == {"log": welcome["log"], "id": ann.services.app.head_id()}
    snapshot = welcome["snapshot"]
    assert snapshot["project"]["id"] == project
    assert [s["id"] for s in snapshot["sequences"]] == [sequence]
    assert snapshot["sequences"][0] == ann.get(f"/api/sequences/{sequence}")


def test_without_a_project_the_snapshot_lists_projects(ann: Any, cut: tuple[str, str, str]) -> None:
    with ann.socket() as wire:
        assert cut[0] in [p["id"] for p in wire.welcome["snapshot"]["projects"]]
        assert "project" not in wire.welcome["snapshot"]
        new = ann.project()
        assert wire.until("events")["events"][0]["o"] == new
        ann.sequence(new)  # two events: of the sequence, which is not shown here, and of the project, which is
        assert [e["o"] for e in wire.until("events")["events"]] == [new]


def test_an_unknown_project_is_an_error(ann: Any) -> None:
    with ann.socket(project="0" * 32) as wire:
        assert wire.welcome["type"] == "error"
        assert wire.welcome["code"] == "no_such_project"
        assert wire.close_code() == 4400


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ('{"type":"ping"}', "bad_request"),
        ('{"type":"command","id":"x","command":{}}', "bad_request"),
        ('{"type":"hello"}', "bad_request"),
        ('{"type":"nothing"}', "bad_request"),
        ('{"type":"hello","protocol":"one"}', "bad_request"),
        ("{", "bad_json"),
        ("", "bad_json"),
        ("[" * 100_000, "bad_request"),
        ('{"type":"hello","protocol":99}', "protocol_version"),
    ],
)
def test_a_bad_hello_is_answered_and_closed(ann: Any, message: str, code: str) -> None:
    with ann.socket(greet=False) as wire:
        wire.connection.send(message)
        answer = wire.receive()
        assert (answer["type"], answer["code"]) == ("error", code)
        assert answer["hint"]
        assert wire.close_code() == 4400


def test_binary_frames_are_refused(ann: Any) -> None:
    with ann.socket(greet=False) as wire:
        wire.connection.send(b"{}")
        assert wire.receive()["code"] == "bad_request"
        assert wire.close_code() == 4400


def test_a_wrong_token_in_hello_is_refused(ann: Any) -> None:
    with ann.socket(token="wrong") as wire:
        assert wire.welcome["code"] == "unauthorized"
        assert wire.close_code() == 4401
    with ann.socket(token=ann.daemon.token) as wire:
        assert wire.welcome["type"] == "welcome"


def test_a_second_hello_ends_the_session(ann: Any) -> None:
    with ann.socket() as wire:
        wire.send(type="hello", protocol=1)
        assert wire.until("error")["code"] == "bad_request"
        assert wire.close_code() == 4400


def test_silence_instead_of_hello_ends_the_session(ann: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    route = next(r for r in _routes(ann) if getattr(r, "path", "") == "/ws")
    monkeypatch.setattr(route.endpoint, "_hello_seconds", 0.1)
    with ann.socket(greet=False) as wire:
        answer = wire.receive()
        assert (answer["type"], answer["code"]) == ("error", "bad_request")
        assert wire.close_code() == 4400


def test_no_more_clients_than_the_limit(ann: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    route = next(r for r in _routes(ann) if getattr(r, "path", "") == "/ws")
    monkeypatch.setattr(route.endpoint, "_clients_limit", 1)
    with ann.socket() as first, ann.socket(greet=False) as second:
        assert first.welcome["type"] == "welcome"
        assert second.receive()["code"] == "too_many"


def _routes(ann: Any) -> Any:
    return ann.services.routes()


# -- commands


def test_a_command_is_accepted_and_its_event_comes(ann: Any, cut: tuple[str, str, str]) -> None:
    project, sequence, track = cut
    with ann.socket(project=project) as wire:
        wire.send(
            type="command",
            id="c1" + uuid4().hex,
            target=sequence,
            command={"do": "AppendItem", "track": track, "item": item()},
        )
        first, second = wire.receive(), wire.receive()
    accepted, events = sorted((first, second), key=lambda m: str(m["type"]))
    assert accepted["type"] == "accepted"
    assert accepted["target"] == sequence
    assert accepted["version"] == 2
    assert accepted["duplicate"] is False
    event = events["events"][0]
    assert (event["n"], event["o"], event["v"]) == (accepted["cursor"]["id"], sequence, 2)
    assert event["t"].startswith("SequenceEdited@")
    assert event["e"]["actor"] == "ann"
    assert "item" in [kind for kind, _, _ in event["effects"]]
    assert events["cursor"]["id"] == event["n"]


def test_the_same_id_repeats_the_answer(ann: Any, cut: tuple[str, str, str]) -> None:
    project, sequence, track = cut
    with ann.socket(project=project) as wire:
        command = {"do": "AppendItem", "track": track, "item": item(), "target": sequence, "id": uuid4().hex}
        once, twice = wire.command(**command), wire.command(**command)
        assert once["duplicate"] is False
        assert twice == {**once, "duplicate": True}
        other = wire.command("AppendItem", sequence, id=command["id"], track=track, item=item())
        assert other["code"] == "command_id_reused"
    assert ann.get(f"/api/sequences/{sequence}")["version"] == once["version"]


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ({"do": "Explode"}, "unknown_command"),
        ({"do": 7}, "bad_request"),
        ({}, "bad_request"),
        ({"do": "AppendItem"}, "bad_request"),
        ({"do": "AppendItem", "track": "t", "item": {}, "surplus": 1}, "bad_request"),
        ({"do": "TrimItem", "item": "nope", "edge": "head", "delta": 1}, "no_such_item"),
        ({"do": "TrimItem", "item": "nope", "edge": "head", "delta": 1e400}, "bad_request"),
        ({"do": "Undo"}, "nothing_to_undo"),
    ],
)
def test_a_bad_command_is_refused_and_the_session_goes_on(
    ann: Any, cut: tuple[str, str, str], command: Any, code: str
) -> None:
    with ann.socket(project=cut[0]) as wire:
        id_ = uuid4().hex
        text = json.dumps({"type": "command", "id": id_, "target": cut[1], "command": command})
        wire.connection.send(text.replace("Infinity", "1e400"))
        refused = wire.until("refused")
        assert refused["id"] == id_
        assert refused["code"] in (code, "unknown_command" if command in ({}, {"do": 7}) else code)
        assert refused["message"]
        assert refused["hint"]
        wire.send(type="ping")
        assert wire.receive() == {"type": "pong"}


def test_a_strict_command_on_an_old_version_is_refused(ann: Any, cut: tuple[str, str, str]) -> None:
    project, sequence, track = cut
    ann.append(sequence, track)
    command = {"do": "AppendItem", "track": track, "item": item()}
    with ann.socket(project=project) as wire:
        wire.send(type="command", id=uuid4().hex, target=sequence, base_version=1, strict=True, command=command)
        assert wire.until("refused")["code"] == "stale_version"
        wire.send(type="command", id=uuid4().hex, target=sequence, base_version=1, command=command)
        assert wire.until("accepted")["version"] == 3


def test_commands_without_an_id_or_with_endless_ones_are_refused(ann: Any) -> None:
    with ann.socket() as wire:
        for id_ in ("", "x" * 201):
            wire.send(type="command", id=id_, command={"do": "CreateProject", "name": "x"})
            assert wire.until("refused")["code"] == "bad_value"


def test_a_command_may_not_reach_outside_the_roots(ann: Any) -> None:
    with ann.socket() as wire:
        answer = wire.command("CreateProject", name="Outside", settings={"folder": "/etc/genlock"})
    assert answer["code"] == "outside_roots"


def test_many_commands_at_once_are_answered_in_order(ann: Any, cut: tuple[str, str, str]) -> None:
    project, sequence, track = cut
    with ann.socket(project=project) as wire:
        count = daemon_socket.IN_FLIGHT + 50
        for n in range(count):
            wire.send(
                type="command",
                id=f"{uuid4().hex}-{n}",
                target=sequence,
                command={"do": "AppendItem", "track": track, "item": item(str(n))},
            )
        versions, seen = [], []
        while len(versions) < count or len(seen) < count:
            message = wire.receive()
            if message["type"] == "accepted":
                versions.append(message["version"])
            else:
                seen += [event["v"] for event in message["events"]]
                assert len(message["events"]) <= 64
    assert versions == seen == list(range(2, count + 2))


# -- coming back


def test_a_client_comes_back_by_cursor(ann: Any, cut: tuple[str, str, str]) -> None:
    project, sequence, track = cut
    with ann.socket(project=project) as wire:
        cursor = wire.welcome["cursor"]
    for _ in range(150):
        ann.services.app.submit(_append(sequence, track))
    last = ann.append(sequence, track)["last_id"]
    with ann.socket(project=project, cursor=cursor) as wire:
        assert wire.welcome["snapshot"] is None
        assert wire.welcome["behind"] == 151
        events = wire.events(last)
        assert [event["v"] for event in events] == list(range(2, 153))
        live = ann.append(sequence, track)["last_id"]
        assert wire.events(live)[0]["v"] == 153


def test_the_cursor_passes_over_other_projects(ann: Any, cut: tuple[str, str, str]) -> None:
    project, _, _ = cut
    with ann.socket(project=project) as wire:
        cursor = wire.welcome["cursor"]
    other = ann.sequence(ann.project())
    head = ann.services.app.head_id()
    with ann.socket(project=project, cursor=cursor) as wire:
        frame = wire.until("events")
        assert frame["events"] == []
        assert frame["cursor"]["id"] == head
    assert other


@pytest.mark.parametrize("wrong", ["log", "future", "negative", "far"])
def test_an_unusable_cursor_gets_a_snapshot(
    ann: Any, cut: tuple[str, str, str], wrong: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    head = ann.services.app.head_id()
    log = ann.services.hub.log
    monkeypatch.setattr(daemon_socket, "RESUME_LIMIT", 1)
    cursor = {
        "log": {"log": "another", "id": head},
        "future": {"log": log, "id": head + 1},
        "negative": {"log": log, "id": -1},
        "far": {"log": log, "id": max(0, head - 2)},
    }[wrong]
    with ann.socket(project=cut[0], cursor=cursor) as wire:
        assert wire.welcome["snapshot"]["project"]["id"] == cut[0]
        assert wire.welcome["cursor"]["id"] == head


def _append(sequence: str, track: str) -> Any:
    from genlock.application.commands import decode_command
    from genlock.application.envelope import Envelope

    command = decode_command({"do": "AppendItem", "track": track, "item": item()})
    return Envelope(id=uuid4().hex, command=command, target=sequence, actor="bob")


@pytest.mark.parametrize("resume", [False, True])
def test_joining_amid_commits_loses_and_doubles_nothing(ann: Any, cut: tuple[str, str, str], resume: bool) -> None:
    project, sequence, track = cut
    with ann.socket(project=project) as wire:
        start = wire.welcome["cursor"]
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            ann.services.app.execute(_append(sequence, track))
            time.sleep(0.0005)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(12):
            with ann.socket(project=project, cursor=start if resume else None) as wire:
                snapshot = wire.welcome["snapshot"]
                at = 1 if resume else next(s["version"] for s in snapshot["sequences"] if s["id"] == sequence)
                versions: list[int] = []
                while len(versions) < 40:
                    versions += [event["v"] for event in wire.until("events")["events"] if event["o"] == sequence]
                assert versions == list(range(at + 1, at + 1 + len(versions)))
    finally:
        stop.set()
        writer.join()


# -- presence


def test_presence_comes_and_goes(ann: Any, cut: tuple[str, str, str]) -> None:
    project = cut[0]
    with ann.socket(project=project, host="panel", actor="ann") as first:
        with ann.socket(project=project, host="resolve", actor="bob") as second:
            joined = first.until("presence")
            assert (joined["host"], joined["actor"], joined["state"]) == ("resolve", "bob", {})
            assert joined["session"] == second.welcome["session"]
            assert second.until("presence")["session"] == first.welcome["session"]
            second.send(type="presence", state={"playhead": 12})
            assert first.until("presence")["state"] == {"playhead": 12}
            with ann.socket(project=project) as third:
                seen = {p["session"]: p["state"] for p in (third.until("presence"), third.until("presence"))}
                assert seen[second.welcome["session"]] == {"playhead": 12}
        gone = first.until("presence", session=second.welcome["session"], state=None)
        assert gone["actor"] == "bob"


def test_presence_stays_in_its_project(ann: Any, cut: tuple[str, str, str]) -> None:
    with ann.socket(project=cut[0]) as here, ann.socket(project=ann.project()) as there:
        there.send(type="presence", state={"playhead": 1})
        there.send(type="ping")
        there.until("pong")
        here.send(type="ping")
        assert here.receive() == {"type": "pong"}


def test_presence_is_small(ann: Any) -> None:
    with ann.socket() as wire:
        wire.send(type="presence", state={"x": "x" * 20_000})
        assert wire.until("error")["code"] == "too_large"
        assert wire.close_code() == 4400


def test_names_are_one_short_line(ann: Any, cut: tuple[str, str, str]) -> None:
    with ann.socket(project=cut[0]) as first, ann.socket(project=cut[0], actor="a\nb" + "c" * 100, host=""):
        joined = first.until("presence")
        assert joined["actor"] == ("ab" + "c" * 100)[:64]
        assert joined["host"] == "client"
