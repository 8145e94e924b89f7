"""Cuts go out, are edited elsewhere, and come home: base, merge, conflicts, answers, and what can go wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from genlock.daemon import merging
from genlock.daemon.repeats import Repeats
from genlock.errors import GenlockError
from genlock.timeline.profiles import PROFILES
from tests.daemon.test_exchange import clip, timeline
from tests.daemon.test_repeats import Broken

Edit = Callable[[dict[str, Any]], None]


@pytest.fixture
def project(ann: Any, studio: Path) -> str:
    return str(ann.project(resolution=[320, 180], folder=str(studio / "media" / "returned")))


@pytest.fixture
def folder(studio: Path) -> Path:
    made = studio / "media" / uuid4().hex
    made.mkdir()
    return made


@pytest.fixture
def cut(ann: Any, project: str, folder: Path) -> str:
    """A sequence of four clips of media that is not there."""
    file = folder / "first.otio"
    file.write_text(json.dumps(timeline(*(clip(f"c{n}", f"/films/f{n}.mov", 10, 20, 200) for n in range(4)))))
    return str(ann.post(f"/api/projects/{project}/import", {"path": str(file), "actor": "ann"})["sequence"])


def export(ann: Any, sequence: str, path: Path, **more: Any) -> dict[str, Any]:
    made: dict[str, Any] = ann.post(f"/api/sequences/{sequence}/export", {"path": str(path), **more})
    return made


def come_home(ann: Any, project: str, sequence: str, path: Path, **more: Any) -> dict[str, Any]:
    body = {"path": str(path), "into": sequence, "actor": "ann", **more}
    made: dict[str, Any] = ann.post(f"/api/projects/{project}/import", body)
    return made


def refused(ann: Any, project: str, sequence: str, path: Path, **more: Any) -> tuple[int, str]:
    body = {"path": str(path), "into": sequence, **more}
    code: tuple[int, str] = ann.refused("POST", f"/api/projects/{project}/import", json=body)
    return code


def edited(path: Path, edit: Edit, to: Path | None = None) -> Path:
    """The file as another tool saves it."""
    tree = json.loads(path.read_text())
    edit(tree)
    target = to or path
    target.write_text(json.dumps(tree))
    return target


def clips(tree: dict[str, Any], track: int = 0) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = tree["tracks"]["children"][track]["children"]
    return found


def without_tag(tree: dict[str, Any]) -> None:
    """All that Genlock wrote is lost, as in most tools."""
    if isinstance(tree, dict):
        tree.get("metadata", {}).pop("genlock", None) if isinstance(tree.get("metadata"), dict) else None
        for value in tree.values():
            without_tag(value)
    elif isinstance(tree, list):
        for value in tree:
            without_tag(value)


def longer(n: int, frames: int) -> Edit:
    def edit(tree: dict[str, Any]) -> None:
        clips(tree)[n]["source_range"]["duration"]["value"] += frames

    return edit


def named(n: int, name: str) -> Edit:
    def edit(tree: dict[str, Any]) -> None:
        clips(tree)[n]["name"] = name

    return edit


def state(ann: Any, sequence: str) -> list[tuple[str, int]]:
    tracks = ann.get(f"/api/sequences/{sequence}")["tracks"]
    return [(item["name"], item["duration"]) for item in tracks[0]["items"]]


def item(ann: Any, sequence: str, n: int) -> str:
    return str(ann.get(f"/api/sequences/{sequence}")["tracks"][0]["items"][n]["id"])


# -- the way there and back


def test_an_edit_made_elsewhere_comes_home_as_one_edit(ann: Any, project: str, cut: str, folder: Path) -> None:
    out = export(ann, cut, folder / "out.otio")
    edited(folder / "out.otio", longer(1, 6))
    answer = come_home(ann, project, cut, folder / "out.otio")
    assert (answer["sequence"], answer["version"], answer["verified"]) == (cut, 2, True)
    assert answer["base"] == {"version": 1, "how": "receipt", "overlap": None, "through": []}
    assert (len(answer["ops"]), len(answer["changes"]), answer["conflicts"], answer["settled"]) == (1, 1, [], [])
    assert answer["changes"][0]["kind"] == "trimmed"
    assert state(ann, cut) == [("c0", 20), ("c1", 26), ("c2", 20), ("c3", 20)]
    entry = ann.get(f"/api/sequences/{cut}/history")["entries"][0]
    assert (entry["kind"], entry["intent"], entry["label"]) == ("import", "MergeSequence", "Import out.otio")
    ann.command("Undo", cut)
    assert state(ann, cut) == [(f"c{n}", 20) for n in range(4)]
    assert len(out["export"]) == 32


@pytest.mark.parametrize("dialect", PROFILES)
def test_an_unchanged_file_stores_nothing(ann: Any, project: str, cut: str, folder: Path, dialect: str) -> None:
    path = folder / f"same{PROFILES[dialect].suffixes[0]}"
    export(ann, cut, path, dialect=dialect)
    head = ann.services.app.head_id()
    answer = come_home(ann, project, cut, path)
    assert ann.services.app.head_id() == head
    assert (answer["ops"], answer["changes"], answer["conflicts"], answer["version"]) == ([], [], [], 1)
    assert answer["verified"] is True
    assert answer["warnings"] == []


def test_what_changed_on_both_sides_is_merged(ann: Any, project: str, cut: str, folder: Path) -> None:
    export(ann, cut, folder / "out.otio")
    edited(folder / "out.otio", longer(1, 6))
    ann.command("SetEnabled", cut, items=[item(ann, cut, 0)], enabled=False)
    ann.command("RenameItem", cut, item=item(ann, cut, 3), name="ours")
    answer = come_home(ann, project, cut, folder / "out.otio")
    assert (answer["conflicts"], answer["verified"], len(answer["changes"])) == ([], True, 1)
    assert state(ann, cut) == [("c0", 20), ("c1", 26), ("c2", 20), ("ours", 20)]
    assert ann.get(f"/api/sequences/{cut}/history")["entries"][0]["kind"] == "merge"


def conflicting(ann: Any, cut: str, folder: Path) -> Path:
    export(ann, cut, folder / "out.otio")
    ann.command("RenameItem", cut, item=item(ann, cut, 1), name="ours")
    return edited(folder / "out.otio", named(1, "theirs"))


def test_a_conflict_is_shown_settled_and_undone(ann: Any, project: str, cut: str, folder: Path) -> None:
    path = conflicting(ann, cut, folder)
    answer = come_home(ann, project, cut, path)
    (conflict,) = answer["conflicts"]
    assert (conflict["kind"], conflict["field"], conflict["ours"], conflict["theirs"]) == (
        "both_set", "name", "ours", "theirs",
    )  # fmt: skip
    assert conflict["choices"][:2] == ["ours", "theirs"]
    assert (state(ann, cut)[1][0], answer["verified"]) == ("ours", True)
    assert ann.get(f"/api/sequences/{cut}")["conflicts"] == [conflict]
    ann.command("ResolveConflict", cut, conflict=conflict["id"], choice="theirs")
    assert state(ann, cut)[1][0] == "theirs"
    assert ann.get(f"/api/sequences/{cut}")["conflicts"] == []
    ann.command("Undo", cut)
    ann.command("Undo", cut)
    seen = ann.get(f"/api/sequences/{cut}")
    assert (seen["conflicts"], state(ann, cut)[1][0]) == ([], "ours")


@pytest.mark.parametrize(("policy", "name"), [("ours", "ours"), ("theirs", "theirs")])
def test_a_policy_settles_and_says_so(ann: Any, project: str, cut: str, folder: Path, policy: str, name: str) -> None:
    path = conflicting(ann, cut, folder)
    edited(path, longer(2, 3))
    answer = come_home(ann, project, cut, path, policy=policy)
    assert (answer["conflicts"], [c["field"] for c in answer["settled"]]) == ([], ["name"])
    assert (state(ann, cut)[1][0], state(ann, cut)[2][1]) == (name, 23)
    assert answer["verified"] is True


def test_the_same_file_again_stores_nothing(ann: Any, project: str, cut: str, folder: Path) -> None:
    path = conflicting(ann, cut, folder)
    first = come_home(ann, project, cut, path)
    ann.command("ResolveConflict", cut, conflict=first["conflicts"][0]["id"], choice="ours")
    head = ann.services.app.head_id()
    again = come_home(ann, project, cut, path)
    assert (again["ops"], again["conflicts"], ann.services.app.head_id()) == ([], [], head)
    assert "merged before" in again["warnings"][-1]


def test_new_media_joins_the_pool_first_and_a_relinked_folder_does_not(
    ann: Any, project: str, cut: str, folder: Path
) -> None:
    def edit(tree: dict[str, Any]) -> None:
        for child in clips(tree):
            reference = child["media_references"][child["active_media_reference_key"]]
            reference["target_url"] = reference["target_url"].replace("/films/", "/Volumes/RAID/films/")
        clips(tree).append(clip("new", "/Volumes/RAID/extra/new.mov", 0, 9))

    export(ann, cut, folder / "out.otio")
    before = ann.get(f"/api/projects/{project}/media")
    answer = come_home(ann, project, cut, edited(folder / "out.otio", edit))
    assert [Path(row["path"]).name for row in answer["media"]] == ["new.mov"]
    assert len(ann.get(f"/api/projects/{project}/media")) == len(before) + 1
    assert state(ann, cut)[-1] == ("new", 9)
    assert len(state(ann, cut)) == 5


def test_an_editor_goes_on_with_the_same_export(ann: Any, project: str, cut: str, folder: Path) -> None:
    """Each file holds what the ones before it held, and is compared with what they left there."""
    path = folder / "out.otio"
    export(ann, cut, path)

    def back(edit: Edit) -> tuple[list[str], list[int]]:
        answer = come_home(ann, project, cut, edited(path, edit))
        assert (answer["conflicts"], answer["verified"], answer["warnings"]) == ([], True, [])
        return [change["kind"] for change in answer["changes"]], answer["base"]["through"]

    assert back(lambda tree: clips(tree).insert(2, clip("new", "/films/new.mov", 0, 9))) == (["inserted"], [])
    ann.command("RenameItem", cut, item=item(ann, cut, 0), name="ours")
    assert back(longer(1, 6)) == (["trimmed"], [2])
    assert state(ann, cut) == [("ours", 20), ("c1", 26), ("new", 9), ("c2", 20), ("c3", 20)]
    assert back(longer(2, -2)) == (["trimmed"], [2, 4])
    assert back(longer(1, 4)) == (["trimmed"], [2, 4, 5])
    assert state(ann, cut)[1:3] == [("c1", 30), ("new", 7)]
    assert back(longer(1, -10))[0] == ["trimmed"]
    assert state(ann, cut) == [("ours", 20), ("c1", 20), ("new", 7), ("c2", 20), ("c3", 20)]
    ann.command("Undo", cut)
    assert state(ann, cut)[1] == ("c1", 30)
    assert back(lambda tree: clips(tree).pop(2)) == ([], []), (
        "the file as it went out says nothing, whatever came between"
    )
    gone = come_home(ann, project, cut, edited(path, without_tag), base=ann.get(f"/api/sequences/{cut}")["version"])
    assert {change["kind"] for change in gone["changes"]} == {"removed", "trimmed", "renamed"}


def test_two_editors_with_the_same_export_are_kept_apart(ann: Any, project: str, cut: str, folder: Path) -> None:
    export(ann, cut, folder / "out.otio")
    one = edited(folder / "out.otio", longer(1, 6), folder / "one.otio")
    edited(one, lambda tree: clips(tree).append(clip("new", "/films/new.mov", 0, 9)))
    two = edited(folder / "out.otio", longer(2, 3), folder / "two.otio")
    come_home(ann, project, cut, one)
    answer = come_home(ann, project, cut, two)
    assert (answer["base"]["through"], answer["conflicts"]) == ([], [])
    assert state(ann, cut) == [("c0", 20), ("c1", 26), ("c2", 23), ("c3", 20), ("new", 9)]


# -- which version it was made from


def test_an_older_export_is_known_by_its_receipt(ann: Any, project: str, cut: str, folder: Path) -> None:
    export(ann, cut, folder / "old.otio")
    ann.command("RenameItem", cut, item=item(ann, cut, 0), name="newer")
    export(ann, cut, folder / "new.otio")
    listed = ann.get(f"/api/sequences/{cut}/exports")["exports"]
    assert [(row["version"], Path(row["path"]).name) for row in listed] == [(2, "new.otio"), (1, "old.otio")]
    answer = come_home(ann, project, cut, edited(folder / "old.otio", longer(2, 2)))
    assert answer["base"]["version"] == 1
    assert state(ann, cut) == [("newer", 20), ("c1", 20), ("c2", 22), ("c3", 20)]


def test_a_download_is_known_by_its_version(ann: Any, project: str, cut: str, folder: Path) -> None:
    (folder / "down.otio").write_bytes(ann.http.get(f"/api/sequences/{cut}/export").content)
    answer = come_home(ann, project, cut, edited(folder / "down.otio", longer(2, 2)))
    assert answer["base"] == {"version": 1, "how": "version", "overlap": None, "through": []}


def test_a_file_that_lost_its_tag_is_known_by_what_it_shows(ann: Any, project: str, cut: str, folder: Path) -> None:
    export(ann, cut, folder / "out.otio")
    for _ in range(3):
        ann.command("ExtractItems", cut, items=[item(ann, cut, 0)])
    edited(folder / "out.otio", without_tag)
    answer = come_home(ann, project, cut, edited(folder / "out.otio", longer(3, 2)))
    assert (answer["base"]["version"], answer["base"]["how"]) == (1, "overlap")
    assert answer["base"]["overlap"] > 0.7
    assert state(ann, cut) == [("c3", 22)]
    given = come_home(ann, project, cut, edited(folder / "out.otio", longer(3, 2)), base=1)
    assert given["base"] == {"version": 1, "how": "given", "overlap": None, "through": []}


def test_a_file_of_another_sequence_is_refused_and_says_whose_it_is(
    ann: Any, project: str, cut: str, folder: Path
) -> None:
    strange = folder / "strange.otio"
    strange.write_text(json.dumps(timeline(*(clip(f"x{n}", f"/other/x{n}.mov", 0, 30) for n in range(3)))))
    other = ann.project()
    theirs = ann.post(f"/api/projects/{other}/import", {"path": str(strange), "name": "Theirs"})["sequence"]
    export(ann, theirs, folder / "theirs.otio")
    head = ann.services.app.head_id()
    answer = ann.request(
        "POST", f"/api/projects/{project}/import", json={"path": str(folder / "theirs.otio"), "into": cut}
    )
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["sequence"]) == (409, "no_base", theirs)
    assert "Theirs" in error["message"]
    assert refused(ann, project, cut, strange) == (409, "no_base")
    assert refused(ann, project, theirs, folder / "theirs.otio") == (404, "no_such_sequence")
    assert ann.services.app.head_id() == head


def test_a_file_says_which_sequence_it_was_made_from(ann: Any, project: str, cut: str, folder: Path) -> None:
    export(ann, cut, folder / "out.otio")
    made = ann.post(f"/api/projects/{project}/import", {"path": str(folder / "out.otio")})
    assert (made["made_from"], made["base"], made["sequence"] != cut) == (cut, None, True)
    elsewhere = ann.post(f"/api/projects/{ann.project()}/import", {"path": str(folder / "out.otio")})
    assert elsewhere["made_from"] == ""


# -- bad input


def test_bad_input_stores_nothing(ann: Any, project: str, cut: str, folder: Path) -> None:
    path = folder / "out.otio"
    export(ann, cut, path)
    head = ann.services.app.head_id()
    assert refused(ann, project, "0" * 32, path) == (404, "no_such_sequence")
    assert refused(ann, project, "nonsense", path) == (400, "bad_request")
    assert refused(ann, project, cut, path, base=9) == (404, "no_such_version")
    assert refused(ann, project, cut, path, policy="mine") == (400, "bad_request")
    assert refused(ann, project, cut, path, dialect="klingon") == (415, "unknown_format")
    assert refused(ann, project, cut, folder / "gone.otio") == (404, "no_such_file")
    for n, text in enumerate((b"", b"{", b"[" * 40_000, b"\x00\xff" * 50)):
        broken = folder / f"broken{n}.otio"
        broken.write_bytes(text)
        assert refused(ann, project, cut, broken)[0] == 400
    faster = folder / "faster.otio"
    faster.write_text((folder / "first.otio").read_text().replace("24.0", "25.0"))
    assert refused(ann, project, cut, faster) == (400, "bad_rate")
    assert ann.services.app.head_id() == head


# -- at once, interrupted, repeated


def test_two_clients_import_at_once(ann: Any, project: str, cut: str, folder: Path) -> None:
    export(ann, cut, folder / "out.otio")

    def extra(n: int) -> Edit:
        def edit(tree: dict[str, Any]) -> None:
            clips(tree)[n]["name"] = f"edited {n}"
            clips(tree).append(clip("same", "/films/same.mov", n * 20, 9))  # alike they would be one editor's

        return edit

    files = [edited(folder / "out.otio", extra(n), folder / f"back{n}.otio") for n in range(2)]
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda path: come_home(ann, project, cut, path), files))
    assert sorted(answer["version"] for answer in answers) == [2, 3]
    assert [name for name, _ in state(ann, cut)][:2] == ["edited 0", "edited 1"]
    with ThreadPoolExecutor(2) as pool:
        again = list(pool.map(lambda path: come_home(ann, project, cut, path), files))
    assert [answer["ops"] for answer in again] == [[], []]


def test_an_import_while_somebody_edits(ann: Any, project: str, cut: str, folder: Path) -> None:
    export(ann, cut, folder / "out.otio")
    edited(folder / "out.otio", longer(1, 6))
    first = item(ann, cut, 0)
    with ThreadPoolExecutor(2) as pool:
        renames = pool.submit(lambda: [ann.command("RenameItem", cut, item=first, name=f"take {n}") for n in range(20)])
        answer = come_home(ann, project, cut, folder / "out.otio")
        renames.result()
    assert (answer["verified"], answer["conflicts"]) == (True, [])
    assert state(ann, cut)[:2] == [("take 19", 20), ("c1", 26)]


def test_an_import_that_was_left_half_way_is_finished(ann: Any, project: str, cut: str, folder: Path) -> None:
    path = folder / "out.otio"
    export(ann, cut, path)
    edited(path, lambda tree: clips(tree).append(clip("new", "/films/new.mov", 0, 9)))
    id_ = f"half merge {cut}"
    broken = Broken(merging.MERGE, ann.services.app, id=id_)
    with pytest.raises(GenlockError):
        merging.merge_file(ann.services, project, cut, path, merging.Asked(), broken)
    pool = ann.services.app.project(project).media
    assert ann.get(f"/api/sequences/{cut}")["version"] == 1
    body = {"path": str(path), "into": cut, "id": id_}
    answer = ann.post(f"/api/projects/{project}/import", body)
    assert (answer["version"], ann.services.app.project(project).media) == (2, pool)
    ann.services.repeats = Repeats()
    head = ann.services.app.head_id()
    again = ann.post(f"/api/projects/{project}/import", body)
    assert (again["version"], again["ops"], ann.services.app.head_id()) == (2, answer["ops"], head)
    ann.services.repeats = Repeats()
    other = {**body, "path": str(edited(path, named(0, "x"), folder / "other.otio"))}
    assert ann.refused("POST", f"/api/projects/{project}/import", json=other) == (409, "command_id_reused")


# -- exports


def test_strict_refuses_to_lose_and_writes_nothing(ann: Any, project: str, cut: str, folder: Path) -> None:
    ann.command("SetMarker", cut, marker={"id": "", "start": 3, "name": "Here"})
    told = ann.get(f"/api/sequences/{cut}/loss", dialect="edl")
    assert (told["dialect"], told["version"]) == ("edl", 2)
    assert all(row["count"] > 0 for row in told["loss"])
    assert told["loss"]
    head = ann.services.app.head_id()
    body = {"path": str(folder / "out.edl"), "strict": True}
    assert ann.refused("POST", f"/api/sequences/{cut}/export", json=body) == (409, "lossy_export")
    assert not (folder / "out.edl").exists()
    assert ann.services.app.head_id() == head
    assert export(ann, cut, folder / "out.otio", strict=True)["loss"] == []
    wrote = export(ann, cut, folder / "out.edl")
    assert (wrote["dialect"], wrote["files"], wrote["loss"]) == ("edl", [str(folder / "out.edl")], told["loss"])


def test_an_export_of_a_dialect_has_its_suffix(ann: Any, cut: str, folder: Path) -> None:
    body = {"path": str(folder / "out.otio"), "dialect": "edl"}
    assert ann.refused("POST", f"/api/sequences/{cut}/export", json=body) == (415, "unknown_format")
    assert ann.refused("POST", f"/api/sequences/{cut}/export", json={"path": str(folder / "x.json")}) == (
        400,
        "bad_name",
    )
    assert ann.refused("GET", f"/api/sequences/{cut}/loss?dialect=klingon") == (415, "unknown_format")
    assert list(folder.glob("out*")) == []


# -- nested sequences


@pytest.fixture
def nested(ann: Any, project: str, folder: Path) -> tuple[str, str]:
    """A sequence that shows another one between two clips; returns both ids."""
    inside = timeline(*(clip(f"n{n}", f"/films/n{n}.mov", 10, 20, 200) for n in range(2)))["tracks"]
    inside |= {"name": "Scene"}
    file = folder / "first.otio"
    file.write_text(json.dumps(timeline(clip("o0", "/films/o.mov", 0, 10), inside, clip("o1", "/films/o.mov", 20, 10))))
    outer = str(ann.post(f"/api/projects/{project}/import", {"path": str(file)})["sequence"])
    names = ann.get(f"/api/projects/{project}")["sequences"]
    return outer, next(id_ for id_, name in names.items() if name == "Scene")


def inner(tree: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = next(c for c in clips(tree) if c["OTIO_SCHEMA"].startswith("Stack"))["children"][0][
        "children"
    ]
    return found


@pytest.mark.parametrize("strip", [False, True], ids=["tagged", "stripped"])
def test_a_nested_sequence_that_changed_comes_home_too(
    ann: Any, project: str, nested: tuple[str, str], folder: Path, strip: bool
) -> None:
    outer, scene = nested

    def edit(tree: dict[str, Any]) -> None:
        inner(tree)[1]["name"] = "there"
        clips(tree)[0]["name"] = "outside"
        if strip:
            without_tag(tree)

    export(ann, outer, folder / "out.otio")
    ann.command("RenameItem", scene, item=item(ann, scene, 0), name="here")
    answer = come_home(ann, project, outer, edited(folder / "out.otio", edit))
    assert (answer["version"], len(answer["changes"]), answer["verified"]) == (2, 1, True)
    (row,) = answer["nested"]
    assert (row["sequence"], row["name"], row["version"], row["conflicts"]) == (scene, "Scene", 3, [])
    assert [name for name, _ in state(ann, scene)] == ["here", "there"]
    assert [name for name, _ in state(ann, outer)][::2] == ["outside", "o1"]
    assert len(ann.get(f"/api/projects/{project}")["sequences"]) == 2


def test_a_nested_sequence_alone_may_have_changed(
    ann: Any, project: str, nested: tuple[str, str], folder: Path
) -> None:
    outer, scene = nested
    export(ann, outer, folder / "out.otio")
    edited(folder / "out.otio", lambda tree: inner(tree)[0].update(name="there"))
    body = {"path": str(folder / "out.otio"), "into": outer, "id": f"nested {outer}"}
    answer = ann.post(f"/api/projects/{project}/import", body)
    assert (answer["version"], answer["ops"], len(answer["nested"])) == (1, [], 1)
    assert [name for name, _ in state(ann, scene)] == ["there", "n1"]
    ann.services.repeats = Repeats()
    head = ann.services.app.head_id()
    again = ann.post(f"/api/projects/{project}/import", body)
    assert (again["version"], again["nested"], ann.services.app.head_id()) == (1, answer["nested"], head)
    assert come_home(ann, project, outer, folder / "out.otio")["nested"] == []


def test_a_new_nested_sequence_is_made(ann: Any, project: str, cut: str, folder: Path) -> None:
    inside = timeline(clip("n0", "/films/n0.mov", 10, 20, 200))["tracks"] | {"name": "Fresh"}
    export(ann, cut, folder / "out.otio")
    answer = come_home(ann, project, cut, edited(folder / "out.otio", lambda tree: clips(tree).append(inside)))
    assert [(row["name"], row["version"]) for row in answer["nested"]] == [("Fresh", 1)]
    assert len(state(ann, cut)) == 5
    assert state(ann, answer["nested"][0]["sequence"]) == [("n0", 20)]


def with_a_new_clip(tree: dict[str, Any]) -> None:
    clips(tree).append(clip("new", f"/films/{uuid4().hex}.mov", 0, 5, 50))


def test_an_archived_sequence_takes_in_nothing_not_even_media(ann: Any, project: str, cut: str, folder: Path) -> None:
    out = folder / "out.otio"
    export(ann, cut, out)
    edited(out, with_a_new_clip)
    ann.command("ArchiveSequence", target=cut, archived=True)
    before = ann.services.app.project(project)
    assert refused(ann, project, cut, out) == (409, "archived")
    assert ann.services.app.project(project) == before


def test_a_file_saved_while_it_is_read_is_known_by_what_was_read(
    ann: Any, project: str, cut: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import genlock_otio

    out = folder / "out.otio"
    export(ann, cut, out)
    edited(out, lambda tree: clips(tree).pop())
    second = edited(out, lambda tree: clips(tree).pop(), folder / "second.otio").read_bytes()
    read, asked = genlock_otio.read, []

    def overtaken(path: Path, **how: Any) -> Any:
        found = read(path, **how)
        asked.append(path)
        if len(asked) == 1:
            path.write_bytes(second)
        return found

    monkeypatch.setattr(genlock_otio, "read", overtaken)
    answer = come_home(ann, project, cut, out)
    assert len(asked) == 2
    assert [change["kind"] for change in answer["changes"]] == ["removed", "removed"]


def test_a_file_that_never_rests_is_refused(
    ann: Any, project: str, cut: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import genlock_otio

    out = folder / "out.otio"
    export(ann, cut, out)
    read = genlock_otio.read

    def overtaken(path: Path, **how: Any) -> Any:
        found = read(path, **how)
        path.write_bytes(path.read_bytes() + b" ")
        return found

    monkeypatch.setattr(genlock_otio, "read", overtaken)
    assert refused(ann, project, cut, out) == (415, "unknown_format")


def test_a_list_that_does_not_say_its_rate_is_of_the_projects(ann: Any, studio: Path) -> None:
    project = ann.project(rate=[25, 1])
    ann.sequence(project)
    file = studio / "media" / f"{project[:8]}.edl"
    file.write_text("TITLE: Reel\n\n001  A001 V C 00:00:01:00 00:00:02:00 01:00:00:00 01:00:01:00\n")
    made = ann.post(f"/api/projects/{project}/import", {"path": str(file)})
    assert ann.get(f"/api/sequences/{made['sequence']}")["rate"] == [25, 1]
