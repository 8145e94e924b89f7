"""Runs a plan through ffmpeg: windows of picture are piped, one after the other, into one encoder.

The sound is mixed first, into a raw file beside the result. Nothing but the finished movie is left behind.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import IO, Any, Final

import ffmpeg

from genlock.errors import BadInput, MediaError
from genlock.media import numbered
from genlock.media.encoding import AUDIO_RATE, H264, PRORES, Encoding
from genlock.media.process import clean_environment
from genlock.media.render import picture, sound
from genlock.media.render.picture import Canvas, Materials
from genlock.media.render.program import File, RenderPlan, RenderResult, Slate
from genlock.media.render.windows import picture_windows, sound_windows
from genlock.media.service import MediaService

ENCODINGS: Final[dict[str, Encoding]] = {".mov": PRORES, ".mp4": H264}
"""By suffix."""

_BLENDS: Final = {"yuv422p10le": ("yuva422p10le", "yuv422p10"), "yuv420p": ("yuva420p", "yuv420")}
_TICK: Final = 0.05
_TAIL: Final = 2000

Progress = Callable[[int, int], None]
Cancelled = Callable[[], bool]


def render(
    plan: RenderPlan,
    path: Path,
    *,
    on_progress: Progress = lambda done, total: None,
    cancelled: Cancelled = lambda: False,
    media: MediaService | None = None,
) -> RenderResult:
    """Writes the plan as a movie: ProRes 422 with PCM for `.mov`, H.264 with AAC for `.mp4`, always with sound.

    `on_progress(done, total)` counts encoded frames; `cancelled` is asked 20 times a second. `media` draws slates and
    measures files (one of its own by default). The file appears under its name when it is complete. Raises
    BadInput(unknown_format, bad_value), MediaError(unwritable_folder, render_failed, cancelled).
    """
    how = ENCODINGS.get(path.suffix.lower())
    if how is None:
        raise BadInput("unknown_format", f"A render is a .mov or a .mp4, not {path.name!r}.")
    if not plan.frames:
        raise BadInput("bad_value", "The sequence is empty: there is nothing to render.")
    if plan.resolution.width % 2 or plan.resolution.height % 2:
        raise BadInput("bad_value", "A render needs an even size.")
    began = time.monotonic()
    with _workshop(path) as folder, contextlib.ExitStack() as stack:
        service = media or stack.enter_context(MediaService(lanes=1))
        _Render(plan, path, how, folder, service, on_progress, cancelled).run()
    return RenderResult(path, plan.frames, time.monotonic() - began, plan.missing, plan.notes)


@contextlib.contextmanager
def _workshop(path: Path) -> Iterator[Path]:
    """Makes a folder beside the result for what comes and goes."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=f".{path.stem[:40]}.", dir=path.parent))
    except OSError as error:
        raise MediaError("unwritable_folder", f"{path.parent} cannot be written: {error.strerror}.") from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class _Render:
    def __init__(
        self,
        plan: RenderPlan,
        path: Path,
        how: Encoding,
        folder: Path,
        media: MediaService,
        on_progress: Progress,
        cancelled: Cancelled,
    ) -> None:
        self._plan, self._path, self._how, self._folder = plan, path, how, folder
        self._on_progress, self._cancelled = on_progress, cancelled
        self._errors = folder / "errors.txt"
        self._done = 0
        self._told = -1
        self._running: list[subprocess.Popen[bytes]] = []
        measured = cache(media.measure)
        self._materials = Materials(slate=cache(self._slate), lined_up=self._lined_up, measured=measured)
        self._measured = measured
        self._media = media
        self._lines = 0

    def run(self) -> None:
        made = self._folder / f"render{self._path.suffix}"
        mixed = self._folder / "sound.f32"
        try:
            self._mix(mixed)
            self._encode(mixed, made)
        finally:
            for process in self._running:
                process.kill()
                process.wait()
                if process.stdin is not None:
                    process.stdin.close()
        try:
            made.replace(self._path)
        except OSError as error:
            raise MediaError("unwritable_folder", f"{self._path} cannot be written: {error.strerror}.") from error
        self._tell(self._plan.frames)

    # -- sound

    def _mix(self, mixed: Path) -> None:
        rate = self._plan.rate
        with mixed.open("wb") as file:
            for window in sound_windows(self._plan):
                stream = sound.graph(window, rate, self._measured)
                command = _command(
                    ffmpeg.output(stream, "pipe:1", f="f32le", ar=AUDIO_RATE, ac=sound.CHANNELS, acodec="pcm_f32le")
                )
                self._wait(self._start(command, stdout=file))
                expected = sound.sample_at(window.end, rate) * sound.CHANNELS * 4
                if mixed.stat().st_size != expected:
                    raise self._failed(f"The sound came out {mixed.stat().st_size} bytes long instead of {expected}")

    # -- picture

    def _encode(self, mixed: Path, made: Path) -> None:
        plan, pixels = self._plan, self._how.pixels
        alpha, blend = _BLENDS[pixels]
        canvas = Canvas(plan.rate, plan.resolution, pixels, alpha, blend)
        encoder = self._start(self._encoder(canvas, mixed, made), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert encoder.stdin is not None
        assert encoder.stdout is not None
        counter = threading.Thread(target=self._count, args=(encoder.stdout,), name="genlock-render", daemon=True)
        counter.start()
        for spans in picture_windows(plan):
            stream = picture.graph(spans, canvas, self._materials)
            command = _command(ffmpeg.output(stream, "pipe:1", f="rawvideo", pix_fmt=pixels, fps_mode="passthrough"))
            self._wait(self._start(command, stdout=encoder.stdin), encoder)
        encoder.stdin.close()
        self._wait(encoder)
        counter.join()
        if self._done != plan.frames:
            raise self._failed(f"{self._done} frames came out instead of {plan.frames}")

    def _encoder(self, canvas: Canvas, mixed: Path, made: Path) -> list[str]:
        """Returns the command that encodes raw frames from its standard input."""
        how, size = self._how, (canvas.resolution.width, canvas.resolution.height)
        frames = ffmpeg.input(
            "pipe:0", f="rawvideo", pixel_format=canvas.pixels, video_size=size, framerate=canvas.frames_a_second
        ).video.filter("setparams", range="tv", color_primaries="bt709", color_trc="bt709", colorspace="bt709")
        mix = ffmpeg.input(str(mixed), f="f32le", ar=AUDIO_RATE, ac=sound.CHANNELS).audio
        options: dict[str, Any] = {f"{name}:v": value for name, value in how.options.items()}
        options |= {f"{name}:a": value for name, value in how.audio_options.items()}
        options["flags:v"] = how.options.get("flags", "") + "+bitexact"
        options |= {"flags:a": "+bitexact", "fflags": "+bitexact", "map_metadata": "-1", "write_tmcd": "0"}
        options |= {"movie_timescale": str(canvas.rate.num), "c:v": how.video, "c:a": how.audio}
        if how.container == "mp4":
            options["movflags"] = "+faststart"
        output = ffmpeg.output(frames, mix, str(made), f=how.container, pix_fmt=how.pixels, **options)
        return _command(output.global_args("-progress", "pipe:1"))

    def _count(self, stream: IO[bytes]) -> None:
        """Reads how many frames are encoded."""
        with stream:
            for line in stream:
                if line.startswith(b"frame="):
                    with contextlib.suppress(ValueError):
                        self._done = int(line[6:])

    # -- processes

    def _start(self, command: list[str], **streams: Any) -> subprocess.Popen[bytes]:
        with self._errors.open("ab") as errors:
            process = subprocess.Popen(
                command,
                stdin=streams.get("stdin", subprocess.DEVNULL),
                stdout=streams.get("stdout", subprocess.DEVNULL),
                stderr=errors,
                env=clean_environment(os.environ),
            )
        self._running.append(process)
        return process

    def _wait(self, process: subprocess.Popen[bytes], encoder: subprocess.Popen[bytes] | None = None) -> None:
        """Waits until the process is done; raises when it fails, the encoder stops before it, or somebody cancels."""
        while True:
            try:
                code = process.wait(_TICK)
                break
            except subprocess.TimeoutExpired:
                pass
            self._tell(self._done)
            if self._cancelled():
                raise MediaError("cancelled", "The render was cancelled.")
            if encoder is not None and encoder.poll() is not None:
                raise self._failed("The encoder stopped")
        self._running.remove(process)
        if code:
            raise self._failed(f"ffmpeg ended with exit code {code}")

    def _failed(self, why: str) -> MediaError:
        said = self._errors.read_bytes()[-_TAIL:].decode(errors="replace").strip() if self._errors.exists() else ""
        if "No space left on device" in said:
            return MediaError("unwritable_folder", f"There is no space left for {self._path}.")
        return MediaError("render_failed", f"{why}. {said}".strip(), output=said)

    def _tell(self, done: int) -> None:
        if done != self._told:
            self._told = done
            self._on_progress(done, self._plan.frames)

    # -- materials

    def _slate(self, slate: Slate) -> Path:
        self._lines += 1
        target = self._folder / f"slate{self._lines}.png"
        self._media.slate(target, slate.title, slate.note, self._plan.resolution)
        return target

    def _lined_up(self, file: File, low: int, high: int) -> str:
        """Gives the images of a sequence names without holes; returns the pattern."""
        run = numbered.find(file.path)
        if run is None:
            raise MediaError("media_missing", f"{file.path} is no image sequence any more.")
        self._lines += 1
        folder = self._folder / f"images{self._lines}"
        folder.mkdir()
        for at, frame in enumerate(range(low, high + 1)):
            image = run.file(frame).absolute()
            target = folder / f"{at:07d}{image.suffix}"
            try:
                target.symlink_to(image)
            except OSError:  # a system that lets only administrators link
                shutil.copyfile(image, target)
        return f"{str(folder).replace('%', '%%')}/%07d{run.file(low).suffix}"


def _command(output: Any) -> list[str]:
    command: list[str] = output.global_args("-v", "error", "-nostdin", "-y").compile(cmd=_ffmpeg())
    return command


@cache
def _ffmpeg() -> str:
    import imageio_ffmpeg

    found: str = imageio_ffmpeg.get_ffmpeg_exe()
    return found
