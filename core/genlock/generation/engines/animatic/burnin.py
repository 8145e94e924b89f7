"""The bars above and below the picture: shot, engine, prompt, timecode, counter. They are opaque, so that a take made
from a take can put its own over the old ones."""

from __future__ import annotations

from functools import cache
from typing import Any, Final

import cv2
import numpy as np
from msgspec import Struct
from PIL import Image, ImageDraw, ImageFont

from genlock.project.request import GenerationRequest
from genlock.timeline.timecode import to_timecode

Array = np.ndarray[Any, Any]
Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

BAR: Final = (11, 12, 14)
INK: Final = (236, 233, 226)
QUIET: Final = (140, 143, 150)
ACCENT: Final = (242, 178, 75)

TOP: Final = 0.075
BOTTOM: Final = 0.115
MARGIN: Final = 0.05
"""Heights of the bars and the title-safe margin at the sides, as shares of the picture."""

SMALLEST: Final = 96
"""Below this many pixels of height or width a burn-in could not be read and is left out."""

_WORLD_FONTS: Final = (
    "NotoSansCJK-Regular.ttc", "NotoSans-Regular.ttf", "DejaVuSans.ttf", "Arial Unicode.ttf", "msyh.ttc", "arial.ttf",
    "PingFang.ttc", "YuGothM.ttc", "malgun.ttf", "seguisym.ttf",
)  # fmt: skip

_LABELS: Final = {
    "image_to_video": "from image",
    "keyframes": "keyframes",
    "extend": "extend",
    "retake": "retake",
    "fill_gap": "fill",
    "image": "still",
}
_NAMES: Final = {"push": "push in", "pull": "pull out"}


class _Glyphs(Struct):
    """Digits and separators as coverage masks of equal width, so that running numbers stand still."""

    masks: dict[str, Array]
    height: int

    def length(self, text: str) -> int:
        """Returns the width of a text in pixels."""
        return sum(self.masks[letter].shape[1] for letter in text)

    def write(self, target: Array, text: str, right: int, top: int) -> None:
        """Writes onto the bar's colour, right-aligned; not at all where there is no room."""
        left = right - self.length(text)
        if left < 0 or top + self.height > target.shape[0]:
            return
        for letter in text:
            mask = self.masks[letter]
            target[top : top + self.height, left : left + mask.shape[1]] = mask
            left += mask.shape[1]


