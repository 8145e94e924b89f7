"""The proof on a GPU: everything at real size, with random weights, through the job loop, the arbiter and worker processes.

    python -m tests.bench.gpu --size full --out docs/why/gpu.md       # a CUDA machine: about 100 GiB of disk, an hour
    python -m tests.bench.gpu --size tiny --device cpu --out FILE     # the script's own proof, a minute, anywhere

Each step gives rows; a step that cannot be taken on a machine says why in a row of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from itertools import pairwise
from pathlib import Path
from time import perf_counter
from typing import Any, Final

import msgspec
from msgspec import Struct

from genlock.bench.studio import Job, Lasting, Studio
from genlock.generation.engine import BUILTIN, Plan
from genlock.generation.executor import Moved, Staging
from genlock.generation.memory import simulator
from genlock.generation.memory.machine import OVERRIDE, GiB, Machine, here
from genlock.generation.memory.measured import Measured
from genlock.generation.memory.traces import Job as Played
from genlock.generation.memory.traces import Trace
from genlock.generation.models.library import Library
from genlock.project.request import GenerationRequest, Point, Selection
from genlock.timeline.model import Resolution
from tests.bench import capped

ROOT: Final = Path(__file__).parents[2]
MARK: Final = "<!-- rows of tests/bench/gpu.py -->\n"
LIBRARIES: Final = ("torch", "diffusers", "transformers", "accelerate", "safetensors")
TRACE: Final = ("image", "mask", "clip", "mask", "image", "prompt", "clip", "image", "mask", "clip")
"""A short spell of editing; each job waits for the one before."""
PARTS_COPIED: Final = {"full": 2 * GiB, "half": 2 * GiB, "tiny": 64 << 20}


class Row(Struct, frozen=True):
    """A figure: what it was measured to be, what it is compared with (a floor or a limit), and a note."""

    name: str
    value: float
    unit: str
    beside: str = ""
    note: str = ""

    def cells(self) -> list[str]:
        return [self.name, f"{self.value:,.4g} {self.unit}".strip(), self.beside, self.note]


class Bench:
    """All steps of one run."""

    def __init__(self, size: str, device: str, home: Path, folder: Path) -> None:
        self.size, self.device, self.home, self.folder = size, device, home, folder
        self.up = self.down = 0.0
        """Bytes a second to and from the device, measured."""
        self.sizes: dict[str, int] = {}
        """Bytes of the parts that were loaded."""
        self.alone: dict[str, Job] = {}
        """A warm job of each kind."""
        self._numbers = 0
        self._born = Lasting()
        self._born.warm(models=True)

    def close(self) -> None:
        self._born.end()

    def rows(self) -> Iterator[Row]:
        """Takes every step."""
        for step in (
            self.checkpoints,
            self.copying,
            self.activations,
            self.loading,
            self.overhead,
            self.editing,
            self.cancelling,
            self.masking,
            self.running_out,
        ):
            begin = perf_counter()
            yield from step()
            print(f"{step.__name__}: {perf_counter() - begin:.1f} s", file=sys.stderr, flush=True)

    # -- requests

    def request(self, kind: str, **more: Any) -> GenerationRequest:
        """Returns a request of a kind, with a prompt that was not there before, so that it is encoded."""
        self._numbers += 1
        big = self.size != "tiny"
        prompt = f"a lighthouse at dawn, number {self._numbers}"
        if kind == "clip":
            size = Resolution(1216, 704) if big else Resolution(256, 192)
            frames = 121 if big else 49
            settings = {"schedule": "distilled"} | more
            return GenerationRequest(
                "text_to_video", prompt=prompt, resolution=size, frames=frames, engine="ltx2", seed=3, settings=settings
            )
        if kind == "image":
            size = Resolution(1024, 1024) if big else Resolution(128, 128)
            settings = {"steps": 4} | more
            return GenerationRequest("image", prompt=prompt, resolution=size, engine="flux2", seed=3, settings=settings)
        if kind == "mask":
            size = Resolution(1920, 1080) if big else Resolution(320, 180)
            click = Selection(points=(Point(size.width / 2, size.height / 2),))
            source = str(self._still(size))
            return GenerationRequest("mask", source=source, resolution=size, selections=(click,), engine="sam3")
        settings = {"max_tokens": 64 if big else 16}
        return GenerationRequest("enhance_prompt", prompt=prompt, engine="llm", settings=settings)

    def _still(self, size: Resolution) -> Path:
        """Returns a picture that no worker has looked at."""
        import cv2
        import numpy as np

        path = self.folder / f"still{self._numbers}.png"
        noise = np.random.default_rng(self._numbers).integers(0, 255, (size.height, size.width, 3), np.uint8)
        cv2.imwrite(str(path), noise)
        return path

    def studio(self, name: str, **more: Any) -> Studio:
        folder = self.folder / name
        folder.mkdir()
        return Studio(folder, born=self._born, **more)

    # -- steps

    def checkpoints(self) -> Iterator[Row]:
        """Writes the models."""
        begin = perf_counter()
        made = probe("writing", home=str(self.home), size=self.size, device=self.device)
        note = f"of holes, for want of disk: {', '.join(made['hollow'])}" if made["hollow"] else ""
        yield Row("checkpoints", made["bytes"] / 1e9, "GB", f"{perf_counter() - begin:.0f} s", note)

    def copying(self) -> Iterator[Row]:
        """Measures link and disk, and keeps both for every plan from here on."""
        files = [
            path for path in self.home.rglob("*.safetensors") if path.stat().st_blocks * 512 >= path.stat().st_size
        ]
        file = max(files, key=lambda path: path.stat().st_size)
        found = probe("copying", device=self.device, bytes=PARTS_COPIED[self.size], file=str(file))
        self.up, self.down = found["up"], found["down"]
        Measured(Library().home).keep_rates(link=self.up, disk=found["disk"])
        where = "pinned memory to device" if self.device != "cpu" else "memory to memory"
        yield Row(f"copy, {where}", self.up / 1e9, "GB/s")
        yield Row("copy back", self.down / 1e9, "GB/s")
        yield Row("disk, a file out of the cache", found["disk"] / 1e9, "GB/s", "", file.parent.name)

    def activations(self) -> Iterator[Row]:
        """Runs parts of two layers beside their dry run."""
        for name, estimate, actual in probe("activations", device=self.device)["found"]:
            beside = f"{estimate / 2**20:.4g} MiB said, {actual / 2**20:.4g} taken"
            yield Row(f"estimate over actual, {name}", estimate / actual, "times", beside, "asked: within 5 %")

    def loading(self) -> Iterator[Row]:
        """Loads every part from disk, pushes all out, and brings them back."""
        studio = self.studio("loading")
        try:
            kinds = ("clip", "image", "mask", "prompt")
            for kind in kinds:
                job = studio.run(self.request(kind))
                yield Row(f"first {kind}, models on disk", job.seconds, "s", "", job.plans[-1].name)
            yield from self._loaded(studio, 0, "from disk", self.up)
            held = {news.what.component for news in studio.news if isinstance(news.what, Moved)}
            seen = len(studio.news)
            studio.runner.set_budget(1, "everything has to leave")
            studio.wait(lambda: held <= {n.what.component for n in studio.news[seen:] if isinstance(n.what, Moved)}, 60)
            yield from self._pushed(studio, seen)
            studio.runner.set_budget(studio.machine.usable, "all of it again")
            seen = len(studio.news)
            for kind in kinds:
                studio.run(self.request(kind))
            yield from self._loaded(studio, seen, "back on the device", self.up)
            for kind in kinds:
                self.alone[kind] = studio.run(self.request(kind))
                yield Row(f"{kind}, everything there", self.alone[kind].seconds, "s")
            yield from self._estimates(studio)
        finally:
            studio.close()

    def _loaded(self, studio: Studio, since: int, tier: str, floor: float) -> Iterator[Row]:
        total = seconds = 0.0
        for news in studio.news[since:]:
            if isinstance(news.what, Moved) and news.what.tier == "device":
                self.sizes[news.what.component] = news.what.bytes
                total += news.what.bytes
                seconds += news.what.seconds
                if self.size != "tiny":
                    rate = news.what.bytes / max(news.what.seconds, 1e-9) / 1e9
                    yield Row(f"{news.what.component} {tier}", news.what.seconds, "s", f"{rate:.2f} GB/s")
        rate = total / max(seconds, 1e-9)
        share = f"{rate / floor:.1%} of the copy rate" if floor else ""
        yield Row(f"all parts {tier}", rate / 1e9, "GB/s", share, f"{total / 1e9:.3g} GB in {seconds:.3g} s")

    def _pushed(self, studio: Studio, since: int) -> Iterator[Row]:
        left = [n.what for n in studio.news[since:] if isinstance(n.what, Moved) and n.what.tier != "device"]
        total, seconds = sum(self.sizes[one.component] for one in left), sum(one.seconds for one in left)
        kept = sum(one.tier == "host" for one in left)
        rate = total / max(seconds, 1e-9)
        note = f"{kept} of {len(left)} parts kept in host memory, the others dropped"
        yield Row("all parts pushed out", rate / 1e9, "GB/s", f"{rate / self.down:.1%} of the copy rate", note)

    def _estimates(self, studio: Studio) -> Iterator[Row]:
        """Compares what plans said of activations with what the allocator saw."""
        seen = 0
        for kind, job in self.alone.items():
            plan = job.plans[-1]
            said = {stage.name: stage.activation for stage in plan.stages}
            stagings = [s.message for s in job.said if isinstance(s.message, Staging)]
            for one, behind in pairwise(stagings):
                if behind.allocated and said[one.stage]:
                    seen += 1
                    beside = f"{said[one.stage] / GiB:.3g} GiB said"
                    yield Row(f"activation of {kind}, {one.stage}", behind.allocated / GiB, "GiB", beside)
        ratios = Measured(Library().home).read().ratios
        for key, ratio in ratios.items():
            seen += 1
            yield Row(f"measured over estimated, {key}", ratio.mean, "times", f"{ratio.most:.3f} at most")
        if not seen:
            yield Row("activations measured", 0, "stages", "", "the allocator of this device does not say")

    def overhead(self) -> Iterator[Row]:
        """Calls the bare pipelines and the engines with the same request."""
        kinds = {"ltx2": "clip", "flux2": "image"}
        requests = {engine: msgspec.to_builtins(self.request(kind)) for engine, kind in kinds.items()}
        for engine, found in probe("bare", device=self.device, requests=requests).items():
            if "skipped" in found:
                yield Row(f"{engine} over the bare pipeline", 0, "not measured", "", found["skipped"])
                continue
            beside = f"{found['ours']:.4g} s to {found['bare']:.4g} s"
            yield Row(
                f"{engine} over the bare pipeline", found["ours"] / found["bare"], "times", beside, "asked: <= 1.02"
            )
            yield Row(f"{engine} values unlike the bare pipeline's", found["differing"], "values", "asked: 0")

    def editing(self) -> Iterator[Row]:
        """Plays a spell of editing with just enough memory for its largest job."""
        plans = {kind: job.plans[-1] for kind, job in self.alone.items()}
        budget = max(plan.bytes for plan in plans.values())
        studio = self.studio("editing", budget=budget)
        try:
            begin = perf_counter()
            ran = [studio.run(self.request(kind)).plans[-1] for kind in TRACE]
            seconds = perf_counter() - begin
            told = [one for _, one in studio.decisions if one.verdict == "evicted"]
            over = max((one.bytes - studio.machine.device for _, one in studio.decisions), default=0)
            loads = [n.what.seconds for n in studio.news if isinstance(n.what, Moved) and n.what.tier == "device"]
        finally:
            studio.close()
        told_of = predicted(studio.machine, budget, ran)
        note = f"{len(TRACE)} jobs with {budget / GiB:.3g} GiB"
        yield Row("evictions of a spell of editing", len(told), "parts", f"{told_of.evictions} by the simulator", note)
        beside = f"{told_of.seconds:.4g} s by the simulator"
        yield Row("seconds of bringing in weights", sum(loads), "s", beside, f"of {seconds:.3g} s in all")
        yield Row("bytes over the device at any decision", max(0, over), "bytes", "asked: 0")

    def cancelling(self) -> Iterator[Row]:
        """Cancels clips between steps."""
        studio = self.studio("cancelling")
        beyond, steps = [], []
        try:
            for number in range(3):
                job = studio.begin(self.request("clip", schedule="full", steps=40))
                studio.wait(lambda job=job, number=number: len(job.progress("denoise")) > 3 + number or job.end)
                seconds = studio.cancel(job)
                times = [said.at for said in job.progress("denoise")]
                steps.append(max(b - a for a, b in pairwise(times)))
                beyond.append(max(0.0, seconds - steps[-1]))
        finally:
            studio.close()
        step = f"a step takes {sorted(steps)[1] * 1e3:.0f} ms"
        yield Row("cancel, beyond one step", sorted(beyond)[1] * 1e3, "ms", "asked: <= 50", step)

    def masking(self) -> Iterator[Row]:
        """Clicks while a clip renders."""
        studio = self.studio("masking")
        try:
            studio.run(self.request("clip"))
            studio.run(self.request("mask"))
            quiet = studio.run(self.request("mask")).seconds
            job = studio.begin(self.request("clip", schedule="full", steps=40))
            studio.wait(lambda: len(job.progress("denoise")) > 1)
            busy = studio.run(self.request("mask")).seconds
            still_runs = not job.end
            studio.cancel(job)
        finally:
            studio.close()
        note = "the clip went on rendering" if still_runs else "the clip was over before the mask"
        yield Row("mask while a clip renders", busy * 1e3, "ms", f"{quiet * 1e3:.0f} ms alone", note)

    def running_out(self) -> Iterator[Row]:
        """Caps the allocator below what the first plan needs."""
        request = self.request("clip")
        plans = capped.ENGINE.plans(request)
        if len(plans) < 2:
            yield Row("plans tried when memory ran out", 1, "plan", "", "there is one way only")
            return
        Path(os.environ[capped.CAP]).write_text(str((plans[0].bytes + plans[1].bytes) // 2))
        studio = self.studio("running_out", targets={**BUILTIN, "ltx2": "tests.bench.capped:ENGINE"})
        try:
            job = studio.run(request)
        finally:
            studio.close()
        kind = "by the allocator's own cap" if self.device != "cpu" else "simulated: this device has no cap"
        tried = ", then ".join(plan.name for plan in job.plans)
        yield Row("plans tried when memory ran out", len(job.plans), "plans", "the job succeeded", f"{tried}; {kind}")
        yield Row("bytes still leased after it", studio.arbiter.held, "bytes", "asked: 0")


def predicted(machine: Machine, budget: int, plans: list[Plan]) -> simulator.Tally:
    """Returns what the simulator says of these jobs, one after the other, nothing known ahead."""
    events = tuple(Played(plan, plan.lane) for plan in plans)
    return simulator.play(Trace(machine, budget, 0, events))


def probe(name: str, **arguments: Any) -> dict[str, Any]:
    """Returns what a probe measured, in a process of its own. Raises RuntimeError with its last words."""
    command = [sys.executable, "-m", "tests.bench.probes", name, json.dumps(arguments)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{name}: {done.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def table(rows: list[Row]) -> str:
    """Returns the rows as the page shows them."""
    cells = [["figure", "measured", "beside", "note"], ["---"] * 4, *(row.cells() for row in rows)]
    return "".join(f"| {' | '.join(row)} |\n" for row in cells)


def head(machine: Machine, size: str, device: str) -> str:
    """Returns where and when it was measured, in words."""
    versions = ", ".join(f"{name} {_version(name)}" for name in LIBRARIES)
    today = datetime.now(UTC).strftime("%d %B %Y")
    what = f"{machine.name}, {machine.device / GiB:.0f} GiB, {os.cpu_count()} cores"
    return f"`--size {size} --device {device}` on {what}, {platform.system()}, {today}. {versions}.\n"


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "missing"


def written(page: str, said: str) -> str:
    """Returns a page with its measured part replaced; one without gets it at its end."""
    before, _, rest = page.partition(MARK)
    _, _, after = rest.partition(MARK)
    return f"{before}{MARK}{said}{MARK}{after}"


def measured(size: str, device: str, home: Path | None = None) -> tuple[list[Row], str]:
    """Takes every step, in folders of its own unless `home` names one for the models; returns rows and their heading."""
    folder = Path(tempfile.mkdtemp(prefix="genlock_gpu_"))
    models = home or folder / "models"
    models.mkdir(parents=True, exist_ok=True)
    given = {"GENLOCK_MODELS": str(models), "GENLOCK_CACHE": str(folder / "cache"), "PYTHONPATH": str(ROOT)}
    given[capped.CAP] = str(folder / "cap")
    if device == "cpu":
        small = Machine("a computer without a GPU", "cpu", device=16 * GiB)
        given[OVERRIDE] = msgspec.json.encode(small).decode()
    before = {name: os.environ.get(name) for name in given}
    os.environ.update(given)
    try:
        bench = Bench(size, device, models, folder)
        try:
            return list(bench.rows()), head(here(), size, device)
        finally:
            bench.close()
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        shutil.rmtree(folder, ignore_errors=True)


def main() -> None:
    """Measures and writes the page."""
    parser = argparse.ArgumentParser(description="Measures generation on a GPU with random weights of real size.")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "why" / "gpu.md")
    parser.add_argument("--size", choices=("full", "half", "tiny"), default="full")
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--home", type=Path, help="folder for the models, kept afterwards; a temporary one without")
    chosen = parser.parse_args()
    rows, where = measured(chosen.size, chosen.device, chosen.home)
    page = chosen.out.read_text() if chosen.out.exists() else "# Measured on a GPU\n\n"
    chosen.out.write_text(written(page, f"{where}\n{table(rows)}"))
    print(table(rows))


if __name__ == "__main__":
    main()
