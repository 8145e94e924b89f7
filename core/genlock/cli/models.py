"""`genlock models`: which models there are, where they lie, whether they are whole. The library is a folder: no daemon."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from genlock.cli import options, output
from genlock.errors import BadInput, GenerationError
from genlock.generation.models.catalog import Entry, entry
from genlock.generation.models.library import Library, library, staging
from genlock.generation.models.listing import rows

if TYPE_CHECKING:
    from rich.progress import Progress

FREE: Final = ("Apache-2.0",)
"""Licences that nobody has to accept."""

models = typer.Typer(name="models", help="Models: what the engines load.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="NAME", help="The model's name in the list.")]


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    app.add_typer(models)


@models.command("list")
def list_(as_json: options.Json = False) -> None:
    """List the known models and those that are here."""
    found = rows(library())
    if as_json:
        output.print_json({"home": str(library().home), "models": found})
        return
    output.print_table(
        ("name", "what", "licence", ">size", "here", "revision"),
        (
            (
                row["name"],
                row["title"],
                row["licence"]["name"] + (" (ask for it)" if row["licence"]["gated"] else "") if row["licence"] else "",
                output.size(row["bytes"]),
                row["problem"] or row["path"],
                row["revision"][:12],
            )
            for row in found
        ),
        empty="There are no models.",
    )


@models.command()
def pull(
    name: Name,
    revision: Annotated[
        str | None,
        typer.Option(metavar="R", help="A commit, tag or branch; `main` for the newest. Default: the one kept here."),
    ] = None,
    accept_licence: Annotated[
        bool, typer.Option("--accept-licence", help="You have read the licence and accept it.")
    ] = False,
    as_json: options.Json = False,
) -> None:
    """Fetch a model, or go on fetching it."""
    from genlock.generation.models.pull import pull as fetch

    wanted, home = entry(name), library()
    if not as_json:
        output.say(output.plain(_terms(wanted)))
    _accept(wanted, home, accepted=accept_licence)
    with _transfer(quiet=as_json) as bar:
        line = bar.add_task(name, total=wanted.bytes)
        model = fetch(
            wanted,
            home,
            revision,
            lambda done, total, file: bar.update(line, completed=done, total=total, description=file or name),
        )
    if as_json:
        output.print_json({"name": name, "path": model.path, "revision": model.revision, "bytes": model.bytes})
    else:
        output.say(f"{output.plain(name)} is in {output.plain(model.path)}, revision {model.revision[:12]}")


@models.command()
def path(
    name: Name,
    folder: Annotated[
        Path | None, typer.Argument(metavar="[FOLDER]", help="A folder you have the model in already.")
    ] = None,
    forget: Annotated[bool, typer.Option("--forget", help="Forget the folder given; no file is touched.")] = False,
    as_json: options.Json = False,
) -> None:
    """Show where a model lies, or say where you have it."""
    if folder is not None and forget:
        raise BadInput("bad_request", "Give a folder or --forget, not both.")
    home = library()
    if folder is not None or forget:
        home.register(name, folder)
    here = home.folder(name)
    is_here = name in home.names()
    if as_json:
        output.print_json({"name": name, "path": str(here), "here": is_here})
    else:
        output.say(output.plain(here) + ("" if is_here else " (not there)"))


@models.command()
def check(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="The model; all that are here without.")] = None,
    deep: Annotated[bool, typer.Option("--deep", help="Compare every file's hash: reads all of it.")] = False,
    as_json: options.Json = False,
) -> None:
    """Check that the files are whole and what was published, and measure what the model needs while it computes."""
    from genlock.generation.models.check import check as look
    from genlock.generation.models.check import dry_run

    home = library()
    found = [look(each, home, deep=deep) for each in ((name,) if name else home.names())]
    measured = {checked.name: dry_run(Path(checked.path)) for checked in found if checked.ok}
    if as_json:
        output.print_json({"models": [_checked(each, measured.get(each.name, "")) for each in found]})
    elif not found:
        output.say(f"No model is in {output.plain(home.home)}.")
    for each in found if not as_json else ():
        kinds = ", ".join(f"{kind} {output.size(count)}" for kind, count in sorted(each.dtypes.items()))
        output.say(f"{output.plain(each.name)}: {'good' if each.ok else 'BROKEN'} ({output.plain(kinds)})")
        for problem in each.problems:
            output.say(output.plain(f"  {problem.file}: {problem.message} ({problem.code})"))
        ran = measured.get(each.name, "")
        told = "What it needs while it computes was measured." if ran.startswith("{") else ran
        for note in filter(None, (*each.notes, told)):
            output.say(output.plain(f"  {note}"))
    broken = [each.name for each in found if not each.ok]
    if broken:
        raise GenerationError("model_broken", f"Not whole: {', '.join(broken)}.")


@models.command("env")
def environment(
    name: Annotated[str, typer.Argument(metavar="ENGINE", help="ltx-video or sam3-native.")],
    check_only: Annotated[bool, typer.Option("--check", help="Only look whether it is made and answers.")] = False,
    remove: Annotated[bool, typer.Option("--remove", help="Remove it.")] = False,
    as_json: options.Json = False,
) -> None:
    """Make the environment of an engine whose libraries cannot live beside today's; takes minutes and gigabytes."""
    from genlock.generation import environments

    if check_only and remove:
        raise BadInput("bad_request", "Give --check or --remove, not both.")
    wanted = environments.environment(name)
    place = environments.folder(name)
    if remove:
        gone = environments.remove(name)
        shown = f"Removed {place}" if gone else f"There was no {place}"
    else:
        if not check_only:
            if not as_json:
                output.say(output.plain(f"{wanted.library} ({wanted.licence}), from PyPI with pip, into {place}"))
            with _transfer(quiet=as_json) as bar:
                line = bar.add_task(name, total=None)
                environments.create(name, say=lambda text: bar.update(line, description=text[:60] or name))
        versions = environments.check(name)
        shown = ", ".join(f"{package} {version}" for package, version in versions.items())
    if as_json:
        python = environments.python(name)
        output.print_json({"name": name, "path": str(place), "python": str(python or "")})
    else:
        output.say(output.plain(shown))


