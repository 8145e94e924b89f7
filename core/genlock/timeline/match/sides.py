"""The two cuts side by side, as columns of numbers: what every rung looks at and writes into."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from fractions import Fraction
from typing import Any, Final, assert_never

import msgspec

from genlock.timeline.match.files import family, same_files
from genlock.timeline.match.order import rising
from genlock.timeline.match.values import PathOf, Rung, name_of
from genlock.timeline.model import Gap, Generator, Item, Media, Nested, Shot, Source, source_range
from genlock.timeline.rate import NORMAL, Rate
from genlock.timeline.sequence import Sequence


class Side:
    """One cut. The columns are parallel, one entry an item that is no Gap, track by track from the first.

    `media` names what is shown (the same number on both sides: the same file); `low` and `high` bound the source frames
    shown, at the sequence's rate; `exact` is one number for all that the second rung compares. `prev` and `next` are
    the neighbours on the track, -1 at its ends; `rank` counts along the track. `holes` are the tracks with Gap items.
    """

    def __init__(self, state: Sequence) -> None:
        self.state = state
        self.ids: list[str] = []
        self.items: list[Item] = []
        self.track: list[int] = []
        self.rank: list[int] = []
        self.start: list[int] = []
        self.prev: list[int] = []
        self.next: list[int] = []
        self.low: list[Any] = []
        self.high: list[Any] = []
        self.media: list[int] = []
        self.exact: list[int] = []
        self.kinds = [state.tracks[track].kind for track in state.order]
        self.rows: list[range] = []
        self.holes: set[int] = set()
        for number, track in enumerate(state.order):
            self._row(number, track)
        self.at = {id_: n for n, id_ in enumerate(self.ids)}

    def _row(self, number: int, track: str) -> None:
        first, rate, items = len(self.ids), self.state.rate, self.state.items
        for id_, start, _ in self.state.lanes[track]:
            item = items[id_]
            if isinstance(item.source, Gap):
                self.holes.add(number)
                continue
            self.ids.append(id_)
            self.items.append(item)
            self.start.append(start)
            low, high = _shown_range(item, rate)
            self.low.append(low)
            self.high.append(high)
        end = len(self.ids)
        count = end - first
        self.track.extend([number] * count)
        self.rank.extend(range(count))
        self.prev.extend(range(first - 1, end - 1))
        self.next.extend(range(first + 1, end + 1))
        if count:
            self.prev[first] = self.next[-1] = -1
        self.rows.append(range(first, end))

    def __len__(self) -> int:
        return len(self.ids)


def _shown_range(item: Item, rate: Rate) -> tuple[Any, Any]:
    """Returns the lowest source frame shown and one past the highest, at the sequence's rate."""
    own = getattr(item.source, "rate", None)
    if own is None or own == rate:
        if item.speed == NORMAL:
            return item.source_in, item.source_in + item.duration
        return source_range(item, rate)
    low, high = source_range(item, rate)
    scale = rate.fraction / own.fraction
    return Fraction(low) * scale, Fraction(high) * scale


class Keys:
    """Numbers for what items show. Files are one when their paths are, else when their names say so.

    `media` are the files that are the same. `renamed` are numbers that only seem to be: another version of a file, or
    one of another name that is shown in the same pieces. Items are looked for by them, and no file is ever taken for
    another because of them.
    """

    def __init__(self, base: Side, returned: Side, base_path: PathOf, path: PathOf) -> None:
        here, there = _shown(base, base_path), _shown(returned, path)
        self.media = same_files(_paths(here), _paths(there))
        self._numbers: dict[tuple[str, ...], int] = {}
        base.media = [self._number(one) for one in here]
        returned.media = [self._number(self._in_base(one)) for one in there]
        self.family = {number: _family(one) for one, number in self._numbers.items()}
        seeming = self._seeming(base, returned)
        self.renamed = set(seeming.values())
        returned.media = [seeming.get(number, number) for number in returned.media]
        for at, number in enumerate(returned.media):
            if number == self._numbers.get(_STAND_IN):  # the frames of what stands for something mean nothing
                returned.low[at], returned.high[at] = 0, returned.items[at].duration

    def _seeming(self, base: Side, returned: Side) -> dict[int, int]:
        """Returns returned number -> base number for what only one side has, told by file family, else by its pieces."""
        known, there = set(base.media), set(returned.media)
        here = sorted(known - there)
        rest = sorted(there - known)
        found: dict[int, int] = {}
        if here and rest:
            ours, theirs = self._families(here), self._families(rest)
            for one, numbers in theirs.items():
                if len(numbers) == 1 == len(ours.get(one, ())):
                    found[numbers[0]] = ours[one][0]
            gone = set(found.values())
            found.update(_by_pieces(base, set(here) - gone, returned, set(rest) - found.keys()))
        return found

    def _families(self, numbers: list[int]) -> dict[tuple[str, str], list[int]]:
        groups: dict[tuple[str, str], list[int]] = {}
        for number in numbers:
            if self.family[number][0] != "generator":
                groups.setdefault(self.family[number], []).append(number)
        return groups

    def _in_base(self, shown: tuple[str, ...]) -> tuple[str, ...]:
        """Returns what the base calls a thing. A mere name or a title that it has not may stand for what the format cannot
        say."""
        if shown[0] == "file" and (known := self.media.get(shown[1])) is not None:
            return "file", known
        made_up = shown[0] == "generator" or (shown[0] == "file" and name_of(shown[1]) is not None)
        return _STAND_IN if made_up and shown not in self._numbers and _STAND_IN in self._numbers else shown

    def _number(self, shown: tuple[str, ...]) -> int:
        return self._numbers.setdefault(shown, len(self._numbers))


