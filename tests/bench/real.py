"""Checkpoints of the published geometry with random weights, written tensor by tensor: never more than one is in memory.

Folders, tokenizers and schedules are the tiny ones'; parts are replaced by the real classes at their published sizes.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import torch

from genlock.bench import checkpoints

SHARD: Final = 5 << 30
"""Bytes of a file, about."""

SPARE: Final = 8 << 30
"""Bytes of disk left free, for takes and stores."""

_TYPES: Final = {"torch.bfloat16": "BF16", "torch.float32": "F32", "torch.int64": "I64", "torch.bool": "BOOL"}


def _gemma() -> Any:
    from transformers import Gemma3Config, Gemma3ForConditionalGeneration

    text = {
        "vocab_size": 262_208,
        "hidden_size": 3840,
        "intermediate_size": 15_360,
        "num_hidden_layers": 48,
        "num_attention_heads": 16,
        "num_key_value_heads": 8,
        "head_dim": 256,
        "pad_token_id": 0,
        "eos_token_id": 1,
        "bos_token_id": 2,
    }
    vision = {
        "hidden_size": 1152,
        "intermediate_size": 4304,
        "num_hidden_layers": 27,
        "num_attention_heads": 16,
        "image_size": 896,
        "patch_size": 14,
    }
    tokens = {"mm_tokens_per_image": 256, "boi_token_index": 7, "eoi_token_index": 8, "image_token_index": 9}
    return Gemma3ForConditionalGeneration(Gemma3Config(text_config=text, vision_config=vision, **tokens))


def _qwen() -> Any:
    from transformers import Qwen3Config, Qwen3ForCausalLM

    return Qwen3ForCausalLM(
        Qwen3Config(
            vocab_size=151_936,
            hidden_size=4096,
            intermediate_size=12_288,
            num_hidden_layers=36,
            num_attention_heads=32,
            num_key_value_heads=8,
            head_dim=128,
        )
    )


def _sam3() -> Any:
    from transformers import Sam3VideoConfig, Sam3VideoModel

    return Sam3VideoModel(Sam3VideoConfig())


def parts(part_of: int = 1) -> Mapping[str, Callable[[], Any]]:
    """Returns makers of every part by its folder; transformers have the `part_of`-th part of their blocks."""
    import diffusers
    from diffusers.pipelines import ltx2

    return {
        "ltx2/transformer": lambda: diffusers.LTX2VideoTransformer3DModel(rope_type="split", num_layers=48 // part_of),
        "ltx2/text_encoder": _gemma,
        "ltx2/connectors": lambda: ltx2.LTX2TextConnectors(rope_type="split"),
        "ltx2/vae": diffusers.AutoencoderKLLTX2Video,
        "ltx2/audio_vae": diffusers.AutoencoderKLLTX2Audio,
        "ltx2/vocoder": ltx2.vocoder.LTX2Vocoder,
        "ltx2/latent_upsampler": ltx2.LTX2LatentUpsamplerModel,
        "flux2-klein/transformer": lambda: diffusers.Flux2Transformer2DModel(
            num_layers=8 // part_of,
            num_single_layers=24 // part_of,
            num_attention_heads=32,
            joint_attention_dim=12_288,
            guidance_embeds=False,
        ),
        "flux2-klein/text_encoder": _qwen,
        "flux2-klein/vae": diffusers.AutoencoderKLFlux2,
        "sam3": _sam3,
    }


def make(home: Path, size: str, device: str) -> tuple[int, list[str]]:
    """Writes the models; returns their bytes, and which parts are hollow: where the disk is too small for all, text
    encoders first are files of holes, which read as zeros. Raises RuntimeError when not even that fits."""
    checkpoints.make_all(home)
    hollow: list[str] = []
    if size != "tiny":
        made = {where: _meta(maker) for where, maker in parts(2 if size == "half" else 1).items()}
        wanted = {where: torch.float32 if where == "sam3" else torch.bfloat16 for where in made}
        need = {where: sum(_bytes(*t[1:]) for t in tensors(made[where], wanted[where])) for where in made}
        left = shutil.disk_usage(home).free - SPARE
        for where in sorted(need, key=lambda where: (not where.endswith("text_encoder"), -need[where])):
            if sum(need.values()) - sum(need[part] for part in hollow) > left:
                hollow.append(where)
        if left < 0:
            raise RuntimeError(f"{home} has too little room: {(left + SPARE) >> 30} GiB are free.")
        for where, module in made.items():
            write(module, home / where, device, wanted[where], hollow=where in hollow)
        _lend(home / "ltx2" / "text_encoder", home / "gemma3")
    written = [path for path in home.rglob("*.safetensors") if not path.is_symlink()]
    return sum(path.stat().st_size for path in written), hollow


def write(module: Any, folder: Path, device: str, wanted: torch.dtype, *, hollow: bool = False) -> None:
    """Replaces a part's weights and config: those of a module without content, filled at random, or with holes."""
    prefix = "diffusion_pytorch_model" if hasattr(module, "save_config") else "model"
    for old in folder.glob("*.safetensors*"):
        old.unlink()
    if hasattr(module, "save_config"):
        module.save_config(folder)
    else:
        module.config.save_pretrained(folder)
    shards: list[list[tuple[str, tuple[int, ...], torch.dtype]]] = [[]]
    filled = 0
    for tensor in tensors(module, wanted):
        if filled and filled + _bytes(*tensor[1:]) > SHARD:
            shards.append([])
            filled = 0
        shards[-1].append(tensor)
        filled += _bytes(*tensor[1:])
    one = len(shards) == 1
    names = [
        f"{prefix}.safetensors" if one else f"{prefix}-{n + 1:05}-of-{len(shards):05}.safetensors"
        for n in range(len(shards))
    ]
    for name, shard in zip(names, shards, strict=True):
        _shard(folder / name, shard, device, hollow=hollow)
    if not one:
        where = {tensor: name for name, shard in zip(names, shards, strict=True) for tensor, _, _ in shard}
        index = {"metadata": {"total_size": sum(_bytes(*t[1:]) for s in shards for t in s)}, "weight_map": where}
        (folder / f"{prefix}.safetensors.index.json").write_text(json.dumps(index))


