"""What a request selects, followed through its source for an engine that makes it again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager

import torch

from genlock.errors import BadInput
from genlock.generation.engine import Plan, Sink
from genlock.generation.engines.sam3 import still
from genlock.generation.engines.sam3.clip import Clip
from genlock.generation.engines.sam3.engine import STAGE
from genlock.generation.engines.sam3.footage import footage
from genlock.generation.engines.sam3.lending import HOW, tracked
from genlock.generation.engines.sam3.prompts import gather
from genlock.generation.engines.sam3.running import readied
from genlock.generation.masks.spool import Spool
from genlock.project.request import GenerationRequest


@contextmanager
def selected(request: GenerationRequest, plan: Plan, sink: Sink, frames: int) -> Iterator[Spool]:
    """Enters the plan's first stage and yields the masks of the source's first `frames` frames, or all it has.

    Raises BadInput(bad_generation) also when nothing of the kind is found, GenerationError(model_broken), Halt.
    """
    with closing(_followed(request, plan, sink, frames)) as spool:
        if spool.empty == spool.frames:
            raise BadInput("bad_generation", "What is selected was found on no frame.")
        sink.note(unselected_frames=spool.empty)
        yield spool


def _followed(request: GenerationRequest, plan: Plan, sink: Sink, frames: int) -> Spool:
    """Returns the masks. A function of its own: nothing may hold on to the model when the next stage needs its place."""
    how, asked = plan.how[HOW], tracked(request)
    component = next(one for one in plan.components if one.name in plan.stages[0].components)
    with footage(request.source) as source:
        frames = min(frames, source.frames)
        prompts = gather(asked, frames, source.size)
        for prompt in prompts:  # a mask of another size is refused before anything is loaded
            still.prior(prompt, source.size)
        sink.progress(0, 1, "load")
        sink.stage(STAGE)
        ready = readied(asked, component, how, sink)
        sink.note(selected_by={name: how[name] for name in ("model", "revision", "dtype")})
        with ExitStack() as stack:
            spool = stack.enter_context(closing(Spool(source.size)))
            with torch.inference_mode():
                Clip(ready, source, prompts, asked.direction, frames, sink).follow(spool)
            stack.pop_all()
        return spool
