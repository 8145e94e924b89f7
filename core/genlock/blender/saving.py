"""A sequence as a .blend, made by a Blender that is installed or a Python that has bpy, in a process of its own."""

from __future__ import annotations

import io
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

from genlock.blender import package, workers
from genlock.errors import BadInput, GenlockError, NotFound

SUFFIX: Final = ".blend"


class Saved(NamedTuple):
    """What was saved. `frames` is the length; `missing` are names of strips whose file is not there, `troubles` sentences
    about what the scene does not show as the sequence has it."""

    path: Path
    strips: int
    frames: int
    missing: tuple[str, ...]
    troubles: tuple[str, ...]


def save(
    project: str,
    sequence: str,
    out: Path,
    with_: Path,
    *,
    url: str,
    token: str,
    relative: bool = False,
    told: Callable[[int, int], None] = lambda done, total: None,
) -> Saved:
    """Saves a sequence of the daemon at `url` as a .blend file, linked to it.

    The file opens in a Blender without Genlock too, with every clip in its place; one that is there already stays beside
    it as `.blend1`. `relative` makes paths count from the file's folder. The token is not in the file. Raises
    BadInput(bad_name), NotFound(no_such_file), GenlockError(blender_failed, blender_package).
    """
    out = out.absolute()
    if out.suffix.lower() != SUFFIX:
        raise BadInput("bad_name", f"{out.name!r} is no {SUFFIX} file.")
    if not out.parent.is_dir():
        raise NotFound("no_such_file", f"There is no folder {str(out.parent)!r}.")
    job = {"project": project, "sequence": sequence, "out": str(out), "relative": relative}
    with tempfile.TemporaryDirectory(prefix="genlock-addon-") as folder:
        addon = Path(folder, "genlock_blender")
        with zipfile.ZipFile(io.BytesIO(package.build().content)) as packed:
            packed.extractall(addon)
        said = workers.run(
            with_,
            addon / "save_worker.py",
            job,
            told,
            failed=lambda text: GenlockError("blender_failed", text),
            environment={"GENLOCK_URL": url, "GENLOCK_TOKEN": token},
            factory=True,
        )
    if token and token.encode() in out.read_bytes():
        out.unlink()
        raise GenlockError("blender_failed", "The file held the daemon's token and was removed.")
    return Saved(out, said["strips"], said["frames"], tuple(said["missing"]), tuple(said["troubles"]))
