"""The ways to fulfil a request on a machine, best first. Reads headers of weights, nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from genlock.errors import BadInput, GenerationError
from genlock.generation import devices
from genlock.generation.engine import Plan
from genlock.generation.engines.ltx2 import grid, schedule
from genlock.generation.engines.ltx2.layout import Layout, layout
from genlock.generation.engines.ltx2.settings import Wanted, lora_file, wanted, window_latents
from genlock.generation.memory.estimates import activation
from genlock.generation.memory.machine import Machine
from genlock.generation.memory.ways import PartSize, Way, Work, ways
from genlock.generation.models.library import Library, Model, Part
from genlock.media.numbered import IMAGES
from genlock.project.request import GenerationRequest

ENGINE: Final = "ltx2"
FAMILY: Final = "ltx2"
"""Names of models of this engine begin so."""

WINDOWS: Final = (241, 161, 121, 97, 65, 49, 33)
"""Frames of one run, longest first; beyond about ten seconds a clip is made in several that hand on to each other."""

OVERLAPPED: Final = 1.25
"""How much more may be computed, overlaps included, for parts to stay on the device: streaming costs next to nothing in
long runs, whose steps take longer than the weights take to arrive."""

TEXT_TOKENS: Final = 1024
NEIGHBOURS: Final = 6
"""Latents decoded on either side of a part of a long clip, and dropped: with fewer the decoder, which looks far both ways,
leaves a seam."""

PART: Final = 8
"""Latents decoded at a time where pictures are decoded in tiles."""

HALF: Final = 0.5
"""Of width and height, for a machine where the size asked does not fit."""

UPSAMPLER: Final = "latent_upsampler"
ELSEWHERE: Final = "upsample_pipeline"
"""Folder within a model where some keep their upsampler."""

NEEDED: Final = ("text_encoder", "transformer", "connectors", "vae", "audio_vae", "vocoder")


def plans(request: GenerationRequest, library: Library, machine: Machine) -> tuple[Plan, ...]:
    """Returns the plans of a request, best first.

    Raises BadInput(bad_generation), GenerationError(model_missing, model_broken, unsafe_weights, needs_memory).
    """
    settings = wanted(request.settings)
    model = model_of(settings, library)
    _check(request, settings, model)
    loras = tuple((lora_file(lora, library), lora.weight) for lora in settings.loras)
    found: list[Plan] = []
    for plan in _plans(_Case(request, settings, model, machine, loras)):
        if all(plan.bytes < better.bytes for better in found):
            found.append(plan)  # a slower way that needs no less is of no use to anyone
    if not found:
        needs = min(
            sum(part.bytes for part in model.parts.values()),
            2 * max(part.bytes for part in model.parts.values()),
        )
        raise GenerationError(
            "needs_memory",
            f"{model.name} does not run on {machine.name}: in no form do its parts fit {_gib(machine.usable)}"
            f" (its weights are {_gib(needs)} and more).",
        )
    return tuple(found)


def model_of(settings: Wanted, library: Library) -> Model:
    """Returns the model a request names, or the first of the family that is here."""
    if settings.model:
        if not settings.model.startswith(FAMILY):
            raise BadInput("bad_generation", f"{settings.model} is no model of ltx2.")
        return library.require(settings.model)
    here = [name for name in library.names() if name.startswith(FAMILY)]
    return library.require(here[0] if here else FAMILY)


def upsampler_of(model: Model) -> tuple[str, Part] | None:
    """Returns the folder of a model's latent upsampler, relative to the model's own, and its size; None without one."""
    if UPSAMPLER in model.parts:
        return UPSAMPLER, model.parts[UPSAMPLER]
    inside = Library(Path(model.path) / ELSEWHERE).find(UPSAMPLER)
    return None if inside is None else (f"{ELSEWHERE}/{UPSAMPLER}", inside.parts[""])


def _check(request: GenerationRequest, settings: Wanted, model: Model) -> None:
    lacking = [name for name in NEEDED if name not in model.parts]
    if lacking:
        raise GenerationError("model_broken", f"{model.name} lacks {', '.join(lacking)}.")
    if (settings.two_stage or request.mode == "upscale") and upsampler_of(model) is None:
        raise BadInput("bad_generation", f"{model.name} has no latent upsampler, which two stages need.")
    if request.mode == "inpaint":
        _check_masked(request, settings)
    if request.references and (settings.two_stage or request.mode == "upscale"):
        raise BadInput("bad_generation", "References are followed in one stage only.")


def _check_masked(request: GenerationRequest, settings: Wanted) -> None:
    if request.frames == 1 or (Path(request.source).suffix[1:].lower() in IMAGES and Path(request.source).is_file()):
        raise BadInput("bad_generation", "ltx2 makes parts of clips again; a picture is for flux2.")
    if not (request.mask or request.selections):
        raise BadInput("bad_generation", "inpaint needs a mask (a picture or a clip), or selections.")
    if settings.two_stage:
        raise BadInput("bad_generation", "A masked part is made in one stage, which sees the source at its full size.")


class _Case(Struct, frozen=True):
    """What plans are made of."""

    request: GenerationRequest
    settings: Wanted
    model: Model
    machine: Machine
    loras: tuple[tuple[Path, float], ...]


def _plans(case: _Case) -> Iterator[Plan]:
    """Yields plans: the longest window that fits without streaming first, then its slower forms, then half the size."""
    request, settings = case.request, case.settings
    lengths = (grid.frames_of(window_latents(settings.window)),) if settings.window else WINDOWS
    laid = layout(request)
    for scale in (1.0, HALF):
        found: list[tuple[_Shape, tuple[Way, ...]]] = []
        seen: set[int] = set()
        for length in lengths:
            shape = _Shape(request, settings, laid, length, scale)
            if shape.window in seen:
                continue
            seen.add(shape.window)
            fitting = _ways(case, shape)
            if fitting:
                found.append((shape, fitting))
            if fitting and fitting[0].offload == "none":
                break
        if found:
            shape, fitting = _chosen(found)
            for way in fitting:
                yield _plan(case, way, shape)


def _chosen(found: list[tuple[_Shape, tuple[Way, ...]]]) -> tuple[_Shape, tuple[Way, ...]]:
    """Returns the run length to use, of those that fit, longest first: the longest that needs no streaming, unless so
    much of it would be overlap that streaming costs less."""
    longest, last = found[0], found[-1]
    resident = last[1][0].offload == "none"
    return last if resident and last[0].latents <= OVERLAPPED * longest[0].latents else longest


class _Shape:
    """Sizes and lengths of a run."""

    def __init__(self, request: GenerationRequest, settings: Wanted, shape: Layout, window: int, scale: float) -> None:
        asked = request.resolution.width, request.resolution.height
        self.two_stage = settings.two_stage or request.mode == "upscale"
        self.inner = (_even(asked[0] * scale), _even(asked[1] * scale))
        """What is cut from the frames made, enlarged to what was asked when it is smaller."""
        self.size = grid.snapped(self.inner, 2 * grid.SPACE if self.two_stage else grid.SPACE)
        runs = grid.segments(grid.latents_of(shape.made), grid.latents_of(min(window, shape.made)))
        self.window = grid.frames_of(max(run.end - run.start for run in runs))
        """Frames of the longest run; runs are even, so that it may be much less than what was allowed."""
        self.latents = sum(run.end - run.start for run in runs)
        """Latents of all runs, those made twice included."""
        self.scale, self.layout = scale, shape
        self.pictures = self.size[0] * self.size[1]

    def tokens(self, request: GenerationRequest) -> int:
        """Returns the tokens of the longest run: its own, those of keyframes, those of references."""
        own = grid.tokens(self.window, self.size)
        held = sum(grid.tokens(hold.count, self.size) for hold in self.layout.holds if hold.at)
        shown = sum(grid.tokens(max(1, min(r.frames, self.window)), self.size) for r in request.references)
        return own + held + shown

    def part(self, *, tiled: bool) -> int:
        """Returns how many latents are decoded at a time: a run's, fewer where room is scarce anyway."""
        run = grid.latents_of(self.window)
        return min(run, PART) if tiled else run

    def decoded(self, *, tiled: bool) -> int:
        """Returns how many pixels are decoded at a time."""
        total, part = grid.latents_of(self.layout.made), self.part(tiled=tiled)
        return self.pictures * grid.frames_of(min(total, part + 2 * NEIGHBOURS))


