"""Commands become durable: once each, in groups, all of a group or none."""

from __future__ import annotations

from concurrent.futures import Future, wait
from pathlib import Path
from threading import Event, Thread

import pytest

from genlock.application.application import Accepted, Envelope, Published
from genlock.errors import BadInput, GenlockError, NotFound, Refused, StoreError
from genlock.event import EventKind
from genlock.project.commands import CreateProject, CreateShot, RenameProject
from genlock.store.store import open_store
from genlock.timeline.commands import AppendItem, RenameItem
from tests.application.studio import Failing, Studio, clip, comparable


class Held:
    """Holds the writer's thread inside a group, so that what is sent meanwhile becomes one group."""

    def __init__(self, studio: Studio) -> None:
        self.go = Event()
        self.inside = Event()
        self.studio = studio
        self.stop = studio.app.subscribe(self.wait)

    def wait(self, _: list[Published]) -> None:
        self.inside.set()
        assert self.go.wait(10)

    def __enter__(self) -> Held:
        self.future = self.studio.app.submit(self.studio.envelope(CreateProject("Hold")))
        assert self.inside.wait(10)
        self.stop()
        return self

    def __exit__(self, *_: object) -> None:
        self.go.set()


def outcome(future: Future[Accepted]) -> Accepted | str:
    error = future.exception(10)
    if error is None:
        return future.result()
    assert isinstance(error, GenlockError)
    return error.code


def test_the_same_command_twice_is_done_once(studio: Studio) -> None:
    first = studio.do(CreateProject("Blue"), id="x")
    again = studio.do(CreateProject("Blue"), id="x")
    assert not first.duplicate
    assert again.duplicate
    assert (again.target, again.version, again.first_id, again.created) == (first.target, 1, 1, first.created)
    assert len(studio.app.projects()) == studio.store.tip() == len(studio.seen) == 1


def test_an_id_is_never_used_for_something_else(studio: Studio) -> None:
    project = studio.do(CreateProject("Blue"), id="x").target
    assert studio.refused(CreateProject("Red"), id="x").code == "command_id_reused"
    assert studio.refused(RenameProject("Red"), project, id="x").code == "command_id_reused"


def test_the_same_command_for_another_target_is_another_command(studio: Studio) -> None:
    one, two = studio.project("One"), studio.project("Two")
    studio.do(RenameProject("Three"), one, id="x")
    assert studio.refused(RenameProject("Three"), two, id="x").code == "command_id_reused"


def test_a_refused_id_is_free_again(studio: Studio) -> None:
    project = studio.project()
    studio.do(CreateShot(project, "SH1"))
    assert studio.refused(CreateShot(project, "SH1"), id="x").code == "name_taken"
    assert not studio.do(CreateShot(project, "SH2"), id="x").duplicate


def test_idempotency_survives_a_restart(tmp_path: Path) -> None:
    store = open_store(tmp_path / "s.genlock")
    studio = Studio(store)
    sequence = studio.sequence()
    first = studio.append(sequence, "a", id="x")
    studio.append(sequence, "b")
    studio = studio.reopened()
    again = studio.do(AppendItem(studio.track(sequence), clip("a")), sequence, id="x")
    assert again.duplicate
    assert (again.version, again.first_id, again.last_id) == (2, first.first_id, first.last_id)
    assert studio.refused(AppendItem(studio.track(sequence), clip("z")), sequence, id="x").code == "command_id_reused"
    assert studio.items(sequence) == ["a", "b"]
    studio.app.close()
    store.close()


def test_repeats_inside_one_group(studio: Studio) -> None:
    with Held(studio):
        futures = [studio.app.submit(studio.envelope(CreateProject("Blue"), id="x")) for _ in range(3)]
        other = studio.app.submit(studio.envelope(CreateProject("Red"), id="x"))
    answers = [outcome(future) for future in futures]
    assert outcome(other) == "command_id_reused"
    assert [a.duplicate for a in answers if isinstance(a, Accepted)] == [False, True, True]
    assert len({a.target for a in answers if isinstance(a, Accepted)}) == 1
    assert [p.name for p in studio.app.projects()] == ["Blue", "Hold"]


