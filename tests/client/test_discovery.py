from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from genlock.daemon import discovery as daemon_side
from genlock_client import discovery
from genlock_client.errors import Offline


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GENLOCK_RUNTIME_DIR", str(tmp_path))
    return tmp_path


def write(folder: Path, store: str, **fields: Any) -> Path:
    path = folder / f"daemon-{discovery.store_key(store)}.json"
    path.write_text(json.dumps({"pid": os.getpid(), "port": 4242, "token": "t", "store": store, **fields}))
    return path


def dead_pid() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_what_the_daemon_writes_is_what_a_client_finds(folder: Path) -> None:
    written = daemon_side.Discovery(
        pid=os.getpid(),
        port=4321,
        token="secret",
        store=daemon_side.canonical(folder / "studio.genlock"),
        log_id="log",
        protocol=1,
        started="2026-01-01T00:00:00Z",
    )
    path = daemon_side.write(written)
    found = discovery.find(folder / "studio.genlock")
    assert found is not None
    assert found.url == written.base_url
    assert (found.token, found.log_id, found.pid) == ("secret", "log", os.getpid())
    assert path.name == f"daemon-{discovery.store_key(folder / 'studio.genlock')}.json"


@pytest.mark.parametrize("store", ["studio.genlock", "~/x.genlock", "./a/../b.genlock", "postgresql://u@h/db"])
def test_both_sides_name_a_store_alike(store: str) -> None:
    assert f"daemon-{discovery.store_key(store)}.json" == daemon_side.file_for(store).name


def test_the_folder_is_among_those_platformdirs_may_choose(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GENLOCK_RUNTIME_DIR")
    monkeypatch.setenv("XDG_RUNTIME_DIR", "")
    import platformdirs

    with pytest.warns() if sys.platform == "linux" else tempfile.TemporaryDirectory():
        chosen = Path(platformdirs.PlatformDirs("genlock").user_runtime_dir)
        import warnings

        warnings.warn("at least one", stacklevel=1)
    assert chosen in discovery.runtime_folders()


def test_a_dead_daemons_file_does_not_count(folder: Path) -> None:
    write(folder, "/a", pid=dead_pid())
    assert discovery.find("/a") is None
    assert discovery.running() == []


def test_the_newest_daemon_is_first(folder: Path) -> None:
    old = write(folder, "/old", port=1)
    write(folder, "/new", port=2)
    os.utime(old, (1, 1))
    assert [endpoint.port for endpoint in discovery.running()] == [2, 1]
    newest = discovery.find()
    assert newest is not None
    assert newest.port == 2


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"port": 1}', '{"pid": "x", "port": 1, "token": "t"}'])
def test_broken_files_do_not_count(folder: Path, text: str) -> None:
    (folder / f"daemon-{discovery.store_key('/a')}.json").write_text(text)
    assert discovery.find("/a") is None
    assert discovery.running() == []


def test_a_process_of_an_absurd_number_is_dead(folder: Path) -> None:
    write(folder, "/a", pid=10**30)
    assert discovery.find("/a") is None
    assert discovery.running() == []


def test_somebody_elses_file_does_not_count(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(folder, "/a")
    monkeypatch.setattr(os, "getuid", lambda: 987654)
    assert discovery.find("/a") is None


def test_fields_of_a_newer_daemon_are_passed_over(folder: Path) -> None:
    write(folder, "/a", hologram=True)
    found = discovery.find("/a")
    assert found is not None
    assert found.websocket == "ws://127.0.0.1:4242/ws"


@pytest.mark.parametrize(
    ("store", "shown"),
    [
        ("postgresql://ann:pass@host:5432/film", "postgresql://ann@host:5432/film"),
        ("postgresql://ann:pa?ss@host/film", "postgresql://ann@host/film"),
        ("postgresql://ann:pa/s@s@host/film", "postgresql://ann@host/film"),
        ("postgresql://ann@host/film?password=pass", "postgresql://ann@host/film?"),
        ("postgresql://host:5432/film?application_name=a@b", "postgresql://host:5432/film?application_name=a@b"),
    ],
)
def test_a_store_is_named_without_its_password(store: str, shown: str) -> None:
    assert discovery.public(store) == shown
    assert discovery.store_key(store) == discovery.store_key(shown)


def test_requiring_what_is_not_there_is_offline() -> None:
    with pytest.raises(Offline) as caught:
        discovery.require("/nowhere")
    assert caught.value.code == "daemon_absent"
    assert "/nowhere" in caught.value.message


def test_the_actor_can_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GENLOCK_ACTOR", "ada")
    assert discovery.actor() == "ada"
    monkeypatch.delenv("GENLOCK_ACTOR")
    assert discovery.actor()
