"""What the remarks of an event say: names, files, grades, locators, our own facts; the rest is kept as it is."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final
from urllib.parse import quote, unquote

from msgspec import Struct

ID: Final = "GENLOCK-ID"
FROM: Final = "GENLOCK-FROM"
EXACT: Final = "GENLOCK-EXACT"
FROM_EXACT: Final = "GENLOCK-FROM-EXACT"
CUT: Final = "GENLOCK-CUT"
LOC: Final = "GENLOCK-LOC"
TRACK: Final = "GENLOCK-TRACK"
LIST: Final = "GENLOCK-LIST"
TAG: Final = "GENLOCK"
STAND_IN: Final = "GENLOCK"
"""The reel of what a list has no word for: a title, a nested sequence. Remarks get lost on the way, reels do not."""

COLORS: Final = frozenset(
    {
        "PINK", "RED", "ORANGE", "YELLOW", "GREEN", "CYAN", "BLUE", "PURPLE", "MAGENTA", "BLACK", "WHITE",
        "FUCHSIA", "ROSE", "LAVENDER", "SKY", "MINT", "LEMON", "SAND", "COCOA", "CREAM", "VIOLET", "GREY",
        "GRAY", "BROWN", "DENIM", "GOLD",
    }
)  # fmt: skip
_LOCATOR: Final = re.compile(r"(\d{1,2}[:;.]\d\d[:;.]\d\d[:;.]\d{1,3})(?:\s+(\S+))?(?:\s+(.*))?$", re.ASCII)
_SPOT: Final = re.compile(r"\|C:ResolveColor(\w*)\s*\|M:(.*?)\s*\|D:(\d{1,9})\s*$")
_GROUP: Final = re.compile(r"\(([^()]*)\)")
_NUMBER: Final = re.compile(r"[-+]?\d{1,9}(?:\.\d{0,12})?(?:[eE][-+]?\d{1,2})?", re.ASCII)
_NAMES: Final = {"FROM CLIP NAME": "from", "CLIP NAME": "from", "TO CLIP NAME": "to", "KEY CLIP NAME": "key"}
_FILES: Final = {
    "SOURCE FILE": "", "SOURCE FILE PATH": "", "SOURCE FILE NAME": "", "FROM FILE": "from", "FROM CLIP": "from",
    "FROM SOURCE FILE": "from", "TO FILE": "to", "TO CLIP": "to", "TO SOURCE FILE": "to",
}  # fmt: skip


class Locator(Struct):
    """A locator: its timecode as written. `id` is ours, "" for a stranger's. `comment` and `length` (frames) only
    Resolve's marker lists have."""

    line: int
    time: str
    color: str
    name: str
    id: str = ""
    comment: str = ""
    length: int = 0


class Remarks(Struct):
    """The remarks of one event. `files` are (side, text) with the side "" where the list leaves it open; `ours` our own
    lines by key; `kept` what has no word here, verbatim. `spot` is a marker of
    Resolve's: its event is no clip."""

    names: dict[str, str]
    files: list[tuple[str, str]]
    replaced: dict[str, str]
    cdl: dict[str, Any]
    locators: list[Locator]
    ours: dict[str, str]
    tracks: dict[str, str]
    kept: list[str]
    spot: Locator | None = None
    effect: str = ""
    still: bool = False


def understood(lines: Iterable[tuple[int, str]]) -> Remarks:
    """Returns what the remark lines say."""
    found = Remarks({}, [], {}, {}, [], {}, {}, [])
    for number, line in lines:
        _understand(found, number, line)
    return found


