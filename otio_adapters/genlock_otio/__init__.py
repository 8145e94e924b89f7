"""OpenTimelineIO files: `read` to a timeline value, `write` from one. docs/formats.md is the reference."""

from __future__ import annotations

from genlock_otio.door import Limits
from genlock_otio.nesting import beside
from genlock_otio.read import read, read_data
from genlock_otio.values import Imported, Loss, LossRow
from genlock_otio.write import write

__all__ = ["Imported", "Limits", "Loss", "LossRow", "beside", "read", "read_data", "write"]
