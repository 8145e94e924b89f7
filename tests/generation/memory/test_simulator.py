"""Traces, and what they cost: the figures the documents quote."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from genlock.cli.simulating import SEEDS, simulate
from genlock.errors import BadInput
from genlock.generation.engine import Component, Plan
from genlock.generation.memory import simulator, traces
from genlock.generation.memory.comparison import compare
from genlock.generation.memory.machine import Machine
from genlock.generation.memory.rivals import RIVALS, ExclusiveSlot
from genlock.generation.memory.simulator import Site
from genlock.generation.memory.traces import SCENES, Job, Trace, day


@pytest.mark.parametrize("days", SEEDS, ids=str)
@pytest.mark.parametrize("name", SCENES)
def test_the_policy_keeps_to_the_optimum_on_every_machine(name: str, days: str) -> None:
    row = compare(name, [day(name, seed) for seed in SEEDS[days][:4]])
    assert 1.0 <= row["ratio_to_optimum"] + 1e-9 <= 1.15
    fewer = row["rivals"]["exclusive slot"] / row["seconds"]
    assert fewer >= (2.0 if SCENES[name].machine.unified else 4.0)
    assert all(row["seconds"] <= seconds + 1e-9 for seconds in row["rivals"].values())


def test_nothing_leaves_where_everything_fits() -> None:
    for seed in SEEDS["all"]:
        assert simulator.play(day("141 GB", seed)).evictions == 0
    assert simulator.play(day("24 GB", 0)).evictions > 100


def test_equal_seeds_give_equal_days_and_others_do_not() -> None:
    assert day("24 GB", 3) == day("24 GB", 3) != day("24 GB", 4)
    assert sum(isinstance(event, Job) for event in day("48 GB", 1).events) == traces.JOBS


@pytest.mark.parametrize("name", SCENES)
def test_a_trace_survives_its_file(name: str) -> None:
    trace = day(name, 2, jobs=40)
    assert traces.parse(traces.lines(trace)) == trace


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "begins with its machine"),
        ('{"type": "budget", "budget": 3}', "begins with its machine"),
        ("not json", "Line 1"),
        ('{"type": "machine", "budget": 3}', "Line 1"),
        (
            '{"type": "machine", "machine": {"name": "m"}, "budget": 9}\n{"type": "job", "plan": '
            '{"engine": "e", "name": "p", "stages": [{"name": "s", "components": ["absent"]}]}}',
            "Line 2",
        ),
    ],
)
def test_a_broken_trace_is_named_by_its_line(text: str, says: str) -> None:
    with pytest.raises(BadInput, match=says):
        traces.parse(text.splitlines())


def test_a_job_that_does_not_fit_is_no_figure() -> None:
    large = Plan("trial", "large", components=(Component("part", 30),))
    with pytest.raises(BadInput, match="does not fit"):
        simulator.play(Trace(Machine("small", "cuda", 20, 9), 18, 2, (Job(large),)))


def test_the_site_holds_no_more_than_there_is() -> None:
    site = Site(Machine("small", "cuda", 20, 9, link=10.0, disk=2.0))
    site.bring(("heavy", "part"), Component("part", 10))
    assert site.seconds == 10 / 2 + 10 / 10
    site.check(3, 13)
    with pytest.raises(BadInput):
        site.check(4, 13)
    site.drop(("heavy", "part"), "host")
    with pytest.raises(BadInput):
        site.check(0, 13)


def test_what_a_ledger_saw_can_be_played_again() -> None:
    trace = day("48 GB", 5, jobs=60)
    player = simulator.Genlock(trace.machine)
    seconds = simulator.play(trace, lambda _: player).seconds
    again = traces.parse(traces.lines(player.ledger.trace()))
    assert [one for one in again.events if isinstance(one, Job)] == [
        one for one in trace.events if isinstance(one, Job)
    ]
    assert simulator.play(again).seconds == pytest.approx(seconds)


def test_rivals_charge_for_what_they_throw_away() -> None:
    video, image = (Plan("e", name, components=(Component(f"{name}/dit", 5),)) for name in ("ltx2", "flux2"))
    trace = Trace(Machine("m", "cuda", 40, 40, link=10.0, disk=1.0), 40, 3, tuple(map(Job, (video, image, video))))
    assert simulator.play(trace, ExclusiveSlot).loads == 3
    assert {simulator.play(trace, make).loads for name, make in RIVALS.items() if name != "exclusive slot"} == {2}


def test_the_command_shows_what_was_promised(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "day.jsonl"
    file.write_text("\n".join(traces.lines(day("48 GB", 7, jobs=20))))
    simulate(str(file), True)
    (row,) = json.loads(capsys.readouterr().out)["machines"]
    assert list(row) == ["name", "policy", "seconds", "optimum", "ratio_to_optimum", "rivals"]
    assert row["name"] == "48 GB card"
    assert set(row["rivals"]) == set(RIVALS)
    simulate(str(file), False)
    assert "48 GB card" in capsys.readouterr().out
    for wrong in ("no such trace", str(tmp_path)):
        with pytest.raises(BadInput):
            simulate(wrong, True)


def test_the_daemons_half_knows_no_arrays() -> None:
    code = (
        "import sys, genlock.generation.memory.ledger, genlock.cli.simulating;"
        "print(*[m for m in ('numpy', 'torch', 'asyncio') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
