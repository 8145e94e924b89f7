"""What Final Cut Pro itself wrote, against what a person reads in the XML.

A source frame is start x the asset's rate: 79079/1600s at 24000/1001 is frame 1185 (79079 * 24000 / 1600 / 1001).
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from genlock.timeline.events import Content
from genlock.timeline.model import Gap, Generator, Media, Nested, Resolution
from genlock.timeline.rate import Rate
from genlock_otio.draft import Draft
from genlock_otio.times import Exact
from genlock_otio.values import Imported
from tests.otio.fcpx.making import FCPX, cuts, read, rows, written
from tests.otio.fcpx.strict import Strict
from tests.otio.timelines import SAMPLES

ALL = sorted([*FCPX.glob("*.fcpxml"), *(SAMPLES / "fcpx_2019").glob("*.fcpxml")])
CONFORMED = Fraction(1001, 1000)  # 23.976 in 24, frame for frame


def of(name: str) -> Imported:
    return read((FCPX / f"{name}.fcpxml").read_bytes())


def fades(content: Content) -> list[tuple[str, int, int]]:
    """(side, in, out) of the picture's transitions, in order of time."""
    found = []
    by_item = {t.left or t.right: t for t in content.transitions}
    for part in content.tracks:
        for placed in part.items:
            one = by_item.get(placed.item.id)
            if one is not None and part.track.kind == "video":
                side = "in" if one.left is None else "out" if one.right is None else "cut"
                found.append((side, one.in_offset, one.out_offset))
    return found


def marks(content: Content, name: str = "") -> list[tuple[str, int, str]]:
    """(name, source frame, colour) of the item markers, by name."""
    return sorted((m.name, m.start, m.color) for m in content.markers if m.name.startswith(name))


def test_all_are_here() -> None:
    assert len(ALL) == 11


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.stem)
def test_a_real_export_goes_out_valid_and_comes_back_the_same(path: Path) -> None:
    first = read(path.read_bytes())
    data = written(first)
    assert Strict(data).clips or not any(part.items for part in first.content.tracks)
    second = read(data)
    assert bare(second) == bare(first)
    assert written(second) == data


def bare(imported: Imported) -> object:
    """Everything but what was rounded away: it is told once, on the way in."""

    def content(value: Content) -> object:
        items = [
            (part.track, start, long, i.source, i.name, i.source_in, i.speed, i.enabled, i.effects, i.link)
            for part in value.tracks
            for (start, long, i) in [(p.start, p.item.duration, p.item) for p in part.items]
        ]
        whole = (value.name, value.rate, value.start_frame, value.drop_frame, value.resolution, value.foreign)
        return whole, items, value.transitions, value.markers

    return content(imported.content), [(id_, content(c)) for id_, c in imported.nested], imported.media


def test_23_98() -> None:
    found = of("23.98")
    content = found.content
    assert (content.name, content.rate, content.start_frame) == ("23.98_V1", Rate(24000, 1001), 0)
    assert cuts(content) == [
        (0, 760, "TestVideo", 0),
        (760, 646, "TestVideo2", 0),  # the active pick of the audition; the other is 901 frames long
        (1406, 624, "TestVideo", 2086),
        (2030, 694, "TestVideo", 2710),
        (2724, 1448, "TestVideo", 4288),
        (4172, 623, "TestVideo", 5736),
        (4795, 553, "TestVideo", 9162),
    ]
    # connected at 571571/3000s of a clip that lies at 2724 and starts with frame 4288: 2724 + 4568 - 4288
    assert cuts(content, "video", 1) == [
        (3004, 89, "TestVideo", 7181),
        (3093, 374, "TestVideo", 7416),
        (4973, 375, "TestVideo", 7191),
    ]
    assert fades(content) == [("in", 0, 286), ("in", 0, 24), ("out", 128, 0)]
    assert content.tracks[0].track.placement == "magnetic"
    # one local second of the retimed clips shows 149819760/65872008 s of the media
    assert rows(content)[3][2].speed.fraction == Fraction(149819760, 65872008)
    pick = rows(content)[1][2]
    assert isinstance(pick.source, Media)
    assert (pick.source.rate, pick.speed.fraction) == (Rate(25), Fraction(24000, 1001) / 25)  # frame for frame
    assert [m for m in marks(content) if m[0].startswith("Audition")] == [
        ("Audition 1", 177, "BLUE"),
        ("Audition 2", 344, "BLUE"),
        ("Audition 3", 550, "BLUE"),
    ]
    assert ("Shot_01", 398, "RED") in marks(content)  # 199199/12000s; to do
    assert ("Shot_08", 6432, "ORANGE") in marks(content)  # a chapter
    assert any("audition" in warning for warning in found.warnings)


