"""Finds what a person means by a name, an id, or the start of either."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from genlock.cli.backend import Backend
from genlock.errors import BadInput, NotFound

Row = dict[str, Any]
LISTED = 6
"""Candidates that an error names."""


class Found(NamedTuple):
    """Something with an id, and the project it belongs to."""

    id: str
    name: str
    project: Row


def choose(kind: str, code: str, wanted: str, rows: Iterable[Row], name: Callable[[Row], str]) -> Row:
    """Returns the row that `wanted` means: the exact id or name, else the name in another case, else what starts so.

    Raises NotFound(`code`), and BadInput(ambiguous_name) with the candidates when several fit.
    """
    listed = list(rows)
    folded = wanted.casefold()
    tests: tuple[Callable[[Row], bool], ...] = (
        lambda row: row["id"] == wanted,
        lambda row: name(row) == wanted,
        lambda row: name(row).casefold() == folded,
        lambda row: bool(wanted) and (row["id"].startswith(folded) or name(row).casefold().startswith(folded)),
    )
    for test in tests:
        found = [row for row in listed if test(row)]
        if len(found) == 1:
            return found[0]
        if found:
            raise _ambiguous(kind, wanted, found, name)
    raise NotFound(code, f"There is no {kind} {wanted!r}.", hint=_near(listed, name))


def projects(backend: Backend) -> list[Row]:
    """Returns all projects that are not archived."""
    return [row for row in backend.get("/api/projects") if not row.get("archived")]


def project(backend: Backend, wanted: str | None) -> Row:
    """Returns the project named, or the only one. Raises NotFound, and BadInput when none of several is named."""
    if wanted:
        rows: list[Row] = backend.get("/api/projects")
        return choose("project", "no_such_project", wanted, rows, lambda row: str(row["name"]))
    rows = projects(backend)
    if len(rows) == 1:
        return rows[0]
    if not rows:
        raise NotFound("no_such_project", "There is no project yet.", hint="Make one: `genlock project new NAME`.")
    raise BadInput("ambiguous_name", "There are several projects.", hint=f"Give --project: {_names(rows, _name)}.")


def sequence(backend: Backend, wanted: str, in_project: str | None) -> Found:
    """Returns the sequence named, in the project named or in any; `PROJECT/NAME` names both."""
    if in_project is None and "/" in wanted:
        owner, _, rest = wanted.partition("/")
        try:
            return sequence(backend, rest, owner)
        except NotFound as error:
            if error.code != "no_such_project":
                raise
    owners = [project(backend, in_project)] if in_project else projects(backend)
    rows = [{"id": id_, "name": name, "project": owner} for owner in owners for id_, name in owner["sequences"].items()]
    row = choose("sequence", "no_such_sequence", wanted, rows, _name)
    return Found(row["id"], row["name"], row["project"])


def shots(backend: Backend, in_project: str | None) -> list[Row]:
    """Returns the shots of the project named, or of all, each with its `owner`."""
    owners = [project(backend, in_project)] if in_project else projects(backend)
    return [{**row, "owner": owner} for owner in owners for row in backend.get(f"/api/projects/{owner['id']}/shots")]


def shot(backend: Backend, wanted: str, in_project: str | None) -> Row:
    """Returns the shot named."""
    return choose("shot", "no_such_shot", wanted, shots(backend, in_project), lambda row: str(row["code"]))


def track(sequence: Row, wanted: str) -> Row:
    """Returns the track named, of a whole sequence."""
    return choose("track", "no_such_track", wanted, sequence["tracks"], _name)


def take(shot: Row, wanted: str) -> Row:
    """Returns a take by its number (3, v003) or id."""
    takes = takes_of(shot)
    digits = wanted.lower().removeprefix("v")
    if digits.isascii() and digits.isdigit() and len(digits) < 8:
        for row in takes:
            if row["number"] == int(digits):
                return row
    return choose(f"take of {shot['code']}", "no_such_take", wanted, takes, lambda row: f"v{row['number']:03d}")


def takes_of(shot: Row) -> list[Row]:
    """Returns a shot's takes by number."""
    takes: list[Row] = list(shot["takes"].values())
    return sorted(takes, key=lambda row: int(row["number"]))


def job(backend: Backend, wanted: str) -> Row:
    """Returns a job by its id or the start of it."""
    return choose("job", "no_such_job", wanted, backend.get("/api/jobs"), lambda row: str(row["id"]))


def _name(row: Row) -> str:
    return str(row["name"])


def _names(rows: list[Row], name: Callable[[Row], str]) -> str:
    listed = ", ".join(f"{name(row)} ({row['id'][:8]})" for row in rows[:LISTED])
    return listed + (f" and {len(rows) - LISTED} more" if len(rows) > LISTED else "")


def _near(rows: list[Row], name: Callable[[Row], str]) -> str:
    return f"There is {_names(rows, name)}." if rows else ""


def _ambiguous(kind: str, wanted: str, rows: list[Row], name: Callable[[Row], str]) -> BadInput:
    candidates = [{"id": row["id"], "name": name(row)} for row in rows]
    return BadInput(
        "ambiguous_name",
        f"{wanted!r} fits {len(rows)} {kind}s: {_names(rows, name)}.",
        candidates=candidates,
    )
