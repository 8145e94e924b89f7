"""What other programs write, and what Final Cut Pro writes seldom."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

import genlock_otio
from genlock.errors import BadInput
from genlock.timeline.model import Gap, Generator, Media, Nested
from genlock.timeline.rate import FREEZE, Rate
from genlock_otio.dialects import Incoming
from genlock_otio.fcpx import reader
from tests.otio.fcpx.making import BASE, RESOURCES, cuts, document, read, rows, spine, written
from tests.otio.fcpx.strict import Strict


def test_offsets_count_from_the_sequences_start_and_in_the_parents_time() -> None:
    found = spine(
        '<asset-clip ref="v1" offset="3600s" start="3605s" duration="4s">'
        '<asset-clip ref="v1" lane="1" offset="3606s" start="3610s" duration="1s">'
        '<asset-clip ref="v1" lane="1" offset="7221/2s" start="3650s" duration="1s"/></asset-clip>'
        '<asset-clip ref="s1" lane="-1" offset="3607s" start="1s" duration="2s"/></asset-clip>',
        attributes='tcStart="3600s" tcFormat="NDF"',
    ).content
    assert found.start_frame == 86400
    assert cuts(found) == [(0, 96, "plate", 3605 * 24)]
    assert cuts(found, "video", 1) == [(24, 24, "plate", 3610 * 24)]
    assert cuts(found, "video", 2) == [
        (36, 24, "plate", 3650 * 24)
    ]  # half a second into the connected clip, a lane above
    assert cuts(found, "audio") == [(48, 48, "music", 24)]


def test_a_lane_below_the_storyline_is_a_track_below() -> None:
    found = spine(
        '<asset-clip ref="v1" offset="0s" start="3600s" duration="4s">'
        '<asset-clip ref="v1" name="under" lane="-1" offset="3600s" start="3600s" duration="1s"/></asset-clip>'
    ).content
    assert [cuts(found, "video", n)[0][2] for n in (0, 1)] == ["under", "plate"]
    assert [part.track.placement for part in found.tracks] == ["free", "magnetic"]


def test_clips_of_one_lane_that_overlap_get_a_track_each() -> None:
    connected = "".join(
        f'<asset-clip ref="v1" name="{n}" lane="1" offset="{3600 + n}s" start="3600s" duration="3s"/>' for n in range(2)
    )
    found = spine(f'<asset-clip ref="v1" offset="0s" start="3600s" duration="9s">{connected}</asset-clip>')
    assert len(found.content.tracks) == 3
    assert any("overlap" in warning for warning in found.warnings)


def test_room_on_the_storyline_is_a_gap_and_the_track_magnetic() -> None:
    found = spine(
        '<gap name="Gap" offset="0s" start="3600s" duration="1s"><marker start="3600s" value="note"/></gap>'
        '<asset-clip ref="v1" offset="1s" start="3600s" duration="1s"/><asset-clip ref="v1" offset="3s" duration="1s"/>'
    ).content
    assert [(start, long, isinstance(item.source, Gap)) for start, long, item in rows(found)] == [
        (0, 24, True),
        (24, 24, False),
        (48, 24, True),
        (72, 24, False),
    ]
    assert rows(found)[3][2].source_in == 3600 * 24  # no start: the media's own
    assert [(m.item, m.start) for m in found.markers] == [(None, 0)]  # a marker on room is one of the sequence


def test_a_clip_without_offset_follows_the_one_before() -> None:
    found = spine('<asset-clip ref="v1" duration="1s"/><asset-clip ref="v1" start="3601s" duration="2s"/>').content
    assert cuts(found) == [(0, 24, "plate", 86400), (24, 48, "plate", 86424)]


def test_an_asset_clip_without_duration_is_as_long_as_its_media() -> None:
    assert cuts(spine('<asset-clip ref="a1" start="40s"/>').content) == [(0, 60 * 24, "A001", 40 * 24)]


@pytest.mark.parametrize(
    ("transition", "expected"),
    [
        ('offset="1s" duration="2s"', (24, 24)),
        ('offset="23/12s" duration="1/4s"', (2, 4)),
        ('offset="2s" duration="1s"', (0, 24)),
        ('offset="1s" duration="1s"', (24, 0)),
    ],
)
def test_a_transition_lies_where_it_lies_over_the_cut(transition: str, expected: tuple[int, int]) -> None:
    found = spine(
        '<asset-clip ref="v1" offset="0s" start="3610s" duration="2s"/>'
        f'<transition name="Cross Dissolve" {transition}><filter-video ref="e1" name="Cross Dissolve"/></transition>'
        '<asset-clip ref="v1" offset="2s" start="3630s" duration="2s"/>'
    ).content
    (one,) = found.transitions
    assert (one.in_offset, one.out_offset, one.kind, one.name) == (*expected, "dissolve", "Cross Dissolve")
    assert cuts(found) == [(0, 48, "plate", 3610 * 24), (48, 48, "plate", 3630 * 24)]


def test_fades_lie_at_the_ends_and_beside_gaps() -> None:
    found = spine(
        '<transition offset="0s" duration="1s"/><asset-clip ref="v1" offset="0s" start="3610s" duration="2s"/>'
        '<transition offset="3/2s" duration="1/2s"/><gap offset="2s" duration="1s"/>'
        '<asset-clip ref="v1" offset="3s" start="3610s" duration="2s"/><transition offset="4s" duration="1s"/>'
    ).content
    first, _, last = (item.id for _, _, item in rows(found))
    assert {(t.left, t.right, t.in_offset, t.out_offset) for t in found.transitions} == {
        (None, first, 0, 24),
        (first, None, 12, 0),
        (last, None, 24, 0),
    }


TIME_MAP = '<timeMap><timept time="{}s" value="{}s" interp="{}"/><timept time="{}s" value="{}s"/></timeMap>'


@pytest.mark.parametrize(
    ("start", "points", "speed", "source_in"),
    [
        (10, (0, 0, "smooth2", 50, 100), Fraction(2), 20 * 24),
        (10, (0, 0, "linear", 200, 100), Fraction(1, 2), 5 * 24),
        (10, (0, 100, "smooth2", 100, 0), Fraction(-1), 90 * 24 - 1),  # the last frame before 90 s is shown first
        (10, (0, 100, "smooth2", 50, 0), Fraction(-2), 80 * 24 - 1),
        (0, (0, 7, "smooth2", 100, 7), Fraction(0), 7 * 24),
    ],
)
def test_constant_speeds(start: int, points: tuple[object, ...], speed: Fraction, source_in: int) -> None:
    found = spine(
        f'<asset-clip ref="a1" offset="0s" start="{start}s" duration="2s">{TIME_MAP.format(*points)}'
        f'<marker start="{start + 1}s" value="a second in"/></asset-clip>'
    )
    item = rows(found.content)[0][2]
    assert (item.speed.fraction, item.source_in, item.duration) == (speed, source_in, 48)
    assert found.content.markers[0].start == source_in + (24 * speed or 24)
    assert item.effects == ()
    assert read(written(found)).content == found.content
    assert speed or item.speed == FREEZE


def test_a_hold_in_the_middle_of_a_map_is_a_freeze_where_it_is_shown() -> None:
    points = "".join(f'<timept time="{t}s" value="{v}s"/>' for t, v in ((0, 0), (10, 10), (20, 10), (30, 20)))
    hold = spine(f'<asset-clip ref="a1" offset="0s" start="12s" duration="4s"><timeMap>{points}</timeMap></asset-clip>')
    after = spine(
        f'<asset-clip ref="a1" offset="0s" start="21s" duration="4s"><timeMap>{points}</timeMap></asset-clip>'
    )
    assert (rows(hold.content)[0][2].speed, rows(hold.content)[0][2].source_in) == (FREEZE, 240)
    assert (rows(after.content)[0][2].speed.fraction, rows(after.content)[0][2].source_in) == (1, 11 * 24)


def test_a_ramp_runs_at_its_mean_speed_and_goes_out_as_it_came() -> None:
    points = "".join(f'<timept time="{t}s" value="{v}s" interp="smooth2"/>' for t, v in ((0, 0), (2, 2), (4, 6)))
    found = spine(f'<asset-clip ref="a1" offset="0s" start="1s" duration="2s"><timeMap>{points}</timeMap></asset-clip>')
    item = rows(found.content)[0][2]
    assert (item.speed.fraction, item.source_in) == (Fraction(3, 2), 24)  # from 1 s to 4 s of the media in two seconds
    assert any("mean speed" in warning for warning in found.warnings)
    data = written(found)
    assert data.count(b"<timept") == 3  # picture and sound are one clip
    assert read(data).content.tracks[0] == found.content.tracks[0]


def test_values_of_a_time_map_may_count_from_the_medias_first_frame() -> None:
    """Resolve does that; all else in the file counts the media's timecode."""
    points = TIME_MAP.format(0, 0, "linear", 50, 100)
    clip = f'<asset-clip ref="v1" offset="0s" start="5s" duration="2s">{points}</asset-clip>'
    assert rows(spine(clip).content)[0][2].source_in == (3600 + 10) * 24


