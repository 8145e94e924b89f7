"""The main job over REST: a cut comes in, becomes shots, gets takes, goes out and is rendered; and what can go wrong."""

from __future__ import annotations

import json
import time
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import httpx
import numpy as np
import pytest

from genlock.media.writer import TakeWriter
from genlock.timeline.model import Resolution
from genlock.timeline.rate import Rate

SIZE = Resolution(320, 180)


def make_clip(path: Path, frames: int = 48, *, value: int = 40) -> Path:
    with TakeWriter(path, rate=Rate(24), resolution=SIZE, master="h264" if path.suffix == ".mp4" else "prores") as out:
        for n in range(frames):
            picture = np.full((SIZE.height, SIZE.width, 3), value, np.uint8)
            picture[:, : n * 4] = 200
            out.write_video(picture)
    return path


def clip(name: str, target: str, first: int, duration: int, available: int = 48) -> dict[str, Any]:
    def span(start: int, length: int) -> dict[str, Any]:
        time_ = {"OTIO_SCHEMA": "RationalTime.1", "rate": 24.0}
        return {
            "OTIO_SCHEMA": "TimeRange.1",
            "start_time": {**time_, "value": float(start)},
            "duration": {**time_, "value": float(length)},
        }

    return {
        "OTIO_SCHEMA": "Clip.2",
        "name": name,
        "source_range": span(first, duration),
        "media_references": {
            "DEFAULT_MEDIA": {
                "OTIO_SCHEMA": "ExternalReference.1",
                "target_url": target,
                "available_range": span(0, available),
            }
        },
        "active_media_reference_key": "DEFAULT_MEDIA",
    }


def timeline(*children: dict[str, Any]) -> dict[str, Any]:
    track = {"OTIO_SCHEMA": "Track.1", "name": "V1", "kind": "Video", "children": list(children)}
    stack = {"OTIO_SCHEMA": "Stack.1", "name": "tracks", "children": [track]}
    return {"OTIO_SCHEMA": "Timeline.1", "name": "Cut", "tracks": stack}


GOOD = json.dumps(timeline(clip("x", "x.mov", 0, 5)))


@pytest.fixture(scope="module")
def footage(studio: Path) -> Path:
    return make_clip(studio / "media" / "footage.mov")


@pytest.fixture
def project(ann: Any, studio: Path) -> str:
    return ann.project(resolution=[320, 180], folder=str(studio / "media" / "film"))


@pytest.fixture
def imported(ann: Any, project: str, footage: Path, studio: Path) -> dict[str, Any]:
    file = studio / "media" / "cut.otio"
    children = (
        clip("SC02_SH0040", "footage.mov", 4, 12),
        clip("wide of the harbour.mov", str(studio / "media" / "gone.mov"), 10, 8),
        clip("again", footage.as_uri(), 20, 10),
    )
    file.write_text(json.dumps(timeline(*children)))
    return {**ann.post(f"/api/projects/{project}/import", {"path": str(file), "actor": "ann"}), "project": project}


def items(ann: Any, sequence: str) -> list[dict[str, Any]]:
    tracks = ann.get(f"/api/sequences/{sequence}")["tracks"]
    return next(track for track in tracks if track["kind"] == "video")["items"]


def ended(ann: Any, task: str, seconds: float = 60) -> dict[str, Any]:
    end = time.monotonic() + seconds
    while True:
        seen: dict[str, Any] = ann.get(f"/api/tasks/{task}")
        if seen["state"] not in ("waiting", "running"):
            return seen
        assert time.monotonic() < end, seen
        time.sleep(0.05)


# -- in