def _ways(case: _Case, shape: _Shape) -> tuple[Way, ...]:
    request, model = case.request, case.model
    device = devices.device(case.machine)
    plan = schedule.first(case.settings, model.name, model.parts["transformer"].config)
    seen = max((hold.count for hold in shape.layout.holds), default=0)
    if request.mode in ("upscale", "inpaint"):
        seen = shape.window
    seen = max([seen, *(min(max(1, r.frames), shape.window) for r in request.references)])

    def decoder(pixels: int, *, tiled: bool) -> int:
        return activation(model, "vae", pixels=pixels, tiled=tiled, device=device)

    # Runs behind the first follow the one before, which is a condition like any other.
    follows = seen > 0 or shape.layout.made > shape.window
    transformer = activation(
        model,
        "transformer",
        tokens=shape.tokens(request),
        batch=2 if plan.guided else 1,
        conditioned=follows,
        device=device,
    )
    words = activation(model, "text_encoder", tokens=TEXT_TOKENS, device=device)
    work = {"encode": Work(words)}
    if seen:
        work["read"] = Work(*(decoder(shape.pictures * seen, tiled=tiled) for tiled in (False, True)))
    work["denoise"] = Work(transformer + sum(path.stat().st_size for path, _ in case.loras))
    work["decode"] = Work(*(decoder(shape.decoded(tiled=tiled), tiled=tiled) for tiled in (False, True)))
    parts = {
        "text_encoder": PartSize.of(model, "text_encoder", "encode"),
        "connectors": PartSize.of(model, "connectors", "encode", fixed=True),
        "transformer": PartSize.of(model, "transformer", "denoise"),
        "vae": PartSize.of(model, "vae", *(s for s in ("read", "decode") if s in work), decoder=True, fixed=True),
        "audio_vae": PartSize.of(model, "audio_vae", "decode", decoder=True, fixed=True),
        "vocoder": PartSize.of(model, "vocoder", "decode", decoder=True, fixed=True),
    }
    if shape.two_stage:
        found = upsampler_of(model)
        parts[UPSAMPLER] = PartSize(found[1].parameters if found else 0, ("denoise",), fixed=True)
    # a LoRA put onto 8-bit weights takes their dtype, in which nothing can be added up
    return ways(case.machine, device, parts, work, model=model.name, eight=() if case.loras else ("fp8",))