def test_compound_clips_count_from_their_own_start() -> None:
    media = (
        '<media id="m1" name="Inner"><sequence format="f24" tcStart="3600s"><spine>'
        '<asset-clip ref="v1" offset="3600s" start="3600s" duration="10s"/></spine></sequence></media>'
    )
    found = spine('<ref-clip ref="m1" offset="0s" start="3602s" duration="3s"/>', resources=RESOURCES + media)
    item = rows(found.content)[0][2]
    ((id_, inner),) = found.nested
    assert item.source == Nested(id_, 0, 240, None)
    assert (item.source_in, inner.start_frame, inner.name) == (48, 86400, "Inner")
    assert read(written(found)).content == found.content


def test_a_clip_that_holds_one_picture_is_that_picture() -> None:
    """As Final Cut Pro wrote before 10.1, and as Resolve and Premiere converters write."""
    found = spine(
        '<clip name="Take 3" offset="0s" start="3607s" duration="2s" format="f24" enabled="0"><note>good</note>'
        '<video ref="v1" offset="3600s" start="3600s" duration="100s">'
        '<audio ref="s1" lane="-1" offset="3600s" start="0s" duration="100s" role="dialogue"/></video>'
        '<marker start="3608s" value="in the clip\'s time"/></clip>'
    ).content
    ((start, long, item),) = rows(found)
    assert (start, long, item.name, item.source_in, item.enabled) == (0, 48, "Take 3", 3607 * 24, False)
    assert isinstance(item.source, Media)
    assert found.markers[0].start == 3608 * 24
    assert cuts(found, "audio") == [(0, 48, "music", 7 * 24)]  # only what the clip shows of it
    assert item.foreign["fcpx"]["note"] == "good"


