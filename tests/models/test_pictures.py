"""FLUX.2, SAM 3 and the language models through the daemon: every mode, from the request to the take on disk."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from genlock.project.shot import Take
from tests.generation.engines.ollama.server import FakeOllama, serving
from tests.models.lot import HEIGHT, SIZE, WIDTH, Array, Lot, alpha, frames, psnr

pytest.importorskip("diffusers")

FAST = {"steps": 2}


def painted(lot: Lot, settings: dict[str, Any] | None = None, **more: Any) -> tuple[Take, Array]:
    """Returns a still of flux2 and its picture."""
    take = lot.made(engine="flux2", settings={**FAST, **(settings or {})}, **more)
    assert take.provenance is not None
    assert (take.kind, take.provenance.engine, take.provenance.draft) == ("picture", "flux2", False)
    (picture,) = frames(take.path)
    assert picture.shape == (HEIGHT, WIDTH, 3)
    return take, picture


def details(take: Take) -> dict[str, Any]:
    assert take.provenance is not None
    return take.provenance.details


# -- flux2


def test_a_picture_from_text_says_all_about_itself(lot: Lot) -> None:
    take, picture = painted(lot, mode="image")
    assert take.path.endswith(".png")
    assert picture.std() > 1
    made = take.provenance
    assert made is not None
    assert (made.model, made.engine_version, made.request.seed) == ("flux2-klein", "1", 7)
    assert {"genlock", "torch", "diffusers", "transformers"} <= set(made.versions)
    assert set(made.details["stages"]) == {"encode", "denoise", "decode"}
    assert np.array_equal(painted(lot, mode="image")[1], picture)


def test_references_are_looked_at_and_kept_or_not(lot: Lot, footage: Path) -> None:
    shown = {"mode": "image", "references": [{"path": str(footage / "a.png")}, {"path": str(footage / "b.png")}]}
    plain = painted(lot, mode="image")[1]
    _, looked = painted(lot, **shown)
    assert not np.array_equal(looked, plain)
    kept_take, kept = painted(lot, {"kv_cache": True}, **shown)
    assert not np.array_equal(kept, plain)
    assert kept_take.provenance is not None
    assert kept_take.provenance.request.settings["kv_cache"] is True


@pytest.mark.parametrize("settings", [{}, {"kv_cache": True, "steps": 4}, {"strength": 0.6}])
def test_a_picture_is_edited(lot: Lot, footage: Path, settings: dict[str, Any]) -> None:
    source = footage / "a.png"
    take, picture = painted(lot, settings, mode="edit_image", source=str(source))
    assert take.provenance is not None
    assert take.provenance.request.source == str(source)
    assert not np.array_equal(picture, frames(source)[0])


def test_a_masked_part_of_a_still_is_made_anew(lot: Lot, footage: Path) -> None:
    source, mask = frames(footage / "first.png")[0], frames(footage / "mask.png")[0] > 0
    where = {"source": str(footage / "first.png"), "mask": str(footage / "mask.png"), "frames": 1}
    _, picture = painted(lot, mode="inpaint", **where)
    assert np.array_equal(picture[~mask], source[~mask])
    assert not np.array_equal(picture[mask], source[mask])


def test_a_masked_part_of_a_clip_is_made_anew(lot: Lot, footage: Path) -> None:
    where = {"source": str(footage / "disc.mov"), "mask": str(footage / "mask.mov"), "frames": 17}
    take = lot.made(mode="inpaint", engine="flux2", settings=FAST | {"every": 8}, **where)
    shown, given = frames(take.path), frames(footage / "disc.mov")
    outside = frames(footage / "mask.mov")[..., 0] < 8
    assert shown.shape == (17, HEIGHT, WIDTH, 3)
    assert psnr(shown[outside], given[outside]) > 28
    assert psnr(shown[~outside], given[~outside]) < 25
    assert take.info is not None
    assert take.info.frames == 17


def test_words_to_avoid_are_read_with_true_guidance(lot: Lot) -> None:
    plain = painted(lot, mode="image", negative_prompt="fog")[1]
    one = painted(lot, {"true_cfg": True}, mode="image", negative_prompt="fog")[1]
    two = painted(lot, {"true_cfg": True}, mode="image", negative_prompt="people")[1]
    assert not np.array_equal(plain, one)
    assert not np.array_equal(one, two)


def test_a_lora_and_another_autoencoder_change_the_picture_and_go_again(lot: Lot, footage: Path) -> None:
    plain = painted(lot, mode="image")[1]
    _, inked = painted(lot, {"loras": [{"name": "ink"}]}, mode="image")
    assert not np.array_equal(inked, plain)
    take, _ = painted(lot, {"autoencoder": "flux2-decoder"}, mode="image")
    assert take.provenance is not None
    assert "flux2-decoder" in take.provenance.model
    names = {row["component"] for row in lot.memory()["residents"]}
    assert len([name for name in names if name.startswith("flux2-klein/transformer")]) == 1
    assert np.array_equal(painted(lot, mode="image")[1], plain)


# -- sam3


POINT = {"points": [[48, 32]]}
BOX = {"boxes": [[20, 10, 80, 60]]}
KINDS: dict[str, dict[str, Any]] = {"point": POINT, "box": BOX, "text": {"text": "disc"}, "mask": {"mask": "mask.png"}}
LOOSE = {"threshold": 0.05}


def chosen(footage: Path, kind: str) -> list[dict[str, Any]]:
    given = KINDS[kind]
    return [{**given, "mask": str(footage / given["mask"])} if "mask" in given else given]


@pytest.mark.parametrize("kind", KINDS)
def test_a_selection_becomes_transparency_a_matte_and_polygons(lot: Lot, footage: Path, kind: str) -> None:
    take = lot.made(
        mode="mask", engine="sam3", source=str(footage / "disc.mov"), selections=chosen(footage, kind), settings=LOOSE
    )
    assert (take.kind, sorted(take.sidecars)) == ("mask", ["matte", "polygon"])
    (cut,) = frames(take.path)
    assert cut.shape == (HEIGHT, WIDTH, 4)
    (matte,) = Path(take.sidecars["matte"]).iterdir()
    assert 0 < np.count_nonzero(cut[..., 3]) < WIDTH * HEIGHT
    assert np.array_equal(frames(matte)[0] > 0, cut[..., 3] > 0)
    lines = Path(take.sidecars["polygon"]).read_text().splitlines()
    assert all(json.loads(line) for line in lines)
    assert lines
    assert take.provenance is not None
    assert (take.provenance.engine, take.provenance.model) == ("sam3", "sam3")
    assert lot.get(f"/api/shots/{lot.job(take.job)['shot']}")["selected"] is None


@pytest.mark.parametrize("direction", ["forward", "backward", "both"])
@pytest.mark.parametrize("kind", ["point", "box", "text"])
def test_a_thing_is_tracked_through_a_clip(lot: Lot, footage: Path, kind: str, direction: str) -> None:
    (selection,) = chosen(footage, kind)
    frame = {"forward": 0, "backward": 8, "both": 4}[direction]
    take = lot.made(
        mode="track", engine="sam3", source=str(footage / "disc.mov"), selections=[{**selection, "frame": frame}],
        direction=direction, frames=9, settings=LOOSE,
    )  # fmt: skip
    assert take.kind == "mask"
    through = alpha(take.path)
    assert through.shape == (9, HEIGHT, WIDTH)
    assert through[frame].any()
    assert len(list(Path(take.sidecars["matte"]).iterdir())) == 9
    assert Path(take.sidecars["polygon"]).is_file()


# -- language


@pytest.fixture
def ollama() -> Iterator[FakeOllama]:
    with serving() as fake:
        yield fake


def test_gemma_writes_a_prompt_out(lot: Lot) -> None:
    take = lot.made(mode="enhance_prompt", engine="llm", settings={"max_tokens": 12})
    assert (take.kind, Path(take.path).suffix) == ("text", ".txt")
    assert Path(take.path).read_text(encoding="utf-8")
    assert take.provenance is not None
    assert (take.provenance.engine, take.provenance.model) == ("llm", "gemma3")
    assert take.provenance.request.settings["context"]["shot"].startswith("LOT")


def test_a_server_writes_a_prompt_out(lot: Lot, ollama: FakeOllama) -> None:
    take = lot.made(mode="enhance_prompt", engine="ollama", settings={"url": ollama.url})
    assert Path(take.path).read_text(encoding="utf-8").strip() == "A fox runs."
    (asked,) = ollama.bodies("/api/chat")
    assert asked["options"]["seed"] == 7
    assert "lighthouse" in asked["messages"][1]["content"]
    assert take.provenance is not None
    assert (take.provenance.engine, take.provenance.model) == ("ollama", asked["model"])


def test_the_language_model_is_chosen_while_the_daemon_runs(lot: Lot, ollama: FakeOllama) -> None:
    for settings, engine in (
        ({"provider": "ollama", "url": ollama.url}, "ollama"),
        ({"provider": "embedded"}, "animatic"),
        ({"provider": "auto", "url": ""}, "llm"),
    ):
        changed = lot.request("PATCH", "/api/settings/llm", json=settings)
        assert changed.is_success, changed.text
        take = lot.made(mode="enhance_prompt")
        assert take.provenance is not None
        assert take.provenance.engine == engine


def test_what_nobody_named_goes_to_the_best_engine_here(lot: Lot, footage: Path) -> None:
    source = {"source": str(footage / "disc.mov"), "selections": [POINT]}
    for engine, more in (("flux2", {"mode": "image"}), ("sam3", {"mode": "mask", **source})):
        take = lot.made(**more)
        assert take.provenance is not None
        assert (take.provenance.engine, take.provenance.draft) == (engine, False)
    assert SIZE == (WIDTH, HEIGHT)
