"""Fetches models from where they are published: resumable to the byte, checked by hash, pinned to a commit.

A model is put together in a hidden folder beside its place and takes its place when it is whole, so nobody ever finds
half of one. huggingface_hub asks, authenticates and transfers; its own downloads forget what they had when they are
killed, so the files that are on the way are kept here.
"""

from __future__ import annotations

import errno
import hashlib
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct

from genlock.errors import BadInput, GenerationError, Refused, StoreError
from genlock.generation.models import weights
from genlock.generation.models.catalog import Entry
from genlock.generation.models.library import RECORD, Library, Model
from genlock.generation.models.library import staging as staging_folder

MARGIN: Final = 1 << 30
"""Bytes that stay free on the disk beyond the model's own."""

ATTEMPTS: Final = 5
"""How often a file is gone on with that makes no headway."""

_CHUNK: Final = 1 << 22

Report = Callable[[int, int, str], object]
"""Called with bytes done, bytes in all, and the file at hand."""
Free = Callable[[Path], int]


class File(Struct, frozen=True, omit_defaults=True):
    """A file of a model: `sha256` for those the hub states it for (weights), else `blob`, the git object's SHA-1."""

    path: str
    size: int
    sha256: str = ""
    blob: str = ""


class Record(Struct, frozen=True, omit_defaults=True):
    """What was pulled, written beside the files. `revision` is a commit."""

    name: str
    repository: str
    revision: str
    licence: str
    files: tuple[File, ...]

    @property
    def bytes(self) -> int:
        return sum(file.size for file in self.files)


def record(folder: Path) -> Record | None:
    """Returns what a folder's record says, None when there is none. Raises GenerationError(model_broken)."""
    path = folder / RECORD
    try:
        return msgspec.json.decode(path.read_bytes(), type=Record)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, msgspec.DecodeError) as error:
        raise GenerationError("model_broken", f"{path} cannot be read: {error}.") from error


def look(entry: Entry, revision: str) -> Record:
    """Asks what a model's files are at a revision (branch, tag or commit).

    Raises GenerationError(hub_unreachable, licence, unsafe_weights, model_broken), BadInput(bad_value) for a revision that
    is not there.
    """
    with _told(entry, revision):
        from huggingface_hub import HfApi

        info = HfApi(library_name="genlock").model_info(
            entry.repository, revision=revision, files_metadata=True, timeout=30
        )
    paths = [sibling.rfilename for sibling in info.siblings or ()]
    _refuse_pickles(entry, paths)
    files = tuple(
        File(s.rfilename, s.size or 0, sha256=s.lfs.sha256 if s.lfs else "", blob="" if s.lfs else s.blob_id or "")
        for s in info.siblings or ()
        if entry.takes(s.rfilename)
    )
    if info.sha is None or not any(file.path.endswith(".safetensors") for file in files):
        raise GenerationError("model_broken", f"{entry.repository} holds no weights of {entry.name} at {revision}.")
    return Record(entry.name, entry.repository, info.sha, entry.licence.name, files)


def pull(
    entry: Entry,
    library: Library,
    revision: str | None = None,
    report: Report = lambda done, total, file: None,
    free: Free = lambda folder: shutil.disk_usage(folder).free,
) -> Model:
    """Fetches a model into the library and returns it; does nothing when it is here and whole.

    Without a revision: the catalog's, else the one it was pulled at before, else the newest. Raises as `look` and
    GenerationError(no_space), StoreError(store_unwritable), Refused(in_use, wrong_state).
    """
    home = library.home / entry.name
    if library.folder(entry.name) != home:
        raise Refused(
            "wrong_state",
            f"{entry.name} is given as {library.folder(entry.name)}.",
            hint=f"`genlock models path {entry.name} --forget` first.",
        )
    here = record(home) if home.is_dir() else None
    if home.is_dir() and here is None and any(home.iterdir()):
        raise Refused("wrong_state", f"{home} was not pulled and would be replaced.", hint="Move it away first.")
    staging = staging_folder(library, entry.name)
    begun = _begun(staging)
    wanted = revision or entry.revision or (begun.revision if begun else here.revision if here else "main")
    if here is not None and here.revision == wanted and whole(home, here):
        return library.require(entry.name)
    listing = begun if begun is not None and begun.revision == wanted else look(entry, wanted)
    if here is not None and here.revision == listing.revision and whole(home, here):
        return library.require(entry.name)
    with _writing(library.home), _alone(staging):
        _prepare(staging, listing, here, home)
        _check_room(entry, listing, staging, free)
        _fetch_all(entry, listing, staging, report)
        _put(staging, home)
    return library.require(entry.name)


