"""`genlock sequence ...` and `genlock edit`."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer

from genlock.cli import lookup, options, output, values
from genlock.cli.backend import backend

sequences = typer.Typer(name="sequence", help="Sequences: timelines of a project.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    app.add_typer(sequences)
    app.command()(edit)


@sequences.command()
def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The sequence's name.")],
    project: options.Project = None,
    rate: Annotated[str | None, typer.Option(metavar="FPS", help="Frame rate. Default: the project's.")] = None,
    resolution: Annotated[str | None, typer.Option(metavar="WxH", help="Picture size. Default: the project's.")] = None,
    store: options.Store = None,
    as_json: options.Json = False,
) -> None:
    """Make an empty sequence with the tracks V1, V2 and A1."""
    command: dict[str, Any] = {"do": "CreateSequence", "name": name}
    if rate is not None:
        command["rate"] = values.rate(rate)
    if resolution is not None:
        command["resolution"] = values.resolution(resolution)
    with backend(store) as daemon:
        owner = lookup.project(daemon, project)
        accepted = daemon.command({**command, "project": owner["id"]})
        made = (accepted["created"] or [accepted["target"]])[0]
        state = daemon.get(f"/api/sequences/{made}")
    if as_json:
        output.print_json(state)
    else:
        output.say(f"Made the sequence [bold]{output.plain(name)}[/] ({output.short(made)})")


@sequences.command("list")
def list_(project: options.Project = None, store: options.Store = None, as_json: options.Json = False) -> None:
    """List the sequences of a project, or of all."""
    with backend(store) as daemon:
        owners = [lookup.project(daemon, project)] if project else lookup.projects(daemon)
        rows = [
            {**row, "project": owner["id"], "project_name": owner["name"]}
            for owner in owners
            for row in daemon.get(f"/api/projects/{owner['id']}/sequences")
        ]
    if as_json:
        output.print_json({"sequences": rows})
        return
    output.print_table(
        ("sequence", "id", "project", ">version", ">duration", ">rate", ">tracks", ">items", ""),
        (
            (
                row["name"],
                output.short(row["id"]),
                row["project_name"],
                row["version"],
                output.length(row["duration"], row["rate"]),
                output.rate_name(row["rate"]),
                row["tracks"],
                row["items"],
                "archived" if row["archived"] else "",
            )
            for row in rows
        ),
        empty="There is no sequence yet. Bring one in: genlock import FILE",
    )


@sequences.command()
def show(
    name: options.Sequence,
    at: Annotated[int | None, typer.Option("--at", min=1, metavar="VERSION", help="As it was at a version.")] = None,
    project: options.Project = None,
    store: options.Store = None,
    as_json: options.Json = False,
) -> None:
    """Show a sequence's tracks and items."""
    with backend(store) as daemon:
        found = lookup.sequence(daemon, name, project)
        state = daemon.get(f"/api/sequences/{found.id}", version=at)
        names = {} if as_json else source_names(daemon.get, found.project)
    if as_json:
        output.print_json(state)
    else:
        print_sequence(state, names)


def source_names(get: Any, project: dict[str, Any]) -> dict[str, str]:
    """Returns what to call the media, shots and sequences of a project, by id."""
    names = {row["id"]: row.get("name") or row["path"] for row in get(f"/api/projects/{project['id']}/media")}
    names.update({row["id"]: row["code"] for row in get(f"/api/projects/{project['id']}/shots")})
    names.update(project["sequences"])
    return names


def print_sequence(state: dict[str, Any], names: dict[str, str]) -> None:
    """Prints a whole sequence as a table of its items."""
    tracks = len(state["tracks"])
    output.say(
        f"[bold]{output.plain(state['name'])}[/]  version {state['version']}  {output.rate_name(state['rate'])} fps  "
        f"{'x'.join(map(str, state['resolution']))}  {output.timecode(0, state)} + "
        f"{output.length(state['duration'], state['rate'])}  {tracks} tracks"
    )
    joints = {value["left"]: value for value in state["transitions"] if value.get("left")}
    rows: list[tuple[object, ...]] = []
    tracks_called = output.track_names(state)
    for track in state["tracks"]:
        frame = 0
        for item in track["items"]:
            frame += item["gap"]
            joint = joints.get(item["id"])
            rows.append(
                (
                    tracks_called[track["id"]],
                    output.timecode(frame, state),
                    output.timecode(frame + item["duration"], state),
                    item["duration"],
                    item.get("name", ""),
                    _source(item, names),
                    _notes(item, joint),
                    item["id"],
                )
            )
            frame += item["duration"]
    columns = ("track", "record in", "record out", ">frames", "item", "source", "", "id")
    output.print_table(columns, rows, empty="It has no items.")


def _source(item: dict[str, Any], names: dict[str, str]) -> str:
    """Returns what the item shows: the kind alone where its name says the rest."""
    source = item["source"]
    id_ = str(source.get("media") or source.get("shot") or source.get("sequence") or source.get("generator") or "")
    name = names.get(id_, id_[:8])
    return f"{source['type']} {name}".strip() if name != item.get("name") else str(source["type"])


def _notes(item: dict[str, Any], joint: dict[str, Any] | None) -> str:
    notes = []
    speed = item.get("speed", [1, 1])
    if speed != [1, 1]:
        notes.append(f"speed {speed[0] / speed[1]:g}")
    if not item.get("enabled", True):
        notes.append("disabled")
    if joint is not None:
        notes.append(f"{joint.get('kind', 'dissolve')} {joint['in_offset']}+{joint['out_offset']}")
    return ", ".join(notes)


def edit(
    name: options.Sequence,
    commands: Annotated[
        list[str], typer.Argument(metavar="JSON...", help='Edits, each {"do": NAME, ...}; "-" reads one from stdin.')
    ],
    base_version: Annotated[
        int | None, typer.Option(min=0, metavar="VERSION", help="Refuse the edit unless this is the newest version.")
    ] = None,
    label: Annotated[str, typer.Option(metavar="TEXT", help="The line in the history.")] = "",
    project: options.Project = None,
    store: options.Store = None,
    as_json: options.Json = False,
) -> None:
    """Edit a sequence by commands in JSON; several are one edit, all or none."""
    parsed = [values.json_object(sys.stdin.read() if text == "-" else text) for text in commands]
    command = parsed[0] if len(parsed) == 1 else {"do": "Batch", "commands": parsed, "label": label}
    with backend(store) as daemon:
        found = lookup.sequence(daemon, name, project)
        accepted = daemon.command(
            command, found.id, base_version=base_version, strict=base_version is not None, label=label
        )
    if as_json:
        output.print_json(accepted)
    else:
        output.say(f"{output.plain(found.name)} is at version {accepted['version']}")
