"""The OpenAPI document, with the schemas of our own structs: the types the code uses are the types documented."""

from __future__ import annotations

from typing import Any

import msgspec
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from immutables import Map
from starlette.responses import Response

from genlock.daemon.views import ErrorAnswer

_MARK = "x-genlock-type"
_types: list[Any] = []


def answers(type_: Any, *, status: int = 200, body: Any = None) -> dict[str, Any]:
    """Returns the keyword arguments of a route that answers (and takes) JSON of our own types."""
    made: dict[str, Any] = {
        "response_model": None,
        "status_code": status,
        "responses": {
            status: {"description": "Done.", "content": {"application/json": {"schema": _mark(type_)}}},
            "default": {"description": "An error.", "content": {"application/json": {"schema": _mark(ErrorAnswer)}}},
        },
    }
    if body is not None:
        content = {"application/json": {"schema": _mark(body)}}
        made["openapi_extra"] = {"requestBody": {"required": True, "content": content}}
    return made


def binary(kind: str) -> dict[str, Any]:
    """Returns the keyword arguments of a route that answers bytes."""
    return {
        "response_model": None,
        "response_class": Response,
        "responses": {
            200: {"description": "The bytes.", "content": {kind: {"schema": {"type": "string", "format": "binary"}}}},
            "default": {"description": "An error.", "content": {"application/json": {"schema": _mark(ErrorAnswer)}}},
        },
    }


def answer_type(route: Any) -> Any:
    """Returns the type that a route's good answer has, or None for bytes; the tests check answers against it."""
    schema = route.responses[route.status_code or 200]["content"].get("application/json", {}).get("schema", {})
    return _types[schema[_MARK]] if _MARK in schema else None


def install(app: FastAPI) -> None:
    """Makes `app.openapi()` complete."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            made = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
            app.openapi_schema = _complete(made)
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]


def _mark(type_: Any) -> dict[str, int]:
    _types.append(type_)
    return {_MARK: len(_types) - 1}


def _complete(document: dict[str, Any]) -> dict[str, Any]:
    schemas, components = msgspec.json.schema_components(
        _types, schema_hook=_map_schema, ref_template="#/components/schemas/{name}"
    )
    known = document.setdefault("components", {}).setdefault("schemas", {})
    known.update(components)
    replaced: dict[str, Any] = _replace(document, schemas)
    return replaced


def _replace(node: Any, schemas: tuple[dict[str, Any], ...]) -> Any:
    if isinstance(node, dict):
        if _MARK in node:
            return schemas[node[_MARK]]
        return {key: _replace(value, schemas) for key, value in node.items()}
    return [_replace(value, schemas) for value in node] if isinstance(node, list) else node


def _map_schema(type_: type) -> dict[str, Any]:
    if type_ is Map:
        return {"type": "object"}
    raise TypeError(str(type_))
