"""The token is nowhere but in the discovery file."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from genlock.daemon import discovery
from genlock.daemon.discovery import Discovery

DAEMON = """
import logging, sys
from genlock.daemon.server import serve
logging.basicConfig(level=logging.DEBUG, stream=sys.stderr)
serve(sys.argv[1], 0, roots=[sys.argv[2]], on_ready=lambda running: print(running.base_url, flush=True))
"""


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GENLOCK_RUNTIME_DIR", str(tmp_path / "run"))
    monkeypatch.setenv("GENLOCK_HOME", str(tmp_path / "home"))
    return tmp_path


def test_the_token_is_in_no_log_environment_or_argument(own: Path) -> None:
    store = own / "s.genlock"
    process = subprocess.Popen(
        [sys.executable, "-c", DAEMON, str(store), str(own)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    base = process.stdout.readline().strip()
    found = discovery.read(discovery.file_for(store))
    assert found is not None
    headers = {"authorization": f"Bearer {found.token}"}
    code = httpx.post(base + "/login-code", headers=headers).json()["code"]
    asked = [
        httpx.get(base + "/api/projects", headers=headers),
        httpx.get(base + f"/login?code={code}"),
        httpx.get(base + "/api/projects?token=" + found.token, headers={"authorization": "Bearer wrong"}),
        httpx.get(base + "/api/sequences/" + "0" * 32, headers=headers),
        httpx.post(base + "/api/commands", headers=headers, json={"id": "1", "command": {"do": "Nothing"}}),
        httpx.post(base + "/api/commands", headers=headers, json=[found.token]),
    ]
    assert [answer.status_code for answer in asked] == [200, 303, 401, 404, 400, 400]
    assert not [answer for answer in asked if found.token in answer.text]
    time.sleep(0.1)
    proc = Path(f"/proc/{process.pid}")
    if proc.exists():
        assert found.token.encode() not in (proc / "environ").read_bytes() + (proc / "cmdline").read_bytes()
    httpx.post(base + "/api/shutdown", headers=headers)
    _, log = process.communicate(timeout=20)
    assert "GET /api/projects" in log
    assert found.token not in log
    assert code not in log
    assert process.returncode == 0
    left = [path for path in own.rglob("*") if path.is_file() and found.token.encode() in path.read_bytes()]
    assert left == []


@pytest.mark.skipif(os.name == "nt", reason="Windows has no modes; the profile folder is private")
def test_the_discovery_file_is_private(own: Path) -> None:
    found = Discovery(os.getpid(), 1, "t", str(own / "s.genlock"), "log", 1, "now")
    old = os.umask(0)
    try:
        path = discovery.write(found)
    finally:
        os.umask(old)
    for each in (path, path.with_name("current.json")):
        assert stat.S_IMODE(each.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


@pytest.mark.skipif(os.name == "nt", reason="Windows has no modes; the profile folder is private")
def test_a_discovery_folder_that_is_a_link_is_not_used(own: Path) -> None:
    (own / "elsewhere").mkdir()
    (own / "run").symlink_to(own / "elsewhere")
    with pytest.raises(Exception, match="cannot hold the discovery file"):
        discovery.write(Discovery(os.getpid(), 1, "t", str(own / "s.genlock"), "log", 1, "now"))
    assert list((own / "elsewhere").iterdir()) == []
