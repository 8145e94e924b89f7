"""What tests of the applier share: pictures of plain strips, a work driven to its end, and what is then in the scene."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from genlock_blender import applying, reading
from genlock_blender.states import Channel, Mark, Picture, Strip

STEP = 0.008


class Ran(NamedTuple):
    """A work that ended, with the seconds and the processor seconds of each of its steps."""

    work: applying.Work
    ticks: list[float]
    cpu: list[float]


def picture(
    scene: Any, strips: Iterable[Strip], channels: Mapping[int, Channel] = {}, marks: tuple[Mark, ...] = ()
) -> Picture:
    """A picture with these strips, of the scene's own rate and size."""
    there = reading.read(scene)
    return there._replace(strips=tuple(strips), channels=dict(channels), marks=marks)


def present(scene: Any) -> dict[str, Strip]:
    """The scene's strips by key, in Blender's order."""
    return {strip.key: strip for strip in reading.read(scene).strips if strip.key}


def place(strip: Strip) -> tuple[int, int, int, str]:
    return strip.channel, strip.left, strip.right, strip.parent


def drive(work: applying.Work, budget: float = STEP) -> Ran:
    """Steps to the end."""
    ran = Ran(work, [], [])
    for _ in range(100_000):
        start, cpu = time.perf_counter(), time.thread_time()
        done = work.step(budget)
        ran.ticks.append(time.perf_counter() - start)
        ran.cpu.append(time.thread_time() - cpu)
        if done:
            return ran
    raise AssertionError("The work does not end.")


def show(scene: Any, strips: Iterable[Strip], *, budget: float = STEP, **more: Any) -> Ran:
    """Shows the strips, and proves that what the work tells of them is what is there."""
    before = present(scene)
    work = applying.Applier(scene).begin(picture(scene, strips, **more), before)
    ran = drive(work, budget)
    known = dict(before)
    for key, strip in work.touched.items():
        if strip is None:
            known.pop(key, None)
        else:
            known[key] = strip
    assert known == present(scene)
    return ran


def misplaced(scene: Any, strips: Iterable[Strip]) -> list[tuple[str, Any, Any]]:
    """The strips that are not where they should be: (key, place wanted, place found)."""
    there = present(scene)
    return [
        (strip.key, place(strip), place(there[strip.key]) if strip.key in there else None)
        for strip in strips
        if strip.key not in there or place(strip) != place(there[strip.key])
    ]


def colour(key: str, channel: int, left: int, right: int, **more: Any) -> Strip:
    return Strip(key, more.pop("name", key), "COLOR", channel, left, right, left, 1, **more)


def movie(key: str, path: str, channel: int, left: int, right: int, first: int = 0, **more: Any) -> Strip:
    """A movie that shows its frame `first` at `left`."""
    return Strip(key, more.pop("name", key), "MOVIE", channel, left, right, left - first, 240, files=(path,), **more)


def cross(key: str, channel: int, left: int, right: int, *inputs: str, type: str = "CROSS") -> Strip:
    return Strip(key, key, type, channel, left, right, left, right - left, inputs=inputs)


def meta(key: str, channel: int, left: int, right: int, **more: Any) -> Strip:
    return Strip(key, key, "META", channel, left, right, left, right - left, **more)
