"""A bridge without a daemon, and a layout that writes down what is drawn: what panels and operators are tried on."""

from __future__ import annotations

from typing import Any

import bpy

from genlock_blender import compat
from genlock_blender.standing import Status
from genlock_client.errands import Answer
from genlock_client.errors import ClientError
from genlock_client.jobs import JobBook
from genlock_client.model import Model

PROJECT, SEQUENCE, SHOT, JOB = "p" * 32, "s" * 32, "a" * 32, "j" * 32


def take(number: int, **more: Any) -> dict[str, Any]:
    info = {"kind": "video", "frames": 24, "rate": [24, 1], "digest": f"{number:032x}", "width": 128, "height": 72}
    made = {"request": {"mode": "text_to_video", "prompt": f"Prompt {number}", "seed": 40 + number, "frames": 24}}
    made["engine"] = "animatic"
    held = {"id": f"t{number}", "number": number, "path": f"/film/v{number:03d}.mov", "info": info, "provenance": made}
    return {**held, **more}


def job(id_: str, state: str, **more: Any) -> dict[str, Any]:
    status = {"type": state, **({"take": "t1"} if state == "succeeded" else {})}
    if state == "failed":
        status.update(code="engine_failed", message="The engine fell over.")
    request = {"mode": "text_to_video", "shot_code": "SH0010"}
    held = {"id": id_, "shot": SHOT, "request": request, "status": status, "stem": "x", "number": 1, "priority": 0}
    return {**held, "position": 1, "attempt": 1, "engine": "animatic", "version": 1, "project": PROJECT, **more}


def snapshot() -> dict[str, Any]:
    """A project with one sequence: a shot with two pictures and a mask, a gap, and a clip."""
    takes = {each["id"]: each for each in (take(1), take(2), take(3, kind="mask"))}
    brief = {"prompt": "Fog", "frames": 24, "rate": [24, 1]}
    shot = {"id": SHOT, "version": 1, "project": PROJECT, "code": "SH0010", "scene": "", "brief": brief}
    shot.update(status="review", takes=takes, selected="t2")
    media = {"id": "m1", "path": "/film/a.mov", "name": "a.mov", "info": take(1)["info"]}
    items = [
        {
            "id": "one",
            "after": None,
            "gap": 0,
            "duration": 24,
            "source": {"type": "shot", "shot": SHOT},
            "name": "SH0010",
        },
        {
            "id": "two",
            "after": "one",
            "gap": 16,
            "duration": 20,
            "source": {"type": "media", "media": "m1"},
            "name": "a.mov",
        },
    ]
    for item in items:
        item.update(track="v1", name=item["id"])
    track = {"id": "v1", "kind": "video", "name": "V1", "placement": "free", "enabled": True, "locked": False}
    sequence = {"id": SEQUENCE, "project": PROJECT, "version": 3, "name": "Reel", "rate": [24, 1]}
    sequence.update(resolution=[128, 72], duration=60, tracks=[{**track, "after": None, "items": items}])
    sequence.update(transitions=[], markers=[], conflicts=[])
    project = {
        "id": PROJECT,
        "version": 1,
        "name": "Film",
        "settings": {},
        "media": [media],
        "sequences": {SEQUENCE: "Reel"},
    }
    return {"projects": [project], "project": project, "sequences": [sequence], "shots": [shot], "jobs": []}


class FakeSession:
    def __init__(self, model: Model) -> None:
        self.model = model


