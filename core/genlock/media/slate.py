"""Draws the slate that stands in for missing media. Only the media process imports this."""

from __future__ import annotations

from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from genlock.errors import MediaError
from genlock.timeline.model import Resolution

_GROUND = (24, 26, 30)
_FRAME = (200, 60, 50)
_TITLE = (235, 235, 235)
_NOTE = (150, 155, 165)


def draw(target: Path, title: str, note: str, size: Resolution) -> None:
    """Writes a PNG of that size with the clip's name and a line under it; MediaError(unwritable_folder) when it cannot."""
    width, height = size.width, size.height
    picture = Image.new("RGB", (width, height), _GROUND)
    pen = ImageDraw.Draw(picture)
    edge = max(2, height // 90)
    pen.rectangle((edge, edge, width - 1 - edge, height - 1 - edge), outline=_FRAME, width=edge)
    pen.line((edge, edge, width - edge, height - edge), fill=(44, 46, 52), width=edge)
    pen.line((edge, height - edge, width - edge, edge), fill=(44, 46, 52), width=edge)
    for text, share, middle, colour in ((title, 12, 0.46, _TITLE), (note, 24, 0.58, _NOTE)):
        _line(pen, text, (width, height), share, middle, colour)
    try:
        picture.save(target, "PNG", compress_level=1)
    except OSError as error:
        raise MediaError("unwritable_folder", f"{target} cannot be written: {error.strerror}.") from error


def _line(
    pen: ImageDraw.ImageDraw, text: str, size: tuple[int, int], share: int, middle: float, colour: tuple[int, int, int]
) -> None:
    """Draws one line of text in the middle, smaller when it would not fit."""
    points = max(8.0, size[1] / share)
    shown = " ".join(text.split())[:200] or "?"
    wide = pen.textlength(shown, font=ImageFont.load_default(points))
    if wide > size[0] * 0.86:
        points = max(6.0, points * size[0] * 0.86 / wide)
    font = ImageFont.load_default(points)
    while pen.textlength(shown, font=font) > size[0] * 0.9 and len(shown) > 4:
        shown = f"{shown[: len(shown) * 4 // 5 - 1]}…"
    pen.text((size[0] / 2, size[1] * middle), shown, font=font, fill=colour, anchor="mm")
