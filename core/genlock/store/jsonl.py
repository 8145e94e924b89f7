"""The log as JSON Lines: readable everywhere for ever, whatever happens to SQLite or to us.

The first line says what the file is, each other line is one event with the stored JSON as it is (docs/events.md).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, Final, Literal

import msgspec

from genlock.errors import BadInput, NotFound, Refused, StoreError
from genlock.store import chain
from genlock.store.fork import one_at_a_time, pages
from genlock.store.records import CommandRow, ForkedFrom, Row
from genlock.store.store import EventStore

FORMAT: Final = 1
LINE: Final = 256 << 20
"""Bytes in a line at most."""

BATCH: Final = 2000


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """The first line: the log's id, how many events follow, and the chain's tip (hex) after the last."""

    genlock: Literal["events"] = "events"
    format: int = FORMAT
    log: str
    events: int
    tip: str


class Command(msgspec.Struct, frozen=True, array_like=True):
    """On the first event of a command: its id, who gave it, its digest (hex), how many events it has."""

    id: str
    actor: str
    digest: str
    count: int


class Line(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One event: notification id, aggregate (hex), version, topic, stored JSON, and its command on the first event."""

    n: int
    o: str
    v: int
    t: str
    s: msgspec.Raw
    c: Command | None = None


_encode = msgspec.json.Encoder().encode
_header = msgspec.json.Decoder(Header)
_line = msgspec.json.Decoder(Line)


@one_at_a_time
def export(store: EventStore, path: Path) -> Header:
    """Writes the whole log to a file, in place of an older export, while the store is in use; returns its header.

    Every event is proven on its way. The file appears whole or not at all. Raises StoreError.
    """
    path = path.expanduser().absolute()
    partial = path.with_name(path.name + ".partial")
    end, tip = store.ledger.newest()
    header = Header(log=store.log_id, events=end, tip=tip.hex())
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("wb") as file:
            file.write(_encode(header) + b"\n")
            for rows, commands in pages(store.ledger, 0, end):
                firsts = {command.first_id: command for command in commands}
                file.writelines(_encode(_written(store, row, firsts.get(row.id))) + b"\n" for row in rows)
        partial.replace(path)
    except OSError as error:
        raise StoreError("store_unwritable", f"{path} cannot be written: {error.strerror}.") from error
    finally:
        with suppress(OSError):
            partial.unlink()
    return header


def import_(path: Path, store: EventStore) -> int:
    """Adds the events of an export to a store and returns how many were new.

    The file is read twice: it is proven to the last line before anything is stored. The store must be empty, or hold the
    beginning of the same log. An empty one keeps its own log id and names the other as its origin. Raises NotFound
    (no_such_file); BadInput: unknown_format, bad_json; StoreError: store_tampered, unknown_event; Refused(wrong_state)
    for a store that holds something else.
    """
    path = path.expanduser().absolute()
    if not path.is_file():
        raise NotFound("no_such_file", f"There is no file {path}.")
    with path.open("rb") as file:
        header = _read_header(file, path)
        have, tip = store.ledger.newest()
        if have and header.log not in _known(store):
            raise Refused("wrong_state", f"{store.location} holds another log.", hint="Import into a new store.")
        for row, _ in _proven(file, header, store, path):
            if row.id == have and row.chain != tip:
                raise Refused("wrong_state", f"{store.location} went another way before event {have}.")
        if header.events < have:
            raise Refused("wrong_state", f"{store.location} holds more events than the file.")
        if not have:
            # First, so that an import that was interrupted can be repeated.
            origin = ForkedFrom(header.log, header.events, header.tip)
            store.ledger.set_meta(msgspec.structs.replace(store.meta, forked_from=origin))
        file.seek(0)
        _read_header(file, path)
        _store(store, _proven(file, header, store, path), have)
    return header.events - have


