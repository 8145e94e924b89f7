"""Where worker processes come from.

`ForkNursery` keeps warm parents that have imported the heavy libraries and forks a worker in milliseconds.
`SpawnNursery` keeps one fresh interpreter ready, where there is no safe fork (macOS, Windows). `InterpreterNursery`
starts another environment's. Unlike multiprocessing's fork server all start from a scrubbed environment and never import
the program's main module.
"""

from __future__ import annotations

import contextlib
import gc
import os
import re
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterable, Mapping
from importlib import import_module
from pathlib import Path
from threading import Lock
from typing import BinaryIO, Final, Protocol, cast

from genlock.errors import GenerationError
from genlock.generation.channel import Channel
from genlock.generation.memory.machine import here

PRELOAD: Final = (
    "numpy",
    "cv2",
    "av",
    "genlock.generation.worker",
    "genlock.generation.film",
    "genlock.generation.engines.animatic.filming",
)
"""What every worker needs; a library missing here only makes the first job slower."""

MODELS: Final = (
    "torch",
    "safetensors.torch",
    "diffusers.pipelines.ltx2",
    "diffusers.pipelines.ltx2.pipeline_ltx2_condition",
    "diffusers.pipelines.flux2.pipeline_flux2_klein",
    "diffusers.pipelines.flux2.pipeline_flux2_klein_inpaint",
    "transformers.models.gemma3.modeling_gemma3",
    "transformers.models.qwen3.modeling_qwen3",
    "transformers.models.sam3.modeling_sam3",
    "transformers.models.sam3_video.modeling_sam3_video",
    "genlock.generation.engines.ltx2.running",
    "genlock.generation.engines.flux2.running",
    "genlock.generation.engines.sam3.running",
    "genlock.generation.engines.llm.writing",
)
"""What workers that hold models need as well: seconds to import, and some 400 MB that all of them share."""

_ASKED: Final = {
    # Threads that wait in a loop take the cores that they and everybody else compute on.
    "OMP_WAIT_POLICY": "PASSIVE",
    "PYTORCH_ALLOC_CONF": "expandable_segments:True",
}
"""Environment of every worker unless it says something else."""

_OFFLINE: Final = {
    "HF_HUB_OFFLINE": "1",
    # Asks the driver's library for GPUs instead of making a context, which no fork survives.
    "PYTORCH_NVML_BASED_CUDA_CHECK": "1",
}
"""Environment of every worker. What is missing is said, never downloaded."""

_SECRET_NAME = re.compile(
    r"TOKEN|SECRET|PASS(WORD|WD|PHRASE)|CREDENTIAL|API_?KEY|PRIVATE_?KEY|ACCESS_?KEY|AUTH|COOKIE"
    r"|[A-Z0-9]_(KEY|PASS|PWD|PAT|DSN)(_|$)",
    re.I,
)
_SECRET_VALUE = re.compile(r"://[^/\s]*:[^/\s]*@")


def scrubbed(environment: Mapping[str, str]) -> dict[str, str]:
    """Returns the environment without tokens, passwords and addresses that hold one."""
    return {
        name: value
        for name, value in environment.items()
        if not _SECRET_NAME.search(name) and not _SECRET_VALUE.search(value)
    }


class Child:
    """One worker process and the channel to it. `models` says whether it has imported what models need."""

    def __init__(
        self, pid: int, channel: Channel, process: subprocess.Popen[bytes] | None = None, *, models: bool = False
    ) -> None:
        self.pid, self.channel, self.models = pid, channel, models
        self._process = process
        self._handle = _pidfd(pid) if process is None else None
        self._lock = Lock()
        self._gone = False

    def ended(self) -> bool:
        """Whether a process that was started, not forked, is over."""
        return self._process is not None and self._process.poll() is not None

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
    """Makes workers. `models` asks for one that will hold models."""

    def warm(self, *, models: bool = False) -> None:
        """Makes the next birth fast; returns at once."""

    def birth(self, *, models: bool = False) -> Child:
        """Returns a new worker; raises GenerationError(worker_lost) when none can be started."""

    def close(self) -> None:
        """Ends what it keeps warm; workers alive end by their channel."""


