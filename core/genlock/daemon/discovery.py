"""The discovery file: how hosts on this machine find the running daemon of a store, and its token.

`<runtime>/daemon-<8 hex of the store>.json`, mode 0600 in a folder of mode 0700, and `current.json`, a copy of the newest.
"""

from __future__ import annotations

import os
import secrets
import warnings
from pathlib import Path

import msgspec
from msgspec import Struct

from genlock.errors import StoreError
from genlock_client.discovery import is_alive, store_key


class Discovery(Struct, frozen=True):
    """What the file holds. `store` is the resolved path or the URL without its password, `started` an ISO time in UTC."""

    pid: int
    port: int
    token: str
    store: str
    log_id: str
    protocol: int
    started: str

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


def runtime_folder() -> Path:
    """Returns the folder of discovery files (GENLOCK_RUNTIME_DIR overrides it)."""
    if own := os.environ.get("GENLOCK_RUNTIME_DIR"):
        return Path(own)
    from platformdirs import user_runtime_path

    with warnings.catch_warnings():
        # without XDG_RUNTIME_DIR it warns about its folder under /tmp; `write` checks whose that is
        warnings.simplefilter("ignore")
        return user_runtime_path("genlock")


def home_folder() -> Path:
    """Returns the folder of the default store (GENLOCK_HOME overrides it)."""
    if own := os.environ.get("GENLOCK_HOME"):
        return Path(own)
    from platformdirs import user_data_path

    return user_data_path("genlock")


def canonical(store: str | Path) -> str:
    """Returns what opens the store from any folder: the URL as given, its password too, or the resolved path of a file."""
    text = str(store)
    return text if "://" in text else str(Path(text).expanduser().resolve())


def file_for(store: str | Path) -> Path:
    """Returns where the discovery file of a store lies."""
    return runtime_folder() / f"daemon-{store_key(store)}.json"


def write(found: Discovery) -> Path:
    """Writes the file and `current.json` atomically, overwriting what a dead daemon left; returns its path.

    Raises StoreError(store_unwritable) when the folder belongs to somebody else or cannot be written.
    """
    path = file_for(found.store)
    try:
        _private(path.parent)
        for target in (path, path.with_name("current.json")):
            _replace(target, msgspec.json.encode(found))
    except OSError as error:
        raise StoreError("store_unwritable", f"{path.parent} cannot hold the discovery file: {error}.") from error
    return path


def read(path: Path) -> Discovery | None:
    """Returns what a discovery file says, or None when it is absent, unreadable or its process is dead."""
    try:
        found = msgspec.json.decode(path.read_bytes(), type=Discovery)
    except (OSError, msgspec.DecodeError):
        return None
    return found if is_alive(found.pid) else None


def remove(found: Discovery) -> None:
    """Removes the files this daemon wrote; a newer daemon's stay."""
    path = file_for(found.store)
    for target in (path, path.with_name("current.json")):
        try:
            if msgspec.json.decode(target.read_bytes(), type=Discovery).token == found.token:
                target.unlink()
        except (OSError, msgspec.DecodeError):
            continue


def _private(folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if hasattr(os, "getuid"):
        status = folder.lstat()
        if status.st_uid != os.getuid() or folder.is_symlink():
            raise PermissionError(f"{folder} belongs to somebody else")
        folder.chmod(0o700)


def _replace(path: Path, data: bytes) -> None:
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0), 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