def test_an_import_finds_and_probes_its_media(ann: Any, imported: dict[str, Any], footage: Path) -> None:
    assert imported["version"] == 1
    assert [(Path(row["path"]).name, row["missing"]) for row in imported["media"]] == [
        ("footage.mov", False),
        ("gone.mov", True),
    ]
    pool = {Path(file["path"]).name: file for file in ann.get(f"/api/projects/{imported['project']}/media")}
    assert pool["footage.mov"]["path"] == str(footage)
    assert pool["footage.mov"]["info"]["frames"] == 48
    assert pool["gone.mov"]["missing"] is True
    assert [item["duration"] for item in items(ann, imported["sequence"])] == [12, 8, 10]
    entry = ann.get(f"/api/sequences/{imported['sequence']}/history")["entries"][-1]
    assert (entry["kind"], entry["actor"]) == ("import", "ann")


def test_importing_again_adds_no_media_twice(ann: Any, imported: dict[str, Any], studio: Path) -> None:
    before = ann.get(f"/api/projects/{imported['project']}/media")
    again = ann.post(f"/api/projects/{imported['project']}/import", {"path": str(studio / "media" / "cut.otio")})
    assert again["sequence"] != imported["sequence"]
    assert ann.get(f"/api/projects/{imported['project']}/media") == before


@pytest.mark.parametrize(
    ("content", "codes"),
    [
        (b"", {"bad_json"}),
        (b"{", {"bad_json"}),
        (b"\x00\xff" * 50, {"bad_json"}),
        (b"{}", {"bad_timeline", "unknown_format"}),
        (b"[" * 40_000 + b"]" * 40_000, {"too_deep"}),
        (json.dumps(timeline(clip("x", "x.mov", 0, -5))).encode(), {"bad_time", "bad_timeline"}),
        (
            json.dumps(timeline(clip("x", "x.mov", 0, 5))).replace("24.0", "NaN").encode(),
            {"bad_time", "bad_rate", "bad_json"},
        ),
        (json.dumps(timeline(clip("x", "x.mov", 0, 5))).replace("24.0", "-1.0").encode(), {"bad_rate", "bad_time"}),
    ],
)
def test_a_malformed_file_is_refused_and_leaves_nothing(
    ann: Any, project: str, studio: Path, content: bytes, codes: set[str]
) -> None:
    file = studio / "media" / "broken.otio"
    file.write_bytes(content)
    head = ann.services.app.head_id()
    status, code = ann.refused("POST", f"/api/projects/{project}/import", json={"path": str(file)})
    assert (status, code in codes) == (400, True), code
    assert ann.services.app.head_id() == head


def test_a_file_of_another_kind_is_refused(ann: Any, project: str, footage: Path, studio: Path) -> None:
    refused = ann.refused("POST", f"/api/projects/{project}/import", json={"path": str(footage)})
    assert refused == (415, "unknown_format")
    missing = {"path": str(studio / "media" / "nothing.otio")}
    assert ann.refused("POST", f"/api/projects/{project}/import", json=missing) == (404, "no_such_file")


def test_an_upload_can_be_imported(ann: Any, project: str) -> None:
    data = json.dumps(timeline(clip("a", "a.mov", 0, 5)))
    up = ann.request("POST", "/api/uploads", params={"name": "up.otio"}, content=data)
    made = ann.post(f"/api/projects/{project}/import", {"path": up.json()["path"], "name": "Uploaded"})
    assert ann.get(f"/api/sequences/{made['sequence']}")["name"] == "Uploaded"


# -- media


def test_media_joins_the_pool_and_is_relinked(ann: Any, project: str, footage: Path, studio: Path) -> None:
    (added,) = ann.post(f"/api/projects/{project}/media", {"paths": [str(footage)]})["media"]
    assert added["info"]["codec"] == "prores"
    ann.post(f"/api/projects/{project}/media", {"paths": [str(footage)]})
    assert len(ann.get(f"/api/projects/{project}/media")) == 1
    other = make_clip(studio / "media" / "other.mov", 10)
    (changed,) = ann.post(f"/api/media/{added['id']}/relink", {"path": str(other)})["media"]
    assert (changed["id"], changed["info"]["frames"]) == (added["id"], 10)
    text = studio / "media" / "text.mov"
    text.write_text("no movie")
    assert ann.refused("POST", f"/api/projects/{project}/media", json={"paths": [str(text)]}) == (
        422,
        "media_unreadable",
    )


