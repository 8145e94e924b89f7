from __future__ import annotations

import json
from typing import Any

import pytest

from genlock_client.errors import ClientError, ProtocolMismatch, Refused
from genlock_client.happenings import (
    Changed,
    CommandAccepted,
    CommandRefused,
    Connected,
    Disconnected,
    Ended,
    JobProgress,
    MemoryChanged,
    PresenceChanged,
    TaskProgress,
    Troubled,
)
from genlock_client.session import Backoff, Closed, Greeting, Live, Resuming, Session
from genlock_client.wire import Cursor

SHOT = "a" * 32


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def session(clock: Clock | None = None, **options: Any) -> Session:
    options.setdefault("project", "p")
    return Session("test", "ada", clock=clock or Clock(), chance=lambda: 1.0, **options)


def snapshot(*shots: dict[str, Any]) -> dict[str, Any]:
    return {"projects": [], "project": {"id": "p", "version": 1}, "sequences": [], "shots": list(shots), "jobs": []}


def welcome(cursor: int = 0, log: str = "l", protocol: int = 1, **fields: Any) -> str:
    message = {"type": "welcome", "protocol": protocol, "version": "1", "log": log, "session": "me"}
    return json.dumps({**message, "cursor": {"log": log, "id": cursor}, **fields})


def events(*rows: tuple[int, int], cursor: int = 0, originator: str = SHOT) -> str:
    """Rows are (notification id, version)."""
    listed = [
        {
            "n": n,
            "o": originator,
            "v": v,
            "t": "T@1",
            "e": {},
            "effects": [["shot", originator, {"id": originator, "version": v}]],
        }
        for n, v in rows
    ]
    last = cursor or (rows[-1][0] if rows else 0)
    return json.dumps({"type": "events", "events": listed, "cursor": {"log": "l", "id": last}})


def live(*shots: dict[str, Any], clock: Clock | None = None, cursor: int = 0) -> Session:
    made = session(clock)
    made.wants_connection()
    made.opened("t")
    made.outgoing()
    made.received(welcome(cursor, snapshot=snapshot(*shots)))
    made.outgoing()
    return made


def reconnect(made: Session, clock: Clock, **fields: Any) -> list[dict[str, Any]]:
    clock.now += 100
    assert made.wants_connection()
    made.opened("t")
    hello = [json.loads(text) for text in made.outgoing()]
    made.received(welcome(**fields))
    return hello + [json.loads(text) for text in made.outgoing()]


def test_hello_then_welcome_makes_it_live_with_a_loaded_model() -> None:
    made = session()
    assert made.wants_connection()
    made.opened("token")
    assert isinstance(made.state, Greeting)
    (hello,) = made.outgoing()
    assert json.loads(hello)["token"] == "token"
    assert made.outgoing() == []
    (happening,) = made.received(welcome(4, snapshot=snapshot({"id": SHOT, "version": 3})))
    assert happening == Connected("me", "1", fresh=True, behind=0)
    assert isinstance(made.state, Live)
    assert made.cursor == Cursor("l", 4)
    assert made.model.versions == {"p": 1, SHOT: 3}


def test_events_move_cursor_and_model() -> None:
    made = live()
    (happening,) = made.received(events((7, 1), cursor=9))
    assert isinstance(happening, Changed)
    assert (happening.id, happening.version, happening.touched) == (7, 1, {("shot", SHOT)})
    assert made.cursor == Cursor("l", 9)
    assert made.model.shots[SHOT]["version"] == 1


def test_events_seen_before_are_passed_over_once_by_id_and_once_by_version() -> None:
    made = live({"id": SHOT, "version": 5}, cursor=10)
    assert made.received(events((9, 4))) == []
    assert made.received(events((11, 5))) == []  # the snapshot was newer than its cursor
    assert len(made.received(events((12, 6)))) == 1


def test_a_jump_in_a_version_asks_for_a_snapshot() -> None:
    clock = Clock()
    made = live({"id": SHOT, "version": 1}, clock=clock, cursor=1)
    happenings = made.received(events((2, 2), (4, 4)))
    assert isinstance(happenings[0], Changed)
    assert isinstance(happenings[1], Disconnected)
    assert made.cursor is None
    (hello, *_) = reconnect(made, clock, cursor=4, snapshot=snapshot({"id": SHOT, "version": 4}))
    assert hello["cursor"] is None
    assert made.model.versions[SHOT] == 4


def test_an_aggregate_that_no_snapshot_shows_cannot_loop() -> None:
    clock = Clock()
    made = live(clock=clock, cursor=1)
    made.received(events((2, 9)))
    reconnect(made, clock, cursor=2, snapshot=snapshot())
    assert [type(h) for h in made.received(events((3, 10)))] == [Changed]
    assert made.received(events((3, 10))) == []
    assert isinstance(made.state, Live)


