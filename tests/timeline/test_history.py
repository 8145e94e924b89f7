"""Undo, diff and effects on what real edits decide, not only on ops made for the purpose."""

from __future__ import annotations

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from genlock.timeline.check import violations
from genlock.timeline.decision import Context, Decision, Refusal
from genlock.timeline.diff import diff
from genlock.timeline.edits import decide
from genlock.timeline.effects import effects, snapshot
from genlock.timeline.events import content_of
from genlock.timeline.ops import Op
from genlock.timeline.sequence import Sequence, apply_all
from genlock.timeline.undo import compensate
from tests.timeline.test_edits_programs import START, Asker
from tests.timeline.test_effects import Client, sent


class Program:
    """A run of random commands; each step is (state before, ops, state after)."""

    def __init__(self, seed: int, length: int) -> None:
        self.steps: list[tuple[Sequence, tuple[Op, ...], Sequence]] = []
        asker, state = Asker(Random(seed)), START
        for number in range(length):
            answer = decide(state, asker.command(state), Context(f"c{seed}/{number}"))
            if isinstance(answer, Decision) and answer.ops:
                after = apply_all(state, answer.ops)
                self.steps.append((state, answer.ops, after))
                state = after
        self.state = state


@given(st.integers(0, 2**32))
@settings(max_examples=60, deadline=None)
def test_every_edit_is_undone_exactly_and_redone_exactly(seed: int) -> None:
    program = Program(seed, 15)
    state, redo = program.state, []
    for before, ops, _ in reversed(program.steps):
        back = compensate(state, ops)
        assert not isinstance(back, Refusal), back
        state = apply_all(state, back)
        assert content_of(state) == content_of(before)
        redo.append(back)
    for back, (_, _, after) in zip(reversed(redo), program.steps, strict=True):
        again = compensate(state, back)
        assert not isinstance(again, Refusal), again
        state = apply_all(state, again)
        assert content_of(state) == content_of(after)


@given(st.integers(0, 2**32))
@settings(max_examples=60, deadline=None)
def test_a_client_follows_every_edit_and_every_undo(seed: int) -> None:
    program = Program(seed, 12)
    client = Client(sent(snapshot(START)))
    state = START
    for _, ops, after in program.steps:
        for effect in sent(effects(state, after, ops)):
            client.take(*effect)
        assert client.whole(after.version) == sent(snapshot(after))
        state = after
    for _, ops, _ in reversed(program.steps):
        back = compensate(state, ops)
        assert not isinstance(back, Refusal)
        before = apply_all(state, back)
        for effect in sent(effects(state, before, back)):
            client.take(*effect)
        assert client.whole(before.version) == sent(snapshot(before))
        state = before


@given(st.integers(0, 2**32), st.data())
@settings(max_examples=60, deadline=None)
def test_the_way_between_any_two_versions(seed: int, data: st.DataObject) -> None:
    program = Program(seed, 12)
    states = [START, *(after for _, _, after in program.steps)]
    one, two = data.draw(st.sampled_from(states)), data.draw(st.sampled_from(states))
    ops = diff(one, two)
    reached = apply_all(one, ops)
    assert content_of(reached) == content_of(two)
    client = Client(sent(snapshot(one)))
    for effect in sent(effects(one, reached, ops)):
        client.take(*effect)
    assert client.whole(reached.version) == sent(snapshot(reached))


@given(st.integers(0, 2**32), st.data())
@settings(max_examples=60, deadline=None)
def test_undoing_any_edit_of_the_past_is_refused_or_sound(seed: int, data: st.DataObject) -> None:
    program = Program(seed, 12)
    if not program.steps:
        return
    _, ops, _ = data.draw(st.sampled_from(program.steps))
    plain = compensate(program.state, ops)
    if isinstance(plain, Refusal):
        assert plain.conflicts
    else:
        assert not violations(apply_all(program.state, plain))
    forced = compensate(program.state, ops, force=True)
    assert not isinstance(forced, Refusal)
    assert not violations(apply_all(program.state, forced))
