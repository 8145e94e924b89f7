"""What other programs write is read as they mean it."""

from __future__ import annotations

from fractions import Fraction

import pytest

from genlock.timeline.model import Generator, Media, Nested
from genlock.timeline.rate import Rate, Speed
from genlock_otio.fcp7 import reader
from tests.otio.fcp7.documents import RATE, clip, document, file, first, placed, rate, read, remap, rewritten


@pytest.mark.parametrize(
    ("timebase", "ntsc", "meant"),
    [
        (24, True, Rate(24000, 1001)),
        (24, False, Rate(24)),
        (25, False, Rate(25)),
        (25, True, Rate(25)),  # there is no such rate; some programs always write TRUE
        (30, True, Rate(30000, 1001)),
        (48, False, Rate(48)),
        (60, True, Rate(60000, 1001)),
        ("23.976", False, Rate(24000, 1001)),
        ("29.97", True, Rate(30000, 1001)),
    ],
)
def test_a_rate_is_exact(timebase: object, ntsc: bool, meant: Rate) -> None:
    assert read(document(clip(0, 10, 0, 10), own=rate(timebase, ntsc))).content.rate == meant


def test_a_sequence_without_a_rate_takes_its_formats_then_its_clips() -> None:
    imported = read(document(clip(0, 10, 0, 10, own=rate(25)), own=""))
    assert imported.content.rate == Rate(25)
    assert "no rate of its own" in imported.warnings[0]


TIMECODE = (
    "<timecode>{rate}<string>{string}</string><frame>{frame}</frame><displayformat>{shown}</displayformat></timecode>"
)


@pytest.mark.parametrize(
    ("own", "string", "frame", "shown", "start", "drop"),
    [
        (rate(30, True), "01:00:00;00", 107892, "DF", 107892, True),
        (rate(30, True), "01:00:00:00", 108000, "NDF", 108000, False),
        (rate(60, True), "01:00:00;00", 215784, "DF", 215784, True),
        (rate(30, True), "01:00:00;00", "", "DF", 107892, True),
        (rate(30, True), "01;00;00;00", "", "", 107892, True),
        (rate(25), "10:00:00:00", "", "NDF", 900000, False),
        (rate(25), "10:00:00:00", 900000, "DF", 900000, False),  # 25 has no drop frame
    ],
)
def test_the_start_is_read_in_its_counting(
    own: str, string: str, frame: object, shown: str, start: int, drop: bool
) -> None:
    timecode = TIMECODE.format(rate=own, string=string, frame=frame, shown=shown)
    imported = read(document(clip(0, 10, 0, 10, own=own), own=own, more=timecode))
    assert (imported.content.start_frame, imported.content.drop_frame) == (start, drop)
    assert imported.warnings == ()


def test_text_and_frame_number_that_differ_are_named() -> None:
    timecode = TIMECODE.format(rate=RATE, string="01:00:00:00", frame=5, shown="NDF")
    imported = read(document(clip(0, 10, 0, 10), more=timecode))
    assert imported.content.start_frame == 5
    assert "01:00:00:00 and frame 5" in imported.warnings[0]


def transition(start: int, end: int, alignment: str, ticks: object = "") -> str:
    effect = "<effect><name>Cross Dissolve</name><effectid>Cross Dissolve</effectid></effect>"
    cut = f"<cutPointTicks>{ticks}</cutPointTicks>" if ticks != "" else ""
    span = f"<start>{start}</start><end>{end}</end><alignment>{alignment}</alignment>"
    return f"<transitionitem>{span}{cut}{effect}</transitionitem>"


