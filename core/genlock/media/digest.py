"""The digest that names a file by its content. Standard library only: the daemon computes it in a thread, hashing releases
the interpreter lock."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b
from pathlib import Path
from typing import Final

from genlock.errors import MediaError

SIZE: Final = 16
_BLOCK: Final = 1 << 20


def file_digest(path: Path) -> str:
    """Returns the blake2b-128 of the whole file in hex. Raises MediaError(media_missing, media_unreadable)."""
    made = blake2b(digest_size=SIZE)
    buffer = memoryview(bytearray(_BLOCK))
    with _readable(path).open("rb", buffering=0) as file:
        while read := file.readinto(buffer):
            made.update(buffer[:read])
    return made.hexdigest()


def files_digest(paths: Iterable[Path]) -> str:
    """Returns one digest for many files in order: the blake2b-128 of their digests."""
    made = blake2b(digest_size=SIZE)
    for path in paths:
        made.update(bytes.fromhex(file_digest(path)))
    return made.hexdigest()


def _readable(path: Path) -> Path:
    """Refuses what is no regular file: reading a pipe or a device would never end."""
    try:
        if not path.exists():
            raise MediaError("media_missing", f"{path} is not there.", path=str(path))
        if not path.is_file():
            raise MediaError("media_unreadable", f"{path} is not a file.", path=str(path))
        path.open("rb").close()
    except OSError as error:
        raise MediaError("media_unreadable", f"{path} cannot be read: {error.strerror}.", path=str(path)) from error
    return path
