"""`genlock generate` and `genlock jobs`: work for the engines, watched through the live socket."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import typer

from genlock.cli import lookup, options, output, values
from genlock.cli.backend import HOST, Backend, absolute, backend
from genlock.errors import BadInput, GenerationError
from genlock_client.happenings import Changed, Connected, Ended, Happening, JobProgress

jobs = typer.Typer(name="jobs", help="Jobs: the queue of the engines.")

OPEN = ("waiting", "running")
SILENCE = 5.0
"""Seconds without a happening after which the queue is looked at again."""

FILES = ("source", "after", "mask", "audio")
"""Fields of a request that are files."""

Jobs = Annotated[list[str], typer.Argument(metavar="JOB...", help="The jobs: their ids or the start of them.")]


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    app.command()(generate)
    app.add_typer(jobs)


def generate(
    names: Annotated[list[str] | None, typer.Argument(metavar="[SHOT...]", help=options.SHOT_HELP)] = None,
    all_shots: Annotated[bool, typer.Option("--all", help="All shots of the project that have no take yet.")] = False,
    gap: Annotated[
        tuple[str, str, str] | None,
        typer.Option(metavar="SEQ TRACK AT", help="Fill the gap of a track at a timecode or frame."),
    ] = None,
    mode: Annotated[str | None, typer.Option(metavar="MODE", help="text_to_video, image_to_video, extend, ...")] = None,
    seed: Annotated[int | None, typer.Option(metavar="N", help="Another seed than the shot's.")] = None,
    prompt: Annotated[str | None, typer.Option(metavar="TEXT", help="Another prompt than the shot's.")] = None,
    engine: Annotated[str | None, typer.Option(metavar="ENGINE", help="Another engine than the shot's.")] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="FIELD=VALUE", help="Any field of the request; the value as JSON; repeat it."),
    ] = None,
    point: Annotated[
        list[str] | None, typer.Option(metavar="X,Y", help="A point of the source to mask, in pixels; repeat it.")
    ] = None,
    box: Annotated[
        list[str] | None, typer.Option(metavar="L,T,R,B", help="A box of the source to mask, in pixels; repeat it.")
    ] = None,
    text: Annotated[str | None, typer.Option(metavar="WORDS", help="What to mask, in words.")] = None,
    mask: Annotated[
        str | None, typer.Option(metavar="FILE", help="A mask: white is made anew; with mask or track it is refined.")
    ] = None,
    reference: Annotated[
        list[str] | None,
        typer.Option(metavar="FILE", help="A picture or clip of what something looks like; repeat it."),
    ] = None,
    plan: Annotated[bool, typer.Option("--plan", help="Show how it would be made and queue nothing.")] = False,
    wait: Annotated[
        bool | None, typer.Option("--wait/--no-wait", help="Wait for the takes. Default: only when no daemon runs.")
    ] = None,
    project: options.Project = None,
    store: options.Store = None,
    as_json: options.Json = False,
) -> None:
    """Generate takes for shots, for all shots without one, or for a gap."""
    if bool(names) + all_shots + (gap is not None) != 1:
        raise BadInput("bad_request", "Give shots, or --all, or --gap.", hint="`genlock generate --help` shows how.")
    overrides = dict(values.assignment(text) for text in settings or ())
    overrides.update({key: absolute(overrides[key]) for key in FILES if isinstance(overrides.get(key), str)})
    given = {"seed": seed, "prompt": prompt, "engine": engine}
    overrides.update({key: value for key, value in given.items() if value is not None})
    overrides.update(_marks(mode, point or [], box or [], text, mask, reference or []))
    with backend(store) as daemon:
        owner, what = _what(daemon, names or [], gap, project)
        body = {**what, "overrides": overrides, **({"mode": mode} if mode else {})}
        if plan:
            _show_plans(daemon.post(f"/api/projects/{owner['id']}/generate", {**body, "dry_run": True}), as_json)
            return
        made = daemon.post_once(f"/api/projects/{owner['id']}/generate", body)["jobs"]
        waits = daemon.is_own if wait is None else wait
        if waits:
            rows = _wait(daemon, owner["id"], made, quiet=as_json)
        else:
            rows = [daemon.get(f"/api/jobs/{job}") for job in made]
        found = lookup.shots(daemon, owner["id"]) if waits and rows and not as_json else []
    failed = [row for row in rows if row["status"]["type"] in ("failed", "cancelled")]
    if as_json:
        output.print_json({"jobs": rows})
    else:
        output.say(_told(rows, waits))
        for line in _made(rows, found):
            output.say(output.plain(line))
    if failed:
        status = failed[0]["status"]
        message = status.get("message", "The job was cancelled.")
        raise GenerationError(status.get("code", "cancelled"), f"{len(failed)} of {len(rows)} failed: {message}")


def _marks(
    mode: str | None, points: list[str], boxes: list[str], text: str | None, mask: str | None, references: list[str]
) -> dict[str, Any]:
    """Returns the fields of the request that these options make."""
    fields: dict[str, Any] = {}
    selection: dict[str, Any] = {}
    if points:
        selection["points"] = [values.numbers(point, "X,Y") for point in points]
    if boxes:
        selection["boxes"] = [values.numbers(box, "L,T,R,B") for box in boxes]
    if text:
        selection["text"] = text
    if mask:
        (selection if mode in ("mask", "track") else fields)["mask"] = absolute(mask)
    if selection:
        fields["selections"] = [selection]
    if references:
        fields["references"] = [{"path": absolute(path)} for path in references]
    return fields


def _show_plans(answer: dict[str, Any], as_json: bool) -> None:
    if as_json:
        output.print_json(answer)
        return
    for shot in answer.get("plans", ()):
        rows = (
            (row["engine"], row["name"], output.size(row["bytes"]), row["forecast"], " ".join(row["notes"]))
            for row in shot["plans"]
        )
        output.say(f"{output.plain(shot['code'])}: {shot['mode']}")
        output.print_table(("engine", "plan", ">memory", "now", "notes"), rows, empty="")
    if not answer.get("plans"):
        output.say("Nothing to do: every shot has a take.")


def _what(
    daemon: Backend, names: list[str], gap: tuple[str, str, str] | None, project: str | None
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Returns the project and what to generate in it, as the daemon takes it."""
    if gap is not None:
        found = lookup.sequence(daemon, gap[0], project)
        state = daemon.get(f"/api/sequences/{found.id}")
        track = lookup.track(state, gap[1])["id"]
        return found.project, {"gap": {"sequence": found.id, "track": track, "at": values.position(gap[2], state)}}
    if not names:
        return lookup.project(daemon, project), {"all": True}
    shots = [lookup.shot(daemon, name, project) for name in names]
    owners = {shot["project"]: shot["owner"] for shot in shots}
    if len(owners) > 1:
        raise BadInput("bad_request", "The shots belong to several projects.", hint="Generate one project at a time.")
    return next(iter(owners.values())), {"shots": [shot["id"] for shot in shots]}


