"""JSON answers, and the one place where errors become HTTP."""

from __future__ import annotations

import json
from typing import Any

import msgspec
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from immutables import Map
from starlette.exceptions import HTTPException
from starlette.responses import Response

from genlock.errors import CODES, BadInput, GenlockError, NotFound


def encode(value: Any) -> bytes:
    """Returns the JSON of a value; immutable maps become objects."""
    try:
        return msgspec.json.encode(value, enc_hook=_plain)
    except UnicodeEncodeError:  # half a surrogate pair, as a file name that is no text has it, goes back as it came
        return json.dumps(msgspec.to_builtins(value, enc_hook=_plain)).encode()


def _plain(value: Any) -> Any:
    if isinstance(value, Map):
        return dict(value)
    raise TypeError(type(value).__name__)


class Answer(Response):
    """A JSON answer made by msgspec: states go out as they are, unvalidated (the tests validate them)."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        return content if isinstance(content, bytes) else encode(content)


def error_answer(error: GenlockError) -> Answer:
    """Returns the answer for an error."""
    return Answer({"error": error.to_dict()}, status_code=error.status)


def install(app: FastAPI) -> None:
    """Makes every error of the application one of the table."""
    app.add_exception_handler(GenlockError, _known)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _unknown)


async def _known(request: Request, error: Exception) -> Answer:
    assert isinstance(error, GenlockError)
    return error_answer(error)


async def _invalid(request: Request, error: Exception) -> Answer:
    assert isinstance(error, RequestValidationError)
    rows = error.errors()
    if rows and rows[0]["type"] == "json_invalid":
        return error_answer(BadInput("bad_json", "The body is not valid JSON."))
    fields = [{"field": ".".join(map(str, row["loc"])), "message": row["msg"]} for row in rows[:20]]
    first = f"{fields[0]['field']}: {fields[0]['message']}" if fields else ""
    return error_answer(BadInput("bad_request", first, fields=fields))


async def _http(request: Request, error: Exception) -> Answer:
    assert isinstance(error, HTTPException)
    if error.status_code == 404:
        return error_answer(NotFound("not_found"))
    code = {400: "bad_json", 405: "bad_request", 413: "too_large", 415: "not_json", 416: "bad_value"}.get(
        error.status_code, "bad_request"
    )
    answer = error_answer(GenlockError(code, str(error.detail)))
    answer.status_code = error.status_code
    for name, value in (error.headers or {}).items():
        answer.headers[name] = value
    return answer


async def _unknown(request: Request, error: Exception) -> Answer:
    # the server logs the traceback, once: Starlette raises the error again after this answer
    return Answer({"error": GenlockError("internal").to_dict()}, status_code=CODES["internal"].status)
