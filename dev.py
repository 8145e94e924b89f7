#!/usr/bin/env python3
"""Everything a developer does, with nothing but a Python >= 3.11 and its standard library.

    python3 dev.py demo [--once] [--out DIR]   set up, then run the main job on a shipped cut
    python3 dev.py test [--soak] [PYTEST...]   set up, then all checks and tests
    python3 dev.py check                       ruff, mypy and the import contracts only
    python3 dev.py bench [NAME...]             the figures, as ratios to a floor of the same run
    python3 dev.py setup                       only the set-up
    python3 dev.py lock                        resolve both lock files anew (needs uv on PATH)

The set-up makes .venv, installs what requirements.lock names (hashes checked), and installs the project editable; all
but `demo` also install what runs models, from requirements-models.lock and torch (the build pip picks here). `test`
makes .venv-bpy-4.5 and .venv-bpy-5.2, each a Blender as a Python module (1 GB; Python 3.11 and 3.13), with --soak 4.2
and 5.0 too. As root on Debian it also installs Chromium, PostgreSQL, Blender with a virtual screen, and the witnesses
(melt, GStreamer Editing Services, OpenShot) when they are missing; elsewhere it says what to install.
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

BLENDERS = {"4.5": ("3.11", "4.5.15"), "5.2": ("3.13", "5.2.3")}
"""Blender's version -> the Python it needs and its module on PyPI; the tests run in each."""
MORE_BLENDERS = {"4.2": ("3.11", "4.2.23"), "5.0": ("3.11", "5.0.1")}
"""The same for the extended run."""
IN_BLENDER = ("pytest==9.2.0", "pytest-timeout==2.4.0", "hypothesis==6.170.15", "websockets==17.4")
SCREEN = {"blender": "blender", "Xvfb": "xvfb"}
"""Programs for the look at a real window: command -> Debian package."""
LIBRARIES = {
    "libX11.so.6": "libx11-6",
    "libXext.so.6": "libxext6",
    "libXfixes.so.3": "libxfixes3",
    "libXi.so.6": "libxi6",
    "libXrender.so.1": "libxrender1",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libSM.so.6": "libsm6",
    "libGL.so.1": "libgl1",
    "libXxf86vm.so.1": "libxxf86vm1",
    "libgomp.so.1": "libgomp1",
}
"""What Blender's module loads: library -> Debian package."""


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


def interpreter(version: str) -> str | None:
    """Returns a Python of this version that really starts: a shim of pyenv on PATH may not."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"), "versions")
    places = [shutil.which(f"python{version}"), *sorted(pyenv.glob(f"{version}*/bin/python{version}"), reverse=True)]
    for place in [sys.executable, *filter(None, places)]:
        ask = [str(place), "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
        told = subprocess.run(ask, check=False, capture_output=True, text=True)
        if told.returncode == 0 and told.stdout.strip() == version:
            return str(place)
    return None


def blenders(wanted: dict[str, tuple[str, str]]) -> None:
    """Makes an environment for each Blender, side by side, where it is not as it should be.

    What cannot be made is said; it ends the program where REQUIRE_BLENDER is set.
    """
    running = []
    failed = []
    for name, (python, module) in wanted.items():
        folder = ROOT / f".venv-bpy-{name}"
        packages = (f"bpy=={module}", *IN_BLENDER)
        stamp = folder / "genlock-setup"
        own = folder / BIN.relative_to(VENV) / PYTHON.name
        if own.exists() and stamp.exists() and stamp.read_text() == " ".join(packages):
            continue
        if not own.exists():
            found = interpreter(python)
            if found is None or run(found, "-m", "venv", folder):
                failed.append(f"{folder.name} (it needs Python {python})")
                continue
        command = [str(own), "-m", "pip", "install", "--quiet", "--no-compile", *packages]
        say(" ".join(command))
        quiet = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
        running.append((folder, stamp, packages, subprocess.Popen(command, cwd=ROOT, env=quiet)))
    for folder, stamp, packages, process in running:
        if process.wait():
            failed.append(f"{folder.name} (pip failed)")
        else:
            stamp.write_text(" ".join(packages))
    if failed:
        say(
            f"NOT MADE: {', '.join(failed)}. The tests in that Blender are skipped, or fail where REQUIRE_BLENDER is set."
        )
        if os.environ.get("REQUIRE_BLENDER"):
            sys.exit(1)


def screen_packages() -> list[str]:
    """Returns the Debian packages that Blender lacks here: its libraries, a screen, and the program itself."""
    if sys.platform != "linux":
        return []
    missing = [package for name, package in SCREEN.items() if not shutil.which(name)]
    ldconfig = shutil.which("ldconfig") or "/sbin/ldconfig"  # not on the PATH of every user
    if Path(ldconfig).exists():
        known = subprocess.run([ldconfig, "-p"], check=False, capture_output=True, text=True).stdout
        missing += [package for name, package in LIBRARIES.items() if name not in known]
    if not any(Path("/usr/lib").glob("*/dri/swrast_dri.so")):
        missing.append("libgl1-mesa-dri")
    return missing


def system_packages() -> None:
    """Installs what only tests need from Debian, or says what is missing."""
    missing = []
    if not any(shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome")):
        missing.append("chromium")
    if not shutil.which("initdb") and not list(Path("/usr/lib/postgresql").glob("*/bin/initdb")):
        missing.append("postgresql")
    witnesses = [p for name, packages in WITNESSES.items() if not shutil.which(name) for p in packages]
    screen = screen_packages()
    if not missing and not witnesses and not screen:
        return
    apt = shutil.which("apt-get") and hasattr(os, "geteuid") and os.geteuid() == 0
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    if apt:
        run("apt-get", "update", "-qq", **quiet)
    for wanted in (missing, screen, witnesses):  # apart, so that one that cannot be had does not cost the others
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
    blenders({**BLENDERS, **(MORE_BLENDERS if soak else {})})
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
