"""The command line against the real daemon: one that runs for the module, or one of the command's own."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from genlock.cli.main import run
from genlock_client import discovery


class Done(NamedTuple):
    """What a command left."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def error(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.out)["error"]
        return found


Cli = Callable[..., Done]


@pytest.fixture(scope="session")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A store with a daemon that announces itself; returns the store's path."""
    from genlock.daemon.server import embedded

    folder = tmp_path_factory.mktemp("studio")
    patch = pytest.MonkeyPatch()
    patch.setenv("GENLOCK_RUNTIME_DIR", str(folder / "run"))
    patch.setenv("GENLOCK_HOME", str(folder))
    try:
        with embedded(folder / "studio.genlock", announce=True):
            yield folder / "studio.genlock"
    finally:
        patch.undo()


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home without any store or daemon; returns its folder."""
    monkeypatch.setenv("GENLOCK_RUNTIME_DIR", str(tmp_path / "run"))
    monkeypatch.setenv("GENLOCK_HOME", str(tmp_path))
    _clean(monkeypatch)
    return tmp_path


@pytest.fixture
def shared(studio: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The running studio as this test's default; returns its folder."""
    monkeypatch.setenv("GENLOCK_RUNTIME_DIR", str(studio.parent / "run"))
    monkeypatch.setenv("GENLOCK_HOME", str(studio.parent))
    _clean(monkeypatch)
    assert discovery.find(studio) is not None
    return studio.parent


def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GENLOCK_ACTOR", "ada")
    for name in ("GENLOCK_STORE", "GENLOCK_PROJECT", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str]) -> Cli:
    """Runs a command line in this process."""

    def call(*arguments: object) -> Done:
        capsys.readouterr()
        code = run([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Done(code, captured.out, captured.err)

    return call


@pytest.fixture
def film(shared: Path, cli: Cli, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """A project of this test alone at 25 fps, chosen by GENLOCK_PROJECT; returns its id."""
    made = cli("project", "new", request.node.name[:80], "--rate", "25", "--resolution", "320x180", "--json")
    assert made.code == 0, made
    monkeypatch.setenv("GENLOCK_PROJECT", made.json["id"])
    return str(made.json["id"])


GENERATOR = {"type": "generator", "generator": "bars"}


@pytest.fixture
def reel(film: str, cli: Cli) -> dict[str, Any]:
    """A sequence with three items of two seconds on V1; returns its wire value."""
    made = cli("sequence", "new", "Reel", "--json").json
    track = made["tracks"][0]["id"]
    items = [
        json.dumps(
            {
                "do": "AppendItem",
                "track": track,
                "item": {"id": f"i{n}", "source": GENERATOR, "duration": 50, "name": f"Bars {n}"},
            }
        )
        for n in range(3)
    ]
    ids = [json.dumps({"do": "SetMarker", "marker": {"id": "", "start": 10, "name": "Here"}})]
    done = cli("edit", made["id"], *items, *ids, "--label", "Lay bars")
    assert done.code == 0, done
    state: dict[str, Any] = cli("sequence", "show", made["id"], "--json").json
    return state
