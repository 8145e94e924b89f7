"""Films one request, frame by frame. Only workers import this."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from fractions import Fraction
from functools import cache
from math import sin
from typing import Any, Final, assert_never

import cv2
import numpy as np

from genlock.errors import BadInput
from genlock.generation.engine import Sink
from genlock.generation.engines.animatic import sources
from genlock.generation.engines.animatic.burnin import Burnin, readable, without_bars
from genlock.generation.engines.animatic.camera import STILL, Pose, move_of
from genlock.generation.engines.animatic.guide import RATE, Guide
from genlock.generation.engines.animatic.morph import drift
from genlock.generation.engines.animatic.pictures import Camera, Pin, Reel
from genlock.generation.engines.animatic.sources import Footage
from genlock.generation.engines.animatic.worlds import World
from genlock.generation.planner import resolve_frame
from genlock.project.request import Conditioning, GenerationRequest
from genlock.timeline.rate import Rate

Array = np.ndarray[Any, Any]

STILLS: Final = ("image", "edit_image")
"""Modes that make one picture."""

_EDIT: Final = 0.35
"""How much of the prompt's world lies over an edited picture: enough to see that something is to change."""

_RETAKE: Final = 0.55
"""How much of the prompt's world shows in the middle of a retake, so that the eye sees what was made again."""


def film(request: GenerationRequest, sink: Sink) -> None:
    """Delivers exactly `request.frames` frames and their sound; one frame and no sound for an image."""
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)  # the encoder has the other core
    try:
        with ExitStack() as stack:
            _Shoot(request, stack).run(sink)
    finally:
        cv2.setNumThreads(threads)


