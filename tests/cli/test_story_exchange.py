"""The story of docs/formats.md, told by commands: a real Resolve cut comes in, goes out again, is changed on both sides,
comes home, and what both changed is settled, or all of it taken back."""

from __future__ import annotations

import json
import re
import shutil
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from .conftest import Cli

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "tests" / "otio" / "samples" / "resolve21" / "mut_dissolve20.otio"

SHOT, SOUND = 1, 0
"""The last picture clip, which both sides shorten; the sound, which only they do."""


def in_resolve(path: Path) -> None:
    """What Resolve saves after its editor has shortened the last shot by two seconds and the sound by four."""
    tree = json.loads(path.read_text())
    video, audio = tree["tracks"]["children"]
    shot = [child for child in video["children"] if child["OTIO_SCHEMA"].startswith("Clip")][SHOT]
    shot["source_range"]["duration"]["value"] -= 100
    audio["children"][SOUND]["source_range"]["duration"]["value"] -= 200
    path.write_text(json.dumps(tree))


def in_premiere(path: Path) -> None:
    """The same in Premiere."""
    tree = ET.fromstring(path.read_text())
    for kind, number, frames in (("video", SHOT, 100), ("audio", SOUND, 200)):
        clip = tree.findall(f".//{kind}/track/clipitem")[number]
        for name in ("end", "out"):
            value = clip.find(name)
            assert value is not None
            value.text = str(int(value.text or "") - frames) if value.text != "-1" else "-1"
        for ticks in ("pproTicksIn", "pproTicksOut"):
            clip.remove(clip.find(ticks))  # type: ignore[arg-type]
    path.write_text('<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE xmeml>\n' + ET.tostring(tree, "unicode"))


class Tool(NamedTuple):
    dialect: str
    file: str
    edit: Callable[[Path], None]


TOOLS = (Tool("resolve", "to_resolve.otio", in_resolve), Tool("fcp7", "to_premiere.xml", in_premiere))


class Cut(NamedTuple):
    id: str
    cli: Cli

    def state(self) -> dict[str, Any]:
        found: dict[str, Any] = self.cli("sequence", "show", self.id, "--json").json
        return found

    def lengths(self) -> list[list[int]]:
        return [[item["duration"] for item in track["items"]] for track in self.state()["tracks"]]


def comparable(state: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in state.items() if key not in ("version", "undo", "redo")}


@pytest.mark.parametrize("tool", TOOLS, ids=[tool.dialect for tool in TOOLS])
def test_a_cut_goes_out_and_comes_home(film: str, cli: Cli, tmp_path: Path, tool: Tool) -> None:
    source = Path(shutil.copy(SAMPLE, tmp_path / "reel.otio"))
    cut = Cut(cli("import", source, "--json").json["sequence"], cli)
    assert cut.lengths() == [[596, 904], [1500]]

    there = tmp_path / tool.file
    told = cli("export", cut.id, there, "--to", tool.dialect).out
    assert told.index("cannot carry") < told.index("Wrote")
    assert "1128797.mxf, 1128797.mxf" not in told, "each name once"
    assert tool.dialect in cli("exports", cut.id).out

    tool.edit(there)
    shot = cut.state()["tracks"][0]["items"][SHOT]["id"]
    ours = json.dumps({"do": "TrimItem", "item": shot, "edge": "tail", "delta": -25, "linked": False})
    assert cli("edit", cut.id, ours).code == 0
    mine = cut.state()
    assert cut.lengths() == [[596, 879], [1500]]

    home = cli("import", there, "--into", cut.id, "--json").json
    assert (home["base"]["version"], home["base"]["how"], home["verified"]) == (1, "receipt", True)
    assert (len(home["conflicts"]), home["settled"]) == (1, [])
    assert cut.lengths() == [[596, 879], [1300]], "theirs where only they worked, ours where both did"
    assert cli("import", there, "--into", cut.id, "--json").json["ops"] == []

    (conflict,) = cli("conflicts", "list", cut.id, "--json").json["conflicts"]
    assert (conflict["kind"], conflict["about"]) == ("both_set", shot)
    (line,) = [row for row in cli("conflicts", "list", cut.id).out.splitlines() if conflict["message"] in row]
    assert re.match(rf"{conflict['id']} +01:00:11:46 +Video 1 ", line), line
    settled = cli("conflicts", "resolve", cut.id, conflict["id"], "theirs")
    assert "none left open" in settled.out, settled
    assert cut.lengths() == [[596, 804], [1300]]

    history = cli("history", cut.id).out
    assert re.search(rf"Merge {tool.file} \(1 conflict left open\) +merge", history), history
    taken_back = cli("undo", cut.id).out
    assert taken_back.startswith(f"Undone: Settle as returned: {conflict['message'].removesuffix('.')}. reel is at")
    assert len(cli("conflicts", "list", cut.id, "--json").json["conflicts"]) == 1
    assert cli("undo", cut.id).code == 0
    assert comparable(cut.state()) == comparable(mine)


