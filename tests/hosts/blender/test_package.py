"""What the extension's zip holds, and that the same sources make the same bytes."""

from __future__ import annotations

import csv
import io
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from base64 import urlsafe_b64encode
from hashlib import sha256
from pathlib import Path

import pytest

import genlock
from genlock.blender import package, repository
from genlock.blender.installing import into_folder
from genlock.errors import GenlockError

ROOT = Path(__file__).resolve().parents[3]
ADDON = ROOT / "blender_addon/genlock_blender"


@pytest.fixture(scope="module")
def made() -> package.Extension:
    return package.build()


@pytest.fixture
def members(made: package.Extension) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(made.content)) as zipped:
        assert zipped.testzip() is None
        return {name: zipped.read(name) for name in zipped.namelist()}


def wheels(members: dict[str, bytes]) -> dict[str, zipfile.ZipFile]:
    return {
        path.split("/")[1].split("-")[0]: zipfile.ZipFile(io.BytesIO(content))
        for path, content in members.items()
        if path.endswith(".whl")
    }


def test_every_file_of_the_addon_is_in_it_and_nothing_else(members: dict[str, bytes]) -> None:
    ours = {
        path.relative_to(ADDON).as_posix()
        for path in ADDON.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    extra = set(members) - ours
    assert ours <= set(members)
    assert sorted(re.sub(r"-.*", "", path) for path in extra) == [
        "LICENSE",
        "wheels/genlock_client",
        "wheels/websockets",
    ]
    assert b"GNU GENERAL PUBLIC LICENSE" in members["LICENSE"]


def test_nothing_compiled_is_in_it(members: dict[str, bytes]) -> None:
    names = [*members, *(name for wheel in wheels(members).values() for name in wheel.namelist())]
    assert len(names) > 60
    assert [name for name in names if name.endswith(package.COMPILED) or "__pycache__" in name] == []


def test_the_manifest_names_this_version_and_its_wheels(made: package.Extension, members: dict[str, bytes]) -> None:
    manifest = tomllib.loads(members["blender_manifest.toml"].decode())
    assert manifest == made.manifest
    assert (manifest["id"], manifest["version"]) == ("genlock", genlock.__version__)
    assert made.name == f"genlock-{genlock.__version__}.zip"
    assert {path.removeprefix("./") for path in manifest["wheels"]} == {
        path for path in members if path.endswith(".whl")
    }
    assert manifest["license"] == ["SPDX:GPL-3.0-or-later"]
    assert manifest["blender_version_min"] == "4.2.0"
    template = tomllib.loads((ADDON / "blender_manifest.toml").read_text())
    assert {**template, "wheels": manifest["wheels"]} == manifest, "the file in the sources has the same version"


def test_short_texts_are_as_the_platform_wants_them(made: package.Extension) -> None:
    texts = [made.manifest["tagline"], *made.manifest["permissions"].values()]
    assert [text for text in texts if len(text) > 64 or not text[-1].isalnum()] == []


def test_wheels_are_whole_by_their_own_record(members: dict[str, bytes]) -> None:
    for name, wheel in wheels(members).items():
        (record,) = [path for path in wheel.namelist() if path.endswith(".dist-info/RECORD")]
        rows = list(csv.reader(io.StringIO(wheel.read(record).decode())))
        assert {row[0] for row in rows} == set(wheel.namelist()), name
        for path, digest, size in rows:
            if path != record:
                content = wheel.read(path)
                wanted = urlsafe_b64encode(sha256(content).digest()).rstrip(b"=").decode()
                assert (digest, size) == (f"sha256={wanted}", str(len(content)))
        (tags,) = [wheel.read(path).decode() for path in wheel.namelist() if path.endswith(".dist-info/WHEEL")]
        assert "Root-Is-Purelib: true\nTag: py3-none-any\n" in tags
    library = wheels(members)["websockets"]
    assert any(path.endswith("licenses/LICENSE") for path in library.namelist())


def test_pip_installs_the_wheels_and_they_run_alone(members: dict[str, bytes], tmp_path: Path) -> None:
    for path, content in members.items():
        if path.endswith(".whl"):
            (tmp_path / path.split("/")[1]).write_bytes(content)
    files = map(str, tmp_path.glob("*.whl"))
    where = tmp_path / "site"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--target", str(where), *files]
    subprocess.run(pip, check=True, capture_output=True)
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); import genlock_client.transport, websockets.client; "
        "print(genlock_client.__file__, websockets.__file__, 'websockets.speedups' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code, str(where)], capture_output=True, text=True, check=True
    )
    assert done.stdout.count(str(where)) == 2
    assert done.stdout.strip().endswith("False")


def test_the_same_sources_make_the_same_bytes() -> None:
    code = "import hashlib; from genlock.blender import package; print(hashlib.sha256(package.build().content).hexdigest())"
    mine = sha256(package.build().content).hexdigest()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == mine


@pytest.fixture
def other_sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Copies of both packages, found in the place of the installed ones."""
    for name, folder in (("genlock_blender", ADDON), ("genlock_client", ROOT / "core/genlock_client")):
        shutil.copytree(folder, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    real = package.importlib.util.find_spec

    def find(name: str) -> object:
        spec = real(name)
        if spec is not None and (tmp_path / name).is_dir():
            spec.submodule_search_locations = [str(tmp_path / name)]
        return spec

    monkeypatch.setattr(package.importlib.util, "find_spec", find)
    return tmp_path


def test_a_changed_client_is_another_wheel(other_sources: Path) -> None:
    name, content = package.client_wheel("1.0.0")
    assert package.client_wheel("1.0.0") == (name, content)
    with (other_sources / "genlock_client/wire.py").open("a") as file:
        file.write("\n# changed\n")
    assert package.client_wheel("1.0.0")[0] != name


def test_a_changed_source_is_served_at_once(other_sources: Path) -> None:
    first = repository.current()
    assert repository.current() is first
    (other_sources / "genlock_blender/further.py").write_text("# SPDX-License-Identifier: GPL-3.0-or-later\n")
    second = repository.current()
    assert second.content != first.content
    listed = repository.index(second).data[0]
    assert listed.archive_hash == f"sha256:{sha256(second.content).hexdigest()}"


def test_a_manifest_without_its_lines_is_refused(other_sources: Path) -> None:
    (other_sources / "genlock_blender/blender_manifest.toml").write_text('id = "genlock"\n')
    with pytest.raises(GenlockError) as refused:
        package.build()
    assert refused.value.code == "blender_package"


def test_every_file_of_the_addon_says_its_licence() -> None:
    files = sorted(ADDON.rglob("*.py"))
    assert len(files) > 10
    assert [
        path.name for path in files if path.read_text().splitlines()[0] != "# SPDX-License-Identifier: GPL-3.0-or-later"
    ] == []


def test_a_folder_that_is_a_link_gives_way(made: package.Extension, tmp_path: Path) -> None:
    """As a developer has it, with the sources elsewhere; those stay."""
    sources = tmp_path / "sources"
    sources.mkdir()
    (sources / "mine.py").write_text("kept")
    repository = tmp_path / "extensions/user_default"
    repository.mkdir(parents=True)
    (repository / package.ID).symlink_to(sources, target_is_directory=True)
    assert into_folder(made, repository) == repository / package.ID
    assert (repository / package.ID / "blender_manifest.toml").is_file()
    assert not (repository / package.ID).is_symlink()
    assert [path.name for path in sources.iterdir()] == ["mine.py"]
