"""Profiles put to work: what a format gives back, what it loses, and what is put back of it."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from genlock.timeline.check import violations
from genlock.timeline.events import Content, Placed, TrackContent, content_of, restore
from genlock.timeline.model import Gap, Generator, Item, Marker, Media, Nested, Shot, Source, Track, Transition
from genlock.timeline.ops import MergeConflict
from genlock.timeline.profiles import ALL, EDL, FCP7, OTIO, PROFILES, RESOLVE, Feature, Profile
from genlock.timeline.projection import PLACEHOLDER, disagreements, levelled, lift, losses, project
from genlock.timeline.rate import NORMAL, Rate, Speed
from tests.timeline.cuts import cut, picture
from tests.timeline.full_cuts import full_cut, random_profile


def same(one: Source, two: Source) -> bool:
    """What a caller knows: here media and shots are known by their ids, titles and nested sequences show no file."""

    def key(source: Source) -> str | None:
        return getattr(source, "media", None) or getattr(source, "shot", None)

    return key(one) == key(two)


def without(*features: Feature, **more: Any) -> Profile:
    """All but these, with the placements untold as in every format but our own."""
    return Profile("test", "Test", (".x",), ALL - {"track.placement", *features}, **more)


FOREIGN: tuple[Feature, ...] = ("item.foreign", "track.foreign", "transition.foreign", "marker.foreign")
XML = without(*FOREIGN, "item.shot", "item.effects")
NLE = without(*FOREIGN, "item.shot", "item.effects", "item.name", "sequence.name")
BARE = without(*FOREIGN, "item.shot", "item.effects", "item.speed", "item.enabled", "marker.item")
CUTS = without("transition", "item.handles")
LIST = replace(NLE, carries=NLE.carries - {"item.handles", "track.audio"}, video_tracks=1)


def one(**fields: Any) -> Content:
    """A cut of one clip of 10 frames."""
    made = Item("a", fields.pop("source", Media("m1")), 10, **fields)
    return Content("Cut", Rate(24), tracks=(TrackContent(Track("V1"), (Placed(made, 0),)),))


def first(content: Content) -> Item:
    return content.tracks[0].items[0].item


def edited(content: Content, id_: str, **fields: Any) -> Content:
    """Changes fields of one item (`start` places it)."""
    parts = []
    for part in content.tracks:
        row = [
            Placed(replace(p.item, **{k: v for k, v in fields.items() if k != "start"}), fields.get("start", p.start))
            if p.item.id == id_
            else p
            for p in part.items
        ]
        parts.append(TrackContent(part.track, tuple(row)))
    return replace(content, tracks=tuple(parts))


def gone(content: Content, *ids: str) -> Content:
    parts = [TrackContent(p.track, tuple(i for i in p.items if i.item.id not in ids)) for p in content.tracks]
    return replace(
        content,
        tracks=tuple(parts),
        transitions=tuple(t for t in content.transitions if t.left not in ids and t.right not in ids),
        markers=tuple(m for m in content.markers if m.item not in ids),
    )


def back(base: Content, returned: Content, profile: Profile, **origins: str) -> Content:
    """Lifts, and checks that the lifted cut is sound and says what the file says."""
    lifted = lift(base, returned, profile, same=same, origins=origins)
    assert not violations(restore("s", 1, lifted)), violations(restore("s", 1, lifted))
    assert disagreements(lifted, returned, profile, same=same) == ()
    return lifted


# -- each feature


@pytest.mark.parametrize(
    ("feature", "fields", "left", "what"),
    [
        ("item.name", {"name": "Opening"}, {"name": ""}, "clip name"),
        ("item.enabled", {"enabled": False}, {"enabled": True}, "switched-off clip comes back on"),
        ("item.speed", {"speed": Speed(2)}, {"speed": NORMAL}, "speed change"),
        ("item.reverse", {"speed": Speed(-1), "source_in": 50}, {"speed": NORMAL, "source_in": 41}, "reversed clip"),
        ("item.reverse", {"speed": Speed(-2), "source_in": 50}, {"speed": Speed(2), "source_in": 32}, "reversed clip"),
        ("item.freeze", {"speed": Speed(0), "source_in": 7}, {"speed": NORMAL, "source_in": 7}, "freeze frame runs"),
        ("item.effects", {"effects": ({"blur": 1},)}, {"effects": ()}, "clip's effects"),
        ("item.foreign", {"foreign": {"Tool": 1}}, {"foreign": {}}, "other programs' notes on clips"),
        ("item.link", {"link": "l"}, {"link": None}, "linked clip"),
        ("item.handles", {"source": Media("m1", 5, 90), "source_in": 6}, {"source": Media("m1")}, "clip's handles"),
        ("item.generator", {"source": Generator("title")}, {"source": PLACEHOLDER}, "title becomes a placeholder"),
        ("item.parameters", {"source": Generator("t", {"x": 1})}, {"source": Generator("t")}, "title's settings"),
        ("item.nested", {"source": Nested("n")}, {"source": PLACEHOLDER}, "nested sequence becomes a placeholder"),
    ],
)
def test_an_item_loses_what_is_not_carried_and_gets_it_back(
    feature: Feature, fields: dict[str, Any], left: dict[str, Any], what: str
) -> None:
    base, profile = one(**fields), without(feature)
    projected = project(base, profile)
    assert first(projected) == replace(first(base), **left)
    (lost,) = losses(base, profile)
    assert (lost.feature, lost.count) == (feature, 1)
    assert lost.what.startswith(what)
    assert back(base, projected, profile) == base
    # with the feature carried nothing is lost, and the edit that the file made stands
    assert losses(base, without()) == ()
    assert project(base, without()) == base
    if feature not in ("item.handles", "item.link", "item.nested"):  # `same` says yes; a group of one is no group
        assert first(back(base, projected, without())) == first(projected)


@pytest.mark.parametrize(
    ("features", "gone_too", "told"),
    [
        (["track.audio"], {"A1", "A2", "C"}, (2, "audio tracks with 1 clip", ("A1", "A2"))),
        (["track.video"], {"V1", "V2", "A", "B"}, (2, "video tracks with 2 clips", ("V1", "V2"))),
        (["track.empty"], {"A2"}, (1, "empty track", ("A2",))),
    ],
)
def test_tracks_that_are_not_carried_go_and_come_back_whole(
    features: list[Feature], gone_too: set[str], told: tuple[int, str, tuple[str, ...]]
) -> None:
    base = content_of(cut("V1= A:10 _:5", "V2~ B:5@3", "A1~ C:10@0", "A2~"))
    profile = without(*features)
    projected = project(base, profile)
    ids = {part.track.id for part in projected.tracks} | {p.item.id for part in projected.tracks for p in part.items}
    assert {"V1", "V2", "A1", "A2", "A", "B", "C"} - ids == gone_too
    (lost,) = losses(base, profile)
    assert (lost.count, lost.what, lost.names) == told
    assert back(base, projected, profile) == base


def test_a_file_holds_only_so_many_tracks_of_a_kind() -> None:
    base = content_of(cut("V1= A:10", "V2~ B:5@3", "V3~ C:5@3"))
    profile = without(video_tracks=1)
    assert [part.track.id for part in project(base, profile).tracks] == ["V1"]
    assert [f"{lost.what}: {', '.join(lost.names)}" for lost in losses(base, profile)] == [
        "video tracks with 2 clips: V2, V3"
    ]
    second = replace(base, tracks=base.tracks[1:2])  # the export's second file comes back alone
    assert back(base, second, profile) == base
    moved = back(base, edited(second, "B", start=4), profile)
    assert picture(restore("s", 1, moved)) == ["V1= A:10", "V2~ B:5@4", "V3~ C:5@3"]


def test_settings_of_sequence_and_tracks() -> None:
    base = replace(one(), start_frame=86400, foreign={"Tool": 1})
    base = replace(base, tracks=(replace(base.tracks[0], track=Track("V1", name="Pix", enabled=False, locked=True)),))
    profile = without(
        "sequence.name", "sequence.start", "sequence.foreign", "track.name", "track.enabled", "track.locked"
    )
    projected = project(base, profile)
    assert (projected.name, projected.start_frame, projected.foreign) == ("", 0, {})
    assert projected.tracks[0].track == Track("V1")
    assert sorted(lost.feature for lost in losses(base, profile)) == sorted(ALL - profile.carries - {"track.placement"})
    assert back(base, projected, profile) == base


def test_transitions_and_markers() -> None:
    marks = (Marker("m1", 3, 5, "A", "look", "GREEN", "here"), Marker("m2", 9, 0, None, "act 2"))
    state = cut("V1~ A:20@0/10 B:20@20/10", transitions=("A>B 2+8", ">A 0+3"), markers=marks)
    base = replace(content_of(state), transitions=tuple(replace(t, kind="wipe") for t in content_of(state).transitions))
    expected: dict[Feature, tuple[str, int]] = {
        "transition": ("transition", 1),
        "transition.fade": ("fade", 1),
        "transition.asymmetric": ("off-centre transition is centred", 1),
        "transition.kind": ("wipes and other transitions become dissolves", 2),
        "marker.item": ("marker on a clip", 1),
        "marker.sequence": ("marker on the sequence", 1),
        "marker.color": ("marker's colour", 1),
        "marker.duration": ("marker's length", 1),
        "marker.comment": ("marker's comment", 1),
        "marker.name": ("markers' names", 2),
    }
    for feature, (what, count) in expected.items():
        profile = without(feature)
        (lost,) = losses(base, profile)
        assert (lost.what, lost.count) == (what, count)
        assert back(base, project(base, profile), profile) == base
    centred = project(base, without("transition.asymmetric")).transitions[1]
    assert (centred.key, centred.in_offset, centred.out_offset) == ("A>B", 5, 5)
    bare = without("marker.color", "marker.duration", "marker.comment", "marker.name")
    assert project(base, bare).markers[1] == Marker("m1", 3, 0, "A")


def test_what_a_reader_noted_for_itself_is_no_loss() -> None:
    base = one(foreign={"genlock.otio": {"residual": {"at": "1/2"}}})
    assert losses(base, without("item.foreign")) == ()
    assert project(base, without("item.foreign")) == base


# -- edits made in the file


def test_an_edit_that_the_file_tells_comes_through_and_nothing_else() -> None:
    base = content_of(cut("V1= A:10 _:5 B:20/7*2 C:9", "V2~ S:30@10", markers=(Marker("m", 8, 0, "B", color="BLUE"),)))
    base = edited(base, "B", effects=({"blur": 1},), source=Shot("s1", "t2"), foreign={"Tool": 1}, enabled=False)
    file = edited(project(base, BARE), "B", duration=18, source_in=9)
    lifted = back(base, file, BARE)
    gap, clip = base.tracks[0].items[1:3]
    assert [placed.item for placed in lifted.tracks[0].items[1:]] == [
        gap.item,
        replace(clip.item, duration=18, source_in=9),
        replace(gap.item, id=lifted.tracks[0].items[3].item.id, duration=2),
        base.tracks[0].items[3].item,
    ]
    assert (lifted.markers, lifted.tracks[1]) == (base.markers, base.tracks[1])


def test_a_changed_value_of_a_thing_the_format_carries_wins_over_the_exact_one() -> None:
    base = one(name="a", speed=Speed(110, 100), source=Shot("s1", "t2", 0, 500))
    profile = without("item.shot", speed_steps=10)
    told = edited(project(base, profile), "a", speed=Speed(264, 240))
    assert back(base, told, profile) == base
    near = edited(told, "a", speed=Speed(2641, 2400))  # 26.41 frames per second where the file writes tenths
    assert back(base, near, profile) == base
    assert first(back(base, edited(told, "a", speed=Speed(265, 240)), profile)).speed == Speed(265, 240)
    assert first(back(base, edited(told, "a", source=Media("other")), profile)).source == Media("other")


def test_room_on_a_magnetic_track_is_its_gaps() -> None:
    base = content_of(cut("V1= A:10 _:5 B:20 _:3 C:9 _:4"))
    file = project(base, NLE)
    assert [p.start for p in file.tracks[0].items] == [0, 15, 38]
    assert back(base, file, NLE) == base
    wider = back(base, edited(edited(file, "B", start=17), "C", start=40), NLE)
    gap = base.tracks[0].items[1].item
    assert [p.item for p in wider.tracks[0].items][1] == replace(gap, duration=7)
    lifted_out = back(base, gone(file, "B"), NLE)
    assert picture(restore("s", 1, lifted_out)) == ["V1= A:10 _:5 _:23 C:9 _:4"]
    closed = back(base, edited(edited(file, "B", start=10), "C", start=30), NLE)
    assert picture(restore("s", 1, closed)) == ["V1= A:10 B:20 C:9 _:4"]
    later = back(base, edited(edited(edited(file, "A", start=4), "B", start=19), "C", start=42), NLE)
    assert picture(restore("s", 1, later)) == ["V1= _:4 A:10 _:5 B:20 _:3 C:9 _:4"]


def test_a_track_read_as_magnetic_is_free_again() -> None:
    base = content_of(cut("V1~ A:10@0 B:20@10"))
    read = replace(
        base, tracks=(TrackContent(replace(base.tracks[0].track, placement="magnetic"),
                                   tuple(Placed(p.item) for p in base.tracks[0].items)),)
    )  # fmt: skip
    assert back(base, read, XML) == base


def test_what_leaves_empty_room_comes_back_where_its_neighbour_is() -> None:
    room = without("item.generator", placeholders=False)
    for track in ("V1= A:10 T:5 B:20", "V1~ A:10@0 T:5@10 B:20@15"):
        base = edited(content_of(cut(track)), "T", source=Generator("title"))
        file = project(base, room)
        assert [lost.what for lost in losses(base, room)] == ["title left out"]
        assert [p.item.id for p in file.tracks[0].items] == ["A", "B"]
        assert back(base, file, room) == base
        shorter = back(base, edited(edited(file, "A", duration=8), "B", start=13), room)
        assert [p.item.id for p in shorter.tracks[0].items] == ["A", "T", "B"]
        closed = back(base, edited(file, "B", start=10), room)
        assert [p.item.id for p in closed.tracks[0].items] == ["A", "B"]


def test_a_placeholder_that_was_removed_or_replaced_is() -> None:
    base = edited(content_of(cut("V1= A:10 T:5 B:20")), "T", source=Generator("title"))
    profile = without("item.generator")
    file = project(base, profile)
    assert picture(restore("s", 1, back(base, gone(file, "T"), profile))) == ["V1= A:10 _:5 B:20"]
    offline = edited(file, "T", source=Media(""), source_in=900)  # what a reader makes of a placeholder
    assert back(base, offline, profile) == base
    assert back(base, edited(file, "T", source=Media("m9")), profile).tracks[0].items[1].item.source == Media("m9")


def test_emptied_tracks_stay_where_the_format_cannot_tell() -> None:
    base = content_of(cut("V1= A:10", "V2~ B:5@3"))
    profile = without("track.empty")
    file = project(base, profile)
    assert picture(restore("s", 1, back(base, gone(file, "B"), profile))) == ["V1= A:10", "V2~"]
    bare = replace(file, tracks=file.tracks[:1])
    assert picture(restore("s", 1, back(base, bare, profile))) == ["V1= A:10", "V2~"]
    assert picture(restore("s", 1, back(base, bare, without()))) == ["V1= A:10"]


def test_new_tracks_and_moved_ones() -> None:
    base = content_of(cut("V1= A:10", "V2~ B:5@3", "A1~ C:10@0"))
    extra = TrackContent(Track("new", "video", "X"), (Placed(Item("n", Media("m9"), 4), 0),))
    file = project(base, LIST)
    lifted = back(base, replace(file, tracks=(*file.tracks, extra)), LIST)
    assert [part.track.id for part in lifted.tracks] == ["V1", "new", "V2", "A1"]
    file = project(base, NLE)
    upper, lower, sound = file.tracks
    lifted = back(base, replace(file, tracks=(lower, upper, extra, sound)), NLE)
    assert [part.track.id for part in lifted.tracks] == ["V2", "V1", "new", "A1"]


def test_an_item_moved_to_another_track_keeps_what_it_had() -> None:
    base = content_of(cut("V1= A:10 B:5 C:8", "V2~ S:30@10"))
    base = edited(base, "B", effects=({"blur": 1},))
    file = project(base, NLE)
    item = file.tracks[0].items[1].item
    upper = TrackContent(file.tracks[1].track, (Placed(item, 0), *file.tracks[1].items))
    lifted = back(base, replace(gone(file, "B"), tracks=(gone(file, "B").tracks[0], upper)), NLE)
    assert picture(restore("s", 1, lifted)) == ["V1= A:10 _:5 C:8", "V2~ B:5@0 S:30@10"]
    assert lifted.tracks[1].items[0].item.effects == ({"blur": 1},)


def test_a_piece_split_off_is_still_the_shot_with_its_effects() -> None:
    base = one(name="a", source=Shot("s1"), effects=({"blur": 1},), foreign={"Tool": 1}, link="l")
    file = edited(project(base, NLE), "a", duration=6)
    half = Item("new", Shot("s1"), 4, "file.mov", 6, foreign={"Resolve": 1})
    lifted = back(base, replace(file, tracks=(TrackContent(Track("V1"), (*file.tracks[0].items, Placed(half, 6))),)),
                  NLE, new="a")  # fmt: skip
    made = lifted.tracks[0].items[1].item
    assert made == Item("new", Shot("s1"), 4, "a", 6, effects=({"blur": 1},), foreign={"Resolve": 1})


def test_link_groups_are_who_is_linked_not_what_the_group_is_called() -> None:
    base = content_of(cut("V1~ A:10@0&l B:5@10&k C:5@20", "V2~ S:10@0&l T:5@10&k", "A1~ D:5@0&q"))
    file = project(base, XML)
    for id_, link in {"A": "x1", "S": "x1", "B": "x2", "T": "x2"}.items():
        file = edited(file, id_, link=link)
    assert back(base, file, XML) == base
    assert back(base, edited(file, "D", link=None), XML) == base  # a group of one cannot be told
    apart = back(base, edited(edited(file, "A", link=None), "S", link=None), XML)
    assert {p.item.id: p.item.link for part in apart.tracks for p in part.items if p.item.link} == {
        "B": "k", "T": "k", "D": "q",
    }  # fmt: skip
    new = back(base, edited(edited(file, "A", link="y"), "C", link="y"), XML)
    assert [p.item.link for p in new.tracks[0].items] == ["y", "k", "y"]
    assert restore("s", 1, new).items["S"].link == "l"


def test_a_source_of_another_rate_may_be_told_in_the_sequences() -> None:
    base = one(source=Media("m1", 0, 5000, Rate(48)), source_in=101)
    file = edited(project(base, BARE), "a", source=Media("m1", 0, 2500), source_in=51)
    assert back(base, file, BARE) == base
    assert first(back(base, edited(file, "a", source_in=60), BARE)).source_in == 120


def test_media_that_grew_has_the_frames_it_shows() -> None:
    base = one(source=Media("m1", 0, 10))
    longer = edited(project(base, XML), "a", duration=30, source=Media("m1", 0, 40))
    assert first(back(base, longer, XML)) == Item("a", Media("m1", 0, 40), 30)
    assert first(back(base, edited(longer, "a", source=Media("m1")), LIST)).source == Media("m1")


def test_a_transition_that_no_longer_fits_does_not_come_back() -> None:
    base = content_of(cut("V1~ A:20@0 B:20@20/0[0+40]", transitions=("A>B 0+8",)))
    file = project(base, CUTS)
    assert file.transitions == ()
    assert back(base, file, CUTS) == base
    assert back(base, edited(file, "B", start=21), CUTS).transitions == ()
    assert back(base, edited(file, "B", duration=7), CUTS).transitions == ()


def test_open_conflicts_are_nothing_a_file_tells() -> None:
    base = one()
    conflict = MergeConflict("c1", "both_set", "a", "It was trimmed here and there.")
    here = replace(base, conflicts=(conflict,))
    assert losses(here, OTIO) == ()
    assert back(here, project(base, OTIO), OTIO) == here


# -- disagreements


def test_each_difference_is_a_sentence() -> None:
    base = content_of(cut("V1= A:10 B:20", "V2~ S:30@10", transitions=("A>B 2+2",), markers=(Marker("m", 3),)))
    file = project(base, XML)
    other = gone(edited(edited(file, "B", duration=21, name="X"), "S", start=12, speed=Speed(2)), "A")
    other = replace(other, markers=(Marker("m", 4), Marker("n", 4)), start_frame=5, tracks=other.tracks[:2])
    text = "\n".join(disagreements(base, other, XML, same=same))
    for words in (
        "The sequence has another start frame: 0 here and 5 in the file.",
        "'A' is not in the file.",
        "'B' is 20 frames long here and 21 in the file.",
        "'B' has another name: 'B' here and 'X' in the file.",
        "'S' starts at 00:00:00:10 here and at 00:00:00:12 in the file.",
        "'S' runs at 100 % here and 200 % in the file.",
        "The transition between 'A' and 'B' is not in the file.",
        "The marker 'm' has another place: 3 here and 4 in the file.",
        "The marker 'n' is only in the file.",
    ):
        assert words in text
    many = replace(base, markers=tuple(Marker(f"x{n:02}", n) for n in range(50)))
    assert len(disagreements(many, file, XML, same=same)) == 20
    assert "other media" in disagreements(base, edited(file, "A", source=Media("m9")), XML, same=same)[0]
    assert "other frames" in disagreements(base, edited(file, "A", source_in=9), XML, same=same)[0]


# -- all of it at once


@given(st.integers(0, 2**32))
@settings(max_examples=60, deadline=None)
def test_an_unchanged_file_lifts_to_the_cut_itself(seed: int) -> None:
    random = Random(seed)
    base = full_cut(random)
    for profile in (*PROFILES.values(), random_profile(random)):
        projected = project(base, profile)
        assert lift(base, projected, profile, same=same) == base
        assert disagreements(base, projected, profile, same=same) == ()
        assert (losses(base, profile) == ()) == (levelled(projected) == levelled(base))
    assert project(base, OTIO) == base
    assert losses(base, OTIO) == ()


@given(st.integers(0, 2**32))
@settings(max_examples=60, deadline=None)
def test_what_the_file_says_is_what_the_lifted_cut_says(seed: int) -> None:
    """The file holds what an editor made of the cut: trims, slips, moves, removals, new clips."""
    random = Random(seed)
    base = full_cut(random)
    for profile in (*PROFILES.values(), random_profile(random)):
        file = _edited_file(random, project(base, profile))
        lifted = lift(base, file, profile, same=same)
        assert disagreements(lifted, file, profile, same=same) == ()
        ids = [placed.item.id for part in lifted.tracks for placed in part.items]
        assert len(ids) == len(set(ids))
        before = {conflict.id for conflict in violations(restore("s", 1, file))}
        found = [c for c in violations(restore("s", 1, lifted)) if c.id not in before]
        assert not [c for c in found if c.code not in ("outside_media", "not_enough_handle")], found


def _edited_file(random: Random, file: Content) -> Content:
    for part in file.tracks:
        for placed in part.items:
            if placed.start is None or isinstance(placed.item.source, Gap) or random.random() < 0.7:
                continue
            item = placed.item
            match random.randrange(4):
                case 0:
                    file = gone(file, item.id)
                case 1:
                    file = edited(file, item.id, duration=max(1, item.duration - random.randrange(3)))
                case 2:
                    file = edited(file, item.id, source_in=item.source_in + 1)
                case _:
                    file = edited(file, item.id, name="again")
    new = TrackContent(Track("new", "video", "X"), (Placed(Item("n", Media("m9"), 4), 0),))
    bad = {conflict.id for conflict in violations(restore("s", 1, file))}
    transitions = tuple(t for t in file.transitions if t.key not in bad and random.random() < 0.9)
    return replace(file, transitions=transitions, tracks=(*file.tracks, new))


@pytest.mark.parametrize("profile", [OTIO, RESOLVE, FCP7, EDL], ids=lambda p: p.name)
def test_ten_thousand_clips_take_no_time(profile: Profile) -> None:
    base = long_cut(10_000)
    file = project(base, profile)
    steps: dict[str, Callable[[], object]] = {
        "project": lambda: project(base, profile),
        "losses": lambda: losses(base, profile),
        "lift": lambda: lift(base, file, profile, same=same),
        "disagreements": lambda: disagreements(base, file, profile, same=same),
    }
    for name, step in steps.items():
        best = 9.0
        gc.collect()
        gc.disable()
        for _ in range(5):
            begin = time.process_time()
            step()
            best = min(best, time.process_time() - begin)
        gc.enable()
        assert best <= 0.15, f"{name} took {best:.3f} s"


def long_cut(count: int) -> Content:
    row = tuple(
        Placed(
            Item(
                f"i{n}",
                Shot(f"s{n % 500}") if n % 5 == 0 else Media(f"m{n % 500}", 0, 100_000),
                20 + n % 50,
                f"shot {n}",
                n % 300,
                Speed(2) if n % 10 == 0 else NORMAL,
                effects=({"e": 1},) if n % 3 == 0 else (),
                link=f"l{n // 2}" if n % 7 == 0 else None,
            )
        )
        for n in range(count)
    )
    return Content(
        "Reel",
        Rate(24),
        tracks=(TrackContent(Track("V1", placement="magnetic"), row),),
        transitions=tuple(
            sorted((Transition(f"i{n}", f"i{n + 1}", 3, 4) for n in range(0, 2000, 2)), key=lambda t: t.key)
        ),
        markers=tuple(sorted((Marker(f"m{n}", 5, 0, f"i{n}") for n in range(2000)), key=lambda m: m.item or "")),
    )
