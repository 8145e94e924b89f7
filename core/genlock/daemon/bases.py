"""Which version of a sequence a returned file was made from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from genlock.application.application import Application
from genlock.daemon.returned import PathOf
from genlock.errors import GenlockError, NotFound, Refused
from genlock.project.project import Receipt
from genlock.timeline.events import Content, restore
from genlock.timeline.match import overlap
from genlock.timeline.profiles import PROFILES, Profile, shared

if TYPE_CHECKING:
    from genlock_otio import Tag

LEAST = 0.2
"""Overlap below which two cuts have nothing to do with each other."""
TRIED = 8
"""Versions compared when a file does not say which one it was made from: the newest exported ones, and the present."""


class Base(NamedTuple):
    """The version, how it is known, what of the file it shows (0 to 1, None: not looked at), and its export if there is a
    receipt."""

    version: int
    how: Literal["receipt", "version", "overlap", "given"]
    overlap: float | None = None
    receipt: Receipt | None = None


def find_base(
    app: Application,
    sequence: str,
    returned: Content,
    tag: Tag,
    given: int | None,
    *,
    base_path: PathOf,
    path: PathOf,
) -> Base:
    """Returns the base of a returned cut: the version given, else the one its export's receipt tells, else the one it
    names itself, else the one that overlaps most.

    Raises NotFound(no_such_version) and Refused(no_base), which says what the file belongs to.
    """
    head = app.sequence(sequence).version
    receipts = app.exports(sequence)
    told = next((r for r in receipts if tag.export and r.export == tag.export), None)
    if given is not None:
        if not 1 <= given <= head:
            name = app.sequence(sequence).name
            raise NotFound("no_such_version", f"{name} has versions 1 to {head}.", version=given)
        return Base(given, "given", receipt=told if told and told.version == given else None)
    if told is not None and 1 <= told.version <= head:
        return Base(told.version, "receipt", receipt=told)
    if tag.sequence == sequence and 1 <= tag.version <= head:
        return Base(tag.version, "version")
    best = _best(app, sequence, receipts, head, returned, base_path, path)
    if best.overlap is None or best.overlap < LEAST:
        raise _no_base(app, sequence, tag, best.overlap or 0)
    return best


def _best(
    app: Application,
    sequence: str,
    receipts: list[Receipt],
    head: int,
    returned: Content,
    base_path: PathOf,
    path: PathOf,
) -> Base:
    """Returns the version that shows most of what the file shows; of equals the last one exported."""
    cut = restore(sequence, 0, returned)
    exported = {r.version: r for r in reversed(receipts) if 1 <= r.version <= head}
    newest = [r.version for r in receipts if r.version in exported]
    tried = [*list(dict.fromkeys(newest))[: TRIED - 1], head]
    best = Base(head, "overlap", -1.0)
    for version in dict.fromkeys(tried):
        share = overlap(app.sequence(sequence, version), cut, base_path=base_path, path=path)
        if share > (best.overlap or 0):
            best = Base(version, "overlap", share, exported.get(version))
    return best


def _no_base(app: Application, sequence: str, tag: Tag, share: float) -> Refused:
    name = app.sequence(sequence).name
    whose = _whose(app, sequence, tag)
    found = f"{share:.0%} of it is found in {name}" if share > 0 else f"nothing of it is found in {name}"
    return Refused("no_base", f"{whose}{found}.", sequence=tag.sequence, overlap=share)


def _whose(app: Application, sequence: str, tag: Tag) -> str:
    if not tag.sequence or tag.sequence == sequence:
        return "The file does not say which version it was made from, and "
    try:
        other, owner = app.sequence(tag.sequence), app.project(app.sequence_project(tag.sequence))
    except GenlockError:
        return f"The file was made from the sequence {tag.sequence}, which is not in this store, and "
    where = "this project" if owner.id == app.sequence_project(sequence) else f"the project {owner.name}"
    return f"The file was made from {other.name} of {where}, and "


def profile_of(dialect: str, receipt: Receipt | None) -> Profile:
    """Returns what survived the way out and back: what both the format exported and the one that returned carry."""
    back = PROFILES[dialect]
    out = PROFILES.get(receipt.dialect) if receipt else None
    if out is None:
        return back
    return shared(out, back)


def nested_base(app: Application, inner: str, base: Base, outer: str) -> int:
    """Returns the version of a nested sequence that went out with the base: as its receipt says, else the newest one not
    younger than the outer sequence's base. An older one only means that more is compared."""
    head = app.sequence(inner).version
    known = base.receipt.nested.get(inner) if base.receipt else None
    if known is not None and 1 <= known <= head:
        return known
    made = next(iter(app.history(outer, before=base.version + 1, limit=1)))
    before = None
    while page := app.history(inner, before=before, limit=100):
        for entry in page:
            if entry.timestamp <= made.timestamp:
                return entry.version
        before = page[-1].version
    return 1
