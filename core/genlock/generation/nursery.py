"""Where worker processes come from.

`ForkNursery` keeps one warm parent that has imported the heavy libraries and forks a worker in milliseconds.
`SpawnNursery` starts a fresh interpreter each time, where there is no safe fork (macOS, Windows). Unlike
multiprocessing's fork server both start from a scrubbed environment and never import the program's main module.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from importlib import import_module
from threading import Lock
from typing import BinaryIO, Final, Protocol, cast

from genlock.errors import GenerationError
from genlock.generation.channel import Channel

PRELOAD: Final = (
    "numpy",
    "cv2",
    "av",
    "genlock.generation.worker",
    "genlock.generation.film",
    "genlock.generation.engines.animatic.filming",
)
"""What every worker needs; a library missing here only makes the first job slower."""

_SECRET_NAME = re.compile(r"TOKEN|SECRET|PASS(WORD|WD|PHRASE)|CREDENTIAL|API_?KEY|PRIVATE_?KEY|ACCESS_?KEY|AUTH", re.I)
_SECRET_VALUE = re.compile(r"://[^/\s]*:[^/\s]*@")


def scrubbed(environment: Mapping[str, str]) -> dict[str, str]:
    """Returns the environment without tokens, passwords and addresses that hold one."""
    return {
        name: value
        for name, value in environment.items()
        if not _SECRET_NAME.search(name) and not _SECRET_VALUE.search(value)
    }


class Child:
    """One worker process and the channel to it."""

    def __init__(self, pid: int, channel: Channel, process: subprocess.Popen[bytes] | None = None) -> None:
        self.pid, self.channel = pid, channel
        self._process = process
        self._handle = _pidfd(pid) if process is None else None
        self._lock = Lock()
        self._gone = False

    def kill(self) -> None:
        """Kills it at once; the channel then ends."""
        with self._lock, contextlib.suppress(OSError):
            if self._gone:
                return
            if self._process is not None:
                self._process.kill()
            elif self._handle is not None:  # a pid may be somebody else's by now, a handle never is
                signal.pidfd_send_signal(self._handle, signal.SIGKILL)
            else:
                os.kill(self.pid, signal.SIGKILL)

    def bury(self) -> None:
        """Kills it if need be and frees what this process holds of it."""
        self.kill()
        with self._lock:
            if self._gone:
                return
            self._gone = True
            self.channel.close()
            if self._process is not None:
                self._process.wait()
            elif self._handle is not None:
                os.close(self._handle)


class Nursery(Protocol):
    """Makes workers."""

    def warm(self) -> None:
        """Makes the next birth fast; returns at once."""

    def birth(self) -> Child:
        """Returns a new worker; raises GenerationError(worker_lost) when none can be started."""

    def close(self) -> None:
        """Ends what it keeps warm; workers alive end by their channel."""


class SpawnNursery:
    """A fresh interpreter for each worker."""

    def warm(self) -> None:
        """Does nothing: there is nothing to keep."""

    def birth(self) -> Child:
        """Starts an interpreter; it imports while it already takes orders."""
        try:
            process = _python("genlock.generation.worker", stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        except OSError as error:
            raise GenerationError("worker_lost", f"No worker process can be started: {error.strerror}.") from error
        pipes = cast("BinaryIO", process.stdout), cast("BinaryIO", process.stdin)
        return Child(process.pid, Channel(*pipes), process)

    def close(self) -> None:
        """Does nothing."""


class ForkNursery:
    """Forks workers from a warm parent, which is started by the first call and again should it die."""

    def __init__(self) -> None:
        self._parent: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._lock = Lock()

    def warm(self) -> None:
        """Starts the parent; it imports on its own time."""
        with self._lock:
            self._ready()

    def birth(self) -> Child:
        """Asks the parent for a fork and hands it one end of the channel."""
        with self._lock, contextlib.suppress(OSError):  # no descriptor or no process to be had: that costs one job
            for _ in range(2):  # the parent may have died unnoticed: a second one gets a chance
                ours, theirs = socket.socketpair()
                with ours, theirs:
                    if pid := self._fork(theirs):
                        return Child(pid, _over(ours))
                self._end()
        raise GenerationError("worker_lost", "No worker process can be started.")

    def close(self) -> None:
        """Ends the parent."""
        with self._lock:
            self._end()

    def _fork(self, theirs: socket.socket) -> int:
        control = self._ready()
        try:
            socket.send_fds(control, [b"+"], [theirs.fileno()])
            answer = control.recv(4)
        except OSError:
            return 0
        return int.from_bytes(answer, "big") if len(answer) == 4 else 0

    def _ready(self) -> socket.socket:
        if self._control is None:
            self._control, theirs = socket.socketpair()
            with theirs:
                self._parent = _python("genlock.generation.nursery", str(theirs.fileno()), keep=(theirs.fileno(),))
        return self._control

    def _end(self) -> None:
        if self._control is not None:
            self._control.close()
            self._control = None
        if self._parent is not None:
            self._parent.kill()  # it holds nothing: workers live on until their own channel ends
            self._parent.wait()
            self._parent = None


def nursery() -> Nursery:
    """Returns the best nursery of this system."""
    return ForkNursery() if sys.platform == "linux" else SpawnNursery()


def _python(
    module: str,
    *arguments: str,
    keep: tuple[int, ...] = (),
    stdin: int = subprocess.DEVNULL,
    stdout: int = subprocess.DEVNULL,
) -> subprocess.Popen[bytes]:
    # -P: never import from the folder the daemon happens to stand in
    command = [sys.executable, "-P", "-m", module, *arguments]
    return subprocess.Popen(command, env=scrubbed(os.environ), pass_fds=keep, stdin=stdin, stdout=stdout)


def _over(end: socket.socket) -> Channel:
    """Returns a channel over a socket, which it takes over."""
    fd = end.detach()
    return Channel(os.fdopen(fd, "rb"), os.fdopen(os.dup(fd), "wb"))


def _pidfd(pid: int) -> int | None:
    try:
        return os.pidfd_open(pid)
    except (AttributeError, OSError):
        return None


def _parent(control: socket.socket) -> None:
    """The warm parent: imports, then forks whenever a descriptor arrives, until the daemon is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the daemon's to handle
    for name in PRELOAD:
        with contextlib.suppress(ImportError):
            import_module(name)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the system buries the children
    while True:
        _, fds, _, _ = socket.recv_fds(control, 1, 1)
        if not fds:
            return
        pid = os.fork()
        if not pid:
            control.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            worker = import_module("genlock.generation.worker")
            worker.serve(_over(socket.socket(fileno=fds[0])))
            os._exit(0)
        os.close(fds[0])
        control.sendall(pid.to_bytes(4, "big"))


if __name__ == "__main__":
    _parent(socket.socket(fileno=int(sys.argv[1])))
