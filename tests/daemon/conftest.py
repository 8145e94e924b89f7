"""A real daemon on a free port, a REST client whose answers are checked against the documents, and socket clients."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import msgspec
import pytest
from fastapi.routing import APIRoute
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from genlock.daemon import app as daemon_app
from genlock.daemon.openapi import answer_type
from genlock.daemon.server import Running, embedded

ROUTES = [
    (route, method)
    for module in daemon_app.ROUTERS
    for route in module.router.routes
    if isinstance(route, APIRoute) and "HEAD" not in route.methods
    for method in route.methods
]


def documented_type(method: str, path: str) -> Any:
    """The type that the documents promise for an answer, None for bytes."""
    for route, its in ROUTES:
        if its == method and route.path_regex.match(path):
            return answer_type(route)
    return None


class Person:
    """Somebody with the token. Every good JSON answer is checked against its documented type."""

    def __init__(self, daemon: Running) -> None:
        self.daemon = daemon
        self.services = daemon.services
        self.http = httpx.Client(
            base_url=daemon.base_url, headers={"authorization": f"Bearer {daemon.token}"}, timeout=60
        )

    def request(self, method: str, path: str, **more: Any) -> httpx.Response:
        answer = self.http.request(method, path, **more)
        if answer.is_success:
            type_ = documented_type(method, path.partition("?")[0])
            if type_ is not None:
                msgspec.json.decode(answer.content, type=type_)
        elif answer.status_code != 304:
            error = answer.json()["error"]
            assert {"code", "message", "hint"} <= set(error)
        return answer

    def get(self, path: str, **params: Any) -> Any:
        answer = self.request("GET", path, params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path: str, body: Any = None) -> Any:
        answer = self.request("POST", path, json=body if body is not None else {})
        assert answer.is_success, answer.text
        return answer.json()

    def refused(self, method: str, path: str, **more: Any) -> tuple[int, str]:
        answer = self.request(method, path, **more)
        assert not answer.is_success, answer.text
        return answer.status_code, answer.json()["error"]["code"]

    def command(self, do: str, target: str = "", **fields: Any) -> dict[str, Any]:
        made: dict[str, Any] = self.post(
            "/api/commands", {"id": uuid4().hex, "target": target, "actor": "ann", "command": {"do": do, **fields}}
        )
        return made

    def project(self, name: str = "", **settings: Any) -> str:
        made = self.command("CreateProject", name=name or f"P {uuid4().hex[:8]}", settings=settings)
        return str(made["created"][0])

    def sequence(self, project: str, name: str = "Reel") -> str:
        return str(self.command("CreateSequence", project=project, name=name)["created"][0])

    def track(self, sequence: str, kind: str = "video") -> str:
        tracks = self.get(f"/api/sequences/{sequence}")["tracks"]
        return next(t["id"] for t in tracks if t["kind"] == kind)

    def append(
        self, sequence: str, track: str, *, duration: int = 24, name: str = "", source: Any = None
    ) -> dict[str, Any]:
        item = {
            "id": f"i{uuid4().hex[:16]}",
            "duration": duration,
            "name": name,
            "source": source or {"type": "generator", "generator": "color"},
        }
        return {**self.command("AppendItem", sequence, track=track, item=item), "item": item["id"]}

    def socket(self, **hello: Any) -> Wire:
        return Wire(self.daemon, **hello)


class Wire:
    """A socket client that said hello."""

    def __init__(self, daemon: Running, *, greet: bool = True, **hello: Any) -> None:
        url = daemon.base_url.replace("http", "ws") + "/ws"
        headers = {"authorization": f"Bearer {daemon.token}"}
        self._stack = ExitStack()
        self.connection: ClientConnection = self._stack.enter_context(
            connect(url, additional_headers=headers, max_size=None)
        )
        self.welcome: dict[str, Any] = {}
        if greet:
            self.send(**{"type": "hello", "protocol": 1, "host": "test", "actor": "ann", **hello})
            self.welcome = self.receive()

    def __enter__(self) -> Wire:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def send(self, **message: Any) -> None:
        self.connection.send(json.dumps(message))

    def receive(self, timeout: float = 10) -> dict[str, Any]:
        message: dict[str, Any] = json.loads(self.connection.recv(timeout))
        return message

    def until(self, type_: str, timeout: float = 10, **fields: Any) -> dict[str, Any]:
        """The next message of a type, others passed over."""
        end = time.monotonic() + timeout
        while True:
            message = self.receive(max(0.01, end - time.monotonic()))
            if message["type"] == type_ and fields.items() <= message.items():
                return message

    def events(self, upto: int) -> list[dict[str, Any]]:
        """Events until one with notification id `upto` came."""
        found: list[dict[str, Any]] = []
        while not found or found[-1]["n"] < upto:
            found += self.until("events")["events"]
        return found

    def command(self, do: str, target: str = "", id: str = "", **fields: Any) -> dict[str, Any]:
        """Sends a command and returns its answer, accepted or refused."""
        id = id or uuid4().hex
        self.send(type="command", id=id, target=target, command={"do": do, **fields})
        while True:
            message = self.receive()
            if message["type"] in ("accepted", "refused") and message["id"] == id:
                return message

    def close_code(self) -> int:
        """Reads until the daemon closes, and returns the code."""
        with pytest.raises(ConnectionClosed) as closed:
            self._drain()
        assert closed.value.rcvd is not None
        return closed.value.rcvd.code

    def _drain(self) -> None:
        while True:
            self.connection.recv(10)


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("studio")
    (folder / "media").mkdir()
    return folder


@pytest.fixture(scope="module")
def daemon(studio: Path) -> Iterator[Running]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GENLOCK_RUNTIME_DIR", str(studio / "run"))
        patch.setenv("GENLOCK_HOME", str(studio / "home"))
        with embedded(studio / "store" / "studio.genlock", [studio / "media"]) as running:
            yield running


@pytest.fixture(scope="module")
def ann(daemon: Running) -> Iterator[Person]:
    person = Person(daemon)
    yield person
    person.http.close()


@pytest.fixture
def person() -> Iterator[Callable[[Running], Person]]:
    """Makes somebody with the token of any daemon."""
    made: list[Person] = []

    def make(daemon: Running) -> Person:
        made.append(Person(daemon))
        return made[-1]

    yield make
    for each in made:
        each.http.close()
