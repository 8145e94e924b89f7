"""What every frame shows: pinned pictures where there are pins, morphs between two pins, a camera move beyond the last,
and a world where there is no pin at all."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from typing import Any, Final

import cv2
import numpy as np
from msgspec import Struct

from genlock.generation.engines.animatic.camera import STILL, Pose, pose_at
from genlock.generation.engines.animatic.morph import Morph
from genlock.generation.engines.animatic.worlds import World

Array = np.ndarray[Any, Any]

_GRAIN: Final = 2.0
_VIGNETTE: Final = 0.34
_GRAIN_ROOM: Final = 64


class Pin(Struct, frozen=True):
    """Pictures the result must show from `frame` on, for `length` frames: `picture(0)` is the first. `frame` may lie before
    the result's first or behind its last. `strength` below 1 mixes them with the world."""

    frame: int
    length: int
    picture: Callable[[int], Array]
    strength: float = 1.0

    @property
    def last(self) -> int:
        return self.frame + self.length - 1


class Camera(Struct, frozen=True):
    """How the picture moves: a named move, how much of it, and a movement a frame carried over from before the result,
    which dies away within about `settle` frames."""

    move: str
    amount: float = 1.0
    momentum: Pose = STILL
    settle: float = 24.0


class Reel:
    """All pictures of a result of `frames` frames."""

    def __init__(self, pins: list[Pin], world: Callable[[], World], camera: Camera, frames: int) -> None:
        self._pins = sorted(pins, key=lambda pin: pin.frame)
        self._starts = [pin.frame for pin in self._pins]
        self._world, self._camera, self._frames = world, camera, frames
        self._morph: tuple[int, Morph] | None = None
        self._held: tuple[tuple[int, int], Array] | None = None
        self._finish: _Finish | None = None

    def at(self, number: int) -> Array:
        """Returns frame `number`, HxWx3 uint8, the caller's."""
        index = bisect_right(self._starts, number) - 1
        left = self._pins[index] if index >= 0 else None
        right = self._pins[index + 1] if index + 1 < len(self._pins) else None
        if left is not None and number <= left.last:
            return self._pinned(left, number - left.frame)
        if left is not None and right is not None:
            return self._between(index, left, right, number)
        if left is not None:
            time = (number - left.last) / max(1, self._frames - 1)
            return self._moved(left, left.length - 1, time, number - left.last)
        if right is not None:
            return self._moved(right, 0, (number - right.frame) / max(1, self._frames - 1), 0)
        return self.world(number)

    def world(self, number: int) -> Array:
        """Returns the world as the camera sees it at frame `number`, with grain and vignette."""
        time = number / max(1, self._frames - 1)
        # A move over a world goes as far to one side of the middle as to the other.
        pose = pose_at(self._camera.move, time, self._camera.amount)
        middle = pose_at(self._camera.move, 0.5, self._camera.amount)
        seen = Pose(pose.zoom / middle.zoom, pose.x - middle.x, pose.y - middle.y, pose.roll - middle.roll)
        picture = cv2.cvtColor(self._world().look(seen, time), cv2.COLOR_RGBA2RGB)
        if self._finish is None:
            self._finish = _Finish(picture.shape[1], picture.shape[0])
        return self._finish.on(picture, number)

    def _pinned(self, pin: Pin, offset: int) -> Array:
        picture = pin.picture(offset)
        if pin.strength >= 1:
            return picture
        world = cv2.cvtColor(self._world().look(STILL), cv2.COLOR_RGBA2RGB)
        return cv2.addWeighted(picture, pin.strength, world, 1 - pin.strength, 0)

    def _between(self, index: int, left: Pin, right: Pin, number: int) -> Array:
        if self._morph is None or self._morph[0] != index:
            self._morph = index, Morph(self._pinned(left, left.length - 1), self._pinned(right, 0))
        return self._morph[1].at((number - left.last) / (right.frame - left.last))

    def _moved(self, pin: Pin, offset: int, time: float, since: int) -> Array:
        key = pin.frame, offset
        if self._held is None or self._held[0] != key:
            # Four channels: the warp of three is twice as slow.
            self._held = key, cv2.cvtColor(self._pinned(pin, offset), cv2.COLOR_RGB2RGBA)
        picture = self._held[1]
        size = picture.shape[1], picture.shape[0]
        camera = self._camera
        pose = _carried(camera, since).then(pose_at(camera.move, time, camera.amount)).covering()
        moved = cv2.warpAffine(picture, pose.matrix(size, size), size, borderMode=cv2.BORDER_REFLECT_101)
        return cv2.cvtColor(moved, cv2.COLOR_RGBA2RGB)


class _Finish:
    """Grain and vignette, as of a lens and a stock."""

    def __init__(self, width: int, height: int) -> None:
        columns, rows = np.linspace(-1, 1, width, dtype=np.float32), np.linspace(-1, 1, height, dtype=np.float32)
        away = columns[None, :] ** 2 * 0.9 + rows[:, None] ** 2 * 0.75
        shade = 255 * (1 - _VIGNETTE * np.clip(away - 0.25, 0, None) ** 1.4)
        self._shade = cv2.cvtColor(np.clip(shade, 0, 255).astype(np.uint8), cv2.COLOR_GRAY2RGB)
        rng = np.random.default_rng(1)
        noise = rng.standard_normal((height + _GRAIN_ROOM, width + _GRAIN_ROOM), np.float32)
        soft = cv2.GaussianBlur(noise, (0, 0), 0.7)
        pixels = np.clip(soft / soft.std() * 40 + 128, 0, 255).astype(np.uint8)
        self._grain = cv2.cvtColor(pixels, cv2.COLOR_GRAY2RGB)

    def on(self, picture: Array, number: int) -> Array:
        height, width = picture.shape[:2]
        down, across = number * 37 % _GRAIN_ROOM, number * 53 % _GRAIN_ROOM
        cv2.multiply(picture, self._shade, dst=picture, scale=1 / 255)
        grain = self._grain[down : down + height, across : across + width]
        weight = _GRAIN / 40
        return cv2.addWeighted(picture, 1, grain, weight, -128 * weight, dst=picture)


def _carried(camera: Camera, since: int) -> Pose:
    """Returns how far the movement from before the result has come `since` frames after."""
    way = camera.settle * (1 - np.exp(-since / camera.settle))
    momentum = camera.momentum
    return Pose(momentum.zoom ** float(way), momentum.x * float(way), momentum.y * float(way))
