"""Runs the daemon: binds, writes the discovery file, serves, and ends in good order."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import socket
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

import uvicorn
from msgspec import Struct

from genlock.daemon import discovery, wire
from genlock.daemon.access import Access
from genlock.daemon.app import gated
from genlock.daemon.direct import DirectProtocol
from genlock.daemon.discovery import Discovery
from genlock.daemon.services import Services
from genlock.errors import BadInput, StoreError

log = logging.getLogger("genlock.daemon")

DEFAULT_PORT = 8765
FAREWELL_SECONDS = 1.0
"""How long clients may take to hear bye."""
GRACE_SECONDS = 5


class HostFlags(Struct, frozen=True):
    """Where to listen. Anything but loopback needs `allow_remote`: whoever reaches the port and knows the token may do
    everything. `names` are further Host names to answer to."""

    host: str = ""
    allow_remote: bool = False
    names: tuple[str, ...] = ()


class Running(NamedTuple):
    """A daemon that answers."""

    base_url: str
    token: str
    port: int
    services: Services


def serve(
    store: str | Path,
    port: int = DEFAULT_PORT,
    host_flags: HostFlags = HostFlags(),
    roots: Sequence[Path | str] = (),
    open_browser: bool = False,
    on_ready: Callable[[Running], None] = lambda running: None,
) -> None:
    """Runs the daemon of a store until SIGINT, SIGTERM or /api/shutdown.

    `port` 0 takes a free one, as does a busy default port. `roots` are the folders whose files it may read and write
    (without any: the home folder and the working directory). Raises StoreError (store_busy names the pid) and
    BadInput(bad_value) when the port is taken.
    """
    with ExitStack() as stack:
        daemon = _Daemon(store, _bound(stack, port, host_flags), host_flags, roots or _usual_roots(), announce=True)
        stack.pop_all()

    def ready(running: Running) -> None:
        if open_browser:
            import webbrowser

            webbrowser.open(f"{running.base_url}/login?code={running.services.access.issue_code()}")
        on_ready(running)

    daemon.run(ready)


@contextmanager
def embedded(store: str | Path, roots: Sequence[Path | str] = (), *, announce: bool = False) -> Iterator[Running]:
    """Runs the daemon of a store on a thread of this process, on a free port, for as long as the context lasts.

    For a command line without a daemon: whoever runs the process named the paths, so without `roots` all of the file
    system is allowed. Raises as `serve`.
    """
    flags = HostFlags()
    with ExitStack() as stack:
        everywhere = (Path(Path.cwd().anchor),)
        daemon = _Daemon(store, _bound(stack, 0, flags), flags, roots or everywhere, announce=announce)
        stack.pop_all()
    ready: Future[Running] = Future()
    with ThreadPoolExecutor(1, "genlock-daemon") as pool:
        run = pool.submit(daemon.run, ready.set_result)
        futures: tuple[Future[Any], ...] = run, ready
        try:
            wait(futures, return_when=FIRST_COMPLETED)
            if run.done():
                run.result()
            yield ready.result()
        finally:
            daemon.stop("the command ended")
    run.result()


def _bound(stack: ExitStack, port: int, flags: HostFlags) -> list[socket.socket]:
    sockets = bind(port, flags)
    stack.callback(_close, sockets)
    return sockets


def _usual_roots() -> tuple[Path, ...]:
    return Path.home(), Path.cwd()


class _Daemon:
    """One run: services, server, discovery file."""

    def __init__(
        self,
        store: str | Path,
        sockets: list[socket.socket],
        flags: HostFlags,
        roots: Iterable[Path | str],
        *,
        announce: bool,
    ) -> None:
        self.port: int = sockets[0].getsockname()[1]
        self._sockets = sockets
        self._announce = announce
        names = (*flags.names, *((flags.host,) if flags.host not in ("", "0.0.0.0", "::") else ()))
        self.services = Services.open(store, Access(self.port, names=names), roots)
        self._server = _Server(_config(self.services), self)
        self.services.request_stop = self.stop

    def run(self, on_ready: Callable[[Running], None]) -> None:
        running = Running(f"http://127.0.0.1:{self.port}", self.services.access.token, self.port, self.services)
        found = self._discovery()
        self._server.on_ready = lambda: self._ready(found, running, on_ready)
        try:
            self._server.run(self._sockets)
        finally:
            if self._announce:
                discovery.remove(found)
            _close(self._sockets)
            self.services.stop()

    def stop(self, reason: str) -> None:
        """Asks the server to end; any thread, any time."""
        self._server.reason = reason
        self._server.should_exit = True

    def _ready(self, found: Discovery, running: Running, on_ready: Callable[[Running], None]) -> None:
        if self._announce:
            discovery.write(found)
        on_ready(running)

    def _discovery(self) -> Discovery:
        services = self.services
        started = datetime.now(UTC).isoformat(timespec="seconds")
        token = services.access.token
        return Discovery(os.getpid(), self.port, token, services.url, services.store.log_id, wire.PROTOCOL, started)


class _Server(uvicorn.Server):
    """uvicorn with our start and end: the discovery file when it listens, bye to the clients before it closes."""

    def __init__(self, config: uvicorn.Config, daemon: _Daemon) -> None:
        super().__init__(config)
        self.reason = "the daemon was stopped"
        self.on_ready: Callable[[], None] = lambda: None
        self._daemon = daemon

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        # not captured as uvicorn does it: raising the signal again would turn a good end into a bad exit code
        self.should_exit = True

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self.on_ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        hub = self._daemon.services.hub
        hub.farewell(self.reason)
        with suppress(TimeoutError):
            async with asyncio.timeout(FAREWELL_SECONDS):
                await hub.emptied()
        await super().shutdown(sockets)


def bind(port: int, flags: HostFlags) -> list[socket.socket]:
    """Returns listening sockets: 127.0.0.1 and, where there is one, ::1 on the same port; or the host asked for.

    Raises BadInput(bad_value) for a taken port or for a wider host without `allow_remote`.
    """
    hosts = [flags.host] if flags.host else ["127.0.0.1", "::1"]
    if flags.host and not _is_loopback(flags.host):
        if not flags.allow_remote:
            text = f"{flags.host} can be reached from other machines."
            raise BadInput("bad_value", text, hint="Say that you want it with --allow-remote; see SECURITY.md.")
        print(f"genlock: WARNING: listening on {flags.host}: other machines can reach this daemon.", file=sys.stderr)  # noqa: T201
    try:
        first = _listen(hosts[0], port)
    except BadInput:
        if port != DEFAULT_PORT:
            raise
        first = _listen(hosts[0], 0)
    sockets = [first]
    for host in hosts[1:]:
        try:
            sockets.append(_listen(host, first.getsockname()[1]))
        except (OSError, BadInput) as error:
            log.info("not listening on %s: %s", host, error)
    return sockets


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # the protocol is named because asyncio sets TCP_NODELAY only then; without it an answer waits 40 ms for an ACK
    made = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name != "nt":
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        made.bind((host, port))
    except OSError as error:
        made.close()
        if error.errno in (errno.EADDRINUSE, errno.EACCES, errno.EADDRNOTAVAIL):
            text = f"{host} port {port} cannot be had: {error.strerror}."
            raise BadInput("bad_value", text, hint="Give another --port, or 0.") from error
        raise StoreError("internal", f"{host} cannot be listened on: {error}.") from error
    made.set_inheritable(False)
    return made


def _is_loopback(host: str) -> bool:
    return host in ("127.0.0.1", "::1", "localhost")


def _close(sockets: list[socket.socket]) -> None:
    for each in sockets:
        each.close()


def _config(services: Services) -> uvicorn.Config:
    # uvicorn's own access log would show query strings, and its debug log whole headers with the token
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
    return uvicorn.Config(
        gated(services),
        http="h11",
        ws=DirectProtocol,
        ws_max_size=wire.MESSAGE_LIMIT,
        ws_per_message_deflate=False,
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
