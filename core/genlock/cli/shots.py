"""`genlock shot ...` and `genlock take ...`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from genlock.cli import lookup, options, output, values
from genlock.cli.backend import backend
from genlock.errors import BadInput

shots = typer.Typer(name="shot", help="Shots: what is to be generated.", no_args_is_help=True)
takes = typer.Typer(name="take", help="Takes: what was generated for a shot.", no_args_is_help=True)

Status = Literal["planned", "generating", "review", "approved", "omitted"]
Scene = Annotated[str | None, typer.Option(metavar="SCENE", help="The scene's code, as in SC03.")]
Prompt = Annotated[str | None, typer.Option(metavar="TEXT", help="What to see.")]
Negative = Annotated[str | None, typer.Option(metavar="TEXT", help="What not to see.")]
Seed = Annotated[int | None, typer.Option(metavar="N", help="Makes the result repeatable.")]
Frames = Annotated[int | None, typer.Option(min=1, metavar="N", help="Length in frames.")]
Rate = Annotated[str | None, typer.Option(metavar="FPS", help="Frame rate. Default: the project's.")]
Size = Annotated[str | None, typer.Option("--resolution", metavar="WxH", help="Picture size. Default: the project's.")]
Camera = Annotated[str | None, typer.Option(metavar="MOVE", help='A camera move: "push", "pan left", "static".')]
Type = Annotated[str | None, typer.Option("--type", metavar="TEXT", help='The shot type: "close-up", "wide".')]
Engine = Annotated[str | None, typer.Option(metavar="ENGINE", help="The engine. Default: the project's.")]
Notes = Annotated[str | None, typer.Option(metavar="TEXT", help="Notes for people.")]
Images = Annotated[
    list[str] | None,
    typer.Option("--image", metavar="PATH[@FRAME[:STRENGTH]]", help="An image or clip to follow; repeat it."),
]


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    app.add_typer(shots)
    app.add_typer(takes)


def _brief(**given: Any) -> dict[str, Any]:
    """Returns the fields of a brief that were given."""
    brief = {key: value for key, value in given.items() if value is not None}
    if "rate" in brief:
        brief["rate"] = values.rate(brief["rate"])
    if "resolution" in brief:
        brief["resolution"] = values.resolution(brief["resolution"])
    if "conditioning" in brief:
        brief["conditioning"] = [values.image(text) for text in brief["conditioning"]]
    return brief


def _files(brief: dict[str, Any]) -> list[str]:
    return [image["path"] for image in brief.get("conditioning", ())]


@shots.command()
def add(
    code: Annotated[str, typer.Argument(metavar="CODE", help="The shot's code, as in SH0010.")],
    scene: Scene = None,
    prompt: Prompt = None,
    negative: Negative = None,
    seed: Seed = None,
    frames: Frames = None,
    rate: Rate = None,
    resolution: Size = None,
    camera: Camera = None,
    shot_type: Type = None,
    engine: Engine = None,
    notes: Notes = None,
    images: Images = None,
    project: options.Project = None,
    store: options.Store = None,
    as_json: options.Json = False,
) -> None:
    """Add a shot to a project."""
    brief = _brief(
        prompt=prompt,
        negative_prompt=negative,
        seed=seed,
        frames=frames,
        rate=rate,
        resolution=resolution,
        camera=camera,
        shot_type=shot_type,
        engine=engine,
        notes=notes,
        conditioning=images or None,
    )
    with backend(store, _files(brief)) as daemon:
        owner = lookup.project(daemon, project)
        brief.setdefault("rate", owner["settings"]["rate"])
        command = {"do": "CreateShot", "project": owner["id"], "code": code, "scene": scene or "", "brief": brief}
        accepted = daemon.command(command)
        made = daemon.get(f"/api/shots/{(accepted['created'] or [accepted['target']])[0]}")
    if as_json:
        output.print_json(made)
    else:
        output.say(f"Added the shot [bold]{output.plain(code)}[/] ({output.short(made['id'])})")


@shots.command("set")
def set_(
    name: options.Shot,
    code: Annotated[str | None, typer.Option(metavar="CODE", help="A new code.")] = None,
    scene: Scene = None,
    status: Annotated[Status | None, typer.Option(help="Where the work stands.")] = None,
    prompt: Prompt = None,
    negative: Negative = None,
    seed: Seed = None,
    frames: Frames = None,
    rate: Rate = None,
    resolution: Size = None,
    camera: Camera = None,
    shot_type: Type = None,
    engine: Engine = None,
    notes: Notes = None,
    images: Images = None,
    no_images: Annotated[bool, typer.Option("--no-images", help="Follow no images any more.")] = False,
    project: options.Project = None,
    store: options.Store = None,
    as_json: options.Json = False,
) -> None:
    """Change a shot: what is given, the rest stays."""
    change = _brief(
        prompt=prompt,
        negative_prompt=negative,
        seed=seed,
        frames=frames,
        rate=rate,
        resolution=resolution,
        camera=camera,
        shot_type=shot_type,
        engine=engine,
        notes=notes,
        conditioning=[] if no_images else images or None,
    )
    if not change and code is None and scene is None and status is None:
        raise BadInput(
            "bad_request", "Nothing was given to change.", hint="`genlock shot set --help` lists what can be."
        )
    with backend(store, _files(change)) as daemon:
        found = lookup.shot(daemon, name, project)
        if change:
            daemon.command({"do": "ChangeBrief", "brief": {**found["brief"], **change}}, found["id"])
        if code is not None or scene is not None:
            daemon.command({"do": "RenameShot", "code": code, "scene": scene}, found["id"])
        if status is not None:
            daemon.command({"do": "SetShotStatus", "status": status}, found["id"])
        changed = daemon.get(f"/api/shots/{found['id']}")
    if as_json:
        output.print_json(changed)
    else:
        output.say(f"Changed [bold]{output.plain(changed['code'])}[/], version {changed['version']}")


@shots.command("list")
def list_(project: options.Project = None, store: options.Store = None, as_json: options.Json = False) -> None:
    """List the shots of a project, or of all."""
    with backend(store) as daemon:
        rows = lookup.shots(daemon, project)
    if as_json:
        output.print_json({"shots": [{key: row[key] for key in row if key != "owner"} for row in rows]})
        return
    output.print_table(
        ("shot", "scene", "id", "status", ">takes", "shown", ">length", "prompt"),
        (
            (
                row["code"],
                row.get("scene", ""),
                output.short(row["id"]),
                row.get("status", "planned"),
                len(row["takes"]),
                _shown(row),
                output.length(row["brief"].get("frames", 97), row["brief"].get("rate", [24, 1])),
                _cut(row["brief"].get("prompt", "")),
            )
            for row in rows
        ),
        empty="There is no shot yet. Add one: genlock shot add SH0010 --prompt TEXT",
    )


@shots.command("from")
def from_(
    name: options.Sequence,
    tracks: Annotated[
        list[str] | None,
        typer.Option("--track", metavar="TRACK", help="Only this track; repeat it. Default: all video."),
    ] = None,
    handles: Annotated[int, typer.Option(min=0, max=1000, metavar="N", help="Extra frames at both ends.")] = 0,
    stills: Annotated[
        bool, typer.Option("--stills/--no-stills", help="Follow the first frame of what is there.")
    ] = True,
    project: options.Project = None,
    store: options.Store = None,
    as_json: options.Json = False,
) -> None:
    """Make a shot of each item of a sequence, and let the cut show the shots."""
    with backend(store) as daemon:
        found = lookup.sequence(daemon, name, project)
        body: dict[str, Any] = {"sequence": found.id, "handles": handles, "stills": stills}
        if tracks:
            state = daemon.get(f"/api/sequences/{found.id}")
            body["tracks"] = [lookup.track(state, track)["id"] for track in tracks]
        answer = daemon.post_once(f"/api/projects/{found.project['id']}/shots-from", body)
    if as_json:
        output.print_json(answer)
    else:
        output.say(f"Made {len(answer['shots'])} shots; {output.plain(found.name)} is at version {answer['version']}")


@takes.command("list")
def list_takes(
    name: options.Shot, project: options.Project = None, store: options.Store = None, as_json: options.Json = False
) -> None:
    """List the takes of a shot."""
    with backend(store) as daemon:
        found = lookup.shot(daemon, name, project)
    rows = lookup.takes_of(found)
    if as_json:
        output.print_json({"shot": found["id"], "selected": found.get("selected"), "takes": rows})
        return
    output.print_table(
        ("take", "", "mode", "engine", "plan", ">seed", "path"),
        (
            (
                f"v{row['number']:03d}",
                "shown" if row["id"] == found.get("selected") else "",
                ((row.get("provenance") or {}).get("request") or {}).get("mode", ""),
                values.maker(row.get("provenance") or {}),
                (row.get("provenance") or {}).get("plan", ""),
                ((row.get("provenance") or {}).get("request") or {}).get("seed", 0),
                row["path"] if Path(row["path"]).exists() else f"{row['path']} (missing)",
            )
            for row in rows
        ),
        empty=f"{found['code']} has no take yet. Make one: genlock generate {found['code']}",
    )


@takes.command()
def select(
    name: options.Shot,
    wanted: Annotated[
        str, typer.Argument(metavar="TAKE", help="The take: its number (3 or v003) or id; none for none.")
    ],
    project: options.Project = None,
    store: options.Store = None,
    as_json: options.Json = False,
) -> None:
    """Choose the take that the cut shows."""
    with backend(store) as daemon:
        found = lookup.shot(daemon, name, project)
        row = None if wanted.lower() == "none" else lookup.take(found, wanted)
        accepted = daemon.command({"do": "SelectTake", "take": row["id"] if row else None}, found["id"])
    if as_json:
        output.print_json({**accepted, "selected": row["id"] if row else None})
    else:
        shown = f"v{row['number']:03d}" if row else "no take"
        output.say(f"{output.plain(found['code'])} shows {shown}")


def _shown(shot: dict[str, Any]) -> str:
    take = shot["takes"].get(shot.get("selected") or "")
    return f"v{take['number']:03d}" if take else ""


def _cut(text: str, most: int = 60) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
