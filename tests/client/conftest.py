"""A loopback daemon that speaks the wire and can be told to misbehave. Its state is one shot with a counted note."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection, serve

from genlock_client.discovery import Endpoint

SHOT = "a" * 32
PROJECT = "b" * 32


class FakeDaemon:
    """`log` holds the events; faults are one-shot flags that the next fitting moment uses up."""

    def __init__(self) -> None:
        self.log_id = "log-1"
        self.token = "secret"
        self.log: list[dict[str, Any]] = []
        self.done: dict[str, dict[str, Any]] = {}
        self.hellos: list[dict[str, Any]] = []
        self.presences: list[Any] = []
        self.headers: list[str | None] = []
        self.lose_next_answer = False
        self.skip_next_event = False
        self.on_hello: Any = None
        self.clients: list[ServerConnection] = []
        self._lock = threading.RLock()
        self._port = 0
        self.start()

    def start(self) -> None:
        self._server = serve(self._serve, "127.0.0.1", self._port, compression=None)
        self._port = self._server.socket.getsockname()[1]
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Goes down at once, cutting every connection."""
        self._server.socket.close()
        self.cut()
        self._server.shutdown()
        self._thread.join(5)

    @property
    def endpoint(self) -> Endpoint:
        return Endpoint(self._port, self.token)

    def cut(self) -> None:
        """Breaks all connections without a goodbye."""
        for client in list(self.clients):
            try:
                client.socket.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue

    def broadcast(self, text: str) -> None:
        for client in list(self.clients):
            try:
                client.send(text)
            except ConnectionClosed:
                continue

    def snapshot(self) -> dict[str, Any]:
        shot = {"id": SHOT, "version": len(self.log), "note": self.log[-1]["e"]["note"] if self.log else ""}
        return {
            "projects": [],
            "project": {"id": PROJECT, "name": "Film", "version": 1},
            "sequences": [],
            "shots": [shot] if self.log else [],
            "jobs": [],
        }

    def append(self, note: str) -> dict[str, Any]:
        """Stores an event and sends it to everyone."""
        with self._lock:  # nobody may join between the log and the broadcast
            n = len(self.log) + 1
            value = {"id": SHOT, "version": n, "note": note}
            event = {"n": n, "o": SHOT, "v": n, "t": "Noted@1", "e": {"note": note}, "effects": [["shot", SHOT, value]]}
            self.log.append(event)
            if self.skip_next_event:
                self.skip_next_event = False
            else:
                self.broadcast(self.events([event]))
            return event

    def events(self, events: list[dict[str, Any]]) -> str:
        cursor = {"log": self.log_id, "id": events[-1]["n"] if events else len(self.log)}
        return json.dumps({"type": "events", "events": events, "cursor": cursor})

    def _serve(self, client: ServerConnection) -> None:
        request = client.request
        assert request is not None
        self.headers.append(request.headers.get("Authorization"))
        try:
            hello = json.loads(client.recv())
            self.hellos.append(hello)
            if self.on_hello is not None:
                action, self.on_hello = self.on_hello, None
                action(client)
                return
            with self._lock:
                self._welcome(client, hello)
                self.clients.append(client)
            for text in client:
                self._message(client, json.loads(text))
        except (ConnectionClosed, OSError):
            return
        finally:
            if client in self.clients:
                self.clients.remove(client)

    def _welcome(self, client: ServerConnection, hello: dict[str, Any]) -> None:
        cursor = hello["cursor"]
        usable = cursor is not None and cursor["log"] == self.log_id and cursor["id"] <= len(self.log)
        tail = self.log[cursor["id"] :] if usable else []
        welcome = {
            "type": "welcome",
            "protocol": 1,
            "version": "0",
            "log": self.log_id,
            "cursor": cursor if usable else {"log": self.log_id, "id": len(self.log)},
            "session": f"s{len(self.hellos)}",
            "snapshot": None if usable else self.snapshot(),
            "behind": len(tail),
        }
        client.send(json.dumps(welcome))
        for at in range(0, len(tail), 64):
            client.send(self.events(tail[at : at + 64]))

    def _message(self, client: ServerConnection, message: dict[str, Any]) -> None:
        if message["type"] == "ping":
            client.send('{"type":"pong"}')
        elif message["type"] == "presence":
            self.presences.append(message["state"])
        elif message["type"] == "command":
            self._command(client, message)

    def _command(self, client: ServerConnection, message: dict[str, Any]) -> None:
        if message["command"]["do"] != "Note":
            refused = {"type": "refused", "id": message["id"], "code": "overlap", "message": "No.", "hint": "Ask."}
            client.send(json.dumps({**refused, "conflicts": [{"code": "overlap", "id": "i1"}]}))
            return
        with self._lock:
            first = self.done.get(message["id"])
            event = first or self.append(message["command"]["note"])
            self.done[message["id"]] = event
        if self.lose_next_answer:
            self.lose_next_answer = False
            client.socket.shutdown(socket.SHUT_RDWR)
            return
        accepted = {"type": "accepted", "id": message["id"], "target": SHOT, "version": event["v"]}
        cursor = {"log": self.log_id, "id": event["n"]}
        client.send(json.dumps({**accepted, "cursor": cursor, "duplicate": first is not None, "created": []}))


@pytest.fixture
def daemon() -> Iterator[FakeDaemon]:
    fake = FakeDaemon()
    yield fake
    fake.stop()
