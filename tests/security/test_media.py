"""What the daemon hands out under a digest."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


@pytest.fixture
def pooled(visitor: Any, studio: Path) -> Callable[[Path], str]:
    """Puts any file into a pool under a made-up digest, as somebody with the token could."""
    (studio / "media").mkdir(exist_ok=True)

    def command(target: str, **fields: Any) -> Any:
        body = {"id": uuid4().hex, "target": target, "command": fields}
        answer = visitor.send("POST", "/api/commands", visitor.bearer, json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def put(path: Path) -> str:
        project = command("", do="CreateProject", name=uuid4().hex)["created"][0]
        digest = uuid4().hex
        info = {"kind": "video", "digest": digest}
        command(project, do="AddMedia", media=[{"id": "f1", "path": str(path), "info": info}])
        return digest

    return put


@pytest.mark.parametrize("name", ["evil.svg", "evil.html", "evil.xhtml", "evil"])
def test_a_page_in_the_pool_is_a_download(visitor: Any, studio: Path, pooled: Callable[[Path], str], name: str) -> None:
    (studio / "media").mkdir(exist_ok=True)
    (studio / "media" / name).write_bytes(SVG)
    answer = visitor.send("GET", f"/media/{pooled(studio / 'media' / name)}", visitor.bearer)
    assert answer.content == SVG
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"].startswith("attachment")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_a_pool_entry_outside_the_roots_is_not_handed_out(
    visitor: Any, studio: Path, pooled: Callable[[Path], str]
) -> None:
    outside = studio / "outside.mov"
    outside.write_text("the secret")
    link = studio / "media" / "link.mov"
    link.symlink_to(outside)
    for path in (outside, link, Path("/etc/passwd"), studio / "media" / ".." / "outside.mov"):
        answer = visitor.send("GET", f"/media/{pooled(path)}", visitor.bearer)
        assert answer.status_code == 403
        assert answer.json()["error"]["code"] == "outside_roots"
        assert "the secret" not in answer.text


def test_a_file_that_is_gone_is_named_missing(visitor: Any, studio: Path, pooled: Callable[[Path], str]) -> None:
    answer = visitor.send("GET", f"/media/{pooled(studio / 'media' / 'gone.mov')}", visitor.bearer)
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "media_missing")


TEXTS = [
    "../secret.txt",
    "..%2fsecret.txt",
    "%2e%2e/secret.txt",
    "%2e%2e%2f%2e%2e%2fetc%2fpasswd",
    "..\\secret.txt",
    "/etc/passwd",
    "%00",
    "a" * 31,
    "A" * 32,
    "a" * 33,
]


@pytest.mark.parametrize("text", TEXTS)
def test_only_a_digest_names_media(visitor: Any, text: str) -> None:
    for path in (f"/media/{text}", f"/api/media/{text}/thumbnail", f"/api/media/{text}/peaks"):
        answer = visitor.send("GET", path, visitor.bearer)
        assert answer.status_code == 404
        assert "root:" not in answer.text
