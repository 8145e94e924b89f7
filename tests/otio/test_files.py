"""The one door: which dialect a file is, files whole or not at all, losses told once."""

from __future__ import annotations

from pathlib import Path

import pytest

import genlock_otio
from genlock.errors import BadInput, MediaError, NotFound
from genlock.project.media import MediaFile
from genlock.timeline.events import Content, Placed, TrackContent
from genlock.timeline.model import Generator, Item, Marker, Media, Track
from genlock.timeline.rate import Rate
from genlock_otio import Loss, LossRow, Tag
from genlock_otio.dialects import DIALECTS
from genlock_otio.files import merged
from genlock_otio.placing import place

POOL = {"f1": MediaFile("f1", "/m/a.mov", "a.mov")}


def cut(*tracks: str) -> Content:
    parts = tuple(
        TrackContent(Track(name, "video", name), (Placed(Item(f"i{name}", Media("f1", 0, 500), 48, name), 0),))
        for name in tracks or ("V1",)
    )
    return Content("cut", Rate(24), start_frame=86400, tracks=parts, markers=(Marker("m", 5, name="here"),))


WRITTEN = [
    ("otio", ".otio"),
    ("fcp7", ".xml"),
    ("fcpx", ".fcpxml"),
    ("edl", ".edl"),
    ("mlt", ".mlt"),
    ("mlt", ".kdenlive"),
]


@pytest.mark.parametrize(("name", "suffix"), WRITTEN)
def test_a_file_is_known_by_its_suffix_and_by_what_it_says(name: str, suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"cut{suffix}"
    loss = genlock_otio.write(cut(), path, media=POOL, tag=Tag("ab" * 16, 3, "cd" * 16))
    assert loss.files[0] == path.name
    for other in (path, tmp_path / "cut.txt", tmp_path / "cut.xml"):
        other.write_bytes(path.read_bytes())
        found = genlock_otio.read(other, rate=Rate(24))
        assert [p.item.duration for p in found.content.tracks[0].items] == [48]
        assert found.tag.sequence == "ab" * 16


def test_every_reader_says_no_to_the_others_files(tmp_path: Path) -> None:
    files = {}
    for name, suffix in WRITTEN:
        genlock_otio.write(cut(), tmp_path / f"{name}{suffix}", media=POOL, dialect=name)
        files[name] = (tmp_path / f"{name}{suffix}").read_bytes()
    for name, data in files.items():
        assert [other for other in files if DIALECTS[other].knows(data)] == [name]
    for data in (b"", b"\0" * 100, b"RIFF....", b"<html></html>", b"{}", b"%PDF-1.7", b"PK\3\4"):
        assert [other for other in DIALECTS if DIALECTS[other].knows(data)] == []


def test_the_dialect_asked_for_wins(tmp_path: Path) -> None:
    path = tmp_path / "cut.edl"
    genlock_otio.write(cut(), path, media=POOL)
    with pytest.raises(BadInput):
        genlock_otio.read(path, dialect="fcp7")
    with pytest.raises(BadInput) as unknown:
        genlock_otio.read(path, dialect="klingon")
    assert unknown.value.code == "unknown_format"
    with pytest.raises(NotFound):
        genlock_otio.read(tmp_path / "none.edl", dialect="edl")


def test_one_track_a_file_where_the_format_has_no_more(tmp_path: Path) -> None:
    loss = genlock_otio.write(cut("V1", "V2"), tmp_path / "cut.edl", media=POOL)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == sorted(loss.files)
    assert len(names) == 2
    assert names[0] == "cut.edl"


def test_all_files_or_none(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("old a")
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "x").write_text("mine")
    making = {tmp_path / name: (lambda part: part.write_text("new")) for name in ("a", "b", "c")}
    with pytest.raises(MediaError) as caught:
        place(making)
    assert caught.value.code == "unwritable_folder"
    assert (tmp_path / "a").read_text() == "old a"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]


def test_a_file_that_cannot_be_made_leaves_the_old_one(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("old")

    def fails(part: Path) -> None:
        part.write_text("half")
        raise OSError(28, "No space left on device")

    with pytest.raises(MediaError, match="No space left"):
        place({tmp_path / "a": fails})
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("a", "old")]


