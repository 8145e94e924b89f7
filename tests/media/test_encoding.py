from __future__ import annotations

import pytest

from genlock.errors import BadInput
from genlock.media import encoding
from genlock.timeline.model import Resolution


@pytest.mark.parametrize(
    ("size", "expected"),
    [((1920, 1080), (1280, 720)), ((640, 360), (640, 360)), ((1279, 719), (1278, 718)), ((4096, 1716), (1280, 536))],
)
def test_a_proxy_is_small_even_and_of_the_same_shape(size: tuple[int, int], expected: tuple[int, int]) -> None:
    assert encoding.proxy_size(*size) == Resolution(*expected)


def test_an_unknown_master_is_refused_with_the_known_ones() -> None:
    with pytest.raises(BadInput, match="prores"):
        encoding.master("vhs")
