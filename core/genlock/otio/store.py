"""Genlock stores: any revision of any sequence, for every OpenTimelineIO tool.

    otioconvert -i studio.genlock -a revision=42 -o cut.edl

Adapter arguments: `sequence`, an id or a name, which may be left out where the store has but one that is not nested;
`revision`, a version of it (the last one when left out); `links=True` writes genlock:// ids in place of paths. The store is
opened to be read only: whoever has it open goes on. Reading only.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from genlock.application.world import World
    from genlock.project.media import MediaFile
    from genlock.store.store import EventStore
    from genlock.timeline.events import Content

SCHEME = "genlock://"


def read_from_file(filepath: str, revision: Any = None, sequence: str = "", links: Any = False) -> Any:
    """Returns an OpenTimelineIO timeline. Raises GenlockError: no_such_file, no_such_sequence, no_such_version,
    ambiguous_name, bad_value."""
    import opentimelineio as otio

    from genlock.application.live import opened_at, world_of
    from genlock.store.reading import open_for_reading
    from genlock.timeline.events import content_of
    from genlock_otio import Tag
    from genlock_otio.outgoing import Outgoing
    from genlock_otio.writer import write

    store = open_for_reading(Path(filepath))
    try:
        world = world_of(store)
        id_ = _chosen(store, world, sequence)
        state = opened_at(store, id_, _version(revision)).state
        media = {file.id: file for project in world.projects.values() for file in project.media.values()}
        outgoing = Outgoing(
            content_of(state),
            media=_linked(media) if _is_true(links) else media,
            takes=_Takes(world, links=_is_true(links)),
            nested=lambda inner: _content(store, world, inner),
            tag=Tag(id_, state.version),
        )
        data = write(outgoing).data
    finally:
        store.close()
    return otio.adapters.read_from_string(data.decode(), "otio_json")


def _version(revision: Any) -> int | None:
    from genlock.errors import BadInput

    if revision in (None, "", "head"):
        return None
    try:
        version = int(revision)
    except (TypeError, ValueError):
        version = 0
    if version < 1:
        raise BadInput("bad_value", f"A revision is a whole number from 1 on, not {revision!r}.")
    return version


def _chosen(store: EventStore, world: World, wanted: str) -> str:
    from genlock.application.live import opened_at
    from genlock.errors import NotFound, Refused
    from genlock.timeline.model import Nested

    if wanted in world.homes:
        return wanted
    states = [opened_at(store, id_).state for id_ in world.homes]
    inner = {item.source.sequence for s in states for item in s.items.values() if isinstance(item.source, Nested)}
    named = {s.id: s.name for s in states if (s.name == wanted if wanted else s.id not in inner and not s.archived)}
    if len(named) == 1:
        return next(iter(named))
    names = ", ".join(f"{s.name} ({s.id})" for s in states if not s.archived) or "none"
    if named:
        asked = f"Several sequences have the name {wanted!r}" if wanted else f"{store.location} has several sequences"
        raise Refused("ambiguous_name", f"{asked}; say which with sequence=: {names}.")
    raise NotFound("no_such_sequence", f"{store.location} has no sequence {wanted!r}; there are: {names}.")


def _content(store: EventStore, world: World, id_: str) -> Content | None:
    from genlock.application.live import opened_at
    from genlock.timeline.events import content_of

    return content_of(opened_at(store, id_).state) if id_ in world.homes else None


def _linked(media: dict[str, MediaFile]) -> dict[str, MediaFile]:
    from msgspec.structs import replace

    return {id_: replace(file, path=f"{SCHEME}media/{id_}") for id_, file in media.items()}


def _is_true(value: Any) -> bool:
    return value in (True, 1, "1", "true", "True", "yes")


class _Takes:
    """Finds the files of takes."""

    def __init__(self, world: World, *, links: bool) -> None:
        self._world = world
        self._links = links

    def __call__(self, shot: str, take: str | None) -> MediaFile | None:
        from msgspec.structs import replace

        from genlock.daemon.pool import selected_take, take_file

        state = self._world.shots.get(shot)
        found = selected_take(state, take) if state is not None else None
        if state is None or found is None:
            return None
        file = take_file(state, found)
        return replace(file, path=f"{SCHEME}take/{shot}/{found.id}") if self._links else file
