"""Writes the tables of docs/events.md from the event classes: `python -m tests.store.document_events`."""

from __future__ import annotations

import re
from inspect import cleandoc, getdoc
from pathlib import Path
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

import msgspec

from genlock.event import Event
from genlock.store.mapper import EVENTS
from genlock.timeline.ops import Op

PAGE = Path(__file__).resolve().parents[2] / "docs" / "events.md"
BEGIN, END = "<!-- generated: begin -->", "<!-- generated: end -->"
ENVELOPE = {field.name for field in msgspec.structs.fields(Event)}


def generated() -> str:
    """Returns the part of the page between the marks."""
    parts = ["## Fields of every event\n", _fields(Event, set()), "\n## Events\n"]
    for cls in EVENTS:
        parts += [f"### {cls.topic()}\n", _doc(cls), _fields(cls, ENVELOPE)]
    parts.append("\n## Ops of SequenceEdited\n")
    for op in get_args(Op):
        parts += [f"### {op.__name__}\n", _doc(op), _fields(op, set())]
    parts.append("\n## Values\n")
    for cls in _values():
        parts += [f"### {cls.__name__}\n", _doc(cls), _fields(cls, set())]
    return "\n".join(part for part in parts if part) + "\n"


def _doc(cls: type) -> str:
    text = getdoc(cls) if "__doc__" in vars(cls) and cls.__doc__ else ""
    return (
        re.sub(r"\s*\n\s*", " ", cleandoc(text or "")) + "\n"
        if text and not text.startswith(f"{cls.__name__}(")
        else ""
    )


def _fields(cls: Any, left_out: set[str]) -> str:
    rows = [field for field in msgspec.structs.fields(cls) if field.name not in left_out]
    if not rows:
        return "It has no fields of its own.\n"
    lines = ["| Field | Type | Default |", "|---|---|---|"]
    lines += [f"| `{field.encode_name}` | {_type(field.type)} | {_default(field)} |" for field in rows]
    listed = "\nWritten as a list, in this order.\n" if cls.__struct_config__.array_like else ""
    return "\n".join(lines) + "\n" + listed


def _type(kind: Any) -> str:
    origin, args = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        given = [each for each in args if each not in (type(None), msgspec.UnsetType)]
        names = " or ".join(_type(each) for each in given)
        return names + (" or null" if type(None) in args else "")
    if origin is Literal:
        return ", ".join(f"`{each}`" for each in args)
    if origin is tuple:
        if args[-1] is Ellipsis:
            return f"list of {_type(args[0])}"
        return "[" + ", ".join(_type(each) for each in args) + "]"
    if origin is dict or kind is dict:
        return "object"
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return f"[{kind.__name__}](#{_anchor(kind)})"
    names = {
        "str": "text",
        "int": "integer",
        "bool": "true or false",
        "float": "number",
        "datetime": "UTC time (ISO 8601)",
    }
    name = getattr(kind, "__name__", str(kind))
    return names.get(name, name)


def _anchor(kind: type[msgspec.Struct]) -> str:
    return kind.__name__.lower()


def _default(field: Any) -> str:
    if field.default is msgspec.UNSET:
        return "absent: unchanged"
    if field.required:
        return "required"
    value = field.default if field.default is not msgspec.NODEFAULT else field.default_factory()
    return f"`{msgspec.json.encode(value).decode()}`"


def _values() -> list[type[msgspec.Struct]]:
    """Returns the structs that events and ops hold, in order of appearance."""
    found: list[type[msgspec.Struct]] = []
    known = {*EVENTS, *get_args(Op), Event}

    def visit(kind: Any) -> None:
        for each in get_args(kind):
            visit(each)
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
            if kind not in known and kind not in found:
                found.append(kind)
            elif kind not in known:
                return
            if kind in seen:
                return
            seen.add(kind)
            for field in msgspec.structs.fields(kind):
                visit(field.type)

    seen: set[type] = set()
    for cls in (*EVENTS, *get_args(Op)):
        visit(cls)
    return found


def page(text: str) -> str:
    """Returns the page with its generated part made new."""
    head, rest = text.split(BEGIN)
    return head + BEGIN + "\n\n" + generated() + "\n" + END + rest.split(END)[1]


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text()))
