"""Files made to hurt: a coded error within 2 seconds of processor time and 256 MB, measured in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.otio.test_read import at, clip, span, timeline, track

CHILD = """
import re, sys, time
from pathlib import Path
import genlock_otio
import genlock_otio.reader
from genlock.errors import GenlockError

def peak():  # of this program: what getrusage says counts what forked it
    return int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1])

before, base = time.process_time(), peak()
try:
    genlock_otio.read(Path(sys.argv[1]))
    code = "read"
except GenlockError as error:
    code = error.code
print(code, time.process_time() - before, (peak() - base) // 1024, peak() // 1024)
"""

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="memory is measured with /proc")


def whole(children: str) -> str:
    return (
        '{"OTIO_SCHEMA":"Timeline.1","name":"t","tracks":{"OTIO_SCHEMA":"Stack.1","children":[{"OTIO_SCHEMA":"Track.1",'
        f'"kind":"Video","children":[{children}]}}]}}}}'
    )


def small(thing: Any) -> str:
    return json.dumps(thing, separators=(",", ":"))


def many(thing: str, count: int) -> str:
    return ",".join([thing] * count)


def nested(depth: int) -> str:
    thing = small(clip())
    for _ in range(depth):
        thing = '{"OTIO_SCHEMA":"Stack.1","children":[{"OTIO_SCHEMA":"Track.1","children":[' + many(thing, 2) + "]}]}"
    return thing


FILES: dict[str, tuple[Callable[[], str], str]] = {
    "a million clips": (lambda: whole(many(small(clip()), 1_000_000)), "too_large"),
    "a million empty clips": (lambda: whole(many('{"OTIO_SCHEMA":"Clip.1"}', 1_000_000)), "too_large"),
    "as many clips as objects may be": (lambda: whole(many('{"OTIO_SCHEMA":"Clip.1"}', 990_000)), "too_large"),
    "a million gaps": (lambda: whole(many('{"OTIO_SCHEMA":"Gap.1"}', 990_000)), "too_large"),
    "a million tracks": (
        lambda: whole("").replace('"children":[{', '"children":[' + '{"OTIO_SCHEMA":"Track.1"},' * 990_000 + "{", 1),
        "too_large",
    ),
    "a quarter of a million markers": (
        lambda: whole(small(clip(markers=[{"OTIO_SCHEMA":"Marker.2","marked_range":span(0, 1)}] * 240_000))),
        "too_large",
    ),
    "nesting that doubles": (lambda: whole(nested(16)), "too_large"),
    "numbers": (lambda: '{"OTIO_SCHEMA":"Timeline.1","x":[' + many("1.25", 5_900_000) + "]}", "too_large"),
    "texts": (lambda: '{"OTIO_SCHEMA":"Timeline.1","x":[' + many('"abc"', 5_900_000) + "]}", "too_large"),
    "depth": (lambda: '{"OTIO_SCHEMA":"Timeline.1","x":' + "[" * 500_000 + "]" * 500_000 + "}", "too_deep"),
    "depth of objects": (
        lambda: '{"OTIO_SCHEMA":"Timeline.1","x":' + '{"a":' * 200_000 + "1" + "}" * 200_000 + "}", "too_deep"
    ),
    "brackets in a text": (lambda: '{"OTIO_SCHEMA":"Timeline.1","x":"' + "[{" * 10_000_000 + '"}', "too_large"),
    "an endless name": (lambda: whole(small(clip("x" * 40_000_000))), "read"),
    "an endless number": (lambda: whole(small(clip()).replace(":10", ":" + "9" * 1_000_000)), "bad_time"),
    "a large file cut short": (lambda: whole(many(small(clip()), 60_000))[:-5] + " " * 40_000_000, "bad_json"),
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_a_file_made_to_hurt(name: str, tmp_path: Path) -> None:
    make, wanted = FILES[name]
    path = tmp_path / "x.otio"
    path.write_text(make())
    done = subprocess.run([sys.executable, "-c", CHILD, path], capture_output=True, text=True, check=True, timeout=110)
    code, seconds, megabytes, _ = done.stdout.split()
    assert code == wanted
    assert float(seconds) <= 2
    assert int(megabytes) <= 256


def test_a_cut_may_be_long(tmp_path: Path) -> None:
    """50,000 clips, indented as OpenTimelineIO writes them, within 400 MB altogether."""
    path = tmp_path / "x.otio"
    row = [clip(f"c{n}", n, 24, name_of_reel=f"A{n % 999:03d}") for n in range(50_000)]
    path.write_text(json.dumps(timeline(track(*row), start=at(86400)), indent=4))
    done = subprocess.run([sys.executable, "-c", CHILD, path], capture_output=True, text=True, check=True, timeout=110)
    code, _, _, megabytes = done.stdout.split()
    assert code == "read"
    assert int(megabytes) <= 400
