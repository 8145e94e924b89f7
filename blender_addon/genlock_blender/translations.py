# SPDX-License-Identifier: GPL-3.0-or-later
"""The interface in other languages: Blender's own dictionaries, filled from `languages`."""

from __future__ import annotations

import bpy

from .languages import german

DOMAIN = "genlock"
CONTEXT = "*"
OPERATOR = "Operator"
"""Where Blender looks up what is written on an operator's button."""


def tr(text: str) -> str:
    """Returns a text in the person's language."""
    return str(bpy.app.translations.pgettext_iface(text)) if text else ""


def dictionary() -> dict[str, dict[tuple[str, str], str]]:
    """Returns what Blender registers: language -> (context, text) -> translation."""
    made: dict[str, dict[tuple[str, str], str]] = {}
    for name in ("de", "de_DE"):  # 4.2 has the longer one
        made[name] = {(context, text): said for text, said in german.TEXTS.items() for context in (CONTEXT, OPERATOR)}
    return made


def register() -> None:
    """Registers the dictionaries."""
    bpy.app.translations.register(DOMAIN, dictionary())


def unregister() -> None:
    """Takes them away."""
    bpy.app.translations.unregister(DOMAIN)
