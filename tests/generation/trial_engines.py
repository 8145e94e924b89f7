"""Engines that misbehave on purpose. Worker processes import this module by name."""

from __future__ import annotations

import os
import signal
import time

import numpy as np

from genlock.errors import GenerationError
from genlock.generation.engine import Component, Engines, Plan, Product, Sink, Stage
from genlock.project.request import GenerationRequest, Mode

MODULE = "tests.generation.trial_engines"


class Trial:
    version = "1"
    product: Product = "movie"
    modes: frozenset[Mode] = frozenset({"text_to_video"})

    def __init__(self, name: str) -> None:
        self.name = name

    def plans(self, request: GenerationRequest) -> tuple[Plan, ...]:
        return (Plan(engine=self.name, name="only", product=self.product, asked=request.frames, made=request.frames),)

    def missing(self) -> str:
        return ""

    def libraries(self) -> tuple[str, ...]:
        return ("numpy",)

    def generate(self, request: GenerationRequest, plan: Plan, sink: Sink) -> None:
        for number in range(request.frames):
            self.before(number)
            sink.frame(np.full((request.resolution.height, request.resolution.width, 3), number % 256, np.uint8))
            sink.progress(number + 1, request.frames, "frames")

    def before(self, number: int) -> None:
        pass


class Slow(Trial):
    def before(self, number: int) -> None:
        time.sleep(0.02)


class Killed(Trial):
    """Dies as from the kernel's out-of-memory killer, half way."""

    def before(self, number: int) -> None:
        if number == 2:
            print("the last words of a worker", file=__import__("sys").stderr, flush=True)
            os.kill(os.getpid(), signal.SIGKILL)


class Deaf(Trial):
    """Never asks whether to stop."""

    def before(self, number: int) -> None:
        if number == 1:
            time.sleep(60)


class Frozen(Trial):
    """Stops as a whole, beats and all."""

    def before(self, number: int) -> None:
        if number == 1:
            os.kill(os.getpid(), signal.SIGSTOP)


class Broken(Trial):
    def before(self, number: int) -> None:
        if number == 1:
            raise ValueError("a wheel came off")


class Hungry(Trial):
    """Has a plan that needs too much and one that does not."""

    def plans(self, request: GenerationRequest) -> tuple[Plan, ...]:
        return (Plan(engine=self.name, name="large"), Plan(engine=self.name, name="small"))

    def generate(self, request: GenerationRequest, plan: Plan, sink: Sink) -> None:
        if plan.name == "large":
            raise MemoryError
        super().generate(request, plan, sink)


class Lazy(Trial):
    """Delivers fewer frames than asked."""

    def generate(self, request: GenerationRequest, plan: Plan, sink: Sink) -> None:
        sink.frame(np.zeros((request.resolution.height, request.resolution.width, 3), np.uint8))


class Eager(Trial):
    """Delivers more frames than asked."""

    def generate(self, request: GenerationRequest, plan: Plan, sink: Sink) -> None:
        for _ in range(request.frames + 7):
            sink.frame(np.zeros((request.resolution.height, request.resolution.width, 3), np.uint8))


class Environment(Trial):
    """Tells the names of the environment it sees."""

    product: Product = "text"

    def generate(self, request: GenerationRequest, plan: Plan, sink: Sink) -> None:
        with open("/proc/self/environ", "rb") as file:
            begin = file.read().decode(errors="replace").split("\0")
        sink.text("\n".join([*os.environ, *begin]))


PARTS = {
    name: Component(f"toy/{name}@plain", size) for name, size in (("encoder", 100), ("mover", 200), ("decoder", 50))
}
STAGES = (
    Stage("encode", ("toy/encoder@plain",), 5),
    Stage("denoise", ("toy/mover@plain",), 20),
    Stage("decode", ("toy/decoder@plain",), 10),
)


class OutOfMemoryError(RuntimeError):
    """Named as torch's."""


class AcceleratorError(RuntimeError):
    """Named as torch's."""