def test_losses_are_told_before_and_after_alike_and_once(tmp_path: Path) -> None:
    title = Placed(Item("t", Generator("text", {"text": "Fin"}), 24, "Fin"), 100)
    whole = cut()
    content = Content(
        "cut",
        Rate(24),
        tracks=(*whole.tracks, TrackContent(Track("V2"), (title,))),
        markers=whole.markers,
        foreign={"show": 1},
    )
    for name, suffix in (*WRITTEN, ("resolve", ".otio")):
        before = genlock_otio.loss(content, dialect=name, media=POOL)
        after = genlock_otio.write(content, tmp_path / f"{name}{suffix}", media=POOL, dialect=name)
        assert before.rows == after.rows
        assert len({row.what for row in before.rows}) == len(before.rows)
    assert genlock_otio.loss(content, dialect="otio", media=POOL).rows == ()
    one, two = LossRow("x", 1, ("a",)), LossRow("x", 3, ("a", "b"))
    assert merged(Loss((one,)), Loss((two, LossRow("y", 1)))).rows == (two, LossRow("y", 1))


def test_lists_go_out_by_their_suffix_and_logs_come_in(tmp_path: Path) -> None:
    for name in ("cut.ale", "cut.csv", "cut.srt", "cut.markers.csv"):
        loss = genlock_otio.write(cut(), tmp_path / name, media=POOL)
        assert (loss.rows, loss.files) == ((), (name,))
        assert (tmp_path / name).is_file()
    assert genlock_otio.loss(cut(), dialect="ale", media=POOL).rows == ()
    assert genlock_otio.read(tmp_path / "cut.ale").content.tracks
    with pytest.raises(BadInput) as caught:
        genlock_otio.read(tmp_path / "cut.csv")
    assert caught.value.code == "unknown_format"


@pytest.mark.parametrize(
    ("sample", "dialect", "key"),
    [("edl/079_HA_V05.edl", "edl", "edl"), ("resolve21/ref2.otio", "resolve", "Resolve_OTIO")],
)
def test_metadata_that_rides_in_the_file_is_not_lost(sample: str, dialect: str, key: str, tmp_path: Path) -> None:
    """A cut that goes back to the program it came from takes along what that program said about it."""
    read = genlock_otio.read(Path(__file__).parent / "samples" / sample)
    media = {file.id: file for file in read.media}
    notes = "other programs' notes on clips"
    assert notes not in [row.what for row in genlock_otio.loss(read.content, dialect=dialect, media=media).rows]
    assert notes in [row.what for row in genlock_otio.loss(read.content, dialect="mlt", media=media).rows]

    there = tmp_path / f"back{Path(sample).suffix}"
    genlock_otio.write(read.content, there, media=media, dialect=dialect)

    def said(content: Content) -> list[object]:
        found = [placed.item.foreign.get(key) for part in content.tracks for placed in part.items]
        return [{name: value for name, value in one.items() if name != "of"} if one else None for one in found]

    assert any(said(read.content))
    assert said(genlock_otio.read(there).content) == said(read.content)


def test_what_is_lost_is_told_with_metadata_last() -> None:
    rows = [LossRow("other programs' notes on clips", 2), LossRow("speed change", 1), LossRow("transition's name", 1)]
    assert [row.what for row in merged(Loss(tuple(rows))).rows] == [
        "speed change",
        "transition's name",
        "other programs' notes on clips",
    ]


@pytest.mark.parametrize(("sample", "dialect"), [("fcpx/24.fcpxml", "fcpx"), ("premiere_generators.xml", "fcp7")])
def test_effects_that_ride_in_the_file_are_not_lost(sample: str, dialect: str, tmp_path: Path) -> None:
    """A program's own filters go back to it; in another format they are lost, and that is told."""
    (path,) = Path(__file__).parent.rglob(sample)
    read = genlock_otio.read(path)
    media, nested = {file.id: file for file in read.media}, dict(read.nested).get
    there = tmp_path / f"back{path.suffix}"
    told = genlock_otio.write(read.content, there, media=media, nested=nested)
    assert not [row.what for row in told.rows if "effect" in row.what]
    also = genlock_otio.loss(read.content, dialect="aaf", media=media, nested=nested)
    assert [row.what for row in also.rows if "effect" in row.what]

    def effects(content: Content) -> list[str]:
        return sorted(str(one) for part in content.tracks for placed in part.items for one in placed.item.effects)

    assert effects(read.content)
    assert effects(genlock_otio.read(there).content) == effects(read.content)
