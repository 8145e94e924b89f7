"""Picture and sound that are one clip in Final Cut Pro: linked, of one file, of one time, with nothing of their own."""

from __future__ import annotations

from msgspec import Struct

from genlock.timeline.layout import Row
from genlock.timeline.model import Item, Media, Transition
from genlock_otio.outgoing import Outgoing


class Pair(Struct, frozen=True):
    """The sound that lies in a picture's clip, and its track's lane."""

    item: Item
    lane: int


def pairs_of(outgoing: Outgoing) -> dict[str, Pair]:
    """Returns the sounds that are written with their pictures: picture's id -> sound."""
    groups: dict[str, list[tuple[str, int, Row, bool]]] = {}
    for kind in ("video", "audio"):
        for number, part in enumerate(outgoing.tracks(kind)):
            for row in outgoing.rows(part):
                if row.item.link is not None:
                    groups.setdefault(row.item.link, []).append((kind, number, row, part.track.enabled))
    found: dict[str, Pair] = {}
    for members in groups.values():
        if len(members) == 2 and members[0][0] == "video" and members[1][0] == "audio":
            (_, _, picture, one), (_, number, sound, two) = members
            if one == two and _alike(outgoing, picture, sound):
                found[picture.item.id] = Pair(sound.item, -number - 1)
    return _steady(outgoing, found)


def _alike(outgoing: Outgoing, picture: Row, sound: Row) -> bool:
    one, two = picture.item, sound.item
    return (
        isinstance(one.source, Media)
        and outgoing.file(one) is not None
        and picture.slot[1:] == sound.slot[1:]
        and (one.source, one.source_in, one.speed, one.enabled, one.name)
        == (two.source, two.source_in, two.speed, two.enabled, two.name)
        and not two.effects
        and not outgoing.markers(two.id)
    )


def _steady(outgoing: Outgoing, found: dict[str, Pair]) -> dict[str, Pair]:
    """Leaves out pairs whose sound has a transition that its picture has not, until none is left."""
    while True:
        sounds = {picture: pair.item.id for picture, pair in found.items()}
        odd = [picture for picture in found if not _same_transitions(outgoing, picture, sounds)]
        if not odd:
            return found
        for picture in odd:
            del found[picture]


def _same_transitions(outgoing: Outgoing, picture: str, sounds: dict[str, str]) -> bool:
    for mine, its in zip(outgoing.around(picture), outgoing.around(sounds[picture]), strict=True):
        if its is not None and not (mine is not None and sounding(mine, its, sounds)):
            return False
    return True


def sounding(mine: Transition, its: Transition, sounds: dict[str, str]) -> bool:
    """Returns whether a transition of sounds is the one of their pictures."""
    sides = tuple(None if side is None else sounds.get(side, "") for side in (mine.left, mine.right))
    return sides == (its.left, its.right) and (
        (mine.in_offset, mine.out_offset, mine.kind, mine.name) == (its.in_offset, its.out_offset, its.kind, its.name)
    )
