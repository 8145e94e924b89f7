from __future__ import annotations

import os
from hashlib import blake2b
from pathlib import Path

import pytest

from genlock.errors import MediaError
from genlock.media.digest import file_digest, files_digest


def test_a_digest_is_the_blake2b_of_the_whole_file(tmp_path: Path) -> None:
    data = os.urandom(3_000_001)
    (tmp_path / "a").write_bytes(data)
    assert file_digest(tmp_path / "a") == blake2b(data, digest_size=16).hexdigest()


def test_many_files_have_one_digest_in_order(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / name).write_text(name)
    a, b = tmp_path / "a", tmp_path / "b"
    assert files_digest([a, b]) != files_digest([b, a])


def test_what_is_no_file_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path, code in ((tmp_path / "pipe", "media_unreadable"), (tmp_path / "none", "media_missing")):
        with pytest.raises(MediaError) as caught:
            file_digest(path)
        assert caught.value.code == code
