"""The daemon as extension repository: installed over HTTP, and updated when Genlock was."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import bpy
import pytest
from conftest import PYTHON
from daemons import Daemon
from installations import blender

TOOL = Path(bpy.utils.system_resource("SCRIPTS"), "addons_core/bl_pkg/cli/blender_ext.py")


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Daemon]:
    """A daemon of this test's own: it is updated on the way."""
    made = Daemon(tmp_path, [tmp_path], PYTHON)
    try:
        made.start()
        yield made
    finally:
        made.end()


def get(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=20) as answer:  # as Blender asks: no token, no cookie
        return bytes(answer.read())


def test_the_index_says_what_blenders_own_tool_would(daemon: Daemon, tmp_path: Path) -> None:
    base = f"{daemon.rest.base_url}/blender"
    index = json.loads(get(f"{base}/index.json"))
    name = index["data"][0]["archive_url"].removeprefix("./")
    (tmp_path / name).write_bytes(get(f"{base}/{name}"))
    command = [sys.executable, str(TOOL), "server-generate", "--repo-dir", str(tmp_path)]
    subprocess.run(command, check=True, capture_output=True)
    assert index == json.loads((tmp_path / "index.json").read_text())


def test_only_the_listed_file_is_there(daemon: Daemon) -> None:
    for name in ("genlock-0.0.0.zip", "other.zip", "genlock.zip", "%2e%2e%2fREADME.zip"):
        with pytest.raises(urllib.error.HTTPError) as refused:
            get(f"{daemon.rest.base_url}/blender/{name}")
        assert refused.value.code in (401, 404)


def test_installed_from_the_daemon_and_updated_with_it(studio: Daemon, tmp_path: Path) -> None:
    user = tmp_path / "user"
    url = f"{studio.rest.base_url}/blender/index.json"
    first = blender(user, f"repository:{url}", "sync", "fetch", "look", "upgrade", "look")
    assert first.is_well, first.output
    (before, same) = (value for name, value in first.steps if name == "look")
    assert before["enabled"] == ["bl_ext.daemon.genlock"], first.output
    assert before["installed"] == same["installed"]
    assert before["client"].startswith(str(user))

    port = studio.port
    studio.end()
    studio.start(port=port, version="9.9.0")
    assert f"{studio.rest.base_url}/blender/index.json" == url
    second = blender(user, f"repository:{url}", "sync", "enable:bl_ext.daemon.genlock", "look", "upgrade", "look")
    assert second.is_well, second.output
    (old, new) = (value for name, value in second.steps if name == "look")
    assert old["installed"] == before["installed"]
    assert new["installed"] == ["9.9.0"]
    assert new["enabled"] == ["bl_ext.daemon.genlock"]
    clients = [[name for name in look["unpacked"] if name.startswith("genlock_client-")] for look in (old, new)]
    assert [len(found) for found in clients] == [1, 1]
    assert clients[0] != clients[1]
    assert new["traces"] == old["traces"]
    assert new["loaded"] != old["loaded"]
    assert "Traceback" not in second.output


def test_a_daemon_that_is_gone_is_an_error_and_no_crash(studio: Daemon, tmp_path: Path) -> None:
    url = f"{studio.rest.base_url}/blender/index.json"
    studio.end()
    ran = blender(tmp_path / "user", f"repository:{url}", "sync", "look")
    assert ran.code in (0, 1)
    assert "Segmentation" not in ran.output
