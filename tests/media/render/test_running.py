"""Renders of frame-coded clips, judged frame by frame and sample by sample."""

from __future__ import annotations

import random
import subprocess
import time
from collections.abc import Iterable
from io import BytesIO
from pathlib import Path

import av
import imageio_ffmpeg
import numpy as np
import pytest
from PIL import Image

from genlock.errors import BadInput, MediaError
from genlock.media.render import RenderPlan, plan, render
from genlock.media.render.program import File, Slate
from genlock.media.service import MediaService
from genlock.timeline.model import Generator, Item, Media, Nested, Resolution, Shot, Transition
from genlock.timeline.rate import RATES, Rate
from genlock.timeline.sequence import Sequence
from tests.media import coded
from tests.media.conftest import LENGTH, SOURCES
from tests.media.cutting import Pool, clip, item, sequence

R30 = Rate(30)
FILM = Rate(24000, 1001)


def promised(made: RenderPlan) -> list[object]:
    """Returns what each frame of the plan must show to a reader of coded frames; None where only a person can tell."""
    rows: list[object] = []
    for span in made.spans:
        for k in range(span.duration):
            if not span.layers:
                rows.append("black")
                continue
            top = span.layers[-1]
            if isinstance(top.picture, File) and len(span.layers) == 1 and top.opacity is None:
                number = min(max(top.shown(k), 0), top.picture.frames - 1)
                rows.append((SOURCES[top.picture.path.name], number))
            else:
                rows.append(None)
    return rows


class Cutter:
    """Renders sequences of the pool into a folder."""

    def __init__(self, media: MediaService, pool: Pool, folder: Path) -> None:
        self.media, self.pool, self.folder = media, pool, folder

    def plan(self, cut: Sequence, nested: Iterable[Sequence] = ()) -> RenderPlan:
        inside = {each.id: each for each in nested}
        return plan(cut, self.pool.resolve, inside.get, info=self.pool.info)

    def render(self, made: RenderPlan, name: str = "out.mov", **options: object) -> Path:
        return render(made, self.folder / name, media=self.media, **options).path  # type: ignore[arg-type]

    def wrong(self, cut: Sequence, name: str = "out.mov", nested: Iterable[Sequence] = ()) -> list[object]:
        """Returns the frames that do not show what they should: (frame, seen, promised)."""
        made = self.plan(cut, nested)
        seen, right = coded.codes(self.render(made, name)), promised(made)
        assert len(seen) == len(right) == made.frames
        return [(at, a, b) for at, (a, b) in enumerate(zip(seen, right, strict=True)) if b is not None and a != b]


@pytest.fixture
def cutter(media: MediaService, pool: Pool, tmp_path: Path) -> Cutter:
    return Cutter(media, pool, tmp_path)


MIXED = [
    (0, clip("1", "a", 10, 20)),
    (20, clip("2", "c", 50, 40, rate=Rate(25))),
    (64, clip("3", "d", 10, 26, rate=R30)),
    (90, clip("4", "b", 100, 30, rate=FILM)),
    (120, clip("5", "e", 107894 + 30, 30, rate=Rate(30000, 1001))),
    (150, clip("6", "f", 864000 + 100, 30)),
    (180, clip("7", "g", 200, 20, rate=R30)),
]


@pytest.mark.parametrize("suffix", [".mov", ".mp4"])
def test_cuts_and_gaps_of_every_container_and_rate(cutter: Cutter, suffix: str) -> None:
    assert cutter.wrong(sequence([MIXED]), f"out{suffix}") == []


@pytest.mark.parametrize("rate", RATES, ids=str)
def test_length_and_clock_are_exact_at_every_rate(cutter: Cutter, rate: Rate) -> None:
    cut = sequence([[(2, clip("1", "a", 40, 21, rate=Rate(24)))]], rate=rate)
    assert cutter.wrong(cut) == []
    with av.open(str(cutter.folder / "out.mov")) as container:
        video, audio = container.streams.video[0], container.streams.audio[0]
        assert (video.average_rate, video.frames) == (rate.fraction, 23)
        assert video.duration * video.time_base == 23 / rate.fraction
        assert audio.duration == round(23 * 48000 / rate.fraction)
        assert [frame.pts * frame.time_base for frame in container.decode(video)] == [
            n / rate.fraction for n in range(23)
        ]


