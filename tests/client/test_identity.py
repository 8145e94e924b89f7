"""An editor that treats notes on strips as real ones do: copies take them along, an undo brings back older ones."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import count

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from genlock_client.identity import Given, Seen, buried, resolve


def numbers() -> Callable[[], str]:
    made = count(1)
    return lambda: f"new{next(made)}"


def strip(key: str, name: str, start: int = 0, length: int = 10, source: str = "a.mp4", source_in: int = 0) -> Seen:
    return Seen(key, name, "MOVIE", source, start, length, source_in)


def known(*strips: Seen) -> dict[str, Seen]:
    return {one.key: one for one in strips}


def test_a_strip_without_an_id_gets_one() -> None:
    assert resolve([strip("", "A")], {}, tombs={}, fresh=numbers()) == [Given("new1", "", "given")]


def test_the_one_that_kept_its_name_keeps_the_id_after_a_split() -> None:
    before = known(strip("k", "A", 0, 10))
    right, left = strip("k", "A.001", 6, 4, source_in=6), strip("k", "A", 0, 6)
    assert resolve([right, left], before, tombs={}, fresh=numbers()) == [Given("new1", "k", "split"), Given("k")]


def test_a_duplicate_gets_an_id_of_its_own() -> None:
    before = known(strip("k", "A"))
    found = resolve([strip("k", "A.001", 20), strip("k", "A")], before, tombs={}, fresh=numbers())
    assert found == [Given("new1", "k", "duplicate"), Given("k")]


def test_a_strip_of_another_file_gets_an_id_of_its_own_unless_it_may_keep_it() -> None:
    pasted = [strip("alien", "B"), strip("alien", "B.001", 20)]
    assert resolve(pasted, {}, tombs={}, fresh=numbers()) == [
        Given("new1", "alien", "pasted"),
        Given("new2", "alien", "pasted"),
    ]
    found = resolve(pasted, {}, tombs={}, fresh=numbers(), foreign_ok=True)
    assert found == [Given("alien"), Given("new1", "alien", "duplicate")]


def test_a_deleted_strip_that_is_back_has_its_old_id_with_or_without_the_note() -> None:
    tombs = known(strip("k", "A", 7))
    assert resolve([strip("k", "A", 7)], {}, tombs=tombs, fresh=numbers()) == [Given("k", "", "tombstone")]
    assert resolve([strip("", "A", 7)], {}, tombs=tombs, fresh=numbers()) == [Given("k", "", "tombstone")]


def test_a_file_that_is_added_again_elsewhere_is_another_strip() -> None:
    tombs = known(strip("k", "A", 7))
    assert resolve([strip("", "A", 90)], {}, tombs=tombs, fresh=numbers())[0].how == "given"


def test_an_undo_that_takes_the_note_and_the_move_back_finds_the_strip_by_its_name() -> None:
    before = known(strip("k", "A", 50), strip("j", "B", 80))
    found = resolve([strip("", "A", 0), strip("j", "B", 80)], before, tombs={}, fresh=numbers())
    assert found == [Given("k", "", "tombstone"), Given("j")]


def test_an_undo_that_gives_a_duplicate_the_note_of_its_original_back_finds_both() -> None:
    before = known(strip("k", "Renamed", 0), strip("j", "A.001", 20))
    back = [strip("k", "A.001", 20), strip("k", "A", 0)]
    found = resolve(back, before, tombs={}, fresh=numbers())
    assert found == [Given("j", "", "tombstone"), Given("k")]


def test_the_dead_are_remembered_up_to_a_limit_and_leave_when_they_are_back() -> None:
    before = known(strip("a", "A"), strip("b", "B"), strip("c", "C"))
    tombs = buried({}, before, ["b"])
    assert list(tombs) == ["a", "c"]
    assert list(buried(tombs, {}, ["a"])) == ["c"]
    assert list(buried(tombs, known(strip("d", "D")), [], most=2)) == ["c", "d"]


def test_a_strip_that_lost_its_note_is_itself_also_where_a_copy_still_carries_it() -> None:
    before = known(strip("k", "A", 5))
    found = resolve([strip("", "A", 5), strip("k", "A.001", 50)], before, tombs={}, fresh=numbers())
    assert found == [Given("k", "", "tombstone"), Given("new1", "k", "duplicate")]


def test_five_thousand_strips_are_looked_through_in_a_moment() -> None:
    before = known(*(strip(f"k{n}", f"A.{n}", n * 10) for n in range(5000)))
    usual = list(before.values())
    odd = [*usual[:-1], strip("k1", "A.1.001", 90_000), strip("", "B", 95_000)]
    for seen, most in ((usual, 0.010), (odd, 0.050)):
        taken = []
        for _ in range(5):
            began = time.perf_counter()
            resolve(seen, before, tombs={}, fresh=numbers())
            taken.append(time.perf_counter() - began)
        assert min(taken) < most


@dataclass
class Clip:
    """A strip of the pretended editor. `self` is who it really is, which only the test knows."""

    self: int
    name: str
    source: str
    start: int
    length: int
    source_in: int = 0
    note: str = ""


@dataclass
class Editor:
    """Strips with unique names, a clipboard that outlives undos, and an undo stack of whole states as of their commands:
    notes that were stamped on strips after a command are in the next command's state only."""

    clips: list[Clip] = field(default_factory=list)
    steps: list[list[Clip]] = field(default_factory=lambda: [[]])
    at: int = 0
    clipboard: list[Clip] = field(default_factory=list)
    born: int = 0

    def name(self, wanted: str) -> str:
        stem, taken = wanted.partition(".")[0], {clip.name for clip in self.clips}
        return next(name for name in [wanted, *(f"{stem}.{n:03d}" for n in range(1, 999))] if name not in taken)

    def add(self, clip: Clip) -> None:
        self.born += 1
        self.clips.append(replace(clip, self=self.born, name=self.name(clip.name)))

    def push(self) -> None:
        self.steps[self.at + 1 :] = [[replace(clip) for clip in self.clips]]
        self.at += 1

    def go(self, step: int) -> None:
        self.at += step
        self.clips = [replace(clip) for clip in self.steps[self.at]]


