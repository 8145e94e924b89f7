"""A stand-in for the Hugging Face Hub on 127.0.0.1: the parts of its interface that a pull uses."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import unquote, urlsplit

PIECE = 4096
"""Bytes sent at a time."""


class Repository:
    """Commits with their files, `main` is the last one. Files of 1 kB and more are in LFS, as weights are there."""

    def __init__(self) -> None:
        self.commits: dict[str, dict[str, bytes]] = {}
        self.main = ""

    def commit(self, files: dict[str, bytes]) -> str:
        self.main = hashlib.sha1(repr(sorted(files.items())).encode()).hexdigest()
        self.commits[self.main] = files
        return self.main


class Hub:
    """`cut` bytes of a file are sent before the connection breaks, as often as `cuts` says; `spoil` changes what is sent;
    `gated` wants `token`; `ranges` false answers a range with the whole file; `status` answers everything with it.
    `elsewhere` sends for files of LFS to another host, which notes the tokens it is given. `asked` are method, path and
    range of every request."""

    def __init__(self) -> None:
        self.repositories: dict[str, Repository] = {}
        self.asked: list[tuple[str, str, str]] = []
        self.cut, self.cuts = 0, 0
        self.spoil = False
        self.gated, self.token = False, "hf_good"
        self.ranges = True
        self.status = 0
        self.elsewhere = False
        self.tokens_elsewhere: list[str] = []
        self.sent = 0
        self.url = ""

    def repository(self, name: str) -> Repository:
        return self.repositories.setdefault(name, Repository())

    def fetched(self) -> list[str]:
        return [path.partition("/resolve/")[2].partition("/")[2] for _, path, _ in self.asked if "/resolve/" in path]


def _handler(hub: Hub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:
            pass

        def do_HEAD(self) -> None:
            self.do_GET()

        def do_GET(self) -> None:
            path = unquote(urlsplit(self.path).path)
            hub.asked.append((self.command, path, self.headers.get("Range", "")))
            if hub.status:
                self.refuse(hub.status, "")
            elif found := re.fullmatch(r"/api/models/([^/]+/[^/]+)/revision/(.+)", path):
                self.describe(*found.groups())
            elif found := re.fullmatch(r"/cdn/([^/]+/[^/]+)/([^/]+)/(.+)", path):
                name, commit, file = found.groups()
                hub.tokens_elsewhere.append(self.headers.get("Authorization", ""))
                self.send_file(commit, hub.repositories[name].commits[commit][file])
            elif found := re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path):
                self.resolve(*found.groups())
            else:
                self.refuse(404, "RepoNotFound")

        def files(self, name: str, revision: str) -> tuple[str, dict[str, bytes]] | None:
            repository = hub.repositories.get(name)
            if repository is None:
                self.refuse(401 if "Authorization" not in self.headers else 404, "RepoNotFound")
                return None
            commit = repository.main if revision == "main" else revision
            if commit not in repository.commits:
                self.refuse(404, "RevisionNotFound")
                return None
            return commit, repository.commits[commit]

        def describe(self, name: str, revision: str) -> None:
            found = self.files(name, revision)
            if found is None:
                return
            commit, files = found
            self.answer(
                json.dumps(
                    {
                        "id": name,
                        "sha": commit,
                        "siblings": [_sibling(path, data) for path, data in files.items()],
                        "private": False,
                        "downloads": 0,
                        "tags": [],
                    }
                ).encode(),
                200,
                {"Content-Type": "application/json"},
            )

        def resolve(self, name: str, revision: str, path: str) -> None:
            found = self.files(name, revision)
            if found is None:
                return
            commit, files = found
            if hub.gated and self.headers.get("Authorization") != f"Bearer {hub.token}":
                self.refuse(403 if "Authorization" in self.headers else 401, "GatedRepo")
            elif path not in files:
                self.refuse(404, "EntryNotFound")
            elif hub.elsewhere and len(files[path]) >= 1000:
                target = f"{hub.url.replace('127.0.0.1', 'localhost')}/cdn/{name}/{commit}/{path}"
                self.answer(b"", 302, {"Location": target})
            else:
                self.send_file(commit, files[path])

        def send_file(self, commit: str, data: bytes) -> None:
            sibling = _sibling("", data)
            headers = {"X-Repo-Commit": commit, "ETag": f'"{sibling.get("lfs", {}).get("sha256", sibling["blobId"])}"'}
            whole = bytes(byte ^ 1 for byte in data) if hub.spoil else data
            start, status = 0, 200
            if hub.ranges and (wanted := re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))):
                start, status = int(wanted[1]), 206
                headers["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
                if start >= len(data):
                    self.refuse(416, "")
                    return
            self.answer(whole[start:], status, headers)

        def refuse(self, status: int, code: str) -> None:
            self.answer(b"{}", status, {"X-Error-Code": code} if code else {})

        def answer(self, data: bytes, status: int, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(data))}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command == "HEAD":
                return
            large = len(data) > hub.cut > 0 and "/resolve/" in self.path and hub.cuts > 0
            for at in range(0, hub.cut if large else len(data), PIECE):
                piece = data[at : min(at + PIECE, hub.cut if large else len(data))]
                self.wfile.write(piece)
                hub.sent += len(piece)
            if large:
                hub.cuts -= 1
                self.wfile.flush()
                self.connection.close()

    return Handler


def _sibling(path: str, data: bytes) -> dict[str, Any]:
    blob = hashlib.sha1(f"blob {len(data)}\0".encode() + data).hexdigest()
    row: dict[str, Any] = {"rfilename": path, "size": len(data), "blobId": blob}
    if len(data) >= 1000:
        row["lfs"] = {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 130}
    return row


@contextmanager
def serving() -> Iterator[Hub]:
    hub = Hub()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(hub))
    server.daemon_threads = True
    server.handle_error = lambda request, address: None  # type: ignore[method-assign]  # clients that hang up
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    hub.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield hub
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
