"""The wire values of states: what a snapshot holds and what REST shows."""

from __future__ import annotations

from typing import Any

from genlock.application.application import Application
from genlock.application.world import plain, wire_project
from genlock.errors import NotFound
from genlock.project.project import ProjectState
from genlock.timeline.sequence import Sequence


def of(app: Application, project: str | None) -> dict[str, Any]:
    """Returns the snapshot of a project, or of the list of projects only. Raises NotFound(no_such_project)."""
    made: dict[str, Any] = {"projects": [wire_project(state) for state in app.projects()]}
    if project is None:
        return made
    state = app.project(project)
    made["project"] = {**wire_project(state), "media": [plain(file) for file in state.media.values()]}
    made["sequences"] = [app.wire_sequence(id_) for id_ in state.sequences]
    made["shots"] = [plain(shot) for shot in app.shots(project)]
    made["jobs"] = [plain(job) for job in app.jobs(project)]
    return made


def versions(snapshot: dict[str, Any]) -> dict[str, int]:
    """Returns the version of each aggregate that a snapshot holds."""
    parts = (snapshot["projects"], snapshot.get("sequences", ()), snapshot.get("shots", ()), snapshot.get("jobs", ()))
    held = {value["id"]: value["version"] for values in parts for value in values}
    if one := snapshot.get("project"):
        held[one["id"]] = min(held.get(one["id"], one["version"]), one["version"])
    return held


def row(state: Sequence) -> dict[str, Any]:
    """Returns a sequence's line in a list."""
    return {
        "id": state.id,
        "name": state.name,
        "version": state.version,
        "duration": state.duration,
        "rate": state.rate,
        "drop_frame": state.drop_frame,
        "start_frame": state.start_frame,
        "tracks": len(state.order),
        "items": len(state.items),
        "archived": state.archived,
    }


def project_of(app: Application, id_: str) -> ProjectState:
    """Returns a project by its id or its exact name. Raises NotFound(no_such_project)."""
    try:
        return app.project(id_)
    except NotFound:
        for state in app.projects():
            if state.name == id_:
                return state
        raise
