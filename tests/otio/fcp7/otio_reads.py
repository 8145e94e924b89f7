"""Run with a Python that has opentimelineio and otio-fcp-adapter: prints what that adapter makes of an xmeml file, or
(`--write`) writes the xmeml of an .otio file.

    python otio_reads.py cut.xml        python otio_reads.py --write cut.otio cut.xml
"""

import json
import sys

import opentimelineio as otio


def rows(timeline):
    found = []
    for number, track in enumerate(timeline.tracks):
        for item, span in track.range_of_all_children().items():
            if isinstance(item, otio.schema.Clip):
                source = item.trimmed_range()
                found.append(
                    {
                        "track": number,
                        "kind": track.kind,
                        "name": item.name,
                        "at": span.start_time.value,
                        "length": span.duration.value,
                        "first": source.start_time.value,
                        "rate": source.start_time.rate,
                        "url": getattr(item.media_reference, "target_url", None),
                    }
                )
    return found


def transitions(timeline):
    return [
        [child.in_offset.value, child.out_offset.value]
        for track in timeline.tracks
        for child in track
        if isinstance(child, otio.schema.Transition)
    ]


if sys.argv[1] == "--write":
    otio.adapters.write_to_file(otio.adapters.read_from_file(sys.argv[2]), sys.argv[3], adapter_name="fcp_xml")
else:
    read = otio.adapters.read_from_file(sys.argv[1], adapter_name="fcp_xml")
    start = read.global_start_time
    print(
        json.dumps(
            {
                "name": read.name,
                "start": [start.value, start.rate] if start else None,
                "clips": rows(read),
                "transitions": transitions(read),
                "markers": [[m.name, m.marked_range.start_time.value] for m in read.tracks.markers],
            }
        )
    )
