"""Watched folders: a cut that comes back, a render, any media dropped there is taken in by itself.

The operating system tells what happens (watchdog); network mounts tell nothing, there `poll` looks itself. What is told is
only a hint where to look: a file is used when `arrivals` finds that it is all there.
"""

from __future__ import annotations

import logging
import os
import secrets
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Event, Lock, Thread
from time import monotonic, time
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from genlock.daemon.arrivals import PATIENCE, QUIET, Arrivals, Seen, is_wanted
from genlock.daemon.author import Author
from genlock.daemon.dropping import REASON, REJECTED, Dropped, Into, is_for_us, reject, take_in
from genlock.daemon.paths import is_plain_file
from genlock.errors import BadInput, GenlockError, NotFound
from genlock.timeline.merge import Policy

if TYPE_CHECKING:
    from watchdog.events import FileSystemEvent
    from watchdog.observers.api import BaseObserver

    from genlock.daemon.services import Services

log = logging.getLogger("genlock.watching")

KEPT: Final = 1000
"""Entries of a watch's log."""
MOST: Final = 32
"""Watches at once."""
EVERY: Final = 0.25
"""Seconds between looks at files that are on their way."""
AGAIN: Final = 1.0
"""Seconds between looks at the folder itself: the system may lose a hint, and tells nothing more of a folder that was gone
for a while (an unplugged disk) and came back."""
_LATER: Final = frozenset({"shutting_down", "store_full", "store_busy", "media_busy", "internal"})
"""Errors that lie with us, not with the file: it stays where it is."""
_PASSING: Final = frozenset({"store_full", "store_busy", "media_busy"})
"""Those of them that pass: the file is tried again."""
_CUT_SHORT: Final = frozenset({"bad_json", "bad_xml", "bad_timeline", "media_unreadable", "unknown_format"})
"""What a file that is still being copied looks like."""


class Entry(Struct, frozen=True):
    """What became of one file: entry `number` of its watch, `at` seconds since 1970."""

    number: int
    at: float
    file: Dropped


class WatchView(Struct, frozen=True):
    """A watched folder, how many files are on their way, and what became of others."""

    watch: str
    folder: str
    project: str
    sequence: str
    policy: Policy
    waiting: int
    entries: tuple[Entry, ...] = ()


class Watch:
    """One folder being watched, on a thread of its own."""

    def __init__(
        self, services: Services, folder: Path, into: Into, author: Author, *, poll: bool, quiet: float, patience: float
    ) -> None:
        self.id = secrets.token_hex(8)
        self.folder = folder
        self.into = into
        self._services = services
        self._author = author
        self._poll = poll
        self._arrivals = Arrivals(quiet, patience)
        self._told: deque[Entry] = deque(maxlen=KEPT)
        self._count = 0
        self._hints: deque[Path] = deque()
        self._known: dict[Path, Seen] = {}
        self._later: dict[Path, float] = {}
        self._patience = patience
        self._stop = Event()
        self._lock = Lock()
        self._observer = self._observe()
        self._thread = Thread(target=self._run, name=f"genlock-watch-{self.id}", daemon=True)
        self._thread.start()

    def view(self, after: int = 0) -> WatchView:
        """Returns the watch, and what became of files since entry `after`."""
        with self._lock:
            entries = tuple(entry for entry in self._told if entry.number > after)
        into = self.into
        return WatchView(
            self.id, str(self.folder), into.project, into.sequence, into.policy, len(self._arrivals), entries
        )

    def close(self) -> None:
        """Stops watching and waits for the file in hand; idempotent."""
        self._stop.set()
        self._observer.stop()
        with suppress(RuntimeError):  # it was never started
            self._observer.join()
        self._thread.join()

    # -- what happens in the folder

    def _observe(self) -> BaseObserver:
        from watchdog.events import FileSystemEventHandler

        if self._poll:
            from watchdog.observers.polling import PollingObserver as Observer
        else:
            from watchdog.observers import Observer  # type: ignore[assignment]

        class Handler(FileSystemEventHandler):
            def __init__(self, hint: Callable[[Path], None]) -> None:
                self._hint = hint

            def on_any_event(self, event: FileSystemEvent) -> None:
                if event.event_type in ("created", "modified", "moved", "closed") and not event.is_directory:
                    self._hint(Path(str(event.dest_path or event.src_path)))

        observer = Observer()
        observer.schedule(Handler(self._hints.append), str(self.folder), recursive=False)
        try:
            observer.start()
        except OSError as error:
            raise BadInput("bad_value", f"{self.folder} cannot be watched: {error.strerror}.") from error
        return observer

    def _run(self) -> None:
        state, due = None, 0.0
        while not self._stop.wait(EVERY):
            if monotonic() >= due:
                before, state, due = state, _state(self.folder), monotonic() + AGAIN
                if state is not None and state != before:
                    self._hints.extend(self._there())
            self._look()

    def _there(self) -> list[Path]:
        try:
            return list(self.folder.iterdir())
        except OSError as error:
            log.warning("%s cannot be looked into: %s", self.folder, error)
            return []

    def _look(self) -> None:
        hinted = {self._hints.popleft() for _ in range(len(self._hints))}
        hinted |= {path for path, due in self._later.items() if due <= monotonic()}
        for path in (*self._arrivals.paths, *sorted(hinted)):
            if self._stop.is_set():
                return
            if path.parent != self.folder or not is_wanted(path) or not is_for_us(path) or path.name.endswith(REASON):
                continue
            seen = _seen(path)
            if seen is not None and self._known.get(path) == seen:
                self._arrivals.done(path)
            elif self._arrivals.look(path, seen, monotonic()) and seen is not None:
                self._take(path, seen)

    def _take(self, path: Path, seen: Seen) -> None:
        dropped = _unnamed(path) or self._used(path, seen)
        if dropped is None:
            return
        self._arrivals.done(path)
        waited = self._later.pop(path, None) is not None
        if dropped.code in _PASSING and dropped.what == "failed":
            self._later[path] = monotonic() + self._patience
            if not waited:
                self._tell(dropped)
            return
        if dropped.what != "rejected":
            self._known[path] = seen
        self._tell(dropped)

    def _used(self, path: Path, seen: Seen) -> Dropped | None:
        """Returns what became of a file, None for one to be looked at again."""
        try:
            return take_in(self._services, self.into, path, self._author)
        except GenlockError as error:
            unfinished = error.code in _CUT_SHORT and self._arrivals.may_be_unfinished(path, monotonic())
            return None if unfinished or _seen(path) != seen else self._failed(path, error)
        except Exception as error:
            # the boundary of a background thread: one odd file must not end the watching of all others
            log.exception("%s failed", path)
            return Dropped(str(path), "failed", f"Genlock made a mistake: {error}", "internal")

    def _failed(self, path: Path, error: GenlockError) -> Dropped:
        if error.code in _LATER:
            return Dropped(str(path), "failed", error.message, error.code)
        return reject(self.folder, path, error)

    def _tell(self, dropped: Dropped) -> None:
        with self._lock:
            self._count += 1
            self._told.append(Entry(self._count, time(), dropped))


