"""Links, transitions and markers."""

from __future__ import annotations

import pytest

from genlock.timeline.commands import (
    EditCommand,
    LinkItems,
    RemoveMarker,
    RemoveTransition,
    SetMarker,
    SetTransition,
    UnlinkItems,
)
from genlock.timeline.decision import Context, Decision
from genlock.timeline.edits import decide
from genlock.timeline.model import Marker
from tests.timeline.cuts import cut, do, fades, refused

BASE = cut(
    "V1= A:10/5[0+20] B:10/5[0+20] _:3 C:5",
    "V2~ T:5@0 U:5@9",
    "V3~! L:5@0&k M:5@5",
    "A1~ a:5@0&k b:5@5&g c:5@10&g",
    transitions=("A>B 2+2", "L>M 1+1"),
    markers=(Marker("m1", 7, item="A"), Marker("m2", 0, item="L"), Marker("m3", 12)),
)


def test_links() -> None:
    state = do(BASE, LinkItems(("A", "b", "T")))
    assert state.linked("A") == ("T", "b")
    assert state.items["c"].link is None  # nobody is left alone in a group
    state = do(state, UnlinkItems(("T",)))
    assert state.linked("A") == ("b",)
    state = do(state, UnlinkItems(("A",)))
    assert (state.items["A"].link, state.items["b"].link) == (None, None)
    # one on a locked track is left as it is
    assert do(BASE, UnlinkItems(("a",))).items["L"].link == "k"


def test_transitions() -> None:
    state = do(BASE, SetTransition("A", "B", 3, 4, "wipe", "Wipe"))
    assert (state.transitions["A>B"].kind, fades(state)) == ("wipe", ["A>B 3+4", "L>M 1+1"])
    state = do(state, SetTransition("B", None, 4, 0))
    state = do(state, SetTransition(None, "C", 0, 5))
    state = do(state, SetTransition(None, "U", 0, 3))
    assert fades(state) == [">C 0+5", ">U 0+3", "A>B 3+4", "B> 4+0", "L>M 1+1"]
    assert fades(do(state, RemoveTransition("B", None))) == [">C 0+5", ">U 0+3", "A>B 3+4", "L>M 1+1"]


def test_markers() -> None:
    state = do(BASE, SetMarker(Marker("", 7, 2, "B", "note", "BLUE")))
    (new,) = set(state.markers) - set(BASE.markers)
    assert state.markers[new].item == "B"
    state = do(state, SetMarker(Marker(new, 9, item="C")))
    assert (state.marks["C"], state.marks.get("B")) == (frozenset({new}), None)
    state = do(state, RemoveMarker(new))
    assert new not in state.markers
    assert "mine" in do(BASE, SetMarker(Marker("mine", 3))).markers


@pytest.mark.parametrize(
    ("edit", "code"),
    [
        (LinkItems(("A",)), "bad_value"),
        (LinkItems(("A", "A")), "bad_value"),
        (LinkItems(()), "bad_value"),
        (LinkItems(("A", "Z")), "no_such_item"),
        (LinkItems(("A", "L")), "locked_track"),
        (LinkItems(("A", "gap3")), "bad_value"),
        (LinkItems(("b", "c")), "no_change"),
        (UnlinkItems(("A",)), "no_change"),
        (UnlinkItems(("L",)), "locked_track"),
        (SetTransition(None, None, 1, 1), "bad_value"),
        (SetTransition("A", "B", 0, 0), "bad_value"),
        (SetTransition("A", "B", -1, 4), "bad_value"),
        (SetTransition("A", "Z", 1, 1), "no_such_item"),
        (SetTransition("L", "M", 2, 2), "locked_track"),
        (SetTransition("A", "B", 2, 2), "no_change"),
        (SetTransition("A", "C", 1, 1), "not_adjacent"),
        (SetTransition("T", "U", 1, 1), "not_adjacent"),
        (SetTransition("B", "gap3", 1, 1), "not_adjacent"),
        (SetTransition("A", None, 1, 0), "not_adjacent"),
        (SetTransition(None, "B", 0, 1), "not_adjacent"),
        (SetTransition("A", "B", 6, 0), "not_enough_handle"),
        (SetTransition("A", "B", 0, 6), "not_enough_handle"),
        (SetTransition("B", None, 9, 0), "too_short"),
        (RemoveTransition("B", None), "no_such_transition"),
        (RemoveTransition("L", "M"), "locked_track"),
        (SetMarker(Marker("", -1)), "before_start"),
        (SetMarker(Marker("", 1, -1)), "bad_value"),
        (SetMarker(Marker("", 1, item="Z")), "no_such_item"),
        (SetMarker(Marker("", 1, item="L")), "locked_track"),
        (SetMarker(Marker("m2", 1)), "locked_track"),
        (SetMarker(Marker("m3", 12)), "no_change"),
        (RemoveMarker("m2"), "locked_track"),
        (RemoveMarker("m9"), "no_such_marker"),
    ],
)
def test_refuses(edit: EditCommand, code: str) -> None:
    assert refused(BASE, edit).code == code


def test_two_transitions_of_one_clip_share_its_frames() -> None:
    assert refused(BASE, SetTransition(None, "A", 0, 9)).code == "too_short"
    assert fades(do(BASE, SetTransition(None, "A", 0, 8))) == [">A 0+8", "A>B 2+2", "L>M 1+1"]


def test_labels() -> None:
    for edit, label in (
        (SetTransition("A", "B", 3, 4), "Dissolve A / B, 7 frames"),
        (SetTransition(None, "C", 0, 4), "Dissolve into C, 4 frames"),
        (RemoveTransition("A", "B"), "Remove the dissolve A / B"),
        (SetMarker(Marker("", 7, name="VFX")), "Add marker VFX"),
        (LinkItems(("A", "b")), "Link 2 items"),
    ):
        decision = decide(BASE, edit, Context("c"))
        assert isinstance(decision, Decision)
        assert decision.label == label