def test_effects_that_do_not_fit_ask_for_a_snapshot() -> None:
    made = live(cursor=1)
    made.received(
        json.dumps(
            {
                "type": "events",
                "cursor": {"log": "l", "id": 2},
                "events": [
                    {"n": 2, "o": "s", "v": 1, "t": "", "e": {}, "effects": [["sequence", "s", {"project": "p"}]]}
                ],
            }
        )
    )
    bad = [["item", "i", {"id": "i", "track": "nowhere", "after": None, "gap": 0, "duration": 1}]]
    frame = {"n": 3, "o": "s", "v": 2, "t": "", "e": {}, "effects": bad}
    happenings = made.received(json.dumps({"type": "events", "cursor": {"log": "l", "id": 3}, "events": [frame]}))
    assert [type(h) for h in happenings] == [Disconnected]
    assert made.cursor is None


def test_commands_wait_offline_and_go_out_in_order() -> None:
    clock = Clock()
    made = session(clock)
    first = made.command({"do": "A"})
    second = made.command({"do": "B"})
    sent = reconnect(made, clock, snapshot=snapshot())
    assert [(m["type"], m.get("id")) for m in sent[1:]] == [("command", first), ("command", second)]


def test_only_unanswered_commands_are_sent_again() -> None:
    clock = Clock()
    made = live(clock=clock)
    first, second = made.command({"do": "A"}), made.command({"do": "B"})
    assert len(made.outgoing()) == 2
    (accepted,) = made.received(
        json.dumps({"type": "accepted", "id": first, "target": "t", "version": 3, "created": ["n"]})
    )
    assert accepted == CommandAccepted(first, "t", 3, duplicate=False, created=["n"])
    made.lost("cut")
    sent = reconnect(made, clock, cursor=0, snapshot=None)
    assert [m["id"] for m in sent if m["type"] == "command"] == [second]
    (again,) = made.received(json.dumps({"type": "accepted", "id": second, "version": 4, "duplicate": True}))
    assert isinstance(again, CommandAccepted)
    assert again.duplicate
    assert made.pending == []


def test_a_refusal_is_an_error_with_its_conflicts() -> None:
    made = live()
    id_ = made.command({"do": "A"})
    message = {"type": "refused", "id": id_, "code": "overlap", "message": "No room.", "hint": "Move it."}
    (happening,) = made.received(json.dumps({**message, "conflicts": [{"id": "i"}]}))
    assert isinstance(happening, CommandRefused)
    assert isinstance(happening.error, Refused)
    assert happening.error.conflicts == [{"id": "i"}]
    assert made.pending == []


def test_a_command_refused_by_a_shutdown_is_kept() -> None:
    made = live()
    id_ = made.command({"do": "A"})
    assert made.received(json.dumps({"type": "refused", "id": id_, "code": "shutting_down"})) == []
    assert made.pending == [id_]


def test_the_last_presence_is_shown_again_after_a_reconnect() -> None:
    clock = Clock()
    made = live(clock=clock)
    made.presence({"playhead": 1})
    made.presence({"playhead": 2})
    made.outgoing()
    made.lost("cut")
    sent = reconnect(made, clock, cursor=0)
    assert [m["state"] for m in sent if m["type"] == "presence"] == [{"playhead": 2}]


def test_resuming_keeps_the_cursor_until_the_events_came() -> None:
    clock = Clock()
    made = live(clock=clock, cursor=3)
    made.lost("cut")
    (hello, *_) = reconnect(made, clock, cursor=99, behind=2)
    assert hello["cursor"] == {"log": "l", "id": 3}
    assert made.cursor == Cursor("l", 3)


def test_a_resumed_log_that_is_not_ours_is_not_believed() -> None:
    clock = Clock()
    made = live(clock=clock, cursor=3)
    made.lost("cut")
    reconnect(made, clock, cursor=3, log="other")
    assert isinstance(made.state, Resuming)


def test_another_protocol_ends_it() -> None:
    made = session()
    made.wants_connection()
    made.opened()
    (happening,) = made.received(welcome(protocol=2, snapshot=snapshot()))
    assert isinstance(happening, Ended)
    assert isinstance(happening.error, ProtocolMismatch)
    with pytest.raises(ProtocolMismatch):
        made.command({"do": "A"})


def test_a_refused_hello_ends_it_with_the_daemons_reason() -> None:
    made = session()
    made.wants_connection()
    made.opened()
    made.received(json.dumps({"type": "error", "code": "no_such_project", "message": "Gone.", "hint": ""}))
    (happening,) = made.lost("closed", 4400)
    assert isinstance(happening, Ended)
    assert happening.error is not None
    assert happening.error.code == "no_such_project"


