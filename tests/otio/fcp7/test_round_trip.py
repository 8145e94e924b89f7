"""What we write, we read: every random cut comes back saying what the profile promises, at every rate, and a second trip
writes the same bytes."""

from __future__ import annotations

import re
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genlock.timeline.check import violations
from genlock.timeline.diff import diff
from genlock.timeline.events import Content, Placed, TrackContent, restore
from genlock.timeline.model import Item, Marker, Media, Nested, Shot, Source, Track, Transition
from genlock.timeline.ops import Op
from genlock.timeline.profiles import FCP7
from genlock.timeline.projection import disagreements
from genlock.timeline.rate import RATES, Rate, Speed
from genlock.timeline.reconcile import reconcile
from genlock_otio.dialects import Incoming
from genlock_otio.fcp7 import reader, writer
from genlock_otio.outgoing import Outgoing
from genlock_otio.values import Imported, Tag
from tests.otio.timelines import POOL, Maker, take

TAG = Tag("ab" * 16, 7, "cd" * 16)


def written(maker: Maker, content: Content, tag: Tag = Tag()) -> bytes:
    return writer.write(Outgoing(content, media=POOL, takes=take, nested=maker.nested.get, tag=tag)).data


def read(data: bytes) -> Imported:
    return reader.read(Incoming(data, "cut", Path("/somewhere")))


def rewritten(imported: Imported) -> bytes:
    media = {file.id: file for file in imported.media}
    to = Outgoing(imported.content, media=media, takes=take, nested=dict(imported.nested).get, tag=imported.tag)
    return writer.write(to).data


def shows(imported: Imported) -> object:
    """Returns the test of whether a source that was written and one that was read show the same file."""
    paths = {file.id: file.path or file.name for file in imported.media}

    def same(one: Source, two: Source) -> bool:
        match one, two:
            case Media(media=a), Media(media=b):
                return (POOL[a].path or POOL[a].name) == paths[b]
            case Shot(shot=shot, take=wanted), Media(media=b):
                file = take(shot, wanted)
                return file is None or file.path == paths[b]
            case Nested(sequence=a), Nested(sequence=b):
                return a == b
            case _:
                return False

    return same


def differences(content: Content, imported: Imported) -> tuple[str, ...]:
    return disagreements(content, imported.content, FCP7, same=shows(imported))  # type: ignore[arg-type]


@given(seed=st.integers(0, 2**32))
@settings(max_examples=150, deadline=None)
def test_a_cut_comes_back_saying_what_the_profile_promises(seed: int) -> None:
    maker = Maker(Random(seed))
    content = maker.content()
    data = written(maker, content, TAG)
    imported = read(data)
    assert differences(content, imported) == ()
    assert imported.tag == TAG
    assert not violations(restore("0" * 32, 1, imported.content))
    nested = dict(imported.nested)
    for id_, inner in nested.items():
        assert differences(maker.nested[id_], Imported(inner, imported.media)) == ()
    assert rewritten(imported) == data


@pytest.mark.parametrize("rate", RATES, ids=str)
@pytest.mark.parametrize("seed", range(5))
def test_every_rate_comes_back(rate: Rate, seed: int) -> None:
    maker = Maker(Random(seed))
    content = maker.content(rate)
    imported = read(written(maker, content))
    assert imported.content.rate == rate
    assert differences(content, imported) == ()


def returned(base: Content, data: bytes) -> tuple[Op, ...]:
    """Returns the edits that a returned file makes of the cut that was written."""
    imported = read(data)
    pool = {file.id: file for file in imported.media}

    def base_path(source: Source) -> str:
        match source:
            case Media(media=id_):
                return POOL[id_].path
            case Shot(shot=shot, take=wanted):
                file = take(shot, wanted)
                return file.path if file is not None else ""
            case _:
                return ""

    def path(source: Source) -> str:
        return pool[source.media].path if isinstance(source, Media) else ""

    state = restore("ab" * 16, 1, base)
    made = reconcile(state, imported.content, FCP7, base_path=base_path, path=path, told=imported.ids)
    assert made.disagreements == ()
    return diff(state, restore("ab" * 16, 1, made.theirs))


@given(seed=st.integers(0, 2**32))
@settings(max_examples=60, deadline=None)
def test_an_unchanged_file_that_returns_is_no_edit(seed: int) -> None:
    maker = Maker(Random(seed))
    content = maker.content()
    assert returned(content, written(maker, content, TAG)) == ()


OURS = re.compile(rb'<comments>.*?</comments>|<logginginfo>.*?</logginginfo>| genlock\.\w+="[^"]*"', re.DOTALL)
FILMS = [POOL[name] for name in list(POOL)[:3]]


def film(id_: str, number: int, into: int, length: int, **more: object) -> Item:
    return Item(id_, Media(FILMS[number].id, 0, 1000), length, f"shot {id_}", into, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("rate", RATES, ids=str)
def test_a_program_that_drops_our_remarks_makes_no_edit_either(rate: Rate) -> None:
    row = [
        film("a", 0, 30, 40),
        film("b", 1, 101, 33, speed=Speed(3, 2)),
        film("c", 2, 700, 25, speed=Speed(-2)),
        film("d", 0, 77, 20, speed=Speed(0)),
        film("e", 1, 400, 31, enabled=False),
        film("f", 2, 5, 12, speed=Speed(1, 3)),
    ]
    upper = TrackContent(
        Track("t2", "video", "V2"), (Placed(film("g", 0, 500, 30), 17), Placed(film("h", 1, 5, 9), 60))
    )
    content = Content(
        "cut",
        rate,
        tracks=(TrackContent(Track("t1", "video", "V1", "magnetic"), tuple(Placed(item) for item in row)), upper),
        transitions=(Transition("a", "b", 3, 7), Transition("b", "c", 4, 4), Transition("f", None, 5, 0, "wipe")),
        markers=(Marker("m1", 12, 3, None, "look", "CYAN", "why"), Marker("m2", 110, 0, "b", "here")),
    )
    data = OURS.sub(b"", writer.write(Outgoing(content, media=POOL)).data)
    assert read(data).ids == frozenset()
    assert returned(content, data) == ()
