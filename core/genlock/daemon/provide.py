"""What a route asks for in its signature."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Depends, Path, Request
from pydantic import BaseModel, ConfigDict

from genlock.daemon.author import Author

if TYPE_CHECKING:
    from genlock.daemon.services import Services


def services_of(request: Request) -> Any:
    """Returns the services of the application."""
    return request.app.state.services


if TYPE_CHECKING:
    Uses = Services
else:
    Uses = Annotated[Any, Depends(services_of)]
"""A parameter of this type gets the Services."""

HEX = "^[0-9a-f]{32}$"
AggregateId = Annotated[str, Path(pattern=HEX, description="32 hex digits")]


class Body(BaseModel):
    """A JSON body: fields that are not known are refused."""

    model_config = ConfigDict(extra="forbid")


class SignedBody(Body):
    """A body that says who asks. `actor` is a person's name for the history, `host` the program."""

    actor: str = ""
    host: str = "rest"

    def author(self, services: Services) -> Author:
        """Returns who gives the commands."""
        return Author(services.app, self.actor[:64], self.host[:64])
