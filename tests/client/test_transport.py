"""The transport and the blocking connection against a loopback daemon that misbehaves on demand."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from genlock_client.blocking import Connection
from genlock_client.discovery import Endpoint
from genlock_client.errors import ClientError, Offline, Refused
from genlock_client.happenings import Changed, CommandAccepted, Connected, Disconnected, Ended, Happening, Troubled
from genlock_client.session import Backoff, Live, Session
from genlock_client.transport import Transport

from .conftest import PROJECT, SHOT, FakeDaemon


def transport(daemon: FakeDaemon) -> Transport:
    session = Session("test", "ada", clock=time.monotonic, project=PROJECT, backoff=Backoff(0.02, 0.2))
    return Transport(session, lambda: daemon.endpoint)


def pump_until(
    made: Transport, reached: Callable[[list[Happening]], bool], seconds: float = 5.0, budget: float = 0.005
) -> list[Happening]:
    """Pumps as a host's timer would, every millisecond."""
    seen: list[Happening] = []
    deadline = time.monotonic() + seconds
    while not reached(seen):
        assert time.monotonic() < deadline, f"only saw {seen}"
        seen += made.pump(budget)
        time.sleep(0.001)
    return seen


def saw(kind: type) -> Callable[[list[Happening]], bool]:
    return lambda seen: any(isinstance(happening, kind) for happening in seen)


@contextmanager
def connected(daemon: FakeDaemon) -> Iterator[Transport]:
    made = transport(daemon)
    pump_until(made, saw(Connected))
    yield made
    made.close()


def test_it_connects_with_the_token_in_header_and_hello(daemon: FakeDaemon) -> None:
    with connected(daemon) as made:
        assert isinstance(made.session.state, Live)
    assert daemon.headers == ["Bearer secret"]
    assert daemon.hellos[0]["token"] == "secret"
    assert daemon.hellos[0]["project"] == PROJECT


def test_a_command_comes_back_as_answer_and_event(daemon: FakeDaemon) -> None:
    with connected(daemon) as made:
        id_ = made.session.command({"do": "Note", "note": "hi"}, SHOT)
        seen = pump_until(made, lambda h: saw(CommandAccepted)(h) and saw(Changed)(h))
        assert any(isinstance(h, CommandAccepted) and h.id == id_ for h in seen)
        assert made.session.model.shots[SHOT]["note"] == "hi"


def test_events_missed_while_cut_off_arrive_by_resume_once_and_in_order(daemon: FakeDaemon) -> None:
    with connected(daemon) as made:
        daemon.append("one")
        pump_until(made, saw(Changed))
        daemon.cut()
        pump_until(made, saw(Disconnected))
        for number in range(200):
            daemon.append(f"missed {number}")
        seen = pump_until(made, lambda h: made.session.model.versions.get(SHOT) == 201)
        assert [h.version for h in seen if isinstance(h, Changed)] == list(range(2, 202))
        (again,) = [h for h in seen if isinstance(h, Connected)]
        assert not again.fresh
        assert daemon.hellos[-1]["cursor"] == {"log": "log-1", "id": 1}


def test_a_lost_answer_is_asked_for_again_and_nothing_is_done_twice(daemon: FakeDaemon) -> None:
    with connected(daemon) as made:
        daemon.lose_next_answer = True
        made.session.command({"do": "Note", "note": "once"}, SHOT)
        seen = pump_until(made, saw(CommandAccepted))
        (accepted,) = [h for h in seen if isinstance(h, CommandAccepted)]
        assert accepted.duplicate
        assert len(daemon.log) == 1
        assert made.session.pending == []


def test_a_gap_is_healed_by_a_snapshot(daemon: FakeDaemon) -> None:
    daemon.append("first")
    with connected(daemon) as made:
        daemon.skip_next_event = True
        daemon.append("never sent")
        daemon.append("seen")
        seen = pump_until(made, lambda h: made.session.model.shots[SHOT]["note"] == "seen")
        assert any(isinstance(h, Connected) and h.fresh for h in seen)
        assert daemon.hellos[-1]["cursor"] is None


