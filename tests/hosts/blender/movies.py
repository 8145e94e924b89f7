"""Movies made by chance, as the client's model has them, and pictures that nobody would draw."""

from __future__ import annotations

from itertools import pairwise
from random import Random
from typing import Any

from genlock_blender.mapping import Book, book_of
from genlock_blender.states import Channel, Mark, Picture, Strip
from genlock_client import cut as cuts
from genlock_client.cut import Cut
from genlock_client.model import Model

Value = dict[str, Any]
LONG = 1_000_000
NAMES = ("Opening", "Opening", "Opening.001", "", "Ä" * 50, "Köln, Dom / 3")
SPEEDS = ([1, 1], [1, 1], [1, 1], [2, 1], [1, 2], [-1, 1], [3, 7], [-5, 4], [0, 1])
GENERATORS = ("blender.text", "blender.color", "blender.scene", "blender.scene", "resolve.title", "blender.glow")
RATES = ([24, 1], [25, 1], [24000, 1001])


def _media(id_: str, path: str, **info: Any) -> Value:
    return {"id": id_, "path": path, "name": id_, **({"info": info} if info else {})}


POOL = [
    _media("m24", "/media/a.mov", kind="video", rate=[24, 1], frames=LONG),
    _media("m30", "/media/b.mov", kind="video", rate=[30, 1], frames=LONG, start=86400),
    _media("m2997", "/media/c.mov", kind="video", rate=[30000, 1001], frames=LONG),
    _media("wav", "/media/d.wav", kind="audio"),
    _media("png", "/media/e.png", kind="image", frames=1),
    _media("exr", "/media/f.####.exr", kind="sequence", frames=40, start=1001),
    _media("raw", "/media/g.mov"),
    _media("gone", ""),
]
SHOTS = [
    {
        "id": "s0",
        "code": "SH0010",
        "selected": "t1",
        "takes": {
            "t0": {
                "id": "t0",
                "path": "/takes/s0_v001.mov",
                "info": {"kind": "video", "rate": [24, 1], "frames": LONG, "width": 960, "height": 540},
            },
            "t1": {
                "id": "t1",
                "path": "/takes/s0_v002.mov",
                "head_handle": 8,
                "info": {"kind": "video", "rate": [24, 1], "frames": LONG},
            },
            "mask": {"id": "mask", "path": "/takes/s0_m.png", "kind": "mask"},
        },
    },
    {"id": "s1", "code": "SH0020", "selected": None, "takes": {}},
]


