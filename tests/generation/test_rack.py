"""The parts a process holds: where they are, what is said about it, and what happens half way."""

from __future__ import annotations

import sys
import weakref
from types import SimpleNamespace

import pytest

from genlock.errors import GenerationError
from genlock.generation.engine import Component, Halt
from genlock.generation.executor import Move, Moved
from genlock.generation.rack import Rack, allocated

ENCODER, MOVER = Component("toy/encoder@plain", 100), Component("toy/mover@plain", 200)
STREAMED = Component("toy/mover@streamed", 20, pinned=180)


class Piece:
    """Remembers where it was put; refuses places that are full."""

    def __init__(self, full: tuple[str, ...] = ()) -> None:
        self.places: list[str] = []
        self.full = full

    def to(self, place: str) -> None:
        if place in self.full:
            raise RuntimeError(f"no room on {place}")
        self.places.append(place)


@pytest.fixture
def told() -> list[Moved]:
    return []


def rack(told: list[Moved], device: str = "cpu") -> Rack:
    made = Rack(told.append, device)
    made.begin((ENCODER.name, MOVER.name, STREAMED.name))
    return made


def where(told: list[Moved]) -> list[tuple[str, str, int]]:
    return [(what.component, what.tier, what.bytes) for what in told]


def test_a_part_is_made_once_and_measured(told: list[Moved]) -> None:
    held = rack(told)
    piece = held.get(ENCODER, Piece)
    assert held.get(ENCODER, Piece) is piece
    assert piece.places == ["cpu"]
    assert where(told) == [(ENCODER.name, "device", 100)]
    assert told[0].seconds > 0


def test_only_parts_of_the_stage(told: list[Moved]) -> None:
    held = rack(told)
    held.begin((ENCODER.name,))
    with pytest.raises(GenerationError, match=MOVER.name):
        held.get(MOVER, Piece)
    held.begin(())
    with pytest.raises(GenerationError):
        held.get(ENCODER, Piece)
    assert told == []


def test_host_memory_keeps_a_part_for_its_next_use(told: list[Moved]) -> None:
    held = rack(told, "cuda:0")
    piece = held.get(MOVER, Piece)
    held.begin(())
    held.order([Move(MOVER.name, "host"), Move(MOVER.name, "host")])
    assert held.held == {MOVER.name: ("host", 200)}
    held.begin((MOVER.name,))
    assert held.get(MOVER, Piece) is piece
    assert piece.places == ["cuda:0", "cpu", "cuda:0"]
    assert [tier for _, tier, _ in where(told)] == ["device", "host", "host", "device"]


@pytest.mark.parametrize("device", ["cpu", "mps"])
def test_with_one_memory_there_is_no_tier_between(told: list[Moved], device: str) -> None:
    held = rack(told, device)
    held.get(MOVER, Piece)
    held.begin(())
    held.order([Move(MOVER.name, "host")])
    assert where(told)[-1] == (MOVER.name, "disk", 0)
    assert held.held == {}


def test_what_cannot_go_to_host_memory_is_dropped(told: list[Moved]) -> None:
    held = rack(told, "cuda:0")
    held.get(ENCODER, lambda: Piece(full=("cpu",)))
    held.get(MOVER, lambda: {"plain": "object"})
    streamed = held.get(STREAMED, Piece)
    assert streamed.places == []  # its engine placed it
    held.begin(())
    held.order(Move(name, "host") for name in (ENCODER.name, MOVER.name, STREAMED.name))
    assert held.held == {}
    assert [tier for _, tier, _ in where(told)[3:]] == ["disk"] * 3


def test_a_dropped_part_is_really_gone(told: list[Moved]) -> None:
    held = rack(told)
    gone = weakref.ref(held.get(ENCODER, Piece))
    held.begin(())
    held.order([Move(ENCODER.name, "disk"), Move(ENCODER.name, "disk")])
    assert gone() is None
    assert [tier for _, tier, _ in where(told)] == ["device", "disk", "disk"]


def test_an_order_for_a_part_in_use_is_refused_and_says_so(told: list[Moved]) -> None:
    held = rack(told, "cuda:0")
    piece = held.get(ENCODER, Piece)
    held.order([Move(ENCODER.name, "disk"), Move(ENCODER.name, "host")])
    assert where(told)[1:] == [(ENCODER.name, "device", 100)] * 2
    assert piece.places == ["cuda:0"]


