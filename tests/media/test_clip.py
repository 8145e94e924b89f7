from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from genlock.errors import MediaError
from genlock.media.clip import fitted, open_clip, shown_size
from genlock.media.writer import TakeWriter
from genlock.timeline.model import Resolution
from genlock.timeline.rate import Rate
from tests.media import coded
from tests.media.conftest import LENGTH, SOURCES


def seen(picture: Image.Image) -> tuple[int, int] | str:
    return coded.code(np.asarray(picture.convert("L")).astype(float) * 219 / 255 + 16)


@pytest.mark.parametrize("name", SOURCES)
def test_every_frame_is_the_frame_asked_for(clips: Path, name: str) -> None:
    order = [0, 1, 2, 3, 23, 24, 25, 26, 47, 48, 100, 101, 150, 199, 238, 239]
    with open_clip(clips / name) as clip:
        assert [seen(picture) for _, picture in clip.pictures(order)] == [(SOURCES[name], number) for number in order]


@pytest.mark.parametrize("name", SOURCES)
@pytest.mark.parametrize("number", [0, 13, 77, 239])
def test_a_frame_is_found_from_cold(clips: Path, name: str, number: int) -> None:
    with open_clip(clips / name) as clip:
        assert seen(next(clip.pictures([number]))[1]) == (SOURCES[name], number)


def test_going_back_works_too(clips: Path) -> None:
    with open_clip(clips / "a.mov") as clip:
        assert [seen(picture)[1] for _, picture in clip.pictures([200, 3, 100, 99, 98])] == [200, 3, 100, 99, 98]


@pytest.mark.parametrize("name", SOURCES)
def test_a_glimpse_lies_in_its_part(clips: Path, name: str) -> None:
    parts = [(5, 6), (7, 40), (41, 42), (43, 60), (130, 170), (239, 300)]
    for rough in (False, True):
        with open_clip(clips / name, rough=rough) as clip:
            shown = [(part, seen(picture)[1]) for part, picture in clip.glimpses(parts)]
        assert [part for part, _ in shown] == parts
        for (first, end), number in shown:
            assert first <= number < end if end - first > 8 else abs(number - first) <= rough * 4


def test_past_the_end_the_last_frame_is_held(clips: Path) -> None:
    for name in ("a.mov", "d.ts", "b.mkv"):
        with open_clip(clips / name) as clip:
            assert seen(next(clip.pictures([LENGTH + 1000]))[1]) == (SOURCES[name], LENGTH - 1)


def test_a_variable_rate_shows_what_is_on_screen_at_the_time(tmp_path: Path) -> None:
    stamps = [0, 1, 2, 6, 7, 8, 9, 10]
    with open_clip(coded.make(tmp_path / "v.mov", 1, 8, stamps=stamps)) as clip:
        rate = clip.rate.fraction  # type: ignore[union-attr]
        at = [round(stamp / 24 * rate) for stamp in (0, 6, 10)]
        assert [seen(picture)[1] for _, picture in clip.pictures(at)] == [0, 3, 7]


def test_numbered_images_hold_over_holes(tmp_path: Path) -> None:
    for number in (10, 11, 13):
        Image.fromarray(coded.picture(9, number)).save(tmp_path / f"p.{number:04d}.png")
    with open_clip(tmp_path / "p.%04d.png") as clip:
        assert clip.frames == 4
        levels = [np.asarray(picture.convert("L")).astype(float) for _, picture in clip.pictures(range(4))]
    assert [coded.code(level) for level in levels] == [(9, 10), (9, 11), (9, 11), (9, 13)]


def test_sizes_keep_their_shape() -> None:
    assert fitted((1920, 1080), (320, 4096)) == (320, 180)
    assert fitted((100, 50), (320, 320)) == (100, 50)
    assert shown_size(720, 576, 16 / 15, 90) == (576, 768)  # type: ignore[arg-type]


def test_sound_has_no_pictures(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(
        b"RIFF\x24\0\0\0WAVEfmt \x10\0\0\0\1\0\1\0\x80\xbb\0\0\0\x77\1\0\2\0\x10\0data\0\0\0\0"
    )
    with pytest.raises(MediaError), open_clip(tmp_path / "a.wav"):
        pass


@pytest.mark.parametrize("colour", [(16, 16, 16), (100, 100, 100), (235, 235, 235), (235, 140, 30), (30, 200, 90)])
@pytest.mark.parametrize("height", [96, 720])
def test_a_colour_keeps_its_level_through_generations_of_a_master(
    tmp_path: Path, colour: tuple[int, int, int], height: int
) -> None:
    picture = np.full((height, 160, 3), colour, np.uint8)
    for generation in range(3):
        path = tmp_path / f"{generation}.mov"
        with TakeWriter(path, rate=Rate(24), resolution=Resolution(160, height), master="prores", proxy=None) as writer:
            writer.write_video(picture)
        with open_clip(path) as clip:
            ((_, image),) = clip.pictures([0])
        picture = np.asarray(image.convert("RGB"))
    assert np.abs(picture.astype(int) - colour).max() <= 1


@pytest.mark.parametrize("error", [ValueError, TypeError, KeyError, MemoryError, OSError, ZeroDivisionError])
@pytest.mark.parametrize("name", ["a.mov", "still.png"])
def test_what_goes_wrong_while_a_clip_is_open_is_no_error_of_its_file(
    clips: Path, tmp_path: Path, name: str, error: type[Exception]
) -> None:
    Image.new("RGB", (32, 32)).save(tmp_path / "still.png")
    path = clips / name if name == "a.mov" else tmp_path / name

    def body() -> None:
        with open_clip(path) as clip:
            next(clip.pictures([0]))
            raise error("mine")

    with pytest.raises(error, match="mine"):
        body()


def test_a_number_that_raises_is_no_error_of_the_file(clips: Path) -> None:
    def wanted() -> Iterator[int]:
        yield 0
        raise ValueError("mine")

    with open_clip(clips / "a.mov") as clip, pytest.raises(ValueError, match="mine"):
        list(clip.pictures(wanted()))


def test_what_breaks_off_while_it_is_decoded_is_named(clips: Path, tmp_path: Path) -> None:
    data = (clips / "d.ts").read_bytes()
    path = tmp_path / "d.ts"
    path.write_bytes(data)
    with open_clip(path) as clip:
        path.unlink()
        with pytest.raises(MediaError) as caught:
            list(clip.pictures([100, 3]))
    assert caught.value.code == "media_missing"