def test_24_with_media_of_two_other_rates() -> None:
    found = of("24")
    content = found.content
    assert content.rate == Rate(24)
    assert cuts(content) == [
        (0, 760, "TestVideo", 0),
        (760, 901, "TestVideo", 1185),
        (1661, 624, "TestVideo", 2086),
        (2285, 695, "TestVideo", 2709),
        (2980, 1448, "TestVideo", 4288),
        (4428, 624, "TestVideo", 5735),
        (5052, 547, "TestVideo", 9162),
        (5599, 4, "", 86400),
        (5603, 82, "TestVideo2", 0),
        (5685, 84, "TestVideo2", 214),
        (5769, 86, "29.97_CC", 0),
        (5855, 80, "TestVideo2", 882),
        (5935, 109, "TestVideo2", 1300),
        (6044, 100, "TestVideo2", 2170),
        (6144, 167, "TestVideo2", 2674),
    ]
    first, fourth, gap = (rows(content)[n][2] for n in (0, 3, 7))
    assert first.speed.fraction == CONFORMED
    assert isinstance(gap.source, Gap)
    assert fourth.speed.fraction == Fraction(149819760, 65872008)
    # over the cut at 760: from 55600/2400s (556) to 96300/2400s (963)
    assert {(t.in_offset, t.out_offset) for t in content.transitions} == {(0, 286), (204, 203), (0, 25), (129, 0)}
    # the storyline at 571571/3000s: 280 frames of 23.976 after the clip's first, and those are 280 of 24 as well
    assert cuts(content, "video", 1)[0][:2] == (2980 + 280, 91)
    assert len(cuts(content, "video", 1)) == 8
    nested = dict(found.nested)
    assert [c.name for c in nested.values()] == ["29.97_CC"]
    inside = next(iter(nested.values()))
    assert (inside.rate, cuts(inside)) == (Rate(30000, 1001), [(0, 174, "TestVideo2", 452)])
    assert [m[:2] for m in marks(inside)] == [("INSIDE 1", 494), ("INSIDE 2", 543), ("INSIDE 3", 588)]


def test_60() -> None:
    content = of("60").content
    assert content.rate == Rate(60)
    assert [row[:2] for row in cuts(content)][:8] == [
        (0, 1900),
        (1900, 2254),
        (4154, 1560),
        (5714, 1740),
        (7454, 3620),
        (11074, 1560),
        (12634, 1370),
        (14004, 10),
    ]
    # 23.976 is played as 24: the storyline lies 11.678333 s of media behind its clip's first frame, which are 700 frames
    assert cuts(content, "video", 1)[0][0] == 7454 + 700
    assert rows(content)[0][2].speed.fraction == CONFORMED
    # starts between two frames of the media; what was rounded away is kept
    second = rows(content)[1][2]
    assert second.source_in == 1184
    assert second.foreign["genlock.otio"]["residual"]["first"] == str(
        Fraction(49390341, 1000000) * Fraction(24000, 1001)
    )
    assert {(t.in_offset, t.out_offset) for t in content.transitions} == {(0, 708), (509, 509), (0, 64), (324, 0)}


