"""OpenShot's own importer places our clips where we mean them.

It wants each file described in every clip, which DaVinci Resolve does not bear (docs/why/fcp7.md): so the descriptions are
repeated here before it reads.
"""

from __future__ import annotations

import copy
import json
import os
import subprocess
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from msgspec.structs import replace

from genlock.project.media import MediaFile
from genlock.timeline.events import Content, Placed, TrackContent, restore
from genlock.timeline.layout import rows
from genlock.timeline.model import Media, Track
from genlock.timeline.rate import Rate
from genlock_otio.fcp7 import writer
from genlock_otio.outgoing import Outgoing
from tests.otio import witness
from tests.otio.witness import PLAIN, clip, cut

SCRIPT = Path(__file__).parent / "openshot_reads.py"
PYTHON = "/usr/bin/python3"


@pytest.fixture(scope="module")
def openshot(tmp_path_factory: pytest.TempPathFactory) -> str:
    witness.require("openshot-qt")
    return str(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory) -> dict[str, MediaFile]:
    return witness.sources(tmp_path_factory.mktemp("media"))


def with_every_file_described(data: bytes) -> bytes:
    root = ElementTree.fromstring(data)
    full = {file.get("id"): file for file in root.iter("file") if len(file)}
    for file in root.iter("file"):
        if not len(file):
            file.extend(copy.deepcopy(child) for child in full[file.get("id")])
    return ElementTree.tostring(root)


def read(content: Content, pool: dict[str, MediaFile], home: str, folder: Path) -> dict[str, Any]:
    file = folder / "cut.xml"
    file.write_bytes(with_every_file_described(writer.write(Outgoing(content, media=pool)).data))
    command = [PYTHON, str(SCRIPT), str(file), str(content.rate.num), str(content.rate.den)]
    env = {"PATH": os.environ["PATH"], "HOME": home, "QT_QPA_PLATFORM": "offscreen"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, env=env, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    answer: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return answer


def meant(content: Content, pool: dict[str, MediaFile]) -> list[tuple[int, int, int, int, str]]:
    """Returns (track, start, in, out, file) of all clips; OpenShot puts audio tracks below."""
    state = restore("0" * 32, 1, content)
    order = [
        t for kind in ("audio", "video") for t in state.order if state.tracks[t].kind == kind and state.lanes[t].end
    ]
    found = []
    for number, track in enumerate(order):
        for row in rows(state, track):
            source, item = row.item.source, row.item
            assert isinstance(source, Media)
            into = item.source_in - source.first
            file = Path(pool[source.media].path).name
            found.append((number, row.slot.start, into, into + item.duration, file))
    return sorted(found)


def placed(answer: dict[str, Any]) -> list[tuple[int, float, float, float, str]]:
    layers = sorted({clip["layer"] for clip in answer["clips"]})
    return sorted(
        (layers.index(c["layer"]), round(c["at"], 6), round(c["in"], 6), round(c["out"], 6), c["file"])
        for c in answer["clips"]
    )


SOUND = cut([(clip("a", 1, 30, 40), 0), (clip("b", 2, 100, 40), 60)])
SOUND = replace(
    SOUND,
    tracks=(*SOUND.tracks, TrackContent(Track("a1", "audio", "A1", locked=True), (Placed(clip("s", 3, 9, 30), 4),))),
)


@pytest.mark.parametrize("content", [*PLAIN.values(), SOUND], ids=[*PLAIN, "sound"])
def test_openshot_places_every_clip_where_we_mean_it(
    content: Content, pool: dict[str, MediaFile], openshot: str, tmp_path: Path
) -> None:
    answer = read(content, pool, openshot, tmp_path)
    assert placed(answer) == meant(content, pool)
    assert sorted(c["title"] for c in answer["clips"]) == sorted(p.item.name for t in content.tracks for p in t.items)


def test_openshot_sees_which_track_is_locked(pool: dict[str, MediaFile], openshot: str, tmp_path: Path) -> None:
    answer = read(SOUND, pool, openshot, tmp_path)
    lowest = min(clip["layer"] for clip in answer["clips"])
    assert answer["locked"][str(lowest)] is True
    assert sum(map(bool, answer["locked"].values())) == 1


def test_openshot_reads_an_ntsc_cut(pool: dict[str, MediaFile], openshot: str, tmp_path: Path) -> None:
    content = replace(PLAIN["gaps"], rate=Rate(30000, 1001))
    answer = read(content, pool, openshot, tmp_path)
    assert placed(answer) == meant(content, pool)
