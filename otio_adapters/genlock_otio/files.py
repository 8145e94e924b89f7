"""Files in and out, whatever their format: which dialect a file is, how it is read and written, what it will not carry."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

from msgspec.structs import replace

from genlock.collector import uncollected
from genlock.errors import BadInput, NotFound
from genlock.project.media import MediaFile
from genlock.timeline.events import Content
from genlock.timeline.model import Item
from genlock.timeline.profiles import ALL, Profile
from genlock.timeline.projection import losses
from genlock.timeline.projection.table import of_kind
from genlock.timeline.rate import Rate
from genlock_otio import bundle, lists
from genlock_otio.dialects import DIALECTS, Dialect, Incoming, dialect_of
from genlock_otio.door import LIMITS, Limits, read_bytes
from genlock_otio.families import as_of
from genlock_otio.lists import LISTS, kind_of
from genlock_otio.outgoing import Outgoing, Written
from genlock_otio.placing import Making, place
from genlock_otio.values import Imported, Loss, LossRow, Tag

BUNDLES: Final = (".otioz", ".otiod")
TOLD: Final = frozenset(kind for kind in LISTS if not kind.startswith("changes"))
"""Lists of one cut; what changed between two is nothing that a cut alone can tell."""
_HEAD: Final = 64 * 1024
"""Bytes of a file of unknown suffix that are looked at before it is read whole: films are not."""

Takes = Callable[[str, str | None], MediaFile | None]
Nesting = Callable[[str], Content | None]


def read(
    path: Path,
    *,
    dialect: str = "",
    rate: Rate | None = None,
    limits: Limits = LIMITS,
    media_folder: Path | None = None,
    name: str = "",
) -> Imported:
    """Reads a timeline file of any format: the `dialect` asked for, else by suffix and by what the bytes say.

    `rate` is for formats that do not say theirs. `media_folder` is where the media of a bundle is unpacked to; without it
    they stay inside and are marked missing. `name` is what a cut without a title is called, and the file in messages; ""
    for the file's own name. Raises NotFound(no_such_file) and BadInput: unknown_format, too_large,
    too_deep, bad_json, bad_xml, bad_time, bad_rate, bad_timeline, with the place in the file. Nothing outside the file is
    looked at.
    """
    with uncollected():
        return _read(Path(path), dialect, rate, limits, media_folder, name)


def _read(
    path: Path, dialect: str, rate: Rate | None, limits: Limits, media_folder: Path | None, name: str
) -> Imported:
    asked = dialect_of(path, dialect) if dialect else None

    def timeline(data: bytes, base: Path, name: str, limits: Limits) -> Imported:
        return DIALECTS["otio"].read(Incoming(data, name, base, rate, limits))

    match path.suffix.lower():
        case ".otioz":
            return bundle.read_zip(path, limits, media_folder, timeline)
        case ".otiod":
            inside = path / "content.otio"
            if path.exists() and not inside.is_file():
                raise BadInput("unknown_format", f"{path.name} holds no content.otio.")
            return timeline(read_bytes(inside, limits), path.absolute(), path.stem, limits)
        case ".fcpxmld":
            inside = path / "Info.fcpxml"
            if path.exists() and not inside.is_file():
                raise BadInput("unknown_format", f"{path.name} holds no Info.fcpxml.")
            return DIALECTS["fcpx"].read(Incoming(read_bytes(inside, limits), path.stem, path.absolute(), rate, limits))
        case ".ale" if asked is None:
            return lists.read_clips(Incoming(read_bytes(path, limits), path.stem, path.absolute().parent, rate, limits))
        case suffix:
            found = asked or _dialect_on_disk(path, suffix)
            incoming = Incoming(read_bytes(path, limits), name or path.stem, path.absolute().parent, rate, limits)
            if asked is None:
                found = _recognized(found, suffix, incoming.data)
            return found.read(incoming)


def _dialect_on_disk(path: Path, suffix: str) -> Dialect:
    """Returns the first dialect of the suffix, else of what the file starts with."""
    found = next(_of_suffix(suffix), None)
    if found is not None:
        return found
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except FileNotFoundError as error:
        raise NotFound("no_such_file", f"{path} does not exist.") from error
    except OSError as error:
        raise BadInput("unknown_format", f"{path.name} cannot be read: {error.strerror}.") from error
    for dialect in _readable():
        if dialect.knows(head):
            return dialect
    known = sorted({s for d in DIALECTS.values() for s in d.profile.suffixes})
    raise BadInput("unknown_format", f"{path.name} is of no known format: {', '.join(known)}.")


def _recognized(first: Dialect, suffix: str, data: bytes) -> Dialect:
    """Returns the dialect whose suffix it is and that knows the bytes, else any that knows them, else the first: it says
    best what is wrong with the file."""
    own = list(_of_suffix(suffix))
    for dialect in (*own, *(d for d in _readable() if d not in own)):
        if dialect.knows(data):
            return dialect
    return first


def _of_suffix(suffix: str) -> Iterator[Dialect]:
    return (dialect for dialect in _readable() if suffix in dialect.profile.suffixes)


def _readable() -> Iterator[Dialect]:
    """Yields the dialects there is a reader for, each reader once."""
    seen: set[str] = set()
    for dialect in DIALECTS.values():
        if dialect.reader and dialect.reader not in seen:
            seen.add(dialect.reader)
            yield dialect


def write(
    content: Content,
    path: Path,
    *,
    media: Mapping[str, MediaFile],
    takes: Takes = lambda _shot, _take: None,
    nested: Nesting = lambda _sequence: None,
    dialect: str = "",
    tag: Tag = Tag(),
    ids: bool = False,
    family: str = "",
    may_pack: Callable[[Path], bool] = lambda _path: True,
) -> Loss:
    """Writes a timeline file in the `dialect`, "" for the one of the file's suffix. Returns what the file does not carry.

    `media` is the pool (id -> file); `takes` finds the file of a shot's take (None: the selected one); `nested` the
    content of a nested sequence; `tag` is what the file says about where it comes from; `ids` lets our ids ride where
    people see them; `family` is the OpenTimelineIO release ("0.14.0") whose schemas an .otio is to have. .otioz and .otiod
    pack the media in, as far as `may_pack` allows: paths come from files of others. Formats with one track a file write
    further files beside it, named stem + suffix. Every file appears whole, and all of them or none. Raises
    BadInput(unknown_format, bad_value, too_deep) and MediaError(unwritable_folder).
    """
    path = Path(path)
    if (kind := dialect if dialect in LISTS else "" if dialect else kind_of(path)) in TOLD:
        listed = lists.write(kind, content, media=media, takes=takes, nested=nested)
        place({path: partial(Path.write_bytes, data=listed)})
        told = lists.loss(kind, Outgoing(content, media=media, takes=takes, nested=nested))
        return replace(told, files=(path.name,))
    found = dialect_of(path, dialect)
    suffix = path.suffix.lower()
    if suffix not in found.profile.suffixes and not (suffix in BUNDLES and found.profile.suffixes[0] == ".otio"):
        raise BadInput(
            "unknown_format",
            f"{path.name}: {found.profile.title} is written as {', '.join(found.profile.suffixes)}.",
            hint="Give the file that suffix, or ask for another dialect.",
        )
    is_otio = found.profile.suffixes[0] == ".otio"
    if family and not is_otio:
        raise BadInput("bad_value", f"{found.profile.title} has no schemas of OpenTimelineIO {family}.")
    outgoing = Outgoing(content, media=media, takes=takes, nested=nested, tag=tag, suffix=suffix, ids=ids)
    written = found.write(outgoing)
    making = _bundled(path, written, outgoing, family, may_pack) if is_otio else _files(path, written)
    place(making)
    lost = merged(_of_profile(content, found.profile), written.loss, outgoing.loss())
    return replace(lost, files=tuple(target.name for target in making))


def _bundled(
    path: Path, written: Written, outgoing: Outgoing, family: str, may_pack: Callable[[Path], bool]
) -> dict[Path, Making]:
    """Returns how an .otio, or a bundle of it, is made: with older schemas where asked."""
    data = written.data
    packed: dict[str, str] = {}
    if outgoing.suffix in BUNDLES:
        data, packed = bundle.pack(data, outgoing.lost, may_pack)
    if family:
        data = as_of(data, family, outgoing.lost)
    match outgoing.suffix:
        case ".otioz":
            return {path: partial(bundle.write_zip, data=data, files=packed)}
        case ".otiod":
            return {path: partial(bundle.write_folder, data=data, files=packed)}
        case _:
            return {path: partial(Path.write_bytes, data=data)}


def _files(path: Path, written: Written) -> dict[Path, Making]:
    files = {path: written.data, **{path.with_name(path.stem + name): data for name, data in written.more}}
    return {target: partial(Path.write_bytes, data=data) for target, data in files.items()}


def loss(
    content: Content,
    *,
    dialect: str,
    media: Mapping[str, MediaFile],
    takes: Takes = lambda _shot, _take: None,
    nested: Nesting = lambda _sequence: None,
) -> Loss:
    """Returns what a file of the dialect will not carry of the cut, before one is written: what its profile says, and what
    its writer notes. Raises BadInput(unknown_format, too_deep)."""
    if dialect in LISTS:
        return lists.loss(dialect, Outgoing(content, media=media, takes=takes, nested=nested))
    found = dialect_of(Path(), dialect)
    noted = found.write(Outgoing(content, media=media, takes=takes, nested=nested)).loss
    return merged(_of_profile(content, found.profile), noted)


def merged(*losses: Loss) -> Loss:
    """Returns all that is lost, each kind once."""
    rows: dict[str, LossRow] = {}
    for one in losses:
        for row in one.rows:
            there = rows.get(row.what)
            if there is None or row.count > there.count:
                rows[row.what] = row
    return Loss(tuple(rows[what] for what in sorted(rows, key=_by_weight)))


def _by_weight(what: str) -> tuple[bool, str]:
    """Orders what is lost: other programs' metadata, which nobody sees, comes last."""
    return what.startswith("other programs'"), what


def _of_profile(content: Content, profile: Profile) -> Loss:
    if profile.carries == ALL:
        return Loss()
    told = _without_own(content, profile)
    return Loss(tuple(LossRow(row.what, row.count, tuple(row.names)) for row in losses(told, profile)))


def _without_own(content: Content, profile: Profile) -> Content:
    """Returns the cut without the metadata and effects that the writer writes back: what rides in the file is not lost."""

    def bare(thing: Any) -> Any:
        left = {name: value for name, value in thing.foreign.items() if name != profile.own}
        return thing if len(left) == len(thing.foreign) else replace(thing, foreign=left)

    def bare_item(item: Item) -> Any:
        if item.effects:
            rest = [one for one in item.effects if profile.name not in one and not of_kind((one,), profile.name)]
            item = replace(item, effects=tuple(rest))
        return bare(item)

    tracks = tuple(
        replace(part, track=bare(part.track), items=tuple(replace(one, item=bare_item(one.item)) for one in part.items))
        for part in content.tracks
    )
    transitions, markers = tuple(map(bare, content.transitions)), tuple(map(bare, content.markers))
    left: Content = replace(bare(content), tracks=tracks, transitions=transitions, markers=markers)
    return left
