"""Calls without waiting: against a port that misbehaves byte by byte, and against the real daemon."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from itertools import repeat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genlock.daemon.server import embedded
from genlock_client import errands as module
from genlock_client.discovery import Endpoint
from genlock_client.errands import Answer, Errands, Reply
from genlock_client.errors import ClientError, Offline, Refused

Talk = Callable[[socket.socket, bytes], None]


class Port:
    """A loopback port whose answers are raw bytes. `talk` gets the connection and the request's head with what came."""

    def __init__(self) -> None:
        self.talk: Talk = lambda client, request: None
        self.requests: list[bytes] = []
        self.open = self.most = 0
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads = [threading.Thread(target=self._serve, daemon=True)]
        self._threads[0].start()
        self.endpoint = Endpoint(self._listener.getsockname()[1], "secret")

    def says(self, answer: bytes, *, step: int = 0) -> None:
        def talk(client: socket.socket, request: bytes) -> None:
            pieces = [answer[at : at + step] for at in range(0, len(answer), step)] if step else [answer]
            for piece in pieces:
                client.sendall(piece)
                if step:
                    time.sleep(0.0005)

        self.talk = talk

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            thread = threading.Thread(target=self._one, args=(client,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _one(self, client: socket.socket) -> None:
        with self._lock:
            self.open += 1
            self.most = max(self.most, self.open)
        client.settimeout(5)
        with client:
            try:
                request = client.recv(65536)
                if request:
                    self.requests.append(request)
                    self.talk(client, request)
            except OSError:
                pass
            with self._lock:
                self.open -= 1

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(6)


@pytest.fixture
def port() -> Iterator[Port]:
    made = Port()
    yield made
    made.close()


def http(body: bytes, status: str = "200 OK", *fields: str) -> bytes:
    head = [f"HTTP/1.1 {status}", *(fields or (f"Content-Length: {len(body)}",)), "", ""]
    return "\r\n".join(head).encode() + body


def until(errands: Errands, done: Callable[[], object], seconds: float = 5.0) -> None:
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, "no answer"
        errands.pump(0.002)
        time.sleep(0.0005)


def one(port: Port, raw: bool = False) -> Answer:
    errands, found = Errands(lambda: port.endpoint), list[Answer]()
    errands.get("/api/x", {"n": 1}, found.append, raw=raw)
    until(errands, lambda: found)
    assert not errands.busy
    return found[0]


def test_a_request_carries_the_token_the_query_and_the_body(port: Port) -> None:
    port.says(http(b'{"made": 1}'))
    errands, found = Errands(lambda: port.endpoint), list[Answer]()
    id_ = errands.post("/api/a b/ü", {"paths": ["ä"]}, then=found.append, query={"all": True, "none": None, "n": 2})
    until(errands, lambda: found)
    assert found == [Answer(id_, 200, {"made": 1}, None)]
    head, _, body = port.requests[0].partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    assert lines[0] == "POST /api/a%20b/%C3%BC?all=true&n=2 HTTP/1.1"
    assert f"Host: 127.0.0.1:{port.endpoint.port}" in lines
    assert "Authorization: Bearer secret" in lines
    assert "Content-Type: application/json" in lines
    assert f"Content-Length: {len(body)}" in lines
    assert json.loads(body) == {"paths": ["ä"]}


def test_an_answer_without_a_body_is_none(port: Port) -> None:
    port.says(http(b"", "204 No Content", "Server: x"))
    assert one(port)[1:] == (204, None, None)


CHUNKED = b'5;name=x\r\n{"a":\r\n3\r\n 1}\r\n0\r\nTrailer: y\r\n\r\n'


@pytest.mark.parametrize("step", [0, 1, 7])
@pytest.mark.parametrize(
    "answer",
    [
        http(b'{"a": 1}'),
        http(CHUNKED, "200 OK", "Transfer-Encoding: chunked"),
        http(b'{"a": 1}', "200 OK", "Server: ends-by-closing"),
        b"HTTP/1.1 100 Continue\r\n\r\n" + http(b'{"a": 1}'),
    ],
)
def test_every_framing_is_read_in_pieces_of_any_size(port: Port, answer: bytes, step: int) -> None:
    port.says(answer, step=step)
    assert one(port)[1:] == (200, {"a": 1}, None)


def test_raw_gives_the_bytes(port: Port) -> None:
    port.says(http(b"\xff\xd8\x00picture"))
    assert one(port, raw=True)[1:] == (200, b"\xff\xd8\x00picture", None)


@pytest.mark.parametrize(
    ("answer", "kind", "code"),
    [
        (b"", Offline, "daemon_absent"),
        (b"HTTP/1.1 200 OK\r\nContent-Le", Offline, "daemon_absent"),
        (http(b"{}", "200 OK", "Content-Length: 9"), Offline, "daemon_absent"),
        (http(b'4\r\n{"a"', "200 OK", "Transfer-Encoding: chunked"), Offline, "daemon_absent"),
        (b"SSH-2.0-OpenSSH_9.6\r\n", ClientError, "internal"),
        (b"HTTP/1.1 abc\r\n\r\n", ClientError, "internal"),
        (b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n", ClientError, "internal"),
        (http(b"{}", "200 OK", "Content-Length: 2", "Content-Length: 3"), ClientError, "internal"),
        (http(b"{}", "200 OK", "Content-Length: -2"), ClientError, "internal"),
        (http(b"{}", "200 OK", "Transfer-Encoding: gzip"), ClientError, "internal"),
        (http(b"zz\r\n{}\r\n", "200 OK", "Transfer-Encoding: chunked"), ClientError, "internal"),
        (http(b"2\r\n{}!!", "200 OK", "Transfer-Encoding: chunked"), ClientError, "internal"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000, ClientError, "internal"),
        (http(b"", "200 OK", "Content-Length: 999999999999"), ClientError, "too_large"),
        (http(b"not json"), ClientError, "internal"),
        (http(b"[" * 100_000), ClientError, "internal"),
        (http(b"", "302 Found", "Location: http://127.0.0.1:1/", "Content-Length: 0"), ClientError, "internal"),
        (http(b"<h1>Bad gateway</h1>", "502 Bad Gateway"), ClientError, "internal"),
        (http(b'{"error": {"code": "overlap", "message": "No."}}', "409 Conflict"), Refused, "overlap"),
        (http(b'{"error": {"code": "no_such_media"}}', "404 Not Found"), ClientError, "no_such_media"),
        (http(b'{"error": {"code": "shutting_down"}}', "503 Gone"), Offline, "shutting_down"),
    ],
)
def test_what_goes_wrong_is_an_error_of_the_tree(port: Port, answer: bytes, kind: type, code: str) -> None:
    port.says(answer)
    found = one(port)
    assert found.body is None
    assert type(found.error) is kind
    assert isinstance(found.error, ClientError)
    assert found.error.code == code
    assert len(port.requests) == 1  # a redirect is not followed


@given(st.binary(max_size=200), st.lists(st.integers(1, 40), max_size=8))
def test_no_bytes_whatever_break_the_reader(noise: bytes, cuts: list[int]) -> None:
    for start in (b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"):
        reply, data = Reply(), start + noise
        with suppress(ClientError):
            for size in cuts:
                reply.feed(data[:size])
                data = data[size:]
            reply.feed(data)


def test_without_a_daemon_the_answer_says_so() -> None:
    gone = socket.create_server(("127.0.0.1", 0))
    closed = Endpoint(gone.getsockname()[1], "t")
    gone.close()
    for daemon in (None, closed):
        errands, found = Errands(partial(next, repeat(daemon))), list[Answer]()
        errands.get("/api/x", then=found.append)
        assert found == []  # never inside the call
        until(errands, partial(len, found))
        assert isinstance(found[0].error, Offline)
        assert (found[0].status, found[0].error.code) == (0, "daemon_absent")


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_daemon_that_never_answers_is_given_up(port: Port) -> None:
    released = threading.Event()
    port.talk = lambda client, request: (released.wait(5), None)[1]
    clock = Clock()
    errands, found = Errands(lambda: port.endpoint, clock=clock), list[Answer]()
    errands.get("/api/x", then=found.append, seconds=30)
    until(errands, lambda: port.requests)
    for _ in range(29):
        clock.now += 1
        errands.pump()
    assert not found
    clock.now += 1
    errands.pump()
    error = found[0].error
    assert isinstance(error, Offline)
    assert error.code == "no_answer"
    released.set()


def test_a_drip_is_given_up_too_and_a_host_that_paused_is_not_punished(port: Port) -> None:
    go = threading.Event()

    def drip(client: socket.socket, request: bytes) -> None:
        client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        while not go.wait(0.001):
            client.sendall(b" ")

    port.talk = drip
    clock = Clock()
    errands, found = Errands(lambda: port.endpoint, clock=clock), list[Answer]()
    errands.get("/api/x", then=found.append)
    until(errands, lambda: port.requests)
    clock.now += 3600  # the host rendered for an hour
    errands.pump()
    assert not found
    for _ in range(60):
        clock.now += 1
        errands.pump()
        time.sleep(0.002)
    assert found
    assert found[0].error is not None
    assert found[0].error.code == "no_answer"
    go.set()


def test_pump_never_waits_also_while_much_is_sent_to_a_port_that_does_not_read(port: Port) -> None:
    released = threading.Event()
    port.talk = lambda client, request: (released.wait(5), None)[1]
    errands = Errands(lambda: port.endpoint)
    errands.post("/api/x", {"much": "x" * 30_000_000})
    longest = 0.0
    for _ in range(50):
        began = time.perf_counter()
        errands.pump(0.002)
        longest = max(longest, time.perf_counter() - began)
    assert longest < 0.2
    assert errands.busy
    errands.close()
    assert not errands.busy
    released.set()


def test_a_few_run_at_once_and_the_others_wait(port: Port) -> None:
    def slow(client: socket.socket, request: bytes) -> None:
        time.sleep(0.02)
        client.sendall(http(request.split(b" ")[1].rpartition(b"/")[2]))

    port.talk = slow
    errands, found = Errands(lambda: port.endpoint), list[Answer]()
    ids = [errands.get(f"/api/{n}", then=found.append) for n in range(12)]
    until(errands, lambda: len(found) == 12)
    assert {answer.id: answer.body for answer in found} == dict(zip(ids, range(12), strict=True))
    assert 1 < port.most <= module.AT_ONCE


def test_a_cancelled_call_is_never_answered_waiting_or_under_way(port: Port) -> None:
    port.says(http(b"1"))
    errands, found = Errands(lambda: port.endpoint), list[Answer]()
    ids = [errands.get(f"/api/{n}", then=found.append) for n in range(8)]
    errands.pump(0.0)
    assert errands.cancel(ids[0])
    assert errands.cancel(ids[7])
    assert not errands.cancel(ids[7])
    until(errands, lambda: not errands.busy)
    assert sorted(answer.id for answer in found) == ids[1:7]


def test_calls_may_be_made_and_cancelled_inside_an_answer(port: Port) -> None:
    port.says(http(b"1"))
    errands, found = Errands(lambda: port.endpoint), list[Answer]()
    ids: list[int] = []

    def first(answer: Answer) -> None:
        for id_ in ids[1:]:
            errands.cancel(id_)
        errands.get("/api/again", then=found.append)

    ids.append(errands.get("/api/0", then=first))
    until(errands, lambda: found)
    ids += [errands.get("/api/0", then=first), errands.get("/api/1", then=found.append)]
    until(errands, lambda: not errands.busy)
    assert all(answer.body == 1 for answer in found)


def test_an_answer_that_raises_costs_itself_only(port: Port) -> None:
    port.says(http(b"1"))
    errands, found = Errands(lambda: port.endpoint), list[Answer]()
    errands.get("/api/0", then=lambda answer: [][1])
    errands.get("/api/1", then=found.append)
    with pytest.raises(IndexError):
        until(errands, lambda: not errands.busy)
    until(errands, lambda: found)
    assert not errands.busy


def test_too_many_calls_are_answered_with_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "QUEUE", 3)
    errands, found = Errands(lambda: None), list[Answer]()
    for _ in range(5):
        errands.get("/api/x", then=found.append)
    errands.pump()
    codes = [answer.error.code for answer in found if answer.error is not None]
    assert codes == ["daemon_absent"] * 3 + ["too_large"] * 2


def test_no_thread_is_started(port: Port) -> None:
    port.says(http(b"1"))
    errands, found = Errands(lambda: port.endpoint), list[Answer]()
    errands.get("/api/x", then=found.append)
    before = {thread.name for thread in threading.enumerate()}
    errands.pump()
    after = {thread.name for thread in threading.enumerate()}
    assert {name for name in after - before if "_one" not in name} == set()
    until(errands, lambda: found)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GENLOCK_HOME", str(tmp_path))
    monkeypatch.setenv("GENLOCK_RUNTIME_DIR", str(tmp_path / "run"))
    return tmp_path


def test_the_real_daemon_answers_refuses_and_comes_back_after_a_restart(home: Path) -> None:
    ends: list[Endpoint] = []
    errands, found = Errands(lambda: ends[-1] if ends else None), list[Answer]()

    def answer() -> Answer:
        until(errands, lambda: found)
        return found.pop()

    command = {"id": "c1", "target": "", "command": {"do": "CreateProject", "name": "Film"}}
    with embedded(home / "studio.genlock") as running:
        ends.append(Endpoint(running.port, running.token))
        errands.post("/api/commands", command, then=found.append)
        made = answer()
        assert made.error is None
        errands.get("/api/projects", then=found.append)
        assert [project["name"] for project in answer().body] == ["Film"]
        errands.get("/health", then=found.append, raw=True)
        assert json.loads(answer().body)["status"] == "ok"
        errands.get("/api/jobs/00000000000000000000000000000000", then=found.append)
        missing = answer()
        assert (missing.status, missing.body) == (404, None)
        ends.append(ends[0]._replace(token="wrong"))
        errands.get("/api/projects", then=found.append)
        denied = answer().error
        assert denied is not None
        assert (denied.code, denied.status) == ("unauthorized", 401)
        ends.pop()
    errands.post("/api/commands", command, then=found.append)
    lost = answer().error
    assert isinstance(lost, Offline)
    with embedded(home / "studio.genlock") as running:
        ends.append(Endpoint(running.port, running.token))
        errands.post("/api/commands", command, then=found.append)
        again = answer()
        assert again.body["duplicate"] is True
        assert again.body["target"] == made.body["target"]
