"""One of each event with realistic values, as they were when their schema was new.

`python -m tests.store.golden_events` writes the golden file of an event that has none. A file, once there, is frozen: a
changed event needs a new schema, an upcaster and a new file beside the old one.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec

from genlock.event import Event
from genlock.project.job import (
    JobCancelled,
    JobFailed,
    JobQueued,
    JobRequeued,
    JobStarted,
    JobSucceeded,
)
from genlock.project.media import AudioStream, MediaFile, MediaInfo
from genlock.project.project import (
    Element,
    ElementSet,
    MediaAdded,
    MediaChanged,
    MediaRemoved,
    ProjectArchived,
    ProjectCreated,
    ProjectNoted,
    ProjectRenamed,
    ProjectSettingsChanged,
    Scene,
    SceneSet,
    SequenceRegistered,
    Settings,
)
from genlock.project.request import Conditioning, GenerationRequest, Provenance, Span
from genlock.project.shot import (
    Brief,
    ShotBriefed,
    ShotCreated,
    ShotRenamed,
    ShotStatusSet,
    Take,
    TakeAdded,
    TakeSelected,
)
from genlock.timeline.events import (
    Content,
    Origin,
    Placed,
    SequenceArchived,
    SequenceCreated,
    SequenceEdited,
    SequenceImported,
    TrackContent,
)
from genlock.timeline.model import Gap, Generator, Item, Marker, Media, Nested, Resolution, Shot, Track, Transition
from genlock.timeline.ops import (
    ConflictSet,
    ItemInserted,
    ItemMoved,
    ItemPatch,
    ItemRemoved,
    ItemSet,
    ItemsShifted,
    MarkerSet,
    MergeConflict,
    SequencePatch,
    SequenceSet,
    Spot,
    TrackInserted,
    TrackMoved,
    TrackPatch,
    TrackRemoved,
    TrackSet,
    TransitionSet,
)
from genlock.timeline.rate import Rate, Speed
from tests.contract.event_store import NOW

FOLDER = Path(__file__).parent / "golden"
PROJECT, REEL, SHOT, JOB = (UUID(f"0192f3a4-0000-7000-8000-00000000000{n}") for n in range(1, 5))
NTSC = Rate(24000, 1001)


def by(version: int, originator: UUID, **fields: Any) -> dict[str, Any]:
    """The envelope: who did it, where, and by which command."""
    return {
        "originator_id": originator,
        "originator_version": version,
        "timestamp": NOW,
        "actor": "anna",
        "host": "panel",
        "command_id": f"c0ffee00{version:08d}",
        **fields,
    }


INFO = MediaInfo(
    "video", "8f3c0a9be1d24c7a9e55f1b20c6d7e80", 734003200, NTSC, 1440, 86400, "01:00:00:00", False, 3840, 2160,
    Rate(1), "prores", "yuv422p10le", "mov", False, (AudioStream(48000, 2, "stereo", 2882880, "pcm_s24le"),),
)  # fmt: skip
FILE = MediaFile("m0a1", "/Volumes/Rushes/A001_C003_0412.mov", "A001_C003", INFO)
OFFLINE = MediaFile("m0a2", "D:\\Rushes\\B002 – Take 7.mxf", missing=True)
CLIP = Item(
    "i7d2", Media("m0a1", 86400, 1440, NTSC), 96, "A001_C003", 86520, Speed(-1, 2), False,
    ({"name": "blur", "radius": 1.5, "on": [True, None]},), "l3", {"resolve": {"uid": "b2f0"}},
)  # fmt: skip
PLACEHOLDER = Item("i7d3", Shot("s040", "t2", 0, 97, Rate(24)), 97, "SH0040")
CARD = Item("i7d4", Generator("title", {"text": "Überraschung", "size": 72}), 48, "Title")
HOLE = Item("i7d5", Gap(), 24)
INSERT = Item("i7d6", Nested("5eb2", 0, 480, Rate(25)), 120, "Montage")
V1 = Track("v1", "video", "V1", "magnetic", foreign={"otio": {"kind": "Video"}})
V2 = Track("v2", "video", "V2", enabled=False, sync_lock=False)
A1 = Track("a1", "audio", "A1", locked=True)
DISSOLVE = Transition("i7d2", "i7d3", 12, 12, "dissolve", "Cross", {"aaf": {"id": 4}})
FADE = Transition(None, "i7d2", 0, 24)
MARKER = Marker("k1", 240, 12, None, "Music", "GREEN", "cue 4")
CONTENT = Content(
    "Reel 1", NTSC, True, 86313, Resolution(3840, 2160),
    (
        TrackContent(V1, (Placed(CLIP), Placed(HOLE), Placed(PLACEHOLDER))),
        TrackContent(V2, (Placed(CARD, 0), Placed(INSERT, 240))),
        TrackContent(A1),
    ),
    (DISSOLVE, FADE), (MARKER, Marker("k2", 86530, item="i7d2")), {"resolve": {"color": "davinciYRGB"}},
)  # fmt: skip
OPS = (
    TrackInserted(Track("v3", name="V3"), "v2"),
    TrackSet("v3", TrackPatch(name="V3", enabled=True), TrackPatch(name="FX", enabled=False)),
    TrackMoved("v3", "v2", ("v2", "v1"), "v1"),
    ItemInserted("v1", CLIP, "i7d1"),
    ItemInserted("v2", CARD, None, 480),
    ItemSet(
        "i7d2",
        ItemPatch("A001_C003", Media("m0a1"), 86520, 96, Speed(1), True, (), None, {}),
        ItemPatch("A001", Shot("s040"), 0, 72, Speed(2), False, ({"name": "blur"},), "l3", {"tool": 1}),
    ),
    ItemSet("i7d3", ItemPatch(link="l3"), ItemPatch(link=None)),
    ItemMoved("i7d2", Spot("v1", "i7d1", ("i7d0",)), Spot("v2", start=960)),
    ItemsShifted("v2", "i7d4", -24, ("i7d6",)),
    ItemRemoved("v1", HOLE, "i7d2", ("i7d1", "i7d0")),
    ItemRemoved("v2", CARD, start=480),
    TransitionSet(DISSOLVE.key, None, DISSOLVE),
    TransitionSet(FADE.key, FADE, None),
    MarkerSet("k1", MARKER, Marker("k1", 264, color="RED")),
    MarkerSet("k2", None, Marker("k2", 0, item="i7d2")),
    TrackRemoved(Track("v3", name="FX", enabled=False), "v1", ("v1",)),
    SequenceSet(
        SequencePatch("Reel 1", True, 86313, Resolution(3840, 2160), {}),
        SequencePatch("Reel 1 v2", False, 0, Resolution(1920, 1080), {"note": "HD"}),
    ),
)
OUT_POINT = MergeConflict(
    "c5d1f0a2b3c4d5e6f", "both_set", "i7d2", "A001_C003: 12 frames longer here, 5 frames shorter in the returned cut.",
    "out", 96, 108, 91, (ItemSet("i7d2", ItemPatch(duration=108), ItemPatch(duration=91)),),
    (ItemInserted("v2", CARD, None, 480),),
)  # fmt: skip
LOST = MergeConflict("c0a1", "transition_lost", DISSOLVE.key, "The dissolve of A001_C003 lost its neighbour.")
STILL = Conditioning("/studio/boards/SH0040_A.png", 0, 0.9, "m0b1")
MOVE = Conditioning("/studio/boards/SH0040.mov", -1, 0.5, first=10, frames=25)
BRIEF = Brief(
    "a lighthouse at dusk, waves", "text, watermark", 421337, 121, NTSC, Resolution(1280, 720), (STILL, MOVE),
    "wide", "push", "ltx2", "match the grade of SH0030",
)  # fmt: skip
REQUEST = GenerationRequest(
    "retake", "a lighthouse at dusk", "text", Resolution(1280, 720), 121, NTSC, 421337, (STILL,), "/takes/v002.mov",
    "/takes/next.mov", Span(24, 72), "/audio/sea.wav", 86400, True, "SH0040", "wide", "push", "animatic", {"steps": 30},
)  # fmt: skip
TAKE = Take(
    "t3", 3, "/studio/takes/SC03_SH0040/SC03_SH0040_v003.mov", "/studio/takes/SC03_SH0040/SC03_SH0040_v003_proxy.mp4",
    INFO, Provenance(REQUEST, "animatic", "1", "cpu", True, {"numpy": "2.1.0"}, {"render": 2.25}), 8, 8, "0192f3a4",
)  # fmt: skip
SETTINGS = Settings(NTSC, True, 86313, Resolution(3840, 2160), "aces", "ltx2", "/studio/reel", "dnxhr", False)
HERO = Element("e1", "character", "Ida", "grey coat, red scarf", ("/studio/ida.png",))
QUAY = Scene("sc3", "SC03", "EXT. QUAY - DUSK", "Ida waits.\nA ship sounds its horn.")

GOLDEN: tuple[tuple[Event, ...], ...] = (
    (SequenceCreated(**by(1, REEL), project=PROJECT.hex, content=Content("Reel 1", Rate(24))),),
    (
        SequenceImported(
            **by(1, REEL, kind="import", label="Import cut.otio"), project=PROJECT.hex, content=CONTENT,
            origin=Origin("/cuts/cut.otio", "resolve", "2d0f0e"),
        ),
        SequenceImported(
            **by(1, REEL), project=PROJECT.hex, content=Content("Fork", Rate(25)),
            origin=Origin(sequence="5eb2", version=17),
        ),
    ),
    (
        SequenceEdited(**by(2, REEL, label="Many"), intent="Batch", ops=OPS),
        *(SequenceEdited(**by(3 + n, REEL), intent="Each", ops=(op,)) for n, op in enumerate(OPS)),
        SequenceEdited(**by(30, REEL, kind="undo", ref=29), intent="Undo", ops=()),
    ),
    (SequenceArchived(**by(31, REEL)), SequenceArchived(**by(32, REEL), archived=False)),
    (
        ProjectCreated(**by(1, PROJECT), name="Lighthouse", settings=SETTINGS),
        ProjectCreated(**by(1, PROJECT), name="Plain"),
    ),
    (ProjectSettingsChanged(**by(2, PROJECT), before=Settings(), after=SETTINGS),),
    (ProjectRenamed(**by(3, PROJECT), before="Lighthouse", after="Der Leuchtturm"),),
    (MediaAdded(**by(4, PROJECT), media=(FILE, OFFLINE)),),
    (MediaChanged(**by(5, PROJECT), before=OFFLINE, after=MediaFile("m0a2", "/new/B002.mxf", info=INFO)),),
    (MediaRemoved(**by(6, PROJECT), media=FILE),),
    (SequenceRegistered(**by(7, PROJECT), sequence=REEL.hex, name="Reel 1"),),
    (ElementSet(**by(8, PROJECT), after=HERO), ElementSet(**by(9, PROJECT), before=HERO)),
    (SceneSet(**by(10, PROJECT), after=QUAY), SceneSet(**by(11, PROJECT), before=QUAY)),
    (ProjectArchived(**by(12, PROJECT)), ProjectArchived(**by(13, PROJECT), archived=False)),
    (ProjectNoted(**by(14, PROJECT), note="export", data={"path": "/out/reel.otio", "loss": [1, None]}),),
    (ShotCreated(**by(1, SHOT), project=PROJECT.hex, code="SH0040", scene="SC03", brief=BRIEF),),
    (ShotBriefed(**by(2, SHOT), before=Brief(), after=BRIEF),),
    (ShotRenamed(**by(3, SHOT), code=("SH0040", "SH0045"), scene=("SC03", "")),),
    (ShotStatusSet(**by(4, SHOT), before="planned", after="review"),),
    (TakeAdded(**by(5, SHOT, host="daemon", actor="genlock"), take=TAKE, select=False),),
    (TakeSelected(**by(6, SHOT), before=None, after="t3"), TakeSelected(**by(7, SHOT), before="t3", after=None)),
    (
        JobQueued(
            **by(1, JOB), project=PROJECT.hex, shot=SHOT.hex, request=REQUEST, output="/studio/takes/SC03_SH0040",
            stem="SC03_SH0040_v003", number=3, priority=5,
        ),
    ),
    (JobStarted(**by(2, JOB), attempt=1, engine="animatic", plan="cpu"),),
    (JobSucceeded(**by(3, JOB), take=TAKE),),
    (JobFailed(**by(3, JOB), code="worker_lost", message="The worker process died."),),
    (JobCancelled(**by(3, JOB)),),
    (JobRequeued(**by(4, JOB), reason="the daemon stopped"),),
)  # fmt: skip
"""The events of each golden file at its newest schema, in the file's order."""

