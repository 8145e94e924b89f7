"""The house rules of CONTRIBUTING.md, as tests. Do not raise a limit to pass: split the room."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = (
    "core/genlock",
    "core/genlock_client",
    "otio_adapters/genlock_otio",
    "resolve_plugin",
    "blender_addon",
    "web_panel/genlock_web",
)
SOURCES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))
MODULE_LINES = 500
FUNCTION_LINES = 80
FUNCTION_LINES_P95 = 40
SAYS_NOTHING = re.compile(r"(^|_)(utils?|helpers?|managers?|common|misc)(_|$)")

CATCH_ALLS = {
    # file -> how many; each stands at the boundary of a request, a background task or a plug-in call
    "blender_addon/genlock_blender/bridge.py": 1,  # plug-in: a timer that raises is never called again
    "core/genlock/application/application.py": 1,  # plug-in: a subscriber must never stop the writer
    "core/genlock/application/commit.py": 1,  # request: one command must not end the thread that writes for all
    "core/genlock/application/jobs.py": 1,  # background task: costs this job, not the queue
    "core/genlock/application/snapshots.py": 1,  # background task: a snapshot is a shortcut
    "core/genlock/application/writer.py": 1,  # background task: every caller gets an answer
    "core/genlock/daemon/socket.py": 1,  # request: one command must not end the session
    "core/genlock/daemon/tasks.py": 1,  # background task: must end as failed
    "core/genlock/daemon/watching.py": 1,  # background task: one odd file must not end the watching of all others
    "core/genlock/generation/film.py": 1,  # background task: an encoder that ends silently leaves its engine waiting
    "core/genlock/generation/planner.py": 1,  # plug-in: another engine may still do
    "core/genlock/generation/slot.py": 1,  # background task: costs this job, not the lane
    "core/genlock/generation/worker.py": 1,  # plug-in: an engine may raise anything
    "core/genlock/media/child.py": 1,  # request: foreign media may raise anything
}


def trees() -> list[tuple[Path, ast.Module]]:
    return [(path, ast.parse(path.read_text())) for path in SOURCES]


def functions(tree: ast.AST) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def length(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def test_modules_stay_under_500_lines() -> None:
    assert not [f"{path} {n}" for path in SOURCES if (n := path.read_text().count("\n")) > MODULE_LINES]


def test_functions_stay_under_80_lines_and_mostly_under_40() -> None:
    sizes = [(length(f), f"{path}:{f.lineno} {f.name}") for path, tree in trees() for f in functions(tree)]
    assert not [row for row in sizes if row[0] > FUNCTION_LINES]
    ordered = sorted(sizes)
    assert ordered[len(ordered) * 95 // 100][0] <= FUNCTION_LINES_P95


def test_no_module_has_a_name_that_says_nothing() -> None:
    assert not [path for path in [*SOURCES, *TESTS] if SAYS_NOTHING.search(path.stem)]


def catches_all(node: ast.AST) -> bool:
    """Whether a handler takes any error and keeps it: one that cleans up and raises again does not."""
    if not isinstance(node, ast.ExceptHandler) or isinstance(node.body[-1], ast.Raise):
        return False
    return node.type is None or (isinstance(node.type, ast.Name) and node.type.id in ("Exception", "BaseException"))


def test_catch_alls_stand_at_named_boundaries_only() -> None:
    counts = {str(path.relative_to(ROOT)): sum(map(catches_all, ast.walk(tree))) for path, tree in trees()}
    assert {name: count for name, count in counts.items() if count} == CATCH_ALLS


def test_nothing_is_left_for_later() -> None:
    word = re.compile(r"\b(TODO|FIXME|XXX|HACK|NotImplementedError)\b")
    lines = [(path, n, line) for path in SOURCES for n, line in enumerate(path.read_text().split("\n"), 1)]
    assert not [f"{path}:{n}" for path, n, line in lines if word.search(line)]


def test_no_mocks() -> None:
    banned = re.compile(r"\b(unittest\.mock|from unittest import mock|MagicMock|mocker)\b")
    assert not [path for path in TESTS if path != Path(__file__) and banned.search(path.read_text())]


def test_nothing_refers_to_the_workplace() -> None:
    outside = re.compile(r"\.\./shared|/work/")
    files = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    texts = [ROOT / f for f in files if f.endswith((".py", ".md", ".toml", ".yml", ".sh")) and (ROOT / f).exists()]
    assert not [path for path in texts if path != Path(__file__) and outside.search(path.read_text())]


HEAVY = ("torch", "diffusers", "transformers", "cv2", "av", "opentimelineio", "numpy", "PIL")


@pytest.mark.parametrize(
    ("module", "banned"),
    [
        ("genlock.cli.main", (*HEAVY, "fastapi", "eventsourcing", "uvicorn", "pydantic")),
        ("genlock.daemon.server", HEAVY),
        ("genlock.daemon.app", HEAVY),
        ("genlock_client", ("genlock", "msgspec", "fastapi", *HEAVY)),
        ("genlock_otio", ("opentimelineio", "torch", "cv2", "av", "numpy")),
    ],
)
def test_importing_stays_light(module: str, banned: tuple[str, ...]) -> None:
    code = f"import sys, {module}; print(*[m for m in {banned!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []


def test_import_contracts_hold() -> None:
    tool = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([tool, "--no-logo"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_pure_packages_never_touch_clock_or_randomness() -> None:
    banned = re.compile(r"^\s*(import|from) (time|random|datetime|os|pathlib|uuid|secrets)\b", re.MULTILINE)
    pure = [p for p in SOURCES if "genlock/timeline" in str(p) or "genlock/project" in str(p)]
    found = [f"{p.name}: {m.group(0).strip()}" for p in pure for m in banned.finditer(p.read_text())]
    assert [row for row in found if "from uuid" not in row] == []
