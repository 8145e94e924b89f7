"""Sizes are bounded before anything is kept."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from genlock.daemon import wire
from genlock.daemon.server import embedded

SMALL = 65_536


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A daemon whose body limits are small."""
    folder = tmp_path_factory.mktemp("small")
    settings = {"json_limit": SMALL, "upload_limit": 2 * SMALL}
    (folder / "s.settings.json").write_text(json.dumps(settings))
    with embedded(folder / "s.genlock", [folder]) as running:
        yield running


def post(running: Any, path: str, content: Any, kind: str = "application/json") -> httpx.Response:
    headers = {"authorization": f"Bearer {running.token}", "content-type": kind}
    return httpx.post(running.base_url + path, content=content, headers=headers)


def chunks(size: int) -> Iterator[bytes]:
    for _ in range(size // 8192):
        yield b" " * 8192


@pytest.mark.parametrize("streamed", [False, True])
def test_a_body_that_is_too_large_is_refused(small: Any, streamed: bool) -> None:
    body = chunks(4 * SMALL) if streamed else b" " * (4 * SMALL)
    answer = post(small, "/api/commands", body)
    assert answer.status_code == 413
    assert answer.json()["error"]["code"] == "too_large"


@pytest.mark.parametrize("streamed", [False, True])
def test_an_upload_that_is_too_large_leaves_nothing(small: Any, streamed: bool) -> None:
    body = chunks(4 * SMALL) if streamed else b" " * (4 * SMALL)
    answer = post(small, "/api/uploads?name=big.otio", body, "application/octet-stream")
    assert answer.status_code == 413
    uploads = small.services.folder / "uploads"
    assert list(uploads.rglob("*")) == []


def test_an_upload_of_the_right_size_arrives_whole(small: Any) -> None:
    answer = post(small, "/api/uploads?name=cut.otio", b"x" * SMALL, "application/octet-stream")
    assert answer.status_code == 200
    assert Path(answer.json()["path"]).read_bytes() == b"x" * SMALL


@pytest.mark.parametrize(
    "name", ["../x.otio", "a/b.otio", "a\\b.otio", "x.html", "x.svg", "x", "", "x.otio\0.html", ".otio"]
)
def test_an_upload_needs_a_harmless_name(small: Any, name: str) -> None:
    answer = httpx.post(
        small.base_url + "/api/uploads",
        params={"name": name},
        content=b"x",
        headers={"authorization": f"Bearer {small.token}"},
    )
    assert answer.status_code == 400


@pytest.mark.parametrize("length", ["-1", "1e3", "x", "9" * 30])
def test_a_false_content_length_is_refused(small: Any, length: str) -> None:
    with socket.create_connection(("127.0.0.1", small.port), 5) as raw:
        raw.sendall(
            f"POST /api/commands HTTP/1.1\r\nHost: 127.0.0.1:{small.port}\r\nAuthorization: Bearer {small.token}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n".encode()
        )
        assert raw.recv(4096).split(b" ", 2)[1] in (b"400", b"413")


def test_an_oversized_message_closes_the_socket_only(small: Any) -> None:
    """Told by its header alone: not a byte of it is waited for."""
    hello = b'{"type":"hello","protocol":1}'
    size = (wire.MESSAGE_LIMIT + 1).to_bytes(8, "big")
    with socket.create_connection(("127.0.0.1", small.port), 5) as raw:
        raw.sendall(
            (
                f"GET /ws HTTP/1.1\r\nHost: 127.0.0.1:{small.port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
                f"Authorization: Bearer {small.token}\r\n\r\n"
            ).encode()
        )
        assert b" 101 " in raw.recv(4096)
        raw.sendall(b"\x81" + bytes([0x80 | len(hello)]) + b"\0\0\0\0" + hello)
        assert b"welcome" in raw.recv(65536)
        raw.sendall(b"\x81\xff" + size + b"\0\0\0\0")
        heard = b""
        while chunk := raw.recv(65536):
            heard += chunk
    at = heard.index(b"\x88")  # the close frame
    assert int.from_bytes(heard[at + 2 : at + 4], "big") == 1009
    assert httpx.get(small.base_url + "/health").status_code == 200


def test_deep_nesting_is_refused(small: Any) -> None:
    deep = '{"id":"deep","command":' + '{"do":' * 5000 + "1" + "}" * 5000 + "}"
    answer = post(small, "/api/commands", deep)
    assert answer.status_code == 400
