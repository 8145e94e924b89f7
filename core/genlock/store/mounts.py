"""Refuses network mounts: SQLite's write-ahead log needs one host's shared memory and a disk that means its fsync."""

from __future__ import annotations

import ctypes
import os
import subprocess
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Final

from genlock.errors import StoreError

NETWORK: Final = frozenset(
    {"9p", "afpfs", "afs", "beegfs", "ceph", "cifs", "coda", "davfs", "gfs", "gfs2", "glusterfs", "gpfs", "lustre"}
    | {"moosefs", "ncpfs", "nfs", "nfs4", "ocfs2", "orangefs", "panfs", "shfs", "smb", "smb2", "smb3", "smbfs", "sshfs"}
    | {"vboxsf", "webdav"}
)
"""File systems whose files are on another host."""

NETWORK_FUSE: Final = frozenset(
    {"afpfs", "blobfuse", "blobfuse2", "ceph", "curlftpfs", "davfs", "davfs2", "gcsfuse", "glusterfs", "goofys"}
    | {"juicefs", "mfs", "moosefs", "rclone", "s3fs", "smbnetfs", "sshfs", "vmhgfs-fuse"}
)
"""Sub-types of `fuse.` that are."""


def refuse_network(path: Path, mounts: str | None = None) -> None:
    """Raises StoreError(store_on_network) when the path lies on a network mount.

    `mounts` is a table as in /proc/mounts; without one the system is asked. What cannot be found out is let through.
    """
    kind = filesystem(path, mounts)
    if is_network(kind):
        raise StoreError("store_on_network", f"{path} lies on a {kind} mount.", filesystem=kind)


def is_network(kind: str) -> bool:
    """Returns whether a file system of this type keeps its files on another host."""
    kind = kind.lower()
    return kind in NETWORK or (kind.startswith("fuse.") and kind[5:] in NETWORK_FUSE)


def filesystem(path: Path, mounts: str | None = None) -> str:
    """Returns the type of file system a path (which need not exist) lies on; "" when unknown."""
    if mounts is None and os.name == "nt":
        return _windows(path)
    table = _system_mounts() if mounts is None else mounts
    real = PurePosixPath(path.resolve().as_posix())
    best, kind = -1, ""
    for line in table.splitlines():
        point, type_ = _entry(line)
        if point is not None and real.is_relative_to(point) and len(point.parts) >= best:
            best, kind = len(point.parts), type_
    return kind


def _entry(line: str) -> tuple[PurePosixPath | None, str]:
    """Reads `device point type options 0 0` (Linux) or `device on point (type, options)` (macOS, BSD)."""
    if " (" in line and line.endswith(")") and " on " in line:
        where, _, options = line.rpartition(" (")
        return PurePosixPath(where.partition(" on ")[2]), options[:-1].split(",")[0].strip()
    fields = line.split()
    if len(fields) < 3:
        return None, ""
    return PurePosixPath(_unescape(fields[1])), fields[2]


def _unescape(text: str) -> str:
    """Undoes the octal escapes of /proc/mounts: a space is written as backslash 040."""
    for code in ("040", "011", "012", "134"):
        text = text.replace("\\" + code, chr(int(code, 8)))
    return text


def _system_mounts() -> str:
    with suppress(OSError):
        return Path("/proc/self/mounts").read_text(errors="surrogateescape")
    with suppress(OSError, subprocess.SubprocessError):
        return subprocess.run(["/sbin/mount"], capture_output=True, text=True, timeout=5, check=False).stdout
    return ""


def _windows(path: Path) -> str:
    anchor, remote = path.absolute().anchor, 4
    if anchor.startswith("\\\\"):
        return "smb"
    libraries = getattr(ctypes, "windll")  # noqa: B009 - the attribute exists on Windows only
    return "smb" if libraries.kernel32.GetDriveTypeW(anchor) == remote else ""
