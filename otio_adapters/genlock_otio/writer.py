"""Writing: a timeline value to the bytes of an .otio file, as JSON directly (docs/formats.md says what becomes what)."""

from __future__ import annotations

from typing import Any

import orjson

from genlock.collector import uncollected
from genlock.errors import BadInput
from genlock_otio.compose import Composer
from genlock_otio.outgoing import Outgoing, Written


def write(outgoing: Outgoing) -> Written:
    """Returns the bytes of an .otio file. Raises BadInput(too_deep)."""
    with uncollected():
        data = dumps(Composer(outgoing).timeline())
    return Written(data, outgoing.loss())


def dumps(timeline: dict[str, Any]) -> bytes:
    """Returns the bytes of a file: indented, so that version control shows lines. Raises BadInput(too_deep)."""
    try:
        return orjson.dumps(timeline, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    except TypeError as error:
        raise BadInput("too_deep", f"The metadata of the sequence cannot be written as JSON: {error}.") from error