def test_nothing_is_brought_to_the_device_by_an_order(told: list[Moved]) -> None:
    held = rack(told, "cuda:0")
    held.get(ENCODER, Piece)
    held.begin(())
    held.order([Move(ENCODER.name, "host"), Move(ENCODER.name, "device"), Move(MOVER.name, "device")])
    assert [tier for _, tier, _ in where(told)] == ["device", "host", "host", "disk"]


@pytest.mark.parametrize("kind", [MemoryError, RuntimeError, Halt])
def test_a_part_that_fails_on_its_way_is_nowhere(told: list[Moved], kind: type[BaseException]) -> None:
    held = rack(told)

    def build() -> Piece:
        raise kind

    with pytest.raises(kind):
        held.get(ENCODER, build)
    assert where(told) == [(ENCODER.name, "disk", 0)]
    assert isinstance(held.get(ENCODER, Piece), Piece)


def test_one_that_fails_on_its_way_back_is_nowhere_too(told: list[Moved]) -> None:
    held = rack(told, "cuda:0")
    piece = held.get(MOVER, Piece)
    held.begin(())
    held.order([Move(MOVER.name, "host")])
    held.begin((MOVER.name,))
    piece.full = ("cuda:0",)
    with pytest.raises(RuntimeError):
        held.get(MOVER, Piece)
    assert where(told)[-1] == (MOVER.name, "disk", 0)
    assert held.get(MOVER, Piece) is not piece


def test_dropping_what_did_not_fit_leaves_the_parts_of_others(told: list[Moved]) -> None:
    held = rack(told)
    held.get(ENCODER, Piece)
    held.get(MOVER, Piece)
    held.drop([ENCODER.name, STREAMED.name])
    assert where(told)[2:] == [(ENCODER.name, "disk", 0)]
    assert set(held.held) == {MOVER.name}


class Cuda:
    """torch.cuda as far as a rack asks it: bytes in use, and the most since the peak was reset."""

    def __init__(self) -> None:
        self.now = self.peak = 0
        self.cached = 0

    def use(self, bytes: int) -> None:
        self.now += bytes
        self.peak = max(self.peak, self.now)
        self.cached = max(self.cached, self.peak)

    def is_initialized(self) -> bool:
        return True

    def memory_allocated(self) -> int:
        return self.now

    def max_memory_allocated(self) -> int:
        return self.peak

    def reset_peak_memory_stats(self) -> None:
        self.peak = self.now

    def empty_cache(self) -> None:
        self.cached = self.now

    def synchronize(self) -> None:
        pass


@pytest.fixture
def cuda(monkeypatch: pytest.MonkeyPatch) -> Cuda:
    made = Cuda()
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=made, nn=SimpleNamespace(Module=type)))  # type: ignore[arg-type]
    return made


def made_of(cuda: Cuda, bytes: int, extra: int = 0) -> Piece:
    cuda.use(bytes + extra)
    cuda.use(-extra)
    piece = Piece()
    weakref.finalize(piece, cuda.use, -bytes)
    return piece


def test_what_a_stage_uses_beyond_its_parts_is_measured(told: list[Moved], cuda: Cuda) -> None:
    held = rack(told, "cuda:0")
    held.get(ENCODER, lambda: made_of(cuda, 100, extra=5000))  # what loading takes is no activation
    cuda.use(40)
    cuda.use(-30)
    held.get(MOVER, lambda: made_of(cuda, 200))
    cuda.use(15)
    assert held.activation() == 40
    held.begin((ENCODER.name,))
    assert cuda.cached == cuda.now  # other processes want it
    cuda.use(60)
    assert held.activation() == 60 + 25  # what was left of the stage before is in use still


def test_an_order_in_the_middle_does_not_spoil_the_measure(told: list[Moved], cuda: Cuda) -> None:
    held = rack(told, "cuda:0")
    held.get(MOVER, lambda: made_of(cuda, 200))
    held.begin((ENCODER.name,))
    held.get(ENCODER, lambda: made_of(cuda, 100))
    cuda.use(50)
    cuda.use(-50)
    held.order([Move(MOVER.name, "disk")])
    assert cuda.now == 100
    cuda.use(10)
    assert held.activation() == 50


def test_the_bytes_of_a_streamed_part_are_what_it_takes(told: list[Moved], cuda: Cuda) -> None:
    held = rack(told, "cuda:0")
    held.get(STREAMED, lambda: made_of(cuda, 33))
    assert where(told) == [(STREAMED.name, "device", 33)]
    assert allocated() == 33


