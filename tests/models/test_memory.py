"""The daemon's memory while several models work: nothing twice, clicks beside long renders, and who leaves when room is
scarce."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from time import monotonic
from typing import Any

import msgspec
import pytest

from genlock.generation.memory.machine import OVERRIDE, Machine
from tests.models.lot import Lot

pytest.importorskip("diffusers")

MiB = 1 << 20
SMALL = Machine("a very small card", "cpu", device=20 * MiB)
"""SAM 3 fits, and LTX-2 does, but not both."""

FILM = {"engine": "ltx2", "settings": {"steps": 2, "schedule": "distilled"}}
STILL = {"mode": "image", "engine": "flux2", "settings": {"steps": 2}}
LONG = {"engine": "ltx2", "frames": 97, "settings": {"steps": 100, "schedule": "distilled"}}


def click(lot: Lot, footage: Path, frame: int) -> dict[str, Any]:
    selection = {"points": [[48, 32]], "frame": frame}
    return {"mode": "mask", "source": str(footage / "disc.mov"), "selections": [selection]}


def parts(lot: Lot, lane: str = "heavy") -> dict[str, int]:
    rows = lot.memory()["residents"]
    return {row["component"]: row["bytes"] for row in rows if row["lane"] == lane}


def loaded(lot: Lot, job: str) -> list[str]:
    """Returns what a job's stages had to load, in words."""
    entered = [d["reason"] for d in lot.verdicts("entered") if d["owner"] == job]
    assert entered
    return [reason for reason in entered if "loads" in reason]


def test_models_of_two_engines_stay_and_nothing_is_loaded_twice(lot: Lot) -> None:
    first = [lot.queue(**FILM), lot.queue(**STILL)]
    for job in first:
        lot.take_of(job)
    assert all(loaded(lot, job) for job in first)
    held, workers = parts(lot), lot.pids()
    assert {name.partition("/")[0] for name in held} == {"ltx2", "flux2-klein"}
    for asked in (FILM, STILL, FILM):
        job = lot.queue(**asked)
        lot.take_of(job)
        assert loaded(lot, job) == []
    assert parts(lot) == held
    assert lot.pids()["heavy"] == workers["heavy"]
    assert lot.verdicts("evicted") == []
    lot.rest()


def test_a_click_is_answered_while_a_long_film_is_made(lot: Lot, footage: Path) -> None:
    lot.take_of(lot.queue(**click(lot, footage, 0)))
    film = lot.queue(**LONG)
    lot.until(lambda: lot.verdicts("entered") and lot.verdicts("entered")[-1]["reason"].startswith("denoise"))
    waits = []
    for frame in (3, 7, 11):
        begin = monotonic()
        lot.take_of(lot.queue(**click(lot, footage, frame)))
        waits.append(monotonic() - begin)
        assert lot.status(film) == "running"
    lot.command("CancelJob", film)
    assert lot.ended(film)["type"] == "cancelled"
    lot.rest()
    assert min(waits) < 2, waits


Open = Callable[..., AbstractContextManager[Lot]]


@pytest.fixture
def small(open_lot: Open, monkeypatch: pytest.MonkeyPatch) -> Open:
    """Runs a daemon on the small card."""
    monkeypatch.setenv(OVERRIDE, msgspec.json.encode(SMALL).decode())
    return open_lot


def test_who_leaves_for_whom_can_be_read_and_seen_live(small: Open, footage: Path, tmp_path: Path) -> None:
    source = tmp_path / "disc.mov"
    source.write_bytes((footage / "disc.mov").read_bytes())
    with small() as lot, lot.socket(project=lot.film) as wire:
        lot.take_of(lot.queue(**FILM))
        assert lot.memory()["budget"] == SMALL.usable
        before = set(parts(lot))
        lot.take_of(lot.queue(**click(lot, tmp_path, 0)))
        gone = lot.verdicts("evicted")
        assert gone
        assert {d["lane"] for d in gone} == {"heavy"}
        left = {d["reason"].split()[1] for d in gone}
        assert left <= before
        assert "room for" in gone[0]["reason"]
        lot.until(lambda: not left & set(parts(lot)), 5, "what was evicted is still there")
        told = wire.until("memory", 10)
        while not any(d["verdict"] == "evicted" for d in told["decisions"]):
            told = wire.until("memory", 10)
        assert told["budget"] == SMALL.usable
        # The film's parts come back, the mask's leave, and neither job is lost.
        lot.take_of(lot.queue(**FILM))
        assert any(d["lane"] == "interactive" for d in lot.verdicts("evicted"))
        assert lot.memory()["resident"] <= SMALL.usable
        lot.rest()


def test_a_share_of_the_memory_is_kept_to(small: Open, footage: Path) -> None:
    with small(memory_share=0.5) as lot:
        shot = lot.shot()
        take = lot.made(shot, **FILM)
        assert lot.memory()["budget"] == SMALL.usable // 2
        source = {**click(lot, footage, 0), "source": take.path}
        code, message = lot.fails(shot, **source, engine="sam3")
        assert (code, "can never run here" in message) == ("needs_memory", True)
        # Nobody named an engine: the embedded one, which needs less, answers and says that it drafts.
        mask = lot.made(shot, **source)
        assert mask.provenance is not None
        assert (mask.provenance.engine, mask.provenance.draft) == ("animatic", True)
        assert any("sam3" in reason or "whole" in reason for reason in mask.provenance.details["tried"])
        lot.rest()


def test_masks_have_a_floor_where_their_model_is_here(lot: Lot) -> None:
    state = lot.memory()
    assert 16 * MiB < state["floor"] <= state["budget"] // 4
