"""A host whose items a user edits, a daemon in memory that others edit, and a line between them that breaks."""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genlock_client.cut import Cut
from genlock_client.partly import keep
from genlock_client.session import Backoff, Live, Resuming, Session
from genlock_client.sync import Asking, Idle, Keeping, Mapped, Sending, Settling, Showing, Shown, Stopped, Sync

SEQUENCE = "5" * 32
TRACKS = {"t0": {"kind": "video", "name": "V1", "placement": "free", "enabled": True, "locked": False}}
SETTINGS = {
    "name": "Cut",
    "rate": [24, 1],
    "drop_frame": False,
    "start_frame": 0,
    "resolution": [320, 180],
    "foreign": {},
}
FORBIDDEN = "forbidden"
"""An item of this name is refused."""

Items = dict[str, dict[str, Any]]


def item(start: int, name: str = "", **more: Any) -> dict[str, Any]:
    return {
        "track": "t0",
        "start": start,
        "duration": 10,
        "source": {"type": "media", "media": "m1"},
        "name": name,
        **more,
    }


class Daemon:
    """One sequence with all its versions. Where two edits of one field meet, the newest version's stands."""

    def __init__(self) -> None:
        self.versions: list[Items] = [{}, {}]
        self.answers: dict[str, dict[str, Any]] = {}
        self.commands: list[dict[str, Any]] = []
        self.events: list[dict[str, Any]] = []

    @property
    def items(self) -> Items:
        return self.versions[-1]

    def edit(self, items: Items, actor: str = "anna", id_: str = "") -> None:
        self.versions.append(items)
        event = {"actor": actor, "command_id": id_, "intent": "MoveItem"}
        effects = [["sequence", SEQUENCE, self.snapshot()]]
        place = {"n": len(self.events) + 1, "o": SEQUENCE, "v": len(self.versions) - 1}
        self.events.append({**place, "t": "SequenceEdited@1", "e": event, "effects": effects})

    def snapshot(self) -> dict[str, Any]:
        end, items = 0, []
        for id_, value in sorted(self.items.items(), key=lambda pair: (pair[1]["start"], pair[0])):
            items.append({"id": id_, **value, "gap": value["start"] - end})
            end = value["start"] + value["duration"]
            del items[-1]["start"]
        tracks = [{"id": id_, **value, "items": items} for id_, value in TRACKS.items()]
        return {"id": SEQUENCE, **SETTINGS, "version": len(self.versions) - 1, "tracks": tracks}

    def answer(self, message: dict[str, Any]) -> dict[str, Any]:
        id_, command = message["id"], message["command"]
        if id_ not in self.answers:
            self.commands.append(command)
            self.answers[id_] = self._decide(id_, command)
        return self.answers[id_]

    def _decide(self, id_: str, command: dict[str, Any]) -> dict[str, Any]:
        base, items = self.versions[command["base"]], {key: dict(value) for key, value in self.items.items()}
        for key, patch in command["arrangement"].get("items", {}).items():
            if patch is None:
                items.pop(key, None)
            elif patch.get("name") == FORBIDDEN:
                about = [{"code": "locked", "id": key, "message": "That name is taken."}]
                return {
                    "type": "refused",
                    "id": id_,
                    "code": "locked",
                    "message": "That name is taken.",
                    "conflicts": about,
                }
            elif key not in base:
                if not {"start", "duration", "source", "track"} <= patch.keys():
                    return {"type": "refused", "id": id_, "code": "no_such_item", "message": f"There is no {key}."}
                items[key] = patch
            elif key in items:
                fresh = {name: value for name, value in patch.items() if items[key].get(name) == base[key].get(name)}
                items[key].update(fresh)
        if items == self.items:
            return {"type": "refused", "id": id_, "code": "no_change", "message": "Nothing to do."}
        self.edit(items, "me", id_)
        return {"type": "accepted", "id": id_, "target": SEQUENCE, "version": len(self.versions) - 1}


