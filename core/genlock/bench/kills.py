"""Blender as it is in life: several people edit at once over a bad network, and programs are killed.

`soak` has two Blenders and a script edit one sequence at random; `kills` kills one again and again in the middle of its
work. Both end with what was found amiss, which should be nothing: a difference between what a Blender shows and what the
daemon has, an id that is there twice, or something that was made and is gone though nobody took it away.
"""

from __future__ import annotations

import json
import os
import random
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, NamedTuple
from uuid import uuid4

from genlock.bench import Result
from genlock.bench.anna import TAG, Anna
from genlock.bench.lossy import Lossy
from genlock.errors import GenlockError
from genlock_client import cut as cuts
from genlock_client.blocking import Connection
from genlock_client.discovery import Endpoint
from genlock_client.rest import Rest

SOURCES: Final = Path(__file__).resolve().parents[3]
SCRIPT: Final = Path(__file__).with_name("upheaval.py")
PATIENCE: Final = 120.0
STEPS: Final = 150
KILLS: Final = 20
SLOWEST: Final = 4.0
"""Seconds that an edit or a life may take."""
PAUSE: Final = 0.15
"""Seconds between two edits of one player, at most."""
MOST_HELD: Final = 0.2
"""The share of strips that may be held back: without a bound, equal would mean nothing."""


def rows(at: str, python: Path, environment: Mapping[str, str]) -> Iterator[Result]:
    """Yields the figures of one interpreter that has bpy; `at` begins their names, `environment` is that of its processes.

    GENLOCK_SOAK says how much is done, as "500,200": edits of each Blender, and kills. Raises GenlockError(bad_value) when
    it says anything else.
    """
    steps, times = _asked_for(os.environ.get("GENLOCK_SOAK", ""))
    runs: tuple[tuple[Callable[[Studio, int, int], Found], str, int], ...] = (
        (soak, f"soak of {steps} steps", steps),
        (kills, f"{times} kills", times),
    )
    for run, name, count in runs:
        with studio(python, environment) as made:
            found = run(made, count, 1)
        yield Result(f"{at}/{name}: differences", len(found.amiss), "", 0)
        yield Result(f"{at}/{name}", found.seconds, "s", 30 + SLOWEST * count)


def _asked_for(words: str) -> tuple[int, int]:
    if not words:
        return STEPS, KILLS
    steps, _, times = words.partition(",")
    if not (steps.isdigit() and times.isdigit() and int(steps) and int(times)):
        raise GenlockError("bad_value", f"GENLOCK_SOAK is {words!r}; edits and kills are meant, as 500,200.")
    return int(steps), int(times)


class Found(NamedTuple):
    """How a run ended. `amiss` holds a sentence for everything that should not be; `told` counts what happened."""

    name: str
    times: int
    seconds: float
    amiss: list[str]
    told: dict[str, Any]


