"""Sizes are bounded before anything is kept."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

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
    import socket

    with socket.create_connection(("127.0.0.1", small.port), 5) as raw:
        raw.sendall(
            f"POST /api/commands HTTP/1.1\r\nHost: 127.0.0.1:{small.port}\r\nAuthorization: Bearer {small.token}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n".encode()
        )
        assert raw.recv(4096).split(b" ", 2)[1] in (b"400", b"413")


def send_and_drain(socket: Any, text: str) -> None:
    socket.send(text)
    while True:
        socket.recv(timeout=10)


def test_an_oversized_message_closes_the_socket_only(small: Any) -> None:
    url = small.base_url.replace("http", "ws") + "/ws"
    with connect(url, additional_headers={"authorization": f"Bearer {small.token}"}, max_size=None) as socket:
        socket.send(json.dumps({"type": "hello", "protocol": 1}))
        socket.recv()
        with pytest.raises(ConnectionClosed) as closed:
            send_and_drain(socket, "x" * (wire.MESSAGE_LIMIT + 1))
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1009
    assert httpx.get(small.base_url + "/health").status_code == 200


def test_deep_nesting_is_refused(small: Any) -> None:
    deep = '{"id":"deep","command":' + '{"do":' * 5000 + "1" + "}" * 5000 + "}"
    answer = post(small, "/api/commands", deep)
    assert answer.status_code == 400
