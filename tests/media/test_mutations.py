"""Damaged media, by chance: whatever is in the bytes, the answer is a value or a coded error within five seconds."""

from __future__ import annotations

import contextlib
import os
import random
import time
from pathlib import Path

import pytest

from genlock.errors import MediaError
from genlock.media.service import MediaService
from tests.media import coded

ROUNDS = 20


def mutated(data: bytes, chance: random.Random) -> bytes:
    """Returns the data with some of it changed, cut out, doubled or cut off; the front, where headers are, more often."""
    body = bytearray(data)
    for _ in range(chance.choice((1, 2, 8, 64))):
        at = int(len(body) * chance.random() ** chance.choice((1, 6)))
        match chance.randrange(5):
            case 0:
                body[at : at + 1] = bytes([chance.randrange(256)])
            case 1:
                body[at : at + 4] = chance.randbytes(4)
            case 2:
                body[at : at + 4] = chance.choice((b"\xff" * 4, b"\0" * 4, b"\x7f\xff\xff\xff"))
            case 3:
                del body[at : at + chance.randrange(1, 400)]
            case _:
                body[at:at] = body[at : at + chance.randrange(1, 400)]
    return bytes(body if chance.random() < 0.8 else body[: chance.randrange(len(body))])


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".wav"])
def test_no_damage_reaches_the_daemon(tmp_path: Path, suffix: str) -> None:
    chance = random.Random(f"genlock {suffix}")
    whole = tmp_path / f"whole{suffix}"
    if suffix == ".wav":
        sound = coded.make(tmp_path / "s.mov", 1, 48, clicks=(0, 20))
        import subprocess

        import imageio_ffmpeg

        subprocess.run([imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", sound, "-vn", whole], check=True)
    else:
        coded.make(whole, 1, 48, clicks=(0, 20) if suffix == ".mov" else None)
    data = whole.read_bytes()
    with MediaService(lanes=1, patience=5) as media:
        for round_ in range(ROUNDS):
            path = tmp_path / f"m{round_}{suffix}"
            path.write_bytes(mutated(data, chance))
            for ask in (media.probe, media.thumbnail, media.peaks):
                began = time.monotonic()
                with contextlib.suppress(MediaError):
                    ask(path)  # type: ignore[operator]
                assert time.monotonic() - began < 6
        assert media.probe(whole).size == len(data)


def test_what_is_no_file_does_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.mov")
    with MediaService(lanes=1, patience=5) as media:
        for path in (tmp_path / "pipe.mov", Path("/dev/zero"), tmp_path):
            with pytest.raises(MediaError):
                media.probe(path)
