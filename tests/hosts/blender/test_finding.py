"""Where Blender is, on three systems laid out in a folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from genlock.blender import finding
from genlock.blender.finding import Blender, Machine, blenders, extensions


def put(path: Path, text: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


def linux(tmp_path: Path, **variables: str) -> Machine:
    return Machine("linux", tmp_path / "home", variables, tmp_path)


def test_linux_finds_unpacked_archives_system_packages_and_user_folders(tmp_path: Path) -> None:
    machine = linux(tmp_path)
    newest = put(tmp_path / "opt/blender-5.2.3-linux-x64/blender")
    mine = put(machine.home / "blender-4.5.1-linux-x64/blender")
    (machine.home / ".config/blender/4.2").mkdir(parents=True)
    (machine.home / ".config/blender/4.5").mkdir()
    (machine.home / ".config/blender/notes").mkdir()
    flatpak = machine.home / ".var/app/org.blender.Blender/config/blender/5.0"
    flatpak.mkdir(parents=True)
    config = machine.home / ".config/blender"
    assert blenders(machine, ask=False) == [
        Blender((5, 2), config / "5.2", newest),
        Blender((5, 0), flatpak, None),
        Blender((4, 5), config / "4.5", mine),
        Blender((4, 2), config / "4.2", None),
    ]


def test_macos_finds_applications_and_application_support(tmp_path: Path) -> None:
    machine = Machine("darwin", tmp_path / "Users/ann", {}, tmp_path)
    program = put(tmp_path / "Applications/Blender.app/Contents/MacOS/Blender")
    older = put(tmp_path / "Applications/Blender 4.2/Blender.app/Contents/MacOS/Blender")
    support = machine.home / "Library/Application Support/Blender"
    (support / "4.5").mkdir(parents=True)
    assert blenders(machine, ask=False) == [
        Blender((4, 5), support / "4.5", None),
        Blender((4, 2), support / "4.2", older),
        Blender((), None, program),
    ]


def test_windows_finds_program_files_steam_and_appdata(tmp_path: Path) -> None:
    variables = {"ProgramFiles": str(tmp_path / "Program Files"), "ProgramFiles(x86)": str(tmp_path / "x86")}
    machine = Machine("win32", tmp_path / "Users/ann", {**variables, "APPDATA": str(tmp_path / "Roaming")}, tmp_path)
    program = put(tmp_path / "Program Files/Blender Foundation/Blender 5.0/blender.exe")
    steam = put(tmp_path / "x86/Steam/steamapps/common/Blender/blender.exe")
    base = tmp_path / "Roaming/Blender Foundation/Blender"
    (base / "4.3").mkdir(parents=True)
    found = blenders(machine, ask=False)
    assert found == [
        Blender((5, 0), base / "5.0", program),
        Blender((4, 3), base / "4.3", None),
        Blender((), None, steam),
    ]
    assert extensions(machine, found[0]) == base / "5.0/extensions/user_default"


def test_windows_without_appdata_falls_back_to_the_home(tmp_path: Path) -> None:
    machine = Machine("win32", tmp_path, {}, tmp_path)
    folder = tmp_path / "AppData/Roaming/Blender Foundation/Blender/4.5"
    folder.mkdir(parents=True)
    assert blenders(machine, ask=False) == [Blender((4, 5), folder, None)]


def test_a_set_user_folder_takes_the_place_of_all(tmp_path: Path) -> None:
    own = tmp_path / "own"
    machine = linux(tmp_path, BLENDER_USER_RESOURCES=str(own))
    program = put(tmp_path / "opt/blender-4.5/blender")
    (machine.home / ".config/blender/4.2").mkdir(parents=True)
    (found,) = blenders(machine, ask=False)
    assert found == Blender((4, 5), own, program)
    assert extensions(machine, found) == own / "extensions/user_default"


def test_a_set_extensions_folder_is_used(tmp_path: Path) -> None:
    machine = linux(tmp_path, BLENDER_USER_EXTENSIONS=str(tmp_path / "ext"))
    assert extensions(machine, Blender((4, 5), None, None)) == tmp_path / "ext/user_default"


def test_another_config_home_is_used(tmp_path: Path) -> None:
    machine = linux(tmp_path, XDG_CONFIG_HOME=str(tmp_path / "xdg"))
    (tmp_path / "xdg/blender/4.5").mkdir(parents=True)
    assert [found.resources for found in blenders(machine)] == [tmp_path / "xdg/blender/4.5"]


def test_one_program_under_two_names_is_one(tmp_path: Path) -> None:
    machine = linux(tmp_path)
    put(tmp_path / "opt/blender-4.5/blender")
    (tmp_path / "usr/bin").mkdir(parents=True)
    (tmp_path / "usr/bin/blender").symlink_to(tmp_path / "opt/blender-4.5/blender")
    assert len(finding.programs(machine)) == 1


def test_nothing_is_found_where_nothing_is(tmp_path: Path) -> None:
    for system in ("linux", "darwin", "win32"):
        assert blenders(Machine(system, tmp_path, {}, tmp_path)) == []


@pytest.mark.parametrize(
    ("answer", "version"),
    [("Blender 4.5.15 LTS\n\tbuild date: x", (4, 5)), ("Blender 5.2.3", (5, 2)), ("Python 3.11.7", ()), ("", ())],
)
def test_a_program_says_its_version_itself(tmp_path: Path, answer: str, version: tuple[int, ...]) -> None:
    program = put(tmp_path / "bin/blender", f"#!/bin/sh\nprintf '{answer}'\n")
    assert finding.version_of(program) == version


def test_a_program_that_says_nothing_is_named_by_its_place(tmp_path: Path) -> None:
    assert finding.version_of(put(tmp_path / "blender-4.2.1/blender", "not a program")) == (4, 2)


def test_a_python_is_told_from_a_blender(tmp_path: Path) -> None:
    assert finding.is_python(tmp_path / "bin/python3.11")
    assert not finding.is_python(tmp_path / "blender-launcher")
    assert finding.is_python(put(tmp_path / "bpy", "#!/bin/sh\necho Python 3.13.0\n"))
    assert not finding.is_python(put(tmp_path / "b", "#!/bin/sh\necho Blender 4.5.0\n"))
