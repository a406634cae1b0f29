"""A model's version stands for every file that decides what it computes, and for no other."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from workbench.models.model_files import deciding_files, model_digest
from workbench.models.vlm import load_vlm

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", ["config.json", "tokenizer_config.json", "processor_config.json"])
def test_a_base_with_another_setting_is_another_version(vlm_dir: Path, tmp_path: Path, name: str) -> None:
    base = shutil.copytree(vlm_dir, tmp_path / vlm_dir.name)
    before = load_vlm(base).version
    (base / "README.md").write_text("a card says nothing to the model")
    assert load_vlm(base).version == before == load_vlm(vlm_dir).version
    settings = json.loads((base / name).read_text())
    (base / name).write_text(json.dumps({**settings, "made_for": "another purpose"}))
    assert load_vlm(base).version != before


def test_the_digest_is_what_the_docs_say_of_sha256sum(vlm_dir: Path) -> None:
    names = [file.name for file in deciding_files(vlm_dir)]
    assert {"config.json", "model.safetensors", "tokenizer.json"} <= set(names)
    sums = subprocess.run(["sha256sum", *names], cwd=vlm_dir, capture_output=True, check=True).stdout
    told = subprocess.run(["sha256sum"], input=sums, capture_output=True, check=True).stdout
    assert told.decode().startswith(model_digest(vlm_dir))
    assert f"`base-vlm@{model_digest(ROOT / 'data' / 'base-vlm')[:8]}`" in (ROOT / "docs" / "tuning.md").read_text()
