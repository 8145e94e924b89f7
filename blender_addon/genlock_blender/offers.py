# SPDX-License-Identifier: GPL-3.0-or-later
"""The list of what can be made, as a panel shows it."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from genlock_client.model import Model

from . import generating
from .asking import Walk
from .generating import Form
from .scenery import Cannot, Place


class Offer(NamedTuple):
    """One thing that can be made. `mode` is the request's, "" where the shot's brief decides; `plan` raises Cannot."""

    action: str
    label: str
    tip: str
    icon: str
    mode: str
    plan: Callable[[Model, Place, Form], Walk]


OFFERS: tuple[Offer, ...] = (
    Offer(
        "new",
        "At the Playhead",
        "Make a new shot at the playhead, on a free channel",
        "ADD",
        "text_to_video",
        generating.at_playhead,
    ),
    Offer(
        "gap",
        "Into the Gap",
        "Fill the gap at the playhead, led by the pictures on both sides",
        "ARROW_LEFTRIGHT",
        "fill_gap",
        generating.into_gap,
    ),
    Offer(
        "strips",
        "From Strips",
        "Make a new shot that follows the selected strips",
        "IMAGE_REFERENCE",
        "image_to_video",
        generating.from_strips,
    ),
    Offer(
        "extend",
        "Extend",
        "Go on behind the active strip, from its last frame",
        "FRAME_NEXT",
        "extend",
        generating.extend,
    ),
    Offer(
        "retake",
        "Retake Range",
        "Make the marked range of the active strip again",
        "FILE_REFRESH",
        "retake",
        generating.retake,
    ),
    Offer(
        "edit",
        "Edit Image",
        "Change the active picture as the prompt says",
        "IMAGE_DATA",
        "edit_image",
        generating.edit_image,
    ),
    Offer(
        "inpaint",
        "Replace Part",
        "Make anew what points or words choose in the active strip",
        "BRUSH_DATA",
        "inpaint",
        generating.inpaint,
    ),
    Offer("mask", "Mask", "Cut out what points or words choose, on one frame", "MOD_MASK", "mask", generating.mask),
    Offer(
        "track", "Track", "Cut out what points or words choose, through the clip", "TRACKING", "track", generating.track
    ),
    Offer("again", "More Takes", "Make further takes of the selected shots", "DUPLICATE", "", generating.again),
)


def offer(action: str) -> Offer:
    """Returns what an action does; KeyError for none of ours."""
    return {each.action: each for each in OFFERS}[action]


def reason(model: Model | None, place: Place, form: Form, action: str) -> Cannot | None:
    """Returns why something cannot be made here, None when it can. Sends nothing."""
    if model is None:
        return Cannot("Genlock is not connected")
    try:
        offer(action).plan(model, place, form).close()
    except Cannot as cannot:
        return cannot
    return None
