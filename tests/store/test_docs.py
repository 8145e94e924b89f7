"""docs/events.md tells of every event, op and field there is."""

from __future__ import annotations

from typing import get_args

import msgspec

from genlock.store.mapper import EVENTS
from genlock.timeline.ops import Op
from tests.store.document_events import BEGIN, END, PAGE, page


def test_every_event_and_op_has_its_part() -> None:
    text = PAGE.read_text().split(BEGIN)[1].split(END)[0]
    parts = {part.split("\n", 1)[0].strip(): part for part in text.split("\n### ")[1:]}
    for cls, title in [(cls, cls.topic()) for cls in EVENTS] + [(op, op.__name__) for op in get_args(Op)]:
        assert title in parts, f"{title} is not in docs/events.md"
        own = {field.encode_name for field in msgspec.structs.fields(cls)}
        envelope = {"originator_id", "originator_version", "timestamp", "actor", "host", "command_id"}
        envelope |= {"kind", "ref", "label"} if "@" in title else set()
        for name in own - envelope:
            assert f"| `{name}` |" in parts[title], f"{title}.{name} is not in docs/events.md"


def test_the_page_is_up_to_date() -> None:
    text = PAGE.read_text()
    assert text == page(text), "run `python -m tests.store.document_events`"
