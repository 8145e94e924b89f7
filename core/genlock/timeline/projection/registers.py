"""The values of one returned item against those of the item it was: what the format cannot tell stays as it was."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any, Final

from msgspec.structs import replace

from genlock.timeline.model import (
    Gap,
    Generator,
    Item,
    Marker,
    Media,
    Nested,
    Shot,
    Source,
    source_range,
    source_step,
)
from genlock.timeline.profiles import Feature, Profile
from genlock.timeline.projection.stripping import stripped
from genlock.timeline.projection.table import PLACEHOLDER, alike, item_rows, of_kind, same_effects
from genlock.timeline.rate import NORMAL, Rate, Speed

Same = Callable[[Source, Source], bool]
"""Whether two sources, the first of the cut that was written, the second of the one that was read, show one file."""


_ALIKE: Final = Fraction(1, 10**6)
"""Speeds this close are one speed: files tell them as decimals, and a clip of an hour shows the same frames."""


class Registers:
    """Compares items of one cut as far as a format tells about them."""

    def __init__(self, profile: Profile, rate: Rate, same: Same) -> None:
        self.profile = profile
        self.rate = rate
        self.same = same
        self._rows = item_rows(profile)
        self._has = profile.carries

    def told(self, old: Item) -> Item:
        """Returns the item as a file of the format tells it; whole where it would not be in the file at all."""
        return stripped(old, self._rows, self.rate) or old

    def lifted(self, old: Item, told: Item, new: Item) -> Item:
        """Returns the new item with the old one's values where the format says nothing else; `old` itself if nothing
        differs. Its id and its link are the new one's."""
        source = old.source if self.keeps_source(old.source, new.source) else new.source
        speed = old.speed if self.close(told.speed, new.speed) else new.speed
        idle = source is old.source and self._idle(old.source)
        if idle:
            speed = old.speed
        made = Item(
            new.id,
            source,
            new.duration,
            self._value("item.name", old.name, told.name, new.name),
            old.source_in,
            speed,
            self._value("item.enabled", old.enabled, told.enabled, new.enabled),
            self._effects(old, told, new),
            new.link,
            old.foreign if alike(told.foreign, new.foreign) or "item.foreign" not in self._has else new.foreign,
        )
        if not idle:
            made = self._showing(made, old, told, new)
        return old if made == old else made

    def keeps_source(self, old: Source, new: Source) -> bool:
        """Returns whether the file says nothing else about the source than what it was."""
        if old == new:
            return True
        match old, new:
            case (Gap(), _) | (_, Gap()):
                return isinstance(old, Gap) and isinstance(new, Gap)
            case (Generator(), _) if "item.generator" not in self._has:
                return new == PLACEHOLDER or self.same(old, new)
            case (Nested(), _) if "item.nested" not in self._has:
                return new == PLACEHOLDER or self.same(old, new)
            case Generator(), Generator():
                return old.generator == new.generator and "item.parameters" not in self._has
            case Shot(), Shot() if "item.shot" in self._has:
                return (old.shot, old.take) == (new.shot, new.take)
            case _:
                return self.same(old, new)

    def close(self, one: Speed, two: Speed) -> bool:
        """Returns whether two speeds are one and the same in a file of the format."""
        if one.num * two.den == two.num * one.den:
            return True
        if one.num * two.num <= 0:
            return False
        apart, steps = abs(one.fraction - two.fraction), self.profile.speed_steps
        return apart < _ALIKE or (steps is not None and apart * self.rate.fraction * steps * 2 <= 1)

    def tells_frames(self, one: Item, two: Item) -> bool:
        """Returns whether there are frames and a speed to compare: a title has neither."""
        return not (self._idle(one.source) or self._idle(two.source))

    def shows_alike(self, one: Item, two: Item) -> bool:
        """Returns whether two items (as the format tells them, of one source) show the same frames."""
        first, second = source_range(one, self.rate)[0], source_range(two, self.rate)[0]
        if first == second:
            return True
        rate, other = self.own(one.source), self.own(two.source)
        ratio = other.fraction / rate.fraction
        slack = max(Fraction(1), ratio) if rate != other else Fraction(self._rounds(one, two))
        return abs(first * ratio - second) <= slack

    def recounted(self, new: Marker, old: Marker | None, source: Source, other: Source) -> Marker:
        """Returns a marker on an item, counted in frames of its `other` source, in frames of `source`."""
        rate, given = self.own(source), self.own(other)
        if rate == given or self._idle(source) or self._idle(other):
            return new
        ratio = given.fraction / rate.fraction
        start, duration = nearest(new.start / ratio), nearest(new.duration / ratio)
        if old is not None and nearest(old.start * ratio) == new.start:
            start = old.start
        if old is not None and nearest(old.duration * ratio) == new.duration:
            duration = old.duration
        return replace(new, start=start, duration=duration)

    def own(self, source: Source) -> Rate:
        """Returns the rate the source counts in."""
        return getattr(source, "rate", None) or self.rate

    def _value(self, feature: Feature, old: Any, told: Any, new: Any) -> Any:
        return old if feature not in self._has or new == told else new

    def _effects(self, old: Item, told: Item, new: Item) -> tuple[dict[str, Any], ...]:
        """Returns the effects; of those the file says nothing of, the old ones."""
        key = self.profile.effects
        if not key or "item.effects" in self._has:
            untouched = "item.effects" not in self._has or same_effects(told.effects, new.effects)
            return old.effects if untouched else new.effects
        theirs = of_kind(new.effects, key)
        if same_effects(of_kind(told.effects, key), theirs):
            return old.effects
        untold = tuple(one for one in old.effects if one not in of_kind(old.effects, key))
        return (*untold, *theirs)

    def _idle(self, source: Source) -> bool:
        """Returns whether the source has no frames that a file could tell."""
        match source:
            case Generator():
                return True
            case Nested():
                return "item.nested" not in self._has
            case Gap():
                return True
            case _:
                return False

    def _rounds(self, one: Item, two: Item) -> bool:
        """Returns whether the format may be a frame off in a retimed source."""
        coarse = self.profile.speed_steps is not None or one.speed != two.speed
        return coarse and one.speed != NORMAL and one.duration == two.duration

    def _showing(self, made: Item, old: Item, told: Item, new: Item) -> Item:
        """Returns the item showing, from its lowest frame on, what the new one shows."""
        low = source_range(new, self.rate)[0]
        if made.source is old.source:
            low = self._low(low, old, told, new)
        step = source_step(made, self.rate) * (made.duration - 1)
        if step < 0:
            low -= step.numerator // step.denominator
        made = made if low == made.source_in else replace(made, source_in=low)
        return made if made.source is not old.source else self._within(made, old, new)

    def _low(self, low: int, old: Item, told: Item, new: Item) -> int:
        """Returns the lowest frame shown, counted in the old source's frames."""
        was = source_range(told, self.rate)[0]
        rate, other = self.own(old.source), self.own(new.source)
        if rate != other:
            ratio = other.fraction / rate.fraction
            return was if nearest(was * ratio) == low else nearest(low / ratio)
        if abs(low - was) <= 1 and self._rounds(told, new) and self.close(told.speed, new.speed):
            return was
        return low

    def _within(self, made: Item, old: Item, new: Item) -> Item:
        """Returns the item with a source that has the frames shown: media may have grown since it was probed."""
        source = made.source
        if not isinstance(source, Media | Shot | Nested) or source.frames is None:
            return made
        low, high = source_range(made, self.rate)
        if (source.first <= low and high <= source.first + source.frames) or made == old:
            return made
        other = new.source
        told = "item.handles" in self._has and self.own(other) == self.own(source)
        if told and isinstance(other, Media | Shot | Nested) and other.frames is not None:
            return replace(made, source=replace(source, first=other.first, frames=other.frames))
        return replace(made, source=replace(source, frames=None))


def nearest(value: Fraction) -> int:
    """Returns the nearest whole number, halves upwards."""
    return (2 * value.numerator + value.denominator) // (2 * value.denominator)