def _written(store: EventStore, row: Row, command: CommandRow | None) -> Line:
    store.mapper.read(row)
    kept = None
    if command is not None:
        count = command.last_id - command.first_id + 1
        kept = Command(command.command_id, command.actor, command.digest.hex(), count)
    return Line(n=row.id, o=row.originator, v=row.version, t=row.topic, s=msgspec.Raw(row.state), c=kept)


def _known(store: EventStore) -> set[str]:
    origin = store.meta.forked_from
    return {store.log_id, origin.log} if origin else {store.log_id}


def _read_header(file: BinaryIO, path: Path) -> Header:
    try:
        header = _header.decode(file.readline(LINE))
    except (msgspec.MsgspecError, RecursionError) as error:
        raise BadInput("unknown_format", f"{path} is no export of a Genlock store.") from error
    if header.format > FORMAT:
        raise BadInput("unknown_format", f"{path} has format {header.format}; this Genlock knows {FORMAT}.")
    return header


def _proven(file: BinaryIO, header: Header, store: EventStore, path: Path) -> Iterator[tuple[Row, CommandRow | None]]:
    """Yields the rows of the lines as they are proven one after the other, and proves the tip at the end."""
    tip, last, taken, versions = chain.START, 0, 0, dict[str, int]()
    while text := file.readline(LINE):
        line = _parse(text, last, path)
        last += 1
        state = bytes(line.s)
        due = versions.get(line.o, 0) + 1
        if (line.n, line.v) != (last, due):
            raise _broken(f"line {last + 1} is event {line.n}, version {line.v}; {last}, version {due} was due", line)
        versions[line.o] = due
        event = store.mapper.decode(line.t, state)
        if (event.originator_id.hex, event.originator_version) != (line.o, line.v):
            raise _broken(f"line {last + 1} is filed under another aggregate", line)
        command = None if line.c is None else _command(line.c, line)
        if command is not None:
            if not taken < last <= command.last_id <= header.events:
                raise _broken(f"command {command.command_id} claims events it cannot have", line)
            taken = command.last_id
        tip = chain.link(tip, line.o, line.v, line.t, state)
        yield Row(line.n, line.o, line.v, line.t, state, tip, chain.checksum(line.t, line.v, state)), command
    if (last, tip.hex()) != (header.events, header.tip):
        message = f"{path} does not end as its first line says: it was cut short or changed."
        raise StoreError("store_tampered", message, id=last)


def _parse(text: bytes, last: int, path: Path) -> Line:
    try:
        return _line.decode(text)
    except RecursionError as error:
        raise BadInput("too_deep", f"Line {last + 2} of {path} nests too deep.") from error
    except msgspec.MsgspecError as error:
        raise BadInput("bad_json", f"Line {last + 2} of {path} does not read: {error}.") from error


def _command(command: Command, line: Line) -> CommandRow:
    try:
        digest = bytes.fromhex(command.digest)
    except ValueError as error:
        raise _broken(f"the digest of command {command.id} is no hex", line) from error
    if command.count < 1:
        raise _broken(f"command {command.id} has no events", line)
    return CommandRow(command.id, command.actor, digest, line.n, line.n + command.count - 1)


def _broken(what: str, line: Line) -> StoreError:
    details: dict[str, Any] = {"id": line.n, "originator": line.o, "version": line.v, "topic": line.t}
    return StoreError("store_tampered", f"The export was changed: {what}.", **details)


def _store(store: EventStore, proven: Iterator[tuple[Row, CommandRow | None]], have: int) -> None:
    rows: list[Row] = []
    commands: list[CommandRow] = []
    for row, command in proven:
        if row.id <= have:
            continue
        whole = not commands or commands[-1].last_id < row.id
        if len(rows) >= BATCH and whole:
            store.ledger.adopt(rows, commands)
            rows, commands = [], []
        rows.append(row)
        if command is not None:
            commands.append(command)
    if rows:
        store.ledger.adopt(rows, commands)