_STAND_IN: Final = ("generator", "placeholder", "{}")
"""What an item shows that its format wrote as a placeholder."""


def _by_pieces(base: Side, here: set[int], returned: Side, there: set[int]) -> dict[int, int]:
    """Returns returned media -> base media where a fifth of its pieces, two at least, are pieces of that one alone, and
    hardly any of another one."""
    ours, theirs = _pieces(base, here), _pieces(returned, there)
    votes: Counter[tuple[int, int]] = Counter()
    for piece, shown in theirs.items():
        if len(shown) == 1 == len(ours.get(piece, ())):
            votes[shown[0], ours[piece][0]] += 1
    counts = Counter(number for number in returned.media if number in there)
    found: dict[int, int] = {}
    doubtful: dict[int, int] = {}
    for (one, other), count in sorted(votes.items(), key=lambda row: (-row[1], row[0])):
        if one in found or other in found.values():
            doubtful[found.get(one, other)] = count
        elif count >= max(2, counts[one] / 5):
            found[one] = other
    return {one: other for one, other in found.items() if votes[one, other] >= 3 * doubtful.get(other, 0)}


def _pieces(side: Side, numbers: set[int]) -> dict[tuple[Any, ...], list[int]]:
    groups: dict[tuple[Any, ...], list[int]] = {}
    for at, number in enumerate(side.media):
        if number in numbers:
            item = side.items[at]
            piece = side.kinds[side.track[at]], side.low[at], item.duration, item.speed.num, item.speed.den
            groups.setdefault(piece, []).append(number)
    return groups


def _shown(side: Side, path: PathOf) -> list[tuple[str, ...]]:
    known: dict[tuple[str, str, str], tuple[str, ...]] = {}
    found = []
    for item in side.items:
        source = item.source
        match source:
            case Media(media=id_):
                key = ("media", id_, "")
            case Shot(shot=id_, take=take):
                key = ("shot", id_, take or "")
            case Generator() | Nested() | Gap():
                found.append(_made(source))
                continue
            case _:
                assert_never(source)
        if key not in known:
            where = path(source)
            known[key] = ("file", where) if where else key[:2]
        found.append(known[key])
    return found


def _made(source: Source) -> tuple[str, ...]:
    match source:
        case Generator(generator=kind, parameters=parameters):
            return "generator", kind, msgspec.json.encode(parameters, order="deterministic").decode()
        case Nested(sequence=id_):
            return "nested", id_
        case _:
            raise TypeError(source)


def _paths(shown: list[tuple[str, ...]]) -> set[str]:
    return {one[1] for one in shown if one[0] == "file"}


def _family(shown: tuple[str, ...]) -> tuple[str, str]:
    return shown[0], family(shown[1]) if shown[0] == "file" else shown[1]


