"""The filter graph of a stretch of picture. Frames are picked by number: time stamps only carry those numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from math import gcd
from pathlib import Path
from typing import Any, Final, assert_never

import ffmpeg
from msgspec import Struct

from genlock.media.messages import TICKS, Measured
from genlock.media.render import inputs
from genlock.media.render.program import Bars, Colour, File, Layer, Ramp, Slate, Span, fills, placed
from genlock.timeline.model import Resolution
from genlock.timeline.rate import Rate

SEEK_FROM: Final = 24
"""Frames; nearer to the beginning it is cheaper to decode than to seek."""

Stream = Any
"""A stream of ffmpeg-python, which has no types."""


class Canvas(Struct, frozen=True):
    """What all pictures are brought to. `pixels` is ffmpeg's pixel format, `alpha` the same with an alpha plane, `blend`
    the name overlay has for it."""

    rate: Rate
    resolution: Resolution
    pixels: str
    alpha: str
    blend: str

    @property
    def clock(self) -> str:
        """The time base in which frame n has time stamp n."""
        return f"{self.rate.den}/{self.rate.num}"

    @property
    def frames_a_second(self) -> str:
        return f"{self.rate.num}/{self.rate.den}"


class Materials(Struct, frozen=True):
    """Where a graph finds what is not simply a movie file: `slate` draws one, `lined_up` returns a pattern of numbered
    files for the frames from the first number to the second, `measured` says where a movie's streams start."""

    slate: Callable[[Slate], Path]
    lined_up: Callable[[File, int, int], str]
    measured: Callable[[Path], Measured]


def graph(spans: Sequence[Span], canvas: Canvas, materials: Materials) -> Stream:
    """Returns the spans one after the other as one stream of exactly as many frames."""
    streams = [_span(span, canvas, materials) for span in spans]
    return streams[0] if len(streams) == 1 else ffmpeg.concat(*streams, v=1, a=0)


def _span(span: Span, canvas: Canvas, materials: Materials) -> Stream:
    bottom = span.layers[0] if span.layers else None
    if bottom is not None and bottom.opacity is None and fills(bottom.picture, canvas.resolution):
        picture, rest = _layer(bottom, span.duration, canvas, materials), span.layers[1:]
    else:
        black = _plain("black", span.duration, canvas).filter("format", canvas.pixels)
        picture, rest = _numbered(black, canvas), span.layers
    for layer in rest:
        x, y = _place(layer, canvas)[2:]
        picture = ffmpeg.overlay(
            picture, _layer(layer, span.duration, canvas, materials), x=x, y=y, format=canvas.blend, eof_action="endall"
        )
    return _numbered(picture.filter("format", canvas.pixels), canvas) if rest else picture


def _place(layer: Layer, canvas: Canvas) -> tuple[int, int, int, int]:
    size = layer.picture.size if isinstance(layer.picture, File) else canvas.resolution
    return placed(size, canvas.resolution)


def _layer(layer: Layer, frames: int, canvas: Canvas, materials: Materials) -> Stream:
    """Returns exactly `frames` frames of a layer, in its size."""
    picture = layer.picture
    match picture:
        case Colour(rgb=rgb):
            made = _plain(f"0x{rgb}", frames, canvas)
        case Bars():
            made = _generated(f"smptehdbars=size={_size(canvas)}:rate={canvas.frames_a_second}", frames, canvas)
        case Slate():
            made = _still(_input(materials.slate(picture)).video, layer, frames, canvas)
        case File(kind="image"):
            made = _still(_input(picture.path).video, layer, frames, canvas)
        case File():
            made = _moving(picture, layer, frames, canvas, materials)
        case _:
            assert_never(picture)
    if layer.opacity is not None:
        return _faded(made.filter("format", canvas.alpha), layer.opacity, canvas)
    alpha = isinstance(picture, File) and picture.alpha
    return _numbered(made.filter("format", canvas.alpha if alpha else canvas.pixels), canvas)


def _moving(picture: File, layer: Layer, frames: int, canvas: Canvas, materials: Materials) -> Stream:
    ends = layer.shown(0), layer.shown(frames - 1)
    last = picture.frames - 1
    low, high = (min(max(end, 0), last) for end in (min(ends), max(ends)))
    stream = _cut(picture, low, high, materials)
    sparse = abs(layer.step) > 1
    if not sparse:
        stream = _fitted(stream, picture, layer, canvas, materials)
    if layer.step < 0:
        stream = stream.filter("reverse")
    stream = stream.filter("tpad", stop=-1, stop_mode="clone")
    straight = layer.step == 1 and layer.origin.denominator == 1 and ends[0] >= 0
    if layer.step and not straight:
        stream = stream.filter("settb", canvas.clock).filter("setpts", _times(layer, low, high + 1))
        stream = stream.filter("fps", fps=canvas.frames_a_second, start_time=0, round="near")
    stream = stream.filter("trim", end_frame=frames)
    return _fitted(stream, picture, layer, canvas, materials) if sparse else stream


