"""The secrets of one daemon run: the hosts' token, the browser's session, and one-time login codes."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from hmac import compare_digest
from time import monotonic

CODE_SECONDS = 120.0
"""How long a login code can be redeemed."""
CODES_AT_ONCE = 16


class Access:
    """Makes and checks the secrets. All are 256 bits from the system, live in memory and die with the process.

    The browser gets a session of its own, never the token: what a page could ever leak is no use to a host.
    """

    def __init__(self, port: int, *, names: tuple[str, ...] = (), clock: Callable[[], float] = monotonic) -> None:
        self.port = port
        self.token = secrets.token_urlsafe(32)
        self.session = secrets.token_urlsafe(32)
        self.cookie = f"genlock_{port}"
        self.hosts = frozenset(f"{name}:{port}".lower() for name in ("127.0.0.1", "localhost", "[::1]", *names))
        self.origins = frozenset(f"http://{host}" for host in self.hosts)
        self._clock = clock
        self._codes: dict[str, float] = {}

    def is_token(self, given: str) -> bool:
        """Whether `given` is the token, compared in constant time."""
        return compare_digest(given.encode(), self.token.encode())

    def is_session(self, given: str) -> bool:
        """Whether `given` is the browser session, compared in constant time."""
        return compare_digest(given.encode(), self.session.encode())

    def issue_code(self) -> str:
        """Returns a new one-time login code, good for CODE_SECONDS; the oldest goes when too many are open."""
        while len(self._codes) >= CODES_AT_ONCE:
            del self._codes[next(iter(self._codes))]
        code = secrets.token_urlsafe(32)
        self._codes[code] = self._clock() + CODE_SECONDS
        return code

    def redeem(self, code: str) -> bool:
        """Uses a login code up; False when it is wrong, used or too old."""
        until = self._codes.pop(code, None)
        return until is not None and self._clock() <= until
