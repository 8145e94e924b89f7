"""LTX-2 through the daemon: every mode, from the request over the worker to the take on disk."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from genlock import __version__
from genlock.cli.main import run
from genlock.project.shot import Take
from tests.models.lot import HEIGHT, SIZE, WIDTH, Array, Lot, frames, psnr, seconds_of_sound

pytest.importorskip("diffusers")

FAST = {"steps": 2, "schedule": "distilled"}
STEPS = f"settings={json.dumps(FAST)}"


def made(
    lot: Lot, shot: str = "", *, count: int = 9, settings: dict[str, Any] | None = None, **more: Any
) -> tuple[Take, Array]:
    """Returns a take and its frames, of which there must be `count`."""
    take = lot.made(shot, engine="ltx2", settings={**FAST, **(settings or {})}, **{"frames": count, **more})
    shown = frames(take.path)
    assert shown.shape == (count, HEIGHT, WIDTH, 3)
    assert said(take).engine == "ltx2"
    return take, shown


def said(take: Take) -> Any:
    assert take.provenance is not None
    return take.provenance


@pytest.fixture(scope="module")
def shot(lot: Lot) -> str:
    """A shot with one take of 17 frames."""
    found = lot.shot(frames=17)
    made(lot, found, count=17)
    return found


@pytest.fixture(scope="module")
def first(lot: Lot, shot: str) -> Array:
    """The frames of that take."""
    taken: dict[str, Any] = lot.get(f"/api/shots/{shot}")["takes"]
    return frames(min(taken.values(), key=lambda take: take["number"])["path"])


def test_a_take_from_text_says_all_about_itself(lot: Lot) -> None:
    shot = lot.shot(frames=9)
    take, shown = made(lot, shot)
    assert shown.std() > 1
    assert seconds_of_sound(take.path) == pytest.approx(9 / 24, abs=1e-4)
    assert take.info is not None
    assert (take.kind, take.number, take.info.frames) == ("picture", 1, 9)
    assert (take.info.width, take.info.height) == SIZE
    assert len(frames(take.proxy)) == 9
    made_so = said(take)
    assert made_so.request.mode == "text_to_video"
    assert (made_so.request.prompt, made_so.request.seed) == ("A lighthouse at dawn", 7)
    assert (made_so.engine_version, made_so.model, made_so.plan, made_so.draft) == ("1", "ltx2", "resident", False)
    assert made_so.versions["genlock"] == __version__
    assert {"python", "torch", "diffusers", "transformers", "safetensors", "av"} <= set(made_so.versions)
    assert {"generate", "finish", "deliver"} <= set(made_so.seconds)
    details = made_so.details
    assert (details["device"], details["dtype"], details["steps"]) == ("cpu", "float32", 2)
    assert details["schedule"] == "distilled"
    assert set(details["stages"]) == {"encode", "denoise", "decode"}
    state = lot.get(f"/api/shots/{shot}")
    assert state["selected"] == take.id


def test_the_same_request_gives_the_same_file(lot: Lot) -> None:
    one, two = (made(lot, prompt="twice the same")[0] for _ in range(2))
    assert one.info is not None
    assert two.info is not None
    assert one.path != two.path
    assert np.array_equal(frames(one.path), frames(two.path))


def test_the_full_schedule_reads_the_negative_prompt(lot: Lot) -> None:
    settings = {"schedule": "full", "guidance": 4.0}
    take, plain = made(lot, settings=settings)
    assert said(take).details["schedule"] == "full"
    _, other = made(lot, settings=settings, negative_prompt="blurry")
    assert not np.array_equal(plain, other)


def test_a_picture_is_followed(lot: Lot, footage: Path) -> None:
    condition = [{"path": str(footage / "a.png")}]
    take, shown = made(lot, mode="image_to_video", conditioning=condition)
    assert said(take).request.conditioning[0].path == str(footage / "a.png")
    assert "read" in said(take).details["stages"]
    assert not np.array_equal(shown, made(lot)[1])


def test_keyframes_are_followed_at_their_frames(lot: Lot, footage: Path) -> None:
    keys = [{"path": str(footage / "a.png")}, {"path": str(footage / "b.png"), "frame": -1, "strength": 0.8}]
    take, shown = made(lot, mode="keyframes", conditioning=keys, count=17)
    assert [key.frame for key in said(take).request.conditioning] == [0, -1]
    _, turned = made(lot, mode="keyframes", conditioning=[{**keys[0], "frame": -1}, {**keys[1], "frame": 0}], count=17)
    assert not np.array_equal(shown, turned)


def test_a_take_is_extended_by_new_frames(lot: Lot, shot: str) -> None:
    take, _ = made(lot, shot, mode="extend", count=10)
    assert said(take).request.source
    assert take.number > 1
    assert said(take).request.start_frame == 86_400 + 17


def test_a_range_is_taken_again_and_the_rest_kept(lot: Lot, shot: str, first: Array) -> None:
    source = lot.get(f"/api/shots/{shot}")["takes"]
    one = min(source.values(), key=lambda take: take["number"])["id"]
    take, shown = made(lot, shot, mode="retake", span=[5, 12], take=one, count=17)
    kept = [n for n in range(17) if not 5 <= n < 12]
    alike = [psnr(one, two) for one, two in zip(shown, first, strict=True)]
    assert min(alike[n] for n in kept) > 25  # encoded twice
    assert max(alike[5:12]) < 20
    assert seconds_of_sound(take.path) == pytest.approx(17 / 24, abs=1e-4)


def test_a_reference_is_looked_at(lot: Lot, footage: Path) -> None:
    shown = [{"path": str(footage / "disc.mov"), "frames": 9}]
    lora = {"loras": [{"name": "film-look"}]}
    take, with_it = made(lot, references=shown, settings=lora)
    assert said(take).request.references[0].frames == 9
    assert not np.array_equal(with_it, made(lot, settings=lora)[1])


def test_two_stages_refine_half_the_size(lot: Lot) -> None:
    take, _ = made(lot, settings={"two_stage": True})
    assert said(take).details["two_stage"] is True


def test_a_take_is_enlarged(lot: Lot, shot: str) -> None:
    take = lot.made(shot, mode="upscale", engine="ltx2")
    assert frames(take.path).shape == (len(frames(said(take).request.source)), 2 * HEIGHT, 2 * WIDTH, 3)


def test_a_lora_changes_frames_and_goes_again(lot: Lot) -> None:
    plain = made(lot)[1]
    take, strong = made(lot, settings={"loras": [{"name": "film-look", "weight": 0.8}]})
    assert said(take).details["loras"] == [["film-look", 0.8]]
    assert not np.array_equal(plain, strong)
    assert np.array_equal(made(lot)[1], plain)


def test_250_frames_asked_are_250_delivered(lot: Lot) -> None:
    take = lot.made(frames=250, engine="ltx2", resolution=[64, 64], settings=FAST | {"steps": 1})
    shown = frames(take.path)
    assert shown.shape == (250, 64, 64, 3)
    assert len(said(take).details["runs"]) > 1
    assert all(not np.array_equal(a, b) for a, b in itertools.pairwise(shown))  # no seam frame twice
    assert seconds_of_sound(take.path) == pytest.approx(250 / 24, abs=1e-4)


def test_a_gap_becomes_a_take_on_the_timeline(lot: Lot) -> None:
    sequence = lot.sequence(lot.film)
    track = lot.track(sequence)
    sides = [lot.shot(frames=9), lot.shot(frames=9)]
    for job in [lot.queue(side, engine="ltx2", settings=FAST) for side in sides]:
        lot.take_of(job)
    before, between, behind = {"type": "shot", "shot": sides[0]}, None, {"type": "shot", "shot": sides[1]}
    items = [lot.append(sequence, track, duration=n, source=s) for n, s in ((9, before), (11, between), (9, behind))]
    lot.command("LiftItems", sequence, items=[items[1]["item"]])
    body = {"gap": {"sequence": sequence, "track": track, "at": 12}, "overrides": {"engine": "ltx2", "settings": FAST}}
    (job,) = lot.post(f"/api/projects/{lot.film}/generate", body)["jobs"]
    take = lot.take_of(job)
    request = said(take).request
    assert (request.mode, request.frames) == ("fill_gap", 11)
    assert request.source
    assert request.after
    assert frames(take.path).shape == (11, HEIGHT, WIDTH, 3)
    shot = lot.job(job)["shot"]
    tracks = lot.get(f"/api/sequences/{sequence}")["tracks"]
    shown = next(t for t in tracks if t["id"] == track)["items"]
    assert [item["duration"] for item in shown] == [9, 11, 9]
    assert [item["source"].get("shot") for item in shown] == [sides[0], shot, sides[1]]
    assert take.path in lot.exported(sequence)


# -- from the command line to the cut


@pytest.fixture
def command_line(lot: Lot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GENLOCK_PROJECT", lot.film)
    monkeypatch.setenv("GENLOCK_STORE", lot.services.url)


def code_of(lot: Lot, shot: str) -> str:
    return str(lot.get(f"/api/shots/{shot}")["code"])


@pytest.mark.usefixtures("command_line")
def test_a_take_of_a_shot_on_a_track_is_what_the_cut_shows(lot: Lot, capsys: pytest.CaptureFixture[str]) -> None:
    shot, sequence = lot.shot(frames=9), lot.sequence(lot.film)
    item = lot.append(sequence, lot.track(sequence), duration=9, source={"type": "shot", "shot": shot})["item"]
    assert run(["generate", code_of(lot, shot), "--engine", "ltx2", "--set", STEPS, "--wait"]) == 0, capsys.readouterr()
    state = lot.get(f"/api/shots/{shot}")
    take = state["takes"][state["selected"]]
    assert frames(take["path"]).shape == (9, HEIGHT, WIDTH, 3)
    assert lot.exported(sequence) == [take["path"]]
    (shown,) = [i for t in lot.get(f"/api/sequences/{sequence}")["tracks"] for i in t["items"] if i["id"] == item]
    assert (shown["source"]["shot"], shown["source"].get("take")) == (shot, None)
    # A second take takes its place, and the first one can be chosen again.
    assert run(["generate", code_of(lot, shot), "--engine", "ltx2", "--set", STEPS, "--seed", "9", "--wait"]) == 0
    second = lot.get(f"/api/shots/{shot}")
    assert second["selected"] != take["id"]
    assert lot.exported(sequence) == [second["takes"][second["selected"]]["path"]]
    lot.command("SelectTake", shot, take=take["id"])
    assert lot.exported(sequence) == [take["path"]]


@pytest.mark.usefixtures("command_line")
@pytest.mark.parametrize(
    ("arguments", "kind", "suffix"),
    [
        (
            ["--mode", "mask", "--engine", "sam3", "--point", "40,30", "--set", "source={media}/disc.mov"],
            "mask",
            ".png",
        ),
        (["--mode", "image", "--engine", "flux2", "--reference", "{media}/a.png"], "picture", ".png"),
        (["--mode", "enhance_prompt", "--set", 'settings={"max_tokens": 8}'], "text", ".txt"),
    ],
)
def test_every_kind_of_take_comes_by_the_command_line(
    lot: Lot, footage: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], kind: str, suffix: str
) -> None:
    shot = lot.shot()
    given = [argument.replace("{media}", str(footage)) for argument in arguments]
    assert run(["generate", code_of(lot, shot), *given, "--wait"]) == 0, capsys.readouterr()
    (take,) = lot.get(f"/api/shots/{shot}")["takes"].values()
    assert (take.get("kind", "picture"), Path(take["path"]).suffix) == (kind, suffix)
    assert Path(take["path"]).stat().st_size > 0


@pytest.mark.usefixtures("command_line")
def test_a_plan_says_how_and_queues_nothing(lot: Lot, capsys: pytest.CaptureFixture[str]) -> None:
    shot = lot.shot()
    before: Any = lot.get("/api/jobs", project=lot.film)
    assert run(["generate", code_of(lot, shot), "--engine", "ltx2", "--plan"]) == 0
    told = capsys.readouterr().out
    assert "ltx2" in told
    assert "resident" in told
    assert lot.get("/api/jobs", project=lot.film) == before
