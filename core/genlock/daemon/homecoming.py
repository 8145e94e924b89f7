"""What a returned file says, under the ids of the version it was made from: base found, matched, lifted. Nothing is
stored here."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from genlock.daemon.bases import Base, find_base, nested_base, profile_of
from genlock.daemon.earlier import known_again
from genlock.daemon.pool import Sources
from genlock.daemon.reading import Found, read_timeline
from genlock.daemon.returned import Home, Paths, nested_names, sources_of, with_sources
from genlock.errors import BadInput
from genlock.project.media import MediaFile
from genlock.timeline.diff import diff
from genlock.timeline.events import Content, restore
from genlock.timeline.merge import Policy
from genlock.timeline.model import Media, Nested, Source
from genlock.timeline.rate import Rate
from genlock.timeline.reconcile import reconcile
from genlock.timeline.sequence import Sequence

if TYPE_CHECKING:
    from genlock.daemon.services import Services


TRIED = 3
"""Runs of earlier returns that a file is compared with, the longest first in mind: each costs as much as the base."""


class Asked(NamedTuple):
    """How a file is to be read and merged; what is empty is found out. `once`: a file merged before is left alone whatever
    the policy, for it comes by itself (from a watched folder) and not because somebody decided so."""

    policy: Policy = "ask"
    dialect: str = ""
    rate: Rate | None = None
    base: int | None = None
    once: bool = False


class Cut(NamedTuple):
    """What a sequence became in the file: `before` is what it is compared with, the base with the edits `through`;
    `changes` counts the ops between, `holds` says whether it has items that those edits brought in."""

    before: Sequence
    through: tuple[int, ...]
    theirs: Content
    unsure: dict[str, tuple[str, ...]]
    disagreements: tuple[str, ...]
    changes: int
    holds: bool

    def doubt(self) -> tuple[int, int]:
        """Returns how much speaks against `before` being what the file was made from: what is left to explain; of equals,
        that it holds nothing which only the edits `through` brought (two editors rarely add the same clip), and then that
        there were later ones."""
        return self.changes, -len(self.through) if self.holds else 0


class Returned(NamedTuple):
    """A returned file, ready to be merged. `cuts` are the sequence and those nested ones that are here and changed there;
    `nested` holds these and the ones that are new. `files` are those it names that the pool has not. `is_unchanged`:
    nothing was done to it there."""

    found: Found
    base: Base
    cuts: dict[str, Cut]
    nested: tuple[tuple[str, Content], ...]
    unsure: dict[str, tuple[str, ...]]
    files: list[MediaFile]
    warnings: list[str]
    disagreements: tuple[str, ...]
    is_unchanged: bool


def come_home(services: Services, project: str, sequence: str, path: Path, asked: Asked) -> Returned:
    """Reads a returned file and finds out what it means for the sequence. Raises BadInput with the reader's code, bad_rate;
    NotFound(no_such_version); Refused(no_base)."""
    head = services.app.sequence(sequence)
    found = read_timeline(services, project, path, dialect=asked.dialect, rate=asked.rate or head.rate)
    if found.imported.content.rate != head.rate:
        theirs = found.imported.content.rate
        raise BadInput(
            "bad_rate",
            f"{path.name} runs at {theirs} frames per second, {head.name} at {head.rate}.",
            hint="Export it at the sequence's rate, or import it as a sequence of its own (without --into).",
        )
    # a cut without a title was called after its file: nobody renamed the sequence
    is_titled = found.imported.content.name != path.stem
    return _Homecoming(services, project, sequence, found, is_titled=is_titled).returned(asked.base)


class _Homecoming:
    def __init__(self, services: Services, project: str, sequence: str, found: Found, *, is_titled: bool) -> None:
        self.app = services.app
        self.project = project
        self.sequence = sequence
        self.found = found
        self.is_titled = is_titled
        sources = Sources(services.app, services.roots, project)
        self.files = {file.id: file for file in found.imported.media}
        self.home = Home(services.app, sources, project)
        self.base_path = Paths(sources)
        self.path = Paths(sources, found.imported.media)
        self.warnings = list(found.imported.warnings)
        self.inner: dict[str, str] = {}

    def returned(self, given: int | None) -> Returned:
        imported = self.found.imported
        cut = with_sources(imported.content, self._at_home)
        base = find_base(self.app, self.sequence, cut, imported.tag, given, base_path=self.base_path, path=self.path)
        known = nested_names(self.app, self.app.content(self.sequence, base.version), imported.nested, self._is_here)
        self._name_nested(known)
        content = imported.content
        if imported.tag.sequence not in ("", self.sequence):  # a fork: what it is called is no new name for this one
            content = replace(content, name=self.app.sequence(self.sequence, base.version).name)
        outer = self._cut(self.sequence, base.version, content, base)
        nested: list[tuple[str, Content]] = []
        cuts = {self.sequence: outer}
        for id_, content in imported.nested:
            here = self.inner[id_]
            if id_ in known:
                version = nested_base(self.app, here, base, self.sequence)
                found = self._cut(here, version, content, base)
                if found.changes:
                    nested.append((here, found.theirs))
                    cuts[here] = found
            else:
                nested.append((here, with_sources(content, self._at_home)))
        return Returned(
            self.found,
            base,
            cuts,
            tuple(nested),
            {id_: others for cut in cuts.values() for id_, others in cut.unsure.items()},
            list(self._new_files(outer.theirs, *(content for _, content in nested))),
            self.warnings,
            outer.disagreements
            + tuple(d for id_, cut in cuts.items() if id_ != self.sequence for d in cut.disagreements),
            not nested and not outer.changes,
        )

    def _cut(self, sequence: str, version: int, content: Content, base: Base) -> Cut:
        """Returns what a version became in the file: by itself, or as earlier files from it left it there, whichever
        leaves less to explain."""
        best = self._against(self.app.sequence(sequence, version), (), content, base)
        earlier = self.app.returns(sequence, version) if best.changes else ()
        for count in range(1, len(earlier) + 1)[-TRIED:]:
            through = earlier[:count]
            before = self.app.grown(sequence, version, through)
            if before is not None:
                best = min(best, self._against(before, through, content, base), key=Cut.doubt)
        return best

    def _against(self, before: Sequence, through: tuple[int, ...], content: Content, base: Base) -> Cut:
        if not self.is_titled and before.id == self.sequence:
            content = replace(content, name=before.name)
        made = reconcile(
            before,
            with_sources(content, self._at_home),
            profile_of(self.found.dialect, base.receipt),
            base_path=self.base_path,
            path=self.path,
            told=self.found.imported.ids,
        )
        matching = made.matching
        theirs = with_sources(made.theirs, lambda old: self.home.source(old, self.files, matching.media))
        theirs = known_again(self.app, before, theirs, self.path)
        unsure = {matching.items.get(id_, id_): others for id_, others in matching.unsure.items()}
        changes = len(diff(before, restore(before.id, before.version, theirs)))
        brought = self.app.brought(before.id, before.version) if through else frozenset()
        holds = any(
            placed.item.id in brought and placed.item.id in before.items
            for part in theirs.tracks
            for placed in part.items
        )
        return Cut(before, through, theirs, unsure, made.disagreements, changes, holds)

    def _at_home(self, old: Source) -> Source:
        if isinstance(old, Nested):
            here = self.inner.get(old.sequence, old.sequence)
            return old if here == old.sequence else replace(old, sequence=here)
        return self.home.source(old, self.files)

    def _name_nested(self, known: dict[str, str]) -> None:
        """Gives the nested sequences of the file their ids here: those of the ones they are, or new ones."""
        from genlock_otio import beside

        others = tuple((id_, content) for id_, content in self.found.imported.nested if id_ not in known)
        fresh = beside(replace(self.found.imported, nested=others), lambda id_: id_ in self.app.world.homes)
        self.inner = {**known, **{old: new for (old, _), (new, _) in zip(others, fresh.nested, strict=True)}}

    def _is_here(self, id_: str) -> bool:
        return self.app.world.homes.get(id_) == self.project

    def _new_files(self, *contents: Content) -> Iterator[MediaFile]:
        shown = {s.media for content in contents for s in sources_of(content) if isinstance(s, Media)}
        return (file for file in self.found.imported.media if file.id in shown and file.id not in self.home.pool)
