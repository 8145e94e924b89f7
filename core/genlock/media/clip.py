"""Pictures of any media by frame number: movies, stills, numbered images. Only the media process imports this."""

from __future__ import annotations

import contextlib
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from fractions import Fraction
from math import floor
from pathlib import Path
from typing import Final, Protocol, TypeAlias

import av
from av.container import InputContainer
from av.video.reformatter import Colorspace
from PIL import Image, ImageOps, UnidentifiedImageError

from genlock.media import numbered, timing
from genlock.media.numbered import Numbered
from genlock.media.opening import container_of, opened, picture_stream, reading, unreadable
from genlock.timeline.rate import Rate

_HOP: Final = 48
"""Without an index, frames further ahead than this are sought instead of decoded up to."""
_SD_HEIGHT: Final = 576
EXACT: Final = 2 | 0x2000 | 0x40000
"""libswscale's flags for bilinear, full chroma and accurate rounding: its usual way loses one to three levels of 255
with each generation of a 10-bit master (measured: grey 100 came back as 98)."""
_PLAIN: Final = {"I;16": 1 / 256, "I;16L": 1 / 256, "I;16B": 1 / 256, "I": 1 / 256, "F": 255.0}

Part: TypeAlias = tuple[int, int]
"""Frames from the first number to the second, exclusive; one at least."""


class Clip(Protocol):
    """Something with numbered pictures, 0 first. `frames` is at least 1 and may be an estimate."""

    frames: int
    rate: Rate | None
    keys: list[int]
    """Frames that cost least to show; [] when all cost the same or nobody knows."""

    def pictures(self, wanted: Iterable[int], box: tuple[int, int] | None = None) -> Iterator[tuple[int, Image.Image]]:
        """Yields (number, picture) for ascending numbers, upright and with square pixels, at most `box` large.

        Numbers past the end show the last picture.
        """
        ...

    def glimpses(self, parts: Iterable[Part], box: tuple[int, int] | None = None) -> Iterator[tuple[Part, Image.Image]]:
        """Yields (part, picture) for ascending parts: whichever of its frames is found first, else the one shown then."""
        ...


@contextlib.contextmanager
def open_clip(path: Path, *, rough: bool = False) -> Iterator[Clip]:
    """Opens the pictures of a file. Raises MediaError(media_missing, media_unreadable), also for files without any, and so
    do the clip's own methods; what else is raised while it is open stays what it is.

    A `rough` clip is faster, a little blocky, and may show the frame of a few before the one asked for.
    """
    with contextlib.ExitStack() as stack:
        with reading(path):
            clip = _clip(path, stack, rough=rough)
        yield clip


def _clip(path: Path, stack: contextlib.ExitStack, *, rough: bool) -> Clip:
    run = numbered.find(path)
    if run is not None:
        return NumberedClip(run)
    if path.suffix[1:].lower() in numbered.IMAGES:
        return NumberedClip(Numbered({0: str(path)}, 0, 0))
    return MovieClip(path, stack, rough=rough)


class NumberedClip:
    """Numbered images; a still is one of them."""

    def __init__(self, run: Numbered) -> None:
        self.frames = run.frames
        self.rate: Rate | None = None
        self.keys: list[int] = []
        self._run = run

    def pictures(self, wanted: Iterable[int], box: tuple[int, int] | None = None) -> Iterator[tuple[int, Image.Image]]:
        for number in wanted:
            yield number, load_image(self._run.file(number), box)

    def glimpses(self, parts: Iterable[Part], box: tuple[int, int] | None = None) -> Iterator[tuple[Part, Image.Image]]:
        for part in parts:
            yield part, load_image(self._run.file(part[0]), box)


def load_image(path: Path, box: tuple[int, int] | None = None) -> Image.Image:
    """Returns a still as RGB or RGBA, upright; by pillow, or by libav where pillow does not know the format (EXR, DPX)."""
    with reading(path):
        try:
            image = Image.open(path)
        except UnidentifiedImageError:
            with opened(path) as container:
                stream = picture_stream(container)
                if stream is None:
                    raise
                return upright(next(container.decode(stream)), stream, box)
        with image:
            if box is not None:
                image.draft("RGB", box)
            picture: Image.Image = ImageOps.exif_transpose(image)
            if picture.mode in _PLAIN:
                picture = picture.convert("F").point(lambda value, k=_PLAIN[picture.mode]: value * k).convert("L")
            picture = picture.convert("RGBA" if picture.has_transparency_data else "RGB")
            return _boxed(picture, box)


