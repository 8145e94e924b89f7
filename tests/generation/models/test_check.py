"""A check names every fault there is, with its file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from genlock.errors import GenerationError
from genlock.generation.models.check import Checked, check, dry_run
from genlock.generation.models.library import RECORD, Library
from tests.generation.models.tensors import safetensors
from tests.generation.models.test_library import make_pipeline


@pytest.fixture
def pipe(tmp_path: Path) -> Path:
    folder = make_pipeline(tmp_path / "pipe")
    index = {
        "_class_name": "X",
        "transformer": ["diffusers", "AutoencoderKL"],
        "vae": ["transformers", "CLIPTextModel"],
    }
    (folder / "model_index.json").write_text(json.dumps(index))
    return folder


def looked(pipe: Path, *, deep: bool = False) -> Checked:
    return check("pipe", Library(pipe.parent), deep=deep)


def faults(checked: Checked) -> dict[str, str]:
    return {problem.file: problem.message for problem in checked.problems}


def keep_record(pipe: Path, **changes: int) -> None:
    import hashlib

    files = [
        {
            "path": path.relative_to(pipe).as_posix(),
            "size": path.stat().st_size,
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        }
        for path in pipe.rglob("*")
        if path.is_file()
    ]
    record = {"name": "pipe", "repository": "a/b", "revision": "c" * 40, "licence": "L", "files": files, **changes}
    (pipe / RECORD).write_text(json.dumps(record))


def test_a_good_one_is_good(pipe: Path) -> None:
    keep_record(pipe)
    found = looked(pipe, deep=True)
    assert found.ok, found.problems
    assert found.dtypes == {"BF16": 600}
    assert (found.bytes, found.revision) == (600, "c" * 40)
    assert found.notes == []


def test_one_given_by_hand_is_good_with_a_note(pipe: Path) -> None:
    (pipe / "old.ckpt").write_bytes(b"x")
    found = looked(pipe)
    assert found.ok
    assert "not pulled by Genlock" in found.notes[0]
    assert "1 pickles" in found.notes[1]


def test_sizes_hashes_and_absence_are_compared_with_the_record(pipe: Path) -> None:
    keep_record(pipe)
    weights = pipe / "vae" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"!")
    (pipe / "transformer" / "config.json").unlink()
    assert faults(looked(pipe)) == {"transformer/config.json": "It is missing."}
    assert "not what was published" in faults(looked(pipe, deep=True))["vae/model.safetensors"]
    weights.write_bytes(weights.read_bytes()[:-1])
    found = looked(pipe)
    assert "should hold" in faults(found)["vae/model.safetensors"]
    assert len(found.problems) == 2


def test_shards_are_compared_with_their_index(pipe: Path) -> None:
    index = {"weight_map": {"weight": "model.safetensors", "bias": "model.safetensors", "far": "model-2.safetensors"}}
    (pipe / "vae" / "model.safetensors.index.json").write_text(json.dumps(index))
    messages = [problem.message for problem in looked(pipe).problems]
    assert messages == [
        "It names files that are not there: model-2.safetensors.",
        "model.safetensors lacks 1 tensors, bias among them.",
    ]


def test_classes_nobody_here_has_are_named(pipe: Path) -> None:
    pytest.importorskip("diffusers")
    index = {"_class_name": "X", "transformer": ["diffusers", "WarpDrive"], "vae": ["ltx2", "LTX2Vocoder"]}
    (pipe / "model_index.json").write_text(json.dumps(index))
    assert faults(looked(pipe)) == {
        "model_index.json": "transformer is a WarpDrive of diffusers, which the libraries here do not have."
    }


def test_code_of_its_own_and_odd_json_are_faults(pipe: Path) -> None:
    (pipe / "vae" / "config.json").write_text('{"auto_map": {"AutoModel": "evil.py"}}')
    (pipe / "transformer" / "config.json").write_text("{")
    found = looked(pipe)
    assert {problem.file: problem.code for problem in found.problems} == {
        "vae/config.json": "unsafe_weights",
        "transformer/config.json": "model_broken",
    }


def test_no_weights_at_all_is_a_fault_and_absence_an_error(tmp_path: Path) -> None:
    (tmp_path / "bare").mkdir()
    (tmp_path / "bare" / "config.json").write_text("{}")
    assert "no safetensors" in check("bare", Library(tmp_path)).problems[0].message
    with pytest.raises(GenerationError) as caught:
        check("gone", Library(tmp_path))
    assert caught.value.code == "model_missing"


def test_a_record_that_cannot_be_read_is_a_fault(pipe: Path) -> None:
    (pipe / RECORD).write_text("[]")
    assert RECORD in faults(looked(pipe))


def test_a_dry_run_that_fails_says_so_and_breaks_nothing(pipe: Path) -> None:
    (pipe / "vae" / "model.safetensors").write_bytes(safetensors(3))
    assert isinstance(dry_run(pipe / "nowhere"), str)
