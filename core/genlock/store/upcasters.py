"""How events of an older schema become today's.

An upcaster takes the JSON of one schema as a dict and returns that of the next. A new field with a default needs none.
Never change what a field means: make a new schema (raise `schema` of the class) and an upcaster. Its golden file
(tests/store/golden) stays for ever.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from genlock.errors import StoreError

Upcaster = Callable[[dict[str, Any]], dict[str, Any]]
Upcasters = Mapping[tuple[str, int], Upcaster]
"""(event name, schema it reads) -> function to schema + 1."""

UPCASTERS: Upcasters = {}
"""Every step since the first release; there is none yet, all events are at schema 1."""


def upcast(name: str, schema: int, current: int, value: dict[str, Any], steps: Upcasters) -> dict[str, Any]:
    """Returns the value at schema `current`. Raises StoreError: unknown_event when a step is missing, store_corrupt when
    the value is not of the schema it claims."""
    for at in range(schema, current):
        step = steps.get((name, at))
        if step is None:
            raise StoreError("unknown_event", f"No upcaster leads from {name}@{at} to {name}@{at + 1}.")
        try:
            value = step(value)
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            raise StoreError("store_corrupt", f"A stored {name}@{at} does not read as one: {error!r}") from error
    return value
