"""Finds out what a media file is. Only the media process imports this; the digest is the parent's work."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Final

import av
from av.container import InputContainer
from msgspec.structs import replace
from PIL import Image, UnidentifiedImageError

from genlock.errors import GenlockError
from genlock.media import numbered, timing
from genlock.media.clip import shown_size
from genlock.media.numbered import Numbered
from genlock.media.opening import opened, picture_stream, reading, unreadable
from genlock.project.media import AudioStream, MediaInfo
from genlock.timeline.rate import Rate
from genlock.timeline.timecode import from_timecode

_MODES: Final = {"RGB": "rgb24", "RGBA": "rgba", "L": "gray", "LA": "ya8", "P": "pal8", "CMYK": "cmyk", "1": "monow"}


def probe(path: Path) -> MediaInfo:
    """Returns what the file is, without its digest; it is opened, counted and its first frame decoded.

    Raises MediaError(media_missing) when it is not there, MediaError(media_unreadable) for anything that cannot be shown
    or heard in full: foreign data, files cut short, sizes beyond the limit.
    """
    with reading(path):
        run = numbered.find(path)
        if run is not None:
            return _probe_numbered(path, run)
        if path.suffix[1:].lower() in numbered.IMAGES:
            return _probe_still(path)
        with opened(path) as container:
            stream = picture_stream(container)
            audio = tuple(_audio(container, sound) for sound in container.streams.audio)
            size = path.stat().st_size
            if stream is not None:
                return _probe_movie(path, container, stream, audio, size)
            if not audio or not any(sound.samples for sound in audio):
                raise unreadable(path, "it holds neither picture nor sound")
            next(container.decode(container.streams.audio[0]))
            return MediaInfo(
                kind="audio", size=size, container=container.format.name, codec=audio[0].codec, audio=audio
            )


def _probe_movie(
    path: Path, container: InputContainer, stream: av.VideoStream, audio: tuple[AudioStream, ...], size: int
) -> MediaInfo:
    first = next(container.decode(stream), None)
    if first is None:
        raise unreadable(path, "it holds no frame")
    timecode = _timecode(container)
    sar = stream.sample_aspect_ratio or Fraction(1)
    if not first.pts or container.format.name == "mpegts":
        container.seek(0)
    found = timing.measure(container, stream, size)
    if found.cut_short:
        raise unreadable(path, "it is cut short")
    start, drop = _start(timecode, found.rate)
    width, height = shown_size(first.width, first.height, Fraction(1), first.rotation)
    return MediaInfo(
        kind="video",
        size=size,
        rate=found.rate,
        frames=max(1, found.frames),
        start=start,
        timecode=timecode,
        drop_frame=drop,
        width=width,
        height=height,
        sar=Rate(sar.denominator, sar.numerator) if first.rotation % 180 else Rate(sar.numerator, sar.denominator),
        codec=stream.codec_context.name,
        pixel_format=first.format.name,
        container=container.format.name,
        variable_rate=found.variable,
        audio=audio,
    )


def _probe_still(path: Path) -> MediaInfo:
    try:
        with Image.open(path) as image:
            image.load()
            turned = image.getexif().get(0x0112, 1) >= 5
            width, height = image.size[::-1] if turned else image.size
            return MediaInfo(
                kind="image",
                size=path.stat().st_size,
                frames=1,
                width=width,
                height=height,
                codec=(image.format or "").lower(),
                pixel_format=_MODES.get(image.mode, image.mode),
                container="image",
            )
    except UnidentifiedImageError:
        with opened(path) as container:
            stream = picture_stream(container)
            frame = None if stream is None else next(container.decode(stream), None)
            if stream is None or frame is None:
                raise unreadable(path, "it holds no picture") from None
            return MediaInfo(
                kind="image",
                size=path.stat().st_size,
                frames=1,
                width=frame.width,
                height=frame.height,
                codec=stream.codec_context.name,
                pixel_format=frame.format.name,
                container="image",
            )


def _probe_numbered(path: Path, run: Numbered) -> MediaInfo:
    """A sequence is its first image, as long as its numbers say. It has no rate of its own."""
    paths = run.paths
    return replace(
        _probe_still(paths[0]),
        kind="sequence",
        size=sum(each.stat().st_size for each in paths),
        frames=run.frames,
        start=run.first,
        container="sequence",
    )


def _audio(container: InputContainer, stream: av.AudioStream) -> AudioStream:
    context = stream.codec_context
    seconds = (
        Fraction(stream.duration) * stream.time_base
        if stream.duration and stream.time_base
        else Fraction(container.duration or 0, av.time_base)
    )
    return AudioStream(
        sample_rate=context.sample_rate or 0,
        channels=context.channels,
        layout=context.layout.name,
        samples=max(0, round(seconds * (context.sample_rate or 0))),
        codec=context.name,
    )


def _timecode(container: InputContainer) -> str:
    """Returns the start timecode as written, of the first stream that has one, else of the file."""
    for holder in (*container.streams, container):
        text = holder.metadata.get("timecode")
        if text:
            return str(text).strip()
    return ""


def _start(timecode: str, rate: Rate) -> tuple[int, bool]:
    """Returns (frame number, drop frame) of a timecode; a text that is none counts as 0."""
    if not timecode:
        return 0, False
    try:
        return from_timecode(timecode, rate, None), ";" in timecode and rate.drop_per_minute > 0
    except GenlockError:
        return 0, False
