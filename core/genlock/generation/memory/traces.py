"""What is played to a memory policy: a machine, jobs in the order they ran, and the budget as others left it.

On disk a trace is a file of JSON lines. The first is the machine, the others happen in order:

    {"type": "machine", "machine": {"name": "24 GB card", "device": ..., "host": ..., "link": ..., "disk": ...},
     "budget": 22000000000, "visible": 3}
    {"type": "job", "lane": "heavy", "plan": {"engine": "ltx2", "name": "fp8", "components": [{"name": ..., "bytes": ...}],
     "stages": [{"name": "encode", "components": [...], "activation": ...}]}}
    {"type": "budget", "budget": 20500000000}

`visible` jobs behind the running one are known to the policy; bytes and bytes a second throughout. A plan is the `Plan`
of generation/engine.py, so a line of a job is what the daemon had at hand when the job ran.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec import Struct

from genlock.errors import BadInput
from genlock.generation.engine import Component, Lane, Plan, Stage
from genlock.generation.memory.machine import GiB, Kind, Machine

if TYPE_CHECKING:
    from numpy.random import Generator

JOBS: Final = 150
VISIBLE: Final = 3


class Opening(Struct, frozen=True, tag="machine"):
    """The first line."""

    machine: Machine
    budget: int
    visible: int = VISIBLE


class Job(Struct, frozen=True, tag="job"):
    """A job ran."""

    plan: Plan
    lane: Lane = "heavy"


class Budget(Struct, frozen=True, tag="budget"):
    """Other programs took or gave back memory."""

    budget: int


Line = Opening | Job | Budget


class Trace(Struct, frozen=True):
    """A machine and what happened on it."""

    machine: Machine
    budget: int
    visible: int
    events: tuple[Job | Budget, ...]


def parse(text: Iterable[str]) -> Trace:
    """Returns the trace of a file's lines. Raises BadInput(bad_value) naming the line."""
    found: list[Line] = []
    for number, line in enumerate(text, 1):
        if not line.strip():
            continue
        try:
            found.append(msgspec.json.decode(line, type=Line))
            _check(found[-1])
        except (msgspec.MsgspecError, KeyError) as error:
            raise BadInput("bad_value", f"Line {number} of the trace cannot be used: {error}.") from error
    first = found[0] if found else None
    if not isinstance(first, Opening):
        raise BadInput("bad_value", "A trace begins with its machine.")
    events = tuple(one for one in found if not isinstance(one, Opening))
    return Trace(first.machine, first.budget, first.visible, events)


def _check(line: Line) -> None:
    """Raises KeyError for a stage that names a component the plan does not have."""
    if isinstance(line, Job):
        _ = line.plan.bytes


def lines(trace: Trace) -> Iterator[str]:
    """Yields the lines of a trace's file."""
    for line in (Opening(trace.machine, trace.budget, trace.visible), *trace.events):
        yield msgspec.json.encode(line).decode()


# -- made-up days of editing

MODEL: Final = {"ltx": "ltx2", "flux": "flux2", "sam": "sam3", "llm": "gemma3"}
KINDS: Final = {
    "video": ("ltx/te", "ltx/dit", "ltx/dec"),
    "image": ("flux/te", "flux/dit", "flux/vae"),
    "mask": ("sam/model",),
    "clean": ("sam/model", "flux/te", "flux/dit", "flux/vae"),
    "enhance": ("llm/model",),
    "shot": ("llm/model", "ltx/te", "ltx/dit", "ltx/dec"),
    "track": ("sam/model",),
}
"""Jobs, as the parts they use one after the other."""

MOODS: Final = {
    "image": (("image", 0.62), ("mask", 0.1), ("shot", 0.13), ("enhance", 0.15)),
    "shot": (("shot", 0.3), ("video", 0.35), ("image", 0.2), ("mask", 0.15)),
    "mask": (("mask", 0.45), ("clean", 0.3), ("video", 0.15), ("track", 0.1)),
}
"""What an editor does for a while: storyboard stills, renders of shots, masks with clean-up."""

CHANGE: Final = 0.12
"""Chance that a job begins another mood."""


class Scene(Struct, frozen=True):
    """A class of machine: GiB and rebuild seconds of each part as it fits there, GiB of activation, and what other programs
    hold: a share of the day up to which they hold so many GiB."""

    machine: Machine
    usable: float
    parts: dict[str, tuple[float, float]]
    activation: dict[str, float]
    others: tuple[tuple[float, float], ...]


def _machine(name: str, device: float, host: float, link: float, disk: float) -> Machine:
    kind: Kind = "cuda" if host else "mps"
    return Machine(name, kind, round(device * GiB), round(host * GiB), link * GiB, disk * GiB)


