"""Tracking step by step with bounded memory: frames are handed in one at a time, and what a step leaves behind is dropped
as soon as no later step can look at it."""

from __future__ import annotations

from collections import deque
from typing import Any, Final

import numpy as np
import torch
from transformers import Sam3TrackerVideoInferenceSession, Sam3VideoInferenceSession

from genlock.generation.engines.sam3 import prepare
from genlock.generation.engines.sam3.features import Features
from genlock.generation.engines.sam3.prompts import Prompt
from genlock.generation.engines.sam3.still import TEXT_TOKENS, clicks

Array = np.ndarray[Any, Any]
Tensor = Any

_ID: Final = 1


class _Clicked(Sam3TrackerVideoInferenceSession):  # type: ignore[misc]
    """A session that knows how long the clip is and holds no frame of it."""

    def __init__(self, frames: int, model: Any) -> None:
        super().__init__(inference_device=model.device, inference_state_device=model.device, dtype=model.dtype)
        self.length = frames

    @property
    def num_frames(self) -> int:
        return self.length


class _Named(Sam3VideoInferenceSession):  # type: ignore[misc]
    """The same for things found by name; it holds the one frame of the step."""

    def __init__(self, frames: int, model: Any) -> None:
        super().__init__(inference_device=model.device, inference_state_device=model.device, dtype=model.dtype)
        self.length = frames
        self.shown: Tensor = None

    @property
    def num_frames(self) -> int:
        return self.length

    def get_frame(self, frame_idx: int) -> Tensor:
        """Returns the frame of the step; the model asks for no other."""
        return self.shown


class Clicked:
    """One thing followed from prompts on one frame or several."""

    delay = 0

    def __init__(self, model: Any, thing: int, frames: int, reverse: bool) -> None:
        self.thing = thing
        self.prompted: list[int] = []
        self._model, self._reverse = model, reverse
        self._session = _Clicked(frames, model)

    @property
    def start(self) -> int:
        """The first frame it is followed on."""
        return max(self.prompted) if self._reverse else min(self.prompted)

    def prompt(self, given: Prompt | Array, frame: int, features: Features, size: tuple[int, int]) -> None:
        """Takes points and a box, or a mask, on a frame. All prompts come before the first step."""
        session, tracker = self._session, self._model.tracker_model
        index = session.obj_id_to_idx(_ID)
        side = tracker.prompt_encoder.input_image_size
        if isinstance(given, Prompt):
            coordinates, labels = clicks(given.points, next((box for box in given.boxes if box.inside), None))
            inputs = {
                "point_coords": prepare.places(coordinates, size, side, self._model.device),
                "point_labels": torch.tensor(labels, dtype=torch.int32, device=self._model.device).reshape(1, 1, -1),
            }
            session.add_point_inputs(index, frame, inputs)
        else:
            session.add_mask_inputs(index, frame, prepare.square(given, side, self._model.device))
        session.obj_with_new_inputs = [_ID]
        self.prompted.append(frame)
        self._run(frame, features)

    def step(self, frame: int, features: Features) -> Tensor:
        """Returns the thing's mask scores [h, w] on a frame: the one after the last, in the direction of time chosen."""
        made = self._run(frame, features)
        forget(self._session, self._model.tracker_model.config, frame, self._reverse)
        return made

    def _run(self, frame: int, features: Features) -> Tensor:
        session = self._session
        session.cache.cache_vision_features(
            frame, {"vision_feats": features.maps, "vision_pos_embeds": features.positions}
        )
        made = self._model.tracker_model(inference_session=session, frame_idx=frame, reverse=self._reverse)
        return made.pred_masks[0, 0]


