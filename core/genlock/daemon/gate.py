"""The one gate for HTTP and WebSocket: Host, Origin, Fetch-Metadata, token, JSON, size; then headers on every answer.

Pure ASGI, outside the application, so that no route can forget it. SECURITY.md has the table of its decisions.
"""

from __future__ import annotations

import logging
from time import perf_counter
from typing import Any

import orjson
from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from genlock.daemon.access import Access
from genlock.errors import AccessError, BadInput, GenlockError

log = logging.getLogger("genlock.access")

OPEN = frozenset({"/", "/index.html", "/favicon.ico", "/favicon.svg", "/health", "/login"})
"""What answers without a token: the panel's shell (which holds nothing secret), the sign of life, the login link."""
OPEN_FOLDERS = ("/assets/", "/blender/")
"""The same for folders: the shell's files, and the Blender extension, which Blender fetches without a token."""
UPLOADS = frozenset({"/api/uploads", "/v1/files", "/v1/audio/transcriptions"})
"""What takes a body that is no JSON."""
READING = frozenset({"GET", "HEAD", "OPTIONS"})
JSON_LIMIT = 32 * 1024 * 1024
UPLOAD_LIMIT = 4 * 1024 * 1024 * 1024
SECURITY_HEADERS: tuple[tuple[bytes, bytes], ...] = (
    (
        b"content-security-policy",
        b"default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' blob: data:; "
        b"media-src 'self' blob:; connect-src 'self'; font-src 'self'; worker-src 'self' blob:; "
        b"frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
)


class Gate:
    """Lets a request through to `app`, or answers it with a coded error before a byte of its body is read."""

    def __init__(
        self, app: ASGIApp, access: Access, *, json_limit: int = JSON_LIMIT, upload_limit: int = UPLOAD_LIMIT
    ) -> None:
        self._app = app
        self._access = access
        self._json_limit = json_limit
        self._upload_limit = upload_limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        try:
            self.check(scope)
        except GenlockError as error:
            await _refuse(scope, receive, send, error)
            return
        if scope["type"] == "websocket":
            await self._app(scope, receive, send)
            return
        exchange = _Exchange(scope, receive, send, self._limit(scope))
        await self._app(scope, exchange.receive, exchange.send)

    def check(self, scope: Scope) -> None:
        """Raises what stands against the request: AccessError (bad_host, bad_origin, unauthorized) or BadInput
        (not_json, too_large)."""
        headers = Headers(scope=scope)
        hosts = headers.getlist("host")
        if len(hosts) != 1 or hosts[0].lower() not in self._access.hosts:
            raise AccessError("bad_host")
        socket = scope["type"] == "websocket"
        method = "GET" if socket else scope["method"]
        is_open = not socket and method in READING and is_open_path(scope["path"])
        self._check_origin(headers, is_open=is_open)
        if is_open:
            return
        self._check_token(headers, changes=socket or method not in READING)
        if not socket and method not in READING:
            self._check_body(scope, headers)

    def _check_origin(self, headers: Headers, *, is_open: bool) -> None:
        origins = headers.getlist("origin")
        if any(origin not in self._access.origins for origin in origins):
            raise AccessError("bad_origin")
        foreign = headers.get("sec-fetch-site") in ("cross-site", "same-site")
        arriving = is_open and headers.get("sec-fetch-mode") == "navigate"
        if foreign and not arriving:
            raise AccessError("bad_origin")

    def _check_token(self, headers: Headers, *, changes: bool) -> None:
        authorization = headers.get("authorization")
        if authorization is not None:
            scheme, _, given = authorization.partition(" ")
            if scheme.lower() != "bearer" or not self._access.is_token(given.strip()):
                raise AccessError("unauthorized")
            return
        cookie = cookie_parser(headers.get("cookie", "")).get(self._access.cookie, "")
        if not self._access.is_session(cookie):
            raise AccessError("unauthorized")
        if changes and "origin" not in headers:
            raise AccessError("bad_origin", "A cookie alone changes nothing: the request must carry our Origin.")

    def _check_body(self, scope: Scope, headers: Headers) -> None:
        length = headers.get("content-length", "")
        if length and (not length.isascii() or not length.isdigit()):
            raise BadInput("bad_request", "Content-Length is not a number.")
        if int(length or 0) > self._limit(scope):
            raise BadInput("too_large", f"The body is larger than {self._limit(scope)} bytes.")
        if scope["path"] in UPLOADS:
            return
        kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        has_body = bool(int(length or 0)) or "transfer-encoding" in headers
        if kind != "application/json" and (kind or has_body):
            raise AccessError("not_json")

    def _limit(self, scope: Scope) -> int:
        return self._upload_limit if scope["path"] in UPLOADS else self._json_limit


class _Exchange:
    """One HTTP exchange behind the gate: counts the body, adds the headers, writes one log line without the query."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, limit: int) -> None:
        self._scope, self._receive, self._send, self._limit = scope, receive, send, limit
        self._read = 0
        self._refused = False
        self._begin = perf_counter()

    async def receive(self) -> Message:
        message = await self._receive()
        self._read += len(message.get("body", b""))
        if self._read > self._limit:
            self._refused = True
            raise BadInput("too_large", f"The body is larger than {self._limit} bytes.")
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            if self._refused and message["status"] != 413:
                # frameworks turn whatever their body reader raises into a 400 of their own
                self._scope = {**self._scope, "replaced": True}
                message = _start(BadInput("too_large"))
            kept = [row for row in message["headers"] if row[0].lower() not in _OWN]
            message = {**message, "headers": [*kept, *SECURITY_HEADERS]}
            self._log(message["status"])
        elif self._scope.get("replaced") and message["type"] == "http.response.body":
            message = {"type": "http.response.body", "body": _body(BadInput("too_large"))}
        await self._send(message)

    def _log(self, status: int) -> None:
        took = (perf_counter() - self._begin) * 1000
        path = self._scope.get("raw_path", b"").decode("latin-1").partition("?")[0]
        log.info("%s %s %d %.1f ms", self._scope["method"], path, status, took)


_OWN = {name for name, _ in SECURITY_HEADERS}


def is_open_path(path: str) -> bool:
    """Whether the path answers without a token (to reading requests only)."""
    return path in OPEN or path.startswith(OPEN_FOLDERS)


def _body(error: GenlockError) -> bytes:
    return orjson.dumps({"error": error.to_dict()})


def _start(error: GenlockError) -> dict[str, Any]:
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(_body(error)))]
    if error.code == "unauthorized":
        headers.append((b"www-authenticate", b'Bearer realm="genlock"'))
    return {"type": "http.response.start", "status": error.status, "headers": headers}


async def _refuse(scope: Scope, receive: Receive, send: Send, error: GenlockError) -> None:
    prefix = "websocket." if scope["type"] == "websocket" else ""
    if prefix:
        await receive()
    start = _start(error)
    # nothing more is read from a connection whose body was not wanted
    headers = [*start["headers"], (b"connection", b"close"), *SECURITY_HEADERS]
    log.info("refused %s %s", scope.get("raw_path", b"").decode("latin-1").partition("?")[0], error.code)
    await send({**start, "type": f"{prefix}http.response.start", "headers": headers})
    await send({"type": f"{prefix}http.response.body", "body": _body(error)})
