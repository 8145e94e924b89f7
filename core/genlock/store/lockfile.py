"""One process a store: a lock beside the file that the system lets go of when its process dies, however it dies."""

from __future__ import annotations

import errno
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

from genlock.errors import StoreError

FAR: Final = 1 << 30
"""The byte that Windows locks: far behind the text, which others may read then."""

BUSY: Final = (errno.EACCES, errno.EAGAIN, errno.EDEADLK)


class LockFile:
    """Holds the lock on `<store>.lock`, which names the holder's pid.

    A file left behind by a dead process is no obstacle: the lock died with it. Raises StoreError store_busy (with the
    pid) or store_unwritable.
    """

    def __init__(self, store: Path) -> None:
        self.path = store.with_name(store.name + ".lock")
        try:
            self._fd = os.open(self.path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
        except OSError as error:
            code = "store_full" if error.errno in (errno.ENOSPC, errno.EDQUOT) else "store_unwritable"
            raise StoreError(code, f"{self.path} cannot be made: {error.strerror}.") from error
        try:
            _lock(self._fd)
        except OSError as error:
            os.close(self._fd)
            if error.errno not in BUSY:
                raise StoreError("store_unwritable", f"{self.path} cannot be locked: {error.strerror}.") from error
            pid = holder(self.path)
            who = f"Process {pid}" if pid else "Another process"
            raise StoreError("store_busy", f"{who} has {store} open.", pid=pid) from error
        with suppress(OSError):  # a full disk must not keep anyone from reading; only the pid would be missing
            os.ftruncate(self._fd, 0)
            os.write(self._fd, msgspec.json.encode({"pid": os.getpid()}))

    def release(self) -> None:
        """Lets go; idempotent. The file stays, for removing it could take a lock from somebody who just got it."""
        if self._fd >= 0:
            with suppress(OSError):
                os.ftruncate(self._fd, 0)
            os.close(self._fd)
            self._fd = -1


def holder(path: Path) -> int | None:
    """Returns the pid that a lock file names, None when it names none."""
    try:
        pid = msgspec.json.decode(path.read_bytes()[:4096], type=dict[str, int]).get("pid")
    except (OSError, msgspec.MsgspecError):
        return None
    return pid


if sys.platform == "win32":
    import msvcrt

    def _lock(fd: int) -> None:
        os.lseek(fd, FAR, os.SEEK_SET)
        msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)
        os.lseek(fd, 0, os.SEEK_SET)

else:
    import fcntl

    def _lock(fd: int) -> None:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
