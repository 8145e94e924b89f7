"""Matching: which item of a returned cut is which, though its ids were lost. Names of items: the first letter is the
media, and a returned item has another name than the base's, so that no name helps by accident."""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import pairwise, permutations
from random import Random
from time import thread_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from genlock.bench.reels import Script, path, reel, stripped
from genlock.timeline.check import violations
from genlock.timeline.diff import diff
from genlock.timeline.events import Content, Placed, TrackContent, content_of, restore
from genlock.timeline.match import Matching, PathOf, adopt, match, overlap
from genlock.timeline.match.files import family, same_files
from genlock.timeline.match.order import common, paired, rising
from genlock.timeline.model import Generator, Item, Marker, Media, Nested, Shot, Source, Track
from genlock.timeline.ops import ItemPatch, ItemSet
from genlock.timeline.rate import Rate
from genlock.timeline.sequence import Sequence, apply_all
from tests.timeline.cuts import cut


def where(source: Source) -> str:
    return f"/v/{source.media}.mov" if isinstance(source, Media) else ""


def found(base: Sequence, returned: Sequence, *told: str, at: PathOf = where) -> Matching:
    return match(base, returned, base_path=where, path=at, told=frozenset(told))


def pairs(base: Sequence, returned: Sequence, *told: str) -> dict[str, str]:
    return found(base, returned, *told).items


# -- the rungs


def test_an_id_that_came_back_is_believed_whatever_it_shows_now() -> None:
    matching = found(cut("V1= A:10 B:10 C:10"), cut("V1= A:10 X:33/7 C:10"))
    assert "X" not in matching.items
    base, returned = cut("V1= A:10 B:10 C:10"), _renamed(cut("V1= A:10 X:33/7 C:10"), X="B")
    told = found(base, returned, "B")
    assert (told.items["B"], told.rungs["B"]) == ("B", "id")


def test_an_id_nobody_told_is_worth_nothing() -> None:
    base, returned = cut("V1= A1:10/5 B1:20/9"), _renamed(cut("V1= A:10/5 B:20/9"), A="B1", B="A1")
    assert pairs(base, returned) == {"B1": "A1", "A1": "B1"}


def test_the_same_piece_of_the_same_media_is_found_on_another_track() -> None:
    matching = found(cut("V1= A1:10 B1:20/4 C1:9", "V2~ D1:5@3"), cut("V1= A2:10 C2:9", "V2~ D2:5@3 B2:20@40/4"))
    assert matching.items == {"A2": "A1", "B2": "B1", "C2": "C1", "D2": "D1"}
    assert set(matching.rungs.values()) == {"exact"}


def test_duplicates_are_told_apart_by_their_neighbours() -> None:
    base = cut("V1= A1:10 X1:5 B1:10 X2:5 C1:10 X3:5 D1:10")
    assert pairs(base, cut("V1= A:10 X7:5 B:10 C:10 X8:5 D:10")) == {
        "A": "A1", "X7": "X1", "B": "B1", "C": "C1", "X8": "X3", "D": "D1",
    }  # fmt: skip


def test_duplicates_without_known_neighbours_keep_their_order() -> None:
    base = cut("V1= X1:5 Y1:7 X2:5 Y2:7 X3:5 Y3:7")
    returned = cut("V1= Xa:5 Ya:7 Xb:5 Yb:7 Xc:5 Yc:7")
    assert list(pairs(base, returned).values()) == ["X1", "Y1", "X2", "Y2", "X3", "Y3"]
    assert found(base, returned).unsure == {}


def test_a_copy_elsewhere_does_not_take_the_place_of_the_original() -> None:
    base = cut("V1= A1:10 X1:5 B1:10 C1:9 D1:8")
    matching = found(base, cut("V1= X9:5 A:10 X8:5 B:10 C:9 X7:5 D:8"))
    assert matching.items["X8"] == "X1"
    assert matching.origins == {"X9": "X1", "X7": "X1"}


def test_names_decide_only_between_equals() -> None:
    base = _named(cut("V1= A1:10 X1:5 X2:5 B1:10"), X1="left", X2="right")
    returned = _named(cut("V1= A:10 X:5 B:10"), X="right")
    assert pairs(base, returned)["X"] == "X2"
    swapped = _named(cut("V1= A1:10 P1:5 Q1:7"), P1="one", Q1="two")
    assert pairs(swapped, _named(cut("V1= A:10 P:5 Q:7"), P="two", Q="one")) == {"A": "A1", "P": "P1", "Q": "Q1"}