def test_thirty_in_film_rate_drops_the_right_frames(cutter: Cutter) -> None:
    cut = sequence([[(0, clip("1", "d", 3, 100, rate=R30)), (100, clip("2", "a", 20, 60, rate=Rate(24)))]], rate=FILM)
    assert cutter.wrong(cut) == []


def test_speeds_freezes_and_reverse(cutter: Cutter) -> None:
    speeds = [(10, 2, 1), (100, 1, 2), (200, -1, 1), (77, 0, 1), (239, -2, 1), (50, -1, 3), (30, 7, 3), (99, -5, 3)]
    row, at = [], 0
    for first, num, den in speeds:
        row.append((at, clip(f"{at}", "a", first, 30, (num, den))))
        at += 30
    row.append((at, clip("r", "d", 220, 70, (-1, 1), rate=R30)))
    assert cutter.wrong(sequence([row])) == []


def test_upper_tracks_lie_over_lower_ones(cutter: Cutter) -> None:
    cut = sequence(
        [
            [(0, clip("1", "a", 10, 60))],
            [(10, clip("2", "c", 0, 10)), (30, clip("3", "b", 0, 10))],
            [(15, clip("4", "g", 5, 20)), (50, clip("5", "g", 5, 5, enabled=False))],
        ]
    )
    assert cutter.wrong(cut) == []


def test_past_both_ends_of_a_source_the_last_picture_is_held(cutter: Cutter) -> None:
    row = [(0, clip("1", "a", LENGTH - 5, 20)), (20, clip("2", "a", -6, 20)), (40, clip("3", "a", 5, 20, (-1, 1)))]
    assert cutter.wrong(sequence([row])) == []


def test_the_same_clip_twice_is_shown_twice(cutter: Cutter) -> None:
    cut = sequence([[(at, clip(f"{at}", "a", 60, 10)) for at in range(0, 60, 12)]])
    assert cutter.wrong(cut) == []


def test_a_dissolve_mixes_each_frame_by_its_share(cutter: Cutter) -> None:
    cut = sequence(
        [[(0, clip("1", "a", 10, 30)), (30, clip("2", "f", 864020, 30))]], transitions=[Transition("1", "2", 6, 4)]
    )
    assert cutter.wrong(cut) == []
    for at, luma in enumerate(coded.lumas(cutter.folder / "out.mov")):
        if 24 <= at < 34:
            assert coded.weight(luma, (1, 10 + at), (6, 20 + at - 30)) == pytest.approx((at - 24 + 0.5) / 10, abs=0.012)


def test_a_long_dissolve_may_be_cut_by_another_track(cutter: Cutter) -> None:
    cut = sequence(
        [[(0, clip("1", "a", 10, 60)), (60, clip("2", "f", 864030, 60))], [(50, clip("3", "g", 0, 5))]],
        transitions=[Transition("1", "2", 25, 25)],
    )
    assert cutter.wrong(cut) == []
    for at, luma in enumerate(coded.lumas(cutter.folder / "out.mov")):
        if 35 <= at < 85 and not 50 <= at < 55:
            assert coded.weight(luma, (1, 10 + at), (6, 30 + at - 60)) == pytest.approx((at - 35 + 0.5) / 50, abs=0.012)


def test_fades_reach_black_by_equal_steps(cutter: Cutter) -> None:
    cut = sequence(
        [[(0, clip("1", "a", 0xF0, 30))]], transitions=[Transition(None, "1", 0, 8), Transition("1", None, 10, 0)]
    )
    levels = [float(luma[4:30].mean()) for luma in coded.lumas(cutter.render(cutter.plan(cut)))]
    share = [(level - coded.BLACK) / (coded.MARK - coded.BLACK) for level in levels]
    right = [(k + 0.5) / 8 for k in range(8)] + [1.0] * 12 + [1 - (k + 0.5) / 10 for k in range(10)]
    assert share == pytest.approx(right, abs=0.02)


