"""Requests that carry an id are answered once: repeated, they get the first answer and nothing is made twice.

The last answers are kept word for word. What is older, or was answered by a daemon that has ended since, is told again
from the log: the commands of such a request have ids that come from the request's (see Author).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import Any, Final, TypeVar

from genlock.errors import Refused

T = TypeVar("T")

KEPT: Final = 256
"""Answers kept word for word; an import of 10,000 clips answers with about a megabyte."""


class _Request:
    def __init__(self, digest: bytes) -> None:
        self.digest = digest
        self.turn = Lock()
        self.answer: Any = None
        self.is_answered = False


class Repeats:
    """Remembers requests by id. Safe to use from any thread; a repeat waits while the first is being answered."""

    def __init__(self, kept: int = KEPT) -> None:
        self._kept = kept
        self._gate = Lock()
        self._requests: OrderedDict[str, _Request] = OrderedDict()

    def answer(self, id_: str, digest: bytes, make: Callable[[], T]) -> T:
        """Returns what `make` returns, or the answer that the id was given before; without an id always the former.

        `digest` says what is asked for. Raises Refused(command_id_reused) for an id that was used for something else. A
        request that failed may be sent again.
        """
        if not id_:
            return make()
        with self._gate:
            request = self._requests.setdefault(id_, _Request(digest))
            self._requests.move_to_end(id_)
        if request.digest != digest:
            raise reused(id_)
        with request.turn:
            if not request.is_answered:
                request.answer = self._made(id_, request, make)
                request.is_answered = True
        answer: T = request.answer
        return answer

    def _made(self, id_: str, request: _Request, make: Callable[[], T]) -> T:
        is_done = False
        try:
            made = make()
            is_done = True
            return made
        finally:
            with self._gate:
                if not is_done and self._requests.get(id_) is request:
                    del self._requests[id_]
                while len(self._requests) > self._kept:
                    self._requests.popitem(last=False)


def reused(id_: str) -> Refused:
    """Returns the error for an id that belongs to another request."""
    return Refused("command_id_reused", f"The id {id_} belongs to another request.")
