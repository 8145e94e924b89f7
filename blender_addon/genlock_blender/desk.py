# SPDX-License-Identifier: GPL-3.0-or-later
"""What the interface holds while Blender runs: what a person looks at, what they asked for, what was found out for them.

Nothing of it goes into a .blend file. Panels read it, operators change it; neither waits for anything.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import bpy

from genlock_client import discovery, jobs
from genlock_client.errors import ClientError, Offline
from genlock_client.happenings import Connected
from genlock_client.model import Model

from . import bridge as bridges
from . import compat, forecasts, form, offers, renders
from .asking import Body, Post, Render, Walk, Walks, ended
from .forecasts import Forecast
from .scenery import Cannot, Place
from .thumbs import Thumbs
from .translations import tr

HOST = "blender"
READY = ("linked", "working", "paused")
"""States of a scene in which something can be asked for."""


class Engine(NamedTuple):
    """An engine of the daemon; `reason` says what it lacks, "" when it can run."""

    name: str
    modes: tuple[str, ...]
    reason: str


class Desk:
    """There is one, see `desk`. It does for walks what they ask for."""

    def __init__(self) -> None:
        self.walks = Walks(self, self.changed)
        self.renders = renders.Renders(self.changed)
        self.thumbs = Thumbs(self._fetch, self.changed)
        self.engines: tuple[Engine, ...] = ()
        self._engines_asked = False
        self._forecast: tuple[Any, Forecast | None] = (None, None)
        self._reasons: tuple[Any, dict[str, str]] = (None, {})
        self._forecast_pending = False
        self._lost: list[tuple[Post, Callable[[Any], None]]] = []
        self._ends: list[Callable[[], None]] = []
        self._revision = 0

    # -- what a person looks at

    def model(self) -> Model | None:
        """The project as the daemon has it; None while disconnected."""
        session = bridges.bridge().session
        return session.model if session is not None else None

    def place(self, context: Any) -> Place:
        """Where the person is."""
        bridge, scene = bridges.bridge(), compat.edit_scene(context)
        sequence = bridge.status(scene).sequence
        editor = scene.sequence_editor
        if not sequence or editor is None:
            return Place(sequence)
        zero = bridge.origin(scene)
        active = editor.active_strip
        chosen = sorted(selected(context, editor), key=lambda strip: getattr(strip, compat.A.left))
        span = (
            (scene.frame_preview_start - zero, scene.frame_preview_end + 1 - zero) if scene.use_preview_range else None
        )
        keys = (bridge.key_of(scene, strip) for strip in chosen)
        key = bridge.key_of(scene, active) if active is not None else ""
        return Place(
            sequence,
            max(0, scene.frame_current - zero),
            tuple(key for key in keys if key),
            key,
            span,
            apart=active is not None and not key,
        )

    def reason(self, context: Any, action: str) -> str:
        """Why something cannot be made here, in the person's language; "" when it can."""
        bridge, scene = bridges.bridge(), compat.edit_scene(context)
        status = bridge.status(scene)
        if status.state not in READY:
            return tr("Link this scene to a sequence first") if status.state == "unlinked" else status.sentence
        model, place, fields = self.model(), self.place(context), form.read(context)
        sequence = model.sequences.get(place.sequence) if model is not None else None
        key = (model, sequence.version if sequence is not None else 0, len(model.shots) if model else 0, place, fields)
        if self._reasons[0] != key:
            self._reasons = (key, {})
        held = self._reasons[1]
        if action not in held:
            cannot = offers.reason(model, place, fields, action)
            held[action] = "" if cannot is None else said(cannot)
        return held[action]

    def shot(self, context: Any) -> dict[str, Any] | None:
        """The shot that the active strip shows, as on the wire; None for anything else."""
        model, place = self.model(), self.place(context)
        sequence = model.sequences.get(place.sequence) if model is not None else None
        item = sequence.items.get(place.active) if sequence is not None else None
        if model is None or item is None or item["source"]["type"] != "shot":
            return None
        return model.shots.get(item["source"]["shot"])

    def takes(self, context: Any) -> list[jobs.TakeView]:
        """The takes of the active strip's shot, oldest first."""
        shot = self.shot(context)
        return jobs.takes(shot) if shot is not None else []

    # -- what they ask for

    def start(self, label: str, walk: Walk) -> None:
        """Begins a walk."""
        self.walks.start(label, walk)

    def plan(self, context: Any, action: str) -> Walk:
        """Returns the walk of an action here; raises Cannot."""
        model = self.model()
        if model is None:
            raise Cannot("Genlock is not connected")
        return offers.offer(action).plan(model, self.place(context), form.read(context))

    def post(self, ask: Post, then: Callable[[Any], None]) -> None:
        """Carries a request out. One that a lost connection left open is sent again: it has an id of its own."""

        def answered(answer: Any) -> None:
            if isinstance(answer.error, Offline) and "id" in ask.body:
                self._lost.append((ask, then))
                return
            then(answer.error if answer.error is not None else answer.body)

        body: Body = {**ask.body, "actor": discovery.actor(), "host": HOST}
        bridges.bridge().errands.post(ask.path, body, answered)

    def render(self, ask: Render, then: Callable[[Any], None]) -> None:
        """Renders strips in another Blender."""
        model, scene = self.model(), self._scene(ask.keys)
        if model is None or scene is None:
            then(ClientError("render_failed", "The strip to render is no longer there."))
            return
        zero = bridges.bridge().origin(scene)
        self.renders.start(scene, ask.keys, ask.start + zero, ask.end + zero, renders.folder_of(model), then)

    def ended(self, job: str) -> Body | None:
        """A job that has ended, with its take; None while it has not."""
        model = self.model()
        return None if model is None else ended(model, job)

    def hint(self, **told: bool) -> None:
        """Tells the daemon what this Blender is about to do with the memory."""
        bridge = bridges.bridge()
        if bridge.session is not None:
            bridge.errands.post("/api/hints", {"host": HOST, **told}, None)

    # -- what is found out for them

    def forecast(self, context: Any, action: str) -> Forecast | None:
        """What making this would take; None until it is known. It is asked for when something of it has changed."""
        model = self.model()
        if model is None:
            return None
        place, fields = self.place(context), form.read(context)
        body = forecasts.question(model, place, fields, action)
        if body is None or model.project is None:
            return None
        if self._forecast[0] != body and not self._forecast_pending:
            self._forecast_pending = True
            self._ask_forecast(str(model.project["id"]), body)
        return self._forecast[1] if self._forecast[0] == body else None

    def forget_forecast(self) -> None:
        """Asks anew the next time a panel is drawn."""
        self._forecast = (None, None)

    def _ask_forecast(self, project: str, body: Body) -> None:
        def answered(answer: Any) -> None:
            self._forecast_pending = False
            found = forecasts.answer(answer.body) if answer.error is None else Forecast(error=answer.error.message)
            self._forecast = (body, found)
            self.changed()

        bridges.bridge().errands.post(f"/api/projects/{project}/generate", body, answered)

    def ask_engines(self) -> None:
        """Asks which engines there are and what they lack, once a connection."""
        if self._engines_asked or bridges.bridge().session is None:
            return
        self._engines_asked = True

        def answered(answer: Any) -> None:
            if answer.error is not None:
                self._engines_asked = False
                return
            rows = answer.body if isinstance(answer.body, list) else answer.body.get("engines", [])
            self.engines = tuple(Engine(row["name"], tuple(row["modes"]), row.get("reason", "")) for row in rows)
            self.changed()

        bridges.bridge().errands.get("/api/engines", None, answered)

    # -- the bridge's news

    def open(self) -> None:
        """Begins to listen."""
        bridge = bridges.bridge()
        self._ends = [bridge.listen(self.changed), bridge.listen_all(self.hear)]

    def close(self) -> None:
        """Ends everything that is under way here."""
        for end in self._ends:
            end()
        self._ends = []
        self._lost = []
        self.walks.close()
        self.renders.close()
        self.thumbs.close()

    def hear(self, happening: Any) -> None:
        """Takes a happening of the session."""
        if isinstance(happening, Connected):
            self._engines_asked = False
            self.thumbs.again()
            lost, self._lost = self._lost, []
            for ask, then in lost:
                self.post(ask, then)
        self.walks.look()
        book = bridges.bridge().jobs
        if book is not None and book.revision != self._revision:
            self._revision = book.revision
            self.changed()

    def changed(self) -> None:
        """Something that a panel shows is another: the list follows, and the sequencers are drawn again."""
        mirror()
        for window in compat.windows():
            for area in window.screen.areas:
                if area.type == "SEQUENCE_EDITOR":
                    area.tag_redraw()

    def _fetch(self, path: str, query: dict[str, Any], then: Callable[[Any], None]) -> None:
        bridges.bridge().errands.get(path, query, then, raw=True)

    def _scene(self, keys: tuple[str, ...]) -> Any:
        for scene in bpy.data.scenes:
            if all(bridges.bridge().strip_of(scene, key) is not None for key in keys):
                return scene
        return None


