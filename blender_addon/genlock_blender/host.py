# SPDX-License-Identifier: GPL-3.0-or-later
"""One scene's sequencer as the host that `genlock_client.sync` keeps in step."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import bpy

from genlock_client import identity
from genlock_client.cut import Cut
from genlock_client.errands import Answer, Errands
from genlock_client.errors import Offline
from genlock_client.happenings import Changed, Happening
from genlock_client.identity import Seen
from genlock_client.model import Model
from genlock_client.sync import Mapped, Shown

from . import applying, compat, mapping, reading
from .mapping.book import normal, numbered
from .states import NOTHING, Channel, Mark, Picture, Strip
from .stepping import Steps, Unstepped


def scene_of(uid: int) -> Any:
    """Returns the scene with this session_uid, or None."""
    return next((scene for scene in bpy.data.scenes if scene.session_uid == uid), None)


def fresh() -> str:
    """Returns an id for a new thing."""
    return uuid.uuid4().hex


class SceneHost:
    """A scene as a host. It is looked up anew each time, because a strip or scene that is kept across an undo is gone.

    `book` is what the mapping knows; `rebook` brings it up to the model. `persisted` is the book's part of the .blend.
    """

    book: mapping.Book

    def __init__(
        self,
        uid: int,
        sequence: str,
        project: str,
        *,
        model: Model,
        errands: Errands,
        steps: Steps,
        persisted: Mapping[str, Any],
        opened: bool,
    ) -> None:
        self.uid = uid
        self.sequence = sequence
        self.project = project
        self.known: dict[str, Seen] = {}
        self.tombs: dict[str, Seen] = {}
        self.answered: Callable[[], None] = lambda: None
        self.refused_media: dict[str, str] = {}
        """Paths that the daemon could not add, and why."""
        self.unstepped = Unstepped()
        self._asked: frozenset[str] = frozenset()
        self._aliases: dict[str, str] = {}
        self._foreign_ok = opened
        self._errands = errands
        self._steps = steps
        self._repeats = False
        self.rebook(model, persisted)

    @property
    def scene(self) -> Any:
        """The scene; ReferenceError when it was removed."""
        found = scene_of(self.uid)
        if found is None:
            raise ReferenceError("The scene is gone.")
        return found

    def rebook(self, model: Model, persisted: Mapping[str, Any] | None = None) -> None:
        """Builds the book anew from the model."""
        kept = self.book.persisted() if persisted is None else persisted
        names = [scene.name for scene in bpy.data.scenes]
        self.model = model
        self.book = self._aliased(mapping.book_of(model, self.sequence, kept, names, first=self.scene.frame_start))

    def pool(self) -> None:
        """Takes over what the model knows of files, and nothing else: the rest is as it was last shown."""
        new = self._aliased(mapping.book_of(self.model, self.sequence, self.book.persisted(), self.book.scenes))
        self.book = self.book._replace(files=new.files, paths=new.paths, shots=new.shots)

    def _aliased(self, book: mapping.Book) -> mapping.Book:
        """Adds the names that this file has for pool entries which the daemon calls otherwise, as through a link."""
        there = {path: book.files[id_] for path, id_ in self._aliases.items() if id_ in book.files}
        return book._replace(paths={**there, **book.paths}) if there else book

    def notice(self, happening: Happening) -> None:
        """Takes over what a happening says of files."""
        if isinstance(happening, Changed) and any(
            kind in ("media", "shot", "project") for kind, _ in happening.touched
        ):
            self.pool()

    def names(self) -> dict[str, str]:
        """Returns the strips' names by key, as of the last look."""
        return {key: strip.name for key, strip in self.known.items()}

    # -- genlock_client.sync.Host

    def fingerprint(self) -> bytes:
        """Returns a few bytes that change with nearly every edit."""
        found: bytes = reading.fingerprint(self.scene)
        return found

    def busy(self) -> str:
        """Returns why the strips must be left alone now, or ""."""
        return compat.busy(bpy.context)

    def read(self) -> Picture:
        """Returns the picture, every strip and marker with a key of its own, which is noted on it."""
        scene = self.scene
        picture: Picture = reading.read(scene)
        named = self._name(scene, picture)
        if named:
            picture = reading.read(scene)
        self.remember(picture)
        return picture

    def cut(self, picture: Picture) -> Mapped:
        """Returns the picture as a cut; tracks that it needs are given homes."""
        found = mapping.to_cut(picture, self.book)
        self.book = found.book
        wanted = {key for key, (code, _) in found.held.items() if code == "media"}
        missing = {path for strip in picture.strips if strip.key in wanted for path in _asked_for(strip)}
        held = dict(found.held)
        for strip in picture.strips:
            why = next((self.refused_media[path] for path in _asked_for(strip) if path in self.refused_media), None)
            if strip.key in wanted and why is not None:
                held[strip.key] = ("media", why)
        return Mapped(found.cut, held, frozenset(missing - self.refused_media.keys()))

    def agreed(self, shadow: Picture, picture: Picture, held: frozenset[str]) -> Picture:
        """Returns the picture with what is held as the shadow has it."""
        if self.unstepped and picture != shadow:
            self.unstepped.mixed()
        if not held:
            return picture
        before = {strip.key: strip for strip in shadow.strips if strip.key in held}
        strips = [before.pop(strip.key, None) if strip.key in held else strip for strip in picture.strips]
        return picture._replace(strips=tuple(strip for strip in (*strips, *before.values()) if strip is not None))

    def unshown(self, shadows: Sequence[Picture]) -> list[Picture]:
        """Returns pictures without what was shown lately and went with an undo: that is shown again, without a step of its
        own, which would end the user's redo."""
        if not self.unstepped:
            return list(shadows)
        there = self.read()
        found = [self.unstepped.taken(shadow, there) for shadow in shadows]
        self._repeats = found != list(shadows)
        return found

    def ask(self, missing: frozenset[str]) -> bool:
        """Asks the daemon to add files to the pool."""
        if missing != self._asked:
            self._asked = missing
            self._ask(sorted(missing))
        return True

    def show(self, cut: Cut, shadow: Picture, label: str) -> SceneWork:
        """Begins to show a cut."""
        self.rebook(self.model)
        wanted = mapping.to_strips(cut, self.book, shadow)
        self.book = wanted.book
        scene = self.scene
        _set_format(scene, wanted.picture)
        before = {strip.key: strip for strip in shadow.strips}
        work = applying.Applier(scene).begin(wanted.picture, before, shadow)
        return SceneWork(self, work, wanted.picture, shadow, dict(wanted.held), label)

    # -- inside

    def _ask(self, paths: list[str]) -> None:
        def then(answer: Answer) -> None:
            if answer.error is None:
                self._added(answer.body)
            elif not isinstance(answer.error, Offline):  # it is asked again when the daemon is back
                said = f"{answer.error.message} {answer.error.hint}".strip()
                self.refused_media.update(dict.fromkeys(paths, said))
            self._asked -= frozenset(paths)
            if not self._asked:
                self.answered()

        # what is not there now is kept under its name, and found when it comes back
        self._errands.post(f"/api/projects/{self.project}/media", {"paths": paths, "missing": "keep"}, then)

    def _added(self, found: dict[str, Any]) -> None:
        for value in found["media"]:  # its event may come after this answer
            self.model.media.setdefault(value["id"], value)
        self._aliases.update((normal(path), id_) for path, id_ in found["paths"].items())
        self.pool()
        for path in found["paths"]:
            if normal(path) not in self.book.paths:
                self.refused_media[path] = "The daemon keeps it under another name."
        for each in found["refused"]:
            self.refused_media[each["path"]] = f"{each['message']} {each['hint']}".strip()

    def _name(self, scene: Any, picture: Picture) -> bool:
        """Gives keys where they lack or are not unique; says whether it did."""
        seen = [_seen(strip) for strip in picture.strips]
        given = identity.resolve(seen, self.known, tombs=self.tombs, fresh=fresh, foreign_ok=self._foreign_ok)
        self._foreign_ok = False
        names = {strip.name: new.key for strip, new in zip(picture.strips, given, strict=True) if strip.key != new.key}
        if names:
            reading.stamp(scene, names)
        marks = _marks(picture.marks)
        if marks:
            reading.stamp_marks(scene, marks)
        return bool(names or marks)

    def remember(self, picture: Picture) -> None:
        """Notes which strips there are, to tell them apart at the next look."""
        alive = {strip.key: _seen(strip) for strip in picture.strips}
        self.tombs = identity.buried(self.tombs, self.known, alive)
        self.known = alive

    def shown(self, touched: Mapping[str, Strip | None], label: str, changed: bool) -> Picture:
        """Is told by a work what it touched; returns what is around the strips. They are not read again: a thousand take
        longer than a tick may."""
        alive = {key: strip for key, strip in self.known.items() if touched.get(key, NOTHING) is not None}
        alive.update((key, _seen(strip)) for key, strip in touched.items() if strip is not None)
        self.tombs = identity.buried(self.tombs, self.known, alive)
        self.known = alive
        if changed and not self._repeats:
            self._steps.done(label)
        self._repeats = False
        around: Picture = reading.around(self.scene)
        return around


