# SPDX-License-Identifier: GPL-3.0-or-later
"""A scene's link to a sequence: kept in the .blend, kept in step by a `Sync` while Blender runs."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from genlock_client.errands import Errands
from genlock_client.happenings import Happening
from genlock_client.session import Session
from genlock_client.sync import Idle, Sync

from . import keeping
from .host import SceneHost, scene_of
from .keeping import Kept
from .states import Picture
from .stepping import Steps


class Making(NamedTuple):
    """The daemon is asked for something that the link needs."""

    sentence: str


class Question(NamedTuple):
    """The user has to say what this scene is. `choices` as Bridge.relink takes them."""

    sentence: str
    choices: tuple[str, ...]


class Linked(NamedTuple):
    """In step, as far as `sync` says."""

    host: SceneHost
    sync: Sync


class Waiting(NamedTuple):
    """Nothing is compared before the daemon was reached once: only then is it known what is there."""


class Broken(NamedTuple):
    """It cannot go on."""

    sentence: str
    hint: str


State = Making | Question | Linked | Waiting | Broken

AGAIN_SECONDS: Final = 0.5
LATEST_SECONDS: Final = 60.0
RELINK: Final = "Unlink the scene and link it again."
NOTHING: Final = Picture("", (24, 1), (0, 0), 0, (), {}, ())


class Link:
    """One linked scene. `kept` is what the .blend holds as of the last save or change of state."""

    def __init__(self, uid: int, kept: Kept, state: State, *, opened: bool) -> None:
        self.uid = uid
        self.kept = kept
        self.state: State = state
        self.opened = opened
        self.stumble = ""
        """What was raised when it was last kept in step, "" nothing."""
        self.again_at = 0.0
        self._stumbles = 0

    @property
    def sync(self) -> Sync | None:
        """What keeps it in step, None while nothing does."""
        return self.state.sync if isinstance(self.state, Linked) else None

    def ran(self, now: float, raised: str) -> None:
        """Notes how keeping it in step went: after something was raised the next time is later and later."""
        if raised:
            self.stumble = raised
            self.again_at = now + min(LATEST_SECONDS, AGAIN_SECONDS * 2.0**self._stumbles)
            self._stumbles = min(self._stumbles + 1, 30)
        elif self.stumble and (self.sync is None or isinstance(self.sync.state, Idle)):
            self.stumble, self._stumbles = "", 0

    def begin(self, session: Session, errands: Errands, steps: Steps) -> None:
        """Starts to keep in step, or goes on over another session."""
        if isinstance(self.state, Linked):
            self.state.host.model = session.model
            self.state.sync.resume(session)
            return
        kept = self.kept
        host = SceneHost(
            self.uid,
            kept.sequence,
            kept.project,
            model=session.model,
            errands=errands,
            steps=steps,
            persisted=kept.book,
            opened=self.opened and kept.shadow is not None,
        )
        sync = Sync(
            host,
            session,
            kept.sequence,
            shadow=kept.shadow or NOTHING,
            base=kept.version,
            clock=time.perf_counter,
            bases=kept.bases,
            pending=kept.pending,
            before=kept.before,
        )
        host.answered = sync.answered
        if kept.shadow is not None:
            host.remember(kept.shadow)
        self.state = Linked(host, sync)

    def present(self) -> Kept:
        """Returns what should be kept at this moment."""
        if not isinstance(self.state, Linked):
            return self.kept
        host, sync = self.state
        shadow, before = sync.shadow, sync.before
        if before is not None and sync.pending is None:  # it was turned down, and is not yet taken back
            shadow, before = before, None
        return self.kept._replace(
            version=sync.base,
            bases=dict(sync.bases),
            book=host.book.persisted(),
            shadow=None if shadow is NOTHING else shadow,
            pending=sync.pending,
            before=before,
        )

    def save(self, path: str) -> None:
        """Writes the link into its scene, for a file at `path`."""
        scene = scene_of(self.uid)
        if scene is not None:
            self.kept = self.present()
            keeping.write(scene, self.kept._replace(path=path))

    def happened(self, happening: Happening) -> None:
        """Takes a happening of the session."""
        if isinstance(self.state, Linked):
            self.state.sync.happened(happening)


def opened(scene: Any, path: str, others: Callable[[str, int], bool]) -> Link | None:
    """Returns the link that a scene brings along, None when it has none.

    `path` is the file's, `others` says whether another scene than this one already is linked to a sequence.
    """
    uid = scene.session_uid
    try:
        kept = keeping.read(scene)
    except keeping.Unreadable as error:
        return Link(uid, Kept("", ""), Broken(str(error), RELINK), opened=True)
    if kept is None:
        return None
    state: State = Waiting()
    if others(kept.sequence, uid):
        state = Question("This scene is a copy of one that is linked already.", ("fork", "unlink"))
    elif kept.path and path and not same(kept.path, path) and os.path.exists(kept.path):
        name = os.path.basename(kept.path)
        state = Question(f"This file is a copy of {name}, which is linked already.", ("fork", "continue", "unlink"))
    return Link(uid, kept, state, opened=True)


def same(one: str, other: str) -> bool:
    """Whether two paths name one file."""
    return os.path.normcase(os.path.realpath(one)) == os.path.normcase(os.path.realpath(other))


def title(path: str) -> str:
    """Returns a file's name without folder and suffix, "" for a file that was not saved yet."""
    return os.path.splitext(os.path.basename(path))[0]


def identity_of_file() -> str:
    """Returns a new identity for a file."""
    return uuid.uuid4().hex