def test_pinned_memory_is_given_back_with_its_part(
    told: list[Moved], cuda: Cuda, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[bool] = []
    accelerator = SimpleNamespace(empty_host_cache=lambda: given.append(True))
    monkeypatch.setattr(sys.modules["torch"], "accelerator", accelerator, raising=False)
    held = rack(told, "cuda:0")
    held.get(MOVER, Piece)
    held.begin(())
    held.order([Move(MOVER.name, "host")])
    assert given == []
    held.order([Move(MOVER.name, "disk")])
    assert given == [True]


def test_metal_is_asked_and_freed_as_well(told: list[Moved], cuda: Cuda, monkeypatch: pytest.MonkeyPatch) -> None:
    metal = SimpleNamespace(current_allocated_memory=lambda: 77, empty_cache=cuda.empty_cache)
    mac = SimpleNamespace(
        mps=metal,
        backends=SimpleNamespace(mps=SimpleNamespace(is_available=lambda: True)),
        nn=SimpleNamespace(Module=type),
    )
    monkeypatch.setitem(sys.modules, "torch", mac)  # type: ignore[arg-type]
    cuda.cached = 500
    rack(told, "mps")
    assert allocated() == 77
    assert cuda.cached == 0


class TestWithTorch:
    @pytest.fixture(autouse=True)
    def torch(self) -> object:
        return pytest.importorskip("torch")

    def test_the_bytes_of_a_module_are_counted_and_ties_once(self, told: list[Moved]) -> None:
        import torch

        module = torch.nn.Sequential(torch.nn.Linear(8, 8, bias=False), torch.nn.Linear(8, 8, bias=False))
        module[1].weight = module[0].weight
        module.register_buffer("table", torch.zeros(10, dtype=torch.float16))
        held = rack(told)
        assert held.get(ENCODER, lambda: module) is module
        assert where(told) == [(ENCODER.name, "device", 8 * 8 * 4 + 10 * 2)]

    def test_modules_inside_an_engines_own_object_are_counted(self, told: list[Moved]) -> None:
        import torch

        class Pair:
            def __init__(self) -> None:
                self.first, self.second = torch.nn.Linear(2, 2), torch.nn.Linear(3, 3)

        rack(told).get(ENCODER, Pair)
        assert told[0].bytes == (4 + 2 + 9 + 3) * 4

    def test_a_module_is_moved_by_its_dtype_and_weights_as_they_are(self, told: list[Moved]) -> None:
        import torch

        held = rack(told, "meta")
        module = held.get(ENCODER, lambda: torch.nn.Linear(4, 4).to(torch.bfloat16))
        assert {(p.device.type, p.dtype) for p in module.parameters()} == {("meta", torch.bfloat16)}

    def test_who_still_knows_a_dropped_module_does_not_hold_its_bytes(self, told: list[Moved]) -> None:
        import torch

        held = rack(told)
        module = held.get(ENCODER, lambda: torch.nn.Linear(64, 64))
        held.begin(())
        held.order([Move(ENCODER.name, "disk")])
        assert {p.device.type for p in module.parameters()} == {"meta"}

    def test_a_module_goes_to_pinned_memory_as_it_is(self, told: list[Moved], monkeypatch: pytest.MonkeyPatch) -> None:
        import torch

        pinned: list[str] = []
        empty_like = torch.empty_like

        def unpinned(tensor: torch.Tensor, *, device: str, pin_memory: bool) -> torch.Tensor:
            assert pin_memory  # there is no card to pin memory for here
            pinned.append(device)
            return empty_like(tensor, device=device)

        module = torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.BatchNorm1d(4), torch.nn.Linear(4, 4)).half()
        module[2].weight = module[0].weight
        before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
        held = rack(told)
        held.get(MOVER, lambda: module)
        held.begin(())
        held.device = "cuda:0"
        monkeypatch.setattr(torch, "empty_like", unpinned)
        monkeypatch.setattr("genlock.generation.rack._cuda", Cuda)
        held.order([Move(MOVER.name, "host")])
        assert told[-1].tier == "host"
        assert set(pinned) == {"cpu"}
        assert module[2].weight is module[0].weight
        after = module.state_dict()
        assert all(torch.equal(after[name], tensor) for name, tensor in before.items())
