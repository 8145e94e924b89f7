from __future__ import annotations

from pathlib import Path

import pytest

from genlock.errors import MediaError
from genlock.media import numbered


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number in (1001, 1002, 1004):
        (tmp_path / f"shot.{number}.exr").touch()
    (tmp_path / "shot.0001.png").touch()
    (tmp_path / "notes.txt").touch()
    return tmp_path


@pytest.mark.parametrize("name", ["shot.%04d.exr", "shot.####.exr", "shot.%d.exr", "shot.[1001-1004].exr", ""])
def test_every_way_to_write_a_sequence_is_understood(folder: Path, name: str) -> None:
    run = numbered.find(folder / name)
    assert run is not None
    assert (run.first, run.last, run.frames) == (1001, 1004, 4)


def test_a_hole_shows_the_image_before(folder: Path) -> None:
    run = numbered.find(folder / "shot.%04d.exr")
    assert run is not None
    assert [run.file(frame).name.split(".")[1] for frame in (-3, 0, 1, 2, 3, 9)] == [
        "1001", "1001", "1002", "1002", "1004", "1004",
    ]  # fmt: skip


def test_a_range_leaves_out_what_lies_outside(folder: Path) -> None:
    run = numbered.find(folder / "shot.[1002-1004].exr")
    assert run is not None
    assert run.first == 1002


def test_a_plain_file_is_no_sequence_even_with_a_pattern_in_its_name(folder: Path) -> None:
    (folder / "take.[1-3].mov").touch()
    assert numbered.find(folder / "take.[1-3].mov") is None
    assert numbered.find(folder / "none.mov") is None


@pytest.mark.parametrize("name", ["other.%04d.exr", "gone/shot.%04d.exr"])
def test_a_pattern_without_images_is_missing(folder: Path, name: str) -> None:
    with pytest.raises(MediaError) as caught:
        numbered.find(folder / name)
    assert caught.value.code == "media_missing"


def test_absurd_numbers_are_refused(folder: Path) -> None:
    (folder / "shot.9999999.exr").touch()
    with pytest.raises(MediaError) as caught:
        numbered.find(folder / "shot.%d.exr")
    assert caught.value.code == "media_unreadable"