def test_a_renamed_clip_is_the_same_clip() -> None:
    base = cut("V1= A1:10 B1:20 C1:5")
    assert pairs(base, _named(cut("V1= A:10 B:20 C:5"), A="B1", B="C1", C="A1")) == {"A": "A1", "B": "B1", "C": "C1"}


@pytest.mark.parametrize("new", ["B:14/9", "B:20/8", "B:26/3", "B:20/15", "B:40/5*1r2", "B:10/5*2"])
def test_trims_slips_and_speeds_are_found_by_common_frames(new: str) -> None:
    matching = found(cut("V1= A1:10 B1:20/5 C1:9"), cut(f"V1= A:10 {new} C:9"))
    assert (matching.items["B"], matching.rungs["B"]) == ("B1", "overlap")


def test_the_piece_with_the_head_keeps_the_id_of_a_split_item() -> None:
    base = cut("V1= A1:10 B1:40/5 C1:9")
    matching = found(base, cut("V1= A:10 B7:6/5 B8:34/11 C:9"))
    assert (matching.items["B7"], matching.origins) == ("B1", {"B8": "B1"})
    in_three = found(base, cut("V1= A:10 B7:6/5 B8:30/11 B9:4/41 C:9"))
    assert (in_three.items["B7"], in_three.origins) == ("B1", {"B8": "B1", "B9": "B1"})


def test_a_few_common_frames_alone_prove_nothing() -> None:
    base = cut("V1= A1:10 B1:20/5 C1:9 D1:9", "V2~ E1:4@90")
    assert "B" not in pairs(base, cut("V1= A:10 C:9 D:9", "V2~ E:4@90 B:30@95/24"))


def test_the_same_slot_makes_it_the_same_item_with_other_media() -> None:
    matching = found(cut("V1= A1:10 B1:20/5 C1:9"), cut("V1= A:10 Z:20/5 C:9"))
    assert (matching.items["Z"], matching.rungs["Z"]) == ("B1", "slot")
    assert "Z" not in pairs(cut("V1= A1:10 B1:20/5 C1:9 D1:7"), cut("V1= A:10 C:9 Z:21/6 D:7"))


def test_another_version_of_a_file_is_found_wherever_it_went_and_never_taken_for_the_file() -> None:
    base = cut("V1= A1:10 B1:20/5 C1:9 D1:4", "V2~ E1:8@0")
    returned = cut("V1= A:10 C:9 D:4", "V2~ E:8@0 B:20@60/5")
    names = {"mB": "/v/sc01_sh020_v003.mov"}
    newer = {"mB": "/v/sc01_sh020_v004.mov"}
    matching = match(base, returned, base_path=_at(names), path=_at(newer))
    assert (matching.items["B"], matching.rungs["B"]) == ("B1", "slot")
    assert newer["mB"] not in matching.media


def test_a_whole_cut_on_proxies_of_other_names_is_found_by_its_pieces() -> None:
    base = cut("V1= A1:10/3 B1:20/5 A2:7/30 B2:9/44", "A1~ S1:30@0")
    returned = cut("V1= A:10/3 B:20/5 Aa:7/30 Bb:9/44", "A1~ S:30@0")
    proxies = {"mA": "/proxy/0001.mxf", "mB": "/proxy/0002.mxf"}
    matching = match(base, returned, base_path=where, path=_at(proxies))
    assert matching.items == {"A": "A1", "B": "B1", "Aa": "A2", "Bb": "B2", "S": "S1"}
    assert matching.media == {"/v/mS.mov": "/v/mS.mov"}


def test_items_stay_who_they_are_where_nothing_else_is_known_but_their_frames() -> None:
    base = cut("V1= A1:10/3 B1:20/5")
    returned = cut("V1= A:10/3 B:20/5")
    matching = match(base, returned, base_path=where, path=_at({"mA": "/x/1.mov", "mB": "/x/2.mov"}))
    assert matching.items == {"A": "A1", "B": "B1"}


def test_picture_is_never_sound() -> None:
    base, returned = cut("V1= A1:10 B1:5", "A1~ A2:10@0"), cut("V1= A7:10 B:5", "A1~ A8:10@0")
    assert pairs(base, returned) == {"A7": "A1", "B": "B1", "A8": "A2"}
    assert "A9" not in pairs(cut("V1= A1:10"), cut("A1~ A9:10@0"))


