"""A real daemon on a free port, and what a person who owns it has at hand."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from genlock.daemon.server import Running, embedded


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("studio")


@pytest.fixture(scope="module")
def daemon(studio: Path) -> Iterator[Running]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GENLOCK_RUNTIME_DIR", str(studio / "run"))
        patch.setenv("GENLOCK_HOME", str(studio / "home"))
        with embedded(studio / "store" / "studio.genlock", [studio / "media"]) as running:
            yield running


class Visitor:
    """Sends requests of all kinds; nothing is added that is not asked for."""

    def __init__(self, daemon: Running) -> None:
        self.daemon = daemon
        self.base = daemon.base_url
        self.bearer = {"authorization": f"Bearer {daemon.token}"}
        access = daemon.services.access
        self.cookie = {"cookie": f"{access.cookie}={access.session}"}

    def send(self, method: str, path: str, headers: dict[str, str] | None = None, **more: Any) -> httpx.Response:
        with httpx.Client(base_url=self.base) as client:
            return client.request(method, path, headers=headers or {}, **more)


@pytest.fixture
def visitor(daemon: Running) -> Visitor:
    return Visitor(daemon)
