"""One route for every command."""

from __future__ import annotations

import asyncio

import msgspec
from fastapi import APIRouter, Request

from genlock.daemon.answers import Answer
from genlock.daemon.openapi import answers
from genlock.daemon.provide import Uses
from genlock.daemon.views import CommandAnswer, CommandBody, CommandRequest
from genlock.errors import BadInput

router = APIRouter(prefix="/api")


@router.post("/commands", **answers(CommandAnswer, body=CommandRequest))
async def command(request: Request, services: Uses) -> Answer:
    """Carries out a command and answers when it is durable. Repeating it with the same id repeats the answer."""
    try:
        body = msgspec.json.decode(await request.body(), type=CommandBody)
    except msgspec.ValidationError as error:
        raise BadInput("bad_request", f"{error}.") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadInput("bad_json", "The body is not valid JSON.") from error
    return Answer(await asyncio.wrap_future(services.submit(body, actor=body.actor[:64], host=body.host[:64])))
