"""The filter graph of a stretch of sound. Positions are samples at 48 kHz, computed exactly."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from math import floor
from pathlib import Path
from typing import Any, Final

import ffmpeg

from genlock.media.encoding import AUDIO_RATE
from genlock.media.messages import TICKS, Measured
from genlock.media.render import inputs
from genlock.media.render.program import Sound
from genlock.media.render.windows import SoundWindow
from genlock.timeline.rate import Rate

CHANNELS: Final = 2
PREROLL: Final = 1
"""Seconds decoded before the first sample, for decoders and resamplers to settle."""
COARSE_FROM: Final = 60
"""Where time stamps are milliseconds (Matroska) a seek lands up to half of one beside the sample. Nearer to the beginning
than this many seconds the samples are counted instead."""
_SPREAD: Final = 2**0.5
_SLOWEST: Final = Fraction(1, 48)

Stream = Any


def sample_at(frame: int, rate: Rate) -> int:
    """Returns the first sample of a frame, rounded, so that it never drifts."""
    return round(frame * AUDIO_RATE / rate.fraction)


def graph(window: SoundWindow, rate: Rate, measured: Callable[[Path], Measured]) -> Stream:
    """Returns the window's mix as stereo of exactly its length."""
    base, end = sample_at(window.start, rate), sample_at(window.end, rate)
    silence = _exactly(inputs.generated(f"anullsrc=r={AUDIO_RATE}:cl=stereo").audio, end - base)
    pieces = [_piece(sound, base, rate, measured(sound.path)) for sound in window.sounds if _audible(sound)]
    if not pieces:
        return silence
    return ffmpeg.filter([silence, *pieces], "amix", inputs=len(pieces) + 1, normalize=0, duration="first")


def _audible(sound: Sound) -> bool:
    return abs(sound.speed) >= _SLOWEST


def _piece(sound: Sound, base: int, rate: Rate, measured: Measured) -> Stream:
    start, end = sample_at(sound.start, rate), sample_at(sound.end, rate)
    length = end - start
    speed = abs(sound.speed)
    wanted = floor(length * speed) + 1
    first = sound.origin + Fraction(measured.picture - measured.clock, TICKS)
    lead = 0
    if sound.speed < 0:
        first -= Fraction(wanted, AUDIO_RATE)
    elif first < 0:
        lead = min(length, round(-first * AUDIO_RATE / speed))
        wanted, first = floor((length - lead) * speed) + 1, Fraction(0)
    short = max(0, round(-first * AUDIO_RATE))  # backwards past the beginning: what is there sounds first
    first = max(Fraction(0), first)
    stream = _cut(sound, first, max(1, wanted - short), measured.coarse)
    if sound.speed < 0:
        stream = stream.filter("areverse")
    if speed != 1:
        stream = stream.filter("asetrate", round(AUDIO_RATE * speed)).filter("aresample", AUDIO_RATE)
    stream = _exactly(stream.filter("asetpts", "N/SR/TB").filter("apad"), length - lead)
    if sound.loudness is not None:
        stream = _faded(stream, sound, rate, length)
    delay = start - base + lead
    return stream.filter("adelay", delays=f"{delay}S", all=1) if delay else stream


def _cut(sound: Sound, first: Fraction, wanted: int, coarse: bool) -> Stream:
    """Returns `wanted` samples from `first` seconds of the file's clock on. Seeking is by whole seconds, which are whole
    samples at any sample rate."""
    seek = floor(first) - PREROLL
    if seek <= 0 or (coarse and seek < COARSE_FROM):
        seek = 0
    options = {"ss": str(seek)} if seek else {}
    start = round((first - seek) * AUDIO_RATE)
    stream = inputs.movie(sound.path, threads=1, vn=None, **options).audio
    stream = stream.filter("aresample", AUDIO_RATE, **{"async": 1, "first_pts": 0})
    stream = stream.filter("aformat", sample_fmts="fltp", channel_layouts="stereo")
    if sound.channels == 1:
        # ffmpeg spreads mono over two channels 3 dB lower; on a timeline it keeps its level.
        stream = stream.filter("volume", _SPREAD, precision="float")
    stream = stream.filter("asetpts", "N/SR/TB")
    return stream.filter("atrim", start_sample=start, end_sample=start + wanted).filter("asetpts", "N/SR/TB")


def _exactly(stream: Stream, samples: int) -> Stream:
    return stream.filter("atrim", end_sample=max(1, samples))


def _faded(stream: Stream, sound: Sound, rate: Rate, length: int) -> Stream:
    """Gives the sound its loudness sample by sample."""
    assert sound.loudness is not None
    frame = Fraction(AUDIO_RATE) / rate.fraction
    first, step = float(sound.loudness.first - sound.loudness.step / 2), float(sound.loudness.step / frame)
    gain = f"clip({first!r}+{step!r}*n,0,1)"
    return stream.filter("aeval", exprs=f"val(0)*{gain}|val(1)*{gain}", channel_layout="same")
