"""`genlock up` and `genlock demo`: what stays running."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from genlock.cli import options, output
from genlock.cli.backend import canonical


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    app.command()(up)
    app.command()(demo)


def up(
    store: options.Store = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="The port; 0 takes a free one. Default: 8765 if it is free.")
    ] = None,
    root: Annotated[
        list[Path] | None,
        typer.Option(metavar="DIR", help="A folder the daemon may use; repeat it. Default: home and this folder."),
    ] = None,
    open_panel: Annotated[bool, typer.Option("--open", help="Open the panel in the browser.")] = False,
    host: Annotated[str, typer.Option(help="The address to listen on instead of loopback.")] = "",
    allow_remote: Annotated[
        bool, typer.Option("--allow-remote", help="Allow a --host that other machines can reach; see SECURITY.md.")
    ] = False,
    name: Annotated[
        list[str] | None, typer.Option(metavar="HOST", help="A further Host name to answer to; repeat it.")
    ] = None,
    as_json: options.Json = False,
) -> None:
    """Run the daemon with the panel until Ctrl-C."""
    from genlock.daemon.server import DEFAULT_PORT, HostFlags, Running, serve

    def ready(running: Running) -> None:
        code = running.services.access.issue_code()
        login = f"{running.base_url}/login?code={code}"
        if as_json:
            output.print_json_line({"url": running.base_url, "login": login, "store": running.services.url})
            return
        output.say(f"[bold]Genlock is up[/] at {running.base_url}, store {output.plain(running.services.url)}")
        output.say(f"Log in once with {output.plain(login)}")
        output.say("[dim]Ctrl-C ends it.[/]")

    serve(
        canonical(store),
        DEFAULT_PORT if port is None else port,
        HostFlags(host, allow_remote, tuple(name or ())),
        tuple(root or ()),
        open_panel,
        ready,
    )
    if not as_json:
        output.say("Genlock is down; everything is stored.")


def demo(
    once: Annotated[bool, typer.Option("--once", help="End when it is done instead of staying up.")] = False,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where the demo's files go.")] = Path("genlock-demo"),
    blend: Annotated[
        bool | None,
        typer.Option("--blend/--no-blend", help="Also save the cut as a .blend. Default: if a Blender is here."),
    ] = None,
    as_json: options.Json = False,
) -> None:
    """Run the main job on a shipped cut: import, generate, edit, undo, export, render."""
    from genlock.demo import run

    code = run(out, once=once, console=output.console(stderr=as_json), blend=blend)
    if as_json:
        output.print_json({"folder": str(out.absolute()), "ok": code == 0})
    raise typer.Exit(code)