class Screen:
    """The host: items by key, as the user left them. Its picture is a plain dict of them."""

    def __init__(self) -> None:
        self.items: Items = {}
        self.reason = ""
        self.asked: list[frozenset[str]] = []
        self.pool = {"m1"}
        self.steps = 1
        self.labels: list[str] = []
        self.reads = 0
        self.unstepped: dict[str, tuple[Any, Any]] = {}
        self.stubborn: set[str] = set()

    def fingerprint(self) -> bytes:
        return json.dumps({key: [value["start"], value["duration"]] for key, value in self.items.items()}).encode()

    def busy(self) -> str:
        return self.reason

    def read(self) -> Items:
        self.reads += 1
        return {key: dict(value) for key, value in self.items.items()}

    def cut(self, picture: Items) -> Mapped:
        held = {key: ("left", "Before the start.") for key, value in picture.items() if value["start"] < 0}
        wants = {
            key: value["source"]["media"] for key, value in picture.items() if value["source"]["media"] not in self.pool
        }
        held.update((key, ("media", "Not in the pool.")) for key in wants)
        items = {key: value for key, value in picture.items() if key not in held}
        return Mapped(Cut(SETTINGS, TRACKS, items, {}, {}, {}), held, frozenset(wants.values()))

    def agreed(self, shadow: Items, picture: Items, held: frozenset[str]) -> Items:
        kept = {key: shadow[key] for key in held if key in shadow}
        return {**{key: value for key, value in picture.items() if key not in held}, **kept}

    def unshown(self, shadows: Sequence[Items]) -> list[Items]:
        found = [dict(shadow) for shadow in shadows]
        for key, (before, after) in self.unstepped.items():
            for shadow in found:
                if self.items.get(key) == before and shadow.get(key) == after:
                    shadow[key] = before
                    if before is None:
                        del shadow[key]
        return found

    def ask(self, missing: frozenset[str]) -> bool:
        self.asked.append(missing)
        return self.asked.count(missing) == 1

    def show(self, cut: Cut, shadow: Items, label: str) -> Painting:
        self.labels.append(label)
        return Painting(self, cut.items, shadow)


class Painting:
    """One item a step; an item that the user changed is left alone."""

    def __init__(self, screen: Screen, wanted: Items, shadow: Items) -> None:
        self.screen, self.wanted, self.shadow = screen, wanted, dict(shadow)
        self.todo = sorted({*wanted, *shadow})
        self.left: set[str] = set()

    def step(self, budget: float) -> Shown | None:
        for _ in range(self.screen.steps):
            if self.todo:
                self._put(self.todo.pop())
        return None if self.todo else Shown(self.shadow, frozenset(self.left))

    def stop(self) -> Items:
        return self.shadow

    def _put(self, key: str) -> None:
        here, there = self.screen.items, self.wanted.get(key)
        self.screen.unstepped[key] = (self.shadow.get(key), there)
        if here.get(key) != self.shadow.get(key) or key in self.screen.stubborn:
            self.left.add(key)
        elif there is None:
            here.pop(key, None)
            self.shadow.pop(key, None)
        elif here.get(key) != there:
            here[key] = dict(there)
            self.shadow[key] = dict(there)


