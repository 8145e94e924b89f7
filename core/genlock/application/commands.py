"""What can be asked of sequences as a whole and of history, the union of all commands, and its one decoder."""

from __future__ import annotations

import re
from typing import Any, Final, get_args

import msgspec
from msgspec import Struct

from genlock.errors import BadInput
from genlock.project.commands import JobCommand, ProjectCommand, ShotCommand
from genlock.timeline.commands import EditCommand
from genlock.timeline.events import Content, Origin
from genlock.timeline.laid import Arrangement
from genlock.timeline.merge import Policy
from genlock.timeline.model import Resolution
from genlock.timeline.rate import Rate


class _Command(Struct, frozen=True, omit_defaults=True, tag_field="do", tag=True, forbid_unknown_fields=True):
    pass


# -- sequences; the target is the sequence, except where a project is named


class CreateSequence(_Command, frozen=True):
    """Makes a sequence with the tracks V1 (magnetic), V2 and A1 (free). What is None comes from the project's settings."""

    project: str
    name: str
    rate: Rate | None = None
    drop_frame: bool | None = None
    start_frame: int | None = None
    resolution: Resolution | None = None


class ImportSequence(_Command, frozen=True):
    """Makes a sequence of a whole timeline. `nested` are further sequences (their ids, 32 hex digits, and contents) that
    items of it show."""

    project: str
    content: Content
    origin: Origin = Origin()
    nested: tuple[tuple[str, Content], ...] = ()


class MergeSequence(_Command, frozen=True):
    """Merges a returned cut into the sequence: `theirs` is what its version `base` became elsewhere, with ids that mean
    what they mean there (timeline.reconcile makes it so). `origin` says which file it came in.

    `policy` settles conflicts, "ask" leaves them open. `unsure` are items whose identity is a guess, with the others they
    may be. `nested` are further sequences: those that exist are merged likewise, against the versions in `bases`; the
    others are made. `through` are, by sequence, versions that earlier files from the same base made, whose changes this
    one holds already: it is compared with the base as they left it. Refused with `no_change` when nothing is left to do,
    also for a file merged before.
    """

    base: int
    theirs: Content
    origin: Origin = Origin()
    policy: Policy = "ask"
    unsure: dict[str, tuple[str, ...]] = {}
    nested: tuple[tuple[str, Content], ...] = ()
    bases: dict[str, int] = {}
    through: dict[str, tuple[int, ...]] = {}


class InnerArrangement(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A nested sequence as the host shows it, in an `Arrange` of the one that shows it.

    With `base` (a version) an existing sequence is arranged against that version, each with its own undo. Without it a new
    one is made under the id `sequence` (the host's: 32 hex digits in lower case) of `arrangement` alone, which names all
    its tracks and items; sent again it is the same one. `name` may be in the arrangement's settings instead; those win.
    `rate`, `drop_frame`, `start_frame`, `resolution` and `foreign` count for a new one only; left out they are the
    target's, `start_frame` 0 and `foreign` empty.
    """

    sequence: str
    base: int | None = None
    name: str = ""
    rate: Rate | None = None
    drop_frame: bool | None = None
    start_frame: int | None = None
    resolution: Resolution | None = None
    foreign: dict[str, Any] = {}
    arrangement: Arrangement = Arrangement()


class Arrange(_Command, frozen=True):
    """Makes the sequence what a host shows, told as absolute values against version `base`, the one it showed before:

        {"do": "Arrange", "base": 7, "arrangement": {"items": {"i1": {"start": 48}, "i2": null}}, "nested": [
            {"sequence": "...", "base": 3, "arrangement": {...}},
            {"sequence": "...", "base": null, "name": "Intro", "rate": [24, 1], "arrangement": {...}}]}

    What changed here since `base` stays: both are merged, and where they disagree ours stands and a conflict is left
    open. `nested` comes with it in one transaction; items may show the sequences made there. Ids of new things are the
    host's: not empty, at most 64 characters, without ">". A thing that is there already as it is wanted is left as it is,
    so that a host that does not know whether its last command arrived may send it again.

    A source {"type": "media", "media": id} without `first`, `frames` and `rate` is completed with what the pool knows,
    and a new item without `source_in` begins at its source's first frame. Refused with `no_change` when there is nothing
    to do.
    """

    base: int
    arrangement: Arrangement = Arrangement()
    nested: tuple[InnerArrangement, ...] = ()


class ArchiveSequence(_Command, frozen=True):
    """Puts the sequence out of the way, or brings it back."""

    archived: bool = True


class ForkSequence(_Command, frozen=True):
    """Makes a new sequence of this one at a version (None: the present one)."""

    version: int | None = None
    name: str = ""


# -- history; the target is the sequence


class Undo(_Command, frozen=True):
    """Takes back the actor's last edit, or the edit of version `ref`. `force` takes it back although somebody changed
    the same thing since."""

    force: bool = False
    ref: int | None = None


class Redo(_Command, frozen=True):
    """Makes the edit again that the actor took back last."""

    force: bool = False


class Revert(_Command, frozen=True):
    """Makes the sequence what it was at a version, as one edit that can be undone."""

    version: int


# -- projects; the target is the project


class ForkProject(_Command, frozen=True):
    """Copies the project, its sequences and its shots as of notification id `at` (None: now) under new ids. Jobs stay
    behind; takes point to the same files. Refused with `no_such_version` beyond the log's end."""

    at: int | None = None
    name: str = ""


SequenceCommand = CreateSequence | ImportSequence | ArchiveSequence
HistoryCommand = Undo | Redo | Revert
ForkCommand = ForkSequence | ForkProject

Command = (
    EditCommand
    | ProjectCommand
    | ShotCommand
    | JobCommand
    | SequenceCommand
    | MergeSequence
    | Arrange
    | HistoryCommand
    | ForkCommand
)

NAMES: Final[frozenset[str]] = frozenset(cls.__name__ for cls in get_args(Command))
"""The names of all commands."""

_AT = re.compile(r"^(?P<what>.*?) - at `(?P<path>[^`]+)`$", re.DOTALL)
_DECODER: Final = msgspec.json.Decoder(Command)


def decode_command(value: bytes | str | dict[str, Any]) -> Command:
    """Returns the command of its JSON.

    Raises BadInput: unknown_command for a name that is none, bad_request for a wrong shape (details: `field`, the path of
    what is wrong), bad_json for what is no JSON, too_deep for endless nesting.
    """
    try:
        decoded: Command = msgspec.convert(value, Command) if isinstance(value, dict) else _DECODER.decode(value)
    except msgspec.ValidationError as error:
        raise _explained(value, error) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadInput("bad_json", f"The command is not valid JSON: {error}") from error
    except RecursionError as error:
        raise BadInput("too_deep", "The command nests too deep.") from error
    return decoded


def _explained(value: bytes | str | dict[str, Any], error: msgspec.ValidationError) -> BadInput:
    found = _AT.match(str(error))
    what, path = (found["what"], found["path"].removeprefix("$.")) if found else (str(error), "")
    if path == "do":
        return BadInput("unknown_command", f"There is no command {_name(value)!r}.", field="do")
    name = _name(value)
    return BadInput("bad_request", f"{name or 'The command'}: {path + ': ' if path else ''}{what}", field=path)


def _name(value: bytes | str | dict[str, Any]) -> str:
    try:
        plain = value if isinstance(value, dict) else msgspec.json.decode(value)
    except msgspec.DecodeError:  # such as a number that no float can hold
        return ""
    name = plain.get("do", "") if isinstance(plain, dict) else ""
    return name if isinstance(name, str) else ""
