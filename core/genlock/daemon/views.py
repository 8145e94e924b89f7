"""The shapes of the REST answers. Domain values (media, briefs, takes, requests) are shown as they are stored."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct

from genlock.application.commands import Command
from genlock.application.envelope import HistoryEntry
from genlock.event import EventKind
from genlock.project.job import JobState
from genlock.project.media import MediaFile
from genlock.project.project import Element, Scene, Settings
from genlock.project.shot import Brief, ShotStatus, Take
from genlock.timeline.model import Kind, Placement, Resolution, Source
from genlock.timeline.rate import Rate, Speed


class ErrorBody(Struct):
    """Every error: a stable code of docs/errors.md, a sentence, a hint; more fields by code (`conflicts`, `fields`)."""

    code: str
    message: str
    hint: str
    conflicts: list[Any] = []


class ErrorAnswer(Struct):
    error: ErrorBody


class Health(Struct):
    status: Literal["ok", "stopping"]
    version: str
    protocol: int


class CommandBody(Struct, forbid_unknown_fields=True):
    """A command with its envelope. `command` is `{"do": NAME, ...}`."""

    id: str
    command: dict[str, Any]
    target: str = ""
    base_version: int | None = None
    strict: bool = False
    actor: str = ""
    host: str = "rest"
    kind: EventKind = "edit"
    label: str = ""


class CommandRequest(CommandBody):
    """CommandBody as it is documented: with the shape of every command."""

    command: Command  # type: ignore[assignment]  # the body is read in two steps, for better errors


class CommandAnswer(Struct):
    """Durable. `first_id` and `last_id` are the notification ids of its events, `created` the ids of new aggregates."""

    command_id: str
    target: str
    version: int
    first_id: int
    last_id: int
    duplicate: bool
    created: list[str]


class ProjectView(Struct):
    """A project without its media. `sequences` maps ids to names."""

    id: str
    version: int
    name: str
    settings: Settings
    sequences: dict[str, str] = {}
    elements: dict[str, Element] = {}
    scenes: dict[str, Scene] = {}
    archived: bool = False


class SequenceRow(Struct):
    """A sequence in a list. `duration` in frames of its rate."""

    id: str
    name: str
    version: int
    duration: int
    rate: Rate
    drop_frame: bool
    start_frame: int
    tracks: int
    items: int
    archived: bool


class ItemView(Struct):
    """An item behind `after` on `track`, with `gap` empty frames before it."""

    id: str
    track: str
    after: str | None
    gap: int
    duration: int
    source: Source
    source_in: int = 0
    speed: Speed = Speed()
    name: str = ""
    enabled: bool = True
    link: str | None = None
    effects: list[dict[str, Any]] = []
    foreign: dict[str, Any] = {}


class TrackView(Struct):
    id: str
    kind: Kind
    name: str
    placement: Placement
    items: list[ItemView]
    enabled: bool = True
    locked: bool = False
    sync_lock: bool = True
    foreign: dict[str, Any] = {}


class SequenceView(Struct):
    """A whole sequence, as in the wire's snapshot."""

    id: str
    project: str
    version: int
    name: str
    rate: Rate
    drop_frame: bool
    start_frame: int
    resolution: Resolution
    duration: int
    tracks: list[TrackView]
    transitions: list[dict[str, Any]]
    markers: list[dict[str, Any]]
    conflicts: list[dict[str, Any]] = []
    archived: bool = False


class HistoryAnswer(Struct):
    """Newest first; ask again with `before` = the last version for more."""

    sequence: str
    version: int
    entries: list[HistoryEntry]


class ShotView(Struct):
    """A shot with its takes by id."""

    id: str
    version: int
    project: str
    code: str
    scene: str
    brief: Brief
    status: ShotStatus
    takes: dict[str, Take]
    selected: str | None = None


class MediaRow(Struct):
    """A file that an import brought along; `missing`: it is not where the file says, or may not be read."""

    id: str
    name: str
    path: str
    missing: bool


class BaseView(Struct):
    """The version that a returned cut was made from, and how that is known: by the export's `receipt`, by the `version` the
    file names, by the best `overlap` (0 to 1) of what it shows, or `given` by whoever imports. `through` are the versions
    that earlier files from it made, whose changes this one holds too."""

    version: int
    how: Literal["receipt", "version", "overlap", "given"]
    overlap: float | None = None
    through: list[int] = []


class NestedImport(Struct):
    """What an import did to a nested sequence; nothing but its name when it is new."""

    sequence: str
    name: str
    version: int
    ops: list[Any] = []
    changes: list[Any] = []
    conflicts: list[Any] = []
    settled: list[Any] = []


