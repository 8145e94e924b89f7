"""What files cost: read and written against OpenTimelineIO's own adapter, the memory of a long import, and what coming
back unchanged makes of a cut."""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from msgspec.structs import replace

from genlock.bench import Result, p50
from genlock.bench.exchange import timed
from genlock.bench.reels import path, reel
from genlock.project.media import MediaFile
from genlock.timeline.diff import diff
from genlock.timeline.events import Content, Placed, content_of, restore
from genlock.timeline.model import Media, Source
from genlock.timeline.reconcile import reconcile
from genlock.timeline.sequence import Sequence

MIB = 1024 * 1024


def run() -> Iterator[Result]:
    """Yields the figures of files."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        yield from _against_otio(folder)
        yield from _memory(folder)
        yield from _unchanged(folder)


def pooled(content: Content) -> tuple[Content, dict[str, MediaFile]]:
    """Returns a reel as a project holds it, and its pool: files have the ids that the pool makes of their paths."""
    from genlock_otio.references import media_id

    media: dict[str, MediaFile] = {}

    def of_pool(placed: Placed) -> Placed:
        source = placed.item.source
        if not isinstance(source, Media):
            return placed
        file = path(source)
        id_ = media_id(file)
        media[id_] = MediaFile(id_, file, file.rpartition("/")[2])
        return replace(placed, item=replace(placed.item, source=replace(source, media=id_)))

    parts = tuple(replace(part, items=tuple(map(of_pool, part.items))) for part in content.tracks)
    return replace(content, tracks=parts), media


def written(content: Content, to: Path, dialect: str = "") -> Path:
    """Writes a reel in a dialect, "" for that of the suffix."""
    import genlock_otio

    cut, media = pooled(content)
    genlock_otio.write(cut, to, media=media, dialect=dialect)
    return to


def _against_otio(folder: Path) -> Iterator[Result]:
    """Yields reading to the model and writing from it against what opentimelineio.adapters takes for the same file and
    its own objects, in turn."""
    import opentimelineio as otio

    import genlock_otio

    content = content_of(reel(Random("files"), 10_000, media=500))
    file, again = written(content, folder / "long.otio"), folder / "again.otio"
    cut, media = pooled(content)
    timeline = otio.adapters.read_from_file(str(file))
    floors: dict[str, list[float]] = {"read": [], "write": []}
    ours: dict[str, list[float]] = {"read": [], "write": []}
    for _ in range(5):
        floors["read"] += timed(1, lambda: otio.adapters.read_from_file(str(file)))
        ours["read"] += timed(1, lambda: genlock_otio.read(file))
        floors["write"] += timed(1, lambda: otio.adapters.write_to_file(timeline, str(again)))
        ours["write"] += timed(1, lambda: genlock_otio.write(cut, again, media=media))
    yield Result("10,000 clips of .otio read, against OTIO's adapter", p50(ours["read"]), "s", 1.3, p50(floors["read"]))
    yield Result("10,000 clips of .otio written, against OTIO's", p50(ours["write"]), "s", 1.0, p50(floors["write"]))


def _memory(folder: Path) -> Iterator[Result]:
    file = written(content_of(reel(Random("memory"), 50_000, media=2_000)), folder / "very-long.otio")
    command = [sys.executable, "-m", "genlock.bench.returns", str(file), str(folder / "memory.genlock")]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    yield Result("peak memory of importing 50,000 clips of .otio", int(said) / MIB, "MiB", 400.0)


def imported(file: Path, store: Path) -> int:
    """Imports a file into a new store; returns the most memory this process ever held, in bytes."""
    import genlock_otio
    from genlock.application.application import Application, Envelope
    from genlock.application.commands import ImportSequence
    from genlock.project.commands import CreateProject
    from genlock.store.store import open_store

    opened = open_store(store)
    app = Application(opened)
    project = app.execute(Envelope(id="p", command=CreateProject("Bench"))).target
    app.execute(Envelope(id="i", command=ImportSequence(project, genlock_otio.read(file).content)))
    app.close()
    opened.close()
    return _peak()


def _peak() -> int:
    """Returns the most memory this process held. Linux counts what the parent held at the start into ru_maxrss."""
    status = Path("/proc/self/status")
    if status.exists():
        return next(int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith("VmHWM")) * 1024
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


def _unchanged(folder: Path) -> Iterator[Result]:
    """Yields, per format, how many ops it takes to bring a cut to what came back of it, though nobody touched it."""
    from genlock_otio.dialects import DIALECTS

    base = reel(Random("unchanged"), 200, tracks=4)
    for name, dialect in DIALECTS.items():
        if not (dialect.reader and dialect.writer):
            continue
        yield Result(
            f"ops of a cut that came back unchanged, {dialect.profile.title}", _ops(base, folder, name), "ops", 0
        )


def _ops(base: Sequence, folder: Path, name: str) -> int:
    import genlock_otio
    from genlock_otio.dialects import DIALECTS

    profile = DIALECTS[name].profile
    file = written(content_of(base), folder / f"{name}{profile.suffixes[0]}", name)
    found = genlock_otio.read(file, dialect=name, rate=base.rate)
    paths = {one.id: one.path for one in found.media}

    def where(source: Source) -> str:
        return paths.get(source.media, "") if isinstance(source, Media) else ""

    told = found.ids & {*base.items, *base.tracks, *base.markers}
    theirs = reconcile(base, found.content, profile, base_path=path, path=where, told=told).theirs
    return len(diff(base, restore(base.id, base.version, theirs)))


if __name__ == "__main__":
    sys.stdout.write(f"{imported(Path(sys.argv[1]), Path(sys.argv[2]))}\n")
