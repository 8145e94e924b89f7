"""Files of cuts against each other, without a project: what `genlock diff`, `genlock merge` and the git drivers do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from hashlib import blake2b
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from genlock.errors import BadInput
from genlock.project.media import MediaFile
from genlock.timeline.changes import Change, changes
from genlock.timeline.diff import diff
from genlock.timeline.events import Content, content_of, restore
from genlock.timeline.match import Matching, PathOf, named
from genlock.timeline.merge import Policy, merge
from genlock.timeline.model import Item, Marker, Media, Nested, Shot, Source
from genlock.timeline.ops import MergeConflict, Op
from genlock.timeline.profiles import PROFILES, Profile, shared
from genlock.timeline.reconcile import Reconciled, reconcile
from genlock.timeline.sequence import Sequence
from genlock_otio.nesting import named_as
from genlock_otio.values import Imported

DEEPEST: Final = 16
"""How deep nested sequences are looked into."""
ALONE: Final = "0" * 32
"""The id of a sequence that is a file's only."""


class Comparison(Struct, frozen=True):
    """Two cuts side by side: both as states whose ids mean the same things, the ops that lead from one to the other, and
    the changes as people name them. `nested` are the nested sequences that differ, by name."""

    before: Sequence
    after: Sequence
    ops: tuple[Op, ...]
    changes: tuple[Change, ...]
    nested: tuple[tuple[str, Comparison], ...] = ()


class MergedFile(Struct, frozen=True):
    """Three cuts merged: the content, its nested sequences and its media, what of theirs came into ours (`ops`, `changes`),
    the conflicts left open and those settled by the policy."""

    content: Content
    nested: Mapping[str, Content]
    media: Mapping[str, MediaFile]
    ops: tuple[Op, ...]
    changes: tuple[Change, ...]
    conflicts: tuple[MergeConflict, ...]
    settled: tuple[MergeConflict, ...]


def compare(before: Imported, after: Imported, profile: Profile | None = None) -> Comparison:
    """Compares two files; of files from different tools only what both can say, or what `profile` can. Raises
    BadInput(bad_rate)."""
    return _compare(_Cut(before), _Cut(named_as(before, after)), profile or common(before, after), 0, set())


def merge_files(base: Imported, ours: Imported, theirs: Imported, policy: Policy = "ask") -> MergedFile:
    """Merges what theirs changed since base into ours, nested sequences too. Raises BadInput(bad_rate)."""
    ours, theirs = named_as(base, ours), named_as(base, theirs)
    seed = blake2b(f"{ours.tag}{theirs.tag}{base.tag}".encode(), digest_size=8).hexdigest()
    work = _Merging(policy, seed, (common(base, ours), common(base, theirs)))
    content = work.merge(_Cut(base), _Cut(ours), _Cut(theirs), 0)
    pool = {file.id: file for read in (theirs, ours, base) for file in read.media}
    nested = {id_: inner for read in (theirs, ours, base) for id_, inner in read.nested} | work.nested
    return MergedFile(
        content, nested, pool, tuple(work.ops), tuple(work.changes), tuple(work.conflicts), tuple(work.settled)
    )


def common(a: Imported, b: Imported) -> Profile:
    """Returns what cuts of both dialects can say; of two files of one tool everything counts."""
    if a.dialect == b.dialect:
        return PROFILES["otio"]
    one, two = (PROFILES.get(read.dialect, PROFILES["otio"]) for read in (a, b))
    return shared(one, two)


def marked(content: Content, conflicts: tuple[MergeConflict, ...]) -> Content:
    """Returns the content with a red marker for each open conflict, so that an editor sees them in any program."""
    items = {placed.item.id: placed.item for part in content.tracks for placed in part.items}
    made = []
    for conflict in conflicts:
        item = items.get(conflict.about)
        id_ = "m" + blake2b(f"conflict {conflict.id}".encode(), digest_size=8).hexdigest()
        start = item.source_in if item is not None else 0
        owner = item.id if item is not None else None
        made.append(Marker(id_, start, 0, owner, f"CONFLICT {conflict.kind}", "RED", conflict.message))
    markers = sorted((*content.markers, *made), key=lambda m: (m.item or "", m.start, m.id))
    return replace(content, markers=tuple(markers))


