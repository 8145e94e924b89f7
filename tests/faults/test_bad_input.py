"""Bad input at the real daemon's doors, REST and command line: each has its code, its status and a hint, and nothing is
stored, lost or left open by it."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from genlock.cli.main import run
from genlock.daemon.server import Running, embedded
from genlock.errors import CODES, GenlockError, StoreError

NOBODY = "0" * 32
GENERATOR = {"type": "generator", "generator": "bars"}


class Place(NamedTuple):
    """A project with a cut: one item on the magnetic track, two from frame 10 of the free one."""

    running: Running
    folder: Path
    project: str
    sequence: str
    magnetic: str
    free: str

    def send(self, method: str, path: str, **more: Any) -> httpx.Response:
        headers = {"authorization": f"Bearer {self.running.token}", **more.pop("headers", {})}
        return httpx.request(method, self.running.base_url + path, headers=headers, timeout=60, **more)

    def edit(self, do: str, id_: str = "", **fields: Any) -> httpx.Response:
        return self.command(do, self.sequence, id_, **fields)

    def command(self, do: str, target: str = "", id_: str = "", strict_on: int | None = None, **fields: Any) -> Any:
        body: dict[str, Any] = {"id": id_ or os.urandom(8).hex(), "target": target, "command": {"do": do, **fields}}
        if strict_on is not None:
            body |= {"base_version": strict_on, "strict": True}
        return self.send("POST", "/api/commands", json=body)

    def import_(self, name: str, content: str | bytes) -> httpx.Response:
        file = self.folder / name
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        return self.send("POST", f"/api/projects/{self.project}/import", json={"path": str(file)})


def item(id_: str, duration: Any = 24, **fields: Any) -> dict[str, Any]:
    return {"id": id_, "source": GENERATOR, "duration": duration, **fields}


def otio(rate: Any = 24.0, start: Any = 0.0, duration: Any = 12.0) -> str:
    def time(value: Any) -> dict[str, Any]:
        return {"OTIO_SCHEMA": "RationalTime.1", "rate": rate, "value": value}

    span = {"OTIO_SCHEMA": "TimeRange.1", "start_time": time(start), "duration": time(duration)}
    clip = {"OTIO_SCHEMA": "Clip.2", "name": "A", "source_range": span, "media_references": {}}
    track = {"OTIO_SCHEMA": "Track.1", "name": "V1", "kind": "Video", "children": [clip]}
    stack = {"OTIO_SCHEMA": "Stack.1", "name": "tracks", "children": [track]}
    return json.dumps({"OTIO_SCHEMA": "Timeline.1", "name": "Cut", "tracks": stack})


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("bad")
    (folder / "studio.settings.json").write_text(json.dumps({"json_limit": 65_536, "upload_limit": 65_536}))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GENLOCK_HOME", str(folder))
        patch.setenv("GENLOCK_RUNTIME_DIR", str(folder / "run"))
        with embedded(folder / "studio.genlock", [folder, "/proc"], announce=True) as running:
            yield filled(running, folder)


def filled(running: Running, folder: Path) -> Place:
    bare = Place(running, folder, "", "", "", "")
    project = bare.command("CreateProject", name="Film").json()["created"][0]
    sequence = bare.command("CreateSequence", project=project, name="Reel").json()["created"][0]
    tracks = bare.send("GET", f"/api/sequences/{sequence}").json()["tracks"]
    magnetic, free = (next(t["id"] for t in tracks if t["placement"] == kind) for kind in ("magnetic", "free"))
    made = Place(running, folder, project, sequence, magnetic, free)
    assert made.edit("AppendItem", "first", track=magnetic, item=item("a")).is_success
    assert made.edit("OverwriteItem", track=free, at=10, item=item("b")).is_success
    assert made.edit("OverwriteItem", track=free, at=34, item=item("c")).is_success
    gone = {
        "id": "gone",
        "path": str(folder / "gone.mov"),
        "name": "gone",
        "info": {"kind": "video", "digest": "ab" * 16},
    }
    assert made.command("AddMedia", project, media=[gone]).is_success
    return made


Ask = Callable[[Place], httpx.Response]

REST: dict[str, tuple[Ask, int, str]] = {
    "wrong rate of a project": (
        lambda p: p.command("CreateProject", name="X", settings={"rate": [23, 7]}), 400, "bad_rate"),
    "wrong rate of a file": (lambda p: p.import_("rate.otio", otio(rate=-24.0)), 400, "bad_rate"),
    "rate that is no number": (lambda p: p.import_("nanrate.otio", otio(rate=float("nan"))), 400, "bad_time"),
    "unknown file": (
        lambda p: p.send("POST", f"/api/projects/{p.project}/import", json={"path": str(p.folder / "no.otio")}),
        404, "no_such_file"),
    "file of no known kind": (lambda p: p.import_("notes.txt", "hello"), 415, "unknown_format"),
    "broken JSON in a file": (lambda p: p.import_("broken.otio", "{"), 400, "bad_json"),
    "broken JSON in a request": (
        lambda p: p.send("POST", "/api/commands", content=b"{", headers={"content-type": "application/json"}),
        400, "bad_json"),
    "deep nesting in a file": (lambda p: p.import_("deep.otio", "[" * 40_000 + "]" * 40_000), 400, "too_deep"),
    "deep nesting in a request": (
        lambda p: p.send("POST", "/api/commands", headers={"content-type": "application/json"},
                         content=b'{"id":"d","command":' + b'{"do":' * 5000 + b"1" + b"}" * 5001), 400, "bad_json"),
    "NaN time in a file": (lambda p: p.import_("nan.otio", otio(start=float("nan"))), 400, "bad_time"),
    "endless time in a file": (lambda p: p.import_("inf.otio", otio(duration=float("inf"))), 400, "bad_time"),
    "NaN time in a request": (
        lambda p: p.send("POST", "/api/commands", headers={"content-type": "application/json"}, content=json.dumps(
            {"id": "n", "target": p.sequence, "command": {"do": "SlipItem", "item": "a", "delta": float("nan")}})),
        400, "bad_json"),
    "negative duration in a file": (lambda p: p.import_("minus.otio", otio(duration=-5.0)), 400, "bad_time"),
    "negative duration of an item": (
        lambda p: p.edit("AppendItem", track=p.magnetic, item=item("n", -5)), 409, "too_short"),
    "half a frame": (lambda p: p.edit("AppendItem", track=p.magnetic, item=item("h", 2.5)), 400, "bad_request"),
    "place before the first frame": (
        lambda p: p.edit("OverwriteItem", track=p.free, at=-3, item=item("e")), 409, "before_start"),
    "overlapping clips": (lambda p: p.edit("TrimItem", item="b", edge="tail", delta=5), 409, "overlap"),
    "missing media": (lambda p: p.send("GET", f"/media/{'ab' * 16}"), 404, "media_missing"),
    "picture of missing media": (
        lambda p: p.send("GET", f"/api/media/{'ab' * 16}/thumbnail"), 404, "media_missing"),
    "missing file for the pool": (
        lambda p: p.send("POST", f"/api/projects/{p.project}/media", json={"paths": [str(p.folder / "no.mov")]}),
        404, "no_such_file"),
    "unwritable folder": (
        lambda p: p.send("POST", f"/api/sequences/{p.sequence}/export", json={"path": "/proc/cut.otio"}),
        507, "unwritable_folder"),
    "unwritable backup": (
        lambda p: p.send("POST", "/api/store/backup", json={"path": "/proc/copy.genlock"}), 507, "store_unwritable"),
    "folder outside the roots": (
        lambda p: p.send("POST", f"/api/sequences/{p.sequence}/export", json={"path": "/etc/cut.otio"}),
        403, "outside_roots"),
    "foreign token": (
        lambda p: p.send("GET", "/api/projects", headers={"authorization": "Bearer of-somebody-else"}),
        401, "unauthorized"),
    "oversized message": (
        lambda p: p.command("CreateProject", name="x" * 70_000), 413, "too_large"),
    "oversized upload": (
        lambda p: p.send("POST", "/api/uploads?name=a.otio", content=b"x" * 70_000), 413, "too_large"),
    "unknown command": (lambda p: p.edit("Explode"), 400, "unknown_command"),
    "unknown sequence": (lambda p: p.send("GET", f"/api/sequences/{NOBODY}"), 404, "no_such_sequence"),
    "unknown item": (lambda p: p.edit("RenameItem", item="nobody", name="x"), 404, "no_such_item"),
    "stale version": (
        lambda p: p.edit("RenameItem", item="a", name="x", strict_on=1), 409, "stale_version"),
    "future version": (
        lambda p: p.send("GET", f"/api/sequences/{p.sequence}?version=999"), 404, "no_such_version"),
    "command id of another command": (
        lambda p: p.edit("RenameItem", "first", item="a", name="x"), 409, "command_id_reused"),
}  # fmt: skip


def state(place: Place) -> Any:
    return place.running.services.store.tip(), place.send("GET", f"/api/sequences/{place.sequence}").json()


@pytest.mark.parametrize("what", REST)
def test_rest_refuses_and_stores_nothing(place: Place, what: str) -> None:
    ask, status, code = REST[what]
    before = state(place)
    answer = ask(place)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code), answer.text
    error = answer.json()["error"]
    assert error["hint"]
    assert error["message"]
    assert status == CODES[code].status
    assert state(place) == before


def test_the_same_command_again_is_answered_and_not_done_again(place: Place) -> None:
    before = state(place)
    again = place.edit("AppendItem", "first", track=place.magnetic, item=item("a"))
    assert (again.status_code, again.json()["duplicate"]) == (200, True)
    assert state(place) == before


CLI: dict[str, tuple[tuple[str, ...], int, str]] = {
    "wrong rate": (("project", "new", "X", "--rate", "23"), 2, "bad_rate"),
    "wrong size": (("project", "new", "X", "--resolution", "wide"), 2, "bad_value"),
    "wrong timecode": (("project", "new", "X", "--start", "1:2:3"), 2, "bad_timecode"),
    "unknown file": (("import", "{folder}/no.otio"), 2, "no_such_file"),
    "file of no known kind": (("import", "{folder}/notes.txt"), 2, "unknown_format"),
    "broken JSON": (("import", "{folder}/broken.otio"), 2, "bad_json"),
    "deep nesting": (("import", "{folder}/deep.otio"), 2, "too_deep"),
    "NaN time": (("import", "{folder}/nan.otio"), 2, "bad_time"),
    "broken JSON of an edit": (("edit", "Reel", "{{"), 2, "bad_json"),
    "unknown edit": (("edit", "Reel", '{{"do": "Explode"}}'), 2, "unknown_command"),
    "unwritable folder": (("export", "Reel", "/proc/cut.otio"), 1, "unwritable_folder"),
    "missing folder": (("export", "Reel", "{folder}/none/cut.otio"), 2, "no_such_file"),
    "missing media": (("media", "add", "{folder}/no.mov"), 2, "no_such_file"),
    "unknown sequence": (("history", "Nothing"), 2, "no_such_sequence"),
    "unknown version": (("revert", "Reel", "999"), 2, "no_such_version"),
    "unknown command": (("explode",), 2, "bad_request"),
    "second daemon": (("up", "--port", "0"), 1, "store_busy"),
}


@pytest.mark.parametrize("what", CLI)
def test_the_command_line_refuses_and_stores_nothing(
    place: Place, what: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GENLOCK_HOME", str(place.folder))
    monkeypatch.setenv("GENLOCK_RUNTIME_DIR", str(place.folder / "run"))
    for name, content in (
        ("notes.txt", "hello"),
        ("broken.otio", "{"),
        ("deep.otio", "[" * 40_000 + "]" * 40_000),
        ("nan.otio", otio(start=float("nan"))),
    ):
        (place.folder / name).write_text(content)
    arguments, exit_code, code = CLI[what]
    before = state(place)
    assert run([*(argument.format(folder=place.folder) for argument in arguments), "--json"]) == exit_code
    out, err = capsys.readouterr()
    error = json.loads(out)["error"]
    assert error["code"] == code, error
    assert error["hint"]
    assert f"({code})" in err
    assert len(err.splitlines()) == 1
    assert state(place) == before


def test_after_all_of_it_the_store_is_whole(place: Place) -> None:
    assert place.send("POST", "/api/store/verify").json()["ok"] is True
    assert place.edit("RenameItem", item="a", name="Still here").is_success


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A disk of 4 MB with a ballast of one."""
    folder = Path(tempfile.mkdtemp(prefix="genlock_full_"))
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        folder.rmdir()
        pytest.skip("NO SMALL DISK: mounting a tmpfs is not permitted here (it takes root)")
    (folder / "ballast").write_bytes(b"\0" * 1_000_000)
    yield folder
    subprocess.run(["umount", str(folder)], check=True)
    folder.rmdir()


