"""Writes takes: a master, and a proxy beside it if asked, from RGB frames and float samples. Imports PyAV and numpy, so
only worker and media processes may import it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Final, cast

import av
import numpy as np
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc, VideoReformatter

from genlock.errors import BadInput, MediaError
from genlock.media import encoding
from genlock.media.encoding import Encoding
from genlock.timeline.model import Resolution
from genlock.timeline.rate import Rate

LAYOUTS: Final = {1: "mono", 2: "stereo", 4: "quad", 6: "5.1", 8: "7.1"}
_BITEXACT: Final = int(cast("int", av.container.Flags.bitexact.value))
_THREADS: Final = max(1, min(8, os.cpu_count() or 1))


class TakeWriter:
    """Writes one take of exactly `rate` and `resolution`; a context manager that aborts when the block raises.

    Frames are HxWx3 uint8 RGB, HxWx4 with straight alpha for a master that has it (the proxy shows them on black); samples
    float32 [channels, n] in -1..1. Sound may be written ahead of or behind the
    picture; at the end it is cut or filled with silence to the picture's length (`channels` 0: no sound at all). The file
    appears under its name when it is complete; until then it is `<name>.partial`. Equal input gives equal bytes.
    `timecode` ("HH:MM:SS:FF") adds a timecode track; without one the file starts at 0.
    Raises BadInput(bad_value) for input of another shape, MediaError(unwritable_folder) when the folder cannot be written
    or the disk is full; nothing is left behind then.
    """

    def __init__(
        self,
        path: Path,
        *,
        rate: Rate,
        resolution: Resolution,
        master: str = "prores",
        proxy: Path | None = None,
        audio_rate: int = encoding.AUDIO_RATE,
        channels: int = 2,
        timecode: str | None = None,
    ) -> None:
        self.path = path
        self.proxy = proxy
        self.frames = 0
        """Frames written so far."""
        self.samples = 0
        """Samples a channel written so far."""
        self._rate, self._resolution, self._audio_rate, self._channels = rate, resolution, audio_rate, channels
        self._alpha = encoding.master(master).alpha
        self._outputs: list[_Output] = []
        self._open = True
        if channels and channels not in LAYOUTS:
            raise BadInput("bad_value", f"Sound has {', '.join(map(str, LAYOUTS))} channels, not {channels}.")
        size = resolution.width, resolution.height
        with contextlib.ExitStack() as undo:
            undo.callback(self.abort)
            self._add(path, encoding.master(master), size, timecode)
            if proxy is not None:
                small = encoding.proxy_size(*size)
                self._add(proxy, encoding.PROXY, (small.width, small.height), timecode)
            undo.pop_all()

    def _add(self, path: Path, how: Encoding, size: tuple[int, int], timecode: str | None) -> None:
        with _writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            self._outputs.append(_Output(path, how, size, self._rate, self._audio_rate, self._channels, timecode))

    def __enter__(self) -> TakeWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.abort()

    def write_video(self, frame: np.ndarray[Any, Any]) -> None:
        """Appends one frame, HxWx3 uint8 RGB, HxWx4 with alpha."""
        shape = (self._resolution.height, self._resolution.width, 4 if self._alpha else 3)
        if frame.shape != shape or frame.dtype != np.uint8:
            raise BadInput("bad_value", f"A frame of this take is {shape} uint8, not {frame.shape} {frame.dtype}.")
        picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgba" if self._alpha else "rgb24")
        for output in self._outputs:
            shown = picture if output.alpha == self._alpha else _on_black(frame)
            with self._guarded(output):
                output.write_video(shown, self.frames)
        self.frames += 1

    def write_audio(self, samples: np.ndarray[Any, Any]) -> None:
        """Appends samples, float32 [channels, n]."""
        if samples.ndim != 2 or samples.shape[0] != self._channels or samples.dtype != np.float32:
            raise BadInput(
                "bad_value",
                f"Sound of this take is float32 [{self._channels}, n], not {samples.dtype} {samples.shape}.",
            )
        if not np.isfinite(samples).all():
            raise BadInput("bad_value", "The sound holds NaN or infinite samples.")
        block = np.ascontiguousarray(samples)
        for output in self._outputs:
            with self._guarded(output):
                output.write_audio(block)
        self.samples += samples.shape[1]

    def close(self) -> None:
        """Completes the files and gives them their names, the proxy first; without a frame BadInput(bad_value)."""
        if not self._open:
            return
        with contextlib.ExitStack() as undo:
            undo.callback(self.abort)
            if not self.frames:
                raise BadInput("bad_value", "A take needs at least one frame.")
            for output in self._outputs:
                with _writing(output.path):
                    output.finish(self.frames)
            for output in reversed(self._outputs):
                with _writing(output.path):
                    output.partial.replace(output.path)
            undo.pop_all()
        self._open = False

    def abort(self) -> None:
        """Drops everything written so far."""
        self._open = False
        for output in self._outputs:
            output.drop()

    @contextlib.contextmanager
    def _guarded(self, output: _Output) -> Iterator[None]:
        try:
            with _writing(output.path):
                yield
        except MediaError:
            self.abort()
            raise


@contextlib.contextmanager
def _writing(path: Path) -> Iterator[None]:
    """Turns what the system says about a file being written into MediaError(unwritable_folder)."""
    try:
        yield
    except (OSError, av.FFmpegError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise MediaError("unwritable_folder", f"{path} cannot be written: {why}.", path=str(path)) from error


class _Output:
    """One file being written."""

    def __init__(
        self,
        path: Path,
        how: Encoding,
        size: tuple[int, int],
        rate: Rate,
        audio_rate: int,
        channels: int,
        timecode: str | None,
    ) -> None:
        self.path = path
        self.partial = path.with_name(f"{path.name}.partial")
        self._how, self._size, self._rate, self._audio_rate = how, size, rate, audio_rate
        self.alpha = how.alpha
        if how.pixels == "yuv420p" and (size[0] % 2 or size[1] % 2):
            raise BadInput("bad_value", f"H.264 needs an even size, not {size[0]}x{size[1]}.")
        self._reformatter = VideoReformatter()
        self._written = 0  # samples handed over
        self._pending: list[np.ndarray[Any, Any]] = []  # samples ahead of the picture
        self._waiting = 0
        self.partial.write_bytes(b"")  # libav opens it with the first packet only: find out now whether it can be
        self._container = av.open(
            str(self.partial), "w", format=how.container, container_options=_container_options(how, rate, timecode)
        )
        self._container.flags |= _BITEXACT
        self._video = self._add_video(timecode)
        self._audio = self._add_audio(channels) if channels else None

    def _add_video(self, timecode: str | None) -> av.VideoStream:
        how, rate = self._how, self._rate
        options = {**how.options, "flags": how.options.get("flags", "") + "+bitexact"}
        stream = cast("av.VideoStream", self._container.add_stream(how.video, rate=rate.fraction, options=options))
        stream.width, stream.height = self._size
        stream.pix_fmt = how.pixels
        context = stream.codec_context
        context.time_base = Fraction(rate.den, rate.num)
        context.color_primaries, context.color_trc = ColorPrimaries.BT709.value, ColorTrc.BT709.value
        context.colorspace, context.color_range = Colorspace.ITU709.value, ColorRange.MPEG.value
        context.thread_count = _THREADS
        context.thread_type = "FRAME" if how.frame_threads else "AUTO"
        if timecode:
            stream.metadata["timecode"] = timecode
        return stream

    def _add_audio(self, channels: int) -> av.AudioStream:
        stream = cast(
            "av.AudioStream",
            self._container.add_stream(
                self._how.audio, rate=self._audio_rate, options={**self._how.audio_options, "flags": "+bitexact"}
            ),
        )
        stream.layout = LAYOUTS[channels]
        stream.format = self._how.samples
        return stream

    def write_video(self, picture: av.VideoFrame, number: int) -> None:
        frame = self._reformatter.reformat(
            picture,
            *self._size,
            format=self._how.pixels,
            interpolation="AREA" if self._size != (picture.width, picture.height) else "BICUBIC",
            dst_colorspace=Colorspace.ITU709,
            dst_color_range=ColorRange.MPEG,
            dst_color_trc=ColorTrc.BT709,
            dst_color_primaries=ColorPrimaries.BT709,
            threads=1,
        )
        frame.pts, frame.time_base = number, Fraction(self._rate.den, self._rate.num)
        self._container.mux(self._video.encode(frame))
        self._flush_audio(self._sample_at(number + 1))

    def write_audio(self, samples: np.ndarray[Any, Any]) -> None:
        self._pending.append(samples)
        self._waiting += samples.shape[1]

    def finish(self, frames: int) -> None:
        end = self._sample_at(frames)
        if self._audio is not None:
            missing = end - self._written - self._waiting
            if missing > 0:
                self.write_audio(np.zeros((self._audio.codec_context.channels, missing), np.float32))
            self._flush_audio(end)
            self._container.mux(self._audio.encode(None))
        self._container.mux(self._video.encode(None))
        self._container.close()
        with self.partial.open("rb+") as file:
            os.fsync(file.fileno())

    def drop(self) -> None:
        # A container that already failed fails again when closed; the file goes either way.
        with contextlib.suppress(OSError, av.FFmpegError, ValueError):
            self._container.close()
        with contextlib.suppress(OSError):
            self.partial.unlink(missing_ok=True)

    def _sample_at(self, frame: int) -> int:
        """Returns the first sample of a frame: rounded, so that it never drifts."""
        return round(Fraction(frame * self._rate.den * self._audio_rate, self._rate.num))

    def _flush_audio(self, end: int) -> None:
        """Hands over samples up to `end`; those beyond wait for their picture."""
        want = min(end - self._written, self._waiting)
        if self._audio is None or want <= 0:
            return
        block = np.concatenate(self._pending, axis=1) if len(self._pending) > 1 else self._pending[0]
        rest = block[:, want:]
        self._pending, self._waiting = ([rest] if rest.shape[1] else []), rest.shape[1]
        frame = _audio_frame(block[:, :want], self._how.samples, self._audio.layout.name)
        frame.sample_rate, frame.pts, frame.time_base = self._audio_rate, self._written, Fraction(1, self._audio_rate)
        self._written += want
        self._container.mux(self._audio.encode(frame))


def _on_black(frame: np.ndarray[Any, Any]) -> av.VideoFrame:
    alpha = frame[..., 3:].astype(np.uint16)
    shown = (frame[..., :3] * alpha + 127) // 255
    return av.VideoFrame.from_ndarray(shown.astype(np.uint8), format="rgb24")


def _audio_frame(samples: np.ndarray[Any, Any], form: str, layout: str) -> av.AudioFrame:
    """Returns the samples as a frame of ffmpeg's format `form`: "fltp", or interleaved "s32" clipped to full scale."""
    if form == "fltp":
        return av.AudioFrame.from_ndarray(np.ascontiguousarray(samples), format="fltp", layout=layout)
    whole = np.rint(np.clip(samples.astype(np.float64), -1.0, 1.0) * 8388607.0).astype(np.int32) << 8
    return av.AudioFrame.from_ndarray(np.ascontiguousarray(whole.T).reshape(1, -1), format="s32", layout=layout)


def _container_options(how: Encoding, rate: Rate, timecode: str | None) -> dict[str, str]:
    options = {"movie_timescale": str(rate.num)}  # durations in the header are then whole, not rounded to ms
    if how is encoding.PROXY or how is encoding.H264:
        options["movflags"] = "+faststart"
    if not timecode:
        options["write_tmcd"] = "0"
    return options
