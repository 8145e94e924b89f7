"""Following things through a clip: exact counts in every direction, the bare model's masks, bounded memory."""

from __future__ import annotations

import gc
import os
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from transformers import Sam3TrackerVideoInferenceSession, Sam3VideoInferenceSession

from genlock.generation.engine import Halt
from genlock.generation.engines.sam3 import features, prepare
from genlock.generation.engines.sam3.engine import Sam3Engine
from genlock.generation.engines.sam3.footage import footage
from genlock.generation.engines.sam3.sessions import Clicked, Named
from genlock.generation.masks import matte
from genlock.generation.masks.outline import filled, read_lines
from genlock.generation.masks.overlap import overlap
from genlock.generation.memory.machine import Machine
from genlock.generation.models.library import Library
from genlock.project.request import Box, Direction, Point, Selection
from genlock.timeline.model import Resolution
from tests.generation.engines.sam3.conftest import FRAMES, Make, asked
from tests.generation.footage import clip, disc
from tests.generation.recording import Parts, Recording, run

BOX = Box(40, 60, 120, 140)
IN = Point(80, 96)
KINDS = {
    "point": {"points": (IN,)},
    "box": {"boxes": (BOX,)},
    "name": {"text": "disc"},
    "counter-example": {"boxes": (BOX, Box(200, 10, 240, 50, False))},
    "boxes": {"boxes": (BOX, Box(200, 20, 260, 80))},
}


def covered(made: Recording) -> list[bool]:
    return [bool(frame[..., 3].any()) for frame in made.frames]


@pytest.mark.parametrize("direction", ["forward", "backward", "both"])
@pytest.mark.parametrize("kind", KINDS)
def test_every_prompt_is_followed_in_every_direction(make: Make, kind: str, direction: Direction) -> None:
    made = make("track", Selection(frame=5, **KINDS[kind]), direction=direction)
    assert len(made.frames) == FRAMES
    forward, backward = direction != "backward", direction != "forward"
    assert covered(made) == [number == 5 or (forward if number > 5 else backward) for number in range(FRAMES)]
    for number in (0, 5, 11):
        assert overlap(made.frames[number][..., :3] > 128, _picture(number) > 128) > 0.97
    done = [report[0] for report in made.reports if report[2] != "look at prompts"]
    assert done == sorted(done)
    assert made.reports[-1][0] < made.reports[-1][1]


def test_a_mask_is_followed_and_held_on_its_frame(make: Make, tmp_path: Path) -> None:
    path = tmp_path / "before.png"
    path.write_bytes(matte.png(disc(5)[1]))
    made = make("track", Selection(mask=str(path), points=(IN,), frame=5), direction="both")
    assert all(covered(made))
    made = make("track", Selection(mask=str(path), frame=5), direction="both")
    assert all(covered(made))
    assert overlap(made.frames[5][..., 3] > 0, disc(5)[1]) > 0.9


def test_mattes_and_polygons_are_of_every_frame_and_say_the_same(make: Make) -> None:
    made = make(
        "track", Selection(frame=-3, **KINDS["point"]), Selection(text="disc", thing=2), resolution=Resolution(160, 96)
    )
    grey = {name: data for (use, name), data in made.attached.items() if use == "matte"}
    assert list(grey) == [f"matte/matte.{number:07d}.png" for number in range(FRAMES)]
    outlines = read_lines(made.attached["polygon", "polygon.jsonl"])
    assert {o.frame for o in outlines if o.thing == 1} == {9, 10, 11}
    assert {o.frame for o in outlines if o.thing == 2} == set(range(FRAMES))
    for number in range(FRAMES):
        mask = cv2.imdecode(np.frombuffer(grey[f"matte/matte.{number:07d}.png"], np.uint8), cv2.IMREAD_UNCHANGED) > 0
        whole = matte.united([filled(o) for o in outlines if o.frame == number], (320, 192))
        assert mask.shape == (192, 320)
        assert overlap(whole, mask) >= 0.97


def test_a_request_longer_than_its_source_is_filled_and_a_shorter_one_cut(make: Make) -> None:
    made = make("track", Selection(points=(IN,)), frames=15)
    assert len(made.frames) == 15
    assert made.details["repeated"] == 3
    assert np.array_equal(made.frames[14], made.frames[11])
    short = make("track", Selection(points=(IN,), frame=-1), frames=7, direction="backward")
    assert covered(short) == [True] * 7


def test_clicks_on_several_frames_describe_one_thing(make: Make) -> None:
    one = make("track", Selection(points=(IN,)))
    two = make("track", Selection(points=(IN,)), Selection(points=(Point(98, 96), Point(20, 20, False)), frame=9))
    assert covered(two) == [True] * FRAMES
    assert not np.array_equal(one.frames[9], two.frames[9])
    assert not np.array_equal(one.frames[11], two.frames[11])


