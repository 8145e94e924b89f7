"""What hosts are about to do with the memory."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from msgspec import Struct
from pydantic import Field

from genlock.daemon.answers import Answer
from genlock.daemon.openapi import answers
from genlock.daemon.provide import Body, Uses
from genlock.generation.memory.hints import Hint

router = APIRouter(prefix="/api")


class HintBody(Body):
    """What a host does now. `page` is what it shows, in its own words ("color", "deliver"); `gone` when it closes."""

    host: Annotated[str, Field(min_length=1, max_length=64)]
    page: Annotated[str, Field(max_length=64)] = ""
    playing: bool = False
    rendering: bool = False
    gone: bool = False


class HintAnswer(Struct):
    """Bytes the host is expected to take, and seconds until the hint is forgotten unless it is sent again."""

    expected: int
    lasts: float


@router.post("/hints", **answers(HintAnswer))
def hint(body: HintBody, services: Uses) -> Answer:
    """Makes room before a host takes memory: told when its page changes, when it starts to play or to render, and now and
    then while it stays so."""
    told = Hint(body.host.lower(), body.page, body.playing, body.rendering)
    if body.gone:
        services.hints.forget(told.host)
        return Answer(HintAnswer(0, 0.0))
    services.hints.hear(told)
    return Answer(HintAnswer(told.bytes, services.hints.lasts))