@pytest.mark.parametrize(
    ("alignment", "ticks", "cut"),
    [
        ("center", "", 50),
        ("start", "", 40),
        ("end", "", 60),
        ("center", 254016000000 * 7 // 24, 47),
    ],
)
def test_the_cut_lies_where_the_transition_says(alignment: str, ticks: object, cut: int) -> None:
    row = clip(0, -1, 100, 160) + transition(40, 60, alignment, ticks) + clip(-1, 100, 300, 360, id_="d")
    imported = read(document(row))
    assert placed(imported.content) == [(0, cut, 100), (cut, 100 - cut, 300 + cut - 40)]
    assert [(t.in_offset, t.out_offset, t.kind) for t in imported.content.transitions] == [
        (cut - 40, 60 - cut, "dissolve")
    ]
    assert imported.warnings == ()


@pytest.mark.parametrize(("start", "into"), [(-1, 10), (20, 10)])
def test_a_fade_from_black_has_no_left_side(start: int, into: int) -> None:
    imported = read(document(transition(20, 30, "start-black") + clip(start, 60, into, 50)))
    assert placed(imported.content) == [(20, 40, 10)]
    (fade,) = imported.content.transitions
    assert (fade.left, fade.in_offset, fade.out_offset) == (None, 0, 10)


def test_a_fade_to_black_has_no_right_side() -> None:
    imported = read(document(clip(0, -1, 10, 60) + transition(40, 50, "end-black") + clip(80, 90, 0, 10, id_="d")))
    assert placed(imported.content) == [(0, 50, 10), (80, 10, 0)]
    (fade,) = imported.content.transitions
    assert (fade.right, fade.in_offset, fade.out_offset) == (None, 10, 0)


def test_a_file_is_known_by_its_id_wherever_it_is_described() -> None:
    row = clip(0, 10, 0, 10, more="<file id='f'/>") + clip(10, 20, 0, 10, id_="d", more=file("f"))
    imported = read(document(row))
    assert [one.path for one in imported.media] == ["/a.mov"]
    assert len({p.item.source for p in imported.content.tracks[0].items}) == 1


def test_two_files_of_one_id_are_what_each_says() -> None:  # as Nuke Studio writes them
    row = clip(0, 10, 0, 10, more=file("/")) + clip(
        10, 20, 0, 10, id_="d", more=file("/", url="file://localhost/b.mov")
    )
    assert [one.path for one in read(document(row)).media] == ["/a.mov", "/b.mov"]


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("file://localhost/Volumes/A%20B/x%25.mov", "/Volumes/A B/x%.mov"),
        ("file:///C%3a/rushes/x.mov", "C:\\rushes\\x.mov"),
        ("file://localhost/D:/rushes/x.mov", "D:\\rushes\\x.mov"),
        ("file://localhost//server/share/x.mov", "\\\\server\\share\\x.mov"),
        ("file://server/share/x.mov", "file://server/share/x.mov"),
        ("/mnt/x.mov", "/mnt/x.mov"),
        ("media/x.mov", "/base/media/x.mov"),
        ("file:///v/sh.[0101-0200].exr", "/v/sh.%04d.exr"),
        ("file://C:/rushes/x.mov", "C:\\rushes\\x.mov"),
        ("https://example.com/x.mov", "https://example.com/x.mov"),
    ],
)
def test_every_form_of_path_is_read(url: str, path: str) -> None:
    assert [one.path for one in read(document(clip(0, 10, 0, 10, more=file(url=url)))).media] == [path]


def test_an_image_sequence_starts_at_its_first_number() -> None:
    imported = read(document(clip(0, 10, 5, 15, more=file(url="/v/sh.[0101-0200].exr", frames=100))))
    assert first(imported).source == Media(imported.media[0].id, 101, 100)
    assert first(imported).source_in == 106
    assert b"file://localhost/v/sh.%5B0101-0200%5D.exr" in rewritten(imported)


def test_media_time_counts_from_its_timecode() -> None:
    timecode = TIMECODE.format(rate=RATE, string="01:00:00:00", frame=86400, shown="NDF")
    item = first(read(document(clip(0, 10, 7, 17, more=file(more=timecode)))))
    assert isinstance(item.source, Media)
    assert (item.source_in, item.source.first, item.source.frames) == (86407, 86400, 1000)