def test_a_point_beside_the_thing_changes_its_track(make: Make) -> None:
    one = make("track", Selection(points=(IN,)))
    two = make("track", Selection(points=(IN, Point(20, 20, False))))
    assert not all(np.array_equal(a, b) for a, b in zip(one.frames, two.frames, strict=True))


def test_the_same_request_gives_the_same_track(make: Make) -> None:
    sides = [make("track", Selection(text="disc", frame=4), direction="both") for _ in range(2)]
    assert all(np.array_equal(a, b) for a, b in zip(sides[0].frames, sides[1].frames, strict=True))
    assert sides[0].attached == sides[1].attached


def test_frames_by_name_come_late_and_the_progress_says_so(make: Make, parts: Parts) -> None:
    made = make("track", Selection(text="disc"))
    assert any("frames come 2 later" in phase for _, _, phase in made.reports)


@pytest.mark.parametrize(
    ("reverse", "prompted"),
    [(False, (2,)), (True, (37,)), (False, (0, 6, 13, 20, 27, 34)), (True, (5, 12, 19, 26, 33, 39))],
)
def test_a_session_that_forgets_says_what_one_says_that_keeps_all(
    make: Make, parts: Parts, long: Path, reverse: bool, prompted: tuple[int, ...]
) -> None:
    """Against the library's own session and iterator over a clip it holds whole, bit for bit."""
    make("track", Selection(points=(IN,)))
    (model,) = parts.held.values()
    with torch.inference_mode(), footage(str(long)) as opened:
        sink = _quiet()
        pixels = [prepare.pixels(picture, 112, "cpu", torch.float32) for _, picture in opened.forward(0, LONG)]
        seen = [features.encode(model, one, sink) for one in pixels]
        ours = Clicked(model, 1, LONG, reverse)
        for number in prompted:
            ours.prompt(_prompt(number), number, seen[number], (320, 192))
        start = max(prompted) if reverse else min(prompted)
        order = range(start, -1, -1) if reverse else range(start, LONG)
        mine = [ours.step(number, seen[number]) for number in order]

        whole = Sam3TrackerVideoInferenceSession(
            torch.cat(pixels), 192, 320, dtype=torch.float32, max_vision_features_cache_size=LONG
        )
        for number, one in enumerate(seen):
            whole.cache.cache_vision_features(number, {"vision_feats": one.maps, "vision_pos_embeds": one.positions})
        whole.obj_id_to_idx(1)
        click = {
            "point_coords": prepare.places([(80, 96)], (320, 192), 112, "cpu"),
            "point_labels": torch.ones(1, 1, 1, dtype=torch.int32),
        }
        for number in prompted:
            whole.add_point_inputs(0, number, click)
            whole.obj_with_new_inputs = [1]
            model.tracker_model(inference_session=whole, frame_idx=number)
        theirs = list(model.tracker_model.propagate_in_video_iterator(whole, start, reverse=reverse))
    assert [one.frame_idx for one in theirs] == list(order)
    for one, other in zip(mine, theirs, strict=True):
        assert torch.equal(one, other.pred_masks[0, 0])
    stored = ours._session.output_dict_per_obj[0]["non_cond_frame_outputs"]
    assert len(stored) <= 17
    assert len(whole.output_dict_per_obj[0]["non_cond_frame_outputs"]) == len(mine) - len(prompted)
    assert not any("high_res_masks" in output for output in stored.values())


def test_looking_by_name_says_what_the_librarys_iterator_says(
    make: Make, parts: Parts, tiny_models: Path, long: Path
) -> None:
    make("track", Selection(points=(IN,)))
    (model,) = parts.held.values()
    from genlock.generation.engines.sam3 import loading

    words = loading.tokenizer(str(tiny_models / "sam3"))
    with torch.inference_mode(), footage(str(long)) as opened:
        pixels = [prepare.pixels(picture, 112, "cpu", torch.float32) for _, picture in opened.forward(0, LONG)]
        ours = Named(model, words, LONG, False, [_prompt(0, "disc")])
        mine = [pair for number, one in enumerate(pixels) for pair in ours.step(number, one)] + ours.rest()

        whole = Sam3VideoInferenceSession(torch.cat(pixels), 192, 320, dtype=torch.float32)
        number = whole.add_prompt("disc")
        given = words("disc", padding="max_length", max_length=32, return_tensors="pt")
        whole.prompt_input_ids[number], whole.prompt_attention_masks[number] = given.input_ids, given.attention_mask
        theirs = [
            (o.frame_idx, [m[0] for n, m in o.obj_id_to_mask.items() if n not in whole.hotstart_removed_obj_ids])
            for o in model.propagate_in_video_iterator(whole)
        ]
    assert [frame for frame, _ in mine] == [frame for frame, _ in theirs] == list(range(LONG))
    for (_, one), (_, other) in zip(mine, theirs, strict=True):
        assert len(one[1]) == len(other) > 0
        assert all(torch.equal(a, b) for a, b in zip(one[1], other, strict=True))