def _understand(found: Remarks, number: int, line: str) -> None:
    if (spot := _SPOT.search(line)) is not None:
        length = int(spot[3])
        found.spot = Locator(
            number, "", spot[1].upper() or "RED", spot[2].strip(), "", line[: spot.start()].strip(), length
        )
        return
    body = line[1:].strip() if line[0] == "*" else line
    key, colon, value = body.partition(":")
    key, value = " ".join(key.upper().split()), value.strip()
    if not colon:
        _bare(found, line, body)
    elif (side := _NAMES.get(key)) is not None:
        found.names.setdefault(side, value)
    elif (side := _FILES.get(key)) is not None:
        if value:
            found.files.append((side, value))
    elif key == "LOC" and (spot := _LOCATOR.match(value)) is not None:
        found.locators.append(_locator(number, spot))
    elif key == "FINAL CUT PRO REEL" and " REPLACED BY:" in value.upper():
        at = value.upper().index(" REPLACED BY:")
        found.replaced[value[at + len(" REPLACED BY:") :].strip()] = value[:at].strip()
        found.kept.append(line)
    elif key.startswith(("ASC_S", "ASC S")):
        _grade(found, line, key, value)
    elif key.startswith(TAG):
        _own(found, key, value)
    else:
        found.kept.append(line)


def _bare(found: Remarks, line: str, body: str) -> None:
    upper = body.upper()
    if upper.startswith("EFFECTS NAME IS"):
        found.effect = found.effect or body[15:].strip()
    elif upper.startswith(("ASC_SOP", "ASC_SAT", "ASC SOP", "ASC SAT")):
        _grade(found, line, upper[:7], body[7:])
    else:
        found.still = found.still or upper.startswith("FREEZE FRAME")
        found.kept.append(line)


def _own(found: Remarks, key: str, value: str) -> None:
    if key == TRACK:
        channel, _, id_ = value.partition(" ")
        found.tracks.setdefault(channel, unquote(id_.strip()))
    elif key == LOC:
        if found.locators:
            id_, _, color = value.partition(" ")
            last = found.locators[-1]
            last.id, last.color = unquote(id_), unquote(color) if color else last.color
    else:
        found.ours.setdefault(key, value)


def _locator(number: int, spot: re.Match[str]) -> Locator:
    time, color, text = spot[1], spot[2] or "", spot[3] or ""
    if color.upper() in COLORS:
        return Locator(number, time, color.upper(), text.strip())
    return Locator(number, time, "RED", f"{color} {text}".strip())


def _grade(found: Remarks, line: str, key: str, value: str) -> None:
    if key.endswith("SOP"):
        groups = [[float(n) for n in _NUMBER.findall(group)] for group in _GROUP.findall(value)]
        if len(groups) == 3 and all(len(group) == 3 for group in groups):
            found.cdl["asc_sop"] = dict(zip(("slope", "offset", "power"), groups, strict=True))
            return
    elif key.endswith("SAT") and len(numbers := _NUMBER.findall(value)) == 1:
        found.cdl["asc_sat"] = float(numbers[0])
        return
    found.kept.append(line)


def grade_lines(cdl: Any) -> list[str]:
    """Returns the ASC CDL of an item's metadata as remarks; nothing where it is none."""
    lines = []
    if isinstance(cdl, dict):
        sop = cdl.get("asc_sop")
        if isinstance(sop, dict):
            groups = [sop.get(name) for name in ("slope", "offset", "power")]
            if all(isinstance(g, list | tuple) and len(g) == 3 and all(map(_is_number, g)) for g in groups):
                lines.append("* ASC_SOP " + "".join("(" + " ".join(map(_decimal, g or ())) + ")" for g in groups))
        sat: Any = cdl.get("asc_sat")
        if _is_number(sat):
            lines.append(f"* ASC_SAT {_decimal(sat)}")
    return lines


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e6


def _decimal(value: float) -> str:
    text = f"{value:.9f}".rstrip("0")
    return text + "0" * max(0, 4 - len(text.partition(".")[2]))


def plain(text: str) -> str:
    """Returns a text as one line of a list can hold it."""
    return "".join(c if c.isprintable() else " " for c in text).strip()


def coded(id_: str) -> str:
    """Returns an id as one word."""
    return quote(id_, safe="!$&'()*+,-./:;=?@[]_{|}~#")
