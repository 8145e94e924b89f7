"""Who is connected and what they show of themselves. Never stored."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from msgspec import Struct

STATE_LIMIT = 16 * 1024
"""Bytes of one presence state as JSON."""


class Member(Struct, frozen=True):
    """One live session."""

    session: str
    host: str
    actor: str
    project: str | None
    state: dict[str, Any] = {}


class Presence:
    """The members by session, in order of arrival."""

    def __init__(self) -> None:
        self._members: dict[str, Member] = {}

    def __len__(self) -> int:
        return len(self._members)

    def __iter__(self) -> Iterator[Member]:
        return iter(tuple(self._members.values()))

    def join(self, member: Member) -> None:
        self._members[member.session] = member

    def show(self, session: str, state: dict[str, Any]) -> Member | None:
        """Returns the member with its new state, or None when the session is gone."""
        old = self._members.get(session)
        if old is None:
            return None
        new = Member(old.session, old.host, old.actor, old.project, state)
        self._members[session] = new
        return new

    def leave(self, session: str) -> Member | None:
        """Returns who left, or None when nobody of that session was here."""
        return self._members.pop(session, None)
