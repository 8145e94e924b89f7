"""Lists of markers that come in: notes of a screening, subtitles, what a colourist marked. They are added to a sequence as
one edit; what is marked there already is not marked twice."""

from __future__ import annotations

from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Final
from uuid import UUID

from msgspec import to_builtins
from msgspec.structs import replace

from genlock.daemon.author import Author
from genlock.daemon.repeats import reused
from genlock.daemon.views import ImportAnswer
from genlock.errors import NotFound
from genlock.timeline.changes import changes
from genlock.timeline.commands import Batch, SetMarker
from genlock.timeline.events import SequenceEdited
from genlock.timeline.model import Marker, Shot
from genlock.timeline.sequence import Sequence

if TYPE_CHECKING:
    from genlock.daemon.services import Services

MARK: Final = "mark"
"""The step of a request, see Author."""


def list_kind(path: Path, asked: str = "") -> str:
    """Returns the kind of marker list a file is: as asked for, else by its name; "" for none."""
    from genlock_otio.lists import LISTS, kind_of

    kind = asked or kind_of(path)
    return kind if kind in LISTS and LISTS[kind].tells == "markers" else ""


def add_markers(services: Services, project: str, sequence: str, path: Path, kind: str, author: Author) -> ImportAnswer:
    """Adds a list's markers to a sequence, those it has not yet. Raises BadInput with the line, NotFound."""
    from genlock_otio.lists import read_markers

    state = services.app.sequence(sequence)
    if services.app.sequence_project(sequence) != project:
        raise NotFound("no_such_sequence", f"{state.name} is no sequence of the project.")
    done = author.done(MARK)
    if done is not None:
        if done.target != sequence:
            raise reused(author.id)
        return _answer(services, sequence, kind, done.version)
    read = read_markers(
        kind, path.read_bytes(), rate=state.rate, drop_frame=state.drop_frame, start_frame=state.start_frame
    )
    there = {_said(marker) for marker in state.markers.values() if marker.item is None}
    fresh = [marker for marker in read if _said(marker) not in there]
    if not fresh:
        return _answer(services, sequence, kind, None)
    count = f"{len(fresh)} marker{'s' if len(fresh) != 1 else ''}"
    label = f"Import {count} of {path.name}"
    edits = tuple(SetMarker(replace(marker, id=_new(marker, state, path))) for marker in fresh)
    accepted = author.execute(Batch(edits, label), sequence, step=MARK, kind="import", label=label)
    return _answer(services, sequence, kind, accepted.version)


def _said(marker: Marker) -> tuple[int, int, str, str]:
    return marker.start, marker.duration, marker.name, marker.comment


def _new(marker: Marker, state: Sequence, path: Path) -> str:
    """Returns an id that depends on what the marker says and where it came from, and that the sequence has not."""
    seed = f"{path.name}/{_said(marker)}"
    number = 0
    while True:
        made = "m" + blake2b(f"{seed}/{number}".encode(), digest_size=8).hexdigest()
        if made not in state.markers:
            return made
        number += 1


def _answer(services: Services, sequence: str, kind: str, version: int | None) -> ImportAnswer:
    after = services.app.sequence(sequence, version)
    answer = ImportAnswer(
        sequence=sequence,
        version=after.version,
        media=[],
        shots=sum(isinstance(item.source, Shot) for item in after.items.values()),
        dialect=kind,
        name=after.name,
        made_from=sequence,
        verified=True,
    )
    if version is not None:
        events = services.store.read(UUID(hex=sequence), after=version - 1, upto=version)
        answer.ops = [to_builtins(op) for event in events if isinstance(event, SequenceEdited) for op in event.ops]
        before = services.app.sequence(sequence, version - 1)
        answer.changes = [to_builtins(change) for change in changes(before, after)]
    return answer
