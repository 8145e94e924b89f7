"""Which strip is which: gives every strip that a host shows the id of the item it stands for. Pure and deterministic.

A host keeps our id on the strip, but hosts copy such notes along: a split, a duplicated or a pasted strip carries the id of
another one, and an undo brings back a strip as it was before it had an id. What is known of the strips from the last look
tells them apart: a host keeps the name of the original and gives the copy another.
"""

from __future__ import annotations

from typing import Callable, Container, Iterable, Mapping, NamedTuple, Sequence

TOMBS = 2_000
"""Deleted strips that are remembered for an undo."""


class Seen(NamedTuple):
    """A strip as the host shows it: `key` is the id it carries ("" none), `name` the host's, unique in its scene.

    `kind` and `source` are plain words that tell what it shows (a type, a path); `start` and `length` count timeline
    frames, `source_in` those into the source; `parent` is the id of the group it is in ("" none).
    """

    key: str
    name: str
    kind: str
    source: str
    start: int
    length: int
    source_in: int = 0
    parent: str = ""


class Given(NamedTuple):
    """The id of a strip. `derived_from` is the id of the strip it was made from, "" for none.

    `how`: "kept" (it had it), "given" (it had none), "split" or "duplicate" (it carried that of another), "tombstone" (it
    was deleted or had lost its id, and is back), "pasted" (it carried one that is unknown here).
    """

    key: str
    derived_from: str = ""
    how: str = "kept"


def resolve(
    seen: Sequence[Seen],
    known: Mapping[str, Seen],
    *,
    tombs: Mapping[str, Seen],
    fresh: Callable[[], str],
    foreign_ok: bool = False,
) -> list[Given]:
    """Returns the id of each strip of `seen`, in its order; no id comes twice.

    `known` are the strips of the last look by id, `tombs` those that were deleted lately, oldest first, `fresh` makes a new
    id. With `foreign_ok` an unknown id is taken as it is, as when a file is opened that was linked before.
    """
    if len({strip.key for strip in seen}) == len(seen) and all(
        _named_as(known.get(strip.key), strip) for strip in seen
    ):
        return [Given(strip.key) for strip in seen]
    groups: dict[str, list[int]] = {}
    for at, strip in enumerate(seen):
        groups.setdefault(strip.key, []).append(at)
    found = _unchanged(seen, known, groups)
    taken = {given.key for given in found.values()}
    orphans = {strip.name for key, strip in known.items() if key not in groups}
    for key, members in groups.items():
        left = [at for at in members if at not in found]
        before = known.get(key) or tombs.get(key)
        if not key or not left or key in taken or (before is None and not foreign_ok):
            continue
        keeper = left[0] if len(left) == 1 else _keeper(seen, left, before, orphans)
        found[keeper] = Given(key, "", "kept" if key in known or before is None else "tombstone")
        taken.add(key)
    loose = [at for at in range(len(seen)) if at not in found]
    for at, key in _Lost(known, tombs, taken).match(seen, loose):
        found[at] = Given(key, "", "tombstone")
    keepers = {given.key: at for at, given in found.items()}
    for at in loose:
        if at not in found:
            carried = seen[at].key
            keeper_at = keepers.get(carried)
            how = _how(seen[at], carried, None if keeper_at is None else seen[keeper_at], known.get(carried))
            found[at] = Given(fresh(), carried, how)
    return [found[at] for at in range(len(seen))]


def buried(
    tombs: Mapping[str, Seen], known: Mapping[str, Seen], alive: Iterable[str], *, most: int = TOMBS
) -> dict[str, Seen]:
    """Returns the tombs after a look: those of `known` that are not `alive` join, those alive leave; oldest first."""
    living = set(alive)
    after = {key: strip for key, strip in tombs.items() if key not in living and key not in known}
    after.update((key, strip) for key, strip in known.items() if key not in living)
    extra = len(after) - most
    return {key: strip for at, (key, strip) in enumerate(after.items()) if at >= extra}


