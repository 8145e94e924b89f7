"""Which files the daemon may open for whoever asks: those below roots that the person at the machine chose."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from genlock.application.commands import Command
from genlock.errors import AccessError, BadInput, NotFound
from genlock.media import numbered
from genlock.project.commands import ChangeSettings, CreateProject, QueueJob
from genlock.project.request import GenerationRequest

LONGEST = 4096


class Roots:
    """The allowed folders. Hidden folders below one (`~/.ssh`) are not part of it; a hidden folder can be a root itself."""

    def __init__(self, folders: Iterable[Path | str]) -> None:
        self.folders = tuple(dict.fromkeys(Path(folder).expanduser().resolve() for folder in folders))

    def allows(self, path: Path) -> bool:
        """Whether a resolved path lies below a root."""
        return any(
            path.is_relative_to(root) and not any(part.startswith(".") for part in path.relative_to(root).parts)
            for root in self.folders
        )

    def resolve(self, text: str) -> Path:
        """Returns the real path of an absolute one, links followed.

        Raises BadInput(bad_value) for what is no absolute path, AccessError(outside_roots) for one outside the roots.
        """
        if not text or len(text) > LONGEST or "\0" in text:
            raise BadInput("bad_value", "That is not a path.")
        if any("\ud800" <= character <= "\udfff" for character in text):
            raise BadInput("bad_value", f"{text!r} is no text: give the file or its folder another name.")
        try:
            path = Path(text).expanduser()
            if not path.is_absolute():
                raise BadInput("bad_value", f"{text!r} is not an absolute path.")
            resolved = path.resolve()
        except (OSError, RuntimeError, ValueError) as error:
            raise BadInput("bad_value", f"{text!r} cannot be resolved: {error}.") from error
        if not self.allows(resolved):
            raise AccessError("outside_roots", f"{text!r} lies outside the folders the daemon may use.")
        return resolved

    def readable(self, text: str) -> Path:
        """Returns the real path of a plain file; raises as `resolve` does, and NotFound(no_such_file)."""
        path = self.resolve(text)
        if not is_plain_file(path):
            raise NotFound("no_such_file", f"There is no file {text!r}.")
        return path

    def medium(self, text: str) -> Path:
        """Returns the real path of a plain file, or of numbered images: `name.%04d.exr`, `name.####.exr`,
        `name.[1001-1099].exr` or a folder of them.

        Each image must be a plain file below the roots itself. Raises as `resolve` does, NotFound(no_such_file) and
        MediaError(media_missing) for a pattern or folder without images.
        """
        path = self.resolve(text)
        if is_plain_file(path):
            return path
        try:
            run = numbered.find(path)
        except OSError as error:
            raise NotFound("no_such_file", f"{text!r} cannot be looked into: {error.strerror}.") from error
        if run is None:
            raise NotFound("no_such_file", f"There is no file {text!r}.")
        for image in run.paths:
            if image.name.startswith(".") or not is_plain_file(image):
                raise AccessError(
                    "outside_roots", f"{str(image)!r} is not a plain file in a folder the daemon may use."
                )
        return path

    def writable(self, text: str, suffixes: tuple[str, ...]) -> Path:
        """Returns a real path that may be written: its folder exists, its suffix is one of `suffixes`, and what is there
        already is a plain file. Raises as `resolve` does, BadInput(bad_name) and NotFound(no_such_file)."""
        path = self.resolve(text)
        if path.suffix.lower() not in suffixes:
            raise BadInput(
                "bad_name",
                f"The file must end in {', '.join(suffixes)}, not {path.suffix or 'nothing'!r}.",
                hint="Its suffix says the format.",
            )
        if not path.parent.is_dir():
            raise NotFound("no_such_file", f"There is no folder {str(path.parent)!r}.")
        if path.exists() and not is_plain_file(path):
            raise BadInput("bad_name", f"{text!r} is not a plain file.")
        return path

    def check_command(self, command: Command) -> None:
        """Raises AccessError(outside_roots) when a command would make the daemon use a file outside the roots."""
        for text in command_paths(command):
            self.resolve(text)


def command_paths(command: Command) -> Iterator[str]:
    """Yields the paths of a command that the daemon would open or write to."""
    match command:
        case QueueJob(request=request, output=output):
            yield output
            yield from request_paths(request)
        case CreateProject(settings=settings):
            if settings.folder:
                yield settings.folder
        case ChangeSettings(settings=patch):
            if isinstance(patch.folder, str) and patch.folder:
                yield patch.folder
        case _:
            return


def request_paths(request: GenerationRequest) -> Iterator[str]:
    """Yields the files a request reads."""
    yield from (path for path in (request.source, request.after, request.audio, request.mask) if path)
    yield from (condition.path for condition in (*request.conditioning, *request.references))
    yield from (selection.mask for selection in request.selections if selection.mask)
    yield from _settings_paths(request.settings)


def _settings_paths(settings: dict[str, Any]) -> Iterator[str]:
    """Yields the files and folders that an engine's own settings name: LoRAs, and models given as a folder."""
    loras = settings.get("loras")
    for lora in loras if isinstance(loras, list | tuple) else ():
        path = lora.get("path") if isinstance(lora, dict) else None
        if path and isinstance(path, str):
            yield path
    for name in ("model", "autoencoder"):
        text = settings.get(name)
        if isinstance(text, str) and text and Path(text).is_absolute():
            yield text


def is_plain_file(path: Path) -> bool:
    """Whether the path is a regular file, not a link, pipe or device (which could hang whoever opens it)."""
    try:
        return stat.S_ISREG(os.lstat(path).st_mode)
    except (OSError, ValueError):
        return False


def media_type(path: Path) -> tuple[str, bool]:
    """Returns the content type for a media file and whether a browser may show it; anything unknown (HTML and SVG
    above all) is a download."""
    known = _TYPES.get(path.suffix.lower())
    return (known, True) if known else ("application/octet-stream", False)


_TYPES = {
    ".mov": "video/quicktime",
    ".mp4": "video/mp4",
    ".m4v": "video/mp4",
    ".mkv": "video/x-matroska",
    ".webm": "video/webm",
    ".mxf": "application/mxf",
    ".wav": "audio/wav",
    ".mp3": "audio/mpeg",
    ".m4a": "audio/mp4",
    ".aac": "audio/aac",
    ".flac": "audio/flac",
    ".aif": "audio/aiff",
    ".aiff": "audio/aiff",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".webp": "image/webp",
}