class Piece:
    """A model part of plain numbers that remembers where it was put."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.places: list[str] = []

    def to(self, place: str) -> None:
        self.places.append(place)


class Staged(Trial):
    """Has three stages with a part each, and a step for every frame. The settings say how it misbehaves: `fail_at` is
    the allocation that fails (counted over the whole job, 0: none), `pause` seconds a step. While a part is loaded it
    comes as a file that cannot be used when it is `wrapped`."""

    def plans(self, request: GenerationRequest) -> tuple[Plan, ...]:
        return (
            Plan(
                engine=self.name,
                name="staged",
                product=self.product,
                components=tuple(PARTS.values()),
                stages=STAGES,
                asked=request.frames,
                made=request.frames,
                model="toy",
                revision="abc",
            ),
        )

    def generate(self, request: GenerationRequest, plan: Plan, sink: Sink) -> None:
        allocations = [0]

        def allocate() -> None:
            allocations[0] += 1
            if allocations[0] == request.settings.get("fail_at", 0):
                raise OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB.")

        def part(name: str) -> Piece:
            def build() -> Piece:
                try:
                    allocate()  # weights
                except OutOfMemoryError as error:
                    if request.settings.get("wrapped"):
                        raise GenerationError("model_broken", f"{name} cannot be loaded: {error}") from error
                    raise
                allocate()  # what fusing them takes
                built.append(name)
                return Piece(name)

            return sink.models.get(PARTS[name], build)

        built: list[str] = []
        sink.stage("encode")
        part("encoder")
        allocate()
        sink.stage("denoise")
        part("mover")
        for number in range(request.frames):
            allocate()
            self.before(number)
            time.sleep(request.settings.get("pause", 0.0))
            sink.progress(number + 1, request.frames, "denoise")
        sink.stage("decode")
        part("decoder")
        for number in range(request.frames):
            allocate()
            sink.frame(np.full((request.resolution.height, request.resolution.width, 3), number % 256, np.uint8))
        sink.note(built=built, allocations=allocations[0], pid=os.getpid())


class Mortal(Staged):
    """Dies while it denoises."""

    def before(self, number: int) -> None:
        if number == 2:
            os.kill(os.getpid(), signal.SIGKILL)


class Stuck(Staged):
    """Does not ask for a while in the middle of it."""

    def before(self, number: int) -> None:
        if number == 1:
            time.sleep(1.2)


class Unplugged(Staged):
    """Its device goes away."""

    def before(self, number: int) -> None:
        if number == 1:
            raise AcceleratorError("CUDA error: unspecified launch failure")


class Greedy(Staged):
    """Takes a part that its stage does not name."""

    def generate(self, request: GenerationRequest, plan: Plan, sink: Sink) -> None:
        sink.stage("encode")
        sink.models.get(PARTS["mover"], lambda: Piece("mover"))


class Mattes(Trial):
    """Delivers pictures with alpha, a mask for each and a polygon."""

    product: Product = "matte"

    def generate(self, request: GenerationRequest, plan: Plan, sink: Sink) -> None:
        for number in range(1 if request.mode == "mask" else request.frames):
            picture = np.full((request.resolution.height, request.resolution.width, 4), 90, np.uint8)
            picture[..., 3] = number * 25 % 256
            picture[:8, :8, 3] = 255
            sink.frame(picture)
            sink.attach("matte", f"mattes/{number:04d}.png", bytes([number]))
        sink.attach("polygon", "polygon.json", b"[]")
        if request.settings.get("then") == "fail":
            raise ValueError("a wheel came off")


class Hoarder(Trial):
    """Attaches more than fits."""

    def generate(self, request: GenerationRequest, plan: Plan, sink: Sink) -> None:
        for number in range(1000):
            sink.attach("matte", f"mattes/{number:04d}.png", os.urandom(100_000))


class Raising(Trial):
    """Raises what the settings say: a class by its name, what it says, and whether another one wraps it."""

    def generate(self, request: GenerationRequest, plan: Plan, sink: Sink) -> None:
        error = type(request.settings["kind"], (RuntimeError,), {})(request.settings["says"])
        if not request.settings.get("wrapped"):
            raise error
        try:
            raise error
        except RuntimeError as cause:
            raise ValueError("the pipeline could not be run") from cause


class Computing(Trial):
    """Computes with torch on two threads."""

    product: Product = "text"

    def generate(self, request: GenerationRequest, plan: Plan, sink: Sink) -> None:
        import torch

        torch.set_num_threads(2)
        torch.manual_seed(0)
        product = torch.randn(600, 600) @ torch.randn(600, 600)
        sink.text(f"{float(product.abs().mean()):.3f} {torch.get_num_threads()}")


class Bare(Trial):
    """Stands where a library is not installed."""

    def generate(self, request: GenerationRequest, plan: Plan, sink: Sink) -> None:
        raise ModuleNotFoundError("No module named 'torch'")

    def missing(self) -> str:
        return "torch cannot be imported: `pip install 'genlock[models]'`."


class Talkative(Trial):
    """Says every tensor that does not fit."""

    def generate(self, request: GenerationRequest, plan: Plan, sink: Sink) -> None:
        raise ValueError("Missing keys: " + ", ".join(f"blocks.{number}.weight" for number in range(100_000)))


plain, slow, killed, deaf, frozen = Trial("plain"), Slow("slow"), Killed("killed"), Deaf("deaf"), Frozen("frozen")
broken, hungry, lazy, eager = Broken("broken"), Hungry("hungry"), Lazy("lazy"), Eager("eager")
environment = Environment("environment")
staged, mortal, stuck, unplugged = Staged("staged"), Mortal("mortal"), Stuck("stuck"), Unplugged("unplugged")
greedy, mattes, hoarder, computing = Greedy("greedy"), Mattes("mattes"), Hoarder("hoarder"), Computing("computing")
raising, bare, talkative = Raising("raising"), Bare("bare"), Talkative("talkative")

NAMES = ("plain", "slow", "killed", "deaf", "frozen", "broken", "hungry", "lazy", "eager", "environment")
STAGED = ("staged", "mortal", "stuck", "unplugged", "greedy", "mattes", "hoarder", "computing", "raising")
WORDY = ("bare", "talkative")


def engines() -> Engines:
    """Returns all of them."""
    return Engines({name: f"{MODULE}:{name}" for name in NAMES + STAGED + WORDY})