@pytest.mark.parametrize("own", [RATE, rate(30), rate(30, True)])
def test_media_of_another_rate_is_read_from_the_clips_own_counting(own: str) -> None:
    # Premiere counts such a clip at the sequence's rate, Final Cut at the media's
    media = file(own=rate(30, True))
    item = first(read(document(clip(0, 24, 48, 72, own=own, more=media))))
    seconds = Fraction(48) / (24 if own == RATE else Fraction(30) if own == rate(30) else Fraction(30000, 1001))
    assert item.source_in == round(seconds * Fraction(30000, 1001))
    assert isinstance(item.source, Media)
    assert item.source.rate == Rate(30000, 1001)
    assert item.duration == 24


# -- speed


def test_a_retimed_in_point_counts_in_retimed_frames() -> None:
    item = first(read(document(clip(0, 50, 100, 150, more=file() + remap(200)))))
    assert (item.speed, item.source_in) == (Speed(2), 200)


def test_the_graph_says_the_exact_frame_where_the_in_point_was_rounded() -> None:
    item = first(read(document(clip(0, 50, 51, 101, more=file() + remap(150, graph=((0, 0.5), (51, 77), (101, 152)))))))
    assert (item.speed, item.source_in) == (Speed(3, 2), 77)


def test_a_reversed_clip_counts_from_the_end_of_its_media() -> None:
    graph = ((0, 37127), (15299, 21828), (15305, 21822), (37127, 1))  # as Premiere wrote it
    plain = file(frames=37127)
    for filter_ in (remap(100, reverse=True, graph=graph), remap(100, reverse=True), remap(-100)):
        item = first(read(document(clip(0, 6, 15299, 15305, more=plain + filter_))))
        assert (item.speed, item.source_in, item.duration) == (Speed(-1), 21827, 6)


def test_a_third_is_a_third() -> None:
    assert first(read(document(clip(0, 50, 0, 50, more=file() + remap("33.3333"))))).speed == Speed(1, 3)
    assert first(read(document(clip(0, 50, 0, 50, more=file() + remap("108.451"))))).speed == Speed(108451, 100000)


def test_a_freeze_frame_shows_what_its_graph_says() -> None:
    item = first(read(document(clip(0, 50, 86400, 86450, more=file() + remap(0, graph=((86400, 12), (86450, 12)))))))
    assert (item.speed, item.source_in) == (Speed(0), 12)


def test_a_still_frame_of_a_film_is_a_freeze_frame_and_an_image_is_not() -> None:
    still = "<stillframe>TRUE</stillframe><stillframeoffset>33</stillframeoffset>"
    item = first(read(document(clip(0, 50, 0, 50, more=file() + still))))
    assert (item.speed, item.source_in) == (Speed(0), 33)
    image = first(read(document(clip(0, 50, 0, 50, more=file(url="/x.png") + still))))
    assert (image.speed, image.source_in) == (Speed(), 0)


def test_programs_that_count_a_retimed_clip_in_media_frames_are_understood() -> None:
    item = first(read(document(clip(0, 50, 100, 200, more=file() + remap(200)))))
    assert (item.speed, item.source_in) == (Speed(2), 100)


def test_a_ramp_is_kept_whole_and_named() -> None:
    ramp = remap("108.451", ramp=True, graph=((0, 0), (1, 1), (51, 51), (114, 126), (142, 154)))
    imported = read(document(clip(0, 100, 20, 120, more=file() + ramp)))
    item = first(imported)
    assert (item.speed, item.source_in) == (Speed(), 20)
    assert "changes its speed" in imported.warnings[0]
    assert item.effects[0]["effect_name"] == "Time Remap"
    again = rewritten(imported)
    assert b"<value>108.451</value>" in again
    assert rewritten(read(again)) == again


def test_a_switched_off_remap_changes_nothing() -> None:
    item = first(
        read(
            document(
                clip(0, 50, 7, 57, more=file() + remap(200).replace("<effect>", "<enabled>FALSE</enabled><effect>", 1))
            )
        )
    )
    assert (item.speed, item.source_in) == (Speed(), 7)
    assert item.effects[0]["enabled"] is False


