"""Bundles: .otioz, a zip with content.otio, media/ and version.txt, as OpenTimelineIO writes it; .otiod, such a folder."""

from __future__ import annotations

import os
import re
import shutil
import stat
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, Final
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

import orjson
from msgspec.structs import replace

from genlock.errors import BadInput, MediaError, NotFound
from genlock_otio.door import Limits
from genlock_otio.keeping import Json, schema
from genlock_otio.references import path_of
from genlock_otio.values import Imported

VERSION: Final = b"1.0.0"
RATIO: Final = 200
"""Media hardly compresses: an entry that grows more than this is a bomb."""
_GONE: Final = "media file that does not exist"
_DENIED: Final = "media file outside the allowed folders"
_TAIL: Final = 66_000
"""Bytes at the end of a zip in which its last record lies."""
_ROW: Final = 144
"""Bytes for a file in the list of a zip: 46 and its name."""
_BLOCK: Final = 1 << 20
_MISSING: Final = frozenset({"name", "metadata", "available_range", "available_image_bounds"})

Reader = Callable[[bytes, Path, str, Limits], Imported]


def read_zip(path: Path, limits: Limits, media_folder: Path | None, read_data: Reader) -> Imported:
    """Reads a bundle; its media are unpacked into `media_folder`, or stay inside and are marked missing.

    Raises BadInput(unknown_format, too_large, bad_timeline) besides what the timeline inside raises.
    """
    try:
        _directory(path, limits)
        with ZipFile(path) as bundle:
            entries = _entries(bundle, path, limits)
            data = _content(bundle, entries, path, limits)
            base = (media_folder or path).absolute()
            imported = read_data(data, base, path.stem, limits)
            if media_folder is not None:
                _unpack(bundle, entries, base, path)
    except FileNotFoundError as error:
        raise NotFound("no_such_file", f"{path} does not exist.") from error
    except (BadZipFile, zlib.error, RuntimeError, EOFError, OSError, UnicodeDecodeError) as error:
        raise BadInput("unknown_format", f"{path.name} is no readable .otioz bundle: {error}.") from error
    if media_folder is not None:
        return imported
    inside = str(path.absolute())
    return replace(
        imported, media=tuple(replace(m, missing=True) if m.path.startswith(inside) else m for m in imported.media)
    )


def _directory(path: Path, limits: Limits) -> None:
    """Refuses a bundle with an endless list of files before the list is read: a million take gigabytes and seconds."""
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - _TAIL))
        tail = file.read()
        at = tail.rfind(b"PK\5\6")
        if at < 0 or len(tail) < at + 22:
            return  # the zip library says what is wrong
        long = int.from_bytes(tail[at + 12 : at + 16], "little")
        if long == 0xFFFFFFFF and at >= 20 and tail[at - 20 : at - 16] == b"PK\6\7":
            file.seek(min(size, int.from_bytes(tail[at - 12 : at - 4], "little")))
            long = int.from_bytes(file.read(56)[40:48], "little")
    if long > _ROW * limits.media_files:
        raise BadInput("too_large", f"{path.name} holds more than {limits.media_files} files.")


def _entries(bundle: ZipFile, path: Path, limits: Limits) -> list[ZipInfo]:
    """Returns the entries, each proved to lie inside the bundle and to be no bomb."""
    entries = bundle.infolist()
    if len(entries) > limits.media_files:
        raise BadInput("too_large", f"{path.name} holds more than {limits.media_files} files.")
    if sum(entry.file_size for entry in entries) > limits.media_size:
        raise BadInput("too_large", f"{path.name} unpacks to more than {limits.media_size} bytes.")
    seen: set[str] = set()
    for entry in entries:
        name = entry.filename
        if name in seen:  # programs disagree on which of the two it is
            raise BadInput("bad_timeline", f"{path.name} holds {name!r:.100} twice.")
        seen.add(name)
        parts = PurePosixPath(name.replace("\\", "/")).parts
        if not parts or ".." in parts or parts[0] == "/" or ":" in name or "\0" in name:
            raise BadInput("bad_timeline", f"{path.name} names a file outside of itself: {name!r:.100}.")
        if stat.S_ISLNK(entry.external_attr >> 16):
            raise BadInput("bad_timeline", f"{path.name} holds a link: {name!r:.100}.")
        if entry.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
            raise BadInput("unknown_format", f"{name!r:.100} in {path.name} is packed in a way that bundles never are.")
        if entry.file_size > RATIO * max(entry.compress_size, 1024):
            raise BadInput("too_large", f"{name!r:.100} in {path.name} unpacks to {entry.file_size} bytes.")
    return entries


def _content(bundle: ZipFile, entries: list[ZipInfo], path: Path, limits: Limits) -> bytes:
    entry = next((entry for entry in entries if entry.filename == "content.otio"), None)
    if entry is None:
        raise BadInput("unknown_format", f"{path.name} holds no content.otio.")
    with bundle.open(entry) as file:
        data = file.read(limits.size + 1)
    if len(data) > limits.size:
        raise BadInput("too_large", f"The timeline in {path.name} is larger than {limits.size} bytes.")
    return data


