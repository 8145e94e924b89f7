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
from genlock.timeline.reconcile import Reconciled, reconcile
from genlock.timeline.sequence import Sequence

if TYPE_CHECKING:
    from genlock.daemon.services import Services


class Asked(NamedTuple):
    """How a file is to be read and merged; what is empty is found out."""

    policy: Policy = "ask"
    dialect: str = ""
    rate: Rate | None = None
    base: int | None = None


class Returned(NamedTuple):
    """A returned file, ready to be merged: the cut and its nested sequences as their bases became there. `bases` are the
    versions of the nested ones that exist here, `files` those it names that the pool has not. `is_unchanged`: nothing was
    done to it there."""

    found: Found
    base: Base
    theirs: Content
    nested: tuple[tuple[str, Content], ...]
    bases: dict[str, int]
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
    return _Homecoming(services, project, sequence, found).returned(asked.base)


class _Homecoming:
    def __init__(self, services: Services, project: str, sequence: str, found: Found) -> None:
        self.app = services.app
        self.project = project
        self.sequence = sequence
        self.found = found
        sources = Sources(services.app, services.roots, project)
        self.files = {file.id: file for file in found.imported.media}
        self.home = Home(services.app, sources, project)
        self.base_path = Paths(sources)
        self.path = Paths(sources, found.imported.media)
        self.warnings = list(found.imported.warnings)
        self.unsure: dict[str, tuple[str, ...]] = {}
        self.disagreements: list[str] = []
        self.inner: dict[str, str] = {}

    def returned(self, given: int | None) -> Returned:
        imported = self.found.imported
        cut = with_sources(imported.content, self._at_home)
        base = find_base(self.app, self.sequence, cut, imported.tag, given, base_path=self.base_path, path=self.path)
        outer = self.app.sequence(self.sequence, base.version)
        known = nested_names(self.app, self.app.content(self.sequence, base.version), imported.nested, self._is_here)
        self._name_nested(known)
        theirs = self._theirs(outer, imported.content, base)
        nested: list[tuple[str, Content]] = []
        bases: dict[str, int] = {}
        for id_, content in imported.nested:
            here = self.inner[id_]
            if id_ not in known:
                nested.append((here, with_sources(content, self._at_home)))
                continue
            version = nested_base(self.app, here, base, outer)
            before = self.app.sequence(here, version)
            after = self._theirs(before, content, base)
            if diff(before, restore(here, version, after)):
                nested.append((here, after))
                bases[here] = version
        return Returned(
            self.found,
            base,
            theirs,
            tuple(nested),
            bases,
            self.unsure,
            list(self._new_files(theirs, *(content for _, content in nested))),
            self.warnings,
            tuple(self.disagreements),
            not nested and not diff(outer, restore(self.sequence, base.version, theirs)),
        )

    def _theirs(self, before: Sequence, content: Content, base: Base) -> Content:
        """Returns what the version `before` became in the file."""
        made: Reconciled = reconcile(
            before,
            with_sources(content, self._at_home),
            profile_of(self.found.dialect, base.receipt),
            base_path=self.base_path,
            path=self.path,
            told=self.found.imported.ids,
        )
        matching = made.matching
        self.unsure.update({matching.items.get(id_, id_): others for id_, others in matching.unsure.items()})
        self.disagreements += made.disagreements
        theirs = with_sources(made.theirs, lambda old: self.home.source(old, self.files, matching.media))
        return known_again(self.app, before, theirs, self.path)

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