def _plan(case: _Case, way: Way, shape: _Shape) -> Plan:
    request, model = case.request, case.model
    device = devices.device(case.machine)
    found = upsampler_of(model)
    how: dict[str, Any] = {
        "model": model.name,
        "folder": model.path,
        "device": case.machine.kind,
        "dtype": device.dtype,
        "decoder": device.decoder,
        "forms": way.forms,
        "tiled": way.tiled,
        "loras": [[str(path), weight] for path, weight in case.loras],
        "size": shape.size,
        "inner": shape.inner,
        "window": shape.window,
        "part": shape.part(tiled=way.tiled),
        "two_stage": shape.two_stage,
        "folders": {UPSAMPLER: found[0]} if found else {},
    }
    smaller = shape.scale != 1.0
    return Plan(
        engine=ENGINE,
        name=f"{way.name}-smaller" if smaller else way.name,
        product="still" if request.mode == "upscale" and request.frames == 1 else "movie",
        components=way.components,
        stages=way.stages,
        asked=request.frames,
        made=shape.layout.made + shape.layout.before + shape.layout.behind,
        notes=(*_notes(request, shape), *shape.layout.notes, *way.notes),
        how=how,
        model=model.name,
        revision=model.revision,
    )


def _notes(request: GenerationRequest, shape: _Shape) -> Iterator[str]:
    asked = request.resolution.width, request.resolution.height
    if shape.size != shape.inner:
        step = 2 * grid.SPACE if shape.two_stage else grid.SPACE
        yield f"Made at {_by(shape.size)} and cut to {_by(shape.inner)}: the model's sizes are multiples of {step}."
    if shape.inner != asked:
        yield f"Made at {_by(shape.inner)} and enlarged to {_by(asked)}: more does not fit this machine."
    new = shape.layout.count
    if shape.layout.made != new:
        yield f"{shape.layout.made} frames are made for {new}: the model's lengths are 8k + 1, context included."
    runs = grid.segments(grid.latents_of(shape.layout.made), grid.latents_of(shape.window))
    if len(runs) > 1:
        yield f"Made in {len(runs)} runs of up to {shape.window} frames that hand on to each other."
    if request.references and not request.settings.get("loras"):
        yield "References are followed as a LoRA was trained to; none is given."


def _even(value: float) -> int:
    return max(2, round(value / 2) * 2)


def _by(size: grid.Size) -> str:
    return f"{size[0]}x{size[1]}"


def _gib(size: int) -> str:
    return f"{size / (1 << 30):.1f} GiB"
