"""`genlock diff` and `genlock merge`: cuts against each other, as files or as versions of a sequence; no project needed."""

from __future__ import annotations

import csv
from contextlib import ExitStack
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from msgspec.structs import replace

from genlock.cli import lookup, options, output
from genlock.cli.backend import backend
from genlock.errors import BadInput, NotFound

if TYPE_CHECKING:
    from genlock.timeline.changes import Change
    from genlock.timeline.ops import MergeConflict
    from genlock.timeline.sequence import Sequence
    from genlock_otio.comparing import Comparison, MergedFile
    from genlock_otio.values import Imported

CUT_HELP = "A file, or SEQ@VERSION (SEQ alone: as it is now)."
COLOURS = {
    "inserted": "green", "removed": "red", "moved": "cyan", "trimmed": "yellow", "replaced": "magenta",
    "metadata": "dim", "media": "dim",
}  # fmt: skip

As = Annotated[
    str, typer.Option("--as", metavar="DIALECT", help="The dialect of the files, when their suffix does not say it.")
]
Rate = Annotated[
    str | None, typer.Option("--rate", metavar="RATE", help="The frame rate of files that do not say theirs (EDL).")
]


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    app.command()(diff)
    app.command()(merge)


def diff(
    before: Annotated[str, typer.Argument(metavar="A", help=CUT_HELP)],
    after: Annotated[str, typer.Argument(metavar="B", help=CUT_HELP)],
    visual: Annotated[
        Path | None,
        typer.Option("--otio", metavar="FILE", help="Also write both cuts into one timeline, changes marked."),
    ] = None,
    listed: Annotated[
        Path | None, typer.Option("--list", metavar="FILE", help="Also write the change list as .csv or .md.")
    ] = None,
    dialect: As = "",
    rate: Rate = None,
    project: options.Project = None,
    store: options.Store = None,
    as_json: options.Json = False,
) -> None:
    """Show what changed between two cuts, as an editor names it."""
    from genlock_otio.comparing import compare

    one, two = cuts([before, after], dialect, rate, project, store)
    found = compare(one, two)
    if visual is not None:
        from genlock_otio.pictured import picture

        picture(found, one, two, visual)
    if listed is not None:
        _write_list(found, listed)
    if as_json:
        output.print_json(diff_json(found))
        return
    print_diff(found)


def merge(
    base: Annotated[str, typer.Argument(metavar="BASE", help="The cut both sides were made from. " + CUT_HELP)],
    ours: Annotated[str, typer.Argument(metavar="OURS", help="The cut to merge into. " + CUT_HELP)],
    theirs: Annotated[str, typer.Argument(metavar="THEIRS", help="The cut that comes back. " + CUT_HELP)],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="Where the merged cut goes.")],
    policy: Annotated[
        Literal["ask", "ours", "theirs", "both"],
        typer.Option(help="What becomes of conflicts; ask: ours stands, and the command ends with 1."),
    ] = "ask",
    mark: Annotated[bool, typer.Option("--mark", help="Put a red marker where a conflict is left.")] = False,
    to: Annotated[str, typer.Option(metavar="DIALECT", help="The dialect to write. Default: by suffix.")] = "",
    dialect: As = "",
    rate: Rate = None,
    project: options.Project = None,
    store: options.Store = None,
    as_json: options.Json = False,
) -> None:
    """Merge what two people made of one cut into a file."""
    from genlock_otio.comparing import merge_files

    start, mine, yours = cuts([base, ours, theirs], dialect, rate, project, store)
    found = merge_files(start, mine, yours, policy)
    loss = write_merged(found, out, to, mark)
    if as_json:
        output.print_json({**merge_json(found), "version": None, "loss": loss, "path": str(out)})
    else:
        print_merge(found, out)
    if found.conflicts:
        raise typer.Exit(1)


def cuts(
    names: list[str],
    dialect: str = "",
    rate: str | None = None,
    project: str | None = None,
    store: str | None = None,
    called: str = "",
) -> tuple[Imported, ...]:
    """Reads cuts that are files or versions of sequences; the store is opened only when one is asked for.

    `called` is what files are called that have names of no meaning. Cuts without a title are all called alike: that two
    files have different names is no edit.
    """
    import genlock_otio
    from genlock.timeline.rate import snap_rate

    exact = None if rate is None else snap_rate(rate)
    found: list[Imported] = []
    untitled: list[int] = []
    with ExitStack() as stack:
        daemon: Any = None
        for name in names:
            path = Path(name)
            if path.exists():
                read = genlock_otio.read(path, dialect=dialect, rate=exact, name=called)
                if read.content.name == (called or path.stem):
                    untitled.append(len(found))
                found.append(read)
                continue
            if "@" not in name and path.suffix:
                raise NotFound("no_such_file", f"There is no file {name!r}.")
            daemon = daemon or stack.enter_context(backend(store))
            found.append(_version(daemon, name, project))
    titled = [read.content.name for at, read in enumerate(found) if at not in untitled]
    title = (titled or [found[0].content.name])[0]
    for at in untitled:
        found[at] = replace(found[at], content=replace(found[at].content, name=title))
    return tuple(found)


