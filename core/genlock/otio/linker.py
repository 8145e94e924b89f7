"""Links genlock:// ids in media references to files, as a store knows them.

`otioconvert --media-linker genlock -M store=studio.genlock ...`; without `store` the environment's GENLOCK_STORE, else the
store that `genlock` uses. What the store does not know stays as it is.
"""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path
from typing import Any

SCHEME = "genlock://"


def link_media_reference(in_clip: Any, media_linker_argument_map: dict[str, Any] | None = None) -> Any:
    """Returns the clip's media reference with the path behind its genlock:// id."""
    reference = in_clip.media_reference
    url = getattr(reference, "target_url", None)
    if not isinstance(url, str) or not url.startswith(SCHEME):
        return reference
    path = _paths(_store(media_linker_argument_map or {})).get(url)
    if path:
        reference = reference.clone()
        reference.target_url = path
    return reference


def _store(arguments: dict[str, Any]) -> str:
    from genlock.cli.backend import default_store

    return str(arguments.get("store") or os.environ.get("GENLOCK_STORE") or default_store())


@lru_cache(maxsize=4)  # a timeline asks for every clip
def _paths(store: str) -> dict[str, str]:
    from genlock.application.live import world_of
    from genlock.store.reading import open_for_reading

    opened = open_for_reading(Path(store))
    try:
        world = world_of(opened)
    finally:
        opened.close()
    found = {f"{SCHEME}media/{f.id}": f.path for p in world.projects.values() for f in p.media.values()}
    takes = ((shot, take) for shot in world.shots.values() for take in shot.takes.values())
    return found | {f"{SCHEME}take/{shot.id}/{take.id}": take.path for shot, take in takes}