def test_29_97_drop_frame() -> None:
    content = of("29.97d").content
    assert (content.rate, content.drop_frame) == (Rate(30000, 1001), True)
    assert cuts(content) == [
        (0, 103, "TestVideo", 0),
        (103, 106, "TestVideo", 214),
        (209, 108, "29.97_CC", 0),
        (317, 100, "TestVideo", 883),
        (417, 137, "TestVideo", 1300),
        (554, 124, "TestVideo", 2170),
        (678, 209, "TestVideo", 2674),
    ]
    assert cuts(content, "video", 1) == [
        (442, 6, "TestVideo", 1689),
        (448, 9, "TestVideo", 1700),
        (457, 9, "TestVideo", 1719),
        (466, 8, "TestVideo", 1738),
        (701, 61, "29.97_CC", 0),
    ]
    assert [m[1] for m in sorted(marks(content, "Marker"), key=lambda m: int(m[0].split()[1]))] == [
        1308, 44, 239, 287, 957, 1036, 1313, 1320, 1327, 1691, 1702, 1706, 1346, 1742, 2250, 2360, 2724, 2805, 2859, 27,
    ]  # fmt: skip
    filters = [effect["fcpx"] for _, _, item in rows(content, "video", 1) for effect in item.effects]
    names = [tree["effect"]["name"] for tree in filters if tree["tag"] == "filter-video"]
    assert names == ["50s TV", "Aged Paper", "Color Correction", "Background Squares"]


def test_25_interlaced_with_media_at_29_97() -> None:
    content = of("25i").content
    assert (content.rate, content.resolution) == (Rate(25), Resolution(720, 576))
    assert [row[:3] for row in cuts(content)] == [
        (0, 85, "Clip 1"),
        (85, 88, "Clip 2"),
        (173, 90, "Clip 3"),
        (263, 84, "Clip 4"),
        (347, 114, "Clip 5"),
        (461, 104, "Clip 6"),
        (565, 173, "Clip 7"),
    ]
    # 35702/5000s x 30000/1001 = 213.998: the frame is 214, and the clip runs at its own speed
    second = rows(content)[1][2]
    assert (second.source_in, second.speed.fraction) == (214, 1)
    assert [row[:3] for row in cuts(content, "video", 1)] == [
        (367, 5, "Clip 5.1"),
        (372, 7, "Clip 5.2"),
        (379, 7, "Clip 5.3"),
        (386, 6, "Clip 5.4"),
        (584, 50, "Clip 7.1"),
    ]


def test_the_sound_of_a_clip_is_linked_to_its_picture() -> None:
    content = of("29.97d").content
    pictures = [item for _, _, item in rows(content) if isinstance(item.source, Media)]
    sounds = [item for _, _, item in rows(content, "audio")]
    assert [(i.source, i.source_in, i.link) for i in pictures] == [(i.source, i.source_in, i.link) for i in sounds]
    assert all(item.link for item in sounds)


def test_basic_markers() -> None:
    content = of("BasicMarkers").content
    ((start, long, item),) = rows(content)
    assert (start, long, item.name, item.source_in) == (0, 1919, "Basic Title", 18000)
    assert isinstance(item.source, Generator)
    assert (item.source.generator, item.source.parameters["text"]) == ("title", "Title")
    assert [(m.name, m.start, m.duration, m.color, m.comment, m.item) for m in content.markers] == [
        ("Standard Marker", 108884, 1, "BLUE", "some notes here", item.id),
        ("To Do Marker, Incomplete", 108885, 1, "RED", "more notes here", item.id),
        ("To Do Marker, Completed", 108886, 1, "GREEN", "notes yay", item.id),
        ("Chapter Marker", 108887, 1, "ORANGE", "", item.id),
    ]
    assert content.markers[3].foreign["fcpx"] == {"posterOffset": "11/30s"}


