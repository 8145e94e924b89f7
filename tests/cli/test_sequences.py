from __future__ import annotations

import io
import json
from typing import Any

import pytest

from .conftest import Cli


def test_a_sequence_is_made_listed_and_shown(reel: dict[str, Any], cli: Cli) -> None:
    rows = cli("sequence", "list", "--json").json["sequences"]
    (row,) = [row for row in rows if row["id"] == reel["id"]]
    assert (row["name"], row["items"], row["duration"]) == ("Reel", 3, 150)
    assert "00:00:06:00" in cli("sequence", "list").out
    shown = cli("sequence", "show", "reel").out
    assert "01:00:02:00" in shown
    assert "Bars 1" in shown
    assert [t["kind"] for t in reel["tracks"]] == ["video", "video", "audio"]


def test_a_past_version_can_be_shown(reel: dict[str, Any], cli: Cli) -> None:
    old = cli("sequence", "show", "Reel", "--at", 1, "--json").json
    assert (old["version"], old["duration"]) == (1, 0)
    assert "no items" in cli("sequence", "show", "Reel", "--at", 1).out
    assert cli("sequence", "show", "Reel", "--at", 99, "--json").error["code"] == "no_such_version"


def test_a_name_may_carry_its_project(
    reel: dict[str, Any], film: str, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GENLOCK_PROJECT")
    assert cli("sequence", "show", f"{film}/Reel", "--json").json["id"] == reel["id"]
    assert cli("sequence", "show", reel["id"][:10], "--json").json["id"] == reel["id"]
    assert cli("sequence", "show", "nowhere/Reel", "--json").error["code"] == "no_such_sequence"


def test_an_edit_and_a_batch(reel: dict[str, Any], cli: Cli) -> None:
    first, second, _ = (item["id"] for item in reel["tracks"][0]["items"])
    done = cli("edit", "Reel", json.dumps({"do": "RenameItem", "item": first, "name": "Opening"}), "--json")
    assert done.json["version"] == reel["version"] + 1
    both = cli(
        "edit",
        "Reel",
        json.dumps({"do": "RippleTrimItem", "item": first, "edge": "tail", "delta": -10}),
        json.dumps({"do": "RenameItem", "item": second, "name": "Two"}),
        "--label",
        "Two at once",
    )
    assert both.code == 0, both
    state = cli("sequence", "show", "Reel", "--json").json
    assert state["version"] == reel["version"] + 2
    assert state["duration"] == 140
    assert cli("history", "Reel", "--json").json["entries"][0]["label"] == "Two at once"


def test_an_edit_comes_from_stdin(reel: dict[str, Any], cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    command = {"do": "SetSequence", "name": "Renamed"}
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps(command)))
    assert cli("edit", reel["id"], "-").code == 0
    assert cli("sequence", "show", "Renamed", "--json").json["id"] == reel["id"]


@pytest.mark.parametrize(
    ("command", "code", "exit_code"),
    [
        ("{", "bad_json", 2),
        ("[]", "bad_request", 2),
        ('{"do": "Conjure"}', "unknown_command", 2),
        ('{"do": "RenameItem", "item": 3}', "bad_request", 2),
        ('{"do": "RenameItem", "item": "gone", "name": "x"}', "no_such_item", 2),
        ('{"do": "TrimItem", "item": "i0", "edge": "tail", "delta": -9999}', "too_short", 1),
    ],
)
def test_a_bad_edit_changes_nothing(reel: dict[str, Any], cli: Cli, command: str, code: str, exit_code: int) -> None:
    done = cli("edit", reel["id"], command.replace("i0", reel["tracks"][0]["items"][0]["id"]), "--json")
    assert (done.code, done.error["code"]) == (exit_code, code)
    assert cli("sequence", "show", reel["id"], "--json").json == reel


def test_a_stale_edit_is_refused_when_a_version_was_named(reel: dict[str, Any], cli: Cli) -> None:
    command = json.dumps({"do": "SetSequence", "name": "Other"})
    done = cli("edit", reel["id"], command, "--base-version", 1, "--json")
    assert (done.code, done.error["code"]) == (1, "stale_version")
    assert cli("edit", reel["id"], command, "--base-version", reel["version"]).code == 0


def test_sequence_settings_can_differ_from_the_projects(film: str, cli: Cli) -> None:
    made = cli("sequence", "new", "Fast", "--rate", "50", "--resolution", "640x360", "--json").json
    assert (made["rate"], made["resolution"]) == ([50, 1], [640, 360])
    assert cli("sequence", "new", "Bad", "--rate", "51", "--json").error["code"] == "bad_rate"
