"""What the README tells people to type does what it says, with a cut of their own."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import copyfile

import pytest

from .conftest import Cli, Done

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "tests" / "otio" / "samples"
NAMED = SAMPLES / "raven" / "timecode_rates.otio"
NAMELESS = SAMPLES / "resolve21" / "base.otio"


def block(heading: str) -> list[list[str]]:
    """The commands of the indented block behind a line of the README, each as its words."""
    lines = (ROOT / "README.md").read_text(encoding="utf-8").split(f"\n{heading}\n", 1)[1].splitlines()
    found: list[list[str]] = []
    for line in lines:
        if line and not line.startswith("    "):
            break
        if line.strip():
            found.append(shlex.split(line, comments=True))
    return found


@contextmanager
def up(words: list[str], folder: Path) -> Iterator[None]:
    """The daemon, as in another terminal."""
    command = [sys.executable, "-m", *words, "--port", "0", "--json"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=folder)
    try:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["url"]
        yield
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    assert process.returncode == 0


def in_final_cut(folder: Path) -> None:
    """The exported cut, as an editor saves it under another name: the last clip 10 frames shorter."""
    text = (folder / "out.fcpxml").read_text(encoding="utf-8")
    clips = list(
        re.finditer(r'(<(?:asset-clip|video|clip|ref-clip|sync-clip) [^>]*duration=")(\d+)(?:/(\d+))?s"', text)
    )
    clip = clips[-1]
    frames = int(clip[2]) * 24 // int(clip[3] or 1) - 10
    text = text[: clip.start()] + f'{clip[1]}{frames}/24s"' + text[clip.end() :]
    (folder / "back.fcpxml").write_text(text, encoding="utf-8")


def type_in(commands: list[list[str]], cli: Cli) -> dict[str, Done]:
    """Carries the commands out, one after the other; returns what each left by its line."""
    done = {}
    for program, *words in commands:
        assert program == "genlock"
        if "--into" in words:
            in_final_cut(Path.cwd())
        small = ["--resolution", "320x180"] if words[:2] == ["project", "new"] else []  # the same, in less time
        answer = cli(*words, *small)
        assert answer.code == 0, (words, answer)
        done[" ".join(words)] = answer
    return done


@pytest.mark.parametrize(
    "with_daemon",
    [pytest.param(True, marks=pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")), False],
    ids=["daemon", "no daemon"],
)
def test_your_own_cut(with_daemon: bool, bare: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    activate, start, *commands = block("Your own cut:")
    assert activate == ["source", ".venv/bin/activate"]
    assert start == ["genlock", "up"]
    assert {words[1] for words in commands} >= {"project", "import", "generate", "history", "undo", "export", "render"}
    monkeypatch.chdir(bare)
    (file,) = [word for words in commands for word in words[2:] if words[1] == "import" and word.endswith(".otio")]
    copyfile(NAMED, bare / file)
    if with_daemon:
        with up(start, bare):
            done = type_in(commands, cli)
    else:
        done = type_in(commands, cli)
    (told,) = [answer.out for line, answer in done.items() if line.startswith("undo")]
    assert told.startswith("Undone: ")
    for words in commands:
        if words[1] in ("export", "render"):
            assert (bare / words[3]).stat().st_size > 0
    assert [row["name"] for row in cli("sequence", "list", "--json").json["sequences"]] == ["reel1"]
    (merged,) = [answer.out for line, answer in done.items() if "--into" in line]
    assert "1 change, 0 conflicts left open" in merged, merged
    takes = list(bare.rglob("SH0010_v001.mov"))
    assert len(takes) == 1


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_cuts_as_plain_files(bare: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    commands = block("Without a project, on plain files:")
    assert [words[1:3] for words in commands] == [["diff", "monday.otio"], ["merge", "base.otio"], ["git", "install"]]
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(bare / "gitconfig"))
    monkeypatch.chdir(bare)
    subprocess.run(["git", "init", "-q"], check=True)
    for name, sample in (("monday", "base"), ("friday", "mut_dissolve20"), ("base", "base"), ("mine", "base")):
        copyfile(SAMPLES / "resolve21" / f"{sample}.otio", bare / f"{name}.otio")
    copyfile(SAMPLES / "resolve21" / "mut_dissolve20.otio", bare / "yours.otio")
    done = type_in(commands, cli)
    assert "transition added" in done["diff monday.otio friday.otio"].out
    assert cli("diff", "yours.otio", "both.otio", "--json").json["summary"] == {}
    assert not (bare / "studio.genlock").exists(), "no store is needed"


@pytest.mark.parametrize(("sample", "name"), [(NAMED, "Timecode Rates"), (NAMELESS, "reel1")])
def test_a_sequence_has_the_name_of_its_timeline_else_of_its_file(
    bare: Path, cli: Cli, sample: Path, name: str
) -> None:
    copyfile(sample, bare / "reel1.otio")
    assert cli("project", "new", "Night Ferry").code == 0
    made = cli("import", bare / "reel1.otio", "--json")
    assert made.json["name"] == name
    assert cli("history", name, "--json").code == 0
    told = cli("import", bare / "reel1.otio", "--name", "again")
    assert "as again (" in told.out
    assert cli("sequence", "show", "again", "--json").json["name"] == "again"
