"""Two Blenders and the daemon: both edit at random, connections are lost, and in the end all three are alike."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from daemons import Daemon
from linked import Editor, left, move
from second import cut, walk

from genlock_blender import compat


class Second:
    """The other Blender, a process. `ask` sends a line, `answer` waits for what it says."""

    def __init__(self) -> None:
        path = Path(__file__).with_name("second.py")
        self.process = subprocess.Popen(
            [sys.executable, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )

    def ask(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def answer(self) -> Any:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith("@"):
                return json.loads(line[1:])
        raise AssertionError("the second Blender ended")

    def close(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture
def pair(scene: Any, daemon: Daemon, project: str, footage: Path) -> Iterator[tuple[Editor, Second]]:
    """Two Blenders on one sequence of a movie and some colours."""
    compat.register()
    one = Editor(daemon, project)
    one.movie(footage / "a.mp4", 1, 1)
    for n in range(6):
        one.color(f"C{n}", 2 + n % 2, 1 + 60 * n, 50 + 60 * n)
    one.link_new()
    two = Second()
    two.ask(f"link {one.sequence} {project}")
    two.answer()
    yield one, two
    two.close()
    one.close()
    compat.unregister()


def rest(one: Editor, two: Second) -> None:
    """Lets both come to an end: neither has anything left to say to the other."""
    for _ in range(12):
        one.settle()
        two.ask("rest")
        other = two.answer()
        one.settle()
        if one.link.sync.base == other == one.snapshot()["version"]:
            return
    raise AssertionError("they never came to rest")


def alike(one: Editor, two: Second) -> None:
    rest(one, two)
    two.ask("cut")
    theirs, ours = two.answer(), json.loads(json.dumps(cut(one)))
    held = {*theirs["held"], *ours["held"]}
    both = [{key: strip for key, strip in side["strips"].items() if key not in held} for side in (ours, theirs)]
    assert both[0] == both[1]
    assert ours["marks"] == theirs["marks"]
    first = one.scene.frame_start
    items = {
        key: [item["start"] + first, item["start"] + first + item["duration"]] for key, item in one.items().items()
    }
    assert {key: strip[2:4] for key, strip in both[0].items()} == {k: v for k, v in items.items() if k not in held}


def test_an_edit_in_one_blender_is_soon_in_the_other(pair: tuple[Editor, Second]) -> None:
    one, two = pair
    move(one.named("C5"), 33)
    begun = time.monotonic()
    one.settle()
    alike(one, two)
    two.ask("cut")
    assert any(strip[1] == "C5" and strip[2] == left(one.named("C5")) for strip in two.answer()["strips"].values())
    assert time.monotonic() - begun < 20


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_two_that_edit_at_random_end_alike(pair: tuple[Editor, Second], seed: int) -> None:
    one, two = pair
    two.ask(f"edit {seed + 100} 40")
    done: list[Any] = []
    waiting = threading.Thread(target=lambda: done.append(two.answer()))
    waiting.start()
    walk(one, seed, 40)
    while not done:
        one.pump(0.05)
    waiting.join()
    alike(one, two)
