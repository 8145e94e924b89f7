"""The FastAPI application."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI
from starlette.routing import WebSocketRoute
from starlette.types import ASGIApp

from genlock import __version__
from genlock.daemon import answers, openapi
from genlock.daemon.gate import Gate
from genlock.daemon.routes import (
    blender,
    commands,
    entry,
    exchange,
    generation,
    hints,
    media,
    models,
    pallaidium,
    projects,
    sequences,
    settings,
    shots,
    store,
    tasks,
    watches,
)
from genlock.daemon.socket import Socket

if TYPE_CHECKING:
    from genlock.daemon.services import Services

ROUTERS = (
    entry,
    commands,
    projects,
    sequences,
    shots,
    media,
    exchange,
    generation,
    hints,
    tasks,
    watches,
    store,
    models,
    settings,
    pallaidium,
    blender,
)


def create_app(services: Services) -> FastAPI:
    """Returns the application without its gate; `services` must be open."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        services.start()
        yield

    app = FastAPI(
        title="Genlock",
        version=__version__,
        description="One event-sourced timeline for every editor. docs/protocol.md is the reference.",
        openapi_url="/api/openapi.json",
        docs_url=None,  # the stock pages load scripts from elsewhere, which our CSP rightly forbids
        redoc_url=None,
        lifespan=lifespan,
        redirect_slashes=False,
    )
    app.state.services = services
    for module in ROUTERS:
        # flat, not included: the tests walk every route there is
        app.router.routes.extend(module.router.routes)
    app.router.routes.append(WebSocketRoute("/ws", Socket(services), name="socket"))
    services.routes = lambda: app.routes
    answers.install(app)
    openapi.install(app)
    return app


def gated(services: Services) -> ASGIApp:
    """Returns the whole thing: the application behind its gate."""
    limits: dict[str, Any] = {
        "json_limit": services.settings.json_limit,
        "upload_limit": services.settings.upload_limit,
    }
    return Gate(create_app(services), services.access, **limits)
