"""What a card can do, as the planner says: the table of docs/generation.md. `python -m tests.generation.cards` writes it
anew.

The planner is asked about the models in their published sizes: files that hold true headers and no content.
"""

from __future__ import annotations

import json
import math
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from msgspec import structs

from genlock.errors import GenerationError
from genlock.generation.engine import Engine, Plan
from genlock.generation.engines.flux2.engine import Flux2Engine
from genlock.generation.engines.llm.engine import LanguageEngine
from genlock.generation.engines.ltx2.engine import Ltx2Engine
from genlock.generation.engines.sam3.engine import Sam3Engine
from genlock.generation.memory.machine import CARDS, GiB, Machine
from genlock.generation.models.catalog import CATALOG
from genlock.generation.models.library import Library
from genlock.project.request import GenerationRequest, Point, Selection
from genlock.timeline.model import Resolution

PAGE = Path(__file__).parents[2] / "docs" / "generation.md"
BEGIN, END = "<!-- what the planner says of cards -->\n", "<!-- end of cards -->\n"

Blocks = Mapping[str, tuple[int, int]]
"""List of blocks: how many, and numbers in each."""

GEMMA = {"model_type": "gemma3", "text_config": {"hidden_size": 3840, "num_hidden_layers": 48}}
GEMMA_BLOCKS: Blocks = {
    "model.language_model.layers": (48, 224_133_376),
    "model.vision_tower.vision_model.encoder.layers": (27, 15_239_504),
}

PARTS: Mapping[str, Mapping[str, tuple[str, dict[str, Any], Blocks]]] = {
    "ltx2": {
        "transformer": (
            "LTX2VideoTransformer3DModel",
            {"num_layers": 48, "num_attention_heads": 32, "attention_head_dim": 128},
            {"transformer_blocks": (48, 388_000_000)},
        ),
        "text_encoder": ("Gemma3ForConditionalGeneration", GEMMA, GEMMA_BLOCKS),
        "connectors": ("LTX2TextConnectors", {}, {}),
        "vae": ("AutoencoderKLLTX2Video", {}, {}),
        "audio_vae": ("AutoencoderKLLTX2Audio", {}, {}),
        "vocoder": ("LTX2Vocoder", {}, {}),
        "latent_upsampler": ("LTX2LatentUpsamplerModel", {}, {}),
    },
    "flux2-klein": {
        "transformer": (
            "Flux2Transformer2DModel",
            {"in_channels": 128, "num_attention_heads": 32, "attention_head_dim": 128},
            {"transformer_blocks": (8, 436_000_000), "single_transformer_blocks": (24, 218_000_000)},
        ),
        "text_encoder": (
            "Qwen3ForCausalLM",
            {"num_hidden_layers": 36, "hidden_size": 4096},
            {"model.layers": (36, 192_946_432)},
        ),
        "vae": ("AutoencoderKLFlux2", {"latent_channels": 32}, {}),
    },
    "flux2-klein-4b": {
        "transformer": (
            "Flux2Transformer2DModel",
            {"in_channels": 128, "num_attention_heads": 24, "attention_head_dim": 128},
            {"transformer_blocks": (5, 245_000_000), "single_transformer_blocks": (20, 122_700_000)},
        ),
        "text_encoder": (
            "Qwen3ForCausalLM",
            {"num_hidden_layers": 36, "hidden_size": 2560},
            {"model.layers": (36, 100_930_000)},
        ),
        "vae": ("AutoencoderKLFlux2", {"latent_channels": 32}, {}),
    },
    "sam3": {"": ("Sam3VideoModel", {"architectures": ["Sam3VideoModel"]}, {})},
    "gemma3": {"": ("Gemma3ForConditionalGeneration", GEMMA, GEMMA_BLOCKS)},
}
"""Class, config and blocks of each part; how many numbers it has in all says the catalog."""


def make(home: Path) -> Library:
    """Writes the models of true size below a folder: headers, and holes for the rest."""
    for model, parts in PARTS.items():
        numbers = {piece.name: piece.parameters for piece in CATALOG[model].pieces}
        for name, (kind, config, blocks) in parts.items():
            _write(home / model / name, {"_class_name": kind} | config, blocks, numbers[name])
        if "" not in parts:
            index = {name: ["diffusers", kind] for name, (kind, _, _) in parts.items() if name != "latent_upsampler"}
            said = {"_class_name": "LTX2Pipeline" if model == "ltx2" else "Flux2KleinPipeline", "is_distilled": True}
            (home / model / "model_index.json").write_text(json.dumps(said | index))
    return Library(home)


