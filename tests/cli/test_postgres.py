"""The command line and its daemon on a real PostgreSQL, with a password in the URL that must not get out."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from genlock_client import discovery
from tests.store.postgres_server import database, server

from .conftest import Cli, Done

pytestmark = pytest.mark.postgres

PASSWORD = "hunter2"


@pytest.fixture(scope="module")
def maintenance() -> Iterator[str]:
    with server() as url:
        yield url


@pytest.fixture
def url(maintenance: str) -> str:
    return database(maintenance).replace("genlock@", f"genlock:{PASSWORD}@")


def silent(done: Done) -> Done:
    assert PASSWORD not in done.out + done.err
    return done


def files_with_the_password(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and PASSWORD.encode() in path.read_bytes()]


def test_commands_work_on_a_database_without_a_daemon(bare: Path, cli: Cli, url: str) -> None:
    made = silent(cli("project", "new", "Film", "--folder", bare / "film", "--store", url, "--json"))
    assert made.code == 0, made
    assert cli("sequence", "new", "Reel", "--store", url).code == 0
    assert cli("shot", "add", "SH0010", "--frames", "3", "--store", url).code == 0
    silent(cli("generate", "SH0010", "--store", url, "--json"))
    takes = cli("take", "list", "SH0010", "--store", url, "--json")
    assert [Path(take["path"]).is_file() for take in takes.json["takes"]] == [True]
    assert [row["name"] for row in cli("project", "list", "--store", url, "--json").json["projects"]] == ["Film"]
    for command in (("store", "verify"), ("store", "stats"), ("doctor",), ("history", "Reel")):
        assert silent(cli(*command, "--store", url)).code == 0 or command == ("doctor",)
    assert silent(cli("store", "stats", "--store", url, "--json")).json["location"].startswith("postgresql://")
    assert silent(cli("store", "restore", bare / "x", "--store", url, "--json")).error["code"] == "wrong_state"
    assert files_with_the_password(bare) == []


def test_a_daemon_on_a_database_is_found_with_and_without_the_password(
    bare: Path, cli: Cli, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GENLOCK_STORE", url)
    process = subprocess.Popen(
        [sys.executable, "-m", "genlock", "up", "--port", "0", "--json", "--root", str(bare)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=bare,
    )
    try:
        assert process.stdout is not None
        first = process.stdout.readline()
        assert json.loads(first)["store"] == url.replace(f":{PASSWORD}@", "@")
        assert cli("project", "new", "Film").code == 0
        for store in (url, url.replace(f":{PASSWORD}@", "@")):
            found = discovery.find(store)
            assert found is not None
            assert found.pid == process.pid
            assert cli("project", "list", "--store", store, "--json").json["projects"][0]["name"] == "Film"
        busy = silent(cli("up", "--port", "0", "--json"))
        assert busy.error["code"] == "store_busy"
        assert str(process.pid) in busy.error["message"]
        assert files_with_the_password(bare) == []
    finally:
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, PASSWORD in first + out + err) == (0, False), err
    assert cli("project", "list", "--json").json["projects"][0]["name"] == "Film"


@pytest.mark.parametrize(
    ("store", "code"),
    [
        (f"postgresql://ann:{PASSWORD}@127.0.0.1:1/none", "store_unreachable"),
        (f"postgresql://ann@127.0.0.1:1/none?password={PASSWORD}", "store_unreachable"),
        (f"postgresql://ann:{PASSWORD}%zz@127.0.0.1:1/none", "bad_value"),
        (f"mysql://ann:{PASSWORD}@127.0.0.1/none", "bad_value"),
    ],
)
def test_a_database_that_is_not_there(bare: Path, cli: Cli, store: str, code: str) -> None:
    for command in (("project", "list"), ("store", "verify"), ("up", "--port", "0")):
        done = silent(cli(*command, "--store", store, "--json"))
        assert (done.code, done.error["code"]) == ({"bad_value": 2}.get(code, 1), code)
        assert done.error["hint"]
    assert files_with_the_password(bare) == []


def test_a_missing_daemon_is_named_without_the_password() -> None:
    with pytest.raises(Exception, match="No daemon runs") as caught:
        discovery.require(f"postgresql://ann:{PASSWORD}@127.0.0.1:{os.getpid() % 60000}/none")
    assert PASSWORD not in str(caught.value)