def test_generators_and_shots_are_compared_by_what_they_are() -> None:
    title = Generator("title", {"text": "One", "at": [1, 2]})
    base = _made(title, Nested("s9"), Shot("h1", None, 0, 48))
    again = _made(Generator("title", {"at": [1, 2], "text": "One"}), Nested("s9"), Media("f", 0, 48), prefix="r")
    matching = match(base, again, base_path=_take, path=lambda s: "/t/h1.mov" if isinstance(s, Media) else "")
    assert matching.items == {"r0": "b0", "r1": "b1", "r2": "b2"}
    assert set(matching.rungs.values()) == {"exact"}
    other = match(base, _made(Generator("title", {"text": "Two"}), Nested("s9")), base_path=_take, path=_take)
    assert (other.items["b0"], other.rungs["b0"]) == ("b0", "slot")


def test_a_pattern_that_repeats_is_told_by_where_it_breaks() -> None:
    base = cut("V1= " + " ".join(f"{kind}{n}:10" for n in range(8) for kind in "XYZ"))
    rest = [id_ for id_ in base.lanes["V1"].ids() if id_ != "Y3"]
    matching = found(base, cut("V1= " + " ".join(f"{id_}q:10" for id_ in rest)))
    assert matching.items == {f"{id_}q": id_ for id_ in rest}


@pytest.mark.parametrize("now", ["B:16/5", "B:16/9", "B:20/9"])
def test_trimmed_in_place_is_likelier_than_moved_away_and_replaced_by_its_own_media(now: str) -> None:
    base = cut("V1= A1:10 B1:20/5 C1:9 D1:4")
    matching = found(base, cut(f"V1= A:10 {now} C:9 D:4", "V2~ Bx:20@50/5"))
    assert matching.items["B"] == "B1"
    assert matching.origins == {"Bx": "B1"}


def test_two_cuts_of_the_same_rushes_have_little_in_common() -> None:
    one, other = reel(Random(1), 400, media=20), reel(Random(2), 400, media=20)
    content, _ = stripped(other)
    items = match(one, restore("r", 1, content), base_path=path, path=path).items
    assert len(items) < 160


# -- ids after copy and paste


def test_a_copy_that_took_the_id_along_gives_it_back() -> None:
    base = cut("V1= A1:10 B1:20 C1:5 D1:6")
    returned = _renamed(cut("V1= Bx:20 A:10 By:20 C:5 D:6"), Bx="B1", A="A1", C="C1", D="D1")
    matching = found(base, returned, "A1", "B1", "C1", "D1")
    assert matching.items == {"A1": "A1", "By": "B1", "C1": "C1", "D1": "D1"}
    assert matching.origins == {"B1": "B1"}
    taken = adopt(content_of(returned), matching, base)
    ids = [placed.item.id for placed in taken.tracks[0].items]
    assert ids[1:] == ["A1", "B1", "C1", "D1"]
    assert ids[0] not in base.items


# -- doubts


def test_one_of_two_equals_gone_from_one_place_is_unsure() -> None:
    matching = found(cut("V1= A1:10 X1:5 X2:5 B1:10"), cut("V1= A:10 X:5 B:10"))
    assert (matching.items["X"], matching.unsure) == ("X1", {"X": ("X2",)})


def test_one_of_many_equals_gone_between_known_neighbours_is_sure() -> None:
    base = cut("V1= A1:10 X1:5 B1:10 X2:5 C1:10 X3:5 D1:10")
    assert found(base, cut("V1= A:10 X7:5 B:10 C:10 X8:5 D:10")).unsure == {}


def test_an_equal_that_moved_away_is_unsure_when_another_went_too() -> None:
    base = cut("V1= A1:10 X1:5 B1:10 C1:8 X2:5 D1:10 E1:7")
    matching = found(base, cut("V1= A:10 B:10 C:8 D:10 E:7", "V2~ X:5@90"))
    assert set(matching.unsure) == {"X"}
    assert {matching.items["X"], *matching.unsure["X"]} == {"X1", "X2"}


# -- media


def test_a_relinked_folder_maps_whole() -> None:
    base = ["/old/day1/A001.mov", "/old/day1/A002.mov", "/old/day2/A001.mov", "/old/x/deep/clip.mov", "/old/clip.mov"]
    returned = [one.replace("/old", "/Volumes/new") for one in base]
    assert same_files(base, returned) == dict(zip(returned, base, strict=True))


