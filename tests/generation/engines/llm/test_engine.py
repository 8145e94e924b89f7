"""Gemma 3 writes, on a tiny checkpoint."""

from __future__ import annotations

import json
import shutil
import threading
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from genlock.errors import BadInput, GenerationError
from genlock.generation.engine import Halt
from genlock.generation.engines.llm.engine import LanguageEngine
from genlock.generation.memory.machine import Machine
from genlock.generation.models.library import Library
from genlock.project.request import Conditioning, GenerationRequest
from tests.generation.recording import Parts, Recording, run

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning:transformers.*"),
    pytest.mark.filterwarnings("ignore::FutureWarning:transformers.*"),
]

CPU = Machine("test", "cpu", 8 << 30)


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> None:
    import torch

    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def engine(tiny_models: Path) -> LanguageEngine:
    return LanguageEngine(Library(tiny_models), CPU)


@pytest.fixture(scope="module")
def held() -> Parts:
    return Parts()


def asked(prompt: str = "a fox", seed: int = 3, **more: Any) -> GenerationRequest:
    settings = {"max_tokens": 24, "system": "Describe.", **more.pop("settings", {})}
    return GenerationRequest(mode="enhance_prompt", prompt=prompt, seed=seed, settings=settings, **more)


def said(engine: LanguageEngine, held: Parts, request: GenerationRequest) -> str:
    return "".join(run(engine, request, held).texts)


def test_equal_requests_give_equal_texts_and_others_do_not(engine: LanguageEngine, held: Parts) -> None:
    first = said(engine, held, asked())
    assert len(first) > 5
    assert said(engine, held, asked()) == first
    assert said(engine, held, asked(seed=4)) != first
    assert said(engine, held, asked("a wolf")) != first
    assert held.built == ["gemma3/model@float32"]


def test_it_is_what_the_bare_model_says(engine: LanguageEngine, held: Parts, tiny_models: Path) -> None:
    import torch
    from transformers import AutoProcessor, Gemma3ForConditionalGeneration

    request = asked(settings={"temperature": 0})
    folder = tiny_models / "gemma3"
    model = Gemma3ForConditionalGeneration.from_pretrained(folder, local_files_only=True).eval()
    processor = AutoProcessor.from_pretrained(folder, local_files_only=True)
    messages = [
        {"role": "system", "content": [{"type": "text", "text": "Describe."}]},
        {"role": "user", "content": [{"type": "text", "text": "Draft: a fox"}]},
    ]
    inputs = processor.apply_chat_template(
        messages, add_generation_prompt=True, tokenize=True, return_dict=True, return_tensors="pt"
    )
    with torch.inference_mode():
        made = model.generate(**inputs, max_new_tokens=24, do_sample=False, top_k=None, top_p=None)
    expected = processor.tokenizer.decode(made[0, inputs["input_ids"].shape[1] :], skip_special_tokens=True)
    assert said(engine, held, request) == expected


def test_it_looks_at_pictures(engine: LanguageEngine, held: Parts, tmp_path: Path) -> None:
    import torch

    said(engine, held, asked())
    eyes = held.held["gemma3/model@float32"].model.multi_modal_projector.mm_input_projection_weight
    texts = []
    with torch.no_grad():
        eyes.normal_(generator=torch.Generator().manual_seed(0))  # a fresh one is all zeros: blind
    for name in ("black", "white"):
        Image.new("RGB", (64, 48), name).save(tmp_path / f"{name}.png")
        shown = (Conditioning(str(tmp_path / f"{name}.png")),)
        sink = run(engine, asked(conditioning=shown), held)
        assert sink.details["pictures"] == 1
        texts.append("".join(sink.texts))
    assert texts[0] != texts[1]


def test_it_comes_in_portions_and_says_how_far_it_is(engine: LanguageEngine, held: Parts) -> None:
    sink = run(engine, asked(settings={"max_tokens": 200}), held)
    assert len(sink.texts) > 1
    done = [report[0] for report in sink.reports]
    assert done == sorted(done)
    assert done[-1] == 200
    assert {"tokens", "read", "device", "dtype", "ended"} <= set(sink.details)


def test_a_cancel_ends_it_within_a_token_and_the_model_serves_on(engine: LanguageEngine, held: Parts) -> None:
    whole = said(engine, held, asked())
    request = asked(settings={"max_tokens": 500})
    plan = engine.plans(request)[0]
    sink = Recording(request, plan, held, halt_after=5)
    before = threading.active_count()
    with pytest.raises(Halt):
        engine.generate(request, plan, sink)
    assert len(sink.reports) == 5
    assert threading.active_count() == before
    assert said(engine, held, asked()) == whole


def test_facts_give_way_where_the_model_reads_little(engine: LanguageEngine, held: Parts) -> None:
    context = {"before": "x" * 3000}
    sink = run(engine, asked("y" * 1000, settings={"context": context}), held)
    assert sink.details["cut"] == ["before"]
    with pytest.raises(BadInput, match="reads 2048"):
        run(engine, asked("y" * 2100), held)


