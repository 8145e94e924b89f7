"""All that a person reads in the add-on is in every dictionary; it is found in the sources, so nothing is forgotten."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import genlock_blender
from genlock_blender.languages import german

FOLDER = Path(genlock_blender.__file__).parent
WORDS = {"name", "description", "text"}


def _texts(node: ast.AST) -> list[str]:
    """The constants among a node's possible values."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return [node.value]
    if isinstance(node, ast.IfExp):
        return [*_texts(node.body), *_texts(node.orelse)]
    return []


def _items(node: ast.AST) -> list[str]:
    """Names and descriptions of an enum's entries."""
    found = []
    for entry in getattr(node, "elts", ()):
        if isinstance(entry, ast.Tuple):
            found += [text for each in entry.elts[1:3] for text in _texts(each)]
    return found


def _said(tree: ast.Module) -> list[str]:
    found: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            if name in ("tr", "Cannot") and node.args:
                found += _texts(node.args[0])
            elif name == "needs":
                found += _texts(node.args[2])
            elif name == "Offer":
                found += [text for each in node.args[1:3] for text in _texts(each)]
            elif name == "start" and node.args:
                found += _texts(node.args[0])
            elif name.endswith("Property"):
                for keyword in node.keywords:
                    if keyword.arg in ("name", "description"):
                        found += _texts(keyword.value)
                    elif keyword.arg == "items":
                        found += _items(keyword.value)
        elif isinstance(node, ast.ClassDef):
            own = {
                target.id: each.value
                for each in node.body
                if isinstance(each, ast.Assign)
                for target in each.targets
                if isinstance(target, ast.Name)
            }
            found += _texts(own["bl_label"]) if "bl_label" in own else []
            if node.name.startswith("GENLOCK_OT_"):
                found.append(" ".join((ast.get_docstring(node) or "").split()))
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Tuple | ast.Dict):
            name = node.targets[0].id if isinstance(node.targets[0], ast.Name) else ""
            if name in ("USES", "WAYS"):
                found += _items(node.value)
            elif name in ("CHOICES", "CONFLICT") and isinstance(node.value, ast.Dict):
                found += [text for each in node.value.values for text in _texts(each)]
        elif isinstance(node, ast.Return) and isinstance(node.value, ast.Constant | ast.IfExp):
            found += [text for text in _texts(node.value) if " " in text and "{" not in text]
    return [text for text in found if (text and not text.isidentifier()) or text[:1].isupper()]


def needed() -> set[str]:
    """All texts of the interface's modules."""
    names = [*FOLDER.glob("commands*.py"), *FOLDER.glob("panel*.py")]
    names += [
        FOLDER / f"{name}.py"
        for name in ("asking", "comparing", "desk", "form", "forecasts", "generating", "listing", "offers", "scenery")
    ]
    return {text for path in names for text in _said(ast.parse(path.read_text(encoding="utf-8")))}


def test_german_says_all_of_it_and_nothing_else() -> None:
    more = german.OF_DATA
    assert needed() - set(german.TEXTS) == set()
    assert set(german.TEXTS) - needed() - more == set()


@pytest.mark.parametrize("text", sorted(german.TEXTS))
def test_a_translation_keeps_the_places_of_values(text: str) -> None:
    places = re.compile(r"{(\w+)}")
    said = german.TEXTS[text]
    assert sorted(places.findall(text)) == sorted(places.findall(said))
    assert said.strip() == said
    assert said
