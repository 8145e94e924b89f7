"""What DaVinci Resolve makes of an .otio file: imported, and exported again.

Not a word of it is ours: it does what people measured on Resolve 18 to 21 and published (docs/why/otio.md), so that a
story can go through Resolve where there is none.
"""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

PLAIN = Path(__file__).parent / "samples" / "resolve21" / "base.otio"
"""A clip that nobody touched: Resolve writes all its effects with it."""


class Refused(Exception):
    """Resolve would say nothing and import nothing."""


def as_resolve(data: bytes) -> bytes:
    """Returns the file as Resolve exports what it imported. Raises Refused."""
    timeline = json.loads(data)
    if timeline.get("OTIO_SCHEMA") != "Timeline.1" or timeline.get("global_start_time") is None:
        raise Refused("no timeline with a start")
    _need("Resolve OTIO Meta Version", _theirs(timeline))
    stack = timeline["tracks"]
    rate = timeline["global_start_time"]["rate"]
    lengths = [sum(_frames(child, rate) for child in track["children"]) for track in stack["children"]]
    tracks = [_track(track, rate, max(lengths) - own) for track, own in zip(stack["children"], lengths, strict=True)]
    made = {
        "OTIO_SCHEMA": "Timeline.1",
        "metadata": {"Resolve_OTIO": {"Resolve OTIO Meta Version": "1.0"}},
        "name": "",
        "global_start_time": timeline["global_start_time"],
        "tracks": {
            "OTIO_SCHEMA": "Stack.1",
            "metadata": {},
            "name": "",
            "source_range": None,
            "effects": [],
            "markers": [_marker(marker) for marker in stack["markers"]],
            "enabled": True,
            "children": tracks,
        },
    }
    return json.dumps(made, indent=4).encode()


def _need(key: str, where: Any) -> Any:
    if not isinstance(where, dict) or key not in where:
        raise Refused(f"no {key}")
    return where[key]


def _theirs(thing: dict[str, Any]) -> dict[str, Any]:
    return _need("Resolve_OTIO", _need("metadata", thing))  # type: ignore[no-any-return]


def _time(value: float, rate: float) -> dict[str, Any]:
    return {"OTIO_SCHEMA": "RationalTime.1", "rate": rate, "value": value}


def _span(start: float, count: float, rate: float) -> dict[str, Any]:
    return {"OTIO_SCHEMA": "TimeRange.1", "duration": _time(count, rate), "start_time": _time(start, rate)}


def _frames(child: dict[str, Any], rate: float) -> float:
    span = child.get("source_range")
    return 0 if span is None else span["duration"]["value"] * rate / span["duration"]["rate"]  # type: ignore[no-any-return]


def _track(track: dict[str, Any], rate: float, missing: float) -> dict[str, Any]:
    if track.get("OTIO_SCHEMA") != "Track.1":
        raise Refused("something but a track under the stack")
    theirs = {key: _need(key, _theirs(track)) for key in ("Locked",)}
    if track["kind"] == "Audio":
        theirs |= {key: _need(key, _theirs(track)) for key in ("Audio Type", "SoloOn")}
    children = [_child(child, rate, track["kind"]) for child in track["children"]]
    if missing:
        children.append({**_plain("Gap.1", ""), "source_range": _span(0, missing, rate)})
    return {
        **_plain("Track.1", track["name"]),
        "metadata": {"Resolve_OTIO": theirs},
        "source_range": None,
        "enabled": _need("enabled", track),
        "children": children,
        "kind": track["kind"],
    }


def _plain(schema: str, name: str) -> dict[str, Any]:
    return {"OTIO_SCHEMA": schema, "metadata": {}, "name": name, "effects": [], "markers": [], "enabled": True}


