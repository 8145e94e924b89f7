"""Fuzzes one reader: `python -m tests.otio.fuzz DIALECT SECONDS [CORPUS]` (needs atheris, which is in no list of ours:
`pip install --target DIR atheris`, PYTHONPATH=DIR).

An input may be refused with a coded error, in a second or two; whatever is read must be a sound sequence that can be
written again. What fails otherwise is printed and kept as `crash-*` in the working folder; once mended it goes into
tests/otio/corpus/DIALECT, which test_corpus.py reads on every run.
"""

from __future__ import annotations

import contextlib
import random
import re
import sys
import time
from importlib import import_module
from pathlib import Path

from genlock_otio.dialects import DIALECTS, Incoming

SLOW = 2.0
"""Seconds one hostile input may take."""
HERE = Path(__file__).parent
SEEDS = {
    "otio": ("samples/**/*.otio", "samples/**/*.json"),
    "edl": ("samples/**/*.edl", "edl/**/*.edl"),
    "fcp7": ("samples/**/*.xml", "fcp7/**/*.xml"),
    "fcpx": ("samples/**/*.fcpxml", "fcpx/**/*.fcpxml"),
    "mlt": ("samples/**/*.mlt", "samples/**/*.kdenlive"),
    "aaf": ("samples/**/*.aaf", "aaf/**/*.aaf"),
}


def try_one(dialect: str, data: bytes) -> None:
    """Reads one input as a dialect, and fails for anything but a coded error or a sound cut."""
    from genlock.application.imports import check
    from genlock.errors import GenlockError
    from genlock_otio.door import Limits
    from genlock_otio.outgoing import Outgoing

    began = time.perf_counter()
    with contextlib.suppress(GenlockError):
        found = DIALECTS[dialect].read(Incoming(data, "fuzz", Path("/fuzz"), limits=Limits(size=2**22, nodes=10**6)))
        refusal = check(found.content)
        assert refusal is None, refusal
        pool = {file.id: file for file in found.media}
        DIALECTS[dialect].write(Outgoing(found.content, media=pool, nested=dict(found.nested).get))
    took = time.perf_counter() - began
    assert took < SLOW, f"{took:.1f} s"


ODD = (b"0", b"-1", b"1", b"99999999999999999999", b"1e308", b"NaN", b"", b"0.5", b"1/0", b"00:00:00:99", b"2147483648")
_NUMBER = re.compile(rb"-?\d[\d./:;]*")
_PIECE = re.compile(rb"<[^<]{0,2000}|\{[^{}]{0,2000}\}|[^\n]{0,500}\n")


def mutate(data: bytes, most: int, seed: int) -> bytes:
    """Changes a number, doubles, drops or moves a piece (an element, an object, a line), or lets libFuzzer do its own."""
    import atheris

    rng = random.Random(seed)
    pattern = rng.choice((_NUMBER, _PIECE, None))
    found = [m.span() for m in pattern.finditer(data)] if pattern is not None else []
    if not found:
        made: bytes = atheris.Mutate(data, most)
        return made
    start, end = rng.choice(found)
    if pattern is _NUMBER:
        return (data[:start] + rng.choice(ODD) + data[end:])[:most]
    piece = data[start:end]
    match rng.randrange(3):
        case 0:
            return (data[:end] + piece + data[end:])[:most]
        case 1:
            return data[:start] + data[end:]
        case _:
            to = rng.choice(found)[0]
            return (data[:to] + piece + data[to:])[:most]


def seeds(dialect: str) -> list[bytes]:
    """Returns real files of the dialect, and our samples written in it."""
    import genlock_otio
    from genlock_otio.outgoing import Outgoing

    found = [file.read_bytes() for pattern in SEEDS.get(dialect, ()) for file in HERE.glob(pattern)]
    found += [file.read_bytes() for file in (HERE / "corpus" / dialect).glob("*")]
    for file in sorted((HERE / "samples").glob("**/*.otio")):
        read = genlock_otio.read(file)
        pool = {one.id: one for one in read.media}
        found.append(DIALECTS[dialect].write(Outgoing(read.content, media=pool, nested=dict(read.nested).get)).data)
    return [data for data in found if len(data) < 200_000]


def main() -> None:
    import atheris

    dialect, seconds = sys.argv[1], sys.argv[2]
    folder = Path(sys.argv[3]) if len(sys.argv) > 3 else Path(f"/tmp/genlock-fuzz-{dialect}")
    folder.mkdir(parents=True, exist_ok=True)
    with atheris.instrument_imports(include=["genlock_otio", "genlock"]):
        for module in (DIALECTS[dialect].reader, DIALECTS[dialect].writer, "genlock.application.imports"):
            import_module(module)
    for number, data in enumerate(seeds(dialect)):
        (folder / f"seed{number}").write_bytes(data)
    options = (
        f"-max_total_time={seconds}",
        "-max_len=65536",
        "-timeout=20",
        "-rss_limit_mb=1500",
        "-print_final_stats=1",
    )
    atheris.Setup([sys.argv[0], *options, str(folder)], lambda data: try_one(dialect, data), custom_mutator=mutate)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
