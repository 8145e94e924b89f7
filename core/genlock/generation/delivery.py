"""From a job's desk to the takes: finished files get their names, and nothing is ever replaced."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from pathlib import Path
from typing import Final

from genlock.errors import GenerationError
from genlock.generation.executor import Ticket
from genlock.media.naming import proxy_path

_USE: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_NAME: Final = re.compile(r"[\w-][\w.-]*")


class Sidecars:
    """Files beside a take, by their use: one file, or a folder of them. `folder` is where they wait."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._found: dict[str, Path] = {}

    def add(self, use: str, name: str, data: bytes) -> None:
        """Writes a file; `name` is `file` or `folder/file`.

        Raises GenerationError(engine_failed) for a name that leads elsewhere or a second file where one was said, OSError
        when the disk is full.
        """
        *folders, file = name.split("/")
        if not _USE.fullmatch(use) or not all(map(_NAME.fullmatch, (*folders, file))) or len(folders) > 1:
            raise GenerationError("engine_failed", f"{name!r} cannot name a file of the sidecar {use!r}.")
        path = self._folder / use / name
        found = path.parent if folders else path
        if self._found.setdefault(use, found) != found or path.exists():
            raise GenerationError("engine_failed", f"The sidecar {use} holds something else than {name}.")
        path.parent.mkdir(parents=True, exist_ok=True)
        write(path, data)

    def named(self, stem: str) -> dict[str, tuple[Path, Path]]:
        """Returns where each use waits, and the name it gets beside a take of this stem."""
        return {
            use: (path, Path(f"{stem}_{use}{'' if path.is_dir() else path.suffix}"))
            for use, path in self._found.items()
        }


def deliver(ticket: Ticket, master: Path, proxy: Path | None, sidecars: Sidecars) -> tuple[int, dict[str, Path]]:
    """Gives finished files their names: those of the first take number from the ticket's that are all free.

    Returns the number and the paths: "" the take's, "proxy", and each sidecar's by its use. Raises OSError, with nothing
    left under a name, when the folder cannot be written.
    """
    number = ticket.number
    while True:
        stem = _renumbered(ticket, number)
        pairs = {"": (master, Path(f"{stem}{master.suffix}")), **sidecars.named(stem)}
        if (named := _claim_all(pairs, Path(ticket.output))) is not None:
            break
        number += 1
    if proxy is not None:
        place = named["proxy"] = proxy_path(named[""])
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            proxy.replace(place)  # a proxy without its master is a leftover
        except OSError:
            for path in named.values():
                _remove(path)
            raise
    return number, named


def write(path: Path, data: bytes) -> None:
    """Writes a file through to the disk."""
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _claim_all(pairs: dict[str, tuple[Path, Path]], folder: Path) -> dict[str, Path] | None:
    """Returns where each went; None, with everything back where it was, when a name is taken."""
    if any((folder / name).exists() for _, name in pairs.values()):
        return None
    named: dict[str, Path] = {}
    with contextlib.ExitStack() as undo:
        for use, (source, name) in pairs.items():
            target = folder / name
            if not _claim(source, target):
                return None
            undo.callback(target.replace, source)
            named[use] = target
        undo.pop_all()
    return named


def _claim(source: Path, target: Path) -> bool:
    """Gives a file or a folder its name unless that is taken."""
    if source.is_dir():
        return _claim_folder(source, target)
    try:
        os.link(source, target)
    except FileExistsError:
        return False
    except OSError:  # a file system without links: the check and the move are two steps there
        if target.exists():
            return False
        source.replace(target)
        return True
    source.unlink()
    return True


def _claim_folder(source: Path, target: Path) -> bool:
    try:
        target.mkdir()  # of two that want the name one gets it
    except FileExistsError:
        return False
    if os.name == "nt":
        target.rmdir()  # where an empty folder is not replaced by a move
    source.replace(target)
    return True


def _renumbered(ticket: Ticket, number: int) -> str:
    if number == ticket.number:
        return ticket.stem
    base = re.sub(r"_v\d{3,}$", "", ticket.stem)
    return f"{base}_v{number:03d}"


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
