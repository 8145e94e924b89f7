from __future__ import annotations

import resource
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from genlock.errors import BadInput, MediaError
from genlock.media.writer import TakeWriter
from genlock.timeline.model import Resolution
from genlock.timeline.rate import RATES, Rate
from tests.media import coded

SIZE = Resolution(*coded.SIZE)


def grey(number: int) -> np.ndarray:
    level = coded.picture(7, number).astype(float)
    full = np.clip((level - 16) * 255 / 219, 0, 255).round().astype(np.uint8)
    return np.repeat(full[..., None], 3, axis=2)


def write_all(path: Path, frames: list[np.ndarray]) -> None:
    with TakeWriter(path, rate=Rate(24), resolution=SIZE) as writer:
        for frame in frames:
            writer.write_video(frame)


def write(path: Path, frames: int = 12, **options: object) -> Path:
    settings: dict = {"rate": Rate(24), "resolution": SIZE} | options
    with TakeWriter(path, **settings) as writer:
        for number in range(frames):
            writer.write_video(grey(number))
    return path


@pytest.mark.parametrize("rate", RATES, ids=str)
def test_rate_length_and_sound_are_exact(tmp_path: Path, rate: Rate) -> None:
    path = write(tmp_path / "a.mov", 25, rate=rate)
    with av.open(str(path)) as container:
        video, audio = container.streams.video[0], container.streams.audio[0]
        assert video.average_rate == rate.fraction
        assert video.frames == 25
        assert Fraction(video.duration) * video.time_base == 25 / rate.fraction
        assert audio.duration == round(25 * 48000 / rate.fraction)
        assert "timecode" not in str([stream.metadata for stream in container.streams])
        assert [frame.pts * frame.time_base for frame in container.decode(video)] == [
            n / rate.fraction for n in range(25)
        ]


@pytest.mark.parametrize(
    ("master", "suffix", "codec", "pixels"),
    [
        ("prores", ".mov", "prores", "yuv422p10le"),
        ("dnxhr", ".mov", "dnxhd", "yuv422p"),
        ("h264", ".mp4", "h264", "yuv420p"),
    ],
)
def test_each_master_keeps_every_frame(tmp_path: Path, master: str, suffix: str, codec: str, pixels: str) -> None:
    path = write(tmp_path / f"a{suffix}", master=master)
    assert coded.codes(path) == [(7, number) for number in range(12)]
    with av.open(str(path)) as container:
        context = container.streams.video[0].codec_context
        assert (context.name, context.pix_fmt) == (codec, pixels)
        assert (context.colorspace, context.color_primaries, context.color_trc, context.color_range) == (1, 1, 1, 1)


def test_colours_survive_prores(tmp_path: Path) -> None:
    colours = [(200, 30, 40), (20, 180, 60), (30, 60, 200), (250, 240, 10), (128, 128, 128)]
    with TakeWriter(tmp_path / "a.mov", rate=Rate(24), resolution=SIZE) as writer:
        for colour in colours:
            writer.write_video(np.full((SIZE.height, SIZE.width, 3), colour, np.uint8))
    with av.open(str(tmp_path / "a.mov")) as container:
        for colour, frame in zip(colours, container.decode(video=0), strict=True):
            seen = frame.to_ndarray(format="rgb24")[100, 100]
            assert np.abs(seen.astype(int) - colour).max() <= 3


def rgba(frame: av.VideoFrame) -> np.ndarray:
    return frame.reformat(format="rgba", src_colorspace="ITU709").to_ndarray()


def test_alpha_survives_and_the_proxy_shows_it_on_black(tmp_path: Path) -> None:
    frame = np.zeros((64, 256, 4), np.uint8)
    frame[..., 0], frame[..., 1] = np.arange(256), 128
    frame[..., 3] = np.random.default_rng(1).integers(0, 256, (64, 256))
    frame[:8, :, 3], frame[8:32, :, 3] = 0, 255
    proxy = tmp_path / "proxy.mp4"
    size = Resolution(256, 64)
    with TakeWriter(
        tmp_path / "a.mov", rate=Rate(24), resolution=size, master="prores4444", proxy=proxy, channels=0
    ) as writer:
        for _ in range(3):
            writer.write_video(frame)
    with av.open(str(tmp_path / "a.mov")) as container:
        context = container.streams.video[0].codec_context
        assert (context.name, context.profile) == ("prores", "4444")
        pictures = [rgba(picture) for picture in container.decode(video=0)]
    assert len(pictures) == 3
    for seen in pictures:
        assert np.array_equal(seen[:32, :, 3], frame[:32, :, 3])  # nothing and everything: exact
        assert np.abs(seen[..., 3].astype(int) - frame[..., 3]).max() <= 1
        assert np.abs(seen[..., :3].astype(int) - frame[..., :3]).max() <= 3  # below transparent pixels, too
    with av.open(str(proxy)) as container:
        shown = next(container.decode(video=0)).to_ndarray(format="rgb24")
    assert shown[:4].max() <= 12
    assert np.abs(shown[16:24].astype(int) - frame[16:24, :, :3]).mean() < 6


def test_a_frame_without_alpha_is_refused_where_it_belongs(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"4\) uint8"):
        with TakeWriter(tmp_path / "a.mov", rate=Rate(24), resolution=SIZE, master="prores4444") as writer:
            writer.write_video(np.zeros((SIZE.height, SIZE.width, 3), np.uint8))