def test_compound_clips() -> None:
    found = of("CompoundClips")
    content = found.content
    assert (content.rate, content.start_frame) == (Rate(25), 90000)
    assert cuts(content) == [(0, 251, "Title Compound Clip", 0), (251, 501, "Clouds Compound Clip", 0)]
    title, clouds = (item.source for _, _, item in rows(content))
    assert isinstance(title, Nested)
    assert isinstance(clouds, Nested)
    assert (title.frames, clouds.frames) == (251, 501)
    nested = dict(found.nested)
    assert list(nested) == [title.sequence, clouds.sequence]  # innermost first
    inside = rows(nested[clouds.sequence])
    assert [(s, d, i.name) for s, d, i in inside] == [(0, 250, "Clouds"), (250, 251, "Title Compound Clip")]
    assert isinstance(inside[0][2].source, Generator)
    assert inside[0][2].source.generator == "Clouds"
    assert isinstance(inside[1][2].source, Nested)
    assert inside[1][2].source.sequence == title.sequence
    assert marks(content) == [
        ("Marker On Clouds Compound Clip in Main Timeline", 374, "BLUE"),  # 374/25s
        ("Marker On Title Compound Clip in Main Timeline", 100, "BLUE"),  # 4s
    ]


def test_disabled_clips() -> None:
    content = of("DisabledClips").content
    assert [(s, d, i.name, i.enabled) for s, d, i in rows(content)] == [
        (0, 241, "Basic Title", True),
        (241, 241, "Basic Title 2", False),
        (482, 9978, "TestVideo", True),
        (10460, 9978, "TestVideo", False),
    ]
    assert [item.enabled for _, _, item in rows(content, "audio")] == [True, False]
    assert marks(content) == [
        ("Marker 1", 86496, "BLUE"),
        ("Marker 2", 86495, "BLUE"),
        ("Marker 3", 94, "BLUE"),  # 47047/12000s at 23.976
        ("Marker 4", 220, "BLUE"),
    ]


def test_structure_reads_the_first_project_and_names_the_others() -> None:
    found = of("Structure")
    assert found.content.name == "Test Project"
    assert found.content.rate == Rate(30000, 1001)
    (warning,) = found.warnings
    assert "'Test Project 2', 'Test Project 3'" in warning


def test_an_event_of_final_cut_pro_10_4() -> None:
    """A clip is a `clip` that holds a `video`; detached sound is a `clip` that holds a gap that holds an `audio`."""
    found = read((SAMPLES / "fcpx_2019" / "fcpx_event.fcpxml").read_bytes())
    content = found.content
    assert (content.name, content.rate) == ("OpenTimeline_Project", Rate(30))
    seen = [(s, d, i.name) for s, d, i in rows(content) if not isinstance(i.source, Gap)]
    assert seen == [
        (0, 300, "IMG_0715"),
        (2400, 900, "compound_clip_1"),
        (3300, 300, "IMG_0233"),
        (3600, 300, "IMG_0687"),
        (3900, 300, "IMG_0268"),
        (4200, 300, "compound_clip_1"),
    ]
    assert [c.name for _, c in found.nested] == ["compound_clip_1"]
    sounds = [cuts(content, "audio", n) for n in range(4)]
    detached = next(track for track in sounds if track[0][2] == "IMG_0715")
    assert [row[:3] for row in detached][:3] == [(0, 300, "IMG_0715"), (629, 300, "IMG_0513"), (1200, 300, "IMG_0687")]
    assert {(t.in_offset, t.out_offset) for t in content.transitions} == {(15, 15), (0, 30)}
    assert [(m.name, m.start) for m in content.markers if m.item is None] == [("Marker 9", 1096)]  # on a gap
    assert any("2 projects" in warning for warning in found.warnings)


def test_markers_lie_on_whole_frames_of_their_media(monkeypatch: pytest.MonkeyPatch) -> None:
    """The proof that clocks are read right: all do but those set in the time of a retimed clip. docs/why/fcpx.md."""
    starts: list[object] = []
    real = Draft.marker

    def noted(draft: Draft, start: Exact, duration: Exact = 0, **about: Any) -> None:
        starts.append(start)
        real(draft, start, duration, **about)

    monkeypatch.setattr(Draft, "marker", noted)
    retimed = 0
    for path in sorted(FCPX.glob("*.fcpxml")):
        text = path.read_bytes()
        read(text)
        slow = [clip for clip in ElementTree.fromstring(text).iter() if clip.find("timeMap") is not None]
        retimed += sum("marker" in child.tag for clip in slow for child in clip)
    assert (len(starts), sum(not isinstance(start, int) for start in starts), retimed) == (135, 25, 25)
