from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from genlock.errors import BadInput, MediaError
from genlock.media.digest import file_digest
from genlock.media.service import MediaService
from genlock.timeline.model import Resolution
from tests.media import coded


def test_a_probe_carries_the_digest(media: MediaService, clips: Path) -> None:
    info = media.probe(clips / "a.mov")
    assert info.digest == file_digest(clips / "a.mov")
    assert (info.frames, info.kind) == (240, "video")
    assert media.probe(clips / "a.mov", digest=False).digest == ""


def test_everything_works_through_the_process(media: MediaService, clips: Path, tmp_path: Path) -> None:
    path = clips / "a.mov"
    assert Image.open(BytesIO(media.thumbnail(path, 5, width=100))).size == (100, 56)
    assert Image.open(BytesIO(media.filmstrip(path, count=3, height=50))).height == 50
    made = np.frombuffer(media.peaks(path), "<f4").reshape(-1, 2)
    assert list(np.flatnonzero(made[:, 1] > 0.2)) == [0, 50, 100, 312]
    assert len(media.frames(path, [1, 2])) == 2
    media.slate(tmp_path / "s.png", "A clip", "why", Resolution(64, 36))
    with Image.open(tmp_path / "s.png") as slate:
        assert slate.size == (64, 36)


def test_a_proxy_has_the_frames_and_sound_of_its_source(clips: Path, tmp_path: Path) -> None:
    with MediaService(lanes=1) as media:
        media.make_proxy(clips / "f.mov", tmp_path / "f.mp4")
        assert coded.codes(tmp_path / "f.mp4") == [(6, number) for number in range(240)]
        heard = coded.clicks(tmp_path / "f.mp4", 0.08)
        assert [round(each / 2000) for each in heard] == [0, 24, 48, 150]
        with pytest.raises(MediaError) as caught:
            media.make_proxy(clips / "a.mov", clips / "a.mov" / "x.mp4")
        assert caught.value.code == "unwritable_folder"


def test_refusals_keep_their_class_and_code(media: MediaService, clips: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInput) as refused:
        media.thumbnail(clips / "a.mov", -1)
    assert refused.value.code == "bad_value"
    with pytest.raises(MediaError) as missing:
        media.probe(tmp_path / "none.mov")
    assert missing.value.code == "media_missing"


def test_the_next_request_finds_a_new_process_after_a_kill(clips: Path) -> None:
    with MediaService(lanes=1) as media:
        media.thumbnail(clips / "a.mov")
        (first,) = media.pids
        os.kill(first, signal.SIGKILL)
        assert media.thumbnail(clips / "a.mov")
        assert media.pids != [first]


def test_a_process_killed_at_work_costs_no_request(clips: Path) -> None:
    with MediaService(lanes=1) as media:
        media.thumbnail(clips / "a.mov")
        (pid,) = media.pids
        os.kill(pid, signal.SIGSTOP)
        threading.Timer(0.2, os.kill, (pid, signal.SIGKILL)).start()
        assert media.thumbnail(clips / "a.mov")
        assert media.pids != [pid]


def test_a_process_that_hangs_is_ended_in_time_and_replaced(clips: Path) -> None:
    with MediaService(lanes=1, patience=0.5) as media:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(media, "_patience", 20)  # the first start imports libraries
            media.thumbnail(clips / "a.mov")
        (pid,) = media.pids
        os.kill(pid, signal.SIGSTOP)
        began = time.monotonic()
        with pytest.raises(MediaError) as caught:
            media.thumbnail(clips / "a.mov")
        assert caught.value.code == "media_busy"
        assert time.monotonic() - began < 2
        assert not Path(f"/proc/{pid}").exists()
        media._patience = 20
        assert media.thumbnail(clips / "a.mov")


def test_many_threads_share_the_lanes(media: MediaService, clips: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda number: media.frames(clips / "a.mov", [number])[0], range(0, 160, 10)))
    shown = [
        coded.code(np.asarray(Image.open(BytesIO(each)).convert("L")).astype(float) * 219 / 255 + 16) for each in made
    ]
    assert shown == [(1, number) for number in range(0, 160, 10)]


def test_the_process_does_not_know_the_token(clips: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GENLOCK_TOKEN", "not-for-decoders")
    monkeypatch.setenv("GENLOCK_TOKEN_FILE", "not-for-decoders")
    monkeypatch.setenv("CLOUD_API_KEY", "not-for-decoders")
    with MediaService(lanes=1) as media:
        media.thumbnail(clips / "a.mov")
        (pid,) = media.pids
        environment = Path(f"/proc/{pid}/environ").read_bytes()
    assert b"PATH=" in environment
    assert b"not-for-decoders" not in environment


def test_the_children_end_with_the_service(clips: Path) -> None:
    media = MediaService(lanes=1)
    media.thumbnail(clips / "a.mov")
    (pid,) = media.pids
    media.close()
    assert not Path(f"/proc/{pid}").exists()
    with pytest.raises(MediaError, match="closed"):
        media.thumbnail(clips / "a.mov")


def test_the_child_leaves_when_its_parent_is_gone(clips: Path) -> None:
    code = (
        "import os, sys, pathlib; from genlock.media.service import MediaService; m = MediaService(lanes=1);"
        "m.thumbnail(pathlib.Path(sys.argv[1])); print(m.pids[0], flush=True); os._exit(9)"
    )
    done = subprocess.run([sys.executable, "-c", code, clips / "a.mov"], capture_output=True, text=True, check=False)
    pid = int(done.stdout)
    for _ in range(100):
        if not Path(f"/proc/{pid}").exists() or "Z" in Path(f"/proc/{pid}/stat").read_text().split(")")[1][:3]:
            return
        time.sleep(0.05)
    pytest.fail("the child outlived its parent")


def test_the_parent_imports_no_media_library() -> None:
    code = (
        "import sys, genlock.media.service, genlock.media.render, genlock.media.naming;"
        "print({'av', 'numpy', 'PIL', 'cv2', 'imageio_ffmpeg'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
