"""The library finds models in its folder and in folders given, and reads their headers once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from genlock.errors import BadInput, GenerationError, NotFound
from genlock.generation.models import weights
from genlock.generation.models.catalog import CATALOG, entry
from genlock.generation.models.library import Library, library, staging
from genlock.generation.models.listing import rows
from tests.generation.models.tensors import safetensors


def make_pipeline(folder: Path) -> Path:
    for part in ("transformer", "vae"):
        (folder / part).mkdir(parents=True)
        (folder / part / "config.json").write_text(json.dumps({"part": part}))
        (folder / part / "model.safetensors").write_bytes(safetensors(300, dtype="BF16"))
    index = {"_class_name": "X", "transformer": ["diffusers", "A"], "vae": ["diffusers", "B"], "guide": [None, None]}
    (folder / "model_index.json").write_text(json.dumps(index))
    return folder


def test_a_pipeline_has_its_parts(tmp_path: Path) -> None:
    make_pipeline(tmp_path / "pipe")
    model = Library(tmp_path).require("pipe")
    assert list(model.parts) == ["transformer", "vae"]
    part = model.parts["vae"]
    assert (part.bytes, part.parameters, part.config) == (300, 150, {"part": "vae"})
    assert model.bytes == 600


def test_a_flat_folder_and_loose_folders_are_read_too(tmp_path: Path) -> None:
    flat = tmp_path / "flat"
    (flat / "text_encoder").mkdir(parents=True)
    (flat / "genlock.json").write_text(json.dumps({"revision": "abc"}))
    (flat / "big.safetensors").write_bytes(safetensors(40))
    (flat / "text_encoder" / "model.safetensors").write_bytes(safetensors(8, dtype="F32"))
    model = Library(tmp_path).require("flat")
    assert {name: part.bytes for name, part in model.parts.items()} == {"": 40, "text_encoder": 8}
    assert model.revision == "abc"


def test_folders_elsewhere_are_given_and_forgotten(tmp_path: Path) -> None:
    home = Library(tmp_path / "home")
    mine = make_pipeline(tmp_path / "mine")
    home.register("pipe", mine)
    assert home.names() == ("pipe",)
    assert Library(tmp_path / "home").require("pipe").path == str(mine)
    home.register("pipe", None)
    assert home.names() == ()
    with pytest.raises(GenerationError, match="not on this machine"):
        home.require("pipe")
    for wrong in ("../pipe", "", "a/b"):
        with pytest.raises(BadInput):
            home.register(wrong, mine)
    with pytest.raises(BadInput):
        home.register("empty", tmp_path)


@pytest.mark.parametrize("name", ["../outside", "inside/../../outside", "inside/transformer", "n" * 300, "\0"])
def test_a_name_leads_nowhere_else(tmp_path: Path, name: str) -> None:
    make_pipeline(tmp_path / "outside")
    make_pipeline(tmp_path / "home" / "inside")
    assert Library(tmp_path / "home").find("inside") is not None
    assert Library(tmp_path / "home").find(name) is None


def test_a_folder_that_cannot_be_looked_into_holds_nothing() -> None:
    assert Library("/" + "n" * 300).names() == ()


def test_what_is_being_pulled_is_no_model_yet(tmp_path: Path) -> None:
    home = Library(tmp_path)
    make_pipeline(staging(home, "pipe"))
    assert home.names() == ()
    assert home.find("pipe") is None


def test_headers_are_read_again_only_after_a_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_pipeline(tmp_path / "pipe")
    read: list[Path] = []
    header = weights.header
    monkeypatch.setattr(weights, "header", lambda path: read.append(path) or header(path))
    home = Library(tmp_path)
    home.require("pipe")
    home.require("pipe")
    assert len(read) == 2
    (tmp_path / "pipe" / "vae" / "model.safetensors").write_bytes(safetensors(500, dtype="BF16"))
    assert home.require("pipe").parts["vae"].bytes == 500


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "does not begin"),
        (b"PK\x03\x04" + b"x" * 40, "does not begin"),
        (safetensors(100)[:-1], "should hold"),
        (safetensors(100) + b"x", "should hold"),
        (safetensors(100)[:30], "does not begin"),
        ((20).to_bytes(8, "little") + b"{" * 20, "header cannot be read"),
    ],
)
def test_damaged_weights_are_named(tmp_path: Path, data: bytes, says: str) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(data)
    with pytest.raises(GenerationError, match=says) as caught:
        weights.header(path)
    assert caught.value.code == "model_broken"


@pytest.mark.parametrize("suffix", weights.PICKLES)
def test_pickles_are_never_opened(tmp_path: Path, suffix: str) -> None:
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / f"model{suffix}").write_bytes(b"\x80\x04")
    with pytest.raises(GenerationError) as caught:
        Library(tmp_path.parent).require(tmp_path.name)
    assert caught.value.code == "unsafe_weights"


def test_the_library_is_where_the_environment_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GENLOCK_MODELS", str(tmp_path))
    assert library().home == tmp_path


def test_the_list_has_the_catalog_first_and_what_else_is_here(tmp_path: Path) -> None:
    make_pipeline(tmp_path / "ltx2")
    make_pipeline(tmp_path / "zebra")
    (tmp_path / "zebra" / "vae" / "model.safetensors").write_bytes(b"short")
    found = {row["name"]: row for row in rows(Library(tmp_path))}
    assert list(found) == [*CATALOG, "zebra"]
    assert found["ltx2"]["here"]
    assert found["ltx2"]["bytes"] == 600
    assert not found["sam3"]["here"]
    assert found["sam3"]["bytes"] > 3e9
    assert "vae" in found["zebra"]["problem"]


def test_the_catalog_holds_together() -> None:
    with pytest.raises(NotFound, match="ltx2, "):
        entry("ltx9")
    for each in CATALOG.values():
        assert each.licence.url.startswith("https://")
        assert each.repository.count("/") == 1
        assert not each.takes("pytorch_model.bin")
        assert not each.takes("transformer/diffusion_pytorch_model.bin")
        for outside in (
            ".cache/x.json",
            "../x.json",
            "..",
            "/x.json",
            "vae/../../x.json",
            "..\\x.json",
            "vae\\..\\x.json",
        ):
            assert not each.takes(outside)
    assert entry("ltx2").takes("transformer/diffusion_pytorch_model-00001-of-00008.safetensors")
    assert not entry("ltx2").takes("ltx-2-19b-dev.safetensors")
    assert not entry("ltx2").takes("vae/deep/x.json")
    assert entry("sam3").takes("model.safetensors")
    assert 65e9 < entry("ltx2").bytes < 75e9
