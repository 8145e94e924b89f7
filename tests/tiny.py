"""A library of tiny models with random weights, built once a run in a process of its own: importing torch here would
slow and warn every test that does not need it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def tiny_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for GENLOCK_MODELS with ltx2, flux2-klein, sam3 and gemma3. Never written to: tests that change it
    copy it."""
    base = tmp_path_factory.getbasetemp()
    home = (base.parent if base.name.startswith("popen-") else base) / "tiny-models"  # xdist's workers share it
    command = [sys.executable, "-m", "genlock.bench.checkpoints", str(home)]
    made = subprocess.run(command, capture_output=True, text=True, timeout=110)
    assert made.returncode == 0, made.stderr[-4000:]
    return home