def test_folders_of_other_names_move_with_what_is_in_them() -> None:
    base = ["/p/cam/1.mov", "/p/cam/2.mov", "/p/cam/clip.mov", "/p/sound/clip.mov"]
    returned = ["/q/a/1.mov", "/q/a/2.mov", "/q/a/clip.mov"]
    assert same_files(base, returned)["/q/a/clip.mov"] == "/p/cam/clip.mov"


def test_what_cannot_be_told_apart_is_left_alone() -> None:
    assert same_files(["/a/x.mov", "/b/x.mov"], ["/c/x.mov"]) == {}
    assert same_files(["/a/x.mov"], ["/b/x.mov", "/a/x.mov"]) == {"/a/x.mov": "/a/x.mov"}


def test_the_spelling_of_a_path_does_not_count() -> None:
    assert same_files(["/a/Caf\u00e9.mov"], ["/a/Cafe\u0301.mov"]) == {"/a/Cafe\u0301.mov": "/a/Caf\u00e9.mov"}
    assert same_files(["C:/m/x.mov"], ["C:\\m\\x.mov"]) == {"C:\\m\\x.mov": "C:/m/x.mov"}


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("/a/SC01_SH020_v003.mov", "sc01_sh020"),
        ("shot-v12.exr", "shot"),
        ("comp.v0004.final.mov", "comp.final"),
        ("v003.mov", "v003"),
        ("river.mov", "river"),
    ],
)
def test_a_family_is_a_name_without_its_version(name: str, wanted: str) -> None:
    assert family(name) == wanted


def test_relinked_clips_are_the_same_and_their_media_told() -> None:
    base, returned = cut("V1= A1:10 B1:20/4"), cut("V1= A:10 B:20/4")
    matching = match(base, returned, base_path=where, path=lambda s: where(s).replace("/v/", "/mnt/other/"))
    assert matching.items == {"A": "A1", "B": "B1"}
    assert matching.media == {"/mnt/other/mA.mov": "/v/mA.mov", "/mnt/other/mB.mov": "/v/mB.mov"}


def test_a_source_of_another_rate_is_compared_in_seconds() -> None:
    base, returned = cut("V1= A1:24/50%25 B1:10"), cut("V1= A:24/48 B:10")
    assert pairs(base, returned) == {"A": "A1", "B": "B1"}
    assert found(base, returned).rungs["A"] == "exact"


# -- tracks, gaps, markers


def test_tracks_are_told_by_what_lies_on_them() -> None:
    base = cut("V1= A1:10 B1:20", "V2~ C1:5@0 D1:5@9", "V3~ E1:4@0")
    returned = cut("V1~ C:5@0 D:5@9", "V2= A:10 B:20", "V3~ E:4@0")
    assert found(base, returned).tracks == {"V1": "V2", "V2": "V1", "V3": "V3"}


def test_empty_tracks_go_by_name_then_by_place() -> None:
    base = cut("V1= A1:10", "V2~", "V3~", "A1~")
    assert found(base, cut("V1= A:10", "V3~", "V2~", "A1~")).tracks == {"V1": "V1", "V2": "V2", "V3": "V3", "A1": "A1"}
    assert found(base, cut("V1= A:10", "Vx~")).tracks == {"V1": "V1", "Vx": "V2"}


def test_a_new_track_is_new() -> None:
    assert found(cut("V1= A1:10"), cut("V1= A:10", "V2~ Z:5@0")).tracks == {"V1": "V1"}


def test_holes_are_told_by_their_place() -> None:
    base, returned = cut("V1= A1:10 _:5 B1:20 _:7 C1:3"), cut("V1= A:10 _:9 B:20 C:3")
    holes = {k: v for k, v in pairs(base, returned).items() if k.startswith("gap")}
    assert holes == {"gap2": "gap2"}
    assert pairs(base, cut("V1= _:2 A:10 B:20 _:7 C:3"))["gap4"] == "gap4"


def test_markers_by_item_and_place_then_by_name() -> None:
    base = _marked(
        "V1= A1:10/5 B1:20", Marker("k1", 7, item="A1", name="x"), Marker("k2", 9, item="A1"), Marker("k3", 3)
    )
    returned = _marked(
        "V1= A:10/5 B:20", Marker("n1", 9, item="A"), Marker("n2", 8, item="A", name="x"), Marker("n3", 3, name="now")
    )
    assert found(base, returned).markers == {"n1": "k2", "n2": "k1", "n3": "k3"}


