"""How takes, proxies and renders are encoded: plain tables, shared by PyAV and by ffmpeg. No library is imported here."""

from __future__ import annotations

from typing import Final, Literal

from msgspec import Struct

from genlock.errors import BadInput
from genlock.timeline.model import Resolution

Master = Literal["prores", "h264", "dnxhr"]

AUDIO_RATE: Final = 48000
PROXY_WIDTH: Final = 1280
PROXY_GOP: Final = 12
"""A closed group of 12 frames lets the panel seek in 17 ms instead of 86 (docs/why/media.md)."""


class Encoding(Struct, frozen=True):
    """One way to encode: ffmpeg's codec names, pixel and sample formats, and the codec's options as ffmpeg spells them.

    `frame_threads`: the codec is intra-only, so that frames can be encoded side by side with the same bytes as result.
    """

    video: str
    pixels: str
    audio: str
    samples: str
    options: dict[str, str]
    audio_options: dict[str, str] = {}
    container: str = "mov"
    frame_threads: bool = False

    @property
    def alpha(self) -> bool:
        """Whether pictures have transparency."""
        return self.pixels.startswith("yuva")


PRORES: Final = Encoding(
    video="prores_ks",
    pixels="yuv422p10le",
    audio="pcm_s24le",
    samples="s32",
    # A fixed quantiser of 4 skips the encoder's rate-control search: three times the speed at the same fidelity.
    options={"profile": "standard", "vendor": "apl0", "flags": "+qscale", "global_quality": str(118 * 4)},
    frame_threads=True,
)
PRORES_4444: Final = Encoding(
    video="prores_ks",
    pixels="yuva444p10le",
    audio="pcm_s24le",
    samples="s32",
    # 16 bits of alpha, which is coded without loss.
    options={
        "profile": "4444",
        "vendor": "apl0",
        "alpha_bits": "16",
        "flags": "+qscale",
        "global_quality": str(118 * 4),
    },
    frame_threads=True,
)
DNXHR: Final = Encoding(
    video="dnxhd",
    pixels="yuv422p",
    audio="pcm_s24le",
    samples="s32",
    options={"profile": "dnxhr_sq"},
    frame_threads=True,
)
H264: Final = Encoding(
    video="libx264",
    pixels="yuv420p",
    audio="aac",
    samples="fltp",
    options={"preset": "veryfast", "crf": "16"},
    audio_options={"b": "192k"},
    container="mp4",
)
PROXY: Final = Encoding(
    video="libx264",
    pixels="yuv420p",
    audio="aac",
    samples="fltp",
    options={
        "preset": "superfast",
        "crf": "23",
        "g": str(PROXY_GOP),
        "keyint_min": str(PROXY_GOP),
        "sc_threshold": "0",
        "bf": "0",
        "flags": "+cgop",
    },
    audio_options={"b": "128k"},
    container="mp4",
)

MASTERS: Final[dict[str, Encoding]] = {
    "prores": PRORES,
    "prores4444": PRORES_4444,
    "h264": H264,
    "dnxhr": DNXHR,
    "proxy": PROXY,
}


def master(name: str) -> Encoding:
    """Returns the encoding of a master; BadInput(bad_value) when there is none of that name."""
    try:
        return MASTERS[name]
    except KeyError as error:
        raise BadInput("bad_value", f"There is no master encoding {name!r}; there are {', '.join(MASTERS)}.") from error


def even(pixels: int) -> int:
    """Returns the next smaller even number, 2 at least: 4:2:0 has no odd sizes."""
    return max(2, pixels // 2 * 2)


def proxy_size(width: int, height: int, widest: int = PROXY_WIDTH) -> Resolution:
    """Returns the size of the proxy of a picture: at most `widest` wide, same shape, even."""
    if width <= widest:
        return Resolution(even(width), even(height))
    return Resolution(even(widest), even(round(height * widest / width)))
