"""The main job on a real cut: what `genlock demo` runs, through the same REST interface every host uses."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from genlock.errors import GenlockError
from genlock.timeline.rate import Rate
from genlock.timeline.timecode import to_timecode
from genlock_client.rest import Rest

CUT = "resolve21_cut.otio"
ACTOR = "editor"
SHOWN = ("name", "source", "source_in", "duration")
PROMPTS = (
    ("A lighthouse on black cliffs before dawn, wind over the grass", "push"),
    ("The keeper's boat crosses a silver bay, gulls far out", "pan right"),
    ("Storm light breaks over the village roofs", "tilt up"),
    ("The lamp turns once more, and goes out", "pull"),
)
RAZORS = (596, 900, 1200)
"""Frames at which the demo cuts through all tracks: at the cut (the sound runs on under it), and twice in the second
clip, so that four shots come of two."""


def run(folder: Path, *, once: bool, console: Console, blend: bool | None = None) -> int:
    """Runs the demo into `folder` (a numbered one beside it when it is in use) and returns the exit code.

    Unless `once`, the daemon stays up afterwards until Ctrl-C. `blend`: the cut is also saved as a .blend; None: if there
    is a Blender. Raises genlock_client.errors.ClientError, and GenlockError(blender_absent) when `blend` is True.
    """
    from genlock.blender import finding, rendering
    from genlock.daemon.server import embedded

    program: Path | None = None
    if blend is not False:
        try:
            program = rendering.program(None, finding.here())
        except GenlockError:
            if blend:
                raise

    folder = unused(folder.absolute())
    folder.mkdir(parents=True)
    with as_file(files("genlock.demo") / "cut" / CUT) as cut:
        local = folder / CUT
        local.write_bytes(cut.read_bytes())
    with embedded(folder / "demo.genlock", roots=[folder]) as daemon:
        demo = Demo(Rest(daemon.base_url, daemon.token, timeout=300), folder, console)
        demo.play(local, program, blend)
        if not once:
            console.print(f"\nThe daemon stays up at [bold]{daemon.base_url}[/]; Ctrl-C ends it.")
            try:
                while True:
                    time.sleep(3600)
            except KeyboardInterrupt:
                console.print("Closing.")
    return 0


def unused(folder: Path) -> Path:
    """Returns the folder, or the first of folder-2, folder-3, ... that does not exist: a demo never overwrites one."""
    candidate, number = folder, 1
    while candidate.exists() and any(candidate.iterdir()):
        number += 1
        candidate = folder.with_name(f"{folder.name}-{number}")
    if candidate.exists():
        candidate.rmdir()
    return candidate


def number_of(take: dict[str, Any]) -> int:
    return int(take["number"])


def placed(track: dict[str, Any]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yields the items of a track of the wire with their first frames: a position is the sum of gaps and durations."""
    at = 0
    for item in track["items"]:
        at += item["gap"]
        yield at, item
        at += item["duration"]


