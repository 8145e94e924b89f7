"""What a command shows: tables and progress for people, JSON for programs. Rich is loaded when something is shown."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress

WHOLE = frozenset({"id", "job", "record in", "record out", "take"})
"""Columns that are useless when cut."""
PIPE_WIDTH = 200
"""Columns when the output is no terminal: wide enough that nothing is cut."""


def console(*, stderr: bool = False) -> Console:
    """Returns a console that never guesses colours for numbers and never cuts what goes into a pipe."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    return Console(stderr=stderr, highlight=False, width=None if stream.isatty() else PIPE_WIDTH)


def to_json(value: Any, indent: int | None = None) -> str:
    """Returns JSON that stdout can hold, whatever its encoding."""
    is_utf8 = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    return json.dumps(value, indent=indent, ensure_ascii=not is_utf8)


def print_json(value: Any) -> None:
    """Prints one JSON document."""
    sys.stdout.write(to_json(value, indent=2) + "\n")


def print_json_line(value: Any) -> None:
    """Prints one JSON document on a line of its own, at once: a stream of them for programs."""
    sys.stdout.write(to_json(value) + "\n")
    sys.stdout.flush()


def say(text: str) -> None:
    """Prints a line for people; `[bold]` and the like are markup."""
    console().print(text, soft_wrap=True)


def plain(text: object) -> str:
    """Returns text that cannot be taken for markup."""
    from rich.markup import escape

    return escape(str(text))


def print_table(
    columns: Sequence[str], rows: Iterable[Sequence[object]], *, empty: str, styles: Sequence[str] = ()
) -> None:
    """Prints a table, or `empty` when it has no rows; `styles` are the colours of the rows.

    A column whose name starts with `>` is aligned to the right; neither those nor ids and timecodes are ever cut.
    """
    from rich.table import Table

    listed = [[str(cell) for cell in row] for row in rows]
    if not listed:
        say(plain(empty))
        return
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for at, name in enumerate(columns):
        right = name.startswith(">")
        whole = max(len(row[at]) for row in listed) if right or name in WHOLE else None
        justify: Literal["left", "right"] = "right" if right else "left"
        table.add_column(name.lstrip(">"), justify=justify, no_wrap=whole is not None, min_width=whole)
    for at, row in enumerate(listed):
        table.add_row(*(plain(cell) for cell in row), style=styles[at] if styles else None)
    console().print(table)


def progress(what: str) -> Progress:
    """Returns a progress display on stderr, so that stdout stays clean."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    shown = console(stderr=True)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(what),
        TimeElapsedColumn(),
        console=shown,
        transient=True,
        disable=not shown.is_terminal,
    )


def timecode(frame: int, sequence: dict[str, Any]) -> str:
    """Returns the timecode of a sequence frame (0 is the first); `sequence` is a wire value with rate and start."""
    from genlock.timeline.rate import Rate
    from genlock.timeline.timecode import to_timecode

    return to_timecode(frame + int(sequence["start_frame"]), Rate(*sequence["rate"]), bool(sequence["drop_frame"]))


def track_names(sequence: dict[str, Any]) -> dict[str, str]:
    """Returns what the tracks of a wire value are called by id; one without a name is V2, A1."""
    counts: dict[str, int] = {}
    names = {}
    for track in sequence["tracks"]:
        letter = track["kind"][0].upper()
        counts[letter] = counts.get(letter, 0) + 1
        names[track["id"]] = track["name"] or f"{letter}{counts[letter]}"
    return names


def length(frames: int, rate: Sequence[int]) -> str:
    """Returns a length as timecode without drop frame."""
    from genlock.timeline.rate import Rate
    from genlock.timeline.timecode import to_timecode

    return to_timecode(frames, Rate(*rate))


def rate_name(rate: Sequence[int]) -> str:
    """Returns the rate as people write it: 23.976, 25."""
    from genlock.timeline.rate import Rate

    return str(Rate(*rate))


def short(id_: str) -> str:
    """Returns the part of an id that is enough to name it."""
    return id_[:8]


def size(count: int) -> str:
    """Returns bytes as people write them."""
    amount = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} TB"