def test_numbered_images_join_the_pool_as_one_medium(ann: Any, project: str, studio: Path) -> None:
    from PIL import Image

    shots = studio / "media" / "shots"
    shots.mkdir()
    for number in range(1001, 1013):
        Image.new("RGB", (64, 36), (number - 1001, 0, 0)).save(shots / f"a.{number}.png")
    names = ["shots/a.%04d.png", "shots/a.[1003-1006].png", "shots"]
    asked = {"paths": [str(studio / "media" / name) for name in names]}
    added = ann.post(f"/api/projects/{project}/media", asked)["media"]
    assert [(row["info"]["kind"], row["info"]["frames"], row["info"]["start"]) for row in added] == [
        ("sequence", 12, 1001),
        ("sequence", 4, 1003),
        ("sequence", 12, 1001),
    ]
    assert [row["path"] for row in added] == asked["paths"]
    api = f"/api/media/{added[0]['info']['digest']}"
    assert ann.http.get(f"{api}/thumbnail", params={"frame": 11, "width": 64}).content.startswith(b"\xff\xd8")
    assert ann.http.get(f"{api}/filmstrip", params={"count": 3}).content.startswith(b"\xff\xd8")
    assert ann.refused("GET", f"/media/{added[0]['info']['digest']}") == (400, "bad_value")
    moved = {"path": str(studio / "media" / "shots" / "a.[1001-1002].png")}
    (changed,) = ann.post(f"/api/media/{added[1]['id']}/relink", moved)["media"]
    assert (changed["id"], changed["info"]["frames"]) == (added[1]["id"], 2)
    assert ".png" not in "".join(row["detail"] for row in ann.get("/api/doctor")["checks"])
    for text, refusal in (("shots/b.%04d.png", (404, "media_missing")), ("../a.%04d.png", (403, "outside_roots"))):
        body = {"paths": [str(studio / "media" / text)]}
        assert ann.refused("POST", f"/api/projects/{project}/media", json=body) == refusal


def test_numbered_images_come_in_with_a_cut_and_are_looked_at(ann: Any, project: str, studio: Path) -> None:
    from PIL import Image

    folder = studio / "media" / "run"
    folder.mkdir()
    for number in range(7, 12):
        Image.new("RGB", (64, 36), (number, 0, 0)).save(folder / f"a.{number:04d}.png")
    run = clip("run", "", 0, 5, 5)
    run["media_references"]["DEFAULT_MEDIA"] |= {
        "OTIO_SCHEMA": "ImageSequenceReference.1", "target_url_base": f"{folder}/", "name_prefix": "a.",
        "name_suffix": ".png", "frame_zero_padding": 4, "start_frame": 7, "frame_step": 1, "rate": 24.0,
    }  # fmt: skip
    file = studio / "media" / "run.otio"
    file.write_text(json.dumps(timeline(run)))
    ann.post(f"/api/projects/{project}/import", {"path": str(file)})
    (medium,) = ann.get(f"/api/projects/{project}/media")
    assert not medium.get("missing")
    assert (medium["info"]["kind"], medium["info"]["frames"], medium["info"]["start"]) == ("sequence", 5, 7)


