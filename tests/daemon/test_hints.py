"""A host says what it is about to do with the memory, and is forgotten when it is gone."""

from __future__ import annotations

import time
from typing import Any

import pytest

from genlock.generation.memory.hints import Hint
from genlock.generation.memory.machine import GiB
from tests.daemon.conftest import Person


def hint(person: Person, **fields: Any) -> Any:
    return person.post("/api/hints", fields)


def test_a_hint_raises_what_is_expected_of_its_host(ann: Person) -> None:
    assert hint(ann, host="Resolve", page="color", playing=True) == {"expected": 5 * GiB, "lasts": 30.0}
    assert ann.services.hints.standing() == (Hint("resolve", "color", playing=True),)
    hint(ann, host="resolve", page="media")
    assert ann.services.hints.expected() == {}
    assert hint(ann, host="resolve", gone=True)["expected"] == 0
    assert ann.services.hints.standing() == ()


@pytest.mark.parametrize(
    "body", [{}, {"host": ""}, {"host": "x" * 65}, {"host": "a", "page": "p" * 65}, {"host": "a", "bytes": 1}]
)
def test_a_hint_that_says_nothing_is_refused(ann: Person, body: dict[str, Any]) -> None:
    assert ann.refused("POST", "/api/hints", json=body) == (400, "bad_request")


def test_a_host_is_forgotten_with_its_last_session(ann: Person) -> None:
    with ann.socket(host="Blender"):
        with ann.socket(host="Blender"):
            hint(ann, host="blender", page="cycles")
        time.sleep(0.3)
        assert ann.services.hints.expected() == {"blender": 4 * GiB}
    end = time.monotonic() + 5
    while ann.services.hints.expected() and time.monotonic() < end:
        time.sleep(0.02)
    assert ann.services.hints.expected() == {}