def _parts(te: float, dit: float, dec: float, flux_te: float, flux_dit: float, sam: float) -> dict[str, float]:
    return {
        "ltx/te": te,
        "ltx/dit": dit,
        "ltx/dec": dec,
        "flux/te": flux_te,
        "flux/dit": flux_dit,
        "flux/vae": 0.2,
        "sam/model": sam,
        "llm/model": 8.1,
    }


def _activation(
    te: float, dit: float, dec: float, flux_te: float, flux_dit: float, vae: float, sam: float, llm: float
) -> dict[str, float]:
    names = ("ltx/te", "ltx/dit", "ltx/dec", "flux/te", "flux/dit", "flux/vae", "sam/model", "llm/model")
    return dict(zip(names, (te, dit, dec, flux_te, flux_dit, vae, sam, llm), strict=True))


def _plain(sizes: dict[str, float], rebuild: dict[str, float] | None = None) -> dict[str, tuple[float, float]]:
    return {name: (size, (rebuild or {}).get(name, 0.0)) for name, size in sizes.items()}


_FULL: Final = _plain(_parts(22.7, 35.2, 6.1, 15.3, 16.9, 3.2))
_WIDE: Final = _activation(1, 6, 6, 0.5, 3, 2, 1, 2)
_RESOLVE: Final = ((0.3, 2.0), (0.6, 8.0), (1.0, 3.0))
"""An editing program opens its timeline at 30 % of the day and is minimised at 60 %."""

SCENES: Final[dict[str, Scene]] = {
    "24 GB": Scene(  # fp8 transformers, 4-bit text encoders
        _machine("24 GB card", 24, 40, 20, 2.5),
        22.5,
        _plain(
            _parts(7.0, 17.7, 3.7, 4.4, 8.6, 1.7),
            {"ltx/te": 4, "ltx/dit": 2, "flux/te": 3, "flux/dit": 1, "llm/model": 1},
        ),
        _activation(0.6, 2.2, 2.8, 0.3, 1.2, 1.5, 0.8, 1.0),
        ((0.3, 1.2), (0.6, 2.5), (1.0, 1.0)),
    ),
    "48 GB": Scene(  # fp8 transformer and 8-bit text encoder of LTX-2, the rest bf16
        _machine("48 GB card", 48, 96, 20, 2.5),
        46,
        _plain(_parts(12.3, 17.7, 3.7, 8.2, 16.9, 1.7), {"ltx/te": 2, "ltx/dit": 2, "flux/te": 1, "llm/model": 1}),
        _activation(0.8, 4, 3.5, 0.4, 3, 1.5, 0.8, 1.5),
        _RESOLVE,
    ),
    "80 GB": Scene(_machine("80 GB card", 80, 128, 20, 2.5), 78, _FULL, _WIDE, _RESOLVE),
    "141 GB": Scene(_machine("141 GB card", 141, 192, 20, 2.5), 139, _FULL, _WIDE, _RESOLVE),
    "128 GB unified": Scene(_machine("128 GB unified", 96, 0, 20, 4), 96, _FULL, _WIDE, ((0.5, 6.0), (1.0, 12.0))),
}


def day(name: str, seed: int, jobs: int = JOBS) -> Trace:
    """Returns a day of editing on a machine of `SCENES`: bursts of one mood, each job a chain of stages. Equal for equal
    seeds. Raises BadInput(bad_value) for a machine that is not there."""
    from numpy.random import default_rng

    scene = SCENES.get(name)
    if scene is None:
        raise BadInput("bad_value", f"There is no machine {name!r}.", hint=f"There are {', '.join(SCENES)}.")
    plans = {kind: _plan(scene, kind) for kind in KINDS}
    events: list[Job | Budget] = []
    budget = first = round((scene.usable - scene.others[0][1]) * GiB)
    for at, kind in enumerate(_kinds(default_rng(seed), jobs)):
        taken = next((size for share, size in scene.others if at / jobs < share), scene.others[-1][1])
        left = round((scene.usable - taken) * GiB)
        if left != budget:
            budget = left
            events.append(Budget(left))
        events.append(Job(plans[kind]))
    return Trace(scene.machine, first, VISIBLE, tuple(events))


def _kinds(rng: Generator, jobs: int) -> Iterator[str]:
    mood = "image"
    for _ in range(jobs):
        if rng.random() < CHANGE:
            mood = str(rng.choice(list(MOODS)))
        shares = [share for _, share in MOODS[mood]]
        yield str(rng.choice([kind for kind, _ in MOODS[mood]], p=[share / sum(shares) for share in shares]))


def _plan(scene: Scene, kind: str) -> Plan:
    names = {part: f"{MODEL[part.split('/')[0]]}/{part.split('/')[1]}" for part in KINDS[kind]}
    parts = tuple(
        Component(name, round(scene.parts[part][0] * GiB), rebuild=scene.parts[part][1]) for part, name in names.items()
    )
    stages = tuple(Stage(name, (name,), round(scene.activation[part] * GiB)) for part, name in names.items())
    return Plan("made up", kind, components=parts, stages=stages)
