"""The daemon's own settings, kept in `<store>.settings.json` (GENLOCK_HOME for a PostgreSQL store)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from genlock.daemon.discovery import home_folder
from genlock.errors import BadInput, StoreError


class DaemonSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """All take effect at the next start.

    `job_slots`: jobs that run at once. `memory_share`: part of what the machine can give (all of a GPU but a margin, half
    of the memory without one) that jobs may hold, `interactive_floor` bytes of it kept free for masks (null: what
    SAM 3 needs where it is here). `backlog_bytes`: what may wait for one client before it is cut off. `json_limit`
    and `upload_limit`: bytes of a request's body. `probe_limit`: bytes of media that an import reads before it
    answers; the rest is read afterwards.
    """

    job_slots: Annotated[int, Meta(ge=1, le=16)] = 1
    memory_share: Annotated[float, Meta(gt=0, le=1)] = 1.0
    interactive_floor: Annotated[int, Meta(ge=0)] | None = None
    backlog_bytes: Annotated[int, Meta(ge=65_536, le=268_435_456)] = 1_048_576
    json_limit: Annotated[int, Meta(ge=65_536, le=1_073_741_824)] = 33_554_432
    upload_limit: Annotated[int, Meta(ge=65_536, le=1_099_511_627_776)] = 4_294_967_296
    probe_limit: Annotated[int, Meta(ge=0)] = 4_294_967_296


def settings_file(store: str) -> Path:
    """Returns where a store's settings lie."""
    return home_folder() / "settings.json" if "://" in store else Path(store).with_suffix(".settings.json")


def load(path: Path) -> DaemonSettings:
    """Returns the settings of the file, the defaults when there is none; BadInput(bad_value) when it is wrong."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=DaemonSettings)
    except FileNotFoundError:
        return DaemonSettings()
    except (msgspec.DecodeError, OSError) as error:
        raise BadInput("bad_value", f"{path} cannot be used: {error}.", hint="Repair or delete the file.") from error


def change(path: Path, patch: bytes) -> DaemonSettings:
    """Writes the settings with some fields replaced (`patch` is a JSON object) and returns them."""
    try:
        given = msgspec.json.decode(patch, type=dict[str, msgspec.Raw])
        fields = {name: msgspec.json.decode(value) for name, value in given.items()}
        changed = msgspec.convert({**msgspec.to_builtins(load(path)), **fields}, DaemonSettings)
    except msgspec.DecodeError as error:
        raise BadInput("bad_value", f"{error}.") from error
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(msgspec.json.format(msgspec.json.encode(changed), indent=2))
        temporary.replace(path)
    except OSError as error:
        raise StoreError("store_unwritable", f"{path} cannot be written: {error}.") from error
    return changed
