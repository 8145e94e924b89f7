from __future__ import annotations

import json

import pytest

from genlock_client import wire
from genlock_client.errors import ClientError


def test_hello_carries_its_cursor_as_an_object_and_leaves_an_absent_token_out() -> None:
    text = wire.encode(wire.Hello("blender", "ada", None, "p", wire.Cursor("log", 7)))
    assert json.loads(text) == {
        "type": "hello",
        "protocol": 1,
        "host": "blender",
        "actor": "ada",
        "project": "p",
        "cursor": {"log": "log", "id": 7},
    }


def test_command_has_every_field_of_the_wire() -> None:
    fields = json.loads(wire.encode(wire.Command("c1", {"do": "RenameItem"}, "t", 3, True, "sync", "Renamed")))
    assert fields == {
        "type": "command",
        "id": "c1",
        "command": {"do": "RenameItem"},
        "target": "t",
        "base_version": 3,
        "strict": True,
        "kind": "sync",
        "label": "Renamed",
    }


def test_numbers_json_cannot_hold_are_not_sent() -> None:
    with pytest.raises(ValueError):
        wire.encode(wire.Presence({"x": float("nan")}))


def test_an_events_frame_becomes_values() -> None:
    event = {"n": 5, "o": "s", "v": 2, "t": "SequenceEdited@1", "e": {"a": 1}, "effects": [["item", "i", None]]}
    text = json.dumps({"type": "events", "events": [event], "cursor": {"log": "l", "id": 5}})
    assert wire.decode(text) == wire.Events(
        [wire.Event(5, "s", 2, "SequenceEdited@1", {"a": 1}, [["item", "i", None]])], wire.Cursor("l", 5)
    )


def test_a_cursor_that_is_a_number_belongs_to_the_log_at_hand() -> None:
    message = wire.decode('{"type":"bye","reason":"restart","cursor":9}', "l")
    assert message == wire.Bye("restart", wire.Cursor("l", 9))


def test_messages_of_a_newer_daemon_are_passed_over() -> None:
    assert wire.decode('{"type":"hologram","x":1}') == wire.Unknown("hologram")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        '{"type":7}',
        '{"no":"type"}',
        '{"type":"welcome"}',
        '{"type":"welcome","protocol":true,"log":"l","cursor":1}',
        '{"type":"welcome","protocol":1,"log":"l"}',
        '{"type":"events","events":{},"cursor":{"log":"l","id":1}}',
        '{"type":"events","events":[3],"cursor":{"log":"l","id":1}}',
        '{"type":"events","events":[{"n":1,"o":"x","v":1,"effects":[["item"]]}],"cursor":{"log":"l","id":1}}',
        '{"type":"events","events":[],"cursor":{"log":3,"id":1}}',
        '{"type":"accepted"}',
        '{"type":"job","job":"j","done":"many"}',
        "[" * 100_000,
        b"\xff\xfe",
    ],
)
def test_what_is_no_message_is_refused_with_a_code(text: str | bytes) -> None:
    with pytest.raises(ClientError) as caught:
        wire.decode(text)
    assert caught.value.code == "bad_request"
