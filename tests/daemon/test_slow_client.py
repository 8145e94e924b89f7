"""One client that does not read must cost nobody but itself."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from typing import Any
from uuid import uuid4

import pytest
from websockets.exceptions import ConnectionClosed

from genlock.application.commands import decode_command
from genlock.application.envelope import Envelope
from genlock.daemon import socket as daemon_socket
from genlock.daemon.server import embedded

NOTE = "x" * 30_000


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A daemon with little patience, and room for 256 KiB a client."""
    folder: Path = tmp_path_factory.mktemp("busy")
    (folder / "s.settings.json").write_text('{"backlog_bytes": 262144}')
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(daemon_socket, "STALL_SECONDS", 1.0)
        with embedded(folder / "s.genlock", [folder]) as running:
            yield running


def note(project: str) -> Envelope:
    command = decode_command({"do": "Note", "note": "long", "data": {"text": NOTE}})
    return Envelope(id=uuid4().hex, command=command, target=project, actor="bob")


def test_a_client_that_reads_nothing_is_cut_off_and_comes_back(busy: Any, person: Any) -> None:
    ann = person(busy)
    project = ann.project("Busy")
    with ann.socket(project=project) as slow, ann.socket(project=project) as fast:
        seen: list[int] = []
        reader = Thread(target=lambda: seen.extend(e["v"] for e in fast.events(ann.services.app.head_id() + 400)))
        head = ann.services.app.head_id()
        reader.start()
        for _ in range(400):
            ann.services.app.execute(note(project))
        reader.join(20)
        assert seen == list(range(2, 402))
        time.sleep(0.1)
        got, resync = drain(slow)
        assert got == list(range(2, 2 + len(got)))
        assert len(got) < 400
        if resync is None:
            # it did not even take the last frame in time: its own cursor is what it comes back with
            resync = {"cursor": {"log": ann.services.hub.log, "id": head + len(got)}}
        assert resync["cursor"]["id"] == head + len(got)
    with ann.socket(project=project, cursor=resync["cursor"]) as back:
        rest = back.events(head + 400)
        assert [event["v"] for event in rest] == list(range(2 + len(got), 402))
    until = time.monotonic() + 10  # the daemon hears of a goodbye a moment later
    while ann.services.hub.clients and time.monotonic() < until:
        time.sleep(0.02)
    assert ann.services.hub.clients == 0


def drain(slow: Any) -> tuple[list[int], dict[str, Any] | None]:
    versions: list[int] = []
    try:
        while True:
            message = slow.receive()
            if message["type"] == "resync":
                assert slow.close_code() == 4008
                return versions, message
            versions += [event["v"] for event in message.get("events", ())]
    except ConnectionClosed:
        return versions, None


def test_a_client_that_never_reads_again_is_forgotten(busy: Any, person: Any) -> None:
    import socket as plain

    ann = person(busy)
    project = ann.project("Dead")
    with plain.create_connection(("127.0.0.1", busy.port)) as wire:
        wire.setsockopt(plain.SOL_SOCKET, plain.SO_RCVBUF, 4096)
        wire.sendall(
            (
                f"GET /ws HTTP/1.1\r\nHost: 127.0.0.1:{busy.port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
                f"Authorization: Bearer {busy.token}\r\n\r\n"
            ).encode()
        )
        assert b"101" in wire.recv(300)
        wire.sendall(masked(b'{"type":"hello","protocol":1,"project":"%s"}' % project.encode()))
        wait_for(lambda: ann.services.hub.clients == 1)
        for _ in range(400):
            ann.services.app.execute(note(project))
        wait_for(lambda: ann.services.hub.clients == 0)


def masked(payload: bytes) -> bytes:
    """A client's text frame, masked with zeros."""
    length = bytes([0x80 | len(payload)]) if len(payload) < 126 else b"\xfe" + len(payload).to_bytes(2, "big")
    return b"\x81" + length + b"\0\0\0\0" + payload


def wait_for(holds: Any, seconds: float = 15) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.02)
