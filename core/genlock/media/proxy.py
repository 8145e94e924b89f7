"""Makes proxies of foreign media. Only the media process imports this."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np

from genlock.errors import BadInput
from genlock.media import encoding
from genlock.media.clip import open_clip
from genlock.media.opening import opened
from genlock.media.probe import probe
from genlock.media.writer import TakeWriter
from genlock.timeline.rate import Rate


def make_proxy(source: Path, target: Path) -> None:
    """Writes an H.264/AAC proxy with the frames of the source, one for one, at most 1280 wide, 12 frames a group.

    Variable rates become constant ones, sound becomes 48 kHz stereo. Media without a picture has no proxy:
    BadInput(bad_value). Raises MediaError.
    """
    info = probe(source)
    if info.kind == "audio":
        raise BadInput("bad_value", f"{source.name} has no picture to make a proxy of.")
    with open_clip(source) as clip:
        _, first = next(clip.pictures([0]))
        size = encoding.proxy_size(*first.size)
        heard = bool(info.audio and info.audio[0].samples)
        rate = info.rate or Rate(24)
        with TakeWriter(target, rate=rate, resolution=size, master="proxy", channels=2 if heard else 0) as writer:
            sound = _sound(source) if heard else iter(())
            for _, picture in clip.pictures(range(info.frames), (size.width + 1, size.height + 1)):
                shown = picture.convert("RGB")
                if shown.size != (size.width, size.height):
                    shown = shown.resize((size.width, size.height))
                writer.write_video(np.asarray(shown))
                while writer.samples * rate.num < writer.frames * rate.den * encoding.AUDIO_RATE:
                    block = next(sound, None)
                    if block is None:
                        break
                    writer.write_audio(block)


def _sound(path: Path) -> Iterator[np.ndarray[Any, Any]]:
    """Yields the first sound stream as float32 [2, n] at 48 kHz."""
    with opened(path) as container:
        resampler = av.AudioResampler(format="fltp", layout="stereo", rate=encoding.AUDIO_RATE)
        for frame in container.decode(container.streams.audio[0]):
            for plain in resampler.resample(frame):
                yield np.nan_to_num(plain.to_ndarray())
        for plain in resampler.resample(None):
            yield np.nan_to_num(plain.to_ndarray())
