"""Who else uses the memory: other programs by name with the most they held in the last minute, and an Ollama server,
which can be asked what it holds."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Mapping
from threading import Lock
from time import monotonic, sleep
from typing import Any, Final
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import ProxyHandler, Request, build_opener

import msgspec
from msgspec import Struct

log = logging.getLogger("genlock.memory")

PROGRAMS: Final[Mapping[str, str]] = {
    "resolve": "resolve",
    "davinci": "resolve",
    "fusion": "resolve",
    "blender": "blender",
    "adobe premiere": "adobe",
    "afterfx": "adobe",
    "adobe": "adobe",
    "photoshop": "adobe",
    "ollama": "ollama",
    "llama-server": "ollama",
    "comfyui": "comfyui",
}
"""Beginning of a process's name, in lower case, to the tenant it belongs to."""

OTHERS: Final = "others"
"""Every program without a name here, and what cannot be told apart."""

WINDOW: Final = 60.0
"""Seconds for which the most a tenant held is expected of it again."""

PATIENCE: Final = 0.5
"""Seconds an Ollama server has to answer."""

PAUSE: Final = 30.0
"""Seconds for which one that did not answer is left alone."""

FRESH: Final = 10.0
"""Seconds for which its answer is good."""

LOADING: Final = 180.0
"""Seconds a model may take until it is in the server's memory."""

MOVED: Final = 0.5
"""Part of a model's bytes that has to be free again for it to count as gone."""

LARGEST: Final = 1 << 20
"""Bytes of an answer."""


def tenant(process: str) -> str:
    """Returns whom a process belongs to by its name in lower case."""
    return next((name for prefix, name in PROGRAMS.items() if process.startswith(prefix)), OTHERS)


class Recent:
    """What tenants held lately. Not for several threads at once."""

    def __init__(self, window: float = WINDOW) -> None:
        self.window = window
        self._seen: deque[tuple[float, dict[str, int]]] = deque()

    def note(self, at: float, held: Mapping[str, int]) -> None:
        """Adds a look, at monotonic seconds that never go back."""
        self._seen.append((at, dict(held)))
        while self._seen[0][0] < at - self.window:
            self._seen.popleft()

    def forget(self, tenant: str) -> None:
        """Expects nothing of a tenant any more: it gave back what it held."""
        for _, held in self._seen:
            held.pop(tenant, None)

    def most(self) -> dict[str, int]:
        """Returns the most each held within the window."""
        found: dict[str, int] = {}
        for _, held in self._seen:
            for name, size in held.items():
                found[name] = max(found.get(name, 0), size)
        return found


class Resident(Struct, frozen=True):
    """A model in an Ollama server's memory; `size_vram` bytes of it on the GPU."""

    name: str
    size_vram: int = 0


class _Running(Struct, frozen=True):
    models: list[Resident] = []


class Ollama:
    """A server on this machine. One that is down or slow costs half a second, then nothing for half a minute; one elsewhere
    holds none of this machine's memory and is never asked.

    A model that was there before Genlock asked for it belongs to somebody else and is never unloaded. Callable from any
    thread.
    """

    def __init__(
        self, url: str, *, clock: Callable[[], float] = monotonic, wait: Callable[[float], None] = sleep
    ) -> None:
        self.url = url.rstrip("/")
        self._clock, self._wait = clock, wait
        self._local = urlsplit(url).hostname in ("127.0.0.1", "localhost", "::1")
        self._opener = build_opener(ProxyHandler({}))
        self._asked = -FRESH
        self._silent = -PAUSE
        self._residents: tuple[Resident, ...] = ()
        self._ours: dict[str, float] = {}
        """Models we asked for first, and when."""
        self._lock = Lock()

    def residents(self) -> tuple[Resident, ...]:
        """Returns the models in its memory, from an answer at most ten seconds old."""
        now = self._clock()
        if now - self._asked >= FRESH:
            self._asked = now
            self._residents = self._ask_residents()
            there = {model.name for model in self._residents}
            with self._lock:
                self._ours = {name: at for name, at in self._ours.items() if name in there or now - at < LOADING}
        return self._residents

    def begin(self, model: str) -> None:
        """Notes that Genlock is about to use a model: it is ours to unload unless it is there already."""
        if model not in {resident.name for resident in self._ask_residents()}:
            with self._lock:
                self._ours[model] = self._clock()

    def evict(self, free: Callable[[], int], within: float = 10.0) -> int:
        """Unloads the models that Genlock loaded and waits until memory moved; returns the bytes that came free.

        The server answers before the memory is back, so `free` is asked again and again for `within` seconds.
        """
        if not self._ours:
            return 0
        before, freed = free(), 0
        for model in self._ask_residents():
            if model.name not in self._ours:
                continue
            if self._send("/api/generate", {"model": model.name, "keep_alive": 0}) is None:
                break
            freed += model.size_vram
            with self._lock:
                self._ours.pop(model.name, None)
        self._asked = -FRESH
        if not freed:
            return 0
        end = self._clock() + within
        while free() - before < freed * MOVED and self._clock() < end:
            self._wait(0.1)
        return max(0, free() - before)

    def _ask_residents(self) -> tuple[Resident, ...]:
        answer = self._send("/api/ps", None)
        if answer is None:
            return ()
        try:
            return tuple(msgspec.json.decode(answer, type=_Running).models)
        except msgspec.DecodeError as error:
            log.info("%s gives an answer that cannot be read: %s", self.url, error)
            return ()

    def _send(self, path: str, body: Mapping[str, Any] | None) -> bytes | None:
        now = self._clock()
        if not self._local or now - self._silent < PAUSE:
            return None
        data = msgspec.json.encode(body) if body is not None else None
        request = Request(self.url + path, data=data, headers={"content-type": "application/json"})
        try:
            with self._opener.open(request, timeout=PATIENCE) as answer:
                return bytes(answer.read(LARGEST))
        except (URLError, OSError, ValueError) as error:
            log.debug("%s does not answer: %s", self.url, error)
            self._silent = now
            return None
