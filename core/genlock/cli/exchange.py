"""`genlock import`, `export`, `exports` and `render`: cuts come in from files and go out again."""

from __future__ import annotations

import time
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from genlock.cli import lookup, options, output, values
from genlock.cli.backend import Backend, absolute, backend
from genlock.cli.conflicts import print_conflicts
from genlock.cli.projects import create
from genlock.errors import BadInput, NotFound
from genlock_client.errors import ClientError, from_payload

POLL_SECONDS = 0.1
SHOWN = 5
"""Names that a row of the loss report shows."""

At = Annotated[int | None, typer.Option("--at", min=1, metavar="VERSION", help="As it was at a version.")]


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    app.command("import")(import_)
    app.command()(export)
    app.command()(exports)
    app.command()(render)


class Policy(StrEnum):
    """Who is right where both sides changed the same thing."""

    ASK = "ask"
    OURS = "ours"
    THEIRS = "theirs"
    BOTH = "both"


def import_(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="Timelines of any format that docs/formats.md names.")
    ],
    into: Annotated[
        str | None,
        typer.Option(metavar="SEQ", help="Merge returned files into this sequence instead of making new ones."),
    ] = None,
    dialect: Annotated[
        str, typer.Option("--as", metavar="DIALECT", help="Read them as this dialect. Default: found out.")
    ] = "",
    policy: Annotated[
        Policy, typer.Option(help="With --into: who is right where both sides changed the same; ask leaves it open.")
    ] = Policy.ASK,
    base: Annotated[
        int | None,
        typer.Option(min=1, metavar="VERSION", help="With --into: the version it was made from. Default: found out."),
    ] = None,
    rate: Annotated[
        str | None, typer.Option(metavar="FPS", help="Frame rate of formats that do not say theirs (EDL).")
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="The sequence's name. Default: the timeline's own, else the file's."),
    ] = None,
    project: options.Project = None,
    store: options.Store = None,
    as_json: options.Json = False,
) -> None:
    """Make sequences of timeline files, or merge returned ones into a sequence; without any project, one is made too."""
    for file in files:
        if not file.is_file():
            raise NotFound("no_such_file", f"There is no file {str(file)!r}.")
    if into is None and (base is not None or policy is not Policy.ASK):
        raise BadInput("bad_request", "--base and --policy say how to merge: name the sequence with --into.")
    body: dict[str, Any] = {
        "dialect": dialect,
        **({"rate": values.rate(rate)} if rate else {}),
        **({"name": name} if name else {}),
    }
    with backend(store, files) as daemon:
        if into is None:
            owner, made = _make(daemon, project, files, body)
        else:
            found = lookup.sequence(daemon, into, project)
            owner = found.project
            body |= {"into": found.id, "policy": policy.value, "base": base}
            made = [_one(daemon, owner["id"], file, body) for file in files]
            state = daemon.get(f"/api/sequences/{found.id}")
    if as_json:
        output.print_json(made[0] if len(made) == 1 else {"imports": made})
        return
    for row in made:
        if into is None:
            _say_made(row, owner)
        else:
            _say_merged(row, state)


def _one(daemon: Backend, project: str, file: Path, body: dict[str, Any]) -> dict[str, Any]:
    answer = daemon.post_once(f"/api/projects/{project}/import", {"path": absolute(file), **body})
    return {"file": str(file), "project": project, **answer}


