"""Figures about a store."""

from __future__ import annotations

import json
from pathlib import Path

from genlock.store import open_store
from genlock.store.fork import fork
from genlock.store.stats import stats
from tests.store.stores import filled


def test_figures(tmp_path: Path) -> None:
    store = filled(tmp_path / "a.genlock")
    figures = stats(store)
    assert (figures["events"], figures["commands"], figures["snapshots"], figures["longest"]) == (23, 22, 2, 21)
    assert figures["aggregates"] == {
        "ProjectCreated": {"count": 1, "events": 2},
        "SequenceCreated": {"count": 1, "events": 21},
    }
    assert figures["forked_from"] is None
    assert figures["bytes"]["file"] + figures["bytes"]["log"] > 4096
    assert json.loads(json.dumps(figures)) == figures
    fork(store, tmp_path / "b.genlock", 4)
    other = open_store(tmp_path / "b.genlock")
    assert stats(other)["forked_from"]["id"] == 4
    other.close()
    store.close()
