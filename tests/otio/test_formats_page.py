"""The table of docs/formats.md is what the profiles say. `python -m tests.otio.test_formats_page` writes it anew."""

from __future__ import annotations

from pathlib import Path

from genlock.timeline.profiles import ALL, PROFILES, Feature, Profile

PAGE = Path(__file__).parents[2] / "docs" / "formats.md"
BEGIN, END = "<!-- what the profiles say -->\n", "<!-- end -->\n"
WORDS: dict[Feature, str] = {
    "sequence.name": "name of the sequence",
    "sequence.start": "start timecode",
    "sequence.rate": "rate",
    "sequence.drop_frame": "drop frame",
    "sequence.resolution": "resolution",
    "track.video": "picture tracks",
    "track.audio": "sound tracks",
    "track.name": "track names",
    "track.enabled": "tracks switched off",
    "track.locked": "locked tracks",
    "track.placement": "which tracks are magnetic",
    "track.sync_lock": "sync locks",
    "track.empty": "empty tracks",
    "item.name": "clip names",
    "item.enabled": "clips switched off",
    "item.speed": "speed",
    "item.reverse": "reverse",
    "item.freeze": "freeze frames",
    "item.effects": "effects",
    "item.link": "links",
    "item.path": "path of the media",
    "item.handles": "available range of the media",
    "item.generator": "generators and titles",
    "item.parameters": "their settings",
    "item.nested": "nested sequences",
    "item.shot": "shots (else their takes)",
    "transition": "dissolves",
    "transition.fade": "fades",
    "transition.asymmetric": "dissolves off the cut",
    "transition.kind": "wipes and other kinds",
    "transition.name": "names of transitions",
    "marker.sequence": "markers of the sequence",
    "marker.item": "markers of clips",
    "marker.name": "marker names",
    "marker.duration": "marker lengths",
    "marker.color": "marker colours",
    "marker.comment": "marker comments",
    "sequence.foreign": "other tools' metadata",
}
OWN_EFFECTS = {"resolve", "fcp7", "fcpx"}
"""Proven in test_files and test_resolve_return."""
FOREIGN = {feature for feature in ALL if feature.endswith(".foreign")}


def cell(profile: Profile, feature: Feature) -> str:
    if feature == "track.video" and profile.video_tracks is not None:
        return f"{profile.video_tracks} a file"
    if feature == "track.audio" and profile.audio_tracks is not None and profile.has(feature):
        return f"{profile.audio_tracks} a file"
    if feature == "item.effects" and profile.name in OWN_EFFECTS:
        return "its own"
    if feature == "sequence.foreign" and profile.own:
        return "its own"
    return "yes" if profile.has(feature) else "–"


def table() -> str:
    profiles = list(PROFILES.values())
    rows = [["", *(p.title for p in profiles)], ["---"] * (len(profiles) + 1)]
    rows.append(["`--to`", *(f"`{p.name}`" for p in profiles)])
    rows.append(["suffixes", *(" ".join(f"`{suffix}`" for suffix in p.suffixes) for p in profiles)])
    rows.append(["our ids ride in", *(p.ids or "–" for p in profiles)])
    rows += [[word, *(cell(p, feature) for p in profiles)] for feature, word in WORDS.items()]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def test_every_feature_has_a_row() -> None:
    assert set(WORDS) == (ALL - FOREIGN) | {"sequence.foreign"}


def test_metadata_is_carried_everywhere_or_nowhere() -> None:
    for profile in PROFILES.values():
        assert profile.carries & FOREIGN in (FOREIGN, set()), profile.name


def test_the_page_shows_what_the_profiles_say() -> None:
    _, _, rest = PAGE.read_text().partition(BEGIN)
    shown, found, _ = rest.partition(END)
    assert found
    assert shown == table()


if __name__ == "__main__":
    before, _, rest = PAGE.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(before + BEGIN + table() + END + after)
