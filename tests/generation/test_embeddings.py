"""The cache of encoded prompts."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from genlock.generation.embeddings import EmbeddingCache, key

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")


NAMES = ("embeds", "mask")


def entry(value: float, numbers: int = 8) -> dict[str, object]:
    return {"embeds": torch.full((1, numbers), value, dtype=torch.bfloat16), "mask": torch.ones(1, numbers).bool()}


def test_what_is_put_comes_back_bit_for_bit(tmp_path: Path) -> None:
    cache = EmbeddingCache(tmp_path / "cache")
    made = {"embeds": torch.randn(1, 7, 5).to(torch.bfloat16), "mask": torch.tensor([[True, False]])}
    assert cache.get("a", NAMES) is None
    cache.put("a", made)
    found = EmbeddingCache(tmp_path / "cache").get("a", NAMES)
    assert found is not None
    assert set(found) == set(made)
    for name, tensor in made.items():
        assert found[name].dtype == tensor.dtype
        assert torch.equal(found[name], tensor)


def test_slices_of_a_larger_tensor_are_kept(tmp_path: Path) -> None:
    cache = EmbeddingCache(tmp_path)
    whole = torch.arange(24.0).reshape(4, 6)
    cache.put("a", {"left": whole[:, :3], "right": whole[:, 3:]})
    found = cache.get("a", ("left", "right"))
    assert found is not None
    assert torch.equal(found["left"], whole[:, :3])
    assert torch.equal(found["right"], whole[:, 3:])


def test_keys_tell_everything_apart_and_order_does_not_matter() -> None:
    base = key("ltx2", "r1", "a cat", {"length": 5, "layers": [1, 2]})
    assert base == key("ltx2", "r1", "a cat", {"layers": [1, 2], "length": 5})
    others = {
        key("flux2", "r1", "a cat", {"length": 5, "layers": [1, 2]}),
        key("ltx2", "r2", "a cat", {"length": 5, "layers": [1, 2]}),
        key("ltx2", "r1", "a cat ", {"length": 5, "layers": [1, 2]}),
        key("ltx2", "r1", "a cat", {"length": 6, "layers": [1, 2]}),
        key("ltx2", "r1", "a cat", {"length": 5, "layers": [2, 1]}),
    }
    assert len(others | {base}) == 6


@pytest.mark.parametrize("keep", [0, 5, 40, -1])
def test_a_damaged_entry_is_a_miss_and_is_written_anew(tmp_path: Path, keep: int) -> None:
    cache = EmbeddingCache(tmp_path)
    cache.put("a", entry(1.0))
    (path,) = tmp_path.glob("*.safetensors")
    path.write_bytes(path.read_bytes()[:keep])
    assert cache.get("a", NAMES) is None
    cache.put("a", entry(2.0))
    found = cache.get("a", NAMES)
    assert found is not None
    assert float(found["embeds"][0, 0]) == 2.0


def test_an_entry_of_another_version_is_a_miss(tmp_path: Path) -> None:
    cache = EmbeddingCache(tmp_path)
    cache.put("a", {"embeds": torch.ones(1, 2)})
    assert cache.get("a", NAMES) is None
    assert cache.get("a", ("embeds",)) is not None


def test_what_was_not_used_for_longest_goes_first(tmp_path: Path) -> None:
    cache = EmbeddingCache(tmp_path)
    cache.put("a", entry(1.0))
    size = next(tmp_path.glob("*.safetensors")).stat().st_size
    cache = EmbeddingCache(tmp_path, limit=3 * size)
    for number, name in enumerate(("a", "b", "c")):
        cache.put(name, entry(1.0))
        os.utime(tmp_path / f"{name}.safetensors", (1000 + number, 1000 + number))
    assert cache.get("a", NAMES) is not None  # used: b is the oldest
    cache.put("d", entry(1.0))
    assert sorted(path.stem for path in tmp_path.iterdir()) == ["a", "c", "d"]


def test_one_that_is_larger_than_the_cache_pushes_nothing_out(tmp_path: Path) -> None:
    EmbeddingCache(tmp_path).put("a", entry(1.0))
    size = next(tmp_path.glob("*.safetensors")).stat().st_size
    EmbeddingCache(tmp_path, limit=size).put("b", entry(1.0, 4096))
    assert [path.stem for path in tmp_path.iterdir()] == ["a"]


def test_a_folder_that_cannot_be_written_costs_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    cache = EmbeddingCache(tmp_path / "file" / "cache")
    cache.put("a", entry(1.0))
    assert cache.get("a", NAMES) is None


def test_where_it_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GENLOCK_MODELS", str(tmp_path / "models"))
    monkeypatch.delenv("GENLOCK_CACHE", raising=False)
    assert EmbeddingCache().folder == tmp_path / "models" / ".embeddings"
    monkeypatch.setenv("GENLOCK_CACHE", str(tmp_path / "cache"))
    assert EmbeddingCache().folder == tmp_path / "cache" / ".embeddings"
