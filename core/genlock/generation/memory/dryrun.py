"""How many bytes a part takes while it computes, found without weights, data or a GPU.

The part is built from its config.json and called under FakeTensorMode, where every operator computes shapes only; the
storages alive are summed, and the highest sum is the answer. Depth is cut to two layers, because the peak does not
depend on it; only the hidden states that a text encoder hands out do, and those are added.

It is the allocator's view with attention that takes linear memory. Workspaces of kernels are outside: for the transformers
they do not matter, for the convolutions of the decoders on a CPU they do (see `estimates.CONVOLUTIONS`).

`python -m genlock.generation.memory.dryrun FOLDER` prints the fits of a model and keeps them for `estimates`.
"""

from __future__ import annotations

import sys
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from math import prod
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec
import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from genlock.generation.memory.estimates import kind_of
from genlock.generation.memory.measured import Fit, Measured, digest
from genlock.generation.models.library import Library, Model

Config = Mapping[str, Any]
Shape = tuple[int, ...]
Shapes = tuple[Shape, ...]

LAYERS: Final = 2
DEPTHS: Final = ("num_layers", "num_single_layers")
WORDS: Final = 1024
"""Tokens LTX-2 pads a prompt to."""

PICTURE_WORDS: Final = 512
"""The same for FLUX.2."""


class Ready(NamedTuple):
    """A part that can be built and called for a shape, which is so many units."""

    build: Callable[[], Any]
    call: Callable[[Any, Shape], object]
    units: Callable[[Shape], int]


class Live(TorchDispatchMode):  # type: ignore[misc]
    """Sums the bytes of storages that operators make while it is entered, until they are gone."""

    def __init__(self, weights: Iterator[Any]) -> None:
        super().__init__()
        self.live = self.peak = 0
        # a view of a weight shares its storage and costs nothing
        self._seen: set[int] = {tensor.untyped_storage()._cdata for tensor in weights}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        for tensor in tree_leaves(out):
            if isinstance(tensor, torch.Tensor):
                self._note(tensor.untyped_storage())
        return out

    def _note(self, storage: Any) -> None:
        key, size = storage._cdata, storage.nbytes()
        if key in self._seen:
            return
        self._seen.add(key)
        self.live += size
        self.peak = max(self.peak, self.live)

        def gone() -> None:
            self._seen.discard(key)
            self.live -= size

        weakref.finalize(storage, gone)


def peak(ready: Ready, shape: Shape, dtype: Any = torch.bfloat16) -> int:
    """Returns the most bytes that a call for a shape holds at once on top of weights, inputs included."""
    with FakeTensorMode(allow_non_fake_inputs=True), _default(dtype):
        made = ready.build().eval()
        live = Live(iter([*made.parameters(), *made.buffers()]))
        with torch.no_grad(), live:
            ready.call(made, shape)
        return live.peak


# -- what is called how


def ltx2_transformer(config: Config, *, conditioned: bool = True, words: int = WORDS) -> Ready:
    """Returns the transformer of an LTX-2, called for latent frames, rows and columns with a prompt of so many tokens.
    `conditioned`: with a time step for each token, as every mode that follows a picture has it, which takes more than
    twice as much."""
    from diffusers import LTX2VideoTransformer3DModel as Transformer

    channels, sounds = config.get("in_channels", 128), config.get("audio_in_channels", 128)
    width = sound_width = config.get("caption_channels", 3840)
    if not config.get("use_prompt_embeddings", True):
        width, sound_width = config.get("cross_attention_dim", 4096), config.get("audio_cross_attention_dim", 2048)

    def call(model: Any, shape: Shape) -> None:
        frames, rows, columns = shape
        tokens, sound = frames * rows * columns, max(1, round(((frames - 1) * 8 + 1) / 24 * 25))
        model(
            hidden_states=torch.zeros(1, tokens, channels),
            audio_hidden_states=torch.zeros(1, sound, sounds),
            encoder_hidden_states=torch.zeros(1, words, width),
            audio_encoder_hidden_states=torch.zeros(1, words, sound_width),
            timestep=torch.ones(1, tokens) if conditioned else torch.ones(1),
            audio_timestep=torch.ones(1),
            sigma=torch.ones(1),
            encoder_attention_mask=torch.zeros(1, words),
            audio_encoder_attention_mask=torch.zeros(1, words),
            num_frames=frames,
            height=rows,
            width=columns,
            fps=24.0,
            audio_num_frames=sound,
            return_dict=False,
        )

    return Ready(lambda: Transformer.from_config({**config, "num_layers": LAYERS}), call, prod)


