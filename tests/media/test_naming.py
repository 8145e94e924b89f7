from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genlock.errors import BadInput
from genlock.media import naming

FOLDER = Path("/film")


def test_takes_are_named_for_editors() -> None:
    path = naming.take_path(FOLDER, "SC03", "SH0040", 3)
    assert path == FOLDER / "takes" / "SC03_SH0040" / "SC03_SH0040_v003.mov"
    assert naming.take_path(FOLDER, "", "SH0040", 12, ".png").name == "SH0040_v012.png"
    assert naming.take_path(FOLDER, "SC03", "sc03_SH0040", 1).parent.name == "sc03_SH0040"


def test_a_proxy_lies_where_resolve_finds_it() -> None:
    take = naming.take_path(FOLDER, "SC03", "SH0040", 3)
    assert naming.proxy_path(take) == take.parent / "Proxy" / "SC03_SH0040_v003.mp4"


@given(st.text(max_size=90), st.text(max_size=90))
def test_no_code_leads_out_of_the_folder(scene: str, code: str) -> None:
    try:
        path = naming.take_path(FOLDER, scene, code, 1)
    except BadInput:
        return
    assert path.parent.parent == FOLDER / "takes"
    assert not set(path.name[:-4]) & set('/\\:*?"<>|.\0 ')
    assert len(path.name.encode()) < 600


@pytest.mark.parametrize("code", ["", "..", "///", "   "])
def test_a_code_without_a_letter_is_refused(code: str) -> None:
    with pytest.raises(BadInput, match="cannot name a file"):
        naming.take_path(FOLDER, "", code, 1)


def test_reserved_names_of_windows_are_escaped() -> None:
    assert naming.stem("", "CON") == "_CON"


def test_takes_count_from_one() -> None:
    with pytest.raises(BadInput):
        naming.take_path(FOLDER, "", "SH1", 0)


def test_the_next_number_counts_unfinished_files_and_no_other_shots(tmp_path: Path) -> None:
    assert naming.next_number(tmp_path, "SC03", "SH0040") == 1
    folder = naming.take_folder(tmp_path, "SC03", "SH0040")
    folder.mkdir(parents=True)
    for name in ("SC03_SH0040_v002.mov", "SC03_SH0040_v007.mov.partial", "SC03_SH00401_v090.mov", "notes_v100.txt"):
        (folder / name).touch()
    assert naming.next_number(tmp_path, "SC03", "SH0040") == 8
