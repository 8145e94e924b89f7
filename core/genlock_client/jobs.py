"""The queue and the takes as a host shows them: plain rows, made of the model and of the progress that comes by."""

from __future__ import annotations

from itertools import count
from typing import Any, Dict, Mapping, NamedTuple

from genlock_client.happenings import Changed, Connected, Ended, Happening, JobProgress, MemoryChanged
from genlock_client.model import Model

Value = Dict[str, Any]


class JobView(NamedTuple):
    """One job.

    `shot` is the shot's id ("" for a job without one), `code` what people call it. `state` is "waiting", "running",
    "succeeded", "failed" or "cancelled", and `sentence` says it for a person. `done` of `total` counts what `phase` counts,
    frames mostly, and `fraction` is their ratio in 0..1: of a running job only. `preview` is a JPEG in base64, "" for
    none. `position` counts the waiting jobs from 1 in the order of their turns, 0 for others. `forecast` says what a
    waiting job waits for, "" unknown. `error` and `error_code` are why it failed. `take` is the id of the take it made.
    """

    id: str
    shot: str
    code: str
    mode: str
    engine: str
    state: str
    sentence: str
    done: int
    total: int
    phase: str
    fraction: float
    preview: str
    position: int
    forecast: str
    attempt: int
    error: str
    error_code: str
    can_cancel: bool
    can_retry: bool
    take: str


class TakeView(NamedTuple):
    """One take of a shot. `path` is the master, `proxy` a light copy ("" none), both absolute; `kind` is "picture", "mask"
    or "text", and only a picture is ever selected. `seconds` is how long it took to make, 0 when nobody knows. `frames` at
    `rate` (num, den; None for sound and text) is its length, `digest` the hash under which the daemon serves it ("" none).
    """

    id: str
    number: int
    path: str
    proxy: str
    kind: str
    engine: str
    prompt: str
    seed: int
    selected: bool
    seconds: float
    frames: int
    rate: tuple[int, int] | None
    digest: str


class _Progress(NamedTuple):
    done: int
    total: int
    phase: str
    preview: str


class JobBook:
    """The jobs of a session's model, with what they say of themselves while they run.

    A host passes every happening to `update` and draws again when `revision` has changed.
    """

    def __init__(self, model: Model) -> None:
        self.model = model
        self.revision = 0
        self._progress: dict[str, _Progress] = {}
        self._forecasts: dict[str, str] = {}
        self._ended: dict[str, int] = {}
        self._ends = count(1)
        self._rows: tuple[int, list[JobView]] | None = None

    def update(self, happening: Happening) -> bool:
        """Takes in what happened; says whether a row may look different now."""
        changed = False
        if isinstance(happening, JobProgress):
            changed = self._goes_on(happening)
        elif isinstance(happening, Changed):
            jobs = [id_ for kind, id_ in happening.touched if kind == "job"]
            for id_ in jobs:
                self._moved(id_)
            changed = bool(jobs) or any(kind == "shot" for kind, _ in happening.touched)
        elif isinstance(happening, Connected):
            if happening.fresh:
                self._ended.clear()
            for id_ in [id_ for id_ in self._progress if not self._is(id_, "running")]:
                del self._progress[id_]
            changed = True
        elif isinstance(happening, MemoryChanged):
            changed = self._foresee(happening.state)
        elif isinstance(happening, Ended):
            self._progress.clear()
            self._forecasts.clear()
            changed = True
        self.revision += changed
        return changed

    def jobs(self) -> list[JobView]:
        """Returns the running jobs, then the waiting ones by their turns, then those that ended, the newest first."""
        if self._rows is None or self._rows[0] != self.revision:
            self._rows = (self.revision, self._made())
        return self._rows[1]

    # -- inside

    def _made(self) -> list[JobView]:
        running: list[Value] = []
        waiting: list[Value] = []
        ended: list[Value] = []
        for value in self.model.jobs.values():
            state = value["status"]["type"]
            (running if state == "running" else waiting if state == "waiting" else ended).append(value)
        running.sort(key=_turn)
        waiting.sort(key=_turn)
        ended.sort(key=lambda value: (-self._ended.get(value["id"], 0), -value["position"], value["id"]))
        places = {value["id"]: at for at, value in enumerate(waiting, 1)}
        return [self._row(value, places.get(value["id"], 0)) for value in (*running, *waiting, *ended)]

    def _row(self, value: Value, position: int) -> JobView:
        status, request = value["status"], value["request"]
        state = status["type"]
        progress = self._progress.get(value["id"]) if state == "running" else None
        done, total, phase, preview = progress or _Progress(0, 0, "", "")
        return JobView(
            id=value["id"],
            shot=value["shot"],
            code=self.model.shots.get(value["shot"], {}).get("code") or request.get("shot_code") or value["stem"],
            mode=request["mode"],
            engine=value["engine"] or request.get("engine", ""),
            state=state,
            sentence=_sentence(value, progress, position),
            done=done,
            total=total,
            phase=phase,
            fraction=min(1.0, max(0.0, done / total)) if total > 0 else 0.0,
            preview=preview,
            position=position,
            forecast=self._forecasts.get(value["id"], "") if state == "waiting" else "",
            attempt=value["attempt"],
            error=status["message"] if state == "failed" else "",
            error_code=status["code"] if state == "failed" else "",
            can_cancel=state in ("waiting", "running"),
            can_retry=state in ("failed", "cancelled"),
            take=status["take"] if state == "succeeded" else "",
        )

    def _is(self, job: str, state: str) -> bool:
        value = self.model.jobs.get(job)
        return value is not None and value["status"]["type"] == state

    def _goes_on(self, news: JobProgress) -> bool:
        if not self._is(news.job, "running"):
            return False  # the word of its end was faster
        before = self._progress.get(news.job)
        preview = news.preview or (before.preview if before else "")
        self._progress[news.job] = _Progress(news.done, news.total, news.phase, preview)
        return self._progress[news.job] != before

    def _moved(self, job: str) -> None:
        value = self.model.jobs.get(job)
        state = value["status"]["type"] if value is not None else ""
        if state != "running":
            self._progress.pop(job, None)
        if state != "waiting":
            self._forecasts.pop(job, None)
        self._ended.pop(job, None)
        if state in ("succeeded", "failed", "cancelled"):
            self._ended[job] = next(self._ends)

    def _foresee(self, state: Mapping[str, Any]) -> bool:
        found = {
            str(one["owner"]): str(one["forecast"])
            for one in state.get("waiting") or ()
            if one.get("owner") in self.model.jobs and one.get("forecast")
        }
        changed = found != self._forecasts
        self._forecasts = found
        return changed


