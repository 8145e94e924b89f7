"""What the arbiter says to people."""

from __future__ import annotations

from collections.abc import Iterable

from genlock.generation.memory.ledger import Entered, Forecast


def told(forecast: Forecast) -> str:
    """Returns a forecast as a sentence: "needs 42.0 GB, waits about 9 s for flux2/transformer to go"."""
    needs = f"needs {size(forecast.bytes)}"
    if forecast.blockers:
        return f"{needs}, waits for {_names(owner[:8] for owner in forecast.blockers)} to end: {forecast.reason}"
    if not forecast.fits_now:
        return f"{needs}, more than jobs may have now: {forecast.reason}"
    if forecast.leave:
        leaving = _names(name.partition("@")[0] for name in forecast.leave)
        return f"{needs}, waits about {max(1, round(forecast.seconds))} s for {leaving} to go"
    if forecast.seconds >= 1:
        return f"{needs}, which is free; loads for about {round(forecast.seconds)} s"
    return f"{needs}, which is free"


def entered(stage: str, what: Entered) -> str:
    """Returns what beginning a stage takes, as a sentence."""
    loads = _names(part.name for part in what.loads)
    return f"{stage}: loads {loads} in about {what.seconds:.1f} s" if loads else f"{stage}: all it needs is there"


def _names(names: Iterable[str]) -> str:
    *most, last = list(dict.fromkeys(names)) or [""]
    return f"{', '.join(most)} and {last}" if most else last


def size(count: int) -> str:
    """Returns bytes in the unit people use."""
    amount, unit = (count / 1e9, "GB") if count >= 1e9 else (count / 1e6, "MB")
    return f"{amount:.1f} {unit}"
