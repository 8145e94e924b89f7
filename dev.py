#!/usr/bin/env python3
"""Everything a developer does, with nothing but a Python >= 3.11 and its standard library.

    python3 dev.py demo [--once] [--out DIR]   set up, then run the main job on a shipped cut
    python3 dev.py test [--soak] [PYTEST...]   set up, then all checks and tests
    python3 dev.py check                       ruff, mypy and the import contracts only
    python3 dev.py bench [NAME...]             the figures, as ratios to a floor of the same run
    python3 dev.py setup                       only the set-up
    python3 dev.py lock                        resolve both lock files anew (needs uv on PATH)

The set-up makes .venv, installs what requirements.lock names (hashes checked), and installs the project editable; all
but `demo` also install what runs models, from requirements-models.lock and torch (the build pip picks here). As root
on Debian `test` also installs Chromium, PostgreSQL and the witnesses (melt, GStreamer Editing Services, OpenShot)
when they are missing; elsewhere it says what to install.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = BIN / ("python.exe" if os.name == "nt" else "python")
STAMP = VENV / "genlock-setup"
LOCK = ROOT / "requirements.lock"
MODELS_LOCK = ROOT / "requirements-models.lock"
TORCH = "torch==2.13.0"
"""Not in the lock: which build fits (CPU, CUDA, Metal) is the machine's matter, and so are the hashes."""
CUDA = ("bindings", "pathfinder", "toolkit")
NVIDIA = (
    *("cublas", "cuda-cupti", "cuda-nvrtc", "cuda-runtime", "cudnn-cu13", "cufft", "cufile", "curand", "cusolver"),
    *("cusparse", "cusparselt-cu13", "nccl-cu13", "nvjitlink", "nvshmem-cu13", "nvtx"),
)
OF_TORCH = ("torch", "triton", *(f"cuda-{part}" for part in CUDA), *(f"nvidia-{part}" for part in NVIDIA))
GSTREAMER = tuple(f"gstreamer1.0-{part}" for part in ("plugins-base", "plugins-good", "plugins-bad", "libav"))
WITNESSES = {"melt": ("melt",), "ges-launch-1.0": ("ges1.0-tools", *GSTREAMER), "openshot-qt": ("openshot-qt",)}
"""Programs no one here wrote that render or read what we export: command -> Debian packages."""


def say(text: str) -> None:
    print(f"dev.py: {text}", flush=True)


def run(*command: str | Path, **env: str) -> int:
    """Runs a command in the repository and returns its exit code."""
    say(" ".join(str(part) for part in command))
    return subprocess.run([str(part) for part in command], cwd=ROOT, env={**os.environ, **env}, check=False).returncode


def must(*command: str | Path, **env: str) -> None:
    """Runs a command and ends the program with its exit code when it fails."""
    code = run(*command, **env)
    if code:
        sys.exit(code)


def find_python() -> str:
    """Returns an interpreter that can make the environment: this one, or a newer one on PATH."""
    if sys.version_info >= (3, 11):
        return sys.executable
    for name in ("python3.11", "python3.12", "python3.13", "python3.14"):
        found = shutil.which(name)
        if found and subprocess.run([found, "-c", "pass"], check=False, capture_output=True).returncode == 0:
            return found
    sys.exit("dev.py: Genlock needs Python 3.11 or newer; install it and run this again.")


def setup(*, models: bool = True) -> None:
    """Makes .venv as the lock files say; does nothing when it already is. `models` installs what runs them as well."""
    lock = [LOCK, MODELS_LOCK] if models else [LOCK]
    content = b"".join(file.read_bytes() for file in (*lock, ROOT / "pyproject.toml"))
    wanted = hashlib.sha256(content + TORCH.encode() + str(ROOT).encode()).hexdigest()
    done = STAMP.read_text().split() if STAMP.exists() else []
    if wanted in done and PYTHON.exists():
        return
    if not PYTHON.exists():
        must(find_python(), "-m", "venv", VENV)
    quiet = {"PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    pip = (PYTHON, "-m", "pip", "install", "--quiet")
    for file in lock:  # complete, so --no-deps: torch is the one dependency that is not in them
        must(*pip, "--require-hashes", "--no-deps", "-r", file, **quiet)
    if models:
        must(*pip, TORCH, **quiet)
    must(*pip, "--no-deps", "--no-build-isolation", "-e", ROOT, **quiet)
    STAMP.write_text("\n".join([*done[-3:], wanted]))


def relock() -> int:
    """Resolves both lock files; returns an exit code."""
    uv = ("uv", "pip", "compile", "pyproject.toml", "--universal", "--python-version", "3.11", "--generate-hashes")
    quiet = ("--no-emit-package", "genlock", "--quiet")
    without = [part for name in OF_TORCH for part in ("--no-emit-package", name)]
    code = run(*uv, *quiet, "--group", "dev", "-o", LOCK.name)
    return code or run(*uv, *quiet, *without, "--extra", "models", "--constraint", LOCK.name, "-o", MODELS_LOCK.name)


def system_packages() -> None:
    """Installs what only tests need from Debian, or says what is missing."""
    missing = []
    if not any(shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome")):
        missing.append("chromium")
    if not shutil.which("initdb") and not list(Path("/usr/lib/postgresql").glob("*/bin/initdb")):
        missing.append("postgresql")
    witnesses = [p for name, packages in WITNESSES.items() if not shutil.which(name) for p in packages]
    if not missing and not witnesses:
        return
    apt = shutil.which("apt-get") and hasattr(os, "geteuid") and os.geteuid() == 0
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    if apt:
        run("apt-get", "update", "-qq", **quiet)
    for wanted in (missing, witnesses):  # apart, so that one that cannot be had does not cost the others
        install = ("apt-get", "install", "-y", "-qq", "--no-install-recommends", *wanted)
        if wanted and not (apt and run(*install, **quiet) == 0):
            say(
                f"NOT INSTALLED: {', '.join(wanted)}. Tests that need them are skipped, or fail where REQUIRE_* is set."
            )


def check() -> None:
    """Runs the static checks; each must be clean."""
    must(PYTHON, "-m", "ruff", "check", ".")
    must(PYTHON, "-m", "ruff", "format", "--check", ".")
    must(PYTHON, "-m", "mypy")
    must(BIN / "lint-imports", "--no-logo")


def test(soak: bool, extra: list[str]) -> int:
    """Runs checks and tests and returns pytest's exit code."""
    system_packages()
    check()
    select = [] if soak else ["-m", "not slow"]
    spread = [] if extra else ["-n", str(min(4, os.cpu_count() or 1)), "--dist", "loadfile"]
    return run(PYTHON, "-m", "pytest", *select, *spread, *extra)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("job", choices=["demo", "test", "check", "bench", "setup", "lock"])
    options, rest = parser.parse_known_args()
    if options.job == "lock":
        return relock()
    setup(models=options.job != "demo")
    if options.job == "test":
        soak = "--soak" in rest
        return test(soak, [part for part in rest if part != "--soak"])
    if options.job == "check":
        check()
    if options.job in ("demo", "bench"):
        return run(PYTHON, "-m", "genlock", options.job, *rest)
    return 0


if __name__ == "__main__":
    sys.exit(main())
