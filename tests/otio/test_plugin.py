"""OpenTimelineIO's own tools with our plug-in: any revision of a store, our formats, ids for paths."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import opentimelineio as otio
import pytest

import genlock_otio
from genlock.application.application import Application
from genlock.application.commands import Command, ImportSequence
from genlock.application.envelope import Accepted, Envelope
from genlock.errors import GenlockError
from genlock.otio.store import read_from_file
from genlock.project.commands import AddMedia, CreateProject
from genlock.project.media import MediaFile
from genlock.store.store import open_store
from genlock.timeline.commands import TrimItem
from genlock.timeline.events import Content, Placed, TrackContent
from genlock.timeline.model import Item, Media, Track
from genlock.timeline.rate import Rate

BIN = Path(sys.executable).parent
FILE = MediaFile("f1", "/rushes/A001.mov", "A001.mov")


def cut(name: str = "reel 1") -> Content:
    row = (Placed(Item("a", Media("f1", 0, 500), 48, "one")), Placed(Item("b", Media("f1", 0, 500), 24, "two", 100)))
    return Content(name, Rate(24), start_frame=86400, tracks=(TrackContent(Track("V1", placement="magnetic"), row),))


class Studio:
    """A store on the disk with one sequence of two versions, left open."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.store = open_store(path)
        self.app = Application(self.store)
        self.project = self.give(CreateProject("show")).created[0]
        self.give(AddMedia((FILE,)), self.project)
        self.sequence = self.give(ImportSequence(self.project, cut())).created[0]
        self.give(TrimItem("a", "tail", -12), self.sequence)

    def give(self, command: Command, target: str = "") -> Accepted:
        return self.app.execute(Envelope(id=uuid4().hex, command=command, target=target, actor="me"))

    def close(self) -> None:
        self.app.close()
        self.store.close()


@pytest.fixture
def studio(tmp_path: Path) -> object:
    made = Studio(tmp_path / "studio.genlock")
    yield made
    made.close()


def run(*words: str | Path, **more: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, **more}
    tool, *rest = (str(word) for word in words)
    return subprocess.run([BIN / tool, *rest], capture_output=True, text=True, env=env, check=False, timeout=60)


def lengths(path: Path) -> list[float]:
    timeline = otio.adapters.read_from_file(str(path))
    return [clip.duration().value for clip in timeline.find_clips()]


def test_any_revision_is_converted_while_the_store_is_open(studio: Studio, tmp_path: Path) -> None:
    before = studio.store.tip()
    for revision, found in (("1", [48, 24]), ("2", [36, 24])):
        out = tmp_path / f"r{revision}.otio"
        done = run("otioconvert", "-i", studio.path, "-a", f"revision={revision}", "-o", out)
        assert done.returncode == 0, done.stderr
        assert lengths(out) == found
    made = json.loads((tmp_path / "r2.otio").read_text())["metadata"]["genlock"]
    assert (made["id"], made["version"]) == (studio.sequence, 2)
    done = run("otioconvert", "-i", studio.path, "-a", "revision=1", "-o", tmp_path / "cut.edl")
    assert done.returncode == 0, done.stderr
    assert "01:00:00:00 01:00:02:00" in (tmp_path / "cut.edl").read_text()
    assert studio.store.tip() == before
    studio.give(TrimItem("a", "tail", -1), studio.sequence)  # nobody holds the store


def test_a_store_that_is_closed_and_cannot_be_written(tmp_path: Path) -> None:
    made = Studio(tmp_path / "in" / "studio.genlock")
    made.close()
    there = sorted(path.name for path in made.path.parent.iterdir())
    data = made.path.read_bytes()
    made.path.chmod(0o400)
    made.path.parent.chmod(0o500)
    try:
        timeline = read_from_file(str(made.path))
    finally:
        made.path.parent.chmod(0o700)
    assert [clip.name for clip in timeline.find_clips()] == ["one", "two"]
    assert made.path.read_bytes() == data
    assert set(there) >= {path.name for path in made.path.parent.iterdir()} - {
        "studio.genlock-shm",
        "studio.genlock-wal",
    }


