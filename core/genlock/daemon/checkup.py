"""The doctor: what can be wrong on this machine, looked at without changing anything."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from genlock.daemon.routes.entry import static_folder
from genlock.daemon.views import Check
from genlock.errors import GenlockError, MediaError
from genlock.media import numbered
from genlock.project.media import MediaFile

if TYPE_CHECKING:
    from genlock.daemon.services import Services

NEEDED = ("fastapi", "eventsourcing", "opentimelineio", "av", "opencv-python-headless", "imageio-ffmpeg")
LEAST_FREE = 2 * 1024**3
"""Bytes below which the disk counts as full: one take of a minute in ProRes."""


def checks(services: Services) -> Iterator[Check]:
    """Yields one line a subject."""
    yield Check("python", sys.version_info >= (3, 11), sys.version.split()[0], "Genlock needs Python 3.11 or newer.")
    yield from _libraries()
    yield _store(services)
    yield _disk(services.folder)
    yield from _engines(services)
    yield from _media(services)
    built = static_folder() is not None
    yield Check("panel", True, "built" if built else "not built: hosts and the command line work without it")
    yield Check("roots", True, ", ".join(str(root) for root in services.roots.folders))


def _libraries() -> Iterator[Check]:
    for name in NEEDED:
        try:
            yield Check(name, True, version(name))
        except PackageNotFoundError:
            yield Check(name, False, "not installed", "Install Genlock again: pip install genlock.")
    torch = find_spec("torch") is not None
    yield Check("models", True, "torch is here" if torch else "no torch: the animatic engine works without")


def _store(services: Services) -> Check:
    try:
        tip = services.store.tip()
    except GenlockError as error:
        return Check("store", False, error.message, error.hint)
    return Check("store", True, f"{services.store.location}, {tip} events")


def _disk(folder: Path) -> Check:
    free = shutil.disk_usage(folder if folder.exists() else Path.home()).free
    return Check("disk", free >= LEAST_FREE, f"{free / 1e9:.1f} GB free at {folder}", "Free some space.")


def _engines(services: Services) -> Iterator[Check]:
    """Yields a line an engine. One that lacks its model is no fault: others answer in its place."""
    rows = services.engines.describe()
    for row in rows:
        detail = f"version {row['version']}" if row["available"] else f"off: {row['reason']}"
        yield Check(f"engine {row['name']}", True, detail)
    able = any(row["available"] for row in rows)
    yield Check(
        "engines", able, f"{sum(row['available'] for row in rows)} of {len(rows)} can run", "Install Genlock again."
    )


def _is_there(file: MediaFile) -> bool:
    try:
        return Path(file.path).exists() or numbered.find(Path(file.path)) is not None
    except (MediaError, OSError):
        return False


def _media(services: Services) -> Iterator[Check]:
    for project in services.app.projects():
        missing = [file.name or file.path for file in project.media.values() if not _is_there(file)]
        shown = ", ".join(missing[:5]) + (" ..." if len(missing) > 5 else "")
        detail = (
            f"{len(missing)} of {len(project.media)} missing: {shown}" if missing else f"{len(project.media)} there"
        )
        yield Check(f"media of {project.name}", not missing, detail, "Relink it." if missing else "")
