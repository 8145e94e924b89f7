"""Pictures by FLUX.2 Klein: what diffusers makes, bit for bit, at the size asked for, and the source outside the mask."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from genlock.errors import BadInput, GenerationError
from genlock.generation.engine import Halt
from genlock.project.request import Conditioning
from genlock.timeline.model import Resolution
from tests.generation.engines.flux2.studio import PROMPT, SIZE, Studio, hole, photo, pixels
from tests.generation.recording import Recording

diffusers = pytest.importorskip("diffusers")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("pictures")
    photo(made / "source.png")
    photo(made / "other.png", 80, 112, seed=1)
    photo(made / "large.png", 1200, 1000, seed=2)
    hole(made / "mask.png")
    return made


def test_a_picture_is_the_bare_pipelines_bit_for_bit(shared: Studio) -> None:
    made = shared.make("image")
    bare = shared.bare(diffusers.Flux2KleinPipeline, width=128, height=96, guidance_scale=1.0)
    assert np.array_equal(made.frames[0], bare)
    assert made.details["steps"] == 4
    assert made.details["made"] == [128, 96]


def test_references_are_looked_at(shared: Studio, folder: Path) -> None:
    files = [folder / "source.png", folder / "other.png", folder / "large.png"]
    references = tuple(Conditioning(str(path)) for path in files)
    made = shared.make("image", references=references[:2], conditioning=references[2:])
    bare = shared.bare(
        diffusers.Flux2KleinPipeline,
        image=[Image.open(path) for path in files],
        width=128,
        height=96,
        guidance_scale=1.0,
    )
    assert np.array_equal(made.frames[0], bare)
    assert made.details["references"] == 3
    assert not np.array_equal(made.frames[0], shared.picture("image"))


def test_an_edit_looks_at_its_source(shared: Studio, folder: Path) -> None:
    made = shared.picture("edit_image", source=str(folder / "source.png"))
    image = Image.open(folder / "source.png")
    bare = shared.bare(diffusers.Flux2KleinPipeline, image=image, width=128, height=96, guidance_scale=1.0)
    assert np.array_equal(made, bare)


def test_a_cached_edit_leaves_the_model_as_it_was(shared: Studio, folder: Path) -> None:
    plain = shared.picture("image")
    source = str(folder / "source.png")
    made = shared.make("edit_image", source=source, settings={"kv_cache": True})
    image = Image.open(source)
    assert np.array_equal(
        made.frames[0], shared.bare(diffusers.Flux2KleinKVPipeline, image=image, width=128, height=96)
    )
    assert made.details["kv_cache"] is True
    assert not np.array_equal(made.frames[0], shared.picture("edit_image", source=source))
    assert np.array_equal(shared.picture("image"), plain)


def test_true_cfg_reads_the_negative_prompt_in_its_own_job_only(shared: Studio) -> None:
    plain = shared.picture("image", negative_prompt="blurry")
    made = shared.make("image", negative_prompt="blurry", settings={"true_cfg": True, "guidance": 3.0})
    bare = shared.bare(diffusers.Flux2KleinPipeline, False, width=128, height=96, guidance_scale=3.0, negative="blurry")
    assert np.array_equal(made.frames[0], bare)
    assert made.details["true_cfg"] is True
    assert np.array_equal(shared.picture("image", negative_prompt="blurry"), plain)
    assert not np.array_equal(made.frames[0], plain)


def test_inpainting_changes_nothing_outside_the_mask(shared: Studio, folder: Path) -> None:
    source, mask = folder / "source.png", folder / "mask.png"
    made = shared.picture("inpaint", source=str(source), mask=str(mask))
    before, inside = pixels(source), pixels(mask) > 0
    assert np.array_equal(made[~inside], before[~inside])
    bare = shared.bare(
        diffusers.Flux2KleinInpaintPipeline,
        image=Image.open(source),
        mask_image=Image.open(mask),
        strength=1.0,
        guidance_scale=1.0,
    )
    assert np.array_equal(made[inside], bare[inside])
    assert not np.array_equal(bare[~inside], before[~inside])  # the autoencoder changes everything


def test_inpainting_with_references_is_the_bare_pipelines(shared: Studio, folder: Path) -> None:
    source, mask, other = folder / "source.png", folder / "mask.png", folder / "other.png"
    made = shared.picture("inpaint", source=str(source), mask=str(mask), references=(Conditioning(str(other)),))
    bare = shared.bare(
        diffusers.Flux2KleinInpaintPipeline,
        image=Image.open(source),
        mask_image=Image.open(mask),
        image_reference=Image.open(other),
        strength=1.0,
        guidance_scale=1.0,
    )
    inside = pixels(mask) > 0
    assert np.array_equal(made[inside], bare[inside])


@pytest.mark.parametrize("size", [(150, 100), (1400, 1000)])
def test_any_size_keeps_every_pixel_outside_the_mask(shared: Studio, tmp_path: Path, size: tuple[int, int]) -> None:
    source, mask = photo(tmp_path / "source.png", *size), hole(tmp_path / "mask.png", *size)
    request = {"source": str(source), "mask": str(mask), "resolution": Resolution(*size)}
    made = shared.make("inpaint", settings={"steps": 1}, **request)
    inside = pixels(mask) > 0
    assert np.array_equal(made.frames[0][~inside], pixels(source)[~inside])
    assert (made.frames[0][inside] != pixels(source)[inside]).mean() > 0.9
    assert all(side % 16 == 0 for side in made.details["made"])


def test_a_padding_shows_the_model_a_window_only(shared: Studio, folder: Path) -> None:
    request = {"source": str(folder / "source.png"), "mask": str(folder / "mask.png")}
    made = shared.make("inpaint", settings={"padding": 8}, **request)
    *_, width, height = made.details["window"]
    assert (width, height) == (65, 65)  # the disc of 49 pixels and 8 on each side
    assert not np.array_equal(made.frames[0], shared.picture("inpaint", **request))


def test_a_feather_goes_inwards(shared: Studio, folder: Path) -> None:
    request = {"source": str(folder / "source.png"), "mask": str(folder / "mask.png")}
    hard, soft = (shared.picture("inpaint", settings={"feather": width}, **request) for width in (0, 6))
    before, inside = pixels(folder / "source.png"), pixels(folder / "mask.png") > 0
    assert np.array_equal(soft[~inside], before[~inside])
    changed = (hard != soft).any(axis=2)
    assert changed.any()
    assert not changed[45, 69]  # the middle of the disc


def test_a_strength_keeps_something_of_the_source(shared: Studio, folder: Path) -> None:
    source = folder / "source.png"
    made = shared.picture("edit_image", source=str(source), settings={"strength": 0.5})
    bare = shared.bare(
        diffusers.Flux2KleinInpaintPipeline,
        image=Image.open(source),
        mask_image=Image.new("L", (128, 96), 255),
        strength=0.5,
        guidance_scale=1.0,
    )
    assert np.array_equal(made, bare)


@pytest.mark.parametrize(("size", "made"), [((150, 100), [160, 112]), ((16, 16), [16, 16]), ((130, 64), [144, 64])])
def test_sizes_are_snapped_up_and_brought_back(shared: Studio, size: tuple[int, int], made: list[int]) -> None:
    recording = shared.make("image", resolution=Resolution(*size), settings={"steps": 1})
    assert recording.details["made"] == made
    assert recording.frames[0].shape == (size[1], size[0], 3)
    if list(size) != made:
        assert any(f"{made[0]}x{made[1]}" in note for note in recording.plan.notes)


def test_a_second_job_loads_nothing_and_encodes_no_prompt_again(shared: Studio) -> None:
    shared.make("image", prompt="once only")
    built = list(shared.parts.built)
    again = shared.make("image", prompt="once only", seed=8)
    assert shared.parts.built == built
    assert again.stages == ["denoise", "decode"]


def test_another_prompt_another_seed_another_picture(shared: Studio) -> None:
    first = shared.picture("image")
    assert np.array_equal(first, shared.picture("image"))
    assert not np.array_equal(first, shared.picture("image", seed=8))
    assert not np.array_equal(first, shared.picture("image", prompt="a green hill"))


def test_a_preset_words_the_prompt(shared: Studio) -> None:
    made = shared.make("image", settings={"preset": "concept-art"})
    assert PROMPT in made.details["worded"]
    assert made.details["worded"].startswith("Concept art")
    assert not np.array_equal(made.frames[0], shared.picture("image"))


def test_a_prompt_that_is_cut_is_said_to_be(shared: Studio) -> None:
    short, long = (shared.make("image", prompt="x" * length, settings={"steps": 1}).details for length in (20, 2000))
    assert short["prompt_tokens"] < 512
    assert "prompt_read_until_token" not in short
    assert long["prompt_tokens"] > 2000  # the tiny tokenizer has a token a letter
    assert long["prompt_read_until_token"] == 512


@pytest.mark.parametrize("after", [1, 2, 3, 5])
def test_a_cancel_is_noticed_at_the_next_step_and_breaks_nothing(shared: Studio, folder: Path, after: int) -> None:
    plain = shared.picture("image")
    built = list(shared.parts.built)
    settings = {"kv_cache": True}
    request = shared.request(
        "edit_image", source=str(folder / "source.png"), prompt=f"never {after}", settings=settings
    )
    (plan, *_) = shared.engine.plans(request)
    sink = Recording(request, plan, shared.parts, halt_after=after)
    with pytest.raises(Halt):
        shared.engine.generate(request, plan, sink)
    assert len(sink.reports) == after
    assert not sink.frames
    assert np.array_equal(shared.picture("image"), plain)
    assert shared.parts.built == built


def test_a_mask_of_another_size_is_refused(shared: Studio, folder: Path, tmp_path: Path) -> None:
    mask = hole(tmp_path / "mask.png", 100, 96)
    with pytest.raises(BadInput, match="100x96") as refused:
        shared.make("inpaint", source=str(folder / "source.png"), mask=str(mask))
    assert refused.value.code == "bad_generation"


def test_a_black_mask_is_refused(shared: Studio, folder: Path, tmp_path: Path) -> None:
    Image.new("L", (SIZE.width, SIZE.height)).save(tmp_path / "black.png")
    with pytest.raises(BadInput, match="black"):
        shared.make("inpaint", source=str(folder / "source.png"), mask=str(tmp_path / "black.png"))


@pytest.mark.parametrize("use", ["source", "reference", "missing"])
def test_what_is_no_picture_is_refused_before_anything_is_loaded(shared: Studio, tmp_path: Path, use: str) -> None:
    studio = Studio(shared.home)
    path = tmp_path / "text.png"
    if use != "missing":
        path.write_text("I am not a picture.")
    given = {"source": str(path)} if use == "source" else {"references": (Conditioning(str(path)),)}
    with pytest.raises(BadInput) as refused:
        studio.make("edit_image" if use == "source" else "image", **given)
    assert refused.value.code == "bad_generation"
    assert not studio.parts.built


def test_a_reference_that_is_too_slim_is_refused(shared: Studio, tmp_path: Path) -> None:
    path = photo(tmp_path / "slim.png", 1000, 100)
    with pytest.raises(BadInput, match="as long as wide"):
        shared.make("image", references=(Conditioning(str(path)),))


def test_a_small_reference_is_enlarged(shared: Studio, tmp_path: Path) -> None:
    path = photo(tmp_path / "small.png", 40, 32)
    assert shared.make("image", references=(Conditioning(str(path)),)).details["references"] == 1


def test_weights_that_are_damaged_are_said_to_be(shared: Studio, tmp_path: Path) -> None:
    shutil.copytree(shared.home / "flux2-klein", tmp_path / "flux2-klein")
    studio = Studio(tmp_path)
    request = studio.request("image", prompt="damaged")
    (plan, *_) = studio.engine.plans(request)
    (weights,) = (tmp_path / "flux2-klein" / "transformer").glob("*.safetensors")
    weights.write_bytes(weights.read_bytes()[:-100])
    with pytest.raises(GenerationError) as broken:
        studio.engine.generate(request, plan, Recording(request, plan, studio.parts))
    assert broken.value.code == "model_broken"
    with pytest.raises(GenerationError) as seen:
        studio.engine.plans(request)
    assert seen.value.code == "model_broken"
