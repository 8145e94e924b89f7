"""A returned cut is merged into the sequence it was made from, as one edit. Reading, matching and lifting are done by then
(homecoming); the writer's thread only merges. Afterwards it is checked that what the file says is in the sequence."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from msgspec import to_builtins

from genlock.application.commands import MergeSequence, Policy
from genlock.application.envelope import Accepted
from genlock.daemon.author import Author
from genlock.daemon.gathering import MEDIA, gather
from genlock.daemon.homecoming import Asked, Returned, come_home
from genlock.daemon.repeats import reused
from genlock.daemon.views import BaseView, ImportAnswer, MediaRow
from genlock.errors import NotFound, Refused
from genlock.project.media import MediaFile
from genlock.project.project import MediaAdded
from genlock.timeline.changes import changes
from genlock.timeline.effects import conflict_value
from genlock.timeline.events import Origin, SequenceEdited, restore
from genlock.timeline.model import Shot
from genlock.timeline.ops import ConflictSet
from genlock.timeline.sequence import Sequence

if TYPE_CHECKING:
    from genlock.daemon.services import Services

MERGE: Final = "merge"
"""The step of a request, see Author."""


def merge_file(
    services: Services, project: str, sequence: str, path: Path, asked: Asked, author: Author
) -> ImportAnswer:
    """Merges a returned file into a sequence; media it brings along join the pool first.

    A file that holds nothing new makes no event. Raises BadInput with the reader's code, bad_rate; NotFound:
    no_such_sequence, no_such_version; Refused: no_base, archived; nothing is stored then.
    """
    app = services.app
    if app.sequence_project(sequence) != project:
        name = app.sequence(sequence).name
        raise NotFound("no_such_sequence", f"{name} is no sequence of the project {app.project(project).name}.")
    done = author.done(MERGE)
    if done is not None:
        return _told_again(services, sequence, path, done, author)
    cut = come_home(services, project, sequence, path, asked)
    taken = app.taken(sequence, cut.found.digest, cut.base.version) if asked.policy == "ask" else None
    if taken is not None:
        cut.warnings.append(f"This very file was merged before: version {taken} is what it made.")
        return _answer(services, sequence, cut, [], verified=None)
    files = gather(services, project, cut.files, path.parent, author)
    origin = Origin(str(path), cut.found.imported.dialect, cut.found.digest)
    command = MergeSequence(cut.base.version, cut.theirs, origin, asked.policy, cut.unsure, cut.nested, cut.bases)
    try:
        accepted = author.execute(command, sequence, step=MERGE)
    except Refused as error:
        if error.code != "no_change":
            raise
        return _answer(services, sequence, cut, files, verified=not cut.disagreements)
    return _merged(services, sequence, accepted, cut, asked.policy, files)


def _merged(
    services: Services, sequence: str, accepted: Accepted, cut: Returned, policy: Policy, files: list[MediaFile]
) -> ImportAnswer:
    """Looks at what the merge made, and answers."""
    app = services.app
    event = _edit_of(services, sequence, accepted)
    if event is None:  # only nested sequences changed
        return _answer(services, sequence, cut, files, verified=not cut.disagreements)
    version = event.originator_version
    base, before, after = (app.sequence(sequence, v) for v in (cut.base.version, version - 1, version))
    theirs = restore(sequence, cut.base.version, cut.theirs)
    verified = not cut.disagreements and _holds(base, after, theirs, cut, policy)
    if not verified and not cut.disagreements:
        cut.warnings.append(
            "A look afterwards found something of the file missing: compare the two, and please report it."
        )
    from genlock.timeline.merge import merge

    settled = []
    if policy != "ask":
        seed = f"{accepted.command_id}/{sequence}"
        settled = merge(base, before, theirs, policy=policy, unsure=cut.unsure, seed=seed).settled
    answer = _answer(services, sequence, cut, files, verified=verified)
    _tell(answer, before, after, event)
    answer.settled = [conflict_value(conflict) for conflict in settled]
    return answer


def _holds(base: Sequence, after: Sequence, theirs: Sequence, cut: Returned, policy: Policy) -> bool:
    """Returns whether the sequence holds everything of the returned cut, but for conflicts and what was changed here since:
    merging the same once more would change nothing."""
    from genlock.timeline.merge import merge

    once_more = merge(base, after, theirs, policy="theirs" if policy == "theirs" else "ours", unsure=cut.unsure)
    return all(isinstance(op, ConflictSet) for op in once_more.ops)


def _edit_of(services: Services, sequence: str, accepted: Accepted) -> SequenceEdited | None:
    rows = services.store.recorded(accepted.first_id, accepted.last_id)
    edits = (row.event for row in rows if isinstance(row.event, SequenceEdited))
    return next((event for event in edits if event.originator_id.hex == sequence), None)


def _tell(answer: ImportAnswer, before: Sequence, after: Sequence, event: SequenceEdited) -> None:
    """Says what an edit did."""
    answer.version = event.originator_version
    answer.ops = [to_builtins(op) for op in event.ops if not isinstance(op, ConflictSet)]
    answer.changes = [to_builtins(change) for change in changes(before, after)]
    opened = [op.after for op in event.ops if isinstance(op, ConflictSet) and op.after is not None]
    answer.conflicts = [conflict_value(conflict) for conflict in opened]


def _answer(
    services: Services, sequence: str, cut: Returned, files: list[MediaFile], *, verified: bool | None
) -> ImportAnswer:
    """Returns the answer of an import that changed nothing yet."""
    state, base = services.app.sequence(sequence), cut.base
    lost = [f"Could not be taken over: {what}" for what in cut.disagreements]
    return ImportAnswer(
        sequence=sequence,
        version=state.version,
        media=[MediaRow(file.id, file.name, file.path, file.missing) for file in files],
        shots=sum(isinstance(item.source, Shot) for item in state.items.values()),
        warnings=[*cut.warnings, *lost],
        dialect=cut.found.imported.dialect,
        name=state.name,
        made_from=sequence,
        base=BaseView(base.version, base.how, base.overlap),
        verified=verified,
    )


def _told_again(services: Services, sequence: str, path: Path, done: Accepted, author: Author) -> ImportAnswer:
    """Returns the answer to a merge made before, from the log; what the reader warned of is not kept there."""
    app = services.app
    event = _edit_of(services, sequence, done)
    if event is None or event.origin is None or event.origin.path != str(path):
        raise reused(author.id)
    added = author.done(MEDIA)
    events = services.store.recorded(added.first_id, added.last_id) if added else []
    files = [file for row in events if isinstance(row.event, MediaAdded) for file in row.event.media]
    before, after = (app.sequence(sequence, v) for v in (event.originator_version - 1, event.originator_version))
    answer = ImportAnswer(
        sequence=sequence,
        version=event.originator_version,
        media=[MediaRow(file.id, file.name, file.path, file.missing) for file in files],
        shots=sum(isinstance(item.source, Shot) for item in after.items.values()),
        dialect=event.origin.dialect,
        name=after.name,
        made_from=sequence,
        base=BaseView(event.origin.version, "given"),
    )
    _tell(answer, before, after, event)
    return answer


__all__ = ["MERGE", "Asked", "merge_file"]