class Studio:
    """A daemon with one sequence, behind a lossy line, and the means to start Blenders on it."""

    def __init__(self, python: Path, environment: Mapping[str, str], folder: Path, stack: ExitStack) -> None:
        self.python, self.folder = python, folder
        self._stack = stack
        self._environment = {
            **environment,
            "GENLOCK_RUNTIME_DIR": str(folder / "run"),
            "GENLOCK_HOME": str(folder / "home"),
            "BLENDER_USER_RESOURCES": str(folder / "blender"),
        }
        self._environment.pop("PYTHONPATH", None)
        self._daemon: subprocess.Popen[bytes] | None = None
        self.footage = _footage(folder / "footage")
        self.start()
        self.line = Lossy(self.endpoint.port, 1)
        stack.callback(self.line.close)
        stack.callback(self.kill)
        self.project = str(self.rest.command({"do": "CreateProject", "name": "upheaval"})["created"][0])
        self.sequence = self.new_sequence()

    def start(self) -> None:
        """Starts the daemon. Raises GenlockError when it does not start."""
        command = [sys.executable, "-m", "genlock", "up", "--store", str(self.folder / "u.genlock"), "--port", "0"]
        with (self.folder / "daemon.log").open("ab") as log:
            process = self._daemon = subprocess.Popen(
                [*command, "--root", str(self.folder)], env=self._environment, stdout=log, stderr=log
            )
        deadline = time.monotonic() + 60
        while True:
            for place in (self.folder / "run").glob("daemon-*.json"):
                with suppress(ValueError, OSError, KeyError):
                    told = json.loads(place.read_text())
                    if told["pid"] == process.pid:
                        self.endpoint = Endpoint(told["port"], told["token"])
                        self.rest = Rest.at(self.endpoint)
                        return
            if process.poll() is not None or time.monotonic() > deadline:
                raise GenlockError("internal", f"The daemon did not start: {(self.folder / 'daemon.log').read_text()}")
            time.sleep(0.05)

    def kill(self) -> None:
        """Kills the daemon."""
        if self._daemon is not None:
            self._daemon.kill()
            self._daemon.wait()

    def restart(self) -> None:
        """Kills the daemon and starts it again, elsewhere and with another token, behind the same line."""
        self.kill()
        self.start()
        self.line.target = self.endpoint.port

    def new_sequence(self) -> str:
        """Makes an empty sequence at 24 frames per second."""
        made = self.rest.command(
            {
                "do": "CreateSequence",
                "project": self.project,
                "name": "upheaval",
                "rate": [24, 1],
                "resolution": [320, 180],
            }
        )
        return str(made["created"][0])

    def blender(self, *arguments: str) -> Asked:
        """Starts a Blender that talks to the daemon over the line."""
        environment = {
            **self._environment,
            "GENLOCK_URL": f"127.0.0.1:{self.line.port}",
            "GENLOCK_TOKEN": self.endpoint.token,
            "PYTHONPATH": os.pathsep.join(str(SOURCES / part) for part in ("core", "blender_addon")),
        }
        made = Asked([str(self.python), "-u", str(SCRIPT), *arguments], environment, self.folder)
        self._stack.callback(made.close)
        return made

    def snapshot(self) -> dict[str, Any]:
        """Returns the sequence as the daemon has it, open conflicts included."""
        found: dict[str, Any] = self.rest.get(f"/api/sequences/{self.sequence}")
        return found

    def tags(self) -> set[str]:
        """Returns the tags of all that the sequence has, in nested sequences and open conflicts too."""
        with Connection.open(self.endpoint, host="witness", actor="witness", project=self.project) as there:
            parts = {id_: json.dumps(model.snapshot()) for id_, model in there.model.sequences.items()}
        text = parts.pop(self.sequence)
        while named := [id_ for id_ in parts if id_ in text]:
            text += "".join(parts.pop(id_) for id_ in named)
        return set(TAG.findall(text))

    def cut(self) -> tuple[int, dict[str, Any]]:
        """Returns the sequence as somebody who just came in sees it, with its version."""
        with Connection.open(self.endpoint, host="witness", actor="witness", project=self.project) as there:
            models = there.model.sequences
            return models[self.sequence].version, _plain(cuts.of(models[self.sequence], models))


@contextmanager
def studio(python: Path, environment: Mapping[str, str]) -> Iterator[Studio]:
    """Runs a daemon with a sequence in a folder of its own."""
    with TemporaryDirectory(prefix="genlock-upheaval-") as name, ExitStack() as stack:
        yield Studio(python, environment, Path(name), stack)


class Asked:
    """A process that answers lines of JSON; Blender prints other lines between them."""

    def __init__(self, command: list[str], environment: Mapping[str, str], folder: Path) -> None:
        self.log = folder / f"blender-{uuid4().hex[:6]}.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log
            )
        assert self.process.stdout is not None
        os.set_blocking(self.process.stdout.fileno(), False)
        self._rest = b""
        self._lines: list[dict[str, Any]] = []

    def send(self, value: Any) -> None:
        """Sends a line."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(value).encode() + b"\n")
        self.process.stdin.flush()

    def ask(self, name: str, **arguments: Any) -> dict[str, Any]:
        """Sends a request and waits for its answer."""
        self.send([name, arguments])
        return self.line()

    def line(self, patience: float = PATIENCE) -> dict[str, Any]:
        """Returns the next answer. Raises GenlockError when none comes."""
        deadline = time.monotonic() + patience
        while not self._lines:
            left = deadline - time.monotonic()
            if left <= 0 or not self._read(left):
                said = self.log.read_text(errors="replace")[-3000:]
                raise GenlockError("internal", f"Blender did not answer ({self.process.poll()}): {said}")
        return self._lines.pop(0)

    def lines(self, seconds: float) -> list[dict[str, Any]]:
        """Returns what is said within so many seconds."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0 and self._read(left):
            pass
        found, self._lines = self._lines, []
        return found

    def close(self) -> None:
        """Kills it."""
        self.process.kill()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()
        self.process.wait()

    def _read(self, seconds: float) -> bool:
        """Takes what comes within so many seconds; False at the end of it all."""
        out = self.process.stdout
        assert out is not None
        if not select.select([out], [], [], seconds)[0]:
            return True
        data = os.read(out.fileno(), 1 << 20)
        *lines, self._rest = (self._rest + data).split(b"\n")
        self._lines += [json.loads(line) for line in lines if line.startswith(b"{")]
        return bool(data)