def test_ins_and_outs_that_do_not_fit_their_place_are_named() -> None:
    imported = read(document(clip(0, 50, 100, 400)))
    assert placed(imported.content) == [(0, 50, 100)]
    assert "300 frames in 50" in imported.warnings[0]


# -- tracks, links, markers, generators


def test_tracks_say_their_names_switches_and_locks() -> None:
    data = document(clip(0, 10, 0, 10)).replace(b"<track>", b"<track MZ.TrackName='Main'>", 1)
    data = data.replace(b"</track>", b"<enabled>FALSE</enabled><locked>TRUE</locked></track>", 1)
    track = read(data).content.tracks[0].track
    assert (track.name, track.enabled, track.locked) == ("Main", False, True)
    named = read(document("<name>V one</name>" + clip(0, 10, 0, 10))).content.tracks[0].track
    assert (named.name, named.enabled, named.locked) == ("V one", True, False)


def test_linked_clips_are_a_group_and_a_clip_linked_to_itself_is_none() -> None:
    def link(id_: str) -> str:
        return f"<link><linkclipref>{id_}</linkclipref></link>"

    video = clip(0, 10, 0, 10, id_="a", more=file() + link("a") + link("b")) + clip(
        10, 20, 0, 10, id_="x", more=file() + link("x")
    )
    sound = (clip(0, 10, 0, 10, id_="b"), clip(0, 10, 0, 10, id_="c", more=file() + link("b")))
    parts = read(document(video, audio=sound)).content.tracks
    links = [[p.item.link for p in part.items] for part in parts]
    assert links[0][0] is not None
    assert links == [[links[0][0], None], [links[0][0]], [links[0][0]]]


@pytest.mark.parametrize(
    ("color", "name"),
    [
        ("<pproColor>4281740498</pproColor>", "RED"),
        ("<pproColor>4294741314</pproColor>", "BLUE"),
        ("<color><alpha>0</alpha><red>65535</red><green>65535</green><blue>0</blue></color>", "YELLOW"),
        ("<color><red>0</red><green>255</green><blue>255</blue></color>", "CYAN"),
        ("<pproColor>4294967295</pproColor><color><red>65535</red><green>0</green><blue>0</blue></color>", "WHITE"),
        ("", "RED"),
        ("<pproColor>MarkerColor.1</pproColor>", "RED"),
    ],
)
def test_markers_tell_their_colour(color: str, name: str) -> None:
    marker = f"<marker><name>n</name><comment>see</comment><in>12</in><out>20</out>{color}</marker>"
    (found,) = read(document(clip(0, 10, 0, 10), more=marker)).content.markers
    assert (found.start, found.duration, found.name, found.comment, found.color) == (12, 8, "n", "see", name)


def test_a_marker_without_colour_is_green_in_premieres_files() -> None:
    marker = "<marker><name>n</name><in>12</in><out>-1</out></marker>"
    ticks = "<pproTicksIn>0</pproTicksIn>"
    (found,) = read(document(clip(0, 10, 0, 10, more=file() + ticks), more=marker)).content.markers
    assert (found.color, found.duration) == ("GREEN", 0)


def test_a_clips_marker_counts_in_its_media() -> None:
    marker = "<marker><name>n</name><in>12</in><out>-1</out></marker>"
    timecode = TIMECODE.format(rate=RATE, string="", frame=86400, shown="NDF")
    imported = read(document(clip(0, 10, 5, 15, more=file(more=timecode) + marker)))
    (found,) = imported.content.markers
    assert (found.item, found.start) == (first(imported).id, 86412)


