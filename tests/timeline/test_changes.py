"""Changes: each edit is told once, under its own name; what a ripple moved is no edit."""

from __future__ import annotations

from random import Random
from time import thread_time

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from genlock.bench.reels import Script, reel
from genlock.timeline.changes import Change, changes, summary
from genlock.timeline.commands import (
    AddTrack,
    AppendItem,
    EditCommand,
    ExtractItems,
    InsertItem,
    JoinItems,
    LiftItems,
    LinkItems,
    MoveItems,
    MoveTrack,
    Place,
    RemoveMarker,
    RemoveTrack,
    RenameItem,
    ReplaceSource,
    RippleTrimItem,
    RollCut,
    SetEffects,
    SetEnabled,
    SetMarker,
    SetSequence,
    SetSpeed,
    SetTrack,
    SetTransition,
    SlideItem,
    SlipItem,
    SplitItem,
    TrimItem,
    UnlinkItems,
)
from genlock.timeline.decision import Context, Refusal
from genlock.timeline.edits import decide
from genlock.timeline.events import Content, Placed, TrackContent, content_of, restore
from genlock.timeline.model import Item, Marker, Media, Track
from genlock.timeline.ops import ItemsShifted
from genlock.timeline.rate import Rate, Speed
from genlock.timeline.sequence import Sequence, apply_all
from tests.timeline.cuts import cut, item

BASE = cut(
    "V1= A:40/20[0+100] B:30/40[0+100] C:20/5[0+30] D:30/40",
    "V2~ E:20@10/50 F:20@30/60 G:20@50/70 H:10@100",
    "A1~ S:40@0/20&x",
    transitions=("A>B 3+3",),
    markers=(Marker("k1", 25, item="A", name="here"), Marker("k2", 60, name="there")),
)


def done(state: Sequence, *commands: EditCommand) -> Sequence:
    for number, command in enumerate(commands):
        decision = decide(state, command, Context(f"c{number}"))
        assert not isinstance(decision, Refusal), decision
        state = apply_all(state, decision.ops)
    return state


def told(*commands: EditCommand, base: Sequence = BASE) -> list[tuple[str, str, str]]:
    return [(one.kind, one.about, one.detail) for one in changes(base, done(base, *commands))]


def fresh(state: Sequence) -> str:
    (made,) = set(state.items) - set(BASE.items)
    return made


def only(*commands: EditCommand, base: Sequence = BASE) -> Change:
    (found,) = changes(base, done(base, *commands))
    return found


# -- one edit, one change