def soak(studio: Studio, steps: int, seed: int, *, pause: float = PAUSE, rough: bool = True) -> Found:
    """Two Blenders make `steps` edits each while Anna makes hers and the line is bad; then all three must agree."""
    begun = time.monotonic()
    chance = random.Random(seed)
    anna = Anna(studio, seed + 10)
    players = [studio.blender(), studio.blender()]
    amiss: list[str] = []
    for player in players:
        found = player.ask("join", project=studio.project, sequence=studio.sequence)
        amiss += [] if found["settled"] else [f"never came in: {found}"]
    studio.line.rough = rough
    for at, player in enumerate(players):
        arguments = {"who": "ab"[at], "seed": seed + at, "steps": steps, "footage": str(studio.footage), "pause": pause}
        player.send(["play", arguments])
    answers: list[dict[str, Any]] = []
    deadline = time.monotonic() + 60 + steps * 2
    while len(answers) < len(players) and time.monotonic() < deadline:
        anna.edit()
        for player in players:
            answers += player.lines(chance.random() * pause)
        if rough:
            _trouble(studio.line, chance)
    studio.line.rough = studio.line.away = False
    if len(answers) < len(players):
        amiss.append("a Blender did not get through its edits")
    told: dict[str, Any] = {"done": [each.get("done") for each in answers], "anna": anna.done, "refused": anna.refused}
    told["cuts"] = studio.line.cuts
    amiss += settled(players)
    gone = anna.gone.union(*(each.get("gone", ()) for each in answers))
    made = {tag for each in answers for tag in each["made"]}
    amiss += compared(studio, players, made - gone, told)
    return Found(f"blender soak, seed {seed}", steps, time.monotonic() - begun, amiss, told)


def _trouble(line: Lossy, chance: random.Random) -> None:
    """Drops all connections now and then, and sometimes lets none through for a while."""
    drawn = chance.random()
    if line.away:
        line.away = drawn > 0.3
    elif drawn < 0.02:
        line.drop()
    elif drawn < 0.03:
        line.away = True
        line.drop()


def settled(players: list[Asked]) -> list[str]:
    """Waits until every Blender is in step, and then until the one's last word has come to the other."""
    found = []
    for _ in range(2):
        for player in players:
            player.send(["settle", {}])
        found = [player.line() for player in players]
    return [f"never came to rest: {each}" for each in found if not each["settled"]]


def compared(studio: Studio, players: list[Asked], made: set[str], told: dict[str, Any]) -> list[str]:
    """Returns what differs between the Blenders and the daemon; `made` are tags that must be there."""
    version, cut = studio.cut()
    shows = [player.ask("tell") for player in players]
    told |= {word: [each[word] for each in shows] for word in ("strips", "held", "troubles", "refused", "conflicts")}
    amiss = [line for at, each in enumerate(shows) for line in judged(each, version, cut, f"blender {at}")]
    if len(shows) == 2:
        one, other = (each["shown"] for each in shows)
        both = one.keys() & other.keys()
        amiss += [f"{key}: one shows {one[key]}, the other {other[key]}" for key in both if one[key] != other[key]]
        kept_apart = {key for each in shows for key in (*each["held"], *each["troubles"])}
        lone = one.keys() ^ other.keys()
        if len(lone) > len(kept_apart):
            amiss.append(f"shown in one alone: {sorted(lone)}, of which {sorted(kept_apart)} are held or could not be")
    lost = made.difference(studio.tags(), *(each["tags"] for each in shows), *(each["gone"] for each in shows))
    return amiss + ([f"made and gone: {sorted(lost)}"] if lost else [])


def judged(told: dict[str, Any], version: int, cut: dict[str, Any], who: str) -> list[str]:
    """Returns what is amiss in what a settled Blender tells."""
    amiss = []
    if told["version"] != version or told["cut"] != cut:
        amiss.append(
            f"{who} has version {told['version']}, the daemon {version}: {_first_difference(told['cut'], cut)}"
        )
    if told["odds"] is not None:
        aside = f"held {told['held']}, troubles {told['troubles']}"
        amiss.append(f"{who} shows what the daemon has not: {json.dumps(told['odds'])[:1500]}, {aside}")
    if told["twice"]:
        amiss.append(f"{who} has ids twice: {told['twice']}")
    if told["notes"]:
        amiss.append(f"{who} stumbled: {told['notes']}")
    apart = len(told["held"]) + len(told["troubles"])
    if apart > 2 and apart > MOST_HELD * told["strips"]:
        amiss.append(f"{who} keeps too much to itself: {told['held']} {told['troubles']}")
    return amiss


