# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person does about the connection, the link and open conflicts. None of it waits for the daemon."""

from __future__ import annotations

from typing import Any

import bpy
from bpy.props import EnumProperty, StringProperty

from genlock_client.errors import ClientError
from genlock_client.happenings import CommandRefused

from . import bridge as bridges
from . import compat, desk
from .translations import tr

LINKED = (*desk.READY, "offline", "asking", "stopped", "linking")
"""States of a scene that has a link to lose."""
_entries: dict[str, list[tuple[str, str, str]]] = {}
"""Entries of menus that are made when they are opened: Blender keeps pointers into them."""


def status(context: Any) -> bridges.Status:
    """Returns how the edited scene stands."""
    return bridges.bridge().status(compat.edit_scene(context))


def needs(cls: Any, met: bool, message: str) -> bool:
    """Returns `met`; a button that is grey for it says why."""
    if not met:
        cls.poll_message_set(tr(message))
    return met


def _projects(self: Any, context: Any) -> list[tuple[str, str, str]]:
    rows = [("NEW", tr("New Project"), tr("A project beside this file"))]
    rows += [(each["id"], str(each["name"]), "") for each in bridges.bridge().projects()]
    return _kept("projects", rows)


def _sequences(self: Any, context: Any) -> list[tuple[str, str, str]]:
    bridge = bridges.bridge()
    rows = [
        (f"{project['id']}/{each['id']}", f"{project['name']} – {each['name']}", "")
        for project in bridge.projects()
        for each in bridge.sequences(project["id"])
    ]
    return _kept("sequences", rows or [("NONE", tr("No sequence is known yet"), "")])


def _kept(name: str, rows: list[tuple[str, str, str]]) -> list[tuple[str, str, str]]:
    held = _entries.setdefault(name, [])
    if held != rows:
        held[:] = rows
    return held


class GENLOCK_OT_connect(bpy.types.Operator):
    """Look for the daemon, and go on looking"""

    bl_idname = "genlock.connect"
    bl_label = "Connect"

    @classmethod
    def poll(cls, context: Any) -> bool:
        return needs(cls, bridges.bridge().session is None, "Genlock is connected")

    def execute(self, context: Any) -> set[str]:
        bridges.bridge().connect()
        return {"FINISHED"}


class GENLOCK_OT_disconnect(bpy.types.Operator):
    """Leave the daemon. Linked scenes stay linked; what you edit is sent when you connect again"""

    bl_idname = "genlock.disconnect"
    bl_label = "Disconnect"

    @classmethod
    def poll(cls, context: Any) -> bool:
        return needs(cls, bridges.bridge().session is not None, "Genlock is not connected")

    def execute(self, context: Any) -> set[str]:
        bridges.bridge().disconnect()
        return {"FINISHED"}


class GENLOCK_OT_link_new(bpy.types.Operator):
    """Make a sequence of this scene's strips, and keep both in step from then on"""

    bl_idname = "genlock.link_new"
    bl_label = "New Sequence from Scene"

    __annotations__ = {
        "project": EnumProperty(name="Project", description="The project it becomes part of", items=_projects),
        "name": StringProperty(name="Name", description="The sequence's name; the scene's when empty"),
    }

    @classmethod
    def poll(cls, context: Any) -> bool:
        return needs(cls, status(context).state == "unlinked", "Connect first, and unlink what is linked")

    def invoke(self, context: Any, event: Any) -> set[str]:
        self.name = compat.edit_scene(context).name
        found: set[str] = context.window_manager.invoke_props_dialog(self)
        return found

    def execute(self, context: Any) -> set[str]:
        project = "" if self.project in ("", "NEW") else self.project
        bridges.bridge().link_new(compat.edit_scene(context), project, self.name)
        return {"FINISHED"}


class GENLOCK_OT_link_existing(bpy.types.Operator):
    """Show a sequence of the daemon in this scene. Frame rate and size of the scene become the sequence's"""

    bl_idname = "genlock.link_existing"
    bl_label = "Link to Sequence"
    bl_property = "sequence"

    __annotations__ = {"sequence": EnumProperty(name="Sequence", description="What to show here", items=_sequences)}

    @classmethod
    def poll(cls, context: Any) -> bool:
        return needs(cls, status(context).state == "unlinked", "Connect first, and unlink what is linked")

    def invoke(self, context: Any, event: Any) -> set[str]:
        context.window_manager.invoke_search_popup(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: Any) -> set[str]:
        project, _, sequence = self.sequence.partition("/")
        if not sequence:
            self.report({"WARNING"}, tr("No sequence is known yet"))
            return {"CANCELLED"}
        bridges.bridge().link_existing(compat.edit_scene(context), sequence, project)
        return {"FINISHED"}


