"""Media as MLT's producers. MLT counts everything in frames of the profile, which is the sequence's rate, from the file's
first frame; retimed files ("timewarp") count in frames of the retimed film."""

from __future__ import annotations

from fractions import Fraction
from xml.etree.ElementTree import Element, SubElement

from genlock.timeline.model import Generator, Item, available_range
from genlock.timeline.rate import NORMAL, Rate
from genlock_otio.outgoing import Outgoing
from genlock_otio.times import rounded

OFFLINE = "Missing:"
"""How the names of media without a file begin."""


class Used:
    """Where an item starts and ends in its producer, in the producer's frames; `out` is the last one shown."""

    def __init__(self, producer: str, into: int, out: int, exact: bool) -> None:
        self.producer = producer
        self.into = into
        self.out = out
        self.exact = exact


class Producers:
    """The producers of one document, made as they are asked for."""

    def __init__(self, root: Element, outgoing: Outgoing) -> None:
        self._root = root
        self._outgoing = outgoing
        self._made: dict[tuple[str, ...], tuple[str, int]] = {}
        self.bin: list[str] = []

    def use(self, item: Item, kind: str) -> Used:
        """Returns the producer of an item and the range shown."""
        outgoing, rate = self._outgoing, self._outgoing.rate
        own = outgoing.source_rate(item)
        first, length = self._length(item, own)
        scale = rate.fraction / own.fraction
        if item.speed.num == 0:
            at = (item.source_in - first) * scale
            producer, _ = self._producer(item, kind, length, ())
            return Used(producer, rounded(at), rounded(at), exact=_is_whole(at))
        if item.speed == NORMAL or isinstance(item.source, Generator):
            at = (item.source_in - first) * scale if not isinstance(item.source, Generator) else Fraction(0)
            producer, _ = self._producer(item, kind, length, ())
            into = rounded(at)
            exact = _is_whole(at) and (not isinstance(item.source, Generator) or item.source_in == 0)
            return Used(producer, into, into + item.duration - 1, exact=exact)
        return self._retimed(item, kind, (item.source_in - first) * scale, length)

    def _retimed(self, item: Item, kind: str, at: Fraction, length: int) -> Used:
        speed = item.speed.fraction
        warped = max(1, rounded(length / abs(speed)), item.duration)
        producer, last = self._producer(
            item, kind, warped, (warp_text(speed), f"{speed.numerator}/{speed.denominator}")
        )
        exact = at / abs(speed)
        into = rounded(exact) if speed > 0 else last - rounded(exact)
        return Used(producer, into, into + item.duration - 1, exact=_is_whole(exact))

    def _length(self, item: Item, own: Rate) -> tuple[int, int]:
        """Returns (first source frame there is, length of the media in profile frames); unknown ends count as what is
        shown, unknown starts as 0."""
        known = available_range(item)
        file = self._outgoing.file(item)
        if known is None and file is not None and file.info is not None and file.info.rate == own:
            known = file.info.start, file.info.start + file.info.frames
        low, high = known or (0, 0)
        if known is None and item.source_in < 0:
            low = item.source_in
        scale = self._outgoing.rate.fraction / own.fraction
        reach = max(Fraction(1), abs(item.speed.fraction))
        shown = rounded((item.source_in - low) * scale) + rounded(item.duration * reach)
        return low, max(rounded((high - low) * scale), 1) if known else max(shown, 1)

    def _producer(self, item: Item, kind: str, length: int, warp: tuple[str, ...]) -> tuple[str, int]:
        key, build = self._described(item, length, warp)
        key = (*key, kind)
        found = self._made.get(key)
        if found is not None:
            return found
        id_ = f"producer{len(self._made)}"
        producer = Element("producer", {"id": id_, "in": "0", "out": str(length - 1)})
        for name, value in (("length", str(length)), ("eof", "pause"), *build):
            put(producer, name, value)
        put(producer, "kdenlive:id", str(len(self._made) + 2))
        self._root.insert(1 + len(self._made), producer)  # behind the profile: MLT reads from top to bottom
        self._made[key] = (id_, length - 1)
        if not warp:
            self.bin.append(id_)
        return self._made[key]

    def _described(
        self, item: Item, length: int, warp: tuple[str, ...]
    ) -> tuple[tuple[str, ...], list[tuple[str, str]]]:
        """Returns what tells the producer from others, and its properties."""
        source, outgoing = item.source, self._outgoing
        file = outgoing.file(item)
        if isinstance(source, Generator):
            colour = source.parameters.get("colour", source.parameters.get("color", "black"))
            return ("generator", source.generator, str(colour)), [
                ("mlt_service", "color"),
                ("resource", str(colour) if isinstance(colour, str) else "black"),
                ("kdenlive:clipname", source.generator or item.name),
            ]
        facts = self._facts(item, warp)
        if file is None or not file.path:
            name = (file.name if file is not None else "") or item.name or item.id
            return ("missing", name, str(length), str(facts)), [
                ("mlt_service", "color"),
                ("resource", "#505050"),
                ("kdenlive:clipname", OFFLINE + name),
                *facts,
            ]
        named = [("kdenlive:clipname", file.name)] if file.name else []
        if warp:
            return ("warp", file.path, *warp, str(facts)), [
                ("mlt_service", "timewarp"),
                ("resource", f"{warp[0]}:{file.path}"),
                ("warp_speed", warp[0]),
                ("warp_resource", file.path),
                *named,
                *facts,
            ]
        return ("file", file.path, str(length), str(facts)), [
            ("mlt_service", "avformat"),
            ("resource", file.path),
            *named,
            *facts,
        ]

    def _facts(self, item: Item, warp: tuple[str, ...]) -> list[tuple[str, str]]:
        """Returns what MLT has no word for: the number of the first frame, a rate of its own, a length nobody knows, and
        the speed that a decimal only comes near to."""
        known, own = available_range(item), self._outgoing.source_rate(item)
        found = [("genlock:first", str(known[0]))] if known is not None and known[0] else []
        if known is None:
            found.append(("genlock:endless", "1"))
            if item.source_in < 0:
                found.append(("genlock:first", str(item.source_in)))
        if own != self._outgoing.rate:
            found.append(("genlock:rate", f"{own.num}/{own.den}"))
        return [*found, *([("genlock:speed", warp[1])] if warp else [])]


def warp_text(speed: Fraction) -> str:
    """Returns a speed as MLT writes it."""
    return f"{float(speed):.10g}"


def put(element: Element, name: str, value: str) -> None:
    """Adds a property."""
    SubElement(element, "property", {"name": name}).text = value


def _is_whole(value: Fraction | int) -> bool:
    return Fraction(value).denominator == 1