class Board:
    """What was found so far. Base items and returned ones are numbers into the columns of their sides.

    `mate` leads from base to returned, `known` back; `lane` from a returned track to a base one (-1: none). `steady`
    says of a matched base item that it kept its place among the others of its track; `expected` is where on the
    returned track a base item would lie, going by those.
    """

    def __init__(self, base: Side, returned: Side, keys: Keys, told: frozenset[str]) -> None:
        self.base = base
        self.returned = returned
        self.keys = keys
        self.told = told
        self.mate = [-1] * len(base)
        self.known = [-1] * len(returned)
        self.rungs: list[Rung | None] = [None] * len(returned)
        self.lane = [-1] * len(returned.rows)
        self.steady = [False] * len(base)
        self.expected = list(base.rank)
        _number_exactly(base, returned)

    def take(self, b: int, r: int, rung: Rung) -> None:
        self.mate[b], self.known[r] = r, b
        self.rungs[r] = rung

    def free(self, b: int, r: int) -> bool:
        return self.mate[b] < 0 and self.known[r] < 0

    def aligned(self, b: int, r: int) -> bool:
        """Returns whether they lie on the same track."""
        return self.lane[self.returned.track[r]] == self.base.track[b]

    def alike(self, b: int, r: int) -> bool:
        """Returns whether both are picture or both sound."""
        return self.base.kinds[self.base.track[b]] == self.returned.kinds[self.returned.track[r]]

    def context(self, b: int, r: int) -> int:
        """Returns how many neighbours (0 to 2) are each other's; both at the same end of a track count as one."""
        count = 0
        ends = self.aligned(b, r)
        for here, there in ((self.base.prev[b], self.returned.prev[r]), (self.base.next[b], self.returned.next[r])):
            if here >= 0 and there >= 0:
                count += self.mate[here] == there
            elif here == there:
                count += ends
        return count

    def around(self, b: int, r: int) -> list[tuple[int, int]]:
        """Returns the pairs of left and of right neighbours that are both still free."""
        found = []
        for here, there in ((self.base.prev[b], self.returned.prev[r]), (self.base.next[b], self.returned.next[r])):
            if here >= 0 and there >= 0 and self.mate[here] < 0 and self.known[there] < 0:
                found.append((here, there))
        return found

    def away(self, b: int, r: int) -> int:
        """Returns how far from where one would look for it the returned item lies, in items."""
        return abs(self.expected[b] - self.returned.rank[r])

    def find_tracks(self) -> None:
        """Pairs the tracks: by their ids, by what was found to lie on them, by name, by position."""
        here, there = self.base.state, self.returned.state
        lane = [-1] * len(there.order)
        places = {id_: n for n, id_ in enumerate(here.order)}
        free = set(range(len(here.order)))
        for t, id_ in enumerate(there.order):
            if id_ in self.told and id_ in places and self.base.kinds[places[id_]] == self.returned.kinds[t]:
                lane[t] = places[id_]
                free.discard(lane[t])
        for b, t in self._by_weight():
            if lane[t] < 0 and b in free:
                lane[t] = b
                free.discard(b)
        for named in (_names, _places):
            ours = {key: b for b, key in reversed(list(enumerate(named(self.base)))) if b in free and key is not None}
            for t, key in enumerate(named(self.returned)):
                if lane[t] < 0 and key in ours:
                    lane[t] = ours.pop(key)
                    free.discard(lane[t])
        self.lane = lane

    def _by_weight(self) -> list[tuple[int, int]]:
        here = self.base.track
        votes = Counter((here[b], t) for b, t in zip(self.known, self.returned.track, strict=True) if b >= 0)
        alike = (pair for pair in votes if self.base.kinds[pair[0]] == self.returned.kinds[pair[1]])
        return sorted(alike, key=lambda pair: (-votes[pair], abs(pair[0] - pair[1]), pair))

    def align(self) -> None:
        """Says which matched items kept their place, and where the others would be expected."""
        self.steady = [False] * len(self.base)
        for row in self.returned.rows:
            pairs = [(b, r) for r in row if (b := self.known[r]) >= 0 and self.aligned(b, r)]
            for at in rising([b for b, _ in pairs]):
                self.steady[pairs[at][0]] = True
        for row in self.base.rows:
            shift = 0
            for b in row:
                if self.steady[b]:
                    shift = self.returned.rank[self.mate[b]] - self.base.rank[b]
                self.expected[b] = self.base.rank[b] + shift


def _names(side: Side) -> list[tuple[str, str] | None]:
    tracks = [side.state.tracks[id_] for id_ in side.state.order]
    return [(track.kind, track.name) if track.name else None for track in tracks]


def _places(side: Side) -> list[tuple[str, int]]:
    """Returns kind and number of each track: the second of sound, the first of picture."""
    counts: Counter[str] = Counter()
    found: list[tuple[str, int]] = []
    for kind in side.kinds:
        found.append((kind, counts[kind]))
        counts[kind] += 1
    return found


def _number_exactly(base: Side, returned: Side) -> None:
    numbers: dict[tuple[Any, ...], int] = {}
    for side in (base, returned):
        side.exact = [
            numbers.setdefault(
                (side.kinds[track], media, low, item.duration, item.speed.num, item.speed.den), len(numbers)
            )
            for track, media, low, item in zip(side.track, side.media, side.low, side.items, strict=True)
        ]


def groups(numbers: list[int], mates: list[int]) -> Mapping[int, list[int]]:
    """Returns number -> the places of it that have no mate."""
    found: dict[int, list[int]] = {}
    for at, number in enumerate(numbers):
        if mates[at] < 0:
            found.setdefault(number, []).append(at)
    return found
