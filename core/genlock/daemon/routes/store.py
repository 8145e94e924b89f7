"""The store itself: figures, proof, backup, export."""

from __future__ import annotations

import msgspec
from fastapi import APIRouter

from genlock.daemon.answers import Answer
from genlock.daemon.openapi import answers
from genlock.daemon.provide import Body, Uses
from genlock.daemon.views import PathAnswer, StoreView, VerifyAnswer
from genlock.errors import BadInput

router = APIRouter(prefix="/api/store")


class PathBody(Body):
    """Where to write; the file must not exist."""

    path: str


@router.get("", **answers(StoreView))
def store(services: Uses) -> Answer:
    """What the store holds."""
    from genlock.store.stats import stats

    held = services.store
    return Answer(StoreView(held.location, held.log_id, held.tip(), msgspec.to_builtins(stats(held))))


@router.post("/verify", **answers(VerifyAnswer))
def verify(services: Uses) -> Answer:
    """Proves the whole log: chain, checksums, versions."""
    from genlock.store import verify as proof

    report = proof.verify(services.store)
    return Answer(VerifyAnswer(bool(report.ok), msgspec.to_builtins(report)))


@router.post("/backup", **answers(PathAnswer))
def backup(body: PathBody, services: Uses) -> Answer:
    """Copies the store while it runs."""
    from genlock.store import backup as copy

    path = services.roots.writable(body.path, (".genlock", ".db", ".sqlite", ".backup", ".dump", ".jsonl"))
    _absent(path.exists(), body.path)
    copy.backup(services.store, path)
    return Answer(PathAnswer(str(path)))


@router.post("/export", **answers(PathAnswer))
def export(body: PathBody, services: Uses) -> Answer:
    """Writes the whole log as JSON Lines."""
    from genlock.store import jsonl

    path = services.roots.writable(body.path, (".jsonl",))
    _absent(path.exists(), body.path)
    jsonl.export(services.store, path)
    return Answer(PathAnswer(str(path)))


def _absent(exists: bool, path: str) -> None:
    if exists:
        raise BadInput("bad_name", f"{path} is there already; backups and exports never overwrite.")
