"""A sequence in memory: its state, and what is kept beside it as folds over its log."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import assert_never

from immutables import Map
from msgspec import Struct
from msgspec.structs import replace

from genlock.event import Event
from genlock.timeline.events import (
    SequenceArchived,
    SequenceCreated,
    SequenceEdited,
    SequenceEvent,
    SequenceImported,
    evolve,
)
from genlock.timeline.ops import (
    ConflictSet,
    ItemInserted,
    ItemMoved,
    ItemRemoved,
    ItemSet,
    ItemsShifted,
    MarkerSet,
    Op,
    SequenceSet,
    TrackInserted,
    TrackMoved,
    TrackRemoved,
    TrackSet,
    TransitionSet,
)
from genlock.timeline.sequence import Sequence
from genlock.timeline.undo import Stacks


class Marks(Struct, frozen=True):
    """Which edits are taken back, as a fold. `roots`: the edit an undo or redo is about; `undone`: the edits taken back."""

    roots: Map[int, int] = Map()
    undone: Map[int, bool] = Map()

    def record(self, event: Event) -> Marks:
        """Returns the marks after one event."""
        if event.kind not in ("undo", "redo") or event.ref is None:
            return self
        root = self.roots.get(event.ref, event.ref)
        taken = event.kind == "undo"
        undone = (
            self.undone.set(root, True) if taken else self.undone.delete(root) if root in self.undone else self.undone
        )
        return Marks(self.roots.set(event.originator_version, root), undone)


class Taken(Struct, frozen=True):
    """A returned file that was merged: against which version, and the version that it made."""

    base: int
    version: int


class Opened(Struct, frozen=True):
    """A sequence with its undo stacks and marks.

    `base` is the version it was opened at, `snapshot` that of the newest snapshot known, `touched` the version that last
    changed a track (tracks that are not in it: `base`). `taken` are the returned files merged into it, by the digests of
    their bytes.
    """

    project: str
    state: Sequence
    stacks: Stacks = Stacks()
    marks: Marks = Marks()
    base: int = 0
    snapshot: int = 0
    touched: Map[str, int] = Map()
    taken: Map[str, Taken] = Map()

    def advance(self, event: SequenceEvent) -> Opened:
        """Returns it after one more event."""
        after = evolve(self.state, event)
        match event:
            case SequenceEdited(ops=ops):
                return replace(
                    self,
                    state=after,
                    stacks=self.stacks.record(event),
                    marks=self.marks.record(event),
                    taken=_taken(self.taken, event),
                    touched=self.touched.update(dict.fromkeys(tracks_of(ops, self.state, after), after.version)),
                )
            case SequenceCreated() | SequenceImported() | SequenceArchived():
                return replace(self, state=after)
            case _:
                assert_never(event)

    def taken_at(self, digest: str, base: int) -> int | None:
        """Returns the version that the file of this digest made when it was merged against `base`, None when it never was
        or that was taken back."""
        found = self.taken.get(digest)
        if found is None or found.base != base or found.version in self.marks.undone:
            return None
        return found.version

    def stamp(self, track: str) -> int:
        """Returns the version that last changed what is on the track, or that it was opened at."""
        return self.touched.get(track, self.base)


def _taken(taken: Map[str, Taken], event: SequenceEdited) -> Map[str, Taken]:
    """Returns the files merged after one event; a revert takes those away that came after the version it goes back to."""
    origin = event.origin
    if origin is not None and origin.digest:
        return taken.set(origin.digest, Taken(origin.version, event.originator_version))
    if event.kind == "revert" and event.ref is not None and taken:
        return Map({digest: held for digest, held in taken.items() if held.version <= event.ref})
    return taken


def begin(event: SequenceCreated | SequenceImported) -> Opened:
    """Returns a sequence after its first event."""
    state = evolve(None, event)
    return Opened(event.project, state, base=state.version)


def tracks_of(ops: Iterable[Op], before: Sequence, after: Sequence) -> Iterator[str]:
    """Yields the tracks whose settings or items the ops change."""
    for op in ops:
        match op:
            case (
                ItemInserted(track=track) | ItemsShifted(track=track) | TrackSet(track=track) | ItemRemoved(track=track)
            ):
                yield track
            case ItemMoved(before=source, after=target):
                yield source.track
                yield target.track
            case ItemSet(item=item):
                yield from {home for home in (before.home.get(item), after.home.get(item)) if home}
            case TrackInserted(track=made):
                yield made.id
            case TrackRemoved() | TrackMoved() | TransitionSet() | MarkerSet() | SequenceSet() | ConflictSet():
                pass
            case _:
                assert_never(op)
