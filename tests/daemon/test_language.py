"""Which language model writes prompts out: chosen while the daemon runs, kept, and told what it should know of a shot."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from genlock.daemon import language
from genlock.daemon.language import LlmSettings, completed, llm_request_fields, shot_context
from tests.generation.engines.ollama.server import FakeOllama, serving


@pytest.fixture
def fake(ann: Any) -> Iterator[FakeOllama]:
    with serving() as server:
        yield server
    path = language.settings_path(ann.services.settings_file)
    path.unlink(missing_ok=True)


def change(ann: Any, **fields: Any) -> dict[str, Any]:
    answer = ann.request("PATCH", "/api/settings/llm", json=fields)
    assert answer.status_code == 200, answer.text
    made: dict[str, Any] = answer.json()
    return made


def test_it_begins_with_whatever_is_there(ann: Any) -> None:
    found = ann.get("/api/settings/llm")
    assert found["settings"]["provider"] == "auto"
    assert [provider["name"] for provider in found["providers"]] == ["auto", "gemma3", "ollama", "embedded"]
    assert "film director" in found["instructions"]


def test_a_change_counts_at_once_and_is_kept(ann: Any, fake: FakeOllama) -> None:
    found = change(ann, provider="ollama", url=fake.url, model="llava:7b", temperature=0.1, keep_alive="0")
    assert found["settings"]["model"] == "llava:7b"
    (ollama,) = [provider for provider in found["providers"] if provider["name"] == "ollama"]
    assert ollama["models"] == [{"name": name, "bytes": 7} for name in fake.models]
    assert ann.get("/api/settings/llm") == found
    path = language.settings_path(ann.services.settings_file)
    assert json.loads(path.read_bytes())["model"] == "llava:7b"
    assert path.parent == ann.services.settings_file.parent
    assert ann.services.engines.get("ollama").url == fake.url
    assert ann.services.engines.get("ollama").missing() == ""
    fields = llm_request_fields(language.load(path), {"shot": "SH01"})
    assert fields == {
        "engine": "ollama",
        "settings": {
            "context": {"shot": "SH01"},
            "temperature": 0.1,
            "keep_alive": 0,
            "url": fake.url,
            "model": "llava:7b",
        },
    }


def test_another_provider_begins_with_its_usual_model(ann: Any, fake: FakeOllama) -> None:
    change(ann, provider="ollama", url=fake.url, model="llava:7b")
    assert change(ann, provider="embedded")["settings"]["model"] == ""


@pytest.mark.parametrize(
    "patch",
    [
        {"provider": "oracle"},
        {"temperature": 3},
        {"keep_alive": "soon"},
        {"url": "ftp://somewhere"},
        {"provider": "ollama", "model": "huge"},
        {"provider": "gemma3", "model": "huge"},
        {"model": "any"},
        {"unknown": 1},
        [1],
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(ann: Any, fake: FakeOllama, patch: Any) -> None:
    before = change(ann, url=fake.url)
    assert ann.refused("PATCH", "/api/settings/llm", json=patch) == (400, "bad_value")
    assert ann.get("/api/settings/llm") == before


def test_a_server_that_is_down_is_said_but_may_be_named(ann: Any, fake: FakeOllama) -> None:
    down = "http://127.0.0.1:9"
    found = change(ann, provider="ollama", url=down)
    (ollama,) = [provider for provider in found["providers"] if provider["name"] == "ollama"]
    assert not ollama["available"]
    assert "does not answer" in ollama["reason"]
    assert ann.refused("PATCH", "/api/settings/llm", json={"model": "gemma3"}) == (502, "language_model")


def test_models_are_listed_for_the_panel(ann: Any, tmp_path: Path) -> None:
    found = ann.get("/api/models")
    rows = {row["name"]: row for row in found["models"]}
    assert rows["sam3"]["licence"]["gated"]
    assert rows["ltx2"]["engines"] == ["ltx2"]
    assert not rows["ltx2"]["here"]


def test_the_model_is_told_of_the_shot_and_its_neighbours(ann: Any) -> None:
    project = ann.project()
    ann.command("SetScene", project, scene={"id": "s1", "code": "12", "heading": "INT. LIGHTHOUSE"})
    ann.command(
        "SetElement",
        project,
        element={"id": "e1", "kind": "character", "name": "Mara", "description": "red coat"},
    )
    made = []
    for number, prompt in enumerate(("Rain on glass.", "Steps on iron.", "Mara climbs.", "The lamp.", "Dawn."), 1):
        brief = {"prompt": prompt, "frames": 96, "camera": "push", "shot_type": "MS", "notes": "slow"}
        made += ann.command("CreateShot", project=project, code=f"SH{number:02}", scene="12", brief=brief)["created"]
    app = ann.services.app
    context = shot_context(app, made[2])
    assert context == {
        "shot": "SH03",
        "scene": "12 INT. LIGHTHOUSE",
        "shot_type": "MS",
        "camera": "push",
        "seconds": "4.0",
        "elements": ["Mara (red coat)"],
        "notes": "slow",
        "before": ["Rain on glass.", "Steps on iron."],
        "after": ["The lamp."],
    }
    settings = LlmSettings("ollama", "m", "http://127.0.0.1:9")
    asked = {"mode": "enhance_prompt", "settings": {"max_tokens": 9, "temperature": 0}}
    whole = completed(app, settings, made[2], asked)
    assert whole["engine"] == "ollama"
    assert whole["settings"]["context"] == context
    assert (whole["settings"]["temperature"], whole["settings"]["max_tokens"]) == (0, 9)
    named = completed(app, settings, made[2], {**asked, "engine": "llm"})
    assert named["engine"] == "llm"
    assert sorted(named["settings"]) == ["context", "max_tokens", "temperature"]
    assert completed(app, settings, made[2], {"mode": "image"}) == {"mode": "image"}


def test_a_request_asks_the_model_that_is_chosen_then(ann: Any, fake: FakeOllama) -> None:
    project = ann.project()
    (shot,) = ann.command("CreateShot", project=project, code="SH09", brief={"prompt": "a fox"})["created"]
    body = {"shots": [shot], "mode": "enhance_prompt", "dry_run": True}

    def engines() -> list[str]:
        return [plan["engine"] for plan in ann.post(f"/api/projects/{project}/generate", body)["plans"][0]["plans"]]

    change(ann, provider="embedded")
    assert engines() == ["animatic"]
    change(ann, provider="ollama", url=fake.url)
    assert engines() == ["ollama"]
    change(ann, provider="auto", url=fake.url)
    assert engines() == ["ollama", "animatic"]