def test_nested_sequences_show_their_frames(cutter: Cutter) -> None:
    inner = sequence([[(0, clip("i", "a", 20, 20)), (20, clip("j", "c", 10, 20))]], id="in")
    cut = sequence(
        [[(0, clip("1", "b", 0, 5)), (5, Item("n", Nested("in"), 30, source_in=5)),
          (35, Item("m", Nested("in"), 20, source_in=39, speed=clip("x", "a", 0, 1, (-2, 1)).speed))]]
    )  # fmt: skip
    assert cutter.wrong(cut, nested=[inner]) == []


# -- pictures that are no movies


def test_stills_sequences_and_colours(cutter: Cutter) -> None:
    for number in (10, 11, 12, 15):
        grey = ((coded.picture(9, number).astype(float) - 16) * 255 / 219).clip(0, 255).round().astype(np.uint8)
        Image.fromarray(grey).convert("RGB").save(cutter.folder / f"p 100%.{number:04d}.png")
    files = {"still": cutter.folder / "p 100%.0012.png", "run": cutter.folder / "p 100%.%04d.png"}
    cutter.pool = Pool(cutter.media, files)
    cut = sequence(
        [
            [
                (0, clip("1", "still", 0, 5)),
                (5, item("2", Media("run", first=10, frames=6), 6, source_in=10)),
                (11, clip("3", "run", 15, 6, (-1, 1))),
                (20, item("4", Generator("solid", {"color": "#3366aa"}), 3)),
            ]
        ]
    )
    path = cutter.render(cutter.plan(cut))
    held = [10, 11, 12, 12, 12, 15]
    assert (
        coded.codes(path)[:20] == [(9, 12)] * 5 + [(9, n) for n in held] + [(9, n) for n in held[::-1]] + ["black"] * 3
    )
    with av.open(str(path)) as container:
        last = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)][-1]
    assert np.abs(last[100, 100].astype(int) - (0x33, 0x66, 0xAA)).max() <= 3


def test_transparent_pictures_are_laid_over_in_their_place(cutter: Cutter) -> None:
    logo = np.zeros((108, 192, 4), np.uint8)
    logo[27:81, 48:144] = (255, 255, 255, 128)
    Image.fromarray(logo).save(cutter.folder / "logo.png")
    cutter.pool = Pool(cutter.media, {"logo": cutter.folder / "logo.png"})
    cut = sequence([[(0, item("1", Generator("solid", {"color": "#000000"}), 8))], [(2, clip("2", "logo", 0, 4))]])
    levels = list(coded.lumas(cutter.render(cutter.plan(cut))))
    inside = [round(float(luma[80:136, 120:260].mean())) for luma in levels]
    outside = [round(float(luma[:40].mean())) for luma in levels]
    assert inside == pytest.approx([16, 16, 126, 126, 126, 126, 16, 16], abs=2)
    assert outside == [16] * 8


def test_other_shapes_are_fitted_with_bars_of_black(cutter: Cutter) -> None:
    cut = sequence([[(0, clip("1", "a", 7, 3))]], resolution=Resolution(384, 384))
    for luma in coded.lumas(cutter.render(cutter.plan(cut))):
        assert luma[:80].mean() == pytest.approx(16, abs=1)
        assert coded.code(luma[84:300])[0] == 1


def test_missing_media_becomes_a_slate_and_the_rest_stays_exact(cutter: Cutter) -> None:
    cut = sequence(
        [
            [
                (0, clip("1", "a", 10, 10)),
                (10, clip("Lost clip", "zz", 0, 10)),
                (20, item("New", Shot("s"), 5)),
                (25, clip("2", "c", 9, 9)),
            ]
        ]
    )
    made = cutter.plan(cut)
    assert made.missing == ("Lost clip", "New")
    assert isinstance(made.spans[1].layers[0].picture, Slate)
    assert cutter.wrong(cut) == []
    slates = list(coded.lumas(cutter.folder / "out.mov"))[10:25]
    assert all(luma.max() > 150 for luma in slates)
    assert len({luma.tobytes() for luma in slates}) == 2