def whole(folder: Path, listing: Record) -> bool:
    """Whether every file of a record is there with its size."""
    return all(_size(folder / file.path) == file.size for file in listing.files)


def digest(path: Path, file: File) -> bool:
    """Whether a file's content is what its record states; true when it states nothing."""
    if file.sha256:
        sum_ = hashlib.sha256()
    elif file.blob:
        sum_ = hashlib.sha1(f"blob {file.size}\0".encode(), usedforsecurity=False)
    else:
        return True
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            sum_.update(chunk)
    return sum_.hexdigest() == (file.sha256 or file.blob)


def remaining(listing: Record, staging: Path) -> int:
    """Returns the bytes still to fetch."""
    return listing.bytes - sum(_fetched(staging, file) for file in listing.files)


def _begun(staging: Path) -> Record | None:
    try:
        return record(staging)
    except GenerationError:
        shutil.rmtree(staging)  # nothing says any more what lies in it
        return None


def _fetched(staging: Path, file: File) -> int:
    whole = _size(staging / file.path)
    return whole if whole >= 0 else max(0, _size(_part(staging, file)))


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else -1


def _part(staging: Path, file: File) -> Path:
    return staging / f"{file.path}.part"


def _prepare(staging: Path, listing: Record, here: Record | None, home: Path) -> None:
    """Makes the folder for this commit; what an older copy shares with it is linked, not fetched."""
    begun = _begun(staging)
    if begun is not None and begun.revision != listing.revision:
        for file in begun.files:  # other files of that name may be meant
            _part(staging, file).unlink(missing_ok=True)
            (staging / file.path).unlink(missing_ok=True)
    written = staging / f".{RECORD}"
    written.write_bytes(msgspec.json.format(msgspec.json.encode(listing)))
    written.replace(staging / RECORD)
    held = {(file.path, file.sha256 or file.blob) for file in here.files} if here else set()
    for file in listing.files:
        path = staging / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        known = (file.path, file.sha256 or file.blob) in held and bool(file.sha256 or file.blob)
        if known and not path.exists() and _size(home / file.path) == file.size and digest(home / file.path, file):
            try:
                path.hardlink_to(home / file.path)
            except OSError:  # a file system without links
                shutil.copyfile(home / file.path, path)


def _check_room(entry: Entry, listing: Record, staging: Path, free: Free) -> None:
    needed, there = remaining(listing, staging), free(staging)
    if needed and there < needed + MARGIN:
        raise GenerationError(
            "no_space",
            f"{entry.name} needs {needed / 1e9:.1f} GB more, with {MARGIN / 1e9:.1f} GB kept free, and "
            f"{staging.parent} has {there / 1e9:.1f} GB.",
            needed=needed + MARGIN,
            free=there,
        )


def _fetch_all(entry: Entry, listing: Record, staging: Path, report: Report) -> None:
    """Fetches what is not there, small files first: a licence that was not accepted shows at once."""
    total = listing.bytes
    done = total - remaining(listing, staging)
    for file in sorted(listing.files, key=lambda f: f.size):
        if (staging / file.path).is_file():
            continue
        start = done - _fetched(staging, file)

        def told(count: int, file: File = file, start: int = start) -> None:
            report(start + count, total, file.path)

        told(_fetched(staging, file))
        _fetch(entry, listing, file, staging, told)
        done = start + file.size
    report(total, total, "")


def _fetch(entry: Entry, listing: Record, file: File, staging: Path, told: Callable[[int], None]) -> None:
    part = _part(staging, file)
    if _size(part) > file.size:
        part.unlink()
    part.touch()
    attempts = ATTEMPTS
    while _size(part) < file.size:
        before = _size(part)
        try:
            _transfer(entry, listing, file, part, told)
            break
        except GenerationError as error:
            attempts = attempts - 1 if _size(part) <= before else ATTEMPTS
            if not attempts or not error.details.get("again"):
                raise
    if _size(part) != file.size or not digest(part, file):
        part.unlink(missing_ok=True)
        raise GenerationError(
            "model_broken",
            f"{file.path} arrived with another content than {entry.repository} states; it was deleted.",
            hint="Pull again; if it stays so, a proxy on the way changes files.",
        )
    if file.path.endswith(".safetensors"):
        weights.header(part)
    part.replace(staging / file.path)


