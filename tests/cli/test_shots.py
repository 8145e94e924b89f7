from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from .conftest import Cli


def test_a_shot_is_added_changed_and_listed(film: str, cli: Cli, tmp_path: Path) -> None:
    image = tmp_path / "ref.png"
    made = cli(
        "shot", "add", "SH0010", "--scene", "SC03", "--prompt", "A lighthouse", "--negative", "people", "--seed", 7,
        "--frames", 48, "--camera", "push", "--type", "wide", "--image", f"{image}@-1:0.5", "--notes", "n", "--json",
    )  # fmt: skip
    assert made.code == 0, made
    brief = made.json["brief"]
    assert (brief["prompt"], brief["negative_prompt"], brief["seed"], brief["frames"]) == (
        "A lighthouse",
        "people",
        7,
        48,
    )
    assert brief["rate"] == [25, 1]
    assert brief["conditioning"][0]["path"] == str(image)
    assert (brief["conditioning"][0]["frame"], brief["conditioning"][0]["strength"]) == (-1, 0.5)
    changed = cli(
        "shot",
        "set",
        "sh0010",
        "--prompt",
        "A storm",
        "--code",
        "SH0020",
        "--status",
        "approved",
        "--no-images",
        "--json",
    )
    assert changed.code == 0, changed
    assert (changed.json["code"], changed.json["scene"], changed.json["status"]) == ("SH0020", "SC03", "approved")
    assert changed.json["brief"]["prompt"] == "A storm"
    assert changed.json["brief"]["seed"] == 7
    assert not changed.json["brief"].get("conditioning")
    assert "A storm" in cli("shot", "list").out
    assert [row["code"] for row in cli("shot", "list", "--json").json["shots"]] == ["SH0020"]


@pytest.mark.parametrize(
    ("arguments", "code", "exit_code"),
    [
        (("shot", "add", "SH0010"), "name_taken", 1),
        (("shot", "add", ""), "bad_name", 2),
        (("shot", "add", "SH2", "--rate", "7"), "bad_rate", 2),
        (("shot", "add", "SH2", "--resolution", "7"), "bad_value", 2),
        (("shot", "set", "SH0010"), "bad_request", 2),
        (("shot", "set", "SH9999", "--seed", "1"), "no_such_shot", 2),
        (("take", "list", "SH9999"), "no_such_shot", 2),
        (("take", "select", "SH0010", "3"), "no_such_take", 2),
        (("generate",), "bad_request", 2),
        (("generate", "SH0010", "--all"), "bad_request", 2),
        (("generate", "SH9999"), "no_such_shot", 2),
        (("generate", "SH0010", "--mode", "dream"), "bad_value", 2),
        (("generate", "SH0010", "--set", "nonsense"), "bad_request", 2),
        (("jobs", "--status", "lost"), "bad_value", 2),
        (("jobs", "cancel", "nothing"), "no_such_job", 2),
        (("jobs", "retry", "nothing"), "no_such_job", 2),
    ],
)
def test_bad_input_is_refused(film: str, cli: Cli, arguments: tuple[str, ...], code: str, exit_code: int) -> None:
    assert cli("shot", "add", "SH0010").code == 0
    done = cli(*arguments, "--json")
    assert (done.error["code"], done.code) == (code, exit_code)


def test_generating_waits_shows_and_selects_takes(film: str, cli: Cli) -> None:
    for code in ("SH0010", "SH0020"):
        cli("shot", "add", code, "--prompt", "A lighthouse, slow push", "--frames", 8)
    first = cli("generate", "--all", "--wait", "--json")
    assert first.code == 0, first
    assert [row["status"]["type"] for row in first.json["jobs"]] == ["succeeded", "succeeded"]
    second = cli("generate", "SH0010", "--seed", 9, "--set", "prompt=A storm", "--wait")
    assert second.code == 0, second
    assert "1 of 1" in second.out
    said = " ".join(second.out.split())
    made = cli("take", "list", "SH0010", "--json").json["takes"][1]
    assert f"SH0010 v002 text_to_video by animatic, draft: {made['path']}" in said
    assert "genlock doctor" in said
    assert "text_to_video succeeded animatic draw" in " ".join(cli("jobs").out.split())
    assert "text_to_video animatic, draft draw 9" in " ".join(cli("take", "list", "SH0010").out.split())
    takes = cli("take", "list", "SH0010", "--json").json
    assert [take["number"] for take in takes["takes"]] == [1, 2]
    assert all(Path(take["path"]).is_file() for take in takes["takes"])
    assert takes["takes"][1]["provenance"]["request"]["seed"] == 9
    assert takes["takes"][1]["provenance"]["request"]["prompt"] == "A storm"
    assert takes["selected"] == takes["takes"][1]["id"]
    assert cli("take", "select", "SH0010", "v001").code == 0
    assert cli("take", "list", "SH0010", "--json").json["selected"] == takes["takes"][0]["id"]
    assert "shown" in cli("take", "list", "SH0010").out
    assert cli("take", "select", "SH0010", "none").code == 0
    assert cli("generate", "--all").out.startswith("Nothing to do")


def test_plans_are_shown_before_anything_is_queued(film: str, cli: Cli, tmp_path: Path) -> None:
    cli("shot", "add", "SH0010", "--prompt", "A lighthouse", "--frames", 8)
    shown = cli("generate", "SH0010", "--plan")
    assert shown.code == 0, shown
    assert "animatic" in shown.out
    assert "needs" in shown.out
    (found,) = cli("generate", "SH0010", "--plan", "--json").json["plans"]
    assert [plan["engine"] for plan in found["plans"]] == ["animatic"]
    assert cli("jobs", "--json").json["jobs"] == []


