"""The models Genlock knows how to use, as data: where they are published, under which licence, how large they are."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Final

from msgspec import Struct

from genlock.errors import NotFound
from genlock.generation.models.weights import PICKLES

WIDTH: Final = 2
"""Bytes of a number in bfloat16, which every model here is published in unless its part says otherwise."""


class Licence(Struct, frozen=True):
    """Under which terms a model may be used. `gated`: its page asks to accept them before it hands out files."""

    name: str
    url: str
    gated: bool = False
    commercial: str = "yes"


class Piece(Struct, frozen=True):
    """A component: how many numbers it holds, counted from the classes without weights, and bytes of one of them."""

    name: str
    parameters: int
    width: int = WIDTH

    @property
    def bytes(self) -> int:
        return self.parameters * self.width


class Entry(Struct, frozen=True):
    """A model that can be pulled.

    `files` are patterns a path is matched with, folder by folder; `revision` is the commit to pull, None when it is
    settled at the first pull and written down beside the files. `needs` names distributions that use it. `note` says
    what could not be made certain.
    """

    name: str
    title: str
    engines: tuple[str, ...]
    licence: Licence
    repository: str
    pieces: tuple[Piece, ...]
    files: tuple[str, ...]
    revision: str | None = None
    needs: tuple[str, ...] = ()
    note: str = ""

    @property
    def bytes(self) -> int:
        """Bytes of all parts as they are published, roughly: the hub says it exactly when it is asked."""
        return sum(piece.bytes for piece in self.pieces)

    @property
    def page(self) -> str:
        """Returns the model's page."""
        return f"https://huggingface.co/{self.repository}"

    def takes(self, path: str) -> bool:
        """Whether a file of the repository belongs to the model. Pickles never do, nor what lies outside its folder."""
        parts = path.split("/")
        if path.lower().endswith(PICKLES) or "\\" in path or any(not part or part.startswith(".") for part in parts):
            return False
        patterns = (pattern.split("/") for pattern in self.files)
        return any(len(p) == len(parts) and all(map(fnmatchcase, parts, p)) for p in patterns)


_PIPELINE: Final = (
    "model_index.json",
    *(f"*/*.{suffix}" for suffix in ("safetensors", "json", "model", "txt", "jinja")),
)
"""A diffusers folder: each part in a folder of its own. Single-file checkpoints beside them are left where they are."""

_FLAT: Final = tuple(f"*.{suffix}" for suffix in ("safetensors", "json", "model", "txt", "jinja"))

_LIGHTRICKS: Final = Licence(
    "LTX-2 Community License", "https://huggingface.co/Lightricks/LTX-2/blob/main/LICENSE", commercial="with limits"
)
_GEMMA: Final = Licence("Gemma Terms of Use", "https://ai.google.dev/gemma/terms", gated=True, commercial="with limits")
_TORCH: Final = ("torch", "diffusers", "transformers", "accelerate", "safetensors")
_SETTLED: Final = "The commit is settled at the first pull and kept from then on."
_CONVERTED: Final = (
    f"A conversion named in diffusers' own examples; whether it holds a latent upsampler is not certain. {_SETTLED}"
)

_GEMMA_12B: Final = Piece("text_encoder", 12_202_563_392)
_LTX2: Final = (
    Piece("transformer", 18_876_174_592),
    _GEMMA_12B,
    Piece("connectors", 1_431_475_200),
    Piece("vae", 1_222_479_601),
    Piece("audio_vae", 53_248_146),
    Piece("vocoder", 55_592_802),
    Piece("latent_upsampler", 497_867_904),
)
_LTX23: Final = (
    Piece("transformer", 18_988_838_144),
    _GEMMA_12B,
    Piece("connectors", 3_172_227_584),
    Piece("vae", 726_105_969),
    Piece("audio_vae", 53_248_146),
    Piece("vocoder", 128_537_448),
)
_FLUX_VAE: Final = Piece("vae", 84_046_115)

