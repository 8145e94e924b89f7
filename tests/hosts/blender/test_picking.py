"""A click in the preview and the pixel under it: one undoes the other, for every transform."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genlock_blender.picking import Frame, pixel, view

FRAMES = st.builds(
    Frame,
    size=st.tuples(st.integers(16, 4096), st.integers(16, 4096)),
    scene=st.just((1920, 1080)),
    offset=st.tuples(st.floats(-500, 500), st.floats(-500, 500)),
    scale=st.tuples(st.floats(0.1, 4), st.floats(0.1, 4)),
    rotation=st.floats(-math.pi, math.pi),
    origin=st.tuples(st.floats(0, 1), st.floats(0, 1)),
    flip=st.tuples(st.booleans(), st.booleans()),
)


@given(FRAMES, st.floats(0.01, 0.99), st.floats(0.01, 0.99))
def test_a_pixel_is_found_where_it_is_drawn(frame: Frame, across: float, down: float) -> None:
    x, y = across * frame.size[0], down * frame.size[1]
    found = pixel(frame, *view(frame, x, y))
    assert found is not None
    assert found == (pytest.approx(x, abs=0.11), pytest.approx(y, abs=0.11))


def test_beside_the_picture_there_is_no_pixel() -> None:
    frame = Frame((100, 50), (1920, 1080))
    assert pixel(frame, 0, 0) == (50, 25)
    assert pixel(frame, -49, 24) == (1, 1)
    assert pixel(frame, 51, 0) is None
    assert pixel(frame, 0, 26) is None
