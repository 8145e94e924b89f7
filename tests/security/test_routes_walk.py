"""Deny by default: every route there is, without a token and with a wrong one."""

from __future__ import annotations

from typing import Any

from fastapi.routing import APIRoute
from starlette.routing import Route, WebSocketRoute

from genlock.daemon.app import create_app
from genlock.daemon.gate import is_open_path

OPEN_TO_ALL = {"/", "/index.html", "/favicon.ico", "/favicon.svg", "/health", "/login", "/assets/{name}"}
OPEN_TO_ALL |= {"/blender/index.json", "/blender/{archive}.zip"}


def rows(visitor: Any) -> list[tuple[str, str]]:
    app = create_app(visitor.daemon.services)
    found = []
    for route in app.routes:
        assert isinstance(route, APIRoute | Route | WebSocketRoute), f"{route} escapes the walk"
        if not isinstance(route, WebSocketRoute):
            found += [(method, route.path) for method in route.methods or ()]
    return found


def concrete(path: str) -> str:
    for name in ("project", "sequence", "shot", "job", "media", "task", "watch", "digest", "name", "id", "archive"):
        path = path.replace("{" + name + "}", "0" * 32)
    assert "{" not in path
    return path


def test_the_walk_sees_the_whole_application(visitor: Any) -> None:
    assert len(rows(visitor)) > 40
    app = create_app(visitor.daemon.services)
    assert [route.path for route in app.routes if isinstance(route, WebSocketRoute)] == ["/ws"]


def test_only_the_shell_answers_without_a_token(visitor: Any) -> None:
    reached = set()
    for method, path in rows(visitor):
        for headers in ({}, {"authorization": "Bearer wrong"}, {"cookie": f"genlock_{visitor.daemon.port}=wrong"}):
            status = visitor.send(method, concrete(path), headers).status_code
            if path in OPEN_TO_ALL and method in ("GET", "HEAD"):
                reached.add(path)
            else:
                assert status == 401, f"{method} {path} answered {status} to {headers}"
    assert reached == OPEN_TO_ALL


def test_what_is_open_is_exactly_what_the_gate_says(visitor: Any) -> None:
    paths = {path for _, path in rows(visitor)}
    assert {path for path in paths if is_open_path(path)} == OPEN_TO_ALL


def test_no_body_is_read_before_the_token_was_checked(visitor: Any) -> None:
    import socket

    with socket.create_connection(("127.0.0.1", visitor.daemon.port), 5) as wire:
        wire.sendall(
            f"POST /api/commands HTTP/1.1\r\nHost: 127.0.0.1:{visitor.daemon.port}\r\n"
            "Content-Type: application/json\r\nContent-Length: 1000000\r\n\r\n".encode()
        )
        wire.settimeout(5)
        assert b" 401 " in wire.recv(4096).split(b"\r\n")[0]


def test_reading_never_changes_anything(visitor: Any) -> None:
    before = visitor.daemon.services.app.head_id()
    for method, path in rows(visitor):
        if method in ("GET", "HEAD"):
            visitor.send(method, concrete(path), visitor.bearer)
    assert visitor.daemon.services.app.head_id() == before
