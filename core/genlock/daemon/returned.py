"""A cut that came in from a file, in the terms of the project: its media are the pool's, takes of shots are those shots,
and nested sequences that went out with it are the ones that are here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from msgspec.structs import replace

from genlock.application.application import Application
from genlock.daemon.pool import Sources, take_file
from genlock.project.media import MediaFile
from genlock.timeline.events import Content, Placed
from genlock.timeline.match import PathOf, named
from genlock.timeline.model import Gap, Generator, Media, Nested, Shot, Source

__all__ = ["Home", "PathOf", "Paths", "nested_names", "sources_of", "with_sources"]


class Paths:
    """Where the file lies that a source shows: its path, `named` where only its name is known; "" for what is no file."""

    def __init__(self, sources: Sources, files: Iterable[MediaFile] = ()) -> None:
        self._sources = sources
        self._files: dict[str, MediaFile] = {file.id: file for file in files}

    def __call__(self, source: Source) -> str:
        """Returns the path of a source. A nested sequence has one of its own, so that it is never taken for another."""
        match source:
            case Media(media=id_):
                file = self._sources.media.get(id_) or self._files.get(id_)
                return _where(file) if file else ""
            case Shot(shot=shot, take=take):
                found = self._sources.take(shot, take)
                return _where(found) if found else ""
            case Nested(sequence=id_):
                return f"genlock-sequence:{id_}"
            case Generator() | Gap():
                return ""


def _where(file: MediaFile) -> str:
    return file.path or (named(file.name) if file.name else "")


class Home:
    """What a project has, by the paths that foreign files name it with."""

    def __init__(self, app: Application, sources: Sources, project: str) -> None:
        self.pool = sources.media
        self._by_path = {file.path: file.id for file in sources.media.values() if file.path}
        self._takes: dict[str, tuple[str, str | None]] = {}
        for shot in app.shots(project):
            for take in shot.takes.values():
                path = take_file(shot, take).path
                self._takes[path] = (shot.id, None if take.id == shot.selected else take.id)

    def source(self, old: Source, files: Mapping[str, MediaFile], also: Mapping[str, str] = {}) -> Source:
        """Returns the source as the project has it: media of the pool, else the shot whose take it is, else as it came.
        `files` are those that came along, `also` says which of our paths one of theirs stands for."""
        if not isinstance(old, Media) or old.media in self.pool or old.media not in files:
            return old
        path = files[old.media].path
        for known in (path, also.get(path, "")):
            if known in self._by_path:
                return replace(old, media=self._by_path[known])
            if known in self._takes:
                shot, take = self._takes[known]
                return Shot(shot, take, old.first, old.frames, old.rate)
        return old


def with_sources(content: Content, source: Callable[[Source], Source]) -> Content:
    """Returns the content with each item's source replaced; what stays the same is shared."""

    def placed(old: Placed) -> Placed:
        made = source(old.item.source)
        return old if made is old.item.source else replace(old, item=replace(old.item, source=made))

    return replace(
        content,
        tracks=tuple(replace(part, items=tuple(placed(one) for one in part.items)) for part in content.tracks),
    )


def sources_of(content: Content) -> Iterator[Source]:
    """Yields what the items show."""
    return (placed.item.source for part in content.tracks for placed in part.items)


def nested_names(
    app: Application, base: Content, nested: Iterable[tuple[str, Content]], known: Callable[[str], bool]
) -> dict[str, str]:
    """Returns which of the file's nested sequences (ids) are which of those that are here: by their id, else by a name
    that only one of those shown by `base`, directly or inside, has."""
    here: dict[str, list[str]] = {}
    todo, seen = [base], set[str]()
    while todo:
        for source in sources_of(todo.pop()):
            if isinstance(source, Nested) and source.sequence not in seen and known(source.sequence):
                seen.add(source.sequence)
                inner = app.content(source.sequence)
                here.setdefault(inner.name, []).append(source.sequence)
                todo.append(inner)
    found: dict[str, str] = {}
    taken = {id_ for id_, _ in nested if id_ in seen}
    for id_, content in nested:
        same = [one for one in here.get(content.name, ()) if one not in taken]
        if id_ in seen:
            found[id_] = id_
        elif len(same) == 1:
            found[id_] = same[0]
            taken.add(same[0])
    return found
