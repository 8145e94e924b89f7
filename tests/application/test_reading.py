"""Queries from other threads while the writer writes: whole moments, never going back."""

from __future__ import annotations

from threading import Event, Thread

import pytest

from genlock.errors import NotFound
from genlock.timeline.check import violations
from genlock.timeline.commands import AppendItem, RippleTrimItem
from genlock.timeline.events import content_of
from tests.application.studio import Studio, clip


def test_readers_see_whole_moments_in_order(studio: Studio) -> None:
    project = studio.project()
    sequence = studio.sequence(project)
    track = studio.track(sequence)
    stop, faults, reads = Event(), [], []

    def read() -> None:
        version = 0
        while not stop.is_set():
            state = studio.app.sequence(sequence)
            past = studio.app.sequence(sequence, max(1, state.version // 2))
            content = studio.app.content(sequence)
            newest = studio.app.history(sequence, limit=1)[0].version
            if state.version < version or newest < state.version or violations(state) or violations(past):
                faults.append((version, state.version, newest))
            if len(content.tracks[0].items) < len(state.items) or len(past.items) > len(state.items):
                faults.append((len(content.tracks[0].items), len(state.items), len(past.items)))
            version = state.version
            reads.append(version)

    readers = [Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    futures = []
    for k in range(150):
        futures.append(studio.app.submit(studio.envelope(AppendItem(track, clip(f"i{k}")), sequence)))
        futures.append(studio.app.submit(studio.envelope(RippleTrimItem(f"i{k}", "tail", -1), sequence)))
        futures[-1].result(10)
    stop.set()
    for reader in readers:
        reader.join(10)
    assert all(future.exception(10) is None for future in futures)
    assert faults == []
    assert len(set(reads)) > 3
    assert studio.app.content(sequence) == content_of(studio.app.sequence(sequence))


@pytest.mark.parametrize(
    ("ask", "code"),
    [
        (lambda app: app.project("x"), "no_such_project"),
        (lambda app: app.shots("x"), "no_such_project"),
        (lambda app: app.shot("x"), "no_such_shot"),
        (lambda app: app.find_shot("x", "y"), "no_such_shot"),
        (lambda app: app.job("x"), "no_such_job"),
        (lambda app: app.sequence("x"), "no_such_sequence"),
        (lambda app: app.sequence_project("x"), "no_such_sequence"),
        (lambda app: app.history("x"), "no_such_sequence"),
        (lambda app: app.content("x"), "no_such_sequence"),
        (lambda app: app.wire_project("x"), "no_such_project"),
    ],
)
def test_what_is_not_there_is_named(studio: Studio, ask: object, code: str) -> None:
    assert callable(ask)
    with pytest.raises(NotFound) as caught:
        ask(studio.app)
    assert caught.value.code == code


def test_projects_are_listed_by_name(studio: Studio) -> None:
    for name in ("beta", "Alpha", "Gamma"):
        studio.project(name)
    assert [project.name for project in studio.app.projects()] == ["Alpha", "beta", "Gamma"]


def test_asking_for_sequences_that_are_not_there_leaves_nothing_behind(studio: Studio) -> None:
    for number in range(10):
        with pytest.raises(NotFound):
            studio.app.sequence(f"{number:032x}")
    assert studio.app._live._used == {}
