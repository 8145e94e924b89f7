"""The queue between the hub and one socket."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine
from typing import Any, TypeVar

from hypothesis import given, settings
from hypothesis import strategies as st

from genlock.daemon import wire
from genlock.daemon.outbox import Closing, Entry, Frames, Outbox

T = TypeVar("T")
PROJECT = "p" * 32


def run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(asyncio.wait_for(work, 10))


def entry(
    id_: int, *, project: str = PROJECT, originator: str = "o", version: int | None = None, size: int = 0
) -> Entry:
    version = id_ if version is None else version
    data = wire.encode_event(id_, originator, version, "X@1", b"{}", ["x" * size])
    return Entry(id_, project, originator, version, data)


def outbox(*, project: str | None = PROJECT, limit: int = 1 << 20) -> Outbox:
    return Outbox(Frames("log"), "log", project, limit=limit)


def ids(frame: str) -> list[int]:
    return [event["n"] for event in json.loads(frame)["events"]]


def test_events_leave_in_frames_of_64() -> None:
    async def work() -> list[str]:
        box = outbox()
        for n in range(1, 131):
            box.offer([entry(n)])
        frames: list[str] = []
        while sum(len(ids(frame)) for frame in frames) < 130:
            taken = await box.take()
            assert isinstance(taken, list)
            frames += taken
        return frames

    frames = run(work())
    assert [len(ids(frame)) for frame in frames] == [64, 64, 2]
    assert [n for frame in frames for n in ids(frame)] == list(range(1, 131))
    assert [json.loads(frame)["cursor"]["id"] for frame in frames] == [64, 128, 130]


def test_answers_keep_their_place_between_events() -> None:
    async def work() -> list[str] | Closing:
        box = outbox()
        box.offer([entry(1)])
        box.answer('"first"')
        box.offer([entry(2)])
        box.offer([entry(3)])
        box.answer('"second"')
        return await box.take()

    frames = run(work())
    assert isinstance(frames, list)
    assert [ids(f) if "events" in f else f for f in frames] == [[1], '"first"', [2, 3], '"second"']


def test_only_the_newest_of_an_ephemeral_message_is_kept() -> None:
    async def work() -> list[str] | Closing:
        box = outbox()
        for n in range(1000):
            box.show("job/1", str(n))
        box.show("job/2", "other")
        return await box.take()

    assert run(work()) == ["999", "other"]


def test_what_the_snapshot_holds_is_dropped() -> None:
    async def work() -> list[str] | Closing:
        box = outbox()
        box.last, box.floors = 3, {"o": 5}
        for n in (2, 3, 4, 5, 6):
            box.offer([entry(n)])
        return await box.take()

    frames = run(work())
    assert isinstance(frames, list)
    assert [ids(frame) for frame in frames] == [[6]]


def test_a_project_sees_its_own_events_and_a_list_sees_projects_only() -> None:
    async def work(box: Outbox) -> list[str] | Closing:
        box.offer([entry(1, project="other")])
        box.offer([entry(2)])
        box.offer([entry(3, originator=PROJECT)])
        return await box.take()

    assert [ids(f) for f in run(work(outbox()))] == [[2, 3]]
    assert [ids(f) for f in run(work(outbox(project=None)))] == [[3]]


def test_a_client_beyond_the_limit_is_cut_off_with_its_cursor() -> None:
    async def work() -> tuple[Any, Any, Outbox]:
        box = outbox(limit=4000)
        box.offer([entry(1)])
        first = await box.take()
        for n in range(2, 30):
            box.offer([entry(n, size=200)])
        return first, await box.take(), box

    first, end, box = run(work())
    assert ids(first[0]) == [1]
    assert end.code == 4008
    message = json.loads(end.text)
    assert (message["type"], message["code"]) == ("resync", "slow_client")
    assert message["hint"]
    assert message["cursor"] == {"log": "log", "id": 1}
    assert message["reason"]
    assert box.is_slow
    assert box.backlog == 0


def test_bye_comes_after_what_waits() -> None:
    async def work() -> tuple[Any, Any]:
        box = outbox()
        box.offer([entry(1)])
        box.close(lambda cursor: wire.Bye("ending", cursor), 1001)
        box.offer([entry(2)])
        return await box.take(), await box.take()

    frames, end = run(work())
    assert ids(frames[0]) == [1]
    assert json.loads(end.text) == {"type": "bye", "reason": "ending", "cursor": {"log": "log", "id": 1}}
    assert end.code == 1001


def test_clients_that_wait_for_the_same_share_one_text() -> None:
    async def work() -> tuple[Any, Any]:
        frames = Frames("log")
        boxes = [Outbox(frames, "log", PROJECT) for _ in range(2)]
        for box in boxes:
            box.offer([entry(1)])
        return await boxes[0].take(), await boxes[1].take()

    one, two = run(work())
    assert one[0] is two[0]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(["offer", "take", "tail"]), max_size=60), st.integers(0, 20))
def test_a_client_sees_each_event_once_and_in_order(steps: list[str], start: int) -> None:
    """Whatever is interleaved: live events, and a tail read from the store up to where the log is."""

    async def work() -> list[int]:
        box, head, seen = outbox(), start, list(range(1, start + 1))
        box.last = start
        for step in steps:
            if step == "offer":
                head += 1
                box.offer([entry(head)])
            elif step == "tail":
                seen += range(box.last + 1, head + 1)
                box.last = head
            else:
                box.answer("0")
                taken = await box.take()
                assert isinstance(taken, list)
                for frame in taken:
                    seen += ids(frame) if "events" in frame else []
        seen += range(box.last + 1, head + 1)
        assert seen == list(range(1, head + 1))
        return seen

    run(work())
