"""One sequence of 10,000 clips: edits, a ripple over 20 tracks, import, cold open, reading the past.

CPU time of this thread, so that a busy machine does not count; edits as decide + apply + effects, which is all that
happens to one on its way but the disk.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from itertools import count
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from time import process_time, thread_time
from typing import Final
from uuid import UUID

from genlock.application.application import Accepted, Application, Envelope
from genlock.application.commands import ImportSequence
from genlock.application.live import SCHEMA, encode_image, opened_at
from genlock.bench import Result, p50
from genlock.project.commands import CreateProject
from genlock.store.store import EventStore, open_store
from genlock.timeline.commands import (
    EditCommand,
    InsertItem,
    MoveItems,
    OverwriteItem,
    Place,
    RippleTrimItem,
    SlipItem,
    SplitItem,
    TrimItem,
)
from genlock.timeline.decision import Context, Refusal
from genlock.timeline.edits import decide
from genlock.timeline.effects import effects
from genlock.timeline.events import Content, Placed, TrackContent, restore
from genlock.timeline.model import Item, Media, Track
from genlock.timeline.rate import Rate
from genlock.timeline.sequence import Sequence, apply_all

CLIPS: Final = 10_000
TRACKS: Final = 20
VERSIONS: Final = 4_000


def run() -> Iterator[Result]:
    """Yields the figures of the timeline."""
    content = reel(CLIPS, TRACKS)
    state = restore("a" * 32, 1, content)
    yield Result("one edit, 10,000 clips on 20 tracks", _edits(state), "ms", 0.2)
    one = restore("b" * 32, 1, reel(CLIPS, 1))
    yield Result("one edit, 10,000 clips on one track", _edits(one), "ms", 0.2)
    yield Result("ripple over 20 sync-locked tracks", _ripples(state), "ms", 1.0)
    yield from _import(content)
    yield from _reading(content)


def reel(clips: int, tracks: int) -> Content:
    """Returns a timeline with its clips spread over video tracks: a magnetic one, free ones above it."""
    each = clips // tracks
    parts = []
    for t in range(tracks):
        magnetic = t == 0
        track = Track(f"t{t}", "video", f"V{t + 1}", "magnetic" if magnetic else "free")
        placed = (Placed(_clip(f"i{t}-{k}"), None if magnetic else k * 50 + 10) for k in range(each))
        parts.append(TrackContent(track, tuple(placed)))
    return Content("Reel", Rate(24), start_frame=86400, tracks=tuple(parts))


def _clip(id_: str, duration: int = 40) -> Item:
    return Item(id_, Media("m1", 0, 1000), duration, name=f"Clip {id_}", source_in=100)


def _edits(state: Sequence) -> float:
    """Returns the CPU milliseconds of an edit of a mix, each on the state the one before left."""
    random, numbers = Random(1), count()
    times = []
    for _ in range(600):
        command = _edit(state, random, next(numbers))
        begin = thread_time()
        after = _carry_out(state, command)
        times.append((thread_time() - begin) * 1000)
        state = after or state
    return _best(times)


def _edit(state: Sequence, random: Random, number: int) -> EditCommand:
    track = random.choice(state.order)
    id_ = random.choice(list(state.lanes[track].ids()))
    slot = state.slot(id_)
    choices: list[Callable[[], EditCommand]] = [
        lambda: TrimItem(id_, "tail", -1),
        lambda: RippleTrimItem(id_, "tail", random.choice((-2, 3)), sync=False),
        lambda: SlipItem(id_, 1),
        lambda: SplitItem(id_, slot.start + max(1, slot.duration // 2)),
        lambda: InsertItem(Place(track, at=slot.start), _clip(f"n{number}", 24), sync=False),
        lambda: OverwriteItem(track, slot.start, _clip(f"o{number}", 4)),
        lambda: MoveItems((id_,), Place(track, after=state.lanes[track].ids().__next__()), ripple=True, sync=False),
    ]
    return random.choice(choices)()


def _carry_out(state: Sequence, command: EditCommand) -> Sequence | None:
    decision = decide(state, command, Context("bench"))
    if isinstance(decision, Refusal):
        return None
    after = apply_all(state, decision.ops)
    effects(state, after, decision.ops)
    return after


def _ripples(state: Sequence) -> float:
    """Returns the CPU milliseconds of an insert that moves all 20 tracks, 500 clips each, from near the head."""
    times = []
    for k in range(100):
        # Between two clips of the free tracks, where nothing stands against the ripple.
        place = Place("t0", after="i0-4") if k % 2 else Place("t0", after="i0-9")
        command = InsertItem(place, _clip(f"r{k}", 50))
        begin = thread_time()
        after = _carry_out(state, command)
        times.append((thread_time() - begin) * 1000)
        if after is None:
            raise RuntimeError("The ripple was refused")
        state = after
    return _best(times)


def _best(times: list[float]) -> float:
    """Returns the median of the best tenth part of a run: what else the cores do in the meantime can only slow it."""
    size = len(times) // 10
    return min(p50(times[at : at + size]) for at in range(0, len(times) - size + 1, size))


def _import(content: Content) -> Iterator[Result]:
    with TemporaryDirectory() as folder:
        store = open_store(Path(folder) / "bench.genlock")
        app = Application(store)
        project = app.execute(Envelope(id="p", command=CreateProject("Bench"))).target
        times = []
        for k in range(3):
            begin = process_time()
            app.execute(Envelope(id=f"i{k}", command=ImportSequence(project, content)))
            times.append(process_time() - begin)
        app.close()
        store.close()
    yield Result("import of 10,000 clips, checked and durable", p50(times), "s", 1.0)


def _reading(content: Content) -> Iterator[Result]:
    """Yields what a long history costs: 4,000 versions, a snapshot every 500, in a file."""
    with TemporaryDirectory() as folder:
        store = open_store(Path(folder) / "bench.genlock")
        app = Application(store)
        project = app.execute(Envelope(id="p", command=CreateProject("Bench"))).target
        sequence = app.execute(Envelope(id="i", command=ImportSequence(project, content))).target
        _edit_long(app, sequence)
        app.close()
        store.put_snapshot(UUID(hex=sequence), VERSIONS + 1, SCHEMA, encode_image(app.world.opened[sequence]))
        yield Result("cold open from a snapshot", p50([_open(store, sequence, None) for _ in range(9)]), "ms", 80)
        random = Random(3)
        times = [_open(store, sequence, random.randint(1, VERSIONS)) for _ in range(40)]
        yield Result("read at any version, median", p50(times), "ms", 100)
        yield Result("read at any version, slowest of 40", max(times), "ms", 100)
        store.close()


def _edit_long(app: Application, sequence: str) -> None:
    """Makes 4,000 edits: slips of many clips by many people."""
    waiting: deque[Future[Accepted]] = deque()
    for k in range(VERSIONS):
        command = SlipItem(f"i{k % TRACKS}-{k % 400}", 1)
        waiting.append(app.submit(Envelope(id=f"e{k}", command=command, target=sequence, actor=f"a{k % 4}")))
        if len(waiting) > 64:
            waiting.popleft().result()
    for future in waiting:
        future.result()


def _open(store: EventStore, sequence: str, version: int | None) -> float:
    begin = process_time()
    opened_at(store, sequence, version)
    return (process_time() - begin) * 1000
