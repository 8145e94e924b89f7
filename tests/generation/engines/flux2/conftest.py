"""One studio a module: the tiny models are loaded once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.generation.engines.flux2.studio import Studio


@pytest.fixture(scope="module")
def shared(tiny_models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    """An engine on the tiny models that keeps encoded prompts in a folder of its own."""
    import torch

    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GENLOCK_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield Studio(tiny_models)
