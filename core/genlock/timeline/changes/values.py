"""One edit between two versions, as a person would call it."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct

ChangeKind = Literal[
    "inserted",
    "removed",
    "lifted",
    "moved",
    "rippled",
    "trimmed",
    "slipped",
    "slid",
    "rolled",
    "split",
    "joined",
    "replaced",
    "retimed",
    "media",
    "enabled",
    "disabled",
    "renamed",
    "effects",
    "linked",
    "unlinked",
    "metadata",
    "gap",
    "transition added",
    "transition changed",
    "transition removed",
    "marker added",
    "marker changed",
    "marker removed",
    "track added",
    "track removed",
    "track moved",
    "track changed",
    "sequence changed",
]
"""`removed` closed up or left the end of a track, `lifted` left a hole; `rippled` is everything from an item on moving by
one distance with no edit to explain it; `media` is what is known of the source's length; `metadata` other tools' data;
`gap` a hole at the end of a magnetic track."""


class Change(Struct, frozen=True, omit_defaults=True):
    """One edit.

    `about` is the id of the item, marker, track or sequence, or a transition's key; `name` and `track` are names, for
    reading. `at` is a record frame counted from the sequence's first one: where it is now, or was when it is gone.
    `detail` is one plain sentence. `before` and `after` are the values concerned, JSON-ready.
    """

    kind: ChangeKind
    about: str
    name: str = ""
    track: str = ""
    at: int = 0
    detail: str = ""
    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None
