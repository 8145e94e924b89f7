"""The model parts a worker process holds: on the device, in host memory, or dropped.

torch is never imported here: what has `.to` is moved by it, and what torch knows is asked when an engine has loaded it.
"""

from __future__ import annotations

import contextlib
import gc
import sys
from collections.abc import Callable, Iterable, Iterator
from time import perf_counter
from typing import Any, Final, TypeVar

from msgspec import Struct

from genlock.errors import GenerationError
from genlock.generation.engine import Component, Tier
from genlock.generation.executor import Move, Moved

T = TypeVar("T")

_UNMOVABLE: Final = (AttributeError, RuntimeError, TypeError, ValueError)
"""What libraries raise for a quantised part that they will not move."""


class Part(Struct):
    """One part held here."""

    component: Component
    thing: Any
    tier: Tier
    bytes: int


class Rack:
    """Keeps parts from job to job, and says where each one is after everything that happens to it.

    Parts are moved by orders and by `get` only. An order for a part that the current stage uses is refused: the answer
    says where it is.
    """

    def __init__(self, report: Callable[[Moved], object], device: str = "cpu") -> None:
        self.device = device
        self._report = report
        self._parts: dict[str, Part] = {}
        self._stage: frozenset[str] = frozenset()
        self._activation = 0

    # -- what an engine calls

    def get(self, component: Component, build: Callable[[], T]) -> T:
        """Returns a part on the device: as it is there, from host memory, or made by `build`.

        Raises GenerationError(engine_failed) for a part that the current stage does not name, and what `build` raises.
        """
        if component.name not in self._stage:
            raise GenerationError("engine_failed", f"{component.name} is none of the current stage's parts.")
        part = self._parts.get(component.name)
        if part is None or part.tier != "device":
            part = self._load(component, part, build)
        found: T = part.thing
        return found

    # -- what the worker calls

    def begin(self, components: Iterable[str]) -> None:
        """Begins a stage with these parts; none of them: no job runs."""
        self._stage = frozenset(components)
        _free()
        _reset_peak()
        self._activation = 0

    def activation(self) -> int:
        """Returns the most bytes in use since the stage began, beyond the parts; 0 where that is not measured."""
        self._measure()
        return self._activation

    def order(self, moves: Iterable[Move]) -> None:
        """Makes moves and reports each."""
        for move in moves:
            begin = perf_counter()
            self._measure()
            part = self._parts.get(move.component)
            if part is not None and move.component not in self._stage and not self._lower(part, move.to):
                self._drop(part)
                part = None
            _reset_peak()
            self._tell(move.component, part, perf_counter() - begin)

    def drop(self, components: Iterable[str]) -> None:
        """Drops these parts whoever uses them, as after they did not fit; reports those that were there."""
        for name in components:
            if part := self._parts.get(name):
                self._drop(part)
                self._tell(name, None, 0.0)
        gc.collect()
        _free()

    @property
    def held(self) -> dict[str, tuple[Tier, int]]:
        """Tier and bytes of every part held here."""
        return {name: (part.tier, part.bytes) for name, part in self._parts.items()}

    # -- inside

    def _load(self, component: Component, part: Part | None, build: Callable[[], Any]) -> Part:
        self._measure()
        begin, before = perf_counter(), allocated()
        self._parts.pop(component.name, None)  # half way there it is nowhere
        try:
            thing = part.thing if part is not None else build()
            if not component.pinned:
                thing = _to(thing, self.device)
            _synchronise()
        except BaseException:
            self._tell(component.name, None, perf_counter() - begin)
            raise
        size = allocated() - before if component.pinned and _cuda() else _bytes(thing) or component.bytes
        made = Part(component, thing, "device", size)
        self._parts[component.name] = made
        _reset_peak()
        self._tell(component.name, made, perf_counter() - begin)
        return made

    def _lower(self, part: Part, to: Tier) -> bool:
        """Moves a part to a lower tier; False when it cannot be kept."""
        if to == "disk":
            return False
        if to == "device" or part.tier == "host":
            return True  # upwards only by its engine
        if not self.device.startswith("cuda") or part.component.pinned or not hasattr(part.thing, "to"):
            return False
        try:
            part.thing = _to_host(part.thing)
        except (*_UNMOVABLE, MemoryError):
            return False
        part.tier = "host"
        _free()
        return True

    def _drop(self, part: Part) -> None:
        del self._parts[part.component.name]
        # Who still holds a module must not hold its bytes: an engine's pipeline may live on in a cycle.
        if _is_module(part.thing):
            with contextlib.suppress(*_UNMOVABLE):
                part.thing.to("meta")
        pinned = part.tier == "host"
        part.thing = None
        gc.collect()
        _free()
        if pinned:
            _free_host()

    def _tell(self, name: str, part: Part | None, seconds: float) -> None:
        tier, size = (part.tier, part.bytes) if part is not None else ("disk", 0)
        self._report(Moved(name, tier, size, round(seconds, 6)))

    def _measure(self) -> None:
        if cuda := _cuda():
            held = sum(part.bytes for part in self._parts.values() if part.tier == "device")
            self._activation = max(self._activation, int(cuda.max_memory_allocated()) - held)


