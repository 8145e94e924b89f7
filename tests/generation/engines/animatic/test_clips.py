"""What the embedded engine does with a clip it is given: cuts found, lengths changed, sizes raised, things taken out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import msgspec
import numpy as np
import pytest
from PIL import Image

from genlock.errors import BadInput
from genlock.generation.engines.animatic.engine import ENGINE
from genlock.generation.engines.animatic.stretching import tempos
from genlock.generation.engines.animatic.wording import worded
from genlock.project.request import Box, GenerationRequest, Selection
from genlock.timeline.model import Resolution
from tests.generation.desk import decoded, psnr
from tests.generation.footage import RATE, clip, disc, ground
from tests.generation.recording import Recording, run

SIZE = Resolution(320, 192)


def asked(mode: str, **fields: Any) -> GenerationRequest:
    return GenerationRequest(mode, resolution=SIZE, rate=RATE, **fields)  # type: ignore[arg-type]


def made(mode: str, **fields: Any) -> Recording:
    return run(ENGINE, asked(mode, **fields))


@pytest.fixture(scope="module")
def moving(tmp_path_factory: pytest.TempPathFactory) -> Path:
    time = np.arange(48000) / 48000
    tone = np.tile(0.4 * np.sin(2 * np.pi * 440 * time).astype(np.float32), (2, 1))
    return clip(tmp_path_factory.mktemp("moving") / "disc.mov", [disc(n)[0] for n in range(24)], tone)


class TestScenes:
    def test_finds_hard_cuts_to_the_frame(self, tmp_path: Path) -> None:
        shots = [(ground(160, 96, seed), length) for seed, length in ((1, 20), (2, 33), (3, 27))]
        tints = ((40, 0, 0), (0, 50, 90), (90, 90, 0))
        pictures = [
            np.clip(picture.astype(int) + tint, 0, 255).astype(np.uint8)
            for (picture, length), tint in zip(shots, tints, strict=True)
            for _ in range(length)
        ]
        found = made("scenes", source=str(clip(tmp_path / "cuts.mov", pictures)))
        answer = msgspec.json.decode("".join(found.texts))
        assert answer == {
            "frames": 80,
            "scenes": [{"start": 0, "end": 20}, {"start": 20, "end": 53}, {"start": 53, "end": 80}],
        }

    def test_a_moving_disc_is_no_cut(self, moving: Path) -> None:
        answer = msgspec.json.decode("".join(made("scenes", source=str(moving)).texts))
        assert answer["scenes"] == [{"start": 0, "end": 24}]

    def test_a_still_has_none(self, tmp_path: Path) -> None:
        path = tmp_path / "still.png"
        Image.fromarray(ground(64, 64)).save(path)
        with pytest.raises(BadInput, match="still"):
            made("scenes", source=str(path))


class TestRetime:
    def test_fills_the_length_asked_and_meets_both_ends(self, moving: Path) -> None:
        source = decoded(moving)
        found = made("retime", source=str(moving), frames=47).frames
        assert len(found) == 47
        assert all(np.array_equal(found[2 * n], source[n]) for n in range(24)), "every other frame is the source's own"

    def test_frames_between_show_the_disc_between(self, moving: Path) -> None:
        found = made("retime", source=str(moving), frames=47).frames
        truth = (disc(10)[0].astype(int) + disc(11)[0]) // 2
        assert psnr(found[21], truth.astype(np.uint8)) > psnr(found[20], truth.astype(np.uint8))

    def test_keeps_the_pitch_and_fills_the_time(self, moving: Path) -> None:
        found = made("retime", source=str(moving), frames=48)
        sound = np.concatenate(found.sounds, axis=1)
        assert sound.shape == (2, 96000)
        middle = sound[0, 40000:56000] * np.hanning(16000)
        assert abs(int(np.argmax(np.abs(np.fft.rfft(middle)))) * 3 - 440) <= 6

    @pytest.mark.parametrize("factor", [0.1, 0.5, 0.75, 1.0, 3.0])
    def test_tempos_multiply_to_the_factor(self, factor: float) -> None:
        assert np.prod(tempos(factor)) == pytest.approx(factor)
        assert min(tempos(factor)) >= 0.5


class TestUpscale:
    def test_is_sharper_than_plain_interpolation(self, tmp_path: Path) -> None:
        truth = disc(4, 320, 192)[0]
        small = cv2.resize(truth, (160, 96), interpolation=cv2.INTER_AREA)
        Image.fromarray(small).save(tmp_path / "small.png")
        (found,) = made("upscale", source=str(tmp_path / "small.png"), frames=1).frames
        plain = cv2.resize(small, (320, 192), interpolation=cv2.INTER_LINEAR)
        assert psnr(found, truth) > psnr(plain, truth) + 1


class TestInpaint:
    def test_takes_the_disc_out_and_touches_nothing_else(self, moving: Path) -> None:
        box = Box(40, 56, 122, 138)
        found = made("inpaint", source=str(moving), frames=24, selections=(Selection(boxes=(box,)),)).frames
        source = decoded(moving)
        assert len(found) == 24
        for number in (0, 12, 23):
            mask = disc(number)[1]
            changed = (found[number] != source[number]).any(axis=2)
            orange = (np.abs(found[number].astype(int) - (235, 140, 30)).sum(axis=2) < 60) & mask
            assert orange.sum() < 0.03 * mask.sum(), f"frame {number} still shows it"
            far = np.ones_like(mask)
            far[40:152, 80 + 2 * number - 56 : 80 + 2 * number + 56] = False
            assert not (changed & far).any()

    def test_a_mask_given_as_a_picture_is_exact(self, moving: Path, tmp_path: Path) -> None:
        mask = np.zeros((192, 320), np.uint8)
        mask[40:80, 200:260] = 255
        Image.fromarray(mask).save(tmp_path / "mask.png")
        found = made("inpaint", source=str(moving), frames=24, mask=str(tmp_path / "mask.png"))
        for picture, source in zip(found.frames, decoded(moving), strict=True):
            assert np.array_equal(picture[mask == 0], source[mask == 0])
        assert np.concatenate(found.sounds, axis=1).shape == (2, 48000)


class TestWords:
    def test_keeps_the_prompt_and_adds_size_camera_light_and_lens(self) -> None:
        request = asked("enhance_prompt", prompt="Ann waits at dawn.", shot_type="CU", camera="push")
        assert worded(request) == (
            "Close-up: Ann waits at dawn. Camera: push, slow and even. "
            "Soft cold light from a low sun. 85 mm lens, shallow depth of field."
        )
        assert "".join(run(ENGINE, request).texts) == worded(request) + "\n"

    def test_invents_no_subject(self) -> None:
        assert worded(asked("enhance_prompt")) == "50 mm lens."


def test_every_mode_has_an_answer_that_says_draft() -> None:
    from typing import get_args

    from genlock.project.request import Mode

    assert frozenset(get_args(Mode)) == ENGINE.modes
    assert all(ENGINE.plans(asked(mode, source="x"))[0].draft for mode in ENGINE.modes)