class Making:
    """One movie in the making; `nested` sequences are filled once each, and may be shown more than once."""

    def __init__(self, chance: Random, *, most: int = 6, depth: int = 2) -> None:
        self.chance = chance
        self.most = most
        self.depth = depth
        self.count = 0
        self.rate = list(chance.choice(RATES))
        self.sequences: list[Value] = []
        self.sequence("q", 0)

    def id(self, letter: str) -> str:
        self.count += 1
        return f"{letter}{self.count}"

    def sequence(self, id_: str, level: int) -> None:
        chance = self.chance
        tracks = [self.track(level) for _ in range(chance.randint(0 if level else 1, 4))]
        transitions: list[Value] = []
        for track in tracks:
            transitions += self.transitions(track["items"])
        markers = [
            {
                "id": self.id("k"),
                "start": chance.randint(0, 99),
                "duration": 0,
                "item": None,
                "name": "mark",
                "color": "RED",
                "comment": "",
                **({"foreign": {"blender": {"camera": "Cam"}, "x": 1}} if chance.random() < 0.3 else {}),
            }
            for _ in range(chance.randint(0, 2))
        ]
        self.sequences.append(
            {
                "id": id_,
                "name": id_,
                "rate": self.rate if chance.random() < 0.9 else [50, 1] if level else self.rate,
                "resolution": [1920, 1080],
                "version": 3,
                "tracks": tracks,
                "transitions": transitions,
                "markers": markers,
            }
        )

    def track(self, level: int) -> Value:
        chance = self.chance
        kind = chance.choice(("video", "video", "audio"))
        placement = chance.choice(("free", "magnetic"))
        items: list[Value] = []
        id_ = self.id("t")
        for _ in range(chance.randint(0, self.most)):
            items.append(self.item(id_, kind, placement, items, level))
        return {
            "id": id_,
            "kind": kind,
            "name": chance.choice(("", "V1", "Music", "Channel two")),
            "placement": placement,
            "enabled": chance.random() < 0.8,
            "locked": chance.random() < 0.2,
            "sync_lock": True,
            "items": items,
        }

    def item(self, track: str, kind: str, placement: str, before: list[Value], level: int) -> Value:
        chance = self.chance
        if placement == "magnetic" and chance.random() < 0.2:
            source: Value = {"type": "gap"}
        else:
            source = self.source(kind, before, level)
        still = source.get("media") in ("png", "exr")
        item = {
            "id": self.id("i"),
            "track": track,
            "gap": 0 if placement == "magnetic" or chance.random() < 0.6 else chance.randint(1, 30),
            "duration": chance.randint(1, 40),
            "source": source,
            "source_in": chance.randint(1001, 1020) if still else chance.randint(1000, 50_000),
            "speed": list(chance.choice(SPEEDS)),
            "name": chance.choice(NAMES),
            "enabled": chance.random() < 0.8,
            "link": chance.choice((None, None, "pair")),
        }
        if source["type"] == "nested":
            item["source_in"] = chance.randint(0, 30)
            item["speed"] = list(chance.choice(SPEEDS[:4]))
        if chance.random() < 0.3:
            item["foreign"] = {"resolve": {"node": 3}}
        if source["type"] in ("media", "shot", "nested") and chance.random() < 0.3:
            item["foreign"] = {**item.get("foreign", {}), "blender": {"props": {"blend_alpha": 0.5}, "lock": True}}
        if chance.random() < 0.2:
            item["effects"] = [{"effect": "blur"}]
        return item

    def source(self, kind: str, before: list[Value], level: int) -> Value:
        chance = self.chance
        pick = chance.random()
        if pick < 0.5:
            id_ = chance.choice([each["id"] for each in POOL])
            source: Value = {"type": "media", "media": id_}
            if id_ in ("m30", "m2997") and chance.random() < 0.9:
                source["rate"] = [30, 1] if id_ == "m30" else [30000, 1001]
            if id_ == "m30":
                source["first"] = 86400 if chance.random() < 0.8 else 0
            return source
        if pick < 0.7:
            return {
                "type": "shot",
                "shot": chance.choice(("s0", "s0", "s1")),
                **chance.choice(({}, {}, {"take": "t0"})),
            }
        if pick < 0.8 and level < self.depth:
            known = [each["id"] for each in self.sequences]
            if known and chance.random() < 0.3:
                return {"type": "nested", "sequence": chance.choice(known)}
            id_ = self.id("n")
            self.sequence(id_, level + 1)
            return {"type": "nested", "sequence": id_}
        made = chance.choice(
            ("blender.text", "blender.color", "blender.scene", "blender.scene", "resolve.title", "blender.glow")
        )
        parameters: Value = {}
        if made == "blender.scene":
            parameters = {"scene": chance.choice(("Other", "Lost"))}
        elif made == "blender.text":
            parameters = {"text": "Hello", "color": [1.0, 0.5, 0.25, 1.0]}
        elif made == "blender.glow" and before and kind == "video":
            parameters = {"inputs": [chance.choice(before)["id"]]}
        return {"type": "generator", "generator": made, "parameters": parameters}

    def transitions(self, items: list[Value]) -> list[Value]:
        chance, found = self.chance, []
        used: dict[str, int] = {}
        for left, right in pairwise(items):
            gaps = "gap" in (left["source"]["type"], right["source"]["type"])
            if right["gap"] or gaps or chance.random() < 0.5:
                continue
            before = chance.randint(0, left["duration"] - used.get(left["id"], 0))
            after = chance.randint(0, right["duration"])
            if not before + after:
                continue
            used[right["id"]] = after
            found.append(
                {
                    "left": left["id"],
                    "right": right["id"],
                    "in_offset": before,
                    "out_offset": after,
                    "kind": chance.choice(("dissolve", "gamma_cross", "wipe", "dissolve", "iris")),
                    "name": "",
                    "foreign": {"resolve": {"ease": 1}} if chance.random() < 0.3 else {},
                }
            )
        return found


def model_of(sequences: list[Value], **more: Any) -> Model:
    """Returns the client's model of a project with these sequences."""
    model = Model()
    project = {"id": "p", "name": "P", "version": 1, "media": more.get("media", POOL)}
    model.load(
        {"projects": [], "project": project, "shots": more.get("shots", SHOTS), "jobs": [], "sequences": sequences}
    )
    return model


def movie(chance: Random, **how: Any) -> tuple[Cut, Book]:
    """Returns a cut by chance and the book for a scene that shows none of it yet."""
    model = model_of(Making(chance, **how).sequences)
    return cuts.of(model.sequences["q"], model.sequences), book_of(model, "q", {}, ["Scene", "Other"])


