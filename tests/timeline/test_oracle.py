"""OpenTimelineIO's edit algorithm as the oracle for ours.

The figures come from OpenTimelineIO, tests/test_editAlgorithm.cpp and editAlgorithm.h (Apache-2.0): which timeline, which
edit, which ranges afterwards. `OTIO` rows give its answer. `OWN` rows are where Genlock answers otherwise on purpose; the
note says what OTIO answers and why we do not. Tracks are magnetic, as OTIO's are.
"""

from __future__ import annotations

from typing import NamedTuple

import pytest

from genlock.timeline.commands import (
    EditCommand,
    ExtractItems,
    FillGap,
    InsertItem,
    LiftItems,
    OverwriteItem,
    Place,
    RippleTrimItem,
    RollCut,
    SlideItem,
    SlipItem,
    SplitAt,
    TrimItem,
)
from genlock.timeline.rate import Rate
from tests.timeline.cuts import cut, do, item, picture, refused


class Row(NamedTuple):
    case: str
    before: str
    edit: EditCommand
    after: str  # the track, or "!code" for a refusal
    note: str = ""
    rate: int = 24


TWO = "A:24 B:24"
MIXED = "A:90%24 B:90%24 C:90/90"
SLIP = "A:36[-15+63]"
SLIDE = "A:24[0+48] B:30 C:40"
TRIM = "_:20 A:50/5 B:10"
RIPPLE = "_:20 A:25/5 B:20/5"
KNOWN = "_:20 A:25/5[0+90] B:20/5[0+90]"
FILL = "A:20 _:30 B:20/5"


def over(at: int, text: str) -> EditCommand:
    return OverwriteItem("V1", at, item(text))


def insert(at: int, text: str = "X:12") -> EditCommand:
    return InsertItem(Place("V1", at=at), item(text))


OTIO = [
    Row("slice 1, in the middle", "A:24", SplitAt(12), "A:12 A:12/12"),
    Row("slice 1, near the beginning", "A:24", SplitAt(1), "A:1 A:23/1"),
    Row("slice 1, near the end", "A:24", SplitAt(23), "A:23 A:1/23"),
    Row("slice 2, first", MIXED, SplitAt(121), "A:90 B:31 B:59/24 C:90/90", rate=30),
    Row("overwrite 0 and 1, past the end", "A:24", over(48, "X:24"), "A:24 _:24 X:24"),
    Row("overwrite 2, one frame inside", "A:100/1", over(42, "X:1/1"), "A:42/1 X:1/1 A:57/44"),
    Row("overwrite 3, a part of both", TWO, over(12, "X:24"), "A:12 X:24 B:12/12"),
    Row("overwrite 4, one frame of a long clip", "A:704", over(272, "X:1"), "A:272 X:1 A:431/273"),
    Row("overwrite 5, the first", "A:704", over(272, "X:1"), "A:272 X:1 A:431/273", rate=30),
    Row(
        "overwrite 5, a second",
        "A:272 X:1 B:431/273",
        over(360, "Y:1"),
        "A:272 X:1 B:87/273 Y:1 B:343/361",
        rate=30,
    ),
    Row(
        "overwrite 5, the same frame again",
        "A:272 X:1 B:87/273 Y:1 C:343/361",
        over(360, "Z:1"),
        "A:272 X:1 B:87/273 Z:1 C:343/361",
        rate=30,
    ),
    Row("overwrite 6, mixed rates", MIXED, over(137, "X:1"), "A:90 B:47 X:1 B:42/38 C:90/90", rate=30),
    Row("insert 1, inside a clip", TWO, insert(12), "A:12 X:12 A:12/12 B:24"),
    Row("insert 2, at the head", TWO, insert(0), "X:12 A:24 B:24"),
    Row("insert 4, at a cut", TWO, insert(24), "A:24 X:12 B:24"),
    Row("insert 4, at the end", TWO, insert(48), "A:24 B:24 X:12"),
    Row("insert 5, near the head", TWO, insert(1), "A:1 X:12 A:23/1 B:24"),
    Row("insert 6, near the end", TWO, insert(47), "A:24 B:23 X:12 B:1/23"),
    Row("insert 7, mixed rates", "A:90%24 B:90/90", insert(90, "X:90%24"), "A:90 X:90 B:90/90", rate=30),
    Row("slip +5", SLIP, SlipItem("A", 5), "A:36/5"),
    Row("slip +12, to the end", SLIP, SlipItem("A", 12), "A:36/12"),
    Row("slip -5", SLIP, SlipItem("A", -5), "A:36/-5"),
    Row("slip -15, to the start", SLIP, SlipItem("A", -15), "A:36/-15"),
    Row("trim 1, head", TRIM, TrimItem("A", "head", 5), "_:25 A:45/10 B:10"),
    Row("trim 3, tail", TRIM, TrimItem("A", "tail", -5), "_:20 A:45/5 _:5 B:10"),
    Row("ripple 1", RIPPLE, RippleTrimItem("A", "head", 10), "_:20 A:15/15 B:20/5"),
    Row("ripple 3", RIPPLE, RippleTrimItem("A", "tail", 10), "_:20 A:35/5 B:20/5"),
    Row("ripple 4", RIPPLE, RippleTrimItem("A", "tail", -10), "_:20 A:15/5 B:20/5"),
    Row("roll 1", "_:20 A:30/5 B:20/5", RollCut("gap1", "A", 10), "_:30 A:20/15 B:20/5"),
    Row("fill 3, as long as the gap", FILL, FillGap("V1", 20, item("X:30"), "source"), "A:20 X:30 B:20/5"),
    Row("fill 4, shorter", FILL, FillGap("V1", 20, item("X:5"), "source"), "A:20 X:5 _:25 B:20/5"),
    Row("fill 7 and 8, shorter, trimmed", FILL, FillGap("V1", 20, item("X:5/10")), "A:20 X:5/10 _:25 B:20/5"),
    Row("remove with a fill (header)", "A:10 C:10 B:10", LiftItems(("C",)), "A:10 _:10 B:10"),
    Row("remove without (header)", "A:10 C:10 B:10", ExtractItems(("C",)), "A:10 B:10"),
]

