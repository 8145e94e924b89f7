"""The rules of the Project aggregate."""

from __future__ import annotations

from typing import Any, TypeVar, assert_never

from immutables import Map
from msgspec import UNSET, ValidationError, convert
from msgspec.structs import asdict, replace

from genlock.project.commands import (
    AddMedia,
    ArchiveProject,
    ChangeMedia,
    ChangeSettings,
    CreateProject,
    Note,
    ProjectCommand,
    RemoveElement,
    RemoveMedia,
    RemoveScene,
    RenameProject,
    SetElement,
    SetScene,
    SettingsPatch,
)
from genlock.project.project import (
    Element,
    ElementSet,
    MediaAdded,
    MediaChanged,
    MediaRemoved,
    ProjectArchived,
    ProjectCreated,
    ProjectEvent,
    ProjectNoted,
    ProjectRenamed,
    ProjectSettingsChanged,
    ProjectState,
    Receipt,
    Scene,
    SceneSet,
    SequenceRegistered,
)
from genlock.project.rules import valid
from genlock.stamp import Stamp
from genlock.timeline.decision import Refusal

V = TypeVar("V")

NO_CHANGE = Refusal("no_change")


def decide(state: ProjectState | None, command: ProjectCommand, stamp: Stamp) -> ProjectEvent | Refusal:
    """Returns the event that the command becomes. `state` is None for CreateProject alone."""
    if isinstance(command, CreateProject):
        bad = valid.name(command.name) or valid.settings(command.settings)
        return bad or stamp.make(ProjectCreated, name=command.name.strip(), settings=command.settings)
    if state is None:
        return Refusal("no_such_project")
    if state.archived and not isinstance(command, ArchiveProject | Note):
        return Refusal("archived", f"The project {state.name} was archived.")
    match command:
        case RenameProject(name=name):
            return _rename(state, name.strip(), stamp)
        case ChangeSettings(settings=patch):
            return _change_settings(state, patch, stamp)
        case ArchiveProject(archived=archived):
            return NO_CHANGE if state.archived == archived else stamp.make(ProjectArchived, archived=archived)
        case AddMedia() | ChangeMedia() | RemoveMedia():
            return _decide_media(state, command, stamp)
        case SetElement() | RemoveElement() | SetScene() | RemoveScene():
            return _decide_story(state, command, stamp)
        case Note(note=note, data=data):
            return valid.name(note) or stamp.make(ProjectNoted, note=note, data=data)
        case _:
            assert_never(command)


def evolve(state: ProjectState | None, event: ProjectEvent) -> ProjectState:
    """Returns the state after one event; None before the first."""
    if isinstance(event, ProjectCreated):
        return ProjectState(event.originator_id.hex, event.originator_version, event.name, event.settings)
    assert state is not None
    return replace(state, version=event.originator_version, **_changes(state, event))


def _changes(state: ProjectState, event: ProjectEvent) -> dict[str, Any]:
    match event:
        case ProjectCreated():
            return {}
        case ProjectNoted(note=note):
            receipt = _receipt(event) if note == "export" else None
            return {} if receipt is None else {"receipts": state.receipts.set(receipt.export, receipt)}
        case ProjectSettingsChanged(after=settings):
            return {"settings": settings}
        case ProjectRenamed(after=name):
            return {"name": name}
        case MediaAdded(media=media):
            return {"media": state.media.update({file.id: file for file in media})}
        case MediaChanged(after=file):
            return {"media": state.media.set(file.id, file)}
        case MediaRemoved(media=file):
            return {"media": state.media.delete(file.id)}
        case SequenceRegistered(sequence=sequence, name=name):
            return {"sequences": state.sequences.set(sequence, name)}
        case ElementSet(before=before, after=element):
            return {"elements": _put(state.elements, (element or before), element)}
        case SceneSet(before=before, after=scene):
            return {"scenes": _put(state.scenes, (scene or before), scene)}
        case ProjectArchived(archived=archived):
            return {"archived": archived}
        case _:
            assert_never(event)


