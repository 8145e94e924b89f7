"""Timeline files of every format: `read` to a value, `write` from one, `loss` before writing. docs/formats.md is the
reference."""

from __future__ import annotations

from genlock_otio.door import Limits
from genlock_otio.files import loss, read, write
from genlock_otio.nesting import beside
from genlock_otio.reader import read_data
from genlock_otio.values import Imported, Loss, LossRow, Tag

__all__ = ["Imported", "Limits", "Loss", "LossRow", "Tag", "beside", "loss", "read", "read_data", "write"]
