"""The process that the AAF library runs in, with its bounds of time and memory."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, Literal

from genlock.errors import BadInput, MediaError

SECONDS: Final = 2
SECONDS_MB: Final = 4
"""Processor time for a foreign file: to start, and for each megabyte of it."""
SECONDS_WRITING: Final = 600
"""Processor time for a cut of ours."""
MEMORY: Final = 192 * 1024 * 1024
MEMORY_BYTE: Final = 40
MOST_MEMORY: Final = 6 * 1024**3
"""Bytes of memory: to start, for each byte that goes in, and at most."""
_NO_MEMORY: Final = ("cannot allocate", "failed to map segment", "bad_alloc")
_TOO_LONG: Final = {-24, -9, 152, 137}  # SIGXCPU and SIGKILL, seen directly or through a shell


def run(task: Literal["read", "write"], data: bytes, name: str) -> bytes:
    """Returns what the worker made of the data. Raises BadInput: unknown_format where the library is not installed,
    bad_timeline where it gave up, too_large where it ran out of time or memory."""
    with TemporaryDirectory(prefix="genlock-aaf-") as folder:
        source, target = Path(folder, "in"), Path(folder, "out")
        try:
            source.write_bytes(data)
        except OSError as error:
            raise MediaError("unwritable_folder", f"{folder} cannot be written: {error.strerror}.") from error
        size = len(data)
        seconds = SECONDS_WRITING if task == "write" else SECONDS + SECONDS_MB * size // 1_000_000
        memory = min(MEMORY + MEMORY_BYTE * size, MOST_MEMORY)
        command = [sys.executable, "-m", "genlock_otio.aaf.worker", task, str(source), str(target)]
        try:
            done = subprocess.run(
                [*command, str(seconds), str(memory)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                timeout=10 * seconds + 20,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise _too_large(name) from error
        if done.returncode == 0 and target.is_file():
            return target.read_bytes()
    raise _reason(done.returncode, done.stderr.decode("utf-8", "replace"), name)


def _reason(code: int, printed: str, name: str) -> BadInput:
    last = next((line.strip() for line in reversed(printed.splitlines()) if line.strip()), "")
    if code in _TOO_LONG or last.startswith("MemoryError") or any(word in printed.lower() for word in _NO_MEMORY):
        return _too_large(name)
    if "No module named 'otio_aaf_adapter'" in printed or "No module named 'aaf2'" in printed:
        return BadInput("unknown_format", "AAF needs the package otio-aaf-adapter, which was not installed.")
    what = last.partition(": ")[2] or last or f"the reader ended with {code}"
    return BadInput("bad_timeline", f"{name} is no AAF file that can be used: {what[:300]}.")


def _too_large(name: str) -> BadInput:
    return BadInput("too_large", f"{name} takes more time or memory than an AAF file of its size ever needs.")
