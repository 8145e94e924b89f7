"""The Shot aggregate: what is to be generated, and what came of it."""

from __future__ import annotations

from typing import Literal

from immutables import Map
from msgspec import Struct

from genlock.event import Event
from genlock.project.media import MediaInfo
from genlock.project.request import Conditioning, Provenance
from genlock.timeline.model import Resolution
from genlock.timeline.rate import Rate

TakeKind = Literal["picture", "mask", "text"]
"""A picture can stand in the cut; a mask and a text are kept with the shot and never selected."""

ShotStatus = Literal["planned", "generating", "review", "approved", "omitted"]


class Brief(Struct, frozen=True, omit_defaults=True):
    """Everything a person decides about a shot. `frames` at `rate` is its length in the cut; `camera` a move such as
    "push", "pan left", "static" (empty: read from the prompt)."""

    prompt: str = ""
    negative_prompt: str = ""
    seed: int = 0
    frames: int = 97
    rate: Rate = Rate(24)
    resolution: Resolution | None = None
    conditioning: tuple[Conditioning, ...] = ()
    shot_type: str = ""
    camera: str = ""
    engine: str = ""
    notes: str = ""


class Take(Struct, frozen=True, omit_defaults=True):
    """One result. `number` counts from 1 in the shot; `path` is the master, `proxy` the H.264 for the panel (absolute
    paths); `handles` are extra frames before and after the asked range. `sidecars` are files beside it by their use:
    "matte" (a folder of PNGs), "polygon" (JSON)."""

    id: str
    number: int
    path: str
    proxy: str = ""
    info: MediaInfo | None = None
    provenance: Provenance | None = None
    head_handle: int = 0
    tail_handle: int = 0
    job: str = ""
    kind: TakeKind = "picture"
    sidecars: dict[str, str] = {}


class ShotCreated(Event, frozen=True, kw_only=True, omit_defaults=True):
    """A shot of a project. `code` is its name in production (SH0010), `scene` its scene's code (SC03)."""

    project: str
    code: str
    scene: str = ""
    brief: Brief = Brief()


class ShotBriefed(Event, frozen=True, kw_only=True, omit_defaults=True):
    """The brief changed."""

    before: Brief
    after: Brief


class ShotRenamed(Event, frozen=True, kw_only=True, omit_defaults=True):
    """Code or scene changed: (before, after) of each."""

    code: tuple[str, str]
    scene: tuple[str, str]


class ShotStatusSet(Event, frozen=True, kw_only=True, omit_defaults=True):
    before: ShotStatus
    after: ShotStatus


class TakeAdded(Event, frozen=True, kw_only=True, omit_defaults=True):
    """A take arrived; `select` makes it the selected one."""

    take: Take
    select: bool = True


class TakeSelected(Event, frozen=True, kw_only=True, omit_defaults=True):
    before: str | None
    after: str | None


ShotEvent = ShotCreated | ShotBriefed | ShotRenamed | ShotStatusSet | TakeAdded | TakeSelected


class ShotState(Struct, frozen=True):
    """A shot at one version."""

    id: str
    version: int
    project: str
    code: str
    scene: str = ""
    brief: Brief = Brief()
    status: ShotStatus = "planned"
    takes: Map[str, Take] = Map()
    selected: str | None = None
