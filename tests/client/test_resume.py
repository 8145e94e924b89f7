"""Any mix of lost connections, repeated frames, holes and lost answers ends with the truth, each event seen once."""

from __future__ import annotations

import json
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from genlock_client.happenings import Changed, CommandAccepted, Connected, Happening
from genlock_client.session import Live, Session

SHOTS = ("a" * 32, "b" * 32)


class World:
    """A perfect daemon behind a bad line, and the session at the other end of it."""

    def __init__(self, chance: Random) -> None:
        self.chance = chance
        self.now = 0.0
        self.session = Session("t", "a", clock=lambda: self.now, project="p", chance=lambda: 1.0)
        self.log: list[dict[str, Any]] = []
        self.versions = dict.fromkeys(SHOTS, 0)
        self.answered: dict[str, int] = {}
        self.line: list[str] = []
        self.seen: list[Happening] = []

    def append(self, shot: str = "") -> int:
        shot = shot or self.chance.choice(SHOTS)
        self.versions[shot] += 1
        version, n = self.versions[shot], len(self.log) + 1
        value = {"id": shot, "version": version}
        event = {"n": n, "o": shot, "v": version, "t": "T@1", "e": None, "effects": [["shot", shot, value]]}
        self.log.append(event)
        self.line.append(self.frame([event]))
        return n

    def frame(self, events: list[dict[str, Any]]) -> str:
        return json.dumps({"type": "events", "events": events, "cursor": {"log": "l", "id": events[-1]["n"]}})

    def connect(self) -> None:
        self.now += 60
        assert self.session.wants_connection()
        self.session.opened()
        hello = json.loads(self.session.outgoing()[0])
        self.line = []
        cursor = hello["cursor"]
        tail = self.log[cursor["id"] :] if cursor else []
        welcome: dict[str, Any] = {"type": "welcome", "protocol": 1, "log": "l", "session": "s", "behind": len(tail)}
        welcome["cursor"] = cursor or {"log": "l", "id": len(self.log)}
        if cursor is None:
            shots = [{"id": shot, "version": version} for shot, version in self.versions.items() if version]
            welcome["snapshot"] = {"projects": [], "project": {"id": "p", "version": 1}, "shots": shots}
        self.line.append(json.dumps(welcome))
        self.line += [self.frame(tail[at : at + 3]) for at in range(0, len(tail), 3)]

    def deliver(self, *, count: int) -> None:
        while self.line and count:
            count -= 1
            self.seen += self.session.received(self.line.pop(0))
            if isinstance(self.session.state, Live):
                self.serve()

    def serve(self) -> None:
        """Carries out what the client sent; the answer joins the line."""
        for text in self.session.outgoing():
            message = json.loads(text)
            if message["type"] == "command":
                first = message["id"] not in self.answered
                if first:
                    self.answered[message["id"]] = self.append()
                answer = {"type": "accepted", "id": message["id"], "version": self.answered[message["id"]]}
                self.line.append(json.dumps({**answer, "duplicate": not first}))

    def step(self) -> None:
        """One random thing happens."""
        what = self.chance.randrange(7)
        if self.session.wants_connection() or what == 0:
            if not isinstance(self.session.state, Live) and self.chance.random() < 0.7:
                self.session.lost("failed")
                self.connect()
        elif what == 1:
            self.session.lost("cut")
        elif what == 2 and len(self.line) > 1:
            self.line.insert(0, self.line[0])
        elif what == 3 and len(self.line) > 1:
            self.line.pop(self.chance.randrange(1, len(self.line)))
        elif what == 4:
            self.session.command({"do": "Note"})
            self.serve()
        elif what == 5:
            self.append()
        else:
            self.deliver(count=self.chance.randint(1, 4))

    def settle(self) -> None:
        """The line is good from now on. A hole shows with the next event of the same shot, so there is one more of each."""
        for _ in range(4):
            self.session.lost("cut")
            self.connect()
            self.deliver(count=10_000)
            for shot in SHOTS:
                self.append(shot)
            self.deliver(count=10_000)


@given(st.integers(0, 2**32))
@settings(max_examples=150, deadline=None)
def test_a_bad_line_never_shows(seed: int) -> None:
    world = World(Random(seed))
    world.connect()
    for _ in range(80):
        world.step()
    sent = [*world.session.pending]
    world.settle()
    assert world.session.pending == [], sent
    assert {id_: shot["version"] for id_, shot in world.session.model.shots.items()} == {
        shot: version for shot, version in world.versions.items() if version
    }
    last = dict.fromkeys(SHOTS, 0)
    for happening in world.seen:
        if isinstance(happening, Connected) and happening.fresh:
            last = dict.fromkeys(SHOTS, -1)  # the snapshot stands for what came before
        if isinstance(happening, Changed):
            assert last[happening.originator] in (-1, happening.version - 1)
            last[happening.originator] = happening.version
    accepted = [happening.id for happening in world.seen if isinstance(happening, CommandAccepted)]
    assert set(accepted) >= set(sent)
    assert len(world.answered) <= len(world.log)
