# SPDX-License-Identifier: GPL-3.0-or-later
"""What the daemon is asked for to make a link: a project, a sequence as the scene is, a fork. One call after the other,
each told by its own id, so that a call made again makes nothing twice."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from genlock_client.errands import Answer, Errands
from genlock_client.errors import ClientError

from . import reading


class Made(NamedTuple):
    """A sequence to link to: `version` is where it stands."""

    project: str
    sequence: str
    version: int


Walk = Iterator[tuple[str, str, Any]]
"""Yields (method, path, body) and is sent the JSON answered."""


def new_sequence(scene: Any, project: str, name: str, actor: str, *, empty: bool) -> Callable[[], Any]:
    """Returns the walk that makes a sequence of the scene's rate and size, in `project` or a new one."""
    exact = reading.rate_of(scene)
    size = [scene.render.resolution_x, scene.render.resolution_y]

    def walk() -> Any:
        owner = project
        if not owner:
            answer = yield _command({"do": "CreateProject", "name": name}, "", actor)
            owner = answer["target"]
        create = {
            "do": "CreateSequence",
            "project": owner,
            "name": name,
            "rate": [exact.numerator, exact.denominator],
            "resolution": size,
        }
        answer = yield _command(create, "", actor)
        sequence, version = answer["target"], answer["version"]
        if not empty:  # the scene's channels become its tracks
            snapshot = yield ("GET", f"/api/sequences/{sequence}", None)
            for track in snapshot["tracks"]:
                answer = yield _command({"do": "RemoveTrack", "track": track["id"]}, sequence, actor)
                version = answer["version"]
        return Made(owner, sequence, version)

    return walk


def fork(project: str, sequence: str, version: int, name: str, actor: str) -> Callable[[], Any]:
    """Returns the walk that copies a sequence at a version."""

    def walk() -> Any:
        answer = yield _command({"do": "ForkSequence", "version": version or None, "name": name}, sequence, actor)
        copy = answer["created"][0]
        snapshot = yield ("GET", f"/api/sequences/{copy}", None)
        return Made(project, copy, snapshot["version"])

    return walk


def go(errands: Errands, walk: Callable[[], Any], then: Callable[[Made | None, ClientError | None], None]) -> None:
    """Walks; `then` gets what was made, or why it was not."""
    steps = walk()

    def step(answer: Any) -> None:
        try:
            method, path, body = steps.send(answer)
        except StopIteration as end:
            then(end.value, None)
            return
        if method == "GET":
            errands.get(path, None, took)
        else:
            errands.post(path, body, took)

    def took(answer: Answer) -> None:
        if answer.error is not None:
            then(None, answer.error)
        else:
            step(answer.body)

    step(None)


def _command(command: dict[str, Any], target: str, actor: str) -> tuple[str, str, Any]:
    body = {"id": uuid.uuid4().hex, "target": target, "command": command, "actor": actor, "host": "blender"}
    return "POST", "/api/commands", body
