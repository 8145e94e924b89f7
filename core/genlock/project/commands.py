"""What can be asked of projects, shots and jobs. On the wire a command is `{"do": "CreateShot", ...}`.

The aggregate meant is the envelope's target, except for `Create*` and `QueueJob`, which make a new one.
"""

from __future__ import annotations

from typing import Any, Literal

from msgspec import UNSET, Struct, UnsetType

from genlock.project.media import MediaFile
from genlock.project.project import Element, Scene, Settings
from genlock.project.request import GenerationRequest
from genlock.project.shot import Brief, ShotStatus, Take
from genlock.timeline.model import Resolution
from genlock.timeline.rate import Rate


class _Command(Struct, frozen=True, omit_defaults=True, tag_field="do", tag=True, forbid_unknown_fields=True):
    pass


# -- projects


class CreateProject(_Command, frozen=True):
    """Makes a project."""

    name: str
    settings: Settings = Settings()


class RenameProject(_Command, frozen=True):
    name: str


class SettingsPatch(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """Some fields of a project's settings."""

    rate: Rate | UnsetType = UNSET
    drop_frame: bool | UnsetType = UNSET
    start_frame: int | UnsetType = UNSET
    resolution: Resolution | UnsetType = UNSET
    colour: str | UnsetType = UNSET
    engine: str | UnsetType = UNSET
    folder: str | UnsetType = UNSET
    master: Literal["prores", "h264", "dnxhr"] | UnsetType = UNSET
    proxy: bool | UnsetType = UNSET


class ChangeSettings(_Command, frozen=True):
    """Changes the settings given; existing sequences keep theirs."""

    settings: SettingsPatch


class ArchiveProject(_Command, frozen=True):
    """Puts the project out of the way, or brings it back."""

    archived: bool = True


class AddMedia(_Command, frozen=True):
    """Adds files to the pool; those it holds already, unchanged, are passed over."""

    media: tuple[MediaFile, ...]


class ChangeMedia(_Command, frozen=True):
    """Replaces what the pool knows of the file with `media.id`: a probe, a relink, missing or back."""

    media: MediaFile


class RemoveMedia(_Command, frozen=True):
    """Takes a file out of the pool; refused with `in_use` while a sequence shows it."""

    media: str


class SetElement(_Command, frozen=True):
    """Adds or changes a character, location or object."""

    element: Element


class RemoveElement(_Command, frozen=True):
    element: str


class SetScene(_Command, frozen=True):
    """Adds or changes a scene."""

    scene: Scene


class RemoveScene(_Command, frozen=True):
    scene: str


class Note(_Command, frozen=True):
    """Records a fact that changes nothing: an export receipt, a fork's origin."""

    note: str
    data: dict[str, Any] = {}


# -- shots


class CreateShot(_Command, frozen=True):
    """Makes a shot. `code` (SH0010) is unique in the project whatever its case; `scene` is a scene's code or empty."""

    project: str
    code: str
    scene: str = ""
    brief: Brief = Brief()


class ChangeBrief(_Command, frozen=True):
    brief: Brief


class RenameShot(_Command, frozen=True):
    """Changes what is not None."""

    code: str | None = None
    scene: str | None = None


class SetShotStatus(_Command, frozen=True):
    status: ShotStatus


class AddTake(_Command, frozen=True):
    take: Take
    select: bool = True


class SelectTake(_Command, frozen=True):
    """Makes a take the one that is shown; None shows none."""

    take: str | None


# -- jobs


class QueueJob(_Command, frozen=True):
    """Queues a request. `output` is the folder of the take (absolute), `stem` its file name without suffix, `number` the
    take number it reserves; higher `priority` first. `shot` may be empty for a request that makes no take."""

    project: str
    request: GenerationRequest
    output: str
    stem: str
    shot: str = ""
    number: int = 1
    priority: int = 0


class StartJob(_Command, frozen=True):
    engine: str
    plan: str = ""


class FinishJob(_Command, frozen=True):
    """Ends a running job well; the take joins the shot in the same transaction."""

    take: Take


class FailJob(_Command, frozen=True):
    """Ends a job with a code of genlock.errors."""

    code: str
    message: str


class CancelJob(_Command, frozen=True):
    pass


class RetryJob(_Command, frozen=True):
    """Queues a failed or cancelled job again."""


class RequeueJob(_Command, frozen=True):
    """Puts a running job back into the queue, because its worker or the daemon stopped."""

    reason: str = ""


ProjectCommand = (
    CreateProject
    | RenameProject
    | ChangeSettings
    | ArchiveProject
    | AddMedia
    | ChangeMedia
    | RemoveMedia
    | SetElement
    | RemoveElement
    | SetScene
    | RemoveScene
    | Note
)
ShotCommand = CreateShot | ChangeBrief | RenameShot | SetShotStatus | AddTake | SelectTake
JobCommand = QueueJob | StartJob | FinishJob | FailJob | CancelJob | RetryJob | RequeueJob