@pytest.mark.parametrize("tool", TOOLS, ids=[tool.dialect for tool in TOOLS])
def test_what_people_are_told(film: str, cli: Cli, tmp_path: Path, tool: Tool) -> None:
    source = Path(shutil.copy(SAMPLE, tmp_path / "reel.otio"))
    cut = cli("import", source, "--json").json["sequence"]
    there = tmp_path / tool.file
    assert cli("export", cut, there, "--to", tool.dialect).code == 0
    assert "holds nothing new" in cli("import", there, "--into", cut).out
    assert "--into" in cli("import", there).out
    tool.edit(there)
    told = cli("import", there, "--into", cut).out
    assert "2 changes, 0 conflicts left open" in told
    assert "made from version 1 (by its receipt)" in told
    assert told.count("trimmed") == 2
    assert "Checked" in told


def test_nothing_is_written_when_it_would_lose(film: str, cli: Cli, tmp_path: Path) -> None:
    cut = cli("import", SAMPLE, "--json").json["sequence"]
    refused = cli("export", cut, tmp_path / "out.edl", "--strict", "--json")
    assert (refused.code, refused.error["code"]) == (1, "lossy_export")
    assert list(tmp_path.iterdir()) == []
    assert cli("export", cut, tmp_path / "out.otio", "--strict").code == 0


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("--base", "1"), "bad_request"),
        (("--policy", "theirs"), "bad_request"),
        (("--into", "nothing"), "no_such_sequence"),
        (("--into", "Reel"), "bad_rate"),
        (("--as", "klingon"), "unknown_format"),
    ],
)
def test_bad_input(reel: dict[str, Any], cli: Cli, arguments: tuple[str, ...], code: str) -> None:
    done = cli("import", SAMPLE, *arguments, "--json")
    assert (done.code, done.error["code"]) == (2, code), done
    assert len(cli("sequence", "list", "--json").json["sequences"]) == 1


def test_a_conflict_that_is_not_there(reel: dict[str, Any], cli: Cli) -> None:
    assert "no open conflict" in cli("conflicts", "list", "Reel").out
    done = cli("conflicts", "resolve", "Reel", "c0", "theirs", "--json")
    assert (done.code, done.error["code"]) == (2, "no_such_conflict")
    assert "Nothing was exported" in cli("exports", "Reel").out


def test_the_page_tells_the_same_story() -> None:
    page = (ROOT / "docs" / "formats.md").read_text()
    story = page.split("\n## A story\n")[1].split("\n## ")[0]
    for words in ("genlock export", "--to", "genlock import", "--into", "genlock conflicts resolve", "genlock undo"):
        assert words in story, words


def test_a_file_without_a_title_does_not_rename_the_sequence(film: str, cli: Cli, tmp_path: Path) -> None:
    """Kdenlive may drop the title; the file's own name is none."""
    cut = cli("import", SAMPLE, "--name", "Reel", "--json").json["sequence"]
    assert cli("export", cut, tmp_path / "out.kdenlive").code == 0
    text = (tmp_path / "out.kdenlive").read_text()
    untitled = re.sub(r' title="[^"]*"', "", text, count=1)
    assert untitled != text
    (tmp_path / "from the editor.kdenlive").write_text(untitled)
    assert "holds nothing new" in cli("import", tmp_path / "from the editor.kdenlive", "--into", cut).out
    (tmp_path / "titled.kdenlive").write_text(text.replace(' title="Reel"', ' title="Reel, locked"'))
    assert "Reel → Reel, locked" in cli("import", tmp_path / "titled.kdenlive", "--into", cut).out


def test_lists_and_xges_go_out_too(film: str, cli: Cli, tmp_path: Path) -> None:
    cut = cli("import", SAMPLE, "--json").json["sequence"]
    told = cli("export", cut, tmp_path / "out.xges").out
    assert told.index("what xges cannot carry") < told.index("Wrote")
    assert (tmp_path / "out.xges").read_text().startswith("<?xml")
    assert cli("export", cut, tmp_path / "no.xges", "--strict").code == 1
    assert not (tmp_path / "no.xges").exists()
    for name, kind in (("out.ale", ""), ("shots.csv", ""), ("marks.txt", "avid-markers")):
        told = cli("export", cut, tmp_path / name, "--to", kind).out
        assert "lost" not in told
        assert "Wrote" in told
