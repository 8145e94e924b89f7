"""The content of one track: which items lie where, as a persistent list in chunks.

A lane keeps (id, start, duration) of each item in order. Starts inside a chunk are relative to the chunk's base, so that
a ripple touches one chunk and adds to the later bases: an edit on a 10,000-clip reel copies about 128 entries and 80
integers, and finding an item or a frame is a hash look-up a chunk or a bisection (docs/why/lane.md has the figures).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

CHUNK: Final = 128
"""Entries in a chunk at most; it splits in two beyond."""


class Slot(NamedTuple):
    """Where an item lies: frames from the sequence's first frame."""

    id: str
    start: int
    duration: int

    @property
    def end(self) -> int:
        """One past the last frame."""
        return self.start + self.duration


class _Chunk(NamedTuple):
    ids: tuple[str, ...]
    starts: tuple[int, ...]  # relative to the chunk's base; the first is 0
    durations: tuple[int, ...]
    members: frozenset[str]


def _chunk(ids: tuple[str, ...], starts: tuple[int, ...], durations: tuple[int, ...]) -> tuple[_Chunk, int]:
    """Returns the chunk of absolute starts, and its base."""
    base = starts[0]
    return _Chunk(ids, tuple([s - base for s in starts]) if base else starts, durations, frozenset(ids)), base


