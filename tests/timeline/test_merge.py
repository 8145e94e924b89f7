"""Three-way merge, situation by situation: what two people did, and what comes of it. `cuts.cut` reads the timelines."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from genlock.timeline.check import violations
from genlock.timeline.events import content_of
from genlock.timeline.merge import Merged, merge
from genlock.timeline.model import Marker, Media, Transition
from genlock.timeline.ops import ConflictSet, MergeConflict
from genlock.timeline.rate import Speed
from genlock.timeline.sequence import Sequence, apply_all
from tests.timeline.cuts import cut, fades, picture


def merged(base: Sequence, ours: Sequence, theirs: Sequence, **kw: Any) -> Merged:
    """Merges, and holds to what is true of every merge."""
    result = merge(base, ours, theirs, **kw)
    assert violations(result.state) == []
    assert content_of(apply_all(ours, result.ops)) == content_of(result.state)
    for conflict in result.conflicts:
        assert result.state.conflicts[conflict.id] == conflict
        assert conflict.message.endswith(".")
        for ops in (conflict.take_theirs, conflict.keep_both):
            assert violations(apply_all(result.state, ops)) == []
    assert merge(base, ours, theirs, **kw) == result
    return result


def quiet(base: Sequence, ours: Sequence, theirs: Sequence) -> list[str]:
    """Merges without a conflict and writes the result."""
    result = merged(base, ours, theirs)
    assert result.conflicts == (), [c.message for c in result.conflicts]
    return picture(result.state)


def one(base: Sequence, ours: Sequence, theirs: Sequence, **kw: Any) -> tuple[MergeConflict, Sequence]:
    """Merges with one conflict."""
    result = merged(base, ours, theirs, **kw)
    assert len(result.conflicts) == 1, [c.message for c in result.conflicts]
    return result.conflicts[0], result.state


def taken(conflict: MergeConflict, state: Sequence) -> list[str]:
    assert conflict.take_theirs
    return picture(apply_all(state, conflict.take_theirs))


def kept(conflict: MergeConflict, state: Sequence) -> list[str]:
    assert conflict.keep_both
    return picture(apply_all(state, conflict.keep_both))


def named(state: Sequence, **names: str) -> Sequence:
    items = state.items
    for id_, name in names.items():
        items = items.set(id_, replace(items[id_], name=name))
    return replace(state, items=items)


def given(state: Sequence, id_: str, **fields: Any) -> Sequence:
    return replace(state, items=state.items.set(id_, replace(state.items[id_], **fields)))


BASE = cut("V1= A:50/100 B:40/200 C:30/300 D:20/400")
FREE = cut("V2~ A:50@0/100 B:40@50/200 C:30@100/300 D:20@200/400")


# -- registers


def test_edits_of_other_clips_do_not_meet() -> None:
    ours = cut("V1= A:60/100 B:40/200 C:30/300 D:20/400")
    theirs = cut("V1= A:50/100 B:40/200 C:25/305 D:20/400")
    assert quiet(BASE, ours, theirs) == ["V1= A:60/100 B:40/200 C:25/305 D:20/400"]


def test_trims_at_both_ends_of_a_clip_by_two_people_both_count() -> None:
    head, tail = cut("V1= A:45/105 B:40/200 C:30/300 D:20/400"), cut("V1= A:58/100 B:40/200 C:30/300 D:20/400")
    both = ["V1= A:53/105 B:40/200 C:30/300 D:20/400"]
    assert quiet(BASE, head, tail) == both
    assert quiet(BASE, tail, head) == both


def test_trims_at_both_ends_count_at_another_speed_too() -> None:
    base = cut("V1= A:50/100*2 B:40/200")
    head, tail = cut("V1= A:45/110*2 B:40/200"), cut("V1= A:53/100*2 B:40/200")
    assert quiet(base, head, tail) == ["V1= A:48/110*2 B:40/200"]


def test_the_same_edge_trimmed_twice_is_a_conflict_in_frames() -> None:
    ours = cut("V1= A:62/100 B:40/200 C:30/300 D:20/400")
    theirs = cut("V1= A:45/100 B:40/200 C:30/300 D:20/400")
    conflict, state = one(named(BASE, A="SH040"), named(ours, A="SH040"), named(theirs, A="SH040"))
    assert (conflict.kind, conflict.about, conflict.field) == ("both_set", "A", "out")
    assert conflict.message == "SH040: out-point 12 frames later here, 5 frames earlier in the returned cut."
    assert (conflict.base, conflict.ours, conflict.theirs) == tuple({"duration": n} for n in (50, 62, 45))
    assert picture(state)[0].startswith("V1= SH040:62/100 ")
    assert taken(conflict, state)[0].startswith("V1= SH040:45/100 ")
    beside = apply_all(state, conflict.keep_both)
    assert [(it.name, it.duration) for _, it in beside.placed("V1")][:2] == [("SH040", 62), ("SH040 (theirs)", 45)]


def test_equal_changes_are_no_conflict() -> None:
    both = cut("V1= A:62/100 B:35/205 C:30/300 D:20/400")
    assert merged(BASE, both, both).ops == ()


def test_a_slip_and_a_trim_of_the_tail_meet_at_the_out_point() -> None:
    slip, tail = given(BASE, "A", source_in=110), cut("V1= A:55/100 B:40/200 C:30/300 D:20/400")
    conflict, state = one(BASE, slip, tail)
    assert (conflict.field, state.items["A"].source_in) == ("out", 110)


def test_each_field_of_an_item_is_a_register() -> None:
    ours = given(BASE, "A", name="new name", effects=({"blur": 1},))
    theirs = given(BASE, "A", enabled=False, foreign={"resolve": 1})
    result = merged(BASE, ours, theirs)
    item = result.state.items["A"]
    assert result.conflicts == ()
    assert (item.name, item.enabled, item.effects, item.foreign) == ("new name", False, ({"blur": 1},), {"resolve": 1})


@pytest.mark.parametrize(
    ("field", "here", "there"),
    [
        ("name", "here", "there"),
        ("effects", ({"blur": 1},), ({"blur": 2},)),
        ("link", "l1", "l2"),
        ("foreign", {"avid": 1}, {"avid": 2}),
    ],
)
def test_a_field_set_twice(field: str, here: Any, there: Any) -> None:
    def with_link(state: Sequence) -> Sequence:
        link = state.items["A"].link
        return replace(state, links=state.links.set(link, frozenset({"A"}))) if link else state

    ours, theirs = (with_link(given(BASE, "A", **{field: value})) for value in (here, there))
    conflict, state = one(BASE, ours, theirs)
    assert (conflict.kind, conflict.about, conflict.field) == ("both_set", "A", field)
    assert getattr(state.items["A"], field) == here
    assert getattr(apply_all(state, conflict.take_theirs).items["A"], field) == there


def test_two_tools_that_write_metadata_beside_each_other_do_not_quarrel() -> None:
    base = given(BASE, "A", foreign={"otio": {"a": 1, "b": 1}})
    ours = given(BASE, "A", foreign={"otio": {"a": 2, "b": 1}, "avid": {"x": 1}})
    theirs = given(BASE, "A", foreign={"otio": {"a": 1}, "resolve": {"y": 1}})
    result = merged(base, ours, theirs)
    assert result.state.items["A"].foreign == {"otio": {"a": 2}, "avid": {"x": 1}, "resolve": {"y": 1}}
    assert result.conflicts == ()


def test_another_take_there_and_a_trim_here_go_together() -> None:
    take = given(BASE, "A", source=Media("v2"), source_in=1100)
    assert quiet(BASE, cut("V1= A:55/100 B:40/200 C:30/300 D:20/400"), take)[0].startswith("V1= A:55/1100 ")
    head = cut("V1= A:45/105 B:40/200 C:30/300 D:20/400")
    assert quiet(BASE, head, take)[0].startswith("V1= A:45/1105 ")


def test_two_other_takes_are_a_conflict_and_theirs_brings_its_numbers() -> None:
    ours = given(BASE, "A", source=Media("v2"), source_in=1100)
    theirs = given(BASE, "A", source=Media("v3"), source_in=2100)
    conflict, state = one(BASE, ours, theirs)
    assert conflict.field == "source"
    after = apply_all(state, conflict.take_theirs).items["A"]
    assert (after.source, after.source_in) == (Media("v3"), 2100)


def test_speed_set_twice() -> None:
    ours = given(BASE, "A", speed=Speed(2))
    theirs = given(BASE, "A", speed=Speed(1, 2))
    conflict, state = one(BASE, ours, theirs)
    assert (conflict.field, state.items["A"].speed) == ("speed", Speed(2))
    assert "speed 2 here, 1/2 in the returned cut" in conflict.message


def test_in_and_out_point_that_would_cross_leave_ours() -> None:
    ours, theirs = cut("V1= A:10/100 B:40/200 C:30/300 D:20/400"), cut("V1= A:20/130 B:40/200 C:30/300 D:20/400")
    conflict, state = one(BASE, ours, theirs)
    assert (conflict.kind, conflict.about) == ("no_handle", "A")
    assert picture(state) == picture(ours)
    assert taken(conflict, state)[0].startswith("V1= A:20/130 ")


def test_a_trim_here_and_a_speed_there_that_together_run_out_of_media() -> None:
    base = cut("V1= A:50/100[0+202] B:9")
    ours, theirs = cut("V1= A:90/100[0+202] B:9"), cut("V1= A:50/100*2[0+202] B:9")
    conflict, state = one(base, ours, theirs)
    assert (conflict.kind, conflict.about, picture(state)) == ("no_handle", "A", picture(ours))
    assert taken(conflict, state) == picture(theirs)


# -- order on a magnetic track


def test_inserts_at_two_places() -> None:
    ours, theirs = (
        cut("V1= A:50/100 X:7 B:40/200 C:30/300 D:20/400"),
        cut("V1= A:50/100 B:40/200 C:30/300 Y:9 D:20/400"),
    )
    assert quiet(BASE, ours, theirs) == ["V1= A:50/100 X:7 B:40/200 C:30/300 Y:9 D:20/400"]


def test_inserts_at_one_place_both_stay_ours_first() -> None:
    ours, theirs = (
        cut("V1= A:50/100 X:7 B:40/200 C:30/300 D:20/400"),
        cut("V1= A:50/100 Y:9 B:40/200 C:30/300 D:20/400"),
    )
    assert quiet(BASE, ours, theirs) == ["V1= A:50/100 X:7 Y:9 B:40/200 C:30/300 D:20/400"]
    head = cut("V1= Y:9 A:50/100 B:40/200 C:30/300 D:20/400"), cut("V1= X:7 A:50/100 B:40/200 C:30/300 D:20/400")
    assert quiet(BASE, *head)[0].startswith("V1= Y:9 X:7 A:50/100 ")


def test_an_insert_behind_a_clip_that_is_gone_here_goes_behind_the_one_before() -> None:
    ours, theirs = cut("V1= A:50/100 C:30/300 D:20/400"), cut("V1= A:50/100 B:40/200 X:7 C:30/300 D:20/400")
    assert quiet(BASE, ours, theirs) == ["V1= A:50/100 X:7 C:30/300 D:20/400"]


def test_a_clip_removed_there_and_untouched_here_goes() -> None:
    ours, theirs = cut("V1= A:55/100 B:40/200 C:30/300 D:20/400"), cut("V1= A:50/100 B:40/200 D:20/400")
    assert quiet(BASE, ours, theirs) == ["V1= A:55/100 B:40/200 D:20/400"]
    assert quiet(BASE, theirs, ours) == ["V1= A:55/100 B:40/200 D:20/400"]


def test_removed_there_changed_here() -> None:
    ours, theirs = cut("V1= A:50/100 B:40/200 C:35/300 D:20/400"), cut("V1= A:50/100 B:40/200 D:20/400")
    conflict, state = one(BASE, ours, theirs)
    assert (conflict.kind, conflict.about, conflict.theirs) == ("removed_there", "C", None)
    assert picture(state) == picture(ours)
    assert taken(conflict, state) == ["V1= A:50/100 B:40/200 D:20/400"]
    assert conflict.keep_both == ()


def test_removed_here_changed_there() -> None:
    ours, theirs = cut("V1= A:50/100 B:40/200 D:20/400"), cut("V1= A:50/100 B:40/200 C:35/300 D:20/400")
    conflict, state = one(BASE, ours, theirs)
    assert (conflict.kind, conflict.about, conflict.ours) == ("removed_here", "C", None)
    assert picture(state) == picture(ours)
    assert taken(conflict, state) == ["V1= A:50/100 B:40/200 C:35/300 D:20/400"]


def test_a_clip_with_a_new_marker_here_counts_as_worked_on() -> None:
    ours = cut("V1= A:50/100 B:40/200 C:30/300 D:20/400", markers=(Marker("m1", 310, item="C", name="smile"),))
    conflict, _ = one(BASE, ours, cut("V1= A:50/100 B:40/200 D:20/400"))
    assert (conflict.kind, conflict.about) == ("removed_there", "C")


def test_a_move_there_and_a_trim_here_both_apply() -> None:
    ours, theirs = cut("V1= A:50/100 B:40/200 C:30/300 D:25/400"), cut("V1= A:50/100 D:20/400 B:40/200 C:30/300")
    assert quiet(BASE, ours, theirs) == ["V1= A:50/100 D:25/400 B:40/200 C:30/300"]
    assert quiet(BASE, theirs, ours) == ["V1= A:50/100 D:25/400 B:40/200 C:30/300"]


def test_moved_to_two_places() -> None:
    ours, theirs = cut("V1= D:20/400 A:50/100 B:40/200 C:30/300"), cut("V1= A:50/100 D:20/400 B:40/200 C:30/300")
    conflict, state = one(BASE, ours, theirs)
    assert (conflict.kind, conflict.about) == ("both_moved", "D")
    assert picture(state) == picture(ours)
    assert taken(conflict, state) == picture(theirs)
    assert kept(conflict, state)[0].count("D") == 2


def test_moved_to_the_same_place_twice() -> None:
    both = cut("V1= D:20/400 A:50/100 B:40/200 C:30/300")
    assert merged(BASE, both, given(both, "A", name="x")).conflicts == ()


def test_moved_to_another_track_there_and_trimmed_here() -> None:
    base = cut("V1= A:50/100 B:40/200 C:30/300", "V2~")
    ours, theirs = cut("V1= A:50/100 B:45/200 C:30/300", "V2~"), cut("V1= A:50/100 C:30/300", "V2~ B:40@70/200")
    assert quiet(base, ours, theirs) == ["V1= A:50/100 C:30/300", "V2~ B:45@70/200"]
    assert quiet(base, theirs, ours) == ["V1= A:50/100 C:30/300", "V2~ B:45@70/200"]


# -- splits and joins


def test_a_split_there_and_a_trim_of_the_head_here() -> None:
    ours, theirs = (
        cut("V1= A:50/100 B:35/205 C:30/300 D:20/400"),
        cut("V1= A:50/100 B:15/200 B2:25/215 C:30/300 D:20/400"),
    )
    theirs = given(theirs, "B2", source=theirs.items["B"].source)
    assert quiet(BASE, ours, theirs) == ["V1= A:50/100 B:10/205 B2:25/215 C:30/300 D:20/400"]


def test_a_split_there_and_a_trim_of_the_same_edge_here() -> None:
    ours, theirs = (
        cut("V1= A:50/100 B:36/200 C:30/300 D:20/400"),
        cut("V1= A:50/100 B:15/200 B2:25/215 C:30/300 D:20/400"),
    )
    conflict, state = one(BASE, ours, theirs)
    assert (conflict.kind, conflict.about, conflict.field) == ("both_set", "B", "out")
    assert picture(state) == picture(ours), "the second half waits with the conflict"
    assert taken(conflict, state) == picture(theirs)


def test_a_split_there_and_an_insert_behind_the_clip_here() -> None:
    ours = cut("V1= A:50/100 B:40/200 X:7 C:30/300 D:20/400")
    theirs = cut("V1= A:50/100 B:15/200 B2:25/215 C:30/300 D:20/400")
    whole = ["V1= A:50/100 B:15/200 B2:25/215 X:7 C:30/300 D:20/400"]
    assert quiet(BASE, ours, theirs) == whole
    assert quiet(BASE, theirs, ours) == whole


def test_a_split_here_and_an_edit_of_something_else_there() -> None:
    ours = cut("V1= A:50/100 B:15/200 B2:25/215 C:30/300 D:20/400")
    theirs = cut("V1= A:50/100 B:40/200 C:33/300 D:20/400")
    assert quiet(BASE, ours, theirs) == ["V1= A:50/100 B:15/200 B2:25/215 C:33/300 D:20/400"]


def test_a_join_there_and_a_new_name_here() -> None:
    base = cut("V1= A:50/100 B:15/200 B2:25/215 C:30/300")
    theirs = cut("V1= A:50/100 B:40/200 C:30/300")
    assert quiet(base, given(base, "B", enabled=False), theirs) == ["V1= A:50/100 B:40/200 C:30/300"]


def test_a_join_there_and_a_trim_of_the_second_half_here() -> None:
    base = cut("V1= A:50/100 B:15/200 B2:25/215 C:30/300")
    ours, theirs = cut("V1= A:50/100 B:15/200 B2:20/215 C:30/300"), cut("V1= A:50/100 B:40/200 C:30/300")
    conflict, state = one(base, ours, theirs)
    assert (conflict.kind, conflict.about) == ("removed_there", "B2")
    assert taken(conflict, state) == picture(theirs)


# -- room on magnetic tracks


def test_a_gap_with_another_id_is_the_same_room() -> None:
    base = cut("V1= A:50/100 _:10 B:40/200 C:30/300")
    theirs = cut("V3~", "V1= A:50/100 _:10 B:40/200 C:33/300")
    theirs = replace(theirs, order=("V1",), tracks=theirs.tracks.delete("V3"), lanes=theirs.lanes.delete("V3"))
    items = theirs.items.delete("gap2").set("fresh", replace(theirs.items["gap2"], id="fresh"))
    lane = theirs.lanes["V1"].remove("gap2", close=True).insert_after("A", "fresh", 10)
    theirs = replace(
        theirs, items=items, lanes=theirs.lanes.set("V1", lane), home=theirs.home.delete("gap2").set("fresh", "V1")
    )
    result = merged(base, base, theirs)
    assert [type(op).__name__ for op in result.ops] == ["ItemSet"]
    assert "gap2" in result.state.items


def test_a_lift_there_and_a_trim_here() -> None:
    ours, theirs = cut("V1= A:55/100 B:40/200 C:30/300 D:20/400"), cut("V1= A:50/100 _:40 C:30/300 D:20/400")
    assert quiet(BASE, ours, theirs) == ["V1= A:55/100 _:40 C:30/300 D:20/400"]
    assert quiet(BASE, theirs, ours) == ["V1= A:55/100 _:40 C:30/300 D:20/400"]


def test_a_gap_filled_there_and_a_trim_here() -> None:
    base = cut("V1= A:50/100 _:30 B:40/200")
    ours, theirs = cut("V1= A:55/100 _:30 B:40/200"), cut("V1= A:50/100 _:5 X:20 _:5 B:40/200")
    assert quiet(base, ours, theirs) == ["V1= A:55/100 _:5 X:20 _:5 B:40/200"]
    assert quiet(base, theirs, ours) == ["V1= A:55/100 _:5 X:20 _:5 B:40/200"]


def test_a_gap_closed_there_and_a_clip_moved_here() -> None:
    base = cut("V1= A:50/100 _:30 B:40/200 C:30/300")
    ours, theirs = cut("V1= C:30/300 A:50/100 _:30 B:40/200"), cut("V1= A:50/100 B:40/200 C:30/300")
    assert quiet(base, ours, theirs) == ["V1= C:30/300 A:50/100 B:40/200"]


# -- tracks


def test_a_track_added_there_with_clips() -> None:
    theirs = cut("V1= A:50/100 B:40/200 C:30/300 D:20/400", "V2~ X:9@12")
    ours = cut("V1= A:55/100 B:40/200 C:30/300 D:20/400")
    assert quiet(BASE, ours, theirs) == ["V1= A:55/100 B:40/200 C:30/300 D:20/400", "V2~ X:9@12"]
    assert quiet(BASE, theirs, ours) == ["V1= A:55/100 B:40/200 C:30/300 D:20/400", "V2~ X:9@12"]


def test_a_track_removed_there_and_untouched_here_goes() -> None:
    base = cut("V1= A:50/100 B:40/200", "V2~ X:9@12")
    assert quiet(base, cut("V1= A:55/100 B:40/200", "V2~ X:9@12"), cut("V1= A:50/100 B:40/200")) == [
        "V1= A:55/100 B:40/200"
    ]


def test_a_track_removed_there_and_worked_on_here() -> None:
    base = cut("V1= A:50/100 B:40/200", "V2~ X:9@12 Y:9@40")
    ours, theirs = cut("V1= A:50/100 B:40/200", "V2~ X:9@12 Y:5@40"), cut("V1= A:55/100 B:40/200")
    conflict, state = one(base, ours, theirs)
    assert (conflict.kind, conflict.about) == ("track_removed", "V2")
    assert picture(state) == ["V1= A:55/100 B:40/200", "V2~ X:9@12 Y:5@40"]
    assert taken(conflict, state) == ["V1= A:55/100 B:40/200"]


def test_a_track_removed_here_and_worked_on_there() -> None:
    base = cut("V1= A:50/100 B:40/200", "V2~ X:9@12 Y:9@40")
    ours, theirs = cut("V1= A:55/100 B:40/200"), cut("V1= A:50/100 B:40/200", "V2~ X:9@12 Z:5@40")
    conflict, state = one(base, ours, theirs)
    assert (conflict.kind, conflict.about) == ("track_removed", "V2")
    assert picture(state) == ["V1= A:55/100 B:40/200"]
    assert taken(conflict, state) == ["V1= A:55/100 B:40/200", "V2~ X:9@12 Z:5@40"]


def test_settings_of_a_track() -> None:
    def with_track(state: Sequence, **fields: Any) -> Sequence:
        return replace(state, tracks=state.tracks.set("V1", replace(state.tracks["V1"], **fields)))

    result = merged(BASE, with_track(BASE, name="Cut"), with_track(BASE, enabled=False))
    assert (result.state.tracks["V1"].name, result.state.tracks["V1"].enabled) == ("Cut", False)
    conflict, state = one(BASE, with_track(BASE, name="Cut"), with_track(BASE, name="Main"))
    assert (conflict.kind, conflict.about, conflict.field) == ("both_set", "V1", "name")
    assert conflict.message == 'V1: name "Cut" here, "Main" in the returned cut.' or conflict.message.startswith(
        "Cut: name"
    )
    assert apply_all(state, conflict.take_theirs).tracks["V1"].name == "Main"


def test_the_order_of_tracks() -> None:
    base = cut("V1~ A:5@0", "V2~ B:5@0", "V3~ C:5@0", "V4~ D:5@0")
    ours, theirs = (
        cut("V2~ B:5@0", "V1~ A:5@0", "V3~ C:5@0", "V4~ D:5@0"),
        cut("V1~ A:5@0", "V2~ B:5@0", "V4~ D:5@0", "V3~ C:5@0"),
    )
    assert quiet(base, ours, theirs) == ["V2~ B:5@0", "V1~ A:5@0", "V4~ D:5@0", "V3~ C:5@0"]
    other = cut("V2~ B:5@0", "V3~ C:5@0", "V4~ D:5@0", "V1~ A:5@0")
    assert [c.kind for c in merged(base, cut("V2~ B:5@0", "V3~ C:5@0", "V1~ A:5@0", "V4~ D:5@0"), other).conflicts] == [
        "both_moved"
    ]


def test_what_theirs_does_on_a_track_that_is_locked_here_waits() -> None:
    base = cut("V1= A:50/100 B:40/200", "V2~ X:9@12")
    ours = cut("V1=! A:50/100 B:40/200", "V2~ X:9@12")
    theirs = cut("V1= A:45/100 Y:9 B:40/200", "V2~ X:9@15")
    conflict, state = one(base, ours, theirs)
    assert (conflict.kind, conflict.about) == ("locked", "V1")
    assert picture(state) == ["V1= A:50/100 B:40/200", "V2~ X:9@15"]
    assert taken(conflict, state) == ["V1= A:45/100 Y:9 B:40/200", "V2~ X:9@15"]


def test_a_locked_track_that_theirs_left_alone_is_no_conflict() -> None:
    base = cut("V1=! A:50/100 B:40/200", "V2~ X:9@12")
    assert quiet(base, base, cut("V1=! A:50/100 B:40/200", "V2~ X:9@15")) == ["V1= A:50/100 B:40/200", "V2~ X:9@15"]


# -- transitions, markers, settings

CROSS = "V1= A:50/100 B:40/200 C:30/300 D:20/400"


def test_transitions_at_two_cuts() -> None:
    ours, theirs = cut(CROSS, transitions=("A>B 5+5",)), cut(CROSS, transitions=("C>D 4+4",))
    result = merged(BASE, ours, theirs)
    assert (fades(result.state), result.conflicts) == (["A>B 5+5", "C>D 4+4"], ())


def test_a_transition_made_longer_twice() -> None:
    base, ours, theirs = (cut(CROSS, transitions=(f"A>B {n}+5",)) for n in (5, 7, 9))
    conflict, state = one(base, ours, theirs)
    assert (conflict.kind, conflict.about, conflict.field) == ("both_set", "A>B", "in_offset")
    assert fades(apply_all(state, conflict.take_theirs)) == ["A>B 9+5"]


@pytest.mark.parametrize("base", [cut(CROSS), cut(CROSS, transitions=("A>B 5+5",))])
def test_a_transition_set_twice_is_one_conflict(base: Sequence) -> None:
    """Both sides lay a dissolve on the same cut, or make the one there longer: it is settled as a whole."""
    ours, theirs = (cut(CROSS, transitions=(f"A>B {n}+{n}",)) for n in (7, 9))
    conflict, state = one(base, ours, theirs)
    assert (conflict.kind, conflict.about, conflict.field) == ("both_set", "A>B", "in_offset, out_offset")
    assert conflict.message == (
        "A to B, dissolve: length before the cut 7 here, 9 in the returned cut; "
        "length behind the cut 7 here, 9 in the returned cut."
    )
    assert fades(state) == ["A>B 7+7"]
    assert fades(apply_all(state, conflict.take_theirs)) == ["A>B 9+9"]
    assert fades(merged(base, ours, theirs, policy="theirs").state) == ["A>B 9+9"]


def test_a_marker_set_twice_is_one_conflict() -> None:
    def marked(name: str, color: Any) -> Sequence:
        return replace(BASE, markers=BASE.markers.set("m", Marker("m", 10, 0, None, name, color)))

    conflict, state = one(marked("one", "RED"), marked("two", "BLUE"), marked("three", "GREEN"))
    assert conflict.field == "name, color"
    assert apply_all(state, conflict.take_theirs).markers["m"] == Marker("m", 10, 0, None, "three", "GREEN")


def test_a_transition_here_whose_clips_theirs_parted_is_lost_and_said() -> None:
    ours = cut(CROSS, transitions=("A>B 5+5",))
    theirs = cut("V1= A:50/100 X:9 B:40/200 C:30/300 D:20/400")
    conflict, state = one(BASE, ours, theirs)
    assert (conflict.kind, conflict.about, fades(state)) == ("transition_lost", "A>B", [])
    assert picture(state) == picture(theirs)
    assert conflict.message == "A to B, dissolve: its clips are no longer side by side, or too short for it."


def test_a_transition_there_whose_clips_are_parted_here_is_lost_and_said() -> None:
    ours, theirs = cut("V1= A:50/100 X:9 B:40/200 C:30/300 D:20/400"), cut(CROSS, transitions=("A>B 5+5",))
    conflict, state = one(BASE, ours, theirs)
    assert (conflict.kind, conflict.about, fades(state)) == ("transition_lost", "A>B", [])


def test_a_transition_that_has_no_handles_any_more() -> None:
    base = cut("V1= A:50/100[0+170] B:40/200 C:30")
    ours, theirs = (
        cut("V1= A:68/100[0+170] B:40/200 C:30"),
        cut("V1= A:50/100[0+170] B:40/200 C:30", transitions=("A>B 5+10",)),
    )
    conflict, state = one(base, ours, theirs)
    assert (conflict.kind, conflict.about, fades(state)) == ("no_handle", "A>B", [])
    assert (conflict.take_theirs, picture(state)) == ((), picture(ours))


def test_a_trim_that_takes_the_handles_of_a_transition_here() -> None:
    base = cut("V1= A:50/100[0+170] B:40/200 C:30")
    ours, theirs = (
        cut("V1= A:50/100[0+170] B:40/200 C:30", transitions=("A>B 5+10",)),
        cut("V1= A:68/100[0+170] B:40/200 C:30"),
    )
    conflict, state = one(base, ours, theirs)
    assert (conflict.kind, conflict.about) == ("no_handle", "A")
    assert (fades(state), picture(state)) == (["A>B 5+10"], picture(ours))


def test_a_transition_removed_there_and_changed_here() -> None:
    base, ours = cut(CROSS, transitions=("A>B 5+5",)), cut(CROSS, transitions=("A>B 7+5",))
    conflict, state = one(base, ours, cut(CROSS))
    assert (conflict.kind, fades(state)) == ("removed_there", ["A>B 7+5"])
    assert fades(apply_all(state, conflict.take_theirs)) == []


def test_markers_field_by_field() -> None:
    def marked(**fields: Any) -> Sequence:
        return cut(CROSS, markers=(Marker("m1", 10, **fields),))

    result = merged(marked(), marked(name="cue"), marked(color="BLUE"))
    assert result.state.markers["m1"] == Marker("m1", 10, name="cue", color="BLUE")
    conflict, state = one(marked(), marked(name="cue"), marked(name="hit"))
    assert (conflict.kind, conflict.about, conflict.field) == ("both_set", "m1", "name")
    assert apply_all(state, conflict.take_theirs).markers["m1"].name == "hit"
    conflict, state = one(marked(), cut(CROSS), marked(name="hit"))
    assert conflict.kind == "removed_here"
    assert apply_all(state, conflict.take_theirs).markers["m1"].name == "hit"


def test_a_marker_there_on_a_clip_that_is_gone_here_comes_back_with_it() -> None:
    theirs = cut(CROSS, markers=(Marker("m1", 310, item="C", name="smile"),))
    conflict, state = one(BASE, cut("V1= A:50/100 B:40/200 D:20/400"), theirs)
    assert (conflict.kind, conflict.about, state.markers.get("m1")) == ("removed_here", "C", None)
    assert apply_all(state, conflict.take_theirs).markers["m1"].name == "smile"


def test_settings_of_the_sequence() -> None:
    result = merged(BASE, replace(BASE, name="Reel 1"), replace(BASE, start_frame=86400))
    assert (result.state.name, result.state.start_frame, result.conflicts) == ("Reel 1", 86400, ())
    conflict, state = one(BASE, replace(BASE, name="Reel 1"), replace(BASE, name="Reel A"))
    assert (conflict.kind, conflict.about, conflict.field) == ("both_set", BASE.id, "name")
    assert apply_all(state, conflict.take_theirs).name == "Reel A"


def test_a_transition_added_on_both_sides_alike() -> None:
    both = cut(CROSS, transitions=("A>B 5+5",))
    assert merged(BASE, both, both).ops == ()
    assert isinstance(both.transitions["A>B"], Transition)


# -- doubt, policies, ids


def test_which_clip_it_was_matters_only_when_ours_made_a_difference() -> None:
    base = cut("V1= A:50/100 B:9 A2:50/100")
    theirs = cut("V1= A:50/100 B:9 A2:44/100")
    same = merge(base, base, theirs, unsure={"A2": ("A",)})
    assert (same.conflicts, picture(same.state)) == ((), picture(theirs))
    ours = given(base, "A", enabled=False)
    conflict, state = one(base, ours, theirs, unsure={"A2": ("A",)})
    assert (conflict.kind, conflict.about) == ("unsure", "A2")
    assert picture(state) == picture(base)
    assert taken(conflict, state) == picture(theirs)


def test_policies_settle_at_once() -> None:
    ours, theirs = cut("V1= A:62/100 B:40/200 D:20/400"), cut("V1= A:45/100 B:40/200 C:35/300 D:20/400")
    asked = merged(BASE, ours, theirs)
    assert [c.kind for c in asked.conflicts] == ["both_set", "removed_here"]
    kept_ours = merged(BASE, ours, theirs, policy="ours")
    assert (kept_ours.conflicts, kept_ours.ops, kept_ours.settled) == ((), (), asked.conflicts)
    took = merged(BASE, ours, theirs, policy="theirs")
    assert (picture(took.state), took.conflicts, took.settled) == (picture(theirs), (), asked.conflicts)
    both = merged(BASE, ours, theirs, policy="both")
    assert [c.kind for c in both.settled] == ["both_set"]
    assert [c.kind for c in both.conflicts] == ["removed_here"], "there is nothing to put beside: it stays open"
    assert picture(both.state)[0].startswith("V1= A:62/100 ")


def test_ids_are_those_of_the_merge_and_its_seed() -> None:
    ours, theirs = cut("V1= A:62/100 B:40/200 C:30/300 D:20/400"), cut("V1= A:45/100 B:40/200 C:30/300 D:20/400")
    (first,), (second,) = (merge(BASE, ours, theirs, seed=seed).conflicts for seed in ("e1", "e2"))
    assert first.id != second.id
    assert len(first.id) == 17
    assert first.id.startswith("c")


def test_nothing_there_is_nothing_to_do() -> None:
    ours = cut("V1= A:62/100 B:40/200 D:20/400")
    assert merge(BASE, ours, BASE) == Merged(ours)
    assert not any(isinstance(op, ConflictSet) for op in merge(BASE, BASE, ours).ops)
