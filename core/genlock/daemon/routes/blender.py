"""The Blender extension, as a repository that Blender itself can follow: one address, and it stays up to date."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from genlock.blender import repository
from genlock.daemon.answers import Answer
from genlock.daemon.openapi import answers, binary
from genlock.errors import NotFound

router = APIRouter(prefix="/blender")

FRESH = {"cache-control": "no-cache"}


@router.get("/index.json", **answers(repository.Index))
def index() -> Answer:
    """What Blender asks a repository for: the extension's version, size and hash. Needs no token."""
    return Answer(repository.index(repository.current()), headers=FRESH)


@router.get("/{archive}.zip", **binary("application/zip"))
def archive(archive: str) -> Response:
    """The extension itself, under the name that the index gives it. Needs no token."""
    extension = repository.current()
    if f"{archive}.zip" != extension.name:
        raise NotFound("not_found")
    return Response(extension.content, media_type="application/zip", headers=FRESH)
