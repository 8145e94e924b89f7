"""Weights on disk, read by their headers: sizes and wholeness without a model library and without loading a byte of them.

The format: eight bytes of length (little endian), a JSON header, then the tensors
(https://github.com/huggingface/safetensors#format).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from genlock.errors import GenerationError

LARGEST_HEADER: Final = 100_000_000
"""Bytes; the format's own limit."""

PICKLES: Final = (".bin", ".ckpt", ".pickle", ".pkl", ".pt", ".pth")
"""Suffixes of formats that can run code when they are read. None of them is ever opened."""


class Tensor(msgspec.Struct, frozen=True):
    """A tensor's place in its file: dtype as safetensors spells it, shape, and byte range behind the header."""

    dtype: str
    shape: tuple[int, ...]
    data_offsets: tuple[int, int]

    @property
    def bytes(self) -> int:
        return self.data_offsets[1] - self.data_offsets[0]


def header(path: Path) -> dict[str, Tensor]:
    """Returns the tensors of a safetensors file by name.

    Raises GenerationError(model_broken) when the file is cut short or no safetensors, (unsafe_weights) for a pickle.
    """
    if path.suffix.lower() in PICKLES:
        raise GenerationError("unsafe_weights", f"{path} is a pickle, which can run code when it is read.")
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if not 2 <= length <= min(LARGEST_HEADER, size - 8):
                raise _broken(path, "it does not begin as safetensors do, or is cut short")
            fields = msgspec.json.decode(file.read(length), type=dict[str, msgspec.Raw])
        tensors = {n: msgspec.json.decode(raw, type=Tensor) for n, raw in fields.items() if n != "__metadata__"}
    except msgspec.DecodeError as error:
        raise _broken(path, f"its header cannot be read ({error})") from error
    except OSError as error:
        raise _broken(path, error.strerror or str(error)) from error
    end = max((tensor.data_offsets[1] for tensor in tensors.values()), default=0)
    if size != 8 + length + end:
        raise _broken(path, f"it holds {size} bytes and should hold {8 + length + end}")
    return tensors


def files(folder: Path) -> Iterator[Path]:
    """Yields the weight files directly in a folder, pickles left out. Raises GenerationError(unsafe_weights) when there are
    pickles and nothing else."""
    found = sorted(folder.glob("*.safetensors"))
    if not found:
        pickled = next((p for p in sorted(folder.iterdir()) if p.suffix.lower() in PICKLES), None)
        if pickled is not None:
            raise GenerationError("unsafe_weights", f"{pickled} is a pickle, and there are no safetensors beside it.")
    yield from found


def _broken(path: Path, why: str) -> GenerationError:
    return GenerationError("model_broken", f"{path} cannot be used: {why}.")
