"""A real PostgreSQL server for the tests, started from the binaries on this machine.

PostgreSQL refuses to run as root, so root starts it as `postgres` or `nobody`. Without binaries the tests are skipped,
loudly; with REQUIRE_POSTGRES=1 they fail instead.
"""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep
from uuid import uuid4

import psycopg
import pytest

MISSING = (
    "NO POSTGRESQL SERVER BINARIES FOUND: the PostgreSQL store is NOT tested here. "
    "Install PostgreSQL (initdb and postgres on PATH or under /usr/lib/postgresql)."
)


def binaries() -> Path | None:
    """Returns the folder with initdb and postgres, the newest when there are several."""
    found = shutil.which("initdb")
    if found and shutil.which("postgres", path=str(Path(found).resolve().parent)):
        return Path(found).resolve().parent
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name.split(".")[0]))
    folders = [path for path in installed if (path / "initdb").exists() and (path / "postgres").exists()]
    return folders[-1] if folders else None


def require_binaries() -> Path:
    """Returns the folder of the binaries; skips the test, or fails it under REQUIRE_POSTGRES=1."""
    folder = binaries()
    if folder is None:
        if os.environ.get("REQUIRE_POSTGRES") == "1":
            pytest.fail(MISSING)
        pytest.skip(MISSING)
    return folder


@contextmanager
def server() -> Iterator[str]:
    """Starts a server and yields the URL of its maintenance database."""
    folder = require_binaries()
    home = Path(tempfile.mkdtemp(prefix="genlock_pg_"))
    user = _account()
    process = None
    try:
        if user:
            os.chown(home, *_ids(user))
        data = home / "data"
        _run([folder / "initdb", "-D", data, "-U", "genlock", "-A", "trust", "-E", "UTF8", "--no-sync"], user)
        port = _free_port()
        with (home / "log").open("wb") as log:
            options = ["-h", "127.0.0.1", "-p", str(port), "-k", str(home), "-c", "fsync=off"]
            process = subprocess.Popen(
                [str(folder / "postgres"), "-D", str(data), *options],
                stdout=log, stderr=log, cwd=home, **_as(user),
            )  # fmt: skip
        url = f"postgresql://genlock@127.0.0.1:{port}/postgres"
        _wait(url, process, home / "log")
        yield url
    finally:
        if process is not None:
            process.terminate()  # a fast shutdown would be SIGINT; the stores are closed by now
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        shutil.rmtree(home, ignore_errors=True)


def database(maintenance: str) -> str:
    """Makes a database and returns its URL."""
    name = f"genlock_{uuid4().hex[:12]}"
    with psycopg.connect(maintenance, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return maintenance.rpartition("/")[0] + "/" + name


def _account() -> str | None:
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return next((name for name in ("postgres", "nobody") if name in known), None)


def _ids(user: str) -> tuple[int, int]:
    entry = pwd.getpwnam(user)
    return entry.pw_uid, entry.pw_gid


def _as(user: str | None) -> dict[str, object]:
    if user is None:
        return {}
    uid, gid = _ids(user)
    return {"user": uid, "group": gid, "extra_groups": []}


def _run(command: list[object], user: str | None) -> None:
    done = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, cwd="/", check=False, **_as(user)
    )
    if done.returncode:
        pytest.fail(f"{command[0]} failed:\n{done.stdout}\n{done.stderr}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    until = monotonic() + 30
    while monotonic() < until:
        if process.poll() is not None:
            pytest.fail(f"The PostgreSQL server stopped:\n{log.read_text()}")
        try:
            psycopg.connect(url, connect_timeout=2).close()
        except psycopg.OperationalError:
            sleep(0.05)
        else:
            return
    pytest.fail(f"The PostgreSQL server did not start:\n{log.read_text()}")
