from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

from genlock.errors import BadInput, MediaError
from genlock.media.peaks import peaks


def sound(path: Path, samples: np.ndarray, rate: int) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_f32le", rate=rate)
        stream.layout = {1: "mono", 2: "stereo"}[len(samples)]
        frame = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(samples.T).reshape(1, -1), format="flt", layout=stream.layout.name
        )
        frame.sample_rate = rate
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize(("rate", "per_second"), [(48000, 50), (44100, 50), (44100, 7), (8000, 1000), (22050, 30)])
def test_peaks_are_the_lowest_and_highest_of_each_bucket(tmp_path: Path, rate: int, per_second: int) -> None:
    noise = np.random.default_rng(3).uniform(-1, 1, (1, rate * 3 + 777)).astype(np.float32)
    made = np.frombuffer(peaks(sound(tmp_path / "a.wav", noise, rate), per_second), "<f4").reshape(-1, 2)
    bucket = np.arange(noise.shape[1]) * per_second // rate
    expected = [(noise[0][bucket == b].min(), noise[0][bucket == b].max()) for b in range(bucket[-1] + 1)]
    np.testing.assert_allclose(made, expected, atol=1e-6)


def test_channels_are_mixed_to_mono(tmp_path: Path) -> None:
    both = np.stack([np.full(48000, 0.5), np.full(48000, -0.1)]).astype(np.float32)
    made = np.frombuffer(peaks(sound(tmp_path / "a.wav", both, 48000)), "<f4").reshape(-1, 2)
    assert made.shape == (50, 2)
    np.testing.assert_allclose(made, 0.2, atol=1e-6)


def test_a_silent_movie_has_no_peaks(clips: Path) -> None:
    assert peaks(clips / "c.avi") == b""


def test_bad_requests_are_refused(clips: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInput):
        peaks(clips / "a.mov", 0)
    with pytest.raises(MediaError):
        peaks(tmp_path / "none.wav")
