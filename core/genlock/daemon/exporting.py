"""Cuts go out to files: what the format will not carry is known first, and every export leaves a receipt."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from zipfile import ZIP_DEFLATED, ZipFile

from msgspec import convert, to_builtins
from msgspec.structs import replace

from genlock.application.envelope import Accepted
from genlock.daemon.author import Author
from genlock.daemon.pool import Sources
from genlock.daemon.reading import digest_of
from genlock.daemon.repeats import reused
from genlock.daemon.views import ExportAnswer, ExportRow, ExportsAnswer, LossAnswer, LossView
from genlock.errors import GenlockError, Refused
from genlock.project.commands import Note
from genlock.project.project import ProjectNoted
from genlock.timeline.events import Content, content_of
from genlock.timeline.profiles import PROFILES
from genlock.timeline.sequence import Sequence

if TYPE_CHECKING:
    from genlock.daemon.services import Services
    from genlock_otio import Loss

SUFFIXES: Final = (
    *dict.fromkeys(s for profile in PROFILES.values() for s in profile.suffixes if s not in (".json", ".otiod")),
    ".ale",
    ".csv",
    ".srt",
    ".txt",
    ".xges",
)
"""What an export may be called: cuts, and the lists that tell about one. Not .json: a store's settings are; not .otiod:
that is a folder."""

EXPORT: Final = "export"
"""The step of a request, see Author."""


class Going(Sources):
    """A sequence at a version on its way out, with all it shows. `inner` are the versions of the nested sequences that
    were asked for."""

    def __init__(self, services: Services, sequence: str, version: int | None) -> None:
        app = services.app
        self.state: Sequence = app.sequence(sequence, version)
        super().__init__(app, services.roots, app.sequence_project(sequence))
        self.project = app.sequence_project(sequence)
        self.content = replace(content_of(self.state), conflicts=())
        self.inner: dict[str, int] = {}

    def nested(self, id_: str) -> Content | None:
        """Returns a nested sequence as it is now."""
        try:
            state = self._app.sequence(id_)
        except GenlockError:
            return None
        self.inner[id_] = state.version
        return replace(content_of(state), conflicts=())


def dialect_for(path: Path, wanted: str) -> str:
    """Returns the dialect of a file to write, or the kind of list. Raises BadInput(unknown_format)."""
    from genlock_otio.dialects import dialect_of
    from genlock_otio.lists import LISTS, kind_of

    listed = wanted if wanted in LISTS else "" if wanted else kind_of(path)
    return listed or dialect_of(path, wanted).profile.name


def suffix_of(dialect: str) -> str:
    """Returns what a file of the dialect, or a list of the kind, is called by default."""
    from genlock_otio.lists import LISTS

    return LISTS[dialect].suffix if dialect in LISTS else PROFILES[dialect].suffixes[0]


def zipped(path: Path, files: Iterable[str], name: str) -> Path:
    """Packs files that start with the stem of `path` into a zip there, as files that start with `name`; returns `path`."""
    with ZipFile(path, "w", ZIP_DEFLATED) as archive:
        for file in files:
            archive.write(file, name + Path(file).name.removeprefix(path.stem))
    return path


def loss_of(services: Services, sequence: str, *, version: int | None, dialect: str) -> LossAnswer:
    """Returns what a file of the dialect would not carry. Raises BadInput(unknown_format)."""
    going = Going(services, sequence, version)
    known = dialect_for(Path(), dialect)
    return LossAnswer(sequence, going.state.version, known, _rows(_loss(going, known)))


def export_file(
    services: Services,
    sequence: str,
    path: Path,
    *,
    version: int | None = None,
    dialect: str = "",
    family: str = "",
    strict: bool = False,
    author: Author | None,
) -> ExportAnswer:
    """Writes a sequence to a file. With an author, the export is recorded in the project's log, so that a later import of
    the edited file knows what it came from.

    `dialect` "" is that of the file's suffix; `family` names an older OpenTimelineIO. With `strict` nothing is written when
    something would be lost. Raises BadInput(unknown_format), Refused(lossy_export), MediaError(unwritable_folder).
    """
    import genlock_otio

    done = author.done(EXPORT) if author else None
    if author is not None and done is not None:
        return _exported(services, sequence, path, done, author)
    going = Going(services, sequence, version)
    known = dialect_for(path, dialect)
    if strict:
        _refuse_loss(known, _rows(_loss(going, known)))
    export = author.mark(EXPORT) if author else ""
    older: dict[str, Any] = {"family": family} if family else {}
    loss = genlock_otio.write(
        going.content,
        path,
        media=going.media,
        takes=going.take,
        nested=going.nested,
        dialect=known,
        tag=genlock_otio.Tag(sequence, going.state.version, export),
        may_pack=lambda medium: services.roots.allows(medium.resolve()),
        **older,
    )
    made = ExportAnswer(
        str(path), going.state.version, _rows(loss), known, export, [str(path.with_name(n)) for n in loss.files]
    )
    if author is not None:
        digest = digest_of(path)
        data = {
            "sequence": sequence,
            "digest": digest,
            "nested": going.inner,
            **to_builtins(made),
        }
        author.execute(Note("export", data), going.project, step=EXPORT)
    return made


def exports(services: Services, sequence: str) -> ExportsAnswer:
    """Returns the exports of a sequence, newest first."""
    rows = [
        ExportRow(r.export, r.version, r.dialect, r.path, r.digest, r.timestamp) for r in services.app.exports(sequence)
    ]
    return ExportsAnswer(sequence, rows)


def _loss(going: Going, dialect: str) -> Loss:
    import genlock_otio

    return genlock_otio.loss(going.content, dialect=dialect, media=going.media, takes=going.take, nested=going.nested)


def _rows(loss: Loss) -> list[LossView]:
    return [LossView(row.what, row.count, list(row.names)) for row in loss.rows]


def _refuse_loss(dialect: str, rows: list[LossView]) -> None:
    from genlock_otio.lists import LISTS

    if rows:
        told = ", ".join(f"{row.count} × {row.what}" for row in rows[:5])
        title = (LISTS[dialect] if dialect in LISTS else PROFILES[dialect]).title
        raise Refused("lossy_export", f"{title} would lose: {told}. Nothing was written.", loss=to_builtins(rows))


def _exported(services: Services, sequence: str, path: Path, done: Accepted, author: Author) -> ExportAnswer:
    """Returns the answer to an export made before, from its receipt."""
    event = services.store.recorded(done.first_id, done.first_id)[0].event
    data = event.data if isinstance(event, ProjectNoted) else {}
    if (data.get("sequence"), data.get("path")) != (sequence, str(path)):
        raise reused(author.id)
    return convert(data, ExportAnswer)
