"""Any program of commands: what is live is what the log says, and what was published is what it says too."""

from __future__ import annotations

from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from genlock.application.application import Application
from genlock.application.commands import (
    ArchiveSequence,
    Command,
    ForkProject,
    ForkSequence,
    Redo,
    Revert,
    Undo,
)
from genlock.application.live import world_of
from genlock.errors import GenlockError
from genlock.project.commands import (
    AddMedia,
    AddTake,
    CancelJob,
    ChangeSettings,
    FailJob,
    FinishJob,
    QueueJob,
    RemoveMedia,
    RenameProject,
    RenameShot,
    RetryJob,
    SelectTake,
    SetShotStatus,
    SettingsPatch,
    StartJob,
)
from genlock.project.media import MediaFile
from genlock.project.request import GenerationRequest
from genlock.project.shot import Take
from genlock.timeline.check import violations
from genlock.timeline.commands import (
    AddTrack,
    Batch,
    ExtractItems,
    InsertItem,
    LiftItems,
    MoveItems,
    NestItems,
    OverwriteItem,
    Place,
    RenameItem,
    RippleTrimItem,
    SetEnabled,
    SetMarker,
    SetSequence,
    SplitAt,
    TrimItem,
)
from genlock.timeline.events import content_of
from genlock.timeline.model import Marker
from tests.application.studio import Studio, clip, comparable


class Program:
    """Random commands that mostly fit."""

    def __init__(self, studio: Studio, random: Random) -> None:
        self.studio = studio
        self.random = random
        self.project = studio.project()
        self.sequences = [studio.sequence(self.project)]
        self.shots = [studio.shot(self.project, "SH0")]
        self.jobs = [studio.do(self._queue(self.shots[0], 50)).target]
        self.count = 0

    def step(self) -> None:
        """Does one thing, or is refused; an accepted one may be sent again."""
        self.count += 1
        command, target = self.random.choice([self._edit, self._edit, self._edit, self._history, self._other])()
        actor = self.random.choice(["ann", "bob"])
        envelope = self.studio.envelope(command, target, actor=actor)
        try:
            first = self.studio.app.execute(envelope)
        except GenlockError as error:
            if error.code == "internal":
                raise
            return
        if self.random.random() < 0.1:
            assert self.studio.app.execute(envelope).first_id == first.first_id
        self._learn(command, first.target, first.created)

    def _learn(self, command: Command, target: str, created: tuple[str, ...]) -> None:
        world = self.studio.app.world
        self.sequences += [id_ for id_ in created if id_ in world.homes]
        self.jobs += [target] if isinstance(command, QueueJob) else []

    def _edit(self) -> tuple[Command, str]:
        random = self.random
        sequence = random.choice(self.sequences)
        state = self.studio.app.sequence(sequence)
        track = random.choice(state.order)
        item = random.choice(sorted(state.items) or ["none"])
        at = random.randrange(200)
        new = clip(f"i{self.count}", random.randint(1, 40))
        sync = random.random() < 0.5
        choices: list[Any] = [
            InsertItem(Place(track, at=at), new, sync=sync),
            InsertItem(Place(track, after=item), new, sync=sync),
            OverwriteItem(track, at, new),
            TrimItem(item, random.choice(["head", "tail"]), random.randint(-8, 8)),
            RippleTrimItem(item, random.choice(["head", "tail"]), random.randint(-8, 8), sync=sync),
            MoveItems((item,), Place(track, at=at), ripple=sync, overwrite=random.random() < 0.5, sync=sync),
            LiftItems((item,)),
            ExtractItems((item,), sync=sync),
            SplitAt(at),
            RenameItem(item, f"n{self.count}"),
            SetEnabled((item,), random.random() < 0.5),
            SetMarker(Marker(random.choice(["m1", "m2"]), at, name=str(self.count))),
            AddTrack(random.choice(["video", "audio"])),
            SetSequence(name=f"S{self.count}"),
            Batch((InsertItem(Place(track, at=at), new, sync=sync), RenameItem(new.id, "both"))),
            NestItems((item,), f"{self.count:032x}"),
        ]
        return random.choice(choices), sequence

    def _history(self) -> tuple[Command, str]:
        random = self.random
        sequence = random.choice(self.sequences)
        version = self.studio.app.sequence(sequence).version
        choices: list[Any] = [
            Undo(),
            Undo(force=True),
            Undo(ref=random.randint(1, version)),
            Redo(),
            Redo(force=True),
            Revert(random.randint(1, version)),
            ForkSequence(random.randint(1, version)),
            ArchiveSequence(archived=random.random() < 0.3),
        ]
        return random.choice(choices), sequence

    def _other(self) -> tuple[Command, str]:
        random, n = self.random, self.count
        shot, job = random.choice(self.shots), random.choice(self.jobs)
        take = Take(f"t{n}", random.randint(1, 9), f"/{n}.mov")
        choices: list[tuple[Any, str]] = [
            (RenameProject(f"P{n}"), self.project),
            (ChangeSettings(SettingsPatch(start_frame=n)), self.project),
            (AddMedia((MediaFile(f"m{n % 4}", f"/{n}"),)), self.project),
            (RemoveMedia(f"m{n % 4}"), self.project),
            (RenameShot(code=f"SH{n % 3}"), shot),
            (SetShotStatus(random.choice(["review", "approved"])), shot),
            (AddTake(take, select=n % 2 == 0), shot),
            (SelectTake(random.choice([None, f"t{n - 5}"])), shot),
            (self._queue(shot, random.randint(1, 9)), ""),
            (StartJob("animatic"), job),
            (FinishJob(take), job),
            (FailJob("worker_lost", ""), job),
            (CancelJob(), job),
            (RetryJob(), job),
            (ForkProject(random.choice([None, max(1, self.studio.app.head_id() - 3)])), self.project),
        ]
        return random.choice(choices)

    def _queue(self, shot: str, number: int) -> QueueJob:
        return QueueJob(self.project, GenerationRequest("image"), "/takes", "x", shot=shot, number=number)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32), every=st.sampled_from([3, 500]))
def test_what_is_live_is_what_the_log_says(seed: int, every: int) -> None:
    studio = Studio(every=every, idle=60.0, least=1)
    program = Program(studio, Random(seed))
    for _ in range(60):
        program.step()
    studio.app.close()
    again = Application(studio.store)
    try:
        assert comparable(again) == comparable(studio.app)
        for sequence in program.sequences:
            _same_sequence(studio, again, sequence)
        published = [(p.id, p.effects, p.project) for p in studio.seen]
        assert [(p.id, p.effects, p.project) for p in again.published_since(0, 10_000)] == published
        assert dict(world_of(studio.store).codes) == dict(studio.app.world.codes)
    finally:
        again.close()


def _same_sequence(studio: Studio, again: Application, sequence: str) -> None:
    live = studio.app.sequence(sequence)
    assert violations(live) == []
    assert again.sequence(sequence) == live
    assert again.content(sequence) == studio.app.content(sequence) == content_of(live)
    here, there = studio.app.world.opened[sequence], again.world.opened[sequence]
    assert (here.stacks, here.marks, here.project) == (there.stacks, there.marks, there.project)
    for version in (1, live.version // 2, live.version):
        if version:
            assert again.sequence(sequence, version).version == version
