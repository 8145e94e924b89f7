"""Watched folders."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import Field

from genlock.daemon.answers import Answer
from genlock.daemon.dropping import Into
from genlock.daemon.openapi import answers
from genlock.daemon.provide import HEX, SignedBody, Uses
from genlock.daemon.watching import WatchView
from genlock.errors import NotFound

router = APIRouter(prefix="/api/watches")


class WatchBody(SignedBody):
    """`folder` is an absolute path inside the allowed roots, `into` the sequence that returned cuts are merged into. `poll`
    looks itself instead of being told by the system: for network mounts."""

    folder: str
    into: Annotated[str, Field(pattern=HEX)]
    policy: Literal["ask", "ours", "theirs", "both"] = "ask"
    poll: bool = False


@router.post("", **answers(WatchView, status=201))
def watch(body: WatchBody, services: Uses) -> Answer:
    """Starts to watch a folder, until it is told not to or the daemon ends."""
    folder = services.roots.resolve(body.folder)
    if not folder.is_dir():
        raise NotFound("no_such_file", f"There is no folder {body.folder!r}.")
    project = services.app.sequence_project(body.into)
    into = Into(project, body.into, body.policy)
    made = services.watches.add(folder, into, body.author(services), poll=body.poll)
    return Answer(made.view(), status_code=201)


@router.get("", **answers(list[WatchView]))
def watches(services: Uses) -> Answer:
    """All watched folders, with what became of the files in them."""
    return Answer([watch.view() for watch in services.watches.all()])


@router.get("/{watch}", **answers(WatchView))
def one(watch: str, services: Uses, after: int = Query(0, ge=0)) -> Answer:
    """A watched folder, with what became of files since entry `after`."""
    return Answer(services.watches.get(watch).view(after))


@router.post("/{watch}/stop", **answers(WatchView))
def stop(watch: str, services: Uses) -> Answer:
    """Stops watching a folder; the file in hand is finished first."""
    return Answer(services.watches.remove(watch).view())
