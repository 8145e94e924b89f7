# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes a scene show a picture, touching only what differs, in steps that keep to a time.

A `Work` goes through phases: what is gone leaves, meta strips take in what belongs into them, strips move (`placing`), what
is new comes, inputs before effects, and last come looks, markers and channels. A strip that the user changed since the
`shadow` was read is left alone: the user's edit has to be sent first. Between two steps nothing of Blender is kept, and
after each one everything stands where it belongs: nothing waits out of sight.
"""

from __future__ import annotations

import time
from collections import deque
from contextlib import nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import bpy

from . import compat, creating, curves, marking, placing, reading, speeds
from .compat import A
from .creating import Trouble
from .holding import Hand, trimmed, undisturbed
from .placing import Spot
from .planning import Plan

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from .placing import Block
    from .states import Picture, Strip

_REFUSALS: Final = (RuntimeError, TypeError, ValueError, AttributeError, KeyError, ReferenceError)
"""What Blender raises when it will not have something."""
_PLACE: Final = ("content_start", "content", "freeze", "curves")


class Unit(NamedTuple):
    """A piece of work that is not divided. `slow`: it opens a file."""

    run: Callable[[Hand], None]
    keys: tuple[str, ...]
    slow: bool = False


class Applier:
    """Shows pictures in one scene, which is found again by its id at each step."""

    def __init__(self, scene: Any) -> None:
        self._uid = scene.session_uid

    def begin(self, wanted: Picture, shadow: Mapping[str, Strip], agreed: Picture | None = None) -> Work:
        """Starts to show `wanted`. `shadow` are the strips as they were last read, by key; markers and channels that differ
        from those of `agreed` are the user's and stay, without it all become as wanted."""
        return Work(self._uid, wanted, shadow, agreed)