def test_markers_of_the_sequence_go_by_name_when_they_moved_and_are_new_without_one() -> None:
    base = _marked("V1= A1:90", Marker("k1", 7, name="x"), Marker("k2", 50, name="x"), Marker("k3", 80))
    returned = _marked("V1= A:90", Marker("n1", 55, name="x"), Marker("n2", 9, name="x"), Marker("n3", 70))
    assert found(base, returned).markers == {"n1": "k2", "n2": "k1"}


def test_a_marker_on_a_split_off_piece_is_the_marker_it_was() -> None:
    base = _marked("V1= A1:40", Marker("k1", 30, item="A1"))
    assert found(base, _marked("V1= A:20 Ab:20/20", Marker("n1", 30, item="Ab"))).markers == {"n1": "k1"}


# -- adoption


def test_adopted_ids_are_the_bases_and_new_ones_clash_with_none() -> None:
    base = cut("V1= A1:10&l B1:20 C1:5", "A1~ S1:10@0&l", transitions=("A1>B1 2+2",))
    returned = cut("V1= B1:10&B C1:20 Z:6 A1:5", "A1~ S9:10@0&B", transitions=("B1>C1 2+2",))
    names = {"mB": "mA", "mC": "mB", "mA": "mC"}
    at: PathOf = lambda s: f"/v/{names.get(s.media, s.media)}.mov" if isinstance(s, Media) else ""  # noqa: E731
    taken = adopt(content_of(returned), match(base, returned, base_path=where, path=at), base)
    ids = [placed.item.id for part in taken.tracks for placed in part.items]
    assert ids == ["A1", "B1", "Z", "C1", "S1"]
    assert [one.key for one in taken.transitions] == ["A1>B1"]
    assert {placed.item.link for part in taken.tracks for placed in part.items} == {None, "l"}
    assert violations(restore("x", 1, taken)) == []


# -- laws


@given(st.integers(0, 2**32), st.integers(2, 40))
@settings(max_examples=60, deadline=None)
def test_an_unedited_cut_without_ids_is_itself(seed: int, clips: int) -> None:
    base = reel(Random(seed), clips, media=3)
    content, truth = stripped(base)
    returned = restore("r", 1, content)
    matching = match(base, returned, base_path=path, path=path)
    assert {id_: matching.items[id_] for id_ in truth} == truth
    assert (matching.unsure, matching.origins) == ({}, {})
    assert content_of(restore(base.id, 1, adopt(content, matching, base))) == content_of(base)


@given(st.integers(0, 2**32), st.integers(1, 30), st.integers(0, 12))
@settings(max_examples=60, deadline=None)
def test_every_id_is_used_once_and_what_is_adopted_is_what_came(seed: int, clips: int, edits: int) -> None:
    random = Random(seed)
    base = reel(random, clips, media=2)
    after, _ = Script(random).run(base, edits)
    content, _ = stripped(after)
    matching = match(base, restore("r", 1, content), base_path=path, path=path)
    for table, known in (
        (matching.items, base.items),
        (matching.tracks, base.tracks),
        (matching.markers, base.markers),
    ):
        assert len(set(table.values())) == len(table)
        assert all(id_ in known for id_ in table.values())
    state = restore(base.id, 1, adopt(content, matching, base))
    assert violations(state) == []
    assert _nameless(state) == _nameless(after)
    assert content_of(apply_all(base, diff(base, state))) == content_of(state)


@given(st.integers(0, 2**32), st.integers(0, 8))
@settings(max_examples=20, deadline=None)
def test_ids_that_came_back_make_the_identity_perfect(seed: int, edits: int) -> None:
    random = Random(seed)
    base = reel(random, 30, media=2)
    after, _ = Script(random, kinds=("trim", "slip", "delete", "insert", "move", "cross", "toggle", "replace")).run(
        base, edits
    )
    told = frozenset({*after.items, *after.tracks, *after.markers} & {*base.items, *base.tracks, *base.markers})
    matching = match(base, after, base_path=path, path=path, told=told)
    assert {k: v for k, v in matching.items.items() if k in told} == {k: k for k in after.items if k in base.items}
    assert not [id_ for id_, rung in matching.rungs.items() if rung == "id" and id_ not in base.items]


