"""Genlock as a plug-in of OpenTimelineIO: stores and all our formats as adapters, a media linker, versions of schemas.

The entry point `genlock` of the group `opentimelineio.plugins` names this package. A suffix is claimed only where no
other adapter for it is installed; by name (`-I genlock_fcp7`, `-O genlock_edl`) ours are always there.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

ADAPTERS: Final[dict[str, tuple[tuple[str, tuple[str, ...]], ...]]] = {
    "resolve": (),
    "fcp7": (("xml", ("otio_fcp_adapter",)),),
    "fcpx": (("fcpxml", ("otio_fcpx_xml_adapter", "otio_fcpx_xml_lite_adapter")),),
    "edl": (("edl", ("otio_cmx3600_adapter",)),),
    "aaf": (("aaf", ("otio_aaf_adapter",)),),
    "mlt": (("mlt", ("otio_mlt_adapter",)), ("kdenlive", ("otio_kdenlive_adapter", "opentimelineio_kdenlive"))),
}
"""Dialect -> its suffixes, each with the packages that have an adapter for it."""

_WRITTEN: Final = {
    "Timeline": 1,
    "Stack": 1,
    "Track": 1,
    "Clip": 2,
    "Gap": 1,
    "Transition": 1,
    "Marker": 2,
    "Effect": 1,
    "LinearTimeWarp": 1,
    "ExternalReference": 1,
    "MissingReference": 1,
    "RationalTime": 1,
    "TimeRange": 1,
}
VERSIONS: Final = {"0.1": _WRITTEN, "resolve": _WRITTEN}
"""The family GENLOCK: the schemas that Genlock writes, and those that Resolve reads."""


def plugin_manifest() -> Any:
    """Returns the manifest that OpenTimelineIO asks for."""
    from opentimelineio import adapters, media_linker, plugins

    here = Path(__file__).parent
    spec = find_spec("genlock")
    shell = Path(spec.origin or "").parent / "otio" if spec else here
    manifest = plugins.manifest.Manifest()
    manifest.adapters = [
        adapters.Adapter("genlock", str(shell / "store.py"), ["genlock"]),
        *(
            adapters.Adapter(f"genlock_{name}", str(here / f"as_{name}.py"), _free(suffixes))
            for name, suffixes in ADAPTERS.items()
        ),
    ]
    manifest.media_linkers = [media_linker.MediaLinker("genlock", str(shell / "linker.py"))]
    if Path(sys.argv[0]).stem != "otiopluginfo":  # 0.18.1's falls over any plug-in's versions
        manifest.version_manifests = {"GENLOCK": VERSIONS}
    return manifest


def _free(suffixes: tuple[tuple[str, tuple[str, ...]], ...]) -> list[str]:
    return [suffix for suffix, others in suffixes if not any(find_spec(other) for other in others)]
