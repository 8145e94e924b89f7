"""What real edit lists say, worked out by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from genlock.timeline.changes import changes
from genlock.timeline.check import violations
from genlock.timeline.events import restore
from genlock.timeline.match import adopt, match
from genlock.timeline.model import Source
from genlock.timeline.rate import Rate, Speed
from genlock.timeline.timecode import to_timecode
from genlock_otio.edl import reader, writer
from genlock_otio.outgoing import Outgoing
from genlock_otio.values import Imported
from tests.otio.edl.lists import SAMPLES, fades, picture, read

FILES = sorted(SAMPLES.glob("*.edl"))


def load(name: str, rate: Rate | None = None) -> Imported:
    return read((SAMPLES / name).read_bytes(), rate, Path(name).stem)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_sample_is_known_read_soundly_and_comes_back_the_same(path: Path) -> None:
    data = path.read_bytes()
    assert reader.knows(data)
    one = read(data, None, path.stem)
    assert violations(restore("0" * 32, 1, one.content)) == []
    first = writer.write(Outgoing(one.content, media={file.id: file for file in one.media}))
    two = read(first.data, None)
    second = writer.write(Outgoing(two.content, media={file.id: file for file in two.media}))
    assert second.data == first.data
    here = [line for line in picture(one) if "overlap" not in line]  # that track is a list of its own
    assert picture(two) == here
    assert [suffix for suffix, _ in first.more] == ["_V2.edl"] * (len(here) != len(picture(one)))
    assert fades(two) == fades(one)


@pytest.mark.parametrize("name", ["test_25.edl", "test_2398.edl", "test_2997NDF.edl"])
def test_premieres_list_with_sound_a_dissolve_wipes_and_a_reversed_clip(name: str) -> None:
    found = load(name)
    assert found.content.rate == Rate(25)  # its frames count to 24, whatever it is called
    assert "25 frames a second were assumed" in found.warnings[0]
    assert found.content.name == "Sequence 01"
    assert (found.content.start_frame, found.content.drop_frame) == (0, False)
    assert picture(found) == [
        "V1: Jellyfish.jpg@0+1499/90000 Test rename@1499+751/0 Test rename@2250+652/0 Jellyfish.jpg@2902+133/90006"
        " Black Video@3035+125/90000 Jellyfish.jpg@3160+111/90264 Test rename@3271+751/750*-1",
        "A1: N5_final screensaver_mp4.mov@0+2250/0 Test rename@2250+751/0 Test rename@3271+751/750*-1",
        "A2: N5_final screensaver_mp4.mov@0+2250/0 Test rename@2250+751/0 Test rename@3271+751/750*-1",
        "A3: Test rename@1499+751/0",
        "A4: Test rename@1499+751/0",
    ]
    assert fades(found) == ["Test rename> 25+0 wipe:001"] * 2 + ["Test rename>Jellyfish.jpg 35+35 dissolve"]
    names = {file.id: file.name for file in found.media}
    assert sorted(names.values()) == ["Black Video", "Jellyfish.jpg", "N5_final screensaver_mp4.mov", "Test rename"]
    assert all(file.missing and not file.path for file in found.media)


def test_a_list_with_two_clips_in_one_place() -> None:
    found = load("test_24.edl")
    assert picture(found)[:2] == [
        "V1: clip 1@0+1499/90000 clip -3@1499+751/0 clip $4@2250+617/0 Black Video@3035+125/90000"
        " Jellyfish.jpg@3160+111/90264 Test rename@3271+751/750*-1",
        "V1 overlap 1: clip &5@2250+617/0",
    ]
    assert any("overlap" in warning for warning in found.warnings)
    assert picture(found)[2] == "A1: clip #2@0+2250/0 Test rename@2976+25/726 Test rename@3271+751/750*-1"


def test_the_same_list_at_the_rate_in_its_name_says_what_is_odd() -> None:
    found = load("test_24.edl", Rate(24))
    assert picture(found)[0].startswith("V1: clip 1@0+1440/86400 clip -3@1440+720/0")
    assert any("counts one frame too many for 24" in warning for warning in found.warnings)


def test_a_turnover_for_visual_effects() -> None:
    found = load("079_HA_V05.edl")
    content = found.content
    assert (content.name, content.rate, content.start_frame) == ("079_HA_V05", Rate(24), 6 * 3600 * 24)
    (video,) = content.tracks
    items = [placed.item for placed in video.items]
    assert (video.track.placement, len(items)) == ("magnetic", 57)
    assert sum(item.duration for item in items) == (2 * 60 + 34) * 24 + 1
    second = items[1]
    assert (second.name, second.duration) == ("V502-5_SC79", 241)
    assert to_timecode(second.source_in, Rate(24)) == "09:31:30:00"
    assert second.foreign["edl"]["reel"] == "A099_C005_08281C"
    assert second.foreign["edl"]["remarks"] == ["*079_HA_0030"]
    odd = items[14]  # recorded for 12 frames, one source frame long, backwards
    assert (odd.name, odd.duration, odd.speed) == ("985-2_SC79 NB MOS*", 12, Speed(-1))
    assert to_timecode(odd.source_in, Rate(24)) == "04:40:50:12"
    assert len(found.media) == len({item.source for item in items})
    said = "An edit list does not say its rate; 24 frames a second were assumed (that is the usual one)."
    assert found.warnings == (said,)


def test_two_turnovers_differ_by_what_the_editor_did() -> None:
    before, after = load("079_HA_V05.edl"), load("079_HA_006.edl")
    old, new = restore("0" * 32, 1, before.content), restore("0" * 32, 1, after.content)

    def path(imported: Imported, source: Source) -> str:
        return {file.id: file.name for file in imported.media}[source.media]  # type: ignore[union-attr]

    found = match(old, new, base_path=lambda s: path(before, s), path=lambda s: path(after, s))
    new = restore("0" * 32, 1, adopt(after.content, found, old))
    said = [(change.kind, change.name, change.detail) for change in changes(old, new) if change.kind != "metadata"]
    assert said == [
        ("sequence changed", "079_HA_V06", "name: 079_HA_V05 → 079_HA_V06"),
        ("inserted", "V8033-14_SC65 NB MOS*", "152 frames"),
        ("removed", "BOAT TRAVELLING ALONG RIVER", "96 frames"),
        ("trimmed", "V496-1B_SC79*", "10 frames shorter at the head"),
        ("removed", "V815-3D_SC83-89 EB*", "20 frames"),
        ("trimmed", "V818-2_SC83-89 NB*", "5 frames longer at the tail"),
    ]