def _told(rows: list[dict[str, Any]], waited: bool) -> str:
    if not rows:
        return "Nothing to do: every shot has a take."
    if not waited:
        return f"Queued {len(rows)} {'jobs' if len(rows) > 1 else 'job'}. Watch: genlock jobs --watch"
    done = sum(row["status"]["type"] == "succeeded" for row in rows)
    return f"Made {done} of {len(rows)} {'takes' if len(rows) > 1 else 'take'}"


def _made(rows: list[dict[str, Any]], shots: list[dict[str, Any]]) -> Iterator[str]:
    """Yields what became of each job: which take it is, who made it and where it lies, or why there is none."""
    takes = {take: (shot["code"], row) for shot in shots for take, row in shot["takes"].items()}
    codes = {shot["id"]: shot["code"] for shot in shots}
    drafts = False
    for job in rows if shots else ():
        status, take = job["status"], takes.get(job["status"].get("take", ""))
        if take is None:
            code = codes.get(job["shot"], job["id"][:8])
            yield f"{code} {job['request']['mode']}: {status['type']}. {status.get('message', '')}".rstrip()
            continue
        code, row = take
        origin = row.get("provenance") or {}
        drafts |= bool(origin.get("draft"))
        yield f"{code} v{row['number']:03d} {job['request']['mode']} by {values.maker(origin)}: {row['path']}"
        yield from (f"  {note}" for note in (origin.get("details") or {}).get("notes", ()))
    if drafts:
        yield "A draft needs no model. What the other engines miss: genlock doctor"


def _wait(daemon: Backend, project: str, wanted: list[str], *, quiet: bool) -> list[dict[str, Any]]:
    """Shows the progress of jobs until all ended, and returns them."""
    if not wanted:
        return []
    with output.progress("frames") as bar:
        bar.disable |= quiet
        codes = {shot["id"]: shot["code"] for shot in daemon.get(f"/api/projects/{project}/shots")}
        rows = {job: daemon.get(f"/api/jobs/{job}") for job in wanted}
        lines = {job: bar.add_task(codes.get(row["shot"], job[:8]), total=None) for job, row in rows.items()}
        for state, happening in _watch(daemon, project):
            if isinstance(happening, JobProgress) and happening.job in lines:
                bar.update(lines[happening.job], completed=happening.done, total=happening.total)
            for job in wanted:
                row = state.get(job)
                if row is not None and row["status"]["type"] not in OPEN:
                    frames = row["request"].get("frames", 97)
                    bar.update(lines[job], completed=frames, total=frames)
            if all(job in state and state[job]["status"]["type"] not in OPEN for job in wanted):
                break
    return [daemon.get(f"/api/jobs/{job}") for job in wanted]