@pytest.mark.parametrize(
    ("command", "kind", "about", "detail"),
    [
        (RippleTrimItem("D", "tail", 12, sync=False), "trimmed", "D", "12 frames longer at the tail"),
        (RippleTrimItem("B", "tail", -1, sync=False), "trimmed", "B", "1 frame shorter at the tail"),
        (RippleTrimItem("B", "head", 5, sync=False), "trimmed", "B", "5 frames shorter at the head"),
        (TrimItem("C", "tail", -4), "trimmed", "C", "4 frames shorter at the tail"),
        (TrimItem("E", "head", -6), "trimmed", "E", "6 frames longer at the head"),
        (TrimItem("H", "head", 3), "trimmed", "H", "3 frames shorter at the head"),
        (SlipItem("B", 7), "slipped", "B", "shows the source 7 frames later"),
        (SlipItem("F", -7), "slipped", "F", "shows the source 7 frames earlier"),
        (RollCut("B", "C", -4), "rolled", "B", "the cut to C lies 4 frames earlier"),
        (RollCut("E", "F", 4), "rolled", "E", "the cut to F lies 4 frames later"),
        (SlideItem("F", -5), "slid", "F", "5 frames earlier between its neighbours"),
        (SlideItem("C", 3), "slid", "C", "3 frames later between its neighbours"),
        (SplitItem("D", 100), "split", "D", "cut into 2 pieces"),
        (SplitItem("A", 20, linked=False), "split", "A", "cut into 2 pieces"),
        (SetSpeed("D", Speed(2), ripple=True, sync=False), "retimed", "D", "speed 100 % → 200 %; 15 frames shorter"),
        (SetSpeed("H", Speed(1, 2)), "retimed", "H", "speed 100 % → 50 %"),
        (ReplaceSource("D", Media("new"), 7), "replaced", "D", "shows other media"),
        (SetEnabled(("B",), False), "disabled", "B", ""),
        (RenameItem("B", "Sea"), "renamed", "B", "'B' → 'Sea'"),
        (SetEffects("B", ({"name": "blur"},)), "effects", "B", "0 → 1 effects"),
        (SetEffects("B", foreign={"x": 1}), "metadata", "B", "other tools' data"),
        (ExtractItems(("C",), sync=False), "removed", "C", "20 frames"),
        (LiftItems(("C",)), "lifted", "C", "20 frames left empty"),
        (LiftItems(("F",)), "lifted", "F", "20 frames left empty"),
        (LiftItems(("H",)), "removed", "H", "10 frames"),
        (AppendItem("V2", item("N:9")), "inserted", "N", "9 frames"),
        (InsertItem(Place("V1", after="B"), item("N:9"), sync=False), "inserted", "N", "9 frames"),
        (InsertItem(Place("V1", after="B"), item("N:9"), sync=True), "inserted", "N", "9 frames"),
        (MoveItems(("D",), Place("V1", at=0), sync=False), "moved", "D", "to another place"),
        (MoveItems(("H",), Place("V2", at=80)), "moved", "H", "20 frames earlier"),
        (LinkItems(("B", "F")), "linked", "B", "B, F"),
        (SetTransition("B", "C", 2, 2), "transition added", "B>C", "dissolve, 2 + 2 frames, between B and C"),
        (SetTransition("A", "B", 2, 2), "transition changed", "A>B", "dissolve, 2 + 2 frames, between A and B"),
        (SetMarker(Marker("k9", 3, name="new")), "marker added", "k9", ""),
        (SetMarker(Marker("k2", 66, name="there")), "marker changed", "k2", "6 frames later"),
        (RemoveMarker("k1"), "marker removed", "k1", ""),
        (AddTrack("video", id="V3", name="V3"), "track added", "V3", "video"),
        (SetTrack("V2", name="Titles", locked=True), "track changed", "V2", "name, locked"),
        (MoveTrack("V2", after=None), "track moved", "V2", "to another place"),
        (SetSequence(name="Reel 2"), "sequence changed", "s0", "name: Cut → Reel 2"),
        (SetSequence(start_frame=86400), "sequence changed", "s0", "start frame: 0 → 86400"),
    ],
)  # fmt: skip
def test_one_edit_is_one_change(command: EditCommand, kind: str, about: str, detail: str) -> None:
    assert told(command) == [(kind, about, detail)]


def test_it_says_where_and_what_it_was() -> None:
    change = only(RippleTrimItem("D", "tail", 12, sync=False))
    assert (change.name, change.track, change.at) == ("D", "V1", 90)
    assert change.before == {"source_in": 40, "duration": 30}
    assert change.after == {"source_in": 40, "duration": 42}
    gone = only(ExtractItems(("C",), sync=False))
    assert (gone.at, gone.after) == (70, None)
    assert gone.before is not None
    assert (gone.before["track"], gone.before["start"], gone.before["duration"]) == ("V1", 70, 20)
    assert msgspec.json.decode(msgspec.json.encode(gone))["about"] == "C"


def test_two_settings_of_a_sequence_are_two_changes() -> None:
    assert len(told(SetSequence(name="Reel 2", drop_frame=False, start_frame=24))) == 2


def test_a_move_to_another_track_says_so() -> None:
    assert told(MoveItems(("H",), Place("V1", after="D"), ripple=True, sync=False)) == [("moved", "H", "from V2 to V1")]


