"""Who else uses the memory, and a stand-in of an Ollama server that is there, slow, down or talking nonsense."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from time import monotonic, sleep
from typing import Any

import pytest

from genlock.generation.memory.machine import GiB
from genlock.generation.memory.tenants import FRESH, LOADING, PAUSE, Ollama, Recent, Resident, tenant


class Server:
    """An Ollama that gives memory back a few looks after it said so."""

    def __init__(self) -> None:
        self.models: dict[str, int] = {}
        self.asked: list[str] = []
        self.delay, self.answer = 0.0, b""
        self.free, self.pending = 10 * GiB, 0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._reply(outer.ps())

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                self._reply(outer.unload(body))

            def _reply(self, data: bytes) -> None:
                outer.asked.append(self.path)
                sleep(outer.delay)
                self.send_response(200)
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *arguments: Any) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.handle_error = lambda *arguments: None  # type: ignore[method-assign]  # who asked gave up
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        Thread(target=self.http.serve_forever, args=(0.01,), daemon=True).start()

    def ps(self) -> bytes:
        rows = [{"name": name, "size": 1, "size_vram": size, "details": {}} for name, size in self.models.items()]
        return self.answer or json.dumps({"models": rows}).encode()

    def unload(self, body: dict[str, Any]) -> bytes:
        assert body["keep_alive"] == 0
        self.pending = self.models.pop(body["model"])
        return b"{}"

    def look(self) -> int:
        """Memory comes back at the third look."""
        if self.pending:
            self._looks = getattr(self, "_looks", 0) + 1
            if self._looks >= 3:
                self.free, self.pending = self.free + self.pending, 0
        return self.free


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.http.shutdown()
    made.http.server_close()


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def wait(self, seconds: float) -> None:
        self.now += seconds


@pytest.mark.parametrize(
    ("process", "name"),
    [
        ("resolve", "resolve"),
        ("davinci resolve", "resolve"),
        ("blender.exe", "blender"),
        ("adobe premiere pro.exe", "adobe"),
        ("ollama_llama_server", "ollama"),
        ("firefox", "others"),
        ("", "others"),
    ],
)
def test_programs_are_known_by_the_beginnings_of_their_names(process: str, name: str) -> None:
    assert tenant(process) == name


def test_the_most_of_a_minute_is_remembered_and_then_forgotten() -> None:
    recent = Recent()
    recent.note(0, {"resolve": 9})
    recent.note(30, {"resolve": 4, "blender": 2})
    assert recent.most() == {"resolve": 9, "blender": 2}
    recent.note(60.5, {"resolve": 3})
    assert recent.most() == {"resolve": 4, "blender": 2}
    recent.note(91, {})
    assert recent.most() == {"resolve": 3}


def test_residents_are_asked_every_ten_seconds(server: Server) -> None:
    clock = Clock()
    ollama = Ollama(server.url, clock=clock)
    server.models["gemma3:12b"] = 9 * GiB
    assert ollama.residents() == (Resident("gemma3:12b", 9 * GiB),)
    assert ollama.residents()
    assert server.asked == ["/api/ps"]
    clock.now += FRESH
    server.models.clear()
    assert ollama.residents() == ()


def test_a_model_somebody_else_loaded_is_never_unloaded(server: Server) -> None:
    ollama = Ollama(server.url)
    server.models["theirs"] = 5 * GiB
    ollama.begin("theirs")
    assert ollama.evict(server.look) == 0
    assert server.models == {"theirs": 5 * GiB}
    assert "/api/generate" not in server.asked


def test_what_we_loaded_goes_and_is_waited_for(server: Server) -> None:
    clock = Clock()
    ollama = Ollama(server.url, clock=clock, wait=clock.wait)
    ollama.begin("ours")
    server.models |= {"ours": 6 * GiB, "theirs": 5 * GiB}
    assert len(ollama.residents()) == 2
    assert ollama.evict(server.look) == 6 * GiB
    assert server.models == {"theirs": 5 * GiB}
    assert 100 < clock.now < 101, "as long as it took, and no longer"
    assert ollama.evict(server.look) == 0


def test_memory_that_never_comes_back_is_not_promised(server: Server) -> None:
    clock = Clock()
    ollama = Ollama(server.url, clock=clock, wait=clock.wait)
    ollama.begin("ours")
    server.models["ours"] = 6 * GiB
    assert ollama.evict(lambda: GiB, within=2) == 0
    assert clock.now == pytest.approx(102, abs=0.2)


def test_a_model_that_went_by_itself_is_no_longer_ours(server: Server) -> None:
    clock = Clock()
    ollama = Ollama(server.url, clock=clock)
    ollama.begin("gemma")
    clock.now += LOADING
    assert ollama.residents() == ()
    server.models["gemma"] = GiB  # somebody loaded it again
    assert ollama.evict(server.look) == 0


@pytest.mark.parametrize("answer", [b"<html>", b"[]", b'{"models": 3}', b'{"models": [{"name": 1}]}'])
def test_nonsense_is_no_model(server: Server, answer: bytes) -> None:
    server.answer = answer
    assert Ollama(server.url).residents() == ()


def test_a_slow_server_costs_half_a_second_once(server: Server) -> None:
    clock = Clock()
    ollama = Ollama(server.url, clock=clock)
    server.delay = 0.8
    begin = monotonic()
    assert ollama.residents() == ()
    assert monotonic() - begin < 0.75
    begin = monotonic()
    clock.now += FRESH
    assert ollama.residents() == ()
    assert ollama.evict(server.look) == 0
    assert monotonic() - begin < 0.05
    clock.now += PAUSE
    server.delay, server.models = 0, {"gemma": GiB}
    assert ollama.residents() == (Resident("gemma", GiB),)


def test_a_server_elsewhere_is_never_asked() -> None:
    begin = monotonic()
    assert Ollama("http://192.0.2.1:11434").residents() == ()
    assert monotonic() - begin < 0.1