class Watches:
    """All watches of a daemon. They live as long as it does."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._watches: dict[str, Watch] = {}
        self._lock = Lock()
        self._closed = False

    def add(
        self, folder: Path, into: Into, author: Author, *, poll: bool = False, quiet: float = QUIET,
        patience: float = PATIENCE,
    ) -> Watch:  # fmt: skip
        """Starts to watch a folder; what lies there already is taken in too. Raises BadInput(bad_value) for a folder that
        is watched already, cannot be, or is the place for rejected files; shutting_down when they were all ended."""
        if folder.name == REJECTED:
            raise BadInput("bad_value", f"{folder} is where files that cannot be used go.")
        with self._lock:
            if self._closed:
                raise GenlockError("shutting_down")
            if any(watch.folder == folder for watch in self._watches.values()):
                raise BadInput("bad_value", f"{folder} is being watched already.")
            if len(self._watches) >= MOST:
                raise BadInput("bad_value", f"There are {MOST} watched folders already.")
            made = Watch(self._services, folder, into, author, poll=poll, quiet=quiet, patience=patience)
            self._watches[made.id] = made
        return made

    def all(self) -> list[Watch]:
        with self._lock:
            return list(self._watches.values())

    def get(self, id_: str) -> Watch:
        """Returns a watch. Raises NotFound."""
        with self._lock:
            found = self._watches.get(id_)
        if found is None:
            raise NotFound("not_found", f"There is no watched folder {id_!r}.")
        return found

    def remove(self, id_: str) -> Watch:
        """Ends a watch and returns it. Raises NotFound."""
        watch = self.get(id_)
        with self._lock:
            self._watches.pop(id_, None)
        watch.close()
        return watch

    def close(self) -> None:
        """Ends all of them, for good."""
        with self._lock:
            self._closed = True
            ended = list(self._watches.values())
            self._watches.clear()
        for watch in ended:
            watch.close()


def _unnamed(path: Path) -> Dropped | None:
    """Returns what to say of a file whose name is no text: neither the log nor an answer can hold it."""
    shown = os.fsencode(path).decode(errors="replace")
    if shown == str(path):
        return None
    return Dropped(shown, "failed", "Its name is not UTF-8 text: rename it.", "bad_name")


def _state(folder: Path) -> tuple[int, int, int] | None:
    """Returns what changes when something comes into a folder or it is another one, None when it is not there."""
    try:
        found = folder.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_mtime_ns


def _seen(path: Path) -> Seen | None:
    """Returns what the disk says of a plain file, None when there is none."""
    if not is_plain_file(path):
        return None
    try:
        found = path.stat()
    except OSError:
        return None
    return Seen(found.st_size, found.st_mtime_ns)
