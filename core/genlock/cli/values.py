"""What people write on a command line, as the values the daemon takes. Every parser raises BadInput."""

from __future__ import annotations

import json
from typing import Any

from genlock.cli.backend import absolute
from genlock.errors import BadInput


def rate(text: str) -> list[int]:
    """Returns a frame rate ("23.976", "24000/1001") as [numerator, denominator]."""
    from genlock.timeline.rate import snap_rate

    known = snap_rate(text)
    return [known.num, known.den]


def resolution(text: str) -> list[int]:
    """Returns a picture size ("1920x1080") as [width, height]."""
    width, _, height = text.lower().replace("×", "x").partition("x")
    if not (width.isascii() and width.isdigit() and height.isascii() and height.isdigit()):
        raise BadInput("bad_value", f"{text!r} is not a picture size.", hint="Write WIDTHxHEIGHT, as in 1920x1080.")
    return [int(width), int(height)]


def frame_number(text: str, rate: list[int], *, drop_frame: bool | None = None) -> int:
    """Returns the absolute frame number of a timecode, or of a plain number."""
    if text.lstrip("-").isascii() and text.lstrip("-").isdigit():
        return int(text)
    from genlock.timeline.rate import Rate
    from genlock.timeline.timecode import from_timecode

    return from_timecode(text, Rate(*rate), drop_frame)


def position(text: str, sequence: dict[str, Any]) -> int:
    """Returns a sequence frame (0 is the first) of a timecode as the sequence shows it, or of a plain number."""
    if text.isascii() and text.isdigit():
        return int(text)
    number = frame_number(text, sequence["rate"], drop_frame=bool(sequence["drop_frame"]))
    at = number - int(sequence["start_frame"])
    if at < 0:
        raise BadInput("bad_timecode", f"{text} lies before the sequence starts.")
    return at


def image(text: str) -> dict[str, Any]:
    """Returns a conditioning item of "PATH", "PATH@FRAME" or "PATH@FRAME:STRENGTH"."""
    path, mark, rest = text.rpartition("@")
    if not mark:
        return {"path": absolute(text), "frame": 0}
    frame, _, strength = rest.partition(":")
    try:
        made: dict[str, Any] = {"path": absolute(path), "frame": int(frame)}
        if strength:
            made["strength"] = float(strength)
    except ValueError:
        return {"path": absolute(text), "frame": 0}  # an @ of the file's own name
    return made


def numbers(text: str, names: str) -> list[float]:
    """Returns numbers of "X,Y" or "LEFT,TOP,RIGHT,BOTTOM", as many as there are `names`."""
    parts = text.split(",")
    try:
        found = [float(part) for part in parts]
    except ValueError:
        found = []
    if len(found) != len(names.split(",")):
        raise BadInput("bad_value", f"{text!r} is not {names}.", hint="Write pixels from the top left of the source.")
    return found


def json_object(text: str) -> dict[str, Any]:
    """Returns a JSON object; raises BadInput(bad_json, bad_request)."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadInput("bad_json", f"That is not JSON: {error}.", hint='An edit is {"do": NAME, ...}.') from error
    if not isinstance(value, dict):
        raise BadInput("bad_request", "A command is a JSON object.", hint='An edit is {"do": NAME, ...}.')
    return value


def assignment(text: str) -> tuple[str, Any]:
    """Returns name and value of "NAME=VALUE"; the value is JSON when it can be read so, else text."""
    name, mark, value = text.partition("=")
    if not mark or not name:
        raise BadInput("bad_request", f"{text!r} is no setting.", hint="Write NAME=VALUE.")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def maker(provenance: dict[str, Any]) -> str:
    """Returns who made a take, from its provenance: the engine, its model of another name, and whether it is a draft."""
    engine, model = provenance.get("engine", ""), provenance.get("model", "")
    named = f"{engine} ({model})" if model and model != engine else engine
    return f"{named}, draft" if provenance.get("draft") else named
