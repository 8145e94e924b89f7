"""`genlock install blender` and `genlock blender render` from the command line, with real Blenders behind them."""

from __future__ import annotations

import json
import os
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import av
import pytest

import genlock
from genlock.cli.main import run
from tests.hosts.blender.versions import ROOT, interpreter

pytestmark = [pytest.mark.blender, pytest.mark.skipif(os.name == "nt", reason="stands in with a shell script")]

AS_A_PROGRAM = """#!/bin/sh
# Blender as a module, called as the program is: --version, --background --command extension ..., --background --python FILE
if [ "$1" = --version ]; then echo "Blender {version}.0 LTS"; exit 0; fi
if [ "$2" = --python ]; then shift 2; exec "{python}" "$@"; fi
shift 3
exec "{python}" -c "import sys, bpy, bl_pkg.bl_extension_cli as c; sys.exit(c.cli_extension_handler(sys.argv[1:]))" "$@"
"""
SEES = """
import json, sys, bpy, addon_utils
if bpy.app.version >= (4, 3, 0) and "read" in sys.argv:
    bpy.ops.wm.read_userpref()
else:
    addon_utils.enable("bl_ext.user_default.genlock", default_set=True)
import genlock_client
print(json.dumps([[a.module for a in bpy.context.preferences.addons], genlock_client.__file__]))
"""


@pytest.fixture(params=["4.5", "5.2"])
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home without Blenders, in which the command runs."""
    for name in ("BLENDER_USER_RESOURCES", "BLENDER_USER_EXTENSIONS", "XDG_CONFIG_HOME", "GENLOCK_BLENDER"):
        monkeypatch.delenv(name, raising=False)
    home = tmp_path / "home"
    (home / "here").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir(home / "here")
    return home


@pytest.fixture
def program(home: Path, version: str) -> Path:
    """A Blender of the version, unpacked in the home."""
    found = home / f"blender-{version}.0-linux-x64/blender"
    found.parent.mkdir()
    found.write_text(AS_A_PROGRAM.format(version=version, python=interpreter(version)))
    found.chmod(0o755)
    return found


def told(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> Any:
    assert run([*arguments, "--json"]) == code
    return json.loads(capsys.readouterr().out)


def sees(version: str, user: Path, *words: str) -> Any:
    environment = {**os.environ, "BLENDER_USER_RESOURCES": str(user)}
    done = subprocess.run(
        [str(interpreter(version)), "-c", SEES, *words], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(next(line for line in done.stdout.splitlines() if line.startswith("[[")))


def row(answer: Any, version: str) -> Any:
    return next(found for found in answer["blenders"] if found["version"] == version)


def test_a_program_installs_and_enables_it(
    home: Path, program: Path, version: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    user = home / "user"
    monkeypatch.setenv("BLENDER_USER_RESOURCES", str(user))
    answer = told(capsys, "install", "blender", "--version", version)
    found = row(answer, version)
    assert (found["state"], found["program"]) == ("enabled", str(program)), found
    assert answer["zip"] is None
    addons, client = sees(version, user, "read")
    assert "bl_ext.user_default.genlock" in addons
    assert client.startswith(str(user))


def test_a_user_folder_alone_gets_it_unpacked_ready_to_enable(
    home: Path, version: str, capsys: pytest.CaptureFixture[str]
) -> None:
    user = home / f".config/blender/{version}"
    user.mkdir(parents=True)
    interpreter(version)
    for _ in ("first", "once more"):
        found = row(told(capsys, "install", "blender", "--version", version), version)
        assert (found["state"], found["program"]) == ("unpacked", None)
        assert "enable" in found["message"]
    assert [path.name for path in (user / "extensions/user_default").iterdir()] == ["genlock"]
    addons, client = sees(version, user)
    assert "bl_ext.user_default.genlock" in addons
    assert client.startswith(str(user))


def test_a_program_that_fails_falls_back_to_its_folder(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    broken = home / "blender-4.5.0/blender"
    broken.parent.mkdir()
    broken.write_text("#!/bin/sh\n[ $1 = --version ] && echo Blender 4.5.0 || exit 7\n")
    broken.chmod(0o755)
    found = told(capsys, "install", "blender", "--blender", str(broken))["blenders"][0]
    assert found["state"] == "unpacked"
    assert (home / ".config/blender/4.5/extensions/user_default/genlock/blender_manifest.toml").is_file()


@pytest.mark.parametrize("inside", ["blender", "blender.exe", "Contents/MacOS/Blender"])
def test_the_folder_of_a_program_stands_for_the_program(
    home: Path, inside: str, capsys: pytest.CaptureFixture[str]
) -> None:
    program = home / "Blender 4.5" / inside
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\n[ $1 = --version ] && echo Blender 4.5.0 || exit 7\n")
    program.chmod(0o755)
    found = told(capsys, "install", "blender", "--blender", str(home / "Blender 4.5"))["blenders"][0]
    assert (found["program"], found["version"]) == (str(program), "4.5")
    assert Path(found["folder"]).is_relative_to(home / ".config/blender/4.5")


def test_one_that_cannot_be_installed_into_is_an_error(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "user/extensions").mkdir(parents=True)
    (home / "user/extensions/user_default").write_text("a file in the way")
    error = told(capsys, "install", "blender", "--blender", str(home / "user"), code=1)["error"]
    assert error["code"] == "blender_failed"
    assert "user_default" in error["message"]


def test_without_a_blender_the_file_is_written_here(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["install", "blender", "--version", "9.1"]) == 0
    text = capsys.readouterr().out
    assert "Drag the file into Blender's window" in text
    with zipfile.ZipFile(home / f"here/genlock-{genlock.__version__}.zip") as zipped:
        assert "blender_manifest.toml" in zipped.namelist()


def test_zip_only_writes_the_file(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / ".config/blender/4.5").mkdir(parents=True)
    answer = told(capsys, "install", "blender", "--zip", "mine.zip")
    assert answer == {"version": genlock.__version__, "zip": str(home / "here/mine.zip"), "blenders": []}
    assert zipfile.is_zipfile("mine.zip")
    assert not (home / ".config/blender/4.5/extensions").exists()


def test_an_old_blender_is_said_to_be_too_old(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / ".config/blender/3.6").mkdir(parents=True)
    assert row(told(capsys, "install", "blender", "--version", "3.6"), "3.6")["state"] == "too_old"
    assert not (home / ".config/blender/3.6/extensions").exists()


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--blender", "/nowhere/blender"], "no_such_file"),
        (["--version", "new"], "bad_value"),
        (["--zip", "/nowhere/mine.zip"], "unwritable_folder"),
    ],
)
def test_bad_input_is_said(home: Path, arguments: list[str], code: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["install", "blender", *arguments, "--json"]) in (1, 2)
    assert json.loads(capsys.readouterr().out)["error"]["code"] == code


MAKE = """
import sys, bpy
sys.path.insert(0, sys.argv[1])
from genlock_blender import compat
scene = bpy.context.scene
scene.render.resolution_x, scene.render.resolution_y, scene.render.fps = 160, 90, 24
scene.frame_start, scene.frame_end = 1, 24
scene.view_settings.view_transform = "Standard"
strips = compat.strips(compat.editor(scene))
for at, (name, colour) in enumerate((("red", (1, 0, 0)), ("green", (0, 1, 0)))):
    card = compat.new_effect(strips, name, "COLOR", at + 1, 1, 25)
    card.color = colour