def test_the_same_id_from_many_threads_is_done_once(studio: Studio) -> None:
    answers: list[Accepted] = []
    envelope = studio.envelope(CreateProject("Blue"), id="x")
    threads = [Thread(target=lambda: answers.append(studio.app.execute(envelope))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert sorted(a.duplicate for a in answers) == [False] + [True] * 7
    assert len(studio.app.projects()) == 1


def test_ten_threads_share_transactions(tmp_path: Path) -> None:
    store = open_store(tmp_path / "s.genlock")
    studio = Studio(store)
    sequence = studio.sequence()
    groups: list[int] = []
    studio.app.subscribe(lambda published: groups.append(len(published)))

    def edit(thread: int) -> None:
        futures = [
            studio.app.submit(
                Envelope(
                    id=f"t{thread}.{k}",
                    command=AppendItem(studio.track(sequence), clip(f"i{thread}.{k}")),
                    target=sequence,
                    actor=f"a{thread}",
                )
            )
            for k in range(20)
        ]
        wait(futures, 20)
        versions = [future.result().version for future in futures]
        assert versions == sorted(versions)

    threads = [Thread(target=edit, args=(n,)) for n in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sum(groups) == 200
    assert max(groups) <= 64
    assert len(groups) < 200
    assert sorted(studio.items(sequence)) == sorted(f"i{n}.{k}" for n in range(10) for k in range(20))
    assert [event.originator_version for event in store.read(studio.seen[1].event.originator_id)] == list(range(1, 202))
    studio.app.close()
    store.close()


def test_a_refused_edit_is_answered_alone(studio: Studio) -> None:
    sequence = studio.sequence()
    track = studio.track(sequence)
    with Held(studio):
        commands = [AppendItem(track, clip("a")), RenameItem("nobody", "x"), AppendItem(track, clip("b"))]
        futures = [studio.app.submit(studio.envelope(command, sequence)) for command in commands]
    answers = [outcome(future) for future in futures]
    assert [a if isinstance(a, str) else a.version for a in answers] == [2, "no_such_item", 3]
    assert studio.items(sequence) == ["a", "b"]


def test_each_command_sees_what_the_one_before_did(studio: Studio) -> None:
    project = studio.project()
    with Held(studio):
        futures = [studio.app.submit(studio.envelope(CreateShot(project, "SH1"))) for _ in range(2)]
    assert [isinstance(outcome(future), Accepted) for future in futures] == [True, False]
    assert outcome(futures[1]) == "name_taken"


@pytest.mark.parametrize(("error", "code"), [(StoreError("store_full"), "store_full"), (OSError("gone"), "internal")])
def test_a_store_that_fails_fails_the_group_and_changes_nothing(error: Exception, code: str) -> None:
    store = Failing(open_store("memory:"))
    studio = Studio(store)  # type: ignore[arg-type]
    sequence = studio.sequence()
    track = studio.track(sequence)
    before, seen = comparable(studio.app), len(studio.seen)
    with Held(studio) as held:
        futures = [studio.app.submit(studio.envelope(AppendItem(track, clip(n)), sequence)) for n in "ab"]
        repeat = studio.app.submit(studio.envelope(CreateProject("Red"), id="r"))
        again = studio.app.submit(studio.envelope(CreateProject("Red"), id="r"))
        store.error = error
    held.future.result(10)
    assert [outcome(future) for future in (*futures, repeat, again)] == [code] * 4
    assert studio.items(sequence) == []
    assert studio.app.sequence(sequence).version == 1
    assert len(studio.seen) == seen + 1  # the project that held the thread
    del before
    store.error = None
    assert studio.append(sequence, "c").version == 2
    assert studio.items(sequence) == ["c"]
    studio.app.close()


@pytest.mark.parametrize(
    ("error", "code"), [(StoreError("store_corrupt"), "store_corrupt"), (OSError("gone"), "internal")]
)
def test_a_store_that_cannot_be_read_answers_and_the_writer_goes_on(error: Exception, code: str) -> None:
    store = Failing(open_store("memory:"))
    studio = Studio(store)  # type: ignore[arg-type]
    store.unreadable = error
    assert outcome(studio.app.submit(studio.envelope(CreateProject("Blue")))) == code
    store.unreadable = None
    studio.project("Red")
    assert [p.name for p in studio.app.projects()] == ["Red"]
    studio.app.close()


def test_another_writer_on_the_store_is_noticed(studio: Studio) -> None:
    sequence = studio.sequence()
    other = Studio(studio.store, first=1000)
    other.append(sequence, "theirs")
    with pytest.raises(Refused) as caught:
        studio.append(sequence, "mine")
    assert caught.value.code == "stale_version"
    assert studio.append(sequence, "mine").version == 3
    assert studio.items(sequence) == ["theirs", "mine"]
    other.app.close()


def test_nothing_is_visible_before_it_is_durable(studio: Studio) -> None:
    seen: list[tuple[int, int, bool]] = []

    def look(published: list[Published]) -> None:
        tip, head = studio.store.tip(), studio.app.head_id()
        seen.append((tip, head, len(studio.app.projects()) == published[-1].id))

    studio.app.subscribe(look)
    studio.project("One")
    studio.project("Two")
    assert seen == [(1, 1, True), (2, 2, True)]


def test_a_subscriber_that_fails_stops_nobody(studio: Studio, caplog: pytest.LogCaptureFixture) -> None:
    heard: list[int] = []

    def broken(_: list[Published]) -> None:
        raise RuntimeError("no")

    stop = studio.app.subscribe(broken)
    studio.app.subscribe(lambda published: heard.append(len(published)))
    studio.project()
    stop()
    studio.project()
    assert heard == [1, 1]
    assert caplog.text.count("A subscriber failed") == 1


def test_a_strict_command_on_an_old_version_is_refused(studio: Studio) -> None:
    sequence = studio.sequence()
    studio.append(sequence, "a")
    command = AppendItem(studio.track(sequence), clip("b"))
    error = studio.refused(command, sequence, base_version=1, strict=True)
    assert (error.code, error.details["version"]) == ("stale_version", 2)
    assert studio.do(command, sequence, base_version=2, strict=True).version == 3


def test_without_strict_an_old_base_is_no_matter(studio: Studio) -> None:
    sequence = studio.sequence()
    studio.append(sequence, "a")
    assert studio.append(sequence, "b", base_version=1).version == 3


@pytest.mark.parametrize("id_", ["", "x" * 129])
def test_a_command_needs_an_id(studio: Studio, id_: str) -> None:
    error = studio.refused(CreateProject("Blue"), id=id_)
    assert isinstance(error, BadInput)
    assert (error.code, error.details["field"]) == ("bad_request", "id")


@pytest.mark.parametrize("kind", ["undo", "redo", "revert"])
def test_history_is_made_by_its_commands_alone(studio: Studio, kind: EventKind) -> None:
    assert studio.refused(CreateProject("Blue"), kind=kind).details["field"] == "kind"


def test_unknown_targets(studio: Studio) -> None:
    assert studio.refused(RenameProject("x"), "f" * 32).code == "no_such_project"
    assert studio.refused(RenameProject("x")).code == "no_such_project"
    assert studio.refused(RenameItem("i", "x"), "f" * 32).code == "no_such_sequence"
    assert isinstance(studio.refused(CreateShot("f" * 32, "SH1")), NotFound)


def test_a_closed_application_takes_nothing_more(studio: Studio) -> None:
    studio.project()
    studio.app.close()
    with pytest.raises(Refused) as caught:
        studio.project()
    assert caught.value.code == "shutting_down"
    assert len(studio.app.projects()) == 1


def test_what_is_queued_is_done_before_it_closes(studio: Studio) -> None:
    with Held(studio):
        futures = [studio.app.submit(studio.envelope(CreateProject(f"P{k}"))) for k in range(100)]
    studio.app.close()
    assert all(isinstance(outcome(future), Accepted) for future in futures)


def test_a_cancelled_command_is_not_done(studio: Studio) -> None:
    with Held(studio):
        future = studio.app.submit(studio.envelope(CreateProject("Blue")))
        assert future.cancel()
    studio.project("Red")
    assert [p.name for p in studio.app.projects()] == ["Hold", "Red"]


@pytest.mark.parametrize("field", ["id", "actor"])
def test_what_a_database_cannot_hold_is_refused_alone(studio: Studio, field: str) -> None:
    asked: list[str] = []
    find = studio.store.find_commands
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(studio.store, "find_commands", lambda ids: asked.extend(ids) or find(ids))
        with Held(studio):
            good = studio.app.submit(studio.envelope(CreateProject("Red")))
            bad = studio.app.submit(studio.envelope(CreateProject("Blue"), **{field: "a\0b"}))
        assert (outcome(bad), outcome(good)) == ("bad_request", good.result())
    assert not any("\0" in id_ for id_ in asked)
