# SPDX-License-Identifier: GPL-3.0-or-later
"""The one place where the add-on meets the daemon: a session, its errands and jobs, and a link for each linked scene.

Everything goes on in `pump`, which a timer calls; nothing here waits and nothing here is a thread.
"""

from __future__ import annotations

import gc
import logging
import os
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Final

import bpy

from genlock_client.discovery import Endpoint
from genlock_client.errands import Answer, Errands
from genlock_client.errors import ClientError
from genlock_client.happenings import CommandAccepted, CommandRefused, Connected, Ended, Happening
from genlock_client.jobs import JobBook
from genlock_client.session import Closed, Live, Session
from genlock_client.sync import Idle
from genlock_client.transport import Transport

from . import keeping, linking, links, prefs, reading, standing
from .host import forget, scene_of
from .keeping import Kept
from .links import Broken, Link, Linked, Making, Question, Waiting
from .standing import Status
from .stepping import Steps

__all__ = ["Bridge", "Status", "bridge", "close"]

ACTIVE_SECONDS: Final = 0.05
IDLE_SECONDS: Final = 0.12
"""Between ticks while connected: what others do should show within a blink."""
ABSENT_SECONDS: Final = 1.0
RETRY_SECONDS: Final = 5.0
"""A daemon that turned us down is looked at again this often: it may be another one by then."""
REDRAW_SECONDS: Final = 0.2
NOTES: Final = 50

Then = Callable[[Any], None]
log = logging.getLogger("genlock")


