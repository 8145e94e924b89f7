"""The REST routes against a real daemon. Each good answer is checked against its documented type on the way (conftest)."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

NOBODY = "0" * 32


@pytest.fixture(scope="module")
def cut(ann: Any) -> tuple[str, str, str]:
    project = ann.project("Routes", resolution=[1280, 720])
    sequence = ann.sequence(project)
    track = ann.track(sequence)
    for name in ("One", "Two", "Three"):
        ann.append(sequence, track, name=name)
    return project, sequence, track


def test_health_needs_no_token_and_tells_little(ann: Any) -> None:
    assert set(ann.get("/health")) == {"status", "version", "protocol"}


def test_projects_sequences_and_history(ann: Any, cut: tuple[str, str, str]) -> None:
    project, sequence, track = cut
    assert project in [p["id"] for p in ann.get("/api/projects")]
    assert ann.get(f"/api/projects/{project}")["name"] == "Routes"
    (row,) = ann.get(f"/api/projects/{project}/sequences")
    assert (row["id"], row["items"], row["duration"]) == (sequence, 3, 72)
    shown = ann.get(f"/api/sequences/{sequence}")
    items = next(t for t in shown["tracks"] if t["id"] == track)["items"]
    assert [item["name"] for item in items] == ["One", "Two", "Three"]
    old = ann.get(f"/api/sequences/{sequence}", version=2)
    assert old["version"] == 2
    assert old["duration"] == 24
    history = ann.get(f"/api/sequences/{sequence}/history", limit=2)
    assert [entry["version"] for entry in history["entries"]] == [4, 3]
    assert history["entries"][0]["intent"] == "AppendItem"
    assert ann.get(f"/api/sequences/{sequence}/history", before=3)["entries"][0]["version"] == 2
    assert ann.get(f"/api/sequences/{sequence}/history", actor="nobody")["entries"] == []
    assert ann.get(f"/api/projects/{project}/media") == []
    assert ann.get(f"/api/projects/{project}/shots") == []


def test_a_command_over_rest_is_idempotent(ann: Any) -> None:
    body = {"id": uuid4().hex, "command": {"do": "CreateProject", "name": "Twice"}}
    once, twice = ann.post("/api/commands", body), ann.post("/api/commands", body)
    assert twice == {**once, "duplicate": True}
    body["command"]["name"] = "Other"
    assert ann.refused("POST", "/api/commands", json=body) == (409, "command_id_reused")


@pytest.mark.parametrize(
    ("method", "path", "body", "wanted"),
    [
        ("GET", f"/api/projects/{NOBODY}", None, (404, "no_such_project")),
        ("GET", f"/api/projects/{NOBODY}/shots", None, (404, "no_such_project")),
        ("GET", f"/api/sequences/{NOBODY}", None, (404, "no_such_sequence")),
        ("GET", f"/api/sequences/{NOBODY}/history", None, (404, "no_such_sequence")),
        ("GET", f"/api/shots/{NOBODY}", None, (404, "no_such_shot")),
        ("GET", f"/api/jobs/{NOBODY}", None, (404, "no_such_job")),
        ("GET", f"/media/{NOBODY}", None, (404, "no_such_media")),
        ("GET", f"/api/media/{NOBODY}/thumbnail", None, (404, "no_such_media")),
        ("GET", "/api/tasks/none", None, (404, "not_found")),
        ("GET", "/api/nothing", None, (404, "not_found")),
        ("GET", "/api/sequences/short", None, (400, "bad_request")),
        ("GET", "/api/jobs?status=happy", None, (400, "bad_request")),
        ("DELETE", "/api/projects", None, (405, "bad_request")),
        ("POST", "/api/commands", [], (400, "bad_request")),
        ("POST", "/api/commands", {"id": "x"}, (400, "bad_request")),
        ("POST", "/api/commands", {"id": "x", "command": {"do": "Explode"}}, (400, "unknown_command")),
        ("POST", "/api/commands", {"id": "x", "command": {}, "surplus": 1}, (400, "bad_request")),
        ("POST", "/api/commands", {"id": "", "command": {"do": "CreateProject", "name": "x"}}, (400, "bad_value")),
        ("POST", f"/api/projects/{NOBODY}/import", {"path": "relative.otio"}, (400, "bad_value")),
        ("POST", f"/api/projects/{NOBODY}/import", {}, (400, "bad_request")),
        ("POST", f"/api/projects/{NOBODY}/import", {"path": "/etc/passwd"}, (403, "outside_roots")),
        ("POST", f"/api/projects/{NOBODY}/generate", {}, (400, "bad_request")),
        ("POST", f"/api/projects/{NOBODY}/generate", {"all": True, "shots": [NOBODY]}, (400, "bad_request")),
        ("POST", f"/api/projects/{NOBODY}/generate", {"all": True}, (404, "no_such_project")),
        ("POST", f"/api/projects/{NOBODY}/shots-from", {"sequence": NOBODY}, (404, "no_such_sequence")),
        ("POST", f"/api/projects/{NOBODY}/media", {"paths": ["/etc/passwd"]}, (404, "no_such_project")),
        ("POST", "/api/media/none/relink", {"path": "/etc/passwd"}, (403, "outside_roots")),
        ("POST", "/api/store/backup", {"path": "/etc/copy.genlock"}, (403, "outside_roots")),
        ("PATCH", "/api/settings", {"job_slots": 0}, (400, "bad_value")),
        ("PATCH", "/api/settings", {"unknown": 1}, (400, "bad_value")),
        ("PATCH", "/api/settings", [1], (400, "bad_value")),
    ],
)
def test_every_refusal_has_its_code(ann: Any, method: str, path: str, body: Any, wanted: tuple[int, str]) -> None:
    assert ann.refused(method, path, json=body) == wanted


def test_broken_json_is_named(ann: Any, cut: tuple[str, str, str]) -> None:
    headers = {"content-type": "application/json"}
    for path in ("/api/commands", f"/api/projects/{cut[0]}/import"):
        for content in (b"{", b"\xff\xfe", b'{"id":"\xff"}'):
            assert ann.refused("POST", path, content=content, headers=headers) == (400, "bad_json")


def test_settings_are_kept(ann: Any) -> None:
    assert ann.get("/api/settings")["job_slots"] == 1
    answer = ann.request("PATCH", "/api/settings", json={"job_slots": 2})
    assert answer.json()["job_slots"] == 2
    assert ann.get("/api/settings")["job_slots"] == 2
    assert json.loads(ann.services.settings_file.read_bytes())["job_slots"] == 2


def test_memory_engines_and_doctor(ann: Any) -> None:
    assert ann.get("/api/memory")["budget"] > 0
    engines = {row["name"]: row for row in ann.get("/api/engines")}
    assert engines["animatic"]["available"]
    checks = {row["name"]: row for row in ann.get("/api/doctor")["checks"]}
    assert checks["store"]["ok"]
    assert checks["engine animatic"]["ok"]
    assert str(ann.services.folder) in checks["roots"]["detail"]


def test_the_store_is_proven_backed_up_and_exported(ann: Any, studio: Path) -> None:
    held = ann.get("/api/store")
    assert held["tip"] == ann.services.app.head_id()
    assert ann.post("/api/store/verify")["ok"] is True
    copy = studio / "media" / "copy.genlock"
    assert ann.post("/api/store/backup", {"path": str(copy)}) == {"path": str(copy)}
    assert copy.stat().st_size > 0
    assert ann.refused("POST", "/api/store/backup", json={"path": str(copy)}) == (400, "bad_name")
    lines = studio / "media" / "log.jsonl"
    ann.post("/api/store/export", {"path": str(lines)})
    assert len(lines.read_text().splitlines()) >= held["tip"]


def test_an_internal_error_is_one_traceback_and_no_detail(
    ann: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken() -> None:
        raise RuntimeError("the details are ours")

    monkeypatch.setattr(ann.services.app, "projects", broken)
    answer = ann.request("GET", "/api/projects")
    assert answer.status_code == 500
    assert answer.json()["error"]["code"] == "internal"
    assert "details" not in answer.text
    end = time.monotonic() + 5
    while not (logged := [row for row in caplog.records if row.exc_info]):  # the answer goes out first
        assert time.monotonic() < end
        time.sleep(0.01)
    assert len(logged) == 1


def test_the_panel_or_a_plain_page_is_there(ann: Any) -> None:
    page = ann.http.get("/")
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    assert "enlock" in page.text
    assert ann.http.get("/favicon.ico").status_code in (200, 204)
    assert ann.refused("GET", "/assets/nothing.js") == (404, "not_found")
    assert ann.refused("GET", "/assets/..%2findex.html") == (404, "not_found")
