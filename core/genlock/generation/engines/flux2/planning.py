"""The ways to paint a request on a machine, from the headers of the model's files. No torch: the daemon asks."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, Final

from msgspec import Struct, structs

from genlock.errors import GenerationError
from genlock.generation.devices import Device, device
from genlock.generation.engine import Plan
from genlock.generation.engines.flux2 import prompts, sizes
from genlock.generation.engines.flux2.settings import Lora, Settings, bad
from genlock.generation.engines.flux2.sizes import Size
from genlock.generation.memory.estimates import activation
from genlock.generation.memory.machine import Machine
from genlock.generation.memory.ways import PartSize, Way, Work, ways
from genlock.generation.models import weights
from genlock.generation.models.library import Library, Model
from genlock.generation.models.weights import PICKLES
from genlock.media.numbered import IMAGES
from genlock.project.request import GenerationRequest

ENGINE: Final = "flux2"
PREFERRED: Final = "flux2-klein"
LORAS: Final = "loras"
"""Folder in the library."""
MOST_REFERENCES: Final = 8

_DISTILLED: Final = (4, 1.0)
_FULL: Final = (50, 4.0)
"""Steps and guidance: the published ones of the models."""


class Course(Struct, frozen=True):
    """How the model is run: `steps`, `guidance` (1: the prompt alone), with the words to avoid (`cfg`), with cached
    references (`kv`), and whether it `clip`s through many frames."""

    steps: int
    guidance: float
    cfg: bool
    kv: bool
    clip: bool


def models(library: Library) -> tuple[str, ...]:
    """Returns the models this engine can run, the preferred one first."""
    found = [name for name in library.names() if name.startswith(ENGINE) and _whole(library, name)]
    return tuple(sorted(found, key=lambda name: (name != PREFERRED, name)))


def chosen(library: Library, name: str) -> Model:
    """Returns the model asked for, else the preferred one. Raises GenerationError(model_missing, model_broken,
    unsafe_weights), BadInput(bad_generation) for one of another kind."""
    if not name:
        found = models(library)
        return library.require(found[0] if found else PREFERRED)
    model = library.require(name)
    if not {"transformer", "text_encoder", "vae"} <= set(model.parts):
        raise bad(f"{name} is no FLUX.2 model: it has {', '.join(sorted(model.parts)) or 'no parts'}.")
    return model


def course(request: GenerationRequest, settings: Settings, model: Model) -> Course:
    """Returns how to run a model. Raises BadInput(bad_generation) for settings that exclude each other."""
    distilled = bool(model.index.get("is_distilled", False))
    preset = prompts.PRESETS.get(settings.preset)
    steps, guidance = _DISTILLED if distilled else _FULL
    if preset is not None and not distilled:
        steps, guidance = preset.steps or steps, preset.guidance or guidance
    if settings.true_cfg and distilled:
        guidance = _FULL[1]
    steps = settings.steps or steps
    guidance = guidance if settings.guidance is None else settings.guidance
    cached = model.index.get("_class_name") == "Flux2KleinKVPipeline"
    looks = request.mode == "edit_image" or (request.mode == "image" and bool(_references(request)))
    redrawn = settings.strength is not None
    kv = (cached and looks and not redrawn) if settings.kv_cache is None else settings.kv_cache
    if kv and not looks:
        raise bad(
            "kv_cache keeps what the model knows of given pictures; it is for edit_image, and image with references."
        )
    if kv and (settings.true_cfg or redrawn or not distilled):
        raise bad("kv_cache goes with a distilled model, without true_cfg and strength.")
    return Course(steps, guidance, guidance > 1 and (settings.true_cfg or not distilled), kv, is_clip(request))


def is_clip(request: GenerationRequest) -> bool:
    """Returns whether the request goes through many frames of a movie or of numbered images."""
    still = Path(request.source).suffix[1:].lower() in IMAGES and Path(request.source).is_file()
    return request.mode == "inpaint" and request.frames > 1 and not still


def plans(request: GenerationRequest, settings: Settings, library: Library, machine: Machine) -> tuple[Plan, ...]:
    """Returns the ways, best first; raises as `Flux2Engine.plans`."""
    _check(request, settings)
    model = chosen(library, settings.model)
    way_of = course(request, settings, model)
    coder, part = _autoencoder(library, settings, model)
    loras = [(str(lora_file(library, lora)), lora.weight) for lora in settings.loras]
    size, computed = computed_size(request, settings)
    on = device(machine)
    adapters = sum(Path(path).stat().st_size for path, _ in loras)
    stages = _work((model, coder, part), on, request, way_of, computed, adapters)
    painting = tuple(name for name in stages if name != "encode")
    parts = {
        "text_encoder": PartSize.of(model, "text_encoder", "encode"),
        "transformer": PartSize.of(model, "transformer", "denoise"),
        "vae": PartSize.of(coder, part, *painting, decoder=True, fixed=True),
    }
    how: dict[str, Any] = {
        "model": model.path,
        "course": {name: getattr(way_of, name) for name in Course.__struct_fields__},
        "autoencoder": [coder.path, part],
        "loras": loras,
        "dtype": on.dtype,
        "words": _stamp(model),
    }
    notes = _notes(request, settings, way_of, size, computed)
    # a LoRA put onto 8-bit weights takes their dtype, in which nothing can be added up
    found = ways(machine, on, parts, stages, model=model.name, eight=() if loras else ("fp8",))
    if not found:
        raise GenerationError(
            "needs_memory",
            f"{model.name} does not run on {machine.name} at {size[0]}x{size[1]}: in no form do its parts fit"
            f" {machine.usable / (1 << 30):.1f} GiB.",
        )
    return tuple(_plan(request, model, coder, _renamed(way, model, coder), how, notes) for way in found)


def computed_size(request: GenerationRequest, settings: Settings) -> tuple[Size, Size]:
    """Returns the size asked for and the largest the model computes for it (a window round a mask may be smaller)."""
    asked = request.resolution.width, request.resolution.height
    redrawn = request.mode == "inpaint" or (request.mode == "edit_image" and settings.strength is not None)
    return asked, sizes.made(asked, sizes.LOOKED if redrawn else sizes.MADE)


def lora_file(library: Library, lora: Lora) -> Path:
    """Returns a LoRA's file. Raises BadInput(bad_generation) listing those there are, GenerationError(unsafe_weights,
    model_broken)."""
    folder = library.home / LORAS
    if lora.name and Path(lora.name).name != lora.name:
        raise bad(f"The LoRA {lora.name!r} is a path, not a name.")
    if lora.path and not Path(lora.path).is_absolute():
        raise bad(f"The LoRA needs an absolute path, not {lora.path}.")
    path = Path(lora.path) if lora.path else folder / lora.name
    candidates = [path, path.with_name(f"{path.name}.safetensors"), *sorted(path.glob("*.safetensors"))]
    found = next((file for file in candidates if file.is_file()), None)
    if found is None:
        pickled = next((s for s in PICKLES if path.with_name(f"{path.name}{s}").is_file()), "")
        if pickled:
            raise GenerationError("unsafe_weights", f"{path.name}{pickled} is a pickle, which can run code.")
        there = sorted(file.stem for file in folder.glob("*.safetensors")) if folder.is_dir() else []
        held = ", ".join(there) if there else "none"
        raise bad(f"There is no LoRA {lora.name or lora.path}; {folder} holds {held}.")
    weights.header(found)
    return found


def _whole(library: Library, name: str) -> bool:
    """Returns whether it is a pipeline; an autoencoder of its own may lie beside it under a similar name."""
    return (library.folder(name) / "model_index.json").is_file()


def _references(request: GenerationRequest) -> int:
    return len(request.references) + len(request.conditioning)


def _check(request: GenerationRequest, settings: Settings) -> None:
    if request.mode == "inpaint" and not request.source:
        raise bad("inpaint needs a picture or a clip as source.")
    if request.mode == "edit_image" and not (request.source or _references(request)):
        raise bad("edit_image needs the picture to edit: a source, or a reference.")
    if request.mode == "edit_image" and settings.strength is not None and not request.source:
        raise bad("strength says how much of the source is kept; there is none.")
    if request.mode == "inpaint" and not (request.mask or request.selections):
        raise bad("inpaint needs a mask (a picture or a clip, white where to make anew), or selections.")
    if request.mode == "image" and settings.strength is not None:
        raise bad("strength says how much of a source is kept; image has none.")
    if _references(request) > MOST_REFERENCES:
        raise bad(f"The model looks at {MOST_REFERENCES} reference pictures at most, not {_references(request)}.")


def _autoencoder(library: Library, settings: Settings, model: Model) -> tuple[Model, str]:
    """Returns the model an autoencoder is taken from, and its part there."""
    coder = library.require(settings.autoencoder) if settings.autoencoder else model
    part = "vae" if "vae" in coder.parts else ""
    if part not in coder.parts or coder.parts[part].config.get("_class_name") != "AutoencoderKLFlux2":
        raise bad(f"{settings.autoencoder or model.name} holds no autoencoder of FLUX.2.")
    channels = coder.parts[part].config.get("latent_channels", 32)
    wanted = model.parts["transformer"].config.get("in_channels", 128)
    if channels * 4 != wanted:
        raise bad(f"The autoencoder {coder.name} writes {channels} channels; {model.name} reads {wanted // 4}.")
    return coder, part


def _work(
    parts: tuple[Model, Model, str], on: Device, request: GenerationRequest, way: Course, size: Size, adapters: int
) -> dict[str, Work]:
    """Returns what each stage needs; `parts` are the model, the one its autoencoder is from, and that part's name."""
    model, coder, part = parts
    looked = _references(request) + (request.mode != "image") + way.clip
    tokens = sizes.tokens(size) + looked * sizes.tokens((1024, 1024)) + sizes.WORDS
    think = activation(model, "transformer", tokens=tokens, device=on) + adapters

    def coded(pixels: int, tiled: bool) -> int:
        return activation(coder, part, pixels=pixels, tiled=tiled, device=on)

    eye = sizes.LOOKED if looked else 0
    words = Work(activation(model, "text_encoder", tokens=sizes.WORDS, device=on))
    whole, tiled = (coded(size[0] * size[1], tiles) for tiles in (False, True))
    seen, glimpsed = (max(think, coded(eye, tiles)) for tiles in (False, True))
    if way.clip:
        return {"encode": words, "denoise": Work(max(seen, whole), max(glimpsed, min(whole, tiled)))}
    return {"encode": words, "denoise": Work(seen, min(seen, glimpsed)), "decode": Work(whole, min(whole, tiled))}