def _version(daemon: Any, name: str, project: str | None) -> Imported:
    """Returns a sequence as it was at a version: SEQ@VERSION."""
    import genlock_otio

    title, at, version = name.rpartition("@")
    if at and not version.isdigit():
        raise BadInput("bad_value", f"{version!r} in {name!r} is no version.", hint="`genlock history` shows them.")
    found = lookup.sequence(daemon, title if at else name, project)
    with TemporaryDirectory(prefix="genlock-") as folder:
        path = Path(folder) / f"{found.id}.otio"
        daemon.rest.download(f"/api/sequences/{found.id}/export", path, version=int(version) if at else None)
        read: Imported = genlock_otio.read(path)
    return read


def write_merged(found: MergedFile, out: Path, dialect: str, mark: bool) -> list[dict[str, Any]]:
    """Writes the merged cut and returns the loss rows."""
    import genlock_otio
    from genlock_otio.comparing import marked

    content = marked(found.content, found.conflicts) if mark else found.content
    loss = genlock_otio.write(content, out, media=found.media, nested=found.nested.get, dialect=dialect)
    return [{"what": row.what, "count": row.count, "names": list(row.names)} for row in loss.rows]


def diff_json(found: Comparison) -> dict[str, Any]:
    """Returns {"ops", "summary", "changes", "nested"}."""
    from msgspec import to_builtins

    from genlock.timeline.changes import summary

    return {
        "ops": to_builtins(found.ops),
        "summary": summary(found.changes),
        "changes": to_builtins(found.changes),
        "nested": {name: diff_json(inner) for name, inner in found.nested},
    }


def merge_json(found: MergedFile) -> dict[str, Any]:
    """Returns {"ops", "conflicts", "settled", "changes"}."""
    from msgspec import to_builtins

    from genlock.timeline.effects import conflict_value

    return {
        "ops": to_builtins(found.ops),
        "conflicts": [conflict_value(conflict) for conflict in found.conflicts],
        "settled": [conflict_value(conflict) for conflict in found.settled],
        "changes": to_builtins(found.changes),
    }


def print_diff(found: Comparison, name: str = "") -> None:
    """Prints the table of changes, nested sequences after it."""
    if name:
        output.say(f"\nIn [bold]{output.plain(name)}[/]:")
    empty = "Nothing changed." if not found.nested else "Nothing changed but in nested sequences."
    rows = change_rows(found.changes, found.after)
    styles = [_colour(change) for change in found.changes]
    output.print_table(("timecode", "track", "what", "name", "how"), rows, empty=empty, styles=styles)
    for title, inner in found.nested:
        print_diff(inner, title)


def print_merge(found: MergedFile, out: Path) -> None:
    """Prints what came in, what was settled and what is left."""
    output.say(f"Wrote {output.plain(out)}: {len(found.changes)} changes came in")
    for conflict in found.settled:
        output.say(f"  [dim]settled: {output.plain(conflict.message)}[/]")
    print_conflicts(found.conflicts)


def print_conflicts(conflicts: tuple[MergeConflict, ...]) -> None:
    for conflict in conflicts:
        output.say(f"  [red]conflict[/] {output.plain(conflict.message)}")


def change_rows(changes: tuple[Change, ...], state: Sequence) -> list[tuple[str, ...]]:
    """Returns (timecode, track, what, name, how) of each change."""
    from genlock.timeline.timecode import to_timecode

    def timecode(change: Change) -> str:
        return to_timecode(state.start_frame + max(0, change.at), state.rate, state.drop_frame)

    return [(timecode(c), c.track, c.kind.replace("_", " "), c.name, c.detail) for c in changes]


def _colour(change: Change) -> str:
    kind = change.kind
    return next((colour for word, colour in COLOURS.items() if kind.startswith(word[:5])), "")


def _write_list(found: Comparison, path: Path) -> None:
    rows = change_rows(found.changes, found.after)
    for name, inner in found.nested:
        rows += [(at, f"{name}: {track}", *rest) for at, track, *rest in change_rows(inner.changes, inner.after)]
    columns = ("Timecode", "Track", "What", "Name", "How")
    match path.suffix.lower():
        case ".csv":
            text = StringIO()
            csv.writer(text).writerows([columns, *rows])
            made = text.getvalue()
        case ".md":
            lines = [columns, ("---",) * len(columns), *rows]
            made = "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |\n" for row in lines)
        case suffix:
            raise BadInput(
                "unknown_format", f"A change list is written as .csv or .md, not {suffix or 'without suffix'}."
            )
    path.write_text(made, encoding="utf-8")