def _transfer(entry: Entry, listing: Record, file: File, part: Path, told: Callable[[int], None]) -> None:
    with _told(entry, listing.revision):
        from huggingface_hub import get_token, hf_hub_url
        from huggingface_hub.file_download import http_get

        token = get_token()
        with part.open("ab") as stream:
            have = stream.tell()
            told(have)
            http_get(
                hf_hub_url(listing.repository, file.path, revision=listing.revision),
                stream,
                resume_size=have,
                headers={"Accept-Encoding": "identity", **({"Authorization": f"Bearer {token}"} if token else {})},
                tqdm_class=_meter(have, told),
            )


def _meter(start: int, told: Callable[[int], None]) -> Any:
    """Returns the class of a progress bar that only counts, as the hub's library wants one."""

    class Meter:
        def __init__(self, *args: Any, **more: Any) -> None:
            self.count = start

        def __enter__(self) -> Meter:
            return self

        def __exit__(self, *exc: object) -> None:
            return None

        def update(self, amount: float | None = 1) -> None:
            self.count += int(amount or 0)
            told(self.count)

    return Meter


def _put(staging: Path, home: Path) -> None:
    """Gives the finished folder its place. A worker that reads the older one keeps its open files."""
    old = home.with_name(f".{home.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if home.exists():
        home.rename(old)
    staging.rename(home)
    shutil.rmtree(old, ignore_errors=True)


def _refuse_pickles(entry: Entry, paths: list[str]) -> None:
    """Refuses a repository that has pickles where the model's safetensors should be."""
    safe = {path.rpartition("/")[0] for path in paths if path.endswith(".safetensors")}
    for path in paths:
        folder = path.rpartition("/")[0]
        wanted = entry.takes(f"{folder}/config.json".lstrip("/"))
        if path.lower().endswith(weights.PICKLES) and folder not in safe and wanted:
            raise GenerationError(
                "unsafe_weights", f"{entry.repository} has {path}, a pickle, and no safetensors beside it."
            )


@contextmanager
def _alone(staging: Path) -> Iterator[None]:
    """Keeps a second pull of the same model out."""
    from filelock import FileLock, Timeout

    staging.mkdir(parents=True, exist_ok=True)
    lock = FileLock(staging.with_name(f"{staging.name}.lock"))
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise Refused("in_use", f"Another process is pulling into {staging}.") from error
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _writing(home: Path) -> Iterator[None]:
    try:
        home.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise GenerationError("no_space", f"The disk of {home} is full; what was fetched is kept.") from error
        raise StoreError("store_unwritable", f"{home} cannot be written: {error.strerror or error}.") from error


@contextmanager
def _told(entry: Entry, revision: str) -> Iterator[None]:
    """Turns what the hub's library raises into errors of ours."""
    try:
        from httpx2 import TransportError
        from huggingface_hub import errors
    except ImportError as error:
        raise _unreachable(
            f"Pulling needs huggingface_hub ({error}).", hint="Install genlock with its extra `models`."
        ) from error
    try:
        yield
    except errors.GatedRepoError as error:
        raise GenerationError(
            "licence",
            f"{entry.title}: {entry.page} gives its files only to those who accepted the {entry.licence.name}.",
        ) from error
    except errors.RevisionNotFoundError as error:
        raise BadInput("bad_value", f"{entry.repository} has no revision {revision}.") from error
    except errors.RepositoryNotFoundError as error:
        raise _unreachable(
            f"{entry.page} is not there, or not for you.",
            hint="Log in with `hf auth login` if it is private; the token comes from there or from HF_TOKEN.",
        ) from error
    except errors.OfflineModeIsEnabled as error:
        raise _unreachable("HF_HUB_OFFLINE is set, which forbids to fetch anything.", hint="Unset it.") from error
    except errors.HfHubHTTPError as error:
        status = error.response.status_code
        if status in (401, 403):
            raise GenerationError("licence", f"{entry.page} answers {status}: your account may not have it.") from error
        raise _unreachable(f"{entry.page} answers {status}.", again=status >= 500) from error
    except TransportError as error:
        raise _unreachable(f"{entry.page}: {error or type(error).__name__}.", again=True) from error


def _unreachable(message: str, hint: str = "", **details: Any) -> GenerationError:
    return GenerationError("hub_unreachable", message, hint=hint, **details)