def test_a_wrong_token_is_tried_once_more_because_a_restarted_daemon_has_a_new_one() -> None:
    clock = Clock()
    made = session(clock)
    made.wants_connection()
    made.opened("old")
    assert isinstance(made.lost("no", 4401)[0], Disconnected)
    clock.now += 100
    made.wants_connection()
    made.opened("new")
    (happening,) = made.lost("no", 4401)
    assert isinstance(happening, Ended)


def test_waiting_times_double_up_to_the_most_and_start_over_when_live() -> None:
    clock = Clock()
    made = session(clock, backoff=Backoff(1.0, 4.0))
    delays = []
    for _ in range(4):
        assert made.wants_connection()
        (happening,) = made.lost("nobody there")
        assert isinstance(happening, Disconnected)
        assert not made.wants_connection()
        delays.append(happening.retry_in)
        clock.now += happening.retry_in
    assert delays == [1.0, 2.0, 4.0, 4.0]
    reconnect(made, clock, snapshot=snapshot())
    (happening,) = made.lost("cut")
    assert isinstance(happening, Disconnected)
    assert happening.retry_in == 1.0


def test_jitter_halves_a_wait_at_most() -> None:
    assert Backoff(2.0, 60.0).delay(0, 0.0) == 1.0
    assert Backoff(2.0, 60.0).delay(1000, 1.0) == 60.0


def test_silence_is_asked_about_and_then_given_up() -> None:
    clock = Clock()
    made = live(clock=clock)
    clock.now += 14
    assert made.tick() == []
    assert made.outgoing() == []
    clock.now += 2
    assert made.tick() == []
    assert [json.loads(t)["type"] for t in made.outgoing()] == ["ping"]
    made.received('{"type":"pong"}')
    clock.now += 16
    made.tick()
    clock.now += 16
    assert [type(h) for h in made.tick()] == [Disconnected]


def test_a_welcome_that_never_comes_is_given_up() -> None:
    clock = Clock()
    made = session(clock)
    made.wants_connection()
    made.opened()
    clock.now += 11
    assert [type(h) for h in made.tick()] == [Disconnected]


def test_frames_that_are_no_messages_drop_the_connection_and_keep_the_cursor() -> None:
    made = live(cursor=5)
    assert [type(h) for h in made.received("garbage")] == [Troubled, Disconnected]
    assert made.cursor == Cursor("l", 5)


def test_a_snapshot_that_cannot_be_read_ends_it() -> None:
    made = session()
    made.wants_connection()
    made.opened()
    (happening,) = made.received(welcome(snapshot={"shots": [{"no": "id"}]}))
    assert isinstance(happening, Ended)


def test_ephemeral_messages_become_happenings() -> None:
    made = live()
    texts = [
        {"type": "job", "job": "j", "done": 3, "total": 9, "phase": "draw", "preview": "QQ=="},
        {"type": "presence", "session": "s", "host": "resolve", "actor": "bo", "state": None},
        {"type": "memory", "used": 1},
        {"type": "task", "task": "t"},
        {"type": "error", "code": "bad_value", "message": "m", "hint": "h", "fatal": False},
        {"type": "unheard_of"},
    ]
    happenings = [h for text in texts for h in made.received(json.dumps(text))]
    assert happenings[:4] == [
        JobProgress("j", 3, 9, "draw", "QQ=="),
        PresenceChanged("s", "resolve", "bo", None),
        MemoryChanged({"used": 1}),
        TaskProgress({"task": "t"}),
    ]
    assert isinstance(happenings[4], Troubled)
    assert len(happenings) == 5


@pytest.mark.parametrize("kind", ["bye", "resync"])
def test_a_farewell_of_the_daemon_is_a_reconnect_with_the_cursor(kind: str) -> None:
    made = live(cursor=5)
    (happening,) = made.received(json.dumps({"type": kind, "reason": "why", "cursor": {"log": "l", "id": 5}}))
    assert isinstance(happening, Disconnected)
    assert happening.reason == "why"
    assert made.cursor == Cursor("l", 5)


def test_closing_is_final() -> None:
    made = live()
    made.command({"do": "A"})
    assert made.close() == [Ended(None)]
    assert made.close() == []
    assert isinstance(made.state, Closed)
    assert not made.wants_connection()
    with pytest.raises(ClientError):
        made.command({"do": "A"})


def test_the_outbox_has_a_limit() -> None:
    made = session()
    for _ in range(10_000):
        made.command({"do": "A"})
    with pytest.raises(ClientError) as caught:
        made.command({"do": "A"})
    assert caught.value.code == "too_large"
