"""A host over a real socket: what it shows becomes the sequence, for everybody; and how its media join the pool."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from genlock_client.blocking import Connection
from genlock_client.discovery import Endpoint
from genlock_client.errors import Refused
from genlock_client.model import SequenceModel
from tests.daemon.test_exchange import make_clip

AS_JSON = {"content-type": "application/json"}
BARS = {"type": "generator", "generator": "bars"}


@pytest.fixture
def cut(ann: Any) -> tuple[str, str, str]:
    """A project, and a sequence with three clips of 24 frames on its magnetic track."""
    project = ann.project("Arranged")
    sequence = ann.sequence(project)
    track = ann.track(sequence)
    for name in ("One", "Two", "Three"):
        ann.append(sequence, track, name=name)
    return project, sequence, track


@pytest.fixture
def hosts(daemon: Any, cut: tuple[str, str, str]) -> Iterator[tuple[Connection, Connection]]:
    endpoint = Endpoint(daemon.port, daemon.token)
    with (
        Connection.open(endpoint, host="blender", actor="ada", project=cut[0]) as one,
        Connection.open(endpoint, host="blender", actor="bo", project=cut[0]) as two,
    ):
        yield one, two


def settled(connection: Connection, sequence: str, version: int) -> SequenceModel:
    deadline = time.monotonic() + 10
    while connection.model.versions.get(sequence, 0) < version:
        assert time.monotonic() < deadline
        for _ in connection.events(timeout=0.05):
            pass
    return connection.model.sequences[sequence]


def shown(model: SequenceModel, track: str) -> list[tuple[str, int, int]]:
    starts = model.starts(track)
    return [
        (item["name"], starts[item["id"]], item["duration"])
        for item in model.on(track)
        if item["source"]["type"] != "gap"
    ]


def arranged(base: int, nested: Any = (), **arrangement: Any) -> dict[str, Any]:
    return {"do": "Arrange", "base": base, "arrangement": arrangement, "nested": list(nested)}


def test_two_hosts_that_arrange_at_once_show_both_changes(
    hosts: tuple[Connection, Connection], cut: tuple[str, str, str], ann: Any
) -> None:
    (one, two), (_, sequence, track) = hosts, cut
    base = one.model.versions[sequence]
    ids = {item["name"]: item["id"] for item in one.model.sequences[sequence].on(track)}
    first = one.command(arranged(base, items={ids["Two"]: {"start": 30}, ids["Three"]: {"start": 60}}), sequence)
    second = two.command(arranged(base, items={ids["One"]: {"duration": 20, "name": "Uno"}}), sequence)
    assert (first.version, second.version) == (base + 1, base + 2)
    wanted = [("Uno", 0, 20), ("Two", 30, 24), ("Three", 60, 24)]
    for host in hosts:
        assert shown(settled(host, sequence, base + 2), track) == wanted
    kinds = [
        (e["kind"], e["intent"], e["host"], e["label"])
        for e in ann.get(f"/api/sequences/{sequence}/history")["entries"]
    ]
    assert kinds[:2] == [("merge", "Arrange", "blender", "Trim Uno"), ("edit", "Arrange", "blender", "Move 2 clips")]
    undone = two.command({"do": "Undo"}, sequence)
    for host in hosts:
        assert shown(settled(host, sequence, undone.version), track)[0] == ("One", 0, 24)


def test_a_refused_arrangement_names_the_items_and_changes_nothing(
    hosts: tuple[Connection, Connection], cut: tuple[str, str, str]
) -> None:
    (one, _), (_, sequence, track) = hosts, cut
    base = one.model.versions[sequence]
    before = one.model.sequences[sequence].snapshot()
    ids = [item["id"] for item in one.model.sequences[sequence].on(track)]
    with pytest.raises(Refused) as refused:
        one.command(arranged(base, items={ids[1]: {"start": 10}}), sequence)
    assert refused.value.code == "overlap"
    assert {conflict["id"] for conflict in refused.value.conflicts} >= set(ids[:2])
    with pytest.raises(Refused) as again:
        one.command(arranged(base), sequence)
    assert again.value.code == "no_change"
    assert one.model.sequences[sequence].snapshot() == before


def test_a_nested_sequence_reaches_the_other_host_with_what_shows_it(
    hosts: tuple[Connection, Connection], cut: tuple[str, str, str]
) -> None:
    (one, two), (_, sequence, _) = hosts, cut
    base, inner = one.model.versions[sequence], "ab" * 16
    over = next(
        t["id"] for t in one.model.sequences[sequence].tracks if t["placement"] == "free" and t["kind"] == "video"
    )
    nested = {
        "sequence": inner,
        "base": None,
        "name": "Intro",
        "arrangement": {
            "tracks": {"n1": {"kind": "video", "name": "V1"}},
            "items": {"x": {"track": "n1", "start": 4, "duration": 12, "source": BARS, "name": "X"}},
        },
    }
    meta = {"track": over, "start": 5, "duration": 16, "source": {"type": "nested", "sequence": inner}, "name": "Meta"}
    accepted = one.command(arranged(base, [nested], items={"meta": meta}), sequence)
    assert list(accepted.created) == [inner]
    assert shown(settled(two, sequence, accepted.version), over) == [("Meta", 5, 16)]
    assert shown(settled(two, inner, 1), "n1") == [("X", 4, 12)]


# -- media


def keep(ann: Any, project: str, *paths: Path | str) -> dict[str, Any]:
    body = {"paths": [str(path) for path in paths], "missing": "keep"}
    answer: dict[str, Any] = ann.post(f"/api/projects/{project}/media", body)
    return answer


def test_each_path_of_a_request_is_answered_by_itself(ann: Any, cut: tuple[str, str, str], studio: Path) -> None:
    project, folder = cut[0], studio / "media"
    film = make_clip(folder / "kept.mov", 12)
    text = folder / "kept-text.mov"
    text.write_text("no movie")
    gone, run = folder / "gone.mov", folder / "gone.%04d.png"
    answer = keep(ann, project, film, gone, "/etc/passwd", text, "relative.mov", run, film)
    entries = {entry["path"]: entry for entry in answer["media"]}
    assert {path: bool(entries[path].get("missing")) for path in entries} == {
        str(film): False,
        str(gone): True,
        str(text): False,
        str(run): True,
    }
    assert entries[str(film)]["info"]["frames"] == 12
    assert "info" not in entries[str(text)]
    assert answer["paths"] == {path: entry["id"] for path, entry in entries.items()}
    assert [(row["path"], row["code"]) for row in answer["refused"]] == [
        ("/etc/passwd", "outside_roots"),
        ("relative.mov", "bad_value"),
    ]
    assert "--root" in answer["refused"][0]["hint"]
    pool = {entry["id"]: entry for entry in ann.get(f"/api/projects/{project}/media")}
    assert pool == {entry["id"]: entry for entry in answer["media"]}
    # as before, one of no use fails the request
    assert ann.refused("POST", f"/api/projects/{project}/media", json={"paths": [str(film), str(gone)]}) == (
        404,
        "no_such_file",
    )
    # and what came back is no longer missing, under the id it had
    make_clip(gone, 5)
    again = keep(ann, project, gone)["media"]
    assert [(entry["id"], entry.get("missing", False), entry["info"]["frames"]) for entry in again] == [
        (entries[str(gone)]["id"], False, 5)
    ]


def test_a_path_through_a_link_is_told_by_the_name_it_was_sent_under(
    ann: Any, cut: tuple[str, str, str], studio: Path
) -> None:
    film = make_clip(studio / "media" / "linked.mov", 3)
    link = studio / "media" / "link-to-it.mov"
    os.symlink(film, link)
    answer = keep(ann, cut[0], link, film)
    (entry,) = answer["media"]
    assert answer["paths"] == {str(link): entry["id"], str(film): entry["id"]}


def test_a_file_name_that_is_no_text_is_refused_by_itself(ann: Any, cut: tuple[str, str, str], studio: Path) -> None:
    odd, gone = f"{studio}/media/\udc80.mov", f"{studio}/media/gone.mov"
    address = f"/api/projects/{cut[0]}/media"
    answer = ann.http.post(address, content=json.dumps({"paths": [odd, gone], "missing": "keep"}), headers=AS_JSON)
    assert answer.status_code == 200
    told = json.loads(answer.content)
    assert list(told["paths"]) == [gone]
    assert [(row["path"], row["code"]) for row in told["refused"]] == [(odd, "bad_value")]
    answer = ann.http.post(address, content=json.dumps({"paths": [odd]}), headers=AS_JSON)
    assert (answer.status_code, json.loads(answer.content)["error"]["code"]) == (400, "bad_value")


def test_media_that_go_missing_keep_what_was_known_of_them(ann: Any, cut: tuple[str, str, str], studio: Path) -> None:
    film = make_clip(studio / "media" / "goes.mov", 7)
    (before,) = keep(ann, cut[0], film)["media"]
    film.unlink()
    (after,) = keep(ann, cut[0], film)["media"]
    assert (after["id"], after["missing"], after["info"]) == (before["id"], True, before["info"])


def test_an_item_of_media_that_just_joined_needs_only_their_id(
    ann: Any, hosts: tuple[Connection, Connection], cut: tuple[str, str, str], studio: Path
) -> None:
    (one, _), (project, sequence, _) = hosts, cut
    film = make_clip(studio / "media" / "arranged.mov", 40)
    id_ = keep(ann, project, film)["paths"][str(film)]
    base = one.model.versions[sequence]
    over = next(
        t["id"] for t in one.model.sequences[sequence].tracks if t["placement"] == "free" and t["kind"] == "video"
    )
    item = {"track": over, "start": 0, "duration": 10, "source": {"type": "media", "media": id_}}
    accepted = one.command(arranged(base, items={"clip": item}), sequence)
    (placed,) = settled(one, sequence, accepted.version).on(over)
    (entry,) = [entry for entry in ann.get(f"/api/projects/{project}/media") if entry["id"] == id_]
    assert placed["source"]["frames"] == 40 == entry["info"]["frames"]
    assert placed["source_in"] == placed["source"].get("first", 0) == entry["info"].get("start", 0)
