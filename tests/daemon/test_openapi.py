"""The OpenAPI document is complete and holds together."""

from __future__ import annotations

import json
import re
from typing import Any

from fastapi.routing import APIRoute

from genlock.application.commands import NAMES
from genlock.daemon import app as daemon_app


def routes() -> list[APIRoute]:
    found = [route for module in daemon_app.ROUTERS for route in module.router.routes]
    return [route for route in found if isinstance(route, APIRoute)]


def test_the_document_builds_and_every_reference_leads_somewhere(ann: Any) -> None:
    document = ann.http.get("/api/openapi.json").json()
    text = json.dumps(document)
    assert "x-genlock-type" not in text
    missing = [
        name
        for name in re.findall(r'"#/components/schemas/([^"]+)"', text)
        if name not in document["components"]["schemas"]
    ]
    assert missing == []


def test_every_route_is_in_it_with_answer_and_summary(ann: Any) -> None:
    paths = ann.http.get("/api/openapi.json").json()["paths"]
    for route in routes():
        if not route.include_in_schema:
            continue
        for method in route.methods:
            operation = paths[route.path][method.lower()]
            assert operation["description"], route.path
            good = [value for status, value in operation["responses"].items() if status.startswith("2")]
            assert good, route.path
            (content,) = good[0]["content"].values()
            assert content["schema"], route.path
            assert "default" in operation["responses"]


def test_routes_that_change_take_a_typed_body(ann: Any) -> None:
    document = ann.http.get("/api/openapi.json").json()
    bodiless = {
        "/login-code", "/api/shutdown", "/api/tasks/{task}/cancel", "/api/watches/{watch}/stop", "/api/store/verify",
        "/api/uploads", "/v1/files", "/v1/audio/transcriptions",
    }  # fmt: skip
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if method in ("post", "patch") and path not in bodiless:
                schema = operation["requestBody"]["content"]["application/json"]["schema"]
                assert "$ref" in schema, path


def test_every_command_has_a_schema(ann: Any) -> None:
    schemas = ann.http.get("/api/openapi.json").json()["components"]["schemas"]
    assert sorted(NAMES - set(schemas)) == []
