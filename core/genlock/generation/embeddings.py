"""Encoded prompts on disk, so that a prompt that comes again needs no text encoder. Imports safetensors when used: only
engines do, in their worker."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Collection, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import msgspec

from genlock.generation.models.library import library

HOME: Final = "GENLOCK_CACHE"
"""Environment variable: the folder of caches. Without it they are beside the models."""

FOLDER: Final = ".embeddings"
LIMIT: Final = 4 << 30
"""Bytes; an encoded prompt of LTX-2 is 4 to 12 MB."""


def key(model: str, revision: str, text: str, settings: Mapping[str, Any]) -> str:
    """Returns the name under which a text encoded so is kept; `settings` is everything else the encoding depends on
    (JSON values)."""
    said = msgspec.json.encode([model, revision, text, dict(settings)], order="deterministic")
    return sha256(said).hexdigest()


class EmbeddingCache:
    """Named tensors by key, at most `limit` bytes of them: those not used for longest go first.

    Any number of processes may share a folder: an entry appears whole, and one that cannot be read counts as not there.
    """

    def __init__(self, folder: Path | str | None = None, limit: int = LIMIT) -> None:
        home = os.environ.get(HOME)
        self.folder = Path(folder) if folder else (Path(home) if home else library().home) / FOLDER
        self._limit = limit

    def get(self, key: str, names: Collection[str]) -> dict[str, Any] | None:
        """Returns the tensors kept under a key, on the CPU; None when there are none, or others than `names`:
        another version of an engine may have left them."""
        from safetensors import SafetensorError
        from safetensors.torch import load

        path = self._path(key)
        try:
            found: dict[str, Any] = load(path.read_bytes())
        except (OSError, SafetensorError, ValueError, KeyError):
            return None
        if set(found) != set(names):
            return None
        with contextlib.suppress(OSError):
            os.utime(path)
        return found

    def put(self, key: str, tensors: Mapping[str, Any]) -> None:
        """Keeps tensors under a key; does nothing where that cannot be written."""
        from safetensors.torch import save

        data = save({name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()})
        if len(data) > self._limit:
            return
        path = self._path(key)
        unfinished = path.with_name(f".{path.name}.{uuid4().hex}")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            unfinished.write_bytes(data)
            unfinished.replace(path)
            self._trim()
        except OSError:  # a full disk, a folder of somebody else's: the encoder runs again next time
            with contextlib.suppress(OSError):
                unfinished.unlink(missing_ok=True)

    def _path(self, key: str) -> Path:
        return self.folder / f"{key}.safetensors"

    def _trim(self) -> None:
        held: list[tuple[float, int, Path]] = []
        for path in self.folder.glob("*.safetensors"):
            with contextlib.suppress(OSError):  # another process trims too
                stat = path.stat()
                held.append((stat.st_mtime, stat.st_size, path))
        size = sum(bytes for _, bytes, _ in held)
        for _, bytes, path in sorted(held):
            if size <= self._limit:
                return
            path.unlink(missing_ok=True)
            size -= bytes
