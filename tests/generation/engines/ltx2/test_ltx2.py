"""Every mode end to end on a tiny model, against the bare pipelines of diffusers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from msgspec import structs
from PIL import Image

from genlock.errors import BadInput, GenerationError
from genlock.generation.engine import Halt
from genlock.generation.engines.ltx2 import grid
from genlock.generation.engines.ltx2.engine import Ltx2Engine
from genlock.generation.engines.ltx2.planning import NEIGHBOURS, PART
from genlock.generation.engines.ltx2.schedule import DISTILLED, REFINING
from genlock.generation.memory.machine import Machine
from genlock.generation.models.library import Library
from genlock.project.request import Conditioning, GenerationRequest, Span
from genlock.timeline.model import Resolution
from genlock.timeline.rate import Rate
from tests.generation import footage
from tests.generation.recording import Parts, Recording, run

pytestmark = [
    pytest.mark.timeout(100),
    pytest.mark.filterwarnings("ignore:Already found a `peft_config` attribute:UserWarning"),  # two LoRAs are meant
]

Array = np.ndarray[Any, Any]

SIZE = Resolution(96, 64)
FAST: dict[str, Any] = {"schedule": "distilled", "steps": 2}
FULL: dict[str, Any] = {
    "shifted": True, "num_inference_steps": 2, "audio_guidance_scale": 7.0, "stg_scale": 1.0, "audio_stg_scale": 1.0,
    "modality_scale": 3.0, "audio_modality_scale": 3.0, "guidance_rescale": 0.7, "audio_guidance_rescale": 0.7,
    "use_cross_timestep": False, "spatio_temporal_guidance_blocks": [1],
}  # fmt: skip
"""The whole guidance of the full schedule, as a pipeline takes it."""
SIGMAS = [DISTILLED[0], DISTILLED[4]]
PLAIN: dict[str, Any] = {
    "guidance_scale": 1.0,
    "stg_scale": 0.0,
    "modality_scale": 1.0,
    "guidance_rescale": 0.0,
    "audio_guidance_scale": 1.0,
    "audio_stg_scale": 0.0,
    "audio_modality_scale": 1.0,
    "audio_guidance_rescale": 0.0,
    "spatio_temporal_guidance_blocks": None,
    "use_cross_timestep": False,
}


@pytest.fixture(scope="module", autouse=True)
def _one_thread(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    import torch

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GENLOCK_CACHE", str(tmp_path_factory.mktemp("cache")))
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        yield
        torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def engine(tiny_models: Path) -> Ltx2Engine:
    return Ltx2Engine(Library(tiny_models), Machine("test", "cpu", device=8 << 30))


@pytest.fixture(scope="module")
def parts() -> Parts:
    return Parts()


@pytest.fixture(scope="module")
def bare(tiny_models: Path) -> Callable[..., tuple[Array, Array]]:
    """Calls a pipeline of diffusers as its own documentation does."""
    import diffusers
    import torch

    loaded = diffusers.LTX2Pipeline.from_pretrained(tiny_models / "ltx2", local_files_only=True)
    plain = diffusers.FlowMatchEulerDiscreteScheduler.from_config(
        loaded.scheduler.config, use_dynamic_shifting=False, shift_terminal=None
    )

    def call(kind: str = "LTX2Pipeline", *, shifted: bool = False, seed: int = 7, **how: Any) -> tuple[Array, Array]:
        held = {k: v for k, v in loaded.components.items() if k != "duration_head"}
        pipe = getattr(diffusers, kind)(**held | {"scheduler": loaded.scheduler if shifted else plain})
        pipe.set_progress_bar_config(disable=True)
        shape = {"width": 96, "height": 64, "frame_rate": 24.0, "prompt": "a dog runs"}
        steps = {} if shifted else PLAIN | {"sigmas": SIGMAS, "num_inference_steps": 2}
        generator = torch.Generator().manual_seed(seed)
        how = shape | steps | {"output_type": "np", "generator": generator} | how
        frames, sound = pipe(return_dict=False, **how)
        if how["output_type"] == "latent":
            return frames, sound
        return (frames[0] * 255).round().astype("uint8"), sound[0].float().numpy()

    return call


@pytest.fixture(scope="module")
def picture(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("stills") / "still.png"
    Image.fromarray(noise(1)[0]).save(path)
    return str(path)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> str:
    """60 numbered pictures: nothing is lost in them."""
    folder = tmp_path_factory.mktemp("clip")
    for number, frame in enumerate(noise(60)):
        Image.fromarray(frame).save(folder / f"c.{number:04}.png")
    return str(folder / "c.%04d.png")


def noise(frames: int, seed: int = 3) -> Array:
    rough = np.random.default_rng(seed).integers(0, 255, (frames, 8, 12, 3), np.uint8)
    return rough.repeat(8, axis=1).repeat(8, axis=2)


def request(mode: Any = "text_to_video", frames: int = 17, **how: Any) -> GenerationRequest:
    given = {"prompt": "a dog runs", "resolution": SIZE, "seed": 7, "settings": FAST}
    return GenerationRequest(mode, frames=frames, **given | how)


def pictures(sink: Recording) -> Array:
    return np.stack(sink.frames)


# -- the same frames as without us


def test_text_gives_the_frames_of_the_bare_pipeline(engine: Ltx2Engine, parts: Parts, bare: Any) -> None:
    sink = run(engine, request(), parts)
    frames, _ = bare(num_frames=17)
    assert np.array_equal(pictures(sink), frames)
    assert sink.stages[-2:] == ["denoise", "decode"]


def test_full_guidance_gives_the_frames_of_the_bare_pipeline(engine: Ltx2Engine, parts: Parts, bare: Any) -> None:
    settings = {"schedule": "full", "steps": 2, "guidance": 4.0}
    sink = run(engine, request(frames=9, settings=settings, negative_prompt="blurry"), parts)
    frames, _ = bare(
        shifted=True,
        num_frames=9,
        num_inference_steps=2,
        negative_prompt="blurry",
        guidance_scale=4.0,
        use_cross_timestep=False,
        spatio_temporal_guidance_blocks=[1],
    )
    assert np.array_equal(pictures(sink), frames)


@pytest.mark.parametrize("last", [16, 9, 12])
def test_keyframes_give_the_frames_of_the_bare_pipeline(
    engine: Ltx2Engine, parts: Parts, bare: Any, picture: str, last: int
) -> None:
    from diffusers.pipelines.ltx2.pipeline_ltx2_condition import LTX2VideoCondition

    held = Conditioning(picture, 0), Conditioning(picture, last, strength=0.8)
    sink = run(engine, request("keyframes", conditioning=held), parts)
    with Image.open(picture) as image:
        given = [LTX2VideoCondition(image, 0, 1.0), LTX2VideoCondition(image, (last - 1) / 8 + 1, 0.8)]
        frames, _ = bare("LTX2ConditionPipeline", num_frames=17, conditions=given)
    assert np.array_equal(pictures(sink), frames)


def test_a_reference_gives_the_frames_of_the_bare_pipeline(
    engine: Ltx2Engine, parts: Parts, bare: Any, clip: str, picture: str
) -> None:
    from diffusers.pipelines.ltx2.pipeline_ltx2_condition import LTX2VideoCondition
    from diffusers.pipelines.ltx2.pipeline_ltx2_ic_lora import LTX2ReferenceCondition

    shown = Conditioning(clip, first=2, frames=17)
    sink = run(engine, request("image_to_video", conditioning=(Conditioning(picture),), references=(shown,)), parts)
    images = [Image.fromarray(frame) for frame in noise(60)[2:19]]
    with Image.open(picture) as image:
        frames, _ = bare(
            "LTX2InContextPipeline",
            num_frames=17,
            conditions=[LTX2VideoCondition(image, 0, 1.0)],
            reference_conditions=[LTX2ReferenceCondition(images, 1.0)],
        )
    assert np.array_equal(pictures(sink), frames)


@pytest.mark.parametrize("schedule", ["distilled", "full", "full, words in the sound only"])
def test_two_stages_give_the_frames_of_the_bare_pipelines(
    engine: Ltx2Engine, parts: Parts, bare: Any, tiny_models: Path, schedule: str
) -> None:
    import torch
    from diffusers import AutoencoderKLLTX2Video, LTX2LatentUpsamplePipeline
    from diffusers.pipelines.ltx2 import LTX2LatentUpsamplerModel

    large = Resolution(128, 128)
    settings: dict[str, Any] = FAST | {"two_stage": True}
    generator = torch.Generator().manual_seed(7)
    half = {"width": 64, "height": 64, "num_frames": 9, "output_type": "latent", "generator": generator}
    if schedule != "distilled":
        guidance = 1.0 if "only" in schedule else 4.0
        settings |= {"schedule": "full", "guidance": guidance}
        half |= FULL | {"guidance_scale": guidance}
    sink = run(engine, request(frames=9, resolution=large, settings=settings), parts)
    video, audio = bare(**half)
    home = tiny_models / "ltx2"
    pipe = LTX2LatentUpsamplePipeline(
        vae=AutoencoderKLLTX2Video.from_pretrained(home / "vae"),
        latent_upsampler=LTX2LatentUpsamplerModel.from_pretrained(home / "latent_upsampler"),
    )
    video = pipe(latents=video, width=64, height=64, num_frames=9, output_type="latent", return_dict=False)[0]
    frames, _ = bare(
        width=128, height=128, num_frames=9, latents=video, audio_latents=audio, noise_scale=REFINING[0],
        sigmas=list(REFINING), num_inference_steps=3, generator=generator,
    )  # fmt: skip
    assert np.array_equal(pictures(sink), frames)
    assert sink.reports[-1][2] == "decode"


# -- what is asked for is what comes


@pytest.mark.parametrize("frames", [1, 8, 16, 20, 24, 25])
def test_the_asked_number_of_frames_and_samples_comes(engine: Ltx2Engine, parts: Parts, frames: int) -> None:
    rate = Rate(24000, 1001)
    sink = run(engine, request(frames=frames, rate=rate), parts)
    assert len(sink.frames) == frames
    assert sum(part.shape[1] for part in sink.sounds) == grid.samples(frames, rate)
    assert np.abs(sink.sounds[0]).max() > 0
    whole = run(engine, request(frames=grid.frames_of(grid.latents_of(frames)), rate=rate), parts)
    assert np.array_equal(pictures(sink), pictures(whole)[:frames])  # trimmed, not stretched


def test_sizes_are_made_larger_and_cut(engine: Ltx2Engine, parts: Parts) -> None:
    asked = request(resolution=Resolution(80, 50), frames=9)
    plan = engine.plans(asked)[0]
    assert plan.notes == ("Made at 96x64 and cut to 80x50: the model's sizes are multiples of 32.",)
    twice = engine.plans(request(resolution=Resolution(96, 64), frames=9, settings=FAST | {"two_stage": True}))[0]
    assert twice.notes == ("Made at 128x64 and cut to 96x64: the model's sizes are multiples of 64.",)
    whole = run(engine, request(frames=9), parts)
    assert np.array_equal(pictures(run(engine, asked, parts)), pictures(whole)[:, 7:57, 8:88])


def test_long_clips_are_exact_and_no_frame_is_doubled(engine: Ltx2Engine, parts: Parts) -> None:
    asked = request(frames=250, resolution=Resolution(64, 64), settings=FAST | {"window": 65, "steps": 1})
    plan = engine.plans(asked)[0]
    assert (plan.asked, plan.made) == (250, 257)
    sink = run(engine, asked, parts)
    assert len(sink.frames) == 250
    assert sum(part.shape[1] for part in sink.sounds) == 500_000
    runs = sink.details["runs"]
    assert len(runs) == 5
    made = pictures(sink).astype(np.int16)
    moved = np.abs(np.diff(made, axis=0)).mean(axis=(1, 2, 3))
    assert moved.min() > 0, "a frame is shown twice"
    seams = [grid.begin(start + grid.OVERLAP) - 1 for start, _ in runs[1:]]
    assert moved[seams].max() <= moved.max() * 1.5
    again = run(engine, asked, parts)
    assert np.array_equal(pictures(again), pictures(sink))


def test_a_long_clip_follows_each_keyframe_in_its_own_run(
    engine: Ltx2Engine, parts: Parts, picture: str, tmp_path: Path
) -> None:
    other = tmp_path / "other.png"
    Image.fromarray(255 - noise(1)[0]).save(other)

    def made(last: str) -> tuple[Array, list[list[int]]]:
        held = Conditioning(picture, 0), Conditioning(last, -1)
        asked = request("keyframes", frames=150, conditioning=held, settings=FAST | {"window": 65})
        sink = run(engine, asked, parts)
        return pictures(sink), sink.details["runs"]

    (one, runs), (two, _) = made(picture), made(str(other))
    assert len(runs) == 3
    assert one.shape[0] == two.shape[0] == 150
    unseen = grid.begin(runs[-1][0] + grid.OVERLAP - NEIGHBOURS - 2)  # the decoder looks that far back
    difference = np.abs(one.astype(int) - two).max(axis=(1, 2, 3))
    assert difference[:unseen].max() == 0
    assert difference[-1] > 0


def test_a_long_extension_and_a_long_reference_keep_their_count(engine: Ltx2Engine, parts: Parts, clip: str) -> None:
    settings = FAST | {"window": 33, "steps": 1}
    small = Resolution(64, 64)
    sink = run(engine, request("extend", frames=70, source=clip, settings=settings, resolution=small), parts)
    assert len(sink.frames) == 70
    assert sum(part.shape[1] for part in sink.sounds) == 140_000
    shown = (Conditioning(clip, frames=60),)
    sink = run(engine, request(frames=60, references=shown, settings=settings, resolution=small), parts)
    assert len(sink.frames) == 60


def test_segments_begin_with_the_latents_before_them(engine: Ltx2Engine, parts: Parts, tiny_models: Path) -> None:
    import torch

    from genlock.generation.embeddings import EmbeddingCache
    from genlock.generation.engines.ltx2 import schedule, words
    from genlock.generation.engines.ltx2.denoising import Denoiser, Seen
    from genlock.generation.engines.ltx2.loading import Loader
    from genlock.generation.engines.ltx2.settings import Wanted

    class Watched(Denoiser):
        made: list[Any]

        def _run(self, run: Any, seen: Any, generator: Any) -> Any:
            latents, heard = super()._run(run, seen, generator)
            self.made.append(latents[-1])
            return latents, heard

    asked = request(frames=100, resolution=Resolution(64, 64), settings=FAST | {"window": 65})
    plan = engine.plans(asked)[0]
    sink = Recording(asked, plan, parts)
    loader = Loader(plan, sink, Library(tiny_models))
    told = words.told(asked, plan, sink, loader, EmbeddingCache(), guided=False)
    sink.stage("denoise")
    one = schedule.first(Wanted(schedule="distilled", steps=2), "ltx2", {})
    denoiser = Watched(loader, told, [one], (64, 64), asked.rate, (), lambda: None)
    denoiser.made = []
    runs = grid.segments(14, 9)
    with torch.no_grad():
        video, _ = denoiser.all(runs, [Seen() for _ in runs], 7)
    before, after = denoiser.made
    assert torch.allclose(after[:, :, : grid.OVERLAP], before[:, :, -grid.OVERLAP :], atol=1e-5)
    assert video.shape[2] == 14
    assert torch.equal(video[:, :, runs[0].end :], after[:, :, grid.OVERLAP :])


def test_parts_decoded_apart_meet_without_a_seam(tiny_models: Path) -> None:
    import torch
    from diffusers import AutoencoderKLLTX2Video

    from genlock.generation.engines.ltx2.decoding import pictures as decoded

    vae = AutoencoderKLLTX2Video.from_pretrained(tiny_models / "ltx2" / "vae")
    latents = torch.randn(1, 8, 24, 2, 2, generator=torch.Generator().manual_seed(1))

    def made(part: int, neighbours: int) -> Array:
        with torch.no_grad():
            return np.stack(list(decoded(vae, latents, torch.float32, part, neighbours))).astype(int)

    whole, apart = made(24, NEIGHBOURS), made(PART, NEIGHBOURS)
    assert whole.shape == apart.shape == (185, 64, 64, 3)
    assert np.abs(whole - apart).max() <= 1
    assert np.abs(whole - made(PART, 2)).max() > 10  # it is the neighbours that close the seam


# -- given clips


def test_an_extension_is_new_frames_only_and_follows_the_end(
    engine: Ltx2Engine, parts: Parts, bare: Any, clip: str
) -> None:
    from diffusers.pipelines.ltx2.pipeline_ltx2_condition import LTX2VideoCondition

    sink = run(engine, request("extend", frames=10, source=clip), parts)
    assert len(sink.frames) == 10
    tail = [Image.fromarray(frame) for frame in noise(60)[-25:]]
    frames, _ = bare("LTX2ConditionPipeline", num_frames=41, conditions=[LTX2VideoCondition(tail, 0, 1.0)])
    assert np.array_equal(pictures(sink), frames[25:35])


def test_a_retake_leaves_the_rest_as_it_was(engine: Ltx2Engine, parts: Parts, bare: Any, clip: str) -> None:
    from diffusers.pipelines.ltx2.pipeline_ltx2_condition import LTX2VideoCondition

    sink = run(engine, request("retake", frames=60, source=clip, span=Span(20, 31)), parts)
    made, given = pictures(sink), noise(60)
    assert np.array_equal(made[:20], given[:20])
    assert np.array_equal(made[31:], given[31:])
    images = [Image.fromarray(frame) for frame in given]
    held = [LTX2VideoCondition(images[3:20], 0, 1.0), LTX2VideoCondition(images[31:56], (28 - 1) / 8 + 1, 1.0)]
    frames, _ = bare("LTX2ConditionPipeline", num_frames=57, conditions=held)
    assert np.array_equal(made[20:31], frames[17:28])


@pytest.mark.parametrize("span", [Span(0, 9), Span(52, 60), Span(0, 60)])
def test_a_retake_may_reach_either_end(engine: Ltx2Engine, parts: Parts, clip: str, span: Span) -> None:
    made, given = pictures(run(engine, request("retake", frames=60, source=clip, span=span), parts)), noise(60)
    same = np.array([np.array_equal(a, b) for a, b in zip(made, given, strict=True)])
    assert list(np.flatnonzero(~same)) == list(range(span.start, span.end))


def test_a_retake_keeps_the_sound_around_it(engine: Ltx2Engine, parts: Parts, tmp_path: Path) -> None:
    path = tmp_path / "source.mov"
    time = np.arange(grid.samples(40, Rate(24))) / 48000
    tone = np.stack([np.sin(time * 2000), np.cos(time * 2000)]).astype(np.float32) * 0.5
    footage.clip(path, list(noise(40)), tone)
    sink = run(engine, request("retake", frames=40, source=str(path), span=Span(10, 20)), parts)
    heard = np.concatenate(sink.sounds, axis=1)
    assert heard.shape == (2, 80_000)
    assert np.allclose(heard[:, :20_000], tone[:, :20_000], atol=1e-3)
    assert np.allclose(heard[:, 40_000:], tone[:, 40_000:], atol=1e-3)
    assert not np.allclose(heard[:, 22_000:38_000], tone[:, 22_000:38_000], atol=1e-2)


@pytest.mark.parametrize("sides", [("source",), ("after",), ("source", "after")])
def test_a_gap_is_filled_exactly(engine: Ltx2Engine, parts: Parts, clip: str, sides: tuple[str, ...]) -> None:
    free = run(engine, request(frames=13), parts)
    sink = run(engine, request("fill_gap", frames=13, **dict.fromkeys(sides, clip)), parts)
    assert len(sink.frames) == 13
    assert not np.array_equal(pictures(sink), pictures(free))


def test_an_upscale_follows_its_source(engine: Ltx2Engine, parts: Parts, clip: str) -> None:
    asked = request("upscale", frames=30, source=clip, resolution=Resolution(192, 128))
    sink = run(engine, asked, parts)
    assert len(sink.frames) == 30
    assert sink.reports[-1][2] == "decode"
    assert sink.sounds == []  # numbered pictures have none


def test_an_upscale_gives_the_frames_of_the_bare_pipelines(
    engine: Ltx2Engine, parts: Parts, bare: Any, clip: str, tiny_models: Path
) -> None:
    import torch
    from diffusers import AutoencoderKLLTX2Video, LTX2LatentUpsamplePipeline, LTX2Pipeline
    from diffusers.pipelines.ltx2 import LTX2LatentUpsamplerModel

    home = tiny_models / "ltx2"
    vae = AutoencoderKLLTX2Video.from_pretrained(home / "vae")
    with torch.no_grad():
        pixels = torch.from_numpy(noise(9)).permute(3, 0, 1, 2)[None].float() / 127.5 - 1.0
        mean, std = vae.latents_mean, vae.latents_std
        latents = LTX2Pipeline._normalize_latents(vae.encode(pixels).latent_dist.mode(), mean, std)
        latents = LTX2Pipeline._denormalize_latents(latents, mean, std)
    upsampler = LTX2LatentUpsamplerModel.from_pretrained(home / "latent_upsampler")
    pipe = LTX2LatentUpsamplePipeline(vae=vae, latent_upsampler=upsampler)
    video = pipe(latents=latents, width=96, height=64, num_frames=9, output_type="latent", return_dict=False)[0]
    frames, _ = bare(
        width=192, height=128, num_frames=9, latents=video, noise_scale=REFINING[0], sigmas=list(REFINING),
        num_inference_steps=3,
    )  # fmt: skip
    asked = request("upscale", frames=9, source=clip, resolution=Resolution(192, 128))
    assert np.array_equal(pictures(run(engine, asked, parts)), frames)


def test_an_upsampler_may_lie_in_a_pipeline_of_its_own(tiny_models: Path, tmp_path: Path) -> None:
    import shutil

    shutil.copytree(tiny_models / "ltx2", tmp_path / "ltx2")
    engine = Ltx2Engine(Library(tmp_path), Machine("test", "cpu", device=8 << 30))
    asked = request(frames=9, resolution=Resolution(128, 128), settings=FAST | {"two_stage": True})
    inside = pictures(run(engine, asked))
    (tmp_path / "ltx2" / "upsample_pipeline").mkdir()
    shutil.move(tmp_path / "ltx2" / "latent_upsampler", tmp_path / "ltx2" / "upsample_pipeline")
    assert np.array_equal(pictures(run(engine, asked)), inside)
    shutil.rmtree(tmp_path / "ltx2" / "upsample_pipeline")
    with pytest.raises(BadInput, match="no latent upsampler"):
        engine.plans(asked)


# -- models are kept, and nothing of a job stays on them


def test_a_second_run_loads_nothing_and_is_the_same(engine: Ltx2Engine) -> None:
    asked = request(frames=9, prompt="nobody asked for this before")
    first = run(engine, asked)
    held = first.models
    assert first.stages == ["encode", "denoise", "decode"]
    assert len(held.built) == len(set(held.built)) == 6
    second = run(engine, asked, held)
    assert second.stages == ["denoise", "decode"]  # the prompt is known
    assert len(held.built) == 6
    assert np.array_equal(pictures(first), pictures(second))
    assert np.array_equal(first.sounds[0], second.sounds[0])
    other = run(engine, structs.replace(asked, seed=8), held)
    assert not np.array_equal(pictures(first), pictures(other))


def test_a_cancel_comes_through_at_the_next_step_and_breaks_nothing(engine: Ltx2Engine, parts: Parts) -> None:
    asked = request(frames=9, settings=FAST | {"steps": 6})
    before = pictures(run(engine, asked, parts))
    plan = engine.plans(asked)[0]
    for after in range(1, 12):
        sink = Recording(asked, plan, parts, halt_after=after)
        with pytest.raises(Halt):
            engine.generate(asked, plan, sink)
        assert len(sink.reports) <= after
    assert np.array_equal(pictures(run(engine, asked, parts)), before)


@pytest.fixture(scope="module")
def lora(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import torch
    from safetensors.torch import save_file

    home = tmp_path_factory.mktemp("home")
    (home / "loras").mkdir()
    torch.manual_seed(5)
    weights = {}
    for block in range(2):
        for name in ("to_q", "to_v"):
            stem = f"transformer.transformer_blocks.{block}.attn1.{name}"
            weights[f"{stem}.lora_A.weight"] = torch.randn(4, 32)
            weights[f"{stem}.lora_B.weight"] = torch.randn(32, 4)
    save_file(weights, home / "loras" / "film-look.safetensors")
    save_file({k: v * 2 for k, v in weights.items()}, home / "loras" / "other.safetensors")
    return home


def test_loras_are_put_on_weighted_and_taken_off(
    engine: Ltx2Engine, parts: Parts, lora: Path, tiny_models: Path
) -> None:
    def made(*stack: dict[str, Any]) -> Array:
        asked = request(frames=9, settings=FAST | {"loras": list(stack)})
        return pictures(run(engine, asked, parts))

    one = {"path": str(lora / "loras" / "film-look.safetensors")}
    two = {"path": str(lora / "loras" / "other.safetensors")}
    plain = made()
    built = len(parts.built)
    strong, weak, both = made(one), made(one | {"weight": 0.3}), made(one, two)
    assert not np.array_equal(plain, strong)
    assert not np.array_equal(strong, weak)
    assert not np.array_equal(strong, both)
    assert np.array_equal(made(one), strong)  # the second is gone again
    assert np.array_equal(made(one | {"weight": 0.0}), plain)
    assert np.array_equal(made(), plain)
    assert len(parts.built) == built


@pytest.mark.parametrize("form", ["fp8", "float32+blocks", "fp8+blocks"])
def test_other_forms_of_the_weights_make_frames_too(engine: Ltx2Engine, form: str) -> None:
    asked = request(frames=9, prompt=f"in {form}")
    plan = engine.plans(asked)[0]
    how = plan.how | {"forms": plan.how["forms"] | {"transformer": form, "text_encoder": form}, "tiled": True}

    def renamed(name: str) -> str:
        kept = "transformer" in name or "text_encoder" in name
        return f"{name.split('@')[0]}@{form}" if kept else name

    plan = structs.replace(
        plan,
        how=how,
        components=tuple(structs.replace(c, name=renamed(c.name)) for c in plan.components),
        stages=tuple(structs.replace(s, components=tuple(map(renamed, s.components))) for s in plan.stages),
    )
    sink = Recording(asked, plan)
    engine.generate(asked, plan, sink)
    plain = pictures(run(engine, asked)).astype(int)
    difference = np.abs(pictures(sink).astype(int) - plain).max()
    assert difference == 0 if form == "float32+blocks" else difference > 0
    again = Recording(asked, plan, sink.models)
    engine.generate(asked, plan, again)
    assert np.array_equal(pictures(again), pictures(sink))


# -- what cannot be


def test_an_unknown_lora_is_refused_with_those_there_are(lora: Path, tiny_models: Path) -> None:
    home = Library(lora)
    home.register("ltx2", tiny_models / "ltx2")
    engine = Ltx2Engine(home, Machine("test", "cpu", device=8 << 30))
    named = engine.plans(request(settings={"loras": [{"name": "film-look"}]}))
    assert named[0].how["loras"] == [[str(lora / "loras" / "film-look.safetensors"), 1.0]]
    for given in ({"name": "film"}, {"path": "/nowhere/x.safetensors"}):
        with pytest.raises(BadInput, match="film-look, other"):
            engine.plans(request(settings={"loras": [given]}))
    (lora / "loras" / "evil.pt").write_bytes(b"x")
    with pytest.raises(GenerationError) as caught:
        engine.plans(request(settings={"loras": [{"path": str(lora / "loras" / "evil.pt")}]}))
    assert caught.value.code == "unsafe_weights"


def test_a_lora_of_something_else_is_refused(engine: Ltx2Engine, parts: Parts, tmp_path: Path) -> None:
    import torch
    from safetensors.torch import save_file

    path = tmp_path / "wrong.safetensors"
    save_file({"unet.down.0.lora_A.weight": torch.zeros(4, 8), "unet.down.0.lora_B.weight": torch.zeros(8, 4)}, path)
    before = pictures(run(engine, request(frames=9), parts))
    with pytest.raises(BadInput, match="wrong"):
        run(engine, request(frames=9, settings=FAST | {"loras": [{"path": str(path)}]}), parts)
    assert np.array_equal(pictures(run(engine, request(frames=9), parts)), before)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"stepz": 3}, "no setting stepz; it has model, schedule, steps"),
        ({"steps": 0}, "1 to 100 steps"),
        ({"steps": "many"}, "steps"),
        ({"steps": 1, "schedule": "full"}, "2 steps at least"),
        ({"schedule": "turbo"}, "schedule"),
        ({"window": 9}, "window"),
        ({"guidance": 0.5}, "guidance"),
        ({"loras": [{"name": "a", "path": "/a"}]}, "either"),
        ({"loras": [{"name": "../a"}]}, "not a name"),
        ({"loras": [{"name": "a" * 5000}]}, "not a name"),
        ({"model": "flux2-klein"}, "no model of ltx2"),
    ],
)
def test_settings_that_cannot_be_are_refused(engine: Ltx2Engine, settings: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput, match=said) as caught:
        engine.plans(request(settings=settings))
    assert caught.value.code == "bad_generation"


def test_a_picture_that_is_none_is_refused(engine: Ltx2Engine, parts: Parts, tmp_path: Path) -> None:
    path = tmp_path / "not.png"
    for content in (b"no picture at all", b""):
        path.write_bytes(content)
        with pytest.raises(BadInput, match=r"not\.png"):
            run(engine, request("image_to_video", conditioning=(Conditioning(str(path)),)), parts)


def test_weights_cut_short_are_found_before_they_are_loaded(tiny_models: Path, tmp_path: Path) -> None:
    import shutil

    shutil.copytree(tiny_models / "ltx2", tmp_path / "ltx2")
    engine = Ltx2Engine(Library(tmp_path), Machine("test", "cpu", device=8 << 30))
    plan = engine.plans(request())[0]
    path = next((tmp_path / "ltx2" / "transformer").glob("*.safetensors"))
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(GenerationError) as caught:
        engine.plans(request())
    assert caught.value.code == "model_broken"
    with pytest.raises(GenerationError) as caught:
        engine.generate(request(), plan, Recording(request(), plan))
    assert caught.value.code == "model_broken"


def test_it_says_what_is_missing(tmp_path: Path, engine: Ltx2Engine) -> None:
    assert engine.missing() == ""
    assert "genlock models pull ltx2" in Ltx2Engine(Library(tmp_path)).missing()
    with pytest.raises(GenerationError) as caught:
        Ltx2Engine(Library(tmp_path), Machine("test")).plans(request())
    assert caught.value.code == "model_missing"


def test_a_still_is_upscaled_to_a_still(engine: Ltx2Engine, parts: Parts, picture: str) -> None:
    asked = request("upscale", frames=1, source=picture, resolution=Resolution(192, 128))
    assert {plan.product for plan in engine.plans(asked)} == {"still"}
    assert len(run(engine, asked, parts).frames) == 1