class SceneWork:
    """A cut on its way into the scene."""

    def __init__(
        self, host: SceneHost, work: Any, wanted: Picture, shadow: Picture, held: Mapping[str, Any], label: str
    ) -> None:
        self._host = host
        self._work = work
        self._wanted = wanted
        self._shadow = shadow
        self._held = held
        self._label = label

    def step(self, budget: float) -> Shown | None:
        """Goes on for about `budget` seconds; returns the end of it when it is done."""
        work = self._work
        if not work.step(budget):
            return None
        return Shown(self.stop(), frozenset(work.left), {**self._held, **work.troubles})

    def stop(self) -> Picture:
        """Ends it where it stands; returns the scene as far as it shows what is wanted, else as it was agreed on."""
        work = self._work
        strips = {strip.key: strip for strip in self._shadow.strips}
        for key, strip in work.touched.items():
            if strip is None:
                strips.pop(key, None)
            else:
                strips[key] = strip
        order = {strip.key: at for at, strip in enumerate(self._wanted.strips)}
        kept = sorted(strips.values(), key=lambda strip: order.get(strip.key, len(order)))
        there = self._host.shown(work.touched, self._label, work.changed)
        picture = self._wanted._replace(
            strips=tuple(kept), marks=self._marks(there), channels=self._channels(there), first=there.first
        )
        self._host.unstepped.add(self._shadow, picture)
        return picture

    def _marks(self, there: Picture) -> tuple[Mark, ...]:
        """The markers that are as wanted; of those that the user changed, what was agreed on before."""
        now, before = ({mark.key: mark for mark in each.marks} for each in (there, self._shadow))
        wanted = {mark.key: mark for mark in self._wanted.marks}
        found = (mark if now.get(key) == mark else before.get(key) for key, mark in {**before, **wanted}.items())
        return tuple(mark for mark in found if mark is not None and (mark.key in wanted or mark.key in now))

    def _channels(self, there: Picture) -> dict[int, Channel]:
        found = {}
        for number, channel in there.channels.items():
            agreed = channel if channel == self._wanted.channels.get(number) else self._shadow.channels.get(number)
            if agreed is not None:
                found[number] = agreed
        return found


