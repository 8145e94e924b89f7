"""Somebody who edits a sequence from elsewhere, by commands, at random: the third party of `kills.soak`."""

from __future__ import annotations

import random
import re
from typing import Any, Final, Protocol
from uuid import uuid4

from genlock_client.errors import ClientError
from genlock_client.rest import Rest

TAG: Final = re.compile(r"tag-\w+-\d+")
"""As upheaval marks the strips that it makes."""


class Shared(Protocol):
    """What is edited: a sequence of a daemon."""

    rest: Rest
    sequence: str

    def snapshot(self) -> dict[str, Any]:
        """Returns the sequence as the daemon has it."""
        ...

    def tags(self) -> set[str]:
        """Returns the tags of all that the sequence has."""
        ...


class Anna:
    """Somebody who edits the sequence from elsewhere, by commands, at random."""

    def __init__(self, studio: Shared, seed: int) -> None:
        self._studio = studio
        self._random = random.Random(seed)
        self.gone: set[str] = set()
        """Tags of what went by her edits."""
        self.done: dict[str, int] = {}
        self.refused: dict[str, int] = {}

    def edit(self) -> None:
        """Makes one edit; refusals are counted."""
        drawn = self._random.choices(
            ["move", "trim", "rename", "enable", "delete", "add", "mark", "track", "undo", "settle"],
            [10, 8, 5, 4, 3, 8, 3, 2, 3, 4],
        )[0]
        try:
            before = self._studio.tags() if drawn in ("undo", "delete", "settle") else set()
            made = self._drawn(drawn, self._studio.snapshot())
            if made is None:
                return
            self._studio.rest.command(made, self._studio.sequence, actor="anna")
            if before:
                self.gone |= before - self._studio.tags()
            self.done[drawn] = self.done.get(drawn, 0) + 1
        except ClientError as error:
            self.refused[error.code] = self.refused.get(error.code, 0) + 1

    def _drawn(self, what: str, snapshot: dict[str, Any]) -> dict[str, Any] | None:
        chance, items = self._random, _items(snapshot)
        if what == "undo":
            return {"do": "Undo"}
        if what == "settle":
            open_ = snapshot.get("conflicts") or []
            return {"do": "ResolveConflict", "conflict": open_[0]["id"], "use": "ours"} if open_ else None
        part: dict[str, Any] = {}
        if what == "add":
            tracks = [track["id"] for track in snapshot["tracks"] if track["kind"] == "video"]
            part = {"items": {uuid4().hex: self._colour(chance.choice(tracks))}}
        elif what == "track":
            track = chance.choice(snapshot["tracks"])["id"]
            part = {"tracks": {track: {"name": f"anna {chance.randint(0, 99)}"}}}
        elif what == "mark":
            part = {
                "markers": {uuid4().hex: {"start": chance.randint(0, 800), "name": f"anna {chance.randint(0, 99)}"}}
            }
        elif items:
            id_, item = chance.choice(sorted(items.items()))
            part = {"items": {id_: self._changed(what, item)}}
        return {"do": "Arrange", "base": snapshot["version"], "arrangement": part} if part else None

    def _colour(self, track: str) -> dict[str, Any]:
        source = {"type": "generator", "generator": "blender.color", "parameters": {}}
        at = {"track": track, "start": self._random.randint(0, 900), "duration": self._random.randint(5, 40)}
        return {**at, "source": source, "name": f"anna {self._random.randint(0, 99)}"}

    def _changed(self, what: str, item: dict[str, Any]) -> dict[str, Any] | None:
        chance = self._random
        if what == "move":
            return {"start": max(0, item["start"] + chance.randint(-60, 60))}
        if what == "trim":
            return {"duration": max(1, item["duration"] + chance.randint(-15, 10))}
        if what == "rename":
            return {"name": " ".join([*TAG.findall(item.get("name", "")), f"anna {chance.randint(0, 99)}"])}
        return {"enabled": not item.get("enabled", True)} if what == "enable" else None


def _items(snapshot: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Returns the items by id, each with its `start`."""
    found = {}
    for track in snapshot["tracks"]:
        frame = 0
        for item in track["items"]:
            frame += item.get("gap", 0)
            if item["source"].get("type") != "gap":
                found[item["id"]] = {**item, "start": frame}
            frame += item["duration"]
    return found
