"""What is kept of a clip besides its times: our id, its effects, and what Genlock has no word for."""

from __future__ import annotations

from typing import Final, NamedTuple
from xml.etree.ElementTree import Element

import msgspec

from genlock.timeline.model import Generator
from genlock_otio.fcpx.notes import read_note
from genlock_otio.fcpx.resources import Resources
from genlock_otio.fcpx.trees import kept_tree, restyled
from genlock_otio.keeping import Json

ROLE: Final = "dialogue"
_ABOUT: Final = frozenset({"audioRole", "videoRole", "role", "srcID", "srcCh", "outCh", "useAudioSubroles"})
_CHILDREN: Final = frozenset(
    {"keyword", "rating", "analysis-marker", "audio-channel-source", "audio-role-source", "metadata"}
)
_TITLE: Final = frozenset({"param", "text", "text-style-def"})


class Kept(NamedTuple):
    """Our id and facts (`ours`: that there was a note of ours), what else the element says, and its effects."""

    id: str
    ours: bool
    facts: dict[str, str]
    about: Json
    effects: tuple[Json, ...]


def kept_of(element: Element, resources: Resources) -> Kept:
    """Reads what is kept of an element."""
    note = read_note(element.findtext("note") or "")
    about: Json = {}
    if note.text:
        about["note"] = note.text
    attributes = {key: value for key, value in element.attrib.items() if key in _ABOUT}
    if element.tag == "audio" and "role" in attributes:
        attributes["audioRole"] = attributes.pop("role")
    if note.ours and attributes.get("audioRole") == ROLE:  # the writer says it of all sound
        del attributes["audioRole"]
    if attributes:
        about["attributes"] = attributes
    children, effects = [], []
    for child in element:
        tag = child.tag
        if tag in _CHILDREN:
            children.append(kept_tree(child, resources.effect))
        elif tag.startswith(("adjust-", "filter-")):
            effects.append({"fcpx": kept_tree(child, resources.effect)})
    if children:
        about["children"] = children
    return Kept(note.id, note.ours, note.facts, about, tuple(effects))


def generator_of(element: Element, resources: Resources, kept: Kept) -> Generator:
    """Returns what a title or a generator's clip shows: ours as it was, another's with its effect and settings."""
    text = "".join(part.strip("\n") for one in element.findall("text") for part in one.itertext()).strip()
    if kept.ours and "generator" in kept.facts:
        parameters = _parameters(kept.facts.get("parameters", ""))
        if element.tag == "title" and text and text != (str(parameters.get("text") or "") or element.get("name", "")):
            parameters["text"] = text
        return Generator(kept.facts["generator"], parameters)
    effect = resources.effect(element.get("ref", ""))
    tree: Json = {"tag": element.tag, "effect": effect or {}}
    children = [kept_tree(child, resources.effect) for child in element if child.tag in _TITLE]
    styles: dict[str, str] = {}
    for child in children:
        restyled(child, styles)
    if children:
        tree["children"] = children
    made: Json = {"fcpx": tree}
    if element.tag == "title":
        return Generator("title", {"text": text, **made})
    return Generator(str((effect or {}).get("name") or "generator"), made)


def _parameters(text: str) -> Json:
    try:
        found = msgspec.json.decode(text) if text else {}
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