def flux2_transformer(config: Config) -> Ready:
    """Returns the transformer of a FLUX.2, called for a number of tokens, the prompt's among them."""
    from diffusers import Flux2Transformer2DModel as Transformer

    channels, words = config.get("in_channels", 128), config.get("joint_attention_dim", 15360)
    axes = len(config.get("axes_dims_rope", (32,) * 4))
    guided = bool(config.get("guidance_embeds", True))

    def call(model: Any, shape: Shape) -> None:
        picture = shape[0] - PICTURE_WORDS
        model(
            hidden_states=torch.zeros(1, picture, channels),
            timestep=torch.ones(1),
            guidance=torch.ones(1) if guided else None,
            encoder_hidden_states=torch.zeros(1, PICTURE_WORDS, words),
            txt_ids=torch.zeros(1, PICTURE_WORDS, axes),
            img_ids=torch.zeros(1, picture, axes),
            return_dict=False,
        )

    return Ready(lambda: Transformer.from_config({**config, **dict.fromkeys(DEPTHS, LAYERS)}), call, prod)


def ltx2_decoder(config: Config, *, tiled: bool = False) -> Ready:
    """Returns the decoder of an LTX-2, called for latent frames, rows and columns. Units are the frames' pixels."""
    from diffusers import AutoencoderKLLTX2Video as Autoencoder

    space, time = config.get("spatial_compression_ratio") or 32, config.get("temporal_compression_ratio") or 8
    return Ready(
        lambda: _tiles(Autoencoder.from_config(config), tiled),
        lambda model, shape: model.decode(
            torch.zeros(1, config.get("latent_channels", 128), *shape), return_dict=False
        ),
        lambda shape: ((shape[0] - 1) * time + 1) * shape[1] * shape[2] * space**2,
    )


def flux2_decoder(config: Config, *, tiled: bool = False) -> Ready:
    """Returns the decoder of a FLUX.2, called for latent rows and columns. Units are pixels."""
    from diffusers import AutoencoderKLFlux2 as Autoencoder

    scale = 2 ** (len(config.get("block_out_channels", (128, 256, 512, 512))) - 1)
    return Ready(
        lambda: _tiles(Autoencoder.from_config(config), tiled),
        lambda model, shape: model.decode(torch.zeros(1, config.get("latent_channels", 32), *shape), return_dict=False),
        lambda shape: prod(shape) * scale**2,
    )


def language(config: Config, name: str, layers: int) -> Ready:
    """Returns a text encoder of so many layers, called for a number of tokens; it hands out all its hidden states."""
    import transformers
    from transformers.initialization import no_init_weights

    kind = getattr(transformers, name)

    def build() -> Any:
        made = kind.config_class.from_dict(dict(config))
        words = getattr(made, "text_config", made)
        words.num_hidden_layers = layers
        if getattr(words, "layer_types", None):
            words.layer_types = (words.layer_types * layers)[:layers]
        for inner in (made, words, getattr(made, "vision_config", made)):
            inner.dtype = torch.get_default_dtype()  # not the one it was saved in
        with no_init_weights():  # which looks at values, and there are none
            return kind(made)

    def call(model: Any, shape: Shape) -> None:
        tokens = torch.zeros(1, shape[0], dtype=torch.long)
        inner = model.model  # the head over the vocabulary is not asked
        inner(input_ids=tokens, attention_mask=torch.ones_like(tokens), output_hidden_states=True, use_cache=False)

    return Ready(build, call, prod)


def sam3_vision(config: Config) -> Ready:
    """Returns the vision encoder of a SAM 3, called for so many pictures of its size; units are pictures' pixels."""
    from transformers import Sam3VideoConfig
    from transformers.initialization import no_init_weights
    from transformers.models.sam3.modeling_sam3 import Sam3VisionModel

    vision = Sam3VideoConfig.from_dict(dict(config)).detector_config.vision_config
    side = vision.backbone_config.image_size

    def build() -> Any:
        with no_init_weights():
            return Sam3VisionModel(vision)

    return Ready(
        build,
        lambda model, shape: model(torch.zeros(shape[0], 3, side, side)),
        lambda shape: shape[0] * side * side,
    )


