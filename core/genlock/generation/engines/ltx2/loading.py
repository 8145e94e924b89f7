"""Parts of the model from their folders, each by itself, in the form the plan names."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, Final, cast

import diffusers
import torch
import transformers
from diffusers.hooks import apply_group_offloading, apply_layerwise_casting
from diffusers.pipelines import ltx2

from genlock.errors import GenerationError
from genlock.generation.engine import Plan, Sink
from genlock.generation.memory.ways import BLOCKS
from genlock.generation.models import weights
from genlock.generation.models.library import Library

diffusers.utils.logging.set_verbosity_error()
diffusers.utils.logging.disable_progress_bar()
transformers.utils.logging.set_verbosity_error()
transformers.utils.logging.disable_progress_bar()

_LIBRARIES: Final[tuple[Any, ...]] = (diffusers, ltx2, ltx2.vocoder, transformers)
_DECODERS: Final = ("vae", "audio_vae", "vocoder")


class Loader:
    """Gets parts for one job: those the worker holds, else from the folder."""

    def __init__(self, plan: Plan, sink: Sink, library: Library) -> None:
        self._how, self._sink = plan.how, sink
        self._components = {component.name: component for component in plan.components}
        self._model = library.find(plan.how["model"])
        self.folder = Path(plan.how["folder"])
        self.device = torch.device(sink.models.device)
        self.dtype = getattr(torch, plan.how["dtype"])
        self.decoder = getattr(torch, plan.how["decoder"])

    def part(self, name: str) -> Any:
        """Returns a part, ready to compute. Raises GenerationError(model_broken, unsafe_weights)."""
        form = self._how["forms"][name]
        component = self._components[f"{self._how['model']}/{name}@{form}"]
        return self._sink.models.get(component, lambda: self._build(name, form))

    def config(self, name: str) -> dict[str, Any]:
        """Returns the config of a part, from its file."""
        return {} if self._model is None else self._model.parts[name].config

    def tokenizer(self) -> Any:
        """Returns the tokenizer, which is text and tables and no part."""
        kind = self._class("tokenizer")
        return kind.from_pretrained(self.folder / "tokenizer", local_files_only=True)

    def scheduler(self, *, plain: bool) -> Any:
        """Returns a scheduler of its own for one run: it counts steps. A `plain` one takes noise levels as they are."""
        kind = diffusers.FlowMatchEulerDiscreteScheduler
        made = kind.from_pretrained(self.folder / "scheduler", local_files_only=True)
        return kind.from_config(made.config, use_dynamic_shifting=False, shift_terminal=None) if plain else made

    def empty(self, name: str) -> Any:
        """Returns a part without weights: its config with all defaults, and its ratios."""
        file = self.folder / name / "config.json"
        return _empty(self._class(name), file, file.stat().st_mtime_ns)

    def tensor(self, name: str, key: str) -> Any:
        """Returns one tensor of a part from its file. Raises GenerationError(model_broken) when it is not there."""
        from safetensors import safe_open

        for path in weights.files(self.folder / name):
            if key in weights.header(path):
                with safe_open(path, framework="pt") as file:
                    return file.get_tensor(key)
        raise GenerationError("model_broken", f"{self.folder / name} lacks {key}.")

    def _build(self, name: str, form: str) -> Any:
        folder = self.folder / self._how["folders"].get(name, name)
        for path in weights.files(folder):
            weights.header(path)  # a file cut short is found before gigabytes of it are read
        native = self.decoder if name in _DECODERS else self.dtype
        how = {"local_files_only": True, "use_safetensors": True, "dtype": native}
        try:
            module = self._class(name).from_pretrained(folder, **how).eval()
        except (OSError, ValueError, RuntimeError, KeyError) as error:
            raise GenerationError("model_broken", f"{folder} cannot be loaded: {error}.") from error
        if form.removesuffix(BLOCKS) == "fp8":
            _eight(module, native)
        if form.endswith(BLOCKS):
            _stream(module, self.device)
        return module

    def _class(self, name: str) -> Any:
        """Returns the class that model_index.json names for a part, of the libraries known here only."""
        index = self._model.index if self._model is not None else {}
        said = str(index[name][1]) if name in index else "LTX2LatentUpsamplerModel"
        for library in _LIBRARIES:
            if hasattr(library, said):
                return getattr(library, said)
        raise GenerationError("model_broken", f"{self.folder} wants {said}, which is not known here.")


@cache
def _empty(kind: Any, file: Path, changed: int) -> Any:
    with torch.device("meta"):
        return kind.from_config(kind.load_config(file.parent, local_files_only=True))


def _eight(module: Any, compute: Any) -> None:
    """Keeps weights in 8-bit floats and widens each layer's when it computes."""
    if hasattr(module, "enable_layerwise_casting"):
        module.enable_layerwise_casting(storage_dtype=torch.float8_e4m3fn, compute_dtype=compute)
        return
    skipped = ("embed", "norm", "lm_head")
    apply_layerwise_casting(module, torch.float8_e4m3fn, compute, skip_modules_pattern=skipped)


def _stream(module: Any, device: Any) -> None:
    """Leaves a module's blocks in pinned host memory and brings each to the device when it computes."""
    how = {
        "onload_device": device,
        "offload_device": torch.device("cpu"),
        "offload_type": "block_level",
        "num_blocks_per_group": 1,
        "use_stream": device.type == "cuda",
    }
    if hasattr(module, "enable_group_offload"):
        module.enable_group_offload(**how)
        return
    language = cast("Any", module).model.language_model
    for child in module.modules():
        if not any(part is child for part in language.modules()):
            for parameter in child.parameters(recurse=False):
                parameter.data = parameter.data.to(device)
    apply_group_offloading(language, **how)
