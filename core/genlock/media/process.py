"""One media process and its life: started when needed, killed when it hangs, started again when it died.

Imports no media library: the daemon does.
"""

from __future__ import annotations

import contextlib
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Mapping
from typing import IO, Final

import msgspec

from genlock import errors
from genlock.errors import GenlockError, MediaError
from genlock.media import messages
from genlock.media.messages import Failure, Reply, Request

_SECRET: Final = ("TOKEN", "SECRET", "PASSWORD", "PASSWD", "API_KEY", "CREDENTIAL")
_GONE: Final = 2.0
"""Seconds a process has to leave by itself once its input is closed."""


def clean_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Returns the environment without anything secret: who decodes foreign files must not know the daemon's token."""
    return {name: value for name, value in environment.items() if not any(word in name.upper() for word in _SECRET)}


class MediaProcess:
    """A child that decodes. `call` may be used from one thread at a time."""

    def __init__(self, command: tuple[str, ...] = ()) -> None:
        self._command = command or (sys.executable, "-m", "genlock.media.child")
        self._served = False
        self._process: subprocess.Popen[bytes] | None = None
        self._replies: queue.SimpleQueue[Reply | None] = queue.SimpleQueue()

    @property
    def pid(self) -> int | None:
        """The child's process id, None while there is none."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def call(self, request: Request, patience: float) -> Reply:
        """Returns the answer within `patience` seconds.

        A process that served before and dies now may have died of something else: the request is given to a new one.
        Raises MediaError(media_busy) when it takes longer, MediaError(media_unreadable) when a new process dies of the
        request, and what the child reports. The next call finds a new process.
        """
        if self._served:
            reply = self._attempt(request, patience)
            if reply is not None:
                return _checked(reply)
        reply = self._attempt(request, patience)
        if reply is None:
            raise MediaError("media_unreadable", "The media process died of this file.")
        return _checked(reply)

    def _attempt(self, request: Request, patience: float) -> Reply | None:
        """Returns the answer, None when the process died."""
        process = self._started()
        assert process.stdin is not None
        try:
            messages.send(process.stdin, request)
            reply = self._replies.get(timeout=patience)
        except queue.Empty:
            self.kill()
            raise MediaError("media_busy", f"The media process gave no answer within {patience:g} s.") from None
        except OSError:
            reply = None
        if reply is None:
            self._died()
        self._served = reply is not None
        return reply

    def kill(self) -> None:
        """Ends the child at once."""
        if self._process is not None:
            self._process.kill()
            self._died()

    def close(self) -> None:
        """Lets the child leave, and ends it if it does not."""
        process = self._process
        if process is None:
            return
        assert process.stdin is not None
        with contextlib.suppress(OSError):
            process.stdin.close()
        try:
            process.wait(_GONE)
        except subprocess.TimeoutExpired:
            process.kill()
        self._died()

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is not None and self._process.poll() is None:
            return self._process
        if self._process is not None:
            self._died()
        self._process = process = subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=clean_environment(os.environ),
        )
        assert process.stdout is not None
        self._replies = queue.SimpleQueue()
        threading.Thread(
            target=_listen, args=(process.stdout, self._replies), name="genlock-media", daemon=True
        ).start()
        return process

    def _died(self) -> None:
        process, self._process = self._process, None
        self._served = False
        if process is None:
            return
        try:
            process.wait(_GONE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        with contextlib.suppress(OSError):
            if process.stdin is not None:
                process.stdin.close()


def _listen(stream: IO[bytes], replies: queue.SimpleQueue[Reply | None]) -> None:
    """Hands over replies until the child is gone, and then None."""
    with stream, contextlib.suppress(msgspec.MsgspecError, OSError):  # nonsense from a child is as good as its death
        while (reply := messages.receive_reply(stream)) is not None:
            replies.put(reply)
    replies.put(None)


def _checked(reply: Reply) -> Reply:
    """Returns the reply; raises what it reports."""
    if not isinstance(reply, Failure):
        return reply
    kind: type[GenlockError] = getattr(errors, reply.kind, MediaError)
    raise kind(reply.code, reply.message, **reply.details)
