from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from genlock.errors import MediaError
from genlock.media.slate import draw
from genlock.timeline.model import Resolution


@pytest.mark.parametrize("size", [(1920, 1080), (64, 36), (320, 568)])
@pytest.mark.parametrize("title", ["SH0040", "", "A very long name " * 40, "名前 ☃ \n"])
def test_a_slate_has_its_size_and_something_to_read(tmp_path: Path, size: tuple[int, int], title: str) -> None:
    draw(tmp_path / "s.png", title, "Missing media", Resolution(*size))
    with Image.open(tmp_path / "s.png") as image:
        picture = np.asarray(image)
    assert picture.shape == (size[1], size[0], 3)
    middle = picture[size[1] * 2 // 5 : size[1] * 13 // 20, size[0] // 8 : -size[0] // 8]
    assert middle.max() > 120


def test_different_names_make_different_slates(tmp_path: Path) -> None:
    for name in "ab":
        draw(tmp_path / f"{name}.png", name * 5, "", Resolution(320, 180))
    assert (tmp_path / "a.png").read_bytes() != (tmp_path / "b.png").read_bytes()


def test_a_folder_that_cannot_be_written_is_a_coded_error(tmp_path: Path) -> None:
    with pytest.raises(MediaError) as caught:
        draw(tmp_path / "gone" / "s.png", "x", "", Resolution(64, 36))
    assert caught.value.code == "unwritable_folder"
