"""One request from its source to its frames."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
import torch

from genlock.generation.engine import Component, Plan, Sink
from genlock.generation.engines.sam3 import features, loading, prepare, still
from genlock.generation.engines.sam3.clip import Clip
from genlock.generation.engines.sam3.engine import STAGE
from genlock.generation.engines.sam3.footage import Footage, footage
from genlock.generation.engines.sam3.prompts import Prompt, gather
from genlock.generation.masks.clean import SMALL, clean
from genlock.generation.masks.delivery import Delivery, Masks
from genlock.generation.masks.matte import united
from genlock.project.request import GenerationRequest

Array = np.ndarray[Any, Any]

THRESHOLD = 0.5
"""How sure the detector is of what it finds by name, at least."""


class Ready(NamedTuple):
    """What every request of this process needs."""

    model: Any
    tokenizer: Any
    device: Any
    threshold: float
    small: float

    @property
    def side(self) -> int:
        """Pixels: side of the square the model sees."""
        return int(self.model.config.image_size)

    def pixels(self, picture: Array) -> Any:
        """Returns a picture as the model takes it."""
        return prepare.pixels(picture, self.side, self.device, self.model.dtype)

    def view(self, seen: features.Features, size: tuple[int, int]) -> still.View:
        """Returns a frame to select on."""
        return still.View(self.model, self.tokenizer, seen, size, self.threshold)

    def whole(self, masks: Iterable[Array], size: tuple[int, int]) -> Array:
        """Returns the masks of one thing as one, tidied."""
        return clean(united(masks, size), self.small)


def run(request: GenerationRequest, plan: Plan, sink: Sink) -> None:
    """Makes the masks a request asks for. Raises BadInput(bad_generation), GenerationError(model_broken), Halt."""
    with footage(request.source) as source:
        frames = source.frames if request.mode == "mask" else min(request.frames, source.frames)
        prompts = gather(request, frames, source.size)
        for prompt in prompts:  # a mask of another size is refused before anything is loaded
            still.prior(prompt, source.size)
        sink.progress(0, 1, "load")
        sink.stage(STAGE)
        (component,) = plan.components
        ready = readied(request, component, plan.how, sink)
        sink.note(dtype=plan.how["dtype"], device=sink.models.device, source=[*source.size, source.frames])
        delivery = Delivery(request, sink, source.size)
        # Not around the loading: weights made in this mode cannot be moved outside of it.
        with torch.inference_mode():
            if request.mode == "mask":
                key = features.key(component.name, plan.how["folder"], request.source, prompts[0].frame)
                _select(ready, source, prompts, key, delivery, sink)
            else:
                Clip(ready, source, prompts, request.direction, frames, sink).follow(delivery)
        if frames < request.frames and request.mode == "track":
            sink.note(repeated=request.frames - frames)
            delivery.fill(request.frames)
        delivery.close()
        sink.note(empty=delivery.empty)


def readied(request: GenerationRequest, component: Component, how: dict[str, Any], sink: Sink) -> Ready:
    """Returns the model of the stage that was entered, as a plan's `how` says. Raises GenerationError(model_broken)."""
    folder, dtype = how["folder"], how["dtype"]
    return Ready(
        sink.models.get(component, lambda: loading.model(folder, dtype)),
        loading.tokenizer(folder),
        torch.device(sink.models.device),
        float(request.settings.get("threshold", THRESHOLD)),
        float(request.settings.get("clean", SMALL)),
    )


def _select(
    ready: Ready, source: Footage, prompts: tuple[Prompt, ...], key: Any, delivery: Delivery, sink: Sink
) -> None:
    frame = prompts[0].frame
    picture = source.at(frame)
    sink.note(cached=key in features.KEPT_FEATURES)
    sink.progress(0, 2, "look")
    seen = features.KEPT_FEATURES.get(
        key, ready.device, lambda: features.encode(ready.model, ready.pixels(picture), sink)
    )
    sink.progress(1, 2, "select")
    view = ready.view(seen, source.size)
    masks: Masks = {p.thing: ready.whole(still.instances(view, p), source.size) for p in prompts}
    delivery.put(frame, picture, masks)
    sink.progress(2, 2, "select")
