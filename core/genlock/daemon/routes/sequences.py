"""Sequences, present and past."""

from __future__ import annotations

from fastapi import APIRouter, Query

from genlock.daemon.answers import Answer
from genlock.daemon.openapi import answers
from genlock.daemon.provide import AggregateId, Uses
from genlock.daemon.views import HistoryAnswer, SequenceView

router = APIRouter(prefix="/api/sequences")


@router.get("/{sequence}", **answers(SequenceView))
def sequence(sequence: AggregateId, services: Uses, version: int | None = Query(None, ge=1)) -> Answer:
    """A sequence as it is, or as it was at a version."""
    return Answer(services.app.wire_sequence(sequence, version))


@router.get("/{sequence}/history", **answers(HistoryAnswer))
def history(
    sequence: AggregateId,
    services: Uses,
    actor: str | None = None,
    before: int | None = Query(None, ge=1),
    limit: int = Query(100, ge=1, le=1000),
) -> Answer:
    """What was done, newest first."""
    entries = services.app.history(sequence, actor=actor, before=before, limit=limit)
    return Answer(HistoryAnswer(sequence, services.app.sequence(sequence).version, entries))