def _checked(checked: Any, measured: str) -> dict[str, Any]:
    import msgspec

    fields: dict[str, Any] = msgspec.to_builtins(checked)
    return {**fields, "ok": checked.ok, "measured": measured}


def _transfer(*, quiet: bool) -> Progress:
    """Returns a display of bytes on stderr, so that stdout stays clean."""
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    shown = output.console(stderr=True)
    columns = (BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    text = TextColumn("{task.description}", markup=False)
    return Progress(text, *columns, console=shown, transient=True, disable=quiet or not shown.is_terminal)


def _terms(wanted: Entry) -> str:
    gated = " Its page asks you to accept it with your account." if wanted.licence.gated else ""
    return (
        f"{wanted.title}\nabout {output.size(wanted.bytes)} from {wanted.page}\n"
        f"licence: {wanted.licence.name}, {wanted.licence.url} (commercial use: {wanted.licence.commercial}).{gated}"
    )


def _accept(wanted: Entry, home: Library, *, accepted: bool) -> None:
    """Asks for the licence's acceptance, once a model. Raises GenerationError(licence)."""
    begun = any(folder.is_dir() for folder in (home.folder(wanted.name), staging(home, wanted.name)))
    if accepted or begun or wanted.licence.name in FREE:
        return
    if sys.stdin.isatty() and typer.confirm(f"Do you accept the {wanted.licence.name}?", err=True):
        return
    raise GenerationError(
        "licence",
        f"{wanted.title} comes under the {wanted.licence.name}: {wanted.licence.url}",
        hint="Read it; then pull with --accept-licence.",
    )
