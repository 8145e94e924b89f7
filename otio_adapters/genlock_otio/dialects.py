"""Which reader and writer a dialect has, and which dialect a file is."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from genlock.errors import BadInput
from genlock.timeline.profiles import PROFILES, Profile
from genlock.timeline.rate import Rate
from genlock_otio.door import LIMITS, Limits
from genlock_otio.outgoing import Outgoing, Written
from genlock_otio.values import Imported


class Incoming(Struct):
    """A file to read: its bytes, the title it gets when it has none, the folder its relative paths count from. `rate` is
    for formats that do not say theirs (EDL); None: the reader finds one out, and warns."""

    data: bytes
    name: str
    base: Path
    rate: Rate | None = None
    limits: Limits = LIMITS

    def take(self) -> bytes:
        """Returns the bytes and lets go of them: a long cut's file need not lie beside its timeline."""
        data, self.data = self.data, b""
        return data


class Dialect(Struct, frozen=True):
    """One dialect: what it carries, and the modules that read and write it ("" where Genlock does not).

    A reading module has `read(Incoming) -> Imported` and `knows(data: bytes) -> bool`, asked for files whose suffix
    several dialects share; a writing one `write(Outgoing) -> Written`.
    """

    profile: Profile
    reader: str = ""
    writer: str = ""

    def read(self, incoming: Incoming) -> Imported:
        """Raises BadInput with the place in the file."""
        found: Imported = self._of(self.reader, "read")(incoming)
        return found

    def knows(self, data: bytes) -> bool:
        return bool(self._of(self.reader, "knows")(data))

    def write(self, outgoing: Outgoing) -> Written:
        found: Written = self._of(self.writer, "write")(outgoing)
        return found

    def _of(self, module: str, function: str) -> Callable[..., Any]:
        found: Callable[..., Any] = getattr(import_module(module), function)
        return found


DIALECTS: Final[dict[str, Dialect]] = {
    "otio": Dialect(PROFILES["otio"], "genlock_otio.reader", "genlock_otio.writer"),
    "resolve": Dialect(PROFILES["resolve"], "genlock_otio.reader", "genlock_otio.resolve"),
    "fcp7": Dialect(PROFILES["fcp7"], "genlock_otio.fcp7.reader", "genlock_otio.fcp7.writer"),
    "fcpx": Dialect(PROFILES["fcpx"], "genlock_otio.fcpx.reader", "genlock_otio.fcpx.writer"),
    "edl": Dialect(PROFILES["edl"], "genlock_otio.edl.reader", "genlock_otio.edl.writer"),
    "aaf": Dialect(PROFILES["aaf"], "genlock_otio.aaf.reader", "genlock_otio.aaf.writer"),
    "mlt": Dialect(PROFILES["mlt"], "genlock_otio.mlt.reader", "genlock_otio.mlt.writer"),
}
"""The cuts Genlock exchanges. (Change lists, genlock_otio.lists, tell about a cut and are only written.)"""


def dialect_of(path: Path, wanted: str = "") -> Dialect:
    """Returns the dialect of a file to write: the wanted one, else by suffix. Raises BadInput(unknown_format)."""
    if wanted:
        if wanted not in DIALECTS:
            raise BadInput("unknown_format", f"There is no dialect {wanted!r}; known are {', '.join(DIALECTS)}.")
        return DIALECTS[wanted]
    suffix = path.suffix.lower()
    for dialect in DIALECTS.values():
        if suffix in dialect.profile.suffixes:
            return dialect
    known = sorted({s for d in DIALECTS.values() for s in d.profile.suffixes})
    raise BadInput("unknown_format", f"{path.name} is of no known format: {', '.join(known)}.")
