"""The contract of executors, kept by the fake and by both ways to make worker processes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from genlock.generation.executor import Executor
from genlock.generation.local import LocalExecutor
from genlock.generation.nursery import ForkNursery, SpawnNursery
from tests.contract.executor import ExecutorContract
from tests.generation.fake_executor import FakeExecutor
from tests.generation.trial_engines import engines

ROOT = Path(__file__).resolve().parents[2]


class TestFake(ExecutorContract):
    @pytest.fixture
    def executor(self) -> Iterator[Executor]:
        made = FakeExecutor(engines())
        yield made
        made.close()


class TestForked(ExecutorContract):
    @pytest.fixture
    def executor(self, monkeypatch: pytest.MonkeyPatch, nursery: ForkNursery) -> Iterator[Executor]:
        made = LocalExecutor(engines(), slots={"heavy": 1}, nursery_=nursery, warm_after=60)
        yield made
        made.close()


class TestSpawned(ExecutorContract):
    @pytest.fixture
    def executor(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[Executor]:
        monkeypatch.setenv("PYTHONPATH", str(ROOT))
        made = LocalExecutor(engines(), slots={"heavy": 1}, nursery_=SpawnNursery(), warm_after=60)
        yield made
        made.close()