def test_tracks_without_names_are_called_as_in_cutting_rooms() -> None:
    base = done(BASE, SetTrack("V2", name=""))
    change = only(MoveItems(("C",), Place("V2", at=200), linked=False), base=base)
    assert (change.track, change.detail) == ("V2", "from V1 to V2")
    added = only(AddTrack("audio", id="x1"), base=base)
    assert (added.kind, added.track) == ("track added", f"A{1 + sum(t.kind == 'audio' for t in base.tracks.values())}")


def test_a_track_that_goes_takes_its_items_along() -> None:
    kinds = [kind for kind, *_ in told(RemoveTrack("V2", with_items=True))]
    assert kinds == ["track removed", "removed", "removed", "removed", "removed"]


def test_pieces_made_one_again_are_one_change() -> None:
    state = done(BASE, SplitItem("D", 100))
    right = fresh(state)
    assert told(JoinItems("D", right), base=state) == [("joined", "D", "2 pieces made one")]


def test_two_cuts_in_one_item_are_one_split() -> None:
    assert told(SplitItem("D", 100), SplitItem("D", 95)) == [("split", "D", "cut into 3 pieces")]


def test_a_piece_thrown_away_is_no_split() -> None:
    state = done(BASE, SplitItem("D", 100))
    right = fresh(state)
    assert told(SplitItem("D", 100), ExtractItems((right,), sync=False)) == [
        ("trimmed", "D", "20 frames shorter at the tail")
    ]


def test_a_piece_put_elsewhere_is_a_split_and_a_move() -> None:
    state = done(BASE, SplitItem("D", 100))
    right = fresh(state)
    kinds = {kind for kind, *_ in told(SplitItem("D", 100), MoveItems((right,), Place("V1", at=0), sync=False))}
    assert kinds == {"split", "moved"}


def test_a_transition_and_a_marker_pass_on_to_the_split_off_piece() -> None:
    base = cut("V1= A:40/20 B:30/40", transitions=("A>B 3+3",), markers=(Marker("k", 55, item="A"),))
    after = done(base, SplitItem("A", 20))
    assert "A>B" not in after.transitions
    assert [one.kind for one in changes(base, after)] == ["split"]


def test_unlinking_is_told_once() -> None:
    base = done(BASE, LinkItems(("A", "S")))
    assert told(UnlinkItems(("A", "S")), base=base) == [("unlinked", "A", "A, S")]


# -- ripples


def test_an_insert_early_in_a_long_reel_is_one_change() -> None:
    row = " ".join(f"A{n}:10/{n}" for n in range(1000))
    lane = " ".join(f"B{n}:10@{n * 10}" for n in range(1000))
    for base in (cut(f"V1= {row}"), cut(f"V2~ {lane}"), cut(f"V1= {row}", f"V2~ {lane}")):
        track = base.order[-1]
        after = base.lanes[track].first
        assert after is not None
        found = told(InsertItem(Place(track, after=after.id), item("N:7")), base=base)
        assert found == [("inserted", "N", "7 frames")]


def test_everything_later_by_one_distance_is_one_ripple() -> None:
    base = cut("V2~ A:10@0 B:10@10 C:10@20 D:10@40")
    shifted = apply_all(base, [ItemsShifted("V2", "B", 6)])
    assert [(one.kind, one.about, one.detail) for one in changes(base, shifted)] == [
        ("rippled", "B", "everything from here on 6 frames later")
    ]
    assert changes(shifted, base)[0].detail == "everything from here on 6 frames earlier"


def test_the_same_ripple_on_several_tracks_is_one_change() -> None:
    base = cut("V2~ A:10@0 B:10@20 C:10@40", "V3~ E:10@5 F:10@25 G:10@45")
    after = apply_all(base, [ItemsShifted("V2", "B", 6), ItemsShifted("V3", "F", 6)])
    assert [(one.kind, one.detail) for one in changes(base, after)] == [
        ("rippled", "everything from here on, on 2 tracks, 6 frames later")
    ]


def test_an_edit_does_not_hide_a_move_beside_it() -> None:
    base = cut("V2~ A:10@0 B:10@20 C:10@40 D:10@60")
    found = told(TrimItem("A", "tail", -3), MoveItems(("C",), Place("V2", at=45)), base=base)
    assert found == [("trimmed", "A", "3 frames shorter at the tail"), ("moved", "C", "5 frames later")]