def _child(child: dict[str, Any], rate: float, kind: str) -> dict[str, Any]:
    match child["OTIO_SCHEMA"]:
        case "Clip.2":
            return _clip(child, rate, kind)
        case "Gap.1":
            return {**_plain("Gap.1", ""), "source_range": _span(0, _frames(child, rate), rate)}
        case "Transition.1":
            if _need("transition_type", child) != "SMPTE_Dissolve":
                raise Refused("a transition it does not know")
            return {
                "OTIO_SCHEMA": "Transition.1",
                "metadata": {"Resolve_OTIO": {key: _theirs(child)[key] for key in ("Effects", "Transition Type")}},
                "name": "Cross Dissolve",
                "in_offset": child["in_offset"],
                "out_offset": child["out_offset"],
                "transition_type": "SMPTE_Dissolve",
            }
        case other:
            raise Refused(f"{other} on a track")


def _clip(clip: dict[str, Any], rate: float, kind: str) -> dict[str, Any]:
    ref = _need(_need("active_media_reference_key", clip), _need("media_references", clip))
    if ref["OTIO_SCHEMA"] != "ExternalReference.1" or ref.get("available_range") is None:
        raise Refused("a clip without media")
    url = _need("target_url", ref)
    if re.match(r"^\w{2,}:", url) or not re.match(r"^(/|\\|[A-Za-z]:)", url):
        raise Refused(f"{url!r} is no bare path")
    name = re.split(r"[/\\]", url)[-1]
    _need("enabled", clip)
    start, own = clip["source_range"]["start_time"], ref["available_range"]["start_time"]
    if start["value"] / start["rate"] < own["value"] / own["rate"] - 1e-6:
        raise Refused(f"{name} shows frames before its timecode starts")
    theirs = {key: value for key, value in _theirs(clip).items() if key in ("Link Group ID", "Channels")}
    speeds = [effect for effect in clip["effects"] if effect["OTIO_SCHEMA"] == "LinearTimeWarp.1"]
    known = [effect for effect in clip["effects"] if "Resolve_OTIO" in effect.get("metadata", {})]
    told = {effect["metadata"]["Resolve_OTIO"]["Effect Name"] for effect in known}
    plain = [] if kind == "Audio" else [e for e in _untouched() if _theirs(e)["Effect Name"] not in told]
    return {
        **_plain("Clip.2", name),
        "metadata": {"Resolve_OTIO": theirs},
        "source_range": _span(start["value"] * rate / start["rate"], _frames(clip, rate), rate),
        "effects": [
            *(
                {**_plain_effect("LinearTimeWarp.1"), "time_scalar": s["time_scalar"], "effect_name": ""}
                for s in speeds
            ),
            *known,
            *plain,
        ],
        "markers": [_marker(marker) for marker in clip["markers"]],
        "enabled": clip["enabled"],
        "media_references": {
            "DEFAULT_MEDIA": {
                "OTIO_SCHEMA": "ExternalReference.1",
                "metadata": {},
                "name": name,
                "available_range": ref["available_range"],
                "available_image_bounds": None,
                "target_url": url,
            }
        },
        "active_media_reference_key": "DEFAULT_MEDIA",
    }


def _plain_effect(schema: str) -> dict[str, Any]:
    return {"OTIO_SCHEMA": schema, "metadata": {}, "name": "", "effect_name": "Resolve Effect"}


@cache
def _untouched() -> list[dict[str, Any]]:
    clip = json.loads(PLAIN.read_text())["tracks"]["children"][0]["children"][0]
    return [
        {**effect, "metadata": {"Resolve_OTIO": {**_theirs(effect), "Parameters": []}}} for effect in clip["effects"]
    ]


def _marker(marker: dict[str, Any]) -> dict[str, Any]:
    theirs = marker.get("metadata", {}).get("Resolve_OTIO", {})
    return {
        "OTIO_SCHEMA": "Marker.2",
        "metadata": {"Resolve_OTIO": {"Keywords": theirs.get("Keywords", []), "Note": theirs.get("Note", "")}},
        "name": marker["name"],
        "color": marker["color"],
        "marked_range": marker["marked_range"],
        "comment": "",
    }