def test_which_sequence(studio: Studio) -> None:
    assert read_from_file(str(studio.path), sequence=studio.sequence).name == "reel 1"
    other = studio.give(ImportSequence(studio.project, cut("reel 2"))).created[0]
    timeline = read_from_file(str(studio.path), sequence="reel 2")
    assert timeline.metadata["genlock"]["id"] == other
    for more, code in (
        ({}, "ambiguous_name"),
        ({"sequence": "reel 9"}, "no_such_sequence"),
        ({"sequence": "reel 1", "revision": 9}, "no_such_version"),
        ({"sequence": "reel 1", "revision": "x"}, "bad_value"),
    ):
        with pytest.raises(GenlockError) as caught:
            read_from_file(str(studio.path), **more)
        assert caught.value.code == code
    with pytest.raises(GenlockError) as missing:
        read_from_file(str(studio.path.with_name("none.genlock")))
    assert missing.value.code == "no_such_file"
    assert not studio.path.with_name("none.genlock").exists()


def test_what_is_no_store(tmp_path: Path) -> None:
    (tmp_path / "x.genlock").write_text("this is not a database at all, and long enough to be looked at by anyone")
    with pytest.raises(GenlockError) as caught:
        read_from_file(str(tmp_path / "x.genlock"))
    assert caught.value.code == "store_corrupt"


def test_ids_instead_of_paths_are_linked_again(studio: Studio, tmp_path: Path) -> None:
    out = tmp_path / "ids.otio"
    done = run("otioconvert", "-i", studio.path, "-a", "links=True", "-o", out)
    assert done.returncode == 0, done.stderr
    assert "genlock://media/f1" in out.read_text()
    assert FILE.path not in out.read_text()
    linked = tmp_path / "paths.otio"
    done = run(
        "otioconvert", "-i", out, "-o", linked, "--media-linker", "genlock", "--media-linker-arg", f"store='{studio.path}'"
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    urls = {clip.media_reference.target_url for clip in otio.adapters.read_from_file(str(linked)).find_clips()}
    assert urls == {FILE.path}


def test_the_plugin_info_is_clean() -> None:
    done = run("otiopluginfo")
    assert (done.returncode, done.stderr) == (0, "")
    for name in (
        "genlock",
        "genlock_resolve",
        "genlock_fcp7",
        "genlock_fcpx",
        "genlock_edl",
        "genlock_aaf",
        "genlock_mlt",
    ):
        assert f"\n  {name}\n" in done.stdout
    assert "ERROR" not in done.stdout


def test_no_adapter_of_others_loses_its_suffix() -> None:
    manifest = otio.plugins.ActiveManifest()
    for suffix, name in (("otio", "otio_json"), ("otioz", "otioz"), ("otiod", "otiod"), ("aaf", "AAF")):
        assert manifest.from_filepath(suffix).name == name
    assert manifest.from_filepath("genlock").name == "genlock"
    assert otio.versioning.fetch_map("GENLOCK", "0.1")["Clip"] == 2


@pytest.mark.parametrize(("name", "suffix"), [("resolve", "otio"), ("fcp7", "xml"), ("fcpx", "fcpxml"), ("edl", "edl")])
def test_our_dialects_are_adapters_both_ways(name: str, suffix: str, tmp_path: Path) -> None:
    genlock_otio.write(cut(), tmp_path / "cut.otio", media={"f1": FILE})
    there, back = tmp_path / f"there.{suffix}", tmp_path / "back.otio"
    done = run("otioconvert", "-i", tmp_path / "cut.otio", "-O", f"genlock_{name}", "-o", there)
    assert done.returncode == 0, done.stderr
    done = run("otioconvert", "-i", there, "-I", f"genlock_{name}", "-o", back)
    assert done.returncode == 0, done.stderr
    assert lengths(back) == [48, 24]


def test_opentimelineios_tools_read_what_we_write(tmp_path: Path) -> None:
    for name, dialect in (("plain.otio", "otio"), ("resolve.otio", "resolve")):
        genlock_otio.write(cut(), tmp_path / name, media={"f1": FILE}, dialect=dialect)
        stat = run("otiostat", tmp_path / name)
        assert stat.returncode == 0, stat.stderr
        tool = run("otiotool", "-i", tmp_path / name, "--list-clips", "--stats")
        assert tool.returncode == 0, tool.stderr
        assert "one" in tool.stdout