class World:
    """All of it, with a clock."""

    def __init__(self) -> None:
        self.now = 100.0
        self.daemon = Daemon()
        self.screen = Screen()
        self.session = Session("fake", "me", clock=lambda: self.now, project="p" * 32, backoff=Backoff(0.1, 0.1))
        self.up = True
        self.deaf = False
        self.names = itertools.count(1)
        self.sent = 0
        self.sync = self.linked(None, 0)
        self.session.opened("token")

    def linked(self, shadow: Items | None, base: int, pending: Any = None, before: Any = None) -> Sync:
        return Sync(
            self.screen,
            self.session,
            SEQUENCE,
            shadow=shadow or {},
            base=base,
            clock=lambda: self.now,
            pending=pending,
            before=before,
            fresh=lambda: f"command-{next(self.names)}",
        )

    def tick(self, seconds: float = 0.05) -> None:
        self.now += seconds
        if isinstance(self.session.state, Resuming) and self.up and self.session.wants_connection():
            self.session.opened("token")
        for frame in self.session.outgoing():
            self._serve(json.loads(frame))
        if self.up and isinstance(self.session.state, Live):
            self._events()
        self.sync.tick(self.now)

    def _hear(self, message: dict[str, Any]) -> None:
        for happening in self.session.received(json.dumps(message)):
            self.sync.happened(happening)

    def _serve(self, message: dict[str, Any]) -> None:
        if not self.up:
            return
        if message["type"] == "hello":
            cursor = {"log": "log", "id": len(self.daemon.events)}
            self.sent = len(self.daemon.events)
            project = {"id": "p" * 32, "name": "Film", "version": 1, "media": []}
            snapshot = {
                "projects": [],
                "project": project,
                "sequences": [self.daemon.snapshot()],
                "shots": [],
                "jobs": [],
            }
            self._hear({"type": "welcome", "protocol": 1, "log": "log", "cursor": cursor, "snapshot": snapshot})
        elif message["type"] == "command":
            answer = self.daemon.answer(message)
            if self.deaf:
                self.deaf = False
                self.drop()
            else:
                self._hear(answer)

    def _events(self) -> None:
        fresh = self.daemon.events[self.sent :]
        if fresh:
            self.sent = len(self.daemon.events)
            self._hear({"type": "events", "events": fresh, "cursor": {"log": "log", "id": self.sent}})

    def drop(self) -> None:
        for happening in self.session.lost("cable"):
            self.sync.happened(happening)

    def rest(self, seconds: float = 12.0) -> None:
        """Lets everything come to an end."""
        end = self.now + seconds
        while self.now < end:
            self.tick(0.05)


@pytest.fixture
def world() -> World:
    made = World()
    made.daemon.edit({"a": item(0, "Opening"), "b": item(20)})
    made.rest(1)
    return made


def test_a_sequence_is_shown_and_nothing_comes_back(world: World) -> None:
    assert world.screen.items == world.daemon.items
    world.rest()
    assert world.daemon.commands == []
    assert world.sync.state == Idle()


def test_an_edit_goes_out_once_after_it_has_settled(world: World) -> None:
    for frame in range(30, 40):
        world.screen.items["a"]["start"] = frame
        world.tick(0.05)
    assert isinstance(world.sync.state, Settling)
    world.rest(2)
    assert [command["arrangement"] for command in world.daemon.commands] == [{"items": {"a": {"start": 39}}}]
    assert world.daemon.items["a"]["start"] == 39
    assert world.sync.base == len(world.daemon.versions) - 1


def test_what_the_fingerprint_does_not_see_is_found_within_seconds(world: World) -> None:
    world.screen.items["a"]["name"] = "Overture"
    world.rest(6)
    assert world.daemon.items["a"]["name"] == "Overture"


def test_others_edits_are_shown_with_their_name(world: World) -> None:
    world.daemon.edit({**world.daemon.items, "c": item(50)})
    world.rest(1)
    assert world.screen.items["c"]["start"] == 50
    assert world.screen.labels[-1] == "anna MoveItem"


def test_a_busy_host_is_left_alone(world: World) -> None:
    world.screen.reason = "dragging"
    world.daemon.edit({**world.daemon.items, "c": item(50)})
    world.screen.items["a"]["start"] = 33
    world.rest(2)
    assert "c" not in world.screen.items
    assert world.daemon.commands == []
    world.screen.reason = ""
    world.rest(2)
    assert world.screen.items == world.daemon.items
    assert world.screen.items["a"]["start"] == 33


def test_an_edit_against_an_older_version_is_sent_with_that_version(world: World) -> None:
    base = len(world.daemon.versions) - 1
    world.up = False
    world.drop()
    world.screen.items["a"]["start"] = 70
    world.rest(1)
    assert world.sync.state == Keeping(1)
    assert world.sync.local_changes == 1
    world.daemon.edit({**world.daemon.items, "b": item(90)})
    world.up = True
    world.rest(2)
    assert world.daemon.commands[0]["base"] == base
    assert world.daemon.items["a"]["start"] == 70
    assert world.screen.items == world.daemon.items