def test_generators_keep_what_they_say() -> None:
    effect = (
        "<effect><name>Text</name><effectid>Text</effectid><effectcategory>Text</effectcategory><effecttype>generator</effecttype>"
        "<mediatype>video</mediatype><parameter><parameterid>str</parameterid><name>Text</name><value>Hello</value></parameter>"
        "<parameter><parameterid>fontsize</parameterid><name>Size</name><valuemin>0</valuemin><valuemax>1000</valuemax><value>36</value></parameter></effect>"
    )
    item = f"<name>Title</name>{RATE}<start>3</start><end>13</end><in>0</in><out>10</out>{effect}"
    imported = read(document(f"<generatoritem id='g'>{item}</generatoritem>"))
    source = first(imported).source
    assert isinstance(source, Generator)
    assert source.generator == "title"
    assert (source.parameters["str"], source.parameters["fontsize"]) == ("Hello", 36)
    assert b"<valuemax>1000</valuemax>" in rewritten(imported)


def test_premieres_synthetic_media_are_generators() -> None:
    slug = "<file id='f'><name>Black</name><mediaSource>Slug</mediaSource></file>"
    assert first(read(document(clip(0, 10, 0, 10, more=slug)))).source == Generator("Slug")


def test_filters_labels_and_remarks_of_others_are_written_back() -> None:
    blur = "<filter><enabled>TRUE</enabled><effect><name>Blur</name><effectid>blur</effectid></effect></filter>"
    more = file() + blur + "<compositemode>screen</compositemode><labels><label2>Iris</label2></labels>"
    more += "<comments><mastercomment1>ask Anna</mastercomment1></comments><logginginfo><scene>4</scene></logginginfo>"
    again = rewritten(read(document(clip(0, 10, 0, 10, more=more))))
    for words in (b"<effectid>blur</effectid>", b"<compositemode>screen", b"<label2>Iris", b">ask Anna<", b"<scene>4<"):
        assert again.count(words) == 1
    assert rewritten(read(again)) == again


# -- sequences


def test_the_first_sequence_is_read_and_the_others_named() -> None:
    other = f"<sequence id='s2'><name>other</name>{RATE}<media><video/></media></sequence>"
    imported = read(document(clip(0, 10, 0, 10), root=other))
    assert imported.content.name == "cut"
    assert "'other'" in imported.warnings[0]


def test_a_nested_sequence_is_one_however_often_it_is_shown() -> None:
    inner = f"<media><video><track>{clip(0, 30, 0, 30, own=rate(25))}</track></video></media>"
    inner = f"<sequence id='s2'><name>inner</name>{rate(25)}{inner}</sequence>"
    row = clip(0, 10, 5, 15, id_="n", more=inner) + clip(10, 20, 0, 10, id_="m", more="<sequence id='s2'/>")
    imported = read(document(row))
    ((id_, content),) = imported.nested
    assert (content.name, content.rate) == ("inner", Rate(25))
    sources = [p.item.source for p in imported.content.tracks[0].items]
    assert sources == [Nested(id_, 0, 30, Rate(25))] * 2


def test_off_grid_numbers_are_read_exactly_and_rounded_once() -> None:
    imported = read(document(clip("12.5", "22.5", "100.25", "110.25")))
    assert placed(imported.content) == [(13, 10, 100)]
    assert first(imported).foreign["genlock.otio"]["residual"] == {"at": "25/2", "first": "401/4"}


def test_a_copy_made_elsewhere_does_not_take_the_id_of_its_original() -> None:
    note = '<comments><mastercomment1>genlock:{{"at":["{}","{}","0","10"],"id":"i1"}}</mastercomment1></comments>'
    copied = note.format(40, 50)
    row = clip(0, 10, 0, 10, id_="a", more=file() + copied) + clip(40, 50, 0, 10, id_="b", more=file() + copied)
    ids = [p.item.id for p in read(document(row)).content.tracks[0].items]
    assert ids[1] == "i1"
    assert ids[0] != "i1"


def test_what_is_ours_is_known_by_its_root() -> None:
    assert reader.knows(document())
    assert reader.knows(document().decode().replace("UTF-8", "UTF-16").encode("utf-16"))
    assert not reader.knows(b"<?xml version='1.0'?><fcpxml version='1.9'/>")
