"""Where models lie on this machine. A model is a folder as `save_pretrained` writes it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct
from platformdirs import user_data_path

from genlock.errors import BadInput, GenerationError, StoreError
from genlock.generation.models import weights

HOME: Final = "GENLOCK_MODELS"
"""Environment variable: the folder that holds models. Without it the user's data folder is used."""

INDEX: Final = "library.json"
RECORD: Final = "genlock.json"
"""Beside a model's files: what was pulled, from where, at which revision."""

_WIDTH: Final = {"F64": 8, "I64": 8, "F32": 4, "I32": 4, "BF16": 2, "F16": 2, "I16": 2}


class Part(Struct, frozen=True):
    """A component on disk: its folder's name ("" for a model that is one part), bytes of its files' tensors, how
    many numbers they hold, and its config.json."""

    name: str
    bytes: int
    parameters: int
    config: dict[str, Any] = {}


class Model(Struct, frozen=True):
    """A model found here. `revision` is the commit it was pulled at, empty for a folder that was given."""

    name: str
    path: str
    revision: str
    parts: dict[str, Part]
    index: dict[str, Any] = {}

    @property
    def bytes(self) -> int:
        """Bytes of all weights."""
        return sum(part.bytes for part in self.parts.values())


class Library:
    """The models under one folder, and folders elsewhere that were given by name."""

    def __init__(self, home: Path | str | None = None) -> None:
        self.home = Path(home or os.environ.get(HOME) or user_data_path("genlock") / "models")

    def folder(self, name: str) -> Path:
        """Returns where a model lies or would lie."""
        given = self._given().get(name)
        return Path(given) if given else self.home / name

    def names(self) -> tuple[str, ...]:
        """Returns the models whose folders are there, sorted; none of a folder that may not be looked into."""
        try:
            there = sorted(self.home.iterdir())
        except OSError:
            there = []
        inside = [p.name for p in there if not p.name.startswith(".") and _is_model(p)]
        return tuple(sorted({*inside, *(name for name, path in self._given().items() if _is_model(Path(path)))}))

    def find(self, name: str) -> Model | None:
        """Returns a model with its parts, None when it is not here. `name` may be an absolute path of a folder. Raises
        GenerationError(model_broken, unsafe_weights)."""
        folder = self.folder(name)
        if not _is_model(folder) or not (_is_name(name) or Path(name).is_absolute()):
            return None
        try:
            return _read(name, folder, _stamp(folder))
        except OSError as error:  # as while it is being removed
            raise GenerationError("model_broken", f"{folder} cannot be read: {error.strerror}.") from error

    def require(self, name: str) -> Model:
        """Returns a model. Raises GenerationError(model_missing) as well."""
        model = self.find(name)
        if model is None:
            raise GenerationError(
                "model_missing",
                f"The model {name} is not on this machine.",
                hint=f"`genlock models pull {name}`, or `genlock models path {name} FOLDER` for one you have.",
            )
        return model

    def register(self, name: str, folder: Path | str | None) -> None:
        """Notes a folder elsewhere as a model; None forgets it. Raises BadInput(bad_value),
        StoreError(store_unwritable)."""
        if folder is not None and not _is_model(Path(folder)):
            raise BadInput("bad_value", f"{folder} holds no model: neither model_index.json nor config.json.")
        if not _is_name(name):
            raise BadInput("bad_name", f"{name!r} cannot be the name of a model.")
        given = {key: value for key, value in self._given().items() if key != name}
        if folder is not None:
            given[name] = str(Path(folder).resolve())
        file = self.home / INDEX
        try:
            self.home.mkdir(parents=True, exist_ok=True)
            temporary = file.with_name(f".{INDEX}.{os.getpid()}")
            temporary.write_bytes(msgspec.json.format(msgspec.json.encode(given)))
            temporary.replace(file)
        except OSError as error:
            raise StoreError("store_unwritable", f"{file} cannot be written: {error.strerror}.") from error

    def _given(self) -> Mapping[str, str]:
        try:
            return msgspec.json.decode((self.home / INDEX).read_bytes(), type=dict[str, str])
        except (OSError, msgspec.DecodeError):
            return {}


def staging(library: Library, name: str) -> Path:
    """Returns where a model is put together while it is pulled."""
    return library.home / f".{name}.pull"


def library() -> Library:
    """Returns the library of this process's environment."""
    return Library()


def _is_name(name: str) -> bool:
    return name not in ("", ".", "..") and "/" not in name and "\\" not in name


def _is_model(folder: Path) -> bool:
    try:
        return any((folder / name).is_file() for name in ("model_index.json", "config.json", RECORD))
    except OSError:  # no name of a file here, or not ours to see
        return False


def _stamp(folder: Path) -> tuple[tuple[str, int, int], ...]:
    """Returns what changes when a model's files do, so that headers are read once."""
    found = [*folder.glob("*.safetensors"), *folder.glob("*/*.safetensors"), *folder.glob("*.json")]
    stats = ((path, path.stat()) for path in sorted(found))
    return tuple((str(path), stat.st_size, stat.st_mtime_ns) for path, stat in stats)


@cache
def _read(name: str, folder: Path, stamp: tuple[tuple[str, int, int], ...]) -> Model:
    index = _json(folder / "model_index.json")
    if index:
        # model_index.json names a library and a class for each part; (null, null) for one that is left out
        wanted = [key for key, value in index.items() if isinstance(value, list) and value and value[0]]
        extra = [
            p.name for p in folder.iterdir() if p.is_dir() and p.name not in index and any(p.glob("*.safetensors"))
        ]
        folders = {part: folder / part for part in (*wanted, *sorted(extra))}
    else:
        inner = [p.name for p in folder.iterdir() if p.is_dir() and any(p.glob("*.safetensors"))]
        folders = {"": folder, **{part: folder / part for part in sorted(inner)}}
    record = _json(folder / RECORD)
    parts = {part: _part(part, path) for part, path in folders.items() if path.is_dir()}
    missing = [part for part, path in folders.items() if not path.is_dir()]
    if missing:
        raise GenerationError("model_broken", f"{folder} lacks {', '.join(missing)}.")
    return Model(name, str(folder), str(record.get("revision", "")), parts, index)


def _part(name: str, folder: Path) -> Part:
    tensors = [tensor for path in weights.files(folder) for tensor in weights.header(path).values()]
    numbers = sum(tensor.bytes // _WIDTH.get(tensor.dtype, 1) for tensor in tensors)
    return Part(name, sum(tensor.bytes for tensor in tensors), numbers, _json(folder / "config.json"))


def _json(path: Path) -> dict[str, Any]:
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
    except FileNotFoundError:
        return {}
    except (OSError, msgspec.DecodeError) as error:
        raise GenerationError("model_broken", f"{path} cannot be read: {error}.") from error
