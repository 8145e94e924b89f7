"""Reads AAF files."""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from genlock.errors import BadInput
from genlock_otio.aaf.process import run
from genlock_otio.dialects import Incoming
from genlock_otio.reader import read_data
from genlock_otio.values import Imported

MAGIC: Final = bytes.fromhex("d0cf11e0a1b11ae1")
"""A compound file, which AAF files are, and others."""
_ROOT: Final = (b"AAFB\r\0OM", bytes.fromhex("0d010201"), bytes.fromhex("0102010d"))
_HEAD: Final = 4096


def read(incoming: Incoming) -> Imported:
    """Returns the timeline. Raises BadInput: unknown_format, too_large, bad_timeline and those of OpenTimelineIO."""
    if len(incoming.data) > incoming.limits.size:
        raise BadInput("too_large", f"{incoming.name} is larger than {incoming.limits.size} bytes.")
    if not incoming.data.startswith(MAGIC):
        raise BadInput("unknown_format", f"{incoming.name} is no AAF file: it does not begin as one.")
    found = read_data(run("read", incoming.data, incoming.name), incoming.base, incoming.name, incoming.limits)
    return replace(found, dialect="aaf")


def knows(data: bytes) -> bool:
    """Returns whether the bytes begin as an AAF file does."""
    return data.startswith(MAGIC) and any(mark in data[:_HEAD] for mark in _ROOT)
