"""The extension as one zip: the add-on, its manifest, its licence and the wheels it needs; equal sources, equal bytes."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import io
import re
import zipfile
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from hashlib import blake2b, sha256
from pathlib import Path
from typing import Any, Final, NamedTuple

import genlock
from genlock.errors import GenlockError

ID: Final = "genlock"
"""The extension's id; Blender loads it as `bl_ext.<repository>.genlock`."""
MANIFEST: Final = "blender_manifest.toml"
EPOCH: Final = (1980, 1, 1, 0, 0, 0)
COMPILED: Final = (".so", ".pyd", ".dylib", ".dll", ".c", ".pyc", ".pyo")
LEFT_OUT: Final = frozenset({"INSTALLER", "REQUESTED", "RECORD", "WHEEL", "direct_url.json", "entry_points.txt"})
"""What an installer wrote, what is written anew, and programs that Blender has no place for."""
WHEEL: Final = b"Wheel-Version: 1.0\nGenerator: genlock\nRoot-Is-Purelib: true\nTag: py3-none-any\n"

Files = dict[str, bytes]
"""The members of an archive: path with forward slashes -> content."""


class Extension(NamedTuple):
    """The extension, ready to be written or sent. `name` is the file's name; `manifest` what blender_manifest.toml says."""

    version: str
    name: str
    content: bytes
    manifest: dict[str, Any]


def build(version: str = "") -> Extension:
    """Returns the extension of the installed add-on; `version` is Genlock's own unless given.

    Raises GenlockError(blender_package) when a part of it is not installed as it should be.
    """
    import tomllib

    version = version or genlock.__version__
    wheels = {f"wheels/{name}": content for name, content in (websockets_wheel(), client_wheel(version))}
    addon = sources("genlock_blender")
    manifest = _manifest(addon.pop(MANIFEST, b"").decode(), version, list(wheels))
    members = {MANIFEST: manifest.encode(), **addon, "LICENSE": _licence(), **wheels}
    return Extension(version, f"{ID}-{version}.zip", archive(members), tomllib.loads(manifest))


def digest() -> str:
    """Returns what stands for all that `build` reads: it differs when the extension would."""
    found = blake2b(genlock.__version__.encode(), digest_size=16)
    for package in ("genlock_blender", "genlock_client"):
        for path, content in sources(package).items():
            found.update(f"{package}/{path} {len(content)}\n".encode() + content)
    found.update(importlib.metadata.version("websockets").encode())
    return found.hexdigest()


def sources(package: str) -> Files:
    """Returns the files of an installed package by path in it. Raises GenlockError(blender_package) when it is absent."""
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise GenlockError("blender_package", f"The package {package} is not installed.")
    folder = Path(next(iter(spec.submodule_search_locations)))
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and _belongs(path.relative_to(folder)))
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def websockets_wheel() -> tuple[str, bytes]:
    """Returns the name and the bytes of a wheel of the installed `websockets` without its compiled parts.

    The library runs without them. Raises GenlockError(blender_package) when its files are not on record.
    """
    try:
        found = importlib.metadata.distribution("websockets")
    except importlib.metadata.PackageNotFoundError:
        raise GenlockError("blender_package", "The package websockets is not installed.") from None
    information = f"websockets-{found.version}.dist-info"
    members: Files = {}
    for path in found.files or ():
        name = path.as_posix()
        inside = name.startswith(("websockets/", information + "/"))
        if inside and _belongs(Path(name)) and not name.endswith(COMPILED) and path.name not in LEFT_OUT:
            members[name] = Path(str(path.locate())).read_bytes()
    if f"{information}/METADATA" not in members or not any(name.startswith("websockets/") for name in members):
        raise GenlockError("blender_package", "Which files belong to websockets is not on record.")
    return wheel("websockets", found.version, members)


def client_wheel(version: str) -> tuple[str, bytes]:
    """Returns the name and the bytes of a wheel of `genlock_client`.

    Its version carries a digest of its content: Blender keeps an unpacked wheel when one of the same name comes.
    """
    members = {f"genlock_client/{path}": content for path, content in sources("genlock_client").items()}
    sums = "".join(f"{path} {sha256(content).hexdigest()}\n" for path, content in sorted(members.items()))
    own = f"{version}+{blake2b(sums.encode(), digest_size=5).hexdigest()}"
    metadata = (
        f"Metadata-Version: 2.4\nName: genlock-client\nVersion: {own}\n"
        "Summary: What a host needs to work with a Genlock daemon\nLicense-Expression: Apache-2.0\n"
        "Requires-Python: >=3.8\nRequires-Dist: websockets\n"
    )
    return wheel("genlock_client", own, {**members, f"genlock_client-{own}.dist-info/METADATA": metadata.encode()})


def wheel(name: str, version: str, members: Mapping[str, bytes]) -> tuple[str, bytes]:
    """Returns the file name and the bytes of a pure wheel with these members; WHEEL and RECORD are written here."""
    information = f"{name}-{version}.dist-info"
    whole = {**members, f"{information}/WHEEL": WHEEL}
    rows = [f"{path},sha256={_record(content)},{len(content)}\n" for path, content in sorted(whole.items())]
    record = f"{information}/RECORD"
    whole[record] = ("".join(rows) + f"{record},,\n").encode()
    return f"{name}-{version}-py3-none-any.whl", archive(whole)


def archive(members: Mapping[str, bytes]) -> bytes:
    """Returns a zip of the members: sorted, without times or owners, wheels not packed a second time."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as zipped:
        for path, content in sorted(members.items()):
            member = zipfile.ZipInfo(path, EPOCH)
            member.create_system = 3  # as on POSIX, whatever this system is
            member.external_attr = 0o644 << 16
            member.compress_type = zipfile.ZIP_STORED if path.endswith(".whl") else zipfile.ZIP_DEFLATED
            zipped.writestr(member, content, compresslevel=9)
    return out.getvalue()


def _belongs(path: Path) -> bool:
    return "__pycache__" not in path.parts and not any(part.startswith(".") for part in path.parts)


def _record(content: bytes) -> str:
    return urlsafe_b64encode(sha256(content).digest()).rstrip(b"=").decode()


def _manifest(template: str, version: str, wheels: list[str]) -> str:
    """Returns the manifest with this version and these wheels; its other lines stay as the add-on has them."""
    listed = "".join(f'    "./{path}",\n' for path in wheels)
    text, versions = re.subn(r"(?m)^version = .*$", f'version = "{version}"', template)
    text, places = re.subn(r"(?m)^wheels = .*$", lambda _: f"wheels = [\n{listed}]", text)
    if versions != 1 or places != 1:
        raise GenlockError("blender_package", f"{MANIFEST} must have one line `version = ...` and one `wheels = ...`.")
    return text


def _licence() -> bytes:
    """Returns the text of the add-on's licence, which the installed package keeps beside its metadata."""
    for path in importlib.metadata.distribution("genlock").files or ():
        if path.as_posix().endswith("licenses/blender_addon/LICENSE"):
            return Path(str(path.locate())).read_bytes()
    raise GenlockError("blender_package", "The add-on's licence is not among Genlock's installed files.")
