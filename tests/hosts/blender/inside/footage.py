"""Test media, made by the ffmpeg that Genlock itself uses."""

from __future__ import annotations

import subprocess
from pathlib import Path

CLIPS = {
    "a.mp4": ("testsrc2", "24", 240),
    "b.mp4": ("testsrc", "24", 240),
    "ntsc.mp4": ("testsrc2", "24000/1001", 240),
    "thirty.mp4": ("testsrc2", "30", 150),
}


def make(folder: Path, python: str) -> Path:
    """Fills the folder and returns it; `python` is an interpreter with imageio_ffmpeg."""
    ask = [python, "-c", "import imageio_ffmpeg; print(imageio_ffmpeg.get_ffmpeg_exe())"]
    ffmpeg = subprocess.run(ask, check=True, capture_output=True, text=True).stdout.strip()

    def run(*arguments: str) -> None:
        subprocess.run([ffmpeg, "-v", "error", "-y", *arguments], check=True, cwd=folder, stdin=subprocess.DEVNULL)

    for name, (pattern, rate, frames) in CLIPS.items():
        picture = f"{pattern}=size=320x180:rate={rate}"
        run("-f", "lavfi", "-i", picture, "-frames:v", str(frames), "-pix_fmt", "yuv420p", "-g", "12", name)
    run("-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000:duration=10", "tone.wav")
    run("-f", "lavfi", "-i", "testsrc2=size=320x180:rate=24", "-frames:v", "1", "still.png")
    run("-f", "lavfi", "-i", "testsrc2=size=320x180:rate=24", "-frames:v", "12", "numbered.%04d.png")
    return folder
