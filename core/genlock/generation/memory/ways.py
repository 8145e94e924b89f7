"""The usual ways to run a model, fastest first: native, tiled, 8 bits, streamed blocks. Pure, but for `PartSize.of`,
which reads headers.

    parts = {name: PartSize.of(model, name, stages) for ...}
    for way in ways(machine, device, parts, {"encode": Work(...), "denoise": Work(...), "decode": Work(...)}, model="ltx2"):
        Plan(..., components=way.components, stages=way.stages, notes=way.notes, how={"forms": way.forms, ...})

A form is how a part's weights are kept: "bfloat16", "float16", "float32", "fp8", "int8", and with `+blocks` behind it
when they lie in pinned host memory and only two blocks at a time are on the device.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, Literal

from msgspec import Struct

from genlock.generation.devices import Device
from genlock.generation.engine import Component, Stage
from genlock.generation.memory.machine import Machine
from genlock.generation.models import weights
from genlock.generation.models.library import Model

BLOCKS: Final = "+blocks"
"""Behind a form: streamed."""

AT_ONCE: Final = 2
"""Blocks on the device while streaming: one computes, the next arrives."""

_NUMBERED: Final = re.compile(r"((?:[A-Za-z_]\w*\.)+\d+)\.")
_WORDS: Final = {"fp8": "8-bit floats", "int8": "8-bit integers"}


class PartSize(Struct, frozen=True):
    """A part as far as fitting goes. `parameters` in all; `block` those of its largest numbered block (0: cannot be
    streamed) and `outside` those in no block; `stages` that need it. `decoder`: computes in the device's decoder dtype.
    `fixed`: is neither quantised nor streamed (decoders never are)."""

    parameters: int
    stages: tuple[str, ...]
    block: int = 0
    outside: int = 0
    decoder: bool = False
    fixed: bool = False

    @classmethod
    def of(cls, model: Model, part: str, *stages: str, decoder: bool = False, fixed: bool = False) -> PartSize:
        """Returns the size of a part of a model on disk, blocks found by their numbered names
        ("transformer_blocks.7.attn.to_q.weight"). Raises GenerationError(model_broken, unsafe_weights)."""
        size: Counter[str] = Counter()
        for path in weights.files(Path(model.path) / part):
            for name, tensor in weights.header(path).items():
                match = _NUMBERED.match(name)
                numbers = 1
                for length in tensor.shape:
                    numbers *= length
                size[match[1] if match else ""] += numbers
        outside = size.pop("", 0)
        return cls(
            model.parts[part].parameters, stages, max(size.values(), default=0), outside, decoder=decoder, fixed=fixed
        )


class Work(Struct, frozen=True):
    """What a stage needs on top of weights: `activation` bytes, `tiled` bytes when pictures are decoded in tiles (0:
    it makes no difference), about how many `seconds`."""

    activation: int = 0
    tiled: int = 0
    seconds: float = 0.0


class Way(Struct, frozen=True):
    """One way: the form of each part, whether blocks are streamed, whether decoding is tiled; with the components and
    stages of its plan, and `notes` for a person."""

    name: str
    forms: dict[str, str]
    offload: Literal["none", "blocks"]
    tiled: bool
    components: tuple[Component, ...]
    stages: tuple[Stage, ...]
    notes: tuple[str, ...] = ()


class _Rung(Struct, frozen=True):
    name: str
    tiled: bool = True
    eight: bool = False
    blocks: bool = False


_RUNGS: Final = (
    _Rung("resident", tiled=False),
    _Rung("tiled"),
    _Rung("eight", eight=True),
    _Rung("blocks", blocks=True),
    _Rung("eight-blocks", eight=True, blocks=True),
)


def ways(
    machine: Machine,
    device: Device,
    parts: Mapping[str, PartSize],
    stages: Mapping[str, Work],
    *,
    model: str,
    eight: Sequence[str] = ("fp8",),
) -> tuple[Way, ...]:
    """Returns the ways that fit the machine at all, fastest first; none when nothing does.

    The first gives each part the fastest form that fits (a text encoder that is needed alone may stay as it is while the
    transformer is quantised); those behind it are for a machine that has less left. `stages` in the order they run;
    `model` names the components; `eight` are the 8-bit forms the engine can make.
    """
    form = next((name for name in eight if getattr(device, name)), "")
    rungs = [
        rung
        for rung in _RUNGS
        if (form or not rung.eight) and (machine.host or not rung.blocks) and (rung.tiled or not device.tiles)
    ]
    found: dict[tuple[tuple[tuple[str, str], ...], bool], Way] = {}
    for level in range(len(rungs)):
        way = _way(machine, device, parts, stages, rungs[: level + 1], form, model, mixed=not found)
        if way is not None:
            found.setdefault((tuple(sorted(way.forms.items())), way.tiled), way)
    return tuple(found.values())


def bytes_of(part: PartSize, form: str, device: Device) -> tuple[int, int]:
    """Returns the bytes of a part in a form: on the device, and pinned on the host."""
    kept = form.removesuffix(BLOCKS)
    native = device.width(device.decoder if part.decoder else device.dtype)
    wide = {"fp8": 1, "int8": 1, "float32": 4}.get(kept, 2)
    outside = part.outside * max(native, wide)
    inside = (part.parameters - part.outside) * wide
    if not form.endswith(BLOCKS):
        return outside + inside, 0
    return outside + min(inside, AT_ONCE * part.block * wide), outside + inside


def form_of(part: PartSize, rung: _Rung, device: Device, eight: str) -> str:
    """Returns the form a part takes on a rung of the ladder."""
    if part.decoder:
        return device.decoder
    if part.fixed or not part.block:
        return device.dtype
    return (eight if rung.eight else device.dtype) + (BLOCKS if rung.blocks else "")


def _way(
    machine: Machine,
    device: Device,
    parts: Mapping[str, PartSize],
    stages: Mapping[str, Work],
    rungs: Sequence[_Rung],
    eight: str,
    model: str,
    *,
    mixed: bool,
) -> Way | None:
    """Returns the way of the last rung: `mixed` lets each stage stay on the first rung where it fits."""

    def fits(stage: str, forms: Mapping[str, str], tiled: bool) -> bool:
        inside = {name: part for name, part in parts.items() if stage in part.stages}
        return _fits(machine, device, inside, forms, _needed(stages[stage], tiled))

    uniform = [{name: form_of(part, rung, device, eight) for name, part in parts.items()} for rung in rungs]
    reached: dict[str, int] = {}
    for stage in stages:
        for number in range(0 if mixed else len(rungs) - 1, len(rungs)):
            if fits(stage, uniform[number], rungs[number].tiled):
                reached[stage] = number
                break
        else:
            return None
    forms = {
        name: uniform[max((reached[s] for s in part.stages if s in reached), default=0)][name]
        for name, part in parts.items()
    }
    tiled = any((device.tiles or rungs[number].tiled) and stages[stage].tiled for stage, number in reached.items())
    if not all(fits(stage, forms, tiled) for stage in stages):
        return None  # a part of two stages left the form one of them was measured with
    components = {name: _component(model, name, part, forms[name], device) for name, part in parts.items()}
    runs = tuple(
        Stage(
            stage,
            tuple(components[name].name for name, part in parts.items() if stage in part.stages),
            _needed(work, tiled),
            work.seconds,
        )
        for stage, work in stages.items()
    )
    offload: Literal["none", "blocks"] = "blocks" if any(f.endswith(BLOCKS) for f in forms.values()) else "none"
    return Way(_name(forms, tiled), forms, offload, tiled, tuple(components.values()), runs, _notes(forms, tiled))


def _needed(work: Work, tiled: bool) -> int:
    return work.tiled if tiled and work.tiled else work.activation


def _fits(
    machine: Machine, device: Device, parts: Mapping[str, PartSize], forms: Mapping[str, str], activation: int
) -> bool:
    sizes = [bytes_of(part, forms[name], device) for name, part in parts.items()]
    return activation + sum(on for on, _ in sizes) <= machine.usable and sum(off for _, off in sizes) <= machine.host


def _component(model: str, name: str, part: PartSize, form: str, device: Device) -> Component:
    size, pinned = bytes_of(part, form, device)
    return Component(f"{model}/{name}@{form}", size, pinned)


def _name(forms: Mapping[str, str], tiled: bool) -> str:
    kinds = {form.removesuffix(BLOCKS) for form in forms.values()} & set(_WORDS)
    words = [*sorted(kinds), *(["blocks"] if any(f.endswith(BLOCKS) for f in forms.values()) else [])]
    return "-".join([*words, *(["tiled"] if tiled else [])]) or "resident"


def _notes(forms: Mapping[str, str], tiled: bool) -> tuple[str, ...]:
    notes = []
    for kind, words in _WORDS.items():
        kept = [name for name, form in forms.items() if form.removesuffix(BLOCKS) == kind]
        if kept:
            notes.append(f"Kept in {words}: {', '.join(kept)}.")
    streamed = [name for name, form in forms.items() if form.endswith(BLOCKS)]
    if streamed:
        notes.append(f"Streamed from host memory block by block, which is slower: {', '.join(streamed)}.")
    if tiled:
        notes.append("Decoded in tiles.")
    return tuple(notes)