class FakeErrands:
    """Writes down what is asked; `answer` answers the oldest one."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, Any, Any]] = []

    def get(self, path: str, query: Any = None, then: Any = None, *, raw: bool = False) -> int:
        self.asked.append(("GET", path, query, then))
        return len(self.asked)

    def post(self, path: str, body: Any = None, then: Any = None) -> int:
        self.asked.append(("POST", path, body, then))
        return len(self.asked)

    def take(self, path: str) -> tuple[str, str, Any, Any]:
        """The oldest call of this path, which is then no longer there."""
        found = next(each for each in self.asked if each[1].endswith(path))
        self.asked.remove(found)
        return found

    def answer(self, path: str, body: Any = None, error: ClientError | None = None) -> Any:
        """Answers the oldest call of this path and returns what it had asked."""
        call = self.take(path)
        call[3](Answer(1, 0 if error else 200, body, error))
        return call[2]


class FakeBridge:
    """The bridge's surface over a model that a test makes."""

    def __init__(self, state: str = "linked", **status: Any) -> None:
        self.model = Model()
        self.model.load(snapshot())
        self.session: Any = FakeSession(self.model)
        self.errands = FakeErrands()
        self.jobs: Any = JobBook(self.model)
        self.now = Status(state, "In step.", project=PROJECT, sequence=SEQUENCE)._replace(**status)
        self.commands: list[tuple[dict[str, Any], str, str, Any]] = []
        self.calls: list[tuple[Any, ...]] = []
        self.hearers: list[Any] = []
        self.error: ClientError | None = None

    def status(self, scene: Any) -> Status:
        return self.now

    def key_of(self, scene: Any, strip: Any) -> str:
        return str(strip.get("genlock_id", ""))

    def origin(self, scene: Any) -> int:
        return int(scene.frame_start)

    def strip_of(self, scene: Any, key: str) -> Any:
        return next((s for s in compat.strips_all(scene.sequence_editor) if s.get("genlock_id") == key), None)

    def command(self, command: dict[str, Any], target: str = "", *, label: str = "", then: Any = None) -> str:
        if self.error is not None:
            raise self.error
        self.commands.append((command, target, label, then))
        return str(len(self.commands))

    def listen(self, redraw: Any) -> Any:
        return lambda: None

    def listen_all(self, hear: Any) -> Any:
        self.hearers.append(hear)
        return lambda: self.hearers.remove(hear)

    def projects(self) -> list[dict[str, Any]]:
        return list(self.model.projects.values())

    def sequences(self, project: str) -> list[dict[str, Any]]:
        return [{"id": SEQUENCE, "name": "Reel"}]

    def __getattr__(self, name: str) -> Any:
        if name not in ("connect", "disconnect", "link_new", "link_existing", "unlink", "relink", "sync_now"):
            raise AttributeError(name)
        return lambda *given: self.calls.append((name, *given))


class Button:
    """What `layout.operator` returns: it takes only properties that the operator has."""

    def __init__(self, idname: str) -> None:
        group, _, name = idname.partition(".")
        rna = getattr(getattr(bpy.ops, group), name).get_rna_type()  # raises for an operator that is none
        object.__setattr__(self, "idname", idname)
        object.__setattr__(self, "known", set(rna.properties.keys()))
        object.__setattr__(self, "given", {})

    def __setattr__(self, name: str, value: Any) -> None:
        assert name in self.known, f"{self.idname} has no {name}"
        self.given[name] = value


class Layout:
    """Takes what Blender's own layout takes on this version, and nothing else; remembers it as lines."""

    FUNCTIONS = bpy.types.UILayout.bl_rna.functions
    ICONS = set(FUNCTIONS["label"].parameters["icon"].enum_items.keys())
    SETTABLE = set(bpy.types.UILayout.bl_rna.properties.keys())

    def __init__(self, lines: list[str] | None = None, buttons: list[Button] | None = None) -> None:
        object.__setattr__(self, "lines", [] if lines is None else lines)
        object.__setattr__(self, "buttons", [] if buttons is None else buttons)

    def __setattr__(self, name: str, value: Any) -> None:
        assert name in self.SETTABLE, f"a layout has no {name}"

    def __getattr__(self, name: str) -> Any:
        if name not in self.FUNCTIONS:
            raise AttributeError(name)
        parameters = self.FUNCTIONS[name].parameters

        def call(*given: Any, **named: Any) -> Any:
            unknown = set(named) - set(parameters.keys())
            assert not unknown, f"{name} takes no {unknown}"
            assert named.get("icon", "NONE") in self.ICONS, named
            return self._drawn(name, given, named)

        return call

    def _drawn(self, name: str, given: tuple[Any, ...], named: dict[str, Any]) -> Any:
        if name == "prop":
            data, attribute = given
            assert attribute in data.bl_rna.properties, f"{data} has no {attribute}"
            self.lines.append(f"[{attribute}]")
        elif name == "operator":
            button = Button(given[0])
            self.buttons.append(button)
            self.lines.append(f"<{given[0]}> {named.get('text', '')}".rstrip())
            return button
        elif name in ("label", "progress"):
            self.lines.append(str(named.get("text", "")))
        elif name in ("template_list", "template_icon"):
            self.lines.append(f"{{{name}}}")
        return Layout(self.lines, self.buttons)

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


def strip(scene: Any, key: str, channel: int, left: int, right: int) -> Any:
    """A strip that stands for an item."""
    made = compat.new_effect(compat.strips(scene.sequence_editor), key, "COLOR", channel, left, right)
    made["genlock_id"] = key
    return made
