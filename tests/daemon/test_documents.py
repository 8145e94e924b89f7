"""docs/protocol.md and SECURITY.md say what the code does."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

from fastapi.routing import APIRoute

from genlock.daemon import app as daemon_app
from genlock.daemon import gate, socket, wire
from genlock.daemon.discovery import Discovery
from genlock.daemon.presence import STATE_LIMIT
from genlock.daemon.settings import DaemonSettings

ROOT = Path(__file__).resolve().parents[2]
PROTOCOL = (ROOT / "docs" / "protocol.md").read_text()
SECURITY = (ROOT / "SECURITY.md").read_text()


def section(name: str) -> str:
    found = re.search(rf"^(#+) {re.escape(name)}\n(.*?)(?=^#+ |\Z)", PROTOCOL, re.MULTILINE | re.DOTALL)
    assert found, name
    return found[2]


def table(text: str, column: int = 0) -> dict[str, str]:
    """First cell -> another cell of every row."""
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("| `")
    ]
    return {row[0].strip("`"): row[column] for row in rows}


def test_every_message_is_documented_with_its_fields() -> None:
    for name, union in (("From the client", wire.ClientMessage), ("From the daemon", wire.DaemonMessage)):
        documented = table(section(name), 1)
        messages = {cls.__struct_config__.tag: set(cls.__struct_fields__) for cls in get_args(union)}
        assert set(documented) == set(messages), name
        for tag, fields in messages.items():
            assert {field.rstrip("?") for field in re.findall(r"`([^`]+)`", documented[tag])} == fields, tag


def test_every_route_is_documented() -> None:
    rows = re.findall(r"^\| (GET|POST|PATCH|DELETE|PUT) \| `([^`?]+)", PROTOCOL, re.MULTILINE)
    documented = {(method, path) for method, path in rows}
    shell = re.search(r"the panel; also (.*?) \|", PROTOCOL)
    assert shell
    documented |= {("GET", path) for path in re.findall(r"`([^`]+)`", shell[1])}
    routes = [route for module in daemon_app.ROUTERS for route in module.router.routes if isinstance(route, APIRoute)]
    real = {(method, route.path) for route in routes for method in route.methods if route.include_in_schema}
    assert documented == real


def test_every_query_parameter_is_documented() -> None:
    rows = dict(re.findall(r"^\| GET \| `([^`?]+)(\?[^`]*)?`", PROTOCOL, re.MULTILINE))
    for module in daemon_app.ROUTERS:
        for route in module.router.routes:
            if isinstance(route, APIRoute) and route.include_in_schema and "GET" in route.methods:
                wanted = {f"{field.alias}=" for field in route.dependant.query_params}
                given = set(re.findall(r"\w+=", rows.get(route.path, "")))
                assert given == wanted, route.path


def test_every_setting_and_discovery_field_is_documented() -> None:
    assert set(table(section("The daemon's settings"))) == set(DaemonSettings.__struct_fields__)
    assert set(table(section("Finding the daemon, and the token"))) == set(Discovery.__struct_fields__)
    defaults = table(section("The daemon's settings"), 1)
    for name in DaemonSettings.__struct_fields__:
        default = getattr(DaemonSettings(), name)
        assert defaults[name].replace(",", "") == ("null" if default is None else str(default))


def test_the_numbers_are_the_codes() -> None:
    assert wire.MESSAGE_LIMIT == 8 * 1024 * 1024
    assert "At most 8 MiB a message" in PROTOCOL
    assert f"at most {wire.EVENTS_A_FRAME} events" in PROTOCOL
    assert f"within {wire.HELLO_SECONDS:g} s" in PROTOCOL
    assert f"up to {STATE_LIMIT // 1024} KiB" in PROTOCOL
    assert f"At most {socket.IN_FLIGHT} of a client" in PROTOCOL
    assert f"more than {socket.RESUME_LIMIT:,} notifications old" in PROTOCOL
    for code in (wire.CLOSE_GOING, wire.CLOSE_BAD, wire.CLOSE_UNAUTHORIZED, wire.CLOSE_SLOW):
        assert f"| {code} |" in PROTOCOL
    assert gate.JSON_LIMIT == 32 * 1024 * 1024
    assert "32 MiB of JSON" in SECURITY
    assert gate.UPLOAD_LIMIT == 4 * 1024**3
    assert "4 GiB of upload" in SECURITY


def test_the_security_table_names_tests_that_exist() -> None:
    named = set(re.findall(r"`((?:tests/)?[\w/]*test_\w+\.py)`", SECURITY))
    assert len(named) >= 9
    for name in named:
        path = ROOT / name if name.startswith("tests/") else ROOT / "tests" / "security" / name
        assert path.is_file(), name
    for code in ("bad_host", "bad_origin", "unauthorized", "not_json", "too_large"):
        assert f"`{code}`" in SECURITY
    for path in gate.OPEN:
        assert path.partition(".")[0] in SECURITY
