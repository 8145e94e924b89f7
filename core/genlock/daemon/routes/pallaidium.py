"""Pallaidium's remote backend contract v0.1, so that its "Custom URL" can be this daemon."""

from __future__ import annotations

import re
import secrets
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Request
from fastapi import Path as InPath
from msgspec import Struct
from pydantic import BaseModel, ConfigDict, Field, field_validator
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.responses import FileResponse, Response

from genlock.daemon import pallaidium, uploads
from genlock.daemon.answers import Answer
from genlock.daemon.author import Author
from genlock.daemon.openapi import answers, binary
from genlock.daemon.pallaidium import Ask, JobView, Kind, ModelEntry
from genlock.daemon.paths import media_type
from genlock.daemon.provide import HEX, Uses
from genlock.errors import BadInput

router = APIRouter(prefix="/v1")

CHUNK = 1024 * 1024
NAMED = re.compile(r"\.(png|jpe?g|webp|tiff?|exr|mp4|mov|mkv|webm|avi|wav|flac|mp3|m4a|ogg)", re.I)
Named = Annotated[str, InPath(pattern=HEX, description="32 hex digits")]


class HealthAnswer(Struct):
    status: str
    contract_versions: list[str]


class ModelsAnswer(Struct):
    data: list[ModelEntry]


class SentAnswer(Struct):
    file_id: str


class QueuedAnswer(Struct):
    id: str
    status: str


class Anchor(BaseModel):
    """A picture at a fraction of the clip."""

    model_config = ConfigDict(allow_inf_nan=False)

    file_id: str
    fraction: float = 0.5


class AskBody(BaseModel):
    """What the add-on sends. Fields that we have no use for are passed over, as the contract wants."""

    model_config = ConfigDict(extra="ignore", allow_inf_nan=False)

    model: str = Field("", max_length=200)
    prompt: str = Field("", max_length=20_000)
    negative_prompt: str = Field("", max_length=20_000)
    width: int = Field(1280, ge=16, le=16_384)
    height: int = Field(720, ge=16, le=16_384)
    num_frames: int = Field(97, ge=1, le=100_000)
    fps: float = Field(24.0, gt=0, le=1000)
    seed: int = 0
    strength: float = 1.0
    num_inference_steps: int | None = Field(None, ge=0, le=1000)
    guidance_scale: float | None = None
    image_file_id: str = ""
    last_image_file_id: str = ""
    anchor_file_ids: list[Anchor] = Field(default_factory=list, max_length=64)
    reference_file_ids: list[str] = Field(default_factory=list, max_length=16)
    control_file_id: str = ""
    video_file_id: str = ""

    @field_validator(
        "negative_prompt", "image_file_id", "last_image_file_id", "control_file_id", "video_file_id", mode="before"
    )
    @classmethod
    def _none_is_empty(cls, value: Any) -> Any:
        return "" if value is None else value

    def ask(self) -> Ask:
        """Returns the request as a value."""
        values = self.model_dump(exclude={"anchor_file_ids", "reference_file_ids", "video_file_id", "control_file_id"})
        return Ask(
            **values,
            anchor_file_ids=tuple((anchor.file_id, anchor.fraction) for anchor in self.anchor_file_ids),
            reference_file_ids=tuple(self.reference_file_ids),
            control_file_id=self.control_file_id or self.video_file_id,
        )


@router.get("/health", **answers(HealthAnswer))
async def health() -> Answer:
    """Says which version of the contract is spoken."""
    return Answer(HealthAnswer("ok", [pallaidium.CONTRACT]))


@router.get("/models", **answers(ModelsAnswer))
def models(services: Uses) -> Answer:
    """The engines of this machine, an entry for each thing they make."""
    return Answer(ModelsAnswer(pallaidium.models(services)))


@router.post("/files", **answers(SentAnswer))
async def send(request: Request, services: Uses) -> Answer:
    """Takes a file as multipart/form-data (field `file`); the answer's id names it in requests."""
    async with request.form(max_files=1, max_fields=8) as form:
        upload = form.get("file")
        if not isinstance(upload, UploadFile):
            raise BadInput("bad_request", "The form has no field `file` with a file in it.")
        suffix = Path(upload.filename or "").suffix
        if not NAMED.fullmatch(suffix):
            raise BadInput("bad_name", f"{upload.filename!r} is not a picture, a clip or a sound.")
        id_ = secrets.token_hex(16)
        await run_in_threadpool(pallaidium.tidy, services)
        await uploads.keep(uploads.folder(services) / id_ / f"file{suffix.lower()}", _chunks(upload))
    return Answer(SentAnswer(id_))


@router.get("/files/{id}", **binary("application/octet-stream"))
def fetch(id: Named, services: Uses) -> Response:
    """The bytes of a file that was sent, or of the take that the job of this id made."""
    path = pallaidium.file(services, id)
    kind, _ = media_type(path)
    return FileResponse(path, media_type=kind, filename=path.name)


@router.get("/jobs/{id}", **answers(JobView))
def job(id: Named, services: Uses) -> Answer:
    """How a job is."""
    return Answer(pallaidium.job(services, id))


@router.post("/videos", **answers(QueuedAnswer))
def videos(body: AskBody, services: Uses) -> Answer:
    """Queues a clip."""
    return _queued(services, "video", body)


@router.post("/images/generations", **answers(QueuedAnswer))
def images(body: AskBody, services: Uses) -> Answer:
    """Queues an image."""
    return _queued(services, "image", body)


@router.post("/audio/speech", **answers(QueuedAnswer))
def speech(body: AskBody) -> Answer:
    """Refused: no engine here makes speech."""
    raise BadInput("bad_generation", "Genlock makes no speech.")


@router.post("/audio/transcriptions", **answers(QueuedAnswer))
def transcriptions() -> Answer:
    """Refused: no engine here writes down what is said."""
    raise BadInput("bad_generation", "Genlock writes no transcriptions.")


async def _chunks(upload: UploadFile) -> AsyncIterator[bytes]:
    while chunk := await upload.read(CHUNK):
        yield chunk


def _queued(services: Uses, kind: Kind, body: AskBody) -> Answer:
    author = Author(services.app, pallaidium.HOST, pallaidium.HOST)
    return Answer(QueuedAnswer(pallaidium.ask(services, kind, body.ask(), author), "queued"))
