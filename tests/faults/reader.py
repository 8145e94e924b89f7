"""A process that reads timeline files, each in a child of its own, and says what became of them: a path a line in, JSON a
line out, with processor seconds (its children's too) and megabytes of memory on top of what Genlock itself takes."""

from __future__ import annotations

import json
import os
import re
import resource
import sys
import time
from pathlib import Path
from typing import Any

import genlock_otio
from genlock.errors import GenlockError


def main() -> None:
    genlock_otio.read(Path(sys.argv[1]))  # so that what is imported late is there, and counts for nobody
    genlock_otio.read(Path(sys.argv[2]))
    print("ready", flush=True)
    for line in sys.stdin:
        child = os.fork()
        if not child:
            print(json.dumps(read(Path(line.rstrip("\n")))), flush=True)
            os._exit(0)
        status = os.waitpid(child, 0)[1]
        if status:
            print(json.dumps({"code": f"died with {status}", "message": "", "seconds": 0, "megabytes": 0}), flush=True)


def read(path: Path) -> dict[str, Any]:
    base, start = peak(), time.process_time()
    message = ""
    try:
        made = genlock_otio.read(path)
        code, message = (
            "read",
            f"{sum(len(part.items) for part in made.content.tracks)} items; " + "\n".join(made.warnings),
        )
    except GenlockError as error:
        code, message = error.code, error.message
    inside = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = time.process_time() - start + inside.ru_utime + inside.ru_stime
    return {
        "code": code, "message": message[:2000], "length": len(message), "seconds": round(seconds, 3),
        "megabytes": max(peak() - base, inside.ru_maxrss) // 1024,
    }  # fmt: skip


def peak() -> int:
    """Returns the most memory this process ever had, in kB: what getrusage says counts what forked it."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found is not None
    return int(found[1])


if __name__ == "__main__":
    main()