ENTRIES: Final = (
    Entry(
        "ltx2",
        "LTX-2 19B: video with sound, full schedule",
        ("ltx2",),
        _LIGHTRICKS,
        "Lightricks/LTX-2",
        _LTX2,
        _PIPELINE,
        needs=_TORCH,
        note=_SETTLED,
    ),
    Entry(
        "ltx2-distilled",
        "LTX-2 19B distilled: video with sound in 8 steps",
        ("ltx2",),
        _LIGHTRICKS,
        "rootonchair/LTX-2-19b-distilled",
        _LTX2[:-1],
        ("model_index.json", *_PIPELINE[1:], "upsample_pipeline/*/*.safetensors", "upsample_pipeline/*/*.json"),
        needs=_TORCH,
        note=f"A conversion by a third party, named in the diffusers project; Lightricks has one file only. {_SETTLED}",
    ),
    Entry(
        "ltx2.3",
        "LTX-2.3: video with 48 kHz sound, full schedule",
        ("ltx2",),
        _LIGHTRICKS,
        "diffusers/LTX-2.3-Diffusers",
        _LTX23,
        _PIPELINE,
        needs=_TORCH,
        note=_CONVERTED,
    ),
    Entry(
        "ltx2.3-distilled",
        "LTX-2.3 distilled: video with 48 kHz sound in 8 steps",
        ("ltx2",),
        _LIGHTRICKS,
        "diffusers/LTX-2.3-Distilled-Diffusers",
        _LTX23,
        _PIPELINE,
        needs=_TORCH,
        note=_CONVERTED,
    ),
    Entry(
        "flux2-klein",
        "FLUX.2 Klein 9B: pictures, edits, references",
        ("flux2",),
        Licence(
            "FLUX Non-Commercial License",
            "https://huggingface.co/black-forest-labs/FLUX.2-klein-9B",
            gated=True,
            commercial="no",
        ),
        "black-forest-labs/FLUX.2-klein-9B",
        (Piece("transformer", 9_078_581_248), Piece("text_encoder", 8_190_735_360), _FLUX_VAE),
        _PIPELINE,
        needs=_TORCH,
        note=_SETTLED,
    ),
    Entry(
        "flux2-klein-4b",
        "FLUX.2 Klein 4B: pictures, edits, references on small cards",
        ("flux2",),
        Licence("Apache-2.0", "https://www.apache.org/licenses/LICENSE-2.0"),
        "black-forest-labs/FLUX.2-klein-4B",
        (Piece("transformer", 3_875_544_576), Piece("text_encoder", 4_411_424_256), _FLUX_VAE),
        _PIPELINE,
        needs=_TORCH,
        note=_SETTLED,
    ),
    Entry(
        "sam3",
        "SAM 3: masks from words, clicks and boxes, tracked through clips",
        ("sam3",),
        Licence("SAM License", "https://huggingface.co/facebook/sam3", gated=True),
        "facebook/sam3",
        (Piece("", 859_921_848, 4),),
        _FLAT,
        needs=("torch", "transformers", "safetensors"),
        note=f"Access is granted by hand and may take days. {_SETTLED}",
    ),
    Entry(
        "gemma3",
        "Gemma 3 12B: prompts written out, with eyes",
        ("llm",),
        _GEMMA,
        "google/gemma-3-12b-it",
        (Piece("", 12_202_563_392),),
        _FLAT,
        needs=("torch", "transformers", "safetensors"),
        note=_SETTLED,
    ),
    Entry(
        "ltx-video",
        "LTX-Video 0.9.8 2B distilled: video for small cards",
        ("ltx-video",),
        Licence(
            "LTX-Video Open Weights License",
            "https://huggingface.co/Lightricks/LTX-Video",
            commercial="with limits",
        ),
        "Lightricks/LTX-Video",
        (Piece("", 3_170_000_000), Piece("text_encoder", 4_762_310_656)),
        (
            "ltxv-2b-0.9.8-distilled.safetensors",
            "ltxv-spatial-upscaler-0.9.8.safetensors",
            "text_encoder/*.safetensors",
            "text_encoder/*.json",
            "tokenizer/*",
        ),
        needs=("ltx-video",),
        note=f"Sizes are those of its 6.34 GB file and of T5-XXL in bfloat16. {_SETTLED}",
    ),
)

CATALOG: Final = {entry.name: entry for entry in ENTRIES}


def entry(name: str) -> Entry:
    """Returns a known model. Raises NotFound(no_such_model)."""
    try:
        return CATALOG[name]
    except KeyError as error:
        raise NotFound("no_such_model", f"No model is called {name!r}; known are {', '.join(CATALOG)}.") from error