NOTHING = "OTIO returns and changes nothing. Whoever asks is told, and no empty event is stored."
CLAMPS = "OTIO clamps to the media. We refuse and say how many frames are left: an edit does what was asked or nothing."

OWN = [
    Row("slice 1, at the beginning", "A:24", SplitAt(0), "!no_change", NOTHING),
    Row("slice 1, at the end", "A:24", SplitAt(24), "!no_change", NOTHING),
    Row("slice 2, at a cut", "A:90 B:31 C:58/32", SplitAt(121), "!no_change", NOTHING),
    Row(
        "slice 2, again in a slower source",
        "A:90%24 B:31%24 C:59/24%24 D:90/90",
        SplitAt(122),
        "A:90 B:31 C:1/24 C:58/24 D:90/90",
        "OTIO turns the source range into 30 fps and counts 31, 32. We count frames of the source, 24.8 and 25.6, whole: "
        "the frame shown is 24 both times.",
        rate=30,
    ),
    Row(
        "insert 3, before the head",
        TWO,
        insert(-1),
        "!before_start",
        "OTIO inserts at the head. Frame -1 is a mistake.",
    ),
    Row("slip +20", SLIP, SlipItem("A", 20), "!outside_media", CLAMPS),
    Row("slip -30", SLIP, SlipItem("A", -30), "!outside_media", CLAMPS),
    Row("slide 0", SLIDE, SlideItem("B", 0), "!no_change", NOTHING),
    Row(
        "slide +12",
        SLIDE,
        SlideItem("B", 12),
        "A:36 B:30 C:28/12",
        "OTIO moves C along, so that the track grows. Editors know a slide as one that leaves the rest where it is.",
    ),
    Row(
        "slide -10",
        SLIDE,
        SlideItem("B", -10),
        "A:14 B:30 C:50/-10",
        "As above: OTIO leaves C at 40 frames and shortens the track.",
    ),
    Row("slide +48", SLIDE, SlideItem("B", 48), "!too_short", CLAMPS),
    Row("slide +30", SLIDE, SlideItem("B", 30), "!outside_media", CLAMPS),
    Row("slide -24", SLIDE, SlideItem("B", -24), "!too_short", NOTHING),
    Row("trim 2, into the next clip", TRIM, TrimItem("A", "tail", 5), "!overlap", NOTHING),
    Row("ripple 2", KNOWN, RippleTrimItem("A", "head", -10), "!outside_media", CLAMPS),
    Row(
        "ripple 2, unprobed media",
        RIPPLE,
        RippleTrimItem("A", "head", -10),
        "_:20 A:35/-5 B:20/5",
        "OTIO takes media without a range to begin at 0. We do not know where it begins and let it be.",
    ),
    Row("roll 2", "_:20 A:30/5[0+90] B:20/5", RollCut("gap1", "A", -10), "!outside_media", CLAMPS),
    Row(
        "roll 3",
        "_:20 A:30/5 B:20/5",
        RollCut("A", "B", 10),
        "_:20 A:40/5 B:10/15",
        "OTIO's B keeps its 20 frames, so that the track grows, against its own header. A roll keeps the length.",
    ),
    Row("roll 4", "_:20 A:30/5 B:20/5[0+90]", RollCut("A", "B", -10), "!outside_media", CLAMPS),
    Row(
        "fill 1, fit",
        FILL,
        FillGap("V1", 20, item("X:35"), "speed"),
        "A:20 X:30*7r6 B:20/5",
        "OTIO adds the time warp and still makes the track longer. To fit is to fill the gap exactly.",
    ),
    Row(
        "fill 2, longer than the gap",
        FILL,
        FillGap("V1", 20, item("X:35"), "source"),
        "!overlap",
        "OTIO overwrites the clip behind. A fill works on gaps; who wants that asks for an overwrite.",
    ),
    Row(
        "fill 2, as an overwrite",
        FILL,
        over(20, "X:35"),
        "A:20 X:35 B:15/10",
        "OTIO leaves 5 frames of B where 15 are free.",
    ),
    Row(
        "fill 5, longer, trimmed",
        FILL,
        FillGap("V1", 20, item("X:35")),
        "A:20 X:30 B:20/5",
        "OTIO trims the head (source 5 to 34). A three-point edit takes the in-point as given and trims the tail.",
    ),
    Row(
        "fill 6, as long, from -10",
        FILL,
        FillGap("V1", 20, item("X:30/-10")),
        "A:20 X:30/-10 B:20/5",
        "OTIO trims the head to source 5 and fills half of the gap. The item fits, so nothing is trimmed.",
    ),
]


