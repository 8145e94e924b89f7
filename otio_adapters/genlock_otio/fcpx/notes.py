"""What Genlock itself writes into a note: one line `genlock:ID key=value ...`, below what a person wrote.

Notes are the one thing every element can have (`video` and `audio` have no metadata), and Final Cut Pro keeps them.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple
from urllib.parse import quote, unquote

_LINE: Final = re.compile(r"(?:^|\n)[ \t]*genlock:(\S*)((?:[ \t]+[a-z_]+=\S*)*)[ \t]*(?=\n|$)")
_INVALID: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Note(NamedTuple):
    """A note read: whether Genlock wrote a line, the id in it, what else it says, and the rest, which a person wrote."""

    ours: bool
    id: str
    facts: dict[str, str]
    text: str


def read_note(text: str) -> Note:
    """Reads a note; any text will do."""
    found = _LINE.search(text)
    if found is None:
        return Note(False, "", {}, text)
    facts = dict(word.partition("=")[::2] for word in found[2].split())
    return Note(
        True,
        unquote(found[1]),
        {key: unquote(value) for key, value in facts.items()},
        text[: found.start()] + text[found.end() :],
    )


def write_note(text: str, id: str, facts: dict[str, str | int | None]) -> str:
    """Returns the note; facts that are None are left out."""
    words = [f"genlock:{quote(id, safe='')}"]
    words += [f"{key}={quote(str(value), safe='')}" for key, value in facts.items() if value is not None]
    line = " ".join(words)
    return f"{text}\n{line}" if text else line


def presentable(text: str) -> str:
    """Returns the text without the characters XML cannot hold."""
    return _INVALID.sub("", text)
