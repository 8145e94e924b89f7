"""The pages say what the program does: every command, flag and error code, and nothing that is gone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from genlock.cli.main import MODULES, build
from genlock.errors import CODES

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "cli.md").read_text()
SHARED = {"--json", "--store", "--project", "--help", "-h", "-p"}
ROOT: Any = typer.main.get_command(build())


def walk(command: Any, path: str) -> Iterator[tuple[str, Any]]:
    inner = getattr(command, "commands", {})
    if not inner or command.invoke_without_command:
        yield path, command
    for name, child in inner.items():
        yield from walk(child, f"{path} {name}")


COMMANDS = dict(row for name, command in ROOT.commands.items() for row in walk(command, f"genlock {name}"))


def sections() -> dict[str, str]:
    """Returns command -> the text of its section."""
    parts = re.split(r"^#{2,3} `(genlock [^`]*)`\n", PAGE, flags=re.MULTILINE)
    found: dict[str, str] = {}
    for heading, text in zip(parts[1::2], parts[2::2], strict=True):
        words = [word for word in heading.split() if word.islower()]
        found[" ".join(words)] = found.get(" ".join(words), "") + text
    return found


def options(command: Any) -> set[str]:
    return {name for p in command.params if p.param_type_name == "option" for name in [*p.opts, *p.secondary_opts]}


@pytest.mark.parametrize("path", COMMANDS)
def test_every_command_and_flag_is_described(path: str) -> None:
    text = sections()[path]
    for name in options(COMMANDS[path]) - {"-h", "-p", "--help"}:
        assert f"`{name}`" in text, f"{path} {name} is missing in docs/cli.md"
    assert (COMMANDS[path].help or "").split("\n")[0] in text


def test_nothing_is_described_that_is_gone() -> None:
    groups = {f"genlock {name}" for name in ROOT.commands}
    assert set(sections()) - set(COMMANDS) - groups == set()
    known = {name for command in COMMANDS.values() for name in options(command)} | options(ROOT) | SHARED
    assert set(re.findall(r"`(--[a-z-]+)[` ]", PAGE)) - known == set()


@pytest.mark.parametrize("path", COMMANDS)
def test_every_command_explains_itself(path: str) -> None:
    command = COMMANDS[path]
    assert command.help
    assert command.help.split("\n")[0].endswith(".")
    for parameter in command.params:
        assert parameter.help, f"{path}: {parameter.name} has no help"


@pytest.mark.parametrize("path", sorted(COMMANDS))
def test_every_command_takes_json(path: str) -> None:
    assert "--json" in options(COMMANDS[path])


def test_the_table_of_modules_is_true() -> None:
    assert [name for commands in MODULES.values() for name in commands if name not in ROOT.commands] == []
    assert sum(map(len, MODULES.values())) == len(ROOT.commands)
    for commands in MODULES.values():
        for name in commands:
            assert set(typer.main.get_command(build(name)).commands) == set(commands)  # type: ignore[attr-defined]


def test_every_json_shape_is_listed() -> None:
    table = PAGE.split("## What `--json` prints")[1].split("\n## ")[0]
    for path in COMMANDS:
        assert f"`{path.removeprefix('genlock ')}`" in table, path


def test_the_error_page_is_the_error_table() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (\d+) \| (.*?) \| (.*?) \|$", (DOCS / "errors.md").read_text(), re.MULTILINE)
    assert rows == [(code, str(row.status), row.meaning, row.hint) for code, row in CODES.items()]
