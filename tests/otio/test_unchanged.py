"""A file that comes back as it was written is no edit, in any format: written, read, reconciled, compared."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from genlock.project.media import MediaFile
from genlock.timeline.diff import diff
from genlock.timeline.events import Content, Placed, TrackContent, restore
from genlock.timeline.model import Item, Media, Nested, Shot, Source, Track
from genlock.timeline.rate import RATES
from genlock.timeline.reconcile import reconcile
from genlock_otio.dialects import DIALECTS, Incoming
from genlock_otio.outgoing import Outgoing
from genlock_otio.values import Imported, Tag
from tests.timeline.full_cuts import full_cut

SEQUENCE = "0" * 32
POOL = {id_: MediaFile(id_, f"/rushes/{id_}.mov", f"{id_}.mov", missing=False) for id_ in ("m1", "m2")}


def take(shot: str, id_: str | None) -> MediaFile:
    return MediaFile(f"{shot}-{id_}", f"/takes/{shot}_{id_ or 'v001'}.mov", f"{shot}.mov", missing=False)


def base_path(source: Source) -> str:
    match source:
        case Media(media=id_):
            return POOL[id_].path if id_ in POOL else ""
        case Shot(shot=shot, take=id_):
            return take(shot, id_).path
        case _:
            return ""


def path_in(found: Imported, source: Source) -> str:
    pool = {file.id: file.path for file in found.media}
    return pool.get(source.media, base_path(source)) if isinstance(source, Media) else base_path(source)


def cut_of(seed: int) -> Content:
    content = replace(full_cut(Random(seed), 20), rate=RATES[seed % 9], start_frame=(seed % 2) * 86400, name="Reel 1")
    return replace(content, tracks=tuple(replace(p, items=tuple(map(_plain, p.items))) for p in content.tracks))


def _plain(placed: Placed) -> Placed:
    """A nested sequence runs at the rate of the one around it."""
    source = placed.item.source
    return (
        replace(placed, item=replace(placed.item, source=replace(source, rate=None)))
        if isinstance(source, Nested)
        else placed
    )


@pytest.mark.parametrize("name", [name for name in DIALECTS if name != "aaf"])  # tests/otio/aaf: a process each
@given(seed=st.integers(0, 2**32))
@settings(max_examples=25, deadline=None)
def test_an_unchanged_file_is_no_edit(name: str, seed: int) -> None:
    content, dialect = cut_of(seed), DIALECTS[name]
    long = Item("x", Media("m1"), 9000, "inner")
    inner = Content("Inner", content.rate, tracks=(TrackContent(Track("n1", placement="magnetic"), (Placed(long),)),))
    outgoing = Outgoing(content, media=POOL, takes=take, nested=lambda _: inner, tag=Tag(SEQUENCE, 1, "e" * 32))
    found = dialect.read(Incoming(dialect.write(outgoing).data, "Reel 1", Path("/away"), rate=content.rate))
    base = restore(SEQUENCE, 1, content)
    made = reconcile(
        base, found.content, dialect.profile, base_path=base_path, path=lambda s: path_in(found, s), told=found.ids
    )
    assert made.disagreements == ()
    assert diff(base, restore(SEQUENCE, 1, made.theirs)) == ()
