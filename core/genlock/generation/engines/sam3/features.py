"""What the encoder saw in a frame: nearly all of a click's time, so it is kept for the next click."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

from transformers.models.sam3.modeling_sam3 import Sam3VisionEncoderOutput

from genlock.generation.engine import Halt, Sink

Tensor = Any

KEPT: Final = 8
"""Frames kept: about 40 MB of main memory each. On the device they would be bytes nobody planned."""


class Features(NamedTuple):
    """A frame as detector and tracker go on from it: the trunk's tokens [1, n, c]; the tracker's maps, [h*w, 1, c] each,
    and their positions."""

    tokens: Tensor
    maps: list[Tensor]
    positions: list[Tensor]

    def to(self, device: Any) -> Features:
        """Returns them on a device."""
        return Features(
            self.tokens.to(device), [m.to(device) for m in self.maps], [p.to(device) for p in self.positions]
        )


def encode(model: Any, pixels: Tensor, sink: Sink) -> Features:
    """Returns what the encoder sees. Asks after each of its layers whether to go on; raises Halt."""
    with stopping(model, sink):
        tokens = model.detector_model.vision_encoder.backbone(pixels).last_hidden_state
    maps, positions = model.get_vision_features_for_tracker(Sam3VisionEncoderOutput(last_hidden_state=tokens))
    return Features(tokens, maps, positions)


def pyramid(model: Any, features: Features) -> Sam3VisionEncoderOutput:
    """Returns the features as the detector takes them."""
    encoder = model.detector_model.vision_encoder
    trunk = encoder.config.backbone_config
    side = trunk.image_size // trunk.patch_size
    grid = features.tokens.view(1, side, side, -1).permute(0, 3, 1, 2)
    maps, positions = encoder.neck(grid)
    return Sam3VisionEncoderOutput(
        last_hidden_state=features.tokens, fpn_hidden_states=maps, fpn_position_encoding=positions
    )


@contextmanager
def stopping(model: Any, sink: Sink) -> Iterator[None]:
    """Within it a cancel ends the encoder between two of its layers: on a CPU it takes most of a minute."""

    def look(*_: Any) -> None:
        if sink.cancelled():
            raise Halt

    handles = [layer.register_forward_pre_hook(look) for layer in model.detector_model.vision_encoder.backbone.layers]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


class Kept:
    """Features of the frames used last, in main memory."""

    def __init__(self, most: int = KEPT) -> None:
        self._most = most
        self._held: OrderedDict[Hashable, Features] = OrderedDict()

    def get(self, key: Hashable, device: Any, make: Callable[[], Features]) -> Features:
        """Returns a frame's features on the device, made when they are not here."""
        if key in self._held:
            self._held.move_to_end(key)
            return self._held[key].to(device)
        made = make()
        self._held[key] = made.to("cpu")
        while len(self._held) > self._most:
            self._held.popitem(last=False)
        return made

    def clear(self) -> None:
        """Forgets all."""
        self._held.clear()

    def __contains__(self, key: Hashable) -> bool:
        return key in self._held

    def __len__(self) -> int:
        return len(self._held)


def key(component: str, folder: str, source: str, frame: int) -> Hashable:
    """Returns what makes features the same: weights, form, and a frame of a file that was not changed since."""
    weights = tuple(
        (p.name, p.stat().st_size, p.stat().st_mtime_ns) for p in sorted(Path(folder).glob("*.safetensors"))
    )
    about = Path(source).stat()
    return component, folder, weights, source, about.st_size, about.st_mtime_ns, frame


KEPT_FEATURES: Final = Kept()
"""Those of this process."""
