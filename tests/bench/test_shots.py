"""The shot figure: it fails where its floor cannot be measured, and its floor does what such backends do."""

from __future__ import annotations

import sqlite3
import sys
from pathlib import Path

import httpx
import pytest

from genlock.bench import shots


def test_without_sqlmodel_the_figure_says_so_and_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shots, "find_spec", lambda name: None)
    (result,) = shots.run(tmp_path)
    assert "sqlmodel is missing" in result.name
    assert not result.ok


def test_the_floor_writes_the_row_and_returns_it(tmp_path: Path) -> None:
    path = tmp_path / "rows.sqlite"
    with shots.served([sys.executable, "-m", "genlock.bench.rows", str(path), "2"]) as port:
        url = f"http://127.0.0.1:{port}/shots"
        answer = httpx.put(f"{url}/2", json={"prompt": "a harbour at dawn"})
        missing = httpx.put(f"{url}/3", json={"prompt": "a harbour at dawn"})
    assert (answer.status_code, missing.status_code) == (200, 404)
    assert (answer.json()["code"], answer.json()["prompt"]) == ("SH0001", "a harbour at dawn")
    db = sqlite3.connect(path)
    assert db.execute("SELECT code, prompt FROM shot ORDER BY id").fetchall() == [
        ("SH0000", ""),
        ("SH0001", "a harbour at dawn"),
    ]
    db.close()
