"""The extension as Blender's extension platform lists it: what a repository's index.json says (schema v1)."""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha256

from msgspec import Struct

from genlock.blender import package
from genlock.blender.package import Extension

PYTHON = ["3"]
"""What the wheels ask for: each is pure."""


class Listed(Struct, frozen=True, omit_defaults=True):
    """One extension of the index. `archive_url` is relative to the index; `archive_hash` is `sha256:` and hex."""

    schema_version: str
    id: str
    name: str
    tagline: str
    version: str
    type: str
    maintainer: str
    license: list[str]
    blender_version_min: str
    python_versions: list[str]
    archive_url: str
    archive_size: int
    archive_hash: str
    blender_version_max: str = ""
    website: str = ""
    copyright: list[str] = []
    permissions: dict[str, str] = {}
    tags: list[str] = []
    platforms: list[str] = []


class Index(Struct, frozen=True):
    """What index.json holds: one extension, nothing blocked."""

    version: str
    blocklist: list[str]
    data: list[Listed]


def current() -> Extension:
    """Returns the extension of the installed sources: packed once, and again after they changed.

    Raises GenlockError(blender_package).
    """
    return _packed(package.digest())


def index(extension: Extension) -> Index:
    """Returns the index of a repository that holds this extension alone, beside the index."""
    known = {name: value for name, value in extension.manifest.items() if name in Listed.__struct_fields__}
    listed = Listed(
        **known,
        python_versions=PYTHON,
        archive_url=f"./{extension.name}",
        archive_size=len(extension.content),
        archive_hash=f"sha256:{sha256(extension.content).hexdigest()}",
    )
    return Index("v1", [], [listed])


@lru_cache(maxsize=1)
def _packed(digest: str) -> Extension:
    return package.build()