class Named:
    """All things of some names, found and followed. A frame's answer comes `delay` frames later, because what the first
    frames show may turn out to be nothing."""

    def __init__(self, model: Any, tokenizer: Any, frames: int, reverse: bool, prompts: list[Prompt]) -> None:
        self.start = prompts[0].frame
        self.things = {prompt.thing: prompt.text for prompt in prompts}
        self.delay = max(0, int(model.hotstart_delay))
        self._model, self._reverse = model, reverse
        self._session = session = _Named(frames, model)
        for text in dict.fromkeys(self.things.values()):
            words = tokenizer(text, padding="max_length", max_length=TEXT_TOKENS, truncation=True, return_tensors="pt")
            number = session.add_prompt(text)
            session.prompt_input_ids[number] = words.input_ids.to(model.device)
            session.prompt_attention_masks[number] = words.attention_mask.to(model.device)
        self._waiting: deque[tuple[int, dict[int, tuple[str, Tensor]]]] = deque()

    def step(self, frame: int, pixels: Tensor) -> list[tuple[int, dict[int, list[Tensor]]]]:
        """Returns the frames that are settled by now: by thing, the mask scores [h, w] of all that bears its name."""
        session = self._session
        session.shown = pixels[0]
        made = self._model(inference_session=session, frame_idx=frame, reverse=self._reverse)
        session.hotstart_removed_obj_ids.update(made.removed_obj_ids)
        texts = {number: session.prompts[prompt] for number, prompt in session.obj_id_to_prompt_id.items()}
        hidden = made.suppressed_obj_ids or set()
        shown = {
            number: (texts[number], scores[0])
            for number, scores in made.obj_id_to_mask.items()
            if number in texts and number not in hidden
        }
        self._waiting.append((frame, shown))
        self._forget(frame)
        return [self._settled()] if len(self._waiting) >= max(1, self.delay) else []

    def rest(self) -> list[tuple[int, dict[int, list[Tensor]]]]:
        """Returns the frames that waited for ones that never came."""
        return [self._settled() for _ in range(len(self._waiting))]

    def features(self, frame: int) -> Features | None:
        """Returns what the encoder saw in the frame of the last step, for whoever follows something else through it."""
        seen = self._session.cache.get_vision_features(frame)
        return None if seen is None else Features(None, seen["vision_feats"], seen["vision_pos_embeds"])

    def _settled(self) -> tuple[int, dict[int, list[Tensor]]]:
        frame, shown = self._waiting.popleft()
        kept = [pair for number, pair in shown.items() if number not in self._session.hotstart_removed_obj_ids]
        return frame, {thing: [scores for text, scores in kept if text == name] for thing, name in self.things.items()}

    def _forget(self, frame: int) -> None:
        session = self._session
        forget(session, self._model.tracker_model.config, frame, self._reverse)
        for by_frame in (session.obj_id_to_tracker_score_frame_wise, session.suppressed_obj_ids):
            for old in [number for number in by_frame if number != frame]:
                del by_frame[old]


def forget(session: Any, config: Any, frame: int, reverse: bool) -> None:
    """Drops what steps after `frame` never look at.

    A step looks at the memory of the `num_maskmem - 1` frames before it and of the `max_cond_frame_num` prompted frames
    closest to it, at the pointers of `max_object_pointers_in_encoder - 1` frames before it and of all prompted ones.
    """
    reach = max(config.num_maskmem, config.max_object_pointers_in_encoder)
    for stored in session.output_dict_per_obj.values():
        followed, prompted = stored["non_cond_frame_outputs"], stored["cond_frame_outputs"]
        for number in list(followed):
            behind = number - frame if reverse else frame - number
            if behind > reach:
                del followed[number]
                continue
            if behind >= config.num_maskmem:
                _strip(followed[number], ("maskmem_features", "maskmem_pos_enc"))
            _strip(followed[number], ("high_res_masks", "pred_masks"))
        count = config.max_cond_frame_num + 1 if config.max_cond_frame_num >= 0 else len(prompted)
        near = sorted(prompted, key=lambda number: abs(number - frame))[:count]
        for number, output in prompted.items():
            _strip(output, ("high_res_masks",))
            passed = number > frame if reverse else number < frame
            if passed and number not in near and abs(number - frame) >= config.num_maskmem:
                _strip(output, ("maskmem_features", "maskmem_pos_enc", "pred_masks"))
    for seen in getattr(session, "frames_tracked_per_obj", {}).values():
        for number in [n for n in seen if abs(n - frame) > reach]:
            del seen[number]
    for inputs in (*session.mask_inputs_per_obj.values(), *getattr(session, "point_inputs_per_obj", {}).values()):
        for number in [n for n in inputs if (n > frame if reverse else n < frame)]:
            del inputs[number]


def _strip(output: dict[str, Any], keys: tuple[str, ...]) -> None:
    for key in keys:
        output.pop(key, None)