def test_media_comes_by_digest_with_ranges_and_pictures(ann: Any, project: str, footage: Path) -> None:
    (added,) = ann.post(f"/api/projects/{project}/media", {"paths": [str(footage)]})["media"]
    url, whole = f"/media/{added['info']['digest']}", footage.read_bytes()
    full = ann.http.get(url)
    assert full.content == whole
    assert full.headers["content-type"] == "video/quicktime"
    assert full.headers["accept-ranges"] == "bytes"
    assert "immutable" in full.headers["cache-control"]
    assert ann.http.head(url).headers["content-length"] == str(len(whole))
    part = ann.http.get(url, headers={"range": "bytes=100-199"})
    assert (part.status_code, part.content) == (206, whole[100:200])
    assert part.headers["content-range"] == f"bytes 100-199/{len(whole)}"
    assert ann.http.get(url, headers={"range": "bytes=-50"}).content == whole[-50:]
    assert ann.http.get(url, headers={"range": f"bytes={len(whole)}-"}).status_code == 416
    assert ann.http.get(url, headers={"range": "bytes=0-9", "if-range": '"stale"'}).status_code == 200
    api = f"/api/media/{added['info']['digest']}"
    picture = ann.http.get(f"{api}/thumbnail", params={"frame": 47, "width": 160})
    assert picture.headers["content-type"] == "image/jpeg"
    assert picture.content.startswith(b"\xff\xd8")
    assert ann.http.get(f"{api}/filmstrip", params={"count": 3}).content.startswith(b"\xff\xd8")
    assert len(ann.http.get(f"{api}/peaks").content) % 8 == 0
    assert ann.refused("GET", f"{api}/thumbnail?frame=-1") == (400, "bad_request")


# -- out


def test_an_export_is_what_was_imported(ann: Any, imported: dict[str, Any], studio: Path) -> None:
    target = studio / "media" / "out.otio"
    made = ann.post(f"/api/sequences/{imported['sequence']}/export", {"path": str(target), "actor": "ann"})
    assert made["path"] == str(target)
    written = json.loads(target.read_bytes())
    names = [child["name"] for child in written["tracks"]["children"][0]["children"]]
    assert names == ["SC02_SH0040", "wide of the harbour.mov", "again"]
    download = ann.http.get(f"/api/sequences/{imported['sequence']}/export")
    assert download.json()["OTIO_SCHEMA"].startswith("Timeline")
    assert "attachment" in download.headers["content-disposition"]
    again = ann.post(f"/api/projects/{imported['project']}/import", {"path": str(target)})
    assert [i["duration"] for i in items(ann, again["sequence"])] == [12, 8, 10]


def test_a_bundle_never_packs_a_file_outside_the_allowed_folders(ann: Any, project: str, studio: Path) -> None:
    hidden = studio / "media" / ".ssh"
    hidden.mkdir()
    (hidden / "key").write_text("secret")
    (hidden / "key.0001.png").write_text("secret")
    stolen = [
        clip("one", str(hidden / "key"), 0, 1),
        clip("two", f"file://{hidden / 'key'}", 0, 1),
        clip("run", "", 0, 1),
    ]
    stolen[2]["media_references"]["DEFAULT_MEDIA"] |= {
        "OTIO_SCHEMA": "ImageSequenceReference.1", "target_url_base": f"{hidden}/", "name_prefix": "key.",
        "name_suffix": ".png", "frame_zero_padding": 4, "start_frame": 1, "frame_step": 1, "rate": 24.0,
    }  # fmt: skip
    file = studio / "media" / "theft.otio"
    file.write_text(json.dumps(timeline(*stolen)))
    sequence = ann.post(f"/api/projects/{project}/import", {"path": str(file)})["sequence"]
    out = studio / "media" / "theft.otioz"
    loss = ann.post(f"/api/sequences/{sequence}/export", {"path": str(out)})["loss"]
    with ZipFile(out) as made:
        assert made.namelist() == ["content.otio", "version.txt"]
    assert [(row["what"], row["count"]) for row in loss] == [("media file outside the allowed folders", 3)]


@pytest.mark.parametrize("kind", ["ale", "csv", "srt", "markers.csv"])
def test_a_list_is_a_download_too(ann: Any, imported: dict[str, Any], kind: str) -> None:
    answer = ann.request("GET", f"/api/sequences/{imported['sequence']}/export?dialect={kind}")
    assert answer.status_code == 200
    assert f'.{kind}"' in answer.headers["content-disposition"]


