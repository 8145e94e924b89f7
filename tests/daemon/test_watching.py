"""A watched folder: cuts come back, renders become takes, media joins the pool, and what is of no use is moved aside."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from genlock.daemon import dropping
from genlock.daemon.author import Author
from genlock.daemon.dropping import REASON, REJECTED, Into
from genlock.daemon.watching import Watch, Watches
from genlock.errors import GenlockError, StoreError
from tests.daemon.conftest import Person
from tests.daemon.test_exchange import clip, make_clip, timeline

WAIT = 20.0


class Folder:
    """A watched folder, with short waits."""

    def __init__(self, person: Person, path: Path, project: str, sequence: str, poll: bool) -> None:
        self.path = path
        self.watch: Watch = person.services.watches.add(
            path,
            Into(project, sequence),
            Author(person.services.app, "ann", "test"),
            poll=poll,
            quiet=0.4,
            patience=2.0,
        )
        self.seen = 0

    def next(self) -> Any:
        """Waits for the next entry of the log and returns what became of the file."""
        until = time.monotonic() + WAIT
        while time.monotonic() < until:
            entries = self.watch.view(self.seen).entries
            if entries:
                self.seen = entries[0].number
                return entries[0].file
            time.sleep(0.05)
        raise AssertionError("nothing happened")

    def still(self, seconds: float = 1.2) -> bool:
        """Returns whether nothing happens for a while."""
        time.sleep(seconds)
        return not self.watch.view(self.seen).entries


@pytest.fixture
def place(studio: Path, tmp_path: Path) -> Path:
    """A folder that the daemon may use."""
    made = studio / "media" / tmp_path.name
    made.mkdir()
    return made


@pytest.fixture
def cut(ann: Person, place: Path) -> dict[str, Any]:
    """A project with a sequence of two clips, exported to `out.otio`."""
    media = make_clip(place / "a.mov")
    source = place / "in.otio"
    source.write_text(json.dumps(timeline(clip("one", str(media), 0, 20), clip("two", str(media), 24, 20))))
    project = ann.command("CreateProject", name=f"Watch {place.name}")["created"][0]
    sequence = ann.post(f"/api/projects/{project}/import", {"path": str(source)})["sequence"]
    out = place / "out.otio"
    ann.post(f"/api/sequences/{sequence}/export", {"path": str(out)})
    return {"project": project, "sequence": sequence, "out": out, "media": media}


@pytest.fixture(params=[False, True], ids=["told", "polling"])
def folder(request: pytest.FixtureRequest, ann: Person, cut: dict[str, Any], place: Path) -> Iterator[Folder]:
    drop = place / "drop"
    drop.mkdir()
    made = Folder(ann, drop, cut["project"], cut["sequence"], request.param)
    yield made
    ann.services.watches.remove(made.watch.id)


def shorter(out: Path, by: int = 5) -> str:
    """Returns the exported cut with its first clip trimmed at the tail."""
    tree = json.loads(out.read_text())
    first = tree["tracks"]["children"][0]["children"][0]
    first["source_range"]["duration"]["value"] -= by
    return json.dumps(tree)


def version(ann: Person, cut: dict[str, Any]) -> int:
    found: int = ann.get(f"/api/sequences/{cut['sequence']}")["version"]
    return found


def test_a_returned_cut_is_merged_and_the_same_again_is_nothing(
    ann: Person, cut: dict[str, Any], folder: Folder
) -> None:
    before = version(ann, cut)
    (folder.path / "back.otio").write_text(shorter(cut["out"]))
    first = folder.next()
    assert (first.what, first.version) == ("merged", before + 1)
    shutil.copy(folder.path / "back.otio", folder.path / "again.otio")
    assert folder.next().what == "unchanged"
    assert version(ann, cut) == before + 1


def test_a_slow_copy_is_used_when_it_is_whole(ann: Person, cut: dict[str, Any], folder: Folder) -> None:
    text = shorter(cut["out"])
    third = len(text) // 3
    with (folder.path / "slow.otio").open("w") as file:
        for at in (0, third, 2 * third):
            file.write(text[at : at + third] if at < 2 * third else text[at:])
            file.flush()
            os.fsync(file.fileno())
            time.sleep(0.6)  # longer than the rest a file must have: what was read was cut short
    assert folder.next().what == "merged"


def test_an_atomic_replace_and_a_rename_are_seen(ann: Person, cut: dict[str, Any], folder: Folder) -> None:
    hidden = folder.path / ".back.otio.tmp"
    hidden.write_text(shorter(cut["out"]))
    os.replace(hidden, folder.path / "back.otio")
    assert folder.next().what == "merged"
    hidden.write_text(shorter(cut["out"], 7))
    os.replace(hidden, folder.path / "back.otio")
    assert folder.next().what == "merged"


def test_what_cannot_be_read_is_moved_aside_with_the_reason(ann: Person, cut: dict[str, Any], folder: Folder) -> None:
    before = version(ann, cut)
    (folder.path / "broken.otio").write_text(shorter(cut["out"])[:400])
    found = folder.next()
    assert (found.what, found.code) == ("rejected", "bad_json")
    aside = folder.path / REJECTED / "broken.otio"
    assert found.moved == str(aside)
    assert aside.is_file()
    assert "bad_json" in aside.with_name(aside.name + REASON).read_text()
    assert not (folder.path / "broken.otio").exists()
    (folder.path / "broken.otio").write_text("{}")
    assert folder.next().moved == str(folder.path / REJECTED / "broken 2.otio")
    assert version(ann, cut) == before


def test_a_cut_of_something_else_is_moved_aside(ann: Person, cut: dict[str, Any], folder: Folder, place: Path) -> None:
    (folder.path / "other.otio").write_text(json.dumps(timeline(clip("x", "/elsewhere/x.mov", 0, 9))))
    found = folder.next()
    assert (found.what, found.code) == ("rejected", "no_base")


def test_a_render_of_a_shot_is_its_next_take_and_other_media_joins_the_pool(
    ann: Person, cut: dict[str, Any], folder: Folder
) -> None:
    shot = ann.command("CreateShot", project=cut["project"], code="SH0040", scene="SC03")["created"][0]
    make_clip(folder.path / "SC03_SH0040_v003.mov", 24, value=90)
    found = folder.next()
    assert (found.what, found.message) == ("take", "is take v003 of SH0040")
    state = ann.services.app.shot(shot)
    (take,) = state.takes.values()
    assert (take.number, state.selected, take.info.frames) == (3, take.id, 24)
    make_clip(folder.path / "establishing.mov", 12, value=150)
    assert folder.next().what == "media"
    pool = ann.services.app.project(cut["project"]).media
    assert [file.info.frames for file in pool.values() if file.path.endswith("establishing.mov")] == [12]
    (folder.path / "notes.txt").write_text("not for us")
    assert folder.still()


def test_a_folder_that_was_gone_is_watched_when_it_is_back(ann: Person, cut: dict[str, Any], folder: Folder) -> None:
    folder.path.rmdir()
    time.sleep(1.5)
    folder.path.mkdir()
    (folder.path / "back.otio").write_text(shorter(cut["out"]))
    assert folder.next().what == "merged"


def test_a_name_that_is_no_text_is_told_of_and_the_next_file_is_used(
    ann: Person, cut: dict[str, Any], folder: Folder
) -> None:
    odd = Path(os.fsdecode(os.fsencode(folder.path) + b"/b\xffd.otio"))
    odd.write_text("no timeline")
    told = folder.next()
    assert (told.what, told.code, Path(told.path).name) == ("failed", "bad_name", "b\ufffdd.otio")
    assert odd.exists()
    (folder.path / "back.otio").write_text(shorter(cut["out"]))
    assert folder.next().what == "merged"
    assert len(ann.get(f"/api/watches/{folder.watch.id}")["entries"]) == 2


@pytest.mark.parametrize("policy", ["ask", "ours", "theirs", "both"])
def test_a_file_that_lies_there_from_before_undoes_no_later_edit(
    ann: Person, cut: dict[str, Any], place: Path, policy: str
) -> None:
    drop = place / "kept"
    drop.mkdir()
    (drop / "back.otio").write_text(shorter(cut["out"]))
    body = {"folder": str(drop), "into": cut["sequence"], "policy": policy}
    first = ann.get(f"/api/sequences/{cut['sequence']}")["tracks"][0]["items"][0]["id"]
    ann.command("TrimItem", cut["sequence"], item=first, edge="tail", delta=-1)

    def told() -> str:
        made = ann.post("/api/watches", body)["watch"]
        until = time.monotonic() + WAIT
        while not (entries := ann.get(f"/api/watches/{made}")["entries"]) and time.monotonic() < until:
            time.sleep(0.1)
        ann.post(f"/api/watches/{made}/stop")
        return str(entries[0]["file"]["what"])

    assert told() == ("unchanged" if policy == "ours" else "merged")
    ann.command("TrimItem", cut["sequence"], item=first, edge="tail", delta=-2)
    before = version(ann, cut)
    assert told() == "unchanged"
    assert version(ann, cut) == before


def test_nothing_is_moved_aside_through_a_link(folder: Folder, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (folder.path / REJECTED).symlink_to(outside)
    (folder.path / "bad.otio").write_text("no timeline")
    assert folder.next().what == "failed"
    assert (folder.path / "bad.otio").exists()
    assert not list(outside.iterdir())


def test_no_folder_is_watched_once_all_watches_have_ended(ann: Person, cut: dict[str, Any], place: Path) -> None:
    watches = Watches(ann.services)
    made = watches.add(place, Into(cut["project"], cut["sequence"]), Author(ann.services.app))
    watches.close()
    assert not made._thread.is_alive()
    with pytest.raises(GenlockError, match="shutting down") as error:
        watches.add(place, Into(cut["project"], cut["sequence"]), Author(ann.services.app))
    assert error.value.code == "shutting_down"
    assert watches.all() == []


def test_a_full_disk_is_told_once_and_the_file_is_taken_in_when_there_is_room(
    ann: Person, cut: dict[str, Any], folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = [True]
    merge_file = dropping.merge_file

    def merging(*arguments: Any) -> Any:
        if full[0]:
            raise StoreError("store_full")
        return merge_file(*arguments)

    monkeypatch.setattr(dropping, "merge_file", merging)
    (folder.path / "back.otio").write_text(shorter(cut["out"]))
    assert (folder.next().what, folder.still(4)) == ("failed", True)
    full[0] = False
    assert folder.next().what == "merged"


def test_over_rest_a_watch_is_told_of_and_stopped(ann: Person, cut: dict[str, Any], place: Path) -> None:
    drop = place / "rest"
    drop.mkdir()
    (drop / "back.otio").write_text(shorter(cut["out"]))
    body = {"folder": str(drop), "into": cut["sequence"]}
    made = ann.post("/api/watches", body)
    assert ann.refused("POST", "/api/watches", json=body) == (400, "bad_value")
    assert ann.refused("POST", "/api/watches", json={**body, "folder": str(drop / "no")}) == (404, "no_such_file")
    until = time.monotonic() + WAIT
    while not (entries := ann.get(f"/api/watches/{made['watch']}")["entries"]) and time.monotonic() < until:
        time.sleep(0.1)
    assert [entry["file"]["what"] for entry in entries] == ["merged"]
    assert ann.get(f"/api/watches/{made['watch']}", after=1)["entries"] == []
    assert [watch["watch"] for watch in ann.get("/api/watches")] == [made["watch"]]
    ann.post(f"/api/watches/{made['watch']}/stop")
    assert ann.refused("GET", f"/api/watches/{made['watch']}") == (404, "not_found")