ADDED: dict[str, tuple[Event, ...]] = {
    "SequenceEdited@1.conflicts": (
        SequenceEdited(**by(31, REEL, kind="merge"), intent="MergeSequence", ops=(ConflictSet("c5d1", None, OUT_POINT),)),
        SequenceEdited(
            **by(32, REEL), intent="ResolveConflict", ops=(ConflictSet("c0a1", LOST, None), ConflictSet("c5d1", OUT_POINT)),
        ),
    ),
    "SequenceEdited@1.origin": (
        SequenceEdited(
            **by(33, REEL, kind="import", label="Import cut.xml"), intent="MergeSequence", ops=(OPS[0],),
            origin=Origin("/cuts/cut.xml", "fcp7", "2d0f0e", REEL.hex, 31),
        ),
    ),
    "SequenceImported@1.conflicts": (
        SequenceImported(
            **by(1, REEL), project=PROJECT.hex, content=Content("Fork", Rate(25), conflicts=(OUT_POINT, LOST)),
            origin=Origin(sequence="5eb2", version=17),
        ),
    ),
}  # fmt: skip
"""Further golden files, by name: what a schema learnt to hold after its first file was frozen, without a new meaning for
what it held before."""


def write_missing() -> None:
    """Writes the golden files that do not exist yet."""
    FOLDER.mkdir(exist_ok=True)
    for name, events in {**{events[0].topic(): events for events in GOLDEN}, **ADDED}.items():
        path = FOLDER / f"{name}.jsonl"
        if not path.exists():
            path.write_bytes(b"".join(msgspec.json.encode(event) + b"\n" for event in events))
            print("wrote", path)


if __name__ == "__main__":
    write_missing()
