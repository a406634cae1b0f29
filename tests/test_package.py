"""The wheel carries what the demo needs, so that it works outside a clone."""

import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def test_wheel_carries_models_recipes_and_clips(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {
        "workbench/embedded/base-vlm/model.safetensors",
        "workbench/embedded/base-clip/model.safetensors",
        "workbench/embedded/recipes/demo.yaml",
        "workbench/embedded/demo/labels.csv",
    } <= names
    assert sum(name.startswith("workbench/embedded/demo/") and name.endswith(".mp4") for name in names) >= 3
