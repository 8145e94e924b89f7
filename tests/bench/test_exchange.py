"""The reels the figures of exchange are taken of: the same for the same seed, sound, and true about what was done."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genlock.bench import merging, rivals
from genlock.bench.exchange import trip
from genlock.bench.reels import Script, path, reel, stripped
from genlock.timeline.check import violations
from genlock.timeline.events import content_of, restore


@given(st.integers(0, 2**32), st.integers(1, 60), st.integers(0, 8))
@settings(max_examples=30, deadline=None)
def test_reels_and_what_scripts_make_of_them_are_sound(seed: int, clips: int, edits: int) -> None:
    random = Random(seed)
    base = reel(random, clips)
    after, made = Script(random).run(base, edits)
    assert violations(base) == violations(after) == []
    assert len(made) <= edits
    assert all(one.ops > 0 for one in made)
    assert content_of(reel(Random(seed), clips)) == content_of(base)


def test_a_script_keeps_to_its_part() -> None:
    base = reel(Random(1), 400)
    after, made = Script(Random(2), part=(0.6, 1.0), kinds=("slip", "toggle")).run(base, 30)
    assert len(made) == 30
    changed = [id_ for id_, item in base.items.items() if after.items[id_] != item]
    assert changed
    assert all(base.slot(id_).end > 0.6 * base.lanes[base.home[id_]].end for id_ in changed)


def test_stripped_content_keeps_everything_but_the_ids() -> None:
    base = reel(Random(3), 80)
    content, truth = stripped(base)
    state = restore("r", 1, content)
    assert violations(state) == []
    assert not set(state.items) & set(base.items)
    assert not set(state.tracks) & set(base.tracks)
    assert not set(state.markers) & set(base.markers)
    assert sorted(truth.values()) == sorted(base.items)
    assert [path(state.items[id_].source) for id_ in truth] == [
        path(base.items[true].source) for true in truth.values()
    ]


def test_a_trip_knows_what_was_done() -> None:
    one = trip("test", 200, 10)
    assert len(one.made) == 10
    matching = one.matched()
    assert content_of(one.adopted(matching)).tracks != content_of(one.base).tracks


def test_without_the_rival_the_comparison_says_so_and_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rivals, "find_spec", lambda name: None)
    (result,) = rivals.run()
    assert "not installed" in result.name
    assert not result.ok


def test_planted_conflicts_are_planted_and_disjoint_edits_are_apart() -> None:
    planted, _ = merging._planted("test")
    assert planted == merging.PLANTED
    base, ours, theirs = merging._disjoint("test", 200, 10)
    assert content_of(ours) != content_of(base) != content_of(theirs)
