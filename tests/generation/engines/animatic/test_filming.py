"""The animatic engine: exact lengths, the same pictures for the same request, and every input honoured."""

from __future__ import annotations

from hashlib import blake2b
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from genlock.errors import BadInput
from genlock.generation import planner
from genlock.generation.engine import Engines
from genlock.generation.executor import Finished, Outcome, Ticket
from genlock.generation.worker import carry_out
from genlock.project.request import Conditioning, GenerationRequest, Span
from genlock.project.shot import Take
from genlock.timeline.model import Resolution
from genlock.timeline.rate import Rate
from tests.generation.desk import Alone, decoded, psnr, request, samples

SIZE = Resolution(320, 180)
CLEAN = {"burnin": False}
ENGINES = Engines()


class Collected:
    """A sink that keeps everything."""

    def __init__(self) -> None:
        self.frames: list[np.ndarray] = []
        self.steps: list[tuple[int, int]] = []
        self.samples = np.zeros((2, 0), np.float32)

    def frame(self, picture: np.ndarray) -> None:
        self.frames.append(picture)

    def sound(self, samples: np.ndarray) -> None:
        self.samples = np.concatenate([self.samples, samples], axis=1)

    def text(self, text: str) -> None:
        raise AssertionError("an animatic says nothing")

    def progress(self, done: int, total: int, phase: str) -> None:
        self.steps.append((done, total))

    def preview(self, jpeg: bytes) -> None:
        pass

    def cancelled(self) -> bool:
        return False


def film(**fields: Any) -> Collected:
    fields.setdefault("resolution", SIZE)
    made = request(**fields)
    (plan,) = planner.plans(made, ENGINES)
    sink = Collected()
    ENGINES.get("animatic").generate(made, plan, sink)
    return sink


def digest(sink: Collected) -> str:
    made = blake2b(sink.samples.tobytes())
    for frame in sink.frames:
        made.update(np.ascontiguousarray(frame))
    return made.hexdigest()


def delivered(made: GenerationRequest, folder: Path, **ticket: Any) -> Outcome:
    (plan,) = planner.plans(made, ENGINES)
    put = Ticket(blake2b(repr(made).encode()).hexdigest()[:32], made, plan, str(folder), "SH_v001", 1, **ticket)
    return carry_out(put, ENGINES, Alone())


def take(made: GenerationRequest, folder: Path, **ticket: Any) -> Take:
    outcome = delivered(made, folder, **{"proxy": False, **ticket})
    assert isinstance(outcome, Finished), outcome
    return outcome.take


