"""What Genlock writes for itself into an xmeml file: one JSON object a clip and a sequence, in <comments>, which Final Cut
and its likes keep, and for clips that nothing else could be mistaken for in <logginginfo>, which Premiere keeps.

A value that the file's own numbers cannot say stands there as [what the file says, the value]. It counts only while the
file still says the same, so an edit made elsewhere always wins.
"""

from __future__ import annotations

from typing import Any, Final
from xml.etree.ElementTree import Element

import orjson

from genlock_otio.fcp7.trees import is_empty, kept_tree
from genlock_otio.keeping import Json

MARK: Final = "genlock:"
REMARKS: Final = ("comments", "logginginfo")
_LONGEST: Final = 65536


def read_note(element: Element) -> Json:
    """Returns what Genlock noted in an element's <comments>, else in its <logginginfo>; {} in a stranger's."""
    for path in REMARKS:
        for holder in element.iterfind(path):
            for leaf in holder:
                found = _parsed(leaf.text)
                if found:
                    return found
    return {}


def remarks(element: Element) -> Json | None:
    """Returns comments or log notes without ours, to be kept; None when they say nothing."""
    theirs = [leaf for leaf in element if not _parsed(leaf.text)]
    if all(is_empty(leaf) for leaf in theirs):
        return None
    return {**kept_tree(element), "children": [kept_tree(leaf) for leaf in theirs]}


def _parsed(value: str | None) -> Json:
    if value is None or not (value := value.strip()).startswith(MARK) or len(value) > _LONGEST:
        return {}
    try:
        found = orjson.loads(value[len(MARK) :])
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def note_text(values: Json) -> str:
    """Returns the text of a note."""
    return MARK + orjson.dumps(values, option=orjson.OPT_SORT_KEYS).decode()


def meant(note: Json, key: str, said: Any) -> Any:
    """Returns the value that the file's own words stand for, None where it is not noted or the file says otherwise now."""
    pair = note.get(key)
    return pair[1] if isinstance(pair, list) and len(pair) == 2 and pair[0] == said else None


def id_of(note: Json) -> str:
    """Returns the id in a note, "" where there is none."""
    found = note.get("id")
    return found if isinstance(found, str) else ""
