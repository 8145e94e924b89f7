"""What a cut still says that went through two formats."""

from __future__ import annotations

from itertools import product

import pytest
from msgspec.structs import replace

from genlock.timeline.profiles import PROFILES, Profile, shared

EACH = [pytest.param(profile, id=name) for name, profile in PROFILES.items()]


@pytest.mark.parametrize("profile", EACH)
def test_a_format_shares_all_with_itself_and_with_one_that_carries_everything(profile: Profile) -> None:
    assert shared(profile, profile) == profile
    assert shared(profile, PROFILES["otio"]) == shared(PROFILES["otio"], profile) == profile


def test_no_order_and_never_more_than_either() -> None:
    for one, other in product(PROFILES.values(), repeat=2):
        both, turned = shared(one, other), shared(other, one)
        assert both.carries == turned.carries == one.carries & other.carries
        assert (both.video_tracks, both.audio_tracks) == (turned.video_tracks, turned.audio_tracks)
        assert (both.effects, both.own, both.speed_steps) == (turned.effects, turned.own, turned.speed_steps)


def test_the_tighter_limits_and_the_coarser_speeds_hold() -> None:
    one = replace(PROFILES["fcp7"], video_tracks=3, audio_tracks=None, speed_steps=None)
    other = replace(PROFILES["edl"], video_tracks=1, audio_tracks=4, speed_steps=10)
    both = shared(one, other)
    assert (both.video_tracks, both.audio_tracks, both.speed_steps) == (1, 4, 10)


def test_effects_and_metadata_that_only_one_of_two_carries_are_carried_by_neither() -> None:
    assert shared(PROFILES["resolve"], PROFILES["otio"]).effects == "Resolve_OTIO"
    assert shared(PROFILES["resolve"], PROFILES["fcp7"]).effects == ""
    assert shared(PROFILES["edl"], PROFILES["resolve"]).effects == ""
    assert shared(PROFILES["edl"], PROFILES["fcp7"]).own == ""