def kills(studio: Studio, times: int, seed: int) -> Found:
    """Kills a Blender `times` times in the middle of its work; each time its file must come in step again."""
    begun = time.monotonic()
    chance = random.Random(seed)
    anna = Anna(studio, seed + 10)
    nest = studio.blender("nest")
    amiss: list[str] = []
    gone: set[str] = set()
    saved: set[str] = set()
    told: dict[str, Any] = {"verified": 0, "unsaved": 0, "early": 0, "opened": 0, "settling": []}
    path = studio.folder / "victim.blend"
    for number in range(times):
        if number % 20 == 0:  # a fresh start: a sequence would only grow
            path.unlink(missing_ok=True)
            studio.sequence = studio.new_sequence()
            saved.clear()
        for _ in range(chance.randint(0, 2)):
            anna.edit()
        before = studio.tags()
        nest.send(
            {
                "path": str(path),
                "project": studio.project,
                "sequence": studio.sequence,
                "who": f"k{number}",
                "seed": seed * 1000 + number,
                "footage": str(studio.footage),
                "life": {"offline": chance.choice((0, 0, 1, 3)), "steps": 60},
            }
        )
        pid = nest.line()["child"]
        told["unsaved" if not path.exists() else "opened"] += 1
        early = chance.random() < 0.15
        said: list[dict[str, Any]] = []
        if early:
            said += nest.lines(chance.random() * 0.6)
            told["early"] += 1
        else:
            found = _until_settled(nest, said)
            gone |= anna.gone.union(*(each["gone"] for each in said if "gone" in each))
            if not found.get("settled"):
                amiss.append(f"life {number} never came in step: {found}")
            else:
                told["verified"] += 1
                told["settling"].append(round(found["seconds"], 2))
                version, cut = studio.cut()
                amiss += [f"life {number}: {line}" for line in judged(found, version, cut, "blender")]
                lost = (before | saved).difference(studio.tags(), found["tags"], gone)
                if lost:
                    amiss.append(f"life {number}: lost {sorted(lost)}")
            for _ in range(chance.randint(0, 2)):
                anna.edit()
            said += nest.lines(chance.random() * 1.2)
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        said += _until_ended(nest)
        for each in said:
            gone.update(each.get("gone", ()))
            saved = set(each["saved"]) if "saved" in each else saved
        gone |= anna.gone
    waits = sorted(told.pop("settling"))
    told["settling p50 and longest"] = [waits[len(waits) // 2], waits[-1]] if waits else []
    told["anna"] = anna.done
    return Found(f"blender kills, seed {seed}", times, time.monotonic() - begun, amiss, told)


def _until_settled(nest: Asked, said: list[dict[str, Any]]) -> dict[str, Any]:
    while True:
        found = nest.line(60.0)
        if "settled" in found:
            return found
        if "ended" in found:
            raise GenlockError("internal", f"Blender ended by itself: {nest.log.read_text(errors='replace')[-3000:]}")
        said.append(found)


def _until_ended(nest: Asked) -> list[dict[str, Any]]:
    said: list[dict[str, Any]] = []
    while True:
        found = nest.line(30.0)
        if "ended" in found:
            return said
        said.append(found)


def _plain(cut: Any) -> dict[str, Any]:
    plain: dict[str, Any] = json.loads(
        json.dumps({**cut._asdict(), "nested": {id_: _plain(inner) for id_, inner in cut.nested.items()}})
    )
    return plain


def _first_difference(one: Any, other: Any, at: str = "") -> str:
    """Returns where two values differ first."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in {**one, **other}:
            if one.get(key) != other.get(key):
                return _first_difference(one.get(key), other.get(key), f"{at}/{key}")
    return f"{at}: {str(one)[:300]} and {str(other)[:300]}"


def _footage(folder: Path) -> Path:
    """Makes three short movies with the ffmpeg that Genlock uses."""
    import imageio_ffmpeg

    folder.mkdir(parents=True, exist_ok=True)
    for name, rate, frames in (("a.mp4", "24", 240), ("b.mp4", "24", 240), ("thirty.mp4", "30", 150)):
        source = f"testsrc2=size=320x180:rate={rate}"
        arguments = ["-f", "lavfi", "-i", source, "-frames:v", str(frames), "-pix_fmt", "yuv420p", name]
        ffmpeg = imageio_ffmpeg.get_ffmpeg_exe()
        subprocess.run([ffmpeg, "-v", "error", "-y", *arguments], check=True, cwd=folder, stdin=subprocess.DEVNULL)
    return folder
