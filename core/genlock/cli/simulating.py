"""`genlock memory --simulate`: how the memory policy does against others and against the optimum."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from genlock.cli import output
from genlock.errors import BadInput

if TYPE_CHECKING:
    from genlock.generation.memory.traces import Trace

SEEDS: Final = {"all": range(5), "held-out": range(100, 110)}
"""Days that are played on every machine; the policy was not tuned on those held out."""


def simulate(what: str, as_json: bool) -> None:
    """Plays `all` machines, the days `held-out`, one machine, or a trace's file, and shows what the policy costs. Raises
    BadInput(bad_value) for anything else."""
    from genlock.generation.memory.comparison import compare

    rows = [compare(name, days) for name, days in _traces(what).items()]
    if as_json:
        output.print_json({"machines": rows})
        return
    rivals = list(rows[0]["rivals"])
    columns = ("machine", ">optimum", ">ours", ">x optimum", *(f">{name}" for name in rivals))
    output.print_table(columns, map(_cells, rows), empty="")
    output.say("Seconds a day spent bringing in weights; in brackets, how many times ours.")


def _cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    ours = row["seconds"]
    others = (f"{value:.0f} ({value / ours:.2f}x)" if ours else f"{value:.0f}" for value in row["rivals"].values())
    return (row["name"], f"{row['optimum']:.0f}", f"{ours:.0f}", f"{row['ratio_to_optimum']:.3f}", *others)


def _traces(what: str) -> dict[str, list[Trace]]:
    from genlock.generation.memory import traces

    if what in traces.SCENES:
        return {what: [traces.day(what, seed) for seed in SEEDS["all"]]}
    if what in SEEDS:
        return {name: [traces.day(name, seed) for seed in SEEDS[what]] for name in traces.SCENES}
    try:
        with Path(what).open(encoding="utf-8") as file:
            trace = traces.parse(file)
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(
            "bad_value",
            f"There is no trace {what}: {error}.",
            hint=f"A file of JSON lines, {', '.join(SEEDS)}, or one of {', '.join(traces.SCENES)}.",
        ) from error
    return {trace.machine.name: [trace]}
