"""How many bytes a model part needs on top of its weights while it computes.

From the best source there is: a dry run of this very config kept beside the models (`memory.dryrun`), else coefficients
of the published configs, scaled to another width; either times what was measured here before. Importing this and asking
it imports no model library.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from genlock.generation.devices import Device, device
from genlock.generation.memory import machine
from genlock.generation.memory.measured import Fit, Measured, Ratio, digest
from genlock.generation.models.library import Library, Model

MARGIN: Final = 1.1
"""Kernel workspaces and fragmentation, which a dry run does not see."""

CONVOLUTIONS: Final[Mapping[str, float]] = {"AutoencoderKLLTX2Video": 5.2, "AutoencoderKLFlux2": 1.35}
"""What a decoder really takes on a CPU over what its dry run says, because convolutions unfold their input: the most the
allocator recorded at several sizes, in 32 bits. On GPUs it was not measured and counts as 1; `correct` learns it."""

SCORES: Final = 4
"""Bytes of an attention score where all of them are laid out (Metal computes them in 32 bits)."""

SHIPPED: Final[Mapping[str, Mapping[str, Fit]]] = {
    "LTX2VideoTransformer3DModel": {"": Fit(147_933, 32 << 20), "conditioned": Fit(336_351, 32 << 20)},
    "Flux2Transformer2DModel": {"": Fit(174_344, 16 << 20)},
    "AutoencoderKLLTX2Video": {"": Fit(88, 5 << 20), "tiled": Fit(21.5, 141 << 20)},
    "AutoencoderKLFlux2": {"": Fit(1538, 0), "tiled": Fit(578, 961 << 20)},
    "Sam3VideoModel": {"": Fit(163, 3 << 20)},
}
"""Dry runs of the published configs in two-byte numbers: LTX-2 19B by token (latent frames x rows x columns) and by pixel
and frame, FLUX.2 Klein by token (the prompt's 512 among them) and by pixel, SAM 3's vision encoder by pixel of what it
sees. `conditioned`: with a time step for each token."""

LANGUAGE: Final = ("Gemma3ForConditionalGeneration", "Qwen3ForCausalLM")
"""Text encoders. They hand out the hidden states of every layer, which is what takes the room."""

OWN: Final = 14
"""What a layer of a text encoder holds while it computes, in hidden states."""


def activation(
    model: Model,
    part: str,
    *,
    tokens: int = 0,
    pixels: int = 0,
    batch: int = 1,
    tiled: bool = False,
    conditioned: bool = True,
    form: str = "",
    device: Device | None = None,
) -> int:
    """Returns the activation bytes of a part for so many tokens, or so many pixels times frames; 0 for a part of a kind
    that is not known.

    `conditioned`: the tokens of a video have a time step each (every mode that follows a picture). `form` is how the
    weights are kept, `device` where it computes (this machine's without): both count because each has its own measurements.
    """
    on = device or _device()
    base = _base(model, part, tokens or pixels, batch, tiled=tiled, conditioned=conditioned, device=on)
    ratio = _home().read().ratios.get(_key(model, part, form, on, tiled))
    return round(base * _factor(ratio) * MARGIN)


def correct(
    model: Model,
    part: str,
    predicted: int,
    measured: int,
    *,
    factor: float | None = None,
    tiled: bool = False,
    form: str = "",
    device: Device | None = None,
) -> Ratio | None:
    """Learns from a run: `predicted` is what `activation` said, `factor` what `correction` was then (None: as it is),
    `measured` the bytes on top of weights that it took. Returns what is known then; None when there is nothing to learn
    from."""
    if predicted <= 0 or measured <= 0:
        return None
    home, key = _home(), _key(model, part, form, device or _device(), tiled)
    planned = _factor(home.read().ratios.get(key)) if factor is None else factor
    home.keep_ratio(key, measured * MARGIN * planned / predicted)
    return home.read().ratios.get(key)


def correction(model: Model, part: str, *, tiled: bool = False, form: str = "", device: Device | None = None) -> float:
    """Returns what measurements make of the estimate of a part at present."""
    return _factor(_home().read().ratios.get(_key(model, part, form, device or _device(), tiled)))


def kind_of(model: Model, part: str) -> str:
    """Returns the class of a part by the model's index or its config; empty when neither names one."""
    listed = model.index.get(part)
    named = listed[1] if isinstance(listed, list) and len(listed) == 2 else ""
    config = model.parts[part].config
    return str(named or config.get("_class_name") or next(iter(config.get("architectures") or ()), ""))


def fits(model: Model, part: str) -> Mapping[str, Fit]:
    """Returns the lines of a part by variant: its own dry run, else the shipped ones at its width; none when its kind is
    not known."""
    if part not in model.parts:
        return {}
    config, kind = model.parts[part].config, kind_of(model, part)
    return _home().read().fits.get(digest(kind, config)) or shipped(kind, config)


def shipped(kind: str, config: Mapping[str, Any]) -> Mapping[str, Fit]:
    """Returns the lines of the published model of a kind, scaled to the width of a config."""
    if kind in LANGUAGE:
        words = config.get("text_config", config)
        handed = words.get("num_hidden_layers", 0) + 1
        return {"": Fit((handed + OWN) * words.get("hidden_size", 0) * 2, 0)}
    scale = _scale(kind, config)
    return {
        variant: Fit(fit.each * (1 if variant == "tiled" else scale), fit.base * scale)  # tiles: mostly the pictures
        for variant, fit in SHIPPED.get(kind, {}).items()
    }


def _base(model: Model, part: str, units: int, batch: int, *, tiled: bool, conditioned: bool, device: Device) -> float:
    """Returns the bytes without margin and corrections."""
    lines = fits(model, part)
    if not lines:
        return 0.0
    kind, config = kind_of(model, part), model.parts[part].config
    if kind == "Sam3VideoModel":
        units = _seen(config) ** 2
    decoder = kind.startswith("Autoencoder")
    line = lines.get("tiled" if tiled else "conditioned" if conditioned else "") or lines[""]
    width = device.width(device.decoder if decoder else device.dtype)
    size = line.at(units * batch) * width / 2
    if kind in LANGUAGE and part == "text_encoder" and model.index.get("_class_name", "").startswith("LTX2"):
        words = config.get("text_config", config)  # its pipeline stacks them all before it lets go of the single ones
        size += (words.get("num_hidden_layers", 0) + 1) * words.get("hidden_size", 0) * width * units * batch
    if not device.linear and not decoder:
        size += config.get("num_attention_heads", 0) * SCORES * batch * units**2
    return size * (CONVOLUTIONS.get(kind, 1.0) if device.kind == "cpu" else 1.0)


def _factor(ratio: Ratio | None) -> float:
    """Returns what measurements make of a dry run: they may take its margin away and no more, because the largest request
    of a kind may not have been among them."""
    return max(ratio.most, 1 / MARGIN) if ratio else 1.0


def _scale(kind: str, config: Mapping[str, Any]) -> float:
    """Returns how wide a config is beside the published one."""
    if kind.endswith(("Transformer3DModel", "Transformer2DModel")):
        wide = config.get("num_attention_heads", 32) * config.get("attention_head_dim", 128) / 4096
        # the second generation of LTX-2 modulates its cross attention too
        return float(wide * (1.15 if config.get("cross_attn_mod") else 1.0))
    if kind == "AutoencoderKLLTX2Video":
        return float(min(config.get("decoder_block_out_channels") or (256,)) / 256)
    if kind == "AutoencoderKLFlux2":
        return float(min(config.get("block_out_channels") or (128,)) / 128)
    return 1.0


def _seen(config: Mapping[str, Any]) -> int:
    """Returns the side in pixels of the picture a SAM 3 sees."""
    found: Any = config
    for key in ("detector_config", "vision_config", "backbone_config"):
        found = found.get(key) or {}
    return int(found.get("image_size", 1008))


def _key(model: Model, part: str, form: str, device: Device, tiled: bool) -> str:
    return "|".join([f"{model.name}/{part}", form or device.dtype, device.kind, *(["tiled"] if tiled else [])])


def _device() -> Device:
    return device(machine.here())


_homes: Final[dict[str, Measured]] = {}


def _home() -> Measured:
    home = Library().home
    return _homes.setdefault(str(home), Measured(home))
