"""Edit lists for tests, and what they say in short."""

from __future__ import annotations

from pathlib import Path

from genlock.timeline.events import Content, restore
from genlock.timeline.model import Media, Shot, Source
from genlock.timeline.rate import Rate
from genlock_otio.dialects import Incoming
from genlock_otio.edl import reader, writer
from genlock_otio.outgoing import Outgoing, Written
from genlock_otio.values import Imported, Tag
from tests.otio.timelines import POOL, Maker, take

SAMPLES = Path(__file__).parent.parent / "samples" / "edl"


def read(text: str | bytes, rate: Rate | None = Rate(24), name: str = "list") -> Imported:
    data = text.encode() if isinstance(text, str) else text
    return reader.read(Incoming(data, name, Path("/lists"), rate))


def event(line: str, *remarks: str) -> str:
    return "\n".join((line, *remarks))


def titled(*parts: str) -> str:
    return "\n".join(("TITLE: cut", "FCM: NON-DROP FRAME", *parts, ""))


def picture(imported: Imported) -> list[str]:
    """Writes each track: its name, then name@start+duration/source_in*speed of its items."""
    content = imported.content
    state = restore("0" * 32, 1, content)
    lines = []
    for id_ in state.order:
        words = []
        for slot, item in state.placed(id_):
            speed = f"*{item.speed.fraction}" if item.speed.fraction != 1 else ""
            words.append(f"{item.name}@{slot.start}+{item.duration}/{item.source_in}{speed}")
        lines.append(f"{state.tracks[id_].name}: {' '.join(words)}")
    return lines


def fades(imported: Imported) -> list[str]:
    """Writes each transition by the names of its neighbours."""
    names = {p.item.id: p.item.name for part in imported.content.tracks for p in part.items}
    return sorted(
        f"{names.get(t.left or '', '')}>{names.get(t.right or '', '')} {t.in_offset}+{t.out_offset} {t.kind}"
        for t in imported.content.transitions
    )


def written(content: Content, maker: Maker | None = None, tag: Tag = Tag()) -> Written:
    nested = maker.nested.get if maker else lambda _: None
    return writer.write(Outgoing(content, media=POOL, takes=take, nested=nested, tag=tag))


def path_of(source: Source, pool: dict[str, str]) -> str:
    """Returns the path (or name) of the file a source shows; "" for none."""
    match source:
        case Media(media=id_):
            return pool.get(id_, id_)
        case Shot(shot=shot, take=id_):
            file = take(shot, id_)
            return (file.path or file.name) if file else shot
        case _:
            return ""
