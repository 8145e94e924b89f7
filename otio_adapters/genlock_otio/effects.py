"""Time effects to speed and back; every other effect stays an opaque dict in its place."""

from __future__ import annotations

from fractions import Fraction
from math import isfinite
from typing import Any, Final

from genlock.errors import BadInput
from genlock.timeline.rate import FREEZE, NORMAL, Speed
from genlock_otio.keeping import Json, schema

_FINE: Final = 1000
"""Denominators up to this are what people type; a double says them exactly enough."""


def read_effects(effects: list[Any], ours: Json) -> tuple[tuple[Json, ...], Speed, Any]:
    """Returns (opaque effects in order, speed, warps to keep) of an item.

    Several warps multiply. A ramp (TimeEffect) stays opaque, and so does a warp that is switched off.
    """
    if not effects:
        return (), NORMAL, None
    opaque: list[Json] = []
    warps: list[list[Any]] = []
    speed = Fraction(1)
    for at, effect in enumerate(effects):
        if not schema(effect):
            raise BadInput("bad_timeline", f"{effect!r:.80} is no OpenTimelineIO effect.")
        if schema(effect) in ("LinearTimeWarp", "FreezeFrame") and effect.get("enabled") is not False:
            speed *= _scalar(effect)
            warps.append([at, effect])
        else:
            opaque.append(effect)
    found = Speed.of(speed)
    if len(warps) == 1 and isinstance(exact := ours.get("speed"), list) and len(exact) == 2:
        meant = _meant(exact)
        found = meant if meant is not None and _value(meant) == warps[0][1].get("time_scalar") else found
    if not warps or (len(warps) == 1 and warps[0] == [0, _warp(found)]):
        return tuple(opaque), found, None
    return tuple(opaque), found, [warps, [found.num, found.den]]


def write_effects(effects: tuple[Json, ...], speed: Speed, kept: Any) -> list[Json]:
    """Returns the effects with their warps back in place; a speed set since goes into the one warp, or in front."""
    if not effects and speed == NORMAL and kept is None:
        return []
    written = list(effects)
    if isinstance(kept, list) and len(kept) == 2 and kept[1] == [speed.num, speed.den]:
        for at, effect in kept[0]:
            written.insert(at, effect)
    elif speed != NORMAL:
        at, effect = 0, _warp(speed)
        if isinstance(kept, list) and len(kept) == 2 and len(kept[0]) == 1 and speed != FREEZE:
            at, old = kept[0][0]
            if schema(old) == "LinearTimeWarp":
                effect = {**old, "time_scalar": _value(speed)}
        written.insert(at, effect)
    return written


def exact_speed(speed: Speed) -> Json:
    """Returns what our metadata has to say about a speed that a double does not bring back."""
    return {} if speed.den <= _FINE and abs(speed.num) <= _FINE * _FINE else {"speed": [speed.num, speed.den]}


def _scalar(effect: Json) -> Fraction:
    if schema(effect) == "FreezeFrame":
        return Fraction(0)
    value = effect.get("time_scalar", 1.0)
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value) or abs(value) > 10_000:
        raise BadInput("bad_time", f"{value!r} is not a speed.")
    exact = Fraction(value)
    near = exact.limit_denominator(_FINE)
    return near if float(near) == float(value) else exact.limit_denominator(1_000_000)


def _meant(exact: list[Any]) -> Speed | None:
    num, den = exact
    return Speed(num, den) if isinstance(num, int) and isinstance(den, int) and den > 0 else None


def _value(speed: Speed) -> float:
    return speed.num / speed.den


def _warp(speed: Speed) -> Json:
    name = "FreezeFrame" if speed == FREEZE else "LinearTimeWarp"
    return {
        "OTIO_SCHEMA": f"{name}.1",
        "metadata": {},
        "name": "",
        "effect_name": name,
        "enabled": True,
        "time_scalar": _value(speed),
    }
