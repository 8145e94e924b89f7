"""Writing: a timeline value to an .otio or .otioz file, as JSON directly (docs/formats.md says what becomes what)."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import orjson

from genlock.errors import BadInput, MediaError
from genlock.project.media import MediaFile
from genlock.timeline.events import Content
from genlock_otio import bundle
from genlock_otio.compose import Composer
from genlock_otio.values import Loss

DIALECTS: Final = ("otio",)


def write(
    content: Content,
    path: Path,
    *,
    media: Mapping[str, MediaFile],
    takes: Callable[[str, str | None], MediaFile | None] = lambda _shot, _take: None,
    nested: Callable[[str], Content | None] = lambda _sequence: None,
    dialect: str = "otio",
    sequence: str = "",
) -> Loss:
    """Writes a timeline file; the suffix .otioz packs the media in. Returns what the file does not carry.

    `media` is the pool (id -> file); `takes` finds the file of a shot's take (None: the selected one); `nested` the
    content of a nested sequence; `sequence` is the id noted in the file. The file appears whole or not at all. Raises
    BadInput(unknown_format) and MediaError(unwritable_folder).
    """
    path = Path(path)
    if dialect not in DIALECTS:
        raise BadInput("unknown_format", f"There is no dialect {dialect!r}; known are {', '.join(DIALECTS)}.")
    if path.suffix.lower() not in (".otio", ".otioz"):
        raise BadInput("unknown_format", f"{path.name}: timelines are written as .otio or .otioz.")
    composer = Composer(media=media, takes=takes, nested=nested)
    timeline = composer.timeline(content, sequence)
    try:
        if path.suffix.lower() == ".otioz":
            replace_whole(path, lambda part: bundle.write_zip(timeline, part, dumps, composer.lost))
        else:
            replace_whole(path, lambda part: part.write_bytes(dumps(timeline)))
    except OSError as error:
        raise MediaError("unwritable_folder", f"{path} cannot be written: {error.strerror or error}.") from error
    return composer.loss()


def dumps(timeline: dict[str, Any]) -> bytes:
    """Returns the bytes of a file: indented, so that version control shows lines. Raises BadInput(too_deep)."""
    try:
        return orjson.dumps(timeline, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    except TypeError as error:
        raise BadInput("too_deep", f"The metadata of the sequence cannot be written as JSON: {error}.") from error


def replace_whole(path: Path, write_to: Callable[[Path], object]) -> None:
    """Writes beside the file and renames, so that nobody sees half of one."""
    part = path.with_name(f".{path.name}.{uuid4().hex}.partial")
    try:
        write_to(part)
        os.replace(part, path)
    finally:
        with suppress(FileNotFoundError):
            part.unlink()