def _times(layer: Layer, low: int, end: int) -> str:
    """Returns setpts' expression: the first output frame in which the Nth frame read is the one to be seen.

    Forwards frame low + N is due at k = ceil((low + N - origin) / step); backwards frame end - 1 - N at
    k = floor((origin - end + N) / |step|) + 1. The numbers are reduced, so that doubles hold them exactly.
    """
    origin, step = layer.origin, abs(layer.step)
    offset = low - origin if layer.step > 0 else origin - end
    shared = offset.denominator * step.numerator
    factor, start = offset.denominator * step.denominator, offset.numerator * step.denominator
    common = gcd(factor, start, shared)
    inner = f"({factor // common}*N+{start // common})/{shared // common}"
    due = f"ceil({inner})" if layer.step > 0 else f"floor({inner})+1"
    return f"if(eq(N,0),0,max(0,{due}))"


def _cut(picture: File, low: int, high: int, materials: Materials) -> Stream:
    """Returns the frames `low` to `high` (both included) of a file, decoding little before them."""
    count = high - low + 1
    if picture.kind == "sequence":
        pattern = materials.lined_up(picture, low, high)
        return inputs.numbered(pattern).video.filter("trim", end_frame=count)
    measured = materials.measured(picture.path)
    if picture.variable:
        start = Fraction(measured.picture - measured.clock, TICKS)
        even = _input(picture.path).video.filter(
            "fps", fps=f"{picture.rate.num}/{picture.rate.den}", start_time=f"{float(start):.9f}", round="near"
        )
        return even.filter("trim", start_frame=low, end_frame=low + count)
    if low < SEEK_FROM or not measured.seekable:
        return _input(picture.path).video.filter("trim", start_frame=low, end_frame=low + count)
    # Half a frame early: what ffmpeg rounds away can then neither lose the frame nor let in the one before.
    time = Fraction(measured.picture - measured.clock, TICKS) + (low - Fraction(1, 2)) / picture.rate.fraction
    return _input(picture.path, ss=f"{float(time):.6f}").video.filter("trim", end_frame=count)


def _input(path: Path, **options: Any) -> Stream:
    return inputs.movie(path, threads=2, **options)


def _still(stream: Stream, layer: Layer, frames: int, canvas: Canvas) -> Stream:
    """Returns one picture as long as needed."""
    width, height = _place(layer, canvas)[:2]
    once = _scaled(stream.filter("trim", end_frame=1), width, height, canvas, layer)
    return once.filter("tpad", stop=-1, stop_mode="clone").filter("trim", end_frame=frames)


def _fitted(stream: Stream, picture: File, layer: Layer, canvas: Canvas, materials: Materials) -> Stream:
    matrix = materials.measured(picture.path).matrix if picture.kind == "video" else ""
    if matrix:
        stream = stream.filter("setparams", colorspace=matrix)
    width, height = _place(layer, canvas)[:2]
    return _scaled(stream, width, height, canvas, layer)


def _scaled(stream: Stream, width: int, height: int, canvas: Canvas, layer: Layer) -> Stream:
    keeps_alpha = isinstance(layer.picture, File) and layer.picture.alpha
    return (
        stream.filter("scale", width, height, flags="bicubic", out_color_matrix="bt709", out_range="tv")
        .filter("setsar", 1)
        .filter("format", canvas.alpha if keeps_alpha else canvas.pixels)
    )


def _plain(colour: str, frames: int, canvas: Canvas) -> Stream:
    # As RGB, for the colour source would convert by another matrix than the one asked for below.
    return _generated(
        f"color=c={colour}:size={_size(canvas)}:rate={canvas.frames_a_second},format=gbrp", frames, canvas
    )


def _generated(source: str, frames: int, canvas: Canvas) -> Stream:
    once = inputs.generated(source).video.filter("trim", end_frame=frames)
    return once.filter("scale", out_color_matrix="bt709", out_range="tv").filter("setsar", 1)


def _faded(stream: Stream, ramp: Ramp, canvas: Canvas) -> Stream:
    """Gives frame k the opacity first + step * k, by letting the fade filter's clock tick in those fractions."""
    rising = ramp.step >= 0
    first, step = (ramp.first, ramp.step) if rising else (1 - ramp.first, -ramp.step)
    whole = first.denominator * step.denominator // gcd(first.denominator, step.denominator)
    start, tick = int(first * whole), int(step * whole)
    return _numbered(
        stream.filter("settb", "1/1000")
        .filter("setpts", f"{start}+{tick}*N")
        .filter("fade", type="in" if rising else "out", alpha=1, start_time=0, duration=f"{whole}ms"),
        canvas,
    )


def _numbered(stream: Stream, canvas: Canvas) -> Stream:
    """Gives frame n the time stamp n."""
    return stream.filter("settb", canvas.clock).filter("setpts", "N")


def _size(canvas: Canvas) -> str:
    return f"{canvas.resolution.width}x{canvas.resolution.height}"
