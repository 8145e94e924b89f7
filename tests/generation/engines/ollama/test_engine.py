"""A model on a server writes; a server that is down, slow or talks nonsense costs one job and little time."""

from __future__ import annotations

import socket
import time
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path
from threading import Timer
from typing import Any

import pytest
from msgspec import structs
from PIL import Image

from genlock.errors import BadInput, GenerationError
from genlock.generation import planner
from genlock.generation.engine import BUILTIN, Engines, Halt
from genlock.generation.engines.ollama import asking
from genlock.generation.engines.ollama.asking import abilities, address, chat, unload
from genlock.generation.engines.ollama.engine import OllamaEngine
from genlock.project.request import Conditioning, GenerationRequest
from tests.generation.engines.ollama.server import FakeOllama, serving
from tests.generation.recording import Recording, run


@pytest.fixture
def fake() -> Iterator[FakeOllama]:
    with serving() as server:
        yield server


@pytest.fixture
def engine(fake: FakeOllama) -> OllamaEngine:
    made = OllamaEngine()
    made.url = fake.url
    return made


def asked(prompt: str = "a fox", **more: Any) -> GenerationRequest:
    return GenerationRequest(mode="enhance_prompt", prompt=prompt, seed=5, **more)


def test_it_hands_on_what_the_server_says_as_it_comes(engine: OllamaEngine, fake: FakeOllama) -> None:
    settings = {"temperature": 0.2, "keep_alive": "1h", "max_tokens": 50, "context": {"scene": "12"}}
    sink = run(engine, asked(settings=settings, shot_code="SH01"))
    assert sink.texts == fake.words
    assert sink.details["tokens"] == 3
    (body,) = fake.bodies("/api/chat")
    assert body["model"] == "gemma3:12b"
    assert body["keep_alive"] == "1h"
    assert body["options"] == {"seed": 5, "temperature": 0.2, "num_predict": 50, "num_ctx": 4096}
    assert "think" not in body
    assert body["messages"][0]["role"] == "system"
    assert body["messages"][1]["content"] == "Shot: SH01\nScene: 12\nDraft: a fox"
    assert sink.plan.components == ()
    assert sink.plan.model == "gemma3:12b"


def test_a_long_question_is_not_cut_by_the_server_and_thoughts_are_not_asked_for(
    engine: OllamaEngine, fake: FakeOllama
) -> None:
    fake.thinking = {"gemma3:12b"}
    run(engine, asked("x" * 15_000))
    (body,) = fake.bodies("/api/chat")
    assert body["options"]["num_ctx"] == 8192
    assert body["think"] is False


@pytest.mark.parametrize("says", [True, False])
def test_pictures_go_to_models_that_see(engine: OllamaEngine, fake: FakeOllama, tmp_path: Path, says: bool) -> None:
    fake.says_abilities = says
    Image.new("RGB", (64, 48), "red").save(tmp_path / "red.png")
    shown = (Conditioning(str(tmp_path / "red.png")),)
    run(engine, asked(conditioning=shown))
    (image,) = fake.bodies("/api/chat")[0]["messages"][1]["images"]
    assert b64decode(image)[:2] == b"\xff\xd8"
    sink = run(engine, asked(conditioning=shown, settings={"model": "tiny"}))
    assert "images" not in fake.bodies("/api/chat")[1]["messages"][1]
    assert sink.details["blind"]
    assert abilities(fake.url, "llava:7b") == {"completion", "vision"}


def test_the_model_named_is_taken_and_one_that_is_not_there_is_said(engine: OllamaEngine, fake: FakeOllama) -> None:
    assert engine.plans(asked(settings={"model": "tiny"}))[0].model == "tiny:latest"
    with pytest.raises(GenerationError, match="has no model huge; it has llava:7b, gemma3:12b"):
        engine.plans(asked(settings={"model": "huge"}))
    fake.models = []
    engine._seen.clear()
    assert "ollama pull" in engine.missing()


