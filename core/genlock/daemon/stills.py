"""Single frames of media as PNG files in the project's folder: what generation starts from."""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import TYPE_CHECKING

from genlock.daemon.author import Author
from genlock.errors import GenlockError, StoreError
from genlock.project.commands import ChangeSettings, SettingsPatch

if TYPE_CHECKING:
    from genlock.daemon.services import Services

log = logging.getLogger("genlock.daemon")


def project_folder(services: Services, project: str) -> Path:
    """Returns the folder of a project's files: the one of its settings, else one beside the store."""
    state = services.app.project(project)
    if state.settings.folder:
        return services.roots.resolve(state.settings.folder)
    name = re.sub(r"[^\w.-]+", "_", state.name).strip("._") or "project"
    return services.folder / "projects" / f"{name}-{state.id[:8]}"


def ensure_folder(services: Services, project: str, author: Author) -> None:
    """Gives a project without a folder one beside the store: takes need a place."""
    if not services.app.project(project).settings.folder:
        folder = project_folder(services, project)
        author.execute(ChangeSettings(SettingsPatch(folder=str(folder))), project)


def save_still(services: Services, project: str, path: Path, frame: int, name: str) -> Path | None:
    """Writes frame `frame` (from the file's first) as `<project>/stills/<name>.png` and returns its path; None when the
    media cannot be read. Raises StoreError(unwritable_folder)."""
    try:
        picture = services.media.frames(path, [max(0, frame)])[0]
    except GenlockError as error:
        log.warning("no still of %s: %s", path.name, error.message)
        return None
    target = project_folder(services, project) / "stills" / f"{re.sub(r'[^A-Za-z0-9_.-]', '_', name)}.png"
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(picture)
    except OSError as error:
        raise StoreError("unwritable_folder", f"{target.parent} cannot be written: {error}.") from error
    return target
