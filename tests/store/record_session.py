"""Recorded session.jsonl and session.hashes once: `python -m tests.store.record_session`. They are frozen since."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

from genlock.store import Commit, EventStore, open_store
from genlock.store.jsonl import export
from genlock.timeline.decision import Refusal
from genlock.timeline.events import (
    Origin,
    SequenceArchived,
    SequenceCreated,
    SequenceEdited,
    SequenceImported,
    content_of,
    replay,
)
from genlock.timeline.undo import compensate
from tests.contract.event_store import NOW, created
from tests.store.golden_events import CONTENT, PROJECT
from tests.timeline.op_programs import EMPTY, Editor

CUT, OLD = UUID(int=0xC07), UUID(int=0x01D)
SESSION = Path(__file__).parent / "session.jsonl"


def envelope(originator: UUID, version: int, actor: str, **fields: Any) -> dict[str, Any]:
    return {
        "originator_id": originator, "originator_version": version, "actor": actor, "host": "panel",
        "timestamp": NOW + timedelta(seconds=version), "command_id": f"{originator.hex[-4:]}-{version}", **fields,
    }  # fmt: skip


def put(store: EventStore, event: Any) -> Any:
    store.append([Commit(event.command_id or event.label, event.actor, b"recorded", (event,))])
    return event


def record(store: EventStore) -> None:
    """Two people cut one sequence, with undo; another is imported and archived."""
    random = Random(20261122)
    editor = Editor(random)
    put(store, created(PROJECT, label="project"))
    first = SequenceCreated(**envelope(CUT, 1, "anna"), project=PROJECT.hex, content=content_of(EMPTY))
    state = replay(None, [put(store, first)])
    done: list[SequenceEdited] = []
    while state.version < 160:
        version, actor = state.version + 1, random.choice(["anna", "ben"])
        if done and random.random() < 0.2:
            undone = done.pop()
            ops = compensate(state, undone.ops)
            if isinstance(ops, Refusal):
                continue
            kind = {"kind": "undo", "ref": undone.originator_version}
            event = SequenceEdited(**envelope(CUT, version, undone.actor, **kind), intent="Undo", ops=ops)
        else:
            event = SequenceEdited(**envelope(CUT, version, actor), intent="Edit", ops=editor.edit(state))
            done.append(event)
        if event.ops:
            state = replay(state, [put(store, event)])
    put(
        store,
        SequenceImported(
            **envelope(OLD, 1, "ben"), project=PROJECT.hex, content=CONTENT, origin=Origin("/cuts/old.otio")
        ),
    )
    put(store, SequenceArchived(**envelope(OLD, 2, "ben")))


def main() -> None:
    from tests.store.test_golden import STATES, states

    if SESSION.exists():
        raise SystemExit(f"{SESSION} is frozen")
    store = open_store("memory:")
    record(store)
    export(store, SESSION)
    STATES.write_text("".join(f"{name} {hash_}\n" for name, hash_ in states()))


if __name__ == "__main__":
    main()