# -- fits

VIDEO: Final[Shapes] = ((1, 8, 8), (4, 16, 24), (16, 16, 24), (16, 32, 48))
TILES: Final[Shapes] = ((2, 20, 20), (4, 32, 32))
PICTURE: Final[Shapes] = (
    (PICTURE_WORDS + 64,),
    (PICTURE_WORDS + 1024,),
    (PICTURE_WORDS + 4096,),
    (PICTURE_WORDS + 16384,),
)
SIDES: Final[Shapes] = ((64, 64), (128, 128), (192, 192))
PROMPTS: Final[Shapes] = ((256,), (1024,))
PICTURES: Final[Shapes] = ((1,), (2,))


def line(ready: Ready, shapes: Shapes, dtype: Any = torch.bfloat16) -> Fit:
    """Returns the line through the two largest of the shapes, on or above the others; a smallest of three or more is the
    least it ever says: few tokens beside a long prompt take what the prompt takes."""
    points = sorted((ready.units(shape), peak(ready, shape, dtype)) for shape in shapes)
    least = points.pop(0)[1] if len(points) > 2 else 0
    (low, less), (high, most) = points[-2:]
    each = (most - less) / (high - low)
    base = max(size - each * units for units, size in points)
    if base < 0:  # it bends upwards: a line through nothing is above it up to the largest shape
        return Fit(max(size / units for units, size in points), 0, least)
    return Fit(each, base, least)


def deep(config: Config, name: str) -> Fit:
    """Returns the fit of a text encoder at its full depth, from two shallow ones: each layer adds what it hands out."""
    depth = config.get("text_config", config).get("num_hidden_layers", 0)
    shallow, deeper = (line(language(config, name, layers), PROMPTS) for layers in (LAYERS, 2 * LAYERS))
    layers = (depth - LAYERS) / LAYERS
    return Fit(shallow.each + layers * (deeper.each - shallow.each), max(0.0, shallow.base))


def fits(name: str, config: Config) -> dict[str, Fit]:
    """Returns the fits of a part by variant ("", "conditioned", "tiled"); none for a class that is not known here."""
    if name == "LTX2VideoTransformer3DModel":
        plain = line(ltx2_transformer(config, conditioned=False), VIDEO)
        return {"": plain, "conditioned": line(ltx2_transformer(config), VIDEO)}
    if name == "Flux2Transformer2DModel":
        return {"": line(flux2_transformer(config), PICTURE)}
    if name == "AutoencoderKLLTX2Video":
        plain = line(ltx2_decoder(config), ((2, 8, 8), (4, 16, 16)))
        return {"": plain, "tiled": line(ltx2_decoder(config, tiled=True), TILES)}
    if name == "AutoencoderKLFlux2":
        tile = (config.get("sample_size") or 1024) // 8
        several: Shapes = ((tile * 3 // 2,) * 2, (tile * 3,) * 2)
        return {"": line(flux2_decoder(config), SIDES), "tiled": line(flux2_decoder(config, tiled=True), several)}
    if name in ("Gemma3ForConditionalGeneration", "Qwen3ForCausalLM"):
        return {"": deep(config, name)}
    if name == "Sam3VideoModel":
        return {"": line(sam3_vision(config), PICTURES)}
    return {}


def fit(model: Model) -> dict[str, dict[str, Fit]]:
    """Returns the fits of a model's parts: part to variant to line."""
    found = {}
    for name, part in model.parts.items():
        made = fits(kind_of(model, name), part.config)
        if made:
            found[name] = made
    return found


def main(arguments: Sequence[str]) -> int:
    """Fits the model in a folder, keeps the fits beside the models and prints them as JSON."""
    if len(arguments) != 1:
        sys.stderr.write("usage: python -m genlock.generation.memory.dryrun FOLDER\n")
        return 2
    folder = Path(arguments[0]).resolve()
    model = Library(folder.parent).require(folder.name)
    found = fit(model)
    kept = Measured(Library().home)
    for name, made in found.items():
        kept.keep_fits(digest(kind_of(model, name), model.parts[name].config), made)
    sys.stdout.write(msgspec.json.encode(found).decode() + "\n")
    return 0


def _tiles(decoder: Any, tiled: bool) -> Any:
    if tiled:
        decoder.enable_tiling()
    return decoder


@contextmanager
def _default(dtype: Any) -> Iterator[None]:
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
