"""Transition items, both ways: where on the track they lie, and where in them the cut is."""

from __future__ import annotations

from fractions import Fraction
from typing import Final
from xml.etree.ElementTree import Element

from msgspec import Struct

from genlock.errors import BadInput
from genlock.timeline.model import Kind, Transition
from genlock.timeline.rate import Rate
from genlock_otio.fcp7.rates import TICKS, ticks, write_rate
from genlock_otio.fcp7.trees import Page, is_tree, kept_tree, number, text
from genlock_otio.keeping import Json
from genlock_otio.times import Exact, whole

OWN: Final = "fcp7"
"""The key of `foreign` under which what is Final Cut's own lies."""
_VIDEO: Final = {
    "dissolve": ("Cross Dissolve", "Cross Dissolve", "Dissolve"),
    "wipe": ("Edge Wipe", "Edge Wipe", "Wipe"),
}
_AUDIO: Final = {"dissolve": ("Cross Fade (+3dB)", "KGAudioTransCrossFade3dB", "")}
_KINDS: Final = {
    **{id_.lower(): kind for kind, (_, id_, _) in _VIDEO.items()},
    "kgaudiotranscrossfade3db": "dissolve",
    "kgaudiotranscrossfade0db": "dissolve",
    "cross fade (+3db)": "dissolve",
    "cross fade (0db)": "dissolve",
}


class Crossing(Struct, frozen=True):
    """A transition item: frames of the sequence from its first. `left` and `right` say on which sides it may be."""

    start: Exact
    end: Exact
    cut: Exact
    kind: str
    left: bool
    right: bool
    foreign: Json


def read_crossing(element: Element, rate: Rate, place: str) -> Crossing:
    """Reads a <transitionitem>. Raises BadInput(bad_time)."""
    start, end = number(element.find("start"), place), number(element.find("end"), place)
    if start is None or end is None or start < 0 or end < start:
        raise BadInput("bad_time", f"{place} reaches from {_said(start)} to {_said(end)}.")
    alignment = text(element, "alignment").strip().lower()
    exact = number(element.find("cutPointTicks"), place)
    if alignment in ("start", "start-black"):
        cut = start
    elif alignment in ("end", "end-black"):
        cut = end
    elif exact is not None and exact >= 0 and (at := start + Fraction(exact) * rate.fraction / TICKS) <= end:
        cut = whole(at)
    else:
        cut = start + (end - start) // 2
    effect = element.find("effect")
    id_ = text(effect, "effectid").strip() or text(effect, "name").strip()
    kind = _KINDS.get(id_.lower(), id_ or "dissolve")
    foreign = {OWN: {"effect": kept_tree(effect), "kind": kind}} if effect is not None and not _is_plain(effect) else {}
    return Crossing(start, end, cut, kind, alignment != "start-black", alignment != "end-black", foreign)


def _said(time: Exact | None) -> str:
    return "nowhere" if time is None else f"{float(time):g}"


def _is_plain(effect: Element) -> bool:
    """Returns whether the effect is what is written for its kind anyway."""
    said = [(child.tag, (child.text or "").strip()) for child in effect]
    kind = _KINDS.get(text(effect, "effectid").strip().lower(), text(effect, "effectid").strip())
    return any(said == _words(kind, media) for media in ("video", "audio"))


def write_crossing(page: Page, it: Transition, cut: int, rate: Rate, kind: Kind) -> None:
    """Writes a transition whose cut lies at frame `cut` of the sequence."""
    start, end = cut - it.in_offset, cut + it.out_offset
    page.open("transitionitem")
    page.leaf("start", start)
    page.leaf("end", end)
    page.leaf("alignment", _alignment(it))
    page.leaf("cutPointTicks", ticks(it.in_offset, rate))
    write_rate(page, rate)
    kept = it.foreign.get(OWN)
    if isinstance(kept, dict) and kept.get("kind") == it.kind and is_tree(kept.get("effect")):
        page.tree(kept["effect"])
    else:
        _effect(page, it.kind, kind)
    page.close("transitionitem")


def _alignment(it: Transition) -> str:
    if it.in_offset == 0:
        return "start" if it.left is not None else "start-black"
    if it.out_offset == 0:
        return "end" if it.right is not None else "end-black"
    return "center"


def _effect(page: Page, kind: str, media: Kind) -> None:
    page.open("effect")
    for tag, value in _words(kind, media):
        page.leaf(tag, value)
    page.close("effect")


def _words(kind: str, media: str) -> list[tuple[str, str]]:
    known = (_AUDIO if media == "audio" else _VIDEO).get(kind)
    name, id_, category = known if known is not None else (kind, kind, "")
    made = [("name", name), ("effectid", id_), ("effectcategory", category), ("effecttype", "transition")]
    made.append(("mediatype", media))
    if category == "Wipe":
        made += [("wipecode", "1"), ("wipeaccuracy", "100")]
    if media == "video":
        made += [("startratio", "0"), ("endratio", "1"), ("reverse", "FALSE")]
    return [(tag, value) for tag, value in made if value]
