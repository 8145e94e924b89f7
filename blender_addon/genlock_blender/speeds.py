# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes a strip play at its speed. Blender does that with an operator alone, which needs a sequencer on the screen."""

from __future__ import annotations

from contextlib import contextmanager
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

from . import compat, reading

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .states import Strip

DONE: Final = ""
PENDING: Final = "pending"
RAMP: Final = "ramp"


def apply(scene: Any, strip: Any, wanted: Strip, shown: Strip) -> str:
    """Gives the strip the wanted speed; `shown` is the strip as it was just read. Its handles move with that.

    Answers DONE, PENDING when no sequencer shows the scene at this moment, or RAMP: a ramp cannot be laid from here.
    """
    speed = wanted.speed
    if speed is None:
        return DONE if shown.speed is None else RAMP
    backwards = speed[0] < 0
    if getattr(strip, "use_reverse_frames", backwards) != backwards:
        strip.use_reverse_frames = backwards
    pace = abs(Fraction(*speed))
    if shown.speed is not None and abs(Fraction(*shown.speed)) == pace:
        return DONE
    if shown.rate is not None:
        pace *= Fraction(*shown.rate) / reading.rate_of(scene)
    with _inside(scene, strip):
        return DONE if compat.set_speed(scene, strip, pace.numerator, pace.denominator) else PENDING


@contextmanager
def _inside(scene: Any, strip: Any) -> Iterator[None]:
    """Shows the meta strip around the strip for a moment: the operator sees only strips on the screen."""
    editor = compat.editor(scene)
    around = strip.parent_meta()
    before = editor.meta_stack[-1].name if len(editor.meta_stack) else ""
    if (around.name if around is not None else "") == before:
        yield
        return
    active = editor.active_strip.name if editor.active_strip is not None else ""
    editor.display_stack(around)
    try:
        yield
    finally:
        everything = compat.strips_all(editor)
        editor.display_stack(everything[before] if before else None)
        editor.active_strip = everything.get(active) if active else None
