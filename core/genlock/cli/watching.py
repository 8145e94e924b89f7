"""`genlock watch`: a folder whose files are taken in by themselves."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from genlock.cli import lookup, options, output
from genlock.cli.backend import absolute, backend
from genlock.errors import NotFound

POLL_SECONDS = 0.3
COLOURS = {"merged": "green", "take": "green", "media": "cyan", "rejected": "red", "failed": "red"}


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command()(watch)


def watch(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder to watch.")],
    into: Annotated[str, typer.Option("--into", metavar="SEQ", help="Returned cuts are merged into this sequence.")],
    policy: Annotated[
        Literal["ask", "ours", "theirs", "both"],
        typer.Option(help="What becomes of conflicts; ask: they stay open, ours stands."),
    ] = "ask",
    poll: Annotated[
        bool, typer.Option("--poll", help="Look by itself instead of being told by the system: for network mounts.")
    ] = False,
    once: Annotated[
        bool, typer.Option("--once", help="Take in what lies there, then end, instead of going on until Ctrl-C.")
    ] = False,
    project: options.Project = None,
    store: options.Store = None,
    as_json: options.Json = False,
) -> None:
    """Take in what is dropped into a folder: returned cuts, renders of shots, media."""
    if not folder.is_dir():
        raise NotFound("no_such_file", f"There is no folder {str(folder)!r}.")
    with backend(store, [folder]) as daemon:
        found = lookup.sequence(daemon, into, project)
        body = {"folder": absolute(folder), "into": found.id, "policy": policy, "poll": poll}
        state = daemon.post_signed("/api/watches", body)
        if not as_json:
            output.say(f"Watching {output.plain(state['folder'])} into {output.plain(found.name)}; Ctrl-C ends it")
        try:
            _follow(daemon, state["watch"], once, as_json)
        except KeyboardInterrupt:
            pass
        finally:
            daemon.post(f"/api/watches/{state['watch']}/stop")


def _follow(daemon: Any, watch: str, once: bool, as_json: bool) -> None:
    """Shows what becomes of files; with `once` until nothing is on its way any more."""
    after, calm = 0, 0
    while True:
        state = daemon.get(f"/api/watches/{watch}", after=after)
        for entry in state["entries"]:
            after = entry["number"]
            output.print_json_line(entry) if as_json else _show(entry["file"])
        # a first look at the folder takes a moment: two quiet answers in a row mean that there is nothing left
        calm = 0 if state["waiting"] or state["entries"] else calm + 1
        if once and calm > 3:
            return
        time.sleep(POLL_SECONDS)


def _show(file: dict[str, Any]) -> None:
    colour = COLOURS.get(file["what"], "dim")
    output.say(f"[{colour}]{file['what']}[/] {output.plain(Path(file['path']).name)}: {output.plain(file['message'])}")
    if file["moved"]:
        output.say(f"  [dim]moved to {output.plain(file['moved'])}[/]")
