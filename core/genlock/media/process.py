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

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._replies: queue.SimpleQueue[Reply | None] = queue.SimpleQueue()

    @property
    def pid(self) -> int | None:
        """The child's process id, None while there is none."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def call(self, request: Request, patience: float) -> Reply:
        """Returns the answer within `patience` seconds.

        Raises MediaError(media_busy) when it takes longer, MediaError(media_unreadable) when the process dies of the
        request, and what the child reports. The next call finds a new process.
        """
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
            code = self._died()
            raise MediaError("media_unreadable", f"The media process died of this file (exit code {code}).")
        if isinstance(reply, Failure):
            raise _raised(reply)
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
            [sys.executable, "-m", "genlock.media.child"],
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

    def _died(self) -> int | None:
        process, self._process = self._process, None
        if process is None:
            return None
        try:
            code = process.wait(_GONE)
        except subprocess.TimeoutExpired:
            process.kill()
            code = process.wait()
        with contextlib.suppress(OSError):
            if process.stdin is not None:
                process.stdin.close()
        return code


def _listen(stream: IO[bytes], replies: queue.SimpleQueue[Reply | None]) -> None:
    """Hands over replies until the child is gone, and then None."""
    with stream:
        try:
            while (reply := messages.receive_reply(stream)) is not None:
                replies.put(reply)
        finally:
            replies.put(None)


def _raised(failure: Failure) -> GenlockError:
    kind = getattr(errors, failure.kind, MediaError)
    error: GenlockError = kind(failure.code, failure.message, **failure.details)
    return error
