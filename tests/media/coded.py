"""Frame-coded media: each frame carries its source's number and its own as black and white bars, so that any render can be
judged frame by frame."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from genlock.timeline.rate import Rate

BITS = 24
SIZE = (384, 216)
BLACK, WHITE, MARK = 16, 235, 126
CLICK = 0.5

CODECS = {
    "h264": ("libx264", "yuv420p", {"preset": "ultrafast", "crf": "14", "g": "24", "bf": "2"}),
    "mpeg4": ("mpeg4", "yuv420p", {"qmin": "2", "qmax": "2", "g": "12"}),
    "prores": ("prores_ks", "yuv422p10le", {"profile": "proxy", "flags": "+qscale", "global_quality": "944"}),
    "png": ("png", "rgb24", {}),
}


def picture(source: int, frame: int, size: tuple[int, int] = SIZE) -> np.ndarray:
    """Returns the coded frame, HxW grey: a mark on top, then 24 bars: 8 bits source, 16 bits frame."""
    width, height = size
    code = source << 16 | frame
    grey = np.full((height, width), BLACK, np.uint8)
    grey[: height // 6] = MARK
    for bit in range(BITS):
        left, right = width * bit // BITS, width * (bit + 1) // BITS
        grey[height // 4 : height * 3 // 4, left:right] = WHITE if code >> bit & 1 else BLACK
    return grey


def make(
    path: Path,
    source: int,
    frames: int,
    rate: Rate = Rate(24),
    *,
    codec: str = "h264",
    size: tuple[int, int] = SIZE,
    clicks: Iterable[int] | None = None,
    sample_rate: int = 48000,
    timecode: str | None = None,
    format: str | None = None,
    stamps: list[int] | None = None,
    options: dict[str, str] | None = None,
) -> Path:
    """Writes a coded clip; `clicks` are frames at whose first sample a click of one sample's length sounds (None: silent
    picture), `stamps` replace the time stamps (for variable rates), `options` are the
    container's."""
    name, pixels, how = CODECS[codec]
    with av.open(str(path), "w", format=format, container_options=options or {}) as container:
        video = container.add_stream(name, rate=rate.fraction, options=how)
        video.width, video.height = size
        video.pix_fmt = pixels
        video.codec_context.time_base = Fraction(rate.den, rate.num)
        if timecode:
            video.metadata["timecode"] = timecode
        sound = None
        if clicks is not None:
            sound = container.add_stream("pcm_s16le", rate=sample_rate)
            sound.layout = "mono"
        for number in range(frames):
            frame = _frame(picture(source, number, size)).reformat(format=pixels)
            frame.pts = number if stamps is None else stamps[number]
            frame.time_base = Fraction(rate.den, rate.num)
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        if sound is not None:
            samples = np.zeros(round(frames * sample_rate * rate.den / rate.num), np.int16)
            for click in clicks or ():
                samples[round(Fraction(click * sample_rate * rate.den, rate.num))] = round(CLICK * 32767)
            block = av.AudioFrame.from_ndarray(samples[None], format="s16", layout="mono")
            block.sample_rate, block.pts = sample_rate, 0
            container.mux(sound.encode(block))
            container.mux(sound.encode(None))
    return path


def _frame(grey: np.ndarray) -> av.VideoFrame:
    """Returns the grey levels as the luma of a limited-range frame."""
    height, width = grey.shape
    chroma = np.full((height // 2, width), 128, np.uint8)
    frame = av.VideoFrame.from_ndarray(np.concatenate([grey, chroma]), format="yuv420p")
    frame.color_range = 1
    return frame


def lumas(path: Path) -> Iterator[np.ndarray]:
    """Yields the luma of each frame as stored, on the scale of 8 bits."""
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            plane = frame.planes[0]
            deep = "10" in frame.format.name
            kind, size = ("<u2", 2) if deep else ("u1", 1)
            rows = np.frombuffer(plane, kind).reshape(plane.height, plane.line_size // size)[:, : plane.width]
            yield rows / (4.0 if deep else 1.0)


def levels(luma: np.ndarray) -> list[float]:
    """Returns the mean level of each bar, 0 black to 1 white."""
    height, width = luma.shape
    rows = luma[height * 3 // 8 : height * 5 // 8]
    means = []
    for bit in range(BITS):
        left, right = width * bit // BITS, width * (bit + 1) // BITS
        inset = (right - left) // 4
        means.append((float(rows[:, left + inset : right - inset].mean()) - BLACK) / (WHITE - BLACK))
    return means


def code(luma: np.ndarray) -> tuple[int, int] | str:
    """Returns (source, frame), "black", or "mix" for anything else."""
    if luma[4 : luma.shape[0] // 6 - 4].mean() < 40:
        return "black"
    bars = levels(luma)
    if any(0.2 < bar < 0.8 for bar in bars):
        return "mix"
    value = sum(1 << bit for bit, bar in enumerate(bars) if bar > 0.5)
    return value >> 16, value & 0xFFFF


def codes(path: Path) -> list[tuple[int, int] | str]:
    """Returns what each frame of a movie shows."""
    return [code(luma) for luma in lumas(path)]


def weight(luma: np.ndarray, a: tuple[int, int], b: tuple[int, int]) -> float:
    """Returns how much of `b` is mixed into `a`, from the bars in which they differ."""
    left, right = a[0] << 16 | a[1], b[0] << 16 | b[1]
    shares = []
    for bit, bar in enumerate(levels(luma)):
        if (left ^ right) >> bit & 1:
            shares.append(bar if right >> bit & 1 else 1 - bar)
    return sum(shares) / len(shares)


def samples(path: Path) -> np.ndarray:
    """Returns the sound as float [channels, n]."""
    with av.open(str(path)) as container:
        resampler = av.AudioResampler(format="fltp")
        blocks = [plain.to_ndarray() for frame in container.decode(audio=0) for plain in resampler.resample(frame)]
        return np.concatenate(blocks, axis=1)


def clicks(path: Path, threshold: float = 0.2) -> list[int]:
    """Returns the sample positions of clicks: local maxima of loudness over the threshold."""
    loud = np.abs(samples(path)).max(axis=0)
    found: list[int] = []
    for at in np.flatnonzero(loud > threshold):
        if found and at - found[-1] < 64:
            if loud[at] > loud[found[-1]]:
                found[-1] = int(at)
        else:
            found.append(int(at))
    return found