class _Shoot:
    """Everything opened for one request."""

    def __init__(self, request: GenerationRequest, stack: ExitStack) -> None:
        self._request = request
        self._size = request.resolution.width, request.resolution.height
        self._frames = 1 if request.mode in STILLS else request.frames
        self._stack = stack
        settings = request.settings
        self._move = move_of(request.camera, request.prompt, request.seed)
        self._amount = setting(settings, "camera_amount", 1.0, 0.0, 3.0)
        self._retake = setting(settings, "retake_strength", _RETAKE, 0.0, 1.0)
        self._through: Footage | None = None
        self._world = cache(lambda: World(request.prompt, request.seed, self._size, request.shot_type))
        wants = settings.get("burnin", True) is not False
        self._burnin = Burnin(request, self._move, self._frames) if wants and readable(*self._size) else None
        pins, momentum = self._pins()
        camera = Camera(self._move, self._amount, momentum, float(request.rate.fraction))
        self._reel = Reel(pins, self._world, camera, self._frames)

    def run(self, sink: Sink) -> None:
        sound = self._sound()
        heard = 0
        every = max(1, round(self._request.rate.fraction))
        for number in range(self._frames):
            sink.frame(self._picture(number))
            sink.progress(number + 1, self._frames, "frames")
            if self._request.mode not in STILLS and ((number + 1) % every == 0 or number + 1 == self._frames):
                until = samples_before(number + 1, self._request.rate)
                sink.sound(sound(heard, until))
                heard = until

    def _picture(self, number: int) -> Array:
        span = self._request.span
        if self._request.mode == "retake" and span is not None and self._through is not None:
            if not span.start <= number < span.end:
                return self._through.plain(number)
            picture = self._again(number, span.start, span.end)
        else:
            picture = self._reel.at(number)
        if self._request.mode == "edit_image":
            picture = cv2.addWeighted(picture, 1 - _EDIT, self._reel.world(number), _EDIT, 0)
        if self._burnin is not None:
            self._burnin.stamp(picture, number)
        return picture

    def _again(self, number: int, start: int, end: int) -> Array:
        """Returns a frame of the retaken span: the way between its neighbours, through the prompt's world."""
        picture = self._reel.at(number)
        share = self._retake * sin(np.pi * (number - start + 1) / (end - start + 1)) ** 2
        return cv2.addWeighted(picture, 1 - share, self._reel.world(number), share, 0) if share > 0 else picture

    # -- what the pictures follow

    def _pins(self) -> tuple[list[Pin], Pose]:
        request = self._request
        pins = [self._pin(condition) for condition in request.conditioning]
        taken = {pin.frame for pin in pins}
        match request.mode:
            case "extend":
                source = self._open(request.source)
                last, before = source.at(source.frames - 1), source.at(max(0, source.frames - 2))
                return [_still(-1, last), *pins], drift(before, last)
            case "fill_gap":
                if request.source:
                    source = self._open(request.source)
                    pins.append(_still(-1, source.at(source.frames - 1)))
                if request.after:
                    pins.append(_still(self._frames, self._open(request.after).at(0)))
            case "retake":
                pins = self._around(pins, taken)
            case "edit_image":
                pins = [_still(0, self._open(request.source).at(0))]
            case "text_to_video" | "image_to_video" | "keyframes" | "image":
                pass
            case "inpaint" | "mask" | "track" | "upscale" | "enhance_prompt" | "retime" | "scenes":
                raise AssertionError(f"{request.mode} is not filmed")
            case _:
                assert_never(request.mode)
        return pins, STILL

    def _around(self, pins: list[Pin], taken: set[int]) -> list[Pin]:
        """Returns the pins within the span of a retake, and the frames of the source on both sides of it."""
        request, span = self._request, self._request.span
        assert span is not None
        self._through = self._open(request.source)
        if self._through.frames < request.frames:
            raise BadInput(
                "bad_generation",
                f"The source has {self._through.frames} frames, and the retake of it is to have {request.frames}.",
            )
        inside = [pin for pin in pins if span.start <= pin.frame < span.end]
        sides = [frame for frame in (span.start - 1, span.end) if 0 <= frame < request.frames and frame not in taken]
        # A reader of its own: the one that passes frames through goes from front to back.
        aside = self._open(request.source)
        return [*inside, *(_still(frame, aside.at(frame)) for frame in sides)]

    def _pin(self, condition: Conditioning) -> Pin:
        clip = self._open(condition.path)
        frame = resolve_frame(condition.frame, self._frames)
        if self._request.mode in STILLS:
            frame = 0
        if not condition.frames:
            return _still(frame, clip.at(0, condition.first), condition.strength)
        return Pin(frame, clip.own_length(condition.frames), lambda n: clip.at(n, condition.first), condition.strength)

    def _open(self, path: str) -> Footage:
        return self._stack.enter_context(sources.footage(path, self._size, self._request.rate, without_bars))

    def _sound(self) -> Callable[[int, int], Array]:
        """Returns what gives samples from one to another: the sound asked for, a retake's own, or the guide."""
        request = self._request
        total = samples_before(self._frames, request.rate)
        path = request.audio or (request.source if request.mode == "retake" else "")
        given = sources.sound(path, total) if path else None
        if given is not None:
            return lambda start, end: np.ascontiguousarray(given[:, start:end])
        return Guide(request.prompt, request.seed, total).samples


def samples_before(frame: int, rate: Rate) -> int:
    """Returns how many samples come before a frame; rounded, so that it never drifts."""
    return round(Fraction(frame * rate.den * RATE, rate.num))


def _still(frame: int, picture: Array, strength: float = 1.0) -> Pin:
    return Pin(frame, 1, lambda _: picture.copy(), strength)


def setting(settings: dict[str, Any], name: str, default: float, least: float, most: float) -> float:
    """Returns a number of the request's settings. Raises BadInput(bad_generation) outside of `least` to `most`."""
    value = settings.get(name, default)
    if not isinstance(value, int | float) or not least <= value <= most:
        raise BadInput("bad_generation", f"The setting {name} lies between {least:g} and {most:g}, not {value!r}.")
    return float(value)
