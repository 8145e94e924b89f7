# SPDX-License-Identifier: GPL-3.0-or-later
"""How large a picture is shown. A scale that is not told is the one that fits the frame, as in every other editor; Blender
itself shows a file pixel by pixel. So a strip tells its scale unless it fits, and an item without one is made to fit."""

from __future__ import annotations

from collections.abc import Container
from struct import pack, unpack
from typing import Final

from .book import Book, File, Value

SCALES: Final = ("transform.scale_x", "transform.scale_y")
_CLOSE: Final = 1e-5


def fit_of(file: File | None, book: Book) -> float:
    """Returns the scale at which the whole picture is as large as the frame allows; 1 when a size is not known."""
    size = book.size
    if file is None or file.kind == "audio" or not all((*file.size, *size)):
        return 1.0
    return _single(min(size[0] / file.size[0], size[1] / file.size[1]))


def told(props: Value, fit: float, keyed: Container[str] = ()) -> Value:
    """Returns a strip's properties as an item has them: the scale only where it does not fit. What is keyed is no
    property."""
    if fit == 1.0:
        return props
    found = dict(props)
    for name in SCALES:
        value = props.get(name, 1.0)
        if name in keyed:
            continue
        if abs(value - fit) <= _CLOSE * fit:
            found.pop(name, None)
        else:
            found[name] = value
    return found


def shown(props: Value, fit: float, keyed: Container[str] = ()) -> Value:
    """Returns an item's properties as a strip has them; the inverse of `told`."""
    if fit == 1.0:
        return props
    found = {**{name: fit for name in SCALES if name not in keyed}, **props}
    return {name: value for name, value in found.items() if name not in SCALES or value != 1.0}


def _single(value: float) -> float:
    """The nearest 32-bit float, which is what Blender keeps."""
    return float(unpack("f", pack("f", value))[0])
