"""`genlock memory`, `genlock doctor` and `genlock bench`: how the machine and this installation are."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from genlock.cli import options, output
from genlock.cli.backend import backend
from genlock.errors import BadInput, StoreError

if TYPE_CHECKING:
    from genlock.bench import Result


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    for command in (memory, doctor, bench):
        app.command()(command)


def memory(
    simulate: Annotated[
        str | None,
        typer.Option(
            metavar="WHAT", help="Play days of work against other policies: all, a machine, or a trace's file."
        ),
    ] = None,
    record: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write what ran lately as a trace, for --simulate.")
    ] = None,
    store: options.Store = None,
    as_json: options.Json = False,
) -> None:
    """Show who holds the machine's memory, who waits, and why."""
    if simulate is not None and record is not None:
        raise BadInput("bad_request", "Give --simulate or --record, not both.")
    if simulate is not None:
        from genlock.cli.simulating import simulate as play

        play(simulate, as_json)
        return
    with backend(store) as daemon:
        state = daemon.get("/api/memory")
        if record is not None:
            _write(record, daemon.get("/api/memory/trace")["lines"])
    if as_json:
        output.print_json(state)
    else:
        _print_memory(state)


def _write(file: Path, lines: list[str]) -> None:
    try:
        file.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    except OSError as error:
        raise StoreError("store_unwritable", f"{file} cannot be written: {error.strerror}.") from error


def _print_memory(state: dict[str, Any]) -> None:
    size = output.size
    machine = state["machine"]
    output.say(f"{output.plain(machine['name'])}: {size(state['held'])} of {size(state['budget'])} held by jobs")
    tiers = ((name, size(tier["bytes"]), size(tier["budget"])) for name, tier in state["tiers"].items())
    output.print_table(("memory", ">models", ">may be"), tiers, empty="")
    residents = (
        (row["component"], row["lane"], row["tier"], size(row["bytes"]), _holder(row)) for row in state["residents"]
    )
    output.print_table(("model", "lane", "where", ">memory", "used by"), residents, empty="No model is loaded.")
    leases = (
        (
            output.short(row["owner"]),
            row["lane"],
            row["plan"],
            row["stage"],
            size(row["bytes"]),
            f"{row['seconds']:.0f} s",
        )
        for row in state["leases"]
    )
    output.print_table(("holds", "lane", "plan", "stage", ">memory", ">since"), leases, empty="Nobody holds any.")
    if state["waiting"]:
        waiting = ((output.short(row["owner"]), row["lane"], row["plan"], row["forecast"]) for row in state["waiting"])
        output.print_table(("waits", "lane", "plan", "why"), waiting, empty="")
    for row in (state["tenants"] or {}).get("tenants", ()):
        expected = f", {size(row['expected'])} expected" if row["expected"] > row["bytes"] else ""
        output.say(f"{output.plain(row['name'])} has {size(row['bytes'])}{expected}")
    decisions = ((row["verdict"], output.short(row["owner"]), row["reason"]) for row in state["decisions"][-10:])
    output.print_table(("decision", "for", "why"), decisions, empty="Nothing was decided yet.")


def _holder(row: dict[str, Any]) -> str:
    return "leaving" if row["leaving"] else output.short(row["locked_by"])


def doctor(store: options.Store = None, as_json: options.Json = False) -> None:
    """Look at everything that can be wrong on this machine."""
    with backend(store) as daemon:
        answer = daemon.get("/api/doctor")
    if as_json:
        output.print_json(answer)
    else:
        rows = ((("ok" if row["ok"] else "BAD"), row["name"], row["detail"], _hint(row)) for row in answer["checks"])
        output.print_table(("", "what", "how it is", "what to do"), rows, empty="")
    raise typer.Exit(0 if answer["ok"] else 1)


def _hint(row: dict[str, Any]) -> str:
    return "" if row["ok"] else str(row.get("hint", ""))


def bench(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME...]", help="Suites: timeline, store, ..., exchange; all without a name."),
    ] = None,
    as_json: options.Json = False,
) -> None:
    """Measure this machine: figures as ratios to a floor of the same run."""
    from genlock.bench import SUITES, results

    unknown = [name for name in names or () if name not in SUITES]
    if unknown:
        raise BadInput("bad_value", f"There is no suite {unknown[0]!r}.", hint=f"There are {', '.join(SUITES)}.")
    rows = []
    shown = output.console(stderr=as_json)
    for result in results(tuple(names or ())):
        rows.append(_row(result))
        shown.print(_line(result), soft_wrap=True)
    if as_json:
        output.print_json({"results": rows})
    raise typer.Exit(0 if all(row["ok"] for row in rows) else 1)


def _row(result: Result) -> dict[str, Any]:
    return {
        "name": result.name,
        "value": result.value,
        "unit": result.unit,
        "floor": result.floor,
        "ratio": result.ratio,
        "limit": result.limit,
        "ok": result.ok,
    }


def _line(result: Result) -> str:
    mark = "[green]ok [/]" if result.ok else "[red]BAD[/]"
    sign = ">=" if result.at_least else "<="
    figure = f"{result.value:,.4g} {result.unit}"
    if result.ratio is not None:
        figure += f" = {result.ratio:.2f}x of {result.floor:,.4g}, {sign} {result.limit:g}x asked"
    else:
        figure += f", {sign} {result.limit:g} asked"
    return f"{mark} {output.plain(result.name)}: {figure}"
