"""What each file format and each host can carry, as data. docs/formats.md shows the table, and round trips in the tests
hold it true: what a profile says survives, survives, and nothing else does."""

from __future__ import annotations

from typing import Final, Literal, get_args

from msgspec import Struct
from msgspec.structs import replace

Feature = Literal[
    "sequence.name",
    "sequence.start",
    "sequence.rate",
    "sequence.drop_frame",
    "sequence.resolution",
    "sequence.foreign",
    "track.video",
    "track.audio",
    "track.name",
    "track.enabled",
    "track.locked",
    "track.placement",
    "track.sync_lock",
    "track.empty",
    "track.foreign",
    "item.name",
    "item.enabled",
    "item.speed",
    "item.reverse",
    "item.freeze",
    "item.effects",
    "item.link",
    "item.path",
    "item.handles",
    "item.generator",
    "item.parameters",
    "item.nested",
    "item.shot",
    "item.foreign",
    "transition",
    "transition.fade",
    "transition.asymmetric",
    "transition.kind",
    "transition.name",
    "transition.foreign",
    "marker.sequence",
    "marker.item",
    "marker.name",
    "marker.duration",
    "marker.color",
    "marker.comment",
    "marker.foreign",
]
"""What a file may or may not carry. `item.speed` is any constant forward speed, `item.path` where the media lies (without
it only its name), `item.handles` the media's available range, `item.parameters` a generator's own settings, `item.shot`
that an item is a generated shot (without it, it is plain media: its take)."""

ALL: Final[frozenset[Feature]] = frozenset(get_args(Feature))


class Profile(Struct, frozen=True):
    """What one dialect carries.

    `suffixes` are lower case with the dot, the one written by default first. `video_tracks` and `audio_tracks` are the
    most there can be in one file (None: any number). `ids`: where our id rides, "" where nothing of ours survives.
    `placeholders`: what the format has no word for (a title, a nested sequence) is written as offline media of the same
    name and length; False: it leaves empty room. `speed_steps`: the file tells speeds in steps of 1/speed_steps of a
    frame per second; None: exactly. `effects`: the metadata key of the effects that it does carry, where it
    carries not all. `own`: the metadata key that its writer writes back as it was read: what lies there is not lost.
    """

    name: str
    title: str
    suffixes: tuple[str, ...]
    carries: frozenset[Feature]
    video_tracks: int | None = None
    audio_tracks: int | None = None
    ids: Literal["metadata", "comment", "note", "marker", ""] = ""
    placeholders: bool = True
    speed_steps: int | None = None
    effects: str = ""
    own: str = ""

    def has(self, feature: Feature) -> bool:
        return feature in self.carries


def shared(one: Profile, other: Profile) -> Profile:
    """Returns what a cut still says after it went through both: their common features, the tighter limits, the coarser
    steps. It is named after the one that carries less."""
    narrow = min(one, other, key=lambda profile: len(profile.carries))
    effects = {profile.effects for profile in (one, other) if not profile.has("item.effects")}
    own = {profile.own for profile in (one, other) if not profile.has("item.foreign")}
    return replace(
        narrow,
        carries=one.carries & other.carries,
        video_tracks=_fewest(one.video_tracks, other.video_tracks),
        audio_tracks=_fewest(one.audio_tracks, other.audio_tracks),
        placeholders=one.placeholders and other.placeholders,
        speed_steps=_fewest(one.speed_steps, other.speed_steps),
        effects=effects.pop() if len(effects) == 1 else "",
        own=own.pop() if len(own) == 1 else "",
    )


def _fewest(one: int | None, other: int | None) -> int | None:
    return min((n for n in (one, other) if n is not None), default=None)


def _without(*missing: Feature) -> frozenset[Feature]:
    return ALL - frozenset(missing)


_FOREIGN: Final[tuple[Feature, ...]] = (
    "sequence.foreign",
    "track.foreign",
    "item.foreign",
    "transition.foreign",
    "marker.foreign",
)

OTIO: Final = Profile("otio", "OpenTimelineIO", (".otio", ".otioz", ".otiod", ".json"), ALL, ids="metadata")
RESOLVE: Final = Profile(
    "resolve",
    "DaVinci Resolve 18–21 (.otio)",
    (".otio",),
    _without(
        *_FOREIGN, "sequence.name", "sequence.resolution", "sequence.drop_frame", "track.placement",
        "track.sync_lock", "item.shot",
        "item.generator", "item.parameters", "item.nested", "item.name", "item.handles", "item.effects", "item.freeze",
        "item.link", "transition.name", "transition.kind", "transition.fade",
    ),
    ids="marker",
    effects="Resolve_OTIO",
    own="Resolve_OTIO",
)  # fmt: skip
FCP7: Final = Profile(
    "fcp7",
    "Final Cut Pro 7 XML (Premiere Pro, Resolve)",
    (".xml",),
    _without(*_FOREIGN, "track.placement", "track.sync_lock", "item.shot", "item.effects", "transition.name"),
    ids="comment",
    own="fcp7",
)
FCPX: Final = Profile(
    "fcpx",
    "Final Cut Pro (.fcpxml)",
    (".fcpxml",),
    _without(*_FOREIGN, "item.shot", "item.effects"),
    ids="note",
)
EDL: Final = Profile(
    "edl",
    "CMX3600 edit list",
    (".edl",),
    frozenset(
        {
            "sequence.name", "sequence.start", "sequence.rate", "sequence.drop_frame", "track.video", "track.audio",
            "item.name", "item.speed", "item.reverse", "item.freeze", "item.path", "transition", "transition.fade",
            "transition.asymmetric", "transition.kind", "marker.sequence", "marker.name", "marker.color",
        }
    ),
    video_tracks=1,
    audio_tracks=4,
    ids="comment",
    speed_steps=10,
    own="edl",
)  # fmt: skip
AAF: Final = Profile(
    "aaf",
    "Avid (.aaf)",
    (".aaf",),
    frozenset(
        {
            "sequence.name", "sequence.start", "sequence.rate", "sequence.drop_frame", "track.video", "track.audio",
            "track.name", "item.name", "item.path", "item.handles", "transition", "transition.asymmetric",
        }
    ),
    ids="comment",
)  # fmt: skip
MLT: Final = Profile(
    "mlt",
    "MLT and Kdenlive",
    (".kdenlive", ".mlt"),
    frozenset(
        {
            "sequence.name", "sequence.rate", "sequence.resolution", "track.video", "track.audio", "track.name",
            "track.enabled", "track.locked", "item.path", "item.handles", "item.speed", "item.reverse", "item.freeze",
            "item.enabled", "transition", "transition.fade", "transition.asymmetric", "marker.sequence", "marker.name",
        }
    ),
    ids="note",
)  # fmt: skip

PROFILES: Final[dict[str, Profile]] = {p.name: p for p in (OTIO, RESOLVE, FCP7, FCPX, EDL, AAF, MLT)}
"""Dialect -> profile. Change lists (ALE, CSV, SRT, marker lists) tell about a cut and are no cut: they are not here."""
