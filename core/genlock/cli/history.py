"""`genlock history`, `undo`, `redo` and `revert`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from genlock.cli import lookup, options, output
from genlock.cli.backend import backend
from genlock.cli.sequences import print_sequence, source_names

PAGE = 1000


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    for command in (history, undo, redo, revert):
        app.command()(command)


def history(
    name: options.Sequence,
    at: Annotated[
        int | None, typer.Option("--at", min=1, metavar="VERSION", help="Show the sequence as it was at a version.")
    ] = None,
    actor: Annotated[str | None, typer.Option(metavar="NAME", help="Only what this person did.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=PAGE, metavar="N", help="So many entries, the newest.")] = 100,
    project: options.Project = None,
    store: options.Store = None,
    as_json: options.Json = False,
) -> None:
    """Show who did what to a sequence, or what it was at a version."""
    with backend(store) as daemon:
        found = lookup.sequence(daemon, name, project)
        if at is not None:
            state = daemon.get(f"/api/sequences/{found.id}", version=at)
            names = {} if as_json else source_names(daemon.get, found.project)
        answer = daemon.get(
            f"/api/sequences/{found.id}/history", actor=actor, before=None if at is None else at + 1, limit=limit
        )
    if as_json:
        output.print_json(answer if at is None else {**answer, "at": state})
        return
    if at is not None:
        print_sequence(state, names)
    output.print_table(
        (">version", "what", "kind", "who", "where", "when", ""),
        map(_row, sorted(answer["entries"], key=lambda entry: int(entry["version"]))),
        empty="Nobody did anything.",
    )


def _row(entry: dict[str, Any]) -> tuple[object, ...]:
    ref = f" {entry['ref']}" if entry.get("ref") else ""
    when = str(entry["timestamp"])[:19].replace("T", " ")
    what = entry["label"] or entry["intent"]
    return (
        entry["version"],
        what,
        f"{entry['kind']}{ref}",
        entry["actor"],
        entry["host"],
        when,
        "undone" if entry["undone"] else "",
    )


def undo(
    name: options.Sequence,
    force: options.Force = False,
    ref: Annotated[
        int | None, typer.Option(min=1, metavar="VERSION", help="Take back the edit of this version, whoever made it.")
    ] = None,
    project: options.Project = None,
    store: options.Store = None,
    as_json: options.Json = False,
) -> None:
    """Take back your last edit of a sequence."""
    _change(name, {"do": "Undo", "force": force, "ref": ref}, "Undone", project, store, as_json)


def redo(
    name: options.Sequence,
    force: options.Force = False,
    project: options.Project = None,
    store: options.Store = None,
    as_json: options.Json = False,
) -> None:
    """Make the edit again that you took back last."""
    _change(name, {"do": "Redo", "force": force}, "Redone", project, store, as_json)


def revert(
    name: options.Sequence,
    version: Annotated[int, typer.Argument(metavar="VERSION", min=1, help="The version to go back to.")],
    project: options.Project = None,
    store: options.Store = None,
    as_json: options.Json = False,
) -> None:
    """Make a sequence what it was at a version, as one edit that can be undone."""
    _change(name, {"do": "Revert", "version": version}, f"Reverted to version {version}", project, store, as_json)


def _change(
    name: str, command: dict[str, Any], told: str, project: str | None, store: str | None, as_json: bool
) -> None:
    with backend(store) as daemon:
        found = lookup.sequence(daemon, name, project)
        accepted = daemon.command(command, found.id)
        entries = daemon.get(f"/api/sequences/{found.id}/history", limit=1)["entries"]
    entry: dict[str, Any] = next((e for e in entries if e["version"] == accepted["version"]), {})
    if as_json:
        output.print_json({**accepted, "ref": entry.get("ref"), "label": entry.get("label", "")})
        return
    meant = entry.get("label", "").removeprefix("Undo ").removeprefix("Redo ") if command["do"] != "Revert" else ""
    label = f": {output.plain(meant)}" if meant else ""
    output.say(f"{told}{label}. {output.plain(found.name)} is at version {accepted['version']}")