def test_marks_on_the_command_line_become_selections(
    film: str, cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from PIL import Image

    cli("shot", "add", "SH0010", "--frames", 8)
    source, look = tmp_path / "a.png", tmp_path / "look.png"
    for path in (source, look):
        Image.new("RGB", (64, 48)).save(path)
    marks = ("--point", "12,20", "--point", "30,4.5", "--box", "4,4,40,30", "--text", "the lighthouse")
    sized = ("--set", f"source={source}", "--set", "resolution=[64,48]", "--set", "frames=1")
    done = cli("generate", "SH0010", "--mode", "mask", *marks, *sized, "--reference", look, "--mask", look, "--json")
    (job,) = done.json["jobs"]
    (selection,) = job["request"]["selections"]
    assert selection == {
        "points": [[12.0, 20.0, True], [30.0, 4.5, True]],
        "boxes": [[4.0, 4.0, 40.0, 30.0, True]],
        "text": "the lighthouse",
        "mask": str(look),
    }
    assert job["request"]["references"] == [{"path": str(look)}]
    painted = cli("generate", "SH0010", "--mode", "inpaint", "--mask", look, *sized, "--no-wait", "--json")
    assert painted.json["jobs"][0]["request"]["mask"] == str(look)
    monkeypatch.chdir(tmp_path)
    here = ("--set", "source=a.png", "--no-wait", "--json")
    larger = cli("generate", "SH0010", "--mode", "upscale", *here).json["jobs"][0]["request"]
    assert larger["source"] == str(source), "a path is seen from the folder one stands in"
    assert cli("generate", "SH0010", "--point", "12", "--json").error["code"] == "bad_value"
    assert cli("generate", "SH0010", "--box", "1,2,3", "--json").error["code"] == "bad_value"


def test_a_queued_job_is_listed_watched_cancelled_and_retried(film: str, cli: Cli) -> None:
    cli("shot", "add", "SH0010", "--frames", 2000)
    queued = cli("generate", "SH0010", "--no-wait", "--json")
    assert queued.code == 0, queued
    job = queued.json["jobs"][0]["id"]
    assert job[:8] in cli("jobs").out
    assert cli("jobs", "cancel", job[:12]).code == 0
    assert "SH0010" in cli("jobs").out
    rows = cli("jobs", "--status", "cancelled", "--json").json["jobs"]
    assert [row["id"] for row in rows] == [job]
    assert cli("jobs", "cancel", job, "--json").error["code"] == "wrong_state"
    assert cli("shot", "set", "SH0010", "--frames", 4).code == 0
    assert cli("jobs", "retry", job).code == 0
    assert cli("jobs", "cancel", job).code == 0
    assert cli("jobs", "--watch").code == 0


def test_watching_prints_a_line_for_each_change(film: str, cli: Cli) -> None:
    cli("shot", "add", "SH0010", "--frames", 400)
    cli("generate", "SH0010", "--no-wait")
    done = cli("jobs", "--watch", "--json")
    assert done.code == 0, done
    lines = [json.loads(line) for line in done.out.splitlines()]
    assert [line["status"]["type"] for line in lines if "status" in line][-1] == "succeeded"


def test_a_gap_is_filled(reel: dict[str, Any], cli: Cli) -> None:
    item = reel["tracks"][0]["items"][1]["id"]
    assert cli("edit", "Reel", json.dumps({"do": "LiftItems", "items": [item]})).code == 0
    done = cli("generate", "--gap", "Reel", "V1", "01:00:03:00", "--prompt", "Waves", "--wait", "--json")
    assert done.code == 0, done
    state = cli("sequence", "show", "Reel", "--json").json
    assert [i["source"]["type"] for i in state["tracks"][0]["items"]] == ["generator", "shot", "generator"]
    nothing = cli("generate", "--gap", "Reel", "V1", "5", "--json")
    assert (nothing.code, nothing.error["code"]) == (1, "no_gap_here")
    assert cli("generate", "--gap", "Reel", "V9", "5", "--json").error["code"] == "no_such_track"
    assert cli("generate", "--gap", "Reel", "V1", "00:00:00:00", "--json").error["code"] == "bad_timecode"


def test_shots_are_made_of_a_cut(reel: dict[str, Any], cli: Cli, tmp_path: Path) -> None:
    Image.new("RGB", (64, 36), "red").save(tmp_path / "a.png")
    (media,) = cli("media", "add", tmp_path / "a.png", "--json").json["media"]
    source = {"type": "media", "media": media["id"]}
    item = {"id": "still", "source": source, "duration": 25, "name": "Still"}
    added = cli("edit", "Reel", json.dumps({"do": "AppendItem", "track": reel["tracks"][0]["id"], "item": item}))
    assert added.code == 0, added
    done = cli("shot", "from", "Reel", "--track", "V1", "--json")
    assert done.code == 0, done
    (shot,) = done.json["shots"]
    state = cli("sequence", "show", "Reel", "--json").json
    assert state["version"] == done.json["version"]
    assert state["tracks"][0]["items"][3]["source"]["shot"] == shot
    assert cli("shot", "list", "--json").json["shots"][0]["brief"]["frames"] == 25
    assert cli("shot", "from", "Reel", "--json").error["code"] == "no_change"
    assert cli("shot", "from", "Nowhere", "--json").error["code"] == "no_such_sequence"
