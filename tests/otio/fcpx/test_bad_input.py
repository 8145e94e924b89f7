"""What no program should write: a coded error with the place in the file, at once, whatever it is."""

from __future__ import annotations

import random
import re
import time

import pytest

from genlock.errors import CODES, BadInput
from genlock_otio.dialects import Incoming
from genlock_otio.door import Limits
from genlock_otio.fcpx import reader
from genlock_otio.values import Imported
from tests.otio.fcpx.making import BASE, FCPX, RESOURCES, cuts, document, read, sound, spine

CLIP = '<asset-clip ref="{ref}" name="X" {times}/>'


def refused(data: bytes, code: str, place: str = "") -> None:
    began = time.process_time()
    with pytest.raises(BadInput) as error:
        reader.read(Incoming(data, "cut", BASE))
    assert error.value.code == code
    assert place in str(error.value)
    assert time.process_time() - began < 2


@pytest.mark.parametrize(
    "text", ["abc", "1/0s", "", "NaNs", "1e9s", "infs", "--3s", "1/2/3s", "0x10s", "１s", "9" * 40 + "s"]
)
@pytest.mark.parametrize("name", ["offset", "start", "duration"])
def test_times_that_are_none(name: str, text: str) -> None:
    times = {"offset": "0s", "start": "3600s", "duration": "1s", name: text}
    attributes = " ".join(f'{key}="{value}"' for key, value in times.items())
    refused(document(CLIP.format(ref="v1", times=attributes)), "bad_time", "<asset-clip ref='v1' name='X'")


def test_negative_and_endless_times() -> None:
    refused(document(CLIP.format(ref="v1", times='offset="0s" duration="-1s"')), "bad_time", "name='X'")
    refused(document(CLIP.format(ref="v1", times='offset="0s" duration="99999999999999s"')), "bad_time", "X")
    refused(document(CLIP.format(ref="v1", times='offset="99999999999999s" duration="1s"')), "bad_time", "X")
    refused(document(CLIP.format(ref="v1", times='offset="90000000s" duration="1s"')), "bad_time", "X")
    refused(document("", attributes='tcStart="-5s"'), "bad_time", "")
    refused(document("", attributes='tcStart="99999999999999s"'), "bad_time", "P")
    refused(document("<transition/>"), "bad_time", "<transition>")
    points = '<timeMap><timept time="0s" value="0s"/><timept value="1s"/></timeMap>'
    refused(document(f'<asset-clip ref="v1" duration="1s">{points}</asset-clip>'), "bad_time", "<timeMap>")


@pytest.mark.parametrize("start", ["999999999999999999999s", "-999999999999999999999s", "99999999999s"])
def test_a_clip_of_frames_that_no_media_has(start: str) -> None:
    refused(document(CLIP.format(ref="v1", times=f'start="{start}" duration="1s"')), "bad_time", "X")


def test_a_fraction_finer_than_any_clock_is_rounded() -> None:
    found = spine(CLIP.format(ref="v1", times='start="86400000000000000001/24000000000000000000s" duration="1s"'))
    assert cuts(found.content)[0][3] == 86


def test_resources_that_are_not_there() -> None:
    refused(document(CLIP.format(ref="r404", times='duration="1s"')), "bad_timeline", "ref='r404'")
    refused(document('<asset-clip name="X" duration="1s"/>'), "bad_timeline", "name='X'")
    refused(document(CLIP.format(ref="f24", times='duration="1s"')), "bad_timeline", "<format>")
    refused(document('<ref-clip ref="a1" duration="1s"/>'), "bad_timeline", "<asset>")
    refused(document('<mc-clip ref="a1" duration="1s"/>'), "bad_timeline", "multicam")
    found = spine('<title ref="nothing" duration="1s" name="T"/>')  # a title shows its text even so
    assert cuts(found.content)[0][2] == "T"


