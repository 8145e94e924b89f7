"""`genlock diff` and `genlock merge`, on files and on versions of a sequence."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import opentimelineio as otio
import pytest

from tests.cli.conftest import Cli
from tests.daemon.test_exchange import clip, timeline

SAMPLES = Path(__file__).parents[1] / "otio" / "samples"


def cut(**lengths: int) -> dict[str, Any]:
    return timeline(*(clip(name, f"/footage/{name}.mov", 100, length, 1000) for name, length in lengths.items()))


@pytest.fixture
def files(bare: Path) -> dict[str, Path]:
    cuts = {
        "base": cut(opening=50, middle=40, end=30),
        "ours": cut(opening=38, middle=40, end=30),
        "theirs": cut(opening=50, middle=40, insert=25, end=30),
        "other": cut(opening=45, middle=40, end=30),
    }
    found = {}
    for name, tree in cuts.items():
        found[name] = bare / f"{name}.otio"
        found[name].write_text(json.dumps(tree))
    return found


def test_a_diff_names_the_edit_with_its_timecode(cli: Cli, files: dict[str, Path]) -> None:
    done = cli("diff", str(files["base"]), str(files["theirs"]))
    assert done.code == 0
    assert "00:00:03:18" in done.out
    assert "insert" in done.out
    assert "opening" not in done.out
    found = cli("diff", str(files["base"]), str(files["ours"]), "--json").json
    assert [change["kind"] for change in found["changes"]] == ["trimmed"]
    assert found["summary"] == {"trimmed": 1}
    assert [op["type"] for op in found["ops"]] == ["ItemSet"]


def test_equal_cuts_have_no_difference(cli: Cli, files: dict[str, Path]) -> None:
    assert "Nothing changed." in cli("diff", str(files["base"]), str(files["base"])).out
    assert cli("diff", str(files["base"]), str(files["base"]), "--json").json["ops"] == []


def test_a_change_list_goes_to_the_sound_department(cli: Cli, files: dict[str, Path], bare: Path) -> None:
    assert cli("diff", str(files["base"]), str(files["ours"]), "--list", str(bare / "changes.csv")).code == 0
    columns, row = csv.reader((bare / "changes.csv").read_text().splitlines())
    assert columns == ["Timecode", "Track", "What", "Name", "How"]
    assert row[2:4] == ["trimmed", "opening"]
    assert "12 frames shorter" in row[4]
    assert cli("diff", str(files["base"]), str(files["ours"]), "--list", str(bare / "changes.md")).code == 0
    assert (bare / "changes.md").read_text().startswith("| Timecode | Track |")
    assert cli("diff", str(files["base"]), str(files["ours"]), "--list", str(bare / "changes.doc")).code == 2


def test_a_visual_diff_opens_in_any_tool(cli: Cli, files: dict[str, Path], bare: Path) -> None:
    assert cli("diff", str(files["base"]), str(files["theirs"]), "--otio", str(bare / "seen.otio")).code == 0
    seen = otio.adapters.read_from_file(str(bare / "seen.otio"))
    before, after = seen.video_tracks()
    assert before.name.endswith("before")
    assert not before.enabled
    assert [c.name for c in before] == ["opening", "middle", "end"]
    marked = {c.name: [(m.color, m.name) for m in c.markers] for c in after}
    assert marked["insert"] == [("GREEN", "inserted insert")]
    assert marked["middle"] == []


def test_a_merge_of_files_holds_both_edits(cli: Cli, files: dict[str, Path], bare: Path) -> None:
    out = bare / "out.otio"
    done = cli("merge", *(str(files[name]) for name in ("base", "ours", "theirs")), "-o", str(out))
    assert done.code == 0
    (track,) = otio.adapters.read_from_file(str(out)).video_tracks()
    assert [(c.name, c.source_range.duration.value) for c in track] == [
        ("opening", 38), ("middle", 40), ("insert", 25), ("end", 30)
    ]  # fmt: skip


def test_a_conflict_keeps_ours_and_says_so_unless_a_policy_settles_it(
    cli: Cli, files: dict[str, Path], bare: Path
) -> None:
    out = bare / "out.otio"
    names = [str(files[name]) for name in ("base", "ours", "other")]

    def opening() -> float:
        (track,) = otio.adapters.read_from_file(str(out)).video_tracks()
        length: float = track[0].source_range.duration.value
        return length

    done = cli("merge", *names, "-o", str(out), "--json")
    assert done.code == 1
    assert [conflict["kind"] for conflict in done.json["conflicts"]] == ["both_set"]
    assert {"ops", "conflicts", "version", "loss"} <= set(done.json)
    assert opening() == 38
    assert cli("merge", *names, "-o", str(out), "--policy", "theirs").code == 0
    assert opening() == 45
    assert cli("merge", *names, "-o", str(out), "--mark").code == 1
    assert "CONFLICT" in out.read_text()


def test_versions_of_a_sequence_are_compared(cli: Cli, files: dict[str, Path]) -> None:
    imported = cli("import", str(files["base"]), "--name", "reel", "--json").json
    item = cli("sequence", "show", "reel", "--json").json["tracks"][0]["items"][0]["id"]
    command = {"do": "RippleTrimItem", "item": item, "edge": "tail", "delta": -12}
    assert cli("edit", "reel", json.dumps(command)).code == 0
    found = cli("diff", f"reel@{imported['version']}", "reel", "--json").json
    assert [change["kind"] for change in found["changes"]] == ["trimmed"]
    named = cli("diff", "reel", str(files["ours"]), "--json").json["changes"]
    assert [(change["kind"], change["detail"]) for change in named] == [("sequence changed", "name: reel → Cut")]
    assert cli("diff", "reel@x", "reel", "--json").error["code"] == "bad_value"
    assert cli("diff", "reel@99", "reel", "--json").error["code"] == "no_such_version"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("no.otio", "no.otio"), "no_such_file"),
        (("{base}", "{broken}"), "bad_json"),
        (("{base}", "{rate}"), "bad_rate"),
    ],
)
def test_what_cannot_be_compared_says_why(
    cli: Cli, files: dict[str, Path], bare: Path, arguments: tuple[str, str], code: str
) -> None:
    (bare / "broken.otio").write_text("{")
    faster = json.dumps(cut(opening=50)).replace('"rate": 24.0', '"rate": 25.0')
    (bare / "rate.otio").write_text(faster)
    named = [a.format(base=files["base"], broken=bare / "broken.otio", rate=bare / "rate.otio") for a in arguments]
    done = cli("diff", *named, "--json")
    assert (done.code, done.error["code"]) == (2, code)


def test_cuts_without_a_title_do_not_differ_by_the_names_of_their_files(cli: Cli, bare: Path) -> None:
    tree = json.loads((SAMPLES / "resolve21" / "base.otio").read_text())
    assert tree["name"] == ""
    names = [str(bare / f"{name}.otio") for name in ("monday", "tuesday", "friday")]
    for at, name in enumerate(names):
        tree["tracks"]["children"][0]["children"][0]["source_range"]["duration"]["value"] -= at
        Path(name).write_text(json.dumps(tree))
    assert cli("diff", names[0], names[1], "--json").json["summary"] == {"trimmed": 1}
    done = cli("merge", *names, "-o", bare / "out.otio", "--json")
    assert [conflict["field"] for conflict in done.json["conflicts"]] == ["out"], done
    assert json.loads((bare / "out.otio").read_text())["name"] == ""
