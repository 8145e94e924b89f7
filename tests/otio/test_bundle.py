"""Bundles: ours open with OpenTimelineIO and the other way round; hostile ones are refused."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import opentimelineio as otio
import pytest

import genlock_otio
from genlock.errors import BadInput, MediaError, NotFound
from genlock.project.media import MediaFile
from genlock.timeline.events import Content, Placed, TrackContent
from genlock.timeline.model import Item, Media, Nested, Track
from genlock.timeline.rate import Rate
from genlock_otio import Limits
from genlock_otio.references import media_id
from tests.otio.test_read import clip, timeline, track


def content(*sources: Media | Nested) -> Content:
    items = tuple(Placed(Item(f"i{n}", source, 10, f"clip {n}")) for n, source in enumerate(sources))
    return Content("cut", Rate(24), tracks=(TrackContent(Track("V1", placement="magnetic"), items),))


def pool(tmp_path: Path) -> dict[str, MediaFile]:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    (tmp_path / "a" / "x é.mov").write_bytes(b"first")
    (tmp_path / "b" / "x é.mov").write_bytes(b"second")
    paths = [str(tmp_path / "a" / "x é.mov"), str(tmp_path / "b" / "x é.mov"), str(tmp_path / "gone.mov")]
    return {id_: MediaFile(id_, path, Path(path).name) for id_, path in zip(("f1", "f2", "f3"), paths, strict=True)}


def test_a_bundle_holds_the_media_and_opens_with_opentimelineio(tmp_path: Path) -> None:
    path, inner = tmp_path / "cut.otioz", content(Media("f2"))
    whole = content(Media("f1"), Media("f2"), Media("f1"), Media("f3"), Nested("00" * 16, 0, 10))
    loss = genlock_otio.write(whole, path, media=pool(tmp_path), nested=lambda _: inner)
    assert [(row.what, row.names) for row in loss.rows] == [("media file that does not exist", ("clip 3",))]
    with ZipFile(path) as bundle:
        names = sorted(bundle.namelist())
        assert names == ["content.otio", "media/x é.mov", "media/x é_1.mov", "version.txt"]
        assert bundle.read("media/x é_1.mov") == b"second"
    (tmp_path / "out").mkdir()
    seen = otio.adapters.read_from_file(str(path), extract_to_directory=str(tmp_path / "out"))
    urls = [
        clip.media_reference.target_url for clip in seen.find_clips() if hasattr(clip.media_reference, "target_url")
    ]
    assert len(urls) == 4


def test_reading_a_bundle_unpacks_its_media_where_asked(tmp_path: Path) -> None:
    path, folder = tmp_path / "cut.otioz", tmp_path / "media of cut"
    genlock_otio.write(content(Media("f1"), Media("f2")), path, media=pool(tmp_path))
    imported = genlock_otio.read(path, media_folder=folder)
    assert [Path(file.path).read_bytes() for file in imported.media] == [b"first", b"second"]
    assert all(Path(file.path).is_relative_to(folder) and not file.missing for file in imported.media)
    inside = genlock_otio.read(path)
    assert all(file.missing for file in inside.media)
    assert inside.content.tracks[0].items[0].item.duration == 10


def test_a_bundle_opentimelineio_wrote(tmp_path: Path) -> None:
    (tmp_path / "x.mov").write_bytes(b"media")
    thing = clip("x")
    thing["media_references"]["DEFAULT_MEDIA"]["target_url"] = str(tmp_path / "x.mov")
    made = otio.adapters.read_from_string(json.dumps(timeline(track(thing))))
    otio.adapters.write_to_file(made, str(tmp_path / "o.otioz"))
    imported = genlock_otio.read(tmp_path / "o.otioz", media_folder=tmp_path / "out")
    assert Path(imported.media[0].path).read_bytes() == b"media"
    otio.adapters.write_to_file(made, str(tmp_path / "o.otiod"))
    imported = genlock_otio.read(tmp_path / "o.otiod")
    assert Path(imported.media[0].path).read_bytes() == b"media"
    assert imported.media[0].id == media_id(imported.media[0].path)


def bundle(path: Path, *entries: tuple[ZipInfo | str, bytes]) -> Path:
    with ZipFile(path, "w", ZIP_DEFLATED) as made:
        made.writestr("content.otio", json.dumps(timeline(track(clip()))))
        for name, data in entries:
            made.writestr(name, data)
    return path


def refused(path: Path, limits: Limits | None = None) -> str:
    with pytest.raises(BadInput) as caught:
        genlock_otio.read(path, limits=limits or Limits(), media_folder=path.parent / "out")
    assert not (path.parent / "out").exists()
    return caught.value.code


@pytest.mark.parametrize("name", ["../evil", "/etc/evil", "media/../../evil", "C:/evil", "media\\..\\..\\evil"])
def test_names_outside_of_the_bundle(name: str, tmp_path: Path) -> None:
    assert refused(bundle(tmp_path / "x.otioz", (name, b"x"))) == "bad_timeline"


def test_links_and_bombs(tmp_path: Path) -> None:
    link = ZipInfo("media/link")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    assert refused(bundle(tmp_path / "a.otioz", (link, b"/etc/passwd"))) == "bad_timeline"
    assert refused(bundle(tmp_path / "b.otioz", ("media/bomb.mov", b"\0" * 50_000_000))) == "too_large"
    assert refused(bundle(tmp_path / "c.otioz", ("media/x.mov", b"x" * 5000)), Limits(media_size=4000)) == "too_large"
    many = [(f"media/{n}", b"x") for n in range(20)]
    assert refused(bundle(tmp_path / "d.otioz", *many), Limits(media_files=10)) == "too_large"
    assert refused(bundle(tmp_path / "e.otioz"), Limits(size=50)) == "too_large"


def test_what_is_no_bundle(tmp_path: Path) -> None:
    (tmp_path / "x.otioz").write_bytes(b"PK nonsense")
    assert refused(tmp_path / "x.otioz") == "unknown_format"
    with ZipFile(tmp_path / "y.otioz", "w") as made:
        made.writestr("readme.txt", "hello")
    assert refused(tmp_path / "y.otioz") == "unknown_format"
    data = bundle(tmp_path / "z.otioz", ("media/x.mov", b"x" * 5000)).read_bytes()
    (tmp_path / "z.otioz").write_bytes(data[:200] + b"\xff" * 40 + data[240:])
    with pytest.raises(BadInput):
        genlock_otio.read(tmp_path / "z.otioz")
    whole = bundle(tmp_path / "w.otioz", ("media/ä.mov", b"x")).read_bytes()
    names = whole.replace("ä".encode(), b"\xff\xff")
    (tmp_path / "w.otioz").write_bytes(names)
    assert refused(tmp_path / "w.otioz") == "unknown_format"
    (tmp_path / "w.otioz").write_bytes(whole[:-4] + b"\xff" + whole[-3:])  # its directory lies before the file
    assert refused(tmp_path / "w.otioz") == "unknown_format"
    (tmp_path / "d.otiod").mkdir()
    assert refused(tmp_path / "d.otiod") == "unknown_format"
    with pytest.raises(NotFound):
        genlock_otio.read(tmp_path / "none.otioz")
    with pytest.raises(NotFound):
        genlock_otio.read(tmp_path / "none.otiod")


def test_a_folder_bundle_holds_the_same_and_replaces_only_its_kind(tmp_path: Path) -> None:
    path = tmp_path / "cut.otiod"
    for _ in range(2):
        loss = genlock_otio.write(content(Media("f1"), Media("f2"), Media("f3")), path, media=pool_once(tmp_path))
        assert [row.names for row in loss.rows] == [("clip 2",)]
    assert sorted(str(p.relative_to(path)) for p in path.rglob("*") if p.is_file()) == [
        "content.otio",
        "media/x é.mov",
        "media/x é_1.mov",
        "version.txt",
    ]
    assert [Path(f.path).read_bytes() for f in genlock_otio.read(path).media if not f.missing] == [b"first", b"second"]
    assert len(list(otio.adapters.read_from_file(str(path)).find_clips())) == 3
    (tmp_path / "mine.otiod").mkdir()
    (tmp_path / "mine.otiod" / "notes.txt").write_text("keep me")
    with pytest.raises(MediaError) as caught:
        genlock_otio.write(content(Media("f1")), tmp_path / "mine.otiod", media=pool_once(tmp_path))
    assert caught.value.code == "unwritable_folder"
    assert [p.name for p in (tmp_path / "mine.otiod").iterdir()] == ["notes.txt"]
    assert not [p for p in tmp_path.iterdir() if p.name.startswith(".")]


def pool_once(tmp_path: Path) -> dict[str, MediaFile]:
    if (tmp_path / "a").exists():
        for name in ("a", "b"):
            for file in (tmp_path / name).iterdir():
                file.unlink()
            (tmp_path / name).rmdir()
    return pool(tmp_path)


@pytest.mark.parametrize("suffix", [".otioz", ".otiod"])
def test_numbered_images_are_packed_and_come_back(suffix: str, tmp_path: Path) -> None:
    folder = tmp_path / "plates"
    folder.mkdir()
    for number in range(1001, 1006):
        (folder / f"sh010.{number}.exr").write_bytes(str(number).encode())
    (folder / "sh010.txt").write_text("no image")
    media = {"s": MediaFile("s", str(folder / "sh010.%04d.exr"), "sh010"), "g": MediaFile("g", "/none/x.%04d.exr", "x")}
    path = tmp_path / f"cut{suffix}"
    cut = content(Media("s", 1001, 5), Media("g", 1, 5), Media("s", 1001, 5))
    loss = genlock_otio.write(cut, path, media=media)
    assert [(row.what, row.names) for row in loss.rows] == [("media file that does not exist", ("clip 1",))]
    back = genlock_otio.read(path, media_folder=tmp_path / "out")
    (file,) = (one for one in back.media if one.path)
    assert file.path.endswith("media/sh010/sh010.%04d.exr")
    assert [Path(file.path % n).read_bytes() for n in range(1001, 1006)] == [str(n).encode() for n in range(1001, 1006)]
