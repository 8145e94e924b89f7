"""The daemon as Pallaidium's remote backend: the requests that its add-on sends, byte for byte as it builds them."""

from __future__ import annotations

import io
import json
import os
import time
import urllib.error
import urllib.parse
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import av
import pytest
from PIL import Image

BOUNDARY = "----PallaidiumBoundary0123456789abcdef"


class AddOn:
    """Speaks as the add-on's client does: plain urllib, the key in three places at once."""

    def __init__(self, url: str, key: str) -> None:
        self.url, self.key = url, key

    def request(self, method: str, path: str, data: bytes | None = None, kind: str = "") -> bytes:
        url = f"{self.url}{path}?{urllib.parse.urlencode({'api_key': self.key})}"
        headers = {"Accept": "application/json", "Authorization": f"Bearer {self.key}", "X-API-Key": self.key}
        if kind:
            headers["Content-Type"] = kind
        asked = urllib.request.Request(url, data=data, method=method, headers=headers)
        with urllib.request.urlopen(asked, timeout=30) as answer:
            return bytes(answer.read())

    def get(self, path: str) -> Any:
        return json.loads(self.request("GET", path))

    def post(self, path: str, payload: dict[str, Any]) -> Any:
        return json.loads(self.request("POST", path, json.dumps(payload).encode(), "application/json"))

    def upload(self, name: str, content: bytes, purpose: str = "reference") -> str:
        parts = [
            f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="purpose"\r\n\r\n{purpose}\r\n'.encode(),
            f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'.encode(),
            b"Content-Type: image/png\r\n\r\n" + content + f"\r\n--{BOUNDARY}--\r\n".encode(),
        ]
        answer = self.request("POST", "/v1/files", b"".join(parts), f"multipart/form-data; boundary={BOUNDARY}")
        return str(json.loads(answer)["file_id"])

    def run(self, path: str, payload: dict[str, Any]) -> bytes:
        """Submits, polls and downloads, as its queue does."""
        queued = self.post(path, payload)
        assert queued["status"] == "queued"
        deadline = time.monotonic() + 60
        shares = []
        while time.monotonic() < deadline:
            job = self.get(f"/v1/jobs/{queued['id']}")
            shares.append(job["progress"])
            if job["status"] == "succeeded":
                assert shares == sorted(shares)
                return self.request("GET", f"/v1/files/{job['file_id']}")
            assert job["status"] in ("queued", "running"), job
            time.sleep(0.1)
        raise AssertionError("the job did not end")


def video(**fields: Any) -> dict[str, Any]:
    payload = {
        "prompt": "a lighthouse at dusk", "negative_prompt": "", "width": 320, "height": 192, "num_frames": 25,
        "fps": 24, "seed": 7, "strength": 0.8, "model": "animatic",
    }  # fmt: skip
    return {**payload, **fields}


def png(colour: str) -> bytes:
    data = io.BytesIO()
    Image.new("RGB", (320, 192), colour).save(data, "PNG")
    return data.getvalue()


def movie(data: bytes) -> tuple[int, int, int, str]:
    with av.open(io.BytesIO(data)) as container:
        stream = container.streams.video[0]
        frames = sum(1 for _ in container.decode(stream))
        return frames, stream.width, stream.height, stream.codec_context.name


@pytest.fixture
def add_on(ann: Any) -> AddOn:
    return AddOn(ann.daemon.base_url, ann.daemon.token)


def refused(call: Any) -> tuple[int, dict[str, Any]]:
    with pytest.raises(urllib.error.HTTPError) as caught:
        call()
    with caught.value as error:
        return error.code, json.loads(error.read())["error"]


def test_health_names_the_contract_and_a_wrong_key_is_told(add_on: AddOn) -> None:
    assert add_on.get("/v1/health") == {"status": "ok", "contract_versions": ["v0.1"]}
    status, error = refused(lambda: AddOn(add_on.url, "wrong").get("/v1/health"))
    assert (status, error["code"]) == (401, "unauthorized")


def test_models_are_the_engines_that_can_run_here(add_on: AddOn) -> None:
    entries = {entry["id"]: entry for entry in add_on.get("/v1/models")["data"]}
    assert entries["animatic"]["type"] == "video"
    assert set(entries["animatic"]["modes"]) == {"t2v", "i2v"}
    assert "ltx2" not in entries, "it has no weights here"


def test_a_clip_is_made_and_downloaded(add_on: AddOn, ann: Any) -> None:
    data = add_on.run("/v1/videos", video())
    assert movie(data) == (25, 320, 192, "h264")
    assert data[4:8] == b"ftyp", "an .mp4, as the add-on will call it"
    project = next(p for p in ann.http.get("/api/projects").json() if p["name"] == "Pallaidium")
    (shot,) = ann.http.get(f"/api/projects/{project['id']}/shots").json()
    assert shot["brief"]["prompt"] == "a lighthouse at dusk"
    assert len(shot["takes"]) == 1