def test_the_proxy_has_the_same_frames_and_short_closed_groups(tmp_path: Path) -> None:
    proxy = tmp_path / "Proxy" / "a.mp4"
    write(tmp_path / "a.mov", 30, proxy=proxy)
    assert coded.codes(proxy) == [(7, number) for number in range(30)]
    with av.open(str(proxy)) as container:
        keys = [frame.pts for frame in container.decode(video=0) if frame.key_frame]
        assert len(keys) == 3
        assert container.streams.audio[0].codec_context.name == "aac"
    head = proxy.read_bytes()[:4096]
    assert head.index(b"moov") < (head.find(b"mdat") if b"mdat" in head else 4096)


def test_equal_frames_give_equal_files(tmp_path: Path) -> None:
    first, second = (write(tmp_path / f"{name}.mov", proxy=tmp_path / f"{name}.mp4") for name in "ab")
    assert first.read_bytes() == second.read_bytes()
    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()


def test_sound_keeps_its_place_in_whatever_order_it_comes(tmp_path: Path) -> None:
    sound = np.zeros((2, 48000), np.float32)
    sound[:, [0, 12345, 23999]] = 0.5
    for name, early in (("early", True), ("late", False)):
        with TakeWriter(tmp_path / f"{name}.mov", rate=Rate(24), resolution=SIZE) as writer:
            if early:
                writer.write_audio(sound)
            for number in range(12):
                writer.write_video(grey(number))
            if not early:
                for part in np.split(sound, 10, axis=1):
                    writer.write_audio(part)
        heard = coded.samples(tmp_path / f"{name}.mov")
        assert heard.shape == (2, 24000)
        assert np.abs(heard - sound[:, :24000]).max() < 1e-6


def test_loud_sound_is_clipped_not_wrapped(tmp_path: Path) -> None:
    with TakeWriter(tmp_path / "a.mov", rate=Rate(24), resolution=SIZE, channels=1) as writer:
        writer.write_video(grey(0))
        writer.write_audio(np.full((1, 2000), 1.5, np.float32))
    assert coded.samples(tmp_path / "a.mov").min() > 0.99


def test_without_channels_there_is_no_sound(tmp_path: Path) -> None:
    with av.open(str(write(tmp_path / "a.mov", channels=0))) as container:
        assert len(container.streams.audio) == 0


def test_a_timecode_is_written_only_when_asked_for(tmp_path: Path) -> None:
    with av.open(str(write(tmp_path / "a.mov", timecode="01:00:00:00"))) as container:
        assert container.streams.video[0].metadata["timecode"] == "01:00:00:00"


def test_nothing_appears_before_it_is_complete(tmp_path: Path) -> None:
    writer = TakeWriter(tmp_path / "a.mov", rate=Rate(24), resolution=SIZE, proxy=tmp_path / "a.mp4")
    writer.write_video(grey(0))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.mov.partial", "a.mp4.partial"]
    writer.abort()
    assert list(tmp_path.iterdir()) == []


def test_an_error_in_the_block_leaves_nothing_and_an_older_take_alone(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mov")
    before = path.read_bytes()
    with pytest.raises(BadInput), TakeWriter(path, rate=Rate(24), resolution=SIZE) as writer:
        writer.write_audio(np.zeros((9, 9), np.float32))
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["a.mov"]


@pytest.mark.parametrize(
    "frame", [np.zeros((216, 384), np.uint8), np.zeros((216, 384, 3), np.float32), np.zeros((100, 384, 3), np.uint8)]
)
def test_a_frame_of_another_shape_is_refused(tmp_path: Path, frame: np.ndarray) -> None:
    with pytest.raises(BadInput), TakeWriter(tmp_path / "a.mov", rate=Rate(24), resolution=SIZE) as writer:
        writer.write_video(frame)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("sound", [np.zeros((1, 10), np.float32), np.full((2, 4), np.nan, np.float32)])
def test_sound_that_cannot_be_is_refused(tmp_path: Path, sound: np.ndarray) -> None:
    with pytest.raises(BadInput), TakeWriter(tmp_path / "a.mov", rate=Rate(24), resolution=SIZE) as writer:
        writer.write_audio(sound)


def test_a_take_without_a_frame_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput), TakeWriter(tmp_path / "a.mov", rate=Rate(24), resolution=SIZE):
        pass
    assert list(tmp_path.iterdir()) == []


def test_odd_sizes_are_refused_for_h264(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="even"):
        TakeWriter(tmp_path / "a.mp4", rate=Rate(24), resolution=Resolution(333, 216), master="h264")


def test_a_folder_that_cannot_be_made_is_a_coded_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(MediaError) as caught:
        TakeWriter(tmp_path / "file" / "a.mov", rate=Rate(24), resolution=SIZE)
    assert caught.value.code == "unwritable_folder"


def test_a_full_disk_is_a_coded_error_and_leaves_nothing(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, hard))  # the system then refuses as it does on a full disk
    try:
        noise = np.random.default_rng(1).integers(0, 255, (SIZE.height, SIZE.width, 3), dtype=np.uint8)
        with pytest.raises(MediaError) as caught:
            write_all(tmp_path / "a.mov", [noise] * 30)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert caught.value.code == "unwritable_folder"
    assert list(tmp_path.iterdir()) == []
