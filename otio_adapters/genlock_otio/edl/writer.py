"""Writes CMX3600 edit lists: one track of pictures a list, its sound beside it, what the columns do not tell in remarks."""

from __future__ import annotations

import re
from typing import Any, Final

from genlock.timeline.events import TrackContent
from genlock.timeline.model import Marker, Transition
from genlock.timeline.timecode import frames_per_day, to_timecode
from genlock_otio.edl.cells import LONGEST
from genlock_otio.edl.reels import Reels
from genlock_otio.edl.remarks import (
    COLORS,
    CUT,
    EXACT,
    FROM,
    FROM_EXACT,
    ID,
    LIST,
    LOC,
    TAG,
    TRACK,
    coded,
    grade_lines,
    plain,
)
from genlock_otio.edl.shots import Shot, Side, lists, markers_within, shots
from genlock_otio.edl.speed import motion
from genlock_otio.outgoing import Outgoing, Written

END: Final = "\r\n"
_WIPE: Final = re.compile(r"wipe:(\d{3})")
_OURS: Final = re.compile(r"(\*|>>>|#|EFFECTS NAME IS|FINAL CUT PRO|SPLIT:|DLEDL|GPI|MASTER|SLAVE)", re.IGNORECASE)


def write(outgoing: Outgoing) -> Written:
    """Writes the cut as one edit list, and further ones for the tracks that do not fit in it.

    Lines end in CR LF, texts are UTF-8. Lists with more than 999 events number them with six digits.
    """
    first, *more = [_List(outgoing, suffix, tracks) for suffix, tracks in lists(outgoing)]
    data = first.bytes()
    rest = tuple((one.suffix, one.bytes()) for one in more)
    return Written(data, outgoing.loss(), rest)