def test_a_compound_clip_that_contains_itself() -> None:
    inner = '<spine><ref-clip ref="{1}" duration="1s"/></spine>'
    loop = f'<media id="{{0}}" name="M{{0}}"><sequence format="f24">{inner}</sequence></media>'
    refused(
        document('<ref-clip ref="m1" duration="1s"/>', resources=RESOURCES + loop.format("m1", "m1")),
        "bad_timeline",
        "itself",
    )
    two = RESOURCES + loop.format("m1", "m2") + loop.format("m2", "m1")
    refused(document('<ref-clip ref="m1" duration="1s"/>', resources=two), "bad_timeline", "contains itself")
    chain = RESOURCES + "".join(loop.format(f"m{n}", f"m{n + 1}") for n in range(500))
    refused(document('<ref-clip ref="m0" duration="1s"/>', resources=chain), "too_deep", "compound clips")


def test_compound_clips_used_a_million_times_over() -> None:
    """Each holds the one before ten times: they are read once each."""
    media = RESOURCES
    for n in range(12):
        inner = '<asset-clip ref="v1" duration="1s"/>' if n == 0 else f'<ref-clip ref="m{n - 1}" duration="1s"/>' * 10
        media += f'<media id="m{n}"><sequence format="f24"><spine>{inner}</spine></sequence></media>'
    began = time.process_time()
    found = read(document('<ref-clip ref="m11" duration="1s"/>', resources=media))
    assert len(found.nested) == 12
    assert time.process_time() - began < 2


def test_deep_nesting() -> None:
    clip = '<asset-clip ref="v1" lane="1" offset="3600s" start="3600s" duration="1s">'
    refused(document(clip * 300 + "</asset-clip>" * 300), "too_deep", "line 9")
    deep = spine(clip * 180 + "</asset-clip>" * 180)  # connected to one another, each a lane above
    assert len(deep.content.tracks) == 180
    nest = '<clip duration="1s" offset="0s">'
    refused(document(nest * 50 + '<video ref="v1" duration="1s"/>' + "</clip>" * 50), "too_deep", "<clip")
    several = nest + '<video ref="v1" duration="1s"/>'
    refused(document(several * 60 + "</clip>" * 60), "too_deep", "<clip")


def test_entities_and_outside_files() -> None:
    bomb = (
        '<!DOCTYPE fcpxml [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]><fcpxml version="1.9">&b;</fcpxml>'
    )
    refused(bomb.encode(), "bad_xml", "entity")
    refused(b'<!DOCTYPE fcpxml [<!ENTITY x SYSTEM "file:///etc/passwd">]><fcpxml version="1.9">&x;</fcpxml>', "bad_xml")


@pytest.mark.parametrize("cut", [0, 1, 40, 500, 2000, -1, -20])
def test_truncated(cut: int) -> None:
    data = (FCPX / "29.97d.fcpxml").read_bytes().rstrip()
    refused(data[:cut], "bad_xml", "")


def test_no_fcpxml_at_all() -> None:
    refused(b"<xmeml/>", "bad_timeline", "<xmeml>")
    refused(b'<fcpxml version="1.9"/>', "bad_timeline", "no project")
    refused(b"\x00\x01\x02", "bad_xml")
    assert not reader.knows(b"<xmeml version='5'/>")


def test_lanes_and_rates_that_are_none() -> None:
    inner = '<asset-clip ref="v1" offset="0s" duration="1s"><asset-clip ref="v1" lane="{}" duration="1s"/></asset-clip>'
    for lane in ("x", "9" * 5000, "99999999", "1.5", ""):
        refused(document(inner.format(lane)), "bad_value", "lane")
    for each in ("0s", "1/1000s", "100s"):
        format_ = f'<format id="f24" frameDuration="{each}" width="-3" height="999999999"/>'
        if each == "0s":
            assert read(document("", resources=format_)).content.resolution.width == 1920
        else:
            refused(document("", resources=format_), "bad_rate", "<sequence>")
    refused(document("", resources='<format id="f24" frameDuration="1/0s"/>'), "bad_time", "id='f24'")
    conform = '<asset-clip ref="v1" duration="1s"><conform-rate srcFrameRate="fast"/></asset-clip>'
    refused(document(conform), "bad_rate", "ref='v1'")