def tensors(module: Any, wanted: torch.dtype) -> Iterator[tuple[str, tuple[int, ...], torch.dtype]]:
    """Yields name, shape and dtype of what a part's files hold; what is tied to another is not written twice."""
    tied = set(getattr(module, "_tied_weights_keys", None) or ()) if _ties(module) else set()
    for name, tensor in module.state_dict().items():
        if name not in tied:
            yield name, tuple(tensor.shape), wanted if tensor.dtype.is_floating_point else tensor.dtype


def _ties(module: Any) -> bool:
    config = getattr(module, "config", {})
    return bool(
        getattr(config, "tie_word_embeddings", False)
        or getattr(getattr(config, "text_config", None), "tie_word_embeddings", False)
    )


def _shard(path: Path, shard: list[tuple[str, tuple[int, ...], torch.dtype]], device: str, *, hollow: bool) -> None:
    header, at = {}, 0
    for name, shape, kind in shard:
        end = at + _bytes(shape, kind)
        header[name] = {"dtype": _TYPES[str(kind)], "shape": list(shape), "data_offsets": [at, end]}
        at = end
    said = json.dumps({"__metadata__": {"format": "pt"}, **header}).encode()
    with path.open("wb") as file:
        file.write(len(said).to_bytes(8, "little") + said)
        file.truncate(8 + len(said) + at)
        for name, shape, kind in () if hollow else shard:
            content = _content(name, shape, kind, device).cpu().contiguous().view(-1)
            file.write(memoryview(content.view(torch.uint8).numpy()))


def _content(name: str, shape: tuple[int, ...], kind: torch.dtype, device: str) -> Any:
    """Returns numbers a network can compute with: small ones, ones where it scales."""
    if len(shape) >= 2 and kind.is_floating_point:
        return torch.empty(shape, dtype=kind, device=device).normal_(0, 0.02)
    scales = kind.is_floating_point and name.endswith(("weight", "std", "std-of-means", "running_var"))
    return torch.full(shape or (1,), int(scales), dtype=kind, device=device)


def _bytes(shape: tuple[int, ...], kind: torch.dtype) -> int:
    count = 1
    for side in shape:
        count *= side
    return count * torch.empty((), dtype=kind).element_size()


def _meta(maker: Callable[[], Any]) -> Any:
    with torch.device("meta"):
        return maker()


def _lend(encoder: Path, gemma: Path) -> None:
    """Makes the language model of the video model's text encoder, which it is, without its bytes."""
    for old in gemma.glob("*.safetensors*"):
        old.unlink()
    shutil.copy(encoder / "config.json", gemma / "config.json")
    for file in encoder.glob("*.safetensors*"):
        (gemma / file.name).symlink_to(file)
