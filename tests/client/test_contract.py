"""Client and daemon write the same messages: each side's are read by the other's code."""

from __future__ import annotations

from typing import Any, get_args

import pytest

from genlock.daemon import wire as daemon
from genlock_client import wire as client

CURSOR = daemon.Cursor("log", 7)
MEMORY: dict[str, Any] = {
    **dict.fromkeys(("budget", "held", "floor", "resident", "committed", "over"), 1),
    **{key: {"name": 1} for key in ("machine", "slots", "tiers")},
    **{key: [] for key in ("residents", "leases", "waiting", "decisions")},
    "tenants": None,
}
FROM_DAEMON: list[tuple[Any, Any]] = [
    (
        daemon.Welcome(1, "0.1", "log", CURSOR, "s1", {"projects": []}, 3),
        client.Welcome(1, "log", client.Cursor("log", 7), "0.1", "s1", {"projects": []}, 3),
    ),
    (
        daemon.AcceptedMessage("c", "t", 4, CURSOR, True, ("n",)),
        client.Accepted("c", "t", 4, True, ["n"], client.Cursor("log", 7)),
    ),
    (
        daemon.RefusedMessage("c", "overlap", "No.", "Ask.", [{"id": "i"}]),
        client.RefusedCommand("c", "overlap", "No.", "Ask.", [{"id": "i"}]),
    ),
    (daemon.JobMessage("j", 1, 2, "draw", "QQ=="), client.Job("j", 1, 2, "draw", "QQ==")),
    (daemon.PresenceOf("s", "h", "a", {"x": 1}), client.PresenceSeen("s", "h", "a", {"x": 1})),
    (daemon.MemoryMessage(**MEMORY), client.Memory(MEMORY)),
    (
        daemon.task_message({"task": "t", "kind": "render", "state": "running", "done": 1, "total": 2}),
        client.Task({"task": "t", "kind": "render", "state": "running", "done": 1, "total": 2}),
    ),
    (daemon.Resync(CURSOR, "slow"), client.Resync("slow", client.Cursor("log", 7))),
    (daemon.Bye("over", CURSOR), client.Bye("over", client.Cursor("log", 7))),
    (daemon.Pong(), client.Pong()),
    (daemon.ErrorMessage("bad_value", "m", "h", False), client.WireError("bad_value", "m", "h", False)),
]


@pytest.mark.parametrize(("sent", "read"), FROM_DAEMON, ids=lambda value: type(value).__name__)
def test_the_client_reads_what_the_daemon_writes(sent: Any, read: Any) -> None:
    assert client.decode(daemon.encode(sent)) == read


def test_every_message_of_the_daemon_is_tried() -> None:
    tried = {type(sent) for sent, _ in FROM_DAEMON} | {daemon.EventsMessage}
    assert tried == set(get_args(daemon.DaemonMessage))


def test_an_events_frame_is_read() -> None:
    event = daemon.encode_event(7, "a" * 32, 2, "Noted@1", b'{"x":1}', [["shot", "s", None]])
    text = daemon.events_frame([event], "log", 9)
    assert client.decode(text) == client.Events(
        [client.Event(7, "a" * 32, 2, "Noted@1", {"x": 1}, [["shot", "s", None]])], client.Cursor("log", 9)
    )


@pytest.mark.parametrize(
    "message",
    [
        client.Hello("blender", "ada"),
        client.Hello("blender", "ada", "token", "p", client.Cursor("log", 3)),
        client.Command("c", {"do": "Undo"}, "t", 4, True, "sync", "label"),
        client.Command("c", {"do": "Undo"}),
        client.Presence({"playhead": 3}),
        client.Ping(),
    ],
    ids=lambda message: type(message).__name__,
)
def test_the_daemon_reads_what_the_client_writes(message: Any) -> None:
    read = daemon.decode(client.encode(message))
    for name, value in message._asdict().items():
        found = getattr(read, name)
        if name == "command":
            assert bytes(found) == b'{"do":"Undo"}'
        elif name == "cursor" and value is not None:
            assert (found.log, found.id) == value
        else:
            assert found == (value if value is not None or name != "token" else "")


def test_both_speak_the_same_protocol() -> None:
    assert client.PROTOCOL == daemon.PROTOCOL
