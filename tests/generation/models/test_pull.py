"""Pulling, against a hub on this machine: resumed to the byte, checked, pinned, refused where it has to be."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from genlock.errors import BadInput, GenerationError, GenlockError, Refused, StoreError
from genlock.generation.models import pull as pulling
from genlock.generation.models.catalog import Entry, Licence, Piece
from genlock.generation.models.library import RECORD, Library, staging
from genlock.generation.models.pull import pull, record
from tests.generation.models.hub import Hub, serving
from tests.generation.models.tensors import safetensors

huggingface_hub = pytest.importorskip("huggingface_hub")
constants = pytest.importorskip("huggingface_hub.constants")
file_download = pytest.importorskip("huggingface_hub.file_download")

REPOSITORY = "maker/pipe"
ENTRY = Entry(
    "pipe",
    "A pipeline",
    ("trial",),
    Licence("Maker's Licence", "https://example.org/licence"),
    REPOSITORY,
    (Piece("transformer", 50_000, 1),),
    ("model_index.json", "*/*.json", "*/*.safetensors"),
)
INDEX = b'{"_class_name": "Trial", "transformer": ["diffusers", "Thing"], "vae": ["diffusers", "Thing"]}'
FILES = {
    "model_index.json": INDEX,
    "transformer/config.json": b"{}",
    "transformer/model.safetensors": safetensors(200_000),
    "vae/config.json": b'{"a": 1}',
    "vae/model.safetensors": safetensors(30_000),
    "vae/model.bin": b"a pickle beside safetensors",
    "single-file.safetensors": safetensors(500_000),
    "README.md": b"# Pipe",
}
TAKEN = sorted(path for path in FILES if path.endswith((".json", "model.safetensors")))


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    with serving() as made:
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setattr(constants, "ENDPOINT", made.url)
        monkeypatch.setattr(
            constants,
            "HUGGINGFACE_CO_URL_TEMPLATE",
            made.url + "/{repo_id}/resolve/{revision}/{filename}",
        )
        monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 4096)
        monkeypatch.setattr(file_download, "time", SimpleNamespace(sleep=lambda seconds: None))
        huggingface_hub.close_session()
        monkeypatch.delenv("HF_TOKEN", raising=False)
        made.repository(REPOSITORY).commit(FILES)
        yield made


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return Library(tmp_path / "models")


def contents(folder: Path) -> dict[str, bytes]:
    found = (path for path in folder.rglob("*") if path.is_file() and path.name != RECORD)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


def failing(code: str, *arguments: Any, **more: Any) -> GenlockError:
    with pytest.raises(GenlockError) as caught:
        pull(*arguments, **more)
    assert caught.value.code == code, caught.value
    return caught.value


def test_it_takes_what_belongs_to_the_model_and_writes_down_what_it_took(hub: Hub, library: Library) -> None:
    reports: list[tuple[int, int, str]] = []
    model = pull(ENTRY, library, report=lambda *report: reports.append(report))
    folder = library.home / "pipe"
    assert contents(folder) == {path: FILES[path] for path in TAKEN}
    assert model.revision == hub.repository(REPOSITORY).main
    assert set(model.parts) == {"transformer", "vae"}
    found = record(folder)
    assert found is not None
    assert found.repository == REPOSITORY
    assert [bool(file.sha256) for file in found.files if file.size > 1000] == [True, True]
    done = [report[0] for report in reports]
    assert done == sorted(done)
    assert reports[-1][:2] == (found.bytes, found.bytes)
    assert [path.name for path in library.home.iterdir() if path.is_dir()] == ["pipe"]
    assert library.names() == ("pipe",)


def test_a_second_pull_asks_nobody(hub: Hub, library: Library) -> None:
    pull(ENTRY, library)
    before = len(hub.asked)
    pull(ENTRY, library)
    assert len(hub.asked) == before


def test_a_connection_that_breaks_is_gone_on_with_where_it_broke(hub: Hub, library: Library) -> None:
    hub.cut, hub.cuts = 65_536, 4
    pull(ENTRY, library)
    assert contents(library.home / "pipe")["transformer/model.safetensors"] == FILES["transformer/model.safetensors"]
    ranges = [asked for _, path, asked in hub.asked if path.endswith("transformer/model.safetensors")]
    assert len(ranges) == 4
    assert ranges[0] == ""
    starts = [int(asked.removeprefix("bytes=").rstrip("-")) for asked in ranges[1:]]
    assert starts == sorted(starts)
    assert starts[-1] > 150_000
    assert hub.sent < 1.2 * sum(len(FILES[path]) for path in TAKEN) + 2000


def test_a_server_without_ranges_is_asked_for_all_of_it_again(hub: Hub, library: Library) -> None:
    hub.cut, hub.cuts, hub.ranges = 65_536, 1, False
    pull(ENTRY, library)
    assert contents(library.home / "pipe") == {path: FILES[path] for path in TAKEN}


def test_one_that_always_breaks_ends_as_unreachable_and_keeps_what_it_has(
    hub: Hub, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.status = 503
    assert failing("hub_unreachable", ENTRY, library).message.endswith("answers 503.")
    hub.status = 0
    hub.cut, hub.cuts = 1, 10_000
    monkeypatch.setattr(pulling, "ATTEMPTS", 2)
    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 1 << 20)
    failing("hub_unreachable", ENTRY, library)
    assert library.names() == ()
    assert library.find("pipe") is None
    hub.cuts = 0
    pull(ENTRY, library)


def test_a_pull_that_was_killed_goes_on_with_its_bytes_and_its_commit(hub: Hub, library: Library) -> None:
    program = (
        "import sys, time, huggingface_hub.constants as c; c.DOWNLOAD_CHUNK_SIZE = 4096\n"
        "from tests.generation.models.test_pull import ENTRY, Library, pull\n"
        "def report(done, total, file):\n"
        "    print(done, flush=True)\n"
        "    if done > 100_000: time.sleep(60)\n"
        f"pull(ENTRY, Library({str(library.home)!r}), report=report)\n"
    )
    environment = {**os.environ, "HF_ENDPOINT": hub.url, "HF_HUB_OFFLINE": "0", "PYTHONPATH": os.getcwd()}
    child = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, env=environment)
    assert child.stdout is not None
    for line in child.stdout:
        if int(line) > 100_000:
            break
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()
    part = next(staging(library, "pipe").rglob("*.part"))
    held = part.stat().st_size
    assert held > 50_000
    first = hub.repository(REPOSITORY).main
    hub.repository(REPOSITORY).commit({**FILES, "model_index.json": INDEX + b" "})
    hub.asked.clear()
    hub.sent = 0
    model = pull(ENTRY, library)
    assert model.revision == first
    assert contents(library.home / "pipe") == {path: FILES[path] for path in TAKEN}
    assert hub.sent <= sum(len(FILES[path]) for path in TAKEN) - held
    assert f"bytes={held}-" in [asked for _, _, asked in hub.asked]


def test_what_changed_upstream_is_left_until_it_is_asked_for(hub: Hub, library: Library) -> None:
    first = pull(ENTRY, library).revision
    changed = {**FILES, "vae/model.safetensors": safetensors(30_000, fill=9)}
    second = hub.repository(REPOSITORY).commit(changed)
    assert pull(ENTRY, library).revision == first
    hub.asked.clear()
    model = pull(ENTRY, library, "main")
    assert model.revision == second
    assert hub.fetched() == ["vae/model.safetensors"]
    assert contents(library.home / "pipe")["vae/model.safetensors"] == changed["vae/model.safetensors"]
    assert pull(ENTRY, library, first).revision == first


def test_content_that_is_not_what_was_promised_is_deleted(hub: Hub, library: Library) -> None:
    hub.spoil = True
    failing("model_broken", ENTRY, library)
    assert library.names() == ()
    hub.spoil = False
    assert pull(ENTRY, library).parts


def test_a_file_that_was_damaged_here_is_fetched_again(hub: Hub, library: Library) -> None:
    folder = Path(pull(ENTRY, library).path)
    (folder / "vae/model.safetensors").write_bytes(b"short")
    hub.asked.clear()
    pull(ENTRY, library)
    assert hub.fetched() == ["vae/model.safetensors"]


def test_a_full_disk_is_said_before_anything_is_fetched(hub: Hub, library: Library) -> None:
    needed = sum(len(FILES[path]) for path in TAKEN) + pulling.MARGIN
    error = failing("no_space", ENTRY, library, free=lambda folder: needed - 1)
    assert error.details == {"needed": needed, "free": needed - 1}
    assert hub.fetched() == []
    pull(ENTRY, library, free=lambda folder: needed)


def test_a_disk_that_fills_up_meanwhile_keeps_what_came(hub: Hub, library: Library) -> None:
    def full(done: int, total: int, file: str) -> None:
        if done > 100_000:
            raise OSError(errno.ENOSPC, "No space left on device")

    failing("no_space", ENTRY, library, report=full)
    hub.sent = 0
    pull(ENTRY, library)
    assert hub.sent < 150_000


def test_a_record_cut_short_costs_what_was_begun_and_no_more(hub: Hub, library: Library) -> None:
    staging(library, "pipe").mkdir(parents=True)
    (staging(library, "pipe") / RECORD).write_text('{"name": "pi')
    assert pull(ENTRY, library).parts


def test_a_licence_that_was_not_accepted_names_the_page(
    hub: Hub, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.gated = True
    error = failing("licence", ENTRY, library)
    assert "https://huggingface.co/maker/pipe" in error.message
    assert "Maker's Licence" in error.message
    monkeypatch.setenv("HF_TOKEN", "hf_other")
    failing("licence", ENTRY, library)
    assert len(hub.fetched()) == 2
    monkeypatch.setenv("HF_TOKEN", "hf_good")
    assert pull(ENTRY, library).parts


def test_the_token_stays_with_the_hub(hub: Hub, library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.gated = hub.elsewhere = True
    monkeypatch.setenv("HF_TOKEN", "hf_good")
    pull(ENTRY, library)
    assert hub.tokens_elsewhere == ["", ""]


def test_what_is_not_there_is_said(hub: Hub, library: Library) -> None:
    with pytest.raises(BadInput, match="no revision v9"):
        pull(ENTRY, library, "v9")
    gone = msgspec.structs.replace(ENTRY, repository="maker/gone")
    assert "not for you" in failing("hub_unreachable", gone, library).message
    failing("model_broken", msgspec.structs.replace(ENTRY, files=("*.md",)), library)


def test_pickles_alone_are_refused(hub: Hub, library: Library) -> None:
    hub.repository(REPOSITORY).commit(
        {"model_index.json": INDEX, "transformer/model.bin": b"x", "vae/model.safetensors": safetensors(10)}
    )
    assert "transformer/model.bin" in failing("unsafe_weights", ENTRY, library).message
    assert hub.fetched() == []


def test_offline_is_said(hub: Hub, library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    huggingface_hub.close_session()
    assert "HF_HUB_OFFLINE" in failing("hub_unreachable", ENTRY, library).message
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    failing("hub_unreachable", ENTRY, library)


def test_a_folder_of_ones_own_is_never_replaced(hub: Hub, library: Library, tmp_path: Path) -> None:
    own = library.home / "pipe"
    own.mkdir(parents=True)
    (own / "config.json").write_text("{}")
    with pytest.raises(Refused, match="would be replaced"):
        pull(ENTRY, library)
    library.register("pipe", own)
    own.rename(tmp_path / "mine")
    library.register("pipe", tmp_path / "mine")
    with pytest.raises(Refused, match="is given as"):
        pull(ENTRY, library)
    assert hub.asked == []


def test_two_at_once_do_not_mix(hub: Hub, library: Library) -> None:
    def second(done: int, total: int, file: str) -> None:
        with pytest.raises(Refused) as caught:
            pull(ENTRY, library)
        assert caught.value.code == "in_use"

    pull(ENTRY, library, report=second)


def test_a_library_that_cannot_be_written_is_said(hub: Hub, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError):
        pull(ENTRY, Library(tmp_path / "file" / "models"))


def test_the_right_to_stop_is_the_callers(hub: Hub, library: Library) -> None:
    def stop(done: int, total: int, file: str) -> None:
        if done > 50_000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pull(ENTRY, library, report=stop)
    begun = time.perf_counter()
    assert pull(ENTRY, library).parts
    assert time.perf_counter() - begun < 20
    assert isinstance(GenerationError("no_space"), GenlockError)
