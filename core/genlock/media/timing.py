"""When the frames of a video stream are shown: rate, count, start, key frames. Only the media process imports this."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from math import floor
from typing import Final

import av
from av.container import InputContainer
from msgspec import Struct

from genlock.timeline.rate import Rate, source_rate

_STILL: Final = Rate(24)
_SAME: Final = Fraction(1, 500)
"""Nominal and average rate closer than this are one: the difference is rounding in the container's clock."""


class Timing(Struct, frozen=True):
    """`start` is the first frame's time in seconds in the container's clock; `cut_short`: the index names bytes that the
    file does not have."""

    rate: Rate
    frames: int
    variable: bool
    start: Fraction
    cut_short: bool = False


def picture_rate(stream: av.VideoStream) -> Rate:
    """Returns the rate frames are numbered at: exact for constant rates, the average for variable ones."""
    if looks_even(stream):
        return source_rate(stream.base_rate or _STILL.fraction)
    return source_rate(stream.average_rate or stream.base_rate or _STILL.fraction)


def looks_even(stream: av.VideoStream) -> bool:
    """Whether nominal and average rate agree, so that no two frames can have one number."""
    base, average = stream.base_rate, stream.average_rate
    return bool(average and base and abs(average - base) <= base * _SAME)


def start_time(stream: av.VideoStream) -> Fraction:
    """Returns the time of the first frame in seconds."""
    return Fraction(stream.start_time or 0) * (stream.time_base or 0)


def frame_number(pts: int, time_base: Fraction, start: Fraction, rate: Rate) -> int:
    """Returns the frame that a time stamp means, to the nearest."""
    return floor((pts * time_base - start) * rate.fraction + Fraction(1, 2))


def key_frames(stream: av.VideoStream) -> list[int]:
    """Returns the numbers of the key frames, in decoding order; [] when the container has no full index."""
    entries = stream.index_entries
    if not _full(stream):
        return []
    shown = 0
    keys = []
    for at in range(len(entries)):
        entry = entries[at]
        if entry.is_keyframe:
            keys.append(shown)
        shown += not entry.is_discard
    return keys


def measure(container: InputContainer, stream: av.VideoStream, size: int) -> Timing:
    """Returns the timing of the stream: from the index where it lists each frame, else by reading all packets.

    `size` is the file's in bytes.
    """
    rate = picture_rate(stream)
    if _full(stream):
        entries = [stream.index_entries[at] for at in range(len(stream.index_entries))]
        stamps = [entry.timestamp for entry in entries if not entry.is_discard]
        cut_short = any(entry.pos + entry.size > size for entry in entries[-8:])
    else:
        packets = [packet for packet in container.demux(stream) if packet.size and not packet.is_discard]
        stamps = sorted(stamp for packet in packets if (stamp := _stamp(packet)) is not None)
        if len(stamps) < len(packets):
            return Timing(rate, len(packets), False, start_time(stream))
        cut_short = False
    steps = {after - before for before, after in pairwise(stamps)}
    one = Fraction(rate.den, rate.num) / (stream.time_base or 1)
    variable = any(abs(step - one) > max(Fraction(1), one / 100) + Fraction(1, 2) for step in steps)
    return Timing(rate, len(stamps), variable, start_time(stream), cut_short)


def length(container: InputContainer, stream: av.VideoStream) -> int:
    """Returns about how many frames there are, without reading the file; at least 1."""
    if _full(stream):
        return max(1, len(stream.index_entries))
    if stream.frames:
        return int(stream.frames)
    if stream.duration and stream.time_base:
        return max(1, floor(stream.duration * stream.time_base * picture_rate(stream).fraction))
    if container.duration:
        return max(1, floor(Fraction(container.duration, av.time_base) * picture_rate(stream).fraction))
    return 1


def _full(stream: av.VideoStream) -> bool:
    """Whether the index has one entry a frame, which MOV and AVI write."""
    return stream.frames > 0 and len(stream.index_entries) >= stream.frames


def _stamp(packet: av.Packet[av.VideoStream]) -> int | None:
    return packet.pts if packet.pts is not None else packet.dts
