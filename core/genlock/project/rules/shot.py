"""The rules of the Shot aggregate."""

from __future__ import annotations

from typing import Any, assert_never

from msgspec.structs import replace

from genlock.project.commands import (
    AddTake,
    ChangeBrief,
    CreateShot,
    RenameShot,
    SelectTake,
    SetShotStatus,
    ShotCommand,
)
from genlock.project.rules import valid
from genlock.project.shot import (
    ShotBriefed,
    ShotCreated,
    ShotEvent,
    ShotRenamed,
    ShotState,
    ShotStatusSet,
    Take,
    TakeAdded,
    TakeSelected,
)
from genlock.stamp import Stamp
from genlock.timeline.decision import Refusal

NO_CHANGE = Refusal("no_change")


def decide(state: ShotState | None, command: ShotCommand, stamp: Stamp) -> ShotEvent | Refusal:
    """Returns the event that the command becomes. `state` is None for CreateShot alone."""
    if isinstance(command, CreateShot):
        bad = valid.code(command.code) or valid.scene(command.scene) or valid.brief(command.brief)
        return bad or stamp.make(
            ShotCreated, project=command.project, code=command.code, scene=command.scene, brief=command.brief
        )
    if state is None:
        return Refusal("no_such_shot")
    match command:
        case ChangeBrief(brief=brief):
            if brief == state.brief:
                return NO_CHANGE
            return valid.brief(brief) or stamp.make(ShotBriefed, before=state.brief, after=brief)
        case RenameShot():
            return _rename(state, command, stamp)
        case SetShotStatus(status=status):
            if status == state.status:
                return NO_CHANGE
            return stamp.make(ShotStatusSet, before=state.status, after=status)
        case AddTake(take=take, select=select):
            return add_take(state, take, stamp, select=select)
        case SelectTake(take=take_id):
            return _select(state, take_id, stamp)
        case _:
            assert_never(command)


def add_take(state: ShotState, take: Take, stamp: Stamp, *, select: bool = True) -> ShotEvent | Refusal:
    """Returns the event of a take that arrived; its id and its number must be free. Only a picture is selected."""
    if take.id in state.takes:
        return Refusal("id_taken", f"The shot {state.code} already has a take {take.id}.")
    if any(other.number == take.number for other in state.takes.values()):
        return Refusal("name_taken", f"The shot {state.code} already has a take number {take.number}.")
    shown = select and take.kind == "picture"
    return valid.take(take) or stamp.make(TakeAdded, take=take, select=shown)


def evolve(state: ShotState | None, event: ShotEvent) -> ShotState:
    """Returns the state after one event; None before the first."""
    if isinstance(event, ShotCreated):
        return ShotState(
            id=event.originator_id.hex,
            version=event.originator_version,
            project=event.project,
            code=event.code,
            scene=event.scene,
            brief=event.brief,
        )
    assert state is not None
    return replace(state, version=event.originator_version, **_changes(state, event))


def _changes(state: ShotState, event: ShotEvent) -> dict[str, Any]:
    match event:
        case ShotCreated():
            return {}
        case ShotBriefed(after=brief):
            return {"brief": brief}
        case ShotRenamed(code=(_, code), scene=(_, scene)):
            return {"code": code, "scene": scene}
        case ShotStatusSet(after=status):
            return {"status": status}
        case TakeAdded(take=take, select=select):
            return {
                "takes": state.takes.set(take.id, take),
                "selected": take.id if select else state.selected,
            }
        case TakeSelected(after=selected):
            return {"selected": selected}
        case _:
            assert_never(event)


def _rename(state: ShotState, command: RenameShot, stamp: Stamp) -> ShotEvent | Refusal:
    code = state.code if command.code is None else command.code
    scene = state.scene if command.scene is None else command.scene
    if (code, scene) == (state.code, state.scene):
        return NO_CHANGE
    bad = valid.code(code) or valid.scene(scene)
    return bad or stamp.make(ShotRenamed, code=(state.code, code), scene=(state.scene, scene))


def _select(state: ShotState, take: str | None, stamp: Stamp) -> ShotEvent | Refusal:
    if take == state.selected:
        return NO_CHANGE
    if take is not None and take not in state.takes:
        return Refusal("no_such_take", f"The shot {state.code} has no take {take}.")
    if take is not None and (kind := state.takes[take].kind) != "picture":
        return Refusal(
            "wrong_state", f"Take {state.takes[take].number} of {state.code} is a {kind}: only pictures are shown."
        )
    return stamp.make(TakeSelected, before=state.selected, after=take)