class Bridge:
    """All of the add-on that is not Blender's own interface. `bridge()` gives the one there is.

    `links` are by the scene's session_uid. `session` is None while disconnected, else `session.model` is the project as the
    daemon has it; `jobs` likewise. `notes` are the last sentences for the panel's log, newest last.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.links: dict[int, Link] = {}
        self.session: Session | None = None
        self.jobs: JobBook | None = None
        self.notes: deque[str] = deque(maxlen=NOTES)
        self.ended: ClientError | None = None
        """Why the daemon turned us down; None while it did not."""
        self.absent = False
        """Whether the last look found no daemon."""
        self._clock = clock
        self.errands = Errands(self._find, clock=clock)
        self._transport: Transport | None = None
        self._steps = Steps()
        self._redraws: list[Callable[[], None]] = []
        self._hearers: list[Callable[[Happening], None]] = []
        self._thens: dict[str, Then] = {}
        self._sequences: dict[str, list[dict[str, Any]]] = {}
        self._wanted = False
        self._scenes = -1
        self._tried: Endpoint | None = None
        self._retry_at = 0.0
        self._redraw_at = 0.0
        self._shown: Any = None

    # -- time

    def pump(self, now: float | None = None, budget: float = 0.008) -> float:
        """Does what is due within about `budget` seconds and returns the seconds until it should be called again."""
        now = self._clock() if now is None else now
        collects = gc.isenabled()
        gc.disable()  # a collection takes longer than a tick may; after one each tick far fewer are due
        try:
            self._guarded(self._pump, now, budget)
        finally:
            if collects:
                gc.enable()
        if self._transport is None or self.absent:
            return ABSENT_SECONDS
        moving = any(link.sync is not None and not isinstance(link.sync.state, Idle) for link in self.links.values())
        return ACTIVE_SECONDS if moving or self.errands.busy else IDLE_SECONDS

    def _guarded(self, run: Callable[..., None], *given: Any) -> str:
        """Runs something; what it raises is said, returned in words, and costs nothing but itself."""
        try:
            run(*given)
        except Exception as error:
            log.exception("Genlock stumbled and goes on.")
            self.note(f"Something went wrong in Genlock: {error!r}")
            return repr(error)
        return ""

    def _pump(self, now: float, budget: float) -> None:
        end = self._clock() + budget
        if len(bpy.data.scenes) != self._scenes:  # a copied scene brings a link along, and nobody says so
            self._scenes = len(bpy.data.scenes)
            self._look_at_scenes()
        self._connect_again(now)
        if self._transport is not None:
            for happening in self._transport.pump(budget / 2):
                self._guarded(self._happened, happening)
        self._guarded(self.errands.pump, budget / 4)
        for link in list(self.links.values()):
            if scene_of(link.uid) is None:
                del self.links[link.uid]
            elif now >= link.again_at:
                link.ran(now, self._guarded(self._tick, link, now, max(0.001, end - self._clock())))
        if self._clock() < end and self._steps.flush(now):  # it takes as long as the rest of a tick
            for link in self.links.values():
                if isinstance(link.state, Linked):
                    link.state.host.unstepped.stepped()
        if now >= self._redraw_at:
            self._redraw_at = now + REDRAW_SECONDS
            self._redraw()

    def _tick(self, link: Link, now: float, budget: float) -> None:
        session = self.session
        if session is None or link.kept.project != session.project:
            return
        if isinstance(link.state, Waiting) and isinstance(session.state, Live):
            self._begin(link, session)
        if link.sync is not None:
            link.sync.tick(now, budget)

    def _begin(self, link: Link, session: Session) -> None:
        kept = link.kept
        doubt = self._doubt(kept, session)
        if doubt is not None:
            link.state = doubt
        elif kept.sequence not in session.model.sequences and (link.opened or not kept.version):
            link.state = Broken("The project does not have this sequence.", links.RELINK)
        else:
            link.kept = kept._replace(log=self._log_id())
            link.begin(session, self.errands, self._steps)

    def _doubt(self, kept: Kept, session: Session) -> Broken | Question | None:
        """Why a link must not go on with the daemon that is there; None when it may."""
        model = session.model.sequences.get(kept.sequence)
        choices = ("continue", "fork", "unlink")
        if kept.log and kept.log != self._log_id():
            if model is None:
                return Broken("The daemon's store is another one; it does not have this sequence.", links.RELINK)
            return Question("The daemon's store has another history than this file.", choices)
        if model is not None and model.version < kept.version:
            return Question("The daemon's store was put back to an earlier time than this file.", choices)
        return None

    def _connected(self, session: Session) -> None:
        for link in self.links.values():
            if isinstance(link.state, Linked) and link.kept.project == session.project:
                kept = link.present()
                doubt = self._doubt(kept, session)
                if doubt is not None:
                    link.kept, link.state = kept, doubt

    # -- connection

    def connect(self) -> None:
        """Looks for a daemon, and goes on looking, until `disconnect`."""
        self._wanted = True
        self.ended = None
        self._open(self._project())

    def disconnect(self) -> None:
        """Leaves the daemon; linked scenes keep their links and go offline."""
        self._wanted = False
        self.ended = None
        self._leave()

    def _open(self, project: str) -> None:
        self._leave()
        session = Session("blender", prefs.settings().actor, clock=self._clock, project=project or None)
        self.session = session
        self.jobs = JobBook(session.model)
        self._transport = Transport(session, self._find, clock=self._clock)
        for link in self.links.values():
            if isinstance(link.state, Linked) and link.kept.project == project:
                link.begin(session, self.errands, self._steps)

    def _leave(self) -> None:
        if self._transport is not None:
            self._transport.close()
        self._transport = self.session = self.jobs = None
        self._thens.clear()

    def _find(self) -> Endpoint | None:
        wanted = next((link.kept.log for link in self.links.values() if link.kept.log), "")
        try:
            found = prefs.find(wanted)
        except ClientError as error:
            self.ended = error
            return None
        self.absent = found is None
        self._tried = found
        return found

    def _connect_again(self, now: float) -> None:
        """Opens another session where the links want another project, or where another daemon may take us."""
        session = self.session
        if not self._wanted:
            return
        if session is None or (session.project or "") != self._project():
            self._open(self._project())
        elif isinstance(session.state, Closed) and now >= self._retry_at:
            self._retry_at = now + RETRY_SECONDS
            before = self._tried
            if self._find() not in (None, before):
                self.ended = None
                self._open(self._project())

    def _project(self) -> str:
        """The project of the scene in front, else of any linked one: a session is about one project."""
        front = self.links.get(_front())
        ours = [front] if front is not None else []
        return next((link.kept.project for link in (*ours, *self.links.values()) if link.kept.project), "")

    def _happened(self, happening: Happening) -> None:
        if self.jobs is not None:
            self.jobs.update(happening)
        for link in self.links.values():
            link.happened(happening)
            if isinstance(link.state, Linked) and self.session is not None:
                link.state.host.notice(happening)
        if isinstance(happening, Ended):
            self.ended = happening.error
        elif isinstance(happening, Connected):
            self.ended = None
            self._sequences.clear()
            if self.session is not None:
                self._connected(self.session)
        if isinstance(happening, (CommandAccepted, CommandRefused)):
            then = self._thens.pop(happening.id, None)
            if then is not None:
                then(happening)
        for hear in list(self._hearers):
            self._guarded(hear, happening)

    # -- scenes and files

    def hint(self, label: str = "") -> None:
        """Says that scenes may have changed; `label` names what the user did ("Undo in Blender")."""
        if label:
            self._steps.undone()
        for link in self.links.values():
            if link.sync is not None:
                if label:
                    link.sync.undone(label)
                else:
                    link.sync.hint()
        self._scenes = -1

    def file_closes(self) -> None:
        """Is called before another file is opened: its scenes are about to go."""
        self.links.clear()

    def file_opened(self) -> None:
        """Is called when a file was opened."""
        self.links.clear()
        self._steps = Steps()
        self._scenes = -1

    def file_saves(self, path: str = "") -> None:
        """Is called before a file is saved: the links are written into their scenes."""
        for link in self.links.values():
            link.save(path or bpy.data.filepath)

    def file_saved(self) -> None:
        """Is called after a file was saved. A file under another name, beside the one before, is a copy of it."""
        path = bpy.data.filepath
        for link in self.links.values():
            before = link.kept.path
            if before and path and not links.same(before, path) and os.path.exists(before):
                said = f"This file was saved beside {os.path.basename(before)}, which is linked already."
                link.kept = link.present()._replace(path=path)
                if isinstance(link.state, Linked):
                    link.state = Question(said, ("continue", "fork", "unlink"))
            elif path:
                link.kept = link.kept._replace(path=path)

    def _look_at_scenes(self) -> None:
        for scene in bpy.data.scenes:
            if scene.session_uid in self.links:
                continue
            found = links.opened(scene, bpy.data.filepath, self._linked_elsewhere)
            if found is not None:
                self.links[scene.session_uid] = found

    def _linked_elsewhere(self, sequence: str, uid: int) -> bool:
        return any(link.kept.sequence == sequence for other, link in self.links.items() if other != uid)

    # -- what the user asks for

    def status(self, scene: Any) -> Status:
        """Returns how a scene stands."""
        return standing.of(self, scene)

    def link_new(self, scene: Any, project: str = "", name: str = "") -> None:
        """Makes a sequence of the scene and links them. `project` is an id; empty makes one. `name` is the sequence's, the
        scene's when empty. Its end shows in `status`."""
        name = name or scene.name
        empty = not reading.read(scene).strips
        walk = linking.new_sequence(scene, project, name, prefs.settings().actor, empty=empty)
        self._make(scene, Kept(project, ""), walk, "A sequence is being made.", fresh=True)

    def link_existing(self, scene: Any, sequence: str, project: str) -> None:
        """Links the scene to a sequence and shows it: rate and size of the scene become the sequence's."""
        uid = scene.session_uid
        if self._linked_elsewhere(sequence, uid):
            said = Broken(
                "Another scene of this file is linked to that sequence.", "Unlink that one first, or fork it."
            )
            self.links[uid] = Link(uid, Kept("", ""), said, opened=False)
            return
        self._put(scene, Kept(project, sequence, file=links.identity_of_file(), path=bpy.data.filepath), opened=False)

    def unlink(self, scene: Any) -> None:
        """Forgets the link; strips stay as they are and lose their ids."""
        self.links.pop(scene.session_uid, None)
        keeping.erase(scene)
        forget(scene)
        self.note(f"{scene.name} is no longer linked.")

    def relink(self, scene: Any, choice: str) -> None:
        """Answers the question of a status `asking`: "fork" (a sequence of its own), "continue" (the same) or "unlink"."""
        link = self.links[scene.session_uid]
        if choice == "unlink":
            self.unlink(scene)
        elif choice == "continue":
            log_id = self._log_id()
            restored = link.kept.log not in ("", log_id) or self._older(link.kept)
            kept = link.kept._replace(path=bpy.data.filepath, log=log_id)
            if restored:  # what is there counts, and what is only here is told
                kept = kept._replace(version=0, bases={}, pending=None)
            self._put(scene, kept, opened=True)
        else:
            kept = link.kept
            version = 0 if self._older(kept) else kept.version
            copied = self._linked_elsewhere(kept.sequence, link.uid)  # a copied scene, else a copied file
            name = scene.name if copied else links.title(bpy.data.filepath) or scene.name
            walk = linking.fork(kept.project, kept.sequence, version, name, prefs.settings().actor)
            self._make(scene, kept, walk, "A sequence of its own is being made.", fresh=False)

    def _older(self, kept: Kept) -> bool:
        model = self.session.model.sequences.get(kept.sequence) if self.session is not None else None
        return model is not None and model.version < kept.version

    def _make(self, scene: Any, kept: Kept, walk: Callable[[], Any], sentence: str, *, fresh: bool) -> None:
        uid = scene.session_uid
        link = self.links[uid] = Link(uid, kept, Making(sentence), opened=not fresh)

        def then(made: linking.Made | None, error: ClientError | None) -> None:
            found = scene_of(uid)
            if self.links.get(uid) is not link or found is None:
                return
            if made is None:
                link.state = Broken(error.message if error else "It was not made.", error.hint if error else "")
                return
            bases = {} if fresh else kept.bases
            file, path = links.identity_of_file(), bpy.data.filepath
            fields = {"log": self._log_id(), "version": made.version, "file": file, "path": path, "bases": bases}
            new = kept._replace(project=made.project, sequence=made.sequence, pending=None, **fields)
            self._put(found, new, opened=not fresh)

        linking.go(self.errands, walk, then)

    def _put(self, scene: Any, kept: Kept, *, opened: bool) -> None:
        uid = scene.session_uid
        self.links[uid] = Link(uid, kept, Waiting(), opened=opened)
        keeping.write(scene, kept)
        self.note(f"{scene.name} is linked.")

    def _log_id(self) -> str:
        return self.session.cursor.log if self.session is not None and self.session.cursor is not None else ""

    def command(self, command: dict[str, Any], target: str = "", *, label: str = "", then: Then | None = None) -> str:
        """Sends a command and returns its id; `then` gets the CommandAccepted or CommandRefused. Raises ClientError."""
        if self.session is None:
            raise ClientError("daemon_absent", "Genlock is not connected.")
        id_ = self.session.command(command, target, label=label)
        if then is not None:
            self._thens[id_] = then
        return id_

    def projects(self) -> list[dict[str, Any]]:
        """Returns the daemon's projects as on the wire, by name; [] while disconnected."""
        known = self.session.model.projects.values() if self.session is not None else ()
        return sorted(known, key=lambda value: str(value.get("name", "")))

    def sequences(self, project: str) -> list[dict[str, Any]]:
        """Returns a project's sequences in short, as far as known; asks for them when they are not."""
        if project not in self._sequences and self.session is not None:
            self._sequences[project] = []

            def then(answer: Answer) -> None:
                if answer.error is None:
                    body = answer.body
                    self._sequences[project] = body["sequences"] if isinstance(body, dict) else body

            self.errands.get(f"/api/projects/{project}/sequences", None, then)
        return self._sequences.get(project, [])

    def sync_now(self, scene: Any) -> None:
        """Looks at the scene at once, at what the fingerprint does not see too, and tries again what failed."""
        link = self.links.get(scene.session_uid)
        if link is not None and isinstance(link.state, Linked):
            link.state.host.refused_media.clear()
            link.state.sync.hint()
        self._sequences.clear()

    # -- what panels need

    def listen(self, redraw: Callable[[], None]) -> Callable[[], None]:
        """Calls `redraw` whenever something that a panel shows has changed; returns what ends that."""
        self._redraws.append(redraw)
        return lambda: self._redraws.remove(redraw)

    def listen_all(self, hear: Callable[[Happening], None]) -> Callable[[], None]:
        """Calls `hear` with every happening of the session; returns what ends that."""
        self._hearers.append(hear)
        return lambda: self._hearers.remove(hear)

    def note(self, sentence: str) -> None:
        """Adds a sentence to the panel's log."""
        if not self.notes or self.notes[-1] != sentence:
            self.notes.append(sentence)

    def _redraw(self) -> None:
        scenes = [scene for scene in (scene_of(uid) for uid in self.links) if scene is not None]
        shown = (bool(self.session), self.ended, self.absent, len(self.notes), [self.status(scene) for scene in scenes])
        if shown != self._shown:
            self._shown = shown
            for redraw in list(self._redraws):
                redraw()

    def key_of(self, scene: Any, strip: Any) -> str:
        """Returns the item id of a strip, "" when the daemon does not know it."""
        link = self.links.get(scene.session_uid)
        key = str(strip.get("genlock_id", ""))
        model = self.session.model if self.session is not None else None
        known = link is not None and model is not None and any(key in each.items for each in model.sequences.values())
        return key if known else ""

    def origin(self, scene: Any) -> int:
        """Returns the scene frame on which the sequence begins: the scene's first one while it is linked to none."""
        link = self.links.get(scene.session_uid)
        if link is None or not isinstance(link.state, Linked):
            return int(scene.frame_start)
        return int(link.state.host.book.origin)

    def strip_of(self, scene: Any, key: str) -> Any:
        """Returns the strip that shows an item, or None. Never keep it across a tick."""
        return reading.find(scene).get(key)

    def close(self) -> None:
        """Ends everything: sockets, calls, links. What the scenes stand for is written into them, so that the add-on can go
        on from there."""
        self.file_saves()
        self._wanted = False
        self._leave()
        self.errands.close()
        self.links.clear()
        self._redraws.clear()
        self._hearers.clear()


def _front() -> int:
    """The session_uid of the scene that the user looks at, 0 for none."""
    scene = getattr(bpy.context, "scene", None)
    return scene.session_uid if scene is not None else 0


_bridges: list[Bridge] = []


def bridge() -> Bridge:
    """Returns the one Bridge."""
    if not _bridges:
        _bridges.append(Bridge())
    return _bridges[0]


def close() -> None:
    """Ends the one Bridge; the next `bridge` is another."""
    while _bridges:
        _bridges.pop().close()