picks = st.integers(0, 99)


class Editing(RuleBasedStateMachine):
    """After every command somebody looks, and every strip must have the id it always had."""

    looks_each_time = True

    def __init__(self) -> None:
        super().__init__()
        self.editor = Editor()
        self.known: dict[str, Seen] = {}
        self.tombs: dict[str, Seen] = {}
        self.last: dict[int, Seen] = {}
        self.ids: dict[int, str] = {}
        self.fresh = numbers()

    def clip(self, pick: int) -> Clip:
        return self.editor.clips[pick % len(self.editor.clips)]

    def there_are_clips(self) -> bool:
        return bool(self.editor.clips)

    @rule(name=st.sampled_from("AB"), start=st.integers(0, 40), length=st.integers(2, 9))
    def add(self, name: str, start: int, length: int) -> None:
        self.editor.add(Clip(0, name, f"{name}.mp4", start * 10, length))
        self.done()

    @precondition(there_are_clips)
    @rule(pick=picks)
    def split(self, pick: int) -> None:
        left = self.clip(pick)
        cut = left.length // 2
        if cut:
            self.editor.add(
                replace(left, start=left.start + cut, length=left.length - cut, source_in=left.source_in + cut)
            )
            left.length = cut
            self.done()

    @precondition(there_are_clips)
    @rule(pick=picks, by=st.integers(0, 50))
    def duplicate(self, pick: int, by: int) -> None:
        clip = self.clip(pick)
        self.editor.add(replace(clip, start=clip.start + by))
        self.done()

    @precondition(there_are_clips)
    @rule(chosen=st.sets(picks, min_size=1, max_size=3), cut=st.booleans())
    def copy(self, chosen: set[int], cut: bool) -> None:
        names = {self.clip(pick).name for pick in chosen}
        self.editor.clipboard = [replace(clip) for clip in self.editor.clips if clip.name in names]
        if cut:
            self.editor.clips = [clip for clip in self.editor.clips if clip.name not in names]
            self.done()

    @rule(by=st.integers(0, 50))
    def paste(self, by: int) -> None:
        for clip in self.editor.clipboard:
            self.editor.add(replace(clip, start=clip.start + by))
        self.done()

    @precondition(there_are_clips)
    @rule(chosen=st.sets(picks, min_size=1, max_size=3))
    def delete(self, chosen: set[int]) -> None:
        names = {self.clip(pick).name for pick in chosen}
        self.editor.clips = [clip for clip in self.editor.clips if clip.name not in names]
        self.done()

    @precondition(there_are_clips)
    @rule(chosen=st.sets(picks, min_size=1, max_size=4), by=st.integers(-20, 50))
    def move(self, chosen: set[int], by: int) -> None:
        for name in {self.clip(pick).name for pick in chosen}:
            next(clip for clip in self.editor.clips if clip.name == name).start += by
        self.done()

    @precondition(there_are_clips)
    @rule(pick=picks, by=st.integers(1, 3))
    def trim(self, pick: int, by: int) -> None:
        clip = self.clip(pick)
        clip.length = max(1, clip.length - by)
        self.done()

    @precondition(there_are_clips)
    @rule(pick=picks, name=st.sampled_from(["A", "B", "Opening"]))
    def rename(self, pick: int, name: str) -> None:
        clip = self.clip(pick)
        clip.name = "-"
        clip.name = self.editor.name(name)
        self.done()

    @precondition(lambda self: self.editor.at > 0)
    @rule()
    def undo(self) -> None:
        self.editor.go(-1)
        self.looked()

    @precondition(lambda self: self.editor.at < len(self.editor.steps) - 1)
    @rule()
    def redo(self) -> None:
        self.editor.go(1)
        self.looked()

    @rule()
    def look(self) -> None:
        seen = [Seen(c.note, c.name, "MOVIE", c.source, c.start, c.length, c.source_in) for c in self.editor.clips]
        given = resolve(seen, self.known, tombs=self.tombs, fresh=self.fresh)
        made = iter([one.key for one in given if one.how not in ("kept", "tombstone")])
        assert resolve(seen, self.known, tombs=self.tombs, fresh=lambda: next(made)) == given
        keys = [one.key for one in given]
        assert len(set(keys)) == len(keys)
        for clip, strip, one in zip(self.editor.clips, seen, given, strict=True):
            before = self.last.get(clip.self)
            if before is not None and before[1:] == strip[1:]:
                assert one.key == before.key, "an untouched strip has another id"
            if self.looks_each_time:
                assert self.ids.setdefault(clip.self, one.key) == one.key, "a strip has another id"
            clip.note = one.key
        self.tombs = buried(self.tombs, self.known, keys)
        self.known = {one.key: strip._replace(key=one.key) for strip, one in zip(seen, given, strict=True)}
        self.last = {clip.self: self.known[clip.note] for clip in self.editor.clips}

    def done(self) -> None:
        self.editor.push()
        self.looked()

    def looked(self) -> None:
        if self.looks_each_time:
            self.look()

    @invariant()
    def names_are_unique(self) -> None:
        names = [clip.name for clip in self.editor.clips]
        assert len(set(names)) == len(names)


class Hurrying(Editing):
    """Looks come now and then only: a strip that nobody touched since the last one still keeps its id."""

    looks_each_time = False


TestEditing = Editing.TestCase
TestEditing.settings = settings(max_examples=150, stateful_step_count=30, deadline=None)
TestHurrying = Hurrying.TestCase
TestHurrying.settings = settings(max_examples=150, stateful_step_count=30, deadline=None)