@pytest.mark.parametrize(
    ("kind", "direction", "frames"), [("point", "forward", 200), ("point", "backward", 100), ("name", "forward", 60)]
)
def test_a_long_clip_takes_no_more_memory_than_a_short_one(
    engine: Sam3Engine, parts: Parts, long: Path, kind: str, direction: Direction, frames: int
) -> None:
    selection = Selection(frame=-1 if direction == "backward" else 0, **KINDS[kind])
    request = asked("track", long, selection, frames=frames, direction=direction, settings={"threshold": 0.05})
    (plan,) = engine.plans(request)
    sink = _Measuring(request, plan, parts, 10)
    engine.generate(request, plan, sink)
    assert sink.count == frames
    tensors = [number for number, _ in sink.samples]
    pages = [size for _, size in sink.samples]
    early, late = len(tensors) // 3, -3
    # one tensor a frame kept would be a hundred and more, one picture a frame twenty megabytes
    assert max(tensors[late:]) - max(tensors[2:early]) < 20
    assert max(pages[late:]) - max(pages[2:early]) < 12 << 20


def test_a_cancel_anywhere_leaves_a_model_that_serves_the_next(
    engine: Sam3Engine, source: Path, make: Make, parts: Parts
) -> None:
    for selection in (Selection(points=(IN,), frame=4), Selection(text="disc", frame=4)):
        whole = make("track", selection, direction="both")
        request = whole.request
        for after in (1, 2, 4, 8, 13, 20):
            sink = Recording(request, whole.plan, parts, halt_after=after)
            with pytest.raises(Halt):
                engine.generate(request, whole.plan, sink)
            assert len(sink.frames) < FRAMES
        again = make("track", selection, direction="both")
        assert all(np.array_equal(a, b) for a, b in zip(whole.frames, again.frames, strict=True))
    assert parts.built == ["sam3/model@float32"]


def test_half_precision_follows_as_well(tiny_models: Path, source: Path) -> None:
    engine = Sam3Engine(Library(tiny_models), Machine("a card", "cuda"))
    parts = Parts()
    for kind in ("point", "name", "counter-example"):
        request = asked("track", source, Selection(**KINDS[kind]), frames=5, settings={"threshold": 0.05})
        assert covered(run(engine, request, parts)) == [True] * 5


def test_nothing_found_is_an_empty_track_and_says_so(make: Make) -> None:
    made = make("track", Selection(text="disc"), settings={"threshold": 1.0})
    assert len(made.frames) == FRAMES
    none = make("track", Selection(text="disc", boxes=(BOX,)), settings={"threshold": 1.0})
    assert covered(none) == [False] * FRAMES
    assert none.details["empty"] == FRAMES
    assert none.attached["polygon", "polygon.jsonl"] == b""


LONG = 40


@pytest.fixture(scope="session")
def long(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """200 frames of the disc, which begins again on the left when it comes to the right."""
    return clip(tmp_path_factory.mktemp("long") / "long.mov", [disc(number % 110)[0] for number in range(200)])


class _Measuring(Recording):
    """Keeps nothing, and takes now and then how many tensors are alive and how many bytes the process holds."""

    def __init__(self, request: Any, plan: Any, models: Parts, every: int) -> None:
        super().__init__(request, plan, models)
        self.every, self.count, self.steps = every, 0, 0
        self.samples: list[tuple[int, int]] = []

    def frame(self, picture: np.ndarray) -> None:
        self.count += 1

    def attach(self, use: str, name: str, data: bytes) -> None:
        pass

    def progress(self, done: int, total: int, phase: str) -> None:
        self.steps += 1
        if self.steps % self.every == 0:
            pages = int(Path("/proc/self/statm").read_text().split()[1])
            tensors = sum(type(found) is torch.Tensor for found in gc.get_objects())
            self.samples.append((tensors, pages * os.sysconf("SC_PAGE_SIZE")))


def _quiet() -> Any:
    class Quiet:
        def cancelled(self) -> bool:
            return False

    return Quiet()


def _prompt(frame: int, text: str = "") -> Any:
    from genlock.generation.engines.sam3.prompts import Prompt

    return Prompt(1, frame, () if text else (IN,), text=text)


def _picture(number: int) -> np.ndarray:
    return disc(number)[0]
