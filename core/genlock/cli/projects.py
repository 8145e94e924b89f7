"""`genlock project ...`, `genlock media ...` and `genlock fork`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from genlock.cli import lookup, options, output, values
from genlock.cli.backend import Backend, absolute, backend

projects = typer.Typer(name="project", help="Projects: their settings and what is in them.", no_args_is_help=True)
media = typer.Typer(name="media", help="The media pool of a project.", no_args_is_help=True)

Named = Annotated[str, typer.Argument(metavar="PROJECT", help="The project: its name, its id or the start of either.")]


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    app.add_typer(projects)
    app.add_typer(media)
    app.command()(fork)


@projects.command()
def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The project's name.")],
    rate: Annotated[str, typer.Option(metavar="FPS", help="Frame rate: 23.976, 24, 25, 29.97, 30 ... 60.")] = "24",
    resolution: Annotated[str, typer.Option(metavar="WxH", help="Picture size.")] = "1920x1080",
    start: Annotated[str, typer.Option(metavar="TC", help="Start timecode of new sequences.")] = "01:00:00:00",
    drop_frame: Annotated[bool, typer.Option("--drop-frame", help="Count timecode with drop frame.")] = False,
    engine: Annotated[str, typer.Option(metavar="ENGINE", help="Engine of its shots. Default: the best here.")] = "",
    folder: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where takes and exports go. Default: beside the store.")
    ] = None,
    master: Annotated[str, typer.Option(metavar="CODEC", help="Encoding of takes: prores, h264 or dnxhr.")] = "prores",
    proxy: Annotated[bool, typer.Option("--proxy/--no-proxy", help="Make an H.264 proxy of each take.")] = True,
    store: options.Store = None,
    as_json: options.Json = False,
) -> None:
    """Make a project."""
    exact = values.rate(rate)
    settings: dict[str, Any] = {
        "rate": exact,
        "drop_frame": drop_frame,
        "start_frame": values.frame_number(start, exact, drop_frame=drop_frame),
        "resolution": values.resolution(resolution),
        "engine": engine,
        "folder": absolute(folder) if folder else "",
        "master": master,
        "proxy": proxy,
    }
    with backend(store, [folder] if folder else []) as daemon:
        made = create(daemon, name, settings)
    if as_json:
        output.print_json(made)
    else:
        output.say(f"Made the project [bold]{output.plain(name)}[/] ({output.short(made['id'])})")


def create(daemon: Backend, name: str, settings: dict[str, Any]) -> dict[str, Any]:
    """Makes a project and returns it."""
    accepted = daemon.command({"do": "CreateProject", "name": name, "settings": settings})
    made: dict[str, Any] = daemon.get(f"/api/projects/{accepted['target']}")
    return made


@projects.command("list")
def list_(store: options.Store = None, as_json: options.Json = False) -> None:
    """List the projects."""
    with backend(store) as daemon:
        rows = daemon.get("/api/projects")
    if as_json:
        output.print_json({"projects": rows})
        return
    output.print_table(
        ("project", "id", ">sequences", ">rate", "size", ""),
        (
            (
                row["name"],
                output.short(row["id"]),
                len(row["sequences"]),
                output.rate_name(row["settings"]["rate"]),
                "x".join(map(str, row["settings"]["resolution"])),
                "archived" if row.get("archived") else "",
            )
            for row in rows
        ),
        empty="There is no project yet. Make one: genlock project new NAME",
    )


@projects.command()
def show(name: Named, store: options.Store = None, as_json: options.Json = False) -> None:
    """Show a project: settings, sequences, shots, media."""
    with backend(store) as daemon:
        found = lookup.project(daemon, name)
        shots = daemon.get(f"/api/projects/{found['id']}/shots")
        pool = daemon.get(f"/api/projects/{found['id']}/media")
        sequences = daemon.get(f"/api/projects/{found['id']}/sequences")
    if as_json:
        output.print_json({**found, "sequences": sequences, "shots": shots, "media": pool})
        return
    output.say(f"[bold]{output.plain(found['name'])}[/]  {found['id']}  version {found['version']}")
    settings = {**found["settings"], "rate": output.rate_name(found["settings"]["rate"])}
    settings["resolution"] = "x".join(map(str, settings["resolution"]))
    settings["start_frame"] = output.timecode(0, found["settings"])
    output.print_table(("setting", "value"), settings.items(), empty="")
    missing = sum(bool(file.get("missing")) for file in pool)
    output.say(f"{len(sequences)} sequences, {len(shots)} shots, {len(pool)} media ({missing} missing)")


def fork(
    name: Named,
    at: Annotated[
        int | None, typer.Option(min=1, metavar="ID", help="As of this notification id of the log. Default: now.")
    ] = None,
    new_name: Annotated[str, typer.Option("--name", metavar="NAME", help="The copy's name.")] = "",
    store: options.Store = None,
    as_json: options.Json = False,
) -> None:
    """Copy a project, its sequences and shots under new ids, as it is or was."""
    with backend(store) as daemon:
        found = lookup.project(daemon, name)
        accepted = daemon.command({"do": "ForkProject", "at": at, "name": new_name}, found["id"])
        fresh = [id_ for id_ in (*accepted["created"], accepted["target"]) if id_ != found["id"]]
        copies = [row for row in daemon.get("/api/projects") if row["id"] in fresh]
    made = {"project": copies[0]["id"], "name": copies[0]["name"], "created": accepted["created"]}
    if as_json:
        output.print_json(made)
    else:
        output.say(f"Copied it as [bold]{output.plain(made['name'])}[/] ({output.short(str(made['project']))})")


@media.command("add")
def add(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="Movies, sounds, images; numbered ones as 'name.%04d.png'.")
    ],
    project: options.Project = None,
    store: options.Store = None,
    as_json: options.Json = False,
) -> None:
    """Probe files and add them to the pool, where they are."""
    with backend(store, files) as daemon:
        owner = lookup.project(daemon, project)
        body = {"paths": [absolute(file) for file in files]}
        added = daemon.post_signed(f"/api/projects/{owner['id']}/media", body)
    _show_media(added["media"], as_json)


@media.command("list")
def list_media(project: options.Project = None, store: options.Store = None, as_json: options.Json = False) -> None:
    """List the media pool."""
    with backend(store) as daemon:
        owner = lookup.project(daemon, project)
        pool = daemon.get(f"/api/projects/{owner['id']}/media")
    _show_media(pool, as_json)


@media.command()
def relink(
    name: Annotated[str, typer.Argument(metavar="MEDIA", help="The medium: its name, its id or the start of either.")],
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where it lies now.")],
    project: options.Project = None,
    store: options.Store = None,
    as_json: options.Json = False,
) -> None:
    """Tell the pool where a file lies now."""
    with backend(store, [file]) as daemon:
        owner = lookup.project(daemon, project)
        pool = daemon.get(f"/api/projects/{owner['id']}/media")
        row = lookup.choose("medium", "no_such_media", name, pool, lambda r: str(r.get("name") or r["path"]))
        changed = daemon.post_signed(f"/api/media/{row['id']}/relink", {"path": absolute(file)})
    _show_media(changed["media"], as_json)


def _show_media(rows: list[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        output.print_json({"media": rows})
        return
    output.print_table(
        ("medium", "id", "kind", ">frames", ">rate", "size", "path", ""),
        (
            (
                row.get("name") or Path(row["path"]).name,
                output.short(row["id"]),
                (row.get("info") or {}).get("kind", "?"),
                (row.get("info") or {}).get("frames", ""),
                output.rate_name(row["info"]["rate"]) if (row.get("info") or {}).get("rate") else "",
                f"{row['info']['width']}x{row['info']['height']}" if (row.get("info") or {}).get("width") else "",
                row["path"],
                "missing" if row.get("missing") else "",
            )
            for row in rows
        ),
        empty="The media pool is empty.",
    )
