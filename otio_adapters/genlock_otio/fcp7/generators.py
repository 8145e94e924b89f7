"""Generator items (titles, slugs, bars), both ways.

What their parameters say is read as text, number or truth value; the element itself is kept beside them and written back
while they stay as they are.
"""

from __future__ import annotations

import re
from typing import Any, Final
from xml.etree.ElementTree import Element

from genlock.timeline.model import Generator
from genlock_otio.fcp7.crossings import OWN
from genlock_otio.fcp7.notes import meant
from genlock_otio.fcp7.trees import Page, is_tree, kept_tree, text
from genlock_otio.keeping import Json

_KNOWN: Final = {"black": ("Slug", "Slug", "Video Generators"), "title": ("Text", "Text", "Text")}
"""Generator -> (name, effectid, effectcategory); others go by their own name."""
_KINDS: Final = {id_.lower(): kind for kind, (_, id_, _) in _KNOWN.items()}
_NUMBER: Final = re.compile(r"-?(0|[1-9]\d{0,14})(\.\d{1,12})?\Z", re.ASCII)


def read_generator(element: Element, note: Json) -> Generator:
    """Reads the generator of a <generatoritem>."""
    effect = element.find("effect")
    id_ = text(effect, "effectid").strip() or text(effect, "name").strip() or text(element, "name").strip()
    kind = _KINDS.get(id_.lower(), id_)
    exact = meant(note, "generator", id_)
    parameters: dict[str, Any] = {}
    plain = effect is None or all(child.tag in _PLAIN for child in effect)
    for parameter in () if effect is None else effect.iterfind("parameter"):
        name = text(parameter, "parameterid").strip() or text(parameter, "name").strip()
        value = parameter.find("value")
        plain = plain and len(parameter) == 3 and value is not None and not len(value)
        if name and value is not None and not len(value):
            parameters[name] = _value(value.text or "")
    exactly = note.get("parameters")
    for name, pair in exactly.items() if isinstance(exactly, dict) else ():
        if (
            isinstance(pair, list)
            and len(pair) == 2
            and name in parameters
            and parameters[name] == _value(str(pair[0]))
        ):
            parameters[name] = pair[1]
    if effect is not None and not plain:
        parameters[OWN] = kept_tree(effect)
    return Generator(exact if isinstance(exact, str) else kind, parameters)


_PLAIN: Final = {"name", "effectid", "effectcategory", "effecttype", "mediatype", "parameter"}


def _value(written: str) -> Any:
    if _NUMBER.match(written):
        return float(written) if "." in written else int(written)
    return {"TRUE": True, "FALSE": False}.get(written, written)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    return value if isinstance(value, str) else str(value)


def generator_note(source: Generator) -> Json:
    """Returns what to note about a generator that its element does not say exactly."""
    made: Json = {}
    id_ = _known(source)[1]
    if _KINDS.get(id_.lower(), id_) != source.generator:
        made["generator"] = [id_.strip(), source.generator]
    odd = {}
    for name, value in source.parameters.items():
        said = _value(_text(value))
        if name != OWN and (type(said) is not type(value) or said != value):
            odd[name] = [_text(value), value]
    if odd:
        made["parameters"] = odd
    return made


def _known(source: Generator) -> tuple[str, str, str]:
    return _KNOWN.get(source.generator, (source.generator or "Generator", source.generator or "Generator", ""))


def write_generator(page: Page, source: Generator, media: str) -> None:
    """Writes the <effect> of a generator item."""
    kept = source.parameters.get(OWN)
    if is_tree(kept):
        page.tree(kept)
        return
    name, id_, category = _known(source)
    page.open("effect")
    page.leaf("name", name)
    page.leaf("effectid", id_)
    if category:
        page.leaf("effectcategory", category)
    page.leaf("effecttype", "generator")
    page.leaf("mediatype", media)
    for parameter, value in source.parameters.items():
        if parameter == OWN:
            continue
        page.open("parameter")
        page.leaf("parameterid", parameter)
        page.leaf("name", parameter)
        page.leaf("value", _text(value))
        page.close("parameter")
    page.close("effect")