@pytest.mark.parametrize("each", ["99999999999999s", "1/99999999s"])
def test_media_of_no_frame_rate(each: str) -> None:
    resources = RESOURCES.replace('frameDuration="1001/24000s"', f'frameDuration="{each}"')
    slow = resources.replace(
        'duration="100s" hasVideo="1" format="f24" src', 'duration="100s" hasVideo="1" format="f2398" src'
    )
    refused(document(CLIP.format(ref="v1", times='duration="1s"'), resources=slow), "bad_rate", "id='f2398'")
    conform = '<asset-clip ref="v1" duration="1s"><conform-rate srcFrameRate="0.00001"/></asset-clip>'
    refused(document(conform), "bad_rate", "ref='v1'")


def test_notes_of_nobody() -> None:
    """What looks like ours and is not must not harm."""
    notes = [
        "genlock:", "genlock:%ff%00 link=", "genlock:i1 generator=x parameters=%7B", "genlock:i1 frames=999999999999999999",
        "genlock:i1 lane=--5 audio=%3E", "genlock:a%3Eb", "genlock:i2 filler=1", "genlock:i3 kind=audio enabled=1",
    ]  # fmt: skip
    kinds = (("title", 'ref="e1"'), ("asset-clip", 'ref="a1"'), ("gap", ""))
    clips = "".join(
        f'<{tag} {ref} duration="1s"><note>{note}</note><marker start="0s" value="m" note="{note} on=sequence"/></{tag}>'
        for note in notes
        for tag, ref in kinds
    )
    sound(spine(clips).content)
    table = '</spine><metadata><md key="com.genlock.tracks" value="{}"/></metadata><spine>'
    for value in (
        "[",
        "{}",
        "[1]",
        '[{"lane": 1e99}]',
        '[{"lane":0,"kind":"smell"}]',
        "[" * 3000,
        '[{"lane":0,"id":"&gt;"}]',
    ):
        text = table.format(value.replace('"', "&quot;"))
        assert len(read(document(CLIP.format(ref="v1", times='duration="1s"') + text)).content.tracks) == 1


def test_a_hundred_thousand_clips_in_seconds() -> None:
    clips = "".join(f'<asset-clip ref="v1" offset="{n}s" start="3600s" duration="1s"/>' for n in range(20_000))
    began = time.process_time()
    found = reader.read(Incoming(document(clips), "cut", BASE))
    assert len(found.content.tracks[0].items) == 20_000
    assert time.process_time() - began < 3  # 100,000 in five times that: docs/why/fcpx.md has the figure


def test_more_values_than_the_limit() -> None:
    data = document(CLIP.format(ref="v1", times='duration="1s"') * 1000)
    with pytest.raises(BadInput) as error:
        reader.read(Incoming(data, "cut", BASE, limits=Limits(nodes=500)))
    assert error.value.code == "too_large"


def attempt(data: bytes) -> tuple[Imported | None, str]:
    try:
        return reader.read(Incoming(data, "cut", BASE)), ""
    except BadInput as error:
        return None, error.code


def test_a_thousand_broken_exports() -> None:
    """Real exports with times, references, lanes and tags changed at random: read, or refused with a code."""
    rng = random.Random(11)
    texts = [path.read_text() for path in sorted(FCPX.glob("*.fcpxml"))]
    odd = ["0s", "-1s", "1/0s", "x", "99999999999s", "1001/24000s", "r1", "r2", "r99", "1", "-3", "", "0"]
    began = time.process_time()
    for _ in range(1000):
        text = rng.choice(texts)
        for _ in range(rng.randrange(1, 5)):
            found = rng.choice(list(re.finditer(r'"[^"]*"', text)))
            text = f'{text[: found.start()]}"{rng.choice(odd)}"{text[found.end() :]}'
        if rng.random() < 0.3:
            tags = ["clip", "sync-clip", "video", "audio", "gap", "title", "ref-clip", "mc-clip", "spine", "audition"]
            one, two = rng.choice(tags), rng.choice(["asset-clip", *tags])
            text = text.replace(f"<{two} ", f"<{one} ").replace(f"</{two}>", f"</{one}>")
        imported, code = attempt(text.encode())
        assert code in ("", *CODES)
        if imported is not None:
            sound(imported.content)
        if time.process_time() - began > 6:
            break