class Lane:
    """An immutable ordered list of slots. Methods that change it return a new one.

    It trusts its callers for what edits must check (free room, no negative start); unknown ids raise KeyError.
    """

    __slots__ = ("_bases", "_chunks", "_near", "_size")

    def __init__(
        self, chunks: tuple[_Chunk, ...] = (), bases: tuple[int, ...] = (), size: int = 0, near: int = 0
    ) -> None:
        self._chunks = chunks
        self._bases = bases
        self._size = size
        self._near = near  # the chunk looked at last: one edit asks for neighbours again and again

    @classmethod
    def of(cls, slots: Iterable[tuple[str, int, int]]) -> Lane:
        """Builds a lane from (id, start, duration) in order of start."""
        rows = list(slots)
        chunks, bases = [], []
        for at in range(0, len(rows), CHUNK // 2):
            ids, starts, durations = zip(*rows[at : at + CHUNK // 2], strict=True)
            chunk, base = _chunk(ids, starts, durations)
            chunks.append(chunk)
            bases.append(base)
        return cls(tuple(chunks), tuple(bases), len(rows))

    # -- reading

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[Slot]:
        for chunk, base in zip(self._chunks, self._bases, strict=True):
            yield from map(Slot, chunk.ids, [start + base for start in chunk.starts], chunk.durations)

    def __contains__(self, id_: str) -> bool:
        return any(id_ in chunk.members for chunk in self._chunks)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Lane) or self._size != other._size:
            return False
        return (self._bases == other._bases and self._chunks == other._chunks) or list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Lane({list(self)!r})"

    def ids(self) -> Iterator[str]:
        """Yields the ids in order."""
        for chunk in self._chunks:
            yield from chunk.ids

    @property
    def end(self) -> int:
        """One past the last frame of the last item; 0 when empty."""
        if not self._chunks:
            return 0
        chunk = self._chunks[-1]
        return self._bases[-1] + chunk.starts[-1] + chunk.durations[-1]

    @property
    def first(self) -> Slot | None:
        return self._slot(0, 0) if self._chunks else None

    @property
    def last(self) -> Slot | None:
        return self._slot(len(self._chunks) - 1, len(self._chunks[-1].ids) - 1) if self._chunks else None

    def slot(self, id_: str) -> Slot:
        """Returns where the item lies; KeyError when it is not here."""
        return self._slot(*self._locate(id_))

    def before(self, id_: str) -> Slot | None:
        """Returns the left neighbour in order, touching or not."""
        return self._before(*self._locate(id_))

    def after(self, id_: str) -> Slot | None:
        """Returns the right neighbour in order, touching or not."""
        return self._after(*self._locate(id_))

    def around(self, id_: str) -> tuple[Slot | None, Slot, Slot | None]:
        """Returns the left neighbour, the item itself and the right neighbour in order, touching or not."""
        k, i = self._locate(id_)
        return self._before(k, i), self._slot(k, i), self._after(k, i)

    def lefts(self, id_: str, count: int) -> tuple[str, ...]:
        """Returns up to `count` ids before the item, nearest first."""
        k, i = self._locate(id_)
        found = list(reversed(self._chunks[k].ids[max(0, i - count) : i]))
        while len(found) < count and k:
            k -= 1
            found.extend(reversed(self._chunks[k].ids[-(count - len(found)) :]))
        return tuple(found)

    def rights(self, id_: str, count: int) -> tuple[str, ...]:
        """Returns up to `count` ids behind the item, nearest first."""
        k, i = self._locate(id_)
        found = list(self._chunks[k].ids[i + 1 : i + 1 + count])
        while len(found) < count and k + 1 < len(self._chunks):
            k += 1
            found.extend(self._chunks[k].ids[: count - len(found)])
        return tuple(found)

    def at(self, frame: int) -> Slot | None:
        """Returns the item that covers the frame, or None in a gap."""
        slot = self.upto(frame)
        return slot if slot and frame < slot.end else None

    def upto(self, frame: int) -> Slot | None:
        """Returns the last item that starts at or before the frame."""
        place = self._upto(frame)
        return self._slot(*place) if place else None

    def since(self, frame: int) -> Slot | None:
        """Returns the first item that starts at or after the frame."""
        place = self._upto(frame - 1)
        return self._after(*place) if place else self.first

    def between(self, start: int, end: int) -> list[Slot]:
        """Returns the items that touch frames `start` to `end` (exclusive), in order."""
        place = self._upto(start)
        k, i = place or (0, 0)
        if place and self._slot(k, i).end <= start:
            i += 1
        found: list[Slot] = []
        while k < len(self._chunks):
            while i < len(self._chunks[k].ids):
                slot = self._slot(k, i)
                if slot.start >= end:
                    return found
                found.append(slot)
                i += 1
            k, i = k + 1, 0
        return found

    # -- changing

    def insert_after(self, after: str | None, id_: str, duration: int) -> Lane:
        """Inserts behind `after` (None: at the head) and moves everything later right by `duration`."""
        if not self._chunks:
            return Lane.of([(id_, 0, duration)])
        if after is None:
            ids, starts, durations = self._rows(0)
            rows = (id_, *ids), (0, *[s + duration for s in starts]), (duration, *durations)
            return self._with(0, *rows, delta=duration, grown=1)
        k, i = self._locate(after)
        chunk = self._chunks[k]
        return self._put(k, i + 1, id_, chunk.starts[i] + chunk.durations[i], duration, delta=duration)

    def insert_at(self, start: int, id_: str, duration: int) -> Lane:
        """Inserts at frame `start`; nothing else moves."""
        place = self._upto(start)
        if place is not None:
            k, i = place
            return self._put(k, i + 1, id_, start - self._bases[k], duration)
        if not self._chunks:
            return Lane.of([(id_, start, duration)])
        ids, starts, durations = self._rows(0)
        return self._with(0, (id_, *ids), (start, *starts), (duration, *durations), grown=1)

    def remove(self, id_: str, *, close: bool) -> Lane:
        """Removes the item; with `close` everything later moves left by its duration."""
        k, i = self._locate(id_)
        chunk = self._chunks[k]
        delta = -chunk.durations[i] if close else 0
        ids, durations = chunk.ids[:i] + chunk.ids[i + 1 :], chunk.durations[:i] + chunk.durations[i + 1 :]
        if not i:
            starts = tuple([s + delta for s in self._rows(k)[1][1:]])
            return self._with(k, ids, starts, durations, delta=delta, grown=-1)
        starts = (*chunk.starts[:i], *[s + delta for s in chunk.starts[i + 1 :]])
        return self._swap(k, _Chunk(ids, starts, durations, chunk.members - {id_}), delta, -1)

    def resize(self, id_: str, duration: int, *, push: bool) -> Lane:
        """Gives the item a new duration; with `push` everything later moves by the difference."""
        k, i = self._locate(id_)
        chunk = self._chunks[k]
        delta = duration - chunk.durations[i] if push else 0
        durations = (*chunk.durations[:i], duration, *chunk.durations[i + 1 :])
        return self._moved(k, i + 1, delta, _Chunk(chunk.ids, chunk.starts, durations, chunk.members))

    def shift(self, first: str, delta: int) -> Lane:
        """Moves the item `first` and everything after it by `delta` frames."""
        k, i = self._locate(first)
        return self._moved(k, i, delta, self._chunks[k])

    # -- inside

    def _locate(self, id_: str) -> tuple[int, int]:
        near = self._near
        if near < len(self._chunks) and id_ in (chunk := self._chunks[near]).members:
            return near, chunk.ids.index(id_)
        for k in range(max(0, near - 1), min(len(self._chunks), near + 2)):
            chunk = self._chunks[k]
            if id_ in chunk.members:
                return k, chunk.ids.index(id_)
        for k, chunk in enumerate(self._chunks):
            if id_ in chunk.members:
                self._near = k
                return k, chunk.ids.index(id_)
        raise KeyError(id_)

    def _upto(self, frame: int) -> tuple[int, int] | None:
        """Returns where the last item is that starts at or before the frame."""
        k = bisect_right(self._bases, frame) - 1
        if k < 0:
            return None
        self._near = k
        return k, bisect_right(self._chunks[k].starts, frame - self._bases[k]) - 1

    def _slot(self, k: int, i: int) -> Slot:
        chunk = self._chunks[k]
        return Slot(chunk.ids[i], chunk.starts[i] + self._bases[k], chunk.durations[i])

    def _before(self, k: int, i: int) -> Slot | None:
        if i:
            return self._slot(k, i - 1)
        return self._slot(k - 1, len(self._chunks[k - 1].ids) - 1) if k else None

    def _after(self, k: int, i: int) -> Slot | None:
        if i + 1 < len(self._chunks[k].ids):
            return self._slot(k, i + 1)
        return self._slot(k + 1, 0) if k + 1 < len(self._chunks) else None

    def _rows(self, k: int) -> tuple[tuple[str, ...], tuple[int, ...], tuple[int, ...]]:
        chunk, base = self._chunks[k], self._bases[k]
        return chunk.ids, tuple([s + base for s in chunk.starts]), chunk.durations

    def _moved(self, k: int, i: int, delta: int, chunk: _Chunk) -> Lane:
        """Returns the lane with chunk `k` replaced by `chunk`, and everything from entry `i` of it on moved."""
        bases = self._bases
        if delta:
            if i:
                starts = (*chunk.starts[:i], *[start + delta for start in chunk.starts[i:]])
                chunk = _Chunk(chunk.ids, starts, chunk.durations, chunk.members)
            held = k + (i > 0)
            bases = (*bases[:held], *[base + delta for base in bases[held:]])
        chunks = (*self._chunks[:k], chunk, *self._chunks[k + 1 :])
        return Lane(chunks, bases, self._size, k)

    def _put(self, k: int, i: int, id_: str, start: int, duration: int, *, delta: int = 0) -> Lane:
        """Returns the lane with an entry before entry `i` (not the first) of chunk `k`, at `start` of the chunk; what
        is later moves by `delta`."""
        ids, starts, durations, members = self._chunks[k]
        chunk = _Chunk(
            (*ids[:i], id_, *ids[i:]),
            (*starts[:i], start, *([s + delta for s in starts[i:]] if delta else starts[i:])),
            (*durations[:i], duration, *durations[i:]),
            members | {id_},
        )
        if len(chunk.ids) <= CHUNK:
            return self._swap(k, chunk, delta, 1)
        base = self._bases[k]
        return self._with(k, chunk.ids, tuple([s + base for s in chunk.starts]), chunk.durations, delta=delta, grown=1)

    def _swap(self, k: int, chunk: _Chunk, delta: int, grown: int) -> Lane:
        """Returns the lane with another chunk `k` on the same base; later chunks move by `delta`."""
        bases = self._bases
        if delta:
            bases = (*bases[: k + 1], *[base + delta for base in bases[k + 1 :]])
        return Lane((*self._chunks[:k], chunk, *self._chunks[k + 1 :]), bases, self._size + grown, k)

    def _with(
        self,
        k: int,
        ids: tuple[str, ...],
        starts: tuple[int, ...],
        durations: tuple[int, ...],
        *,
        delta: int = 0,
        grown: int = 0,
    ) -> Lane:
        """Returns the lane with chunk `k` replaced by these rows (absolute starts) and later bases moved by `delta`."""
        half = len(ids) // 2 if len(ids) > CHUNK else 0
        parts = [(0, half), (half, len(ids))] if half else [(0, len(ids))] if ids else []
        made = [_chunk(ids[a:b], starts[a:b], durations[a:b]) for a, b in parts]
        later = self._bases[k + 1 :]
        return Lane(
            (*self._chunks[:k], *[chunk for chunk, _ in made], *self._chunks[k + 1 :]),
            (
                *self._bases[:k],
                *[base for _, base in made],
                *([b + delta for b in later] if delta else later),
            ),
            self._size + grown,
            k,
        )
