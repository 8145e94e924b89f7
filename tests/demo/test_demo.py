"""The main job, run as a newcomer runs it, and its results looked at by programs that are not ours."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import av
import opentimelineio as otio
import pytest

from genlock.demo import unused

BLENDER = Path(__file__).parents[2] / ".venv-bpy-4.5/bin/python"
LOOK = """
import json, os, sys
import bpy
bpy.ops.wm.open_mainfile(filepath=sys.argv[1])
scene = bpy.context.scene
movies = [s for s in scene.sequence_editor.strips if s.type == "MOVIE"]
strips = [[s.name, s.frame_final_start, s.frame_final_end] for s in movies]
missing = [s.name for s in movies if not os.path.exists(bpy.path.abspath(s.filepath))]
scene.render.image_settings.file_format, scene.render.filepath = "PNG", sys.argv[2]
scene.frame_set(300)
bpy.ops.render.render(write_still=True)
print("told: " + json.dumps([scene.name, scene.frame_end, strips, missing, len(scene.timeline_markers)]), flush=True)
os._exit(0)
"""


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    home = tmp_path_factory.mktemp("demo")
    env = {**os.environ, "GENLOCK_HOME": str(home / "home"), "GENLOCK_RUNTIME_DIR": str(home / "run")}
    if BLENDER.exists():
        env["GENLOCK_BLENDER"] = str(BLENDER)
    done = subprocess.run(
        [sys.executable, "-m", "genlock", "demo", "--once", "--out", str(home / "out")],
        env=env,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return home / "out", done.stdout


@pytest.mark.timeout(900)
def test_the_movie_has_every_frame_and_sample_of_the_cut(played: tuple[Path, str]) -> None:
    with av.open(str(played[0] / "Reel 1.mov")) as movie:
        video, audio = movie.streams.video[0], movie.streams.audio[0]
        assert video.average_rate == 50
        frames = [frame.to_ndarray(format="gray").mean() for frame in movie.decode(video)]
        assert len(frames) == 1500
        assert min(frames) > 5, "no frame is black: every shot was generated"
        assert audio.duration * audio.time_base == 30


@pytest.mark.timeout(900)
def test_the_export_opens_elsewhere_and_says_what_the_cut_is(played: tuple[Path, str]) -> None:
    timeline = otio.adapters.read_from_file(str(played[0] / "Reel 1.otio"))
    video = timeline.video_tracks()[0]
    assert timeline.global_start_time == otio.opentime.RationalTime(180_000, 50)
    assert [clip.duration().value for clip in video.find_clips()] == [596, 304, 300, 300]
    (dissolve,) = [part for part in video if isinstance(part, otio.schema.Transition)]
    assert (dissolve.in_offset.value, dissolve.out_offset.value) == (50, 50)
    for clip in video.find_clips():
        assert Path(clip.media_reference.target_url.removeprefix("file://")).exists()
        assert any(effect.metadata.get("Resolve_OTIO") for effect in clip.effects), "Resolve's own data came through"


@pytest.mark.timeout(900)
def test_it_tells_what_it_did(played: tuple[Path, str]) -> None:
    folder, told = played
    for line in (
        "Imported",
        "razor",
        "another take",
        "Undid it",
        "Read version 1 again: 2 clips",
        "came home",
        "Lighthouse, wide",
        "Rendered",
    ):
        assert line in told
    takes = sorted(path.name for path in (folder / "takes").rglob("*.mov"))
    assert "SH0020_v002.mov" in takes
    assert len(takes) == 5


@pytest.mark.timeout(900)
@pytest.mark.skipif(not BLENDER.exists(), reason="needs Blender 4.5")
def test_the_cut_opens_in_blender_with_everything_in_place(played: tuple[Path, str], tmp_path: Path) -> None:
    file = played[0] / "Reel 1.blend"
    assert file.name in played[1]
    done = subprocess.run(
        [BLENDER, "-c", LOOK, file, tmp_path / "frame.png"], capture_output=True, text=True, timeout=120, check=False
    )
    line = next((line for line in done.stdout.splitlines() if line.startswith("told: ")), "")
    assert line, done.stdout + done.stderr
    name, end, strips, missing, markers = json.loads(line.removeprefix("told: "))
    assert (name, end, missing, markers) == ("Reel 1", 1500, [], 1)
    assert {strip[0] for strip in strips} == {"SH0010", "SH0020", "SH0030", "SH0040"}
    assert min(start for *_, start, _ in strips) == 1
    with av.open(str(tmp_path / "frame.png")) as picture:
        (frame,) = picture.decode(video=0)
        assert frame.to_ndarray(format="gray").mean() > 5


def test_a_blend_that_cannot_be_is_said_before_anything_is_done(tmp_path: Path) -> None:
    env = {**os.environ, "GENLOCK_BLENDER": str(tmp_path / "nowhere"), "GENLOCK_RUNTIME_DIR": str(tmp_path)}
    command = [sys.executable, "-m", "genlock", "demo", "--once", "--blend", "--out", str(tmp_path / "out")]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert "no_such_file" in done.stderr
    assert not (tmp_path / "out").exists()


def test_a_demo_never_overwrites_another(tmp_path: Path) -> None:
    assert unused(tmp_path / "out") == tmp_path / "out"
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "Reel 1.mov").touch()
    (tmp_path / "out-2").mkdir()
    (tmp_path / "out-2" / "a").touch()
    assert unused(tmp_path / "out") == tmp_path / "out-3"
