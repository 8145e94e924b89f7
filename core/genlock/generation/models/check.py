"""Looks at every file of a model: whether it is what was pulled, whole, safe, and something the libraries here can load."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct

from genlock.errors import GenerationError
from genlock.generation.models import weights
from genlock.generation.models.library import Library
from genlock.generation.models.pull import Record, digest, record

DRY_RUN: Final = "genlock.generation.memory.dryrun"
"""The module that measures what a model's parts need while they compute, run in a process of its own."""

PATIENCE: Final = 600.0
"""Seconds a dry run may take."""


class Problem(Struct, frozen=True):
    """What is wrong with a file: a code of the error table and a sentence."""

    file: str
    code: str
    message: str


class Checked(Struct, frozen=True):
    """What a check found. `dtypes` are bytes of weights by number format, `notes` what is no fault but worth knowing."""

    name: str
    path: str
    revision: str
    bytes: int
    dtypes: dict[str, int]
    problems: list[Problem]
    notes: list[str]

    @property
    def ok(self) -> bool:
        return not self.problems


def check(
    name: str, library: Library, *, deep: bool = False, report: Callable[[str], object] = lambda file: None
) -> Checked:
    """Returns what is wrong with a model; `deep` compares every file's hash too, which reads all of it.

    Raises GenerationError(model_missing).
    """
    folder = library.folder(name)
    if name not in library.names():
        library.require(name)
    problems: list[Problem] = []
    notes: list[str] = []
    revision = ""
    try:
        listing = record(folder)
    except GenerationError as error:
        listing = None
        problems.append(Problem("genlock.json", error.code, error.message))
    if listing is None:
        notes.append("It was not pulled by Genlock: nothing says which files and hashes it should have.")
    else:
        revision = listing.revision
        problems += _against(folder, listing, deep, report)
    dtypes: dict[str, int] = {}
    problems += _weights(folder, dtypes, {problem.file for problem in problems}, report)
    problems += _shards(folder)
    problems += _classes(folder)
    notes += _pickles(folder)
    return Checked(name, str(folder), revision, sum(dtypes.values()), dtypes, problems, notes)


def dry_run(folder: Path) -> str:
    """Measures what the model's parts need while they compute, without its weights, and keeps it for the planner.

    Returns what it printed last; empty where that is not possible. Seconds to a minute.
    """
    if find_spec(DRY_RUN) is None or find_spec("torch") is None:
        return ""
    try:
        done = subprocess.run(
            [sys.executable, "-m", DRY_RUN, str(folder)], capture_output=True, text=True, timeout=PATIENCE, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"The dry run did not end: {error}"
    lines = (done.stdout if done.returncode == 0 else done.stderr).strip().splitlines()
    return lines[-1] if lines else ""


def _against(folder: Path, listing: Record, deep: bool, report: Callable[[str], object]) -> Iterator[Problem]:
    for file in listing.files:
        path = folder / file.path
        if not path.is_file():
            yield Problem(file.path, "model_broken", "It is missing.")
        elif (size := path.stat().st_size) != file.size:
            yield Problem(file.path, "model_broken", f"It holds {size} bytes and should hold {file.size}.")
        elif deep:
            report(file.path)
            if not digest(path, file):
                yield Problem(file.path, "model_broken", "Its content is not what was published.")


def _weights(
    folder: Path, dtypes: dict[str, int], known: set[str], report: Callable[[str], object]
) -> Iterator[Problem]:
    found = sorted(folder.rglob("*.safetensors"))
    if not found:
        yield Problem("", "model_broken", "There are no safetensors in it.")
    for path in found:
        name = path.relative_to(folder).as_posix()
        report(name)
        try:
            for tensor in weights.header(path).values():
                dtypes[tensor.dtype] = dtypes.get(tensor.dtype, 0) + tensor.bytes
        except GenerationError as error:
            if name not in known:
                yield Problem(name, error.code, error.message)


def _shards(folder: Path) -> Iterator[Problem]:
    """Compares an index of shards with the shards."""
    for index in sorted(folder.rglob("*.safetensors.index.json")):
        name = index.relative_to(folder).as_posix()
        try:
            places: dict[str, str] = _json(index).get("weight_map", {})
        except ValueError as error:
            yield Problem(name, "model_broken", f"It cannot be read: {error}.")
            continue
        missing = sorted(shard for shard in set(places.values()) if not (index.parent / shard).is_file())
        if missing:
            yield Problem(name, "model_broken", f"It names files that are not there: {', '.join(missing)}.")
        for shard in set(places.values()) - set(missing):
            try:
                held = weights.header(index.parent / shard)
            except GenerationError:
                continue  # said already
            gone = [tensor for tensor, place in places.items() if place == shard and tensor not in held]
            if gone:
                yield Problem(name, "model_broken", f"{shard} lacks {len(gone)} tensors, {gone[0]} among them.")


def _classes(folder: Path) -> Iterator[Problem]:
    """Looks the classes of a pipeline up in the libraries here, without importing them."""
    for path in sorted([*folder.glob("*.json"), *folder.glob("*/config.json")]):
        name = path.relative_to(folder).as_posix()
        try:
            value = _json(path)
        except ValueError as error:
            yield Problem(name, "model_broken", f"It cannot be read: {error}.")
            continue
        if "auto_map" in value:
            yield Problem(name, "unsafe_weights", "It asks for program code of its own, which is never run here.")
        if path.name != "model_index.json":
            continue
        for part, given in value.items():
            if isinstance(given, list) and len(given) == 2 and given[0] and not _is_known(str(given[0]), str(given[1])):
                message = f"{part} is a {given[1]} of {given[0]}, which the libraries here do not have."
                yield Problem(name, "model_broken", message)


def _pickles(folder: Path) -> Iterator[str]:
    found = sum(1 for path in folder.rglob("*") if path.suffix.lower() in weights.PICKLES)
    if found:
        yield f"{found} pickles lie in it; they are never opened."


def _json(path: Path) -> dict[str, Any]:
    """Returns a JSON object; of what holds something else, nothing. Raises ValueError."""
    try:
        value = msgspec.json.decode(path.read_bytes())
    except (OSError, msgspec.DecodeError) as error:
        raise ValueError(str(error)) from error
    return value if isinstance(value, dict) else {}


def _is_known(library: str, class_: str) -> bool:
    spec = find_spec(library.partition(".")[0])
    if spec is not None and spec.origin:
        return class_ in _defined(Path(spec.origin).parent)
    # a pipeline may name its own module of diffusers
    diffusers = find_spec("diffusers")
    if diffusers is None or not diffusers.origin:
        return True  # nothing here to compare with
    own = Path(diffusers.origin).parent / "pipelines" / library
    return own.is_dir() and class_ in _defined(own)


@cache
def _defined(folder: Path) -> frozenset[str]:
    """Returns the names a package defines or gives to its classes, read as text."""
    pattern = re.compile(r"^class (\w+)|^    class (\w+)|^(\w+) = ", re.MULTILINE)
    return frozenset(
        name
        for path in folder.rglob("*.py")
        for match in pattern.findall(path.read_text("utf-8", "replace"))
        for name in match
        if name
    )
