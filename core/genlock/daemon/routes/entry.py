"""The way in: sign of life, login of the browser, the panel's shell, and the end."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from fastapi import APIRouter, Query
from starlette.responses import FileResponse, HTMLResponse, RedirectResponse, Response

from genlock import __version__
from genlock.daemon.answers import Answer
from genlock.daemon.openapi import answers, binary
from genlock.daemon.provide import Uses
from genlock.daemon.views import CodeAnswer, Health, Stopping
from genlock.daemon.wire import PROTOCOL
from genlock.errors import AccessError, NotFound

router = APIRouter()

NOT_BUILT = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Genlock</title>
<style>body{font:16px/1.5 sans-serif;background:#0d0f12;color:#e8ebf0;margin:15vh auto;max-width:34em;padding:0 1em}
code{color:#ffb454}</style><h1>The daemon is running</h1>
<p>The web panel is not built here. In the repository, <code>cd web_panel &amp;&amp; npm ci &amp;&amp; npm run build</code>
makes it; a released package brings it along.</p><p>Hosts and the command line work without it.</p></html>"""


def static_folder() -> Path | None:
    """Returns the folder of the built panel, or None when there is none."""
    found = find_spec("genlock_web")
    places = list(found.submodule_search_locations or ()) if found else []
    folder = Path(places[0]) / "static" if places else None
    return folder if folder is not None and (folder / "index.html").is_file() else None


@router.get("/health", **answers(Health))
async def health(services: Uses) -> Answer:
    """Says that the daemon is here; needs no token and tells nothing else."""
    return Answer(Health("stopping" if services.hub.is_closing else "ok", __version__, PROTOCOL))


@router.post("/login-code", **answers(CodeAnswer))
async def login_code(services: Uses) -> Answer:
    """Makes a one-time code that logs a browser in."""
    code = services.access.issue_code()
    return Answer(CodeAnswer(code, f"http://127.0.0.1:{services.access.port}/login?code={code}"))


@router.get("/login", **binary("text/html"))
async def login(services: Uses, code: str = Query("", max_length=200)) -> Response:
    """Redeems a one-time code: sets the session cookie and goes to the panel."""
    access = services.access
    if not access.redeem(code):
        raise AccessError("unauthorized", "The login link was used before, is too old, or is wrong.")
    answer = RedirectResponse("/", 303, headers={"cache-control": "no-store"})
    answer.set_cookie(access.cookie, access.session, httponly=True, samesite="strict", path="/")
    return answer


@router.post("/api/shutdown", **answers(Stopping, status=202))
async def shutdown(services: Uses) -> Answer:
    """Ends the daemon: clients are told, running jobs go back into the queue."""
    services.request_stop("asked by a client")
    return Answer(Stopping(True), status_code=202)


@router.get("/", **binary("text/html"))
@router.get("/index.html", **binary("text/html"))
async def panel() -> Response:
    """The panel's shell."""
    folder = static_folder()
    if folder is None:
        return HTMLResponse(NOT_BUILT)
    return FileResponse(folder / "index.html", headers={"cache-control": "no-cache"})


@router.get("/favicon.svg", **binary("image/svg+xml"))
@router.get("/favicon.ico", **binary("image/x-icon"))
async def icon() -> Response:
    """The panel's icon."""
    folder = static_folder()
    if folder is None or not (folder / "favicon.svg").is_file():
        return Response(status_code=204)
    return FileResponse(folder / "favicon.svg", media_type="image/svg+xml")


@router.get("/assets/{name}", **binary("application/octet-stream"))
async def asset(name: str) -> Response:
    """A file of the built panel; its name holds a hash of its content."""
    folder = static_folder()
    path = (folder / "assets" / name).resolve() if folder is not None else None
    if folder is None or path is None or not path.is_relative_to(folder / "assets") or not path.is_file():
        raise NotFound("not_found")
    return FileResponse(path, headers={"cache-control": "public, max-age=31536000, immutable"})
