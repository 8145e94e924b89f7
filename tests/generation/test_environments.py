"""An environment of its own for an engine: really made with pip, once; then the engine runs in it as any worker does."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from PIL import Image

from genlock.errors import GenlockError, NotFound
from genlock.generation import environments
from genlock.generation.engine import Engines
from genlock.generation.engines.ltx_video.engine import LtxVideoEngine
from genlock.generation.executor import Finished, Message, Staging, Ticket
from genlock.generation.local import LocalExecutor
from genlock.generation.memory.machine import Machine
from genlock.generation.models.library import Library
from genlock.project.request import Conditioning, GenerationRequest
from genlock.timeline.model import Resolution
from tests.generation.desk import Ear, decoded
from tests.generation.footage import clip, disc

pytestmark = pytest.mark.timeout(900)

CHECKPOINT = Path(__file__).parent / "engines/ltx_video/checkpoint.py"


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    """A library with the environment of ltx-video and a tiny model in it."""
    made = Library(tmp_path_factory.mktemp("models"))
    try:
        python = environments.create("ltx-video", made)
    except GenlockError as error:
        if os.environ.get("REQUIRE_NATIVE"):
            raise
        pytest.skip(f"pip reaches no index: {error.message}")
    command = [str(python), "-W", "ignore", str(CHECKPOINT), str(made.home / "ltx-video")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=110)
    assert done.returncode == 0, done.stderr[-2000:]
    return made


def asked(mode: str = "text_to_video", **fields: object) -> GenerationRequest:
    given = {"prompt": "a lighthouse at dawn", "resolution": Resolution(90, 60), "frames": 15, "seed": 3, **fields}
    return GenerationRequest(mode, settings={"steps": 2, "guidance": 3.0}, **given)  # type: ignore[arg-type]


def test_its_libraries_are_older_than_ours(library: Library) -> None:
    versions = environments.check("ltx-video", library)
    assert versions["ltx-video"] == "0.1.2"
    assert versions["transformers"].startswith("4.")
    assert environments.python("ltx-video", library) is not None


def test_a_plan_names_its_interpreter_and_counts_each_part(library: Library) -> None:
    engine = LtxVideoEngine(library, Machine("card", "cuda", device=8 << 30, host=16 << 30))
    (plan,) = engine.plans(asked())
    assert plan.lane == "native"
    assert plan.how["python"] == str(environments.python("ltx-video", library))
    assert (plan.asked, plan.made, plan.how["size"]) == (15, 17, [96, 64])
    assert {c.name: c.bytes for c in plan.components}.keys() == {
        "ltx-video/transformer@bfloat16",
        "ltx-video/vae@bfloat16",
        "ltx-video/text_encoder@bfloat16",
    }
    assert all(component.bytes > 1000 for component in plan.components)
    assert engine.missing() == ""


def test_too_long_or_unknown_settings_are_refused(library: Library) -> None:
    engine = LtxVideoEngine(library)
    with pytest.raises(GenlockError, match="at most 257"):
        engine.plans(asked(frames=400))
    with pytest.raises(GenlockError, match="'sharpness'"):
        engine.plans(GenerationRequest("text_to_video", settings={"sharpness": 1}))


def test_without_an_environment_it_says_how_to_make_one(tmp_path: Path) -> None:
    engine = LtxVideoEngine(Library(tmp_path))
    assert "genlock models env ltx-video" in engine.missing()
    with pytest.raises(GenlockError) as error:
        engine.plans(asked())
    assert error.value.code == "model_missing"
    with pytest.raises(NotFound):
        environments.python("photoshop", Library(tmp_path))


def test_an_environment_of_other_packages_does_not_count(library: Library) -> None:
    mark = environments.folder("ltx-video", library) / environments.MARK
    recipe = mark.read_text()
    mark.write_text(recipe.replace("0.1.2", "0.1.1"))
    try:
        assert environments.python("ltx-video", library) is None
    finally:
        mark.write_text(recipe)


@pytest.mark.parametrize(
    ("mode", "more"),
    [
        ("text_to_video", {}),
        ("keyframes", {"conditioning": (Conditioning("still", 0), Conditioning("still", -1))}),
        ("extend", {"source": "clip"}),
    ],
)
def test_its_takes_have_the_frames_asked_for_and_say_where_they_come_from(
    library: Library, desk: LocalExecutor, tmp_path: Path, mode: str, more: dict[str, Any]
) -> None:
    still = tmp_path / "still.png"
    Image.fromarray(disc(0)[0]).save(still)
    movie = clip(tmp_path / "clip.mov", [disc(n)[0] for n in range(12)])
    given = msgspec.to_builtins(more)
    for condition in given.get("conditioning", ()):
        condition["path"] = str(still)
    if "source" in given:
        given["source"] = str(movie)
    request = asked(mode, **{k: msgspec.convert(v, tuple[Conditioning, ...] | str) for k, v in given.items()})
    outcomes = []
    for number in (1, 2):
        (plan,) = LtxVideoEngine(library).plans(request)
        usher = Usher(desk)
        put = Ticket(f"job{number}", request, plan, str(tmp_path), f"SH_v00{number}", number, proxy=False)
        desk.submit(put, usher)
        outcomes.append(usher.outcome(100))
    first, second = outcomes
    assert isinstance(first, Finished), first
    assert isinstance(second, Finished), second
    pictures = decoded(first.take.path)
    assert len(pictures) == 15
    assert pictures[0].shape == (60, 90, 3)
    assert all(np.array_equal(a, b) for a, b in zip(pictures, decoded(second.take.path), strict=True))
    made = first.take.provenance
    assert made is not None
    assert (made.engine, made.model, made.revision) == ("ltx-video", "ltx-video", "tiny")
    assert made.versions["transformers"].startswith("4."), "the versions are the environment's"


class Usher(Ear):
    """A listener that lets every stage begin."""

    def __init__(self, desk: LocalExecutor) -> None:
        super().__init__()
        self._desk = desk

    def __call__(self, message: Message) -> None:
        super().__call__(message)
        if isinstance(message, Staging):
            self._desk.proceed(message.job)


@pytest.fixture(scope="module")
def desk() -> Iterator[LocalExecutor]:
    made = LocalExecutor(Engines(), slots={"native": 1}, warm_after=600)
    made.start()
    yield made
    made.close()