def test_a_synchronized_clip_is_its_picture_with_the_sound_beside_it() -> None:
    found = spine(
        '<sync-clip name="1-1-1" offset="0s" start="3605s" duration="2s" format="f24"><spine>'
        '<asset-clip ref="v1" offset="3600s" start="3600s" duration="100s"/></spine>'
        '<asset-clip ref="s1" lane="-1" offset="3603s" start="0s" duration="200s"/>'
        '<sync-source sourceID="storyline"/></sync-clip>'
    ).content
    assert cuts(found) == [(0, 48, "1-1-1", 3605 * 24)]
    assert cuts(found, "audio") == [(0, 48, "music", 48)]


def test_detached_sound_lies_on_a_gap_within_a_clip() -> None:
    found = spine(
        '<clip name="Take" offset="0s" start="2s" duration="3s"><video ref="a1" offset="0s" duration="100s">'
        '<audio ref="a1" lane="-1" offset="0s" duration="100s" srcCh="1"/>'
        '<audio ref="a1" lane="-2" offset="0s" duration="100s" srcCh="2"/></video>'
        '<clip name="wild" lane="-1" offset="3s" start="7s" duration="1s"><gap name="Gap" offset="0s" duration="100s">'
        '<audio ref="s1" lane="-1" offset="0s" duration="100s"/></gap></clip></clip>'
    ).content
    ((_, _, picture),) = rows(found)
    (own,) = (item for _, _, item in rows(found, "audio") if item.link)
    assert (own.link, own.source, own.source_in) == (picture.link, picture.source, 48)  # two channels are one sound
    sounds = [row for part in (0, 1) for row in cuts(found, "audio", part)]
    assert [row for row in sounds if row[2] == "wild"] == [(24, 24, "wild", 7 * 24)]


