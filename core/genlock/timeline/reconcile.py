"""A returned cut as an edit of the one that went out: whose ids are whose, and nothing lost that its format cannot tell."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from genlock.errors import BadInput
from genlock.timeline.events import Content, content_of, restore
from genlock.timeline.match import Matching, PathOf, adopt, match, name_of, named
from genlock.timeline.match.files import plain
from genlock.timeline.model import Generator, Nested, Shot, Source
from genlock.timeline.profiles import Feature, Profile
from genlock.timeline.projection import disagreements, lift, project
from genlock.timeline.sequence import Sequence

_OURS: Final[frozenset[Feature]] = frozenset(
    {
        "track.placement",
        "track.sync_lock",
        "track.locked",
        "item.shot",
        "item.link",
        "sequence.resolution",
        "sequence.drop_frame",
    }
)
"""What a format that knows no such thing tells in our own metadata: gone when another program wrote the file anew."""

_FOUND: Final[frozenset[Feature]] = frozenset(
    {"track.video", "track.audio", "track.empty", "marker.sequence", "marker.item"}
)
"""What is looked for even where the format is not known to carry it: a file may be of the second track alone."""


class Reconciled(Struct, frozen=True):
    """The returned cut under base's ids, with base's values where the file cannot tell; how its things were found; and,
    normally empty, what of the file that does not say after all."""

    theirs: Content
    matching: Matching
    disagreements: tuple[str, ...]


def reconcile(
    base: Sequence,
    returned: Content,
    profile: Profile,
    *,
    base_path: PathOf,
    path: PathOf,
    told: frozenset[str] = frozenset(),
) -> Reconciled:
    """Returns the returned cut as an edit of `base`, the version that was exported in the format of `profile`.

    `base_path` and `path` tell which file a source of either shows (see PathOf), `told` are the ids that came with the
    file.
    An unchanged file gives `base` itself. Raises BadInput(bad_rate) for a file of another rate.
    """
    if returned.rate != base.rate:
        raise BadInput("bad_rate", f"The file runs at {returned.rate} frames per second, {base.name} at {base.rate}.")
    if profile.ids == "metadata" and not told:
        profile = replace(profile, carries=profile.carries - _OURS)
    content = content_of(base)
    everything = replace(profile, carries=profile.carries | _FOUND, video_tracks=None, audio_tracks=None)
    path = _by_clips(base, base_path, path)
    shown = restore(base.id, base.version, project(content, everything))
    matching = match(shown, restore(base.id, 0, returned), base_path=base_path, path=path, told=told)
    adopted = adopt(returned, matching, base)
    same = _same(base, base_path, path, matching)
    theirs = lift(content, adopted, profile, same=same, origins=_renamed(returned, adopted, matching))
    return Reconciled(theirs, matching, disagreements(theirs, adopted, profile, same=same))


def _same(base: Sequence, base_path: PathOf, path: PathOf, matching: Matching) -> Callable[[Source, Source], bool]:
    """Returns whether a source of the base and one of the file show the same file.

    A mere name is the same as what has neither file nor name (a title, a shot without a take): it stands in its place, for
    who puts something else there names a file. A nested sequence under an id that was made up in reading is the same.
    """
    nested = {item.source.sequence for item in base.items.values() if isinstance(item.source, Nested)}
    known: dict[tuple[str, str], bool] = {}

    def same(one: Source, two: Source) -> bool:
        if isinstance(one, Nested) and isinstance(two, Nested):
            return one.sequence == two.sequence or two.sequence not in nested
        if isinstance(one, Shot) and isinstance(two, Shot) and (one.shot, one.take) == (two.shot, two.take):
            return True
        if isinstance(two, Generator | Nested) and not isinstance(one, Generator | Nested):
            return False
        ours, theirs = _of(base_path, one), _of(path, two)
        if not ours and name_of(theirs) is not None:
            return True
        key = (ours, theirs)
        if key not in known:
            known[key] = matching.media.get(theirs, theirs) == ours
        return known[key]

    return same


def _by_clips(base: Sequence, base_path: PathOf, path: PathOf) -> PathOf:
    """Returns `path` with media that came back under the name of its clip, which some formats write for what is offline,
    under its own. A name that several media could have stays what it is."""
    own: set[str] = set()
    called: dict[str, set[str]] = {}
    for item in base.items.values():
        if name_of(where := _of(base_path, item.source)) is not None:
            own.add(plain(where))
            called.setdefault(plain(named(item.name)), set()).add(where)
    known = {name: next(iter(one)) for name, one in called.items() if len(one) == 1 and name not in own}

    def of(source: Source) -> str:
        where = path(source)
        return where if name_of(where) is None else known.get(plain(where), where)

    return of if known else path


def _of(path: PathOf, source: Source) -> str:
    return "" if isinstance(source, Generator | Nested) else path(source)


def _renamed(returned: Content, adopted: Content, matching: Matching) -> dict[str, str]:
    """Returns the origins of new items under the ids these got."""
    if not matching.origins:
        return {}
    before = [placed.item.id for part in returned.tracks for placed in part.items]
    after = [placed.item.id for part in adopted.tracks for placed in part.items]
    return {new: matching.origins[old] for old, new in zip(before, after, strict=True) if old in matching.origins}
