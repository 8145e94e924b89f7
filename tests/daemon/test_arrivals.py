"""When a dropped file is all there."""

from __future__ import annotations

from pathlib import Path

import pytest

from genlock.daemon.arrivals import Arrivals, Seen, is_wanted

CUT = Path("/drop/cut.otio")


def test_a_file_that_rests_has_arrived_once_it_rested_long_enough() -> None:
    arrivals = Arrivals(quiet=1.0)
    assert not arrivals.look(CUT, Seen(10, 1), 0.0)
    assert not arrivals.look(CUT, Seen(10, 1), 0.9)
    assert arrivals.look(CUT, Seen(10, 1), 1.0)


def test_one_that_grows_or_is_touched_is_waited_for_anew() -> None:
    arrivals = Arrivals(quiet=1.0)
    arrivals.look(CUT, Seen(10, 1), 0.0)
    assert not arrivals.look(CUT, Seen(20, 2), 0.9)
    assert not arrivals.look(CUT, Seen(20, 3), 1.75)  # of its full size from the start, still being filled
    assert not arrivals.look(CUT, Seen(20, 3), 2.5)
    assert arrivals.look(CUT, Seen(20, 3), 2.75)


def test_an_empty_file_is_never_there() -> None:
    arrivals = Arrivals(quiet=1.0)
    arrivals.look(CUT, Seen(0, 1), 0.0)
    assert not arrivals.look(CUT, Seen(0, 1), 100.0)


def test_one_that_goes_away_is_forgotten() -> None:
    arrivals = Arrivals(quiet=1.0)
    arrivals.look(CUT, Seen(10, 1), 0.0)
    assert not arrivals.look(CUT, None, 0.5)
    assert len(arrivals) == 0
    assert not arrivals.look(CUT, Seen(10, 1), 5.0)


def test_what_cannot_be_read_may_be_unfinished_until_patience_ends() -> None:
    arrivals = Arrivals(quiet=1.0, patience=15.0)
    arrivals.look(CUT, Seen(10, 1), 0.0)
    assert arrivals.may_be_unfinished(CUT, 14.9)
    assert not arrivals.may_be_unfinished(CUT, 15.0)
    arrivals.done(CUT)
    assert not arrivals.may_be_unfinished(CUT, 1.0)


@pytest.mark.parametrize("name", ["cut.otio", "Schnitt 3.fcpxml", "SC03_SH0040_v003.mov", "a.b.edl"])
def test_names_that_people_give(name: str) -> None:
    assert is_wanted(Path("/drop") / name)


@pytest.mark.parametrize(
    "name", [".cut.otio", "._cut.otio", "~$cut.otio", "cut.otio~", "cut.otio.part", "cut.mov.crdownload", "cut.TMP"]
)
def test_names_that_programs_give(name: str) -> None:
    assert not is_wanted(Path("/drop") / name)
