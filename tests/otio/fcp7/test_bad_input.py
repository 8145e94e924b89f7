"""Broken and hostile files: a coded error that names the place, or a warning and the sensible reading; soon and small."""

from __future__ import annotations

import time
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genlock.errors import BadInput
from genlock.timeline.check import violations
from genlock.timeline.events import restore
from genlock_otio.dialects import Incoming
from genlock_otio.fcp7 import reader
from tests.otio.fcp7.documents import RATE, clip, document, file, placed, rate, read, remap

SAMPLES = Path(__file__).parent / "samples"
BOMB = (
    b"<?xml version='1.0'?><!DOCTYPE xmeml [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;&a;&a;&a;&a;'>"
    b"<!ENTITY c '&b;&b;&b;&b;&b;&b;&b;&b;'>]><xmeml><sequence><name>&c;</name></sequence></xmeml>"
)
OUTSIDE = b"<?xml version='1.0'?><!DOCTYPE xmeml [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><xmeml><sequence>&x;</sequence></xmeml>"


SEQUENCE = "<sequence id='s2'/>"


def refused(data: bytes) -> BadInput:
    began = time.process_time()
    with pytest.raises(BadInput) as caught:
        read(data)
    assert time.process_time() - began < 2
    return caught.value


@pytest.mark.parametrize(
    ("data", "code", "place"),
    [
        (BOMB, "bad_xml", "entity 'a' in line 1"),
        (OUTSIDE, "bad_xml", "entity 'x' in line 1"),
        (b"", "bad_xml", "line 1"),
        (b"no xml at all", "bad_xml", "line 1"),
        (document(clip(0, 10, 0, 10))[:-40], "bad_xml", "line 1"),
        (b"<xmeml>" + b"<bin>" * 100_000, "too_deep", "line 1"),
        (b"<fcpxml version='1.9'/>", "bad_timeline", "<fcpxml>"),
        (b"<xmeml version='4'><project><name>x</name></project></xmeml>", "bad_timeline", "no sequence"),
        (document(clip(0, 10, 0, 10), own=rate(12)), "bad_rate", "12 frames"),
        (document(clip(0, 10, 0, 10), own=rate("NaN")), "bad_rate", "'NaN'"),
        (document(clip(0, 10, 0, 10), own=rate(0)), "bad_rate", "'0'"),
        (document(clip(0, 10, 0, 10), own=rate("1e9999")), "bad_rate", "'1e9999'"),
        (document("", own=""), "bad_rate", "no frame rate"),
        (document(clip("NaN", 10, 0, 10)), "bad_time", "'c' in place 1 of V1"),
        (document(clip(0, "inf", 0, 10)), "bad_time", "<end>"),
        (document(clip(0, 10, "1e9999", 10)), "bad_time", "'c' in place 1 of V1"),
        (document(clip(0, 10, "99999999e9", 10)), "bad_time", "'c' in place 1 of V1"),
        (document(clip(0, 10, "9" * 40, 10)), "bad_time", "<in>"),
        (document(clip(-5, 10, 0, 10)), "bad_time", "<start> of The clipitem 'c'"),
        (document(clip(20, 10, 0, 10)), "bad_time", "ends at 10, before its start at 20"),
        (document(clip(0, 10**12, 0, 10)), "bad_time", "'c' in place 1"),
        (document(clip(0, 10, 0, 10, more=file() + remap("nan"))), "bad_time", "'c' in place 1"),
        (document(clip(0, 10, 0, 10, more=file() + remap(10**12))), "bad_time", "no speed"),
        (document(clip(0, 10, 0, 10, own=rate("fast"))), "bad_rate", "'c' in place 1 of V1"),
        (document(clip(0, 10, 0, 10, more=file(own=rate("-3")))), "bad_rate", "the file 'f'"),
        (document(clip(0, 10, 0, 10, more=file(frames="many"))), "bad_time", "the file 'f'"),
        (document("<transitionitem><start>9</start><end>3</end></transitionitem>"), "bad_time", "place 1 of V1"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_with_its_place(data: bytes, code: str, place: str) -> None:
    error = refused(data)
    assert error.code == code
    assert place in error.message


def test_a_sequence_in_itself_is_refused() -> None:
    track = f"<media><video><track>{clip(0, 9, 0, 9, more=SEQUENCE)}</track></video></media>"
    inner = f"<sequence id='s2'><name>loop</name>{RATE}{track}</sequence>"
    error = refused(document(clip(0, 10, 0, 10, more=inner)))
    assert error.code == "bad_timeline"
    assert "'loop', which contains it" in error.message


def nest(depth: int) -> str:
    inner = clip(0, 9, 0, 9)
    for number in range(depth):
        track = f"<media><video><track>{inner}</track></video></media>"
        inner = clip(0, 9, 0, 9, more=f"<sequence id='n{number}'><name>n</name>{RATE}{track}</sequence>")
    return inner


def test_sequences_nested_without_end_are_refused() -> None:
    assert len(read(document(nest(20))).nested) == 20
    assert refused(document(nest(33))).code == "too_deep"


def test_sequences_that_show_each_other_many_times_are_read_once() -> None:
    shown = clip(0, 9, 0, 9)
    others = ""
    for number in range(25):  # 2 to the 25th clips if each were read where it is shown
        twice = shown + shown.replace("<start>0</start><end>9</end>", "<start>9</start><end>18</end>")
        track = f"<media><video><track>{twice}</track></video></media>"
        others += f"<sequence id='n{number}'><name>n{number}</name>{RATE}{track}</sequence>"
        shown = clip(0, 9, 0, 9, more=f"<sequence id='n{number}'/>")
    imported = read(document(shown, root=others))
    assert len(imported.nested) == 25


def test_clips_on_each_other_go_to_tracks_above() -> None:
    imported = read(document(clip(0, 20, 0, 20) + clip(10, 30, 0, 20, id_="d")))
    assert [placed(imported.content, n) for n in (0, 1)] == [[(0, 20, 0)], [(10, 20, 0)]]
    assert "overlap" in imported.warnings[0]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (clip(0, 10, 0, 10, more="<file id='gone'/>"), "described nowhere"),
        (clip(0, 10, 0, 10, more="<sequence id='gone'/>"), "described nowhere"),
        (clip(0, 10, 0, 10, more="<file/>"), "described nowhere"),
        (clip(-1, -1, 0, 10), "says no start"),
        (clip(0, 0, 0, 10), "0 frames long"),
        (clip(0, 10, 0, 10, more=file(frames=-4)), "negative duration"),
    ],
)
def test_what_can_be_read_in_one_way_only_is_read_that_way_and_named(row: str, said: str) -> None:
    imported = read(document(row + clip(50, 60, 0, 10, id_="z")))
    assert said in " ".join(imported.warnings)
    assert placed(imported.content)[-1] == (50, 10, 0)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1", "us-ascii"])
def test_every_declared_encoding_is_read(encoding: str) -> None:
    name = "take" if encoding == "us-ascii" else "prise numéro 1 ×"
    data = document(clip(0, 10, 0, 10)).decode().replace("<name>shot</name>", f"<name>{name}</name>")
    declared = {"utf-8-sig": "utf-8", "latin-1": "iso-8859-1"}.get(encoding, encoding)
    imported = read(data.replace("UTF-8", declared).encode(encoding))
    assert imported.content.tracks[0].items[0].item.name == name


def test_a_long_reel_is_read_in_time_and_in_little_memory() -> None:
    one = clip(0, 0, 5, 29).replace("<end>0</end>", "<end>{1}</end>").replace("<start>0</start>", "<start>{0}</start>")
    row = "".join(one.format(n * 24, n * 24 + 24) for n in range(10_000))
    data = document(row)
    began = time.process_time()
    imported = read(data)
    assert time.process_time() - began < 10
    assert len(imported.content.tracks[0].items) == 10_000


def test_a_hostile_file_takes_little_memory() -> None:
    data = document("".join(clip(0, 10, 0, 10, id_=f"c{n}") for n in range(3000)))  # all on each other
    tracemalloc.start()
    with pytest.raises(BadInput) as caught:
        read(data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert caught.value.code == "bad_timeline"
    assert peak < 128 * 2**20


SAMPLE = (SAMPLES / "premiere_example.xml").read_bytes()


@given(at=st.integers(0, len(SAMPLE) - 1), length=st.integers(0, 40), junk=st.binary(max_size=12))
@settings(max_examples=60, deadline=None)
def test_a_damaged_file_is_read_soundly_or_refused_with_a_code(at: int, length: int, junk: bytes) -> None:
    data = SAMPLE[:at] + junk + SAMPLE[at + length :]
    try:
        imported = reader.read(Incoming(data, "cut", Path("/base")))
    except BadInput:
        return
    assert not violations(restore("0" * 32, 1, imported.content))


WORDS = [
    "-1",
    "0",
    "1",
    "-7",
    "1e3",
    "nan",
    "",
    "99999999999",
    "0.5",
    "TRUE",
    "center",
    "end-black",
    "clipitem-1",
    "file-1",
    "sequence-2",
]


@given(picks=st.lists(st.tuples(st.integers(0, 3000), st.sampled_from(WORDS)), min_size=1, max_size=6))
@settings(max_examples=60, deadline=None)
def test_wrong_words_are_read_soundly_or_refused_with_a_code(picks: list[tuple[int, str]]) -> None:
    parts = SAMPLE.decode().split(">")
    leaves = [n for n, part in enumerate(parts) if "</" in part and not part.startswith("<")]
    for pick, word in picks:
        at = leaves[pick % len(leaves)]
        parts[at] = word + parts[at][parts[at].index("</") :]
    try:
        imported = reader.read(Incoming(">".join(parts).encode(), "cut", Path("/base")))
    except BadInput:
        return
    assert not violations(restore("0" * 32, 1, imported.content))
