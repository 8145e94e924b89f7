"""The models of this machine, and which of them writes prompts out."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import msgspec
from fastapi import APIRouter, Request
from msgspec import Struct
from starlette.concurrency import run_in_threadpool

from genlock.daemon import language
from genlock.daemon.answers import Answer
from genlock.daemon.language import LlmSettings, LlmView
from genlock.daemon.openapi import answers
from genlock.daemon.provide import Uses
from genlock.generation.engines.ollama.engine import OllamaEngine
from genlock.generation.models.catalog import Licence
from genlock.generation.models.library import library
from genlock.generation.models.listing import rows

router = APIRouter(prefix="/api")


class ModelView(Struct):
    """A model that is known or here. `bytes` and `pieces` are those of its files when it is here, else as published,
    roughly; `problem` says what is wrong with them."""

    name: str
    title: str
    engines: list[str]
    licence: Licence | None
    repository: str
    bytes: int
    pieces: dict[str, int]
    note: str
    here: bool
    path: str
    revision: str
    problem: str


class ModelsAnswer(Struct):
    """`home` is the folder that holds them."""

    home: str
    models: list[ModelView]


@router.get("/models", **answers(ModelsAnswer))
def models() -> Answer:
    """The known models and those that are here; `genlock models` fetches and checks them."""
    here = library()
    return Answer(ModelsAnswer(str(here.home), msgspec.convert(rows(here), list[ModelView])))


@router.get("/settings/llm", **answers(LlmView))
def read_llm(services: Uses) -> Answer:
    """Which language model writes prompts out, and which there are."""
    settings = language.load(language.settings_path(services.settings_file))
    return Answer(language.view(settings, _ollama(services), services.engines))


@router.patch("/settings/llm", **answers(LlmView, body=LlmSettings))
async def change_llm(request: Request, services: Uses) -> Answer:
    """Changes the fields given; they count from the next request on."""
    patch, path = await request.body(), language.settings_path(services.settings_file)
    return Answer(await run_in_threadpool(_change, services, path, patch))


def _change(services: Uses, path: Path, patch: bytes) -> LlmView:
    ollama = _ollama(services)
    return language.view(language.change(path, patch, ollama), ollama, services.engines)


def _ollama(services: Uses) -> OllamaEngine:
    return cast("OllamaEngine", services.engines.get("ollama"))
