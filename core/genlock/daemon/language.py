"""Which language model writes prompts out, kept in `<store>.llm.json`, and what it is told of a shot.

Read when a request is made: a change counts from the next one on.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, cast

import msgspec
from msgspec import Meta, Struct, structs

from genlock.errors import BadInput, GenlockError, StoreError
from genlock.generation.engines.llm.directing import INSTRUCTIONS, LONGEST
from genlock.generation.engines.llm.engine import NAME
from genlock.generation.engines.ollama.asking import address
from genlock.generation.engines.ollama.engine import OllamaEngine
from genlock.generation.models.library import Library, library

if TYPE_CHECKING:
    from genlock.application.application import Application
    from genlock.daemon.services import Services
    from genlock.generation.engine import Engines

Provider = Literal["auto", "gemma3", "ollama", "embedded"]

ENGINES: Final[dict[Provider, str]] = {"auto": "", "gemma3": "llm", "ollama": "ollama", "embedded": "animatic"}
"""Provider -> engine; without a name the first that can."""


class LlmSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Take effect with the next request.

    `model` is one of the provider's (empty: its usual one), `url` and `keep_alive` are Ollama's (how long it keeps a model
    in memory: `5m`, `0` not at all, `-1` for ever), `system` replaces our instructions.
    """

    provider: Provider = "auto"
    model: Annotated[str, Meta(max_length=200)] = ""
    url: Annotated[str, Meta(max_length=500)] = ""
    keep_alive: Annotated[str, Meta(pattern=r"^(-1|0|\d{1,6}(s|m|h))$")] = "5m"
    temperature: Annotated[float, Meta(ge=0, le=2)] = 0.7
    system: Annotated[str, Meta(max_length=LONGEST)] = ""


class LlmModel(Struct, frozen=True):
    """A model a provider has, and its bytes there."""

    name: str
    bytes: int


class LlmProvider(Struct, frozen=True):
    """A provider: what it has, or why it cannot be used."""

    name: Provider
    available: bool
    reason: str = ""
    models: list[LlmModel] = []


class LlmView(Struct, frozen=True):
    """The settings, the providers, and the instructions used while `system` is empty."""

    settings: LlmSettings
    providers: list[LlmProvider]
    instructions: str


def settings_path(daemon_settings: Path) -> Path:
    """Returns where they lie, beside the daemon's own."""
    return daemon_settings.with_name(daemon_settings.name.removesuffix("settings.json") + "llm.json")


def load(path: Path) -> LlmSettings:
    """Returns the settings of the file, the defaults when there is none; BadInput(bad_value) when it is wrong."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=LlmSettings)
    except FileNotFoundError:
        return LlmSettings()
    except (msgspec.DecodeError, OSError) as error:
        raise BadInput("bad_value", f"{path} cannot be used: {error}.", hint="Repair or delete the file.") from error


def change(path: Path, patch: bytes, ollama: OllamaEngine, home: Library | None = None) -> LlmSettings:
    """Writes the settings with some fields replaced (`patch` is a JSON object) and returns them.

    Another provider begins with its usual model. Raises BadInput(bad_value) for what cannot be, a model the provider lacks
    among it; GenerationError(language_model) when a model is named and the server cannot be asked.
    """
    held = load(path)
    try:
        given = msgspec.json.decode(patch, type=dict[str, Any])
        if given.get("provider", held.provider) != held.provider:
            given = {"model": "", **given}
        changed = msgspec.convert({**msgspec.to_builtins(held), **given}, LlmSettings)
    except msgspec.DecodeError as error:
        raise BadInput("bad_value", f"{error}.") from error
    if changed.url:
        changed = structs.replace(changed, url=address(changed.url))
    if changed.model:
        names = _names(changed, ollama, home or library())
        if changed.model not in names:
            raise BadInput(
                "bad_value", f"{changed.provider} has no model {changed.model}; it has {', '.join(names) or 'none'}."
            )
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(msgspec.json.format(msgspec.json.encode(changed), indent=2))
        temporary.replace(path)
    except OSError as error:
        raise StoreError("store_unwritable", f"{path} cannot be written: {error}.") from error
    ollama.url = changed.url
    return changed


def view(settings: LlmSettings, ollama: OllamaEngine, engines: Engines, home: Library | None = None) -> LlmView:
    """Returns what a settings page shows; takes a quarter second at most when no Ollama answers."""
    writer = engines.get("llm")
    reason = writer.missing()
    local = [LlmModel(name, count) for name, count in _local(home or library())]
    providers = [
        LlmProvider("gemma3", not reason, reason, local),
        _server(settings, ollama),
        LlmProvider("embedded", True),
    ]
    able = any(provider.available for provider in providers[:2])
    auto = LlmProvider("auto", True, "" if able else "No language model is here: the embedded phrases are used.")
    return LlmView(settings, [auto, *providers], INSTRUCTIONS)


def llm_request_fields(settings: LlmSettings, context: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the fields of a request that asks the chosen model: `engine` and `settings`."""
    chosen: dict[str, Any] = {"context": dict(context), "temperature": settings.temperature}
    if settings.provider in ("auto", "ollama"):
        alive = settings.keep_alive
        chosen["keep_alive"] = int(alive) if alive in ("0", "-1") else alive
        chosen["url"] = settings.url
    if settings.model:
        chosen["model"] = settings.model
    if settings.system:
        chosen["system"] = settings.system
    return {"engine": ENGINES[settings.provider], "settings": chosen}


