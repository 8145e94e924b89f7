"""A sequence as a host compares it: absolute positions, plain values, no order to keep.

`Model` keeps what the wire tells (items in linked order, gaps); a `Cut` is the same at one moment with a start on each
item, so that what a host shows and what the daemon has can be laid side by side. `diff.changes` compares two of them.
"""

from __future__ import annotations

from typing import Any, Dict, NamedTuple

Value = Dict[str, Any]


class Cut(NamedTuple):
    """One sequence at one moment. Values are as on the wire and are never changed in place.

    `tracks`: id -> {kind, name, placement?, enabled, locked}, in order, the bottom one first. `items`: id -> {track, start,
    duration, source, source_in, speed: [n, d], name, enabled, link, effects, foreign}; `start` and `duration` count
    sequence frames from the first one, `source_in` source frames in the source's own numbering. Gap items of magnetic
    tracks are left out: a hole is a hole. `transitions`: "left>right" -> {left, right, in_offset, out_offset, kind, name,
    foreign}. `markers`: id -> {start, duration, item, name, color, comment, foreign}. `settings`: {name, rate: [n, d],
    drop_frame, start_frame, resolution: [w, h], foreign}. `nested`: sequence id -> its Cut, for every nested sequence that
    an item of this one or of another nested one shows. An absent optional field has the model's default.
    """

    settings: Value
    tracks: dict[str, Value]
    items: dict[str, Value]
    transitions: dict[str, Value]
    markers: dict[str, Value]
    nested: dict[str, Cut]
