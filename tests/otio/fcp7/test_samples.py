"""Files that real editing systems wrote make the trip in and out."""

from __future__ import annotations

from pathlib import Path

import pytest

from genlock.timeline.check import violations
from genlock.timeline.events import restore
from genlock.timeline.model import Generator, Media, Nested, Source
from genlock.timeline.profiles import FCP7
from genlock.timeline.projection import disagreements
from genlock.timeline.rate import Rate, Speed
from genlock_otio.dialects import Incoming
from genlock_otio.fcp7 import reader
from genlock_otio.values import Imported
from tests.otio.fcp7.documents import placed, read, rewritten

SAMPLES = sorted((Path(__file__).parent / "samples").glob("*.xml"))


def load(path: Path) -> Imported:
    return reader.read(Incoming(path.read_bytes(), path.stem, path.parent))


def sample(name: str) -> Imported:
    return load(Path(__file__).parent / "samples" / f"{name}.xml")


def same(one: Source, two: Source) -> bool:
    """Whether both are one file: a path has one id wherever it is read."""
    match one, two:
        case Media(media=a), Media(media=b):
            return a == b
        case Nested(sequence=a), Nested(sequence=b):
            return a == b
        case _:
            return False


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_a_real_file_makes_the_trip(path: Path) -> None:
    imported = load(path)
    data = rewritten(imported)
    again = read(data)
    assert disagreements(imported.content, again.content, FCP7, same=same) == ()
    assert [id_ for id_, _ in again.nested] == [id_ for id_, _ in imported.nested]
    assert not violations(restore("0" * 32, 1, imported.content))
    assert {file.path for file in again.media} == {file.path for file in imported.media}
    assert rewritten(again) == data


def test_all_samples_are_here() -> None:
    assert len(SAMPLES) == 3


def test_premieres_cut_is_read_as_it_was_cut() -> None:
    imported = sample("premiere_example")
    content = imported.content
    assert (content.name, content.rate, content.start_frame) == ("sc01_sh010_layerA", Rate(30), 0)
    assert placed(content, 3) == [(956, 208, 133), (1164, 82, 18)]  # a dissolve of 25 frames, its cut after 12
    assert sorted((t.in_offset, t.out_offset, t.right is None) for t in content.transitions) == [
        (12, 13, False),
        (19, 0, True),
    ]
    assert [(m.name, m.start, m.comment) for m in content.markers if m.item is None] == [
        ("My MArker 1", 113, "so, this happened"),
        ("", 298, ""),
        ("dsf", 492, "fsfsfs"),
    ]
    assert {file.path for file in imported.media} >= {"D:\\media\\sc01_sh010_anim.mov"}
    groups = {p.item.link for part in content.tracks for p in part.items if p.item.link}
    assert len(groups) == 7
    assert len(imported.nested) == 1


def test_premieres_generators_are_generators() -> None:
    sources = [p.item.source for p in sample("premiere_generators").content.tracks[0].items]
    kinds = [source.generator for source in sources if isinstance(source, Generator)]
    assert kinds == ["Slug", "Slug", "Color", "Slug", "Slug", "GraphicAndType"]
    assert rewritten(sample("premiere_generators")).count(b"<mediaSource>Slug</mediaSource>") >= 4


def test_hieros_decimals_and_media_timecode_are_read() -> None:
    imported = sample("hiero_xml_export")
    one, two = (p.item for p in imported.content.tracks[0].items)
    assert (one.source_in, one.duration, imported.content.start_frame) == (1101071, 1055, 86400)
    assert two.speed == Speed(1, 400)
    assert imported.content.tracks[0].track.name == "Video 1"