def takes(shot: Mapping[str, Any]) -> list[TakeView]:
    """Returns a shot's takes by number; `shot` is its value as on the wire."""
    found = []
    for value in shot["takes"].values():
        info, made = value.get("info") or {}, value.get("provenance") or {}
        request, rate = made.get("request") or {}, info.get("rate")
        found.append(
            TakeView(
                id=value["id"],
                number=value["number"],
                path=value["path"],
                proxy=value.get("proxy", ""),
                kind=value.get("kind", "picture"),
                engine=made.get("engine", ""),
                prompt=request.get("prompt", ""),
                seed=request.get("seed", 0),
                selected=value["id"] == shot.get("selected"),
                seconds=float(sum((made.get("seconds") or {}).values())),
                frames=info.get("frames", 0),
                rate=None if rate is None else (rate[0], rate[1]),
                digest=info.get("digest", ""),
            )
        )
    return sorted(found, key=lambda take: (take.number, take.id))


def next_take(shot: Mapping[str, Any], take: str = "", step: int = 1) -> str | None:
    """Returns the id of the picture that comes `step` takes after `take` ("": the selected one), None beyond the ends."""
    pictures = [one for one in takes(shot) if one.kind == "picture"]
    here = [at for at, one in enumerate(pictures) if (one.id == take if take else one.selected)]
    if not here:
        return pictures[-1].id if pictures else None
    at = here[0] + step
    return pictures[at].id if 0 <= at < len(pictures) else None


def previous_take(shot: Mapping[str, Any], take: str = "") -> str | None:
    """Returns the id of the picture before `take` ("": the selected one), None when it is the first."""
    return next_take(shot, take, -1)


def _turn(value: Value) -> tuple[int, int, str]:
    return -value["priority"], value["position"], value["id"]


def _sentence(value: Value, progress: _Progress | None, position: int) -> str:
    status = value["status"]
    state = status["type"]
    if state == "running":
        if progress is None or progress.total <= 0:
            return "Begins."
        percent = min(100, 100 * progress.done // progress.total)
        return f"{progress.phase.capitalize() or 'Running'}: {progress.done} of {progress.total} ({percent} %)."
    if state == "waiting":
        turn = "Comes next." if position == 1 else f"Waits behind {position - 1} other{'s' if position > 2 else ''}."
        reason = status.get("reason", "")
        return f"{turn} {reason}" if reason and reason != "retry" else turn
    if state == "succeeded":
        return f"Made take {value['number']}."
    if state == "failed":
        return f"Failed: {status['message']}"
    return "Cancelled."
