"""Edits as the other tool would save them: made in the text of a written file, by what its format says alone."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any, Final
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from genlock.timeline.rate import Rate
from genlock.timeline.timecode import from_timecode, to_timecode

Hand = Callable[[Path, Rate], None]
CUT_OFF, AWAY, HALF = 3, 25, 6
NAME: Final = "A new name"


def _tree(edit: Callable[[list[Any], Rate], None]) -> Hand:
    """An edit of the first picture track of an OpenTimelineIO file."""

    def hand(path: Path, rate: Rate) -> None:
        tree = json.loads(path.read_text("utf-8"))
        track = next(one for one in tree["tracks"]["children"] if one["kind"] == "Video")
        children = track["children"]
        while children[-1]["OTIO_SCHEMA"].startswith("Gap"):
            del children[-1]
        edit(children, rate)
        path.write_text(json.dumps(tree), "utf-8")

    return hand


def _trim_child(children: list[Any], _: Rate) -> None:
    children[-1]["source_range"]["duration"]["value"] -= CUT_OFF


def _drop_child(children: list[Any], _: Rate) -> None:
    del children[-1]
    while children and children[-1]["OTIO_SCHEMA"].startswith(("Gap", "Transition")):
        del children[-1]


def _move_child(children: list[Any], rate: Rate) -> None:
    time = {"OTIO_SCHEMA": "RationalTime.1", "rate": rate.num / rate.den}
    span = {"OTIO_SCHEMA": "TimeRange.1", "start_time": {**time, "value": 0.0}, "duration": {**time, "value": AWAY}}
    children.insert(-1, {"OTIO_SCHEMA": "Gap.1", "name": "", "metadata": {}, "source_range": span})


def _name_child(children: list[Any], _: Rate) -> None:
    children[-1]["name"] = NAME


def _markup(edit: Callable[[Element, Rate], None]) -> Hand:
    def hand(path: Path, rate: Rate) -> None:
        tree = ElementTree.parse(path)
        edit(tree.getroot(), rate)
        tree.write(path, encoding="utf-8", xml_declaration=True)

    return hand


# -- Final Cut Pro 7


def _last_clip(root: Element) -> tuple[Element, Element]:
    track = root.find("./sequence/media/video/track")
    assert track is not None
    clips = [one for one in track if one.tag in ("clipitem", "generatoritem")]
    return track, max(clips, key=lambda clip: int(clip.findtext("start", "0")))


def _add(clip: Element, frames: int, *tags: str) -> None:
    for tag in tags:
        element = clip.find(tag)
        assert element is not None
        element.text = str(int(element.text or "0") + frames)


def _trim_clip(root: Element, _: Rate) -> None:
    _add(_last_clip(root)[1], -CUT_OFF, "end", "out")


def _drop_clip(root: Element, _: Rate) -> None:
    track, clip = _last_clip(root)
    track.remove(clip)
    for link in [(parent, one) for parent in root.iter() for one in parent if one.tag == "link"]:
        if link[1].findtext("linkclipref") == clip.get("id"):
            link[0].remove(link[1])


def _move_clip(root: Element, _: Rate) -> None:
    _add(_last_clip(root)[1], AWAY, "start", "end")


def _name_clip(root: Element, _: Rate) -> None:
    name = _last_clip(root)[1].find("name")
    assert name is not None
    name.text = NAME


# -- Final Cut Pro


def _last_element(root: Element) -> tuple[Element, Element]:
    spine = root.find(".//project/sequence/spine")
    assert spine is not None
    return spine, [one for one in spine if one.tag not in ("gap", "transition")][-1]


def _later(element: Element, attribute: str, frames: int, rate: Rate) -> None:
    seconds = Fraction(element.get(attribute, "0s").removesuffix("s")) + frames / rate.fraction
    element.set(attribute, f"{seconds}s")


def _trim_element(root: Element, rate: Rate) -> None:
    _later(_last_element(root)[1], "duration", -CUT_OFF, rate)


def _drop_element(root: Element, _: Rate) -> None:
    spine, element = _last_element(root)
    spine.remove(element)
    if len(spine) and spine[-1].tag == "transition":
        spine.remove(spine[-1])


def _move_element(root: Element, rate: Rate) -> None:
    spine, element = _last_element(root)
    gap = Element("gap", {"name": "Gap", "offset": element.get("offset", "0s"), "duration": f"{AWAY / rate.fraction}s"})
    spine.insert(list(spine).index(element), gap)
    _later(element, "offset", AWAY, rate)


def _name_element(root: Element, _: Rate) -> None:
    _last_element(root)[1].set("name", NAME)


# -- MLT


def _last_entry(root: Element) -> tuple[Element, Element]:
    """The entry that ends last on the lowest picture track, and its playlist."""
    by_id = {one.get("id"): one for one in root}
    tracks = [one for one in root.findall("tractor") if one.get("id") != "maintractor"]
    track = next(one for one in tracks if one.find("property[@name='kdenlive:audio_track']") is None)
    lanes = [by_id[one.get("producer")] for one in track.findall("track")]
    return max(((lane, lane.findall("entry")[-1]) for lane in lanes if lane.find("entry") is not None), key=_end)


def _end(row: tuple[Element, Element]) -> int:
    lane, _ = row
    room = sum(int(one.get("length", "0")) for one in lane.findall("blank"))
    return room + sum(int(one.get("out", "0")) - int(one.get("in", "0")) + 1 for one in lane.findall("entry"))


def _trim_entry(root: Element, _: Rate) -> None:
    entry = _last_entry(root)[1]
    entry.set("out", str(int(entry.get("out", "0")) - CUT_OFF))


def _drop_entry(root: Element, _: Rate) -> None:
    lane, entry = _last_entry(root)
    lane.remove(entry)


def _move_entry(root: Element, _: Rate) -> None:
    lane, entry = _last_entry(root)
    lane.insert(list(lane).index(entry), Element("blank", {"length": str(AWAY)}))


# -- edit lists

_EVENT: Final = re.compile(r"^(\S+ +\S+ +\S*V\S* +.*?)(\S+) (\S+) (\S+) (\S+)\s*$")


def _list(edit: Callable[[list[str], int, Rate], None]) -> Hand:
    def hand(path: Path, rate: Rate) -> None:
        lines = path.read_text("utf-8").splitlines()
        at = max(n for n, line in enumerate(lines) if _EVENT.match(line))
        edit(lines, at, rate)
        path.write_text("\n".join(lines) + "\n", "utf-8")

    return hand


def _event(line: str, rate: Rate, *add: int) -> str:
    found = _EVENT.match(line)
    assert found is not None
    drop = ";" in found[4]
    times = [from_timecode(found[n + 2].replace(";", ":"), rate, drop) + more for n, more in enumerate(add)]
    return found[1] + " ".join(to_timecode(time, rate, drop) for time in times)


def _trim_event(lines: list[str], at: int, rate: Rate) -> None:
    lines[at] = _event(lines[at], rate, 0, -CUT_OFF, 0, -CUT_OFF)


def _drop_event(lines: list[str], at: int, _: Rate) -> None:
    end = at + 1
    while end < len(lines) and not re.match(r"^\d", lines[end]):
        end += 1
    del lines[at:end]


def _move_event(lines: list[str], at: int, rate: Rate) -> None:
    lines[at] = _event(lines[at], rate, 0, 0, AWAY, AWAY)


def _name_event(lines: list[str], at: int, _: Rate) -> None:
    for n in range(at + 1, len(lines)):
        if lines[n].startswith("* FROM CLIP NAME:"):
            lines[n] = f"* FROM CLIP NAME: {NAME}"
            return


# -- a dissolve between the last two clips


def _mix_child(children: list[Any], rate: Rate) -> None:
    half = {"OTIO_SCHEMA": "RationalTime.1", "rate": rate.num / rate.den, "value": HALF}
    made = {"OTIO_SCHEMA": "Transition.1", "name": "", "metadata": {}, "transition_type": "SMPTE_Dissolve"}
    children.insert(-1, {**made, "in_offset": half, "out_offset": half})


def _mix_clip(root: Element, _: Rate) -> None:
    track, right = _last_clip(root)
    cut = right.findtext("start", "")
    left = next(clip for clip in track.iter("clipitem") if clip.findtext("end") == cut)
    mix = Element("transitionitem")
    about = {"start": int(cut) - HALF, "end": int(cut) + HALF, "alignment": "center"}
    for tag, value in about.items():
        SubElement(mix, tag).text = str(value)
    effect = SubElement(mix, "effect")
    named = {"name": "Cross Dissolve", "effectid": "Cross Dissolve", "effecttype": "transition", "mediatype": "video"}
    for tag, text in named.items():
        SubElement(effect, tag).text = text
    track.insert(list(track).index(right), mix)
    _add(left, HALF, "out")
    _add(right, -HALF, "in")
    _set_to(left, "end", "-1")
    _set_to(right, "start", "-1")


def _set_to(clip: Element, tag: str, text: str) -> None:
    element = clip.find(tag)
    assert element is not None
    element.text = text


def _mix_element(root: Element, rate: Rate) -> None:
    spine, right = _last_element(root)
    frame = 1 / rate.fraction
    at = Fraction(right.get("offset", "0s").removesuffix("s")) - HALF * frame
    mix = Element("transition", {"name": "Cross Dissolve", "offset": f"{at}s", "duration": f"{2 * HALF * frame}s"})
    spine.insert(list(spine).index(right), mix)


def _mix_event(lines: list[str], at: int, rate: Rate) -> None:
    before = max(n for n in range(at) if _EVENT.match(lines[n]))
    lines[before] = _event(lines[before], rate, 0, -HALF, 0, -HALF)
    lines[at] = re.sub(r" C +", f" D    {2 * HALF:03d} ", _event(lines[at], rate, -HALF, 0, -HALF, 0), count=1)
    left, right = lines[before].split(), lines[at].split()
    lines.insert(at, f"{right[0]}  {left[1]} V     C        {left[-3]} {left[-3]} {right[-2]} {right[-2]}")
    name = lines[at + 2].replace("FROM", "TO")
    lines[at + 2 : at + 3] = [lines[before + 1], name]


# -- the fifth clip goes, and all behind it closes up; the fifth and sixth change places


def _rows_child(children: list[Any], swap: bool) -> None:
    children[4:6] = children[5:3:-1] if swap else children[5:6]


def _rows_clip(root: Element, swap: bool) -> None:
    track = _last_clip(root)[0]
    row = sorted(track.iter("clipitem"), key=lambda clip: int(clip.findtext("start", "0")))
    start = int(row[4].findtext("start", "0"))
    if not swap:
        track.remove(row[4])
    for clip in (row[5], row[4], *row[6:]) if swap else row[5:]:
        length = int(clip.findtext("end", "0")) - int(clip.findtext("start", "0"))
        _set_to(clip, "start", str(start))
        start += length
        _set_to(clip, "end", str(start))


def _rows_element(root: Element, swap: bool) -> None:
    spine = _last_element(root)[0]
    row = list(spine)
    at = Fraction(row[4].get("offset", "0s").removesuffix("s"))
    spine[:] = [*row[:4], *((row[5], row[4]) if swap else row[5:6]), *row[6:]]
    for element in spine[4:]:
        element.set("offset", f"{at}s")
        at += Fraction(element.get("duration", "0s").removesuffix("s"))


def _rows_entry(root: Element, swap: bool) -> None:
    lane = _last_entry(root)[0]
    entries = lane.findall("entry")
    at = list(lane).index(entries[4])
    lane.remove(entries[4])
    if swap:
        lane.insert(at + 1, entries[4])


def _rows_event(lines: list[str], rate: Rate, swap: bool) -> None:
    events: list[list[str]] = []
    head = [line for line in lines if not events and not _EVENT.match(line)][:2]
    for line in lines:
        if _EVENT.match(line):
            events.append([line])
        elif events:
            events[-1].append(line)
    at = _times(events[4][0], rate)[2]
    events[4:6] = events[5:3:-1] if swap else events[5:6]
    for event in events[4:]:
        times = _times(event[0], rate)
        event[0] = _event(event[0], rate, 0, 0, at - times[2], at - times[2])
        at += times[3] - times[2]
    lines[:] = [*head, *(line for event in events for line in event)]


def _times(line: str, rate: Rate) -> list[int]:
    return [from_timecode(text, rate) for text in line.split()[-4:]]


def rows(swap: bool) -> dict[str, Hand]:
    """Returns, for each dialect, how the fifth clip changes places with the sixth, or goes for good."""
    return {
        "otio": _tree(lambda children, _: _rows_child(children, swap)),
        "resolve": _tree(lambda children, _: _rows_child(children, swap)),
        "fcp7": _markup(lambda root, _: _rows_clip(root, swap)),
        "fcpx": _markup(lambda root, _: _rows_element(root, swap)),
        "edl": _list(lambda lines, _, rate: _rows_event(lines, rate, swap)),
        "mlt": _markup(lambda root, _: _rows_entry(root, swap)),
    }


DISSOLVES: Final[dict[str, Hand]] = {
    "otio": _tree(_mix_child),
    "resolve": _tree(_mix_child),
    "fcp7": _markup(_mix_clip),
    "fcpx": _markup(_mix_element),
    "edl": _list(_mix_event),
}
"""Dialect -> a dissolve of two times HALF frames between the last two clips."""
_TREE: Final = {
    "trimmed": _tree(_trim_child),
    "removed": _tree(_drop_child),
    "moved": _tree(_move_child),
    "renamed": _tree(_name_child),
}
HANDS: Final[dict[str, dict[str, Hand]]] = {
    "otio": _TREE,
    "resolve": {what: hand for what, hand in _TREE.items() if what != "renamed"},
    "fcp7": {
        "trimmed": _markup(_trim_clip),
        "removed": _markup(_drop_clip),
        "moved": _markup(_move_clip),
        "renamed": _markup(_name_clip),
    },
    "fcpx": {
        "trimmed": _markup(_trim_element),
        "removed": _markup(_drop_element),
        "moved": _markup(_move_element),
        "renamed": _markup(_name_element),
    },
    "edl": {
        "trimmed": _list(_trim_event),
        "removed": _list(_drop_event),
        "moved": _list(_move_event),
        "renamed": _list(_name_event),
    },
    "mlt": {"trimmed": _markup(_trim_entry), "removed": _markup(_drop_entry), "moved": _markup(_move_entry)},
}
"""Dialect -> the kind of change -> the edit of the last clip of the lowest picture track that makes it."""
