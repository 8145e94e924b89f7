"""Whether a whole timeline that came from elsewhere may become a sequence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping

from genlock.errors import Refused
from genlock.project.rules import valid
from genlock.timeline.check import violations
from genlock.timeline.decision import Conflict, Refusal
from genlock.timeline.events import Content, restore
from genlock.timeline.model import Item, Nested
from genlock.timeline.sequence import Sequence

SHOWN = 20
"""Conflicts listed in a refusal; a broken export can have thousands of the same kind."""


def check(content: Content, state: Sequence | None = None) -> Refusal | None:
    """Returns why the content is no sound sequence, or None. `state` is what it restores to, where that is known."""
    bad = valid.name(content.name) or valid.rate(content.rate) or _twice(content)
    if bad:
        return bad
    if content.start_frame < 0:
        return Refusal("bad_time", f"The first frame cannot have number {content.start_frame}.")
    shortest = min((p.item.duration for part in content.tracks for p in part.items), default=1)
    if shortest < 1:
        return Refusal("bad_time", f"An item of {content.name} lasts {shortest} frames.")
    found = violations(state or restore("0" * 32, 1, content))
    if not found:
        return None
    more = f" ({len(found)} such)" if len(found) > 1 else ""
    message = f"{content.name} is not sound: {_sentence(found[0])}{more}"
    return Refusal("bad_timeline", message, tuple(found[:SHOWN]))


def check_nesting(contents: Mapping[str, Content]) -> None:
    """Raises Refused(nesting_cycle) when one of the sequences shows itself, directly or through others."""
    shows = {id_: shown_by(content) for id_, content in contents.items()}
    refuse_cycles(shows, lambda id_: contents[id_].name)


def refuse_cycles(shows: Mapping[str, set[str]], name: Callable[[str], str]) -> None:
    """Raises Refused(nesting_cycle) when a sequence of `shows` shows itself, directly or through others of them."""
    done: set[str] = set()
    while ready := [id_ for id_ in shows if id_ not in done and shows[id_] & shows.keys() <= done]:
        done.update(ready)
    if len(done) < len(shows):
        names = sorted(name(id_) for id_ in shows if id_ not in done)
        raise Refused("nesting_cycle", f"{', '.join(names)} would contain each other.")


def shown_by(content: Content) -> set[str]:
    """Returns the sequences that items of the content show."""
    return shown(placed.item for part in content.tracks for placed in part.items)


def shown(items: Iterable[Item]) -> set[str]:
    """Returns the sequences that the items show."""
    return {item.source.sequence for item in items if isinstance(item.source, Nested)}


def _twice(content: Content) -> Refusal | None:
    ids = Counter(part.track.id for part in content.tracks)
    ids.update(placed.item.id for part in content.tracks for placed in part.items)
    ids.update(marker.id for marker in content.markers)
    again = [Conflict("id_taken", id_) for id_, times in ids.items() if times > 1 or not id_]
    if again:
        what = repr(again[0].id) if again[0].id else "empty"
        return Refusal("bad_timeline", f"An id of {content.name} is there twice: {what}.", tuple(again[:SHOWN]))
    return None


def _sentence(conflict: Conflict) -> str:
    return conflict.message or f"{conflict.code} at {conflict.id}"
