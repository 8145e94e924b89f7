"""Shot lists and change lists."""

from __future__ import annotations

import csv
from io import StringIO

import pytest

from genlock.errors import BadInput
from genlock.project.media import MediaFile
from genlock.timeline.changes import Change, changes
from genlock.timeline.events import Content, Placed, TrackContent, content_of, restore
from genlock.timeline.model import Item, Media, Shot, Track
from genlock.timeline.rate import Rate, Speed
from genlock_otio import lists
from tests.otio.timelines import take

POOL = {"m": MediaFile("m", "/footage/A001.mov", "A001.mov"), "n": MediaFile("n", "", "=cmd()")}


def rows(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(data.decode("utf-8-sig"), newline="")))


def test_a_shot_list() -> None:
    items = (
        Placed(Item("a", Media("m", 86400, 1000), 48, "open", 86410), 0),
        Placed(Item("b", Media("m", 0, None, Rate(25)), 24, "@rev", 50, Speed(-1, 2), enabled=False), 48),
        Placed(Item("c", Shot("s1"), 10, "made"), 100),
    )
    cut = Content("cut", Rate(24), start_frame=86400, tracks=(TrackContent(Track("v", name="V1"), items),))
    one, two, three = rows(lists.write("csv", cut, media=POOL, takes=take))
    assert one == {
        "Event": "1", "Track": "V1", "Name": "open", "Record In": "01:00:00:00", "Record Out": "01:00:02:00",
        "Frames": "48", "Duration": "00:00:02:00", "Source In": "01:00:00:10", "Source Out": "01:00:02:10",
        "Source FPS": "24", "Speed %": "100", "Head Handle": "10", "Tail Handle": "942", "Enabled": "yes", "Shot": "",
        "Take": "", "Media": "A001.mov", "Path": "/footage/A001.mov",
    }  # fmt: skip
    assert (two["Name"], two["Speed %"], two["Enabled"], two["Source FPS"]) == ("'@rev", "-50", "no", "25")
    assert (two["Head Handle"], two["Tail Handle"]) == ("", "")
    assert (three["Record In"], three["Shot"], three["Path"]) == ("01:00:04:04", "s1", "/takes/SH0010_v001.mov")


def test_no_cell_is_run_by_a_spreadsheet() -> None:
    items = (Placed(Item("a", Media("n"), 4, "=HYPERLINK(1)"), 0), Placed(Item("b", Media("n"), 4, "+1\n-2"), 4))
    cut = Content("cut", Rate(24), tracks=(TrackContent(Track("v", name="-1"), items),))
    for row in rows(lists.write("csv", cut, media=POOL)):
        assert row["Name"].startswith("'")
        assert row["Track"] == "'-1"
        assert row["Media"] == "'=cmd()"


def test_change_lists_tell_what_changed_where() -> None:
    track = Track("v", name="V1", placement="magnetic")
    clips = [Placed(Item(id_, Media("m"), 48, f"shot {id_}", 100)) for id_ in "abc"]
    before = restore(
        "0" * 32, 1, Content("cut", Rate(24), start_frame=86400, tracks=(TrackContent(track, tuple(clips)),))
    )
    clips[1] = Placed(Item("b", Media("m"), 60, "shot b", 100))
    after = restore(
        "0" * 32, 2, Content("cut", Rate(24), start_frame=86400, tracks=(TrackContent(track, tuple(clips)),))
    )
    found = changes(before, after)
    (row,) = rows(lists.write("changes.csv", content_of(after), changes=found))
    assert (row["Timecode"], row["Change"], row["Track"], row["Name"]) == ("01:00:02:00", "trimmed", "V1", "shot b")
    assert row["Detail"] == found[0].detail
    page = lists.write("changes.md", content_of(after), changes=found).decode()
    assert page.splitlines()[:4] == [
        "# Changes: cut",
        "",
        "| Timecode | Change | Track | Name | Detail |",
        "|---|---|---|---|---|",
    ]
    assert page.splitlines()[4].startswith("| 01:00:02:00 | trimmed | V1 | shot b |")


def test_a_page_keeps_names_in_their_cells() -> None:
    change = Change("renamed", "a", "a|b <script>\n[x](y)", "V*", 5, "`z`")
    page = lists.write("changes.md", Content("c", Rate(24)), changes=(change,)).decode()
    last = page.splitlines()[-1]
    assert last == r"| 00:00:00:05 | renamed | V\* | a\|b \<script\> \[x\](y) | \`z\` |"
    assert "Nothing changed." in lists.write("changes.md", Content("c", Rate(24))).decode()


def test_an_unknown_kind() -> None:
    with pytest.raises(BadInput, match="known are ale, csv"):
        lists.write("xls", Content("c", Rate(24)))
