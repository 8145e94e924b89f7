"""Finds files by the digest of their content: what the panel asks for, never by a path of its own."""

from __future__ import annotations

import re
from pathlib import Path
from threading import Lock
from typing import NamedTuple

from genlock.application.application import Application
from genlock.daemon.paths import Roots
from genlock.errors import GenlockError, MediaError, NotFound
from genlock.project.media import MediaFile
from genlock.project.shot import ShotState, Take
from genlock.timeline.model import Item, Media, Shot

DIGEST = re.compile(r"[0-9a-f]{32}")


class Found(NamedTuple):
    """Where content lies (as its owner wrote it), and its proxy's path (empty: none)."""

    path: str
    proxy: str = ""


class Pool:
    """Digest -> file, over the media pools and takes of all projects. Rebuilt when the log moved on and a digest is new."""

    def __init__(self, app: Application, roots: Roots) -> None:
        self._app = app
        self._roots = roots
        self._found: dict[str, Found] = {}
        self._built_at = -1
        self._lock = Lock()

    def find(self, digest: str, *, proxy: bool = False) -> Path:
        """Returns the real path of the content; of numbered images, the pattern or folder that names them.

        Raises NotFound (not_found, no_such_media, media_missing) and AccessError(outside_roots).
        """
        if not DIGEST.fullmatch(digest):
            raise NotFound("not_found", "That is not a digest.")
        found = self._lookup(digest)
        if found is None:
            raise NotFound("no_such_media", "Nothing in any project has this content.")
        text = found.proxy if proxy and found.proxy and Path(found.proxy).exists() else found.path
        try:
            return self._roots.medium(text)
        except (NotFound, MediaError) as error:
            raise NotFound("media_missing", f"{text} is not there.") from error

    def _lookup(self, digest: str) -> Found | None:
        with self._lock:
            head = self._app.head_id()
            if digest not in self._found and head != self._built_at:
                self._found = self._build()
                self._built_at = head
            return self._found.get(digest)

    def _build(self) -> dict[str, Found]:
        found: dict[str, Found] = {}
        for project in self._app.projects():
            for file in project.media.values():
                if file.info is not None and file.info.digest:
                    found[file.info.digest] = Found(file.path)
            for shot in self._app.shots(project.id):
                for take in shot.takes.values():
                    if take.info is not None and take.info.digest:
                        found[take.info.digest] = Found(take.path, take.proxy)
        return found


def selected_take(shot: ShotState, take: str | None) -> Take | None:
    """Returns the take that an item of the shot shows: the pinned one, else the selected one."""
    wanted = take or shot.selected
    return shot.takes.get(wanted) if wanted else None


def take_file(shot: ShotState, take: Take) -> MediaFile:
    """Returns a take as a media file."""
    return MediaFile(take.id, take.path, f"{shot.code} v{take.number:03d}", take.info)


class Sources:
    """What the items of one project's sequences show, as files that may be read."""

    def __init__(self, app: Application, roots: Roots, project: str) -> None:
        self._app = app
        self._roots = roots
        self.media = app.project(project).media

    def file_of(self, item: Item) -> MediaFile | None:
        """Returns the pool entry or take behind an item; None for what is no file, or a shot without a take."""
        match item.source:
            case Media(media=id_):
                return self.media.get(id_)
            case Shot(shot=id_, take=take):
                return self.take(id_, take)
            case _:
                return None

    def take(self, shot: str, take: str | None) -> MediaFile | None:
        """Returns a shot's pinned or selected take as a file."""
        try:
            state = self._app.shot(shot)
        except NotFound:
            return None
        found = selected_take(state, take)
        return take_file(state, found) if found else None

    def path_of(self, item: Item) -> Path | None:
        """Returns the real path behind an item, or None when it is missing or may not be read."""
        file = self.file_of(item)
        if file is None:
            return None
        try:
            return self._roots.medium(file.path)
        except GenlockError:
            return None