def test_a_hole_at_the_end_of_a_magnetic_track_is_told() -> None:
    assert [(one.kind, one.detail) for one in changes(cut("V1= A:5 _:7"), cut("V1= A:5 _:9"))] == [
        ("gap", "7 → 9 frames of gap at the end")
    ]


# -- handles


@pytest.mark.parametrize(
    ("new", "said"),
    [
        ("A:50/10[0+60]", "10 frames longer at the head"),
        ("A:54/6[10+60]", "14 frames longer at the head; head handle short by 4"),
        ("A:56/20[0+70]", "16 frames longer at the tail; tail handle short by 6"),
        ("A:70/6[10+50]", "14 frames longer at the head, 16 frames longer at the tail; head handle short by 4, "
                          "tail handle short by 16"),
    ],
)  # fmt: skip
def test_missing_handles_are_told(new: str, said: str) -> None:
    before = cut("V2~ A:40@40/20")
    longer = item(new)
    state = before.items.set("A", replace(before.items["A"], source=longer.source))
    base = replace(before, items=state)
    after = replace(base, items=state.set("A", longer))
    assert [one.detail for one in changes(base, after) if one.kind == "trimmed"] == [said]


def test_a_transition_needs_its_handles_too() -> None:
    base = cut("V1= A:40/20[0+60] B:30/40")
    after = done(base, TrimItem("A", "tail", -2))
    assert "handle" not in changes(base, after)[0].detail
    wider = replace(cut("V1= A:40/20 B:30/40", transitions=("A>B 3+3",)), id="s0")
    known = replace(wider.items["A"], source=Media("mA", 0, 58))
    before = replace(wider, items=wider.items.set("A", known))
    trimmed = replace(before, items=before.items.set("A", replace(known, source_in=19, duration=41)))
    assert changes(before, trimmed)[0].detail == "1 frame longer at the head; tail handle short by 5"


# -- laws


@given(st.integers(0, 2**32), st.integers(0, 15))
@settings(max_examples=60, deadline=None)
def test_nothing_changed_is_no_change_and_anything_changed_is_one(seed: int, edits: int) -> None:
    random = Random(seed)
    base = reel(random, 40, media=4)
    after, made = Script(random).run(base, edits)
    assert changes(base, base) == changes(after, after) == ()
    assert bool(changes(base, after)) == (content_of(base) != content_of(after))
    assert bool(changes(after, base)) == (content_of(base) != content_of(after))
    found = changes(base, after)
    assert found == changes(base, after)
    assert sum(summary(found).values()) == len(found)
    assert len(found) <= 3 * len(made)


def test_about_as_many_changes_as_edits() -> None:
    made_by_hand = found = 0
    for seed in range(40):
        random = Random(f"changes {seed}")
        base = reel(random, 200)
        after, made = Script(random).run(base, 10)
        made_by_hand += len(made)
        found += len(changes(base, after))
    assert found <= 1.1 * made_by_hand


def test_a_summary_counts_by_kind() -> None:
    found = changes(BASE, done(BASE, SetEnabled(("B", "C"), False), RenameItem("B", "Sea")))
    assert summary(found) == {"disabled": 2, "renamed": 1}


def test_a_thousand_pieces_of_one_file_are_told_in_time() -> None:
    def reel(*lengths: int) -> Sequence:
        items, start = [], 0
        for n in range(1_000 * len(lengths)):
            length = lengths[n % len(lengths)]
            id_ = f"i{n // len(lengths)}" if n % len(lengths) == 0 else f"j{n}"
            items.append(Placed(Item(id_, Media("m"), length, source_in=start)))
            start += length
        part = TrackContent(Track("V1", placement="magnetic"), tuple(items))
        return restore("s", 1, Content("Reel", Rate(24), tracks=(part,)))

    begin = thread_time()
    found = changes(reel(100), reel(40, 60))
    assert thread_time() - begin < 3
    assert [change.kind for change in found] == ["split"] * 1_000
