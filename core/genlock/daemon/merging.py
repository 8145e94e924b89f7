"""A returned cut is merged into the sequence it was made from, as one edit. Reading, matching and lifting are done by then
(homecoming); the writer's thread only merges. Afterwards it is checked that what the file says is in the sequence."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from msgspec import to_builtins

from genlock.application.commands import MergeSequence
from genlock.application.envelope import Accepted
from genlock.collector import uncollected
from genlock.daemon.author import Author
from genlock.daemon.gathering import MEDIA, gather
from genlock.daemon.homecoming import Asked, Cut, Returned, come_home
from genlock.daemon.repeats import reused
from genlock.daemon.views import BaseView, ImportAnswer, MediaRow, NestedImport
from genlock.errors import NotFound, Refused
from genlock.project.media import MediaFile
from genlock.project.project import MediaAdded
from genlock.timeline.changes import changes
from genlock.timeline.effects import conflict_value
from genlock.timeline.events import Origin, SequenceEdited, restore
from genlock.timeline.merge import Policy, merge
from genlock.timeline.model import Shot
from genlock.timeline.ops import ConflictSet, MergeConflict

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
    here = app.sequence(sequence)
    if app.sequence_project(sequence) != project:
        raise NotFound("no_such_sequence", f"{here.name} is no sequence of the project {app.project(project).name}.")
    done = author.done(MERGE)
    if done is not None:
        return _told_again(services, sequence, path, done, author)
    if here.archived:  # asked before its media join the pool
        raise Refused("archived", f"The sequence {here.name} was archived.")
    with uncollected():
        cut = come_home(services, project, sequence, path, asked)
    is_once = asked.once or asked.policy == "ask"
    taken = app.taken(sequence, cut.found.digest, cut.base.version) if is_once else None
    if taken is not None:
        cut.warnings.append(f"This very file was merged before: version {taken} is what it made.")
        return _answer(services, sequence, cut, [], verified=None)
    if cut.is_unchanged:
        return _answer(services, sequence, cut, [], verified=not cut.disagreements)
    files = gather(services, project, cut.files, path.parent, author)
    origin = Origin(str(path), cut.found.imported.dialect, cut.found.digest)
    command = MergeSequence(
        cut.base.version,
        cut.cuts[sequence].theirs,
        origin,
        asked.policy,
        cut.unsure,
        cut.nested,
        {id_: one.before.version for id_, one in cut.cuts.items() if id_ != sequence},
        {id_: one.through for id_, one in cut.cuts.items() if one.through},
    )
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
    holds = True
    settled: dict[str, tuple[MergeConflict, ...]] = {}
    for event in _edits_of(services, accepted):
        id_ = event.originator_id.hex
        look = _Look(services, event, cut.cuts[id_])
        holds = look.holds(policy) and holds
        settled[id_] = look.settled(policy, f"{accepted.command_id}/{id_}")
    if not holds and not cut.disagreements:
        cut.warnings.append(
            "A look afterwards found something of the file missing: compare the two, and please report it."
        )
    answer = _answer(services, sequence, cut, files, verified=holds and not cut.disagreements)
    _tell(services, answer, accepted)
    answer.settled = [conflict_value(conflict) for conflict in settled.get(sequence, ())]
    for row in answer.nested:
        row.settled = [conflict_value(conflict) for conflict in settled.get(row.sequence, ())]
    return answer


class _Look:
    """One sequence before and after the merge."""

    def __init__(self, services: Services, event: SequenceEdited, cut: Cut) -> None:
        id_, version = event.originator_id.hex, event.originator_version
        self.base = cut.before
        self.before, self.after = (services.app.sequence(id_, v) for v in (version - 1, version))
        self.theirs = restore(id_, cut.before.version, cut.theirs)
        self.unsure = cut.unsure

    def holds(self, policy: Policy) -> bool:
        """Returns whether the sequence holds everything of the returned cut, but for conflicts and what was changed here
        since: merging the same once more would change nothing."""
        again: Policy = "theirs" if policy == "theirs" else "ours"
        once_more = merge(self.base, self.after, self.theirs, policy=again, unsure=self.unsure)
        return all(isinstance(op, ConflictSet) for op in once_more.ops)

    def settled(self, policy: Policy, seed: str) -> tuple[MergeConflict, ...]:
        """Returns what the policy decided; the merge is made again, for the log holds only what came of it."""
        if policy == "ask":
            return ()
        return merge(self.base, self.before, self.theirs, policy=policy, unsure=self.unsure, seed=seed).settled


def _edits_of(services: Services, accepted: Accepted) -> list[SequenceEdited]:
    rows = services.store.recorded(accepted.first_id, accepted.last_id)
    return [row.event for row in rows if isinstance(row.event, SequenceEdited)]


def _tell(services: Services, answer: ImportAnswer, accepted: Accepted) -> None:
    """Says what an import did, sequence by sequence."""
    app = services.app
    for event in _edits_of(services, accepted):
        id_, version = event.originator_id.hex, event.originator_version
        before, after = app.sequence(id_, version - 1), app.sequence(id_, version)
        row: ImportAnswer | NestedImport = answer
        if id_ != answer.sequence:
            row = NestedImport(id_, after.name, version)
            answer.nested.append(row)
        row.version = version
        row.ops = [to_builtins(op) for op in event.ops if not isinstance(op, ConflictSet)]
        row.changes = [to_builtins(change) for change in changes(before, after)]
        opened = [op.after for op in event.ops if isinstance(op, ConflictSet) and op.after is not None]
        row.conflicts = [conflict_value(conflict) for conflict in opened]
    answer.nested += [NestedImport(id_, app.sequence(id_, 1).name, 1) for id_ in accepted.created]


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
        base=BaseView(base.version, base.how, base.overlap, list(cut.cuts[sequence].through)),
        verified=verified,
    )


def _told_again(services: Services, sequence: str, path: Path, done: Accepted, author: Author) -> ImportAnswer:
    """Returns the answer to a merge made before, from the log; what the reader warned of is not kept there."""
    edits = _edits_of(services, done)
    origin = edits[0].origin if edits else None
    if origin is None or origin.path != str(path):
        raise reused(author.id)
    main = next((event for event in edits if event.originator_id.hex == sequence), None)
    after = services.app.sequence(sequence, main.originator_version if main else None)
    added = author.done(MEDIA)
    events = services.store.recorded(added.first_id, added.last_id) if added else []
    files = [file for row in events if isinstance(row.event, MediaAdded) for file in row.event.media]
    answer = ImportAnswer(
        sequence=sequence,
        version=after.version,
        media=[MediaRow(file.id, file.name, file.path, file.missing) for file in files],
        shots=sum(isinstance(item.source, Shot) for item in after.items.values()),
        dialect=origin.dialect,
        name=after.name,
        made_from=sequence,
        base=BaseView(main.origin.version, "given") if main and main.origin else None,
    )
    _tell(services, answer, done)
    return answer


__all__ = ["MERGE", "Asked", "merge_file"]
