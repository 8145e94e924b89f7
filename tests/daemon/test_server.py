"""A daemon process: how it starts, how it ends, and what it leaves behind."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from genlock.daemon import discovery
from genlock.daemon.server import HostFlags, bind, embedded
from genlock.errors import BadInput, StoreError

DAEMON = """
import sys
from genlock.daemon.server import serve
from genlock.errors import GenlockError
try:
    serve(sys.argv[1], int(sys.argv[2]), on_ready=lambda running: print(running.base_url, flush=True))
except GenlockError as error:
    print(error.code, error.message, flush=True)
    sys.exit(3)
"""


class Process:
    """A daemon in a process of its own."""

    def __init__(self, store: Path, port: int = 0) -> None:
        self.store = store
        self.process = subprocess.Popen(
            [sys.executable, "-c", DAEMON, str(store), str(port)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        self.first_line = self.process.stdout.readline().strip()

    @property
    def found(self) -> discovery.Discovery:
        found = discovery.read(discovery.file_for(self.store))
        assert found is not None
        return found

    @property
    def headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.found.token}"}

    def command(self, id_: str, **command: Any) -> httpx.Response:
        url = f"{self.first_line}/api/commands"
        return httpx.post(url, json={"id": id_, "command": command}, headers=self.headers)

    def ended(self) -> int:
        """Waits for a daemon that ends by itself."""
        self.process.communicate(timeout=20)
        return self.process.returncode

    def end(self, number: int = signal.SIGTERM) -> tuple[int, str]:
        if self.process.poll() is None:
            self.process.send_signal(number)
        _, errors = self.process.communicate(timeout=20)
        return self.process.returncode, errors


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GENLOCK_RUNTIME_DIR", str(tmp_path / "run"))
    monkeypatch.setenv("GENLOCK_HOME", str(tmp_path / "home"))
    return tmp_path


@pytest.fixture
def started(own: Path) -> Iterator[Process]:
    made = Process(own / "s.genlock")
    yield made
    if made.process.poll() is None:
        made.process.kill()
    made.process.communicate()


def test_the_discovery_file_leads_to_the_daemon_and_goes_with_it(started: Process) -> None:
    found = started.found
    assert found.base_url == started.first_line
    assert found.pid == started.process.pid
    assert found.store == str(started.store)
    current = discovery.file_for(started.store).with_name("current.json")
    assert json.loads(current.read_bytes())["token"] == found.token
    code, errors = started.end()
    assert (code, errors) == (0, "")
    assert not discovery.file_for(started.store).exists()
    assert not current.exists()


@pytest.mark.parametrize("way", ["SIGTERM", "SIGINT", "shutdown"])
def test_every_end_tells_the_clients_and_keeps_what_was_accepted(started: Process, way: str) -> None:
    assert started.command("1", do="CreateProject", name="Kept").status_code == 200
    url = started.first_line.replace("http", "ws") + "/ws"
    with connect(url, additional_headers=started.headers) as wire:
        wire.send('{"type":"hello","protocol":1}')
        head = json.loads(wire.recv(5))["cursor"]
        if way == "shutdown":
            answer = httpx.post(f"{started.first_line}/api/shutdown", headers=started.headers)
            assert answer.status_code == 202
        else:
            started.process.send_signal(getattr(signal, way))
        bye = json.loads(wire.recv(5))
        assert bye["type"] == "bye"
        assert bye["cursor"] == head
        assert bye["reason"]
        with pytest.raises(ConnectionClosed) as closed:
            wire.recv(5)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1001
    _, errors = started.process.communicate(timeout=20)
    assert (started.process.returncode, errors) == (0, "")
    with embedded(started.store) as again:
        assert [project.name for project in again.services.app.projects()] == ["Kept"]
    assert not list(started.store.parent.glob("s.genlock-wal"))


def test_a_second_daemon_is_told_who_has_the_store(started: Process) -> None:
    second = Process(started.store)
    assert second.ended() == 3
    assert second.first_line.startswith("store_busy")
    assert str(started.process.pid) in second.first_line
    assert started.found.pid == started.process.pid
    assert httpx.get(started.first_line + "/health").json()["status"] == "ok"


def test_a_killed_daemon_leaves_a_file_that_misleads_nobody(started: Process) -> None:
    assert started.command("1", do="CreateProject", name="Before").status_code == 200
    file = discovery.file_for(started.store)
    old = json.loads(file.read_bytes())
    started.process.kill()
    started.process.communicate()
    assert file.exists()
    assert discovery.read(file) is None
    again = Process(started.store)
    try:
        assert again.found.token != old["token"]
        names = [p["name"] for p in httpx.get(f"{again.first_line}/api/projects", headers=again.headers).json()]
        assert names == ["Before"]
        repeated = again.command("1", do="CreateProject", name="Before").json()
        assert repeated["duplicate"] is True
    finally:
        assert again.end()[0] == 0


def test_a_taken_port_is_named(own: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        other = Process(own / "s.genlock", taken.getsockname()[1])
        assert other.ended() == 3
    assert other.first_line.startswith("bad_value")
    assert not discovery.file_for(own / "s.genlock").exists()


def test_it_listens_on_loopback_only() -> None:
    sockets = bind(0, HostFlags())
    try:
        addresses = [each.getsockname() for each in sockets]
        assert {address[0] for address in addresses} <= {"127.0.0.1", "::1"}
        assert addresses[0][0] == "127.0.0.1"
        assert len({address[1] for address in addresses}) == 1
        if socket.has_ipv6 and Path("/proc/net/if_inet6").exists() and Path("/proc/net/if_inet6").read_text():
            assert len(addresses) == 2
    finally:
        for each in sockets:
            each.close()


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "studio.example"])
def test_a_wider_host_needs_a_clear_word(host: str) -> None:
    with pytest.raises(BadInput, match="other machines"):
        bind(0, HostFlags(host))


def test_a_wider_host_is_warned_about(capsys: pytest.CaptureFixture[str]) -> None:
    sockets = bind(0, HostFlags("0.0.0.0", allow_remote=True))
    for each in sockets:
        each.close()
    assert "WARNING" in capsys.readouterr().err


def test_an_embedded_daemon_ends_with_its_context(own: Path) -> None:
    before = set(threading.enumerate())
    with embedded(own / "e.genlock") as running:
        assert httpx.get(running.base_url + "/health").json()["status"] == "ok"
        assert not discovery.file_for(own / "e.genlock").exists()
    time.sleep(0.05)
    assert {thread for thread in threading.enumerate() if not thread.daemon} <= before
    with pytest.raises(httpx.ConnectError):
        httpx.get(running.base_url + "/health")


def test_an_embedded_daemon_passes_on_what_stands_in_the_way(own: Path) -> None:
    with embedded(own / "e.genlock"), pytest.raises(StoreError) as refused, embedded(own / "e.genlock"):
        pass
    assert refused.value.code == "store_busy"
    assert str(os.getpid()) in refused.value.message


def test_what_the_body_of_an_embedded_daemon_raises_comes_out(own: Path) -> None:
    with pytest.raises(ZeroDivisionError), embedded(own / "e.genlock"):
        1 / 0  # noqa: B018


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"pid":1}', b'{"pid":"x"}', b"\xff"])
def test_a_broken_discovery_file_counts_as_none(own: Path, content: bytes) -> None:
    path = own / "daemon-00000000.json"
    path.write_bytes(content)
    assert discovery.read(path) is None


def test_ending_one_daemon_leaves_the_file_of_a_newer_one(own: Path) -> None:
    store = str(own / "s.genlock")
    old = discovery.Discovery(os.getpid(), 1, "old", store, "log", 1, "then")
    new = discovery.Discovery(os.getpid(), 2, "new", store, "log", 1, "now")
    discovery.write(old)
    path = discovery.write(new)
    discovery.remove(old)
    assert discovery.read(path) == new
    discovery.remove(new)
    assert not path.exists()


def test_a_running_job_goes_back_into_the_queue(own: Path) -> None:
    def make(base: str, headers: dict[str, str], **body: Any) -> str:
        answer = httpx.post(base, json={"id": os.urandom(8).hex(), **body}, headers=headers, timeout=30)
        assert answer.is_success, answer.text
        return str((answer.json().get("created") or answer.json().get("jobs"))[0])

    def status(services: Any) -> str:
        (job,) = services.app.jobs()
        return str(type(job.status).__name__)

    with embedded(own / "j.genlock", [own]) as running:
        headers = {"authorization": f"Bearer {running.token}"}
        commands = f"{running.base_url}/api/commands"
        settings = {"folder": str(own / "film"), "resolution": [640, 360]}
        project = make(commands, headers, command={"do": "CreateProject", "name": "J", "settings": settings})
        brief = {"prompt": "endless", "frames": 3000}
        shot = make(commands, headers, command={"do": "CreateShot", "project": project, "code": "SH1", "brief": brief})
        url = f"{running.base_url}/api/projects/{project}/generate"
        answer = httpx.post(url, json={"shots": [shot]}, headers=headers, timeout=30)
        assert answer.status_code == 202, answer.text
        end = time.monotonic() + 30
        while status(running.services) != "Running":
            assert time.monotonic() < end
            time.sleep(0.02)
    from genlock.application.application import Application
    from genlock.store import open_store

    store = open_store(own / "j.genlock")
    app = Application(store)
    try:
        (job,) = app.jobs()
        assert type(job.status).__name__ == "Waiting"
        assert job.attempt == 1
    finally:
        app.close()
        store.close()
    assert list((own / "film").rglob("*.mov")) == []
