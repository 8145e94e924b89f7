# SPDX-License-Identifier: GPL-3.0-or-later
"""What a request would take, asked of the daemon without queuing anything, and said in a few lines. Pure."""

from __future__ import annotations

from typing import Any, NamedTuple

from genlock_client.model import Model, Value

from . import generating, scenery
from .asking import Body
from .generating import Form
from .scenery import Cannot, Place


class Forecast(NamedTuple):
    """The best way to make something, in words, and why a person should think twice.

    `way` is engine and plan, `cost` memory and time, `waits` what would happen to the memory; `notes` say what is not as
    asked. `draft`: it is no more than a sketch. `error` is why it cannot be made at all.
    """

    way: str = ""
    cost: str = ""
    waits: str = ""
    notes: tuple[str, ...] = ()
    draft: bool = False
    error: str = ""


def question(model: Model, place: Place, form: Form, action: str) -> Body | None:
    """Returns the body of a dry run of `generate`; None where nothing can be said before: an input that is not
    rendered yet, or a reason why it cannot be made."""
    try:
        asked = _asked(model, place, form, action)
    except Cannot:
        return None
    if asked is None:
        return None
    mode, given = asked
    shots = _shots(model, place, action)
    if action == "again" and not shots:
        return None
    whose = {"shots": shots} if shots else {}  # of a project's first shot the daemon tells without one
    return {**whose, **({"mode": mode} if mode else {}), "overrides": given, "dry_run": True}


def _shots(model: Model, place: Place, action: str) -> list[str]:
    """Returns whom to ask: the chosen shots, else any, because the request replaces all of its brief."""
    sequence = model.sequences.get(place.sequence)
    items = sequence.items if sequence is not None else {}
    keys = (*(place.chosen if action == "again" else ()), place.active)
    own = [items[key]["source"]["shot"] for key in keys if key in items and items[key]["source"]["type"] == "shot"]
    return own[:1] if own or action == "again" else list(model.shots)[:1]


def _asked(model: Model, place: Place, form: Form, action: str) -> tuple[str, Body] | None:
    sequence = scenery.sequence_of(model, place)
    size = [form.width, form.height] if form.width and form.height else list(scenery.size_of(sequence))
    whole = {"rate": list(scenery.rate_of(sequence)), "resolution": [each - each % 2 for each in size]}
    if action == "again":
        return "", generating.overrides(form)
    if action == "new":
        mode = "image" if form.still else "text_to_video"
        return mode, generating.overrides(form, frames=form.frames, conditioning=[], **_without(whole, form))
    if action == "gap":
        hole = scenery.hole(model, place)
        return "text_to_video", generating.overrides(form, frames=hole.end - hole.start, conditioning=[], **whole)
    if action == "strips":
        seen = [scenery.shown(model, place, key) for key in place.chosen or (place.active,)]
        if any(each.rendered for each in seen):
            return None
        conditions = [
            generating.condition(each, form, 0 if form.still else generating.landing(number, len(seen), form.frames))
            for number, each in enumerate(seen)
        ]
        mode = "image" if form.still else generating.condition_mode(conditions)
        given = {"frames": form.frames, "conditioning": conditions, **_without(whole, form)}
        return mode, generating.overrides(form, **given)
    return _on_active(model, place, form, action)


def _on_active(model: Model, place: Place, form: Form, action: str) -> tuple[str, Body] | None:
    item = scenery.active(model, place)
    seen = scenery.shown(model, place, item["id"])
    if seen.rendered:
        return None
    given: Body = {"source": seen.path}
    if action == "extend":
        return "extend", generating.overrides(form, frames=form.frames, **given)
    form = form._replace(width=0, height=0)
    if action == "retake":
        return "retake", generating.overrides(form, span=list(scenery.span_in_source(model, place, item)), **given)
    if action == "edit":
        return "edit_image", generating.overrides(form, **given)
    given["selections"] = generating.selections(form)
    if action == "inpaint":
        return "inpaint", generating.overrides(form, **given)
    return action, {**given, **({"engine": form.engine} if form.engine else {})}


def _without(whole: Body, form: Form) -> Body:
    """The size once: the form's own is among its overrides."""
    return {name: value for name, value in whole.items() if not (name == "resolution" and form.width and form.height)}


def answer(body: Value) -> Forecast:
    """Returns the first way of a dry run's answer, in words."""
    plans = [plan for shot in body.get("plans", ()) for plan in shot["plans"]]
    if not plans:
        return Forecast(error="No engine can make this")
    plan = plans[0]
    model = f" ({plan['model']})" if plan.get("model") else ""
    seconds = sum(stage.get("seconds", 0) for stage in plan.get("stages", ()))
    memory, waits = amount(plan.get("bytes", 0)), str(plan.get("forecast", ""))
    cost = ["" if memory in waits else memory, duration(seconds)]
    return Forecast(
        f"{plan['engine']}{model}: {plan['name']}",
        ", ".join(part for part in cost if part),
        waits,
        tuple(str(note) for note in plan.get("notes", ())),
        bool(plan.get("draft")),
    )


def amount(size: Any) -> str:
    """Returns bytes as a person reads them, "" for none."""
    return f"{size / 1e9:.1f} GB" if size >= 5e8 else f"{size / 1e6:.1f} MB" if size >= 1e6 else ""


def duration(seconds: float) -> str:
    """Returns seconds as a person reads them, "" for unknown."""
    if seconds <= 0:
        return ""
    return f"about {seconds / 60:.0f} min" if seconds >= 90 else f"about {max(1, round(seconds))} s"
