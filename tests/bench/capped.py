"""An LTX-2 whose process may not have the memory its first plan needs: by the allocator's own cap on a GPU, by its word
elsewhere. Workers import this module by name."""

from __future__ import annotations

import os
from pathlib import Path

from genlock.generation.engine import Plan, Sink
from genlock.generation.engines.ltx2.engine import Ltx2Engine
from genlock.project.request import GenerationRequest

CAP = "GENLOCK_BENCH_CAP"
"""Environment variable: a file that holds the bytes the process may have on the device."""


class Capped(Ltx2Engine):
    """Lets the device run out of memory, for real where there is one."""

    def generate(self, request: GenerationRequest, plan: Plan, sink: Sink) -> None:
        """Makes it, or runs out."""
        cap = int(Path(os.environ[CAP]).read_text())
        if not sink.models.device.startswith("cuda"):
            if plan.bytes > cap:
                raise MemoryError
            super().generate(request, plan, sink)
            return
        import torch

        total = torch.cuda.get_device_properties(0).total_memory
        torch.cuda.set_per_process_memory_fraction(min(1.0, cap / total))
        try:
            super().generate(request, plan, sink)
        finally:
            torch.cuda.set_per_process_memory_fraction(1.0)


ENGINE = Capped()
