"""Files that clients send: each in a folder of its own beside the store."""

from __future__ import annotations

from collections.abc import AsyncIterable
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool

from genlock.errors import StoreError

if TYPE_CHECKING:
    from genlock.daemon.services import Services


def folder(services: Services) -> Path:
    """Returns the folder that holds the folders."""
    return services.folder / "uploads"


async def keep(path: Path, chunks: AsyncIterable[bytes]) -> int:
    """Writes a file into a folder made for it, and returns its size in bytes; one that breaks off leaves nothing behind.

    Raises StoreError(store_unwritable).
    """
    size, whole = 0, False
    try:
        path.parent.mkdir(parents=True, mode=0o700)
        with path.open("xb") as file:
            async for chunk in chunks:
                await run_in_threadpool(file.write, chunk)
                size += len(chunk)
        whole = True
    except OSError as error:
        raise StoreError("store_unwritable", f"{path.parent} cannot be written: {error}.") from error
    finally:
        if not whole:
            discard(path)
    return size


def discard(path: Path) -> None:
    """Removes a file with its folder."""
    path.unlink(missing_ok=True)
    if path.parent.is_dir():
        path.parent.rmdir()