def _make(
    daemon: Backend, project: str | None, files: list[Path], body: dict[str, Any]
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Makes a sequence of each file; returns their project and the answers."""
    owner, is_new = _owner(daemon, project, files[0])
    made: list[dict[str, Any]] = []
    try:
        for file in files:
            made.append(_one(daemon, owner["id"], file, body))  # noqa: PERF401  what was made counts when one fails
    except ClientError:
        if is_new and not made:
            daemon.command({"do": "ArchiveProject"}, owner["id"])
        raise
    if is_new:
        _adopt_settings(daemon, owner["id"], made[0]["sequence"])
    return owner, made


def _say_made(row: dict[str, Any], owner: dict[str, Any]) -> None:
    missing = sum(bool(file["missing"]) for file in row["media"])
    output.say(
        f"Imported {output.plain(row['file'])} into {output.plain(owner['name'])} as "
        f"[bold]{output.plain(row['name'])}[/] ({output.short(row['sequence'])}), version {row['version']}: "
        f"{len(row['media'])} media ({missing} missing)"
    )
    _say_warnings(row)
    if row["made_from"]:
        name = owner.get("sequences", {}).get(row["made_from"], output.short(row["made_from"]))
        output.say(
            f"  It was exported from {output.plain(name)}: to merge it there instead, undo this and give "
            f"--into {output.short(row['made_from'])}"
        )


def _say_warnings(row: dict[str, Any]) -> None:
    for warning in row["warnings"]:
        output.say(f"  [yellow]{output.plain(warning)}[/]")


_HOW = {"receipt": "by its receipt", "version": "it says so", "overlap": "the best fit", "given": "as given"}


def _say_merged(row: dict[str, Any], state: dict[str, Any]) -> None:
    base, name = row["base"], output.plain(row["name"])
    share = f", {base['overlap']:.0%} of it" if base["overlap"] is not None else ""
    made_from = f"made from version {base['version']} ({_HOW[base['how']]}{share})"
    if not (row["ops"] or row["conflicts"] or row["nested"]):
        output.say(
            f"{output.plain(row['file'])} holds nothing new: {name} stays at version {row['version']}; {made_from}"
        )
        _say_warnings(row)
        return
    counts = f"{_count(len(row['changes']), 'change')}, {_count(len(row['conflicts']), 'conflict')} left open"
    settled = f", {len(row['settled'])} settled" if row["settled"] else ""
    output.say(f"Merged {output.plain(row['file'])} into [bold]{name}[/], version {row['version']}: {counts}{settled}")
    output.say(f"[dim]{made_from}; {len(row['media'])} new media[/]")
    _print_changes(row["changes"], state)
    for inner in row["nested"]:
        told = f"{_count(len(inner['changes']), 'change')}, {_count(len(inner['conflicts']), 'conflict')}"
        output.say(f"  nested {output.plain(inner['name'])}: {told if inner['version'] > 1 else 'new'}")
    if row["conflicts"]:
        print_conflicts(row["conflicts"], state)
        output.say(f"[dim]Settle one: genlock conflicts resolve {output.short(row['sequence'])} ID CHOICE[/]")
    _say_warnings(row)
    if row["verified"]:
        output.say("[dim]Checked: everything in the file is in the sequence now, but for what is listed.[/]")


def _print_changes(changes: list[dict[str, Any]], state: dict[str, Any]) -> None:
    rows = [
        (output.timecode(c.get("at", 0), state), c.get("track", ""), c["kind"], c.get("name", ""), c.get("detail", ""))
        for c in changes
    ]
    if rows:
        output.print_table(("record in", "track", "what", "name", ""), rows, empty="")


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _owner(daemon: Backend, project: str | None, file: Path) -> tuple[dict[str, Any], bool]:
    if project is None and not lookup.projects(daemon):
        return create(daemon, file.stem, {}), True
    return lookup.project(daemon, project), False


def _adopt_settings(daemon: Backend, project: str, sequence: str) -> None:
    """A project made for a cut works at the cut's rate and size."""
    state = daemon.get(f"/api/sequences/{sequence}")
    wanted = {key: state[key] for key in ("rate", "drop_frame", "start_frame", "resolution")}
    try:
        daemon.command({"do": "ChangeSettings", "settings": wanted}, project)
    except ClientError as error:
        if error.code != "no_change":
            raise


def export(
    name: options.Sequence,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where to; its suffix says the format.")],
    to: Annotated[str, typer.Option(metavar="DIALECT", help="The dialect to write. Default: by the suffix.")] = "",
    strict: Annotated[bool, typer.Option("--strict", help="Write nothing when something would be lost.")] = False,
    schema: Annotated[
        str, typer.Option(metavar="VERSION", help="Write the schemas of an older OpenTimelineIO, as in 0.14.0.")
    ] = "",
    at: At = None,
    project: options.Project = None,
    store: options.Store = None,
    as_json: options.Json = False,
) -> None:
    """Write a sequence to a file; what the format cannot carry is said first."""
    with backend(store, [file]) as daemon:
        found = lookup.sequence(daemon, name, project)
        body = {"path": absolute(file), "dialect": to, "family": schema, "strict": strict, "version": at}
        if not as_json and (dialect := _reported(file, to)):
            body["version"] = _say_loss(daemon, found, dialect, at)
        answer = daemon.post_once(f"/api/sequences/{found.id}/export", body)
    if as_json:
        output.print_json({"sequence": found.id, **answer})
        return
    for path in answer["files"] or [answer["path"]]:
        output.say(f"Wrote {output.plain(path)}, version {answer['version']}")


def _say_loss(daemon: Backend, found: lookup.Found, dialect: str, at: int | None) -> int:
    """Says what will be lost, and returns the version that was looked at."""
    told = daemon.get(f"/api/sequences/{found.id}/loss", dialect=dialect, version=at)
    if told["loss"]:
        rows = [(row["what"], row["count"], _where(row["names"], row["count"])) for row in told["loss"]]
        output.print_table((f"what {told['dialect']} cannot carry", ">count", "where"), rows, empty="")
    else:
        output.say(f"[dim]Nothing is lost in {told['dialect']}.[/]")
    version: int = told["version"]
    return version


def _where(names: list[str], count: int) -> str:
    """Returns the names of what is lost, each once: a cut shows one file many times."""
    different = list(dict.fromkeys(names))
    more = len(different) > SHOWN or (count > len(names) and len(different) > 1)
    return ", ".join(different[:SHOWN]) + (", ..." if more else "")


def _reported(file: Path, to: str) -> str:
    """Returns the dialect whose losses are said first; "" for a list about a cut, which loses nothing, and for what is
    refused."""
    from genlock.timeline.profiles import PROFILES
    from genlock_otio.lists import kind_of

    if kind := to or kind_of(file):
        return kind if kind in PROFILES or kind == "xges" else ""
    return next((p.name for p in PROFILES.values() if file.suffix.lower() in p.suffixes), "")


def exports(
    name: options.Sequence,
    project: options.Project = None,
    store: options.Store = None,
    as_json: options.Json = False,
) -> None:
    """List what was exported of a sequence, newest first."""
    with backend(store) as daemon:
        found = lookup.sequence(daemon, name, project)
        answer = daemon.get(f"/api/sequences/{found.id}/exports")
    if as_json:
        output.print_json(answer)
        return
    output.print_table(
        ("id", ">version", "dialect", "when", "file"),
        (
            (
                output.short(row["export"]),
                row["version"],
                row["dialect"],
                row["timestamp"][:19].replace("T", " "),
                row["path"],
            )
            for row in answer["exports"]
        ),
        empty="Nothing was exported yet.",
    )


def render(
    name: options.Sequence,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The movie: .mov or .mp4.")],
    at: At = None,
    project: options.Project = None,
    store: options.Store = None,
    as_json: options.Json = False,
) -> None:
    """Render a sequence to a movie; missing media becomes a slate."""
    with backend(store, [file]) as daemon:
        found = lookup.sequence(daemon, name, project)
        body = {"path": absolute(file), "version": at}
        task = daemon.post_signed(f"/api/sequences/{found.id}/render", body)["task"]
        with output.progress("frames") as bar:
            state = _follow(daemon, task, bar, f"Rendering {found.name}")
    if state["state"] == "cancelled":
        raise ClientError("cancelled", "The render was cancelled.")
    if state["state"] == "failed":
        raise from_payload(state["error"], 500)
    result = state["result"] or {}
    if as_json:
        output.print_json({"sequence": found.id, "path": absolute(file), "result": result})
        return
    output.say(f"Rendered {output.plain(absolute(file))}: {state['done']} frames")
    for name in result.get("missing", ()):
        output.say(f"  [yellow]{output.plain(name)} is missing: a slate stands for it[/]")
    for note in result.get("notes", ()):
        output.say(f"  [yellow]{output.plain(note)}[/]")


def _follow(daemon: Backend, task: str, bar: Any, told: str) -> dict[str, Any]:
    """Shows a task's progress until it ends, and returns its last state; Ctrl-C cancels it."""
    row = bar.add_task(told, total=None)
    try:
        while True:
            state: dict[str, Any] = daemon.get(f"/api/tasks/{task}")
            bar.update(row, completed=state["done"], total=state["total"] or None)
            if state["state"] not in ("waiting", "running"):
                return state
            time.sleep(POLL_SECONDS)
    except KeyboardInterrupt:
        daemon.post(f"/api/tasks/{task}/cancel")
        raise
