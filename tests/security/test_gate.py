"""The table of SECURITY.md, row by row, over real HTTP and WebSocket."""

from __future__ import annotations

import socket
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

HOSTS = [
    "evil.test",
    "evil.test:80",
    "evil.test:{p}",
    "127.0.0.1.evil.test:{p}",
    "localhost.evil.test:{p}",
    "localhost.:{p}",
    "127.0.0.1",
    "127.0.0.1:1",
    "0.0.0.0:{p}",
    "[::]:{p}",
    "169.254.169.254",
    "",
]
ORIGINS = [
    "null",
    "http://evil.test",
    "http://evil.test:{p}",
    "http://127.0.0.1:1",
    "http://127.0.0.1",
    "https://127.0.0.1:{p}",
    "file://",
    "http://localhost.evil.test:{p}",
    "http://127.0.0.1:{p}.evil.test",
    "HTTP://127.0.0.1:{p}/",
    "",
]


def socket_status(visitor: Any, headers: dict[str, str]) -> int:
    """The status a socket's handshake gets: 101 when it is let in."""
    try:
        with connect(visitor.base.replace("http", "ws") + "/ws", additional_headers=headers):
            return 101
    except InvalidStatus as refused:
        return refused.response.status_code


def raw_status(port: int, lines: list[str]) -> int:
    """The status of a request written by hand, for what no client library would send."""
    with socket.create_connection(("127.0.0.1", port), 5) as wire:
        wire.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        return int(wire.recv(65536).split(b" ", 2)[1])


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("path", ["/", "/health", "/api/projects", "/login?code=x"])
def test_a_foreign_host_is_misdirected(visitor: Any, host: str, path: str) -> None:
    host = host.format(p=visitor.daemon.port)
    answer = visitor.send("GET", path, {**visitor.bearer, "host": host})
    assert answer.status_code == 421
    assert answer.json()["error"]["code"] == "bad_host"


@pytest.mark.parametrize("host", HOSTS[:6])
def test_a_foreign_host_gets_no_socket(visitor: Any, host: str) -> None:
    status = raw_status(
        visitor.daemon.port,
        [
            "GET /ws HTTP/1.1",
            f"Host: {host.format(p=visitor.daemon.port)}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
            "Sec-WebSocket-Version: 13",
            f"Authorization: Bearer {visitor.daemon.token}",
        ],
    )
    assert status == 421


@pytest.mark.parametrize("host", ["127.0.0.1:{p}", "localhost:{p}", "LOCALHOST:{p}", "[::1]:{p}"])
def test_our_own_names_are_answered(visitor: Any, host: str) -> None:
    answer = visitor.send("GET", "/api/projects", {**visitor.bearer, "host": host.format(p=visitor.daemon.port)})
    assert answer.status_code == 200


def test_two_host_headers_are_refused(visitor: Any) -> None:
    port = visitor.daemon.port
    assert raw_status(port, ["GET /health HTTP/1.1", f"Host: 127.0.0.1:{port}", "Host: evil.test"]) in (400, 421)


@pytest.mark.parametrize("origin", ORIGINS)
@pytest.mark.parametrize(("method", "path"), [("GET", "/"), ("GET", "/api/projects"), ("POST", "/api/commands")])
@pytest.mark.parametrize("who", ["bearer", "cookie"])
def test_a_foreign_origin_is_refused(visitor: Any, origin: str, method: str, path: str, who: str) -> None:
    headers = {**getattr(visitor, who), "origin": origin.format(p=visitor.daemon.port)}
    answer = visitor.send(method, path, headers)
    assert answer.status_code == 403
    assert answer.json()["error"]["code"] == "bad_origin"


@pytest.mark.parametrize("origin", ORIGINS)
def test_a_foreign_origin_gets_no_socket(visitor: Any, origin: str) -> None:
    headers = {**visitor.bearer, "origin": origin.format(p=visitor.daemon.port)}
    assert socket_status(visitor, headers) == 403


@pytest.mark.parametrize(
    ("site", "mode", "path", "wanted"),
    [
        ("cross-site", "cors", "/", 403),
        ("cross-site", "no-cors", "/", 403),
        ("same-site", "no-cors", "/", 403),
        ("cross-site", "navigate", "/", 200),
        ("same-site", "navigate", "/", 200),
        ("same-origin", "cors", "/", 200),
        ("none", "navigate", "/", 200),
        # a foreign page may lead a person to the panel, never to an answer of the API
        ("same-site", "navigate", "/api/projects", 403),
        ("cross-site", "navigate", "/api/projects", 403),
        ("same-origin", "cors", "/api/projects", 200),
    ],
)
def test_fetch_metadata(visitor: Any, site: str, mode: str, path: str, wanted: int) -> None:
    headers = {**visitor.cookie, "sec-fetch-site": site, "sec-fetch-mode": mode}
    assert visitor.send("GET", path, headers).status_code == wanted


