"""Media by digest, pictures of it, and what joins the pool."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query
from starlette.responses import FileResponse, Response

from genlock.daemon import probing
from genlock.daemon.answers import Answer
from genlock.daemon.openapi import answers, binary
from genlock.daemon.paths import is_plain_file, media_type
from genlock.daemon.provide import AggregateId, SignedBody, Uses
from genlock.daemon.views import MediaAnswer
from genlock.errors import BadInput

router = APIRouter()

Digest = Annotated[str, Path(description="blake2b-128 of the file's bytes, 32 hex digits")]
FOREVER = {"cache-control": "private, max-age=31536000, immutable"}
"""What a digest names never changes."""


class AddBody(SignedBody):
    """Absolute paths inside the allowed roots: files, or numbered images as `name.%04d.exr`, `name.[1001-1099].exr` or
    their folder. One that is not there or is of no use fails the whole request, unless `missing` is "keep": then it joins
    as missing, and what may not be used is `refused` by itself."""

    paths: list[str]
    missing: Literal["refuse", "keep"] = "refuse"


class RelinkBody(SignedBody):
    path: str


@router.get("/media/{digest}", **binary("application/octet-stream"))
@router.head("/media/{digest}", include_in_schema=False)
def content(digest: Digest, services: Uses, proxy: bool = False) -> Response:
    """The file itself, with Range; `proxy` prefers its H.264 proxy. Unknown kinds come as a download."""
    path = services.pool.find(digest, proxy=proxy)
    if not is_plain_file(path):
        raise BadInput("bad_value", f"{path.name} is numbered images: there is no one file to send.")
    kind, shown = media_type(path)
    return FileResponse(
        path,
        media_type=kind,
        filename=path.name,
        content_disposition_type="inline" if shown else "attachment",
        headers=FOREVER,
    )


@router.get("/api/media/{digest}/thumbnail", **binary("image/jpeg"))
def thumbnail(
    digest: Digest, services: Uses, frame: int = Query(0, ge=0), width: int = Query(320, ge=16, le=1920)
) -> Response:
    """One frame as JPEG; `frame` counts from the file's first."""
    picture = services.media.thumbnail(services.pool.find(digest, proxy=True), frame, width=width)
    return Response(picture, media_type="image/jpeg", headers=FOREVER)


@router.get("/api/media/{digest}/filmstrip", **binary("image/jpeg"))
def filmstrip(
    digest: Digest,
    services: Uses,
    count: int = Query(10, ge=1, le=60),
    height: int = Query(90, ge=16, le=360),
    start: int = Query(0, ge=0),
    end: int | None = Query(None, ge=1),
) -> Response:
    """`count` frames in a row as one JPEG."""
    path = services.pool.find(digest, proxy=True)
    strip = services.media.filmstrip(path, count=count, height=height, start=start, end=end)
    return Response(strip, media_type="image/jpeg", headers=FOREVER)


@router.get("/api/media/{digest}/peaks", **binary("application/octet-stream"))
def peaks(digest: Digest, services: Uses, per_second: int = Query(50, ge=1, le=1000)) -> Response:
    """The sound's peaks: little-endian float32 pairs (least, most) of the mono mix."""
    found = services.media.peaks(services.pool.find(digest), per_second=per_second)
    return Response(found, media_type="application/octet-stream", headers=FOREVER)


@router.post("/api/projects/{project}/media", **answers(MediaAnswer))
def add(project: AggregateId, body: AddBody, services: Uses) -> Answer:
    """Probes files and numbered images and adds them to the pool."""
    if body.missing == "keep":
        return Answer(MediaAnswer(*probing.add_each(services, project, body.paths, body.author(services))))
    return Answer(MediaAnswer(probing.add(services, project, body.paths, body.author(services))))


@router.post("/api/media/{media}/relink", **answers(MediaAnswer))
def relink(media: str, body: RelinkBody, services: Uses) -> Answer:
    """Tells the pool where a file (by its pool id) lies now."""
    return Answer(MediaAnswer([probing.relink(services, media, body.path, body.author(services))]))
