"""An editor that treats notes on strips as real ones do: copies take them along, an undo brings back older ones."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

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
