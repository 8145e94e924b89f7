"""A real daemon beside Blender: a process of the interpreter that has Genlock, on a free port of loopback."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

from genlock_client import discovery
from genlock_client.rest import Rest

START_SECONDS = 60.0
END_SECONDS = 20.0
LATER = "import sys, genlock; genlock.__version__ = sys.argv.pop(1); from genlock.cli.main import main; main()"
"""The same program, which takes itself for the version in its first argument."""


class Daemon:
    """One daemon on one store. `restart` keeps the store; the port and the token become others, as they would."""

    def __init__(self, folder: Path, roots: list[Path], python: str) -> None:
        self.folder = folder
        self.store = folder / "studio.genlock"
        self._python = python
        self._arguments = ["up", "--store", str(self.store)]
        for root in roots:
            self._arguments += ["--root", str(root)]
        self._environment = {**os.environ, "GENLOCK_HOME": str(folder / "home"), "GENLOCK_ACTOR": "tester"}
        self._environment.pop("PYTHONPATH", None)  # Blender's own packages are for another Python
        self._process: subprocess.Popen[bytes] | None = None
        self.log = folder / "daemon.log"

    def start(self, port: int = 0, version: str = "") -> None:
        """Starts it and waits until it can be found. `version` makes it say that it is another Genlock."""
        run = ["-c", LATER, version] if version else ["-m", "genlock"]
        command = [self._python, *run, *self._arguments, "--port", str(port)]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder, env=self._environment
            )
        end = time.monotonic() + START_SECONDS
        while self.endpoint() is None:
            if self._process.poll() is not None or time.monotonic() > end:
                self.end()
                raise RuntimeError(f"the daemon did not start:\n{self.log.read_text(errors='replace')}")
            time.sleep(0.05)

    def endpoint(self) -> discovery.Endpoint | None:
        """Where it listens; None while it does not."""
        found = discovery.find(self.store)
        return found if found is not None and self._process is not None and found.pid == self._process.pid else None

    @property
    def rest(self) -> Rest:
        """A client of it as it runs at this moment."""
        return Rest.at(discovery.require(self.store))

    @property
    def port(self) -> int:
        """The port it listens on."""
        return discovery.require(self.store).port

    @property
    def pid(self) -> int:
        """The process, 0 when there is none."""
        return self._process.pid if self._process is not None else 0

    def new_project(self, name: str) -> str:
        """Makes a project and returns its id."""
        return str(self.rest.command({"do": "CreateProject", "name": name})["target"])

    def kill(self) -> None:
        """Ends it the hard way: nothing is said and nothing is tidied."""
        self._signal(signal.SIGKILL if hasattr(signal, "SIGKILL") else signal.SIGTERM)

    def end(self) -> None:
        """Ends it as Ctrl-C does, the hard way when that takes too long."""
        self._signal(signal.SIGINT)

    def restart(self) -> None:
        """Kills it and starts it again on the same store."""
        self.kill()
        self.start()

    def _signal(self, number: int) -> None:
        process, self._process = self._process, None
        if process is None or process.poll() is not None:
            return
        process.send_signal(number)
        try:
            process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(END_SECONDS)
