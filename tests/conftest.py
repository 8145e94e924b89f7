"""What all tests share: how hard the property tests look, and that no test ever meets the user's own daemon."""

from __future__ import annotations

import os
from pathlib import Path

# Before any torch is loaded: threads that wait in a loop take the cores from the other tests' (13 times slower, measured).
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import pytest
from hypothesis import settings

from tests.tiny import tiny_models  # noqa: F401  (a fixture)

# A shared machine stalls for longer than any deadline; CI must say the same of the same code twice.
settings.register_profile("genlock", deadline=None, derandomize=bool(os.environ.get("CI")))
settings.load_profile("genlock")


@pytest.fixture(autouse=True, scope="session")
def _own_home(tmp_path_factory: pytest.TempPathFactory) -> None:
    home: Path = tmp_path_factory.mktemp("home")
    os.environ["GENLOCK_HOME"] = str(home)
    os.environ["GENLOCK_MODELS"] = str(home / "models")
    os.environ["GENLOCK_RUNTIME_DIR"] = str(home / "run")