class Demo:
    """The steps of the main job, each told in a line."""

    def __init__(self, rest: Rest, folder: Path, console: Console) -> None:
        self.rest = rest
        self.folder = folder
        self.console = console
        self.step = 0

    def play(self, cut: Path, blender: Path | None, blend: bool | None) -> None:
        """Runs all steps in order. `blender` is the program that saves the cut as a .blend."""
        begun = time.monotonic()
        project = self.create_project()
        sequence, imported = self.import_cut(project, cut)
        self.razor(sequence)
        shots = self.make_shots(project, sequence)
        self.generate(project, shots, "Generated every shot with the embedded animatic engine")
        self.lay_guide_sound(sequence)
        self.replace_take(project, shots[1])
        self.ripple_and_undo(sequence)
        self.show_history(sequence)
        self.time_travel(sequence, imported)
        otio = self.export(sequence)
        self.come_home(project, sequence, otio)
        movie = self.render(sequence)
        scene = self.save(project, sequence, blender, blend)
        self.console.print(f"\n[bold green]Done in {time.monotonic() - begun:.0f} s.[/] What is there now:")
        for what, path in (
            ("the cut, for any OTIO tool", otio),
            ("the movie", movie),
            ("the cut in Blender", scene),
            ("the takes", self.folder / "takes"),
            ("the store: every edit as an event", self.folder / "demo.genlock"),
        ):
            if path is not None:
                self.console.print(f"  {what:<36} {path}", soft_wrap=True)

    def say(self, text: str) -> None:
        self.step += 1
        self.console.print(f"[bold cyan]{self.step:>2}[/]  {text}")

    # -- the steps

    def create_project(self) -> str:
        settings = {
            "rate": [50, 1],
            "start_frame": 180_000,
            "resolution": [960, 540],
            "folder": str(self.folder),
            "engine": "animatic",  # the same film on every machine, models or not
        }
        made = self.rest.command({"do": "CreateProject", "name": "Lighthouse", "settings": settings})
        self.say("Created the project [bold]Lighthouse[/] (50 fps, 960x540, start 01:00:00:00)")
        return str(made["target"])

    def import_cut(self, project: str, cut: Path) -> tuple[str, int]:
        answer = self.rest.post(f"/api/projects/{project}/import", {"path": str(cut), "name": "Reel 1", "actor": ACTOR})
        sequence = str(answer["sequence"])
        self.say(f"Imported {cut.name}, as DaVinci Resolve 21.0.2 exported it: one event, nothing lost")
        self.print_cut(self.rest.get(f"/api/sequences/{sequence}"))
        return sequence, int(answer["version"])

    def razor(self, sequence: str) -> None:
        cuts = [{"do": "SplitAt", "at": frame} for frame in RAZORS]
        self.edit(sequence, {"do": "Batch", "commands": cuts, "label": "Razor through all tracks"})
        self.say("Cut through all tracks with the razor, three times: one event, one undo")

    def make_shots(self, project: str, sequence: str) -> list[str]:
        tracks = [t["id"] for t in self.rest.get(f"/api/sequences/{sequence}")["tracks"] if t["kind"] == "video"]
        body = {"sequence": sequence, "tracks": tracks[:1], "actor": ACTOR}
        shots = [str(shot) for shot in self.rest.post(f"/api/projects/{project}/shots-from", body)["shots"]]
        for shot, (prompt, camera) in zip(shots, PROMPTS, strict=False):
            brief = {
                **self.rest.get(f"/api/shots/{shot}")["brief"],
                "prompt": prompt,
                "camera": camera,
                "conditioning": [],
            }
            self.rest.command({"do": "ChangeBrief", "brief": brief}, shot)
        self.say(f"Made {len(shots)} shots of its clips, with prompts")
        return shots

    def generate(self, project: str, shots: list[str], told: str, **overrides: Any) -> None:
        body = {"shots": shots, "overrides": overrides, "actor": ACTOR}
        jobs = [str(job) for job in self.rest.post(f"/api/projects/{project}/generate", body)["jobs"]]
        with Progress(
            TextColumn("    generating"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=self.console
        ) as bar:
            row = bar.add_task("jobs", total=len(jobs))
            while True:
                states = [self.rest.get(f"/api/jobs/{job}")["status"] for job in jobs]
                bar.update(row, completed=sum(s["type"] == "succeeded" for s in states))
                for state in states:
                    if state["type"] in ("failed", "cancelled"):
                        raise SystemExit(f"genlock demo: a job ended as {state}")
                if all(state["type"] == "succeeded" for state in states):
                    break
                time.sleep(0.2)
        self.say(told)

    def lay_guide_sound(self, sequence: str) -> None:
        tracks = self.rest.get(f"/api/sequences/{sequence}")["tracks"]
        picture, sound = (next(t for t in tracks if t["kind"] == kind) for kind in ("video", "audio"))
        guide = "t" + uuid.uuid4().hex[:16]
        edits: list[dict[str, Any]] = [{"do": "AddTrack", "kind": "audio", "name": "Guide", "id": guide}]
        production: dict[int, dict[str, Any]] = dict(placed(sound))
        for at, item in placed(picture):
            shown: dict[str, Any] = {key: item[key] for key in SHOWN if key in item}
            laid = {"id": "i" + uuid.uuid4().hex[:16], **shown}
            edits.append({"do": "OverwriteItem", "track": guide, "at": at, "item": laid})
            edits.append({"do": "LinkItems", "items": [item["id"], production[at]["id"], laid["id"]]})
        self.edit(sequence, {"do": "Batch", "commands": edits, "label": "Lay the guide sound"})
        self.say("Laid the takes' guide sound on a track of its own, linked to the picture")

    def replace_take(self, project: str, shot: str) -> None:
        before = self.rest.get(f"/api/shots/{shot}")
        self.generate(project, [shot], f"Asked for another take of {before['code']}, with another seed", seed=7)
        after = self.rest.get(f"/api/shots/{shot}")
        takes = ", ".join(f"v{take['number']:03d}" for take in sorted(after["takes"].values(), key=number_of))
        self.say(f"{after['code']} now has takes {takes}; the cut shows the new one, the old one is kept")

    def ripple_and_undo(self, sequence: str) -> None:
        state = self.rest.get(f"/api/sequences/{sequence}")
        first = next(t for t in state["tracks"] if t["kind"] == "video")["items"][0]
        trim = {"do": "RippleTrimItem", "item": first["id"], "edge": "tail", "delta": -50}
        self.edit(sequence, trim)
        shorter = self.rest.get(f"/api/sequences/{sequence}")
        self.say(
            f"Ripple-trimmed {first['name']} by one second: {self.length(state)} became {self.length(shorter)}, "
            "every track in sync"
        )
        self.edit(sequence, {"do": "Undo"})
        back = self.rest.get(f"/api/sequences/{sequence}")
        self.say(f"Undid it: {self.length(back)} again, as a new event; nothing is ever lost")

    def show_history(self, sequence: str) -> None:
        table = Table(box=None, padding=(0, 2), header_style="dim")
        for name in ("version", "kind", "what", "who"):
            table.add_column(name)
        entries = self.rest.get(f"/api/sequences/{sequence}/history")["entries"]
        for entry in sorted(entries, key=lambda e: e["version"]):
            undone = "  [dim](undone)[/]" if entry["undone"] else ""
            table.add_row(str(entry["version"]), entry["kind"], entry["label"] + undone, entry["actor"])
        self.say("The history of the sequence")
        self.console.print(table)

    def time_travel(self, sequence: str, version: int) -> None:
        old = self.rest.get(f"/api/sequences/{sequence}", version=version)
        items = next(t for t in old["tracks"] if t["kind"] == "video")["items"]
        self.say(f"Read version {version} again: {len(items)} clips, as Resolve sent them")

    def export(self, sequence: str) -> Path:
        path = self.folder / "Reel 1.otio"
        self.rest.post(f"/api/sequences/{sequence}/export", {"path": str(path)})
        import opentimelineio as otio

        timeline = otio.adapters.read_from_file(str(path))
        clips = len(list(timeline.find_clips()))
        self.say(f"Exported {path.name}; OpenTimelineIO {otio.__version__} opens it: {clips} clips")
        return path

    def come_home(self, project: str, sequence: str, sent: Path) -> None:
        import opentimelineio as otio

        timeline = otio.adapters.read_from_file(str(sent))
        first, *_, last = timeline.video_tracks()[0].find_clips()
        first.name = "Lighthouse, wide"
        second = otio.opentime.RationalTime(50, 50)
        last.source_range = otio.opentime.TimeRange(last.source_range.start_time, last.source_range.duration - second)
        back = self.folder / "Reel 1 from the editor.otio"
        otio.adapters.write_to_file(timeline, str(back))
        self.edit(
            sequence, {"do": "SetMarker", "marker": {"id": "", "start": 600, "name": "Music in", "color": "GREEN"}}
        )
        body = {"path": str(back), "into": sequence, "actor": ACTOR}
        answer = self.rest.post(f"/api/projects/{project}/import", body)
        self.say("Another tool edited the exported cut while a marker was set here; its changes came home as one edit")
        table = Table(box=None, padding=(0, 2), header_style="dim")
        for name in ("track", "clip", "what", "how"):
            table.add_column(name)
        for change in answer["changes"]:
            table.add_row(change.get("track", ""), change.get("name", ""), change["kind"], change.get("detail", ""))
        self.console.print(table)
        self.edit(sequence, {"do": "Undo"})
        self.say("One undo took them back; the marker stayed")

    def render(self, sequence: str) -> Path:
        path = self.folder / "Reel 1.mov"
        task = self.rest.post(f"/api/sequences/{sequence}/render", {"path": str(path)})["task"]
        with Progress(
            TextColumn("    rendering"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=self.console
        ) as bar:
            row = bar.add_task("frames", total=None)
            while True:
                state = self.rest.get(f"/api/tasks/{task}")
                bar.update(row, completed=state["done"], total=state["total"] or None)
                if state["state"] == "failed":
                    raise SystemExit(f"genlock demo: {state['error']['message']}")
                if state["state"] == "done":
                    break
                time.sleep(0.2)
        self.say(f"Rendered {path.name}")
        return path

    def save(self, project: str, sequence: str, blender: Path | None, blend: bool | None) -> Path | None:
        """Saves the cut as a .blend. Where Blender fails that nobody asked for by name, it is told and the demo goes on."""
        from genlock.blender import saving

        path = self.folder / "Reel 1.blend"
        if blender is None:
            if blend is None:
                self.console.print(
                    "    [dim]Blender 4.2 or newer would get the cut as a .blend: name it in GENLOCK_BLENDER.[/]"
                )
            return None
        rest = self.rest
        try:
            saved = saving.save(project, sequence, path, blender, url=rest.base_url, token=rest.token, relative=True)
        except GenlockError as error:
            if blend:
                raise
            self.console.print(f"    [yellow]No .blend:[/] {escape(error.message)}")
            return None
        lost = f"; the production sound of {len(saved.missing)} is not shipped" if saved.missing else ""
        self.say(f"Saved {path.name}: {saved.strips} strips that any Blender opens{lost}")
        return path

    # -- inside

    def edit(self, sequence: str, command: dict[str, Any]) -> None:
        self.rest.command(command, sequence, actor=ACTOR)

    def length(self, state: dict[str, Any]) -> str:
        return to_timecode(state["duration"], Rate(*state["rate"]), state["drop_frame"])

    def print_cut(self, state: dict[str, Any]) -> None:
        table = Table(box=None, padding=(0, 2), header_style="dim")
        for name in ("track", "record in", "frames", "clip", "then"):
            table.add_column(name)
        rate, joints = Rate(*state["rate"]), {t["left"]: t for t in state["transitions"] if t.get("left")}
        for track in state["tracks"]:
            for at, item in placed(track):
                joint = joints.get(item["id"]) or {}
                then = "{kind} {in_offset}+{out_offset}".format(**joint) if joint else ""
                record_in = to_timecode(state["start_frame"] + at, rate, state["drop_frame"])
                table.add_row(track["name"], record_in, str(item["duration"]), item["name"], then)
        self.console.print(table)
