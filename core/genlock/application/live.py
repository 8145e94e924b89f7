"""The live state: one immutable World, swapped whole, and sequences opened on demand from snapshot and tail."""

from __future__ import annotations

import gc
from collections.abc import Iterable
from itertools import count
from threading import Lock
from typing import Any, Final, get_args, get_origin
from uuid import UUID

import msgspec
from immutables import Map
from msgspec import Struct
from msgspec.structs import replace

from genlock.application.opened import Marks, Opened, Taken, begin
from genlock.application.world import World, fold
from genlock.collector import uncollected
from genlock.errors import NotFound, StoreError
from genlock.store.store import EventStore
from genlock.timeline.events import Content, SequenceCreated, SequenceEvent, SequenceImported, content_of, restore
from genlock.timeline.undo import Stacks

SCHEMA: Final = "sequence@1"
"""The format of snapshots; those of another are passed over and made anew."""

CALM: Final = 50_000
"""A group of edits makes thousands of values and drops as many, none of them in a circle: the collector looked for
garbage several times a group and found none, 70 of 200 µs an edit, and stood still for 70 ms now and then."""

OPEN_AT_ONCE: Final = 64
"""Sequences kept in memory; about 8 MB each at 10,000 clips."""


class Image(Struct, frozen=True):
    """What a snapshot holds: the whole sequence with its folds."""

    project: str
    archived: bool
    content: Content
    stacks: Stacks
    marks: Marks
    taken: Map[str, Taken] = Map()


def calm_collector() -> None:
    """Lets the garbage collector look after CALM new values instead of every 700, in the whole process."""
    first, *rest = gc.get_threshold()
    if 0 < first < CALM:
        gc.set_threshold(CALM, *rest)


def encode_image(opened: Opened) -> bytes:
    """Returns the snapshot's bytes."""
    content = content_of(opened.state)
    image = Image(opened.project, opened.state.archived, content, opened.stacks, opened.marks, opened.taken)
    return msgspec.json.encode(image, enc_hook=_from_map)


def decode_image(id_: str, version: int, state: bytes) -> Opened:
    """Returns the sequence of a snapshot's bytes."""
    image = msgspec.json.decode(state, type=Image, dec_hook=_to_map)
    made = restore(id_, version, image.content)
    return Opened(
        image.project,
        replace(made, archived=image.archived),
        image.stacks,
        image.marks,
        base=version,
        snapshot=version,
        taken=image.taken,
    )


def _from_map(value: Any) -> Any:
    if isinstance(value, Map):
        return dict(value)
    raise TypeError(type(value).__name__)


def _to_map(kind: Any, value: Any) -> Any:
    if get_origin(kind) is Map:
        return Map(msgspec.convert(value, dict.__class_getitem__(get_args(kind)), str_keys=True))
    raise TypeError(kind)


def opened_at(store: EventStore, id_: str, version: int | None = None) -> Opened:
    """Returns a sequence at a version (None: its last), from the newest snapshot before it and the events since.

    Raises NotFound: no_such_version when the log does not reach it, no_such_sequence when there is none.
    """
    with uncollected():
        return _opened_at(store, id_, version)


def _opened_at(store: EventStore, id_: str, version: int | None) -> Opened:
    originator = UUID(hex=id_)
    found = store.get_snapshot(originator, version) if version is None or version > 1 else None
    opened = decode_image(id_, found[0], found[2]) if found and found[1] == SCHEMA else None
    for event in store.read(originator, after=opened.state.version if opened else 0, upto=version):
        match event:
            case SequenceCreated() | SequenceImported():
                opened = begin(event)
            case _ if isinstance(event, SequenceEvent) and opened is not None:
                opened = opened.advance(event)
            case _:
                raise StoreError("store_corrupt", f"{id_} holds a {type(event).__name__} where none can be.")
    if opened is None:
        raise NotFound("no_such_sequence", f"There is no sequence {id_}.")
    if version is not None and opened.state.version != version:
        raise NotFound("no_such_version", f"{opened.state.name} has versions 1 to {opened.state.version}.")
    return replace(opened, base=opened.state.version, touched=Map())


def world_of(store: EventStore) -> World:
    """Returns the world of a log: projects, shots and jobs folded, every sequence closed."""
    world = World()
    for names in (("ProjectCreated",), ("ShotCreated",), ("JobQueued",)):
        for originator in store.originators(names):
            world = fold(store.read(originator), world)
    return world.indexed()


class Live:
    """Holds the world. Reading is free of locks; a lock guards the swap alone, never a decision."""

    def __init__(self, store: EventStore, keep: int = OPEN_AT_ONCE) -> None:
        self._store = store
        self._keep = keep
        self._lock = Lock()
        self._clock = count()
        self._used: dict[str, int] = {}
        self._world = world_of(store)

    @property
    def world(self) -> World:
        """The present world."""
        return self._world

    def sequence(self, id_: str) -> Opened:
        """Returns a sequence at its head, opening it when it is not. Raises NotFound(no_such_sequence)."""
        if id_ in self._world.homes:  # asking for what is not there must not fill this
            self._used[id_] = next(self._clock)
        found = self._world.opened.get(id_)
        return found if found is not None else self._open(id_)

    def advance(self, world: World, touched: Iterable[str] = ()) -> None:
        """Swaps in the world after a commit that touched these aggregates."""
        for id_ in touched:
            if id_ in world.opened:
                self._used[id_] = next(self._clock)
        with self._lock:
            self._world = self._thinned(world)

    def reload(self) -> None:
        """Builds the world from the log again, after somebody else wrote to it."""
        world = world_of(self._store)
        with self._lock:
            self._world = world

    def _open(self, id_: str) -> Opened:
        if id_ not in self._world.homes:
            raise NotFound("no_such_sequence", f"There is no sequence {id_}.")
        while True:
            made = opened_at(self._store, id_)
            with self._lock:
                held = self._world.opened.get(id_)
                if held is not None:
                    return held
                # A commit between the read and this line makes what was read old: read again.
                if self._world.heads.get(id_, made.state.version) == made.state.version:
                    self._world = self._thinned(self._world.with_opened(made))
                    return made

    def _thinned(self, world: World) -> World:
        if len(world.opened) <= self._keep:
            return world
        by_use = sorted(world.opened, key=lambda id_: self._used.get(id_, -1), reverse=True)
        opened = world.opened.mutate()
        for id_ in by_use[self._keep :]:
            del opened[id_]
            self._used.pop(id_, None)
        return replace(world, opened=opened.finish())
