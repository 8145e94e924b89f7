from __future__ import annotations

import sys
import time

import pytest

from genlock.errors import MediaError
from genlock.media.messages import Probe
from genlock.media.process import MediaProcess, clean_environment


def python(code: str) -> tuple[str, ...]:
    return (sys.executable, "-c", code)


def test_a_request_that_kills_every_process_is_reported() -> None:
    process = MediaProcess(python("import sys, os; sys.stdin.buffer.read(1); os._exit(9)"))
    with pytest.raises(MediaError, match="died") as caught:
        process.call(Probe("x"), 10)
    assert caught.value.code == "media_unreadable"
    assert process.pid is None


def test_nonsense_from_the_child_is_as_good_as_its_death() -> None:
    process = MediaProcess(python("import sys; sys.stdin.buffer.read(1); print('Traceback', flush=True)"))
    with pytest.raises(MediaError) as caught:
        process.call(Probe("x"), 10)
    assert caught.value.code == "media_unreadable"


def test_a_child_that_does_not_leave_is_ended() -> None:
    process = MediaProcess(python("import time; time.sleep(60)"))
    began = time.monotonic()
    with pytest.raises(MediaError) as caught:
        process.call(Probe("x"), 0.3)
    assert caught.value.code == "media_busy"
    assert process.pid is None
    assert time.monotonic() - began < 5


def test_secrets_stay_behind() -> None:
    environment = {"PATH": "/bin", "GENLOCK_TOKEN": "x", "genlock_token_file": "x", "DB_PASSWORD": "x", "LANG": "C"}
    assert clean_environment(environment) == {"PATH": "/bin", "LANG": "C"}
