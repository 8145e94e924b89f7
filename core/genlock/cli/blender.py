"""`genlock blender`: Blender without its window, for studios that render on other machines."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from genlock.cli import options, output
from genlock.errors import BadInput

_SPAN = re.compile(r"(\d+)(?:-(\d+))?")
_SIZE = re.compile(r"(\d+)x(\d+)")


With = Annotated[
    Path | None,
    typer.Option(
        "--with", metavar="PROGRAM", help="A Blender, or a Python that has bpy. Default: the newest Blender here."
    ),
]


def register(app: typer.Typer) -> None:
    """Adds the command group."""
    group = typer.Typer(no_args_is_help=True, help="Blender without its window.")
    group.command()(render)
    group.command()(save)
    app.add_typer(group, name="blender")


def render(
    file: Annotated[Path, typer.Argument(metavar="FILE.blend", help="The file; it is never saved.")],
    out: Annotated[
        Path, typer.Argument(metavar="OUT", help="A .mov (ProRes), an .mp4 (H.264) or a folder for pictures.")
    ],
    scene: Annotated[str, typer.Option(metavar="NAME", help="The scene. Default: the file's own.")] = "",
    strips: Annotated[
        list[str] | None,
        typer.Option(metavar="STRIP", help="Only this strip, by id or name, with what belongs to it; repeat it."),
    ] = None,
    frames: Annotated[str, typer.Option(metavar="A-B", help="These frames, both included. Default: all of it.")] = "",
    size: Annotated[str, typer.Option(metavar="WxH", help="Picture size, at least. Default: the scene's.")] = "",
    with_: With = None,
    as_json: options.Json = False,
) -> None:
    """Render a scene of a .blend, or some strips of it, with the Blender of this machine."""
    from genlock.blender import finding, rendering

    program = rendering.program(with_, finding.here())
    with output.progress("frames") as shown:
        line = shown.add_task("Blender", total=None)
        result = rendering.render(
            file,
            out,
            program,
            scene=scene,
            strips=strips or (),
            span=_span(frames),
            size=_size(size),
            told=lambda done, total: shown.update(line, completed=done, total=total),
        )
    if as_json:
        output.print_json(
            {"path": str(result.path), "frames": result.frames, "codec": result.codec, "program": str(program)}
        )
        return
    output.say(f"{result.frames} frames in {output.plain(result.path)} ({result.codec})")


def save(
    sequence: options.Sequence,
    file: Annotated[Path, typer.Argument(metavar="FILE.blend", help="The file. One of that name is kept as .blend1.")],
    relative: Annotated[
        bool, typer.Option("--relative", help="Paths count from the file's folder, so that both can move together.")
    ] = False,
    with_: With = None,
    project: options.Project = None,
    store: options.Store = None,
    as_json: options.Json = False,
) -> None:
    """Save a sequence as a .blend, with every clip in its place, linked to the sequence."""
    from genlock.blender import finding, rendering, saving
    from genlock.cli import lookup
    from genlock.cli.backend import backend

    program = rendering.program(with_, finding.here())
    with backend(store, [file]) as daemon, output.progress("strips") as shown:
        line = shown.add_task("Blender", total=None)
        found = lookup.sequence(daemon, sequence, project)
        saved = saving.save(
            found.project["id"],
            found.id,
            file.expanduser(),
            program,
            url=daemon.rest.base_url,
            token=daemon.rest.token,
            relative=relative,
            told=lambda done, total: shown.update(line, completed=done, total=total),
        )
    if as_json:
        told = {"missing": list(saved.missing), "troubles": list(saved.troubles), "program": str(program)}
        output.print_json({"path": str(saved.path), "strips": saved.strips, "frames": saved.frames, **told})
        return
    output.say(f"{saved.strips} strips, {saved.frames} frames in {output.plain(saved.path)}")
    for name in saved.missing:
        output.say(f"[yellow]Its file is not there:[/] {output.plain(name)}")
    for sentence in saved.troubles:
        output.say(f"[yellow]Not as in the sequence:[/] {output.plain(sentence)}")


def _span(text: str) -> tuple[int, int] | None:
    if not text:
        return None
    found = _SPAN.fullmatch(text.strip())
    first, last = (int(found[1]), int(found[2] or found[1])) if found else (1, 0)
    if last < first:
        raise BadInput("bad_value", f"{text!r} is no range of frames; write 1-48, or 12 for one.")
    return first, last + 1


def _size(text: str) -> tuple[int, int]:
    if not text:
        return 0, 0
    found = _SIZE.fullmatch(text.strip().lower())
    if not found or not 4 <= int(found[1]) <= 16384 or not 4 <= int(found[2]) <= 16384:
        raise BadInput("bad_value", f"{text!r} is no picture size; write 1920x1080.")
    return int(found[1]), int(found[2])
