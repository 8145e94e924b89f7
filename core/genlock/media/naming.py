"""Names of takes on disk, as an assistant editor would write them: scene, shot, version."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

from genlock.errors import BadInput

TAKES = "takes"
PROXY = "Proxy"
"""Resolve links a file of the same stem in a folder of this name as the clip's proxy, by itself."""

_FOREIGN = re.compile(r"[^\w-]+")
_RESERVED = {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10))}
_LONGEST = 64


def sanitise(text: str) -> str:
    """Returns the text as a part of a file name that every system takes: letters, digits, dash and underscore.

    Raises BadInput(bad_name) when nothing is left of it.
    """
    name = _FOREIGN.sub("_", unicodedata.normalize("NFC", text)).strip("_-")[:_LONGEST].rstrip("_-")
    if not name:
        raise BadInput("bad_name", f"{text!r} cannot name a file.")
    return f"_{name}" if name.lower() in _RESERVED else name


def stem(scene: str, code: str) -> str:
    """Returns the shot's stem, e.g. "SC03_SH0040"; without a scene "SH0040". A code that names its scene keeps it once."""
    shot = sanitise(code)
    if not scene.strip():
        return shot
    prefix = sanitise(scene)
    return shot if shot.lower().startswith(f"{prefix.lower()}_") else f"{prefix}_{shot}"


def take_folder(folder: Path, scene: str, code: str) -> Path:
    """Returns the folder of a shot's takes; `folder` is the project's."""
    return folder / TAKES / stem(scene, code)


def take_path(folder: Path, scene: str, code: str, number: int, suffix: str = ".mov") -> Path:
    """Returns where take `number` (from 1) goes: `<folder>/takes/SC03_SH0040/SC03_SH0040_v003.mov`.

    Raises BadInput(bad_name) for codes that cannot name a file, BadInput(bad_value) for numbers below 1.
    """
    if number < 1:
        raise BadInput("bad_value", f"Takes count from 1, not {number}.")
    return take_folder(folder, scene, code) / f"{stem(scene, code)}_v{number:03d}{suffix}"


def proxy_path(take: Path) -> Path:
    """Returns where the proxy of a take goes: a `Proxy` folder beside it, same stem, `.mp4`."""
    return take.parent / PROXY / f"{take.stem}.mp4"


def next_number(folder: Path, scene: str, code: str) -> int:
    """Returns the first take number not used on disk, counting unfinished files too; 1 when there is none."""
    name = stem(scene, code)
    pattern = re.compile(rf"{re.escape(name)}_v(\d{{3,}})\b")
    try:
        found = [pattern.match(path.name) for path in take_folder(folder, scene, code).iterdir()]
    except OSError:
        return 1
    return max((int(match[1]) for match in found if match), default=0) + 1