def test_a_refused_edit_is_taken_back_and_the_reason_is_kept(world: World) -> None:
    world.screen.items["a"] |= {"name": FORBIDDEN, "start": 44}
    world.rest(2)
    assert world.screen.items["a"] == item(0, "Opening")
    refusal = world.sync.refusal
    assert refusal is not None
    assert refusal.message == "That name is taken."
    world.screen.items["a"]["start"] = 44
    world.rest(2)
    assert world.daemon.items["a"]["start"] == 44
    assert not world.sync.refusal


def test_one_refusal_does_not_take_back_a_day_offline(world: World) -> None:
    world.drop()
    world.screen.items["a"] |= {"name": FORBIDDEN, "start": 44}
    for number in range(5):
        world.screen.items[f"n{number}"] = item(1000 + 100 * number, f"New {number}")
    world.rest(6)
    assert {f"n{number}" for number in range(5)} <= world.daemon.items.keys()
    assert world.daemon.items["a"] == item(0, "Opening")
    assert world.screen.items == world.daemon.items
    assert world.sync.refusal is not None
    assert world.sync.refusal.message == "That name is taken."


def test_no_change_is_success(world: World) -> None:
    world.daemon.edit({**world.daemon.items, "a": item(5, "Opening")})
    world.screen.items["a"]["start"] = 5
    world.sync.hint()
    world.rest(2)
    assert world.sync.refusal is None
    assert world.screen.items == world.daemon.items


def test_a_command_whose_answer_was_lost_is_sent_again_under_its_id_after_a_restart(world: World) -> None:
    world.deaf = True
    world.screen.items["a"]["start"] = 60
    while not isinstance(world.sync.state, Sending):
        world.tick()
    pending, shadow, base = world.sync.pending, world.sync.shadow, world.sync.base
    world.tick()
    assert len(world.daemon.commands) == 1
    world.session = Session("fake", "me", clock=lambda: world.now, project="p" * 32)
    world.screen.items["b"]["start"] = 80
    world.sync = world.linked(shadow, base, pending)
    world.session.opened("token")
    world.rest(2)
    assert [command["arrangement"]["items"] for command in world.daemon.commands] == [
        {"a": {"start": 60}},
        {"b": {"start": 80}},
    ]
    assert world.screen.items == world.daemon.items


def test_media_are_asked_for_before_the_edit_goes_out(world: World) -> None:
    world.screen.items["c"] = item(40, source={"type": "media", "media": "m2"})
    world.rest(1)
    assert world.sync.state == Asking(frozenset({"m2"}))
    assert world.daemon.commands == []
    world.screen.pool.add("m2")
    world.sync.answered()
    world.rest(1)
    assert "c" in world.daemon.items


def test_media_that_cannot_be_added_hold_back_their_strip_alone(world: World) -> None:
    world.screen.items["c"] = item(40, source={"type": "media", "media": "m2"})
    world.screen.items["a"]["start"] = 60
    world.rest(1)
    world.sync.answered()
    world.rest(6)
    assert world.daemon.items["a"]["start"] == 60
    assert "c" not in world.daemon.items
    assert world.sync.held["c"][0] == "media"
    world.screen.pool.add("m2")
    world.rest(6)
    assert "c" in world.daemon.items


def test_what_is_held_is_not_taken_for_deleted(world: World) -> None:
    world.screen.items["a"]["start"] = -5
    world.rest(2)
    assert world.daemon.items["a"]["start"] == 0
    assert world.sync.held["a"][0] == "left"
    world.daemon.edit({**world.daemon.items, "b": item(90)})
    world.rest(2)
    assert world.screen.items["a"]["start"] == -5
    assert world.sync.base == len(world.daemon.versions) - 1
    world.screen.items["a"]["start"] = 7
    world.rest(2)
    assert world.daemon.items["a"]["start"] == 7


def test_another_session_goes_on_where_the_last_one_ended(world: World) -> None:
    world.session = Session("fake", "me", clock=lambda: world.now, project="p" * 32)
    world.sync.resume(world.session)
    world.screen.items["a"]["start"] = 33
    world.rest(1)
    world.session.opened("token")
    world.rest(2)
    assert world.daemon.items["a"]["start"] == 33
    assert world.sync.state == Idle()