class Burnin:
    """Bars for one request."""

    def __init__(self, request: GenerationRequest, move: str, total: int) -> None:
        width, height = request.resolution.width, request.resolution.height
        self._request, self._total = request, total
        self._top, self._bottom = bar_heights(height)
        self._unit = min(height / 720, width / 900)
        self._margin = round(width * MARGIN)
        self._width, self._height = width, height
        self._timecode = _glyphs(self._size(29), INK)
        self._counter = _glyphs(self._size(16), QUIET)
        right = self._timecode.length("00:00:00:00")
        self._upper = self._upper_bar(move)
        self._lower = self._lower_bar(right)

    def stamp(self, frame: Array, number: int) -> None:
        """Draws the bars onto a frame, in place."""
        request = self._request
        lower = self._lower.copy()
        right = self._width - self._margin
        timecode = to_timecode(request.start_frame + number, request.rate, request.drop_frame)
        self._timecode.write(lower, timecode, right, self._px(14))
        digits = max(4, len(str(self._total)))
        counter = f"{number + 1:0{digits}d}/{self._total:0{digits}d}"
        self._counter.write(lower, counter, right, self._px(14) + self._timecode.height + self._px(5))
        frame[: self._top] = self._upper
        frame[self._height - self._bottom :] = lower
        line = self._height - self._bottom
        thick = max(1, self._px(2))
        frame[line : line + thick, : round(self._width * (number + 1) / self._total)] = ACCENT

    def _upper_bar(self, move: str) -> Array:
        request = self._request
        image, pen = self._canvas(self._top)
        middle = round(self._top * 0.56)
        title = _font_for(request.shot_code, self._size(25))
        small = _font_for(request.shot_type, self._size(15))
        left, right = self._margin, self._width - self._margin
        code = request.shot_code or "no shot"
        pen.text((left, middle), code, font=title, fill=INK, anchor="lm")
        left += round(pen.textlength(code, font=title)) + self._px(18)
        chip = "ANIMATIC"
        wide = round(pen.textlength(chip, font=small)) + self._px(20)
        if left + wide < right:
            box = (right - wide, middle - self._px(13), right, middle + self._px(13))
            pen.rounded_rectangle(box, self._px(5), outline=ACCENT, width=max(1, self._px(1.5)))
            pen.text(((box[0] + box[2]) / 2, middle), chip, font=small, fill=ACCENT, anchor="mm")
            right -= wide + self._px(18)
        parts = [request.shot_type, _NAMES.get(move, move), _LABELS.get(request.mode, "")]
        described = "   ·   ".join(part for part in parts if part)
        pen.text(
            (left, middle + self._px(1)), _cut(pen, described, small, right - left), font=small, fill=QUIET, anchor="lm"
        )
        size = f"{request.resolution.width} x {request.resolution.height}   {request.rate} fps   seed {request.seed}"
        used = left + pen.textlength(described, font=small) + self._px(24)
        if used + pen.textlength(size, font=small) < right:
            pen.text((right, middle + self._px(1)), size, font=small, fill=QUIET, anchor="rm")
        return np.asarray(image)

    def _lower_bar(self, reserved: int) -> Array:
        image, pen = self._canvas(self._bottom)
        font = _font_for((self._request.prompt or "")[:400], self._size(18))
        room = self._width - 2 * self._margin - reserved - self._px(36)
        lines = _wrapped(pen, self._request.prompt or "No prompt", font, room, 2)
        step = self._px(25)
        first = self._px(15) + (step // 2 if len(lines) == 1 else 0)
        ink = INK if self._request.prompt else QUIET
        for number, line in enumerate(lines):
            pen.text((self._margin, first + number * step), line, font=font, fill=ink, anchor="lt")
        return np.asarray(image)

    def _canvas(self, height: int) -> tuple[Image.Image, ImageDraw.ImageDraw]:
        image = Image.new("RGB", (self._width, height), BAR)
        return image, ImageDraw.Draw(image)

    def _px(self, pixels: float) -> int:
        return max(1, round(pixels * self._unit))

    def _size(self, pixels: float) -> int:
        return max(7, round(pixels * self._unit))


def bar_heights(height: int) -> tuple[int, int]:
    """Returns the heights of the upper and the lower bar in pixels."""
    return round(height * TOP), round(height * BOTTOM)


def readable(width: int, height: int) -> bool:
    """Whether bars could be read at this size."""
    return min(width, height) >= SMALLEST


def without_bars(picture: Array) -> Array:
    """Returns the picture with its bars, if it has ours, filled by its mirror image, so that no old text moves about."""
    height, width = picture.shape[:2]
    if not readable(width, height):
        return picture
    top, bottom = bar_heights(height)
    edge = max(2, round(width * MARGIN * 0.6))
    corners = (picture[: top - 2, :edge], picture[height - bottom + max(3, height // 120) :, :edge])
    if any(np.abs(corner.astype(np.int16) - BAR).max() > 8 for corner in corners):
        return picture
    inside = picture[top + 2 : height - bottom - 2]
    filled: Array = cv2.copyMakeBorder(inside, top + 2, bottom + 2, 0, 0, cv2.BORDER_REFLECT_101)
    return filled


@cache
def _font(size: int) -> Font:
    """Returns pillow's own typeface: the same on every machine, for Latin letters."""
    return ImageFont.load_default(size=size)


@cache
def _font_for(text: str, size: int) -> Font:
    """Returns a typeface for a text: pillow's where it knows all letters, else the one of the system's that knows most."""
    letters = {letter for letter in text if not letter.isspace()}
    best, missing = _font(size), _missing(_font(size), letters)
    for name in _WORLD_FONTS:
        if not missing:
            break
        try:
            font = ImageFont.truetype(name, size)
        except OSError:
            continue
        if (lacks := _missing(font, letters)) < missing:
            best, missing = font, lacks
    return best


def _missing(font: Font, letters: set[str]) -> int:
    """Returns how many letters come out as the box that stands for a missing one."""
    box = bytes(font.getmask("\uffff"))
    return sum(bytes(font.getmask(letter)) == box for letter in letters)


def _glyphs(size: int, ink: tuple[int, int, int]) -> _Glyphs:
    font = _font(size)
    digit = round(max(font.getlength(letter) for letter in "0123456789"))
    height = round(size * 0.82)
    masks = {}
    for letter in "0123456789:;/":
        width = digit if letter.isdigit() else round(font.getlength(letter) + size * 0.12)
        image = Image.new("RGB", (width, height), BAR)
        ImageDraw.Draw(image).text((width / 2, height - 1), letter, font=font, fill=ink, anchor="ms")
        masks[letter] = np.asarray(image)
    return _Glyphs(masks, height)


def _cut(pen: ImageDraw.ImageDraw, text: str, font: Font, room: float) -> str:
    """Returns as much of the text as fits, with an ellipsis when that is not all."""
    text = text[: max(1, int(room))]  # no letter is narrower than a pixel
    if pen.textlength(text, font=font) <= room:
        return text
    while text and (over := pen.textlength(f"{text}…", font=font) - room) > 0:
        text = text[: -max(1, int(over / room * len(text) / 4))] if room > 0 else ""
    return f"{text.rstrip()}…" if text else ""


def _wrapped(pen: ImageDraw.ImageDraw, text: str, font: Font, room: float, most: int) -> list[str]:
    """Returns the text in at most `most` lines, the last one cut."""
    lines: list[str] = []
    words = text[:2000].split()
    while words and len(lines) < most - 1:
        line = words.pop(0)
        while words and pen.textlength(f"{line} {words[0]}", font=font) <= room:
            line += f" {words.pop(0)}"
        lines.append(_cut(pen, line, font, room))
    return [*lines, _cut(pen, " ".join(words), font, room)] if words else lines
