from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from genlock.errors import MediaError
from genlock.media import limits
from genlock.media.probe import probe
from genlock.project.media import AudioStream
from genlock.timeline.rate import RATES, Rate
from tests.media import coded
from tests.media.conftest import LENGTH


@pytest.mark.parametrize(
    ("name", "rate"),
    [
        ("a.mov", Rate(24)),
        ("b.mkv", Rate(24000, 1001)),
        ("c.avi", Rate(25)),
        ("d.ts", Rate(30)),
        ("e.mov", Rate(30000, 1001)),
        ("g.mp4", Rate(30)),
    ],
)
def test_rate_and_length_are_exact_in_every_container(clips: Path, name: str, rate: Rate) -> None:
    info = probe(clips / name)
    assert (info.kind, info.rate, info.frames, info.variable_rate) == ("video", rate, LENGTH, False)
    assert (info.width, info.height, info.sar) == (*coded.SIZE, Rate(1))
    assert info.size == (clips / name).stat().st_size


@pytest.mark.parametrize("rate", RATES, ids=str)
def test_all_rates_are_read_back_from_a_clock_of_milliseconds(tmp_path: Path, rate: Rate) -> None:
    info = probe(coded.make(tmp_path / "a.mkv", 1, 61, rate))
    assert (info.rate, info.frames, info.variable_rate) == (rate, 61, False)


def test_an_odd_rate_stays_the_fraction_it_is(tmp_path: Path) -> None:
    assert probe(coded.make(tmp_path / "a.mov", 1, 10, Rate(15))).rate == Rate(15)


def test_embedded_timecode_numbers_the_first_frame(clips: Path) -> None:
    drop, plain, none = probe(clips / "e.mov"), probe(clips / "f.mov"), probe(clips / "a.mov")
    assert (drop.timecode, drop.drop_frame, drop.start) == ("01:00:00;02", True, 107894)
    assert (plain.timecode, plain.drop_frame, plain.start) == ("10:00:00:00", False, 864000)
    assert (none.timecode, none.start) == ("", 0)


def test_sound_is_described(clips: Path) -> None:
    assert probe(clips / "a.mov").audio == (AudioStream(48000, 1, "mono", 480000, "pcm_s16le"),)
    assert probe(clips / "f.mov").audio[0].sample_rate == 44100
    assert probe(clips / "c.avi").audio == ()


def test_a_variable_rate_is_flagged(tmp_path: Path) -> None:
    stamps = [number + number // 3 for number in range(50)]
    info = probe(coded.make(tmp_path / "v.mov", 6, 50, stamps=stamps))
    assert (info.variable_rate, info.frames) == (True, 50)


def test_sound_alone_has_no_rate(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "a.wav"), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=44100)
        stream.layout = "stereo"
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 88200), np.int16), format="s16", layout="stereo")
        frame.sample_rate = 44100
        container.mux(stream.encode(frame))
    info = probe(tmp_path / "a.wav")
    assert (info.kind, info.rate, info.frames, info.audio[0].samples) == ("audio", None, 0, 44100)


def test_a_still_is_one_frame_turned_as_the_camera_says(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (60, 40)).save(tmp_path / "a.jpg", exif=exif)
    Image.new("RGBA", (60, 40)).save(tmp_path / "b.png")
    turned, flat = probe(tmp_path / "a.jpg"), probe(tmp_path / "b.png")
    assert (turned.kind, turned.frames, turned.rate, turned.width, turned.height) == ("image", 1, None, 40, 60)
    assert (flat.width, flat.height, flat.pixel_format) == (60, 40, "rgba")


def test_an_image_sequence_starts_at_its_first_number(tmp_path: Path) -> None:
    for number in (1001, 1002, 1005):
        Image.new("RGB", (32, 18)).save(tmp_path / f"p.{number}.tif")
    info = probe(tmp_path / "p.[1001-1005].tif")
    assert (info.kind, info.start, info.frames, info.rate, info.width) == ("sequence", 1001, 5, None, 32)


def test_rotation_is_applied_to_the_size(tmp_path: Path, clips: Path) -> None:
    import subprocess

    import imageio_ffmpeg

    turned = tmp_path / "t.mp4"
    tool = imageio_ffmpeg.get_ffmpeg_exe()
    subprocess.run(
        [tool, "-v", "error", "-display_rotation", "90", "-i", clips / "g.mp4", "-c", "copy", turned], check=True
    )
    assert (probe(turned).width, probe(turned).height) == coded.SIZE[::-1]


@pytest.mark.parametrize("name", ["a.mov", "g.mp4", "b.mkv", "c.avi"])
def test_a_file_cut_short_or_emptied_is_unreadable(tmp_path: Path, clips: Path, name: str) -> None:
    data = (clips / name).read_bytes()
    for part in (b"", data[:100], bytes(len(data))):
        (tmp_path / name).write_bytes(part)
        with pytest.raises(MediaError) as caught:
            probe(tmp_path / name)
        assert caught.value.code == "media_unreadable"


def test_a_movie_with_its_index_in_front_but_its_end_missing_is_unreadable(tmp_path: Path) -> None:
    whole = coded.make(tmp_path / "a.mp4", 1, 120, options={"movflags": "+faststart"})
    data = whole.read_bytes()
    (tmp_path / "b.mp4").write_bytes(data[: len(data) * 9 // 10])
    assert probe(whole).frames == 120
    with pytest.raises(MediaError, match="cut short"):
        probe(tmp_path / "b.mp4")


@pytest.mark.parametrize("suffix", [".mov", ".txt", ".png", ".exr", ".wav", ""])
def test_foreign_data_is_unreadable(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    path.write_text("Fade in: a cutting room.\n" * 300)
    with pytest.raises(MediaError) as caught:
        probe(path)
    assert caught.value.code == "media_unreadable"


def test_a_playlist_opens_nothing_else(tmp_path: Path, clips: Path) -> None:
    for name, text in (
        ("a.m3u8", f"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n{clips / 'd.ts'}\n#EXT-X-ENDLIST\n"),
        ("a.mov", f"ffconcat version 1.0\nfile '{clips / 'a.mov'}'\n"),
    ):
        (tmp_path / name).write_text(text)
        with pytest.raises(MediaError) as caught:
            probe(tmp_path / name)
        assert caught.value.code == "media_unreadable"


def test_a_missing_file_is_missing(tmp_path: Path) -> None:
    for name in ("a.mov", "a.png", "a.%04d.exr"):
        with pytest.raises(MediaError) as caught:
            probe(tmp_path / name)
        assert caught.value.code == "media_missing"


def test_a_picture_of_absurd_size_is_refused(tmp_path: Path) -> None:
    import struct
    import zlib

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0))
    bomb = b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    assert limits.MOST_PIXELS < 60_000 * 60_000
    (tmp_path / "bomb.png").write_bytes(bomb)
    with pytest.raises(MediaError) as caught:
        probe(tmp_path / "bomb.png")
    assert caught.value.code == "media_unreadable"
