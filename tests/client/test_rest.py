from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from genlock_client.discovery import Endpoint
from genlock_client.errors import ClientError, Offline, ProtocolMismatch, Refused
from genlock_client.rest import Rest

BODY = bytes(range(256)) * 4096


class Handler(BaseHTTPRequestHandler):
    seen: list[dict[str, Any]] = []

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def _reply(self, status: int, body: bytes, kind: str = "application/json") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.seen.append({"method": self.command, "path": self.path, "headers": dict(self.headers), "body": body})
        if self.path.startswith("/fail/"):
            _, _, status, code = self.path.split("/")
            error = {"code": code, "message": "Because.", "hint": "Do this.", "conflicts": [1]}
            self._reply(int(status), json.dumps({"error": error}).encode())
        elif self.path == "/lost/once" and len(self.seen) == 1:
            self.close_connection = True
        elif self.path == "/foreign":
            self._reply(502, b"<html>")
        elif self.path == "/broken":
            self._reply(200, b"{")
        elif self.path == "/empty":
            self._reply(200, b"")
        elif self.path == "/media":
            span = self.headers.get("Range")
            if span:
                first, _, last = span.removeprefix("bytes=").partition("-")
                self._reply(206, BODY[int(first) : int(last) + 1 if last else None], "video/mp4")
            else:
                self._reply(200, BODY, "video/mp4")
        elif self.path.startswith("/api/uploads"):
            self._reply(200, b'{"path": "/up/cut.otio"}')
        else:
            self._reply(200, b'{"ok": true}')

    do_GET = do_POST = do_PATCH = _serve


@pytest.fixture
def rest() -> Iterator[Rest]:
    Handler.seen = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield Rest.at(Endpoint(server.server_address[1], "secret"), timeout=5)
    server.shutdown()
    thread.join()
    server.server_close()


def test_calls_carry_the_token_and_json(rest: Rest) -> None:
    assert rest.get("/api/jobs", project="p q", status=None, deep=True) == {"ok": True}
    assert rest.post("/api/x", {"a": [1]}) == {"ok": True}
    assert rest.patch("/api/settings", {"b": 2}) == {"ok": True}
    get, post, patch = Handler.seen
    assert get["path"] == "/api/jobs?project=p+q&deep=true"
    assert get["headers"]["Authorization"] == "Bearer secret"
    assert post["headers"]["Content-Type"] == "application/json"
    assert json.loads(post["body"]) == {"a": [1]}
    assert patch["method"] == "PATCH"


def test_a_command_gets_an_id_and_leaves_absent_fields_out(rest: Rest) -> None:
    rest.command({"do": "Undo"}, "seq", actor="ada", base_version=None)
    rest.command({"do": "Undo"}, "seq", id="mine")
    first, second = (json.loads(call["body"]) for call in Handler.seen)
    assert len(first["id"]) == 32
    assert {k: first[k] for k in first if k != "id"} == {"target": "seq", "command": {"do": "Undo"}, "actor": "ada"}
    assert second["id"] == "mine"


def test_a_call_that_lost_its_connection_is_made_again_with_the_same_id(rest: Rest) -> None:
    assert rest.post_once("/lost/once", {"a": 1}) == {"ok": True}
    first, second = (json.loads(call["body"]) for call in Handler.seen)
    assert first == second == {"a": 1, "id": first["id"]}
    assert len(first["id"]) == 32
    assert rest.post_once("/x", id="mine") == {"ok": True}
    assert json.loads(Handler.seen[-1]["body"]) == {"id": "mine"}
    with pytest.raises(ClientError):
        rest.post_once("/fail/409/overlap")
    assert len(Handler.seen) == 4


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (404, "no_such_project", ClientError),
        (409, "overlap", Refused),
        (400, "protocol_version", ProtocolMismatch),
        (503, "shutting_down", Offline),
        (401, "unauthorized", ClientError),
    ],
)
def test_errors_keep_code_message_hint_and_details(rest: Rest, status: int, code: str, kind: type) -> None:
    with pytest.raises(ClientError) as caught:
        rest.get(f"/fail/{status}/{code}")
    error = caught.value
    assert type(error) is kind
    assert (error.code, error.message, error.hint, error.status) == (code, "Because.", "Do this.", status)
    assert error.to_dict()["conflicts"] == [1]


def test_errors_that_are_not_ours_are_internal(rest: Rest) -> None:
    with pytest.raises(ClientError) as caught:
        rest.get("/foreign")
    assert (caught.value.code, caught.value.status) == ("internal", 502)
    with pytest.raises(ClientError):
        rest.get("/broken")
    assert rest.get("/empty") is None


def test_nobody_there_is_offline() -> None:
    with pytest.raises(Offline) as caught:
        Rest("http://127.0.0.1:9", "t", timeout=2).get("/health")
    assert caught.value.code == "daemon_absent"


def test_an_upload_is_streamed_with_its_length(rest: Rest, tmp_path: Path) -> None:
    file = tmp_path / "my cut.otio"
    file.write_bytes(BODY)
    assert rest.upload(file) == "/up/cut.otio"
    (call,) = Handler.seen
    assert call["path"] == "/api/uploads?name=my+cut.otio"
    assert call["body"] == BODY
    with pytest.raises(ClientError) as caught:
        rest.upload(tmp_path / "gone.otio")
    assert caught.value.code == "no_such_file"


def test_downloads_whole_and_by_range(rest: Rest, tmp_path: Path) -> None:
    target = tmp_path / "out.mp4"
    assert rest.download("/media", target) == len(BODY)
    assert target.read_bytes() == BODY
    assert rest.download("/media", target, span=(10, 19)) == 10
    assert target.read_bytes() == BODY[10:20]
    assert rest.download("/media", target, span=(len(BODY) - 5, None)) == 5


def test_a_failed_download_leaves_the_old_file_and_nothing_else(rest: Rest, tmp_path: Path) -> None:
    target = tmp_path / "out.mp4"
    target.write_bytes(b"old")
    with pytest.raises(ClientError):
        rest.download("/fail/404/no_such_media", target)
    assert target.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["out.mp4"]
    with pytest.raises(ClientError) as caught:
        rest.download("/media", tmp_path / "no" / "out.mp4")
    assert caught.value.code == "unwritable_folder"


def test_proxies_of_the_environment_are_not_used(rest: Rest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert Rest(rest.base_url, "t").get("/x") == {"ok": True}