def test_a_download_of_several_files_is_a_zip(ann: Any, project: str) -> None:
    sequence = ann.sequence(project, "Two layers")
    ann.append(sequence, ann.track(sequence))
    ann.command("AddTrack", sequence, kind="video", id="t2")
    ann.append(sequence, "t2")
    answer = ann.request("GET", f"/api/sequences/{sequence}/export?dialect=edl")
    assert answer.headers["content-disposition"] == "attachment; filename*=utf-8''Two%20layers.zip"
    with ZipFile(BytesIO(answer.content)) as made:
        assert made.namelist() == ["Two layers.edl", "Two layers_V2.edl"]


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("out.html", (400, "bad_name")),
        ("nowhere/out.otio", (404, "no_such_file")),
        (".hidden/out.otio", (403, "outside_roots")),
    ],
)
def test_an_export_goes_to_a_sound_place_only(
    ann: Any, imported: dict[str, Any], studio: Path, name: str, wanted: Any
) -> None:
    body = {"path": str(studio / "media" / name)}
    assert ann.refused("POST", f"/api/sequences/{imported['sequence']}/export", json=body) == wanted


def test_an_export_never_overwrites_the_store(ann: Any, imported: dict[str, Any]) -> None:
    body = {"path": ann.services.url}
    assert ann.refused("POST", f"/api/sequences/{imported['sequence']}/export", json=body) == (400, "bad_name")
    assert ann.refused("POST", f"/api/sequences/{imported['sequence']}/render", json=body) == (400, "bad_name")
    assert ann.refused("POST", "/api/store/backup", json=body) == (400, "bad_name")


def test_a_cut_becomes_shots_and_a_movie(ann: Any, imported: dict[str, Any], studio: Path) -> None:
    project, sequence = imported["project"], imported["sequence"]
    with ann.socket(project=project) as wire:
        made = ann.post(f"/api/projects/{project}/shots-from", {"sequence": sequence, "actor": "ann"})
        assert made["version"] == 2
        shots = [ann.get(f"/api/shots/{shot}") for shot in made["shots"]]
        assert [(shot["scene"], shot["code"]) for shot in shots] == [("SC02", "SH0040"), ("", "SH0010"), ("", "SH0020")]
        assert [shot["brief"]["frames"] for shot in shots] == [12, 8, 10]
        assert shots[1]["brief"]["prompt"] == "wide of the harbour"
        assert [len(shot["brief"].get("conditioning", ())) for shot in shots] == [1, 0, 1]
        assert [item["duration"] for item in items(ann, sequence)] == [12, 8, 10]
        assert {item["source"]["type"] for item in items(ann, sequence)} == {"shot"}
        jobs = ann.post(f"/api/projects/{project}/generate", {"all": True})["jobs"]
        assert len(jobs) == 3
        seen = {wire.until("job", 60)["job"]}
        wait_for_jobs(ann, project)
        assert seen <= set(jobs)
    shots = ann.get(f"/api/projects/{project}/shots")
    assert all(shot["selected"] for shot in shots)
    take = next(iter(shots[-1]["takes"].values()))
    assert Path(take["path"]).name == "SC02_SH0040_v001.mov"
    assert take["info"]["frames"] == 12
    proxy = ann.http.get(f"/media/{take['info']['digest']}", params={"proxy": True})
    assert proxy.headers["content-type"] == "video/mp4"
    movie = studio / "media" / "movie.mov"
    task = ann.post(f"/api/sequences/{sequence}/render", {"path": str(movie)})["task"]
    done = ended(ann, task)
    assert done["state"] == "done", done
    assert done["result"]["frames"] == 30
    assert ann.services.media.probe(movie).frames == 30
    undone = ann.command("Undo", sequence)
    assert undone["version"] == 3
    assert {item["source"]["type"] for item in items(ann, sequence)} == {"media"}


