"""Merging a returned cut with what was done here meanwhile: how long it takes, and which conflicts it sees."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random
from typing import Final

from genlock.bench import Result, p50
from genlock.bench.exchange import timed
from genlock.bench.reels import Script, path, reel, stripped
from genlock.timeline.commands import (
    EditCommand,
    ExtractItems,
    MoveItems,
    Place,
    RenameItem,
    ReplaceSource,
    SlipItem,
    TrimItem,
)
from genlock.timeline.decision import Context, Refusal
from genlock.timeline.edits import decide
from genlock.timeline.events import restore
from genlock.timeline.match import adopt, match
from genlock.timeline.merge import merge
from genlock.timeline.model import Gap, Media
from genlock.timeline.sequence import Sequence, apply_all

ROUNDS: Final = 40
PLANTED: Final = 12
"""Conflicts planted in one pair of cuts."""

OURS, THEIRS = (0.0, 0.45), (0.55, 1.0)
"""The parts of a cut either side works on, where they are to have nothing to do with each other."""


def run() -> Iterator[Result]:
    """Yields the figures of merging."""
    base, ours, theirs = _disjoint("merge speed", 10_000, 20)
    yield Result(
        "10,000 clips merged, 20 edits on either side", p50(timed(3, lambda: merge(base, ours, theirs))), "s", 1.0
    )
    edits = conflicts = 0
    for k in range(ROUNDS):
        base, ours, theirs = _disjoint(f"disjoint {k}", 600, 15)
        conflicts += len(merge(base, ours, theirs).conflicts)
        edits += 30
    yield Result(
        f"conflicts called in {edits:,} edits that have nothing to do with each other", conflicts, "conflicts", 0
    )
    planted = found = 0
    for k in range(ROUNDS):
        made, met = _planted(f"planted {k}")
        planted += made
        found += met
    yield Result(f"planted conflicts found, of {planted}", 100 * found / planted, "%", 100.0, at_least=True)


def _disjoint(seed: str, clips: int, edits: int) -> tuple[Sequence, Sequence, Sequence]:
    """Returns a cut, what was made of it here, and what came back without ids, edited in another part."""
    random = Random(seed)
    base = reel(random, clips, media=max(20, clips // 20))
    ours, _ = Script(random, "here", part=OURS).run(base, edits)
    edited, _ = Script(random, "there", part=THEIRS).run(base, edits)
    content, _ = stripped(edited)
    matching = match(base, restore("r" * 32, 1, content), base_path=path, path=path)
    return base, ours, restore(base.id, base.version, adopt(content, matching, base))


def _planted(seed: str) -> tuple[int, int]:
    """Plants conflicts in a cut, one an item; returns how many, and how many the merge names by the item."""
    random = Random(seed)
    base = reel(random, 300, media=40)
    ours = theirs = base
    about: list[str] = []
    items = sorted(id_ for id_, item in base.items.items() if not isinstance(item.source, Gap) and item.duration > 30)
    for number, id_ in enumerate(random.sample(items, PLANTED * 2)):
        if len(about) == PLANTED:
            break
        here, there = random.choice(_PLANTS)(random, base, id_)
        one, other = _done(ours, here, f"h{number}"), _done(theirs, there, f"t{number}")
        if one is not None and other is not None:
            ours, theirs = one, other
            about.append(id_)
    named = {conflict.about for conflict in merge(base, ours, theirs).conflicts}
    return len(about), sum(id_ in named for id_ in about)


def _done(state: Sequence, command: EditCommand, id_: str) -> Sequence | None:
    decision = decide(state, command, Context(id_))
    return None if isinstance(decision, Refusal) or not decision.ops else apply_all(state, decision.ops)


Plant = Callable[[Random, Sequence, str], tuple[EditCommand, EditCommand]]


def _two_tails(_random: Random, _base: Sequence, id_: str) -> tuple[EditCommand, EditCommand]:
    return TrimItem(id_, "tail", -3), TrimItem(id_, "tail", -7)


def _two_slips(_random: Random, _base: Sequence, id_: str) -> tuple[EditCommand, EditCommand]:
    return SlipItem(id_, 4), SlipItem(id_, -4)


def _two_names(_random: Random, _base: Sequence, id_: str) -> tuple[EditCommand, EditCommand]:
    return RenameItem(id_, "ours"), RenameItem(id_, "theirs")


def _two_sources(_random: Random, _base: Sequence, id_: str) -> tuple[EditCommand, EditCommand]:
    return ReplaceSource(id_, Media("new1"), 7), ReplaceSource(id_, Media("new2"), 7)


def _gone_here(_random: Random, _base: Sequence, id_: str) -> tuple[EditCommand, EditCommand]:
    return ExtractItems((id_,), sync=False), TrimItem(id_, "tail", -5)


def _gone_there(_random: Random, _base: Sequence, id_: str) -> tuple[EditCommand, EditCommand]:
    return RenameItem(id_, "kept"), ExtractItems((id_,), sync=False)


def _two_places(random: Random, base: Sequence, id_: str) -> tuple[EditCommand, EditCommand]:
    track = base.home[id_]
    one, other = random.sample([slot.id for slot in base.lanes[track] if slot.id != id_], 2)
    return (
        MoveItems((id_,), Place(track, after=one), ripple=True, sync=False),
        MoveItems((id_,), Place(track, after=other), ripple=True, sync=False),
    )


_PLANTS: Final[tuple[Plant, ...]] = (
    _two_tails,
    _two_slips,
    _two_names,
    _two_sources,
    _gone_here,
    _gone_there,
    _two_places,
)