# -- sound


def heard(cutter: Cutter, cut: Sequence) -> list[int]:
    return coded.clicks(cutter.render(cutter.plan(cut)), 0.15)


def test_clicks_sound_at_their_sample(cutter: Cutter) -> None:
    cut = sequence(
        [], [[(0, clip("1", "a", 24, 20)), (30, clip("2", "a", 24, 50)), (100, clip("3", "a", 140, 20))],
             [(7, clip("4", "a", 0, 10)), (60, clip("5", "a", 150, 1))]],
    )  # fmt: skip
    assert heard(cutter, cut) == [0, 7 * 2000, 30 * 2000, 54 * 2000, 60 * 2000, 110 * 2000]


def test_clicks_sound_at_their_sample_at_film_rate(cutter: Cutter) -> None:
    cut = sequence([], [[(5, clip("1", "b", 24, 40)), (61, clip("2", "b", 150, 4))]], rate=FILM)
    assert heard(cutter, cut) == [5 * 2002, 29 * 2002, 61 * 2002]


def test_other_sample_rates_stay_in_place(cutter: Cutter) -> None:
    cut = sequence([], [[(10, clip("1", "f", 864000 + 24, 40)), (70, clip("2", "f", 864000 + 145, 10))]])
    assert heard(cutter, cut) == pytest.approx([10 * 2000, 34 * 2000, 75 * 2000], abs=1)


def test_sound_speeds_up_slows_down_and_turns_round(cutter: Cutter) -> None:
    cut = sequence(
        [],
        [
            [
                (0, clip("1", "a", 20, 20, (2, 1))),
                (30, clip("2", "a", 20, 20, (1, 2))),
                (60, clip("3", "a", 51, 40, (-1, 1))),
            ]
        ],
    )
    expected = [2 * 2000, 14 * 2000, 38 * 2000, 60 * 2000 + 4 * 2000 - 1, 60 * 2000 + 28 * 2000 - 1]
    assert coded.clicks(cutter.render(cutter.plan(cut)), 0.1) == pytest.approx(expected, abs=2)


def test_levels_are_kept_and_tracks_are_added(cutter: Cutter) -> None:
    cut = sequence([], [[(0, clip("1", "a", 24, 5))], [(0, clip("2", "a", 24, 5))]])
    sound = coded.samples(cutter.render(cutter.plan(cut)))
    assert sound.shape == (2, 10_000)
    assert sound[:, 0] == pytest.approx([2 * coded.CLICK] * 2, abs=0.001)


def test_sound_fades_sample_by_sample(cutter: Cutter, tmp_path: Path) -> None:
    with av.open(str(tmp_path / "one.wav"), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=48000)
        stream.layout = "stereo"
        frame = av.AudioFrame.from_ndarray(np.full((1, 2 * 96000), 16384, np.int16), format="s16", layout="stereo")
        frame.sample_rate = 48000
        container.mux(stream.encode(frame))
    cutter.pool = Pool(cutter.media, {"one": tmp_path / "one.wav"})
    cut = sequence(
        [], [[(0, clip("1", "one", 0, 12)), (12, clip("2", "one", 12, 12))]],
        transitions=[Transition(None, "1", 0, 6), Transition("1", "2", 3, 3), Transition("2", None, 6, 0)],
    )  # fmt: skip
    sound = coded.samples(cutter.render(cutter.plan(cut)))[0]
    assert sound[:12_000] == pytest.approx(0.5 * np.arange(12_000) / 12_000, abs=0.0005)
    assert sound[12_000:36_000] == pytest.approx(0.5, abs=0.0005)
    assert sound[36_000:] == pytest.approx(0.5 * (1 - np.arange(12_000) / 12_000), abs=0.0005)


# -- size, progress, cancel, failure


