"""Three-way merge on free tracks: places are values there, and ripples of both sides add up."""

from __future__ import annotations

from genlock.timeline.merge import merge
from genlock.timeline.sequence import apply_all
from tests.timeline.cuts import cut, picture
from tests.timeline.test_merge import kept, merged, one, quiet, taken

BASE = cut("V2~ A:50@0 B:40@50 C:30@100 D:20@200 E:10@220")


def test_ripples_at_two_places_add_up() -> None:
    ours = cut("V2~ A:50@0 B:40@50 C:30@100 Y:20@150 D:20@220 E:10@240")  # 20 at frame 150
    theirs = cut("V2~ A:50@0 X:10@50 B:40@60 C:30@110 D:20@210 E:10@230")  # 10 at frame 50
    both = ["V2~ A:50@0 X:10@50 B:40@60 C:30@110 Y:20@160 D:20@230 E:10@250"]
    assert quiet(BASE, ours, theirs) == both
    assert quiet(BASE, theirs, ours) == both


def test_a_ripple_there_carries_what_ours_put_behind_it() -> None:
    ours = cut("V2~ A:50@0 B:40@50 C:30@100 N:15@140 D:20@200 E:10@220")  # into the room, nothing moves
    theirs = cut("V2~ A:50@0 X:10@50 B:40@60 C:30@110 D:20@210 E:10@230")
    both = ["V2~ A:50@0 X:10@50 B:40@60 C:30@110 N:15@150 D:20@210 E:10@230"]
    assert quiet(BASE, ours, theirs) == both
    assert quiet(BASE, theirs, ours) == both


def test_a_ripple_on_one_side_and_a_trim_on_the_other() -> None:
    ripple = cut("V2~ A:50@0 X:10@50 B:40@60 C:30@110 D:20@210 E:10@230")
    trim = cut("V2~ A:50@0 B:40@50 C:25@105/5 D:18@200 E:10@220")
    both = ["V2~ A:50@0 X:10@50 B:40@60 C:25@115/5 D:18@210 E:10@230"]
    assert quiet(BASE, ripple, trim) == both
    assert quiet(BASE, trim, ripple) == both


def test_a_ripple_trim_on_one_side_and_a_move_on_the_other() -> None:
    ripple = cut("V2~ A:45@0 B:40@45 C:30@95 D:20@195 E:10@215")
    move = cut("V2~ A:50@0 B:40@50 C:30@150 D:20@200 E:10@220")
    both = ["V2~ A:45@0 B:40@45 C:30@145 D:20@195 E:10@215"]
    assert quiet(BASE, ripple, move) == both
    assert quiet(BASE, move, ripple) == both


def test_ripple_trims_of_the_front_and_of_the_end_of_one_clip() -> None:
    front = cut("V2~ A:50@0 B:37@50/3 C:30@97 D:20@197 E:10@217")
    end = cut("V2~ A:50@0 B:45@50 C:30@105 D:20@205 E:10@225")
    both = ["V2~ A:50@0 B:42@50/3 C:30@102 D:20@202 E:10@222"]
    assert quiet(BASE, front, end) == both
    assert quiet(BASE, end, front) == both


def test_the_same_ripple_delete_on_both_sides_closes_once() -> None:
    gone = cut("V2~ A:50@0 C:30@60 D:20@160 E:10@180")
    more = cut("V2~ A:50@0 C:25@60 D:20@155 E:10@175")
    assert quiet(BASE, gone, gone) == picture(gone)
    assert quiet(BASE, gone, more) == picture(more)
    assert quiet(BASE, more, gone) == picture(more)


def test_ripple_deletes_that_overlap_close_each_clip_once() -> None:
    base = cut("V2~ A:10@0 B:10@10 C:10@20 D:10@30 E:10@40")
    ours, theirs = cut("V2~ A:10@0 D:10@10 E:10@20"), cut("V2~ A:10@0 B:10@10 E:10@20")
    assert quiet(base, ours, theirs) == ["V2~ A:10@0 E:10@10"]
    assert quiet(base, theirs, ours) == ["V2~ A:10@0 E:10@10"]


def test_inserts_with_a_ripple_at_one_place_both_stay_ours_first() -> None:
    ours = cut("V2~ A:50@0 X:10@50 B:40@60 C:30@110 D:20@210 E:10@230")
    theirs = cut("V2~ A:50@0 Y:10@50 B:40@60 C:30@110 D:20@210 E:10@230")
    assert quiet(BASE, ours, theirs) == ["V2~ A:50@0 X:10@50 Y:10@60 B:40@70 C:30@120 D:20@220 E:10@240"]