def _write(folder: Path, config: dict[str, Any], blocks: Blocks, numbers: int) -> None:
    tensors = {f"{name}.{n}.weight": size for name, (count, size) in blocks.items() for n in range(count)}
    tensors["outside.weight"] = numbers - sum(tensors.values())
    header, at = {}, 0
    for name, size in tensors.items():
        header[name] = {"dtype": "BF16", "shape": [size], "data_offsets": [at, at + 2 * size]}
        at += 2 * size
    said = json.dumps(header).encode()
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(config))
    with (folder / "model.safetensors").open("wb") as file:
        file.write(len(said).to_bytes(8, "little") + said)
        file.truncate(8 + len(said) + at)


Make = Callable[[Library, Machine], Engine]

ROWS: Mapping[str, Machine] = {
    "8 GB": CARDS["8 GB"],
    "8 GB ": structs.replace(CARDS["8 GB"], host=32 * GiB),
    "12 GB": CARDS["12 GB"],
    "12 GB ": structs.replace(CARDS["12 GB"], host=32 * GiB),
    **{name: card for name, card in CARDS.items() if name not in ("8 GB", "12 GB")},
}
"""The cards of the proofs, small ones with twice the memory beside them too."""


def _clip(width: int, height: int, frames: int) -> GenerationRequest:
    settings = {"model": "ltx2", "schedule": "full"}
    return GenerationRequest(
        "text_to_video", prompt="a", resolution=Resolution(width, height), frames=frames, settings=settings
    )


def _picture(side: int, model: str) -> GenerationRequest:
    return GenerationRequest("image", prompt="a", resolution=Resolution(side, side), settings={"model": model})


_MASK = GenerationRequest(
    "mask", source="still.png", resolution=Resolution(1920, 1080), selections=(Selection(points=(Point(9, 9),)),)
)

COLUMNS: Mapping[str, tuple[Make, GenerationRequest]] = {
    "LTX-2, 5 s of 1216x704": (Ltx2Engine, _clip(1216, 704, 121)),
    "LTX-2, 5 s of 1920x1088": (Ltx2Engine, _clip(1920, 1088, 121)),
    "LTX-2, 10 s of 1216x704": (Ltx2Engine, _clip(1216, 704, 250)),
    "FLUX.2 9B, 1024": (Flux2Engine, _picture(1024, "flux2-klein")),
    "FLUX.2 9B, 2048": (Flux2Engine, _picture(2048, "flux2-klein")),
    "FLUX.2 4B, 1024": (Flux2Engine, _picture(1024, "flux2-klein-4b")),
    "FLUX.2 4B, 2048": (Flux2Engine, _picture(2048, "flux2-klein-4b")),
    "SAM 3, a click": (Sam3Engine, _MASK),
    "Gemma 3, a prompt": (
        LanguageEngine,
        GenerationRequest("enhance_prompt", prompt="a", settings={"model": "gemma3"}),
    ),
}


def best(library: Library, machine: Machine, column: str) -> Plan | None:
    """Returns the first way a machine runs a column's request; None without one."""
    make, request = COLUMNS[column]
    try:
        return make(library, machine).plans(request)[0]
    except GenerationError as error:
        if error.code != "needs_memory":
            raise
        return None


def cell(plan: Plan | None) -> str:
    """Returns a plan in a few words: how the weights are kept, the size where it is not the one asked, runs, GB."""
    if plan is None:
        return "–"
    forms = " ".join(component.name.partition("@")[2] for component in plan.components)
    words = [
        *(["8 bits"] if "fp8" in forms or "int8" in forms else []),
        *(["streamed"] if "+blocks" in forms else []),
        *(["tiled"] if plan.how.get("tiled") else []),
        *(["half size"] if plan.name.endswith("smaller") else []),
    ]
    runs = next((note.split()[2] for note in plan.notes if note.startswith("Made in ")), "")
    return ", ".join([*(words or ["whole"]), *([f"{runs} runs"] if runs else []), f"{math.ceil(plan.bytes / GiB)} GB"])


def table(library: Library) -> str:
    """Returns the table as the page shows it."""
    rows = [["card", "RAM", *COLUMNS], ["---"] * (len(COLUMNS) + 2)]
    for name, machine in ROWS.items():
        memory = f"{2 * machine.host // GiB} GB" if machine.host else "shared"
        rows.append([name.strip(), memory, *(cell(best(library, machine, column)) for column in COLUMNS)])
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def main() -> None:
    """Writes the page's table anew."""
    before, _, rest = PAGE.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    with tempfile.TemporaryDirectory() as folder:
        PAGE.write_text(before + BEGIN + table(make(Path(folder))) + END + after)


if __name__ == "__main__":
    main()
