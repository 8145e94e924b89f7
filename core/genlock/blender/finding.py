"""Where Blender is on this machine: its programs, and the user folders it reads extensions from.

Everything is looked up in a given `Machine`, so that each of the three systems can be tried on any of them.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple

OLDEST: Final = (4, 2)
"""The first Blender with extensions."""
ANSWER_SECONDS: Final = 30.0
_VERSION: Final = re.compile(r"(\d+)\.(\d+)")
_FOLDER: Final = re.compile(r"\d+\.\d+")


class Machine(NamedTuple):
    """A machine to look at. `system` is sys.platform's word; `root` stands before the absolute places of POSIX systems."""

    system: str
    home: Path
    variables: Mapping[str, str]
    root: Path = Path("/")


class Blender(NamedTuple):
    """One Blender. `version` is (4, 5), or () when its place does not say. `resources` is the user folder it reads, also
    before there is one; `program` None where only the folder is known."""

    version: tuple[int, ...]
    resources: Path | None
    program: Path | None


def here() -> Machine:
    """Returns this machine."""
    return Machine(sys.platform, Path.home(), os.environ)


def blenders(machine: Machine, *, ask: bool = True) -> list[Blender]:
    """Returns the Blenders of the machine, newest first: each program with its folder, and folders without a program.

    `ask` starts a program whose place does not tell its version, to be told.
    """
    found = []
    for program in programs(machine):
        version = version_of(program, ask=ask)
        found.append(Blender(version, resources(machine, version), program))
    known = {blender.resources for blender in found}
    for version, folder in user_folders(machine):
        if folder not in known:
            found.append(Blender(version, folder, None))
    return sorted(found, key=lambda blender: (blender.version, blender.program is not None), reverse=True)


def programs(machine: Machine) -> list[Path]:
    """Returns Blender's programs, those on PATH first, each once."""
    found: dict[Path, Path] = {}
    for path in _places(machine):
        if path.is_file():
            found.setdefault(path.resolve(), path)
    return list(found.values())


def user_folders(machine: Machine) -> list[tuple[tuple[int, ...], Path]]:
    """Returns the user folders that exist: (version, folder)."""
    own = machine.variables.get("BLENDER_USER_RESOURCES")
    if own:  # it takes the place of all of them, whatever the version
        return [((), Path(own))] if Path(own).is_dir() else []
    found = []
    for base in _bases(machine):
        inside = sorted(base.iterdir()) if base.is_dir() else []
        found += [(_numbers(each.name), each) for each in inside if _FOLDER.fullmatch(each.name) and each.is_dir()]
    return found


def resources(machine: Machine, version: tuple[int, ...]) -> Path | None:
    """Returns the user folder of a version; None when the version is not known."""
    own = machine.variables.get("BLENDER_USER_RESOURCES")
    if own:
        return Path(own)
    return _bases(machine)[0] / f"{version[0]}.{version[1]}" if version else None


def extensions(machine: Machine, blender: Blender) -> Path | None:
    """Returns the folder of a Blender's own extensions (`user_default`); None when its user folder is not known."""
    own = machine.variables.get("BLENDER_USER_EXTENSIONS")
    if own:
        return Path(own, "user_default")
    return blender.resources / "extensions" / "user_default" if blender.resources else None


def version_of(program: Path, *, ask: bool = True) -> tuple[int, ...]:
    """Returns (4, 5) for a program of Blender 4.5: by its own answer, else by its place; () when neither says."""
    if ask:
        told = _answer(program)
        if told.startswith("Blender "):
            return _numbers(told)
    for part in reversed(program.resolve().parts[:-1]):
        if "blender" in part.lower() and _VERSION.search(part):
            return _numbers(part)
    return ()


def program_of(path: Path) -> Path | None:
    """Returns the program that a path names: itself, or that in an application's folder; None for any other folder."""
    if not path.is_dir():
        return path
    inside = (path / name for name in ("Contents/MacOS/Blender", "blender.exe", "blender"))
    return next((program for program in inside if program.is_file()), None)


def is_python(program: Path) -> bool:
    """Whether the program is a Python (that has bpy, one hopes) and no Blender."""
    name = program.name.lower()
    if name.startswith(("python", "blender")):
        return name.startswith("python")
    return _answer(program).startswith("Python ")


def _answer(program: Path) -> str:
    try:
        done = subprocess.run(
            [str(program), "--version"], capture_output=True, text=True, timeout=ANSWER_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired, UnicodeDecodeError):
        return ""
    return done.stdout.strip()


def _numbers(text: str) -> tuple[int, ...]:
    found = _VERSION.search(text)
    return (int(found[1]), int(found[2])) if found else ()


def _bases(machine: Machine) -> list[Path]:
    """Returns the folders that hold a user folder for each version; the first is where a new one is made."""
    variables, home = machine.variables, machine.home
    if machine.system == "win32":
        return [Path(variables.get("APPDATA") or home / "AppData/Roaming", "Blender Foundation", "Blender")]
    if machine.system == "darwin":
        return [home / "Library/Application Support/Blender"]
    plain = Path(variables.get("XDG_CONFIG_HOME") or home / ".config", "blender")
    return [plain, home / ".var/app/org.blender.Blender/config/blender"]


def _places(machine: Machine) -> Iterator[Path]:
    """Yields where a program may be, likeliest first."""
    variables, home, root = machine.variables, machine.home, machine.root
    name = "blender.exe" if machine.system == "win32" else "blender"
    on_path = shutil.which("blender", path=variables.get("PATH", "")) if machine.system == sys.platform else None
    if on_path:
        yield Path(on_path)
    if machine.system == "win32":
        for variable in ("ProgramFiles", "ProgramW6432", "ProgramFiles(x86)"):
            base = Path(variables[variable]) if variables.get(variable) else None
            if base is not None:
                yield from sorted((base / "Blender Foundation").glob(f"Blender*/{name}"), reverse=True)
                yield base / "Steam/steamapps/common/Blender" / name
        return
    if machine.system == "darwin":
        for base in (root / "Applications", home / "Applications"):
            yield from sorted(base.glob("Blender*.app/Contents/MacOS/Blender"), reverse=True)
            yield from sorted(base.glob("Blender*/Blender.app/Contents/MacOS/Blender"), reverse=True)
        return
    for base in (root / "opt", root / "usr/local", home, home / "Applications", home / "apps", home / "Downloads"):
        yield from sorted(base.glob(f"[bB]lender*/{name}"), reverse=True)
    for folder in ("usr/bin", "usr/local/bin", "snap/bin"):
        yield root / folder / name
    yield home / ".local/share/Steam/steamapps/common/Blender" / name