def _receipt(event: ProjectNoted) -> Receipt | None:
    """Returns the receipt a note holds, None for one of another shape: any client may note what it likes."""
    names = ("sequence", "version", "dialect", "path", "digest", "nested")
    known = {name: event.data[name] for name in names if name in event.data}
    order = event.originator_version
    export = event.data.get("export") or f"{event.originator_id.hex[:16]}{order:016x}"
    when = event.timestamp.isoformat()
    try:
        return convert({**known, "export": export, "timestamp": when, "order": order}, Receipt)
    except ValidationError:
        return None


def _put(values: Map[str, V], key: Element | Scene | None, value: V | None) -> Map[str, V]:
    if key is None:
        return values
    return values.delete(key.id) if value is None else values.set(key.id, value)


def _rename(state: ProjectState, name: str, stamp: Stamp) -> ProjectEvent | Refusal:
    if name == state.name:
        return NO_CHANGE
    return valid.name(name) or stamp.make(ProjectRenamed, before=state.name, after=name)


def _change_settings(state: ProjectState, patch: SettingsPatch, stamp: Stamp) -> ProjectEvent | Refusal:
    after = replace(state.settings, **{name: value for name, value in asdict(patch).items() if value is not UNSET})
    if after == state.settings:
        return NO_CHANGE
    return valid.settings(after) or stamp.make(ProjectSettingsChanged, before=state.settings, after=after)


def _decide_media(
    state: ProjectState, command: AddMedia | ChangeMedia | RemoveMedia, stamp: Stamp
) -> ProjectEvent | Refusal:
    match command:
        case AddMedia(media=media):
            return _add_media(state, command, stamp)
        case ChangeMedia(media=file):
            before = state.media.get(file.id)
            if before is None:
                return _no_media(file.id)
            if before == file:
                return NO_CHANGE
            return valid.media(file) or stamp.make(MediaChanged, before=before, after=file)
        case RemoveMedia(media=media):
            held = state.media.get(media)
            return _no_media(media) if held is None else stamp.make(MediaRemoved, media=held)
        case _:
            assert_never(command)


def _add_media(state: ProjectState, command: AddMedia, stamp: Stamp) -> ProjectEvent | Refusal:
    fresh = tuple(file for file in command.media if state.media.get(file.id) != file)
    if not fresh:
        return NO_CHANGE
    seen: set[str] = set()
    for file in fresh:
        bad = valid.media(file)
        if bad:
            return bad
        if file.id in state.media or file.id in seen:
            return Refusal("id_taken", f"The media pool already has something else under the id {file.id}.")
        seen.add(file.id)
    return stamp.make(MediaAdded, media=fresh)


def _no_media(media: str) -> Refusal:
    return Refusal("no_such_media", f"The media pool has no {media}.")


def _decide_story(
    state: ProjectState, command: SetElement | RemoveElement | SetScene | RemoveScene, stamp: Stamp
) -> ProjectEvent | Refusal:
    match command:
        case SetElement(element=element):
            before = state.elements.get(element.id)
            if before == element:
                return NO_CHANGE
            return _keyed(element.id, element.name) or stamp.make(ElementSet, before=before, after=element)
        case RemoveElement(element=id_):
            gone = state.elements.get(id_)
            return _nothing("element", id_) if gone is None else stamp.make(ElementSet, before=gone)
        case SetScene(scene=scene):
            return _set_scene(state, scene, stamp)
        case RemoveScene(scene=id_):
            held = state.scenes.get(id_)
            return _nothing("scene", id_) if held is None else stamp.make(SceneSet, before=held)
        case _:
            assert_never(command)


def _set_scene(state: ProjectState, scene: Scene, stamp: Stamp) -> ProjectEvent | Refusal:
    before = state.scenes.get(scene.id)
    if before == scene:
        return NO_CHANGE
    if any(s.code.casefold() == scene.code.casefold() and s.id != scene.id for s in state.scenes.values()):
        return Refusal("name_taken", f"Another scene already has the code {scene.code}.")
    return _keyed(scene.id, scene.code) or valid.code(scene.code) or stamp.make(SceneSet, before=before, after=scene)


def _keyed(id_: str, name: str) -> Refusal | None:
    return valid.name(name) if id_ else Refusal("bad_value", f"{name or 'It'} needs an id.")


def _nothing(kind: str, id_: str) -> Refusal:
    return Refusal("not_found", f"The project has no {kind} {id_}.")
