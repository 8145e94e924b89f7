"""What a route asks for in its signature."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from fastapi import Depends, Path, Request
from pydantic import BaseModel, ConfigDict, Field

from genlock.application.commit import ID_LENGTH
from genlock.daemon.author import Author
from genlock.errors import BadInput

if TYPE_CHECKING:
    from genlock.daemon.services import Services


T = TypeVar("T")


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


class RepeatableBody(SignedBody):
    """A body with an `id` that the client makes: sent again with the same id, the request gets its first answer and
    nothing is made twice."""

    id: Annotated[str, Field(max_length=ID_LENGTH)] = ""

    def once(self, services: Services, address: str, make: Callable[[Author], T]) -> T:
        """Returns what `make` returns, or the first answer to a repeated request. `address` is the route with its
        aggregate. Raises Refused(command_id_reused), BadInput(bad_value)."""
        try:
            asked = self.model_dump_json(exclude={"id", "actor", "host"})
        except ValueError as error:  # half a surrogate pair, or lists in lists without end
            raise BadInput("bad_value", f"The request cannot be stored: {error}.") from error
        digest = blake2b(f"{address}\0{asked}".encode(), digest_size=16).digest()
        author = Author(services.app, self.actor[:64], self.host[:64], self.id)
        return services.repeats.answer(self.id, digest, lambda: make(author))
