"""Writes Final Cut Pro's XML: one project, valid by Apple's document type of its version, every time on the frame grid."""

from __future__ import annotations

from fractions import Fraction
from typing import Final
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from genlock.errors import BadInput
from genlock_otio.fcpx.clipping import rank
from genlock_otio.fcpx.notes import presentable
from genlock_otio.fcpx.pool import Pool
from genlock_otio.fcpx.seconds import of_frames
from genlock_otio.fcpx.weaving import Weaver
from genlock_otio.outgoing import Outgoing, Written

VERSIONS: Final = ("1.8", "1.9", "1.10", "1.11", "1.12", "1.13")
_ORDERED: Final = frozenset({"asset-clip", "ref-clip", "title", "video", "gap"})
_HEAD: Final = b'<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE fcpxml>\n\n'


def write(outgoing: Outgoing, version: str = "1.10") -> Written:
    """Returns the file. `version` is FCPXML's; what only a later one has raises it. Raises BadInput(bad_value)."""
    if version not in VERSIONS:
        raise BadInput("bad_value", f"FCPXML {version} is not written; there are {', '.join(VERSIONS)}.")
    root = Element("fcpxml", version=version)
    resources = SubElement(root, "resources")
    book = _Book(outgoing, Pool(resources, media_rep=version != "1.8"))
    event = SubElement(SubElement(root, "library"), "event", name="Genlock")
    project = SubElement(event, "project", name=outgoing.content.name)
    tag = outgoing.tag
    facts = {"version": tag.version or None, "export": tag.export or None}
    Weaver(outgoing, book.pool, book.compound).write(project, tag.sequence, facts)
    _tidy(root, outgoing)
    resources[:] = sorted(
        resources, key=lambda resource: resource.tag == "media"
    )  # what a compound clip refers to is first
    if version in ("1.8", "1.9", "1.10") and root.find(".//adjust-colorConform") is not None:
        root.set("version", "1.11")
    indent(root, "    ")
    return Written(_HEAD + tostring(root, encoding="utf-8") + b"\n", outgoing.loss())


class _Book:
    """The compound clips of the file: each nested sequence once."""

    def __init__(self, outgoing: Outgoing, pool: Pool) -> None:
        self.outgoing, self.pool = outgoing, pool
        self._made: dict[str, tuple[str, Fraction] | None] = {}

    def compound(self, sequence: str) -> tuple[str, Fraction] | None:
        """Returns the resource id of a nested sequence and the second its time begins at; None when it is not there."""
        if sequence not in self._made:
            self._made[sequence] = None  # one that contains itself is not there
            content = self.outgoing.nested(sequence)
            if content is not None:
                id_ = self.pool.new()
                media = self.pool.compound(id_, content.name)
                inner = self.outgoing.within(content)
                Weaver(inner, self.pool, self.compound).write(media, sequence, {})
                self._made[sequence] = id_, of_frames(content.start_frame, content.rate)
        return self._made[sequence]


def _tidy(root: Element, outgoing: Outgoing) -> None:
    """Puts the children of clips into the order Apple's document type asks for, and takes out what XML cannot hold."""
    odd = 0
    for element in root.iter():
        if element.tag in _ORDERED:
            element[:] = sorted(element, key=lambda child: rank(child.tag))
        for key, value in element.attrib.items():
            if (clean := presentable(value)) != value:
                element.set(key, clean)
                odd += 1
        if element.text and (clean := presentable(element.text)) != element.text:
            element.text = clean
            odd += 1
    for _ in range(odd):
        outgoing.lost("character that XML cannot hold", outgoing.content.name)
