"""Reads Final Cut Pro 7 XML (xmeml 1 to 5), as Final Cut, Premiere Pro, DaVinci Resolve and others write it.

The first sequence that no other one contains is read. Nothing named in the file is ever looked at.
"""

from __future__ import annotations

from typing import Final
from xml.etree.ElementTree import Element

from genlock.errors import BadInput
from genlock.timeline.rate import Rate
from genlock_otio.dialects import Incoming
from genlock_otio.draft import Draft
from genlock_otio.fcp7.clips import Clip, Shown, shown_nested
from genlock_otio.fcp7.extent import length_of
from genlock_otio.fcp7.files import FileIndex
from genlock_otio.fcp7.notes import read_note
from genlock_otio.fcp7.sequences import SequenceReader, new_draft, rate_of_sequence
from genlock_otio.fcp7.trees import text
from genlock_otio.keeping import Json
from genlock_otio.markup import parse_xml
from genlock_otio.values import Imported, Tag

NESTING: Final = 32
_HEAD: Final = 4096


def knows(data: bytes) -> bool:
    """Returns whether the bytes are an xmeml document, in any encoding that XML texts come in."""
    return b"<xmeml" in data[:_HEAD].replace(b"\0", b"")


def read(incoming: Incoming) -> Imported:
    """Reads a document. Raises BadInput: too_large, too_deep, bad_xml, bad_time, bad_rate, bad_timeline, each with the
    place in the file."""
    root = parse_xml(incoming.data, incoming.limits, incoming.name or "The file")
    return _Document(root, incoming).read()


class _Document:
    def __init__(self, root: Element, incoming: Incoming) -> None:
        if root.tag != "xmeml":
            name = incoming.name or "The file"
            raise BadInput("bad_timeline", f"{name} is XML, but its root is <{root.tag}>, not <xmeml>.")
        self._root = root
        self._incoming = incoming
        self._files = FileIndex(root, incoming.base)
        self._full: dict[str, Element] = {}
        for sequence in root.iter("sequence"):
            id_ = sequence.get("id")
            if id_ and len(sequence):
                self._full.setdefault(id_, sequence)
        self._premiere = next(root.iter("pproTicksIn"), None) is not None
        self._outer: Draft | None = None
        self._open: list[Element] = []
        self._done: dict[Element, tuple[str, int, Rate]] = {}

    def read(self) -> Imported:
        sequence, others = self._choose()
        rate, odd = rate_of_sequence(sequence, self._incoming.rate, "The sequence")
        data, base, tag = self._incoming.data, self._incoming.base, _tag(read_note(sequence))
        draft = new_draft(sequence, rate, "the sequence", data=data, base=base, tag=tag)
        draft.name = draft.name or self._incoming.name
        self._outer = draft
        if odd:
            draft.warn(odd)
        if others:
            names = ", ".join(repr(text(other, "name")) for other in others[:5])
            draft.warn(f"The file holds {len(others)} more sequences ({names}); only {draft.name!r} was read.")
        self._read(sequence, draft, "")
        return draft.finish("fcp7")

    def _choose(self) -> tuple[Element, list[Element]]:
        """Returns the sequence to read and the others, which no clip shows."""
        used: set[Element] = set()
        nested: set[str | None] = set()
        for item in self._root.iter("clipitem"):
            for inside in item.iterfind("sequence"):
                used.add(inside)
                nested.add(inside.get("id"))
        every = [sequence for sequence in self._root.iter("sequence") if len(sequence)]
        tops = [s for s in every if s not in used and (s.get("id") is None or s.get("id") not in nested)]
        found = tops or every
        if not found:
            raise BadInput("bad_timeline", f"{self._incoming.name or 'The file'} holds no sequence.")
        return found[0], found[1:] if tops else []

    def _read(self, sequence: Element, draft: Draft, place: str) -> None:
        if len(self._open) >= NESTING:
            raise BadInput("too_deep", f"Sequences are nested more than {NESTING} deep.")
        self._open.append(sequence)
        SequenceReader(sequence, draft, self._files, self._nest, self._premiere, place).read()
        self._open.pop()

    def _nest(self, clip: Clip, element: Element, outer: Rate) -> Shown:
        """Returns the nested sequence that a clip item holds, which is read once however often it is shown."""
        sequence = element if len(element) else self._full.get(element.get("id") or "", element)
        assert self._outer is not None
        if not len(sequence):
            missing = element.get("id")
            self._outer.warn(f"{clip.place} shows the sequence {missing!r}, which is described nowhere; it is offline.")
            return Shown(self._outer.media("", name=text(clip.parts.get("name")), rate=clip.rate), 0, None, clip.rate)
        id_ = sequence.get("id")
        sequence = self._full.get(id_, sequence) if id_ else sequence
        if sequence in self._open:
            name = text(sequence, "name")
            raise BadInput("bad_timeline", f"{clip.place} shows the sequence {name!r}, which contains it.")
        if sequence not in self._done:
            self._done[sequence] = self._inner(sequence, outer)
        return shown_nested(clip, *self._done[sequence], outer)

    def _inner(self, sequence: Element, outer: Rate) -> tuple[str, int, Rate]:
        assert self._outer is not None
        name = text(sequence, "name")
        rate, odd = rate_of_sequence(sequence, outer, f"The nested sequence {name!r}")
        draft = new_draft(sequence, rate, f"the nested sequence {name!r}", data=b"", base=self._incoming.base)
        draft.name = draft.name or "Nested"
        draft.reading = self._outer.reading
        if odd:
            draft.warn(odd)
        self._read(sequence, draft, f"{name!r}, ")
        content = draft.content()
        length = length_of(content)
        own = read_note(sequence).get("sequence")
        return self._outer.nested(content, own if isinstance(own, str) else ""), length, rate


def _tag(note: Json) -> Tag:
    """Returns where the file says it comes from."""
    sequence, version, export = note.get("sequence"), note.get("version"), note.get("export")
    return Tag(
        sequence if isinstance(sequence, str) else "",
        version if type(version) is int and version >= 0 else 0,
        export if isinstance(export, str) else "",
    )