class MovieClip:
    """The picture stream of a movie, open as long as `stack` is."""

    def __init__(self, path: Path, stack: contextlib.ExitStack, *, rough: bool = False) -> None:
        self._path, self._stack, self._rough = path, stack, rough
        self._container, self._stream = container, stream = self._open()
        self.rate: Rate | None = timing.picture_rate(stream)
        self.frames = timing.length(container, stream)
        self.keys = timing.key_frames(stream)
        self._step = timing.picture_rate(stream)
        self._start = timing.start_time(stream)
        self._even = timing.looks_even(stream)
        self._decoder: Iterator[av.VideoFrame] = container.decode(stream)
        self._held: tuple[int, av.VideoFrame] | None = None
        self._ahead: tuple[int, av.VideoFrame] | None = None

    def pictures(self, wanted: Iterable[int], box: tuple[int, int] | None = None) -> Iterator[tuple[int, Image.Image]]:
        for number in wanted:
            with reading(self._path):
                picture = upright(self.frame(number), self._stream, box)
            yield number, picture

    def glimpses(self, parts: Iterable[Part], box: tuple[int, int] | None = None) -> Iterator[tuple[Part, Image.Image]]:
        for first, end in parts:
            with reading(self._path):
                picture = upright(self.frame(first, end), self._stream, box)
            yield (first, end), picture

    def frame(self, number: int, end: int | None = None) -> av.VideoFrame:
        """Returns the frame shown at `number`: the last one that starts at or before it. With `end`, the first one found
        that starts at `number` or later and before `end` is preferred to it."""
        number = max(0, number)
        last = number if end is None else max(number, end - 1)
        if not self._within_reach(number):
            self._seek(number)
        for back in (1, 8, None):
            found = self._roll(number, last)
            if found is not None:
                return found
            # The index led past the frame: start further ahead of it, at last from the beginning.
            if back is None:
                self._rewind()
            else:
                self._seek(floor(number - back * self._step.fraction))
        found = self._roll(number, last)
        if found is None:
            raise unreadable(self._path, f"frame {number} cannot be found")
        return found

    def _open(self) -> tuple[InputContainer, av.VideoStream]:
        container = self._stack.enter_context(container_of(self._path))
        stream = picture_stream(container, rough=self._rough)
        if stream is None:
            raise unreadable(self._path, "it holds no picture")
        return container, stream

    def _within_reach(self, number: int) -> bool:
        if self._held is None:
            return self._ahead is None and number <= _HOP and not self.keys
        at = self._held[0]
        if at > number:
            return False
        if self.keys:
            return bisect_right(self.keys, number) == bisect_right(self.keys, at) or number - at < 2
        return number - at <= _HOP

    def _seek(self, number: int) -> None:
        time = self._start + Fraction(max(0, number)) / self._step.fraction
        base = self._stream.time_base or Fraction(1)
        self._held = self._ahead = None
        try:
            self._container.seek(floor(time / base), stream=self._stream, backward=True)
        except av.FFmpegError:
            self._rewind()
        else:
            self._decoder = self._container.decode(self._stream)

    def _rewind(self) -> None:
        """Opens the file again: what starts late or has no index cannot be sought back to its beginning."""
        self._stack.close()
        self._container, self._stream = self._open()
        self._held = self._ahead = None
        self._decoder = self._container.decode(self._stream)

    def _roll(self, number: int, last: int) -> av.VideoFrame | None:
        """Decodes up to `number`, or to any frame up to `last` if that is larger; None when the first frame found, if
        any, lies behind that already."""
        while True:
            if self._ahead is not None:
                if self._ahead[0] > last:
                    return self._held[1] if self._held else None
                self._held, self._ahead = self._ahead, None
            if self._held is not None and self._held[0] >= number and (self._even or last > number):
                return self._held[1]
            frame = next(self._decoder, None)
            if frame is None:
                return self._held[1] if self._held else None
            self._ahead = self._number(frame), frame

    def _number(self, frame: av.VideoFrame) -> int:
        if frame.pts is None or frame.time_base is None:
            return self._held[0] + 1 if self._held else 0
        return timing.frame_number(frame.pts, frame.time_base, self._start, self._step)


def shown_size(width: int, height: int, sar: Fraction, rotation: int) -> tuple[int, int]:
    """Returns the size in square pixels as a person sees it."""
    wide = max(1, round(width * sar)) if sar > 0 else width
    return (height, wide) if rotation % 180 else (wide, height)


def upright(frame: av.VideoFrame, stream: av.VideoStream, box: tuple[int, int] | None) -> Image.Image:
    """Returns a decoded frame as RGB or RGBA with square pixels, turned as the file says, at most `box` large."""
    sar = stream.sample_aspect_ratio or Fraction(1)
    full = shown_size(frame.width, frame.height, sar, frame.rotation)
    size = fitted(full, box)
    turned = size[::-1] if frame.rotation % 180 else size
    alpha = any(component.is_alpha for component in frame.format.components)
    untagged = frame.colorspace in (2, int(Colorspace.DEFAULT)) and not frame.format.is_rgb
    small = frame.reformat(
        *turned,
        format="rgba" if alpha else "rgb24",
        interpolation="AREA" if turned != (frame.width, frame.height) else EXACT,
        src_colorspace=(Colorspace.ITU709 if frame.height > _SD_HEIGHT else Colorspace.ITU601) if untagged else None,
        threads=1,
    )
    picture = Image.fromarray(small.to_ndarray())
    return picture.rotate(frame.rotation, expand=True) if frame.rotation else picture


def fitted(size: tuple[int, int], box: tuple[int, int] | None) -> tuple[int, int]:
    """Returns the largest size of the same shape that fits the box; never larger than the picture."""
    if box is None:
        return size
    scale = min(Fraction(box[0], size[0]), Fraction(box[1], size[1]), Fraction(1))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _boxed(picture: Image.Image, box: tuple[int, int] | None) -> Image.Image:
    size = fitted(picture.size, box)
    return picture if size == picture.size else picture.resize(size, Image.Resampling.BOX, reducing_gap=2.0)
