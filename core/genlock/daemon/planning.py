"""What generating would do: the ways to make a take, and what each asks of the memory. Queues nothing."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from genlock.daemon import language
from genlock.daemon.paths import request_paths
from genlock.daemon.probing import facts
from genlock.daemon.views import PlanView, ShotPlans, StageView

if TYPE_CHECKING:
    from genlock.daemon.services import Services
    from genlock.generation.engine import Plan


def plans(services: Services, shots: list[str], overrides: dict[str, Any]) -> list[ShotPlans]:
    """Returns the plans of a take of each shot.

    Raises NotFound(no_such_shot, no_such_engine), BadInput(bad_value, bad_generation), AccessError(outside_roots).
    """
    from genlock.application.requests import draft
    from genlock.generation import planner

    made = []
    for shot in shots:
        wanted = language.chosen(services, shot, overrides)
        request = draft(services.app, shot, partial(facts, services), **wanted)
        for path in request_paths(request):
            services.roots.resolve(path)
        found = [_view(services, plan) for plan in planner.plans(request, services.engines)]
        made.append(ShotPlans(shot, services.app.shot(shot).code, request.mode, found))
    return made


def plans_of_first(services: Services, project: str, overrides: dict[str, Any]) -> ShotPlans:
    """Returns the plans of a shot that is not there yet, its id and code empty. Raises as `plans`."""
    from genlock.application.requests import first_draft
    from genlock.generation import planner

    request = first_draft(services.app, project, partial(facts, services), **overrides)
    for path in request_paths(request):
        services.roots.resolve(path)
    return ShotPlans("", "", request.mode, [_view(services, plan) for plan in planner.plans(request, services.engines)])


def _view(services: Services, plan: Plan) -> PlanView:
    size = {component.name: component.bytes for component in plan.components}
    stages = [
        StageView(stage.name, stage.activation + sum(size[name] for name in stage.components), stage.seconds)
        for stage in plan.stages
    ]
    return PlanView(
        engine=plan.engine,
        name=plan.name,
        lane=plan.lane,
        product=plan.product,
        bytes=plan.bytes,
        stages=stages,
        asked=plan.asked,
        made=plan.made,
        draft=plan.draft,
        notes=list(plan.notes),
        model=plan.model,
        forecast=services.arbiter.forecast(plan),
    )