@pytest.mark.parametrize(
    ("manner", "says"),
    [
        ("dies", "hung up in the middle"),
        ("garbage", "talks nonsense"),
        ("error", "the model crashed"),
        ("broken", "answers 500: out of memory"),
    ],
)
def test_a_server_that_fails_is_quoted(engine: OllamaEngine, fake: FakeOllama, manner: str, says: str) -> None:
    plan = engine.plans(asked())[0]
    fake.manner = manner
    with pytest.raises(GenerationError, match=says) as caught:
        engine.generate(asked(), plan, Recording(asked(), plan))
    assert caught.value.code == "language_model"


def test_nothing_said_is_an_error(engine: OllamaEngine, fake: FakeOllama) -> None:
    fake.words = []
    with pytest.raises(GenerationError, match="nothing to say"):
        run(engine, asked())


@pytest.mark.parametrize("manner", ["silent", "stalls"])
def test_silence_ends_within_its_deadline(fake: FakeOllama, manner: str) -> None:
    fake.manner = manner
    begun = time.perf_counter()
    with pytest.raises(GenerationError, match="too long"):
        chat(fake.url, {"model": "m"}, lambda text: None, lambda: None, loading=0.4, silence=0.3)
    assert time.perf_counter() - begun < 2
    assert fake.left.wait(2)


def test_a_cancel_hangs_up_at_once_also_before_the_first_word(engine: OllamaEngine, fake: FakeOllama) -> None:
    fake.manner = "silent"
    plan = engine.plans(asked())[0]
    sink = Recording(asked(), plan)
    Timer(0.2, lambda: setattr(sink, "_left", 0)).start()
    begun = time.perf_counter()
    with pytest.raises(Halt):
        engine.generate(asked(), plan, sink)
    assert time.perf_counter() - begun < 1
    assert fake.left.wait(2)


def test_a_server_that_is_down_is_noticed_at_once_and_not_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    engine = OllamaEngine()
    engine.url = f"http://127.0.0.1:{port}"
    begun = time.perf_counter()
    assert "does not answer" in engine.missing()
    assert time.perf_counter() - begun < 0.3

    def never(url: str) -> None:
        raise AssertionError("it asked again")

    monkeypatch.setattr("genlock.generation.engines.ollama.engine.models", never)
    assert "does not answer" in engine.missing()
    with pytest.raises(GenerationError):
        engine.plans(asked())


def test_one_that_accepts_and_says_nothing_costs_a_quarter_second() -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        engine = OllamaEngine()
        engine.url = f"http://127.0.0.1:{deaf.getsockname()[1]}"
        begun = time.perf_counter()
        assert engine.missing()
        assert 0.2 < time.perf_counter() - begun < 0.6


def test_one_that_drips_costs_little_more(engine: OllamaEngine, fake: FakeOllama) -> None:
    fake.manner = "drips"
    begun = time.perf_counter()
    assert engine.missing()
    assert time.perf_counter() - begun < 0.6


def test_one_that_loses_its_model_leaves_the_answer_to_the_next_engine(fake: FakeOllama) -> None:
    engines = Engines({name: BUILTIN[name] for name in ("ollama", "animatic")})
    server = engines.get("ollama")
    assert isinstance(server, OllamaEngine)
    server.url = fake.url
    try:
        assert [plan.engine for plan in planner.plans(asked(), engines)] == ["ollama", "animatic"]
        lost = asked(settings={"model": "lost"})
        assert [plan.engine for plan in planner.plans(lost, engines)] == ["animatic"]
        with pytest.raises(GenerationError, match="has no model lost"):
            planner.plans(structs.replace(lost, engine="ollama"), engines)
    finally:
        server.url = ""


def test_unload_asks_for_a_life_of_nothing(fake: FakeOllama) -> None:
    unload(fake.url, "gemma3:12b")
    assert fake.bodies("/api/generate") == [{"model": "gemma3:12b", "keep_alive": 0}]


def test_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(asking.HOST, raising=False)
    assert address() == "http://127.0.0.1:11434"
    monkeypatch.setenv(asking.HOST, "0.0.0.0:4000")
    assert address() == "http://127.0.0.1:4000"
    assert address("https://gpu.lan/ollama/") == "https://gpu.lan:443/ollama"
    assert address("[::1]:5000") == "http://[::1]:5000"
    for wrong in ("ftp://x", "http://", "http://me:secret@host", "http://host:99999", "http://a b", "http://a\ud800"):
        with pytest.raises(BadInput):
            address(wrong)