class GENLOCK_OT_unlink(bpy.types.Operator):
    """Forget the link. The strips stay as they are; what is in the daemon stays too"""

    bl_idname = "genlock.unlink"
    bl_label = "Unlink"

    @classmethod
    def poll(cls, context: Any) -> bool:
        return needs(cls, status(context).state in LINKED, "This scene is linked to nothing")

    def invoke(self, context: Any, event: Any) -> set[str]:
        found: set[str] = context.window_manager.invoke_confirm(self, event)
        return found

    def execute(self, context: Any) -> set[str]:
        bridges.bridge().unlink(compat.edit_scene(context))
        return {"FINISHED"}


class GENLOCK_OT_relink(bpy.types.Operator):
    """Answer what this copy of the file is"""

    bl_idname = "genlock.relink"
    bl_label = "Answer"

    __annotations__ = {
        "choice": EnumProperty(
            name="Answer",
            items=(
                ("fork", "A Sequence of Its Own", "This file goes its own way from here"),
                ("continue", "The Same Sequence", "This file takes the other one's place"),
                ("unlink", "Unlink", "This file is linked to nothing"),
            ),
        )
    }

    @classmethod
    def poll(cls, context: Any) -> bool:
        return needs(cls, status(context).state == "asking", "No question is open")

    @classmethod
    def description(cls, context: Any, properties: Any) -> str:
        entries = {
            "fork": "This file goes its own way from here",
            "continue": "This file takes the other one's place",
            "unlink": "This file is linked to nothing",
        }
        return tr(entries.get(properties.choice, cls.__doc__ or ""))

    def execute(self, context: Any) -> set[str]:
        bridges.bridge().relink(compat.edit_scene(context), self.choice)
        return {"FINISHED"}


class GENLOCK_OT_sync_now(bpy.types.Operator):
    """Look at every strip at once, and try again what could not be sent or shown"""

    bl_idname = "genlock.sync_now"
    bl_label = "Look Again"

    @classmethod
    def poll(cls, context: Any) -> bool:
        return needs(cls, status(context).state in LINKED, "This scene is linked to nothing")

    def execute(self, context: Any) -> set[str]:
        bridges.bridge().sync_now(compat.edit_scene(context))
        return {"FINISHED"}


class GENLOCK_OT_open_panel(bpy.types.Operator):
    """Open the web panel in the browser, logged in"""

    bl_idname = "genlock.open_panel"
    bl_label = "Open Web Panel"

    @classmethod
    def poll(cls, context: Any) -> bool:
        away = status(context).state in ("absent", "connecting", "denied", "offline")
        return needs(cls, bridges.bridge().session is not None and not away, "Genlock is not connected")

    def execute(self, context: Any) -> set[str]:
        def answered(answer: Any) -> None:
            if answer.error is None:
                bpy.ops.wm.url_open(url=answer.body["url"])  # its code works once and is nowhere kept

        bridges.bridge().errands.post("/login-code", None, answered)
        return {"FINISHED"}


class GENLOCK_OT_resolve(bpy.types.Operator):
    """Settle a conflict"""

    bl_idname = "genlock.resolve"
    bl_label = "Settle"

    __annotations__ = {
        "conflict": StringProperty(options={"SKIP_SAVE"}),
        "choice": StringProperty(options={"SKIP_SAVE"}),
    }

    @classmethod
    def poll(cls, context: Any) -> bool:
        return needs(cls, status(context).state in desk.READY, "Genlock is not connected")

    def execute(self, context: Any) -> set[str]:
        command = {"do": "ResolveConflict", "conflict": self.conflict, "choice": self.choice}
        return send(self, command, status(context).sequence)


def send(operator: Any, command: dict[str, Any], target: str, label: str = "") -> set[str]:
    """Sends a command for an operator; what is refused later is said in the list of what is under way."""
    held = desk.desk()

    def answered(answer: Any) -> None:
        if isinstance(answer, CommandRefused):
            held.walks.failed(label or command["do"], answer.error)

    try:
        bridges.bridge().command(command, target, label=label, then=answered)
    except ClientError as error:
        operator.report({"ERROR"}, error.message)
        return {"CANCELLED"}
    return {"FINISHED"}


CLASSES = (
    GENLOCK_OT_connect,
    GENLOCK_OT_disconnect,
    GENLOCK_OT_link_new,
    GENLOCK_OT_link_existing,
    GENLOCK_OT_unlink,
    GENLOCK_OT_relink,
    GENLOCK_OT_sync_now,
    GENLOCK_OT_open_panel,
    GENLOCK_OT_resolve,
)
