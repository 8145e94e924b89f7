"""Selections through a clip: forward, backward and both, frame by frame."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from genlock.generation.engine import Sink
from genlock.generation.engines.sam3 import features, prepare, still
from genlock.generation.engines.sam3.footage import Footage
from genlock.generation.engines.sam3.prompts import Prompt
from genlock.generation.engines.sam3.sessions import Clicked, Named
from genlock.generation.masks.delivery import Masks, packed, unpacked
from genlock.project.request import Direction

if TYPE_CHECKING:
    from genlock.generation.engines.sam3.running import Ready

Array = np.ndarray[Any, Any]
Small = dict[int, list[Any]]
"""Mask scores of a frame by thing, as small as the model makes them."""


class Taker(Protocol):
    """Takes finished frames with their masks."""

    def put(self, frame: int, picture: Array, masks: Masks) -> None: ...


class Clip:
    """A clip and what to follow in it.

    Before its first prompted frame (forward) or after its last (backward) a thing has no mask. Both ways: each side of the
    first prompted frame is followed by itself, the part before it first, because frames are delivered in order.
    """

    def __init__(
        self,
        ready: Ready,
        source: Footage,
        prompts: tuple[Prompt, ...],
        direction: Direction,
        frames: int,
        sink: Sink,
    ) -> None:
        self._ready, self._source, self._prompts = ready, source, prompts
        self._direction, self._frames, self._sink = direction, frames, sink
        self._first = {p.thing: min(q.frame for q in prompts if q.thing == p.thing) for p in prompts}
        self._kept = features.Kept(len(prompts))  # prompted frames are passed again
        self._done = self._total = 0

    def follow(self, taker: Taker) -> None:
        """Delivers every frame, in order. Raises Halt."""
        back, ahead = self._direction != "forward", self._direction != "backward"
        begin, end = min(self._first.values()), max(self._first.values())
        if self._direction == "backward":
            end = max(prompt.frame for prompt in self._prompts)
        self._total = self._frames + (end + 1 if back else 0) + (self._frames - begin if ahead else 0)
        kept = {}
        if back:
            for frame, masks in self._masks(True, end):
                if ahead:
                    masks = {thing: mask for thing, mask in masks.items() if frame < self._first[thing]}
                kept[frame] = packed(masks, self._source.size)
        if not ahead:
            begin = self._frames
        for frame, picture in self._source.forward(0, begin):
            self._tick("write")
            taker.put(frame, picture, unpacked(kept.pop(frame)) if frame in kept else {})
        if ahead:
            for frame, picture, masks in self._forward(begin):
                self._tick("follow")
                before = unpacked(kept.pop(frame)) if frame in kept else {}
                taker.put(frame, picture, masks | before)

    def _forward(self, begin: int) -> Iterator[tuple[int, Array, Masks]]:
        pictures: dict[int, Array] = {}

        def shown() -> Iterator[tuple[int, Any]]:
            for frame, picture in self._source.forward(begin, self._frames):
                pictures[frame] = picture
                yield frame, picture

        for frame, small in self._steps(False, shown()):
            yield frame, pictures.pop(frame), self._large(small)

    def _masks(self, reverse: bool, last: int) -> Iterator[tuple[int, Masks]]:
        shown = self._source.backward(last, lambda picture: prepare.shrunk(picture, self._ready.side))
        for frame, small in self._steps(reverse, shown):
            yield frame, self._large(small)

    def _steps(self, reverse: bool, shown: Iterable[tuple[int, Array]]) -> Iterator[tuple[int, Small]]:
        """Yields (frame, mask scores) in the order shown, each as soon as nothing later can change it."""
        clicked, named = self._prompted(reverse)
        all_of_them: list[Clicked | Named] = [*clicked, *named]
        delay = max((one.delay for one in named), default=0)
        phase = ("go back" if reverse else "follow") + (f", frames come {delay} later" if delay else "")
        waiting: dict[int, Small] = {}
        owed: dict[int, int] = {}
        order: list[int] = []
        for frame, picture in shown:
            self._tick(phase)
            passed = [one for one in all_of_them if (frame <= one.start if reverse else frame >= one.start)]
            waiting[frame], owed[frame] = {}, sum(isinstance(one, Named) for one in passed)
            order.append(frame)
            pixels, seen = self._ready.pixels(picture), None
            for one in passed:
                if isinstance(one, Named):
                    with features.stopping(self._ready.model, self._sink):
                        _settle(one.step(frame, pixels), waiting, owed)
                    seen = seen or one.features(frame)
            for one in passed:
                if isinstance(one, Clicked):
                    seen = seen or self._seen(frame, pixels)
                    waiting[frame].setdefault(one.thing, []).append(one.step(frame, seen))
            while order and not owed[order[0]]:
                number = order.pop(0)
                del owed[number]
                yield number, waiting.pop(number)
        for one in named:
            _settle(one.rest(), waiting, owed)
        for number in order:
            yield number, waiting.pop(number)

    def _prompted(self, reverse: bool) -> tuple[list[Clicked], list[Named]]:
        """Returns who follows what, with their prompts given. Names alone are looked for on every frame; everything else
        is found on its own frame first, and each piece found there is followed by itself."""
        by_thing: dict[int, list[Prompt]] = {}
        for prompt in self._prompts:
            by_thing.setdefault(prompt.thing, []).append(prompt)
        clicked: list[Clicked] = []
        names: dict[int, list[Prompt]] = {}
        for thing, prompts in by_thing.items():
            if all(prompt.by_name for prompt in prompts):
                chosen = (max if reverse and self._direction == "backward" else min)(prompts, key=lambda p: p.frame)
                names.setdefault(chosen.frame, []).append(chosen)
            else:
                clicked += self._clicked(thing, prompts, reverse)
        model, tokenizer = self._ready.model, self._ready.tokenizer
        return clicked, [Named(model, tokenizer, self._frames, reverse, given) for given in names.values()]

    def _clicked(self, thing: int, prompts: list[Prompt], reverse: bool) -> list[Clicked]:
        size, ready = self._source.size, self._ready
        made: list[Clicked] = []
        for prompt in prompts:
            self._sink.progress(self._done, self._total, "look at prompts")
            picture = self._source.at(prompt.frame)
            seen = self._kept.get(
                prompt.frame, ready.device, partial(features.encode, ready.model, ready.pixels(picture), self._sink)
            )
            before = still.prior(prompt, size)
            given: list[Any]
            if before is None and not prompt.by_example and len(prompt.boxes) <= 1:
                given = [prompt]
            elif before is not None and not (prompt.points or prompt.boxes or prompt.text):
                given = [before]  # drawn by somebody who knows: followed as it is
            else:
                given = [mask for mask in still.instances(ready.view(seen, size), prompt) if mask.any()]
            if len(prompts) > 1 and len(given) > 1:
                # Which piece of one frame is which of another is not known: they are one.
                given = [ready.whole(given, size)]
            while len(made) < len(given):
                made.append(Clicked(ready.model, thing, self._frames, reverse))
            for one, prompted in zip(made, given, strict=False):
                one.prompt(prompted, prompt.frame, seen, size)
        return made

    def _seen(self, frame: int, pixels: Any) -> features.Features:
        make = partial(features.encode, self._ready.model, pixels, self._sink)
        return self._kept.get(frame, self._ready.device, make) if frame in self._kept else make()

    def _large(self, small: Small) -> Masks:
        size = self._source.size
        return {
            thing: self._ready.whole((prepare.enlarged(scores, size) for scores in all_scores), size)
            for thing, all_scores in small.items()
        }

    def _tick(self, phase: str) -> None:
        self._sink.progress(self._done, self._total, phase)
        self._done += 1


def _settle(settled: list[tuple[int, Small]], waiting: dict[int, Small], owed: dict[int, int]) -> None:
    for frame, by_thing in settled:
        owed[frame] -= 1
        for thing, scores in by_thing.items():
            waiting[frame].setdefault(thing, []).extend(scores)
