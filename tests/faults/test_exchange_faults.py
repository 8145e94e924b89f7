"""Exports and returned cuts when something breaks: a full disk, a process killed half way, a store that is older than the
file, a file made from a fork."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from genlock.daemon.server import Running, embedded
from genlock.timeline.model import Item
from tests.faults.hostile import clip, otio

WRITER = """
import sys
from pathlib import Path
import genlock_otio
from genlock.timeline.events import Content, Placed, TrackContent
from genlock.timeline.model import Item, Media, Track
from genlock.timeline.rate import Rate
from genlock.project.media import MediaFile

path, pool = Path(sys.argv[1]), {"m": MediaFile("m", "/films/f.mov", "f.mov")}
row = tuple(Placed(Item(f"i{n}", Media("m", 0, 200), 24, f"c{n}", 10)) for n in range(2000))
content = Content("Cut", Rate(24), tracks=(TrackContent(Track("t0", "video", "V1", "magnetic"), row),))
print("ready", flush=True)
while True:
    genlock_otio.write(content, path, media=pool)
"""


class House:
    """A daemon with a cut of four clips."""

    def __init__(self, running: Running, folder: Path) -> None:
        self.running, self.folder, self._count = running, folder, 0
        self.project = self.command("CreateProject", name="Film")["created"][0]
        (folder / "start.otio").write_text(otio(",".join(clip(10, 20, url=f"/films/f{n}.mov") for n in range(4))))
        self.cut = self.post(f"/api/projects/{self.project}/import", path=str(folder / "start.otio")).json()["sequence"]

    def post(self, url: str, **body: Any) -> httpx.Response:
        headers = {"authorization": f"Bearer {self.running.token}"}
        return httpx.post(self.running.base_url + url, json=body, headers=headers, timeout=60)

    def command(self, do: str, target: str = "", **fields: Any) -> dict[str, Any]:
        self._count += 1
        answer = self.post("/api/commands", id=f"{do}{self._count}", target=target, command={"do": do, **fields})
        assert answer.is_success, answer.text
        return answer.json()  # type: ignore[no-any-return]

    def export(self, sequence: str, name: str, folder: Path | None = None) -> httpx.Response:
        return self.post(f"/api/sequences/{sequence}/export", path=str((folder or self.folder) / name))

    def come_home(self, sequence: str, name: str) -> dict[str, Any]:
        url = f"/api/projects/{self.project}/import"
        answer = self.post(url, path=str(self.folder / name), into=sequence)
        assert answer.is_success, answer.text
        return answer.json()  # type: ignore[no-any-return]

    def items(self, sequence: str) -> list[Item]:
        content = self.running.services.app.content(sequence)
        return [placed.item for placed in content.tracks[0].items]

    def lengths(self, sequence: str) -> list[int]:
        return [item.duration for item in self.items(sequence)]

    def edit(self, name: str, change: Callable[[dict[str, Any]], None]) -> None:
        tree = json.loads((self.folder / name).read_text())
        change(tree)
        (self.folder / name).write_text(json.dumps(tree))


def longer(number: int) -> Callable[[dict[str, Any]], None]:
    def change(tree: dict[str, Any]) -> None:
        tree["tracks"]["children"][0]["children"][number]["source_range"]["duration"]["value"] += 6

    return change


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    monkeypatch.setenv("GENLOCK_HOME", str(tmp_path))
    monkeypatch.setenv("GENLOCK_RUNTIME_DIR", str(tmp_path / "run"))
    with embedded(tmp_path / "studio.genlock", [tmp_path, tempfile.gettempdir()]) as running:
        yield House(running, tmp_path)


@pytest.fixture
def small_disk() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="genlock_full_"))
    mount = ["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        folder.rmdir()
        pytest.skip("NO SMALL DISK: mounting a tmpfs is not permitted here (it takes root)")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)
    folder.rmdir()


@pytest.mark.parametrize("suffix", [".otio", ".xml", ".fcpxml", ".edl", ".otioz"])
def test_an_export_to_a_full_disk_leaves_what_was_there_and_no_receipt(
    house: House, small_disk: Path, suffix: str
) -> None:
    assert house.export(house.cut, f"cut{suffix}", small_disk).is_success
    before = (small_disk / f"cut{suffix}").read_bytes()
    (small_disk / "ballast").write_bytes(b"\0" * max(0, 12_000 - len(before)))
    house.command("RenameItem", house.cut, item=house.items(house.cut)[0].id, name="x" * 9000)
    receipts, head = len(house.running.services.app.exports(house.cut)), house.running.services.app.head_id()
    answer = house.export(house.cut, f"cut{suffix}", small_disk)
    if answer.is_success:
        pytest.skip("the format did not need the room")
    assert answer.json()["error"]["code"] == "unwritable_folder"
    assert (small_disk / f"cut{suffix}").read_bytes() == before
    assert {path.name for path in small_disk.iterdir()} == {f"cut{suffix}", "ballast"}
    assert len(house.running.services.app.exports(house.cut)) == receipts
    assert house.running.services.app.head_id() == head


@pytest.mark.parametrize("suffix", [".otio", ".xml", ".otioz"])
def test_a_writer_that_is_killed_leaves_a_whole_file_or_none(tmp_path: Path, suffix: str) -> None:
    import genlock_otio

    chance, path = random.Random(4), tmp_path / f"cut{suffix}"
    for _ in range(4):
        process = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        time.sleep(chance.uniform(0.0, 0.4))
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        if path.exists():
            assert sum(len(part.items) for part in genlock_otio.read(path).content.tracks) == 2000
    assert all(left == path or left.name.startswith(".") for left in tmp_path.iterdir())  # no watch takes it for a cut


def test_a_file_made_from_a_fork_comes_home_to_both(house: House) -> None:
    fork = house.command("ForkSequence", house.cut)["created"][0]
    house.export(fork, "fork.otio")
    house.edit("fork.otio", longer(1))
    answer = house.come_home(fork, "fork.otio")
    assert (answer["base"]["how"], len(answer["changes"]), answer["verified"]) == ("receipt", 1, True)
    assert house.lengths(fork) == [20, 26, 20, 20]
    assert house.lengths(house.cut) == [20, 20, 20, 20]
    answer = house.come_home(house.cut, "fork.otio")
    assert (answer["base"]["how"], len(answer["changes"]), answer["verified"]) == ("overlap", 1, True), answer
    assert house.lengths(house.cut) == [20, 26, 20, 20]
    head = house.running.services.app.head_id()
    assert house.come_home(house.cut, "fork.otio")["ops"] == []
    assert house.running.services.app.head_id() == head


def test_a_file_of_versions_that_a_restored_store_has_not(house: House) -> None:
    house.export(house.cut, "cut.otio")
    text = (house.folder / "cut.otio").read_text()
    tag = json.loads(text)["metadata"]["genlock"]
    (house.folder / "cut.otio").write_text(text.replace(tag["export"], "f" * 32))
    house.edit("cut.otio", longer(2))
    house.edit("cut.otio", lambda tree: tree["metadata"]["genlock"].update(version=99))
    answer = house.come_home(house.cut, "cut.otio")
    assert (answer["base"]["how"], len(answer["changes"]), answer["verified"]) == ("overlap", 1, True)
    assert house.lengths(house.cut) == [20, 20, 26, 20]


def test_two_tools_return_the_same_export(house: House) -> None:
    for name in ("one.otio", "two.xml"):
        house.export(house.cut, name)
    house.edit("one.otio", longer(0))
    xml = (house.folder / "two.xml").read_text()
    assert xml.count("<name>c0</name>") == 4
    first, _, rest = xml.rpartition("<name>c0</name>")
    (house.folder / "two.xml").write_text(f"{first}<name>renamed</name>{rest}")
    one, two = house.come_home(house.cut, "one.otio"), house.come_home(house.cut, "two.xml")
    assert [len(answer["changes"]) for answer in (one, two)] == [1, 1]
    assert one["conflicts"] == two["conflicts"] == []
    assert house.lengths(house.cut) == [26, 20, 20, 20]
    assert [item.name for item in house.items(house.cut)] == ["c0", "c0", "c0", "renamed"]
    head = house.running.services.app.head_id()
    assert house.come_home(house.cut, "one.otio")["ops"] == house.come_home(house.cut, "two.xml")["ops"] == []
    assert house.running.services.app.head_id() == head


def test_two_editors_of_one_export_are_not_one_who_went_on(house: House) -> None:

    def edited(number: int) -> Callable[[dict[str, Any]], None]:
        def change(tree: dict[str, Any]) -> None:
            row = tree["tracks"]["children"][0]["children"]
            row[number]["name"] = f"edited {number}"
            row.append(json.loads(clip(0, 9, url=f"/films/new{number}.mov", name=f"new {number}")))

        return change

    for number in range(2):
        house.export(house.cut, f"back{number}.otio")
    for number in range(2):
        house.edit(f"back{number}.otio", edited(number))
    for number in range(2):
        answer = house.come_home(house.cut, f"back{number}.otio")
        assert (answer["base"]["through"], answer["conflicts"], answer["verified"]) == ([], [], True)
    assert [item.name for item in house.items(house.cut)][:4] == ["edited 0", "edited 1", "c0", "c0"]
    head = house.running.services.app.head_id()
    for number in range(2):
        assert house.come_home(house.cut, f"back{number}.otio")["ops"] == []
    assert house.running.services.app.head_id() == head
