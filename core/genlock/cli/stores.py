"""`genlock store ...`: proofs, backups and exports of everything. A store nobody has open is worked on directly."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from genlock.cli import options, output
from genlock.cli.backend import Backend, absolute, canonical, running
from genlock.errors import NotFound, Refused, StoreError

if TYPE_CHECKING:
    from genlock.store import EventStore
    from genlock_client.rest import Rest

stores = typer.Typer(name="store", help="The event store: everything ever done.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    app.add_typer(stores)


def _daemon(store: str | None) -> Rest | None:
    endpoint = running(store)
    return None if endpoint is None else Backend(endpoint.url, endpoint.token, is_own=False).rest


@contextmanager
def _opened(store: str | None, *, must_exist: bool = True, prove: bool = True) -> Iterator[EventStore]:
    from genlock.store import open_store

    url = canonical(store)
    if must_exist and "://" not in url and not Path(url).is_file():
        raise NotFound("no_such_file", f"There is no store {url}.", hint="Give another --store.")
    opened = open_store(url, prove=prove)
    try:
        yield opened
    finally:
        opened.close()


def _closed(store: str | None, what: str) -> str:
    """Returns the store's place when no daemon has it open. Raises StoreError(store_busy)."""
    endpoint = running(store)
    if endpoint is not None:
        message = f"A daemon (pid {endpoint.pid}) has the store open."
        raise StoreError("store_busy", message, hint=f"End it, then {what}.", pid=endpoint.pid)
    return canonical(store)


@stores.command()
def verify(store: options.Store = None, as_json: options.Json = False) -> None:
    """Prove that nothing in the store was changed, removed or put out of order."""
    daemon = _daemon(store)
    if daemon is not None:
        report = daemon.post("/api/store/verify")["report"]
    else:
        import msgspec

        from genlock.store.verify import verify as prove

        with _opened(store, prove=False) as opened:  # one that is damaged would not open, and nothing would be listed
            report = msgspec.to_builtins(prove(opened))
    problems = report["problems"]
    if as_json:
        output.print_json({"ok": not problems, **report})
    elif not problems:
        output.say(f"All {report['events']} events of {report['aggregates']} aggregates are as they were written.")
        output.say(f"[dim]tip {report['tip']}[/]")
    else:
        rows = [(row.get("id", ""), row.get("topic", ""), row["code"], row["message"]) for row in problems]
        output.print_table((">event", "topic", "code", "what is wrong"), rows, empty="")
    if problems and not as_json:
        raise StoreError(problems[0]["code"], problems[0]["message"])
    raise typer.Exit(1 if problems else 0)


@stores.command()
def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The backup; it must not exist.")],
    store: options.Store = None,
    as_json: options.Json = False,
) -> None:
    """Copy the store to a file while it is in use."""
    path = Path(absolute(file))
    _absent(path)
    daemon = _daemon(store)
    if daemon is not None:
        daemon.post("/api/store/backup", {"path": str(path)})
    else:
        from genlock.store.backup import backup as copy

        with _opened(store) as opened:
            copy(opened, path)
    count = path.stat().st_size
    _told({"path": str(path), "bytes": count}, f"Backed up to {path}, {output.size(count)}", as_json)


@stores.command()
def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The backup.")],
    store: options.Store = None,
    as_json: options.Json = False,
) -> None:
    """Put a backup in the store's place; the old store is kept beside it."""
    from genlock.store.backup import restore as put_back

    target = _closed(store, "restore")
    if "://" in target:
        raise Refused("wrong_state", "A backup is put back into a file, not into a database.", hint="Use --store PATH.")
    old = put_back(Path(absolute(file)), Path(target))
    kept = f"; the old one is {old}" if old else ""
    _told({"store": target, "replaced": str(old) if old else None}, f"Restored {target}{kept}", as_json)


@stores.command()
def export(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The JSON Lines file (.jsonl); it must not exist.")],
    store: options.Store = None,
    as_json: options.Json = False,
) -> None:
    """Write every event as a line of JSON."""
    path = Path(absolute(file))
    _absent(path)
    daemon = _daemon(store)
    if daemon is not None:
        daemon.post("/api/store/export", {"path": str(path)})
    else:
        from genlock.store.jsonl import export as write

        with _opened(store) as opened:
            write(opened, path)
    with path.open("rb") as lines:
        events = sum(1 for _ in lines) - 1
    _told({"path": str(path), "events": events}, f"Wrote {events} events to {path}", as_json)


@stores.command("import")
def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="An export of a store.")],
    store: options.Store = None,
    as_json: options.Json = False,
) -> None:
    """Read an export into an empty store, or into one that holds its beginning."""
    from genlock.store.jsonl import import_ as read

    _closed(store, "import")
    path = Path(absolute(file))
    if not path.is_file():
        raise NotFound("no_such_file", f"There is no file {path}.")
    with _opened(store, must_exist=False) as opened:
        events = read(path, opened)
        location = opened.location
    _told({"store": location, "events": events}, f"Read {events} events into {location}", as_json)


@stores.command()
def stats(store: options.Store = None, as_json: options.Json = False) -> None:
    """Show what the store holds."""
    daemon = _daemon(store)
    if daemon is not None:
        figures: dict[str, Any] = daemon.get("/api/store")["stats"]
    else:
        from genlock.store.stats import stats as count

        with _opened(store) as opened:
            figures = count(opened)
    if as_json:
        output.print_json(figures)
        return
    output.say(f"[bold]{output.plain(figures['location'])}[/]")
    plain = ("log", "created", "schema", "events", "commands", "snapshots", "longest")
    output.print_table(("figure", "value"), ((name, figures[name]) for name in plain), empty="")
    kinds = ((name, row["count"], row["events"]) for name, row in figures["aggregates"].items())
    output.print_table(("aggregate", ">count", ">events"), kinds, empty="It is empty.")


def _absent(path: Path) -> None:
    if path.exists():
        raise Refused("name_taken", f"{path} is there already; backups and exports never overwrite.")


def _told(value: dict[str, Any], text: str, as_json: bool) -> None:
    if as_json:
        output.print_json(value)
    else:
        output.say(output.plain(text))
