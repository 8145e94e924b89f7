"""`genlock import`, `export` and `render`: cuts come in from files and go out again."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from genlock.cli import lookup, options, output
from genlock.cli.backend import Backend, absolute, backend
from genlock.cli.projects import create
from genlock.errors import NotFound
from genlock_client.errors import ClientError, from_payload

POLL_SECONDS = 0.1

At = Annotated[int | None, typer.Option("--at", min=1, metavar="VERSION", help="As it was at a version.")]


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    app.command("import")(import_)
    app.command()(export)
    app.command()(render)


def import_(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Timelines: .otio or .otioz.")],
    name: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="The sequence's name. Default: the timeline's own, else the file's."),
    ] = None,
    project: options.Project = None,
    store: options.Store = None,
    as_json: options.Json = False,
) -> None:
    """Make sequences of timeline files; without any project, one is made too."""
    for file in files:
        if not file.is_file():
            raise NotFound("no_such_file", f"There is no file {str(file)!r}.")
    with backend(store, files) as daemon:
        owner, is_new = _owner(daemon, project, files[0])
        made: list[dict[str, Any]] = []
        try:
            for file in files:
                answer = daemon.post_once(
                    f"/api/projects/{owner['id']}/import", {"path": absolute(file), **({"name": name} if name else {})}
                )
                made.append({"file": str(file), "project": owner["id"], **answer})
        except ClientError:
            if is_new and not made:
                daemon.command({"do": "ArchiveProject"}, owner["id"])
            raise
        if is_new:
            _adopt_settings(daemon, owner["id"], made[0]["sequence"])
    if as_json:
        output.print_json(made[0] if len(made) == 1 else {"imports": made})
        return
    for row in made:
        missing = sum(bool(file["missing"]) for file in row["media"])
        output.say(
            f"Imported {output.plain(row['file'])} into {output.plain(owner['name'])} as "
            f"[bold]{output.plain(row['name'])}[/] ({output.short(row['sequence'])}), version {row['version']}: "
            f"{len(row['media'])} media ({missing} missing)"
        )
        for warning in row["warnings"]:
            output.say(f"  [yellow]{output.plain(warning)}[/]")


def _owner(daemon: Backend, project: str | None, file: Path) -> tuple[dict[str, Any], bool]:
    if project is None and not lookup.projects(daemon):
        return create(daemon, file.stem, {}), True
    return lookup.project(daemon, project), False


def _adopt_settings(daemon: Backend, project: str, sequence: str) -> None:
    """A project made for a cut works at the cut's rate and size."""
    state = daemon.get(f"/api/sequences/{sequence}")
    wanted = {key: state[key] for key in ("rate", "drop_frame", "start_frame", "resolution")}
    try:
        daemon.command({"do": "ChangeSettings", "settings": wanted}, project)
    except ClientError as error:
        if error.code != "no_change":
            raise


def export(
    name: options.Sequence,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where to: .otio or .otioz.")],
    to: Annotated[str, typer.Option(metavar="DIALECT", help="The dialect to write.")] = "otio",
    at: At = None,
    project: options.Project = None,
    store: options.Store = None,
    as_json: options.Json = False,
) -> None:
    """Write a sequence to a file and say what the format could not carry."""
    with backend(store, [file]) as daemon:
        found = lookup.sequence(daemon, name, project)
        body = {"path": absolute(file), "dialect": to, "version": at}
        answer = daemon.post_once(f"/api/sequences/{found.id}/export", body)
    if as_json:
        output.print_json({"sequence": found.id, **answer})
        return
    output.say(f"Wrote {output.plain(answer['path'])}, version {answer['version']}")
    if answer["loss"]:
        rows = [(row["what"], row["count"], ", ".join(row["names"][:5])) for row in answer["loss"]]
        output.print_table(("what the format cannot carry", ">count", "where"), rows, empty="")
    else:
        output.say("[dim]Nothing was lost.[/]")


def render(
    name: options.Sequence,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The movie: .mov or .mp4.")],
    at: At = None,
    project: options.Project = None,
    store: options.Store = None,
    as_json: options.Json = False,
) -> None:
    """Render a sequence to a movie; missing media becomes a slate."""
    with backend(store, [file]) as daemon:
        found = lookup.sequence(daemon, name, project)
        body = {"path": absolute(file), "version": at}
        task = daemon.post_signed(f"/api/sequences/{found.id}/render", body)["task"]
        with output.progress("frames") as bar:
            state = _follow(daemon, task, bar, f"Rendering {found.name}")
    if state["state"] == "cancelled":
        raise ClientError("cancelled", "The render was cancelled.")
    if state["state"] == "failed":
        raise from_payload(state["error"], 500)
    result = state["result"] or {}
    if as_json:
        output.print_json({"sequence": found.id, "path": absolute(file), "result": result})
        return
    output.say(f"Rendered {output.plain(absolute(file))}: {state['done']} frames")
    for name in result.get("missing", ()):
        output.say(f"  [yellow]{output.plain(name)} is missing: a slate stands for it[/]")
    for note in result.get("notes", ()):
        output.say(f"  [yellow]{output.plain(note)}[/]")


def _follow(daemon: Backend, task: str, bar: Any, told: str) -> dict[str, Any]:
    """Shows a task's progress until it ends, and returns its last state; Ctrl-C cancels it."""
    row = bar.add_task(told, total=None)
    try:
        while True:
            state: dict[str, Any] = daemon.get(f"/api/tasks/{task}")
            bar.update(row, completed=state["done"], total=state["total"] or None)
            if state["state"] not in ("waiting", "running"):
                return state
            time.sleep(POLL_SECONDS)
    except KeyboardInterrupt:
        daemon.post(f"/api/tasks/{task}/cancel")
        raise
