"""What is known of a media file. Times are exact: frames of the file's own rate, or audio samples."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from genlock.timeline.rate import Rate

MediaKind = Literal["video", "audio", "image", "sequence"]
"""`sequence` is a numbered image sequence."""


class AudioStream(Struct, frozen=True, omit_defaults=True):
    """One audio stream: samples a second, channels, ffmpeg's layout name ("stereo"), length in samples."""

    sample_rate: int
    channels: int
    layout: str = ""
    samples: int = 0
    codec: str = ""


class MediaInfo(Struct, frozen=True, omit_defaults=True):
    """What a probe found.

    `rate` and `frames` are of the picture (audio-only files: `rate` None, `frames` 0). `start` is the frame number of
    the embedded start timecode at `rate` (0 without one) and `timecode` its text. `width`, `height` in pixels as shown
    (rotation applied); `sar` the pixel aspect. `digest` is the blake2b-128 of the whole file in hex.
    """

    kind: MediaKind
    digest: str = ""
    size: int = 0
    rate: Rate | None = None
    frames: int = 0
    start: int = 0
    timecode: str = ""
    drop_frame: bool = False
    width: int = 0
    height: int = 0
    sar: Rate = Rate(1)
    codec: str = ""
    pixel_format: str = ""
    container: str = ""
    variable_rate: bool = False
    audio: tuple[AudioStream, ...] = ()


class MediaFile(Struct, frozen=True, omit_defaults=True):
    """One entry of the media pool. The file stays where it is (`path` as its owner wrote it, absolute native path);
    `info` is None while it was never probed (offline media of an imported cut). Missing media known by name alone has no
    path until it is relinked."""

    id: str
    path: str
    name: str = ""
    info: MediaInfo | None = None
    missing: bool = False
