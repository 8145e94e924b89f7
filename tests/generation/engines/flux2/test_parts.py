"""The model's parts in every form: with LoRAs, with another autoencoder, in 8 bits, streamed, in mixed precision."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from msgspec import structs

from genlock.errors import BadInput, GenerationError
from genlock.generation.engine import Component, Halt, Plan
from genlock.generation.engines.flux2.engine import Flux2Engine
from genlock.generation.memory.machine import GiB, Machine
from genlock.generation.models.library import Library
from genlock.project.request import Conditioning
from tests.generation.engines.flux2.studio import Studio, hole, photo
from tests.generation.recording import Parts, Recording

torch = pytest.importorskip("torch")
diffusers = pytest.importorskip("diffusers")
safetensors_torch = pytest.importorskip("safetensors.torch")


pytestmark = [  # peft, of stacks and of one that cannot be completed
    pytest.mark.filterwarnings("ignore:Already found a `peft_config` attribute:UserWarning"),
    pytest.mark.filterwarnings("ignore:Adapter lora1 was active which is now deleted:UserWarning"),
]


def adapter(path: Path, seed: int, rank: int = 2, inside: int = 32) -> Path:
    """Writes a LoRA for the attention of the tiny transformer."""
    made = torch.Generator().manual_seed(seed)
    tensors = {}
    for part in ("to_q", "to_k", "to_v"):
        name = f"transformer.transformer_blocks.0.attn.{part}"
        tensors[f"{name}.lora_A.weight"] = torch.randn(rank, inside, generator=made)
        tensors[f"{name}.lora_B.weight"] = torch.randn(32, rank, generator=made)
    path.parent.mkdir(parents=True, exist_ok=True)
    safetensors_torch.save_file(tensors, path)
    return path


@pytest.fixture(scope="module")
def own(shared: Studio, tmp_path_factory: pytest.TempPathFactory) -> Studio:
    """A library with a second model, two LoRAs and an autoencoder that lies alone."""
    home = tmp_path_factory.mktemp("models")
    shutil.copytree(shared.home / "flux2-klein", home / "flux2-klein")
    adapter(home / "loras" / "ink.safetensors", 1)
    adapter(home / "loras" / "wash.safetensors", 2)
    adapter(home / "loras" / "foreign.safetensors", 3, inside=48)
    (home / "loras" / "old.pt").write_bytes(b"never opened")
    vae = diffusers.AutoencoderKLFlux2.from_pretrained(home / "flux2-klein" / "vae")
    made = torch.Generator().manual_seed(5)
    with torch.no_grad():
        vae.decoder.conv_out.weight += torch.randn(vae.decoder.conv_out.weight.shape, generator=made) * 0.05
    vae.save_pretrained(home / "flux2-soft-decoder")
    return Studio(home)


def test_loras_are_stacked_and_taken_off_again(own: Studio) -> None:
    plain = own.picture("image")
    stack = [{"name": "ink", "weight": 0.8}, {"path": str(own.home / "loras" / "wash.safetensors"), "weight": -0.5}]
    made = own.make("image", settings={"loras": stack})
    assert np.array_equal(own.picture("image"), plain)
    assert [lora["weight"] for lora in made.details["loras"]] == [0.8, -0.5]

    pipe = diffusers.Flux2KleinPipeline.from_pretrained(str(own.home / "flux2-klein"), local_files_only=True)
    pipe.set_progress_bar_config(disable=True)
    for name in ("ink", "wash"):
        pipe.load_lora_weights(str(own.home / "loras"), weight_name=f"{name}.safetensors", adapter_name=name)
    pipe.set_adapters(["ink", "wash"], [0.8, -0.5])
    seed = torch.Generator().manual_seed(7)
    words = own.request("image").prompt
    bare = pipe(prompt=words, width=128, height=96, num_inference_steps=4, guidance_scale=1.0, generator=seed).images[0]
    assert np.array_equal(made.frames[0], np.asarray(bare))
    assert not np.array_equal(made.frames[0], plain)


def test_a_lora_is_taken_off_after_a_cancel(own: Studio) -> None:
    plain = own.picture("image")
    request = own.request("image", settings={"loras": [{"name": "ink"}]})
    (plan, *_) = own.engine.plans(request)
    with pytest.raises(Halt):
        own.engine.generate(request, plan, Recording(request, plan, own.parts, halt_after=2))
    assert np.array_equal(own.picture("image"), plain)


def test_a_lora_of_another_model_is_refused_and_leaves_no_trace(own: Studio) -> None:
    plain = own.picture("image")
    with pytest.raises(BadInput, match=r"foreign\.safetensors was not made for this model") as refused:
        own.make("image", settings={"loras": [{"name": "ink"}, {"name": "foreign"}]})
    assert refused.value.code == "bad_generation"
    assert np.array_equal(own.picture("image"), plain)


def test_an_unknown_lora_is_refused_with_those_there_are(own: Studio) -> None:
    with pytest.raises(BadInput, match=r"There is no LoRA oil; .*loras holds foreign, ink, wash"):
        own.engine.plans(own.request("image", settings={"loras": [{"name": "oil"}]}))


def test_a_lora_that_is_a_pickle_is_never_opened(own: Studio) -> None:
    with pytest.raises(GenerationError) as refused:
        own.engine.plans(own.request("image", settings={"loras": [{"name": "old"}]}))
    assert refused.value.code == "unsafe_weights"


def test_another_autoencoder_reloads_nothing_else(own: Studio) -> None:
    plain = own.picture("image")
    before = list(own.parts.built)
    made = own.make("image", settings={"autoencoder": "flux2-soft-decoder"})
    assert own.parts.built[len(before) :] == ["flux2-soft-decoder/vae@float32"]
    assert not np.array_equal(made.frames[0], plain)
    given = own.make("image", settings={"autoencoder": str(own.home / "flux2-soft-decoder")})
    assert np.array_equal(given.frames[0], made.frames[0])
    assert "flux2-soft-decoder" in made.plan.model
    assert np.array_equal(own.picture("image"), plain)


def test_what_is_no_autoencoder_is_refused(own: Studio, shared: Studio) -> None:
    with pytest.raises(BadInput, match="holds no autoencoder"):
        own.engine.plans(own.request("image", settings={"autoencoder": str(shared.home / "gemma3")}))
    with pytest.raises(GenerationError) as missing:
        own.engine.plans(own.request("image", settings={"autoencoder": "flux2-nowhere"}))
    assert missing.value.code == "model_missing"


def forced(plan: Plan, forms: dict[str, str]) -> Plan:
    """Returns a plan with its parts in other forms."""

    def renamed(name: str) -> str:
        part = name.split("/")[1].split("@")[0]
        return f"{name.split('@')[0]}@{forms.get(part, plan.how['forms'][part])}"

    components = tuple(Component(renamed(c.name), c.bytes) for c in plan.components)
    stages = tuple(structs.replace(s, components=tuple(map(renamed, s.components))) for s in plan.stages)
    how = plan.how | {"forms": plan.how["forms"] | forms}
    return structs.replace(plan, components=components, stages=stages, how=how)


def made_in(studio: Studio, forms: dict[str, str], mode: str = "image", **fields: Any) -> Recording:
    request = studio.request(mode, **fields)
    plan = forced(studio.engine.plans(request)[0], forms)
    sink = Recording(request, plan, studio.parts)
    studio.engine.generate(request, plan, sink)
    return sink


STREAMED = {"text_encoder": "float32+blocks", "transformer": "float32+blocks"}


def test_streamed_blocks_give_the_same_picture(own: Studio) -> None:
    plain = own.picture("image", prompt="streamed")
    shutil.rmtree(Studio.cache())
    made = made_in(own, STREAMED, prompt="streamed")
    assert made.stages == ["encode", "denoise", "decode"]
    assert np.array_equal(made.frames[0], plain)


def test_loras_go_with_streamed_blocks(own: Studio) -> None:
    settings = {"loras": [{"name": "ink"}]}
    plain = made_in(own, STREAMED)
    made = made_in(own, STREAMED, settings=settings)
    assert np.array_equal(made.frames[0], own.picture("image", settings=settings))
    assert np.array_equal(made_in(own, STREAMED).frames[0], plain.frames[0])


def test_eight_bits_are_half_the_bytes_and_nearly_the_picture(own: Studio) -> None:
    eight = {"text_encoder": "fp8", "transformer": "fp8"}
    plain = own.picture("image", prompt="eight")
    shutil.rmtree(Studio.cache())
    made = made_in(own, eight, prompt="eight")
    assert made.frames[0].shape == plain.shape
    transformer = own.parts.held["flux2-klein/transformer@fp8"]
    kinds = {tensor.dtype for tensor in transformer.transformer_blocks.parameters()}
    assert torch.float8_e4m3fn in kinds
    assert not np.array_equal(made.frames[0], plain)
    assert np.abs(made.frames[0].astype(int) - plain.astype(int)).mean() < 40
    assert np.array_equal(made_in(own, eight, settings={"loras": []}, prompt="eight").frames[0], made.frames[0])


class Failing(Parts):
    """Models of which the `fatal`-th asked for finds no room."""

    def __init__(self, models: Parts, fatal: int) -> None:
        super().__init__()
        self.held, self.built, self.left = models.held, models.built, fatal

    def get(self, component: Component, build: Callable[[], Any]) -> Any:
        self.left -= 1
        if not self.left:
            raise torch.OutOfMemoryError("no room")
        return super().get(component, build)


@pytest.mark.parametrize("fatal", range(1, 9))
def test_running_out_of_memory_anywhere_leaves_the_models_usable(own: Studio, fatal: int) -> None:
    """In one of the parts (the text encoder, the autoencoder, the transformer, the autoencoder again), or in a step."""
    settings = {"kv_cache": True, "loras": [{"name": "ink"}]}
    plain = own.picture("image")
    source = photo(own.home / "source.png")
    request = own.request("edit_image", source=str(source), prompt=f"fatal {fatal}", settings=settings)
    (plan, *_) = own.engine.plans(request)

    class Sink(Recording):
        def progress(self, done: int, total: int, phase: str) -> None:
            if phase == "denoise" and done == fatal - 4:
                raise torch.OutOfMemoryError("no room")

    with pytest.raises(torch.OutOfMemoryError):
        own.engine.generate(request, plan, Sink(request, plan, Failing(own.parts, fatal if fatal <= 4 else 0)))
    assert np.array_equal(own.picture("image"), plain)


def test_eight_bits_can_be_streamed(own: Studio) -> None:
    """The same weights, the same picture: only where they lie differs."""
    still = made_in(own, {"transformer": "fp8"})
    streamed = made_in(own, {"transformer": "fp8+blocks"})
    assert np.array_equal(still.frames[0], streamed.frames[0])


def test_an_autoencoder_in_full_precision_goes_with_a_transformer_in_half(shared: Studio, tmp_path: Path) -> None:
    """Metal computes so. Here the processor does, which can."""
    apple = Flux2Engine(Library(shared.home), Machine("an apple", "mps", device=64 * GiB))
    source, mask = photo(tmp_path / "source.png"), hole(tmp_path / "mask.png")
    other = photo(tmp_path / "other.png", 96, 96, seed=4)
    for mode in ("image", "edit_image", "inpaint"):
        request = shared.request(
            mode, source=str(source), mask=str(mask), references=(Conditioning(str(other)), Conditioning(str(source)))
        )
        (plan, *_) = apple.plans(request)
        sink = Recording(request, plan, shared.parts)
        apple.generate(request, plan, sink)
        assert plan.how["forms"]["vae"] == "float32"
        assert plan.how["forms"]["transformer"] == "bfloat16"
        assert plan.how["tiled"]
        assert sink.frames[0].std() > 1
