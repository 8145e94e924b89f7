"""The door for XML: bytes from anywhere become a bounded element tree, or a coded error."""

from __future__ import annotations

import re
from typing import Final
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from genlock.errors import BadInput
from genlock_otio.door import Limits

_CLIPS: Final = (
    *("clipitem", "generatoritem", "transitionitem", "marker", "entry", "blank", "track ", "track>"),
    *("asset-clip", "ref-clip", "sync-clip", "mc-clip", "clip ", "title", "gap", "transition "),
)
"""How the elements begin that a cut has as many of as of clips."""
_WEIGHT: Final = 4
"""Values that an element weighs as much as: its texts and the list of what is in it."""
_OFTEN: Final = 20_000
_SHORT: Final = 64
"""Texts that are kept once, and the characters of the longest of them: most texts of a document are the same few."""


_ENDLESS: Final = re.compile(rb"<[^<>!?]{4194304}")
"""A tag with more attributes than there are words for."""


def parse_xml(data: bytes, limits: Limits, name: str = "The file") -> Element:
    """Returns the root element of an XML text. Comments and processing instructions are passed over.

    Nothing outside the text is ever looked at: document types are read by name only, entities other than XML's own five
    refused. Raises BadInput: too_large, too_deep, bad_xml (with the line), each with the place in the file.
    """
    if len(data) > limits.size:
        raise BadInput("too_large", f"{name} is larger than {limits.size} bytes.")
    _count(data, limits, name)
    return _Door(limits, name).parse(data)


def _count(data: bytes, limits: Limits, name: str) -> None:
    """Refuses what is far too much before any of it is looked at: a million elements take seconds and gigabytes."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\0" in data[:4]:
        data = data.replace(b"\0", b"")
    most = limits.nodes // _WEIGHT
    if len(data) > 4 * most and data.count(b"<") - data.count(b"</") > most:
        raise BadInput("too_large", f"{name} holds more than {most} elements.")
    if len(data) > 1 << 22 and (found := _ENDLESS.search(data)) is not None:
        line = data.count(b"\n", 0, found.start()) + 1
        raise BadInput("too_large", f"{name} holds an element without end in line {line}.")
    for kind in _CLIPS if len(data) > 6 * limits.items else ():
        if data.count(f"<{kind}".encode()) > limits.items:
            raise BadInput("too_large", f"{name} holds more than {limits.items} elements <{kind.rstrip(' >')}>.")


class _Door:
    def __init__(self, limits: Limits, name: str) -> None:
        self._limits, self._name = limits, name
        self._depth = self._nodes = 0
        self._builder = TreeBuilder()
        self._texts: dict[str, str] = {}
        self._parser = parser = expat.ParserCreate(namespace_separator=None)
        parser.buffer_text = True
        parser.ordered_attributes = False
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._data
        parser.EntityDeclHandler = self._entity
        parser.ExternalEntityRefHandler = self._external
        parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)

    def parse(self, data: bytes) -> Element:
        try:
            self._parser.Parse(data, True)
        except expat.ExpatError as error:
            what = expat.ErrorString(error.code)
            raise BadInput("bad_xml", f"{self._name} is not valid XML: {what} in line {error.lineno}.") from error
        except (ValueError, LookupError) as error:  # an encoding that Python does not know
            raise BadInput("bad_xml", f"{self._name} is not valid XML: {error}.") from error
        return self._builder.close()

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        self._nodes += 1 + len(attributes)
        if self._depth > self._limits.depth:
            line = self._parser.CurrentLineNumber
            raise BadInput("too_deep", f"{self._name} nests deeper than {self._limits.depth} levels in line {line}.")
        if self._nodes > self._limits.nodes:
            raise BadInput("too_large", f"{self._name} holds more than {self._limits.nodes} values.")
        self._builder.start(tag, attributes)

    def _data(self, text: str) -> None:
        known = self._texts.get(text)
        if known is None and len(text) < _SHORT and len(self._texts) < _OFTEN:
            self._texts[text] = text
        self._builder.data(known or text)

    def _end(self, tag: str) -> None:
        self._depth -= 1
        self._builder.end(tag)

    def _entity(self, name: str, *_: object) -> None:
        line = self._parser.CurrentLineNumber
        raise BadInput("bad_xml", f"{self._name} declares the entity {name!r} in line {line}; timelines need none.")

    def _external(self, *_: object) -> int:
        raise BadInput("bad_xml", f"{self._name} refers to another file in line {self._parser.CurrentLineNumber}.")
