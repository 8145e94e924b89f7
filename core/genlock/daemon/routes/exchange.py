"""Import, export, uploads and renders."""

from __future__ import annotations

import re
import secrets
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from pydantic import Field
from starlette.background import BackgroundTask
from starlette.responses import FileResponse, Response

from genlock.daemon import exchange, exporting, marking, merging, rendering, uploads
from genlock.daemon.answers import Answer
from genlock.daemon.author import Author
from genlock.daemon.openapi import answers, binary
from genlock.daemon.provide import HEX, AggregateId, RepeatableBody, SignedBody, Uses
from genlock.daemon.views import ExportAnswer, ExportsAnswer, ImportAnswer, LossAnswer, TaskStarted, UploadAnswer
from genlock.errors import BadInput
from genlock.timeline.rate import Rate

router = APIRouter(prefix="/api")

_TYPES = {".otio": "application/json", ".xml": "application/xml", ".fcpxml": "application/xml", ".edl": "text/plain"}

UPLOAD_NAME = re.compile(
    r"[^/\\\0]{1,120}\.(otio|otioz|otiod|json|xml|fcpxml|edl|aaf|mlt|kdenlive|wav|mov|mp4|mxf|png|jpg|jpeg)", re.I
)


class ImportBody(RepeatableBody):
    """`path` is absolute, inside the allowed roots; `name` overrides the sequence's name in the file. `dialect` and `rate`
    are found out when they are not given. With `into`, a sequence, the file is merged into it: against the version `base`
    when given, conflicts settled by `policy`."""

    path: str
    name: Annotated[str | None, Field(max_length=200)] = None
    dialect: Annotated[str, Field(max_length=40)] = ""
    rate: tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)]] | None = None
    into: Annotated[str | None, Field(pattern=HEX)] = None
    policy: Literal["ask", "ours", "theirs", "both"] = "ask"
    base: Annotated[int | None, Field(ge=1)] = None


class ExportBody(RepeatableBody):
    """`dialect` "" is that of the file's suffix, `family` an older OpenTimelineIO ("0.14.0"); `strict` writes nothing when
    something would be lost."""

    path: str
    dialect: Annotated[str, Field(max_length=40)] = ""
    family: Annotated[str, Field(max_length=40)] = ""
    strict: bool = False
    version: Annotated[int | None, Field(ge=1)] = None


class RenderBody(SignedBody):
    path: str
    version: Annotated[int | None, Field(ge=1)] = None


@router.post("/projects/{project}/import", **answers(ImportAnswer))
def import_(project: AggregateId, body: ImportBody, services: Uses) -> Answer:
    """Makes a new sequence of a timeline file, merges a returned one, or adds the markers of a list."""
    path = services.roots.readable(body.path)
    rate = Rate(*body.rate) if body.rate else None

    def make(author: Author) -> ImportAnswer:
        if body.into is None:
            return exchange.import_file(
                services, project, path, body.name or "", author, dialect=body.dialect, rate=rate
            )
        kind = marking.list_kind(path, body.dialect)
        if kind:
            return marking.add_markers(services, project, body.into, path, kind, author)
        asked = merging.Asked(body.policy, body.dialect, rate, body.base)
        return merging.merge_file(services, project, body.into, path, asked, author)

    return Answer(body.once(services, f"import {project}", make))


@router.post("/uploads", **answers(UploadAnswer))
async def upload(request: Request, services: Uses, name: str = Query(max_length=128)) -> Answer:
    """Takes a file as the raw body; the answer's path can be imported."""
    if not UPLOAD_NAME.fullmatch(name):
        raise BadInput("bad_name", f"{name!r} is not a name for an upload.")
    path = uploads.folder(services) / secrets.token_hex(8) / name
    size = await uploads.keep(path, request.stream())
    return Answer(UploadAnswer(str(path.resolve()), size))


@router.post("/sequences/{sequence}/export", **answers(ExportAnswer))
def export(sequence: AggregateId, body: ExportBody, services: Uses) -> Answer:
    """Writes a sequence to a file and says what the format could not carry."""
    path = services.roots.writable(body.path, exporting.SUFFIXES)
    made = body.once(
        services,
        f"export {sequence}",
        lambda author: exporting.export_file(
            services,
            sequence,
            path,
            version=body.version,
            dialect=body.dialect,
            family=body.family,
            strict=body.strict,
            author=author,
        ),
    )
    return Answer(made)


@router.get("/sequences/{sequence}/loss", **answers(LossAnswer))
def loss(
    sequence: AggregateId,
    services: Uses,
    dialect: str = Query("otio", max_length=40),
    version: int | None = Query(None, ge=1),
) -> Answer:
    """What a file of a dialect would not carry."""
    return Answer(exporting.loss_of(services, sequence, version=version, dialect=dialect))


@router.get("/sequences/{sequence}/exports", **answers(ExportsAnswer))
def exports(sequence: AggregateId, services: Uses) -> Answer:
    """What was exported, newest first."""
    return Answer(exporting.exports(services, sequence))


@router.get("/sequences/{sequence}/export", **binary("application/octet-stream"))
def download(
    sequence: AggregateId,
    services: Uses,
    dialect: str = Query("otio", max_length=40),
    version: int | None = Query(None, ge=1),
) -> Response:
    """A sequence as a download, or a list that tells about it; a zip where a format holds one track a file."""
    name = re.sub(r"[^\w .()-]", "_", services.app.sequence(sequence).name)[:80].strip() or "sequence"
    with ExitStack() as stack:
        folder = stack.enter_context(TemporaryDirectory(prefix="genlock-export-"))
        known = exporting.dialect_for(Path(), dialect or "otio")
        path = Path(folder) / f"{sequence}{exporting.suffix_of(known)}"
        made = exporting.export_file(services, sequence, path, version=version, dialect=known, author=None)
        if len(made.files) > 1:
            path = exporting.zipped(Path(folder) / f"{sequence}.zip", made.files, name)
        kept = stack.pop_all()
    kind = _TYPES.get(path.suffix, "application/octet-stream")
    called = name + path.name.removeprefix(sequence)
    return FileResponse(path, media_type=kind, filename=called, background=BackgroundTask(kept.close))


@router.post("/sequences/{sequence}/render", **answers(TaskStarted, status=202))
def render(sequence: AggregateId, body: RenderBody, services: Uses) -> Answer:
    """Starts to render a sequence to a movie."""
    path = services.roots.writable(body.path, rendering.MOVIES)
    task = rendering.start(services, sequence, path, body.version)
    return Answer(TaskStarted(task.id), status_code=202)