def test_a_clip_that_holds_several_is_a_nested_sequence() -> None:
    found = spine(
        '<clip name="both" offset="0s" start="1s" duration="2s" format="f24"><spine>'
        '<asset-clip ref="v1" offset="0s" start="3600s" duration="2s"/>'
        '<asset-clip ref="v1" offset="2s" start="3650s" duration="2s"/></spine></clip>'
    )
    item = rows(found.content)[0][2]
    assert isinstance(item.source, Nested)
    assert (item.source_in, item.source.frames) == (24, 96)
    assert cuts(found.nested[0][1]) == [(0, 48, "plate", 86400), (48, 48, "plate", 3650 * 24)]


def test_of_a_multicam_clip_the_angle_in_use_is_read() -> None:
    angles = "".join(
        f'<mc-angle name="{name}" angleID="{name}"><asset-clip ref="v1" name="{name}" '
        f'offset="0s" start="{start}s" duration="9s"/></mc-angle>'
        for name, start in (("A", 3600), ("B", 3650))
    )
    media = f'<media id="mc" name="Cameras"><multicam format="f24">{angles}</multicam></media>'
    found = spine(
        '<mc-clip ref="mc" name="Cameras" offset="0s" start="2s" duration="3s">'
        '<mc-source angleID="A" srcEnable="audio"/><mc-source angleID="B" srcEnable="video"/></mc-clip>'
        '<mc-clip ref="mc" name="Cameras" offset="3s" start="5s" duration="3s"><mc-source angleID="B"/></mc-clip>',
        resources=RESOURCES + media,
    )
    assert [name for _, _, name, _ in cuts(found.nested[0][1])] == ["B"]
    assert len(found.nested) == 1
    assert [(s, d, n) for s, d, _, n in cuts(found.content)] == [(0, 72, 48), (72, 72, 120)]
    assert any("'B' was read" in warning for warning in found.warnings)


def test_sound_alone_makes_sound_tracks() -> None:
    found = spine('<asset-clip ref="s1" offset="0s" start="1s" duration="2s" audioRole="music"/>').content
    assert [part.track.kind for part in found.tracks] == ["audio"]
    assert cuts(found, "audio") == [(0, 48, "music", 24)]
    held = spine(
        '<gap offset="0s" duration="5s"><audio ref="s1" lane="-1" offset="1s" duration="2s" role="fx"/></gap>'
    ).content
    assert [part.track.kind for part in held.tracks] == ["audio"]
    assert cuts(held, "audio") == [(24, 48, "music", 0)]
    assert rows(held, "audio")[0][2].foreign["fcpx"]["attributes"] == {"audioRole": "fx"}