class _Cut:
    """A cut read from a file, with what matching asks of it."""

    def __init__(self, read: Imported, content: Content | None = None, sequence: str | None = None) -> None:
        self.read = read
        self.sequence = sequence
        self.content = read.content if content is None else content
        self.state = restore(read.tag.sequence or ALONE, 1, self.content)
        self._paths = {file.id: file.path or named(file.name) for file in read.media}

    def path(self, source: Source) -> str:
        match source:
            case Media(media=id_):
                return self._paths.get(id_, id_)
            case Shot(shot=shot, take=take):
                return f"shot:{shot}/{take or ''}"
            case Nested(sequence=id_):
                return f"nested:{id_}"
            case _:
                return ""

    def items(self) -> Iterator[tuple[str, Item]]:
        """Yields the items in the file's order."""
        return ((placed.item.id, placed.item) for part in self.content.tracks for placed in part.items)

    def inside(self, sequence: str) -> _Cut | None:
        """Returns a nested sequence of the file."""
        found = next((content for id_, content in self.read.nested if id_ == sequence), None)
        return None if found is None else _Cut(self.read, found, sequence)


class _Merging:
    """One merge and those of the nested sequences in it."""

    def __init__(self, policy: Policy, seed: str, profiles: tuple[Profile, Profile]) -> None:
        self._policy = policy
        self._seed = seed
        self._profiles = profiles
        self.nested: dict[str, Content] = {}
        self.ops: list[Op] = []
        self.changes: list[Change] = []
        self.conflicts: list[MergeConflict] = []
        self.settled: list[MergeConflict] = []

    def merge(self, base: _Cut, ours: _Cut, theirs: _Cut, depth: int) -> Content:
        mine = _told(base, ours, self._profiles[0])
        yours = _told(base, theirs, self._profiles[1])
        head = restore(base.state.id, 1, mine.theirs)
        back = restore(base.state.id, 1, yours.theirs)
        made = merge(base.state, head, back, policy=self._policy, unsure=yours.matching.unsure, seed=self._seed)
        self.ops += made.ops
        self.changes += changes(head, made.state)
        self.conflicts += made.conflicts
        self.settled += made.settled
        self._inner(base, (ours, mine.matching), (theirs, yours.matching), depth)
        return replace(content_of(made.state), conflicts=())

    def _inner(self, base: _Cut, ours: tuple[_Cut, Matching], theirs: tuple[_Cut, Matching], depth: int) -> None:
        for id_, item in base.items():
            if not isinstance(item.source, Nested) or item.source.sequence in self.nested or depth >= DEEPEST:
                continue
            inner = base.inside(item.source.sequence)
            sides = [_shown(cut, matching, id_) for cut, matching in (ours, theirs)]
            if inner is not None and sides[0] is not None and sides[1] is not None:
                self.nested[item.source.sequence] = self.merge(inner, sides[0], sides[1], depth + 1)


def _shown(cut: _Cut, matching: Matching, item: str) -> _Cut | None:
    """Returns the nested sequence that the item `item` of the base shows in another cut."""
    returned = next((theirs for theirs, ours in matching.items.items() if ours == item), None)
    source = cut.state.items[returned].source if returned is not None else None
    return cut.inside(source.sequence) if isinstance(source, Nested) else None


def _told(base: _Cut, other: _Cut, profile: Profile) -> Reconciled:
    if base.content.rate != other.content.rate:
        raise BadInput(
            "bad_rate",
            f"{base.content.name} runs at {base.content.rate}, {other.content.name} at {other.content.rate} frames a "
            "second: cuts of different rates cannot be compared.",
            hint="Conform one of them to the other's rate first.",
        )
    paths: tuple[PathOf, PathOf] = (base.path, other.path)
    return reconcile(
        base.state, other.content, profile, base_path=paths[0], path=paths[1], told=other.read.ids & base.read.ids
    )


def _compare(before: _Cut, after: _Cut, profile: Profile, depth: int, seen: set[tuple[str, str | None]]) -> Comparison:
    """`seen` are the pairs of nested sequences looked into so far: each is told once, wherever else it is shown."""
    found = _told(before, after, profile)
    state = restore(before.state.id, 1, found.theirs)
    nested: dict[str, Comparison] = {}
    for id_, item in before.items():
        if not isinstance(item.source, Nested) or depth >= DEEPEST:
            continue
        inner, other = before.inside(item.source.sequence), _shown(after, found.matching, id_)
        if inner is None or other is None or inner.content.name in nested:
            continue
        pair = item.source.sequence, other.sequence
        if pair in seen:
            continue
        seen.add(pair)
        deeper = _compare(inner, other, profile, depth + 1, seen)
        if deeper.ops or deeper.nested:
            nested[inner.content.name] = deeper
    ops = diff(before.state, state)
    return Comparison(before.state, state, ops, changes(before.state, state), tuple(nested.items()))