def test_another_log_behind_the_same_port_means_a_snapshot(daemon: FakeDaemon) -> None:
    daemon.append("old world")
    with connected(daemon) as made:
        daemon.stop()
        pump_until(made, saw(Disconnected))
        daemon.log_id, daemon.log = "log-2", []
        daemon.append("new world")
        daemon.start()
        seen = pump_until(made, saw(Connected))
        assert any(isinstance(h, Connected) and h.fresh for h in seen)
        assert made.session.model.shots[SHOT]["note"] == "new world"
        assert made.session.cursor is not None
        assert made.session.cursor.log == "log-2"


def test_an_edit_made_while_the_daemon_is_down_arrives_when_it_is_back(daemon: FakeDaemon) -> None:
    with connected(daemon) as made:
        daemon.stop()
        pump_until(made, saw(Disconnected))
        made.session.command({"do": "Note", "note": "later"}, SHOT)
        daemon.start()
        pump_until(made, saw(CommandAccepted))
        assert [event["e"]["note"] for event in daemon.log] == ["later"]


@pytest.mark.parametrize("frame", ["not json", "[]", '{"type":"events"}', '{"type":"welcome","protocol":"x"}'])
def test_bad_frames_are_reported_and_survived(daemon: FakeDaemon, frame: str) -> None:
    with connected(daemon) as made:
        daemon.broadcast(frame)
        seen = pump_until(made, saw(Connected))
        assert saw(Troubled)(seen)
        assert saw(Disconnected)(seen)


def test_a_frame_in_two_fragments_and_one_byte_at_a_time(daemon: FakeDaemon) -> None:
    with connected(daemon) as made:
        event = daemon.append("plain")
        pump_until(made, saw(Changed))
        second = {**event, "n": 2, "v": 2}
        daemon.log.append(second)
        text = daemon.events([second])
        (client,) = daemon.clients
        client.send(iter([text[:20], text[20:]]))
        pump_until(made, saw(Changed))
        assert made.session.model.versions[SHOT] == 2


def test_a_slow_daemon_never_makes_a_pump_wait() -> None:
    """The server takes the connection and sends the handshake byte by byte, then nothing."""
    listener = socket.create_server(("127.0.0.1", 0))
    session = Session("test", "ada", clock=time.monotonic, backoff=Backoff(0.02, 0.2))
    made = Transport(session, lambda: Endpoint(listener.getsockname()[1], "t"))
    made.pump()
    peer, _ = listener.accept()
    longest = 0.0
    for byte in b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: webs":
        peer.send(bytes([byte]))
        begin = time.perf_counter()
        assert made.pump() == []
        longest = max(longest, time.perf_counter() - begin)
    assert longest < 0.05
    peer.close()
    assert [type(h) for h in pump_until(made, lambda h: bool(h))] == [Disconnected]
    made.close()
    listener.close()


def test_the_budget_leaves_messages_for_the_next_pump(daemon: FakeDaemon) -> None:
    with connected(daemon) as made:
        for number in range(50):
            daemon.append(str(number))
        time.sleep(0.05)
        first = made.pump(0.0)
        assert len([h for h in first if isinstance(h, Changed)]) == 1
        assert made.waits().seconds == 0.0
        pump_until(made, lambda h: made.session.model.versions.get(SHOT) == 50)


def test_an_idle_pump_costs_microseconds(daemon: FakeDaemon) -> None:
    with connected(daemon) as made:
        times = []
        for _ in range(500):
            begin = time.perf_counter()
            made.pump()
            times.append(time.perf_counter() - begin)
        assert sorted(times)[250] < 200e-6  # about 6 us on a quiet core


def test_nobody_listening_is_offline_and_retried() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    session = Session("test", "ada", clock=time.monotonic, backoff=Backoff(0.01, 0.02))
    made = Transport(session, lambda: Endpoint(port, "t"))
    seen = pump_until(made, lambda h: len(h) >= 3)
    assert {type(h) for h in seen} == {Disconnected}
    made.close()