class SpawnNursery:
    """A fresh interpreter for each worker; once warmed, one waits with its imports done."""

    def __init__(self) -> None:
        self._spare: Child | None = None
        self._lock = Lock()

    def warm(self, *, models: bool = False) -> None:
        """Starts the spare, in place of one that lacks what models need."""
        with self._lock:
            if self._spare is not None and (self._spare.models or not models):
                return
            self._end()
            with contextlib.suppress(OSError):  # said by the birth that needs one
                self._spare = self._start(models)

    def birth(self, *, models: bool = False) -> Child:
        """Returns the spare and starts the next one, or starts an interpreter, which imports while it takes orders."""
        with self._lock:
            spare, self._spare = self._spare, None
            if spare is not None and spare.ended():
                spare.bury()
                spare = None
            try:
                if spare is None:
                    return self._start(models)
                self._spare = self._start(spare.models)
            except OSError as error:
                if spare is None:
                    raise GenerationError(
                        "worker_lost", f"No worker process can be started: {error.strerror}."
                    ) from error
            return spare

    def close(self) -> None:
        """Ends the spare."""
        with self._lock:
            self._end()

    def _end(self) -> None:
        if self._spare is not None:
            self._spare.bury()
            self._spare = None

    def _start(self, models: bool) -> Child:
        process = _python(*_WORKER, *preloads(models), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        return _piped(process, models)


class InterpreterNursery:
    """Fresh interpreters of another environment, which sees this installation's `genlock` and no other package of it."""

    def __init__(self, python: str) -> None:
        self._interpreter = python

    def warm(self, *, models: bool = False) -> None:
        """Does nothing: an environment of its own is needed seldom."""

    def birth(self, *, models: bool = False) -> Child:
        """Starts an interpreter."""
        package = str(Path(__file__).resolve().parents[1])
        try:
            process = _python(
                "-c", _BOOT, package, interpreter=self._interpreter, stdin=subprocess.PIPE, stdout=subprocess.PIPE
            )
        except OSError as error:
            message = f"{self._interpreter} cannot be started: {error.strerror}."
            raise GenerationError("worker_lost", message) from error
        return _piped(process, models)

    def close(self) -> None:
        """Does nothing."""


class ForkNursery:
    """Forks workers from a warm parent, which is started by the first call and again should it die.

    Those that will hold models come from a second parent that has imported more. Until its imports are done, which takes
    seconds, and where nobody warmed it, they come from the first one.
    """

    def __init__(self) -> None:
        self._parents = {False: _Parent(PRELOAD), True: _Parent((*PRELOAD, *MODELS))}

    def warm(self, *, models: bool = False) -> None:
        """Starts the parent; it imports on its own time."""
        self._parents[models].start()

    def birth(self, *, models: bool = False) -> Child:
        """Asks a parent for a fork and hands it one end of the channel."""
        if models and self._parents[True].ready() and (child := self._born(models=True)):
            return child
        if child := self._born(models=False):
            return child
        raise GenerationError("worker_lost", "No worker process can be started.")

    def close(self) -> None:
        """Ends the parents."""
        for parent in self._parents.values():
            parent.end()

    def _born(self, *, models: bool) -> Child | None:
        parent = self._parents[models]
        with contextlib.suppress(OSError):  # no descriptor or no process to be had: that costs one job
            # The parent may have died unnoticed: a second one gets a chance, but nobody waits for all it imports.
            for _ in range(1 if models else 2):
                ours, theirs = socket.socketpair()
                with ours, theirs:
                    if pid := parent.fork(theirs):
                        return Child(pid, _over(ours), models=models)
                parent.end()
            parent.start()
        return None


class _Parent:
    """A process that has imported modules and forks on request."""

    def __init__(self, modules: tuple[str, ...]) -> None:
        self._modules = modules
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._warm = False
        self._lock = Lock()

    def start(self) -> None:
        with self._lock:
            self._running()

    def ready(self) -> bool:
        """Whether it was started and its imports are done."""
        with self._lock:
            if self._control is not None and not self._warm and select.select([self._control], [], [], 0)[0]:
                self._warm = self._answer(self._control) is not None
                if not self._warm:
                    self._end()
            return self._warm

    def fork(self, theirs: socket.socket) -> int:
        """Returns the process id of a worker over this end of a channel; 0 when there is none."""
        with self._lock:
            control = self._running()
            if not self._warm:
                self._warm = self._answer(control) is not None
            try:
                socket.send_fds(control, [b"+"], [theirs.fileno()])
            except OSError:
                return 0
            return self._answer(control) or 0

    def end(self) -> None:
        with self._lock:
            self._end()

    def _end(self) -> None:
        self._warm = False
        if self._control is not None:
            self._control.close()
            self._control = None
        if self._process is not None:
            self._process.kill()  # it holds nothing: workers live on until their own channel ends
            self._process.wait()
            self._process = None

    def _running(self) -> socket.socket:
        if self._control is None:
            self._control, theirs = socket.socketpair()
            with theirs:
                self._process = _python(
                    "-m", "genlock.generation.nursery", str(theirs.fileno()), *self._modules, keep=(theirs.fileno(),)
                )
        return self._control

    @staticmethod
    def _answer(control: socket.socket) -> int | None:
        try:
            answer = control.recv(4)
        except OSError:
            return None
        return int.from_bytes(answer, "big") if len(answer) == 4 else None


def nursery() -> Nursery:
    """Returns the best nursery of this system."""
    return ForkNursery() if sys.platform == "linux" else SpawnNursery()


_WORKER: Final = ("-m", "genlock.generation.worker")
_BOOT: Final = """
import importlib.util, sys
folder = sys.argv.pop()
found = importlib.util.spec_from_file_location("genlock", folder + "/__init__.py", submodule_search_locations=[folder])
sys.modules["genlock"] = package = importlib.util.module_from_spec(found)
found.loader.exec_module(package)
from genlock.generation.worker import main
main()
"""
"""Imports this one package from where it lies. A path entry would put every library beside it before the environment's
own."""


def preloads(models: bool) -> tuple[str, ...]:
    """Returns the modules a worker needs."""
    return (*PRELOAD, *MODELS) if models else PRELOAD


def _python(
    *arguments: str,
    interpreter: str = sys.executable,
    keep: tuple[int, ...] = (),
    stdin: int = subprocess.DEVNULL,
    stdout: int = subprocess.DEVNULL,
) -> subprocess.Popen[bytes]:
    # -P: never import from the folder the daemon happens to stand in
    command = [interpreter, "-P", *arguments]
    environment = _ASKED | scrubbed(os.environ) | _OFFLINE | here().environment
    return subprocess.Popen(command, env=environment, pass_fds=keep, stdin=stdin, stdout=stdout)


def _piped(process: subprocess.Popen[bytes], models: bool) -> Child:
    pipes = cast("BinaryIO", process.stdout), cast("BinaryIO", process.stdin)
    return Child(process.pid, Channel(*pipes), process, models=models)


def _over(end: socket.socket) -> Channel:
    """Returns a channel over a socket, which it takes over."""
    fd = end.detach()
    return Channel(os.fdopen(fd, "rb"), os.fdopen(os.dup(fd), "wb"))


def _pidfd(pid: int) -> int | None:
    try:
        return os.pidfd_open(pid)
    except (AttributeError, OSError):
        return None


def preload(modules: Iterable[str]) -> None:
    """Imports what is there; what is missing only makes the first job slower."""
    for name in modules:
        # Lazy packages say in their own way that something they need is missing.
        with contextlib.suppress(ImportError, AttributeError, OSError, RuntimeError):
            import_module(name)


def _forking(control: socket.socket, modules: Iterable[str]) -> None:
    """The warm parent: imports, then forks whenever a descriptor arrives, until the daemon is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the daemon's to handle
    preload(modules)
    gc.collect()
    gc.freeze()  # a collection in a child would write to, and so copy, every page of the imports
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the system buries the children
    with contextlib.suppress(BrokenPipeError):  # the daemon is gone already, as the loop finds out
        control.sendall(bytes(4))
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
    _forking(socket.socket(fileno=int(sys.argv[1])), sys.argv[2:])
