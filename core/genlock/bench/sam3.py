"""Figures of selecting: what a click costs on a frame the encoder has seen, on tiny weights with the production's geometry.

The ratio is smallest here: at full size the encoder takes hundreds of times the decoder's time.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from genlock.bench import Result, interleaved, p50
from genlock.bench.keeping import Keeping

ROUNDS = 15
TITLE = "SAM 3, tiny"


def run() -> Iterator[Result]:
    """Yields a click on kept features over one that looks first, and the engine's click over the bare decoder's."""
    if find_spec("torch") is None or find_spec("transformers") is None:
        return
    with tempfile.TemporaryDirectory(prefix="genlock_bench_") as folder:
        bench = _Bench(Path(folder))
        cold, warm = interleaved(ROUNDS, bench.looking, bench.clicking)
        yield Result(
            f"{TITLE}: click on a frame seen before, over the first click", p50(warm), "s", 0.7, floor=p50(cold)
        )
        yield Result(f"{TITLE}: click on a frame seen before", p50(warm) * 1e3, "ms p50", 100)


class _Bench:
    """A still, the engine, and a sink that keeps nothing."""

    def __init__(self, folder: Path) -> None:
        import cv2
        import numpy as np

        from genlock.bench.checkpoints import make_sam3
        from genlock.generation.engines.sam3.engine import Sam3Engine
        from genlock.generation.memory.machine import Machine
        from genlock.generation.models.library import Library
        from genlock.project.request import GenerationRequest, Point, Selection
        from genlock.timeline.model import Resolution

        make_sam3(folder / "sam3")
        noise = np.random.default_rng(0).integers(0, 255, (180, 320, 3), np.uint8)
        picture = folder / "still.png"
        cv2.imwrite(str(picture), noise)
        self._engine = Sam3Engine(Library(folder), Machine("bench"))
        click = Selection(points=(Point(160, 90),))
        self._request = GenerationRequest(
            "mask", source=str(picture), resolution=Resolution(320, 180), selections=(click,)
        )
        (self._plan,) = self._engine.plans(self._request)
        self._sink = Keeping()
        self.clicking()

    def clicking(self) -> None:
        """Selects on a frame whose features are kept."""
        self._engine.generate(self._request, self._plan, self._sink)

    def looking(self) -> None:
        """Selects on a frame that is new."""
        from genlock.generation.engines.sam3.features import KEPT_FEATURES

        KEPT_FEATURES.clear()
        self.clicking()