def test_a_daemon_that_has_not_started_yet_is_waited_for(daemon: FakeDaemon) -> None:
    endpoints: list[Endpoint | None] = [None, None, daemon.endpoint]
    session = Session("test", "ada", clock=time.monotonic, backoff=Backoff(0.01, 0.02))
    made = Transport(session, lambda: endpoints.pop(0) if endpoints else daemon.endpoint)
    seen = pump_until(made, saw(Connected))
    assert [type(h) for h in seen] == [Disconnected, Disconnected, Connected]
    made.close()


def test_another_program_on_the_port_is_no_daemon() -> None:
    listener = socket.create_server(("127.0.0.1", 0))

    def answer() -> None:
        peer, _ = listener.accept()
        peer.recv(4096)
        peer.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno")
        peer.close()

    thread = threading.Thread(target=answer)
    thread.start()
    session = Session("test", "ada", clock=time.monotonic)
    made = Transport(session, lambda: Endpoint(listener.getsockname()[1], "t"))
    (happening,) = pump_until(made, lambda h: bool(h))
    assert isinstance(happening, Disconnected)
    assert "WebSocket" in happening.reason
    thread.join()
    listener.close()
    made.close()


# -- the blocking connection


def opened(daemon: FakeDaemon) -> Connection:
    return Connection.open(daemon.endpoint, host="test", actor="ada", project=PROJECT, timeout=5)


def test_blocking_command_waits_for_the_answer_and_keeps_the_events(daemon: FakeDaemon) -> None:
    with opened(daemon) as connection:
        accepted = connection.command({"do": "Note", "note": "a"}, SHOT)
        assert accepted.version == 1
        changed = connection.wait_for(lambda h: isinstance(h, Changed), 5)
        assert isinstance(changed, Changed)
        assert connection.model.shots[SHOT]["note"] == "a"


def test_blocking_command_raises_the_refusal(daemon: FakeDaemon) -> None:
    with opened(daemon) as connection:
        with pytest.raises(Refused) as caught:
            connection.command({"do": "Nonsense"}, SHOT)
        assert caught.value.code == "overlap"
        assert caught.value.hint == "Ask."
        assert caught.value.conflicts[0]["id"] == "i1"


def test_blocking_events_end_after_quiet(daemon: FakeDaemon) -> None:
    with opened(daemon) as connection:
        daemon.append("x")
        daemon.append("y")
        notes = [h.event["note"] for h in connection.events(timeout=0.3) if isinstance(h, Changed)]
        assert notes == ["x", "y"]


def test_blocking_survives_a_restart_in_the_middle(daemon: FakeDaemon) -> None:
    with opened(daemon) as connection:
        daemon.cut()
        assert connection.command({"do": "Note", "note": "after"}, SHOT, timeout=10).version == 1


def test_a_wait_that_takes_too_long_says_so(daemon: FakeDaemon) -> None:
    with opened(daemon) as connection:
        with pytest.raises(Offline) as caught:
            connection.wait_for(lambda h: False, timeout=0.1)
        assert caught.value.code == "no_answer"


def test_no_daemon_is_said_at_once(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GENLOCK_RUNTIME_DIR", str(tmp_path))
    with pytest.raises(Offline) as caught:
        Connection.open(tmp_path / "studio.genlock", host="test")
    assert caught.value.code == "daemon_absent"


def test_a_session_the_daemon_refuses_raises_its_reason(daemon: FakeDaemon) -> None:
    def refuse(client: Any) -> None:
        client.send(json.dumps({"type": "error", "code": "no_such_project", "message": "Gone.", "hint": "List."}))
        client.close(4400, "no_such_project")

    daemon.on_hello = refuse
    with pytest.raises(ClientError) as caught:
        opened(daemon)
    assert caught.value.code == "no_such_project"


def test_closing_ends_the_events(daemon: FakeDaemon) -> None:
    connection = opened(daemon)
    connection.close()
    assert [type(h) for h in connection.events(timeout=1)][-1] is Ended
