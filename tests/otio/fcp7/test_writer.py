"""The document has the shape that Premiere, Resolve and their likes read."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import pytest
from msgspec.structs import replace

import genlock_otio
from genlock.errors import BadInput
from genlock.project.media import AudioStream, MediaFile, MediaInfo
from genlock.timeline.events import Content, Placed, TrackContent
from genlock.timeline.model import Generator, Item, Marker, Media, Nested, Resolution, Shot, Track, Transition
from genlock.timeline.rate import Rate, Speed
from genlock_otio.fcp7 import writer
from genlock_otio.outgoing import Outgoing
from genlock_otio.values import Tag
from tests.otio.fcp7.documents import read

INFO = MediaInfo(
    "video", rate=Rate(24), frames=240, start=86400, timecode="01:00:00:00", width=1280, height=720,
    audio=(AudioStream(44100, 1),),
)  # fmt: skip
POOL = {
    "a": MediaFile("a", "/rushes/A 001.mov", "A001", INFO),
    "b": MediaFile("b", "E:\\rushes\\B#2.mov", "B002"),
    "gone": MediaFile("gone", "", "lost reel", missing=True),
}


def item(id_: str, media: str = "a", length: int = 24, into: int = 86410, **more: object) -> Item:
    source = Media(media, 86400, 240) if media == "a" else Media(media)
    return Item(id_, source, length, f"shot {id_}", into, **more)  # type: ignore[arg-type]


def content(*items: tuple[Item, int], **more: object) -> Content:
    track = TrackContent(Track("t1", "video", "Main", locked=True), tuple(Placed(one, start) for one, start in items))
    return Content("Reel 1", Rate(24), tracks=(track,), resolution=Resolution(1280, 720), **more)  # type: ignore[arg-type]


def tree(cut: Content, **more: object) -> Element:
    return ElementTree.fromstring(writer.write(Outgoing(cut, media=POOL, **more)).data)  # type: ignore[arg-type]


def words(element: Element | None, *tags: str) -> list[str | None]:
    assert element is not None
    return [element.findtext(tag) for tag in tags]


def test_the_sequence_is_described_in_full() -> None:
    root = tree(content((item("i1"), 10), start_frame=86400), tag=Tag("ab" * 16, 3, "cd" * 16))
    assert (root.tag, root.get("version")) == ("xmeml", "4")
    sequence = root.find("sequence")
    assert words(sequence, "name", "duration", "rate/timebase", "rate/ntsc") == ["Reel 1", "34", "24", "FALSE"]
    assert words(sequence, "timecode/string", "timecode/frame", "timecode/displayformat") == [
        "01:00:00:00",
        "86400",
        "NDF",
    ]
    assert words(sequence, "uuid") == ["abababab-abab-abab-abab-abababababab"]
    size = root.find("sequence/media/video/format/samplecharacteristics")
    assert words(size, "width", "height", "pixelaspectratio", "fielddominance", "rate/timebase") == [
        "1280", "720", "square", "none", "24",
    ]  # fmt: skip
    track = root.find(".//video/track")
    assert track is not None
    assert track.get("MZ.TrackName") == "Main"
    assert words(track, "name", "enabled", "locked") == ["Main", "TRUE", "TRUE"]


def test_drop_frame_is_said() -> None:
    cut = replace(content((item("i1", "b", into=0), 0)), rate=Rate(30000, 1001), drop_frame=True, start_frame=107892)
    sequence = tree(cut).find("sequence")
    assert words(sequence, "rate/timebase", "rate/ntsc") == ["30", "TRUE"]
    assert words(sequence, "timecode/string", "timecode/frame", "timecode/displayformat") == [
        "01:00:00;00",
        "107892",
        "DF",
    ]


def test_a_file_is_described_once_and_then_named() -> None:
    root = tree(content((item("i1"), 0), (item("i2", into=86500), 30), (item("i3", "b", into=5), 60)))
    one, two, three = root.iter("file")
    assert (one.get("id"), len(two), two.get("id")) == ("file-1", 0, "file-1")
    assert words(one, "name", "pathurl", "duration", "rate/timebase", "timecode/frame") == [
        "A001", "file://localhost/rushes/A%20001.mov", "240", "24", "86400",
    ]  # fmt: skip
    assert words(one, "media/video/samplecharacteristics/width", "media/audio/channelcount") == ["1280", "1"]
    assert words(one, "media/audio/samplecharacteristics/samplerate") == ["44100"]
    assert words(three, "pathurl") == ["file://localhost/E%3A/rushes/B%232.mov"]
    assert [words(clip, "in", "out", "duration") for clip in root.iter("clipitem")] == [
        ["10", "34", "240"], ["100", "124", "240"], ["5", "29", "29"],
    ]  # fmt: skip


def test_beside_a_transition_the_edges_are_open_and_the_handles_shown() -> None:
    cut = content((item("i1"), 0), (item("i2", into=86500), 24), transitions=(Transition("i1", "i2", 4, 6),))
    root = tree(cut)
    one, two = root.iter("clipitem")
    assert words(one, "start", "end", "in", "out") == ["0", "-1", "10", "40"]
    assert words(two, "start", "end", "in", "out") == ["-1", "48", "96", "124"]
    it = root.find(".//transitionitem")
    assert words(it, "start", "end", "alignment", "effect/effectid") == ["20", "30", "center", "Cross Dissolve"]
    assert words(it, "cutPointTicks") == [str(254016000000 * 4 // 24)]
    track = root.find(".//video/track")
    assert track is not None
    assert [child.tag for child in track][1:4] == ["clipitem", "transitionitem", "clipitem"]


@pytest.mark.parametrize(
    ("speed", "into", "said", "reverse", "numbers"),
    [
        (Speed(2), 86500, "200", "FALSE", ["50", "74", "120"]),
        (Speed(1, 2), 86500, "50", "FALSE", ["200", "224", "480"]),
        (Speed(-1), 86500, "100", "TRUE", ["139", "163", "240"]),
        (Speed(0), 86500, "0", "FALSE", ["100", "124", "240"]),
    ],
)
def test_a_retimed_clip_counts_in_retimed_frames(
    speed: Speed, into: int, said: str, reverse: str, numbers: list[str]
) -> None:
    (clip,) = tree(content((item("i1", into=into, speed=speed), 0))).iter("clipitem")
    assert words(clip, "in", "out", "duration") == numbers
    parameters = {p.findtext("parameterid"): p for p in clip.iterfind("filter/effect/parameter")}
    assert [words(parameters[name], "value") for name in ("speed", "reverse")] == [[said], [reverse]]
    graph = {key.findtext("when"): key.findtext("value") for key in parameters["graphdict"].iterfind("keyframe")}
    assert graph[numbers[0]] == ("101" if speed.num < 0 else "100")


def test_linked_clips_name_each_other_with_their_places() -> None:
    cut = content((item("i1", link="l"), 0))
    sound = TrackContent(Track("t2", "audio"), (Placed(item("x"), 0), Placed(item("i2", link="l"), 30)))
    root = tree(replace(cut, tracks=(*cut.tracks, sound)))
    links = [words(link, "linkclipref", "mediatype", "trackindex", "clipindex") for link in root.iter("link")]
    assert links == [["clipitem-1", "video", "1", "1"], ["clipitem-3", "audio", "1", "2"]] * 2
    assert words(root.find(".//audio/track/clipitem"), "sourcetrack/mediatype", "sourcetrack/trackindex") == [
        "audio",
        "1",
    ]


def test_markers_say_their_colour_twice() -> None:
    (marker,) = tree(content((item("i1"), 0), markers=(Marker("m", 12, 5, None, "look", "PURPLE", "why"),))).iter(
        "marker"
    )
    assert words(marker, "name", "comment", "in", "out", "pproColor") == ["look", "why", "12", "17", "4289825711"]
    assert words(marker.find("color"), "red", "green", "blue") == ["32768", "0", "32768"]


def test_what_has_no_file_is_offline_and_named() -> None:
    gone, shot = item("i1", "gone", into=0), Item("i2", Shot("s9"), 24, "SC01_SH0010")
    to = Outgoing(content((gone, 0), (shot, 24)), media=POOL)
    root = ElementTree.fromstring(writer.write(to).data)
    files = [words(file, "name", "pathurl") for file in root.iter("file")]
    assert files == [["lost reel", None], ["SC01_SH0010", None]]
    assert [row.what for row in to.loss().rows] == ["shot without a take (a place holder was written)"]


def test_our_ids_ride_in_comments_and_in_the_log_only_where_nothing_else_shows_the_file() -> None:
    root = tree(content((item("i1"), 0), (item("i2", into=86500), 30), (item("i3", "b", into=5), 60)))
    one, two, three = root.iter("clipitem")
    assert '"id":"i2"' in (two.findtext("comments/mastercomment1") or "")
    assert [clip.find("logginginfo") is not None for clip in (one, two, three)] == [False, False, True]
    assert three.findtext("logginginfo/lognote") == 'genlock:{"id":"i3"}'


def test_an_id_in_the_log_alone_is_ours_again() -> None:  # what Premiere keeps
    data = writer.write(Outgoing(content((item("i3", "b", into=5), 60)), media=POOL)).data
    root = ElementTree.fromstring(data)
    (clip,) = root.iter("clipitem")
    clip.remove(clip.find("comments"))  # type: ignore[arg-type]
    assert "i3" in read(ElementTree.tostring(root)).ids


def test_generators_are_generator_items() -> None:
    title = Item("g", Generator("title", {"text": "Hello", "size": 3, "bold": True, "box": [1, 2]}), 24, "Title")
    (made,) = tree(content((title, 0))).iter("generatoritem")
    assert words(made, "name", "effect/effectid", "effect/effecttype") == ["Title", "Text", "generator"]
    parameters = {p.findtext("parameterid"): p.findtext("value") for p in made.iter("parameter")}
    assert parameters == {"text": "Hello", "size": "3", "bold": "TRUE", "box": "[1, 2]"}


def test_a_sequence_that_contains_itself_is_refused() -> None:
    cut = content((Item("n", Nested("aa" * 16), 24), 0))
    with pytest.raises(BadInput) as caught:
        tree(cut, nested=lambda _: cut)
    assert caught.value.code == "too_deep"


def test_characters_that_xml_cannot_hold_come_back_all_the_same(tmp_path: Path) -> None:
    name = "a\x01b & <c> \"d\"\r\n 'e'"
    cut = content((replace(item("i1"), name=name), 0))
    genlock_otio.write(cut, tmp_path / "cut.xml", media=POOL)
    assert genlock_otio.read(tmp_path / "cut.xml").content.tracks[0].items[0].item.name == name


def test_one_door_writes_and_reads_it(tmp_path: Path) -> None:
    cut = content((item("i1"), 0))
    loss = genlock_otio.write(cut, tmp_path / "cut.xml", media=POOL, tag=Tag("ab" * 16, 1, ""))
    imported = genlock_otio.read(tmp_path / "cut.xml")
    assert loss.rows == ()
    assert (imported.dialect, imported.tag.sequence) == ("fcp7", "ab" * 16)
    assert imported.ids >= {"i1", "t1"}
