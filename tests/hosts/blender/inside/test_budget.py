"""Others' edits come in without the user noticing: no step takes long, and an unchanged picture costs next to nothing."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path

import bpy
import pytest
from showing import colour, misplaced, movie, picture, present, show

from genlock_blender import applying, compat


@pytest.fixture(autouse=True)
def heap() -> Iterator[None]:
    """What the tests keep in memory is no part of Blender, and Python's collector would look through it in some step."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


TICK = 0.020
"""Seconds that no step may exceed."""
SLACK = 4.0
"""How much slower than that a loaded machine may be."""


def tell(capsys: pytest.CaptureFixture[str], what: str, ticks: list[float], cpu: list[float]) -> None:
    with capsys.disabled():
        version = ".".join(map(str, compat.V))
        over = sum(tick > TICK for tick in ticks)
        print(
            f"\n{version} {what}: {len(ticks)} steps, {sum(ticks):.2f} s; longest step {max(ticks) * 1e3:.1f} ms"
            f" ({max(cpu) * 1e3:.1f} of processor); {over} over {TICK * 1e3:.0f} ms"
        )


@pytest.mark.parametrize("kind", ["colours", "colours and movies"])
def test_a_thousand_new_strips(
    scene: bpy.types.Scene, footage: Path, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = [str(footage / name) for name in ("a.mp4", "b.mp4")]
    wanted = []
    for number in range(1000):
        channel, left = 2 + number % 10, 1 + number // 10 * 60
        if kind == "colours" or number % 3:
            wanted.append(colour(f"k{number}", channel, left, left + 50))
        else:
            wanted.append(movie(f"k{number}", paths[number % 2], channel, left, left + 50, 12))
    ran = show(scene, wanted)
    tell(capsys, f"1,000 {kind}", ran.ticks, ran.cpu)
    assert misplaced(scene, wanted) == []
    assert max(ran.cpu) <= TICK * SLACK


def test_a_thousand_strips_move_and_go(scene: bpy.types.Scene, capsys: pytest.CaptureFixture[str]) -> None:
    strips = [colour(f"k{n}", 2 + n % 10, 1 + n // 10 * 60, 51 + n // 10 * 60) for n in range(1000)]
    show(scene, strips, budget=1)
    moved = [strip._replace(left=strip.left + 24, right=strip.right + 24) for strip in strips]
    ran = show(scene, moved)
    tell(capsys, "1,000 moved", ran.ticks, ran.cpu)
    assert misplaced(scene, moved) == []
    assert max(ran.cpu) <= TICK * SLACK
    ran = show(scene, [])
    tell(capsys, "1,000 removed", ran.ticks, ran.cpu)
    assert present(scene) == {}
    assert max(ran.cpu) <= TICK * SLACK


def test_an_unchanged_picture_is_one_short_step(scene: bpy.types.Scene, capsys: pytest.CaptureFixture[str]) -> None:
    strips = [colour(f"k{n}", 2 + n % 10, 1 + n // 10 * 60, 51 + n // 10 * 60) for n in range(1000)]
    show(scene, strips, budget=1)
    ran = show(scene, present(scene).values())
    tell(capsys, "1,000 unchanged", ran.ticks, ran.cpu)
    assert len(ran.ticks) == 1
    assert not ran.work.changed
    assert not ran.work.touched
    assert max(ran.cpu) <= 0.005 * SLACK


def test_a_step_keeps_to_the_clock_it_is_given(scene: bpy.types.Scene) -> None:
    """Each look at this clock takes a millisecond, so that a step of 8 ms does few strips, one of none at most one."""
    wanted = [colour(f"k{n}", 2, n * 60, n * 60 + 50) for n in range(20)]
    work = applying.Applier(scene).begin(picture(scene, wanted), {})
    now = 0.0

    def clock() -> float:
        nonlocal now
        now += 0.001
        return now

    counts = []
    while len(present(scene)) < 2:
        assert not work.step(0.0, clock)
        counts.append(len(present(scene)))
    assert [count for count in counts if count] == [1, 2]
    assert not work.step(0.008, clock)
    assert 3 < len(present(scene)) < 12
    while not work.step(0.008, clock):
        pass
    assert len(present(scene)) == 20


def test_files_are_opened_one_a_step_when_they_take_long(scene: bpy.types.Scene, footage: Path) -> None:
    wanted = [movie(f"m{n}", str(footage / "a.mp4"), 2, n * 60, n * 60 + 50) for n in range(6)]
    work = applying.Applier(scene).begin(picture(scene, wanted), {})
    now = 0.0

    def clock() -> float:
        nonlocal now
        now += 0.006
        return now

    counts = []
    done = False
    while not done:
        done = work.step(0.008, clock)
        counts.append(len(present(scene)))
    assert sorted(set(counts)) == list(range(7))