def painting(seed: int, size: tuple[int, int] = (320, 180)) -> np.ndarray:
    """Returns a picture with some structure."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (6, 10, 3), np.uint8)
    return cv2.resize(coarse, size, interpolation=cv2.INTER_CUBIC)


def saved(folder: Path, name: str, picture: np.ndarray) -> str:
    path = folder / f"{name}.png"
    cv2.imwrite(str(path), cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
    return str(path)


def inside(picture: np.ndarray) -> np.ndarray:
    """Returns the picture between the bars."""
    height = picture.shape[0]
    return picture[round(height * 0.09) : round(height * 0.86)]


@pytest.fixture
def source(tmp_path: Path) -> Take:
    """A take to go on from."""
    made = request(prompt="Mountains at dusk, pan left", resolution=SIZE, frames=30, seed=4, start_frame=86400)
    return take(made, tmp_path / "source")


@pytest.fixture
def inputs(tmp_path: Path, source: Take) -> dict[str, dict[str, Any]]:
    """The least each mode needs."""
    a, b = saved(tmp_path, "a", painting(1)), saved(tmp_path, "b", painting(2))
    return {
        "text_to_video": {},
        "image_to_video": {"conditioning": (Conditioning(a),)},
        "keyframes": {"conditioning": (Conditioning(a), Conditioning(b, frame=-1))},
        "extend": {"source": source.path},
        "retake": {"source": source.path, "span": Span(5, 15)},
        "fill_gap": {"source": source.path, "after": b},
    }


MODES = ("text_to_video", "image_to_video", "keyframes", "extend", "retake", "fill_gap")


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("rate", "drop"), [(Rate(24000, 1001), False), (Rate(25), False), (Rate(30000, 1001), True)], ids=str
)
def test_every_mode_has_exactly_the_frames_and_the_rate(
    mode: str, rate: Rate, drop: bool, inputs: dict[str, dict[str, Any]], tmp_path: Path
) -> None:
    made = request(mode, resolution=SIZE, frames=23, rate=rate, drop_frame=drop, start_frame=1798, **inputs[mode])
    result = take(made, tmp_path / "out")
    assert result.info is not None
    assert (result.info.rate, result.info.frames, result.info.start) == (rate, 23, 0)
    assert result.info.timecode == "", "Resolve would count the media from a timecode track"
    assert len(decoded(result.path)) == 23
    assert samples(result.path) == round(23 * rate.den * 48000 / rate.num)
    assert result.provenance is not None
    assert result.provenance.draft
    assert (result.provenance.engine, result.provenance.request) == ("animatic", made)


@pytest.mark.parametrize("mode", MODES)
def test_the_same_request_gives_the_same_bytes(mode: str, inputs: dict[str, dict[str, Any]]) -> None:
    fields = {"mode": mode, "frames": 12, "seed": 7, **inputs[mode]}
    if mode == "retake":
        fields["span"] = Span(2, 9)
    assert digest(film(**fields)) == digest(film(**fields))


def test_the_file_is_the_same_too(tmp_path: Path) -> None:
    made = request(resolution=SIZE, frames=12)
    first, second = take(made, tmp_path / "a"), take(made, tmp_path / "b")
    assert first.info is not None
    assert second.info is not None
    assert first.info.digest == second.info.digest


def test_another_seed_and_another_prompt_give_other_pictures() -> None:
    plain = film(frames=2, settings=CLEAN).frames[0]
    assert psnr(plain, film(frames=2, settings=CLEAN, seed=1).frames[0]) < 35
    assert psnr(plain, film(frames=2, settings=CLEAN, prompt="A city at night").frames[0]) < 25


def test_a_condition_image_is_where_it_was_put(tmp_path: Path) -> None:
    picture = painting(1)
    for frame in (0, 11, -1):
        condition = Conditioning(saved(tmp_path, "a", picture), frame=frame)
        frames = film(mode="image_to_video", frames=24, conditioning=(condition,), camera="push", settings=CLEAN).frames
        assert psnr(frames[frame], picture) > 40
        assert psnr(frames[frame - 12], picture) < 38


@pytest.mark.parametrize("camera", ["push", "pull", "pan left", "pan right", "tilt up", "tilt down", "orbit"])
def test_the_camera_moves_evenly_from_the_condition_image(camera: str, tmp_path: Path) -> None:
    picture = painting(1)
    conditions = (Conditioning(saved(tmp_path, "a", picture)),)
    frames = film(mode="image_to_video", frames=24, conditioning=conditions, camera=camera, settings=CLEAN).frames
    assert psnr(frames[-1], picture) < 30
    steps = [psnr(a, b) for a, b in pairwise(frames)]
    assert min(steps) > 25


def test_static_stays(tmp_path: Path) -> None:
    conditions = (Conditioning(saved(tmp_path, "a", painting(1))),)
    frames = film(mode="image_to_video", frames=5, conditioning=conditions, camera="static", settings=CLEAN).frames
    assert psnr(frames[0], frames[-1]) > 50


def test_all_keyframes_are_hit_and_the_way_between_is_smooth(tmp_path: Path) -> None:
    pictures = {0: painting(1), 9: painting(2), -5: painting(3), -1: painting(4)}
    conditions = tuple(Conditioning(saved(tmp_path, f"k{n}", p), frame=n) for n, p in pictures.items())
    frames = film(mode="keyframes", frames=30, conditioning=conditions, settings=CLEAN).frames
    for number, picture in pictures.items():
        assert psnr(frames[number], picture) > 40
    between = frames[4]
    assert psnr(between, pictures[0]) < 30
    assert psnr(between, pictures[9]) < 30


def test_a_condition_clip_plays_where_it_was_put(tmp_path: Path, source: Take) -> None:
    given = decoded(source.path)
    condition = Conditioning(source.path, frame=6, first=3, frames=8)
    frames = film(mode="image_to_video", frames=24, conditioning=(condition,), settings=CLEAN).frames
    for offset in range(8):
        assert psnr(inside(frames[6 + offset]), inside(given[3 + offset])) > 40


def test_a_weak_condition_lets_the_world_through(tmp_path: Path) -> None:
    picture = painting(1)
    path = saved(tmp_path, "a", picture)
    strengths = [
        psnr(film(mode="image", conditioning=(Conditioning(path, strength=s),), settings=CLEAN).frames[0], picture)
        for s in (1.0, 0.7, 0.2)
    ]
    assert strengths == sorted(strengths, reverse=True)
    assert strengths[0] > 40 > strengths[1]


def test_an_extension_goes_on_where_its_source_ends(source: Take) -> None:
    last = decoded(source.path)[-1]
    frames = film(mode="extend", frames=20, source=source.path, prompt="static").frames
    assert psnr(inside(frames[0]), inside(last)) > 30
    assert psnr(inside(frames[0]), inside(last)) > psnr(inside(frames[-1]), inside(last)) + 3


def test_an_extension_keeps_the_movement_of_its_source(source: Take) -> None:
    given = decoded(source.path)
    frames = film(mode="extend", frames=8, source=source.path, prompt="static").frames
    before = cv2.cvtColor(inside(given[-1]), cv2.COLOR_RGB2GRAY).astype(np.float32)
    after = cv2.cvtColor(inside(frames[6]), cv2.COLOR_RGB2GRAY).astype(np.float32)
    (moved, _), _ = cv2.phaseCorrelate(before, after)
    assert moved > 0.5  # the picture of a pan to the left goes to the right


def test_a_retake_changes_its_span_and_nothing_else(source: Take) -> None:
    given = decoded(source.path)
    frames = film(mode="retake", frames=30, source=source.path, span=Span(8, 20), prompt="A city at night").frames
    for number in (*range(8), *range(20, 30)):
        assert np.array_equal(frames[number], given[number])
    assert psnr(inside(frames[14]), inside(given[14])) < 25
    assert psnr(inside(frames[8]), inside(given[7])) > 24
    assert psnr(inside(frames[19]), inside(given[20])) > 24


def test_the_sound_of_a_retake_is_its_sources(source: Take) -> None:
    made = film(mode="retake", frames=30, source=source.path, span=Span(8, 20), prompt="another")
    own = film(prompt="Mountains at dusk, pan left", frames=30, seed=4)
    assert np.abs(made.samples - own.samples).max() < 1e-4


def test_a_filled_gap_joins_both_sides(tmp_path: Path, source: Take) -> None:
    last, head = decoded(source.path)[-1], painting(9)
    frames = film(
        mode="fill_gap", frames=24, source=source.path, after=saved(tmp_path, "head", head), settings=CLEAN
    ).frames
    assert psnr(inside(frames[0]), inside(last)) > psnr(inside(frames[12]), inside(last)) + 6
    assert psnr(frames[-1], head) > psnr(frames[12], head) + 6
    steps = [psnr(a, b) for a, b in pairwise(frames)]
    assert min(steps) > 20


def test_old_bars_do_not_move_with_the_picture(source: Take) -> None:
    """A take made from a take has one burn-in: where the old one was, the picture goes on."""
    frames = film(mode="extend", frames=20, source=source.path, camera="tilt up", settings=CLEAN).frames
    bar = np.array((11, 12, 14))
    for frame in frames:
        rows = np.abs(frame.astype(int) - bar).max(axis=2).max(axis=1)
        assert (rows > 12).all()


def test_an_image_is_one_still(tmp_path: Path) -> None:
    made = request("image", resolution=SIZE)
    result = take(made, tmp_path)
    assert Path(result.path).name == "SH_v001.png"
    picture = cv2.cvtColor(cv2.imread(result.path), cv2.COLOR_BGR2RGB)
    assert np.array_equal(picture, film(mode="image").frames[0])
    assert result.info is not None
    assert (result.info.kind, result.info.width, result.info.height) == ("image", 320, 180)


def test_the_guide_is_quiet_and_exact() -> None:
    sink = film(frames=48, rate=Rate(24000, 1001))
    assert sink.samples.shape == (2, 96096)
    assert 0.01 < np.abs(sink.samples).max() <= 0.0601
    assert np.abs(sink.samples[:, [0, -1]]).max() < 1e-3


def test_a_given_sound_is_used(tmp_path: Path, source: Take) -> None:
    with_own = film(frames=30, audio=source.path, prompt="another one")
    assert np.abs(with_own.samples - film(frames=30, prompt="Mountains at dusk, pan left", seed=4).samples).max() < 1e-4


def test_progress_counts_every_frame() -> None:
    assert film(frames=5).steps == [(n, 5) for n in range(1, 6)]


def test_the_burn_in_counts_and_can_be_left_out() -> None:
    frames = film(frames=3, camera="static", resolution=Resolution(640, 360)).frames
    lower = [frame[330:] for frame in frames]
    assert not np.array_equal(lower[0], lower[1])
    clean = film(frames=1, camera="static", resolution=Resolution(640, 360), settings=CLEAN).frames[0]
    assert not np.array_equal(clean[330:], lower[0])
    assert psnr(inside(clean), inside(frames[0])) > 40


@pytest.mark.parametrize("size", [(16, 16), (64, 640), (1280, 96), (720, 1280)], ids=str)
def test_any_shape_can_be_filmed(size: tuple[int, int]) -> None:
    frame = film(frames=1, resolution=Resolution(*size), shot_code="SC03_SH0040", shot_type="wide").frames[0]
    assert frame.shape == (size[1], size[0], 3)


@pytest.mark.parametrize(
    "prompt", ["", "中文 العربية 🎬", "word" * 2000, "a\nb\tc", "sea", "city", "forest", "dunes", "hills"]
)
def test_any_prompt_can_be_filmed(prompt: str) -> None:
    assert film(frames=1, prompt=prompt, resolution=Resolution(640, 360)).frames[0].std() > 5


def test_a_source_that_is_no_picture(tmp_path: Path) -> None:
    path = tmp_path / "x.mov"
    path.write_text("no movie")
    with pytest.raises(BadInput) as caught:
        film(mode="extend", source=str(path))
    assert caught.value.code == "bad_generation"


def test_a_retake_longer_than_its_source(source: Take) -> None:
    with pytest.raises(BadInput, match="30 frames"):
        film(mode="retake", frames=31, source=source.path, span=Span(0, 4))


@pytest.mark.parametrize(
    "settings", [{"camera_amount": 9}, {"camera_amount": "much"}, {"retake_strength": float("nan")}]
)
def test_settings_out_of_range(settings: dict[str, Any]) -> None:
    with pytest.raises(BadInput):
        film(frames=1, settings=settings)


def test_a_proxy_stands_beside_the_master(tmp_path: Path) -> None:
    result = take(request(resolution=SIZE, frames=12), tmp_path, proxy=True)
    assert Path(result.proxy) == tmp_path / "Proxy" / "SH_v001.mp4"
    assert len(decoded(result.proxy)) == 12