def wait_for_jobs(ann: Any, project: str, seconds: float = 90) -> None:
    end = time.monotonic() + seconds
    while open_ := [j for j in ann.get("/api/jobs", project=project) if j["status"]["type"] in ("waiting", "running")]:
        assert time.monotonic() < end, open_
        time.sleep(0.1)
    assert {j["status"]["type"] for j in ann.get("/api/jobs", project=project)} == {"succeeded"}


def test_a_gap_becomes_a_shot(ann: Any, imported: dict[str, Any]) -> None:
    project, sequence = imported["project"], imported["sequence"]
    track = items(ann, sequence)[0]["track"]
    ann.command("LiftItems", sequence, items=[items(ann, sequence)[1]["id"]])
    gap = {"sequence": sequence, "track": track, "at": 15}
    (job,) = ann.post(f"/api/projects/{project}/generate", {"gap": gap, "overrides": {"prompt": "fog"}})["jobs"]
    request = ann.get(f"/api/jobs/{job}")["request"]
    assert (request["mode"], request["frames"], request["prompt"]) == ("fill_gap", 8, "fog")
    assert Path(request["source"]).is_file()
    assert Path(request["after"]).is_file()
    assert [item["duration"] for item in items(ann, sequence)] == [12, 8, 10]
    wait_for_jobs(ann, project)
    assert ann.refused("POST", f"/api/projects/{project}/generate", json={"gap": gap}) == (409, "no_gap_here")
    assert ann.refused("POST", f"/api/projects/{project}/generate", json={"gap": {**gap, "at": 500}}) == (
        409,
        "no_gap_here",
    )


def test_shots_from_nothing_is_refused(ann: Any, project: str) -> None:
    sequence = ann.sequence(project)
    body = {"sequence": sequence}
    assert ann.refused("POST", f"/api/projects/{project}/shots-from", json=body) == (409, "no_change")
    body = {"sequence": sequence, "tracks": ["none"]}
    assert ann.refused("POST", f"/api/projects/{project}/shots-from", json=body) == (404, "no_such_track")
    assert ann.get(f"/api/projects/{project}/shots") == []


def test_overrides_that_do_not_fit_queue_nothing(ann: Any, project: str) -> None:
    shot = ann.command("CreateShot", project=project, code="SH1")["created"][0]
    for overrides in ({"nonsense": 1}, {"frames": "many"}, {"source": "/etc/passwd", "mode": "extend"}):
        answer = ann.request(
            "POST", f"/api/projects/{project}/generate", json={"shots": [shot], "overrides": overrides}
        )
        assert answer.status_code in (400, 403, 422), answer.text
    assert ann.get("/api/jobs", project=project) == []


def test_a_render_can_be_cancelled(ann: Any, imported: dict[str, Any], studio: Path) -> None:
    target = studio / "media" / "never.mov"
    task = ann.post(f"/api/sequences/{imported['sequence']}/render", {"path": str(target)})["task"]
    ann.post(f"/api/tasks/{task}/cancel")
    assert ended(ann, task)["state"] == "cancelled"
    assert not target.exists()


def test_a_render_of_nothing_fails_with_its_code(ann: Any, project: str, studio: Path) -> None:
    body = {"path": str(studio / "media" / "empty.mov")}
    task = ann.post(f"/api/sequences/{ann.sequence(project)}/render", body)["task"]
    assert ended(ann, task)["error"]["code"] == "bad_value"


def test_the_digest_is_all_that_names_a_file(ann: Any) -> None:
    for digest in ("../secret", "..%2fsecret", "%2e%2e%2fetc%2fpasswd", "/etc/passwd", "A" * 32, "0" * 31, "%00"):
        answer: httpx.Response = ann.http.get(f"/media/{digest}")
        assert answer.status_code == 404