def test_a_thousand_clips_and_twenty_edits_are_recovered() -> None:
    good = shared = taken = 0
    for seed in range(6):
        random = Random(f"match {seed}")
        base = reel(random, 1000)
        after, _ = Script(random).run(base, 20)
        content, truth = stripped(after)
        items = match(base, restore("r", 1, content), base_path=path, path=path).items
        shared += sum(id_ in base.items for id_ in truth.values())
        taken += sum(id_ in truth for id_ in items)
        good += sum(items.get(id_) == true for id_, true in truth.items())
    assert good / shared >= 0.999
    assert good / taken >= 0.999


def test_the_order_of_tracks_and_hash_seeds_change_nothing() -> None:
    code = (
        "from random import Random; from genlock.bench.reels import *; from genlock.timeline.match import match\n"
        "r = Random(5); base = reel(r, 80, media=2); after, _ = Script(r).run(base, 40); c, _ = stripped(after)\n"
        "m = match(base, restore('r', 1, c), base_path=path, path=path)\n"
        "print([sorted(getattr(m, n).items()) for n in m.__struct_fields__])"
    )
    said = {
        subprocess.run(
            [sys.executable, "-c", code], env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(said) == 1


def test_thousands_of_the_same_clip_cost_no_more_than_others() -> None:
    row = " ".join(f"X{n}:5" for n in range(4000))
    base, returned = cut(f"V1= {row}"), cut("V1= " + " ".join(f"X{n}:5" for n in range(3990)))
    begin = thread_time()
    items = pairs(base, returned)
    assert thread_time() - begin < 5
    assert len(items) == 3990


# -- how alike two cuts are


def test_overlap_is_whole_for_the_same_cut_and_falls_with_each_edit() -> None:
    base = cut("V1= A1:10 B1:20/4 C1:9 D1:8")
    at = {"base_path": where, "path": where}
    assert overlap(base, cut("V1= A:10 B:20/4 C:9 D:8"), **at) == 1.0
    trimmed = overlap(base, cut("V1= A:10 B:19/4 C:9 D:8"), **at)
    gone = overlap(base, cut("V1= A:10 C:9 D:8"), **at)
    assert 1.0 > trimmed > gone > overlap(base, cut("V1= X:10 Y:3"), **at) == 0.0


# -- order


@given(st.lists(st.integers(0, 9), max_size=7))
def test_the_longest_rising_run(values: list[int]) -> None:
    run = [values[at] for at in rising(values)]
    assert run == sorted(set(run))
    ranks = range(1 << len(values))
    chosen = ([v for n, v in enumerate(values) if mask >> n & 1] for mask in ranks)
    assert len(run) == max(len(one) for one in chosen if one == sorted(set(one)))


@given(st.lists(st.integers(0, 20), max_size=4), st.lists(st.integers(0, 20), max_size=5))
def test_pairing_without_crossing_costs_the_least(left: list[int], right: list[int]) -> None:
    left, right = sorted(left), sorted(right)
    made = paired(left, right)
    assert len(made) == min(len(left), len(right))
    assert made == sorted(made)
    cost = sum(abs(left[a] - right[b]) for a, b in made)
    short, long = sorted((left, right), key=len)
    assert cost == min(
        sum(abs(a - b) for a, b in zip(short, some, strict=True)) for some in permutations(long, len(short))
    )


@given(st.lists(st.integers(0, 3), max_size=7), st.lists(st.integers(0, 3), max_size=7))
def test_the_longest_common_run(left: list[int], right: list[int]) -> None:
    run = common(left, right)
    assert all(left[a] == right[b] for a, b in run)
    assert all(one[0] < two[0] and one[1] < two[1] for one, two in pairwise(run))
    best = [[0] * (len(right) + 1) for _ in range(len(left) + 1)]
    for a, one in enumerate(left):
        for b, two in enumerate(right):
            best[a + 1][b + 1] = best[a][b] + 1 if one == two else max(best[a][b + 1], best[a + 1][b])
    assert len(run) == best[-1][-1]


def test_rows_that_differ_everywhere_cost_little() -> None:
    begin = thread_time()
    assert common(range(20_000), range(20_000, 40_000)) == []
    assert common([1, *range(2, 5_000), 1], [1, *range(5_000, 9_998), 1]) == [(0, 0), (4_999, 4_999)]
    assert thread_time() - begin < 3


def test_thousands_of_pieces_of_one_file_all_slipped_are_found_in_time() -> None:
    base = reel(Random(3), 4_000, media=1)
    content, truth = stripped(base)
    parts = []
    for part in content.tracks:
        row = tuple(Placed(replace(p.item, source_in=p.item.source_in + 1), p.start) for p in part.items)
        parts.append(TrackContent(part.track, row))
    begin = thread_time()
    items = match(base, restore("r", 1, replace(content, tracks=tuple(parts))), base_path=path, path=path).items
    assert thread_time() - begin < 8
    assert sum(items.get(id_) == true for id_, true in truth.items()) > 3_600


def test_thousands_of_tracks_cost_no_more_than_others() -> None:
    tracks = tuple(TrackContent(Track(f"t{n}", name=f"V{n}")) for n in range(5_000))
    base = restore("s", 1, Content("Cut", Rate(24), tracks=tracks))
    begin = thread_time()
    assert len(found(base, restore("r", 1, stripped(base)[0])).tracks) == 5_000
    assert thread_time() - begin < 3


def test_the_same_clip_on_hundreds_of_tracks_costs_no_more_than_others() -> None:
    def layered(count: int, prefix: str) -> Sequence:
        rows = [
            tuple(Placed(Item(f"{prefix}{t}.{n}", Media("m"), 10), n * 10) for n in range(count)) for t in range(800)
        ]
        tracks = tuple(TrackContent(Track(f"{prefix}{t}", name=f"V{t}"), row) for t, row in enumerate(rows))
        return restore("s", 1, Content("Cut", Rate(24), tracks=tracks))

    begin = thread_time()
    items = match(layered(20, "b"), layered(19, "r"), base_path=path, path=path).items
    assert thread_time() - begin < 5
    assert len(items) == 800 * 19


def test_thousands_of_other_pieces_of_one_file_cost_no_more_than_others() -> None:
    def random(count: int, seed: int) -> Sequence:
        some = Random(seed)
        items = [
            Placed(Item(f"{seed}.{n}", Media("m"), 1 + n % 500, source_in=some.randrange(100_000)), n * 500)
            for n in range(count)
        ]
        return restore("s", 1, Content("Cut", Rate(24), tracks=(TrackContent(Track("V1"), tuple(items)),)))

    begin = thread_time()
    assert match(random(4_000, 1), random(8_000, 2), base_path=path, path=path).origins
    assert thread_time() - begin < 2.5


def test_thousands_of_files_that_went_a_way_of_their_own_cost_no_more_than_others() -> None:
    base = [f"/a{n}/x{n}.mov" for n in range(3_000)] + [f"/s{n}/1/2/3/4/5/6/7/8.mov" for n in range(3_000)]
    returned = [f"/b{n}/x{n}.mov" for n in range(3_000)] + [f"/r{n}/1/2/3/4/5/6/7/8.mov" for n in range(3_000)]
    begin = thread_time()
    assert len(same_files(base, returned)) == 3_000
    assert thread_time() - begin < 1.5


# -- making cuts


def _at(names: dict[str, str]) -> PathOf:
    return lambda source: names.get(source.media, where(source)) if isinstance(source, Media) else ""


def _take(source: Source) -> str:
    return f"/t/{source.shot}.mov" if isinstance(source, Shot) else ""


def _made(*sources: Source, prefix: str = "b") -> Sequence:
    items = tuple(Placed(Item(f"{prefix}{n}", source, 20 + n)) for n, source in enumerate(sources))
    return restore("s", 1, Content("Cut", Rate(24), tracks=(TrackContent(Track("V1", placement="magnetic"), items),)))


def _marked(tracks: str, *markers: Marker) -> Sequence:
    return cut(tracks, markers=markers)


def _named(state: Sequence, **names: str) -> Sequence:
    return apply_all(state, [ItemSet(id_, ItemPatch(name=""), ItemPatch(name=name)) for id_, name in names.items()])


def _renamed(state: Sequence, **ids: str) -> Sequence:
    content = content_of(state)
    tracks = tuple(
        replace(
            part, items=tuple(Placed(replace(p.item, id=ids.get(p.item.id, p.item.id)), p.start) for p in part.items)
        )
        for part in content.tracks
    )
    return restore("r", 1, replace(content, tracks=tracks))


def _nameless(state: Sequence) -> list[object]:
    return [
        (slot.start, replace(item, id="", link=None)) for track in state.order for slot, item in state.placed(track)
    ]
