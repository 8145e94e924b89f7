"""Every command by its JSON, and what is wrong with JSON that is none."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from genlock.application.commands import NAMES, Undo, decode_command
from genlock.errors import BadInput
from genlock.project.commands import CreateShot
from genlock.timeline.commands import Batch, TrimItem


def test_a_command_is_read_from_text_and_from_a_dict() -> None:
    command = TrimItem("i1", "tail", -3)
    assert decode_command(msgspec.json.encode(command)) == command
    assert decode_command(msgspec.to_builtins(command)) == command
    assert decode_command('{"do": "Undo", "force": true}') == Undo(force=True)


def test_batches_nest_commands() -> None:
    command = Batch((TrimItem("i1", "tail", -3), Batch((TrimItem("i2", "head", 1),))))
    assert decode_command(msgspec.json.encode(command)) == command


def test_there_is_a_name_for_every_command_of_the_brief() -> None:
    assert {"CreateProject", "QueueJob", "ForkSequence", "ForkProject", "ImportSequence", "Batch", "Redo"} <= NAMES


@pytest.mark.parametrize("value", [{"do": "Explode"}, b'{"do": "Explode"}', '{"do": 7}', {"do": None}])
def test_an_unknown_command(value: Any) -> None:
    with pytest.raises(BadInput) as caught:
        decode_command(value)
    assert caught.value.code == "unknown_command"


@pytest.mark.parametrize(
    ("value", "field"),
    [
        ({"do": "TrimItem", "item": "i1", "edge": "tail", "delta": "x"}, "delta"),
        (b'{"do": "TrimItem", "item": "i1", "edge": "middle", "delta": 1}', "edge"),
        ({"do": "CreateShot", "project": "p", "code": "x", "brief": {"frames": 1.5}}, "brief.frames"),
        ({"do": "Batch", "commands": [{"do": "TrimItem", "item": "i", "edge": "tail", "delta": []}]}, "commands"),
    ],
)
def test_a_wrong_field_is_named(value: Any, field: str) -> None:
    with pytest.raises(BadInput) as caught:
        decode_command(value)
    assert caught.value.code == "bad_request"
    assert caught.value.details["field"].startswith(field)
    assert field in caught.value.message


@pytest.mark.parametrize(
    "value",
    [
        {"do": "TrimItem", "item": "i1"},
        {"do": "Undo", "surprise": 1},
        {},
        b"[]",
        b"3",
        {"do": "CreateShot", "project": "p", "code": "x", "brief": {"frames": float("nan")}},
    ],
)
def test_a_wrong_shape(value: Any) -> None:
    with pytest.raises(BadInput) as caught:
        decode_command(value)
    assert caught.value.code == "bad_request"


@pytest.mark.parametrize("value", [b"", b"{", b"\xff\xfe", b'{"do": NaN}'])
def test_what_is_no_json(value: bytes) -> None:
    with pytest.raises(BadInput) as caught:
        decode_command(value)
    assert caught.value.code == "bad_json"


def test_endless_nesting_is_refused() -> None:
    inner = b'{"do":"Batch","commands":['
    with pytest.raises(BadInput) as caught:
        decode_command(inner * 100_000 + b"]}" * 100_000)
    assert caught.value.code == "too_deep"


def test_defaults_need_not_be_sent() -> None:
    assert decode_command({"do": "CreateShot", "project": "p", "code": "SH1"}) == CreateShot("p", "SH1")
