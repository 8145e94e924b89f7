"""Time effects to speed and back; every other effect stays an opaque dict in its place."""

from __future__ import annotations

from fractions import Fraction
from math import isfinite
from typing import Any, Final, NamedTuple

from genlock.errors import BadInput
from genlock.timeline.rate import FREEZE, NORMAL, Speed
from genlock_otio.keeping import OURS, Json, schema, text

_FINE: Final = 1000
"""Denominators up to this are what people type; a double says them exactly enough."""


class Effects(NamedTuple):
    """The effects of an item: opaque ones in order, its speed, and what is kept of the file's own list: the warps with the
    speed they made, and Resolve's effects that nobody touched, each with its place."""

    opaque: tuple[Json, ...] = ()
    speed: Speed = NORMAL
    warps: Any = None
    idle: Any = None


def read_effects(effects: list[Any], ours: Json) -> Effects:
    """Reads the effects of an item. Several warps multiply. A ramp (TimeEffect) stays opaque, and so does a warp that is
    switched off. Raises BadInput: bad_timeline, bad_time."""
    if not effects:
        return Effects()
    opaque: list[Json] = []
    warps: list[list[Any]] = []
    idle: list[list[Any]] = []
    speed = Fraction(1)
    for at, effect in enumerate(effects):
        if not schema(effect):
            raise BadInput("bad_timeline", f"{effect!r:.80} is no OpenTimelineIO effect.")
        if schema(effect) in ("LinearTimeWarp", "FreezeFrame") and effect.get("enabled") is not False:
            speed *= _scalar(effect)
            warps.append([at, effect])
        elif _is_idle(effect):
            idle.append([at, effect])
        else:
            opaque.append(_unwrapped(effect))
    found = Speed.of(speed)
    if len(warps) == 1 and isinstance(exact := ours.get("speed"), list) and len(exact) == 2:
        meant = _meant(exact)
        found = meant if meant is not None and _value(meant) == warps[0][1].get("time_scalar") else found
    if not warps or (len(warps) == 1 and warps[0] == [0, _warp(found)]):
        return Effects(tuple(opaque), found, None, idle or None)
    return Effects(tuple(opaque), found, [warps, [found.num, found.den]], idle or None)


def write_effects(effects: tuple[Json, ...], speed: Speed, kept: Any, idle: Any = None) -> list[Json]:
    """Returns the effects with their warps and idle ones back in place; a speed set since goes into the one warp, or in
    front."""
    if not effects and speed == NORMAL and kept is None and idle is None:
        return []
    written = [effect if schema(effect) else _wrapped(effect) for effect in effects]
    back: list[Any] = list(idle or ())
    front: list[Json] = []
    if isinstance(kept, list) and len(kept) == 2 and kept[1] == [speed.num, speed.den]:
        back += kept[0]
    elif speed != NORMAL:
        single = isinstance(kept, list) and len(kept) == 2 and len(kept[0]) == 1
        at, old = kept[0][0] if single else (0, {})
        if single and speed != FREEZE and schema(old) == "LinearTimeWarp":
            back.append([at, {**old, "time_scalar": _value(speed)}])
        elif kept is not None or not idle:
            back.append([0, _warp(speed)])
        else:
            front.append(_warp(speed))
    for at, effect in sorted(back, key=lambda row: row[0]):
        written.insert(at, effect)
    return front + written


def _wrapped(effect: Json) -> Json:
    """Returns another format's effect as one of OpenTimelineIO's: a plain object among effects is refused everywhere."""
    told = [effect, *(one for one in effect.values() if isinstance(one, dict))]
    name = next((named for one in told for key in ("name", "tag") if (named := text(one, key))), "effect")
    return {
        "OTIO_SCHEMA": "Effect.1",
        "metadata": {OURS: {"v": 1, "effect": effect}},
        "name": "",
        "effect_name": name,
        "enabled": True,
    }


def _unwrapped(effect: Json) -> Json:
    """Returns what an effect that we wrapped was, while nobody has changed it; any other effect as it is."""
    metadata = effect.get("metadata")
    ours = metadata.get(OURS) if isinstance(metadata, dict) else None
    inner = ours.get("effect") if isinstance(ours, dict) else None
    return inner if isinstance(inner, dict) and not schema(inner) and _wrapped(inner) == effect else effect


def _is_idle(effect: Json) -> bool:
    """Returns whether it is one of the effects that Resolve writes with every clip and that nobody touched."""
    metadata = effect.get("metadata")
    theirs = metadata.get("Resolve_OTIO") if isinstance(metadata, dict) else None
    if not isinstance(theirs, dict) or schema(effect) != "Effect":
        return False
    parameters = theirs.get("Parameters")
    if theirs.get("Enabled") is False or parameters == []:
        return True
    return isinstance(parameters, list) and all(
        isinstance(one, dict)
        and not one.get("Key Frames")
        and "Parameter Value" in one
        and one["Parameter Value"] == one.get("Default Parameter Value")
        for one in parameters
    )


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
