"""Where our notes ride in an AAF file, and what of its own metadata is kept."""

from __future__ import annotations

from typing import Final

ID: Final = "_GENLOCK_ID"
"""The attribute of a source clip or of a track's sequence that holds our id."""

SEQUENCE: Final = "genlock:sequence"
VERSION: Final = "genlock:version"
EXPORT: Final = "genlock:export"
SIZE: Final = "genlock:size"
"""User comments of the composition."""

OPEN: Final = "genlock:length"
"""User comment of a master clip whose length nobody knows: it says "unknown"."""
OFFLINE: Final = "genlock:offline"
"""User comment of a master clip that stands for something that is no file: the name it is known by, else "yes"."""

OURS: Final = "genlock:"

AAF: Final = "AAF"
"""The key of what is kept of the file's own metadata: of a clip `MobID`, `Media` (the path it belongs to), `Tape` and the
user's `UserComments`; of a transition the `Effect` it is."""
COMMENTS: Final = 32
LETTERS: Final = 512
"""User comments kept of a clip, and letters of each."""

PANNER: Final = "Audio Pan"
"""The effect that every track of sound lies in."""