def _unchanged(
    seen: Sequence[Seen], known: Mapping[str, Seen], groups: Mapping[str, Sequence[int]]
) -> dict[int, Given]:
    """Returns the strips, by index, that are as they were but for the id they carry: an undo took it, or a copy has it."""
    names = {strip.name: key for key, strip in known.items()}
    found: dict[int, Given] = {}
    for at, strip in enumerate(seen):
        sure = len(groups[strip.key]) == 1 and _named_as(known.get(strip.key), strip)
        key = None if sure else names.get(strip.name)
        if key is not None and _whole(known[key]) == _whole(strip):
            found[at] = Given(key, "", "kept" if key == strip.key else "tombstone")
            del names[strip.name]
    return found


def _named_as(before: Seen | None, strip: Seen) -> bool:
    return before is not None and before.name == strip.name


def _keeper(seen: Sequence[Seen], members: Sequence[int], before: Seen | None, orphans: Container[str]) -> int:
    """Returns which of several strips with one id had it before; `orphans` are names of others that lost theirs."""
    if before is None:
        return members[0]

    def fits(at: int) -> tuple[bool, bool, bool, bool, int]:
        strip = seen[at]
        alike = (strip.kind, strip.source) == (before.kind, before.source)
        there = (strip.start, strip.parent) == (before.start, before.parent)
        return strip.name == before.name, strip.name not in orphans, alike, there, -at

    return max(members, key=fits)


def _how(strip: Seen, carried: str, keeper: Seen | None, before: Seen | None) -> str:
    if not carried:
        return "given"
    if keeper is None:
        return "pasted"
    if before is None or keeper.length >= before.length:
        return "duplicate"
    inside = before.start <= strip.start and strip.start + strip.length <= before.start + before.length
    apart = strip.start >= keeper.start + keeper.length or strip.start + strip.length <= keeper.start
    same = (strip.kind, strip.source, strip.parent) == (keeper.kind, keeper.source, keeper.parent)
    return "split" if inside and apart and same else "duplicate"


class _Lost:
    """Known and buried strips whose ids nobody has yet: what an undo gave back without its id is one of them."""

    def __init__(self, known: Mapping[str, Seen], tombs: Mapping[str, Seen], taken: Container[str]) -> None:
        self._gone = [strip._replace(key=key) for key, strip in known.items() if key not in taken]
        dead = [strip._replace(key=key) for key, strip in tombs.items() if key not in taken and key not in known]
        self._dead = dead[::-1]

    def match(self, seen: Sequence[Seen], loose: Sequence[int]) -> list[tuple[int, str]]:
        """Returns (index, id) of the strips that are found again, the surest match first.

        A strip that was there at the last look may have been moved by the same undo; one that was deleted must be back
        exactly where it was, as another of the same file may have been added since.
        """
        found: list[tuple[int, str]] = []
        waiting = list(loose)
        for pool, sign in (
            (self._gone, _whole),
            (self._gone, _called),
            (self._dead, _whole),
            (self._gone, _placed),
            (self._gone, _renamed),
            (self._dead, _renamed),
        ):
            if not waiting or not pool:
                continue
            taken = {key for _, key in found}
            ids: dict[tuple[object, ...], list[str]] = {}
            for strip in pool:
                if strip.key not in taken:
                    ids.setdefault(sign(strip), []).append(strip.key)
            left = []
            for at in waiting:
                fitting = ids.get(sign(seen[at]))
                if fitting:
                    found.append((at, fitting.pop(0)))
                else:
                    left.append(at)
            waiting = left
        return found


def _whole(strip: Seen) -> tuple[object, ...]:
    return strip[1:7]  # not the group: its own id may be lost as well


def _called(strip: Seen) -> tuple[object, ...]:
    return strip[1:4]


def _placed(strip: Seen) -> tuple[object, ...]:
    return (strip.name, strip.kind, strip.start, strip.length)


def _renamed(strip: Seen) -> tuple[object, ...]:
    return strip[2:7]
