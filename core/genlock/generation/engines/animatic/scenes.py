"""Finds the cuts in a clip by how much of the picture changes from one frame to the next (PySceneDetect's adaptive
detector)."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any, Final

import cv2
import msgspec
import numpy as np
from scenedetect import AdaptiveDetector, FrameTimecode

from genlock.errors import BadInput
from genlock.generation.engine import Sink
from genlock.generation.engines.animatic.filming import setting
from genlock.media.clip import open_clip
from genlock.project.request import GenerationRequest

WIDTH: Final = 256
"""Pixels: what a cut looks like does not get clearer in larger pictures."""

REPORT_EVERY: Final = 24


def find(request: GenerationRequest, sink: Sink) -> None:
    """Delivers JSON: `{"frames", "scenes": [{"start", "end"}]}` in the source's own frames, ends exclusive, without holes.

    Settings: `threshold` (how many times more a cut changes than its surroundings), `shortest` scene in frames.
    """
    threshold = setting(request.settings, "threshold", 3.0, 1.0, 50.0)
    shortest = setting(request.settings, "shortest", 8, 1, 10_000)
    detector = AdaptiveDetector(adaptive_threshold=threshold, min_scene_len=int(shortest))
    cuts: list[int] = []
    with open_clip(Path(request.source)) as clip:
        if clip.frames < 2:
            raise BadInput("bad_generation", f"{Path(request.source).name} is a still: there is no cut in it.")
        rate = clip.rate.fraction if clip.rate else request.rate.fraction
        seen = 0
        for number, image in clip.pictures(range(clip.frames), (WIDTH, WIDTH)):
            picture = cv2.cvtColor(np.asarray(image.convert("RGB")), cv2.COLOR_RGB2BGR)
            cuts += [cut.frame_num for cut in detector.process_frame(FrameTimecode(number, rate), picture)]
            seen = number + 1
            if seen % REPORT_EVERY == 0 or seen == clip.frames:
                sink.progress(seen, clip.frames, "frames")
        cuts += [cut.frame_num for cut in detector.post_process(FrameTimecode(seen - 1, rate))]
    sink.text(msgspec.json.format(msgspec.json.encode(_answer(sorted(set(cuts)), seen))).decode() + "\n")


def _answer(cuts: list[int], frames: int) -> dict[str, Any]:
    edges = [0, *(cut for cut in cuts if 0 < cut < frames), frames]
    scenes = [{"start": start, "end": end} for start, end in itertools.pairwise(edges)]
    return {"frames": frames, "scenes": scenes}
