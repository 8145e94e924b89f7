"""Where a command's work is done: in the running daemon of the store, or in one of our own while the command runs.

Either way the command speaks REST, so there is one code path and one set of rules.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from genlock_client.discovery import Endpoint

TIMEOUT = 900.0
"""Seconds a call may be silent: a proof of a large store takes minutes."""
HOST = "cli"


class Backend:
    """One daemon to talk to, as the person at the keyboard.

    `is_own`: it lives only as long as this command, so work must be waited for.
    """

    def __init__(self, base_url: str, token: str, *, is_own: bool) -> None:
        from genlock_client import discovery
        from genlock_client.rest import Rest

        self.rest = Rest(base_url, token, timeout=TIMEOUT)
        self.is_own = is_own
        self.actor = discovery.actor()

    @property
    def endpoint(self) -> Endpoint:
        """Where the daemon's WebSocket listens."""
        from genlock_client.discovery import Endpoint

        address = urlsplit(self.rest.base_url)
        return Endpoint(address.port or 80, self.rest.token, address.hostname or "127.0.0.1")

    def get(self, path: str, **query: Any) -> Any:
        """Returns the JSON at an address."""
        return self.rest.get(path, **query)

    def post(self, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Posts JSON."""
        return self.rest.post(path, body)

    def post_signed(self, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Posts JSON that says who asks."""
        return self.rest.post(path, {**(body or {}), "actor": self.actor, "host": HOST})

    def post_once(self, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Posts JSON that says who asks, to an address where a repeated call makes nothing twice."""
        return self.rest.post_once(path, {**(body or {}), "actor": self.actor, "host": HOST})

    def command(self, command: Mapping[str, Any], target: str = "", **envelope: Any) -> dict[str, Any]:
        """Gives one command and returns its acknowledgement."""
        return self.rest.command(command, target, actor=self.actor, host=HOST, **envelope)


def default_store() -> str:
    """Returns the store used when none is named."""
    from genlock.daemon.discovery import home_folder

    return str(home_folder() / "studio.genlock")


def canonical(store: str | None) -> str:
    """Returns the store's URL or absolute path."""
    from genlock.daemon.discovery import canonical

    return canonical(store or default_store())


def running(store: str | None) -> Endpoint | None:
    """Returns the daemon that has the store open, or None."""
    from genlock_client import discovery

    return discovery.find(canonical(store))


@contextmanager
def backend(store: str | None, files: Iterable[str | Path] = ()) -> Iterator[Backend]:
    """Gives a daemon for the store.

    `files` are paths the person named. A daemon of our own may use all of the file system; one that runs already keeps to
    the folders it was started with.
    """
    endpoint = running(store)
    if endpoint is not None:
        yield Backend(endpoint.url, endpoint.token, is_own=False)
        return
    from genlock.daemon.server import embedded

    # whoever runs the command may use every file; hidden folders are let in only where a file was named in one
    _log_to_file(store)
    folders = {Path(Path.cwd().anchor), Path.cwd(), *(_folder(Path(file)) for file in files)}
    with embedded(canonical(store), roots=sorted(folders)) as daemon:
        yield Backend(daemon.base_url, daemon.token, is_own=True)


def _log_to_file(store: str | None) -> None:
    """Sends the log of a daemon of our own beside the store: the terminal gets one line an error."""
    import logging

    place = canonical(store)
    folder = Path(place).parent if "://" not in place else Path(default_store()).parent
    root = logging.getLogger()
    if not root.handlers:
        handler: logging.Handler = logging.NullHandler()
        if folder.is_dir():
            handler = logging.FileHandler(folder / "genlock.log", delay=True, encoding="utf-8")
            handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
        handler.setLevel(logging.WARNING)
        root.addHandler(handler)


def absolute(path: str | Path) -> str:
    """Returns the absolute path of what a person wrote; the daemon has another working folder."""
    return str(Path(path).expanduser().absolute())


def _folder(path: Path) -> Path:
    path = path.expanduser().absolute()
    return path if path.is_dir() else path.parent
