"""Elements that Genlock has no word for, kept as plain values and written back."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final
from xml.etree.ElementTree import Element, SubElement

from genlock_otio.keeping import Json

DEEPEST: Final = 64
"""Levels kept; a filter nests five."""
_STYLE: Final = {"text-style-def": "id", "text-style": "ref"}
_NAME: Final = re.compile(r"[A-Za-z][\w.-]*", re.ASCII)


def kept_tree(element: Element, effect: Callable[[str], Json | None], depth: int = 0) -> Json:
    """Returns an element as {"tag", "attributes", "text", "children", "effect"}. A reference to an effect is replaced by
    the effect itself, so that the tree means the same in any file."""
    made: Json = {"tag": element.tag}
    attributes = dict(element.attrib)
    if element.tag.startswith("filter-") and (found := effect(attributes.get("ref", ""))) is not None:
        made["effect"] = found
        del attributes["ref"]
    if attributes:
        made["attributes"] = attributes
    if element.text and element.text.strip():
        made["text"] = element.text
    if len(element) and depth < DEEPEST:
        made["children"] = [kept_tree(child, effect, depth + 1) for child in element]
    return made


def restyled(tree: Json, styles: dict[str, str]) -> None:
    """Gives the text styles of a kept tree the names ts1, ts2, ...: what they were called means nothing elsewhere."""
    attributes = tree.get("attributes", {})
    key = _STYLE.get(tree["tag"], "")
    if (old := attributes.get(key)) is not None:
        attributes[key] = styles.setdefault(old, f"ts{len(styles) + 1}")
    for child in tree.get("children", ()):
        restyled(child, styles)


def grow(
    parent: Element, tree: Any, effect: Callable[[Json], str], styles: dict[str, str], new: Callable[[], str]
) -> None:
    """Writes a kept tree below `parent`. `effect` gives the resource id of an effect; ids of text styles are made new,
    because a document has each but once (`styles`: old -> new)."""
    if not isinstance(tree, dict) or not _NAME.fullmatch(str(tree.get("tag"))):
        return
    attributes = {k: str(v) for k, v in tree.get("attributes", {}).items() if _NAME.fullmatch(k)}
    key = _STYLE.get(tree["tag"], "")
    if (old := attributes.get(key)) is not None:
        if old not in styles:
            styles[old] = new()
        attributes[key] = styles[old]
    if "effect" in tree:
        attributes["ref"] = effect(tree["effect"])
    for pointer in ("tracking", "dataLocator"):  # to resources that are not kept
        attributes.pop(pointer, None)
    made = SubElement(parent, tree["tag"], attributes)
    made.text = tree.get("text")
    for child in tree.get("children", ()):
        grow(made, child, effect, styles, new)