class Work:
    """A picture on its way into the scene.

    `touched`: every strip that may differ from the shadow by this work, read back in the same step, None when it is gone.
    `left`: keys of strips that the user changed. `troubles`: key -> (code, sentence); "pending" means that the speed waits
    for a sequencer on the screen, and that a later `step` or work will set it. `changed`: an undo step is due.
    """

    def __init__(self, uid: int, wanted: Picture, shadow: Mapping[str, Strip], agreed: Picture | None) -> None:
        self.touched: dict[str, Strip | None] = {}
        self.left: set[str] = set()
        self.troubles: dict[str, Trouble] = {}
        self.changed = False
        self._uid = uid
        self._agreed = agreed
        want: dict[str, Strip] = {}
        for strip in wanted.strips:
            if strip.key:
                want[strip.key], trouble = creating.feasible(strip, shadow.get(strip.key))
                if trouble is not None:
                    self.troubles[strip.key] = trouble
        self._picture = wanted
        self._plan = Plan(want, {key: strip for key, strip in shadow.items() if key}, wanted.rate)
        self._want = want
        self._have = self._plan.have
        self._made: set[str] = set()
        self._pending: set[str] = set()
        self._opening = 0.0
        self._todo: deque[Unit] = deque()
        self._phases: deque[Callable[[Hand], Iterable[Unit]]] = deque()
        self._settled = self._plan.settled()
        if not self._settled:
            self._phases.extend((self._removals, self._intake))
            self._phases.extend(partial(self._moves, depth) for depth in range(self._plan.depths()))
            self._phases.extend((self._newcomers, self._looks))
        self._phases.append(self._surroundings)

    def step(self, budget_seconds: float, clock: Callable[[], float] = time.perf_counter) -> bool:
        """Works for about `budget_seconds`; True when all is done that can be done.

        A step always does something; a file is opened only when as much time is left as that took lately. A later call
        tries again what is pending.
        """
        scene = next((scene for scene in bpy.data.scenes if scene.session_uid == self._uid), None)
        if scene is None:
            self._todo.clear()
            self._phases.clear()
            return True
        if not self._todo and not self._phases:
            self._phases.append(self._speeds)
        end = clock() + budget_seconds
        with nullcontext() if self._settled else undisturbed(scene):
            hand = Hand(scene)
            fresh = True
            while self._todo or self._phases:
                start = clock()
                if not fresh and start + (self._opening if self._todo and self._todo[0].slow else 0.0) >= end:
                    return False
                fresh = False
                if not self._todo:
                    self._todo.extend(self._phases.popleft()(hand))
                    continue
                unit = self._todo.popleft()
                self._do(unit, hand)
                if unit.slow:
                    self._opening = max(clock() - start, 0.9 * self._opening)
        return True

    def _do(self, unit: Unit, hand: Hand) -> None:
        try:
            unit.run(hand)
        except _REFUSALS as refused:
            for key in unit.keys:
                self.troubles[key] = Trouble("refused", f"Blender refuses it: {refused}".splitlines()[0])
            self._back(hand, unit.keys)

    def _back(self, hand: Hand, keys: Iterable[str]) -> None:
        """Undoes half a unit: what was being made goes, what was on its way returns."""
        mine = [strip for strip in compat.strips_all(hand.editor) if strip.get(reading.KEY) in keys]
        whole = [strip for strip in mine if self._type(strip.get(reading.KEY)) == strip.type]
        for strip in mine:
            if strip not in whole:
                compat.strips(strip.parent_meta() or hand.editor).remove(strip)
        for strip in whole:
            have = self._have[strip.get(reading.KEY)]
            strip.name = have.name
            if not have.inputs:
                placing.land(strip, Spot(have.channel, have.left, have.right, have.content_start))
        hand.look()
        self._made.difference_update(keys)
        self.left.update(keys)

    # -- what both sides know

    def _type(self, key: str) -> str:
        return self._have[key].type if key in self._have else ""

    def _again(self, hand: Hand, keys: Iterable[str]) -> None:
        """Reads strips back as they are."""
        self.changed = True
        for key in keys:
            self._have[key] = self.touched[key] = hand.read(key)
        self._glance(hand, self._around(keys))

    def _glance(self, hand: Hand, keys: Iterable[str]) -> None:
        """Reads back the places alone, and those of the meta strips around, which are as long as what is in them: what else
        the user may have changed stays a difference to the shadow."""
        self.changed = True
        for key in keys:
            have, strip = self._have[key], hand.strips[key]
            channel, left, right, start = placing.spot_of(strip)
            shift = left - have.left
            rigid = right - have.right == shift and abs(start - have.content_start - shift) < placing.NEAR
            if rigid and not have.inputs and have.type != "META" and not trimmed(strip):
                place: dict[str, Any] = {"content_start": start}
            else:
                read = hand.read(key)
                place = {name: getattr(read, name) for name in _PLACE}
            place.update(channel=channel, left=left, right=right)
            self._have[key] = self.touched[key] = have._replace(**place)
        around = self._around(keys)
        if around:
            self._glance(hand, around)

    def _around(self, keys: Iterable[str]) -> list[str]:
        return sorted({self._have[key].parent for key in keys} & self._have.keys())

    def _gone(self, key: str) -> None:
        self._have.pop(key, None)
        self.touched[key] = None
        self.changed = True

    def _untouched(self, hand: Hand, key: str) -> bool:
        """Whether the strip is as both sides know it; a strip that is not is left."""
        if key in self.left:
            return False
        if key in hand.strips and hand.read(key) == self._have.get(key):
            return True
        self.left.add(key)
        return False

    def _unmoved(self, hand: Hand, key: str) -> bool:
        """Whether the strip lies where both sides know it to; a strip that does not is left."""
        strip, have = hand.strips.get(key), self._have[key]
        if key in self.left:
            return False
        if strip is not None and strip.type == have.type:
            spot = placing.spot_of(strip)
            same_start = trimmed(strip) or abs(spot.start - have.content_start) < 1
            if spot[:3] == (have.channel, have.left, have.right) and same_start:
                return True
        self.left.add(key)
        return False

    # -- what is gone

    def _removals(self, hand: Hand) -> Iterable[Unit]:
        return [Unit(partial(self._remove, key), (key,)) for key in self._plan.leaving()]

    def _remove(self, key: str, hand: Hand) -> None:
        strip = hand.strips.get(key)
        if strip is None:
            self._gone(key)
            return
        if not self._untouched(hand, key):
            return
        if hand.users(strip) or (strip.type == "META" and len(compat.strips(strip))):
            self.left.add(key)  # the user put an effect over it, or a strip into it
            return
        around = self._have[key].parent
        hand.remove(key)
        self._gone(key)
        if around in hand.strips and around in self._have:
            self._glance(hand, (around,))

    # -- into meta strips

    def _intake(self, hand: Hand) -> Iterable[Unit]:
        metas, strips = self._plan.intake()
        yield from (Unit(partial(self._make_spare, key), (key,)) for key in metas if key not in self.left)
        yield from (Unit(partial(self._take_in, key), (key,)) for key in strips)

    def _take_in(self, key: str, hand: Hand) -> None:
        """Moves a strip into a meta strip, at its own time on a channel where nothing is: its place comes later."""
        want = self._want[key]
        if want.parent not in hand.strips or not self._untouched(hand, key):
            self.left.add(key)
            return
        strip, meta = hand.strips[key], hand.strips[want.parent]
        spare = placing.spare_channels(meta)
        start = getattr(strip, A.start)
        setattr(strip, A.start, start + placing.PARK)
        strip.move_to_meta(meta)
        strip.channel = spare[0] if spare else want.channel
        setattr(strip, A.start, start)
        inside = [other for other in self._plan.inside(key) if other in hand.strips]
        outside = self._around((key,))
        self._again(hand, (key, *inside))
        self._glance(hand, outside)

    # -- moves

    def _moves(self, depth: int, hand: Hand) -> Iterable[Unit]:
        for parent, blocks in self._plan.moves(depth, self.left):
            for group in placing.order(blocks):
                keys = tuple(key for block in group for key in (*block.keys, *block.effects))
                yield Unit(partial(self._move, parent, group), keys)

    def _move(self, parent: str, group: list[Block], hand: Hand) -> None:
        roots, effects, carried = {}, {}, []
        for block in group:
            for key in block.keys:
                if self._unmoved(hand, key):
                    roots[key] = (hand.strips[key], self._spot(key, hand.strips[key]))
                    if self._have[key].type == "META":
                        carried.extend(self._plan.inside(key))
            for key in block.effects:
                if key in hand.strips and key not in self.left:
                    effects[key] = (hand.strips[key], self._want[key].channel)
        if not roots and not effects:
            return
        lost = placing.move(hand.owner(parent), roots, effects)
        self._glance(hand, [key for key in (*roots, *effects, *carried) if key in hand.strips])
        for key in lost:
            self._occupied(key, hand)

    def _spot(self, key: str, strip: Any) -> Spot:
        """Where a strip that exists belongs. Frames cut off the file itself come before what Blender calls the content."""
        spot = self._plan.spot(key)
        return spot._replace(start=spot.start + getattr(strip, A.start) - self._have[key].content_start)

    def _occupied(self, key: str, hand: Hand) -> None:
        strip = hand.strips[key]
        self.troubles[key] = Trouble(
            "occupied", f"“{strip.name}” is on channel {strip.channel}: another strip lies where it belongs."
        )

    # -- what is new

    def _newcomers(self, hand: Hand) -> Iterable[Unit]:
        for key in self._plan.coming(self.left):
            run = partial(self._replace if key in self._have else self._make, key)
            yield Unit(run, (key,), slow=self._want[key].type in creating.SLOW)

    def _make(self, key: str, hand: Hand) -> None:
        want = self._want[key]
        if key in hand.strips:  # an undo brought it back, or two of us made it
            read = hand.read(key)
            self._have[key] = self.touched[key] = read
            if read != want:
                self.left.add(key)
            return
        if want.parent and want.parent not in hand.strips:
            self.left.add(key)
            return
        inputs = [hand.strips.get(one) for one in want.inputs]
        if None in inputs:
            self.troubles[key] = Trouble("no_input", f"“{want.name}” is not shown: a strip under it is missing.")
            return
        strip = self._create(key, want, inputs, hand)
        if want.type == "META":
            placing.fit(strip, want.left, want.right)
        self._lay(key, strip, hand)
        self._again(hand, (key,))

    def _make_spare(self, key: str, hand: Hand) -> None:
        """Makes a meta strip at its own time on a channel where nothing is: what has its place goes into it first."""
        want = self._want[key]
        if want.parent and want.parent not in hand.strips:
            self.left.add(key)
            return
        spare = placing.spare_channels(hand.owner(want.parent))
        strip = self._create(key, want._replace(channel=spare[0]) if spare else want, (), hand)
        placing.fit(strip, want.left, want.right)
        self._again(hand, (key,))

    def _create(self, key: str, want: Strip, inputs: Sequence[Any], hand: Hand) -> Any:
        """Makes a strip and gives it all but its place."""
        strip = creating.create(hand.owner(want.parent), want, inputs)
        hand.made(key, strip)
        self._made.add(key)
        self._dress(key, strip, hand)
        if want.speed != hand.read(key).speed:
            self._pace(key, strip, hand)
        return strip

    def _lay(self, key: str, strip: Any, hand: Hand) -> None:
        """Puts a strip on its place, which is free, and its curves to it."""
        want = self._want[key]
        if want.inputs or want.type == "META":
            if placing.is_free(hand.owner(want.parent), strip, want.channel):
                strip.channel = want.channel
        else:
            placing.land(strip, Spot(want.channel, want.left, want.right, want.content_start))
        if strip.channel != want.channel:
            self._occupied(key, hand)
        if want.curves or key not in self._made:
            curves.restore_curves(strip, hand.scene, want.curves)

    def _replace(self, key: str, hand: Hand) -> None:
        """Makes a strip of another type in the place of one, under the same effects."""
        if not self._untouched(hand, key):
            return
        old = hand.strips[key]
        over = hand.users(old)
        chosen, active = old.select, hand.editor.active_strip == old
        name, above = old.name, [effect.name for effect in over]
        old.name = name + " "
        hand.strips.pop(key)
        hand.names.pop(name, None)
        strip = self._create(key, self._want[key], (), hand)
        for effect in over:
            for slot in ("input_1", "input_2"):
                if getattr(effect, slot, None) == old:
                    setattr(effect, slot, strip)
        old.name = name + "  "  # Blender then forgets that these effects were over it, and lets them live
        around = old.parent_meta()
        compat.strips(around if around is not None else hand.editor).remove(old)
        strip.select = chosen
        if active:
            hand.editor.active_strip = strip
        self._lay(key, strip, hand)
        keys = [hand.names[effect] for effect in above if effect in hand.names and hand.find(effect) is not None]
        self._again(hand, [key, *(one for one in keys if one in self._have)])

    # -- looks

    def _looks(self, hand: Hand) -> Iterable[Unit]:
        for key in self._plan.dressing():
            if key not in self._made and key not in self.left:
                yield Unit(partial(self._look, key), (key,), slow=self._plan.repointed(key))

    def _look(self, key: str, hand: Hand) -> None:
        if not self._untouched(hand, key):
            return
        strip, want = hand.strips[key], self._want[key]
        moved, spot = False, self._spot(key, strip)
        if self._plan.repointed(key):
            creating.repoint(strip, want)
            moved = True
        self._dress(key, strip, hand)
        if self._plan.paced(key):
            moved = self._pace(key, strip, hand) or moved
        if moved and not want.inputs:
            placing.land(strip, spot)
        curves.restore_curves(strip, hand.scene, want.curves)
        self._again(hand, (key,))

    def _dress(self, key: str, strip: Any, hand: Hand) -> None:
        want = self._want[key]
        before = strip.name
        creating.rename(strip, want.name, hand.names)
        if strip.name != before:
            hand.names.pop(before, None)
            hand.names[strip.name] = key
        reading.set_note(strip, want.note)
        have = self._have.get(key)
        if want.link != (have.link if have is not None and key not in self._made else ""):
            creating.tie(strip, want.link)
        troubles = creating.dress(strip, want, hand.find)
        if troubles:
            what = ", ".join(sorted({trouble.path for trouble in troubles}))
            self.troubles[key] = Trouble("partly", f"“{strip.name}” keeps what this Blender cannot show: {what}.")

    def _pace(self, key: str, strip: Any, hand: Hand) -> bool:
        """Sets the speed, far from everything, because the strip is as long as its whole file for a moment."""
        shown = hand.read(key)
        setattr(strip, A.start, placing.STAGE)
        end = speeds.apply(hand.scene, strip, self._want[key], shown)
        self._pending.discard(key)
        if end == speeds.PENDING:
            self._pending.add(key)
            self.troubles[key] = Trouble(end, f"The speed of “{strip.name}” waits until a sequencer shows this scene.")
        elif end == speeds.RAMP:
            self.troubles[key] = Trouble(end, f"“{strip.name}” has a speed ramp, which cannot be laid from here.")
        elif self.troubles.get(key, Trouble("", "")).code == speeds.PENDING:
            del self.troubles[key]
        return True

    def _speeds(self, hand: Hand) -> Iterable[Unit]:
        """Speeds that had to wait."""
        return [Unit(partial(self._catch_up, key), (key,)) for key in sorted(self._pending)]

    def _catch_up(self, key: str, hand: Hand) -> None:
        if key in hand.strips and compat.sequencer_override(hand.scene) is not None and self._untouched(hand, key):
            spot = self._spot(key, hand.strips[key])
            self._pace(key, hand.strips[key], hand)
            placing.land(hand.strips[key], spot)
            self._again(hand, (key,))

    # -- markers and channels

    def _surroundings(self, hand: Hand) -> Iterable[Unit]:
        return [Unit(self._surround, ())]

    def _surround(self, hand: Hand) -> None:
        marked = marking.mark(hand.scene, self._picture, self._agreed)
        labelled = marking.label(hand.editor, self._picture, self._agreed)
        self.changed = self.changed or marked or labelled