def test_three_hundred_segments(cutter: Cutter) -> None:
    chance = random.Random(2)
    video, audio, at = [], [], 0
    for number in range(300):
        length, first = chance.randint(1, 3), chance.randint(0, 230)
        video.append((at, clip(f"v{number}", chance.choice("ac"), first, length)))
        audio.append((at, clip(f"a{number}", "a", first, length)))
        at += length
    assert cutter.wrong(sequence([video], [audio], resolution=Resolution(384, 216))) == []


def test_progress_counts_up_to_the_last_frame(cutter: Cutter) -> None:
    told: list[tuple[int, int]] = []
    made = cutter.plan(sequence([MIXED]))
    cutter.render(made, on_progress=lambda done, total: told.append((done, total)))
    assert told[-1] == (200, 200)
    assert told == sorted(set(told))


def test_cancel_stops_at_once_and_leaves_an_older_movie_alone(cutter: Cutter) -> None:
    made = cutter.plan(sequence([[(0, clip("1", "a", 10, 90_000))]], resolution=Resolution(1920, 1080)))
    (cutter.folder / "out.mov").write_text("older")
    began = time.monotonic()
    with pytest.raises(MediaError) as caught:
        cutter.render(made, cancelled=lambda: time.monotonic() - began > 0.5)
    assert caught.value.code == "cancelled"
    assert time.monotonic() - began < 3
    assert [path.name for path in cutter.folder.iterdir()] == ["out.mov"]
    assert (cutter.folder / "out.mov").read_text() == "older"


def test_a_file_that_breaks_between_plan_and_render_is_a_coded_error(cutter: Cutter, tmp_path: Path) -> None:
    path = coded.make(tmp_path / "x.mov", 1, 50)
    cutter.pool = Pool(cutter.media, {"x": path})
    made = cutter.plan(sequence([[(0, clip("1", "x", 0, 50))]]))
    path.write_bytes(b"gone" * 100)
    with pytest.raises(MediaError) as caught:
        cutter.render(made)
    assert caught.value.code in ("render_failed", "media_unreadable")
    assert [each.name for each in tmp_path.iterdir()] == ["x.mov"]


def test_an_unwritable_folder_is_a_coded_error(cutter: Cutter) -> None:
    made = cutter.plan(sequence([[(0, clip("1", "a", 0, 5))]]))
    (cutter.folder / "file").touch()
    with pytest.raises(MediaError) as caught:
        cutter.render(made, "file/out.mov")
    assert caught.value.code == "unwritable_folder"


@pytest.mark.parametrize(("name", "frames", "code"), [("out.avi", 5, "unknown_format"), ("out.mov", 0, "bad_value")])
def test_what_cannot_be_rendered_is_refused(cutter: Cutter, name: str, frames: int, code: str) -> None:
    cut = sequence([[(0, clip("1", "a", 0, frames))]] if frames else [])
    with pytest.raises(BadInput) as caught:
        cutter.render(cutter.plan(cut), name)
    assert caught.value.code == code


def test_equal_plans_give_equal_movies(cutter: Cutter) -> None:
    made = cutter.plan(sequence([MIXED[:3]], [[(0, clip("s", "a", 0, 60))]]))
    assert cutter.render(made, "1.mov").read_bytes() == cutter.render(made, "2.mov").read_bytes()


def test_pictures_that_were_shot_upright_are_shown_upright(cutter: Cutter, clips: Path, tmp_path: Path) -> None:
    turned = tmp_path / "t.mp4"
    tool = imageio_ffmpeg.get_ffmpeg_exe()
    subprocess.run(
        [tool, "-v", "error", "-display_rotation", "180", "-i", clips / "g.mp4", "-c", "copy", turned], check=True
    )
    cutter.pool = Pool(cutter.media, {"t": turned})
    path = cutter.render(cutter.plan(sequence([[(0, clip("1", "t", 30, 6, rate=R30))]])))
    assert [coded.code(luma[::-1, ::-1]) for luma in coded.lumas(path)] == [(7, 30 + k * 30 // 24) for k in range(6)]
    picture = Image.open(BytesIO(cutter.media.frames(turned, [30])[0])).convert("L")
    assert coded.code(np.asarray(picture)[::-1, ::-1].astype(float) * 219 / 255 + 16) == (7, 30)