bpy.ops.wm.save_as_mainfile(filepath=sys.argv[2])
"""


@pytest.fixture
def cut(home: Path, version: str) -> Path:
    path = home / "cut.blend"
    made = [str(interpreter(version)), "-c", MAKE, str(ROOT / "blender_addon"), str(path)]
    subprocess.run(made, check=True, capture_output=True)
    return path


def decoded(path: str) -> tuple[int, str, tuple[int, int], list[float]]:
    with av.open(path) as file:
        frames = [frame.to_ndarray(format="rgb24") for frame in file.decode(video=0)]
        codec = file.streams.video[0].codec_context.name
    return len(frames), codec, frames[0].shape[1::-1], [float(frames[0][..., at].mean()) for at in range(3)]


def test_a_program_renders(home: Path, cut: Path, program: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = cut.read_bytes()
    answer = told(capsys, "blender", "render", str(cut), "out.mov", "--frames", "3-14", "--with", str(program))
    assert (answer["frames"], answer["codec"], answer["program"]) == (12, "prores", str(program))
    count, codec, size, (red, green, _) = decoded("out.mov")
    assert (count, codec, size) == (12, "prores", (160, 90))
    assert green > 200 > 50 > red
    assert cut.read_bytes() == before
    assert [path.name for path in Path().iterdir()] == ["out.mov"]


def test_a_python_with_bpy_renders_one_strip(cut: Path, version: str, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("--strips", "red", "--size", "320x180", "--with", str(interpreter(version)))
    assert told(capsys, "blender", "render", str(cut), "out.mp4", *arguments)["frames"] == 24
    count, codec, size, (red, green, _) = decoded("out.mp4")
    assert (count, codec, size) == (24, "h264", (320, 180))
    assert red > 200 > 50 > green


def test_pictures_go_into_a_folder(
    cut: Path, version: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GENLOCK_BLENDER", str(interpreter(version)))
    assert told(capsys, "blender", "render", str(cut), "stills", "--frames", "5")["codec"] == "png"
    assert [path.name for path in Path("stills").iterdir()] == ["frame.0005.png"]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["CUT", "out.mov", "--strips", "blue"], "bad_value"),
        (["CUT", "out.mov", "--scene", "other"], "bad_value"),
        (["CUT", "out.mov", "--frames", "9-3"], "bad_value"),
        (["CUT", "out.mov", "--size", "big"], "bad_value"),
        (["CUT", "out.avi"], "bad_value"),
        (["gone.blend", "out.mov"], "no_such_file"),
        (["broken.blend", "out.mov"], "render_failed"),
        (["CUT", "out.mov", "--with", "/nowhere/blender"], "no_such_file"),
    ],
)
def test_what_cannot_be_rendered_is_said(
    cut: Path, version: str, arguments: list[str], code: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("broken.blend").write_bytes(b"BLENDER but not really")
    given = [str(cut) if word == "CUT" else word for word in arguments]
    extra = [] if "--with" in given else ["--with", str(interpreter(version))]
    assert run(["blender", "render", *given, *extra, "--json"]) in (1, 2)
    assert json.loads(capsys.readouterr().out)["error"]["code"] == code
    assert sorted(path.name for path in Path().iterdir()) == ["broken.blend"]


def test_a_program_that_dies_is_said_with_its_last_words(
    home: Path, cut: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dying = home / "blender"
    dying.write_text("#!/bin/sh\necho no display here\nexit 3\n")
    dying.chmod(0o755)
    error = told(capsys, "blender", "render", str(cut), "out.mov", "--with", str(dying), code=1)["error"]
    assert error["code"] == "render_failed"
    assert "no display here" in error["message"]
    assert "3" in error["message"]


def test_without_a_blender_it_says_so(
    home: Path, cut: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(home))
    monkeypatch.setattr("genlock.blender.finding.programs", lambda machine: [])
    assert told(capsys, "blender", "render", str(cut), "out.mov", code=1)["error"]["code"] == "blender_absent"
