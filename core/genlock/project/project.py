"""The Project aggregate: settings, media pool, sequences, story elements and scenes."""

from __future__ import annotations

from typing import Any, Literal

from immutables import Map
from msgspec import Struct, field

from genlock.event import Event
from genlock.project.media import MediaFile
from genlock.timeline.model import Resolution
from genlock.timeline.rate import Rate


class Settings(Struct, frozen=True, omit_defaults=True):
    """A project's settings. `start_frame` is the default start timecode as a frame number; `folder` holds takes, caches
    and exports (absolute path); `master` and `proxy` name the encodings of takes. `engine` makes the pictures of
    shots whose brief names none; empty: the best that can run."""

    rate: Rate = Rate(24)
    drop_frame: bool = False
    start_frame: int = 86400
    resolution: Resolution = Resolution()
    colour: str = "rec709"
    engine: str = ""
    folder: str = ""
    master: Literal["prores", "h264", "dnxhr"] = "prores"
    proxy: bool = True


class Element(Struct, frozen=True, omit_defaults=True):
    """A character, location or object that shots refer to, with reference images (absolute paths)."""

    id: str
    kind: Literal["character", "location", "object"]
    name: str
    description: str = ""
    images: tuple[str, ...] = ()


class Scene(Struct, frozen=True, omit_defaults=True):
    """A scene of the script."""

    id: str
    code: str
    heading: str = ""
    text: str = ""


class ProjectCreated(Event, frozen=True, kw_only=True, omit_defaults=True):
    name: str
    settings: Settings = Settings()


class ProjectSettingsChanged(Event, frozen=True, kw_only=True, omit_defaults=True):
    before: Settings
    after: Settings


class ProjectRenamed(Event, frozen=True, kw_only=True, omit_defaults=True):
    before: str
    after: str


class MediaAdded(Event, frozen=True, kw_only=True, omit_defaults=True):
    """Files joined the pool, in one event however many."""

    media: tuple[MediaFile, ...]


class MediaChanged(Event, frozen=True, kw_only=True, omit_defaults=True):
    """A file was probed, relinked, went missing or came back."""

    before: MediaFile
    after: MediaFile


class MediaRemoved(Event, frozen=True, kw_only=True, omit_defaults=True):
    media: MediaFile


class SequenceRegistered(Event, frozen=True, kw_only=True, omit_defaults=True):
    sequence: str
    name: str


class ElementSet(Event, frozen=True, kw_only=True, omit_defaults=True):
    """An element appears, changes or goes."""

    before: Element | None = None
    after: Element | None = None


class SceneSet(Event, frozen=True, kw_only=True, omit_defaults=True):
    """A scene appears, changes or goes."""

    before: Scene | None = None
    after: Scene | None = None


class ProjectArchived(Event, frozen=True, kw_only=True, omit_defaults=True):
    archived: bool = True


class Receipt(Struct, frozen=True, omit_defaults=True):
    """What left the house: a sequence at a version, in a file. A returned file names its `export` (32 hex digits), and so
    the version it was made from.

    `digest` is the blake2b-128 of the file's bytes, `nested` the versions of the nested sequences written with it,
    `timestamp` ISO in UTC, `order` the project's version that noted it.
    """

    export: str
    sequence: str
    version: int
    dialect: str = ""
    path: str = ""
    digest: str = ""
    timestamp: str = ""
    nested: dict[str, int] = {}
    order: int = 0


class ProjectNoted(Event, frozen=True, kw_only=True, omit_defaults=True):
    """A fact for the record: an export (`data` as in Receipt, kept as `receipts`), a fork's origin. It changes nothing
    else."""

    note: str
    data: dict[str, Any] = field(default_factory=dict)


ProjectEvent = (
    ProjectCreated
    | ProjectSettingsChanged
    | ProjectRenamed
    | MediaAdded
    | MediaChanged
    | MediaRemoved
    | SequenceRegistered
    | ElementSet
    | SceneSet
    | ProjectArchived
    | ProjectNoted
)


class ProjectState(Struct, frozen=True):
    """A project at one version. `receipts` are its exports by their ids."""

    id: str
    version: int
    name: str
    settings: Settings
    media: Map[str, MediaFile] = Map()
    sequences: Map[str, str] = Map()
    elements: Map[str, Element] = Map()
    scenes: Map[str, Scene] = Map()
    receipts: Map[str, Receipt] = Map()
    archived: bool = False