def test_the_label_of_a_hint_names_the_edit(world: World) -> None:
    world.screen.items["a"]["start"] = 31
    world.sync.hint("Undo in Blender")
    while not isinstance(world.sync.state, Sending):
        world.tick()
    frames = [json.loads(frame) for frame in world.session.outgoing()]
    assert [frame["label"] for frame in frames] == ["Undo in Blender"]


def test_a_sequence_that_is_gone_stops_it_with_a_sentence(world: World) -> None:
    world.session.model.sequences.clear()
    world.sync.hint()
    world.daemon.events.append(
        {
            "n": len(world.daemon.events) + 1,
            "o": "p" * 32,
            "v": 2,
            "t": "t",
            "e": {},
            "effects": [["sequence", SEQUENCE, None]],
        }
    )
    world.rest(1)
    assert isinstance(world.sync.state, Stopped)


def test_an_edit_made_while_others_are_shown_is_sent_and_not_lost(world: World) -> None:
    world.screen.steps = 1
    world.daemon.edit({**world.daemon.items, **{f"n{n}": item(100 + 20 * n) for n in range(10)}})
    while "n9" not in world.screen.items:
        world.tick()
    world.screen.items["a"]["start"] = 55
    world.rest(3)
    assert world.daemon.items["a"]["start"] == 55
    assert world.screen.items == world.daemon.items


def test_keep_puts_back_what_is_held_in_nested_cuts_too() -> None:
    inner = Cut(SETTINGS, TRACKS, {"x": item(0)}, {}, {}, {})
    outer = Cut(SETTINGS, TRACKS, {"n": item(0)}, {">n": {"in_offset": 1}}, {}, {"s": inner})
    bare = outer._replace(items={}, tracks={}, transitions={}, nested={"s": inner._replace(items={})})
    assert keep(outer, bare, {"n": ("left", ""), "x": ("media", "")}) == outer


@settings(max_examples=200, deadline=None)
@given(seed=st.integers(0, 2**32), steps=st.integers(5, 60))
def test_any_interleaving_converges_and_loses_nothing(seed: int, steps: int) -> None:
    chance = random.Random(seed)
    world = World()
    world.screen.steps = chance.randint(1, 3)
    world.daemon.edit({name: item(20 * n, name) for n, name in enumerate("abcd")})
    world.rest(1)
    mine: dict[str, int] = {}
    for n in range(steps):
        _disturb(world, chance, mine, n)
        for _ in range(chance.randint(0, 6)):
            world.tick(chance.choice((0.02, 0.05, 0.2)))
    world.up, world.screen.reason = True, ""
    world.rest(15)
    assert world.screen.items == world.daemon.items
    assert not world.sync.local_changes
    for name, frame in mine.items():
        assert world.daemon.items[name]["start"] == frame
    before = len(world.daemon.commands)
    world.rest(10)
    assert len(world.daemon.commands) == before


def _disturb(world: World, chance: random.Random, mine: dict[str, int], n: int) -> None:
    """One thing happens. The user alone moves a and b and adds items; the others move and remove c and d."""
    frame = 1000 + 20 * n
    deed = chance.choice(
        ("move", "move", "add", "forbidden", "theirs", "theirs", "remove", "drop", "up", "deaf", "busy", "free")
    )
    if deed == "move":
        name = chance.choice("ab")
        world.screen.items[name]["start"] = mine[name] = frame
    elif deed == "add":
        world.screen.items[f"mine{n}"] = item(frame, f"mine{n}")
        mine[f"mine{n}"] = frame
    elif deed == "forbidden" and "c" in world.screen.items:
        world.screen.items["c"]["name"] = world.screen.items["c"]["name"] + "!"
    elif deed == "theirs":
        there = {name: dict(value) for name, value in world.daemon.items.items()}
        name = chance.choice("cd")
        there[name] = {**there.get(name, item(0, name)), "start": frame}
        world.daemon.edit(there)
    elif deed == "remove":
        world.daemon.edit({name: value for name, value in world.daemon.items.items() if name != "d"})
    elif deed == "drop":
        world.up = False
        world.drop()
    elif deed == "up":
        world.up = True
    elif deed == "deaf":
        world.deaf = True
    else:
        world.screen.reason = "dragging" if deed == "busy" else ""


