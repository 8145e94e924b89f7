"""The client as its hosts get it: its own wheel, an old Python, no heavy import."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from .conftest import PROJECT, SHOT, FakeDaemon

SOURCE = Path(__file__).parents[2] / "core" / "genlock_client"

LIVE = """
import importlib, pkgutil, sys, warnings
warnings.simplefilter("error")
import genlock_client
for module in pkgutil.iter_modules(genlock_client.__path__):
    importlib.import_module("genlock_client." + module.name)
from genlock_client.blocking import Connection
from genlock_client.discovery import Endpoint
with Connection.open(Endpoint(int(sys.argv[1]), "secret"), host="old", actor="ada", project=sys.argv[2]) as daemon:
    accepted = daemon.command({"do": "Note", "note": "from an old Python"}, sys.argv[3])
    daemon.wait_for(lambda happening: type(happening).__name__ == "Changed", 5)
    print(sys.version_info[:2], accepted.version, daemon.model.shots[sys.argv[3]]["note"])
"""


def find_python(version: str) -> str | None:
    for place in [os.environ.get("PYENV_ROOT"), str(Path.home() / ".pyenv")]:
        for python in sorted(Path(place, "versions").glob(f"{version}*/bin/python")) if place else ():
            return str(python)
    return shutil.which(f"python{version}")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=SOURCE, check=True, capture_output=True, timeout=60)
    (built,) = folder.glob("*.whl")
    return built


def test_it_builds_as_a_wheel_of_its_own(wheel: Path) -> None:
    assert wheel.name.endswith("-py3-none-any.whl")
    names = zipfile.ZipFile(wheel).namelist()
    modules = {f"genlock_client/{path.name}" for path in SOURCE.glob("*.py")}
    assert modules <= set(names)
    assert {name.split("/")[0] for name in names if ".dist-info" not in name} == {"genlock_client"}
    metadata = zipfile.ZipFile(wheel).read(next(n for n in names if n.endswith("METADATA"))).decode()
    assert "Requires-Python: >=3.8" in metadata
    assert "Requires-Dist: websockets" in metadata


def test_importing_it_loads_the_standard_library_and_websockets_only() -> None:
    code = (
        "import sys; before = set(sys.modules); import genlock_client.blocking, genlock_client.rest;"
        "print(sorted({m.split('.')[0] for m in set(sys.modules) - before} - sys.stdlib_module_names))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=30)
    assert done.stdout.strip() == "['genlock_client', 'websockets']"


@pytest.mark.parametrize(("version", "websockets"), [("3.8", "13.1"), ("3.12", "15.0.1"), ("3.13", "17.4")])
def test_a_live_session_from_the_wheel_on_an_old_python(
    version: str, websockets: str, wheel: Path, tmp_path: Path, daemon: FakeDaemon
) -> None:
    python = find_python(version)
    if python is None:
        pytest.skip(f"no Python {version} on this machine")
    subprocess.run([python, "-m", "venv", "--without-pip", tmp_path / "venv"], check=True, timeout=60)
    target = tmp_path / "site"
    install = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", str(target)]
    fetch = subprocess.run(
        [
            *install,
            "--python-version",
            version,
            "--only-binary=:all:",
            "--no-warn-conflicts",
            f"websockets=={websockets}",
        ],
        capture_output=True,
        text=True,
        timeout=100,
    )
    if fetch.returncode:
        pytest.skip(f"websockets {websockets} cannot be fetched: {fetch.stderr[-200:]}")
    path = os.pathsep.join([str(wheel), str(target)])  # straight from the wheel, as a host bundles it
    done = subprocess.run(
        [str(tmp_path / "venv" / "bin" / "python"), "-c", LIVE, str(daemon.endpoint.port), PROJECT, SHOT],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stderr == ""
    assert done.stdout.strip() == f"({version.replace('.', ', ')}) 1 from an old Python"
