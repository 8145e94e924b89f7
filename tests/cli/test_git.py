"""Cuts in a real git repository: differences shown and branches merged by Genlock."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.daemon.test_exchange import clip, timeline

GIT = shutil.which("git")
pytestmark = pytest.mark.skipif(GIT is None, reason="git is not installed")


class Repository:
    """A repository whose cuts Genlock looks after."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.cut = folder / "reel.otio"
        program = folder.parent / "bin"
        program.mkdir()
        script = program / "genlock"
        script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m genlock "$@"\n')
        script.chmod(0o755)
        monkeypatch.setenv("PATH", f"{program}{os.pathsep}{os.environ['PATH']}")
        monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(folder.parent / "gitconfig"))
        monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
        folder.mkdir()
        self.git("init", "-q", "-b", "main")
        self.git("config", "user.email", "ann@example.com")
        self.git("config", "user.name", "Ann")
        self.run("genlock", "git", "install")

    def run(self, *command: str, code: int = 0) -> str:
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, timeout=100)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    def git(self, *arguments: str, code: int = 0) -> str:
        return self.run("git", *arguments, code=code)

    def commit(self, tree: dict[str, Any], message: str) -> None:
        self.cut.write_text(json.dumps(tree, indent=1))
        self.git("add", "-A")
        self.git("commit", "-q", "-m", message)

    def clips(self) -> list[tuple[str, float]]:
        tree = json.loads(self.cut.read_text())
        return [
            (child["name"], child["source_range"]["duration"]["value"])
            for child in tree["tracks"]["children"][0]["children"]
        ]


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    return Repository(tmp_path / "repository", monkeypatch)


def cut(**lengths: int) -> dict[str, Any]:
    return timeline(*(clip(name, f"/footage/{name}.mov", 100, length, 1000) for name, length in lengths.items()))


def test_git_diff_speaks_of_clips(repository: Repository) -> None:
    repository.commit(cut(opening=50, middle=40, end=30), "first")
    repository.cut.write_text(json.dumps(cut(opening=38, middle=40, end=30)))
    told = repository.git("diff")
    assert "reel.otio" in told
    assert "opening" in told
    assert "12 frames shorter at the tail" in told
    assert "middle" not in told


def test_a_new_and_a_removed_cut_are_named(repository: Repository) -> None:
    repository.commit(cut(opening=50), "first")
    repository.cut.unlink()
    assert "reel.otio: removed" in repository.git("diff")


def test_git_merges_two_peoples_edits(repository: Repository) -> None:
    repository.commit(cut(opening=50, middle=40, end=30), "first")
    repository.git("checkout", "-q", "-b", "ann")
    repository.commit(cut(opening=38, middle=40, end=30), "shorter opening")
    repository.git("checkout", "-q", "main")
    repository.commit(cut(opening=50, middle=40, insert=25, end=30), "an insert")
    repository.git("merge", "-q", "ann", "-m", "both")
    assert repository.clips() == [("opening", 38), ("middle", 40), ("insert", 25), ("end", 30)]
    assert not repository.git("status", "--porcelain")


def test_a_conflict_stops_the_merge_and_is_marked_in_the_cut(repository: Repository) -> None:
    repository.commit(cut(opening=50, middle=40), "first")
    repository.git("checkout", "-q", "-b", "ann")
    repository.commit(cut(opening=38, middle=40), "shorter")
    repository.git("checkout", "-q", "main")
    repository.commit(cut(opening=45, middle=40), "shorter too")
    told = repository.git("merge", "ann", "-m", "both", code=1)
    assert "opening" in told
    assert repository.git("diff", "--name-only", "--diff-filter=U").strip() == "reel.otio"
    assert repository.clips() == [("opening", 45), ("middle", 40)]
    first = json.loads(repository.cut.read_text())["tracks"]["children"][0]["children"][0]
    assert [(m["color"], m["name"].split()[0]) for m in first["markers"]] == [("RED", "CONFLICT")]


def test_an_edit_list_is_merged_as_an_edit_list(repository: Repository) -> None:
    lines = ["TITLE: Reel", "FCM: NON-DROP FRAME"]
    for number in range(3):
        at = f"01:00:{number * 2:02d}:00 01:00:{number * 2 + 2:02d}:00"
        lines += [f"{number + 1:03d}  A00{number} V C 00:00:01:00 00:00:03:00 {at}", f"* FROM CLIP NAME: shot {number}"]
    list_ = repository.folder / "reel.edl"

    def commit(rows: list[str], message: str) -> None:
        list_.write_text("\n".join(rows) + "\n")
        repository.git("add", "-A")
        repository.git("commit", "-q", "-m", message)

    commit(lines, "first")
    repository.git("checkout", "-q", "-b", "ann")
    commit([row.replace("shot 0", "shot zero") for row in lines], "a name")
    repository.git("checkout", "-q", "main")
    commit(
        [row.replace("00:00:03:00 01:00:04:00 01:00:06:00", "00:00:02:12 01:00:04:00 01:00:05:12") for row in lines],
        "x",
    )
    repository.git("merge", "-q", "ann", "-m", "both")
    merged = list_.read_text()
    assert "shot zero" in merged
    assert "01:00:05:12" in merged


def test_installing_twice_changes_nothing(repository: Repository) -> None:
    before = (repository.folder / ".gitattributes").read_text()
    answer = json.loads(repository.run("genlock", "git", "install", "--json"))
    assert answer["added"] == []
    assert (repository.folder / ".gitattributes").read_text() == before


def test_outside_of_a_repository_it_says_so(tmp_path: Path, repository: Repository) -> None:
    done = subprocess.run(("genlock", "git", "install"), cwd=tmp_path, capture_output=True, text=True, timeout=100)
    assert done.returncode == 2
    assert "git" in done.stderr


def test_a_cut_without_a_title_is_not_named_after_git_s_temporary_files(repository: Repository) -> None:
    source = Path(__file__).parents[1] / "otio" / "samples" / "resolve21" / "base.otio"
    tree = json.loads(source.read_text())
    video, audio = tree["tracks"]["children"]
    repository.commit(tree, "base")
    repository.git("checkout", "-q", "-b", "anna")
    video["children"][0]["source_range"]["duration"]["value"] -= 25
    repository.commit(tree, "anna")
    repository.git("checkout", "-q", "main")
    video["children"][0]["source_range"]["duration"]["value"] += 25
    audio["children"][0]["source_range"]["duration"]["value"] -= 50
    repository.commit(tree, "main")
    assert "conflict" not in repository.git("merge", "-q", "-m", "both", "anna").lower()
    assert json.loads(repository.cut.read_text())["name"] == ""


def test_a_file_that_is_no_cut_is_named_as_it_is_in_the_repository(repository: Repository) -> None:
    repository.commit({}, "base")
    repository.cut.write_text("{ not a cut")
    told = repository.git("diff")
    assert "reel.otio: shown as text: reel is" in told, told
    assert "+{ not a cut" in told, told
    repository.cut.write_text("{ no cut either")
    (repository.folder / "later.txt").write_text("text")
    repository.git("add", "-A")
    repository.git("commit", "-q", "-m", "text")
    assert "later.txt" in repository.git("log", "-p", "--ext-diff", "--reverse"), "git goes on"


def test_install_wants_a_repository(bare: Path, cli: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(bare)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(bare.parent))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(bare / "gitconfig"))
    done = cli("git", "install")
    assert done.code == 2
    assert "in no git repository" in done.err
    assert "--global" in done.err
    assert not (bare / "gitconfig").exists()
