"""Which items and tracks a command means, and whether what it brings can be used."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from genlock.timeline.edits.drafts import Draft, EditRefused
from genlock.timeline.model import Gap, Generator, Item, Nested, Source
from genlock.timeline.rate import Rate, Speed


def items(draft: Draft, ids: Iterable[str], *, linked: bool) -> tuple[str, ...]:
    """Returns the items named, each once, with their link groups behind them; all must exist on unlocked tracks."""
    chosen = dict.fromkeys(ids)
    if not chosen:
        raise EditRefused("bad_value", "No items were named.")
    for id_ in tuple(chosen):
        draft.item(id_)
        if linked:
            chosen.update(dict.fromkeys(draft.state.linked(id_)))
    for id_ in chosen:
        draft.editable(id_)
    return tuple(chosen)


def clips(draft: Draft, ids: Iterable[str], *, linked: bool) -> tuple[str, ...]:
    """Returns the same as `items`; refuses Gaps."""
    chosen = items(draft, ids, linked=linked)
    if any(draft.is_gap(id_) for id_ in chosen):
        raise EditRefused("bad_value", "A gap is not a clip: this edit works on clips only.")
    return chosen


def tracks(draft: Draft, ids: Iterable[str]) -> tuple[str, ...]:
    """Returns the tracks named, or all unlocked ones when none is."""
    chosen = tuple(dict.fromkeys(ids))
    if chosen:
        for id_ in chosen:
            draft.open_track(id_)
        return chosen
    return tuple(id_ for id_ in draft.state.order if not draft.state.tracks[id_].locked)


def span(start: int, end: int) -> None:
    """Refuses a range that is none."""
    if start < 0:
        raise EditRefused("before_start", f"Frame {start} lies before the first frame of the sequence.")
    if end <= start:
        raise EditRefused("bad_value", f"The range {start} to {end} holds no frame.")


def new_item(draft: Draft, item: Item, track: str) -> Item:
    """Returns the item with an id, ready to go on the track; refuses what no track could hold."""
    if item.duration < 1:
        raise EditRefused("too_short", f"{item.name or 'The item'} has {item.duration} frames; it needs at least one.")
    speed(item.speed)
    source(draft, item.source)
    if isinstance(item.source, Gap) and not draft.magnetic(track):
        raise EditRefused("wrong_placement", "A free track holds no Gap items: there a gap is just room.")
    if item.id in draft.state.items:
        raise EditRefused("id_taken", f"There is already an item {item.id}.")
    if ">" in item.id:
        raise EditRefused("bad_value", f"The id {item.id} contains '>', which keys of transitions need.")
    return item if item.id else replace(item, id=draft.fresh("i"))


def speed(value: Speed) -> Speed:
    """Returns the reduced speed; refuses one that is no fraction."""
    if value.den < 1:
        raise EditRefused(
            "bad_value", f"The speed {value.num}/{value.den} is no speed: its denominator must be positive."
        )
    return Speed.of(value.fraction)


def source(draft: Draft, value: Source) -> None:
    """Refuses a source with an impossible range, and a sequence inside itself."""
    if isinstance(value, Gap | Generator):
        return
    if value.rate is not None and (value.rate.num < 1 or value.rate.den < 1):
        raise EditRefused("bad_rate", f"{value.rate.num}/{value.rate.den} is not a frame rate.")
    if value.frames is not None and value.frames < 0:
        raise EditRefused("bad_value", f"A source cannot have {value.frames} frames.")
    if isinstance(value, Nested) and contains(draft, value.sequence, draft.state.id):
        raise EditRefused("nesting_cycle", "A sequence cannot contain itself, neither directly nor through others.")


def contains(draft: Draft, sequence: str, wanted: str) -> bool:
    """Returns whether the sequence is the wanted one or holds it, however deep."""
    seen: set[str] = set()
    open_ = [sequence]
    while open_:
        id_ = open_.pop()
        if id_ == wanted:
            return True
        if id_ in seen:
            continue
        seen.add(id_)
        state = draft.nested(id_)
        if state is not None:
            open_.extend(it.source.sequence for it in state.items.values() if isinstance(it.source, Nested))
    return False


def rate_of(item: Item, sequence: Rate) -> Rate:
    """Returns the rate of the item's source."""
    return getattr(item.source, "rate", None) or sequence


def amount(draft: Draft, ids: tuple[str, ...]) -> str:
    """Returns how a label names the items: one by its name, more by their number."""
    return draft.name(ids[0]) if len(ids) == 1 else f"{len(ids)} items"


def signed(frames: int) -> str:
    """Returns a number of frames with its sign, as editors write it."""
    return f"+{frames}" if frames >= 0 else f"−{-frames}"
