from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genlock.media.render import RenderPlan, plan
from genlock.media.render.planning import DEEPEST
from genlock.media.render.program import Bars, Colour, File, Picture, Ramp, Slate
from genlock.project.media import AudioStream, MediaInfo
from genlock.timeline.model import Gap, Generator, Item, Media, Nested, Resolution, Shot, Transition
from genlock.timeline.rate import Rate
from genlock.timeline.sequence import Sequence
from tests.media.cutting import SMALL, clip, item, sequence

SOUND = (AudioStream(48000, 2, "stereo", 48000 * 100),)
INFO = MediaInfo("video", rate=Rate(24), frames=2400, width=384, height=216, pixel_format="yuv420p", audio=SOUND)
KNOWN: dict[str, MediaInfo] = {
    "plain": INFO,
    "thirty": MediaInfo("video", rate=Rate(30), frames=3000, width=384, height=216),
    "alpha": MediaInfo("video", rate=Rate(24), frames=100, width=384, height=216, pixel_format="yuva444p10le"),
    "wide": MediaInfo("video", rate=Rate(24), frames=100, width=384, height=160),
    "tc": MediaInfo("video", rate=Rate(24), frames=240, width=384, height=216, start=86400, timecode="01:00:00:00"),
    "still": MediaInfo("image", frames=1, width=384, height=216),
    "run": MediaInfo("sequence", frames=99, start=1001, width=384, height=216),
    "wav": MediaInfo("audio", audio=SOUND),
}


def planned(sequence: Sequence, nested: dict[str, Sequence] | None = None) -> RenderPlan:
    return plan(
        sequence,
        lambda each: Path(name) if (name := getattr(each.source, "media", "lost")) != "lost" else None,
        lambda id_: (nested or {}).get(id_),
        info=lambda path: KNOWN.get(str(path)),
    )


def shown(made: RenderPlan) -> list[Any]:
    """Returns for each frame a tuple of (name, source frame) from bottom to top."""
    return [
        tuple((_called(layer.picture), layer.shown(k)) for layer in span.layers)
        for span in made.spans
        for k in range(span.duration)
    ]


def _called(picture: Picture) -> str:
    return str(picture.path) if isinstance(picture, File) else type(picture).__name__


def test_spans_cover_every_frame_once_and_gaps_are_black() -> None:
    made = planned(sequence([[(5, clip("1", "plain", 10, 5)), (15, clip("2", "plain", 50, 5))]]))
    assert made.frames == 20
    assert shown(made) == [
        *[()] * 5, *[(("plain", 10 + k),) for k in range(5)], *[()] * 5, *[(("plain", 50 + k),) for k in range(5)],
    ]  # fmt: skip


def test_what_an_opaque_clip_hides_is_not_opened() -> None:
    made = planned(sequence([[(0, clip("1", "plain", 0, 30))], [(10, clip("2", "thirty", 0, 10, rate=Rate(30)))]]))
    assert [len(span.layers) for span in made.spans] == [1, 1, 1]
    assert shown(made)[10] == (("thirty", 0),)
    assert shown(made)[20] == (("plain", 20),)


@pytest.mark.parametrize("upper", ["alpha", "wide"])
def test_what_shows_through_is_kept(upper: str) -> None:
    made = planned(sequence([[(0, clip("1", "plain", 0, 30))], [(10, clip("2", upper, 0, 10))]]))
    assert shown(made)[10] == (("plain", 10), (upper, 0))


def test_a_hidden_cut_does_not_cut_what_hides_it() -> None:
    made = planned(
        sequence([[(0, clip("1", "plain", 0, 5)), (5, clip("2", "plain", 9, 5))], [(0, clip("3", "plain", 0, 10))]])
    )
    assert len(made.spans) == 1


def test_disabled_tracks_items_and_gap_items_are_left_out() -> None:
    made = planned(
        sequence(
            [
                [
                    (0, clip("1", "plain", 0, 5)),
                    (5, clip("2", "plain", 9, 5, enabled=False)),
                    (10, item("g", Gap(), 5)),
                ],
                [(0, clip("3", "thirty", 0, 20))],
            ],
            off=["V2"],
        )
    )
    assert shown(made) == [*[(("plain", k),) for k in range(5)], *[()] * 15]


@pytest.mark.parametrize(
    ("speed", "first", "expected"),
    [
        ((1, 1), 10, [10, 11, 12, 13]),
        ((2, 1), 10, [10, 12, 14, 16]),
        ((1, 2), 10, [10, 10, 11, 11]),
        ((-1, 1), 10, [10, 9, 8, 7]),
        ((-1, 2), 10, [10, 9, 9, 8]),
        ((0, 1), 10, [10, 10, 10, 10]),
        ((3, 2), 10, [10, 11, 13, 14]),
    ],
)
def test_speed_picks_frames_as_the_timeline_does(speed: tuple[int, int], first: int, expected: list[int]) -> None:
    made = planned(sequence([[(0, clip("1", "plain", first, 4, speed))]]))
    assert [row[0][1] for row in shown(made)] == expected


