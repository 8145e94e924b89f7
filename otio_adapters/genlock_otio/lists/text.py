"""Lists as text: bytes in any encoding to lines, cells that no spreadsheet runs as a formula."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from io import StringIO
from typing import Final

from genlock.errors import BadInput
from genlock_otio.door import LIMITS, Limits

LINES: Final = 400_000
SIZE: Final = 64 * 1024 * 1024
CELL: Final = 4000
"""Characters of a cell that are kept."""

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def decoded(data: bytes, what: str, limits: Limits = LIMITS) -> list[str]:
    """Returns the lines of a text in UTF-8, UTF-16 (by its mark) or Latin-1.

    Raises BadInput: too_large, unknown_format (binary data).
    """
    if len(data) > min(limits.size, SIZE) or data.count(b"\n") > LINES:
        raise BadInput("too_large", f"{what} is longer than {LINES} lines or {min(limits.size, SIZE)} bytes.")
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        text = data.decode("utf-16", "replace")
    elif b"\0" in data:
        raise BadInput("unknown_format", f"{what} is binary data, no text.")
    else:
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = data.decode("latin-1")
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def plain(text: str) -> str:
    """Returns a text on one line, without tabs."""
    return "".join(c if c.isprintable() else " " for c in text).strip()


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    """Returns comma-separated values for spreadsheets: UTF-8 with its mark, CR LF, formulas disarmed."""
    file = StringIO()
    writer = csv.writer(file)
    writer.writerow(head)
    for row in rows:
        writer.writerow([_harmless(cell) for cell in row])
    return file.getvalue().encode("utf-8-sig", "replace")


def untabled(lines: Iterable[str], what: str) -> list[list[str]]:
    """Returns the rows of comma- or semicolon-separated values. Raises BadInput(bad_timeline) with the line."""
    there = list(lines)
    first = next((line for line in there if line.strip()), "")
    delimiter = max(",;\t", key=first.count)
    reader = csv.reader((line + "\n" for line in there), delimiter=delimiter)
    found: list[list[str]] = []
    try:
        found.extend([_armed(cell[:CELL]) for cell in row] for row in reader)
    except csv.Error as error:
        raise BadInput("bad_timeline", f"{what}, line {reader.line_num}: {error}.") from error
    return found


def _harmless(cell: object) -> str:
    """Returns a cell's text. One that a spreadsheet would run gets an apostrophe; numbers stay numbers."""
    text = str(cell)
    return "'" + text if isinstance(cell, str) and text.startswith(_FORMULA) else text


def _armed(text: str) -> str:
    return text[1:] if text[:1] == "'" and text[1:].startswith(_FORMULA) else text