def _unpack(bundle: ZipFile, entries: list[ZipInfo], folder: Path, path: Path) -> None:
    for entry in entries:
        if not entry.filename.startswith("media/") or entry.is_dir():
            continue
        target = folder / entry.filename.replace("\\", "/")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with bundle.open(entry) as source, target.open("wb") as file:
                left = entry.file_size
                while block := source.read(min(_BLOCK, left + 1)):
                    left -= len(block)
                    if left < 0:
                        raise BadInput("too_large", f"{entry.filename!r:.100} in {path.name} is longer than it says.")
                    file.write(block)
        except OSError as error:
            raise MediaError("unwritable_folder", f"{target} cannot be written: {error.strerror or error}.") from error


def pack(
    data: bytes, lost: Callable[[str, str], None], may_pack: Callable[[Path], bool]
) -> tuple[bytes, dict[str, str]]:
    """Returns the timeline of a bundle and its media (path on disk -> name inside); files that do not exist, or that
    `may_pack` denies, become missing references and are noted."""
    timeline = orjson.loads(data)
    files: dict[str, str] = {}
    for clip in _clips(timeline["tracks"]):
        references = clip["media_references"]
        for key, ref in references.items():
            references[key] = _packed(ref, files, lost, may_pack, str(clip.get("name")))
    return orjson.dumps(timeline, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE), files


def write_zip(path: Path, data: bytes, files: Mapping[str, str]) -> None:
    """Writes an .otioz."""
    with ZipFile(path, "w", ZIP_STORED, allowZip64=True) as bundle:
        bundle.writestr("content.otio", data, ZIP_DEFLATED)
        bundle.writestr("version.txt", VERSION)
        for source, name in files.items():
            with (
                Path(source).open("rb") as file,
                bundle.open(ZipInfo(name, (1980, 1, 1, 0, 0, 0)), "w", force_zip64=True) as to,
            ):
                shutil.copyfileobj(file, to, _BLOCK)


def write_folder(path: Path, data: bytes, files: Mapping[str, str]) -> None:
    """Writes an .otiod: the same in a folder."""
    path.mkdir()
    (path / "content.otio").write_bytes(data)
    (path / "version.txt").write_bytes(VERSION)
    for source, name in files.items():
        target = path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)


def _packed(
    ref: Any, files: dict[str, str], lost: Callable[[str, str], None], may_pack: Callable[[Path], bool], clip: str
) -> Any:
    """Returns the reference as it stands in the bundle."""
    if schema(ref) != "ExternalReference":
        return _run_packed(ref, files, lost, may_pack, clip) if schema(ref) == "ImageSequenceReference" else ref
    path = path_of(str(ref.get("target_url") or ""), Path.cwd())
    is_there = bool(path) and "://" not in path and Path(path).is_file()
    if not is_there or not may_pack(Path(path)):
        lost(_DENIED if is_there else _GONE, clip)
        gone = {key: value for key, value in ref.items() if key != "target_url"}
        return {**gone, "OTIO_SCHEMA": "MissingReference.1"}
    if path not in files:
        taken = set(files.values())
        stem, suffix = Path(path).stem, Path(path).suffix
        stem = re.sub(r"[^\w .-]", "_", stem) or "media"
        names = (f"media/{stem}{f'_{n}' if n else ''}{suffix}" for n in range(len(taken) + 1))
        files[path] = next(name for name in names if name not in taken)
    return {**ref, "target_url": files[path]}


def _run_packed(
    ref: Json, files: dict[str, str], lost: Callable[[str, str], None], may_pack: Callable[[Path], bool], clip: str
) -> Json:
    """Packs a numbered run of images, whole, into a folder of its own; OpenTimelineIO's own bundles leave it out."""
    folder = Path(path_of(str(ref.get("target_url_base") or ""), Path.cwd()))
    prefix, suffix = str(ref.get("name_prefix") or ""), str(ref.get("name_suffix") or "")
    wide = ref.get("frame_zero_padding")
    number = re.compile(
        re.escape(prefix) + rf"-?\d{{{wide if isinstance(wide, int) and wide > 0 else 1},}}" + re.escape(suffix)
    )
    try:
        with os.scandir(folder) as entries:
            images = sorted(entry.path for entry in entries if number.fullmatch(entry.name) and entry.is_file())
    except OSError:
        images = []
    if not images or not all(may_pack(Path(image)) for image in images):
        lost(_DENIED if images else _GONE, clip)
        return {**{key: ref[key] for key in ref.keys() & _MISSING}, "OTIO_SCHEMA": "MissingReference.1"}
    inside = PurePosixPath(files[images[0]]).parent if images[0] in files else _free_folder(prefix, files)
    for image in images:
        files[image] = str(inside / Path(image).name)
    return {**ref, "target_url_base": f"{inside}/"}


def _free_folder(prefix: str, files: Mapping[str, str]) -> PurePosixPath:
    taken = {str(PurePosixPath(name).parent) for name in files.values()} | set(files.values())
    stem = re.sub(r"[^\w -]", "_", prefix).strip("_ ") or "images"
    names = (f"media/{stem}{f'_{n}' if n else ''}" for n in range(len(taken) + 1))
    return PurePosixPath(next(name for name in names if name not in taken))


def _clips(composition: Json) -> list[Json]:
    """Returns the clips of a composition, nested ones too."""
    found: list[Json] = []
    waiting = [composition]
    while waiting:
        for child in waiting.pop().get("children", ()):
            if "media_references" in child:
                found.append(child)
            elif "children" in child:
                waiting.append(child)
    return found
