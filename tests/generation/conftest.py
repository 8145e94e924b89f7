"""Workers for the tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from genlock.generation.local import LocalExecutor
from genlock.generation.nursery import ForkNursery
from tests.generation.trial_engines import engines

ROOT = Path(__file__).resolve().parents[2]


class SharedNursery(ForkNursery):
    """A nursery that outlives its executors, so that the heavy imports are paid once."""

    def close(self) -> None:
        pass

    def end(self) -> None:
        super().close()


@pytest.fixture(scope="package")
def nursery() -> Iterator[ForkNursery]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(ROOT))  # workers find the trial engines by name
        patch.setenv("GENLOCK_TRIAL_TOKEN", "hush")
        patch.setenv("TRIAL_DATABASE", "postgresql://ann:hush@db/studio")
        made = SharedNursery()
        made.warm()
    yield made
    made.end()


@pytest.fixture
def executor(nursery: ForkNursery) -> Iterator[LocalExecutor]:
    made = LocalExecutor(engines(), nursery_=nursery, warm_after=60, stall=1.5)
    made.start()
    yield made
    made.close()
