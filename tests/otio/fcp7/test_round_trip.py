"""What we write, we read: every random cut comes back saying what the profile promises, at every rate, and a second trip
writes the same bytes."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genlock.timeline.check import violations
from genlock.timeline.events import Content, restore
from genlock.timeline.model import Media, Nested, Shot, Source
from genlock.timeline.profiles import FCP7
from genlock.timeline.projection import disagreements
from genlock.timeline.rate import RATES, Rate
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
