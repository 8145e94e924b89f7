"""`genlock install`: puts Genlock into the editors of this machine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from genlock.cli import options, output
from genlock.errors import BadInput, GenlockError, NotFound

if TYPE_CHECKING:
    from genlock.blender.finding import Blender, Machine
    from genlock.blender.package import Extension

BY_HAND = "Drag the file into Blender's window, or install it under Preferences > Get Extensions > Install from Disk."
ENABLE = "Start it and enable Genlock under Preferences > Add-ons."


def register(app: typer.Typer) -> None:
    """Adds the command group."""
    group = typer.Typer(no_args_is_help=True, help="Genlock inside other programs.")
    group.callback()(_group)
    group.command()(blender)
    app.add_typer(group, name="install")


def _group() -> None:
    """Keeps the group a group while it has one command."""


def blender(
    zip_: Annotated[
        Path | None,
        typer.Option("--zip", metavar="FILE", help="Only write the extension, as this file or into this folder."),
    ] = None,
    where: Annotated[
        Path | None,
        typer.Option(
            "--blender",
            metavar="PATH",
            help="This Blender: program, its folder, or user folder. Default: all found here.",
        ),
    ] = None,
    version: Annotated[str, typer.Option(metavar="VERSION", help="Only Blenders of this version: 4.5.")] = "",
    as_json: options.Json = False,
) -> None:
    """Install the add-on into the Blenders of this machine, or write it as a file."""
    from genlock.blender import finding, package

    extension = package.build()
    rows: list[dict[str, Any]] = []
    written: Path | None = None
    if zip_ is None:
        machine = finding.here()
        rows = [_install(extension, each, machine) for each in _wanted(machine, where, version)]
    if not any(row["state"] in ("enabled", "unpacked") for row in rows):
        if where is not None or any(row["state"] == "failed" for row in rows):
            raise GenlockError("blender_failed", "; ".join(row["message"] for row in rows))
        written = _write(extension, zip_ or Path())
    if as_json:
        output.print_json({"version": extension.version, "zip": str(written) if written else None, "blenders": rows})
        return
    for row in rows:
        name = f"Blender {row['version']}".strip()
        output.say(output.plain(f"{name} ({row['program'] or row['folder']}): {row['message']}"))
    if written is not None:
        if zip_ is None and not rows:
            output.say("No Blender was found here.")
        output.say(f"{output.plain(written)} is the extension. {BY_HAND}")


def _wanted(machine: Machine, where: Path | None, version: str) -> list[Blender]:
    """Returns the Blenders to install into. Raises NotFound(no_such_file), BadInput(bad_value)."""
    from genlock.blender import finding

    numbers = tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
    if version and len(numbers) != 2:
        raise BadInput("bad_value", f"{version!r} is no version of Blender; write 4.5.")
    if where is None:
        return [each for each in finding.blenders(machine) if not numbers or each.version == numbers]
    if not where.exists():
        raise NotFound("no_such_file", f"There is no {str(where)!r}.")
    program = finding.program_of(where)
    if program is None:
        return [finding.Blender(numbers, where.absolute(), None)]
    known = numbers or finding.version_of(program)
    return [finding.Blender(known, finding.resources(machine, known), program.absolute())]


def _install(extension: Extension, found: Blender, machine: Machine) -> dict[str, Any]:
    from genlock.blender import finding, installing

    repository = finding.extensions(machine, found)
    row: dict[str, Any] = {
        "version": ".".join(map(str, found.version)),
        "program": str(found.program) if found.program else None,
        "folder": str(repository) if repository else None,
    }
    if found.version and found.version < finding.OLDEST:
        return {**row, "state": "too_old", "message": "it is too old: extensions came with 4.2."}
    problem = ""
    if found.program is not None:
        try:
            installing.by_program(extension, found.program)
        except GenlockError as error:
            problem = str(error)
        else:
            return {**row, "state": "enabled", "message": f"{extension.name} is installed and enabled."}
    if repository is None:
        return {**row, "state": "failed", "message": problem}
    try:
        installing.into_folder(extension, repository)
    except GenlockError as error:
        return {**row, "state": "failed", "message": f"{problem} {error}".strip()}
    return {**row, "state": "unpacked", "message": f"{extension.name} is in its folder. {ENABLE}"}


def _write(extension: Extension, place: Path) -> Path:
    path = place / extension.name if place.is_dir() else place
    try:
        path.write_bytes(extension.content)
    except OSError as error:
        raise GenlockError("unwritable_folder", f"{path} cannot be written: {error.strerror}.") from error
    return path.absolute()
