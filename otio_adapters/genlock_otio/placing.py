"""Files put in their places: each appears whole, and all of one export or none."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from genlock.errors import MediaError

Making = Callable[[Path], object]


def place(making: Mapping[Path, Making]) -> None:
    """Makes each file or folder beside its place, then renames: nobody sees half of one, and when one cannot be made what
    was there stays. A folder is replaced only by a folder. Raises MediaError(unwritable_folder)."""
    parts = {path: _beside(path, "partial") for path in making}
    old: dict[Path, Path | None] = {}
    now = next(iter(making), Path())
    try:
        for path, make in making.items():
            now = path
            make(parts[path])
        for path, part in parts.items():
            now = path
            old[path] = _kept(path, part)
            os.replace(part, path)
    except OSError as error:
        for path, before in old.items():
            _put_back(path, before, parts[path])
        raise MediaError("unwritable_folder", f"{now} cannot be written: {error.strerror or error}.") from error
    finally:
        for left in (*parts.values(), *old.values()):
            if left is not None:
                _removed(left)


def _beside(path: Path, what: str) -> Path:
    return path.with_name(f".{path.name}.{uuid4().hex}.{what}")


def _kept(path: Path, part: Path) -> Path | None:
    """Returns where what is at `path` now can be put back from; a file stays in its place meanwhile."""
    before = _beside(path, "old")
    if part.is_dir():
        if not path.exists():
            return None
        if not (path / "content.otio").is_file():
            raise FileExistsError(17, "there is a folder that is no bundle, or a file")
        os.replace(path, before)
        return before
    with suppress(OSError):  # nothing is there, or the disk knows no links: the rename is whole without
        os.link(path, before)
        return before
    return None


def _put_back(path: Path, before: Path | None, part: Path) -> None:
    with suppress(OSError):
        if before is not None and before.exists():
            if before.is_dir() and path.exists():
                shutil.rmtree(path)
            os.replace(before, path)
        elif not part.exists():  # it was renamed, and nothing was there before
            _removed(path)


def _removed(path: Path) -> None:
    with suppress(OSError):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
