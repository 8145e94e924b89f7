"""Snapshots: the state of an aggregate at a version as bytes, so that opening it does not replay its whole history.

The bytes are the application's. A snapshot is a shortcut, never the truth: a damaged one is passed over.
"""

from __future__ import annotations

from uuid import UUID
from zlib import crc32

from genlock.store.records import SnapshotRow


def row(originator: UUID, version: int, schema: str, state: bytes) -> SnapshotRow:
    """Returns the row to keep."""
    return SnapshotRow(originator.hex, version, schema, state, _checksum(originator.hex, version, schema, state))


def is_whole(found: SnapshotRow) -> bool:
    """Returns whether a row read is what was written."""
    try:
        return _checksum(found.originator, found.version, found.schema, found.state) == found.checksum
    except (TypeError, AttributeError):  # a damaged page can give a column of another type
        return False


def _checksum(originator: str, version: int, schema: str, state: bytes) -> int:
    return crc32(state, crc32(b"%b|%d|%b" % (originator.encode(), version, schema.encode())))