def chosen(services: Services, shot: str, overrides: dict[str, Any]) -> dict[str, Any]:
    """Returns the overrides of a shot's request with the model that is chosen now, see `completed`."""
    if overrides.get("mode") != "enhance_prompt":
        return overrides
    return completed(services.app, load(settings_path(services.settings_file)), shot, overrides)


def apply(settings: LlmSettings, engines: Engines) -> None:
    """Has the engines use the settings' server, also for requests that waited through a restart."""
    cast("OllamaEngine", engines.get("ollama")).url = settings.url


def completed(app: Application, settings: LlmSettings, shot: str, overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the overrides of a request to write a shot's prompt out, with the model chosen and what it should know of the
    shot; what was given stays. Those of other requests come back as they are. Raises NotFound(no_such_shot)."""
    if overrides.get("mode") != "enhance_prompt":
        return dict(overrides)
    fields = llm_request_fields(settings, shot_context(app, shot))
    given = overrides.get("settings")
    if overrides.get("engine"):  # another engine than the one chosen has other models
        fields["settings"] = {key: fields["settings"][key] for key in ("context", "temperature")}
    return {**fields, **overrides, "settings": {**fields["settings"], **(given if isinstance(given, dict) else {})}}


def shot_context(app: Application, shot: str) -> dict[str, Any]:
    """Returns the facts of a shot by the keys of `directing.FACTS`: its neighbours are those of its scene, by code."""
    state = app.shot(shot)
    project = app.project(state.project)
    brief = state.brief
    scene = next((scene for scene in project.scenes.values() if state.scene in (scene.id, scene.code)), None)
    beside = [other for other in app.shots(state.project) if other.scene == state.scene and other.status != "omitted"]
    at = next((number for number, other in enumerate(beside) if other.id == shot), 0)
    words = brief.prompt.casefold()
    elements = [
        f"{element.name} ({element.description})" if element.description else element.name
        for element in project.elements.values()
        if element.name and element.name.casefold() in words
    ]
    facts = {
        "shot": state.code,
        "scene": " ".join(filter(None, (scene.code, scene.heading, scene.text))) if scene else state.scene,
        "shot_type": brief.shot_type,
        "camera": brief.camera,
        "seconds": f"{float(brief.frames / brief.rate.fraction):.1f}",
        "elements": elements,
        "notes": brief.notes,
        "negative_prompt": brief.negative_prompt,
        "before": [other.brief.prompt for other in beside[max(0, at - 2) : at] if other.brief.prompt],
        "after": [other.brief.prompt for other in beside[at + 1 : at + 2] if other.brief.prompt],
    }
    return {key: value for key, value in facts.items() if value}


def _names(settings: LlmSettings, ollama: OllamaEngine, home: Library) -> list[str]:
    match settings.provider:
        case "ollama":
            return [held.name for held in ollama.held(address(settings.url))]
        case "gemma3":
            return [name for name, _ in _local(home)]
        case "auto" | "embedded":
            return []


def _server(settings: LlmSettings, ollama: OllamaEngine) -> LlmProvider:
    try:
        held = ollama.held(address(settings.url))
    except GenlockError as error:
        return LlmProvider("ollama", False, error.message)
    models = [LlmModel(each.name, each.size) for each in held]
    return LlmProvider("ollama", bool(models), "" if models else "The server has no model.", models)


def _local(home: Library) -> list[tuple[str, int]]:
    """Returns the models in the library that the llm engine can load."""
    found = []
    for name in home.names():
        try:
            model = home.require(name)
        except GenlockError:
            continue
        part = model.parts.get("")
        if part is not None and part.config.get("model_type") == NAME:
            found.append((name, model.bytes))
    return found
