"""What a host shows, told as absolute values against the version it showed before: no edit rule is asked of a host."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET, Struct, UnsetType

from genlock.timeline.model import Kind, Placement, Resolution, Source
from genlock.timeline.rate import Speed


class Laid(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """An item as the host shows it. What is left out stays as the base has it; a new item needs `track`, `start`,
    `duration` and `source`. `start` counts sequence frames from the first one, on magnetic tracks too."""

    track: str | UnsetType = UNSET
    start: int | UnsetType = UNSET
    duration: int | UnsetType = UNSET
    source: Source | UnsetType = UNSET
    source_in: int | UnsetType = UNSET
    speed: Speed | UnsetType = UNSET
    name: str | UnsetType = UNSET
    enabled: bool | UnsetType = UNSET
    link: str | UnsetType | None = UNSET
    effects: tuple[dict[str, Any], ...] | UnsetType = UNSET
    foreign: dict[str, Any] | UnsetType = UNSET


class LaidTrack(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A track as the host shows it; a new one needs `kind`. `after` is the track below it (None: the lowest)."""

    kind: Kind | UnsetType = UNSET
    name: str | UnsetType = UNSET
    placement: Placement | UnsetType = UNSET
    enabled: bool | UnsetType = UNSET
    locked: bool | UnsetType = UNSET
    sync_lock: bool | UnsetType = UNSET
    foreign: dict[str, Any] | UnsetType = UNSET
    after: str | UnsetType | None = UNSET


class LaidTransition(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A transition as the host shows it, under the key "left>right"; a new one needs both offsets."""

    in_offset: int | UnsetType = UNSET
    out_offset: int | UnsetType = UNSET
    kind: str | UnsetType = UNSET
    name: str | UnsetType = UNSET
    foreign: dict[str, Any] | UnsetType = UNSET


class LaidMarker(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A marker as the host shows it; a new one needs `start`."""

    start: int | UnsetType = UNSET
    duration: int | UnsetType = UNSET
    item: str | UnsetType | None = UNSET
    name: str | UnsetType = UNSET
    color: str | UnsetType = UNSET
    comment: str | UnsetType = UNSET
    foreign: dict[str, Any] | UnsetType = UNSET


class LaidSettings(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """Settings of a sequence as the host shows them."""

    name: str | UnsetType = UNSET
    drop_frame: bool | UnsetType = UNSET
    start_frame: int | UnsetType = UNSET
    resolution: Resolution | UnsetType = UNSET
    foreign: dict[str, Any] | UnsetType = UNSET


class Arrangement(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """What a host changed in one sequence, by id; None removes. Everything that is not named stays as the base has it."""

    settings: LaidSettings = LaidSettings()
    tracks: dict[str, LaidTrack | None] = {}
    items: dict[str, Laid | None] = {}
    transitions: dict[str, LaidTransition | None] = {}
    markers: dict[str, LaidMarker | None] = {}
