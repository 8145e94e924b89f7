"""LoRAs on a transformer that stays: loaded once, weighted anew for each job, gone when none is wanted."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec

from genlock.errors import BadInput


def apply(pipe: Any, stack: tuple[tuple[Path, float], ...]) -> None:
    """Gives the pipeline's transformer exactly these LoRAs; without any it computes as if there never were one.

    Raises BadInput(bad_generation) for a file that fits nothing in the model.
    """
    wanted = {_name(path): (path, weight) for path, weight in stack}
    there = {name for names in pipe.get_list_adapters().values() for name in names}
    if not wanted:
        if there:
            pipe.unload_lora_weights()
        return
    if there - set(wanted):
        pipe.delete_adapters(sorted(there - set(wanted)))
    for name, (path, _) in wanted.items():
        if name not in there:
            _load(pipe, name, path)
    pipe.set_adapters(list(wanted), [weight for _, weight in wanted.values()])


def _load(pipe: Any, name: str, path: Path) -> None:
    try:
        pipe.load_lora_weights(
            str(path.parent),
            weight_name=path.name,
            adapter_name=name,
            local_files_only=True,
            use_safetensors=True,
        )
    except (ValueError, KeyError, RuntimeError, OSError) as error:
        raise BadInput("bad_generation", f"The LoRA {path.name} cannot be used: {error}") from error
    if name not in {found for names in pipe.get_list_adapters().values() for found in names}:
        raise BadInput("bad_generation", f"The LoRA {path.name} holds nothing for this model.")


def _name(path: Path) -> str:
    """Returns an adapter's name, another one when the file changes."""
    stat = path.stat()
    said = msgspec.json.encode([str(path), stat.st_size, stat.st_mtime_ns])
    return f"lora_{sha256(said).hexdigest()[:16]}"
