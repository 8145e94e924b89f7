from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from .conftest import Cli


@pytest.fixture(params=["own", "running"])
def home(request: pytest.FixtureRequest, cli: Cli) -> Path:
    """A store with something in it, once without and once with a daemon."""
    folder: Path = request.getfixturevalue("bare" if request.param == "own" else "shared")
    assert cli("project", "new", f"Store {request.param}").code == 0
    return folder


def test_verify_stats_backup_and_export(home: Path, cli: Cli, tmp_path: Path) -> None:
    report = cli("store", "verify", "--json")
    assert report.code == 0, report
    assert report.json["ok"] is True
    assert report.json["events"] >= 1
    assert "as they were written" in cli("store", "verify").out
    stats = cli("store", "stats", "--json").json
    assert stats["events"] == report.json["events"]
    assert "ProjectCreated" in cli("store", "stats").out
    backup, lines = tmp_path / "copy.genlock", tmp_path / "all.jsonl"
    done = cli("store", "backup", backup, "--json")
    assert done.code == 0, done
    assert done.json["bytes"] == backup.stat().st_size
    exported = cli("store", "export", lines, "--json")
    assert exported.code == 0, exported
    assert exported.json["events"] == report.json["events"]
    for command, path in (("backup", backup), ("export", lines)):
        again = cli("store", command, path, "--json")
        assert (again.code, again.error["code"]) == (1, "name_taken")


def test_an_export_becomes_a_store_again(bare: Path, cli: Cli) -> None:
    cli("project", "new", "Film")
    assert cli("store", "export", bare / "all.jsonl").code == 0
    other = bare / "other.genlock"
    done = cli("store", "import", bare / "all.jsonl", "--store", other, "--json")
    assert done.code == 0, done
    assert done.json["events"] == 1
    assert [row["name"] for row in cli("project", "list", "--store", other, "--json").json["projects"]] == ["Film"]
    broken = bare / "broken.jsonl"
    broken.write_text("{")
    assert cli("store", "import", broken, "--store", bare / "third.genlock", "--json").code == 2
    assert cli("store", "import", bare / "none.jsonl", "--json").error["code"] == "no_such_file"


def test_a_backup_is_put_back_and_the_old_store_kept(bare: Path, cli: Cli) -> None:
    cli("project", "new", "Before")
    backup = bare / "copy.genlock"
    assert cli("store", "backup", backup).code == 0
    cli("project", "new", "After")
    done = cli("store", "restore", backup, "--json")
    assert done.code == 0, done
    assert Path(done.json["replaced"]).is_file()
    assert [row["name"] for row in cli("project", "list", "--json").json["projects"]] == ["Before"]
    assert cli("store", "restore", bare / "none.genlock", "--json").error["code"] == "no_such_file"
    assert cli("store", "restore", backup, "--store", "postgresql://nowhere/x", "--json").error["code"] == "wrong_state"


def test_a_tampered_store_is_found(bare: Path, cli: Cli) -> None:
    for name in ("Film", "Second", "Third"):
        cli("project", "new", name)
    with sqlite3.connect(bare / "studio.genlock") as database:
        (table,) = [
            name
            for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type='table'")
            if {"state", "topic"} <= {row[1] for row in database.execute(f"PRAGMA table_info({name})")}
        ][:1]
        database.execute(f"UPDATE {table} SET state = replace(state, 'Film', 'Filn')")
    database.close()
    done = cli("store", "verify", "--json")
    assert done.code == 1
    assert "store_tampered" in done.out
    assert "ProjectCreated@1" in done.out
    told = cli("store", "verify")
    assert told.code == 1
    assert "(store_tampered)" in told.err


@pytest.fixture
def damaged(bare: Path, cli: Cli) -> Path:
    """A store with three events changed; it would not open."""
    for name in ("Film", "Second", "Third", "Fourth"):
        cli("project", "new", name)
    path = bare / "studio.genlock"
    with sqlite3.connect(path) as database:
        database.execute("UPDATE stored_events SET state = replace(state, 'Film', 'Filn')")
        database.execute("UPDATE stored_events SET checksum = 1 WHERE notification_id = 3")
        database.execute("DELETE FROM stored_events WHERE notification_id = 4")
    database.close()
    return path


def test_all_that_is_wrong_with_a_damaged_store_is_listed(damaged: Path, cli: Cli) -> None:
    refused = cli("project", "list", "--json")
    assert refused.error["code"].startswith("store_")
    done = cli("store", "verify", "--json")
    assert done.code == 1
    assert done.json["ok"] is False
    assert {1, 3, 4} <= {row.get("id") for row in done.json["problems"]}
    assert all(row["code"].startswith("store_") and row["message"] for row in done.json["problems"])
    told = cli("store", "verify")
    assert told.code == 1
    assert told.out.count("store_tampered") >= 3
    damaged.write_bytes(damaged.read_bytes()[:5000])
    assert cli("store", "verify", "--json").code == 1


def test_a_backup_is_not_put_where_a_process_has_the_store_open(bare: Path, cli: Cli) -> None:
    from genlock.store import open_store

    cli("project", "new", "Film")
    assert cli("store", "backup", bare / "copy.genlock").code == 0
    held = open_store(bare / "studio.genlock")  # not a daemon that announces itself: only the lock tells
    try:
        busy = cli("store", "restore", bare / "copy.genlock", "--json")
        assert (busy.code, busy.error["code"]) == (1, "store_busy")
    finally:
        held.close()
    assert cli("store", "restore", bare / "copy.genlock").code == 0


def test_a_store_that_is_not_there_is_not_made(bare: Path, cli: Cli) -> None:
    for command in (("verify",), ("stats",), ("backup", bare / "b.genlock"), ("export", bare / "e.jsonl")):
        done = cli("store", *command, "--store", bare / "none.genlock", "--json")
        assert (done.code, done.error["code"]) == (2, "no_such_file")
    assert not (bare / "none.genlock").exists()


def test_a_file_that_is_no_store_is_refused(bare: Path, cli: Cli) -> None:
    (bare / "notes.txt").write_text("Not a database, but longer than a header of one would be. " * 40)
    done = cli("project", "list", "--store", bare / "notes.txt", "--json")
    assert done.code in (1, 2)
    assert done.error["code"].startswith("store_") or done.error["code"] == "unknown_format"