def test_first_last_and_anchor_pictures_lead_the_clip(add_on: AddOn, ann: Any) -> None:
    first, last, middle = (add_on.upload("image.png", png(colour)) for colour in ("red", "blue", "lime"))
    queued = add_on.post(
        "/v1/videos",
        video(
            image_file_id=first,
            image_b64="aWdub3JlZA==",
            last_image_file_id=last,
            anchor_file_ids=[{"file_id": middle, "fraction": 0.5}],
        ),
    )
    request = ann.services.app.job(queued["id"]).request
    assert request.mode == "keyframes"
    assert [(condition.frame, condition.strength) for condition in request.conditioning] == [
        (0, 0.8),
        (-1, 0.8),
        (12, 0.8),
    ]
    alone = add_on.post("/v1/videos", video(image_file_id=first))
    assert ann.services.app.job(alone["id"]).request.mode == "image_to_video"


def test_an_image_and_an_edit_of_it(add_on: AddOn, ann: Any) -> None:
    entries = [entry for entry in add_on.get("/v1/models")["data"] if entry["type"] == "image"]
    assert entries, "an engine that needs no weights makes images"
    asked = {
        "prompt": "a harbour", "negative_prompt": "", "width": 320, "height": 192, "num_inference_steps": 20,
        "guidance_scale": 3.5, "seed": 0, "model": entries[0]["id"],
    }  # fmt: skip
    data = add_on.run("/v1/images/generations", asked)
    with Image.open(io.BytesIO(data)) as picture:
        assert (picture.format, picture.size) == ("PNG", (320, 192))
    if "i2i" in entries[0]["modes"]:
        sent = add_on.upload("image.png", png("navy"))
        queued = add_on.post("/v1/images/generations", {**asked, "image_file_id": sent})
        assert ann.services.app.job(queued["id"]).request.mode == "edit_image"


def test_what_fails_is_told_in_the_words_of_the_contract(add_on: AddOn, ann: Any) -> None:
    status, error = refused(lambda: add_on.post("/v1/videos", video(model="no-such")))
    assert (status, error["code"]) == (422, "bad_generation")
    assert "animatic" in error["message"]
    status, error = refused(lambda: add_on.post("/v1/videos", video(image_file_id="0" * 32)))
    assert (status, error["code"]) == (404, "no_such_media")
    for name in ("../../etc/passwd", "..%2F..%2Fetc", "0" * 31):
        status, _ = refused(lambda name=name: add_on.get(f"/v1/files/{name}"))
        assert status in (400, 404, 422)
    status, error = refused(lambda: add_on.upload("evil.sh", b"#!/bin/sh"))
    assert (status, error["code"]) == (400, "bad_name")
    for path in ("/v1/audio/speech", "/v1/audio/transcriptions"):
        status, error = refused(lambda path=path: add_on.post(path, {"input": "hello", "model": "x"}))
        assert error["code"] == "bad_generation"


def test_what_is_asked_at_once_goes_into_one_project(add_on: AddOn, ann: Any) -> None:
    with ThreadPoolExecutor(8) as people:
        queued = list(people.map(lambda seed: add_on.post("/v1/videos", video(seed=seed)), range(1, 25)))
    assert len({one["id"] for one in queued}) == 24
    assert [p["name"] for p in ann.http.get("/api/projects").json()].count("Pallaidium") == 1


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("strength", float("nan")),
        ("guidance_scale", float("inf")),
        ("anchor_file_ids", [{"file_id": "0" * 32, "fraction": float("nan")}]),
    ],
)
def test_what_is_no_number_is_refused(add_on: AddOn, field: str, value: Any) -> None:
    status, error = refused(lambda: add_on.post("/v1/videos", video(**{field: value})))
    assert (status, error["code"]) == (400, "bad_request")
    assert field in error["message"]


def test_what_was_sent_goes_after_a_day_unless_a_job_works_from_it(add_on: AddOn, ann: Any) -> None:
    used, unused = (add_on.upload("image.png", png(colour)) for colour in ("red", "blue"))
    folder = ann.services.folder / "uploads"
    for id_ in (used, unused):
        os.utime(folder / id_ / "file.png", (0, time.time() - 25 * 3600))
    add_on.post("/v1/videos", video(image_file_id=used))
    sent = add_on.upload("image.png", png("lime"))
    assert [(folder / id_).exists() for id_ in (used, unused, sent)] == [True, False, True]
    assert add_on.request("GET", f"/v1/files/{used}") == png("red")


def test_what_is_null_counts_as_left_out(add_on: AddOn) -> None:
    names = ("negative_prompt", "image_file_id", "last_image_file_id", "control_file_id", "video_file_id")
    assert add_on.post("/v1/videos", video(**dict.fromkeys(names)))["status"] == "queued"


def test_a_cancelled_job_ends_as_failed(add_on: AddOn, ann: Any) -> None:
    queued = add_on.post("/v1/videos", video(num_frames=2000, width=1280, height=720))
    ann.command("CancelJob", queued["id"])
    job = add_on.get(f"/v1/jobs/{queued['id']}")
    assert (job["status"], job["phase"]) == ("failed", "cancelled")


def test_the_key_in_the_address_is_not_logged(add_on: AddOn, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("DEBUG"):
        add_on.get("/v1/health")
    lines = [record.getMessage() for record in caplog.records if record.name.startswith("genlock")]
    assert any("/v1/health" in line for line in lines)
    assert not any(add_on.key in line for line in lines)
