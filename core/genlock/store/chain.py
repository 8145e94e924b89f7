"""Two proofs beside each stored event.

The *chain* ties every event to all before it, so that a changed, removed or reordered event is found by walking the log.
The *checksum* needs no neighbour, so that every read of any event proves it is what was written.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b
from typing import Final
from zlib import crc32

START: Final = bytes(16)
"""The tip of an empty log."""


def link(tip: bytes, originator: str, version: int, topic: str, state: bytes) -> bytes:
    """Returns the tip (blake2b-128) after one more event; `tip` is the one before it."""
    head = b"%b|%b|%d|%b|" % (tip, originator.encode(), version, topic.encode())
    return blake2b(head + state, digest_size=16).digest()


def checksum(topic: str, version: int, state: bytes) -> int:
    """Returns the CRC-32 of one event."""
    return crc32(state, seed(topic) ^ (version & 0xFFFFFFFF))


@lru_cache(maxsize=1024)
def seed(topic: str) -> int:
    """Returns what the checksum of an event of this topic starts from."""
    return crc32(topic.encode())