def test_a_source_at_another_rate_keeps_its_time() -> None:
    made = planned(sequence([[(0, clip("1", "thirty", 30, 24, rate=Rate(30)))]]))
    assert [row[0][1] for row in shown(made)] == [30 + k * 30 // 24 for k in range(24)]


def test_numbers_noted_at_the_wrong_rate_are_brought_to_the_files() -> None:
    made = planned(sequence([[(0, clip("1", "thirty", 24, 4))]]))
    assert [row[0][1] for row in shown(made)] == [30, 31, 32, 33]


@pytest.mark.parametrize(
    ("source", "source_in", "first"),
    [
        (Media("tc", first=86400, frames=240), 86410, 10),
        (Media("tc", first=0, frames=240), 10, 10),
        (Media("tc"), 86410, 10),
        (Media("tc"), 10, 10),
        (Media("tc", first=86420, frames=50), 86430, 30),
        (Media("plain", first=86400, frames=2400), 86410, 10),
        (Media("plain", first=100, frames=200), 110, 110),
        (Media("run", first=1001, frames=99), 1003, 2),
    ],
)
def test_source_numbers_lead_to_frames_of_the_file(source: Media, source_in: int, first: int) -> None:
    made = planned(sequence([[(0, Item("1", source, 4, source_in=source_in))]]))
    assert shown(made)[0][0][1] == first


def test_a_dissolve_mixes_over_the_handles() -> None:
    made = planned(
        sequence(
            [[(0, clip("1", "plain", 10, 20)), (20, clip("2", "plain", 100, 20))]],
            transitions=[Transition("1", "2", 4, 2)],
        )
    )
    assert [(span.start, span.end, len(span.layers)) for span in made.spans] == [(0, 16, 1), (16, 22, 2), (22, 40, 1)]
    assert shown(made)[16] == (("plain", 26), ("plain", 96))
    assert shown(made)[21] == (("plain", 31), ("plain", 101))
    assert made.spans[1].layers[1].opacity == Ramp(Fraction(1, 12), Fraction(1, 6))
    assert made.spans[1].layers[0].opacity is None


def test_other_transitions_become_dissolves_and_are_noted() -> None:
    row = [(0, clip("1", "plain", 10, 20)), (20, clip("2", "plain", 100, 20))]
    made = planned(sequence([row], transitions=[Transition("1", "2", 4, 2, kind="wipe")]))
    assert made.notes == ("The transition 'wipe' is rendered as a dissolve.",)
    assert made.spans == planned(sequence([row], transitions=[Transition("1", "2", 4, 2)])).spans


def test_fades_go_to_what_lies_below() -> None:
    made = planned(
        sequence(
            [[(0, clip("0", "plain", 0, 30))], [(0, clip("1", "plain", 500, 30))]],
            transitions=[Transition(None, "1", 0, 6), Transition("1", None, 6, 0)],
        )
    )
    assert [(span.start, span.end, len(span.layers)) for span in made.spans] == [(0, 6, 2), (6, 24, 1), (24, 30, 2)]
    assert made.spans[0].layers[1].opacity == Ramp(Fraction(1, 12), Fraction(1, 6))
    assert made.spans[2].layers[1].opacity == Ramp(Fraction(11, 12), Fraction(-1, 6))


def test_sound_crosses_over_where_pictures_dissolve() -> None:
    made = planned(
        sequence(
            [],
            [[(0, clip("1", "plain", 24, 24)), (24, clip("2", "plain", 96, 24))]],
            transitions=[Transition("1", "2", 6, 6)],
        )
    )
    rows = [(sound.start, sound.end, sound.origin, sound.loudness) for sound in made.sounds]
    assert rows == [
        (0, 18, Fraction(1), None),
        (18, 30, Fraction(24 + 18, 24), Ramp(Fraction(23, 24), Fraction(-1, 12))),
        (18, 30, Fraction(96 - 6, 24), Ramp(Fraction(1, 24), Fraction(1, 12))),
        (30, 48, Fraction(96 + 6, 24), None),
    ]


def test_sound_runs_in_seconds_whatever_the_rates() -> None:
    made = planned(sequence([], [[(0, clip("1", "wav", 48, 25, rate=Rate(24)))]], rate=Rate(25)))
    assert (made.sounds[0].origin, made.sounds[0].speed) == (2, 1)


def test_frozen_sound_is_silent_and_backwards_begins_at_the_frames_end() -> None:
    made = planned(sequence([], [[(0, clip("1", "plain", 47, 9, (0, 1))), (9, clip("2", "plain", 47, 9, (-1, 1)))]]))
    assert [(sound.start, sound.origin, sound.speed) for sound in made.sounds] == [(9, Fraction(2), -1)]


def test_missing_media_and_unready_shots_become_slates() -> None:
    made = planned(
        sequence([[(0, clip("Lost", "lost", 0, 5)), (5, item("New", Shot("s1"), 5)), (10, clip("Bad", "odd", 0, 5))]])
    )
    slates = [span.layers[0].picture for span in made.spans]
    assert slates == [
        Slate("Lost", "Missing media"), Slate("New", "This shot has no take yet"),
        Slate("Bad", "Missing or unreadable: odd"),
    ]  # fmt: skip
    assert made.missing == ("Lost", "New", "Bad")


def test_generators_are_colours_bars_or_nothing() -> None:
    made = planned(
        sequence(
            [
                [
                    (0, item("1", Generator("Solid", {"color": "#ff8000"}), 1)),
                    (1, item("2", Generator("blender.color", {"color": [1.0, 0.5, 0]}), 1)),
                    (2, item("3", Generator("SMPTEBars"), 1)),
                    (3, item("4", Generator("Text+", {"text": "hi"}), 1)),
                ]
            ]
        )
    )
    pictures = [span.layers[0].picture if span.layers else None for span in made.spans for _ in range(span.duration)]
    assert pictures == [Colour("ff8000"), Colour("ff8000"), Bars(), None]
    assert made.notes == ("The generator 'Text+' of 4 is not rendered.",)


# -- nesting


def test_a_nested_sequence_shows_its_own_frames() -> None:
    inner = sequence([[(2, clip("i", "plain", 100, 10))]], id="in")
    made = planned(sequence([[(5, item("n", Nested("in"), 12, source_in=0))]]), {"in": inner})
    assert shown(made) == [*[()] * 7, *[(("plain", 100 + k),) for k in range(10)]]
    assert made.frames == 17


@given(
    st.integers(0, 12), st.integers(1, 30), st.sampled_from([(1, 1), (2, 1), (-1, 1), (3, 1), (-2, 1), (0, 1)]),
    st.integers(0, 8),
)  # fmt: skip
@settings(max_examples=150, deadline=None)
def test_retimed_nesting_shows_what_the_inner_sequence_shows(
    start: int, length: int, speed: tuple[int, int], source_in: int
) -> None:
    inner = sequence([[(0, clip("i", "plain", 100, 6)), (6, clip("j", "plain", 300, 9, (-1, 1)))]], id="in")
    frames = shown(planned(inner))
    outer = sequence(
        [[(start, Item("n", Nested("in"), length, source_in=source_in, speed=clip("x", "x", 0, 1, speed).speed))]]
    )
    made = shown(planned(outer, {"in": inner}))
    for k in range(length):
        at = source_in + speed[0] * k
        assert made[start + k] == (frames[at] if 0 <= at < len(frames) else ())


def test_nested_sound_keeps_its_place() -> None:
    inner = sequence([], [[(24, clip("i", "plain", 48, 24))]], id="in")
    made = planned(sequence([], [[(10, item("n", Nested("in"), 100, source_in=30))]]), {"in": inner})
    assert [(sound.start, sound.end, sound.origin) for sound in made.sounds] == [(10, 28, Fraction(54, 24))]


def test_a_sequence_that_nests_itself_or_nothing_becomes_a_slate() -> None:
    inner = sequence([[(0, item("again", Nested("in"), 5))]], id="in")
    made = planned(sequence([[(0, item("n", Nested("in"), 5)), (5, item("m", Nested("no"), 5))]]), {"in": inner})
    assert [type(span.layers[0].picture) for span in made.spans] == [Slate, Slate]
    assert DEEPEST < 100


def test_an_empty_sequence_has_no_frames() -> None:
    assert planned(sequence()) == RenderPlan(Rate(24), SMALL, 0, ())


@given(st.data())
@settings(max_examples=120, deadline=None)
def test_any_stack_of_tracks_plans_each_frame_as_looking_from_above_does(data: st.DataObject) -> None:
    rows, number = [], 0
    for _ in range(data.draw(st.integers(1, 4))):
        row, at = [], 0
        for _ in range(data.draw(st.integers(0, 4))):
            at += data.draw(st.integers(0, 5))
            length = data.draw(st.integers(1, 9))
            name = data.draw(st.sampled_from(["plain", "alpha", "wide"]))
            row.append((at, clip(f"i{number}", name, data.draw(st.integers(0, 50)), length)))
            number, at = number + 1, at + length
        rows.append(row)
    made = planned(sequence(rows))
    frames = shown(made)
    assert len(frames) == made.frames
    for at, seen in enumerate(frames):
        stack: list[Any] = []
        for row in rows:
            for start, each in row:
                if start <= at < start + each.duration:
                    stack = [] if each.source.media == "plain" else stack  # type: ignore[union-attr]
                    stack.append((each.source.media, each.source_in + at - start))  # type: ignore[union-attr]
        assert seen == tuple(stack)


def test_resolution_decides_what_fills() -> None:
    made = planned(
        sequence([[(0, clip("1", "plain", 0, 9))], [(0, clip("2", "wide", 0, 9))]], resolution=Resolution(384, 160))
    )
    assert len(made.spans[0].layers) == 1
