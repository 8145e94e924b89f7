"""Timelines as text, for tests: `cut("V1= A:10 _:5 B:20/7", "A1~ S:30@10&l")`.

A track is its id, `=` (magnetic) or `~` (free), `!` when locked, `?` when not sync-locked, then its items:
name:duration, `@start` on a free track, `/source_in`, `*speed` (1r2 is a half), `[first+frames]` the media there is,
`%rate` of the source (frames per second), `&link`. `_` is a Gap.
"""

from __future__ import annotations

import re
from typing import Any

from genlock.timeline import check
from genlock.timeline.commands import EditCommand
from genlock.timeline.decision import Context, Decision, Refusal
from genlock.timeline.edits import decide
from genlock.timeline.events import Content, Placed, TrackContent, content_of, restore
from genlock.timeline.model import Gap, Item, Marker, Media, Track, Transition
from genlock.timeline.ops import Op
from genlock.timeline.rate import Rate, Speed
from genlock.timeline.redo import inverse
from genlock.timeline.sequence import Sequence, apply_all

_TRACK = re.compile(r"(\w+)([=~])(!?)(\??)\s*(.*)")
_ITEM = re.compile(
    r"(?P<name>\w+):(?P<dur>\d+)(?:@(?P<start>-?\d+))?(?:/(?P<into>-?\d+))?(?:\*(?P<num>-?\d+)(?:r(?P<den>\d+))?)?"
    r"(?:\[(?P<first>-?\d+)\+(?P<frames>\d+)\])?(?:%(?P<rate>\d+))?(?:&(?P<link>\w+))?\Z"
)


def item(text: str, number: int = 0) -> Item:
    """Reads one item; its name is its id."""
    return _read(text, number)[0]


def _read(text: str, number: int) -> tuple[Item, int | None]:
    part = _ITEM.match(text)
    assert part, text
    start = None if part["start"] is None else int(part["start"])
    if part["name"] == "_":
        return Item(f"gap{number}", Gap(), int(part["dur"])), start
    source = Media(
        f"m{part['name'][0]}",
        int(part["first"] or 0),
        None if part["frames"] is None else int(part["frames"]),
        Rate(int(part["rate"])) if part["rate"] else None,
    )
    made = Item(
        part["name"],
        source,
        int(part["dur"]),
        part["name"],
        int(part["into"] or 0),
        Speed(int(part["num"] or 1), int(part["den"] or 1)),
        link=part["link"],
    )
    return made, start


def cut(
    *tracks: str, transitions: tuple[str, ...] = (), markers: tuple[Marker, ...] = (), rate: Rate = Rate(24)
) -> Sequence:
    """Builds a sequence; a transition is "left>right in+out". It must be sound."""
    parts, number = [], 0
    for text in tracks:
        head = _TRACK.match(text)
        assert head, text
        id_, place, locked, apart, rest = head.groups()
        track = Track(
            id_,
            "audio" if id_.startswith("A") else "video",
            id_,
            "magnetic" if place == "=" else "free",
            locked=bool(locked),
            sync_lock=not apart,
        )
        placed = []
        for word in rest.split():
            number += 1
            it, start = _read(word, number)
            placed.append(Placed(it, start))
        parts.append(TrackContent(track, tuple(placed)))
    made = []
    for text in transitions:
        key, lengths = text.split()
        (left, right), (before, behind) = key.split(">"), lengths.split("+")
        made.append(Transition(left or None, right or None, int(before), int(behind)))
    state = restore("s0", 1, Content("Cut", rate, tracks=tuple(parts), transitions=tuple(made), markers=markers))
    assert check.violations(state) == [], check.violations(state)
    return state


def picture(state: Sequence) -> list[str]:
    """Writes the tracks as `cut` reads them (without media ranges, rates and links)."""
    lines = []
    for id_ in state.order:
        track, words = state.tracks[id_], []
        for slot, it in state.placed(id_):
            word = f"{'_' if isinstance(it.source, Gap) else it.name}:{it.duration}"
            if track.placement == "free":
                word += f"@{slot.start}"
            if it.source_in:
                word += f"/{it.source_in}"
            if it.speed != Speed():
                word += f"*{it.speed.num}" + (f"r{it.speed.den}" if it.speed.den != 1 else "")
            words.append(word)
        mark = "=" if track.placement == "magnetic" else "~"
        lines.append(f"{id_}{mark} {' '.join(words)}".strip())
    return lines


def fades(state: Sequence) -> list[str]:
    """Writes the transitions by the names of their neighbours."""

    def name(id_: str | None) -> str:
        return state.items[id_].name if id_ else ""

    return sorted(f"{name(t.left)}>{name(t.right)} {t.in_offset}+{t.out_offset}" for t in state.transitions.values())


def do(state: Sequence, command: EditCommand, **context: Any) -> Sequence:
    """Carries out a command that must succeed; checks the invariants, that undo is exact, and that ids repeat."""
    decision = decide(state, command, Context("c1", **context))
    assert isinstance(decision, Decision), decision
    after = apply_all(state, decision.ops)
    assert check.violations(after) == []
    assert same(apply_all(after, reverse(decision.ops)), state)
    assert decide(state, command, Context("c1", **context)) == decision
    assert decision.label
    return after


def refused(state: Sequence, command: EditCommand, **context: Any) -> Refusal:
    """Carries out a command that must be refused."""
    answer = decide(state, command, Context("c1", **context))
    assert isinstance(answer, Refusal), answer
    assert answer.message
    return answer


def same(one: Sequence, two: Sequence) -> bool:
    """Whether two states hold the same, to the last look-up table."""
    tables = ("order", "lanes", "items", "home", "links", "marks", "tracks")
    return content_of(one) == content_of(two) and all(getattr(one, name) == getattr(two, name) for name in tables)


def reverse(ops: tuple[Op, ...]) -> list[Op]:
    """Turns every op round, last first, from what it carries alone."""
    return [inverse(op) for op in reversed(ops)]