def selected(context: Any, editor: Any) -> list[Any]:
    """The selected strips."""
    for name in ("selected_strips", "selected_sequences"):
        found = getattr(context, name, None)
        if found is not None:
            return list(found)
    return [strip for strip in compat.strips_all(editor) if strip.select]


def said(cannot: Cannot) -> str:
    """Why something cannot be done, in the person's language."""
    return tr(cannot.text).format(**cannot.values)


def mirror() -> None:
    """Makes the job list's rows those of the job book."""
    book = bridges.bridge().jobs
    ids = [job.id for job in book.jobs()] if book is not None else []
    for manager in bpy.data.window_managers:
        rows = getattr(manager, "genlock_rows", None)
        if rows is None or [row.job for row in rows] == ids:
            continue
        rows.clear()
        for id_ in ids:
            rows.add().job = id_
        manager.genlock_row = max(0, min(manager.genlock_row, len(ids) - 1))


_desk: Desk | None = None


def desk() -> Desk:
    """Returns the one desk."""
    global _desk
    if _desk is None:
        _desk = Desk()
    return _desk


def register() -> None:
    """Begins to listen to the bridge."""
    desk().open()


def unregister() -> None:
    """Ends it."""
    global _desk
    if _desk is not None:
        _desk.close()
        _desk = None
