"""Puts the extension into a Blender: by the program itself where there is one, else into its user folder."""

from __future__ import annotations

import io
import shutil
import subprocess
import tempfile
import zipfile
from pathlib import Path
from typing import Final

from genlock.blender.package import ID, Extension
from genlock.errors import GenlockError

INSTALL_SECONDS: Final = 180.0
TAIL: Final = 500
REPOSITORY: Final = "user_default"


def by_program(extension: Extension, program: Path) -> None:
    """Lets a Blender install and enable the extension, as its own command line does.

    Raises GenlockError(blender_failed) with the end of what it printed.
    """
    with tempfile.TemporaryDirectory(prefix="genlock-install-") as folder:
        archive = Path(folder, extension.name)
        archive.write_bytes(extension.content)
        asked = ("extension", "install-file", "--repo", REPOSITORY, "--enable", str(archive))
        try:
            done = subprocess.run(
                [str(program), "--background", "--command", *asked],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=INSTALL_SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise GenlockError("blender_failed", f"{program} could not install the extension: {error}.") from error
    if done.returncode:
        said = (done.stdout + done.stderr).decode("utf-8", "replace").strip()
        raise GenlockError("blender_failed", f"{program} ended with {done.returncode}: {said[-TAIL:]}")


def into_folder(extension: Extension, repository: Path) -> Path:
    """Unpacks the extension into a folder of extensions and returns where; the older one goes when the new one is whole.

    Blender unpacks the wheels when the add-on is enabled. Raises GenlockError(unwritable_folder).
    """
    target = repository / ID
    fresh = repository / f".{ID}-{extension.version}"
    try:
        repository.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(fresh, ignore_errors=True)
        with zipfile.ZipFile(io.BytesIO(extension.content)) as zipped:
            zipped.extractall(fresh)
        if target.is_symlink():
            target.unlink()
        elif target.exists():
            shutil.rmtree(target)
        fresh.replace(target)
    except OSError as error:
        shutil.rmtree(fresh, ignore_errors=True)
        raise GenlockError("unwritable_folder", f"{target} cannot be written: {error.strerror}.") from error
    return target
