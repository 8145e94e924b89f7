"""A script of ours in a Blender of its own, or in a Python that has bpy, which tells of its work in lines."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from genlock.blender import finding
from genlock.errors import GenlockError

PREFIX: Final = "genlock: "
PATIENCE: Final = 900.0
"""Seconds of silence after which the program counts as stuck."""
TAIL: Final = 600
"""Characters of what the program printed that an error tells."""

Told = Callable[[int, int], None]


def run(
    with_: Path,
    script: Path,
    job: Mapping[str, Any],
    told: Told,
    *,
    failed: Callable[[str], GenlockError],
    environment: Mapping[str, str] | None = None,
    factory: bool = False,
) -> dict[str, Any]:
    """Runs the script with the job as a file of JSON, and returns its last word, which has a "path".

    `told(done, total)` hears how far it is; `environment` comes on top of ours; `factory` leaves the user's settings and
    add-ons out. Raises the error that the script told, `failed(sentence)` where it ended without a word, and
    GenlockError(blender_failed) where it cannot be started.
    """
    with tempfile.TemporaryDirectory(prefix="genlock-blender-") as folder:
        order = Path(folder, "job.json")
        order.write_text(json.dumps(job), encoding="utf-8")
        plain = ["--factory-startup"] if factory else []
        inside = [] if finding.is_python(with_) else ["--background", *plain, "--python"]
        command = [str(with_), *inside, str(script), *(["--"] if inside else []), str(order)]
        variables = {**os.environ, "PYTHONUNBUFFERED": "1", **(environment or {})}
        variables.pop("PYTHONPATH", None)  # ours is for another Python
        try:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=variables
            )
        except OSError as error:
            raise GenlockError("blender_failed", f"{with_} cannot be started: {error.strerror}.") from error
        try:
            return _follow(process, with_, told, failed)
        finally:
            if process.poll() is None:
                process.kill()
            process.wait()


def _follow(
    process: subprocess.Popen[bytes], with_: Path, told: Told, failed: Callable[[str], GenlockError]
) -> dict[str, Any]:
    """Returns what the worker said at its end. Raises its error, or says how the program ended without a word."""
    tail = ""
    total = 0
    for line in _lines(process):
        if not line.startswith(PREFIX):
            tail = (tail + line)[-TAIL:]
            continue
        said = json.loads(line[len(PREFIX) :])
        if "error" in said:
            raise GenlockError(said["error"]["code"], said["error"]["message"])
        if "path" in said:
            return dict(said)
        total = said.get("total", total)
        told(said.get("done", 0), total)
    code = process.wait()
    raise failed(f"{with_.name} ended with {code} before it was done: {tail.strip()}")


def _lines(process: subprocess.Popen[bytes]) -> Iterator[str]:
    """Yields what the process prints; one that is silent for too long is ended."""
    assert process.stdout is not None
    watch = threading.Timer(PATIENCE, process.kill)
    watch.start()
    try:
        for line in process.stdout:
            watch.cancel()
            watch = threading.Timer(PATIENCE, process.kill)
            watch.start()
            yield line.decode("utf-8", "replace")
    finally:
        watch.cancel()
        process.stdout.close()