def allocated() -> int:
    """Returns the bytes of a GPU that this process has in use; 0 without one."""
    if cuda := _cuda():
        return int(cuda.memory_allocated())
    return int(mps.current_allocated_memory()) if (mps := _mps()) else 0


def _torch() -> Any:
    return sys.modules.get("torch")


def _cuda() -> Any:
    """Returns torch.cuda where it is in use, else None: asking must not create a context of some 500 MB."""
    cuda = getattr(_torch(), "cuda", None)
    return cuda if cuda is not None and cuda.is_initialized() else None


def _mps() -> Any:
    """Returns torch.mps on a Mac with Metal, else None."""
    backends = getattr(_torch(), "backends", None)
    return _torch().mps if backends is not None and backends.mps.is_available() else None


def _free() -> None:
    """Gives what torch keeps for later back to the device, where other processes want it."""
    if found := _cuda() or _mps():
        found.empty_cache()


def _free_host() -> None:
    """Gives pinned memory back, which torch keeps for later as well."""
    free = getattr(getattr(_torch(), "accelerator", None), "empty_host_cache", None)
    if free is not None and _cuda():
        free()


def _reset_peak() -> None:
    if cuda := _cuda():
        cuda.reset_peak_memory_stats()


def _synchronise() -> None:
    if cuda := _cuda():
        cuda.synchronize()


def _is_module(thing: Any) -> bool:
    torch = _torch()
    return torch is not None and isinstance(thing, torch.nn.Module)


def _tensors(thing: Any) -> Iterator[Any]:
    """Yields the tensors of a module, or of the modules that an object of an engine's own holds."""
    if _is_module(thing):
        yield from thing.parameters()
        yield from thing.buffers()
    else:
        for value in list(getattr(thing, "__dict__", {}).values()):
            if _is_module(value):
                yield from _tensors(value)


def _bytes(thing: Any) -> int:
    storages = {}
    for tensor in _tensors(thing):
        try:
            storage = tensor.untyped_storage()
            storages[storage.data_ptr()] = int(storage.nbytes())
        except _UNMOVABLE:  # a quantised tensor keeps its numbers in others
            storages[id(tensor)] = int(tensor.nbytes)
    return sum(storages.values())


def _to(thing: Any, device: str) -> Any:
    if not hasattr(thing, "to"):
        return thing
    if _is_module(thing):
        target = _torch().device(device)
        if all(tensor.device == target for tensor in _tensors(thing)):
            return thing  # some that are quantised refuse even to stay
        return thing.to(device, non_blocking=True)
    moved = thing.to(device)
    return thing if moved is None else moved


def _to_host(thing: Any) -> Any:
    if not _is_module(thing) or _cuda() is None:
        return _to(thing, "cpu")
    torch = _torch()

    def pinned(tensor: Any) -> Any:
        host = torch.empty_like(tensor, device="cpu", pin_memory=True)
        return host.copy_(tensor)

    # What `.to` itself goes through: parameters, buffers and ties stay what they are.
    with torch.no_grad():
        return thing._apply(pinned)