def test_a_lift_there_leaves_room_and_moves_nothing() -> None:
    ours = cut("V2~ A:50@0 X:10@50 B:40@60 C:30@110 D:20@210 E:10@230")
    theirs = cut("V2~ A:50@0 B:40@50 D:20@200 E:10@220")
    both = ["V2~ A:50@0 X:10@50 B:40@60 D:20@210 E:10@230"]
    assert quiet(BASE, ours, theirs) == both
    assert quiet(BASE, theirs, ours) == both


def test_two_clips_put_into_the_same_room_do_not_fit() -> None:
    ours = cut("V2~ A:50@0 B:40@50 C:30@100 X:40@140 D:20@200 E:10@220")
    theirs = cut("V2~ A:50@0 B:40@50 C:30@100 Y:40@150 D:20@200 E:10@220")
    conflict, state = one(BASE, ours, theirs)
    assert (conflict.kind, conflict.about, conflict.ours) == ("no_room", "Y", None)
    assert picture(state) == picture(ours)
    assert conflict.message == "Y: new in the returned cut; something else lies there by now."
    assert kept(conflict, state) == [*picture(ours), f"{apply_all(state, conflict.keep_both).order[1]}~ Y:40@150"]
    assert taken(conflict, state) == ["V2~ A:50@0 B:40@50 C:30@100 X:10@140 Y:40@150 D:20@200 E:10@220"]


def test_a_clip_moved_there_to_where_ours_put_another() -> None:
    ours = cut("V2~ A:50@0 B:40@50 C:30@100 X:40@140 D:20@200 E:10@220")
    theirs = cut("V2~ A:50@0 B:40@50 C:30@100 E:10@150 D:20@200")
    conflict, state = one(BASE, ours, theirs)
    assert (conflict.kind, conflict.about, picture(state)) == ("no_room", "E", picture(ours))
    assert taken(conflict, state)[0].startswith("V2~ A:50@0 B:40@50 C:30@100 X:10@140 E:10@150 X:20@160/20 D:20@200")


def test_a_clip_made_longer_there_into_what_ours_put_behind_it() -> None:
    ours = cut("V2~ A:50@0 B:40@50 C:30@100 X:40@140 D:20@200 E:10@220")
    theirs = cut("V2~ A:50@0 B:40@50 C:60@100 D:20@200 E:10@220")
    conflict, state = one(BASE, ours, theirs)
    assert (conflict.kind, conflict.about, conflict.field) == ("no_room", "C", "in, out")
    assert picture(state) == picture(ours)


def test_a_ripple_delete_there_where_ours_put_another_clip() -> None:
    ours = cut("V2~ A:50@0 N:40@50 C:30@100 D:20@200 E:10@220")  # B taken away, N in its place
    theirs = cut("V2~ A:50@0 C:30@60 D:20@160 E:10@180")  # B taken away, all closed up
    conflict, state = one(BASE, ours, theirs)
    assert conflict.kind == "no_room"
    assert picture(state) == picture(ours)


def test_two_ripple_deletes_there_where_ours_put_others_are_one_conflict() -> None:
    base = cut("V2~ A:10@0 B:20@10 C:30@30 D:10@60")
    ours, theirs = cut("V2~ A:10@0 M:20@10 N:30@30 D:10@60"), cut("V2~ A:10@0 D:10@10")
    conflict, state = one(base, ours, theirs)
    assert conflict.message.startswith(
        "D: moved 50 frames earlier with what follows in the returned cut; there is no room"
    )
    assert picture(state) == picture(ours)


def test_moved_to_two_starts() -> None:
    ours = cut("V2~ A:50@0 B:40@50 C:30@110 D:20@200 E:10@220")
    theirs = cut("V2~ A:50@0 B:40@50 C:30@150 D:20@200 E:10@220")
    conflict, state = one(BASE, ours, theirs)
    assert (conflict.kind, conflict.about) == ("both_moved", "C")
    assert (conflict.ours["start"], conflict.theirs["start"]) == (110, 150)
    assert picture(state) == picture(ours)
    assert taken(conflict, state) == picture(theirs)
    assert kept(conflict, state) == ["V2~ A:50@0 B:40@50 C:30@110 C (theirs):30@150 D:20@200 E:10@220"]