def test_switches_of_picture_and_sound() -> None:
    found = spine(
        '<asset-clip ref="a1" offset="0s" duration="2s"/><asset-clip ref="a1" offset="2s" duration="2s" srcEnable="video"/>'
        '<asset-clip ref="a1" offset="4s" duration="2s" srcEnable="audio"/>'
        '<asset-clip ref="a1" offset="6s" start="20s" duration="2s" audioStart="19s" audioDuration="4s"/>'
    ).content
    assert [row[:2] for row in cuts(found)] == [(0, 48), (48, 48), (96, 48), (144, 48)]
    assert isinstance(rows(found)[2][2].source, Gap)
    assert cuts(found, "audio") == [(0, 48, "A001", 0), (96, 48, "A001", 0)]
    assert cuts(found, "audio", 1) == [(120, 96, "A001", 19 * 24)]  # a split edit: the sound begins a second earlier


def test_effects_and_what_else_a_clip_says_go_out_again() -> None:
    found = spine(
        '<asset-clip ref="v1" offset="0s" duration="2s" audioRole="dialogue.boom">'
        '<adjust-transform position="1 2" scale="1.5 1.5"/><keyword start="3600s" duration="2s" value="good"/>'
        '<filter-video ref="e1" name="X"><data key="k">AAA=</data><param name="Amount" key="1" value="3"/></filter-video>'
        '<metadata><md key="com.apple.proapps.studio.reel" value="A"/></metadata></asset-clip>'
    )
    item = rows(found.content)[0][2]
    assert [effect["fcpx"]["tag"] for effect in item.effects] == ["adjust-transform", "filter-video"]
    data = written(found)
    Strict(data)
    for text in (b'position="1 2"', b'value="good"', b'<data key="k">AAA=</data>', b"studio.reel", b"dialogue.boom"):
        assert text in data
    assert read(data).content == found.content


@pytest.mark.parametrize("version", ["1.8", "1.9", "1.13"])
def test_titles_and_generators_of_others_keep_their_effect(version: str) -> None:
    found = spine(
        '<title ref="e1" offset="0s" start="3600s" duration="2s" name="Lower third"><param name="Size" key="9" value="4"/>'
        '<text><text-style ref="ts7">Hello</text-style></text><text-style-def id="ts7">'
        '<text-style font="Arial"/></text-style-def></title>'
        '<video ref="e1" offset="2s" start="3600s" duration="1s" name="Clouds"/>',
        version=version,
    )
    title, clouds = (item.source for _, _, item in rows(found.content))
    assert isinstance(title, Generator)
    assert isinstance(clouds, Generator)
    assert (title.generator, title.parameters["text"], clouds.generator) == ("title", "Hello", "Cross Dissolve")
    data = written(found, version)
    Strict(data)
    assert read(data).content == found.content


def test_events_without_a_project_become_a_cut() -> None:
    clips = (
        '<asset-clip ref="v1" duration="2s" name="one"/><asset-clip ref="v1" start="3605s" duration="1s" name="two"/>'
    )
    head = f'<fcpxml version="1.9"><resources>{RESOURCES}</resources>'
    for body in (f"<event>{clips}</event>", clips, f"<library><event>{clips}</event></library>"):
        found = read(f"{head}{body}</fcpxml>".encode())
        assert cuts(found.content) == [(0, 48, "one", 86400), (48, 24, "two", 86520)]
        assert any("no project" in warning for warning in found.warnings)


def test_a_project_at_the_top_and_one_in_an_event_are_found() -> None:
    project = '<project name="P"><sequence format="f2398"><spine/></sequence></project>'
    head = f'<fcpxml version="1.8"><resources>{RESOURCES}</resources>'
    for body in (project, f"<event>{project}</event>", f"<library><event>{project}</event></library>"):
        assert read(f"{head}{body}</fcpxml>".encode()).content.rate == Rate(24000, 1001)