TYPES = (
    "MOVIE",
    "MOVIE",
    "SOUND",
    "IMAGE",
    "META",
    "TEXT",
    "COLOR",
    "CROSS",
    "CROSS",
    "WIPE",
    "GLOW",
    "SCENE",
    "HOLOGRAM",
)
NOTES: tuple[Value, ...] = ({}, {}, {"in": 4}, {"placeholder": True}, {"name": "Whole", "shown": "Strip.003"})
PATHS = ("/media/a.mov", "/media/b.mov", "/takes/s0_v001.mov", "/elsewhere/x.mov", "/media/e.png", "/media/f.1003.exr")


def picture(chance: Random, *, wild: bool, known: tuple[str, ...] = ()) -> Picture:
    """Returns a picture of strips that do not overlap on a channel, as Blender has them; a wild one has no such manners."""
    strips: list[Strip] = []
    ends: dict[tuple[str, int], int] = {}
    for number in range(chance.randint(0, 14)):
        type_ = chance.choice(TYPES)
        keys = [strip.key for strip in strips]
        metas = [strip.key for strip in strips if strip.type == "META"]
        parent = chance.choice(metas) if metas and chance.random() < 0.3 else ""
        inputs: tuple[str, ...] = ()
        if type_ in ("CROSS", "WIPE"):
            inputs = tuple(chance.sample(keys, 2)) if len(keys) > 1 else ()
        elif type_ == "GLOW":
            inputs = (chance.choice(keys),) if keys else ()
        channel = chance.randint(-1 if wild else 1, 6)
        left = chance.randint(-20 if wild else 1, 120)
        key = f"k{number}"
        if known and chance.random() < 0.2:
            key = chance.choice([each for each in known if wild or each not in keys] or [key])
        if not wild:
            left = (
                max(left, ends.get((parent, channel), 0)) if chance.random() < 0.5 else ends.get((parent, channel), 1)
            )
        right = left + chance.randint(-3 if wild else 1, 40)
        ends[parent, channel] = max(right, ends.get((parent, channel), 0))
        strip = Strip(
            key=key,
            name=f"Strip.{number:03d}",
            type=type_,
            channel=channel,
            left=left,
            right=right,
            content_start=left - chance.randint(0, 40) + (chance.random() if chance.random() < 0.2 else 0),
            content=100,
            parent=parent,
            mute=chance.random() < 0.2,
            files=(chance.choice(PATHS),) if type_ in ("MOVIE", "SOUND", "IMAGE") else (),
            rate=(24, 1) if type_ == "MOVIE" else None,
            frames=100,
            scene="Other" if type_ == "SCENE" else "",
            inputs=inputs,
            speed=chance.choice(((1, 1), (1, 1), (2, 1), (-1, 1), (0, 1), None)),
            note=chance.choice(
                ({}, {}, {"in": 4}, {"placeholder": True}, {"name": "Whole", "shown": f"Strip.{number:03d}"})
            ),
        )
        strips.append(_spoiled(chance, strip, keys) if wild else _tamed(strip, strips, number))
    marks = tuple(Mark(f"mark{n}", "here", chance.randint(-3, 99)) for n in range(chance.randint(0, 3)))
    return Picture("Scene", (24, 1), (1920, 1080), 1, tuple(strips), {2: Channel("B-roll", True, False)}, marks)


def _tamed(strip: Strip, strips: list[Strip], number: int) -> Strip:
    """An effect lies above its inputs, beside them, and is as long as what they have in common."""
    if strip.type == "META":
        return strip._replace(note={})
    if not strip.inputs:
        return strip._replace(type="COLOR") if strip.type in ("CROSS", "WIPE", "GLOW") else strip
    inputs = [each for each in strips if each.key in strip.inputs]
    left, right = max(each.left for each in inputs), min(each.right for each in inputs)
    if left >= right or len({each.parent for each in inputs}) > 1:
        return strip._replace(type="COLOR", inputs=())
    return strip._replace(left=left, right=right, channel=10 + number, parent=inputs[0].parent)


def _spoiled(chance: Random, strip: Strip, keys: list[str]) -> Strip:
    ruin = chance.random()
    if ruin < 0.1:
        return strip._replace(key="")
    if ruin < 0.2 and keys:
        return strip._replace(key=chance.choice(keys))
    if ruin < 0.3:
        return strip._replace(parent=chance.choice([*keys, strip.key, "nobody"]))
    if ruin < 0.4:
        return strip._replace(inputs=(strip.key, "nobody"))
    if ruin < 0.5:
        note = chance.choice(({"in": "x"}, {"at": [1, 2]}, {"at": "no", "name": 3}, {"first": "y"}, {"freeze": "z"}))
        return strip._replace(note=note)
    if ruin < 0.6:
        return strip._replace(files=(), rate=(0, 0), speed=(1, 0), content_start=0.5)
    return strip