def test_moved_here_and_rippled_along_there_is_no_conflict() -> None:
    ours = cut("V2~ A:50@0 B:40@50 C:30@110 D:20@200 E:10@220")
    theirs = cut("V2~ A:50@0 X:10@50 B:40@60 C:30@110 D:20@210 E:10@230")
    assert quiet(BASE, ours, theirs) == ["V2~ A:50@0 X:10@50 B:40@60 C:30@120 D:20@210 E:10@230"]


def test_both_moved_the_rest_by_different_amounts() -> None:
    ours = cut("V2~ A:50@0 B:40@50 C:30@110 D:20@210 E:10@230")
    theirs = cut("V2~ A:50@0 B:40@50 C:30@125 D:20@225 E:10@245")
    conflict, state = one(BASE, ours, theirs)
    assert (conflict.kind, conflict.about, conflict.ours, conflict.theirs) == ("both_moved", "C", 10, 25)
    assert picture(state) == picture(ours)
    assert taken(conflict, state) == picture(theirs)


def test_the_head_trimmed_twice_keeps_the_start_of_ours() -> None:
    ours = cut("V2~ A:50@0 B:40@50 C:25@105/5 D:20@200 E:10@220")
    theirs = cut("V2~ A:50@0 B:40@50 C:20@110/10 D:20@200 E:10@220")
    conflict, state = one(BASE, ours, theirs)
    assert (conflict.kind, conflict.about, conflict.field) == ("both_set", "C", "in")
    assert picture(state) == picture(ours)
    assert taken(conflict, state) == picture(theirs)


def test_a_split_there_of_a_clip_whose_end_ours_trimmed() -> None:
    ours = cut("V2~ A:50@0 B:40@50 C:28@100 D:20@200 E:10@220")
    theirs = cut("V2~ A:50@0 B:40@50 C:10@100 C2:20@110/10 D:20@200 E:10@220")
    conflict, state = one(BASE, ours, theirs)
    assert (conflict.kind, conflict.field, picture(state)) == ("both_set", "out", picture(ours))
    assert taken(conflict, state) == picture(theirs)


def test_a_split_there_of_a_clip_that_ours_moved() -> None:
    ours = cut("V2~ A:50@0 B:40@50 C:30@130 D:20@200 E:10@220")
    theirs = cut("V2~ A:50@0 B:40@50 C:10@100 C2:20@110/10 D:20@200 E:10@220")
    result = merged(BASE, ours, theirs)
    slots = {slot.id: slot.start for slot in result.state.lanes["V2"]}
    assert slots["C"] == 130
    assert slots["C2"] == 140, "the second half stays with the first"


def test_from_a_free_track_to_a_magnetic_one_and_back() -> None:
    base = cut("V1= A:50 B:40", "V2~ X:9@12 Y:9@40")
    ours, theirs = cut("V1= A:45 B:40", "V2~ X:9@12 Y:9@40"), cut("V1= A:50 X:9 B:40", "V2~ Y:9@40")
    assert quiet(base, ours, theirs) == ["V1= A:45 X:9 B:40", "V2~ Y:9@40"]
    assert quiet(base, theirs, ours) == ["V1= A:45 X:9 B:40", "V2~ Y:9@40"]


def test_a_track_made_magnetic_there_and_worked_on_here() -> None:
    base, theirs = cut("V2~ A:50@0 B:40@60"), cut("V2= A:50 _:10 B:40")
    ours = cut("V2~ A:50@0 B:30@60")
    assert quiet(base, ours, theirs) == ["V2= A:50 _:10 B:30"]
    assert quiet(base, theirs, ours) == ["V2= A:50 _:10 B:30"]


def test_a_hundred_clips_pushed_along_make_no_conflict() -> None:
    def reel(first: int, trim: int = 0) -> str:
        clips = [f"c{n}:{10 - (trim if n % 2 else 0)}@{first + n * 12}" for n in range(100)]
        return "V2~ " + ("N:30@0 " if first else "") + " ".join(clips)

    base, ours, theirs = cut(reel(0)), cut(reel(0, 3)), cut(reel(30))
    result = merge(base, ours, theirs)
    assert result.conflicts == ()
    assert picture(result.state) == [reel(30, 3)]
    assert len(result.ops) == 2
