"""Camera moves. A pose is what the lens sees at a moment; a move is a pose over time."""

from __future__ import annotations

import re
from hashlib import blake2b
from math import cos, exp, pi, radians, sin
from typing import Any, Final

import numpy as np
from msgspec import Struct

Array = np.ndarray[Any, Any]


class Pose(Struct, frozen=True):
    """Zoom (1: as is), shift of the picture in widths and heights, roll in degrees."""

    zoom: float = 1.0
    x: float = 0.0
    y: float = 0.0
    roll: float = 0.0

    def then(self, other: Pose) -> Pose:
        """Returns both moves together."""
        return Pose(self.zoom * other.zoom, self.x + other.x, self.y + other.y, self.roll + other.roll)

    def covering(self) -> Pose:
        """Returns the pose zoomed in as far as it must be for no edge to show."""
        tilt = abs(sin(radians(self.roll))) * 1.8
        return Pose(self.zoom * (1 + 2 * max(abs(self.x), abs(self.y)) + tilt), self.x, self.y, self.roll)

    def matrix(self, canvas: tuple[int, int], frame: tuple[int, int], depth: float = 1.0) -> Array:
        """Returns the 2x3 matrix from canvas to frame pixels, sizes as (width, height).

        `depth` is the nearness of a layer: far ones (0) stay, near ones (1) follow the pose, nearer ones exceed it.
        """
        zoom = 1 + (self.zoom - 1) * depth
        a = radians(self.roll)
        c, s = zoom * cos(a), zoom * sin(a)
        cx, cy = canvas[0] / 2, canvas[1] / 2
        tx = frame[0] / 2 + self.x * depth * frame[0]
        ty = frame[1] / 2 + self.y * depth * frame[1]
        return np.array([[c, -s, tx - c * cx + s * cy], [s, c, ty - s * cx - c * cy]], np.float32)


STILL: Final = Pose()

MOVES: Final = ("push", "pull", "pan left", "pan right", "tilt up", "tilt down", "orbit", "static")

_WORDS: Final = (
    # The first that is found counts: the plain words for no move come last, since "locked on, slow push" pushes.
    (
        "push",
        r"push(es|ing)?([ -]?in)?|doll(y|ies|ying) in|zoom(s|ing)?[ -]?in|move[sd]? in|closes in|track(s|ing)? in",
    ),
    (
        "pull",
        r"pull(s|ing)?([ -]?(back|out))?|doll(y|ies|ying) (back|out)|zoom(s|ing)?[ -]?out|backs away|track(s|ing)? out",
    ),
    ("pan left", r"(pan|track|truck|slide|whip)(s|ning|king|ing)?( to the)? left"),
    ("pan right", r"(pan|track|truck|slide|whip)(s|ning|king|ing)?( to the)? right"),
    ("tilt up", r"(tilt|crane|boom|pedestal|jib)(s|ing)?[ -]?up|rises?|rising|ascend(s|ing)?"),
    ("tilt down", r"(tilt|crane|boom|pedestal|jib)(s|ing)?[ -]?down|descend(s|ing)?|lowers"),
    ("orbit", r"orbit(s|ing)?|arc(s|ing)?|circl(e|es|ing) around|rotate(s)? around"),
    ("pan right", r"pan(s|ning)?|track(s|ing)? shot"),
    ("tilt up", r"tilt(s|ing)?"),
    ("static", r"static|locked([ -]?off)?|still|tripod|fixed"),
)
_PATTERNS: Final = tuple((move, re.compile(rf"\b({words})\b", re.IGNORECASE)) for move, words in _WORDS)
_QUIET: Final = ("push", "pull", "pan left", "pan right", "orbit")


def move_of(camera: str, prompt: str, seed: int) -> str:
    """Returns the move named by the shot's camera field, else by its prompt, else a quiet one from the prompt's hash."""
    for text in (camera, prompt):
        for move, pattern in _PATTERNS:
            if text and pattern.search(text):
                return move
    number = int.from_bytes(blake2b(f"{prompt}\0{seed}".encode(), digest_size=4).digest(), "big")
    return _QUIET[number % len(_QUIET)]


def pose_at(move: str, time: float, amount: float = 1.0) -> Pose:
    """Returns the pose of a move; `time` runs from 0 to 1 over the shot, at 0 the pose is STILL (also for negative times:
    the move backwards)."""
    e = _eased(time) * amount
    match move:
        case "push":
            return Pose(zoom=exp(0.17 * e))
        case "pull":
            return Pose(zoom=exp(-0.17 * e))
        case "pan left":
            return Pose(x=0.12 * e)
        case "pan right":
            return Pose(x=-0.12 * e)
        case "tilt up":
            return Pose(y=0.12 * e)
        case "tilt down":
            return Pose(y=-0.12 * e)
        case "orbit":
            return Pose(zoom=1 + 0.05 * abs(e), x=0.10 * sin(e * pi / 2), y=0.012 * (1 - cos(e * pi)), roll=-0.9 * e)
        case _:
            return STILL


def _eased(time: float) -> float:
    """Returns time with a soft start and end: half even speed, half smoothstep."""
    t = min(1.0, abs(time))
    eased = 0.5 * t + 0.5 * t * t * (3 - 2 * t)
    return eased if time >= 0 else -eased