def test_a_cross_site_post_is_refused_even_as_a_navigation(visitor: Any) -> None:
    headers = {**visitor.bearer, "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}
    assert visitor.send("POST", "/api/shutdown", headers).status_code == 403


@pytest.mark.parametrize(
    "authorization",
    ["", "Bearer", "Bearer wrong", "Bearer {t}x", "bearer", "Basic {t}", "Token {t}", "{t}", "Digest username=x"],
)
def test_a_wrong_token_is_refused(visitor: Any, authorization: str) -> None:
    headers = {"authorization": authorization.format(t=visitor.daemon.token)}
    for more in ({}, visitor.cookie):  # a cookie beside a wrong Authorization does not help
        answer = visitor.send("GET", "/api/projects", {**headers, **more})
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Bearer")
        assert visitor.daemon.token not in answer.text


def test_no_token_no_answer(visitor: Any) -> None:
    assert visitor.send("GET", "/api/projects").status_code == 401
    assert visitor.send("GET", "/nowhere").status_code == 401


def test_the_session_cookie_is_no_token(visitor: Any) -> None:
    session = visitor.daemon.services.access.session
    assert visitor.send("GET", "/api/projects", {"authorization": f"Bearer {session}"}).status_code == 401


def test_the_token_is_no_cookie(visitor: Any) -> None:
    access = visitor.daemon.services.access
    assert visitor.send("GET", "/api/projects", {"cookie": f"{access.cookie}={access.token}"}).status_code == 401


def test_a_cookie_alone_changes_nothing(visitor: Any) -> None:
    command = {"id": "by-cookie", "command": {"do": "CreateProject", "name": "By cookie"}}
    assert visitor.send("POST", "/api/commands", visitor.cookie, json=command).status_code == 403
    assert visitor.send("GET", "/api/projects", visitor.cookie).json() == []
    owned = {**visitor.cookie, "origin": visitor.base}
    assert visitor.send("POST", "/api/commands", owned, json=command).status_code == 200


def test_a_cookie_alone_opens_no_socket(visitor: Any) -> None:
    assert socket_status(visitor, visitor.cookie) == 403
    assert socket_status(visitor, {**visitor.cookie, "origin": visitor.base}) == 101


@pytest.mark.parametrize(
    ("headers", "wanted"),
    [
        ({}, 401),
        ({"authorization": "Bearer no"}, 401),
        ({"authorization": "Basic x", "cookie": "ours"}, 401),
        ({"cookie": "genlock=1"}, 401),
    ],
)
def test_a_socket_needs_the_token(visitor: Any, headers: dict[str, str], wanted: int) -> None:
    assert socket_status(visitor, headers) == wanted


@pytest.mark.parametrize(
    "kind",
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/jsonx", ""],
)
def test_only_json_is_read(visitor: Any, kind: str) -> None:
    body = '{"id":"form","command":{"do":"CreateProject","name":"Form"}}'
    headers = {**visitor.bearer, **({"content-type": kind} if kind else {})}
    answer = visitor.send("POST", "/api/commands", headers, content=body)
    assert answer.status_code == 415
    assert answer.json()["error"]["code"] == "not_json"


def test_json_with_a_charset_is_json(visitor: Any) -> None:
    headers = {**visitor.bearer, "content-type": "application/json; charset=utf-8"}
    answer = visitor.send("POST", "/api/commands", headers, content='{"id":"c","command":{"do":"Nothing"}}')
    assert answer.json()["error"]["code"] == "unknown_command"


@pytest.mark.parametrize("method", ["OPTIONS", "GET", "POST"])
def test_no_cors_headers_ever(visitor: Any, method: str) -> None:
    asked = {"origin": "http://evil.test", "access-control-request-method": "POST"}
    for headers in (asked, {**visitor.bearer, "origin": visitor.base}):
        answer = visitor.send(method, "/api/commands", headers)
        assert not [name for name in answer.headers if name.startswith("access-control")]


@pytest.mark.parametrize(
    ("method", "path", "known"),
    [
        ("GET", "/", True),
        ("GET", "/health", False),
        ("GET", "/api/projects", True),
        ("GET", "/api/projects", False),
        ("GET", "/nowhere", True),
        ("POST", "/api/commands", True),
        ("DELETE", "/api/projects", True),
    ],
)
def test_security_headers_on_every_answer(visitor: Any, method: str, path: str, known: bool) -> None:
    headers = visitor.send(method, path, visitor.bearer if known else {}).headers
    policy = headers["content-security-policy"]
    for part in (
        "default-src 'none'",
        "script-src 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "connect-src 'self'",
    ):
        assert part in policy
    assert "unsafe-eval" not in policy
    assert "script-src 'self' 'unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert "server" not in headers
