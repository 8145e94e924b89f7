"""Elements of an xmeml document: their texts as values, elements kept verbatim as JSON, and text from both."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from typing import Any, Final, TypeGuard
from xml.etree.ElementTree import Element

from genlock.errors import BadInput
from genlock_otio.keeping import Json
from genlock_otio.times import Exact, rounded, whole

_INTEGER: Final = re.compile(r"[+-]?\d{1,18}\Z", re.ASCII)
_DECIMAL: Final = re.compile(r"[+-]?(\d{1,18}(\.\d{0,30})?|\.\d{1,30})(e[+-]?\d)?\Z", re.ASCII | re.IGNORECASE)
_UNWRITABLE: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_TEXT: Final = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"})
_ATTRIBUTE: Final = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\r": "&#13;", "\n": "&#10;", "\t": "&#9;"}
)
_TAG: Final = re.compile(r"[A-Za-z_][\w.:-]*\Z")
DEEP: Final = 100
"""Levels of elements that are kept verbatim and written back; timelines need a dozen."""


def text(element: Element | None, tag: str = "", default: str = "") -> str:
    """Returns the text of a child (`tag` "": of the element itself), `default` where there is none."""
    found = element if element is None or not tag else element.find(tag)
    if found is None or found.text is None:
        return default
    value = found.text
    laid_out = value.lstrip(" \t").startswith("\n") and value.rstrip(" \t").endswith("\n")
    return value.strip() if laid_out else value


def number(element: Element | None, place: str) -> Exact | None:
    """Returns the exact number an element holds, None for no element and for an empty one. Raises BadInput(bad_time)."""
    value = "" if element is None or element.text is None else element.text.strip()
    if not value:
        return None
    if _INTEGER.match(value):
        return int(value)
    if _DECIMAL.match(value):
        return whole(Fraction(value))
    assert element is not None
    raise BadInput("bad_time", f"<{element.tag}> of {place} is {value[:40]!r}, which is no number of frames.")


def apart(one: Exact, two: Exact) -> Exact:
    """Returns how far two times lie from each other."""
    return one - two if one >= two else two - one


def flag(element: Element | None, default: bool) -> bool:
    """Returns a truth value: TRUE, FALSE, 1, 0 in any case; `default` for anything else."""
    value = "" if element is None or element.text is None else element.text.strip().upper()
    if value in ("TRUE", "1", "YES"):
        return True
    return False if value in ("FALSE", "0", "NO") else default


def children(element: Element) -> dict[str, Element]:
    """Returns the first child of each tag."""
    found: dict[str, Element] = {}
    for child in element:
        found.setdefault(child.tag, child)
    return found


def kept_tree(element: Element) -> Json:
    """Returns an element verbatim as JSON: {"tag", "attributes", "text" or "children"}."""
    made: Json = {"tag": element.tag}
    if element.attrib:
        made["attributes"] = dict(element.attrib)
    if len(element):
        made["children"] = [kept_tree(child) for child in element]
    elif element.text:
        made["text"] = element.text
    return made


def is_empty(element: Element) -> bool:
    """Returns whether there is no text anywhere in an element."""
    return not any(part.strip() for part in element.itertext())


def is_tree(value: Any, depth: int = 0) -> TypeGuard[Json]:
    """Returns whether a JSON value is an element that can be written: what lies in `foreign` may come from anywhere."""
    if depth > DEEP or not isinstance(value, dict) or not _is_tag(value.get("tag")):
        return False
    attributes, inside = value.get("attributes", {}), value.get("children", [])
    if not isinstance(attributes, dict) or not isinstance(inside, list) or not isinstance(value.get("text", ""), str):
        return False
    sound = all(_is_tag(name) and isinstance(text, str) for name, text in attributes.items())
    return sound and all(is_tree(child, depth + 1) for child in inside)


def _is_tag(value: Any) -> bool:
    return isinstance(value, str) and _TAG.match(value) is not None


def sound_attributes(value: Any) -> dict[str, str]:
    """Returns the attributes among a JSON value that can be written."""
    if not isinstance(value, dict):
        return {}
    return {name: text for name, text in value.items() if _is_tag(name) and isinstance(text, str)}


def writable(value: str) -> str:
    """Returns the text without what XML cannot hold (control characters): spaces stand for it."""
    return _UNWRITABLE.sub(" ", value) if _UNWRITABLE.search(value) else value


def decimal(value: Exact, places: int) -> str:
    """Returns a number as people write it, rounded to so many places."""
    if isinstance(value, int) or value.denominator == 1:
        return str(int(value))
    scaled = rounded(abs(value) * 10**places)
    whole_part, rest = divmod(scaled, 10**places)
    fraction = f"{rest:0{places}}".rstrip("0")
    sign = "-" if value < 0 and scaled else ""
    return f"{sign}{whole_part}.{fraction}" if fraction else f"{sign}{whole_part}"


class Page:
    """An XML text being written, one element a line."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._depth = 0

    def open(self, tag: str, attributes: dict[str, str] | None = None) -> None:
        self._lines.append(f"{chr(9) * self._depth}<{tag}{_written(attributes)}>")
        self._depth += 1

    def close(self, tag: str) -> None:
        self._depth -= 1
        self._lines.append(f"{chr(9) * self._depth}</{tag}>")

    def leaf(self, tag: str, value: object = "", attributes: dict[str, str] | None = None) -> None:
        content = writable(str(value)).translate(_TEXT)
        start = f"{chr(9) * self._depth}<{tag}{_written(attributes)}"
        self._lines.append(f"{start}>{content}</{tag}>" if content else f"{start}/>")

    def flag(self, tag: str, value: bool) -> None:
        self.leaf(tag, "TRUE" if value else "FALSE")

    def tree(self, tree: Json) -> None:
        """Writes an element that `kept_tree` made."""
        inside = tree.get("children", ())
        if not inside:
            self.leaf(tree["tag"], tree.get("text", ""), tree.get("attributes"))
            return
        self.open(tree["tag"], tree.get("attributes"))
        for child in inside:
            self.tree(child)
        self.close(tree["tag"])

    def data(self) -> bytes:
        head = '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE xmeml>\n'
        return (head + "\n".join(self._lines) + "\n").encode()


def _written(attributes: dict[str, str] | None) -> str:
    if not attributes:
        return ""
    return "".join(f' {name}="{writable(value).translate(_ATTRIBUTE)}"' for name, value in attributes.items())


def clipitems(sequence: Element) -> Iterator[Element]:
    """Yields what lies on the tracks of a sequence, nested ones left out."""
    for kind in ("video", "audio"):
        for track in sequence.iterfind(f"media/{kind}/track"):
            for child in track:
                if child.tag in ("clipitem", "generatoritem"):
                    yield child
