"""FLUX.2 in a worker process: the take on disk is what the engine made, also while its parts come and go."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from genlock.generation.engine import Engines
from genlock.generation.executor import Finished, Move, Ticket
from genlock.generation.local import LocalExecutor
from genlock.generation.masks.reel import reel
from genlock.generation.nursery import ForkNursery
from genlock.project.request import Selection
from tests.generation.desk import Usher, Watch, decoded
from tests.generation.engines.flux2.studio import Studio, hole, photo, pixels
from tests.generation.footage import RATE, clip, disc

pytest.importorskip("diffusers")


@pytest.fixture(scope="module")
def working(shared: Studio) -> Iterator[tuple[LocalExecutor, Watch]]:
    """An executor with its workers, on the tiny models, and who is told what they hold."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GENLOCK_MODELS", str(shared.home))
        patch.setenv("OMP_NUM_THREADS", "1")
        executor, watch = LocalExecutor(Engines(), nursery_=ForkNursery()), Watch()
        executor.watch(watch)
        executor.start()
        yield executor, watch
        executor.close()


def take(
    working: tuple[LocalExecutor, Watch],
    studio: Studio,
    folder: Path,
    mode: str,
    moves: dict[str, tuple[Move, ...]] | None = None,
    **fields: Any,
) -> tuple[Finished, list[str]]:
    """Returns how a job ended, and its stages."""
    executor, _ = working
    request = studio.request(mode, **fields)
    (plan, *_) = studio.engine.plans(request)
    usher = Usher(executor, moves)
    executor.submit(
        Ticket(f"job-{folder.name}-{mode}", request, plan, str(folder), f"{mode}_v001", 1, proxy=False), usher
    )
    outcome = usher.outcome(90)
    assert isinstance(outcome, Finished), outcome
    return outcome, usher.stages


def test_a_take_is_the_engines_picture_while_parts_come_and_go(
    working: tuple[LocalExecutor, Watch], shared: Studio, tmp_path: Path
) -> None:
    source, mask = photo(tmp_path / "source.png"), hole(tmp_path / "mask.png")
    given = {"source": str(source), "mask": str(mask), "prompt": "in a worker"}
    leaving = {
        "denoise": (Move("flux2-klein/text_encoder@float32", "disk"),),
        "decode": (Move("flux2-klein/transformer@float32", "disk"),),
    }
    done, stages = take(working, shared, tmp_path, "inpaint", leaving, **given)
    made = shared.make("inpaint", **given)
    assert np.array_equal(pixels(Path(done.take.path)), made.frames[0])
    assert stages == ["encode", "denoise", "decode"]
    assert done.take.provenance is not None
    assert done.take.provenance.engine == "flux2"
    assert done.take.provenance.model == "flux2-klein"
    assert done.take.provenance.details["composite"] is True
    assert set(working[1].held()) == {"flux2-klein/vae@float32"}

    again, stages = take(working, shared, tmp_path, "image", prompt="in a worker")
    assert np.array_equal(pixels(Path(again.take.path)), shared.picture("image", prompt="in a worker"))
    assert stages == ["denoise", "decode"]  # the prompt was kept


def test_a_clip_becomes_a_movie_of_exactly_its_length(
    working: tuple[LocalExecutor, Watch], shared: Studio, tmp_path: Path
) -> None:
    frames = [disc(number, 128, 96)[0] for number in range(11)]
    source = clip(tmp_path / "source.mov", frames, np.zeros((2, 22000), np.float32))
    mask = hole(tmp_path / "mask.png")
    given = {"source": str(source), "mask": str(mask), "frames": 11, "settings": {"steps": 1, "every": 5}}
    done, stages = take(working, shared, tmp_path, "inpaint", **given)
    assert stages.count("denoise") == 1
    assert len(decoded(done.take.path)) == 11
    made = shared.make("inpaint", **given)
    with reel(done.take.path, RATE, "take") as movie:
        for number, frame in enumerate(made.frames):
            assert np.abs(movie.picture(number).astype(int) - frame.astype(int)).mean() < 6  # ProRes of noise
    assert done.take.info is not None
    assert done.take.info.audio is not None


def test_what_is_selected_is_followed_by_a_part_that_leaves_before_painting(
    working: tuple[LocalExecutor, Watch], shared: Studio, tmp_path: Path
) -> None:
    frames = [disc(number, 128, 96) for number in range(5)]
    source = clip(tmp_path / "source.mov", [picture for picture, _ in frames])
    Image.fromarray(np.uint8(255) * frames[1][1]).save(tmp_path / "drawn.png")
    given = {
        "source": str(source),
        "selections": (Selection(mask=str(tmp_path / "drawn.png"), frame=1),),
        "prompt": "selected in a worker",
        "frames": 5,
        "settings": {"steps": 1, "every": 4},
    }
    leaving = {"encode": (Move("sam3/model@float32", "disk"),)}
    done, stages = take(working, shared, tmp_path, "inpaint", leaving, **given)
    assert stages == ["select", "encode", "denoise"]
    assert "sam3/model@float32" not in working[1].held()
    assert done.take.provenance is not None
    assert done.take.provenance.details["selected_by"]["model"] == "sam3"
    assert len(decoded(done.take.path)) == 5