def _renamed(way: Way, model: Model, coder: Model) -> Way:
    """Returns the way with another model's autoencoder under that model's name, so that it is shared with it."""
    if coder.name == model.name:
        return way
    old = f"{model.name}/vae@{way.forms['vae']}"
    name = coder.name if "/" not in coder.name else f"{Path(coder.path).name}.{_short(coder.path)}"
    new = f"{name}/vae@{way.forms['vae']}"
    components = tuple(structs.replace(c, name=new) if c.name == old else c for c in way.components)
    stages = tuple(
        structs.replace(stage, components=tuple(new if c == old else c for c in stage.components))
        for stage in way.stages
    )
    return structs.replace(way, components=components, stages=stages)


def _stamp(model: Model) -> str:
    """Returns what changes when another text encoder lies in the model's folder: prompts it encoded are kept."""
    stats = [path.stat() for path in weights.files(Path(model.path) / "text_encoder")]
    return _short(repr([(stat.st_size, stat.st_mtime_ns) for stat in stats]))


def _short(text: str) -> str:
    from hashlib import sha256

    return sha256(text.encode()).hexdigest()[:8]


def _notes(request: GenerationRequest, settings: Settings, way: Course, asked: Size, size: Size) -> tuple[str, ...]:
    notes = []
    if size != asked:
        notes.append(f"Computed at up to {size[0]}x{size[1]}, delivered at {asked[0]}x{asked[1]}.")
    if request.negative_prompt and not way.cfg:
        notes.append("The model is distilled and does not read the negative prompt; the setting true_cfg makes it.")
    if way.clip:
        painted = math.ceil((request.frames - 1) / settings.every) + 1
        notes.append(
            f"At least {painted} of {request.frames} frames are painted; the others follow the movement of the source."
        )
    return tuple(notes)


def _plan(
    request: GenerationRequest, model: Model, coder: Model, way: Way, how: dict[str, Any], notes: tuple[str, ...]
) -> Plan:
    clip = how["course"]["clip"]
    frames = request.frames if clip else 1
    return Plan(
        engine=ENGINE,
        name=way.name,
        product="movie" if clip else "still",
        components=way.components,
        asked=frames,
        made=frames,
        notes=(*notes, *way.notes),
        stages=way.stages,
        how=how | {"forms": way.forms, "tiled": way.tiled},
        model=model.name if coder.name == model.name else f"{model.name} with the autoencoder of {coder.name}",
        revision=model.revision,
    )
