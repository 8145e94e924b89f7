"""`genlock models`: without a daemon, against a hub on this machine."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from genlock.generation.models import catalog
from tests.generation.models.hub import Hub, serving
from tests.generation.models.test_library import make_pipeline
from tests.generation.models.test_pull import ENTRY, FILES, REPOSITORY

from .conftest import Cli

huggingface_hub = pytest.importorskip("huggingface_hub")
constants = pytest.importorskip("huggingface_hub.constants")


@pytest.fixture
def home(bare: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GENLOCK_MODELS", str(bare / "models"))
    return bare / "models"


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    with serving() as made:
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setattr(constants, "ENDPOINT", made.url)
        template = made.url + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setitem(catalog.CATALOG, "pipe", ENTRY)
        huggingface_hub.close_session()
        made.repository(REPOSITORY).commit(FILES)
        yield made


def test_list_shows_what_is_known_and_what_is_here(home: Path, cli: Cli) -> None:
    make_pipeline(home / "ltx2")
    done = cli("models", "list", "--json")
    assert done.code == 0
    assert done.json["home"] == str(home)
    rows = {row["name"]: row for row in done.json["models"]}
    assert rows["ltx2"]["here"]
    assert rows["ltx2"]["path"] == str(home / "ltx2")
    assert not rows["gemma3"]["here"]
    text = cli("models", "list").out
    assert "FLUX Non-Commercial License" in text
    assert "600 B" in text


def test_pull_shows_the_licence_first_and_wants_it_accepted_once(home: Path, hub: Hub, cli: Cli) -> None:
    done = cli("models", "pull", "pipe")
    assert done.code == 2
    assert "Maker's Licence, https://example.org/licence" in done.out
    assert "(licence)" in done.err
    assert hub.asked == []
    done = cli("models", "pull", "pipe", "--accept-licence", "--json")
    assert done.code == 0, done.err
    assert done.json["revision"] == hub.repository(REPOSITORY).main
    assert Path(done.json["path"], "vae", "model.safetensors").is_file()
    assert "is in" in cli("models", "pull", "pipe").out
    assert cli("models", "pull", "nothing").code == 2


def test_pull_of_another_revision(home: Path, hub: Hub, cli: Cli) -> None:
    first = hub.repository(REPOSITORY).main
    second = hub.repository(REPOSITORY).commit({**FILES, "vae/config.json": b'{"a": 2}'})
    assert cli("models", "pull", "pipe", "--accept-licence", "--revision", first, "--json").json["revision"] == first
    assert cli("models", "pull", "pipe", "--json").json["revision"] == first
    assert cli("models", "pull", "pipe", "--revision", "main", "--json").json["revision"] == second


def test_path_tells_and_takes_a_folder(home: Path, cli: Cli, tmp_path: Path) -> None:
    mine = make_pipeline(tmp_path / "mine")
    assert cli("models", "path", "ltx2", "--json").json == {"name": "ltx2", "path": str(home / "ltx2"), "here": False}
    assert cli("models", "path", "ltx2", mine).out.strip() == str(mine)
    assert cli("models", "path", "ltx2", "--json").json["here"]
    assert "(not there)" in cli("models", "path", "ltx2", "--forget").out
    assert cli("models", "path", "ltx2", tmp_path / "run").code == 2
    assert cli("models", "path", "ltx2", mine, "--forget").code == 2
    assert json.loads((home / "library.json").read_bytes()) == {}


def test_check_ends_with_one_when_something_is_wrong(home: Path, hub: Hub, cli: Cli) -> None:
    assert "No model is in" in cli("models", "check").out
    cli("models", "pull", "pipe", "--accept-licence")
    folder = home / "pipe"
    index = json.loads((folder / "model_index.json").read_bytes())
    (folder / "model_index.json").write_text(json.dumps({key: None for key in index if key == "_class_name"}))
    done = cli("models", "check", "pipe", "--json")
    assert done.code == 1
    found = done.out.split("\n{")[0]
    (checked,) = json.loads(found)["models"]
    assert [problem["file"] for problem in checked["problems"]] == ["model_index.json"]
    assert not checked["ok"]
    text = cli("models", "check", "--deep")
    assert "BROKEN" in text.out
    assert "model_index.json: It holds" in text.out
    assert "(model_broken)" in text.err


def test_an_environment_that_is_not_made_says_how_to_make_it(home: Path, cli: Cli) -> None:
    done = cli("models", "env", "ltx-video", "--check")
    assert done.code == 1
    assert "(model_missing) - `genlock models env ltx-video`" in done.err
    assert cli("models", "env", "photoshop").code == 2
    assert "There was no" in cli("models", "env", "ltx-video", "--remove").out