@pytest.mark.parametrize("row", [*OTIO, *OWN], ids=lambda row: row.case)
def test_agrees(row: Row) -> None:
    state = cut(f"V1= {row.before}", rate=Rate(row.rate))
    if row.after.startswith("!"):
        assert refused(state, row.edit).code == row.after[1:]
    else:
        assert picture(do(state, row.edit)) == [f"V1= {row.after}"]


def test_each_difference_has_its_reason() -> None:
    assert all(row.note for row in OWN)
    assert not any(row.note for row in OTIO)


def test_slice_with_transitions() -> None:
    """A dissolve 5+3 at 24 and a fade out at the end, sliced at 24 and at 23."""
    state = cut("V1= A:24 B:50 C:30 D:25", transitions=("A>B 5+3", "D> 5+3"))
    assert refused(state, SplitAt(24)).code == "no_change"
    # OTIO drops the transition. Ours would leave its left clip with one frame and says so.
    answer = refused(state, SplitAt(23))
    assert (answer.code, answer.message) == ("too_short", "A has 1 frame, its transitions need 5.")


def test_slip_says_what_is_left() -> None:
    answer = refused(cut(f"V1= {SLIP}"), SlipItem("A", 20))
    assert answer.message == "A has 12 frames of handle left at its tail; the edit needs 20."
