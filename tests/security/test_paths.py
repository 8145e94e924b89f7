"""No path leads outside the roots."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from genlock.application.commands import decode_command
from genlock.daemon.paths import Roots, media_type
from genlock.errors import AccessError, BadInput, GenlockError, MediaError, NotFound

SECRET = "the secret"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "media" / ".hidden").mkdir(parents=True)
    (tmp_path / "media2").mkdir()
    for name in ("secret.mov", "media/clip.mov", "media/.hidden/key.mov", "media2/other.mov"):
        (tmp_path / name).write_text(SECRET)
    return tmp_path


def corpus(place: Path) -> list[str]:
    media = f"{place}/media"
    outside = [
        f"{media}/../secret.mov",
        f"{media}/./../secret.mov",
        f"{media}/x/../../secret.mov",
        f"{media}//..//secret.mov",
        f"{place}/media2/other.mov",
        f"{media}/.hidden/key.mov",
        f"{place}",
        "/etc/passwd",
        "/proc/self/environ",
        "/dev/zero",
        "~root/.ssh/id_rsa",
        "~/.ssh/id_rsa",
    ]
    broken = [
        "",
        ".",
        "..",
        "clip.mov",
        "media/clip.mov",
        "\0",
        f"{media}/clip.mov\0.mov",
        "x" * 5000,
        f"{media}/{'x' * 300}",
    ]
    absent = [
        f"{media}/..%2fsecret.mov",
        f"{media}/%2e%2e/secret.mov",
        f"{media}/..\\secret.mov",
        f"{media}/nothing",
        media,
    ]
    return (
        outside
        + broken
        + absent
        + [prefix + "/etc/passwd" for prefix in ("file://", "\\\\server\\share", "C:\\", "//")]
    )


def test_nothing_outside_the_roots_is_read(place: Path) -> None:
    roots = Roots([place / "media"])
    for text in corpus(place):
        with pytest.raises((AccessError, BadInput, NotFound)):
            roots.readable(text)
    assert roots.readable(f"{place}/media/clip.mov").read_text() == SECRET


def test_links_are_followed_before_the_roots_are_checked(place: Path) -> None:
    roots = Roots([place / "media"])
    (place / "media" / "link.mov").symlink_to(place / "secret.mov")
    (place / "media" / "folder").symlink_to(place)
    (place / "media" / "inside.mov").symlink_to(place / "media" / "clip.mov")
    (place / "media" / "loop.mov").symlink_to(place / "media" / "loop.mov")
    for name in ("link.mov", "folder/secret.mov", "loop.mov"):
        with pytest.raises((AccessError, BadInput, NotFound)):
            roots.readable(f"{place}/media/{name}")
    assert roots.readable(f"{place}/media/inside.mov") == place / "media" / "clip.mov"


def test_numbered_images_lie_inside_the_roots_one_by_one(place: Path) -> None:
    roots = Roots([place / "media"])
    for text in corpus(place):
        with pytest.raises((AccessError, BadInput, NotFound, MediaError)):
            roots.medium(text)
    shots = place / "media" / "shots"
    for folder in (shots, place / "media2", place / "media" / ".hidden"):
        folder.mkdir(exist_ok=True)
        for number in (1001, 1002):
            (folder / f"a.{number}.png").write_text(SECRET)
    for name in ("a.%04d.png", "a.####.png", "a.[1001-1099].png", ""):
        assert roots.medium(f"{shots}/{name}") == shots / name
        for outside in (f"{place}/media2/{name}", f"{place}/media/.hidden/{name}", f"{shots}/../../media2/{name}"):
            with pytest.raises(AccessError):
                roots.medium(outside)
    (shots / "a.1003.png").symlink_to(place / "secret.mov")
    for name in ("a.%04d.png", "a.####.png", "a.[1001-1099].png", ""):
        with pytest.raises(AccessError):
            roots.medium(f"{shots}/{name}")
    assert roots.medium(f"{shots}/a.[1001-1002].png")


def test_images_of_hidden_names_are_not_numbered_media(place: Path) -> None:
    (place / "media" / ".a.0001.png").write_text(SECRET)
    roots = Roots([place / "media"])
    for name in (".a.%04d.png", ""):
        with pytest.raises(AccessError):
            roots.medium(f"{place}/media/{name}")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_a_pipe_is_no_media(place: Path) -> None:
    os.mkfifo(place / "media" / "pipe.mov")
    with pytest.raises(NotFound):
        Roots([place / "media"]).readable(f"{place}/media/pipe.mov")


def test_writing_needs_a_folder_a_suffix_and_no_link_out(place: Path) -> None:
    roots = Roots([place / "media"])
    assert roots.writable(f"{place}/media/new.otio", (".otio",)) == place / "media" / "new.otio"
    (place / "media" / "out.otio").symlink_to(place / "new.otio")
    (place / "media" / "dir.otio").mkdir()
    for name in ("new.html", "new", "nowhere/new.otio", "../new.otio", "out.otio", "dir.otio"):
        with pytest.raises(GenlockError):
            roots.writable(f"{place}/media/{name}", (".otio",))


def test_a_hidden_root_is_a_root(place: Path) -> None:
    roots = Roots([place / "media" / ".hidden"])
    assert roots.readable(f"{place}/media/.hidden/key.mov").read_text() == SECRET


REQUEST = {"mode": "text_to_video"}
QUEUE = {"do": "QueueJob", "project": "p", "stem": "s", "output": "{in}", "request": REQUEST}


@pytest.mark.parametrize(
    "command",
    [
        {**QUEUE, "output": "/etc"},
        {**QUEUE, "request": {**REQUEST, "source": "/etc/passwd"}},
        {**QUEUE, "request": {**REQUEST, "after": "/etc/passwd"}},
        {**QUEUE, "request": {**REQUEST, "audio": "/etc/passwd"}},
        {**QUEUE, "request": {**REQUEST, "conditioning": [{"path": "/etc/passwd"}]}},
        {"do": "CreateProject", "name": "x", "settings": {"folder": "/etc"}},
        {"do": "ChangeSettings", "settings": {"folder": "/etc"}},
    ],
)
def test_a_command_may_not_name_a_path_outside(place: Path, command: Any) -> None:
    roots = Roots([place / "media"])
    fill = {**command, "output": f"{place}/media"} if command.get("output") == "{in}" else command
    with pytest.raises(AccessError):
        roots.check_command(decode_command(fill))
    roots.check_command(decode_command({**QUEUE, "output": f"{place}/media"}))


@pytest.mark.parametrize(
    "settings",
    [
        {"loras": [{"name": "inside"}, {"path": "/etc/passwd"}]},
        {"loras": [{"path": "../secret.safetensors"}]},
        {"autoencoder": "/etc"},
        {"model": "/etc"},
    ],
)
def test_files_named_in_an_engines_settings_lie_inside_the_roots(place: Path, settings: dict[str, Any]) -> None:
    roots = Roots([place / "media"])

    def check(settings: dict[str, Any]) -> None:
        command = {**QUEUE, "output": f"{place}/media", "request": {**REQUEST, "settings": settings}}
        roots.check_command(decode_command(command))

    with pytest.raises((AccessError, BadInput)):
        check(settings)
    check({"model": "org/model:4b", "autoencoder": "flux2", "loras": [{"name": "a"}, 7], "system": "/no path"})
    check({"loras": [{"path": f"{place}/media/a.safetensors"}]})


def test_settings_over_the_wire_know_no_roots(visitor: Any) -> None:
    answer = visitor.send("PATCH", "/api/settings", visitor.bearer, json={"roots": ["/"]})
    assert answer.status_code == 400


@pytest.mark.parametrize("name", ["x.html", "x.svg", "x.xhtml", "x.js", "x", "x.MOV.html", "x.xml", "x.htm"])
def test_what_a_browser_might_run_is_a_download(name: str) -> None:
    assert media_type(Path(name)) == ("application/octet-stream", False)


def test_suffixes_count_in_any_case() -> None:
    assert media_type(Path("x.MOV")) == ("video/quicktime", True)
