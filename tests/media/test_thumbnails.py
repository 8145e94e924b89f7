from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from genlock.errors import BadInput
from genlock.media.thumbnails import filmstrip, frames, thumbnail
from tests.media import coded
from tests.media.conftest import LENGTH, SOURCES


def seen(data: bytes | Image.Image) -> tuple[int, int] | str:
    image = Image.open(BytesIO(data)) if isinstance(data, bytes) else data
    return coded.code(np.asarray(image.convert("L")).astype(float) * 219 / 255 + 16)


def test_a_thumbnail_is_that_frame(clips: Path) -> None:
    for number in (0, 37, 239):
        data = thumbnail(clips / "a.mov", number, 320)
        assert Image.open(BytesIO(data)).format == "JPEG"
        assert Image.open(BytesIO(data)).size == (320, 180)
        assert seen(data) == (1, number)


@pytest.mark.parametrize("name", SOURCES)
@pytest.mark.parametrize("count", [3, 10])
def test_a_strip_has_one_tile_for_each_part_in_order(clips: Path, name: str, count: int) -> None:
    strip = Image.open(BytesIO(filmstrip(clips / name, count=count, height=216)))
    assert strip.size == (384 * count, 216)
    shown = [seen(strip.crop((384 * at, 0, 384 * (at + 1), 216))) for at in range(count)]
    for at, (source, number) in enumerate(shown):
        assert source == SOURCES[name]
        assert LENGTH * at // count <= number < LENGTH * (at + 1) // count


def test_a_part_shows_its_key_frame_or_one_of_its_first(clips: Path) -> None:
    strip = Image.open(BytesIO(filmstrip(clips / "a.mov", count=15, height=216)))
    for at in range(15):
        first = 16 * at
        key = -(-first // 24) * 24
        shown = seen(strip.crop((384 * at, 0, 384 * (at + 1), 216)))[1]
        assert shown == key if key < first + 16 else first <= shown < first + 4


def test_a_strip_of_a_range_stays_in_it(clips: Path) -> None:
    strip = Image.open(BytesIO(filmstrip(clips / "a.mov", count=3, height=216, start=30, end=45)))
    shown = [seen(strip.crop((384 * at, 0, 384 * (at + 1), 216)))[1] for at in range(3)]
    assert shown == [32, 37, 42]


def test_a_strip_of_a_still_repeats_it(tmp_path: Path) -> None:
    Image.new("RGB", (160, 90), (200, 0, 0)).save(tmp_path / "a.png")
    assert Image.open(BytesIO(filmstrip(tmp_path / "a.png", count=4, height=45))).size == (320, 45)


def test_frames_come_as_png_in_the_order_asked_for(clips: Path) -> None:
    made = frames(clips / "a.mov", [50, 3, 50])
    assert [seen(each)[1] for each in made] == [50, 3, 50]
    assert Image.open(BytesIO(made[0])).format == "PNG"
    assert Image.open(BytesIO(made[0])).size == coded.SIZE


def test_transparency_survives_in_frames(tmp_path: Path) -> None:
    Image.new("RGBA", (16, 16), (10, 20, 30, 40)).save(tmp_path / "a.png")
    assert Image.open(BytesIO(frames(tmp_path / "a.png", [0])[0])).getpixel((3, 3)) == (10, 20, 30, 40)


@pytest.mark.parametrize(
    "ask",
    [
        lambda path: thumbnail(path, -1),
        lambda path: thumbnail(path, 0, 0),
        lambda path: thumbnail(path, 0, 100_000),
        lambda path: filmstrip(path, count=0),
        lambda path: filmstrip(path, start=500),
        lambda path: filmstrip(path, count=400, height=1000),
        lambda path: frames(path, []),
        lambda path: frames(path, list(range(100))),
    ],
)
def test_what_lies_out_of_range_is_refused(clips: Path, ask) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(BadInput) as caught:
        ask(clips / "a.mov")
    assert caught.value.code == "bad_value"