@pytest.mark.parametrize(
    ("format_", "rate"),
    [
        ('frameDuration="1001/24000s"', Rate(24000, 1001)),
        ('frameDuration="15015/360000s"', Rate(24000, 1001)),
        ('frameDuration="100/2500s"', Rate(25)),
        ('name="FFVideoFormat1080i50"', Rate(25)),
        ('name="FFVideoFormatDV720x480i5994"', Rate(30000, 1001)),
        ('name="FFVideoFormat720p5994"', Rate(60000, 1001)),
        ('frameDuration="0.04s"', Rate(25)),
    ],
)
def test_rates(format_: str, rate: Rate) -> None:
    data = document("", resources=f'<format id="f24" {format_}/>')
    assert read(data).content.rate == rate


def test_a_sequence_without_a_rate_takes_its_medias_or_the_one_told() -> None:
    resources = RESOURCES.replace('id="f24" frameDuration="1/24s"', 'id="none"').replace(
        'format="f24"', 'format="f2398"'
    )
    found = read(document('<asset-clip ref="v1" duration="1s"/>', resources=resources))
    assert found.content.rate == Rate(24000, 1001)
    told = reader.read(Incoming(document("", resources=""), "cut", BASE, Rate(50)))
    assert told.content.rate == Rate(50)
    assert any("frame rate" in warning for warning in told.warnings)


def test_times_off_the_grid_are_rounded_once_and_told() -> None:
    found = spine(
        '<asset-clip ref="v1" offset="0s" duration="1001/1000s"/>'
        '<asset-clip ref="v1" offset="1001/1000s" duration="1001/1000s"/>'
        '<asset-clip ref="v1" offset="2002/1000s" duration="2s"/>'
    ).content
    assert [row[:2] for row in cuts(found)] == [(0, 24), (24, 24), (48, 48)]
    assert rows(found)[1][2].foreign["genlock.otio"]["residual"] == {"at": "3003/125", "length": "3003/125"}


def test_what_starts_before_the_sequence_loses_its_head() -> None:
    found = spine(
        '<asset-clip ref="v1" offset="0s" start="3610s" duration="4s">'
        '<asset-clip ref="s1" lane="-1" offset="3608s" start="10s" duration="4s"/></asset-clip>'
    )
    assert cuts(found.content, "audio") == [(0, 48, "music", 12 * 24)]
    assert any("before the sequence" in warning for warning in found.warnings)


def test_a_copy_of_a_clip_keeps_our_id_once() -> None:
    clip = '<asset-clip ref="v1" offset="{}s" duration="1s"><note>genlock:i7 link=l3</note></asset-clip>'
    found = spine(clip.format(0) + clip.format(1))
    ids = [item.id for _, _, item in rows(found.content)]
    assert ids[0] == "i7"
    assert ids[1] != "i7"
    assert "i7" in found.ids
    assert ids[1] not in found.ids


def test_a_bundle_is_read_by_its_info(tmp_path: Path) -> None:
    bundle = tmp_path / "cut.fcpxmld"
    bundle.mkdir()
    with pytest.raises(BadInput, match=r"no Info\.fcpxml"):
        genlock_otio.read(bundle)
    (bundle / "Info.fcpxml").write_bytes(document('<asset-clip ref="v1" duration="1s"/>'))
    assert genlock_otio.read(bundle).content.name == "P"
    (tmp_path / "cut.fcpxml").write_bytes(document('<asset-clip ref="v1" duration="1s"/>', attributes='tcFormat="DF"'))
    assert genlock_otio.read(tmp_path / "cut.fcpxml").dialect == "fcpx"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "iso-8859-1"])
def test_encodings(encoding: str) -> None:
    label = {"utf-8-sig": "UTF-8"}.get(encoding, encoding.upper())
    text = document('<asset-clip ref="v1" name="Café" duration="1s"/>').decode().replace("UTF-8", label)
    data = text.encode(encoding)
    assert cuts(read(data).content)[0][2] == "Café"
    assert reader.knows(data)
