"""What an item shows and how fast; and its name, switch and effects."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from genlock.timeline.commands import RenameItem, ReplaceSource, SetEffects, SetEnabled, SetSpeed
from genlock.timeline.edits import selection
from genlock.timeline.edits.drafts import Draft, EditRefused
from genlock.timeline.edits.rooms import ripple_along
from genlock.timeline.edits.selection import rate_of
from genlock.timeline.model import Gap, Generator, Item, Source, available_range, source_frame, source_range
from genlock.timeline.rate import Rate, Speed


def replace_source(draft: Draft, command: ReplaceSource) -> str:
    item = draft.editable(command.item)
    if isinstance(command.source, Gap):
        raise EditRefused("bad_value", "A clip is not replaced by a gap: lift it.")
    selection.source(draft, command.source)
    source_in = command.source_in
    if source_in is None:
        source_in = _same_offset(item, command.source, draft.state.rate)
    fields: dict[str, Any] = {"source": command.source, "source_in": source_in}
    if command.name is not None:
        fields["name"] = command.name
    label = f"Replace {draft.name(item.id)}"
    draft.set(item.id, **fields)
    return label


def _same_offset(item: Item, source: Source, rate: Rate) -> int:
    """Returns the source frame as far behind the start of the new source as the item's is behind the old one's."""
    if isinstance(source, Gap | Generator):
        return 0
    if isinstance(item.source, Gap | Generator):
        return source.first
    old_rate, new_rate = rate_of(item, rate).fraction, (source.rate or rate).fraction
    exact = (item.source_in - item.source.first) * new_rate / old_rate
    return source.first + exact.numerator // exact.denominator


def set_speed(draft: Draft, command: SetSpeed) -> str:
    speed = selection.speed(command.speed)
    members = selection.clips(draft, [command.item], linked=command.linked)
    homes, end = {draft.home(id_) for id_ in members}, draft.slot(command.item).end
    grown = -draft.item(command.item).duration
    for id_ in sorted(members, key=lambda id_: -draft.slot(id_).start):
        if command.ripple:
            _retime(draft, id_, speed)
        else:
            draft.set(id_, speed=speed, source_in=_turned(draft.item(id_), speed, draft.state.rate))
    grown += draft.item(command.item).duration
    if command.ripple and command.sync:
        ripple_along(draft, homes, end + min(0, grown), grown)
    percent = float(speed.fraction * 100)
    return f"Speed of {draft.name(command.item)} {percent:g} %".replace("-", "−")


def _turned(item: Item, speed: Speed, rate: Rate) -> int:
    """Returns the in-point at the new speed: when the direction turns, the frame shown last becomes the first."""
    turns = item.speed.num * speed.num < 0
    return source_frame(item, rate, item.duration - 1) if turns else item.source_in


def _retime(draft: Draft, id_: str, speed: Speed) -> None:
    """Shows the same source range at another speed and moves later items."""
    item, track = draft.item(id_), draft.home(id_)
    end = draft.slot(id_).end
    duration = _duration_at(item, speed, draft.state.rate)
    later = None if draft.magnetic(track) else draft.lane(track).since(end)
    grown = duration - item.duration
    if later is not None and grown > 0:
        draft.shift(track, later.id, grown)
    draft.set(id_, speed=speed, source_in=_turned(item, speed, draft.state.rate), duration=duration)
    if later is not None and grown < 0:
        draft.shift(track, later.id, grown)


def _duration_at(item: Item, speed: Speed, rate: Rate) -> int:
    """Returns how many sequence frames the item's source range lasts at the new speed; a freeze frame, before or after,
    keeps its length."""
    old, new = abs(item.speed.fraction), abs(speed.fraction)
    if not old or not new:
        return item.duration
    duration = max(1, int(item.duration * old / new))
    low, high = source_range(item, rate)
    first = _turned(item, speed, rate)
    step = new * rate_of(item, rate).fraction / rate.fraction
    if speed.num < 0:
        # backwards from the last frame there is one step less to the first than forwards to the end
        return min(duration, int((first - low) / step) + 1)
    available = available_range(item)
    if item.speed.num > 0:
        high = available[1] if available else high + duration  # no end known: nothing to run out of
    reach = Fraction(high - first) / step
    return max(1, min(duration, -(-reach.numerator // reach.denominator)))


def set_enabled(draft: Draft, command: SetEnabled) -> str:
    chosen = selection.items(draft, command.items, linked=False)
    for id_ in chosen:
        draft.set(id_, enabled=command.enabled)
    return f"{'Enable' if command.enabled else 'Disable'} {selection.amount(draft, chosen)}"


def rename_item(draft: Draft, command: RenameItem) -> str:
    item = draft.editable(command.item)
    label = f"Rename {draft.name(item.id)} to {command.name}"
    draft.set(item.id, name=command.name)
    return label


def set_effects(draft: Draft, command: SetEffects) -> str:
    item = draft.editable(command.item)
    fields: dict[str, Any] = {}
    if command.effects is not None:
        fields["effects"] = command.effects
    if command.foreign is not None:
        fields["foreign"] = command.foreign
    draft.set(item.id, **fields)
    return f"Effects of {draft.name(item.id)}"
