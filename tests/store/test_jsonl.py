"""The log as text: out, in, and nothing slips through changed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from genlock.errors import BadInput, GenlockError, NotFound, Refused, StoreError
from genlock.store import Commit, EventStore, open_store
from genlock.store.jsonl import export, import_
from genlock.store.verify import verify
from tests.contract.event_store import created
from tests.store.stores import PROJECT, SEQUENCE, all_events, edited, fill


@pytest.fixture
def store() -> EventStore:
    store = open_store("memory:")
    fill(store)
    return store


@pytest.fixture
def lines(store: EventStore, tmp_path: Path) -> list[bytes]:
    export(store, tmp_path / "log.jsonl")
    return (tmp_path / "log.jsonl").read_bytes().splitlines(keepends=True)


def test_there_and_back(store: EventStore, tmp_path: Path) -> None:
    header = export(store, tmp_path / "log.jsonl")
    other = open_store(tmp_path / "b.genlock")
    log = other.log_id
    assert import_(tmp_path / "log.jsonl", other) == 23
    assert all_events(other) == all_events(store)
    assert [r.state for r in other.since(0)] == [r.state for r in store.since(0)]
    assert other.find_command("both") == store.find_command("both")
    assert other.originators(("SequenceCreated",)) == [SEQUENCE]
    report = verify(other)
    assert report.ok
    assert report.tip == header.tip == verify(store).tip
    assert other.log_id == log != store.log_id
    assert other.meta.forked_from is not None
    assert other.meta.forked_from.log == store.log_id
    other.close()


def test_the_file_is_json_line_by_line(lines: list[bytes], store: EventStore) -> None:
    header, *events = [json.loads(line) for line in lines]
    assert header["genlock"] == "events"
    assert (header["log"], header["events"]) == (store.log_id, 23)
    assert [event["n"] for event in events] == list(range(1, 24))
    assert events[0]["c"] == ["both", "anna", "01", 2]
    assert "c" not in events[1]
    assert (events[2]["o"], events[2]["v"], events[2]["t"]) == (SEQUENCE.hex, 2, "SequenceEdited@1")
    assert events[2]["s"]["intent"] == "InsertItem"


def test_importing_again_adds_what_is_new(store: EventStore, tmp_path: Path) -> None:
    export(store, tmp_path / "log.jsonl")
    other = open_store("memory:")
    import_(tmp_path / "log.jsonl", other)
    assert import_(tmp_path / "log.jsonl", other) == 0
    store.append([Commit("more", "anna", b"", (edited(22),))])
    export(store, tmp_path / "log.jsonl")
    assert import_(tmp_path / "log.jsonl", other) == 1
    assert all_events(other) == all_events(store)
    assert import_(tmp_path / "log.jsonl", store) == 0


def test_an_empty_log(tmp_path: Path) -> None:
    export(open_store("memory:"), tmp_path / "log.jsonl")
    other = open_store("memory:")
    assert import_(tmp_path / "log.jsonl", other) == 0


def test_more_than_a_batch(tmp_path: Path) -> None:
    store = open_store("memory:")
    fill(store, 2)
    edits = [edited(version) for version in range(4, 6004)]
    store.append([Commit("many", "anna", b"", tuple(edits[:4000]))])
    store.append([Commit("rest", "anna", b"", tuple(edits[4000:]))])
    export(store, tmp_path / "log.jsonl")
    other = open_store("memory:")
    assert import_(tmp_path / "log.jsonl", other) == store.tip()
    assert verify(other).ok


def test_a_store_with_another_log_is_left_alone(lines: list[bytes], tmp_path: Path) -> None:
    other = open_store("memory:")
    other.append([Commit("c", "anna", b"", (created(PROJECT),))])
    with pytest.raises(Refused) as refused:
        import_(tmp_path / "log.jsonl", other)
    assert refused.value.code == "wrong_state"
    assert other.tip() == 1


def test_a_store_that_went_another_way_is_left_alone(store: EventStore, tmp_path: Path) -> None:
    export(store, tmp_path / "log.jsonl")
    other = open_store("memory:")
    import_(tmp_path / "log.jsonl", other)
    other.append([Commit("mine", "ben", b"", (edited(22),))])
    with pytest.raises(Refused):
        import_(tmp_path / "log.jsonl", other)
    store.append([Commit("yours", "anna", b"", (edited(22, "yours"),))])
    export(store, tmp_path / "log.jsonl")
    with pytest.raises(Refused):
        import_(tmp_path / "log.jsonl", other)
    assert other.tip() == 24


Lines = list[bytes]
DEEP = b'"foreign":{"a":' + b"[" * 90_000 + b"]" * 90_000 + b"}"


def swap(old: bytes, new: bytes) -> Callable[[Lines], Lines]:
    return lambda lines: [line.replace(old, new) for line in lines]


BAD: dict[str, tuple[Callable[[Lines], Lines], str]] = {
    "cut short": (lambda lines: lines[:-3], "store_tampered"),
    "cut inside a line": (lambda lines: [*lines[:-1], lines[-1][:40]], "bad_json"),
    "an event changed": (swap(b"SH0010", b"SH0011"), "store_tampered"),
    "an event left out": (lambda lines: [*lines[:7], *lines[8:]], "store_tampered"),
    "two events swapped": (lambda lines: [*lines[:5], lines[6], lines[5], *lines[7:]], "store_tampered"),
    "an event twice": (lambda lines: [*lines[:8], lines[7], *lines[8:]], "store_tampered"),
    "another header tip": (swap(b'"tip":"', b'"tip":"0'), "store_tampered"),
    "an unknown event": (swap(b"SequenceEdited@1", b"SequenceEdited@2"), "unknown_event"),
    "no header": (lambda lines: lines[1:], "unknown_format"),
    "another format": (swap(b'"format":1', b'"format":2'), "unknown_format"),
    "nothing": (lambda lines: [], "unknown_format"),
    "not text": (lambda lines: [b"\x80\x81\xff" * 99], "unknown_format"),
    "deep": (lambda lines: [*lines[:4], b"[" * 100_000 + b"\n"], "bad_json"),
    "deep inside": (lambda lines: [*lines[:4], lines[4].replace(b'"name":"SH0010"', DEEP)], "too_deep"),
    "a command too long": (swap(b'"rename","ben","03",1', b'"rename","ben","03",9'), "store_tampered"),
    "a command of nothing": (swap(b'"rename","ben","03",1', b'"rename","ben","03",0'), "store_tampered"),
    "a digest that is none": (swap(b'"rename","ben","03",1', b'"rename","ben","0g",1'), "store_tampered"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_stores_nothing(lines: list[bytes], tmp_path: Path, name: str) -> None:
    make, code = BAD[name]
    bad = make(lines)
    assert bad != lines
    (tmp_path / "bad.jsonl").write_bytes(b"".join(bad))
    other = open_store("memory:")
    with pytest.raises(GenlockError) as error:
        import_(tmp_path / "bad.jsonl", other)
    assert error.value.code == code
    assert other.tip() == 0


def test_a_missing_file() -> None:
    with pytest.raises(NotFound):
        import_(Path("/nowhere/log.jsonl"), open_store("memory:"))
    with pytest.raises((BadInput, StoreError)):
        export(open_store("memory:"), Path("/proc/log.jsonl"))
