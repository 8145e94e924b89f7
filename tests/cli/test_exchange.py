from __future__ import annotations

import json
import shutil
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from .conftest import Cli

CUT = Path(str(files("genlock.demo"))) / "cut" / "resolve21_cut.otio"


@pytest.fixture
def cut(tmp_path: Path) -> Path:
    return Path(shutil.copy(CUT, tmp_path / "cut.otio"))


def test_import_has_the_shape_others_rely_on(film: str, cli: Cli, cut: Path) -> None:
    done = cli("import", cut, "--json")
    assert done.code == 0, done
    assert {"ops", "conflicts", "version", "loss", "sequence", "media", "warnings", "file", "project"} <= set(done.json)
    assert (done.json["version"], done.json["ops"], done.json["conflicts"], done.json["project"]) == (1, [], [], film)
    state = cli("sequence", "show", done.json["sequence"], "--json").json
    assert sum(len(track["items"]) for track in state["tracks"]) > 0
    assert "Imported" in cli("import", cut, "--name", "Again").out
    assert {row["name"] for row in cli("sequence", "list", "--json").json["sequences"]} >= {"Again"}


def test_several_files_are_several_sequences(film: str, cli: Cli, cut: Path) -> None:
    other = Path(shutil.copy(cut, cut.with_name("second.otio")))
    done = cli("import", cut, other, "--json")
    assert done.code == 0, done
    assert [Path(row["file"]).name for row in done.json["imports"]] == ["cut.otio", "second.otio"]


def test_the_first_import_makes_a_project_at_the_cuts_rate(bare: Path, cli: Cli, cut: Path) -> None:
    done = cli("import", cut, "--json")
    assert done.code == 0, done
    (project,) = cli("project", "list", "--json").json["projects"]
    state = cli("sequence", "show", done.json["sequence"], "--json").json
    assert project["name"] == "cut"
    for name in ("rate", "resolution", "start_frame", "drop_frame"):
        assert project["settings"][name] == state[name]


@pytest.mark.parametrize(
    ("name", "text", "codes"),
    [
        ("broken.otio", "{", {"bad_json"}),
        ("deep.otio", "[" * 40_000 + "]" * 40_000, {"too_deep", "bad_json"}),
        ("notes.txt", "hello", {"unknown_format"}),
        ("empty.otio", "", {"bad_json", "unknown_format"}),
    ],
)
def test_a_file_that_cannot_be_used_leaves_nothing(
    bare: Path, cli: Cli, tmp_path: Path, name: str, text: str, codes: set[str]
) -> None:
    (tmp_path / name).write_text(text)
    done = cli("import", tmp_path / name, "--json")
    assert done.code == 2, done
    assert done.error["code"] in codes
    assert cli("sequence", "list", "--json").json["sequences"] == []
    assert "no project" in cli("sequence", "new", "X").err


def test_a_file_that_is_not_there(film: str, cli: Cli, tmp_path: Path) -> None:
    done = cli("import", tmp_path / "gone.otio", "--json")
    assert (done.code, done.error["code"]) == (2, "no_such_file")


def test_export_says_what_was_lost_and_can_be_read_again(reel: dict[str, Any], cli: Cli, tmp_path: Path) -> None:
    target = tmp_path / "out.otio"
    done = cli("export", "Reel", target, "--json")
    assert done.code == 0, done
    assert done.json["path"] == str(target)
    assert isinstance(done.json["loss"], list)
    assert json.loads(target.read_text())["OTIO_SCHEMA"].startswith("Timeline")
    assert "Wrote" in cli("export", "Reel", target).out
    back = cli("import", target, "--name", "Back", "--json")
    assert back.code == 0, back
    state = cli("sequence", "show", "Back", "--json").json
    assert [i["name"] for i in state["tracks"][0]["items"]] == ["Bars 0", "Bars 1", "Bars 2"]
    old = tmp_path / "old.otio"
    assert cli("export", "Reel", old, "--at", 1, "--json").json["version"] == 1


@pytest.mark.parametrize(
    ("command", "file", "extra", "code"),
    [
        ("export", "out.doc", (), "bad_name"),
        ("export", "no/such/out.otio", (), "no_such_file"),
        ("export", "out.otio", ("--at", "99"), "no_such_version"),
        ("export", "out.otio", ("--to", "klingon"), "unknown_format"),
        ("render", "out.txt", (), "bad_name"),
        ("render", "no/such/out.mov", (), "no_such_file"),
        ("render", "out.mov", ("--at", "99"), "no_such_version"),
    ],
)
def test_bad_input_is_refused(
    reel: dict[str, Any], cli: Cli, tmp_path: Path, command: str, file: str, extra: tuple[str, ...], code: str
) -> None:
    done = cli(command, "Reel", tmp_path / file, *extra, "--json")
    assert (done.code, done.error["code"]) == (2, code)
    assert not (tmp_path / file).exists()


def test_render_makes_a_movie_of_the_whole_length(reel: dict[str, Any], cli: Cli, tmp_path: Path) -> None:
    target = tmp_path / "out.mov"
    done = cli("render", "Reel", target, "--json")
    assert done.code == 0, done
    assert done.json["path"] == str(target)
    import av

    with av.open(str(target)) as movie:
        assert sum(1 for _ in movie.decode(video=0)) == reel["duration"]
    assert "150 frames" in cli("render", "Reel", target).out
