from __future__ import annotations

import json
from pathlib import Path

import pytest

from .conftest import Cli


def test_a_project_is_made_listed_and_shown(film: str, cli: Cli, tmp_path: Path) -> None:
    made = cli(
        "project", "new", "Wide Film", "--rate", "29.97", "--drop-frame", "--start", "10:00:00;00",
        "--resolution", "1280x720", "--folder", tmp_path, "--master", "h264", "--no-proxy", "--json",
    )  # fmt: skip
    settings = made.json["settings"]
    assert settings["rate"] == [30000, 1001]
    assert settings["start_frame"] == 1078920
    assert settings["resolution"] == [1280, 720]
    assert settings["folder"] == str(tmp_path)
    assert (settings["master"], settings["proxy"], settings["drop_frame"]) == ("h264", False, True)
    assert made.json["id"] in {row["id"] for row in cli("project", "list", "--json").json["projects"]}
    assert "Wide Film" in cli("project", "list").out
    shown = cli("project", "show", "wide film")
    assert "1280x720" in shown.out
    assert "10:00:00;00" in shown.out
    assert {"sequences", "shots", "media", "settings"} <= set(cli("project", "show", "Wide", "--json").json)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("project", "new", "X", "--rate", "23"), "bad_rate"),
        (("project", "new", "X", "--rate", "nan"), "bad_rate"),
        (("project", "new", "X", "--resolution", "wide"), "bad_value"),
        (("project", "new", "X", "--start", "25:99:00:00"), "bad_timecode"),
        (("project", "new", ""), "bad_name"),
        (("project", "show", "Nowhere"), "no_such_project"),
        (("fork", "Nowhere"), "no_such_project"),
    ],
)
def test_bad_input_is_refused(shared: Path, cli: Cli, arguments: tuple[str, ...], code: str) -> None:
    done = cli(*arguments, "--json")
    assert (done.code, done.error["code"]) == (2, code)


def test_an_ambiguous_name_lists_what_it_fits(shared: Path, cli: Cli) -> None:
    for name in ("Twins one", "Twins two"):
        assert cli("project", "new", name).code == 0
    done = cli("project", "show", "twins", "--json")
    assert (done.code, done.error["code"]) == (2, "ambiguous_name")
    assert {row["name"] for row in done.error["candidates"]} == {"Twins one", "Twins two"}
    assert cli("project", "show", "Twins one").code == 0


def test_without_a_project_one_must_be_named(shared: Path, cli: Cli) -> None:
    for name in ("Some film", "Another film"):
        cli("project", "new", name)
    done = cli("sequence", "new", "Reel")
    assert done.code == 2
    assert "--project" in done.err


def test_a_fork_copies_a_project(film: str, reel: dict[str, object], cli: Cli) -> None:
    done = cli("fork", film, "--name", "Copy of it", "--json")
    assert done.code == 0, done
    copy = cli("project", "show", done.json["project"], "--json").json
    assert copy["name"] == "Copy of it"
    assert [row["name"] for row in copy["sequences"]] == ["Reel"]
    assert copy["id"] != film
    assert cli("fork", film, "--at", "0", "--json").error["code"] == "bad_request"
    beyond = cli("fork", film, "--at", "999999", "--json")
    assert (beyond.code, beyond.error["code"]) == (2, "no_such_version")


def test_media_is_added_listed_and_relinked(film: str, cli: Cli, tmp_path: Path) -> None:
    from PIL import Image

    first, second = tmp_path / "a.png", tmp_path / "moved.png"
    Image.new("RGB", (64, 36), "red").save(first)
    done = cli("media", "add", first, "--json")
    assert done.code == 0, done
    (row,) = done.json["media"]
    assert row["info"]["width"] == 64
    assert "a.png" in cli("media", "list").out
    first.rename(second)
    relinked = cli("media", "relink", "a.png", second, "--json")
    assert relinked.code == 0, relinked
    assert cli("media", "list", "--json").json["media"][0]["path"] == str(second)
    assert cli("media", "add", tmp_path / "gone.png", "--json").error["code"] == "no_such_file"
    assert cli("media", "relink", "nothing", second, "--json").error["code"] == "no_such_media"


def test_numbered_images_are_added_as_one_medium(film: str, cli: Cli, tmp_path: Path) -> None:
    from PIL import Image

    for number in (7, 8, 10):
        Image.new("RGB", (64, 36), "red").save(tmp_path / f"a.{number:04d}.png")
    done = cli("media", "add", tmp_path / "a.%04d.png", "--json")
    assert done.code == 0, done
    (row,) = done.json["media"]
    assert (row["info"]["kind"], row["info"]["frames"], row["info"]["start"]) == ("sequence", 4, 7)


def test_the_project_can_come_from_the_environment(film: str, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cli("sequence", "new", "Mine").code == 0
    names = [row["name"] for row in cli("sequence", "list", "--json").json["sequences"]]
    assert names == ["Mine"]
    monkeypatch.setenv("GENLOCK_PROJECT", "nowhere")
    assert json.loads(cli("sequence", "list", "--json").out)["error"]["code"] == "no_such_project"
