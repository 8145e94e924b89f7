"""`genlock git`: cuts under version control, with git asking Genlock to show and to merge them."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Annotated

import typer

from genlock.cli import comparing, options, output
from genlock.errors import BadInput, GenlockError

PATTERNS = ("*.otio", "*.fcpxml", "*.edl", "*.kdenlive", "*.mlt")
"""Files whose suffix says that they are cuts; *.xml may be anything, so whoever has FCP7 XML adds it."""
NONE = "/dev/null"


def register(app: typer.Typer) -> None:
    """Adds the command group."""
    group = typer.Typer(no_args_is_help=True, help="Cuts in git: differences and merges that editors can read.")
    group.command()(install)
    group.command("diff")(diff)
    group.command("merge")(merge)
    app.add_typer(group, name="git")


def install(
    everywhere: Annotated[
        bool, typer.Option("--global", help="For all repositories of this account, not only the one here.")
    ] = False,
    as_json: options.Json = False,
) -> None:
    """Make git show and merge cuts with Genlock."""
    scope = "--global" if everywhere else "--local"
    settings = {
        "diff.genlock.command": "genlock git diff",
        "merge.genlock.name": "Genlock: cuts merged as an editor would",
        "merge.genlock.driver": "genlock git merge %O %A %B %P",
    }
    attributes = _attributes(everywhere)
    for name, value in settings.items():
        _git("config", scope, name, value)
    known = attributes.read_text().splitlines() if attributes.is_file() else []
    wanted = [f"{pattern} diff=genlock merge=genlock" for pattern in PATTERNS]
    fresh = [line for line in wanted if line not in known]
    if fresh:
        attributes.parent.mkdir(parents=True, exist_ok=True)
        attributes.write_text("\n".join([*known, *fresh]) + "\n")
    if as_json:
        output.print_json({"settings": settings, "attributes": str(attributes), "added": fresh})
        return
    output.say(f"git asks Genlock about {', '.join(PATTERNS)} ({output.plain(attributes)})")


def diff(
    path: Annotated[str, typer.Argument(metavar="PATH", help="The file's path in the repository.")],
    old: Annotated[Path, typer.Argument(metavar="OLD", help="The file as it was.")],
    old_hex: Annotated[str, typer.Argument(metavar="OLD-HEX", help="Not used.")],
    old_mode: Annotated[str, typer.Argument(metavar="OLD-MODE", help="Not used.")],
    new: Annotated[Path, typer.Argument(metavar="NEW", help="The file as it is.")],
    new_hex: Annotated[str, typer.Argument(metavar="NEW-HEX", help="Not used.")],
    new_mode: Annotated[str, typer.Argument(metavar="NEW-MODE", help="Not used.")],
    as_json: options.Json = False,
) -> None:
    """Show what changed in a cut; git calls this for `git diff`."""
    from genlock_otio.comparing import compare

    if NONE in (str(old), str(new)):
        word = "new" if str(old) == NONE else "removed"
        output.print_json({"path": path, word: True}) if as_json else output.say(f"{output.plain(path)}: {word}")
        return
    try:
        before, after = comparing.cuts([str(old), str(new)], _dialect(path), called=Path(path).stem)
        found = compare(before, after)
    except GenlockError as error:
        # git shows nothing more, of any file, once a driver fails
        _show_text(path, old, new, error, as_json=as_json)
        return
    if as_json:
        output.print_json({"path": path, **comparing.diff_json(found)})
        return
    output.say(f"[bold]{output.plain(path)}[/]")
    comparing.print_diff(found)


def _show_text(path: str, old: Path, new: Path, error: GenlockError, *, as_json: bool) -> None:
    """Shows two versions of which one is no cut as git shows text."""
    if as_json:
        output.print_json({"path": path, "error": {"code": error.code, "message": error.message}})
        return
    output.say(f"[bold]{output.plain(path)}[/]: [yellow]shown as text: {output.plain(error.message)}[/]")
    subprocess.run(("git", "diff", "--no-index", "--no-ext-diff", "--", str(old), str(new)), check=False)


def merge(
    base: Annotated[Path, typer.Argument(metavar="BASE", help="The common ancestor (%O).")],
    ours: Annotated[Path, typer.Argument(metavar="OURS", help="Our side (%A); the merged cut goes here.")],
    theirs: Annotated[Path, typer.Argument(metavar="THEIRS", help="Their side (%B).")],
    path: Annotated[str, typer.Argument(metavar="PATH", help="The file's path in the repository (%P).")] = "",
    as_json: options.Json = False,
) -> None:
    """Merge a cut; git calls this for `git merge`. Conflicts get red markers, and git keeps the file unmerged."""
    from genlock_otio.comparing import merge_files

    dialect = _dialect(path) or _of(ours)
    read = comparing.cuts([str(base), str(ours), str(theirs)], dialect, called=Path(path).stem)
    found = merge_files(read[0], read[1], read[2])
    # git's temporary files have no suffix: a writer wants one
    made = ours.with_name(f"{ours.name}.genlock{_suffix(path, dialect)}")
    try:
        loss = comparing.write_merged(found, made, dialect, mark=True)
        os.replace(made, ours)
    finally:
        made.unlink(missing_ok=True)
    if as_json:
        output.print_json({**comparing.merge_json(found), "version": None, "loss": loss, "path": path})
    elif found.conflicts:
        output.say(f"[bold]{output.plain(path or ours)}[/]")
        comparing.print_conflicts(found.conflicts)
    if found.conflicts:
        raise typer.Exit(1)


def _dialect(path: str) -> str:
    """Returns the dialect of a repository path by its suffix; "" lets the bytes say it."""
    from genlock_otio.dialects import dialect_of

    try:
        return dialect_of(Path(path)).profile.name if path else ""
    except BadInput:
        return ""


def _of(file: Path) -> str:
    import genlock_otio

    return genlock_otio.read(file).dialect


def _suffix(path: str, dialect: str) -> str:
    from genlock.timeline.profiles import PROFILES

    suffix = Path(path).suffix
    return suffix or PROFILES.get(dialect, PROFILES["otio"]).suffixes[0]


def _git(*arguments: str) -> str:
    try:
        done = subprocess.run(("git", *arguments), capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise BadInput("bad_value", "git is not installed.", hint="Install git, then run this again.") from error
    if done.returncode:
        raise BadInput("bad_value", f"git {arguments[0]}: {done.stderr.strip() or 'failed'}.")
    return done.stdout.strip()


def _attributes(everywhere: bool) -> Path:
    if not everywhere:
        try:
            return Path(_git("rev-parse", "--show-toplevel")) / ".gitattributes"
        except BadInput as error:
            if error.__cause__ is not None:  # git is not installed
                raise
            hint = "Run it inside of one, or with --global."
            raise BadInput("bad_value", "This folder is in no git repository.", hint=hint) from error
    configured = subprocess.run(
        ("git", "config", "--global", "--get", "core.attributesFile"), capture_output=True, text=True, check=False
    ).stdout.strip()
    home = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    return Path(configured).expanduser() if configured else home / "git" / "attributes"
