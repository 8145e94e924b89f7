from __future__ import annotations

import json
from typing import Any

import pytest

from .conftest import Cli


def rename(cli: Cli, reel: dict[str, Any], name: str) -> None:
    item = reel["tracks"][0]["items"][0]["id"]
    assert cli("edit", reel["id"], json.dumps({"do": "RenameItem", "item": item, "name": name})).code == 0


def first_name(cli: Cli, reel: dict[str, Any]) -> str:
    return str(cli("sequence", "show", reel["id"], "--json").json["tracks"][0]["items"][0]["name"])


def test_undo_redo_and_history(reel: dict[str, Any], cli: Cli) -> None:
    rename(cli, reel, "Opening")
    undone = cli("undo", "Reel", "--json")
    assert undone.code == 0, undone
    assert undone.json["ref"] == reel["version"] + 1
    assert first_name(cli, reel) == "Bars 0"
    assert "undone" in cli("history", "Reel").out
    assert cli("redo", "Reel").code == 0
    assert first_name(cli, reel) == "Opening"
    entries = cli("history", "Reel", "--json").json["entries"]
    assert [entry["kind"] for entry in entries[:3]] == ["redo", "undo", "edit"]
    assert {entry["actor"] for entry in entries} == {"ada"}
    assert {entry["host"] for entry in entries} == {"cli"}
    assert len(cli("history", "Reel", "--limit", 2, "--json").json["entries"]) == 2
    assert cli("history", "Reel", "--actor", "nobody", "--json").json["entries"] == []


def test_undo_is_per_person(reel: dict[str, Any], cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    rename(cli, reel, "By ada")
    monkeypatch.setenv("GENLOCK_ACTOR", "bo")
    done = cli("undo", "Reel", "--json")
    assert (done.code, done.error["code"]) == (1, "nothing_to_undo")
    assert cli("redo", "Reel", "--json").error["code"] == "nothing_to_redo"


def test_a_conflicting_undo_is_refused_and_forced(
    reel: dict[str, Any], cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename(cli, reel, "By ada")
    monkeypatch.setenv("GENLOCK_ACTOR", "bo")
    rename(cli, reel, "By bo")
    monkeypatch.setenv("GENLOCK_ACTOR", "ada")
    done = cli("undo", "Reel", "--json")
    assert (done.code, done.error["code"]) == (1, "undo_conflict")
    assert done.error["conflicts"]
    assert first_name(cli, reel) == "By bo"
    assert cli("undo", "Reel", "--force").code == 0
    assert first_name(cli, reel) == "Bars 0"


def test_an_edit_of_somebody_else_can_be_taken_back_by_its_version(
    reel: dict[str, Any], cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename(cli, reel, "By ada")
    monkeypatch.setenv("GENLOCK_ACTOR", "bo")
    assert cli("undo", "Reel", "--ref", reel["version"] + 1).code == 0
    assert first_name(cli, reel) == "Bars 0"


def test_revert_and_looking_back(reel: dict[str, Any], cli: Cli) -> None:
    assert cli("revert", "Reel", 1).code == 0
    state = cli("sequence", "show", "Reel", "--json").json
    assert (state["duration"], state["version"]) == (0, reel["version"] + 1)
    back = cli("history", "Reel", "--at", reel["version"], "--json").json
    assert back["at"]["duration"] == 150
    assert back["entries"][0]["version"] == reel["version"]
    assert "Bars 2" in cli("history", "Reel", "--at", reel["version"]).out
    assert cli("undo", "Reel").code == 0
    assert cli("sequence", "show", "Reel", "--json").json["duration"] == 150
    done = cli("revert", "Reel", 99, "--json")
    assert (done.code, done.error["code"]) == (2, "no_such_version")


@pytest.mark.parametrize("command", ["history", "undo", "redo"])
def test_an_unknown_sequence_is_told(film: str, cli: Cli, command: str) -> None:
    done = cli(command, "Nowhere", "--json")
    assert (done.code, done.error["code"]) == (2, "no_such_sequence")
