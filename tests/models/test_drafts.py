"""The same requests on a machine without weights: the embedded engine answers every mode, and says that it drafts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.models.lot import HEIGHT, WIDTH, Lot, alpha, frames, opened

POINT = [{"points": [[40, 32]]}]
BOX = [{"boxes": [[10, 10, 80, 60]]}]


@pytest.fixture(scope="module")
def lot(folder: Path) -> Iterator[Lot]:
    """A daemon on a machine without any model."""
    empty = folder / "no models"
    empty.mkdir()
    with opened(folder, empty) as found:
        yield found
        found.rest()
        assert found.left() == []


def asked(mode: str, media: Path) -> dict[str, Any]:
    """Returns what a request of a mode needs."""
    clip, mask = {"source": str(media / "disc.mov")}, {"mask": str(media / "mask.mov")}
    key, last = {"path": str(media / "a.png")}, {"path": str(media / "b.png"), "frame": -1}
    needs: dict[str, dict[str, Any]] = {
        "text_to_video": {},
        "image_to_video": {"conditioning": [key]},
        "keyframes": {"conditioning": [key, last]},
        "extend": {**clip, "frames": 9},
        "retake": {**clip, "frames": 17, "span": [4, 12]},
        "fill_gap": {"source": key["path"], "after": last["path"], "frames": 11},
        "image": {},
        "edit_image": {"source": key["path"]},
        "inpaint": {**clip, **mask, "frames": 17},
        "mask": {**clip, "selections": POINT},
        "track": {**clip, "selections": BOX, "frames": 17},
        "upscale": {**clip, "frames": 17, "resolution": [2 * WIDTH, 2 * HEIGHT]},
        "retime": {**clip, "frames": 25},
        "scenes": {**clip},
        "enhance_prompt": {},
    }
    return {"mode": mode, **needs[mode]}


CLIPS = {
    "text_to_video": 9, "image_to_video": 9, "keyframes": 9, "extend": 9, "retake": 17, "fill_gap": 11, "inpaint": 17,
    "upscale": 17, "retime": 25,
}  # fmt: skip


@pytest.mark.parametrize("mode", CLIPS)
def test_every_clip_has_its_frames_and_is_a_draft(lot: Lot, footage: Path, mode: str) -> None:
    take = lot.made(**asked(mode, footage))
    large = 2 if mode == "upscale" else 1
    assert frames(take.path).shape == (CLIPS[mode], HEIGHT * large, WIDTH * large, 3)
    assert take.provenance is not None
    assert (take.provenance.engine, take.provenance.draft) == ("animatic", True)
    assert take.provenance.request.mode == mode


@pytest.mark.parametrize("mode", ["image", "edit_image"])
def test_every_still_is_a_draft(lot: Lot, footage: Path, mode: str) -> None:
    take = lot.made(**asked(mode, footage))
    assert frames(take.path).shape == (1, HEIGHT, WIDTH, 3)
    assert take.provenance is not None
    assert (take.provenance.engine, take.provenance.draft) == ("animatic", True)


@pytest.mark.parametrize("mode", ["mask", "track"])
def test_every_mask_is_a_draft_with_its_files(lot: Lot, footage: Path, mode: str) -> None:
    take = lot.made(**asked(mode, footage))
    seen = frames(take.path)[..., 3] if mode == "mask" else alpha(take.path)
    assert seen.shape == (1 if mode == "mask" else 17, HEIGHT, WIDTH)
    assert 0 < np.count_nonzero(seen) < seen.size
    assert (take.kind, sorted(take.sidecars)) == ("mask", ["matte", "polygon"])
    assert len(list(Path(take.sidecars["matte"]).iterdir())) == len(seen)
    assert take.provenance is not None
    assert (take.provenance.engine, take.provenance.draft) == ("animatic", True)


def test_every_text_is_a_draft(lot: Lot, footage: Path) -> None:
    cuts = lot.made(**asked("scenes", footage))
    assert json.loads(Path(cuts.path).read_text(encoding="utf-8")) == {
        "frames": 17,
        "scenes": [{"start": 0, "end": 17}],
    }
    words = lot.made(**asked("enhance_prompt", footage))
    assert "A lighthouse at dawn" in Path(words.path).read_text(encoding="utf-8")
    for take in (cuts, words):
        assert take.kind == "text"
        assert take.provenance is not None
        assert (take.provenance.engine, take.provenance.draft) == ("animatic", True)


def test_an_engine_that_was_named_is_not_replaced(lot: Lot) -> None:
    code, message = lot.fails(engine="ltx2")
    assert code == "model_missing"
    assert "ltx2" in message
    rows = {row["name"]: row for row in lot.get("/api/engines")}
    assert "genlock models pull" in rows["ltx2"]["reason"]
    assert rows["animatic"]["available"] is True
