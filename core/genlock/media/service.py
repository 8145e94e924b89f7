"""What the daemon calls to look into media. Nothing here imports a media library: the work is done in child processes."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from genlock.errors import MediaError
from genlock.media import messages, numbered
from genlock.media.digest import file_digest, files_digest
from genlock.media.messages import Data, Information, Measured, Reply, Request
from genlock.media.process import MediaProcess
from genlock.project.media import MediaInfo
from genlock.timeline.model import Resolution

PATIENCE: Final = 30.0
PROXY_PATIENCE: Final = 4 * 3600.0
LANES: Final = 2


class MediaService:
    """Probes, thumbnails, filmstrips, peaks, proxies. All methods block, and may be called from any number of threads.

    `lanes` processes serve quick requests, one more makes proxies; each is started when first needed. `patience` is how
    many seconds a quick request may take; one that takes longer raises MediaError(media_busy), one that kills its process
    MediaError(media_unreadable), and the next request finds a new process. Missing files: MediaError(media_missing).
    """

    def __init__(self, *, lanes: int = LANES, patience: float = PATIENCE) -> None:
        self._patience = patience
        self._idle: queue.LifoQueue[MediaProcess] = queue.LifoQueue()
        self._all = [MediaProcess() for _ in range(lanes)]
        for process in self._all:
            self._idle.put(process)
        self._slow = MediaProcess()
        self._slow_turn = threading.Lock()
        self._closed = False

    def probe(self, path: Path, *, digest: bool = True) -> MediaInfo:
        """Returns what the file (or numbered image sequence) is. `digest` False spares reading the whole file."""
        run = numbered.find(path) if not path.is_file() else None
        reply = self._ask(messages.Probe(str(path)))
        assert isinstance(reply, Information)
        if not digest:
            return reply.info
        return replace(reply.info, digest=file_digest(path) if run is None else files_digest(run.paths))

    def thumbnail(self, path: Path, frame: int = 0, *, width: int = 320) -> bytes:
        """Returns exactly that frame (0 is the first) as a JPEG at most `width` pixels wide."""
        return self._data(messages.Thumbnail(str(path), frame, width))[0]

    def filmstrip(
        self, path: Path, *, count: int = 10, height: int = 90, start: int = 0, end: int | None = None
    ) -> bytes:
        """Returns `count` tiles of `height` pixels side by side as one JPEG, over frames `start` to `end` (exclusive)."""
        return self._data(messages.Filmstrip(str(path), count, height, start, end))[0]

    def peaks(self, path: Path, *, per_second: int = 50) -> bytes:
        """Returns little-endian float32 (min, max) pairs of the mono mix, `per_second` a second; b"" without sound."""
        return self._data(messages.Peaks(str(path), per_second))[0]

    def frames(self, path: Path, indices: Sequence[int]) -> list[bytes]:
        """Returns those frames in full size as PNG."""
        return list(self._data(messages.Frames(str(path), tuple(indices))))

    def make_proxy(self, source: Path, target: Path) -> None:
        """Writes an H.264/AAC proxy; takes as long as it takes. MediaError(unwritable_folder) when it cannot."""
        with self._slow_turn:
            self._open()
            self._slow.call(messages.MakeProxy(str(source), str(target)), PROXY_PATIENCE)

    def slate(self, target: Path, title: str, note: str, size: Resolution) -> None:
        """Writes the slate for missing media as a PNG."""
        self._data(messages.Slate(str(target), title, note, size))

    def measure(self, path: Path) -> Measured:
        """Returns what a render must know of a file: where its streams start, its colour matrix, whether it can seek."""
        reply = self._ask(messages.Measure(str(path)))
        assert isinstance(reply, Measured)
        return reply

    @property
    def pids(self) -> list[int]:
        """The process ids of the living children."""
        return [process.pid for process in (*self._all, self._slow) if process.pid is not None]

    def close(self) -> None:
        """Ends the children; running requests fail."""
        self._closed = True
        for process in (*self._all, self._slow):
            process.close()

    def __enter__(self) -> MediaService:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _data(self, request: Request) -> tuple[bytes, ...]:
        reply = self._ask(request)
        assert isinstance(reply, Data)
        return reply.parts

    def _ask(self, request: Request) -> Reply:
        with self._borrowed() as process:
            return process.call(request, self._patience)

    @contextlib.contextmanager
    def _borrowed(self) -> Iterator[MediaProcess]:
        self._open()
        try:
            process = self._idle.get(timeout=self._patience)
        except queue.Empty:
            raise MediaError("media_busy", "All media processes are at work.") from None
        try:
            yield process
        finally:
            self._idle.put(process)

    def _open(self) -> None:
        if self._closed:
            raise MediaError("media_busy", "The media service is closed.", hint="The daemon is shutting down.")
