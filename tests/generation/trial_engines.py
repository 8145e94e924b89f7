"""Engines that misbehave on purpose. Worker processes import this module by name."""

from __future__ import annotations

import os
import signal
import time

import numpy as np

from genlock.generation.engine import Engines, Plan, Product, Sink
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


plain, slow, killed, deaf, frozen = Trial("plain"), Slow("slow"), Killed("killed"), Deaf("deaf"), Frozen("frozen")
broken, hungry, lazy, eager = Broken("broken"), Hungry("hungry"), Lazy("lazy"), Eager("eager")
environment = Environment("environment")

NAMES = ("plain", "slow", "killed", "deaf", "frozen", "broken", "hungry", "lazy", "eager", "environment")


def engines() -> Engines:
    """Returns all of them."""
    return Engines({name: f"{MODULE}:{name}" for name in NAMES})
