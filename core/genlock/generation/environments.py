"""Environments of their own for engines whose libraries cannot live beside today's: made here, used through the same worker
protocol. The worker code is this installation's; an environment holds its few requirements and the engine's library."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from msgspec import Struct

from genlock.errors import GenerationError, NotFound, StoreError
from genlock.generation.models.library import Library
from genlock.generation.nursery import scrubbed

WORKER: Final = ("msgspec", "immutables", "numpy", "av", "opencv-python-headless", "pillow", "platformdirs", "psutil")
"""What a worker process imports; each in the version that is installed here."""

FOLDER: Final = ".environments"
MARK: Final = "genlock-environment"
"""A file in a finished environment: what it was made of."""

TORCH: Final = "torch>=2.7,<2.14"
CHECK_SECONDS: Final = 120

_LOOK: Final = """
import importlib, importlib.metadata, sys
for name in ("genlock.generation.worker", "genlock.generation.film", *sys.argv[1:3]):
    importlib.import_module(name)
for name in sys.argv[3:]:
    try:
        print(name, importlib.metadata.version(name))
    except importlib.metadata.PackageNotFoundError:
        pass
"""


class Environment(Struct, frozen=True):
    """What an engine needs. `imports` must succeed in it. `extra` are packages its library uses without saying so."""

    name: str
    library: str
    imports: str
    extra: tuple[str, ...] = ()
    cuda_only: bool = False
    licence: str = ""


ENVIRONMENTS: Final = {
    found.name: found
    for found in (
        Environment("ltx-video", "ltx-video==0.1.2", "ltx_video.pipelines.pipeline_ltx_video", licence="Apache-2.0"),
        Environment(
            "sam3-native",
            "sam3==0.1.4",
            "sam3.model_builder",
            extra=("triton", "setuptools<81"),  # it imports pkg_resources
            cuda_only=True,
            licence="SAM License",
        ),
    )
}


def environment(name: str) -> Environment:
    """Returns what an environment is made of. Raises NotFound(no_such_engine)."""
    try:
        return ENVIRONMENTS[name]
    except KeyError as error:
        known = ", ".join(ENVIRONMENTS)
        raise NotFound("no_such_engine", f"No engine {name!r} has an environment; there are {known}.") from error


def folder(name: str, library: Library | None = None) -> Path:
    """Returns where an environment lies or would lie."""
    return (library or Library()).home / FOLDER / environment(name).name


def python(name: str, library: Library | None = None) -> Path | None:
    """Returns the interpreter of a finished environment, None when it was not made, or of other packages than today's."""
    place = folder(name, library)
    try:
        made = (place / MARK).read_text() == _recipe(environment(name))
    except OSError:
        return None
    return _interpreter(place) if made else None


def create(name: str, library: Library | None = None, say: Callable[[str], object] = lambda _: None) -> Path:
    """Makes an environment anew and returns its interpreter; `say` gets each line that pip prints. Takes minutes, and
    gigabytes where torch comes with CUDA.

    Raises StoreError(store_unwritable), GenerationError(engine_failed) with the last lines when pip fails.
    """
    wanted = environment(name)
    place = folder(name, library)
    shutil.rmtree(place, ignore_errors=True)
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError("store_unwritable", f"{place.parent} cannot be made: {error.strerror}.") from error
    _run([sys.executable, "-m", "venv", str(place)], say)
    pip = [str(_interpreter(place)), "-m", "pip", "install", "--disable-pip-version-check", "--progress-bar", "off"]
    _run([*pip, TORCH, wanted.library, *wanted.extra, *_worker()], say)
    if "+cpu" in _torch(place):
        # Its only wheel is built for CUDA: beside a torch for the CPU it fails to load, and whoever imports it fails too.
        _run([*pip[:3], "uninstall", "--yes", "torchvision"], say)
    check(name, library, place=place)
    (place / MARK).write_text(_recipe(wanted))
    return _interpreter(place)


def check(name: str, library: Library | None = None, *, place: Path | None = None) -> dict[str, str]:
    """Imports the engine's library and the worker in the environment and returns the versions there.

    Raises GenerationError(model_missing) when it was not made, (engine_failed) with what it said when an import fails.
    """
    wanted = environment(name)
    found = place or folder(name, library)
    if not _interpreter(found).exists():
        raise GenerationError(
            "model_missing", f"The environment {name} is not made.", hint=f"`genlock models env {name}`"
        )
    engine = f"genlock.generation.engines.{wanted.name.replace('-', '_')}.engine"
    arguments = [
        engine,
        wanted.imports,
        "torch",
        "transformers",
        "diffusers",
        wanted.library.split("==")[0],
        "numpy",
        "av",
    ]
    lines = list(_lines([str(_interpreter(found)), "-P", "-c", _LOOK, *arguments], CHECK_SECONDS))
    return dict(line.split(" ", 1) for line in lines if line.count(" ") == 1)


def remove(name: str, library: Library | None = None) -> bool:
    """Removes an environment; returns whether there was one."""
    place = folder(name, library)
    there = place.exists()
    shutil.rmtree(place, ignore_errors=True)
    return there


def core() -> Path:
    """Returns the folder that holds this installation's package, for the PYTHONPATH of an environment's interpreter."""
    import genlock

    return Path(genlock.__file__).parent.parent


def _recipe(wanted: Environment) -> str:
    return "\n".join((TORCH, wanted.library, *wanted.extra, *_worker()))


def _worker() -> list[str]:
    found = []
    for name in WORKER:
        try:
            # numpy is the engine's choice: its library may not know today's
            found.append(name if name == "numpy" else f"{name}=={version(name)}")
        except PackageNotFoundError:
            found.append(name)
    return found


def _interpreter(place: Path) -> Path:
    return place / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def _torch(place: Path) -> str:
    code = "import importlib.metadata as m; print(m.version('torch'))"
    return "".join(_lines([str(_interpreter(place)), "-c", code], CHECK_SECONDS))


def _run(command: list[str], say: Callable[[str], object]) -> None:
    last: list[str] = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            last = [*last[-5:], line.rstrip()]
            say(line.rstrip())
    if process.returncode:
        raise GenerationError("engine_failed", f"{' '.join(command[:4])} failed: {' / '.join(last)}")


def _lines(command: list[str], seconds: float) -> Iterator[str]:
    paths = scrubbed(os.environ) | {"PYTHONPATH": str(core()), "HF_HUB_OFFLINE": "1"}
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds, env=paths, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise GenerationError("engine_failed", f"The environment does not answer: {error}.") from error
    if done.returncode:
        last = done.stderr.strip().splitlines()[-3:]
        raise GenerationError("engine_failed", f"The environment is broken: {' / '.join(last)}")
    yield from done.stdout.splitlines()