def forget(scene: Any) -> None:
    """Takes our ids off the scene's strips and markers."""
    for strip in compat.strips_all(compat.editor(scene)):
        for name in (reading.KEY, reading.NOTE):
            if name in strip:
                del strip[name]
    for mark in scene.timeline_markers:
        compat.set_marker_uid(mark, "")


def _seen(strip: Strip) -> Seen:
    source = strip.files[0] if strip.files else strip.scene
    left = int(strip.left - strip.content_start)
    return Seen(strip.key, strip.name, strip.type, source, strip.left, strip.right - strip.left, left, strip.parent)


def _asked_for(strip: Strip) -> Iterable[str]:
    """The path under which the daemon should look for a strip's file."""
    if not strip.files:
        return ()
    return (numbered(strip.files[0]),) if len(strip.files) > 1 else (strip.files[0],)


def _marks(marks: tuple[Mark, ...]) -> dict[int, str]:
    """Index -> new key, of markers without one or with that of another: the first keeps it."""
    taken: set[str] = set()
    found = {}
    for at, mark in enumerate(marks):
        if not mark.key or mark.key in taken:
            found[at] = fresh()
        taken.add(mark.key)
    return found


def _set_format(scene: Any, picture: Picture) -> None:
    """Gives the scene the sequence's rate and size."""
    render = scene.render
    num, den = picture.rate
    fps = max(1, round(num / den))
    base = fps * den / num
    if render.fps != fps or abs(render.fps_base - base) > 1e-6:
        render.fps, render.fps_base = fps, base
    if (render.resolution_x, render.resolution_y) != tuple(picture.size):
        render.resolution_x, render.resolution_y = picture.size
