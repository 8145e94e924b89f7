"""Finds running daemons by the files they leave in the runtime folder: `daemon-<hash of the store>.json`, mode 0600.

A file counts when it belongs to this user and its process is alive; what a killed daemon left behind does not.
"""

from __future__ import annotations

import errno
import getpass
import json
import os
import re
import sys
import tempfile
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple

from genlock_client.errors import Offline

_PASSWORD = re.compile(r"(://[^:@/?]*):(?:[^/@]*|[^?]*)@")
_QUERY_PASSWORD = re.compile(r"(?<=[?&])(?:ssl)?password=[^&]*&?", re.IGNORECASE)


class Endpoint(NamedTuple):
    """Where a daemon listens and what it serves. `started` is its start in Unix seconds, or text as it wrote it."""

    port: int
    token: str
    host: str = "127.0.0.1"
    pid: int = 0
    store: str = ""
    log_id: str = ""
    protocol: int = 1
    started: Any = 0

    @property
    def url(self) -> str:
        """The base URL of REST."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    @property
    def websocket(self) -> str:
        """The URL of the wire."""
        return f"ws{self.url[4:]}/ws"


def runtime_folders() -> list[Path]:
    """Returns the folders a daemon of this user may have written to, likeliest first.

    GENLOCK_RUNTIME_DIR alone when it is set; else those that platformdirs may choose on this system.
    """
    override = os.environ.get("GENLOCK_RUNTIME_DIR")
    if override:
        return [Path(override)]
    if sys.platform == "win32":
        local = os.environ.get("LOCALAPPDATA") or os.path.join(os.path.expanduser("~"), "AppData", "Local")
        return [Path(local, "Temp", "genlock", "genlock"), Path(local, "Temp", "genlock")]
    folders = []
    xdg = os.environ.get("XDG_RUNTIME_DIR")
    if xdg:
        folders.append(Path(xdg, "genlock"))
    if sys.platform == "darwin":
        folders.append(Path.home() / "Library" / "Caches" / "TemporaryItems" / "genlock")
    user = os.getuid()
    folders += [Path(base, str(user), "genlock") for base in ("/run/user", "/var/run/user", "/tmp/run/user")]
    folders.append(Path(tempfile.gettempdir(), f"runtime-{user}", "genlock"))
    return folders


def public(store: str | Path) -> str:
    """Returns a store's name as it may be shown: a path, resolved, or a database URL without its password."""
    text = str(store)
    if "://" not in text:
        return str(Path(text).expanduser().resolve())
    return _QUERY_PASSWORD.sub("", _PASSWORD.sub(r"\1@", text))


def store_key(store: str | Path) -> str:
    """Returns the eight hex digits by which a daemon's file names its store."""
    return blake2b(public(store).encode(), digest_size=4).hexdigest()


def running() -> list[Endpoint]:
    """Returns the daemons that run now, newest first."""
    found = {}
    for folder in runtime_folders():
        for path in sorted(folder.glob("daemon-*.json")) if folder.is_dir() else ():
            endpoint = _read(path)
            if endpoint is not None:
                found[(endpoint.pid, endpoint.port)] = (path.stat().st_mtime, endpoint)
    return [endpoint for _, endpoint in sorted(found.values(), key=lambda pair: pair[0], reverse=True)]


def find(store: str | Path | None = None) -> Endpoint | None:
    """Returns the daemon of a store, or the newest one when `store` is None; None when there is none."""
    if store is None:
        daemons = running()
        return daemons[0] if daemons else None
    name = f"daemon-{store_key(store)}.json"
    for folder in runtime_folders():
        endpoint = _read(folder / name)
        if endpoint is not None:
            return endpoint
    return None


def require(store: str | Path | None = None) -> Endpoint:
    """Returns the daemon of a store as `find` does; raises Offline(daemon_absent) when there is none."""
    endpoint = find(store)
    if endpoint is None:
        raise Offline("daemon_absent", f"No daemon runs for {public(store)}." if store else "No daemon is running.")
    return endpoint


def actor() -> str:
    """Returns the name edits are signed with: GENLOCK_ACTOR, or the login name."""
    name = os.environ.get("GENLOCK_ACTOR")
    if name:
        return name
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):  # no account for this uid, as in some containers
        return "unknown"


def is_alive(pid: int) -> bool:
    """Whether a process with this id exists."""
    if pid <= 0:
        return False
    if sys.platform == "win32":
        return _alive_on_windows(pid)
    try:
        os.kill(pid, 0)
    except OSError as error:
        return error.errno == errno.EPERM
    except OverflowError:  # no system has a process of such a number
        return False
    return True


def _read(path: Path) -> Endpoint | None:
    try:
        if sys.platform != "win32" and path.stat().st_uid != os.getuid():
            return None  # somebody else's file in a shared folder could send our token anywhere
        fields = json.loads(path.read_text(encoding="utf-8"))
        endpoint = Endpoint(**{name: fields[name] for name in Endpoint._fields if name in fields})
        return endpoint if endpoint.port and is_alive(int(endpoint.pid)) else None
    except (OSError, ValueError, TypeError):
        return None


def _alive_on_windows(pid: int) -> bool:
    """Asks for the process's exit code: os.kill(pid, 0) would end it there."""
    import ctypes

    kernel = ctypes.windll.kernel32  # type: ignore[attr-defined,unused-ignore]
    handle = kernel.OpenProcess(0x1000, False, pid)  # PROCESS_QUERY_LIMITED_INFORMATION
    if not handle:
        return False
    code = ctypes.c_ulong()
    answered = kernel.GetExitCodeProcess(handle, ctypes.byref(code))
    kernel.CloseHandle(handle)
    return bool(answered) and code.value == 259  # STILL_ACTIVE
