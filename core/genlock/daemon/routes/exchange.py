"""Import, export, uploads and renders."""

from __future__ import annotations

import re
import secrets
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import Field
from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.responses import FileResponse, Response

from genlock.daemon import exchange, rendering
from genlock.daemon.answers import Answer
from genlock.daemon.openapi import answers, binary
from genlock.daemon.provide import AggregateId, RepeatableBody, SignedBody, Uses
from genlock.daemon.views import ExportAnswer, ImportAnswer, TaskStarted, UploadAnswer
from genlock.errors import BadInput, StoreError

router = APIRouter(prefix="/api")

UPLOAD_NAME = re.compile(
    r"[^/\\\0]{1,120}\.(otio|otioz|otiod|json|xml|fcpxml|edl|aaf|wav|mov|mp4|mxf|png|jpg|jpeg)", re.I
)


class ImportBody(RepeatableBody):
    """`path` is absolute, inside the allowed roots; `name` overrides the sequence's name in the file."""

    path: str
    name: Annotated[str | None, Field(max_length=200)] = None


class ExportBody(RepeatableBody):
    path: str
    dialect: str = "otio"
    version: Annotated[int | None, Field(ge=1)] = None


class RenderBody(SignedBody):
    path: str
    version: Annotated[int | None, Field(ge=1)] = None


@router.post("/projects/{project}/import", **answers(ImportAnswer))
def import_(project: AggregateId, body: ImportBody, services: Uses) -> Answer:
    """Makes a new sequence of a timeline file."""
    path = services.roots.readable(body.path)
    name = body.name or ""
    made = body.once(
        services,
        f"import {project}",
        lambda author: exchange.import_file(services, project, path, name, author),
    )
    return Answer(made)


@router.post("/uploads", **answers(UploadAnswer))
async def upload(request: Request, services: Uses, name: str = Query(max_length=128)) -> Answer:
    """Takes a file as the raw body; the answer's path can be imported."""
    if not UPLOAD_NAME.fullmatch(name):
        raise BadInput("bad_name", f"{name!r} is not a name for an upload.")
    folder = services.folder / "uploads" / secrets.token_hex(8)
    path, size, whole = folder / name, 0, False
    try:
        folder.mkdir(parents=True, mode=0o700)
        with path.open("xb") as file:
            async for chunk in request.stream():
                await run_in_threadpool(file.write, chunk)
                size += len(chunk)
        whole = True
    except OSError as error:
        raise StoreError("store_unwritable", f"{folder} cannot be written: {error}.") from error
    finally:
        if not whole:
            _discard(path)
    return Answer(UploadAnswer(str(path.resolve()), size))


@router.post("/sequences/{sequence}/export", **answers(ExportAnswer))
def export(sequence: AggregateId, body: ExportBody, services: Uses) -> Answer:
    """Writes a sequence to a file and says what the format could not carry."""
    path = services.roots.writable(body.path, exchange.EXPORTS)
    made = body.once(
        services,
        f"export {sequence}",
        lambda author: exchange.export_file(
            services, sequence, path, version=body.version, dialect=body.dialect, author=author
        ),
    )
    return Answer(made)


@router.get("/sequences/{sequence}/export", **binary("application/octet-stream"))
def download(
    sequence: AggregateId,
    services: Uses,
    dialect: str = Query("otio", max_length=40),
    version: int | None = Query(None, ge=1),
) -> Response:
    """A sequence as a download."""
    with ExitStack() as stack:
        folder = stack.enter_context(TemporaryDirectory(prefix="genlock-export-"))
        path = Path(folder) / f"{sequence}.otio"
        exchange.export_file(services, sequence, path, version=version, dialect=dialect, author=None)
        kept = stack.pop_all()
    name = re.sub(r"[^\w .()-]", "_", services.app.sequence(sequence).name)[:80] or "sequence"
    return FileResponse(
        path, media_type="application/json", filename=f"{name}.otio", background=BackgroundTask(kept.close)
    )


@router.post("/sequences/{sequence}/render", **answers(TaskStarted, status=202))
def render(sequence: AggregateId, body: RenderBody, services: Uses) -> Answer:
    """Starts to render a sequence to a movie."""
    path = services.roots.writable(body.path, rendering.MOVIES)
    task = rendering.start(services, sequence, path, body.version)
    return Answer(TaskStarted(task.id), status_code=202)


def _discard(path: Path) -> None:
    path.unlink(missing_ok=True)
    if path.parent.is_dir():
        path.parent.rmdir()
