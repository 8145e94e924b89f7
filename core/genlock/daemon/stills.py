"""Single frames of media as PNG files in the project's folder: what generation starts from."""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import TYPE_CHECKING

from genlock.errors import GenlockError, StoreError

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