def test_the_plan_says_what_it_holds(engine: LanguageEngine) -> None:
    (plan,) = engine.plans(asked())
    (component,) = plan.components
    assert plan.product == "text"
    assert plan.lane == "language"
    assert component.bytes == (engine._library or Library()).require("gemma3").parts[""].parameters * 4
    assert 0 < plan.activation < 100 << 20
    assert plan.bytes == component.bytes + plan.activation
    json.dumps(plan.how)


def test_a_gpu_has_it_half_as_large_or_in_8_bits(tiny_models: Path) -> None:
    gpu = LanguageEngine(Library(tiny_models), Machine("test", "cuda", 48 << 30, host=32 << 30))
    resident, eight = gpu.plans(asked())
    (whole,) = LanguageEngine(Library(tiny_models), CPU).plans(asked())[0].components
    assert resident.components[0].name == "gemma3/model@bfloat16"
    assert resident.components[0].bytes * 2 == whole.bytes
    assert eight.components[0].name == "gemma3/model@fp8"
    assert eight.components[0].bytes < resident.components[0].bytes
    assert [plan.components[0].pinned for plan in (resident, eight)] == [0, 0]


def test_without_it_the_video_models_text_encoder_writes(tiny_models: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny_models / "ltx2", tmp_path / "ltx2")
    borrowing = LanguageEngine(Library(tmp_path), Machine("test", "cuda", 48 << 30, host=32 << 30))
    assert borrowing.missing() == ""
    (plan,) = borrowing.plans(asked())
    assert (plan.lane, plan.name, plan.model) == ("heavy", "borrowed", "ltx2")
    assert plan.components[0].name == "ltx2/text_encoder@bfloat16"
    held = Parts()
    sink = run(borrowing, asked(), held)
    assert "".join(sink.texts)
    assert type(held.held["ltx2/text_encoder@bfloat16"]).__name__ == "Gemma3ForConditionalGeneration"
    Image.new("RGB", (64, 48), "red").save(tmp_path / "red.png")
    shown = asked(conditioning=(Conditioning(str(tmp_path / "red.png")),))
    assert run(borrowing, shown, held).details["pictures"] == 1
    shutil.rmtree(tmp_path / "ltx2" / "processor")
    index = json.loads((tmp_path / "ltx2" / "model_index.json").read_bytes())
    (tmp_path / "ltx2" / "model_index.json").write_text(json.dumps(index | {"processor": [None, None]}))
    sink = run(borrowing, shown, held)
    assert sink.details["pictures"] == 0
    assert "".join(sink.texts)


def test_what_is_no_gemma_does_not_write(tiny_models: Path, engine: LanguageEngine) -> None:
    with pytest.raises(BadInput, match="sam3 is no Gemma 3"):
        engine.plans(asked(settings={"model": "sam3"}))


def test_a_machine_too_small_is_said(tiny_models: Path) -> None:
    with pytest.raises(GenerationError, match="in no form") as caught:
        LanguageEngine(Library(tiny_models), Machine("test", "cuda", 100_000, host=32 << 30)).plans(asked())
    assert caught.value.code == "needs_memory"


def test_in_8_bits_it_writes_the_same_again(tiny_models: Path) -> None:
    import torch

    gpu = LanguageEngine(Library(tiny_models), Machine("test", "cuda", 48 << 30, host=32 << 30))
    held = Parts()
    texts = ["".join(run(gpu, asked(), held, plan=1).texts) for _ in range(2)]
    assert texts[0] == texts[1] != ""
    kept = {parameter.dtype for parameter in held.held["gemma3/model@fp8"].parameters()}
    assert kept == {torch.float8_e4m3fn, torch.bfloat16}
    assert run(gpu, asked(), held, plan=1).details["dtype"] == "fp8"


def test_without_the_model_it_says_how_to_get_it(tmp_path: Path) -> None:
    bare = LanguageEngine(Library(tmp_path), CPU)
    assert "genlock models pull gemma3" in bare.missing()
    with pytest.raises(GenerationError) as caught:
        bare.plans(asked())
    assert caught.value.code == "model_missing"


def test_a_broken_model_is_called_broken(tiny_models: Path, tmp_path: Path, held: Parts) -> None:
    shutil.copytree(tiny_models / "gemma3", tmp_path / "gemma3")
    weights = tmp_path / "gemma3" / "model.safetensors"
    engine = LanguageEngine(Library(tmp_path), CPU)
    plan = engine.plans(asked())[0]
    weights.write_bytes(weights.read_bytes()[:-100])
    assert "should hold" in engine.missing()
    with pytest.raises(GenerationError) as caught:
        engine.generate(asked(), plan, Recording(asked(), plan))
    assert caught.value.code == "model_broken"