class _List:
    def __init__(self, outgoing: Outgoing, suffix: str, tracks: list[tuple[str, TrackContent]]) -> None:
        self.suffix = suffix
        self._outgoing = outgoing
        self._content = outgoing.content
        self._tracks = tracks
        self._reels = Reels()
        self._day = frames_per_day(outgoing.rate, self._content.drop_frame)
        self._lines: list[str] = []

    def bytes(self) -> bytes:
        found = [s for channel, part in self._tracks for s in shots(self._outgoing, channel, part, self._reels)]
        order = {channel: n for n, (channel, _) in enumerate(self._tracks)}
        found.sort(key=lambda shot: (shot.start, order[shot.channel]))
        self._head()
        markers = [] if self.suffix else self._outgoing.markers(None)
        if not found:
            self._whole()
            self._locators(markers)
            markers = []
        digits = 3 if len(found) <= 999 else 6
        ends: list[int] = []
        for shot in found:
            ends.append(max(shot.end, ends[-1] if ends else 0))
        for number, (shot, here) in enumerate(zip(found, markers_within(markers, ends), strict=True), 1):
            self._event(f"{number:0{digits}}", shot)
            if number == 1:
                self._whole()
            self._locators(here)
        return (END.join(self._lines) + END).encode("utf-8", "replace")

    def _head(self) -> None:
        content = self._content
        self._lines += [
            f"TITLE: {self._said(content.name, content.name)}",
            f"FCM: {'DROP FRAME' if content.drop_frame else 'NON-DROP FRAME'}",
        ]
        self._kept(content.foreign)

    def _whole(self) -> None:
        """Writes our own facts about the whole list: under the first event, since some tools allow no remark above it."""
        content, tag, rate = self._content, self._outgoing.tag, self._outgoing.rate
        if tag.sequence or tag.version or tag.export:
            self._lines.append(f"* {TAG}: {tag.sequence or '-'} {tag.version} {tag.export or '-'}")
        self._lines.append(f"* {LIST}: {rate.num}/{rate.den} {content.start_frame}")
        self._lines += [f"* {TRACK}: {_channel_key(channel)} {coded(part.track.id)}" for channel, part in self._tracks]

    def _event(self, number: str, shot: Shot) -> None:
        transition = shot.transition
        if transition is None:
            assert shot.right is not None
            self._line(number, shot.channel, shot.right, "C", "", shot.start, shot.end)
        else:
            length = transition.in_offset + transition.out_offset
            if length > LONGEST:
                self._outgoing.lost("transitions longer than 999 frames", transition.name or transition.kind)
            kind = "W" + _code(transition.kind) if _code(transition.kind) else "D"
            self._line(number, shot.channel, shot.left, "C", "", shot.start, shot.start)
            self._line(number, shot.channel, shot.right, kind, f"{min(length, LONGEST):03}", shot.start, shot.end)
        self._remarks(shot)

    def _line(self, number: str, channel: str, side: Side | None, kind: str, op: str, start: int, end: int) -> None:
        reel = side.reel if side else "BL"
        low, span = (side.said.low, side.said.span) if side else (0, end - start)
        column = "NONE" if channel in ("A3", "A4") else channel
        times = " ".join([self._time(low), self._time(low + span), self._record(start), self._record(end)])
        self._lines.append(f"{number}  {reel:<{self._reels.width}} {column:<4}  {kind:<4} {op:>3} {times}")
        if column == "NONE":
            self._lines.append(f"AUD  {channel[1:]}")

    def _time(self, frame: int) -> str:
        return to_timecode(frame % self._day, self._outgoing.rate, self._content.drop_frame)

    def _record(self, frame: int) -> str:
        return self._time(self._content.start_frame + frame)

    def _remarks(self, shot: Shot) -> None:
        left, right, it = shot.left, shot.right, shot.transition
        if it is not None:
            self._effect(it)
        for side, word in ((left, "FROM"), (right, "FROM" if it is None else "TO")):
            if side is not None and side.item.name:
                self._lines.append(f"* {word} CLIP NAME: {self._said(side.item.name, side.item.name)}")
        for side in (left, right):
            if side is not None:
                self._lines.append(f"* SOURCE FILE: {self._said(side.file, side.item.name or side.file)}")
        self._motions(shot)
        if right is not None:
            self._own(right, ID, EXACT)
            self._lines += grade_lines(right.item.foreign.get("cdl"))
            self._kept(right.item.foreign)
        if left is not None and shot.orphan:
            self._own(left, FROM, FROM_EXACT)
        if it is not None:
            self._cut(it)

    def _effect(self, it: Transition) -> None:
        edl = it.foreign.get("edl")
        effect = edl.get("effect") if isinstance(edl, dict) else None
        if isinstance(effect, str) and plain(effect):
            self._lines.append(f"EFFECTS NAME IS {plain(effect)}")

    def _motions(self, shot: Shot) -> None:
        """Writes the motion lines: both, where one alone could be taken for the other's."""
        both = [side for side in (shot.left if shot.orphan else None, shot.right) if side is not None]
        if not any(side.said.motion for side in both):
            return
        for side in both:
            if side.said.motion or (len(both) > 1 and both[0].reel == both[1].reel):
                text = side.said.motion or motion(side.item.speed, self._outgoing.rate)
                reel = f"{side.reel:<{self._reels.width}}"
                time = self._time(side.said.low).replace(";", ":")  # OpenTimelineIO's adapter reads no other here
                self._lines.append(f"M2   {reel} {text:<9}             {time}")

    def _own(self, side: Side, id_: str, exact: str) -> None:
        self._lines.append(f"* {id_}: {coded(side.item.id)}")
        if side.exact:
            self._lines.append(f"* {exact}: {side.exact}")

    def _cut(self, it: Transition) -> None:
        """Writes what a transition's line does not tell: where its cut lies, and a kind that is no wipe."""
        length = it.in_offset + it.out_offset
        usual = 0 if it.left is None else length if it.right is None else length // 2
        kind = "" if it.kind == "dissolve" or _code(it.kind) else " " + coded(it.kind)
        if kind or it.in_offset != usual or length > LONGEST:
            self._lines.append(f"* {CUT}: {it.in_offset}+{it.out_offset}{kind}")

    def _kept(self, foreign: dict[str, Any]) -> None:
        edl = foreign.get("edl")
        remarks = edl.get("remarks") if isinstance(edl, dict) else None
        for remark in remarks if isinstance(remarks, list | tuple) else ():
            if isinstance(remark, str) and (text := plain(remark)):
                self._lines.append(text if _OURS.match(text) else f"* {text}")

    def _locators(self, markers: list[Marker]) -> None:
        for marker in markers:
            known = marker.color in COLORS
            color = marker.color if known else "RED"
            name = self._said(marker.name, marker.name)
            self._lines.append(f"* LOC: {self._record(marker.start)} {color:<7} {name}".rstrip())
            self._lines.append(f"* {LOC}: {coded(marker.id)}" + ("" if known else " " + coded(marker.color)))

    def _said(self, text: str, name: str) -> str:
        """Returns a text for one line, and notes where it had to change."""
        found = plain(text)
        if found != text:
            self._outgoing.lost("characters that a list cannot hold", plain(name))
        return found


def _code(kind: str) -> str:
    """Returns the number of a wipe, "" for any other kind."""
    if kind == "wipe":
        return "000"
    found = _WIPE.fullmatch(kind)
    return found[1] if found is not None and found[1] != "000" else ""


def _channel_key(channel: str) -> str:
    """Returns a channel as the reader names it."""
    return "A1" if channel == "A" else channel