class ImportAnswer(Struct):
    """What an import did. `made_from` is the sequence of this project that the file names, "" for none.

    Of a returned cut also: `ops` as stored and `changes` as people say it, what conflicts it left open and which the
    policy `settled`, its `base`, and whether a look afterwards `verified` that everything in the file is in the sequence
    now, but for conflicts and what was changed here since.
    """

    sequence: str
    version: int
    media: list[MediaRow]
    shots: int
    ops: list[Any] = []
    conflicts: list[Any] = []
    loss: list[Any] = []
    warnings: list[str] = []
    dialect: str = ""
    name: str = ""
    made_from: str = ""
    base: BaseView | None = None
    changes: list[Any] = []
    settled: list[Any] = []
    nested: list[NestedImport] = []
    verified: bool | None = None


class UploadAnswer(Struct):
    path: str
    size: int


class LossView(Struct):
    what: str
    count: int
    names: list[str] = []


class ExportAnswer(Struct):
    """`export` is the id that the file carries back; `files` are all that were written, where a format holds one track a
    file."""

    path: str
    version: int
    loss: list[LossView]
    dialect: str = ""
    export: str = ""
    files: list[str] = []


class LossAnswer(Struct):
    """What a file of the dialect would not carry of the version."""

    sequence: str
    version: int
    dialect: str
    loss: list[LossView]


class ExportRow(Struct):
    """A receipt: what left, when and where to. `timestamp` is ISO in UTC."""

    export: str
    version: int
    dialect: str
    path: str
    digest: str
    timestamp: str


class ExportsAnswer(Struct):
    """Newest first."""

    sequence: str
    exports: list[ExportRow]


class TaskStarted(Struct):
    task: str


class TaskView(Struct):
    """`result` when done, `error` when failed."""

    task: str
    kind: str
    state: Literal["waiting", "running", "done", "failed", "cancelled"]
    done: int
    total: int
    result: Any = None
    error: Any = None


class ShotsFromAnswer(Struct):
    shots: list[str]
    version: int


class StageView(Struct):
    """A part of a plan: bytes on the device while it runs, and about how many seconds it takes (0: unknown)."""

    name: str
    bytes: int
    seconds: float


class PlanView(Struct):
    """One way to make a take. `bytes` are those of its largest stage; `asked` frames are delivered, `made` are made;
    `forecast` says what would happen to the memory now."""

    engine: str
    name: str
    lane: str
    product: str
    bytes: int
    stages: list[StageView]
    asked: int
    made: int
    draft: bool
    notes: list[str]
    model: str
    forecast: str


class ShotPlans(Struct):
    """The ways to make a shot's take, best first."""

    shot: str
    code: str
    mode: str
    plans: list[PlanView]


class GenerateAnswer(Struct, omit_defaults=True):
    """`plans` is there after a `dry_run`, which queues nothing."""

    jobs: list[str]
    plans: list[ShotPlans] = []


class RefusedPath(Struct):
    """A path that did not join the pool, why, and what can be done."""

    path: str
    code: str
    message: str
    hint: str


class MediaAnswer(Struct):
    """Entries of the pool. With `missing` "keep": also the pool id of each path as it was written, and what was refused."""

    media: list[MediaFile]
    paths: dict[str, str] = {}
    refused: list[RefusedPath] = []


class TraceAnswer(Struct):
    """What the arbiter saw lately, as the lines of a trace's file (`genlock memory --simulate FILE`)."""

    lines: list[str]


class MemoryView(Struct):
    """The arbiter, in bytes. `resident` are components on the device, `committed` what present stages need with what stays
    beside them, `over` what is promised beyond the budget; `tenants` is who else uses the memory."""

    budget: int
    held: int
    floor: int
    resident: int
    committed: int
    over: int
    machine: dict[str, Any]
    slots: dict[str, int]
    tiers: dict[str, dict[str, int]]
    residents: list[dict[str, Any]]
    leases: list[dict[str, Any]]
    waiting: list[dict[str, Any]]
    decisions: list[dict[str, Any]]
    tenants: Any = None


class EngineView(Struct):
    name: str
    available: bool
    version: str = ""
    modes: list[str] = []
    reason: str = ""


class StoreView(Struct):
    """`tip` is the newest notification id; `stats` are the store's own figures."""

    url: str
    log_id: str
    tip: int
    stats: dict[str, Any]


class VerifyAnswer(Struct):
    ok: bool
    report: Any


class PathAnswer(Struct):
    path: str


class Check(Struct):
    """One line of the doctor: what was looked at, how it is, and what to do about it."""

    name: str
    ok: bool
    detail: str
    hint: str = ""


class DoctorAnswer(Struct):
    ok: bool
    checks: list[Check]


class CodeAnswer(Struct):
    """A one-time login code and the address that redeems it."""

    code: str
    url: str


class Stopping(Struct):
    stopping: bool


__all__ = ["HistoryEntry", "JobState", "MediaFile"]
