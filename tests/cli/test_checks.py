from __future__ import annotations

import json
from pathlib import Path

import pytest

import genlock.bench
from genlock.bench import Result

from .conftest import Cli


def test_memory(shared: Path, cli: Cli) -> None:
    state = cli("memory", "--json").json
    assert {"budget", "held", "leases", "waiting", "decisions"} <= set(state)
    assert "held" in cli("memory").out


def test_doctor(shared: Path, cli: Cli) -> None:
    done = cli("doctor", "--json")
    assert done.json["ok"] is (done.code == 0)
    assert {"python", "store"} <= {row["name"] for row in done.json["checks"]}
    assert "python" in cli("doctor").out


@pytest.fixture
def figures(monkeypatch: pytest.MonkeyPatch) -> list[Result]:
    made = [Result("append", 3.0, "ms", 6.0, floor=1.0), Result("throughput", 9000.0, "edits/s", 5000.0, at_least=True)]
    monkeypatch.setattr(genlock.bench, "results", lambda names: iter(made))
    return made


def test_bench_has_the_shape_others_rely_on(figures: list[Result], cli: Cli) -> None:
    done = cli("bench", "store", "--json")
    assert done.code == 0
    assert done.json == {
        "results": [
            {"name": "append", "value": 3.0, "unit": "ms", "floor": 1.0, "ratio": 3.0, "limit": 6.0, "ok": True},
            {
                "name": "throughput",
                "value": 9000.0,
                "unit": "edits/s",
                "floor": None,
                "ratio": None,
                "limit": 5000.0,
                "ok": True,
            },
        ]
    }
    assert "append" in cli("bench").out


def test_a_figure_out_of_bounds_is_a_failure(figures: list[Result], cli: Cli) -> None:
    figures.append(Result("slow", 9.0, "ms", 6.0, floor=1.0))
    done = cli("bench")
    assert done.code == 1
    assert "BAD slow" in done.out


def test_an_unknown_suite_is_told(cli: Cli) -> None:
    done = cli("bench", "juggling", "--json")
    assert (done.code, done.error["code"]) == (2, "bad_value")
    assert "timeline" in done.error["hint"]


def test_what_ran_is_written_as_a_trace_that_can_be_played(shared: Path, tmp_path: Path, cli: Cli) -> None:
    file = tmp_path / "day.jsonl"
    assert cli("memory", "--record", str(file)).code == 0
    assert json.loads(file.read_text().splitlines()[0])["type"] == "machine"
    done = cli("memory", "--simulate", str(file), "--json")
    assert done.code == 0, done.err
    assert [machine["seconds"] for machine in done.json["machines"]] == [0]
    assert cli("memory", "--simulate", "all", "--record", str(file)).code == 2
    assert "store_unwritable" in cli("memory", "--record", str(tmp_path)).err
