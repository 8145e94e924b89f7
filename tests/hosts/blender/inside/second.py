"""A second Blender, which edits the same sequence: it obeys lines on its input and answers each with a line of JSON.

link SEQUENCE PROJECT      edit SEED STEPS      rest      cut      quit
"""

from __future__ import annotations

import json
import random
import sys
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[4]
for folder in ("core", "blender_addon", "tests/hosts/blender/inside"):
    sys.path.insert(0, str(REPOSITORY / folder))

import bpy  # noqa: E402
from linked import Editor, move  # noqa: E402

from genlock_blender import compat, reading  # noqa: E402


def edit(editor: Editor, chance: random.Random, name: str) -> None:
    """Does one thing at random."""
    strips = sorted(strip.name for strip in editor.strips)
    deed = chance.choice(
        ("move", "move", "move", "trim", "add", "delete", "rename", "mute", "split", "mark", "channel")
    )
    if deed == "add" or len(strips) < 3:
        start = chance.randrange(1, 2000)
        strip = editor.color(name, chance.randrange(5, 9), start, start + chance.randrange(5, 50))
        strip.color = (chance.random(), 0.5, 0.5)
        return
    strip = editor.named(chance.choice(strips))
    if deed == "move":
        move(strip, chance.randrange(-60, 200))
    elif deed == "trim":
        setattr(strip, compat.A.right, getattr(strip, compat.A.right) + chance.randrange(1, 8))
    elif deed == "delete":
        editor.strips.remove(strip)
    elif deed == "rename":
        strip.name = name
    elif deed == "mute":
        strip.mute = not strip.mute
    elif deed == "split":
        left, right = getattr(strip, compat.A.left), getattr(strip, compat.A.right)
        if right - left > 3:
            strip.split(frame=(left + right) // 2, split_method="SOFT")
    elif deed == "mark":
        editor.scene.timeline_markers.new(name, frame=chance.randrange(1, 500))
    else:
        strip.channel = chance.randrange(1, 9)


def walk(editor: Editor, seed: int, steps: int) -> None:
    """Edits at random, with pauses in which the other one's edits come in, and with lost connections."""
    chance = random.Random(seed)
    for n in range(steps):
        edit(editor, chance, f"{seed}-{n}")
        editor.pump(chance.choice((0.0, 0.02, 0.1, 0.3)))
        if chance.random() < 0.03 and editor.bridge.session is not None:
            for happening in editor.bridge.session.lost("a cable"):  # none while it is lost already
                editor.bridge._happened(happening)


def cut(editor: Editor) -> dict[str, Any]:
    """All that this Blender shows and that the other one should show too: of channels, their order."""
    picture = reading.read(editor.scene)
    order = {channel: at for at, channel in enumerate(sorted({strip.channel for strip in picture.strips}))}
    strips = {
        s.key: [s.type, s.name, s.left, s.right, order[s.channel], s.mute, s.props.get("color")] for s in picture.strips
    }
    held = sorted(editor.link.sync.held)
    return {"strips": strips, "marks": sorted([m.key, m.name, m.frame] for m in picture.marks), "held": held}


def main() -> None:
    """Obeys."""
    compat.register()
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    bpy.context.scene.sequence_editor_create()
    editor = Editor(None, "")  # type: ignore[arg-type]
    for line in sys.stdin:
        words = line.split()
        answer: Any = None
        if words[0] == "link":
            editor.until(lambda: editor.status.state == "unlinked")
            editor.bridge.link_existing(editor.scene, words[1], words[2])
            editor.settle()
        elif words[0] == "edit":
            walk(editor, int(words[1]), int(words[2]))
        elif words[0] == "rest":
            editor.settle()
            answer = editor.link.sync.base
        elif words[0] == "cut":
            answer = cut(editor)
        else:
            break
        print("@" + json.dumps(answer), flush=True)
    editor.close()
    compat.unregister()


if __name__ == "__main__":
    main()
