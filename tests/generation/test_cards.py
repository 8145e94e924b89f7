"""The table of docs/generation.md is what the planner says, and no row of it is silly. `python -m tests.generation.cards`
writes it anew."""

from __future__ import annotations

import pytest

from genlock.generation.engine import Plan
from genlock.generation.memory.machine import CARDS, Machine
from genlock.generation.models.catalog import CATALOG
from genlock.generation.models.library import Library
from tests.generation import cards


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    return cards.make(tmp_path_factory.mktemp("cards"))


def test_the_page_shows_what_the_planner_says(library: Library) -> None:
    _, _, rest = cards.PAGE.read_text().partition(cards.BEGIN)
    shown, found, _ = rest.partition(cards.END)
    assert found
    assert shown == cards.table(library)


def test_the_models_asked_about_have_their_published_sizes(library: Library) -> None:
    for name in cards.PARTS:
        found = library.require(name)
        assert {part: found.parts[part].parameters for part in cards.PARTS[name]} == {
            piece.name: piece.parameters for piece in CATALOG[name].pieces
        }


@pytest.mark.parametrize("machine", cards.ROWS.values(), ids=cards.ROWS)
def test_no_plan_is_over_its_card(library: Library, machine: Machine) -> None:
    for column in cards.COLUMNS:
        plan = cards.best(library, machine, column)
        if plan is not None:
            assert plan.bytes <= machine.usable
            assert _pinned(plan) <= machine.host


@pytest.mark.parametrize("column", cards.COLUMNS)
def test_a_larger_card_never_does_less(library: Library, column: str) -> None:
    order = ["8 GB", "12 GB", "16 GB", "24 GB", "32 GB", "48 GB", "80 GB", "141 GB"]
    losses = [_loss(cards.best(library, CARDS[name], column)) for name in order]
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] == 0  # the largest keeps everything as it was published


def test_a_card_of_24_gb_makes_five_seconds_without_streaming(library: Library) -> None:
    plan = cards.best(library, CARDS["24 GB"], "LTX-2, 5 s of 1216x704")
    assert plan is not None
    assert plan.how["forms"]["transformer"] == "fp8"


def _pinned(plan: Plan) -> int:
    """Returns the most host memory a stage of it needs."""
    size = {component.name: component.pinned for component in plan.components}
    return max(sum(size[name] for name in stage.components) for stage in plan.stages)


def _loss(plan: Plan | None) -> int:
    """Returns how far a way is from the model as published, as a number to compare with."""
    if plan is None:
        return 100
    said = cards.cell(plan)
    return 1 * ("8 bits" in said) + 2 * ("streamed" in said) + 8 * ("half size" in said)