def sending(world: World) -> None:
    """Lets time pass until a command is on its way."""
    while not isinstance(world.sync.state, Sending):
        world.tick()


def test_a_new_item_that_is_refused_goes_and_the_rest_of_the_edit_stands(world: World) -> None:
    world.screen.items["new"] = item(300, FORBIDDEN)
    world.screen.items["a"]["start"] = 44
    world.rest(2)
    assert world.daemon.items["a"]["start"] == 44
    assert world.screen.items == world.daemon.items
    assert world.sync.refusal is not None
    told = len(world.daemon.commands)
    world.rest(12)
    assert len(world.daemon.commands) == told


def test_what_is_edited_after_a_refusal_is_told_as_if_that_had_never_been_told(world: World) -> None:
    world.screen.items["a"] |= {"name": FORBIDDEN, "start": 44}
    sending(world)
    world.screen.reason = "drag"
    world.tick()
    world.screen.items["a"]["name"] = "Fine"
    world.screen.reason = ""
    world.rest(6)
    assert (world.daemon.items["a"]["name"], world.daemon.items["a"]["start"]) == ("Fine", 44)
    assert world.screen.items == world.daemon.items


def test_a_command_that_is_refused_after_a_restart_is_taken_back_too(world: World) -> None:
    world.screen.items["a"] |= {"name": FORBIDDEN}
    world.screen.items["c"] = item(200, "Third")
    sending(world)
    base, shadow, before, pending = world.sync.base, world.sync.shadow, world.sync.before, world.sync.pending
    assert before == {"a": item(0, "Opening"), "b": item(20)}
    world.sync = world.linked(shadow, base, pending, before)
    world.rest(6)
    assert world.daemon.items["c"] == item(200, "Third")
    assert world.daemon.items["a"] == item(0, "Opening")
    assert world.screen.items == world.daemon.items


def test_what_just_came_in_can_be_edited_beside_what_the_user_changed_meanwhile(world: World) -> None:
    world.screen.steps = 1
    world.daemon.edit({"a": item(500, "Opening"), "b": item(20), **{f"n{n}": item(100 + 20 * n) for n in range(10)}})
    while "n9" not in world.screen.items:
        world.tick()
    world.screen.items["a"]["name"] = "Mine"
    while "n0" not in world.screen.items:
        world.tick()
    world.screen.items["n0"]["start"] = 900
    world.rest(6)
    assert world.sync.refusal is None
    assert world.daemon.items["n0"]["start"] == 900
    assert (world.daemon.items["a"]["name"], world.daemon.items["a"]["start"]) == ("Mine", 500)
    assert world.screen.items == world.daemon.items


def test_what_cannot_be_shown_is_not_tried_for_ever(world: World) -> None:
    world.screen.stubborn = {"a"}
    world.daemon.edit({**world.daemon.items, "a": item(5), "c": item(50)})
    world.rest(2)
    shown = len(world.screen.labels)
    world.rest(10)
    assert len(world.screen.labels) == shown
    assert world.sync.base == len(world.daemon.versions) - 1
    world.screen.stubborn = set()
    world.daemon.edit({**world.daemon.items, "b": item(30)})
    world.rest(2)
    assert world.screen.items == world.daemon.items
    assert world.daemon.commands == []


def test_an_undo_between_two_steps_undoes_nobody_elses_edit(world: World) -> None:
    world.screen.items["a"]["start"] = 5
    world.rest(1)
    before = world.screen.read()
    world.daemon.edit({**world.daemon.items, **{f"n{n}": item(100 + 10 * n) for n in range(9)}})
    while not isinstance(world.sync.state, Showing) or len(world.screen.items) < 5:
        world.tick()
    world.screen.items = {**before, "a": {**before["a"], "start": 0}}
    world.sync.undone("Undo")
    world.rest(4)
    assert world.daemon.items["a"]["start"] == 0
    assert len(world.daemon.items) == 11
    assert world.screen.items == world.daemon.items
