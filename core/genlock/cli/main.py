"""The program: finds the command, runs it, and turns every error into one line, a stable code and an exit code."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import Any

import typer

from genlock.cli.output import print_json_line
from genlock.errors import CODES, GenlockError
from genlock_client.errors import ClientError

BAD_INPUT, FAILED, INTERRUPTED = 2, 1, 130
BAD_STATUSES = frozenset({400, 403, 404, 413, 415, 422})
"""HTTP statuses of errors that lie in what was given: they end with exit code 2, all others with 1."""

MODULES: dict[str, tuple[str, ...]] = {
    "daemon": ("up", "demo"),
    "projects": ("project", "media", "fork"),
    "sequences": ("sequence", "edit"),
    "history": ("history", "undo", "redo", "revert"),
    "exchange": ("import", "export", "exports", "render"),
    "conflicts": ("conflicts",),
    "comparing": ("diff", "merge"),
    "git": ("git",),
    "watching": ("watch",),
    "shots": ("shot", "take"),
    "jobs": ("generate", "jobs"),
    "models": ("models",),
    "install": ("install",),
    "blender": ("blender",),
    "stores": ("store",),
    "checks": ("memory", "doctor", "bench"),
}
"""Module -> the commands it adds, in the order of the help. Only the module of the command given is loaded."""


def _version(wanted: bool) -> None:
    if wanted:
        from genlock import __version__

        typer.echo(f"genlock {__version__}")
        raise typer.Exit


def root(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Print the version."),
) -> None:
    """One timeline for every editor, and shots generated straight into it."""


def build(first: str | None = None) -> typer.Typer:
    """Returns the program with the command `first`, or with all when there is none of that name."""
    app = typer.Typer(
        name="genlock",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(root)
    wanted = [module for module, commands in MODULES.items() if first in commands] or list(MODULES)
    for module in wanted if first != "--version" else ():
        import_module(f"genlock.cli.{module}").register(app)
    return app


UsageError: type[Exception] = typer.BadParameter.__mro__[1]
"""The error of a wrong command line; typer keeps its own copy of click and exports only this subclass."""


def run(arguments: list[str]) -> int:
    """Runs the command line and returns the exit code: 0 done, 1 refused or failed, 2 bad input, 130 interrupted."""
    as_json = "--json" in arguments
    try:
        command = typer.main.get_command(build(arguments[0] if arguments else None))
        result = command.main(arguments or ["--help"], prog_name="genlock", standalone_mode=False)
    except (GenlockError, ClientError) as error:
        _report(error.to_dict(), as_json)
        return exit_code(error)
    except UsageError as error:
        _report(_usage(error), as_json)
        return BAD_INPUT
    except (KeyboardInterrupt, typer.Abort):
        result = INTERRUPTED
    except BrokenPipeError:  # `genlock history | head`: nobody reads on, and Python would complain once more at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    if result == INTERRUPTED:  # newer typers return it, older ones raise Abort
        _report({"code": "cancelled", "message": "Interrupted.", "hint": ""}, as_json)
    return result if isinstance(result, int) else 0


def main() -> None:
    """Runs the command line of this process and ends it."""
    sys.exit(run(sys.argv[1:]))


def exit_code(error: GenlockError | ClientError) -> int:
    """Returns 2 when the fault lies in what was given, 1 when it was refused or failed."""
    status = error.status or (CODES[error.code].status if error.code in CODES else 0)
    return BAD_INPUT if status in BAD_STATUSES else FAILED


def _usage(error: Exception) -> dict[str, Any]:
    context: Any = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "genlock"
    text = str(getattr(error, "format_message", error.__str__)()).replace("\n", " ").strip()
    return {"code": "bad_request", "message": text, "hint": f"`{path} --help` shows how."}


def _report(error: dict[str, Any], as_json: bool) -> None:
    """Prints the line for people on stderr and, when JSON was asked for, the whole error on stdout."""
    if as_json:
        print_json_line({"error": error})
    parts = [str(error["message"]).rstrip()]
    conflicts = [str(c.get("message") or c.get("id")) for c in error.get("conflicts") or () if isinstance(c, dict)]
    conflicts = [text for text in conflicts if text not in parts[0]]
    if conflicts:
        parts.append("; ".join(conflicts[:3]) + (f" and {len(conflicts) - 3} more" if len(conflicts) > 3 else ""))
    hint = f" - {error['hint']}" if error.get("hint") else ""
    line = f"genlock: {' '.join(parts)} ({error['code']}){hint}"
    sys.stderr.write(" ".join(line.split()) + "\n")
