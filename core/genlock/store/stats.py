"""Figures about a store."""

from __future__ import annotations

from collections import Counter
from typing import Any

from genlock.store.store import EventStore


def stats(store: EventStore) -> dict[str, Any]:
    """Returns figures, JSON-ready: log, place, schema, created, forked_from, events, commands, snapshots, aggregates
    (by the name of their first event: how many, and how many events), bytes (by part)."""
    last, heads = store.ledger.heads()
    aggregates = Counter(head.name for head in heads)
    events: Counter[str] = Counter()
    for head in heads:
        events[head.name] += head.version
    origin = store.meta.forked_from
    return {
        "log": store.log_id,
        "location": store.location,
        "schema": store.meta.schema,
        "created": store.meta.created,
        "forked_from": None if origin is None else {"log": origin.log, "id": origin.id, "tip": origin.tip},
        "events": last,
        "commands": store.ledger.count_commands(),
        "snapshots": store.ledger.count_snapshots(),
        "aggregates": {name: {"count": aggregates[name], "events": events[name]} for name in sorted(aggregates)},
        "longest": max((head.version for head in heads), default=0),
        "bytes": store.ledger.size(),
    }