def test_a_full_disk_refuses_edits_and_the_daemon_goes_on(small_disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GENLOCK_HOME", str(small_disk))
    with embedded(small_disk / "studio.genlock", [small_disk]) as running:
        place = filled(running, small_disk)
        for n in range(2000):
            before = state(place)
            answer = place.edit("RenameItem", item="a", name=f"{n} " + "x" * 8000)
            if not answer.is_success:
                break
        error = answer.json()["error"]
        assert (answer.status_code, error["code"], bool(error["hint"])) == (507, "store_full", True)
        assert state(place) == before
        assert place.edit("RenameItem", item="a", name="y" * 8000).status_code == 507
        (small_disk / "ballast").unlink()
        assert place.edit("RenameItem", item="a", name="There is room").is_success
        assert place.send("POST", "/api/store/verify").json()["ok"] is True
    with embedded(small_disk / "studio.genlock", [small_disk]) as running:
        shown = place._replace(running=running).send("GET", f"/api/sequences/{place.sequence}").json()
        assert shown["version"] == before[1]["version"] + 1


DAMAGES = {
    "an event changed": ("UPDATE stored_events SET state = replace(state, 'Reel', 'Real') WHERE notification_id = 2", 2),
    "an event removed": ("DELETE FROM stored_events WHERE notification_id = 3", 3),
    "the newest removed": ("DELETE FROM stored_events WHERE notification_id = 7", 7),
    "two swapped": (
        "UPDATE stored_events SET notification_id = CASE notification_id WHEN 3 THEN -4 ELSE -3 END "
        "WHERE notification_id IN (3, 4); UPDATE stored_events SET notification_id = -notification_id "
        "WHERE notification_id < 0", 3),
}  # fmt: skip


@pytest.mark.parametrize("what", DAMAGES)
def test_a_tampered_store_is_named_by_its_event(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    monkeypatch.setenv("GENLOCK_HOME", str(tmp_path))
    path = tmp_path / "studio.genlock"
    with embedded(path, [tmp_path]) as running:
        filled(running, tmp_path)
    sql, event = DAMAGES[what]
    connection = sqlite3.connect(path)
    connection.executescript(sql)
    connection.close()
    with pytest.raises(StoreError) as refused, embedded(path, [tmp_path]):
        pass
    error: GenlockError = refused.value
    assert error.code in ("store_tampered", "store_corrupt")
    assert error.details["id"] == event, error
    assert str(event) in error.message
    assert error.hint


def test_a_damaged_store_is_refused_by_the_command_line(tmp_path: Path) -> None:
    path = tmp_path / "studio.genlock"
    with embedded(path, [tmp_path]) as running:
        filled(running, tmp_path)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    done = subprocess.run(
        [sys.executable, "-m", "genlock", "project", "list", "--store", str(path), "--json"],
        capture_output=True, text=True, check=False, env={**os.environ, "GENLOCK_HOME": str(tmp_path)},
    )  # fmt: skip
    error = json.loads(done.stdout)["error"]
    assert (done.returncode, error["code"]) == (1, "store_corrupt")
    assert error["hint"]
    assert "Traceback" not in done.stderr
