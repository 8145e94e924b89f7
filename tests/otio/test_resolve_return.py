"""What went through Resolve untouched is no edit; what was edited there is that edit."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

import genlock_otio
from genlock.timeline.changes import Change, changes
from genlock.timeline.events import restore
from genlock.timeline.model import Media, Shot, Source
from genlock.timeline.profiles import RESOLVE
from genlock.timeline.reconcile import reconcile
from genlock_otio.outgoing import Outgoing
from genlock_otio.resolve import write
from tests.otio.as_resolve import as_resolve
from tests.otio.timelines import POOL, Maker, take


def unpadded(path: str) -> str:
    """Returns the path without the width of its numbers: [999-1001] does not say it."""
    return re.sub(r"%\d+d", "%d", path)


def path_of(source: Source) -> str:
    match source:
        case Media(media=id_):
            return unpadded(POOL[id_].path) if id_ in POOL else ""
        case Shot(shot=shot, take=take_id):
            found = take(shot, take_id)
            return found.path if found else ""
        case _:
            return ""


def returned(maker: Maker, content: Any, edit: Callable[[Any], None], *, ids: bool) -> tuple[Any, list[Change]]:
    written = write(Outgoing(content, media=POOL, takes=take, nested=maker.nested.get, ids=ids))
    back = json.loads(as_resolve(written.data))
    edit(back)
    read = genlock_otio.read_data(json.dumps(back).encode(), Path("/folder"), "file")
    pool = {file.id: file.path for file in read.media}

    def theirs(source: Source) -> str:
        return unpadded(pool.get(source.media, "")) if isinstance(source, Media) else ""

    base = restore("0" * 32, 7, content)
    found = reconcile(base, read.content, RESOLVE, base_path=path_of, path=theirs, told=read.ids)
    return found, list(changes(base, restore("0" * 32, 8, found.theirs)))


@given(seed=st.integers(0, 2**32))
@settings(max_examples=60, deadline=None)
def test_an_untouched_cut_comes_back_as_no_edit(seed: int) -> None:
    maker = Maker(Random(seed))
    content = maker.content()
    found, edits = returned(maker, content, lambda _: None, ids=seed % 2 == 0)
    assert found.disagreements == ()
    assert edits == []