def _watch(daemon: Backend, project: str | None) -> Iterator[tuple[dict[str, dict[str, Any]], Happening | None]]:
    """Yields the jobs by id with each thing that happens to them, first as they are; None after a silence."""
    from genlock_client.blocking import Connection

    with Connection.open(daemon.endpoint, host=HOST, actor=daemon.actor, project=project) as connection:
        connection.model.jobs.update({row["id"]: row for row in daemon.get("/api/jobs", project=project)})
        yield connection.model.jobs, None
        while True:
            for happening in connection.events(timeout=SILENCE):
                if isinstance(happening, Ended):
                    raise happening.error or GenerationError("cancelled", "The connection was closed.")
                if isinstance(happening, JobProgress | Connected) or _is_of_job(happening):
                    yield connection.model.jobs, happening
            connection.model.jobs.update({row["id"]: row for row in daemon.get("/api/jobs", project=project)})
            yield connection.model.jobs, None


def _is_of_job(happening: Happening) -> bool:
    return isinstance(happening, Changed) and any(kind == "job" for kind, _ in happening.touched)


@jobs.callback(invoke_without_command=True)
def list_(
    context: typer.Context,
    watch: Annotated[bool, typer.Option("--watch", help="Show them live until none is left.")] = False,
    status: Annotated[
        str | None, typer.Option(metavar="STATUS", help="Only waiting, running, succeeded, failed or cancelled ones.")
    ] = None,
    project: options.Project = None,
    store: options.Store = None,
    as_json: options.Json = False,
) -> None:
    """List the jobs, watch them, cancel or retry them."""
    if context.invoked_subcommand is not None:
        return
    if status is not None and status not in ("waiting", "running", "succeeded", "failed", "cancelled"):
        raise BadInput("bad_value", f"{status!r} is no status of a job.")
    with backend(store) as daemon:
        owner = lookup.project(daemon, project)["id"] if project else None
        if watch:
            _show_live(daemon, owner, as_json)
            return
        rows = daemon.get("/api/jobs", project=owner, status=status)
        codes = {} if as_json else _codes(daemon)
    if as_json:
        output.print_json({"jobs": rows})
    else:
        _print(rows, codes)


def _codes(daemon: Backend) -> dict[str, str]:
    return {shot["id"]: shot["code"] for shot in lookup.shots(daemon, None)}


def _print(rows: list[dict[str, Any]], codes: dict[str, str]) -> None:
    output.print_table(
        ("job", "shot", "mode", "status", "engine", "plan", ">frames", ">attempt", ""),
        (
            (
                output.short(row["id"]),
                codes.get(row["shot"], ""),
                row["request"]["mode"],
                row["status"]["type"],
                row.get("engine") or row["request"].get("engine", ""),
                row.get("plan", ""),
                row["request"].get("frames", 97),
                row.get("attempt", 0),
                row["status"].get("message") or row["status"].get("reason", ""),
            )
            for row in rows
        ),
        empty="There are no jobs.",
    )


def _show_live(daemon: Backend, project: str | None, as_json: bool) -> None:
    """Shows jobs until none waits or runs; with JSON, a line for each change."""
    codes = _codes(daemon)
    told: dict[str, str] = {}
    with output.progress("frames") as bar:
        bar.disable |= as_json
        lines: dict[str, Any] = {}
        for state, happening in _watch(daemon, project):
            if isinstance(happening, JobProgress):
                if as_json:
                    output.print_json_line({**happening._asdict(), "preview": None})
                elif happening.job in lines:
                    bar.update(lines[happening.job], completed=happening.done, total=happening.total)
            for job, row in state.items():
                kind = row["status"]["type"]
                if told.get(job) == kind or (job not in told and kind not in OPEN):
                    continue
                told[job] = kind
                if as_json:
                    output.print_json_line({"job": job, "shot": row["shot"], "status": row["status"]})
                elif job not in lines:
                    lines[job] = bar.add_task(codes.get(row["shot"], job[:8]), total=None)
                if not as_json and kind not in OPEN:
                    bar.update(lines[job], visible=False)
                    output.say(f"{output.plain(codes.get(row['shot'], job[:8]))} {kind}")
            if not any(row["status"]["type"] in OPEN for row in state.values()):
                break
    if not as_json and not told:
        output.say("There are no jobs to watch.")


@jobs.command()
def cancel(context: typer.Context, names: Jobs, store: options.Store = None, as_json: options.Json = False) -> None:
    """Cancel jobs."""
    _command(context, names, "CancelJob", "Cancelled", store, as_json)


@jobs.command()
def retry(context: typer.Context, names: Jobs, store: options.Store = None, as_json: options.Json = False) -> None:
    """Queue failed or cancelled jobs again."""
    _command(context, names, "RetryJob", "Queued again:", store, as_json)


def _command(
    context: typer.Context, names: list[str], command: str, told: str, store: str | None, as_json: bool
) -> None:
    outer = context.parent.params if context.parent is not None else {}  # `jobs --store PATH cancel JOB` is meant too
    store, as_json = store or outer.get("store"), as_json or bool(outer.get("as_json"))
    with backend(store) as daemon:
        found = [lookup.job(daemon, name) for name in names]
        for row in found:
            daemon.command({"do": command}, row["id"])
        rows = [daemon.get(f"/api/jobs/{row['id']}") for row in found]
    if as_json:
        output.print_json({"jobs": rows})
    else:
        output.say(f"{told} {', '.join(output.short(row['id']) for row in rows)}")
