"""Exit codes, error lines, laziness: what holds for every command."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from genlock.cli import main
from genlock.errors import CODES, BadInput, GenlockError, NotFound, Refused
from genlock_client.errors import ClientError, Offline

from .conftest import Cli

HEAVY = ("fastapi", "pydantic", "uvicorn", "eventsourcing", "torch", "cv2", "av", "numpy", "PIL", "opentimelineio")


def test_importing_the_command_line_loads_nothing_heavy() -> None:
    code = (
        f"import sys, genlock.cli.main; print([m for m in {(*HEAVY, 'rich.console', 'msgspec')} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30)
    assert done.stdout.strip() == "[]"


def test_help_is_quick_compared_to_its_floor() -> None:
    """`genlock --version` against an interpreter that imports typer, timed in turn: ours may cost as much again."""

    def timed(*command: str) -> float:
        begin = time.perf_counter()
        subprocess.run([sys.executable, *command], check=True, capture_output=True, timeout=30)
        return time.perf_counter() - begin

    rounds = [(timed("-m", "genlock", "--version"), timed("-c", "import typer")) for _ in range(5)]
    ours, floor = (min(times) for times in zip(*rounds, strict=True))
    assert ours < 2.5 * floor


def test_no_arguments_show_the_help(cli: Cli) -> None:
    done = cli()
    assert done.code == 0
    assert "genlock" in done.out


def test_the_version(cli: Cli) -> None:
    assert cli("--version").out.startswith("genlock ")


@pytest.mark.parametrize(
    "arguments",
    [
        ("nonsense",),
        ("project", "nonsense"),
        ("project", "list", "--nonsense"),
        ("project", "new"),
        ("revert", "Reel", "many"),
        ("up", "--port", "99999"),
        ("shot", "set", "SH01", "--status", "lost"),
    ],
)
def test_a_wrong_command_line_is_one_line_and_exit_code_2(cli: Cli, arguments: tuple[str, ...]) -> None:
    done = cli(*arguments)
    assert done.code == 2
    assert done.out == ""
    assert done.err.count("\n") == 1
    assert done.err.startswith("genlock: ")
    assert "(bad_request)" in done.err
    assert "--help" in done.err


def test_an_error_as_json_is_on_stdout_and_its_line_still_on_stderr(cli: Cli) -> None:
    done = cli("project", "list", "--nonsense", "--json")
    assert done.code == 2
    assert set(done.error) >= {"code", "message", "hint"}
    assert done.err.startswith("genlock: ")


def test_an_error_line_names_code_hint_and_conflicts(cli: Cli, capsys: pytest.CaptureFixture[str]) -> None:
    error = Refused("overlap", "No\nroom.", conflicts=[{"id": "a", "message": f"Item {n}"} for n in range(5)])
    main._report(error.to_dict(), as_json=False)
    line = capsys.readouterr().err
    assert line == f"genlock: No room. Item 0; Item 1; Item 2 and 2 more (overlap) - {CODES['overlap'].hint}\n"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (BadInput("bad_rate"), 2),
        (NotFound("no_such_sequence"), 2),
        (Refused("overlap"), 1),
        (GenlockError("internal"), 1),
        (ClientError("bad_time"), 2),
        (ClientError("no_such_file", status=404), 2),
        (ClientError("undo_conflict"), 1),
        (ClientError("a_newer_code"), 1),
        (Offline("daemon_absent"), 1),
    ],
)
def test_exit_codes_tell_bad_input_from_refusals(error: GenlockError | ClientError, code: int) -> None:
    assert main.exit_code(error) == code


def test_the_store_comes_from_flag_environment_or_home(bare: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cli("project", "new", "By flag", "--store", bare / "flag.genlock").code == 0
    monkeypatch.setenv("GENLOCK_STORE", str(bare / "environment.genlock"))
    assert cli("project", "new", "By environment").code == 0
    monkeypatch.delenv("GENLOCK_STORE")
    assert cli("project", "new", "At home").code == 0
    for store, name in (("flag", "By flag"), ("environment", "By environment"), ("studio", "At home")):
        listed = cli("project", "list", "--store", bare / f"{store}.genlock", "--json").json["projects"]
        assert [row["name"] for row in listed] == [name]


class Interrupted(io.StringIO):
    def read(self, size: int | None = -1) -> str:
        raise KeyboardInterrupt


def test_ctrl_c_ends_with_130(bare: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", Interrupted())
    done = cli("edit", "Reel", "-", "--json")
    assert done.code == 130
    assert done.error["code"] == "cancelled"
    assert done.err == "genlock: Interrupted. (cancelled)\n"


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_ctrl_c_while_generating_leaves_the_job_in_the_queue(bare: Path, cli: Cli) -> None:
    cli("project", "new", "Film", "--resolution", "320x180")
    assert cli("shot", "add", "SH01", "--frames", 20_000).code == 0
    command = [sys.executable, "-m", "genlock", "generate", "SH01"]
    environment = {**os.environ, "PYTHONFAULTHANDLER": "1"}
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env=environment,
        # A shell gives what it starts in the background deaf ears for Ctrl-C, and its children inherit them.
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
    )
    deadline = time.monotonic() + 60
    while not list(bare.rglob("*.partial*")):
        assert time.monotonic() < deadline, "no worker began to write"
        time.sleep(0.1)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does it: the workers get it too
    try:
        _, err = process.communicate(timeout=30)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGABRT)  # says where every thread stands
        time.sleep(1)
        os.killpg(process.pid, signal.SIGKILL)
        pytest.fail(process.communicate()[1])
    assert process.returncode == 130
    assert err.splitlines() == ["genlock: Interrupted. (cancelled)"]
    (job,) = cli("jobs", "--json").json["jobs"]
    assert job["status"]["type"] in ("waiting", "running")


def test_nobody_reading_on_is_no_traceback(bare: Path) -> None:
    command = f"{sys.executable} -m genlock store --help | true; {sys.executable} -m genlock project list --json | true"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True, timeout=60)
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_up_announces_itself_serves_commands_and_ends_well(bare: Path, cli: Cli) -> None:
    command = [sys.executable, "-m", "genlock", "up", "--port", "0", "--json"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=bare)
    try:
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        assert told["url"].startswith("http://127.0.0.1:")
        assert told["login"].startswith(told["url"] + "/login?code=")
        assert cli("project", "new", "Film").code == 0
        busy = cli("up", "--port", "0", "--json")
        assert busy.code == 1
        assert busy.error["code"] == "store_busy"
        assert str(process.pid) in busy.error["message"]
        for command in ("restore", "import"):
            held = cli("store", command, __file__, "--json")
            assert (held.code, held.error["code"], held.error["pid"]) == (1, "store_busy", process.pid)
            assert str(process.pid) in held.error["message"]
    finally:
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
    assert process.returncode == 0, err
    assert err == ""
    assert cli("project", "list", "--json").json["projects"][0]["name"] == "Film"
