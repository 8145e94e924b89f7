"""Files that are no AAF, or a broken one: a coded error soon, and nothing of the process left."""

from __future__ import annotations

import time
from pathlib import Path
from random import Random

import pytest

from genlock.errors import BadInput
from genlock.timeline.events import content_of
from genlock_otio.aaf import process, reader
from genlock_otio.aaf.process import run
from genlock_otio.dialects import DIALECTS, Incoming
from genlock_otio.door import Limits
from tests.otio.aaf.compositions import read, write
from tests.timeline.cuts import cut


@pytest.fixture(scope="module")
def good() -> bytes:
    return write(content_of(cut("V1= A:20/110[100+400] B:30/7", transitions=("A>B 2+2",)))).data


def test_what_does_not_begin_as_an_aaf_file_is_refused_without_a_process() -> None:
    for data in (b"", b"TITLE: x", b"PK\x03\x04", reader.MAGIC[:7]):
        begin = time.monotonic()
        with pytest.raises(BadInput, match="does not begin as one") as info:
            read(data, "song.aaf")
        assert info.value.code == "unknown_format"
        assert time.monotonic() - begin < 0.2
        assert not reader.knows(data)


def test_another_compound_file_is_not_known() -> None:
    word = reader.MAGIC + bytes(16) + b"\x3e\x00\x03\x00\xfe\xff\x09\x00" + bytes(4096)
    assert not reader.knows(word)
    with pytest.raises(BadInput, match="is no AAF file that can be used") as info:
        read(word)
    assert info.value.code == "bad_timeline"


def test_a_file_cut_short(good: bytes) -> None:
    for length in (600, len(good) // 3, len(good) - 40_000):
        with pytest.raises(BadInput) as info:
            read(good[:length])
        assert info.value.code in ("bad_timeline", "too_large")


@pytest.mark.parametrize("seed", range(5))
def test_flipped_bytes_are_read_or_refused(good: bytes, seed: int) -> None:
    random = Random(seed)
    data = bytearray(good)
    for _ in range(random.choice([3, 30, 300])):
        data[random.randrange(8, len(data))] = random.randrange(256)
    try:
        read(bytes(data))
    except BadInput as error:
        assert error.code in ("bad_timeline", "too_large", "bad_time", "bad_rate")  # noqa: PT017 either is right


def test_too_many_bytes(good: bytes) -> None:
    with pytest.raises(BadInput, match="larger than 10 bytes") as info:
        reader.read(Incoming(good, "long", Path("/x"), limits=Limits(size=10)))
    assert info.value.code == "too_large"


def test_a_process_that_needs_too_long_or_too_much_is_ended(good: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "SECONDS", 0)
    monkeypatch.setattr(process, "SECONDS_MB", 0)
    with pytest.raises(BadInput, match="more time or memory") as info:
        run("read", good, "slow")
    assert info.value.code == "too_large"
    monkeypatch.undo()
    monkeypatch.setattr(process, "MEMORY", 4 * 1024 * 1024)
    monkeypatch.setattr(process, "MEMORY_BYTE", 0)
    with pytest.raises(BadInput, match="more time or memory"):
        run("read", good, "large")


def test_the_dialect_is_there() -> None:
    assert DIALECTS["aaf"].knows(reader.MAGIC + b"\x01\x02\x01\x0d")
