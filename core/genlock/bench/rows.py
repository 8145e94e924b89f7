"""A shot database as studios write them: FastAPI over HTTP, one SQLModel row a shot, SQLite as it comes.

The floor of `bench.shots`, in a process of its own: `python -m genlock.bench.rows PATH COUNT` prints its port when it
listens. It is what the guides of FastAPI and SQLModel show, a session a request, and nothing is left out to slow it.
"""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator
from typing import Annotated

import uvicorn
from fastapi import Depends, FastAPI, HTTPException, Request
from sqlmodel import Field, Session, SQLModel, create_engine


class ShotFields(SQLModel):
    """What can be changed of a shot."""

    code: str = ""
    scene: str = ""
    prompt: str = ""
    negative_prompt: str = ""
    seed: int = 0
    shot_type: str = ""
    camera: str = ""
    frames: int = 120
    width: int = 1920
    height: int = 1080
    engine: str = ""
    status: str = "planned"
    take: str = ""
    notes: str = ""


class Shot(ShotFields, table=True):
    """A row of the shot table."""

    id: int | None = Field(default=None, primary_key=True)
    project: int = Field(default=1, index=True)


class ShotChange(SQLModel):
    """The fields a client sends."""

    prompt: str | None = None
    status: str | None = None
    notes: str | None = None


app = FastAPI()


def session(request: Request) -> Iterator[Session]:
    """Yields the request's own session."""
    with Session(request.app.state.engine) as opened:
        yield opened


@app.put("/shots/{id_}")
def change_shot(id_: int, change: ShotChange, db: Annotated[Session, Depends(session)]) -> Shot:
    """Writes what a client changed; returns the row as it is then."""
    shot = db.get(Shot, id_)
    if shot is None:
        raise HTTPException(status_code=404, detail="There is no such shot.")
    shot.sqlmodel_update(change.model_dump(exclude_unset=True))
    db.add(shot)
    db.commit()
    db.refresh(shot)
    return shot


def serve(path: str, count: int) -> None:
    """Makes the table with shots 1 to `count`, prints the port, and serves until it is ended."""
    app.state.engine = engine = create_engine(f"sqlite:///{path}")
    SQLModel.metadata.create_all(engine)
    with Session(engine) as db:
        db.add_all(Shot(code=f"SH{k:04}") for k in range(count))
        db.commit()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        sys.stdout.write(f"{listening.getsockname()[1]}\n")
        sys.stdout.flush()
        uvicorn.Server(uvicorn.Config(app, log_level="error", access_log=False)).run([listening])


if __name__ == "__main__":
    serve(sys.argv[1], int(sys.argv[2]))
