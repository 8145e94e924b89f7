"""Flags that many commands share, and what they mean."""

from __future__ import annotations

from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs instead of text for people.")]

Store = Annotated[
    str | None,
    typer.Option(
        "--store",
        envvar="GENLOCK_STORE",
        metavar="PATH|URL",
        help="The store: a file, or a postgresql:// URL. Default: studio.genlock in your data folder.",
    ),
]

Project = Annotated[
    str | None,
    typer.Option(
        "--project",
        "-p",
        envvar="GENLOCK_PROJECT",
        metavar="PROJECT",
        help="The project, by name or id; not needed while there is only one.",
    ),
]

SEQUENCE_HELP = "The sequence: its name, its id or the start of either; PROJECT/NAME when the name is not unique."
SHOT_HELP = "The shot: its code, its id or the start of its id."

Sequence = Annotated[str, typer.Argument(metavar="SEQ", help=SEQUENCE_HELP)]
Shot = Annotated[str, typer.Argument(metavar="SHOT", help=SHOT_HELP)]
Force = Annotated[bool, typer.Option("--force", help="Do it although somebody changed the same thing since.")]
