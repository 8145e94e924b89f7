"""Files made to hurt, for every format Genlock reads: small ones that lie, and large ones that never end."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final, NamedTuple

MANY: Final = 1_000_000
NETWORK: Final = (
    "file:////genlock.invalid/share/f.mov",
    r"\\genlock.invalid\share\f.mov",
    "http://genlock.invalid/f.mov",
)
ESCAPES: Final = (
    "../../../../etc/passwd",
    "file:///etc/../etc/passwd",
    "/proc/self/environ",
    "/dev/zero",
    "media/../../x",
)


class Hostile(NamedTuple):
    """A file: `codes` it may end with ("read" where it is to be read), and words for the place in the file, of which the
    message, or a warning, has one at least."""

    name: str
    suffix: str
    make: Callable[[], bytes]
    codes: frozenset[str]
    """More than one where it is a matter of taste."""
    places: tuple[str, ...] = ()
    large: bool = False


def hostile(
    name: str, suffix: str, make: Callable[[], bytes | str], codes: str, *places: str, large: bool = False
) -> Hostile:
    def data() -> bytes:
        made = make()
        return made.encode() if isinstance(made, str) else made

    return Hostile(name, suffix, data, frozenset(codes.split()), places, large)


# -- sound files of each format, with room for what hurts


def otio(children: str, *, tracks: str = "", more: str = "") -> str:
    track = '{"OTIO_SCHEMA":"Track.1","kind":"Video","name":"V1","children":[' + children + "]}"
    stack = '{"OTIO_SCHEMA":"Stack.1","children":[' + tracks + track + "]}"
    return '{"OTIO_SCHEMA":"Timeline.1","name":"Cut",' + more + '"tracks":' + stack + "}"


def time(value: Any, rate: Any = 24) -> dict[str, Any]:
    return {"OTIO_SCHEMA": "RationalTime.1", "rate": rate, "value": value}


def clip(start: Any = 0, duration: Any = 24, *, rate: Any = 24, url: str = "/films/f.mov", **more: Any) -> str:
    span = {"OTIO_SCHEMA": "TimeRange.1", "start_time": time(start, rate), "duration": time(duration, rate)}
    media = {"OTIO_SCHEMA": "ExternalReference.1", "target_url": url}
    made = {"OTIO_SCHEMA": "Clip.1", "name": "c0", "source_range": span, "media_reference": media}
    return json.dumps(made | more)


def fcp7(clips: str, *, head: str = "", more: str = "", rate: str = "24", tracks: str = "") -> str:
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n{head}\n<xmeml version="4"><sequence id="s1"><name>Cut</name>'
        f"<rate><timebase>{rate}</timebase><ntsc>FALSE</ntsc></rate>{more}<media><video>{tracks}<track>\n{clips}\n"
        "</track></video></media></sequence></xmeml>"
    )


def clipitem(
    id_: str = "c0", start: Any = 0, end: Any = 24, *, into: Any = 0, inside: str = "", url: str = "f.mov"
) -> str:
    file = inside or f'<file id="file-{id_}"><name>f.mov</name><pathurl>{url}</pathurl></file>'
    return (
        f'<clipitem id="{id_}"><name>{id_}</name><start>{start}</start><end>{end}</end><in>{into}</in>'
        f"<out>{24 if into == 0 else into}</out>{file}</clipitem>\n"
    )


def fcpx(clips: str, *, head: str = "", version: str = "1.10", resources: str = "", frame: str = "1/24s") -> str:
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n{head}\n<fcpxml version="{version}"><resources>\n'
        f'<format id="r1" frameDuration="{frame}" width="1920" height="1080"/>\n'
        '<asset id="r2" name="f.mov" start="0s" duration="100s" hasVideo="1" format="r1" src="file:///films/f.mov"/>\n'
        f"{resources}</resources><library><event><project name='Cut'><sequence format='r1' tcStart='0s'><spine>\n{clips}"
        "\n</spine></sequence></project></event></library></fcpxml>"
    )


def asset_clip(
    offset: str = "0s", duration: str = "1s", start: str = "0s", *, ref: str = "r2", inside: str = ""
) -> str:
    where = f'offset="{offset}" duration="{duration}" start="{start}"'
    return f'<asset-clip name="c0" ref="{ref}" {where}>{inside}</asset-clip>\n'


def edl(events: str, *, head: str = "TITLE: Cut\nFCM: NON-DROP FRAME\n") -> str:
    return head + events


def event(number: int = 1, *, into: str = "00:00:00:00", record: str = "01:00:00:00", end: str = "01:00:01:00") -> str:
    return f"{number:06d}  A001     V     C        {into} 00:00:01:00 {record} {end}\n* FROM CLIP NAME: c0\n"


def mlt(
    entries: str, *, head: str = "", producers: str = "", rate: str = "24", tracks: str = "", more: str = ""
) -> str:
    return (
        f'<?xml version="1.0" encoding="utf-8"?>\n{head}\n<mlt producer="main">\n'
        f'<profile width="1920" height="1080" frame_rate_num="{rate}" frame_rate_den="1"/>\n'
        '<producer id="p0" in="0" out="199"><property name="length">200</property>'
        '<property name="resource">/films/f.mov</property></producer>\n'
        f'{producers}<playlist id="l0">\n{entries}\n</playlist>{more}\n'
        f'<tractor id="main" in="0" out="47"><track producer="l0"/>{tracks}</tractor></mlt>'
    )


def entry(into: Any = 0, out: Any = 23, *, producer: str = "p0") -> str:
    return f'<entry producer="{producer}" in="{into}" out="{out}"/>\n'


def ale(rows: str, *, fps: str = "24") -> str:
    return f"Heading\nFIELD_DELIM\tTABS\nFPS\t{fps}\n\nColumn\nName\tStart\tEnd\tTape\n\nData\n{rows}"


def bundle(content: str | bytes = "", *, more: Mapping[str, bytes] = {}, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", method) as file:
        if content:
            file.writestr("content.otio", content)
        file.writestr("version.txt", "1.0.0")
        for name, data in more.items():
            file.writestr(name, data)
    return made.getvalue()


# -- what hurts

BOMB: Final = (
    "<!DOCTYPE x [<!ENTITY a 'aaaaaaaaaa'>"
    + "".join(f"<!ENTITY {chr(98 + n)} '{f'&{chr(97 + n)};' * 10}'>" for n in range(9))
    + "]>"
)
OUTSIDE: Final = "<!DOCTYPE x [<!ENTITY a SYSTEM 'file:///etc/passwd'>]>"


def deep_otio(levels: int) -> str:
    inner = clip()
    for _ in range(levels):
        inner = '{"OTIO_SCHEMA":"Stack.1","children":[' + inner + "]}"
    return otio(inner)


def _at(suffix: str, url: str) -> str:
    """Returns a cut of media that lies at a place of its own."""
    return fcp7(clipitem(url=url)) if suffix == ".xml" else otio(clip(url=url))


def _xml(suffix: str, wrap: Callable[..., str], one: str, many: Callable[[], str]) -> list[Hostile]:
    """What every format of XML must stand."""
    whole = wrap(one)
    return [
        hostile("an entity bomb", suffix, lambda: wrap(one.replace("c0", "&j;"), head=BOMB), "bad_xml", "line 2"),
        hostile("an outside entity", suffix, lambda: wrap(one, head=OUTSIDE), "bad_xml", "line 2"),
        hostile("an unfinished file", suffix, lambda: whole[: len(whole) // 2], "bad_xml", "line "),
        hostile("depth", suffix, lambda: wrap("<a>" * 100_000), "too_deep bad_xml", "line "),
        hostile(
            "wrong encoding",
            suffix,
            lambda: whole.replace("1920", "\xe9").replace("Cut", "\xe9").encode("latin-1"),
            "bad_xml",
            "line ",
        ),
        hostile(
            "a made-up encoding", suffix, lambda: whole.replace("UTF-8", "x-none").replace("utf-8", "x-none"), "bad_xml"
        ),
        hostile(
            "UTF-16",
            suffix,
            lambda: whole.replace("UTF-8", "UTF-16").replace("utf-8", "UTF-16").encode("utf-16"),
            "read",
        ),
        hostile("zeros", suffix, lambda: bytes(1_000_000), "bad_xml unknown_format", "line ", "format"),
        hostile("a million clips", suffix, lambda: wrap(many()), "too_large read", large=True),
        hostile(
            "a million attributes",
            suffix,
            lambda: wrap("<a " + " ".join(f"b{n}=''" for n in range(MANY)) + "/>"),
            "too_large read bad_timeline",
            large=True,
        ),
        hostile(
            "a million tracks",
            suffix,
            lambda: (
                wrap(one, tracks="<track></track>" * MANY)
                if "tracks" in (wrap.__kwdefaults__ or {})
                else wrap(
                    asset_clip(
                        inside="".join(
                            f'<asset-clip lane="{n}" ref="r2" offset="0s" duration="1s"/>' for n in range(1, 300_000)
                        )
                    )
                )
            ),
            "too_large read bad_timeline",
            large=True,
        ),
        hostile(
            "an endless name", suffix, lambda: wrap(one.replace("c0", "x" * 20_000_000)), "read too_large", large=True
        ),
        hostile("endless white space", suffix, lambda: wrap(one + " \n" * 20_000_000), "read too_large", large=True),
    ]


FILES: Final = [
    # OpenTimelineIO: what is large is in tests/otio/test_hostile.py
    hostile("an unfinished file", ".otio", lambda: otio(clip())[:-20], "bad_json", "line "),
    hostile("a newer schema", ".otio", lambda: otio(clip().replace("Clip.1", "Clip.9")), "read", "newer than Clip.2"),
    hostile("an unknown schema", ".otio", lambda: otio(clip().replace("Clip.1", "Blip.1")), "bad_timeline", "Blip"),
    hostile(
        "a newer timeline",
        ".otio",
        lambda: otio(clip()).replace("Timeline.1", "Timeline.7"),
        "read",
        "newer than Timeline.1",
    ),
    hostile("depth", ".otio", lambda: deep_otio(5_000), "too_deep"),
    hostile("a negative duration", ".otio", lambda: otio(clip(0, -24)), "bad_time", "c0"),
    hostile("a negative start", ".otio", lambda: otio(clip(-240, 24)), "read"),
    hostile("fractions of frames", ".otio", lambda: otio(clip(0.3, 24.7)), "read"),
    hostile("an endless time", ".otio", lambda: otio(clip(0, 1e300)), "bad_time", "c0"),
    hostile("no number", ".otio", lambda: otio(clip(0, float("nan"))), "bad_time"),
    hostile("no rate", ".otio", lambda: otio(clip(0, 24, rate=0)), "bad_rate", "c0"),
    hostile("a rate that nothing has", ".otio", lambda: otio(clip(0, 24, rate=1e-300)), "bad_rate", "c0"),
    hostile("mixed rates", ".otio", lambda: otio(clip() + "," + clip(rate=25) + "," + clip(rate=30000 / 1001)), "read"),
    hostile(
        "an id twice", ".otio", lambda: otio(",".join([clip(metadata={"genlock": {"v": 1, "id": "i0"}})] * 3)), "read"
    ),
    hostile(
        "Latin", ".otio", lambda: otio(clip()).replace("Cut", "\xe9").encode("latin-1"), "bad_json", "UTF-8", "line "
    ),
    hostile("UTF-16", ".otio", lambda: otio(clip()).encode("utf-16"), "bad_json read", "UTF-8", "line "),
    *(hostile(f"a media path {url}", ".otio", partial(_at, ".otio", url), "read") for url in (*NETWORK, *ESCAPES)),
    # bundles
    hostile("an unfinished file", ".otioz", lambda: bundle(otio(clip()))[:-40], "unknown_format"),
    hostile("half of a file", ".otioz", lambda: bundle(otio(clip()))[:150], "unknown_format"),
    hostile("no content", ".otioz", lambda: bundle(), "unknown_format", "content.otio"),
    hostile(
        "an escape",
        ".otioz",
        lambda: bundle(otio(clip()), more={"media/../../x": b""}),
        "bad_timeline",
        "media/../../x",
    ),
    hostile(
        "a way from the root", ".otioz", lambda: bundle(otio(clip()), more={"/etc/x": b""}), "bad_timeline", "/etc/x"
    ),
    hostile(
        "a bomb in media",
        ".otioz",
        lambda: bundle(otio(clip()), more={"media/f.mov": bytes(50_000_000)}),
        "too_large",
        "media/f.mov",
    ),
    hostile("a bomb", ".otioz", lambda: bundle(otio(clip()) + " " * 80_000_000), "too_large", "content.otio"),
    hostile("content twice", ".otioz", lambda: twice(), "bad_timeline", "content.otio"),
    hostile("bent data", ".otioz", lambda: bent(), "unknown_format", "content.otio"),
    hostile("a million files", ".otioz", lambda: crowded(), "too_large", "files", large=True),
    # FCP7 XML
    *_xml(".xml", fcp7, clipitem(), lambda: "".join(clipitem(f"c{n}", 24 * n, 24 * n + 24) for n in range(MANY))),
    hostile("a negative start", ".xml", lambda: fcp7(clipitem("c0", -240, -216)), "bad_time read", "c0"),
    hostile("a clip that ends first", ".xml", lambda: fcp7(clipitem("c0", 100, 24)), "bad_time read", "c0"),
    hostile("an endless time", ".xml", lambda: fcp7(clipitem("c0", 0, 10**17)), "bad_time", "c0"),
    hostile("a number of many digits", ".xml", lambda: fcp7(clipitem("c0", 0, "9" * 100_000)), "bad_time", "c0"),
    hostile("words for times", ".xml", lambda: fcp7(clipitem("c0", "soon", 24)), "bad_time", "c0"),
    hostile("fractions of frames", ".xml", lambda: fcp7(clipitem("c0", "0.3", "24.7")), "read"),
    hostile("no rate", ".xml", lambda: fcp7(clipitem(), rate="0"), "bad_rate", "sequence"),
    hostile("a rate that nothing has", ".xml", lambda: fcp7(clipitem(), rate="99999999999"), "bad_rate", "sequence"),
    hostile("a sequence in itself", ".xml", lambda: fcp7(clipitem(inside='<sequence id="s1"/>')), "bad_timeline", "c0"),
    hostile(
        "clips on each other",
        ".xml",
        lambda: fcp7("".join(clipitem(f"c{n}", n, n + 240) for n in range(500))),
        "bad_timeline",
        "V1",
        "c100",
    ),
    hostile("an id twice", ".xml", lambda: fcp7(clipitem() * 3), "read"),
    hostile("a newer version", ".xml", lambda: fcp7(clipitem()).replace('version="4"', 'version="99"'), "read"),
    *(hostile(f"a media path {url}", ".xml", partial(_at, ".xml", url), "read") for url in (*NETWORK, *ESCAPES)),
    # FCPXML
    *_xml(".fcpxml", fcpx, asset_clip(), lambda: "".join(asset_clip(f"{n}s") for n in range(MANY))),
    hostile("a negative duration", ".fcpxml", lambda: fcpx(asset_clip(duration="-1s")), "bad_time", "c0"),
    hostile("a negative offset", ".fcpxml", lambda: fcpx(asset_clip("-10s")), "bad_time read", "c0"),
    hostile("an endless time", ".fcpxml", lambda: fcpx(asset_clip(duration="99999999999999999s")), "bad_time", "c0"),
    hostile("many digits", ".fcpxml", lambda: fcpx(asset_clip(duration="9" * 100_000 + "s")), "bad_time", "c0"),
    hostile("a fraction of nothing", ".fcpxml", lambda: fcpx(asset_clip(duration="1/0s")), "bad_time", "c0"),
    hostile("fractions of frames", ".fcpxml", lambda: fcpx(asset_clip("1/1001s", "7/13s")), "read"),
    hostile("no rate", ".fcpxml", lambda: fcpx(asset_clip(), frame="0s"), "read"),
    hostile(
        "a rate that nothing has",
        ".fcpxml",
        lambda: fcpx(asset_clip(), frame="1/99999999s"),
        "bad_rate",
        "r1",
        "second",
    ),
    hostile(
        "a compound clip in itself",
        ".fcpxml",
        lambda: fcpx(
            '<ref-clip ref="r3" name="c0" duration="1s"/>',
            resources='<media id="r3"><sequence format="r1"><spine><ref-clip ref="r3" name="c1" duration="1s"/></spine>'
            "</sequence></media>",
        ),
        "bad_timeline",
        "r3",
        "c1",
    ),
    hostile("nothing there", ".fcpxml", lambda: fcpx(asset_clip(ref="r99")), "bad_timeline read", "r99"),
    hostile("a newer version", ".fcpxml", lambda: fcpx(asset_clip(), version="9.9"), "read bad_timeline", "9.9"),
    # edit lists
    hostile(
        "a million events",
        ".edl",
        lambda: edl("".join(event(n) for n in range(MANY))),
        "too_large",
        "no edit list",
        large=True,
    ),
    hostile("a line without end", ".edl", lambda: edl(event() + "* " + "x" * 40_000_000), "read too_large", large=True),
    hostile("digits without end", ".edl", lambda: edl(event() + "1" * 40_000_000), "read too_large", large=True),
    hostile("zeros", ".edl", lambda: bytes(1_000_000), "unknown_format"),
    hostile("a time that is none", ".edl", lambda: edl(event(into="00:99:00:00")), "bad_timecode", "ine 3"),
    hostile("a negative time", ".edl", lambda: edl(event(into="-0:00:01:00")), "bad_timecode read", "ine 3"),
    hostile(
        "frames past the second",
        ".edl",
        lambda: edl("* GENLOCK-LIST: 24/1 0\n" + event(into="00:00:00:70")),
        "bad_timecode read",
        "ine ",
    ),
    hostile("an event that ends first", ".edl", lambda: edl(event(end="00:59:00:00")), "bad_time", "ine 3"),
    hostile("an event number twice", ".edl", lambda: edl(event() * 3), "read"),
    hostile("an unfinished file", ".edl", lambda: edl(event() * 2)[:90], "read bad_timeline", "ine"),
    hostile("Latin", ".edl", lambda: edl(event()).replace("c0", "\xe9").encode("latin-1"), "read"),
    hostile("UTF-16", ".edl", lambda: edl(event()).encode("utf-16"), "read"),
    # MLT
    *_xml(".mlt", mlt, entry(), lambda: "".join(entry() for n in range(MANY))),
    hostile("a negative time", ".mlt", lambda: mlt(entry(-24, -1)), "bad_time read", "p0", "l0", "-24"),
    hostile("an entry that ends first", ".mlt", lambda: mlt(entry(100, 3)), "bad_time read", "p0", "l0"),
    hostile("an endless time", ".mlt", lambda: mlt(entry(0, 10**17)), "bad_time", "l0", "p0", "longer"),
    hostile("many digits", ".mlt", lambda: mlt(entry(0, "9" * 100_000)), "bad_time", "l0", "p0"),
    hostile("words for times", ".mlt", lambda: mlt(entry("soon", 24)), "bad_time", "soon"),
    hostile("no rate", ".mlt", lambda: mlt(entry(), rate="0"), "bad_rate", "profile", "rate"),
    hostile(
        "a rate that nothing has", ".mlt", lambda: mlt(entry(), rate="99999999999"), "bad_rate", "profile", "second"
    ),
    hostile("a playlist in itself", ".mlt", lambda: mlt(entry(producer="l0")), "read"),
    hostile("a tractor in itself", ".mlt", lambda: mlt(entry(producer="main")), "read"),
    hostile("nothing there", ".mlt", lambda: mlt(entry(producer="p99")), "bad_timeline read", "p99"),
    hostile(
        "playlists that double",
        ".mlt",
        lambda: mlt(
            entry(producer="d20"),
            more="".join(
                f'<playlist id="d{n + 1}">{entry(producer=f"d{n}") * 2}</playlist>' for n in range(20)
            ).replace('"d0"', '"p0"'),
        ),
        "too_large bad_timeline read",
        large=True,
    ),
    # logs
    hostile(
        "a million rows", ".ale", lambda: ale("c0\t00:00:00:00\t00:00:01:00\tA001\n" * MANY), "too_large", large=True
    ),
    hostile(
        "a line without end",
        ".ale",
        lambda: ale("c0\t00:00:00:00\t00:00:01:00\t" + "x" * 40_000_000),
        "read too_large",
        large=True,
    ),
    hostile(
        "columns without end",
        ".ale",
        lambda: ale("c0\t00:00:00:00\t00:00:01:00" + "\t" * 20_000_000),
        "read too_large",
        large=True,
    ),
    hostile("a time that is none", ".ale", lambda: ale("c0\t00:99:00:00\t00:00:01:00\tA001\n"), "read"),
    hostile("no rate", ".ale", lambda: ale("c0\t00:00:00:00\t00:00:01:00\tA001\n", fps="0"), "bad_rate", "FPS", "ine"),
    hostile(
        "a rate that nothing has",
        ".ale",
        lambda: ale("c0\t00:00:00:00\t00:00:01:00\tA001\n", fps="1e99"),
        "bad_rate",
        "FPS",
        "ine",
    ),
    hostile("zeros", ".ale", lambda: bytes(1_000_000), "unknown_format"),
    hostile("no columns", ".ale", lambda: "Heading\nFPS\t24\nData\nc0\n", "bad_timeline", "columns"),
    # AAF
    hostile("zeros", ".aaf", lambda: bytes(1_000_000), "unknown_format"),
    hostile(
        "a head and zeros",
        ".aaf",
        lambda: bytes.fromhex("d0cf11e0a1b11ae1") + bytes(5_000_000),
        "bad_timeline unknown_format",
    ),
    hostile(
        "a head and noise",
        ".aaf",
        lambda: bytes.fromhex("d0cf11e0a1b11ae1") + bytes(n * 7 % 256 for n in range(1_000_000)),
        "bad_timeline unknown_format too_large",
    ),
    # of any format
    *(
        hostile("nothing", suffix, lambda: b"", "bad_json bad_xml bad_timeline unknown_format")
        for suffix in (".otio", ".otioz", ".xml", ".fcpxml", ".edl", ".mlt", ".kdenlive", ".ale", ".aaf")
    ),
    # of no format
    hostile("nothing", ".xyz", lambda: b"", "unknown_format"),
    hostile("zeros", ".xyz", lambda: bytes(50_000_000), "unknown_format"),
]


def twice() -> bytes:
    import warnings

    made = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(made, "w") as file:
        warnings.simplefilter("ignore")
        file.writestr("content.otio", otio(clip()))
        file.writestr("content.otio", otio(clip(0, 48)))
    return made.getvalue()


def bent() -> bytes:
    data = bytearray(bundle(otio(clip()), method=zipfile.ZIP_STORED))
    data[200] ^= 0xFF
    return bytes(data)


def crowded() -> bytes:
    """A directory of 1,000,000 entries that all are the same file."""
    import struct

    head = bundle(otio(clip()), method=zipfile.ZIP_STORED)
    name = b"media/x"
    row = (
        struct.pack("<4s4B4HL2L5H2L", b"PK\x01\x02", 20, 3, 20, 0, 0, 0, 0, 0, 0, 0, 0, len(name), 0, 0, 0, 0, 0, 0)
        + name
    )
    rows = row * MANY
    at = len(head)
    end64 = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, MANY, MANY, len(rows), at)
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, at + len(rows), 1)
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    return head + rows + end64 + locator + end
