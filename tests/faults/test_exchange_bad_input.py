"""Timeline files made to hurt, at every door a file comes in by: a code, the place in the file, 2 seconds of processor
time, 256 MB of memory, and nothing stored."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from genlock.cli.main import run
from genlock.daemon.author import Author
from genlock.daemon.dropping import REASON, REJECTED, Into
from genlock.daemon.server import Running, embedded
from genlock.errors import CODES
from tests.faults import hostile
from tests.faults.hostile import FILES, Hostile

SECONDS = 2
MEGABYTES = 256
REFUSED = [file for file in FILES if "read" not in file.codes and not file.large]
ODD = [file for file in FILES if "read" in file.codes and not file.large]

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="memory is measured with /proc")


def called(file: Hostile) -> str:
    return f"{file.suffix[1:]}: {file.name}"


class Readers:
    """The process that reads, see reader.py."""

    def __init__(self, folder: Path) -> None:
        warm = folder / "warm.xml", folder / "warm.fcpxml"
        warm[0].write_text(hostile.fcp7(hostile.clipitem()))
        warm[1].write_text(hostile.fcpx(hostile.asset_clip()))
        command = [sys.executable, "-m", "tests.faults.reader", *map(str, warm)]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, cwd=Path(__file__).parents[2])
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "ready\n"

    def read(self, path: Path) -> dict[str, Any]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{path}\n")
        self.process.stdin.flush()
        made: dict[str, Any] = json.loads(self.process.stdout.readline())
        return made


@pytest.fixture(scope="module")
def readers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Readers]:
    made = Readers(tmp_path_factory.mktemp("readers"))
    yield made
    made.process.communicate(timeout=60)


@pytest.mark.parametrize("file", FILES, ids=called)
def test_a_reader_stands_it(readers: Readers, tmp_path: Path, file: Hostile) -> None:
    path = tmp_path / f"x{file.suffix}"
    path.write_bytes(file.make())
    found = readers.read(path)
    path.unlink()
    assert found["code"] in file.codes
    if file.places and (found["code"] != "read" or file.codes == {"read"}):
        assert any(place in found["message"] for place in file.places), found["message"]
    assert found["code"] == "read" or found["length"] < 1000
    assert found["seconds"] <= SECONDS
    assert found["megabytes"] <= MEGABYTES


# -- the doors


class Studio:
    """A daemon with a cut of one clip, and a folder that files come in by."""

    def __init__(self, running: Running, folder: Path) -> None:
        self.running = running
        self.folder = folder
        self.project = self.command("CreateProject", name="Film")["created"][0]
        start = folder / "start.otio"
        start.write_text(hostile.otio(hostile.clip()))
        self.sequence = self.post(f"/api/projects/{self.project}/import", path=str(start)).json()["sequence"]

    def post(self, url: str, **body: Any) -> httpx.Response:
        headers = {"authorization": f"Bearer {self.running.token}"}
        return httpx.post(self.running.base_url + url, json=body, headers=headers, timeout=60)

    def command(self, do: str, **fields: Any) -> dict[str, Any]:
        made: dict[str, Any] = self.post("/api/commands", id=do, command={"do": do, **fields}).json()
        return made

    def import_(self, path: Path, **more: Any) -> httpx.Response:
        return self.post(f"/api/projects/{self.project}/import", path=str(path), **more)

    def head(self) -> int:
        return self.running.services.app.head_id()

    def put(self, file: Hostile, folder: str = "", stem: str = "x") -> Path:
        path = self.folder / folder / f"{stem}{file.suffix}"
        path.write_bytes(file.make())
        return path


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    folder = tmp_path_factory.mktemp("studio")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GENLOCK_HOME", str(folder))
        patch.setenv("GENLOCK_RUNTIME_DIR", str(folder / "run"))
        with embedded(folder / "studio.genlock", [folder], announce=True) as running:
            yield Studio(running, folder)


@pytest.mark.parametrize("file", REFUSED, ids=called)
def test_over_rest_it_is_refused_and_nothing_is_stored(studio: Studio, file: Hostile) -> None:
    path, head = studio.put(file), studio.head()
    for into in ({}, {"into": studio.sequence}):
        answer = studio.import_(path, **into)
        error = answer.json()["error"]
        if into and file.suffix == ".ale" and error["code"] == "no_base":
            continue  # the sequence's rate is the log's where it says none
        assert error["code"] in file.codes
        assert answer.status_code == CODES[error["code"]].status
        assert error["hint"]
        assert not file.places or any(place in error["message"] for place in file.places), error["message"]
    assert studio.head() == head


@pytest.mark.parametrize("file", ODD, ids=called)
def test_over_rest_what_can_be_read_comes_in_or_is_refused_whole(studio: Studio, file: Hostile) -> None:
    path, start = studio.put(file), time.monotonic()
    made = studio.import_(path)
    assert time.monotonic() - start < 10
    assert made.is_success or made.json()["error"]["code"] in file.codes
    head = studio.head()
    merged = studio.import_(path, into=studio.sequence)
    assert merged.is_success or studio.head() == head
    if not merged.is_success:
        assert merged.json()["error"]["code"] in {"no_base", "bad_rate", *file.codes}


def test_no_path_in_a_file_is_opened_outside_of_the_roots(studio: Studio) -> None:
    for url in (*hostile.NETWORK, *hostile.ESCAPES):
        path = studio.folder / "paths.otio"
        path.write_text(hostile.otio(hostile.clip(url=url)))
        made = studio.import_(path)
        assert made.is_success, made.text
        assert [row["missing"] for row in made.json()["media"]] in ([True], []), url


@pytest.mark.parametrize("suffix", dict.fromkeys(file.suffix for file in REFUSED))
def test_the_command_line_says_it_in_one_line(
    studio: Studio, suffix: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GENLOCK_HOME", str(studio.folder))
    monkeypatch.setenv("GENLOCK_RUNTIME_DIR", str(studio.folder / "run"))
    monkeypatch.setenv("NO_COLOR", "1")
    sound = studio.folder / "start.otio"
    store = str(studio.folder / "studio.genlock")
    for file in [file for file in REFUSED if file.suffix == suffix and "rate" not in file.name][:2]:
        path, head = studio.put(file), studio.head()
        for arguments in (
            ["import", str(path), "--project", "Film", "--store", store],
            ["import", str(path), "--into", studio.sequence, "--store", store],
            ["diff", str(sound), str(path)],
            ["merge", str(sound), str(sound), str(path), "-o", str(studio.folder / "merged.otio")],
        ):
            code = run(arguments)
            out, err = capsys.readouterr()
            assert (code, out) == (2, ""), (arguments, out, err)
            assert any(known in err for known in file.codes), err
            assert len(err.strip().splitlines()) <= 2
            assert "Traceback" not in err
        assert studio.head() == head
        assert not (studio.folder / "merged.otio").exists()


def test_a_watched_folder_puts_it_aside_with_the_reason(studio: Studio) -> None:
    drop = studio.folder / "drop"
    drop.mkdir()
    # one of each format: what looks unfinished is waited for
    files = {
        file.suffix: file
        for file in reversed(REFUSED)
        if file.name != "nothing" and file.suffix not in (".ale", ".xyz")
    }
    head = studio.head()
    services = studio.running.services
    into = Into(studio.project, studio.sequence)
    watch = services.watches.add(drop, into, Author(services.app), quiet=0.05, patience=0.2)
    for number, file in enumerate(files.values()):
        studio.put(file, "drop", f"x{number}")
    until = time.monotonic() + 30
    while len(watch.view().entries) < len(files) and time.monotonic() < until:
        time.sleep(0.05)
    services.watches.remove(watch.id)
    told = {Path(entry.file.path).suffix: entry.file for entry in watch.view().entries}
    assert {suffix: row.what for suffix, row in told.items()} == dict.fromkeys(files, "rejected")
    for suffix, row in told.items():
        assert row.code in files[suffix].codes
        assert Path(row.moved).parent.name == REJECTED
        assert row.code in Path(row.moved + REASON).read_text()
    assert studio.head() == head
