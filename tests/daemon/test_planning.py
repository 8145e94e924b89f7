"""Plans before anything is queued, the memory's picture, and the files that a request may name."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.generation import footage


@pytest.fixture
def project(ann: Any) -> str:
    return str(ann.command("CreateProject", name="Blue")["created"][0])


def shot_of(ann: Any, project: str, code: str = "SH1") -> str:
    brief = {"prompt": "A lighthouse", "frames": 12}
    found: str = ann.command("CreateShot", project=project, code=code, brief=brief)["created"][0]
    return found


def test_a_dry_run_shows_the_plans_and_queues_nothing(ann: Any, project: str) -> None:
    shots = [shot_of(ann, project), shot_of(ann, project, "SH2")]
    settings = ann.get(f"/api/projects/{project}")["settings"]
    answer = ann.post(f"/api/projects/{project}/generate", {"all": True, "dry_run": True})
    assert answer["jobs"] == []
    assert [(row["shot"], row["code"], row["mode"]) for row in answer["plans"]] == [
        (shots[0], "SH1", "text_to_video"), (shots[1], "SH2", "text_to_video"),
    ]  # fmt: skip
    plan = answer["plans"][0]["plans"][-1]
    assert (plan["engine"], plan["draft"], plan["asked"], plan["product"]) == ("animatic", True, 12, "movie")
    assert plan["bytes"] > 0
    assert plan["forecast"].startswith("needs ")
    assert ann.get("/api/jobs", project=project) == []
    assert ann.get(f"/api/projects/{project}")["settings"] == settings


def test_a_dry_run_tells_of_a_shot_that_is_not_there_yet(ann: Any, project: str) -> None:
    body = {"mode": "text_to_video", "overrides": {"prompt": "Fog", "frames": 24}, "dry_run": True}
    (row,) = ann.post(f"/api/projects/{project}/generate", body)["plans"]
    assert (row["shot"], row["code"], row["mode"]) == ("", "", "text_to_video")
    assert row["plans"][-1]["asked"] == 24
    assert ann.get("/api/jobs", project=project) == []
    address = f"/api/projects/{project}/generate"
    assert ann.refused("POST", address, json={**body, "dry_run": False}) == (400, "bad_request")
    assert ann.refused("POST", address, json={**body, "mode": "enhance_prompt"}) == (404, "no_such_shot")
    assert ann.refused("POST", address.replace(project, "0" * 32), json=body) == (404, "no_such_project")


@pytest.mark.parametrize(
    ("body", "refused"),
    [
        ({"gap": {"sequence": "0" * 32, "track": "V1", "at": 1}}, (400, "bad_request")),
        ({"overrides": {"engine": "dream"}}, (404, "no_such_engine")),
        ({"overrides": {"resolution": [15, 15]}}, (422, "bad_generation")),
        ({"overrides": {"prompt": "x" * 100_000}}, (422, "bad_generation")),
        ({"mode": "mask"}, (422, "bad_generation")),
    ],
)
def test_a_dry_run_is_refused_like_the_run(ann: Any, project: str, body: dict[str, Any], refused: Any) -> None:
    shots = {} if "gap" in body else {"shots": [shot_of(ann, project)]}
    assert ann.refused("POST", f"/api/projects/{project}/generate", json={**body, **shots, "dry_run": True}) == refused


@pytest.mark.parametrize("dry_run", [False, True])
@pytest.mark.parametrize(
    "fields",
    [
        {"references": [{"path": "/etc/passwd"}]},
        {"mask": "/etc/passwd"},
        {"selections": [{"mask": "/etc/passwd"}]},
    ],
)
def test_every_file_of_a_request_lies_below_the_roots(
    ann: Any, project: str, studio: Path, fields: dict[str, Any], dry_run: bool
) -> None:
    source = studio / "media" / "a.png"
    Image.new("RGB", (64, 48)).save(source)
    overrides = {"mode": "inpaint", "source": str(source), **fields}
    body = {"shots": [shot_of(ann, project)], "overrides": overrides, "dry_run": dry_run}
    assert ann.refused("POST", f"/api/projects/{project}/generate", json=body) == (403, "outside_roots")
    assert ann.get("/api/jobs", project=project) == []


def test_a_mask_of_another_size_is_refused_with_both_sizes(ann: Any, project: str, studio: Path) -> None:
    media = studio / "media"
    for name, size in (("a.png", (64, 48)), ("mask.png", (32, 24))):
        Image.new("L", size).save(media / name)
    overrides = {"mode": "inpaint", "source": str(media / "a.png"), "mask": str(media / "mask.png")}
    body = {"shots": [shot_of(ann, project)], "overrides": overrides, "dry_run": True}
    answer = ann.http.post(f"/api/projects/{project}/generate", json=body)
    assert answer.status_code == 422
    assert "32x24" in answer.json()["error"]["message"]
    assert "64x48" in answer.json()["error"]["message"]


def test_the_memory_is_shown_whole(ann: Any, project: str) -> None:
    state = ann.get("/api/memory")
    assert set(state["tiers"]) == {"device", "host"}
    assert state["slots"] == {"heavy": 1, "interactive": 1, "language": 1, "native": 1}
    assert (state["leases"], state["waiting"], state["residents"]) == ([], [], [])
    assert state["machine"]["name"]
    with ann.socket(project=project) as wire:
        shot = shot_of(ann, project)
        ann.post(f"/api/projects/{project}/generate", {"shots": [shot]})
        told = wire.until("memory", 60)
    assert set(ann.get("/api/memory")) <= set(told)
    assert ann.get("/api/memory")["tenants"]["total"] > 0


def test_a_file_given_as_source_decides_length_and_size(ann: Any, project: str, studio: Path) -> None:
    clip, still = studio / "media" / "c.mov", studio / "media" / "odd.png"
    footage.clip(clip, [footage.disc(number)[0] for number in range(7)])
    Image.new("RGB", (65, 49)).save(still)
    shot = shot_of(ann, project)

    def asked(mode: str, source: Path, **more: Any) -> dict[str, Any]:
        body = {"shots": [shot], "mode": mode, "overrides": {"source": str(source), "engine": "animatic", **more}}
        (job,) = ann.post(f"/api/projects/{project}/generate", body)["jobs"]
        request: dict[str, Any] = ann.get(f"/api/jobs/{job}")["request"]
        return request

    points = [{"points": [[9, 9]]}]
    larger = asked("upscale", clip)
    assert (larger["frames"], larger["resolution"], larger["rate"]) == (7, [640, 384], [24, 1])
    assert asked("upscale", clip, frames=3)["frames"] == 3, "what is given stays"
    tracked = asked("track", clip, selections=points)
    assert (tracked["frames"], tracked["resolution"]) == (7, [320, 192])
    mended = asked("inpaint", still, selections=points)
    assert (mended["frames"], mended["resolution"]) == (1, [64, 48])
    (studio / "media" / "x.mov").write_bytes(b"no movie")
    body = {"shots": [shot], "mode": "upscale", "overrides": {"source": str(studio / "media" / "x.mov")}}
    assert ann.refused("POST", f"/api/projects/{project}/generate", json=body)[1] == "media_unreadable"
    body["overrides"] = {"source": "/etc/passwd"}
    assert ann.refused("POST", f"/api/projects/{project}/generate", json=body) == (403, "outside_roots")


NESTED: list[Any] = json.loads("[" * 300 + "]" * 300)


@pytest.mark.parametrize("dry_run", [False, True])
@pytest.mark.parametrize(
    "overrides",
    [{"app": 1}, {"shot": "x"}, {"probe": 1}, {"conditioning": 5}, {"conditioning": [5]}, {"source": 5}, {"mode": []},
     {"mode": "extend", "take": 5}, {"mode": "extend", "take": []}, {"settings": 5}, {"priority": []}, {"frames": 1e400},
     {"prompt": "\ud800"}, {"start_frame": 10**30}, {"priority": 10**30}, {"settings": {"x": 2**64}},
     {"settings": {"x": NESTED}}, {"settings": {"x": math.nan}}, {"priority": True},
     {"selections": [{"points": [[math.nan, 1]]}]}, {"references": [{"path": "/x.png", "strength": math.inf}]}],
)  # fmt: skip
def test_fields_of_other_types_are_refused(ann: Any, project: str, overrides: dict[str, Any], dry_run: bool) -> None:
    body = {"shots": [shot_of(ann, project)], "overrides": overrides, "dry_run": dry_run}
    status, _ = ann.refused(
        "POST",
        f"/api/projects/{project}/generate",
        content=json.dumps(body),
        headers={"content-type": "application/json"},
    )
    assert 400 <= status < 500
    assert ann.get("/api/jobs", project=project) == []
