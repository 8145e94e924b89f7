"""Snapshots: the state of an aggregate at a version as bytes, so that opening it does not replay its whole history.

A snapshot is a shortcut, never the truth: a damaged one, or one of another schema, is passed over.
"""

from __future__ import annotations

from typing import Final
from uuid import UUID
from zlib import crc32

import msgspec

from genlock.errors import StoreError
from genlock.store.records import SnapshotRow
from genlock.timeline.events import Content, content_of, restore
from genlock.timeline.sequence import Sequence

SEQUENCE: Final = "sequence@1"
"""The schema under which `encode_sequence` writes; raise it when `Content` changes its meaning."""


class SequenceSnapshot(msgspec.Struct, frozen=True, array_like=True):
    """A sequence's whole state."""

    content: Content
    archived: bool


_encoder = msgspec.msgpack.Encoder()
_content = msgspec.msgpack.Decoder(Content)
_sequence = msgspec.msgpack.Decoder(SequenceSnapshot)


def encode_content(content: Content) -> bytes:
    """Returns a whole timeline value as bytes (MessagePack)."""
    return _encoder.encode(content)


def decode_content(data: bytes) -> Content:
    """Returns the timeline value of its bytes. Raises StoreError(store_corrupt)."""
    try:
        return _content.decode(data)
    except msgspec.MsgspecError as error:
        raise StoreError("store_corrupt", f"A snapshot does not read: {error}.") from error


def encode_sequence(state: Sequence) -> bytes:
    """Returns a sequence's state as bytes; id and version are kept beside them."""
    return _encoder.encode(SequenceSnapshot(content_of(state), state.archived))


def decode_sequence(id_: str, version: int, data: bytes) -> Sequence:
    """Returns the sequence of its bytes. Raises StoreError(store_corrupt)."""
    try:
        snapshot = _sequence.decode(data)
    except msgspec.MsgspecError as error:
        raise StoreError("store_corrupt", f"A snapshot of {id_} does not read: {error}.") from error
    state = restore(id_, version, snapshot.content)
    return msgspec.structs.replace(state, archived=True) if snapshot.archived else state


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
