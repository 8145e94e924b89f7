"""`genlock conflicts`: what merges of returned cuts left open."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated, Any

import typer

from genlock.cli import lookup, options, output
from genlock.cli.backend import backend

conflicts = typer.Typer(
    name="conflicts", help="Conflicts: where a returned cut and the sequence disagree.", no_args_is_help=True
)


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    app.add_typer(conflicts)


class Choice(StrEnum):
    """Ways to settle a conflict."""

    OURS = "ours"
    THEIRS = "theirs"
    BOTH = "both"
    MANUAL = "manual"


@conflicts.command("list")
def list_(
    name: options.Sequence,
    project: options.Project = None,
    store: options.Store = None,
    as_json: options.Json = False,
) -> None:
    """List the open conflicts of a sequence."""
    with backend(store) as daemon:
        found = lookup.sequence(daemon, name, project)
        state = daemon.get(f"/api/sequences/{found.id}")
    if as_json:
        output.print_json({"sequence": found.id, "version": state["version"], "conflicts": state["conflicts"]})
    else:
        print_conflicts(state["conflicts"], state)


@conflicts.command()
def resolve(
    name: options.Sequence,
    conflict: Annotated[str, typer.Argument(metavar="CONFLICT", help="The conflict: its id or the start of it.")],
    choice: Annotated[
        Choice, typer.Argument(metavar="CHOICE", help="ours keeps what is here; theirs, both; manual: done by hand.")
    ],
    force: options.Force = False,
    project: options.Project = None,
    store: options.Store = None,
    as_json: options.Json = False,
) -> None:
    """Settle an open conflict: keep ours, take theirs, keep both, or say that it was done by hand."""
    with backend(store) as daemon:
        found = lookup.sequence(daemon, name, project)
        rows = daemon.get(f"/api/sequences/{found.id}")["conflicts"]
        row = lookup.choose("open conflict", "no_such_conflict", conflict, rows, lambda row: str(row["id"]))
        command = {"do": "ResolveConflict", "conflict": row["id"], "choice": choice.value, "force": force}
        accepted = daemon.command(command, found.id)
    if as_json:
        output.print_json({**accepted, "conflict": row["id"], "choice": choice.value, "open": len(rows) - 1})
        return
    left = f"{len(rows) - 1} left open" if len(rows) > 1 else "none left open"
    how = "hand" if choice is Choice.MANUAL else choice.value
    output.say(f"Settled by {how}. {output.plain(found.name)} is at version {accepted['version']}, {left}")


def print_conflicts(rows: list[dict[str, Any]], state: dict[str, Any]) -> None:
    """Prints conflicts with their ids, where they lie in the sequence, and the ways to settle them."""
    names = output.track_names(state)
    where = {
        item["id"]: (output.timecode(start, state), names[track["id"]])
        for track in state["tracks"]
        for item, start in _starts(track)
    }
    output.print_table(
        ("id", "record in", "track", "conflict", "choices"),
        (
            (row["id"], *where.get(_clip(row["about"]), ("", "")), row["message"], " ".join(row["choices"]))
            for row in rows
        ),
        empty="There is no open conflict.",
    )


def _clip(about: str) -> str:
    """Returns the clip that a conflict is about: of a transition the one behind the cut."""
    left, _, right = about.partition(">")
    return right or left


def _starts(track: dict[str, Any]) -> Iterator[tuple[dict[str, Any], int]]:
    """Yields the items of a track with the sequence frame on which each starts."""
    frame = 0
    for item in track["items"]:
        frame += item["gap"]
        yield item, frame
        frame += item["duration"]
