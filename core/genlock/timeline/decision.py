"""What `decide` answers."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b

from msgspec import Struct

from genlock.timeline.events import Content
from genlock.timeline.ops import Op
from genlock.timeline.sequence import Sequence


class Conflict(Struct, frozen=True, omit_defaults=True):
    """One thing that stands against an edit: a code of the error table, the id concerned, a sentence."""

    code: str
    id: str
    message: str = ""


class Refusal(Struct, frozen=True, omit_defaults=True):
    """Why an edit is not made. The state stays as it is."""

    code: str
    message: str = ""
    conflicts: tuple[Conflict, ...] = ()


class Decision(Struct, frozen=True, omit_defaults=True):
    """The ops of one edit, its command's name, and a line for the history. `spawned` are new sequences that go with it
    (sequence id -> content), from nesting."""

    ops: tuple[Op, ...]
    intent: str
    label: str
    spawned: tuple[tuple[str, Content], ...] = ()


class Context(Struct, frozen=True):
    """What a decision may ask for besides the state. `nested` finds another sequence by id (None: there is none)."""

    command_id: str
    nested: Callable[[str], Sequence | None] = lambda _: None


class Ids:
    """Makes ids that depend on the command id alone, so that a repeated command makes the same ones."""

    def __init__(self, command_id: str) -> None:
        self._seed = command_id.encode()
        self._count = 0

    def new(self, prefix: str) -> str:
        """Returns the next id: the prefix (`i` item, `t` track, `l` link, `m` marker) and 16 hex digits."""
        self._count += 1
        return prefix + blake2b(b"%s/%d" % (self._seed, self._count), digest_size=8).hexdigest()
