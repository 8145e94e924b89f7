"""The daemon comes, goes, lies and turns us down: Blender says what is the matter, and no edit is lost."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from daemons import Daemon
from linked import PYTHON, Editor, left, move

from genlock_blender import compat, prefs
from genlock_client.discovery import Endpoint
from genlock_client.errors import ClientError


@pytest.fixture
def editor(scene: Any, daemon: Daemon, project: str) -> Iterator[Editor]:
    compat.register()
    made = Editor(daemon, project)
    made.color("Red", 1, 1, 49)
    yield made
    made.close()
    if daemon.endpoint() is None:
        daemon.start()
    compat.unregister()


def test_without_a_daemon_it_says_so_and_finds_it_later(editor: Editor) -> None:
    editor.daemon.kill()
    editor.until(lambda: editor.status.state == "absent")
    assert "genlock up" in editor.status.hint
    editor.daemon.start()
    editor.until(lambda: editor.status.state == "unlinked")


def test_edits_made_offline_are_counted_and_told_after_a_restart(editor: Editor) -> None:
    editor.link_new()
    key = editor.named("Red")["genlock_id"]
    editor.daemon.kill()
    move(editor.named("Red"), 30)
    editor.until(lambda: editor.status.state == "offline" and editor.status.local_changes == 1)
    assert "1 change is kept here" in editor.status.sentence
    editor.daemon.start()
    editor.until(lambda: editor.status.state not in ("offline", "connecting"))
    editor.settle()
    assert editor.items()[key]["start"] == 30


def test_both_sides_edits_made_apart_are_merged(editor: Editor) -> None:
    editor.color("Blue", 2, 1, 49)
    editor.link_new()
    keys = {name: editor.named(name)["genlock_id"] for name in ("Red", "Blue")}
    editor.bridge.disconnect()
    editor.arrange(**{keys["Blue"]: {"start": 60}})
    move(editor.named("Red"), 30)
    editor.pump(0.6)
    editor.bridge.connect()
    editor.until(lambda: left(editor.named("Blue")) == 61)
    editor.settle()
    assert {key: editor.items()[key]["start"] for key in keys.values()} == {keys["Red"]: 30, keys["Blue"]: 60}
    assert not editor.status.conflicts


def test_where_both_changed_the_same_thing_the_conflict_is_listed(editor: Editor) -> None:
    editor.link_new()
    key = editor.named("Red")["genlock_id"]
    editor.bridge.disconnect()
    editor.arrange(**{key: {"start": 60}})
    move(editor.named("Red"), 30)
    editor.pump(0.6)
    editor.bridge.connect()
    editor.until(lambda: editor.status.conflicts)
    editor.settle()
    assert left(editor.named("Red")) == 61
    conflict = editor.status.conflicts[0]
    answer = editor.command({"do": "ResolveConflict", "conflict": conflict["id"], "choice": "theirs"})
    assert answer["version"]
    editor.until(lambda: not editor.status.conflicts and left(editor.named("Red")) == 31)


def test_media_that_the_daemon_could_not_be_asked_for_are_asked_for_again(editor: Editor, footage: Path) -> None:
    editor.link_new()
    editor.daemon.kill()
    editor.movie(footage / "b.mp4", 3, 1)
    editor.pump(0.6)
    editor.daemon.start()
    editor.until(lambda: editor.status.state not in ("offline", "connecting"))
    editor.settle()
    assert {item["name"] for item in editor.items().values()} == {"Red", "b"}


def test_a_file_that_is_no_media_goes_out_under_its_name_and_costs_nothing(editor: Editor, tmp_path: Path) -> None:
    editor.link_new()
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"nothing")
    compat.strips(compat.editor(editor.scene)).new_image("Bad", str(bad), 4, 1)
    editor.color("Blue", 5, 1, 25)
    editor.settle()
    assert {item["name"] for item in editor.items().values()} == {"Red", "Blue", "Bad"}
    assert not editor.status.held


def test_a_file_that_the_daemon_may_not_read_says_how_to_let_it(editor: Editor) -> None:
    editor.link_new()
    with TemporaryDirectory(dir=Path.home(), prefix=".genlock-") as hidden:
        path = Path(hidden, "far.png")
        path.write_bytes(b"nothing")
        compat.strips(compat.editor(editor.scene)).new_image("Far", str(path), 4, 1)
        editor.settle()
        assert "--root" in editor.status.held["Far"][1]


def test_a_wrong_token_is_said_and_the_right_one_helps(editor: Editor, monkeypatch: pytest.MonkeyPatch) -> None:
    endpoint = editor.daemon.endpoint()
    assert endpoint is not None
    monkeypatch.setenv("GENLOCK_URL", f"127.0.0.1:{endpoint.port}")
    monkeypatch.setenv("GENLOCK_TOKEN", "wrong")
    editor.bridge.connect()
    editor.until(lambda: editor.status.state == "denied")
    assert editor.status.sentence
    monkeypatch.setenv("GENLOCK_TOKEN", endpoint.token)
    editor.bridge.connect()
    editor.until(lambda: editor.status.state == "unlinked")


def test_a_daemon_elsewhere_is_refused(editor: Editor, monkeypatch: pytest.MonkeyPatch) -> None:
    for address in ("192.0.2.7:8765", "http://example.org:80", "not an address:x"):
        monkeypatch.setenv("GENLOCK_URL", address)
        with pytest.raises(ClientError):
            prefs.find()
        editor.bridge.connect()
        editor.until(lambda: editor.status.state == "denied")
        assert editor.status.hint
    monkeypatch.setenv("GENLOCK_URL", "localhost:8765")
    assert prefs.find() == Endpoint(8765, "", "127.0.0.1")


class Liar:
    """Something on a port that is no daemon: it says `words` and goes on listening."""

    def __init__(self, words: bytes) -> None:
        self.words = words
        self.server = socket.create_server(("127.0.0.1", 0))
        self.server.setblocking(False)
        self.clients: list[socket.socket] = []
        self.port = self.server.getsockname()[1]

    def pump(self) -> None:
        try:
            client, _ = self.server.accept()
        except BlockingIOError:
            return
        client.sendall(self.words)
        self.clients.append(client)

    def close(self) -> None:
        for each in (self.server, *self.clients):
            each.close()


@pytest.mark.parametrize(
    "words",
    [b"SSH-2.0-OpenSSH_9.9\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", b"\x00\xff" * 4000, b""],
    ids=["ssh", "http", "noise", "silence"],
)
def test_another_program_on_the_port_does_no_harm(
    editor: Editor, monkeypatch: pytest.MonkeyPatch, words: bytes
) -> None:
    liar = Liar(words)
    monkeypatch.setenv("GENLOCK_URL", f"127.0.0.1:{liar.port}")
    monkeypatch.setenv("GENLOCK_TOKEN", "x")
    editor.bridge.connect()
    for _ in range(60):
        liar.pump()
        editor.pump(0.01)
    assert editor.status.state in ("connecting", "absent", "denied")
    assert not [note for note in editor.bridge.notes if "went wrong" in note]
    liar.close()


def test_a_daemon_of_another_protocol_is_named(editor: Editor, monkeypatch: pytest.MonkeyPatch) -> None:
    welcome = {"type": "welcome", "protocol": 99, "log": "l", "cursor": {"log": "l", "id": 0}, "snapshot": {}}
    session = editor.bridge.session
    editor.until(lambda: editor.status.state == "unlinked")
    assert session is not None
    session.lost("cable")
    session.state = type(session.state)(0, 0.0, "") if hasattr(session.state, "retry_at") else session.state
    session.wants_connection()
    session.opened("token")
    for happening in session.received(json.dumps(welcome)):
        editor.bridge._happened(happening)
    assert editor.status.state == "denied"
    assert "99" in editor.status.sentence
    assert editor.status.hint


def test_nothing_here_is_a_thread(editor: Editor) -> None:
    editor.link_new()
    editor.daemon.restart()
    editor.settle()
    assert threading.active_count() == 1


def test_a_daemon_of_another_store_is_not_written_to(editor: Editor, tmp_path_factory: pytest.TempPathFactory) -> None:
    editor.link_new()
    folder = tmp_path_factory.mktemp("other")
    other = Daemon(folder, [folder], PYTHON)
    path = folder / "a.blend"
    editor.save(path)
    editor.daemon.kill()
    other.start()
    try:
        editor.load(path)
        editor.bridge.connect()
        editor.until(lambda: editor.status.state in ("stopped", "denied"))
        assert "There is no project" in editor.status.sentence
        assert editor.status.hint
    finally:
        other.kill()


def test_a_sequence_that_is_not_there_stops_with_a_sentence(editor: Editor) -> None:
    editor.bridge.link_existing(editor.scene, "0" * 32, editor.project)
    editor.until(lambda: editor.status.state == "stopped")
    assert editor.status.hint
