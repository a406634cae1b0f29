"""vLLM says what transformers says, of the embedded base and of an adapter that was merged into it."""

import json
import subprocess
from collections.abc import Sequence
from itertools import product
from pathlib import Path

import pytest
from PIL.Image import Image

from tests.models.test_merging import write_adapter
from workbench.models.instructions import CAPTION_INSTRUCTION, class_instruction
from workbench.models.merging import load_merged, save_merged
from workbench.models.vlm import Vlm, load_vlm
from workbench.scenes import render_scene
from workbench.settings import embedded_path

PYTHON = Path(__file__).parents[2] / ".venv-vllm" / "bin" / "python"
INSTRUCTIONS = (CAPTION_INSTRUCTION, class_instruction(["clear", "person", "forklift", "truck"]))

pytestmark = [
    pytest.mark.skipif(not PYTHON.exists(), reason="vLLM has an environment of its own: make test-vllm"),
    # peft 0.21 reads a property that transformers 5.23 has renamed.
    pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning"),
    pytest.mark.filterwarnings("ignore:Model has `tie_word_embeddings=True`:UserWarning"),
]


@pytest.fixture(scope="module")
def stills() -> list[Image]:
    return [render_scene(seed).image for seed in range(8)]


def test_the_embedded_base(stills: Sequence[Image], tmp_path: Path) -> None:
    agree(load_vlm(embedded_path("base-vlm")), embedded_path("base-vlm"), stills, tmp_path)


def test_merged_weights_with_a_system_prompt(stills: Sequence[Image], tmp_path: Path) -> None:
    adapter = write_adapter(embedded_path("base-vlm"), tmp_path / "adapter", "lora")
    folder = tmp_path / "merged"
    merged = load_merged(embedded_path("base-vlm"), adapter=adapter)
    save_merged(merged, folder)
    assert merged.contract.system_prompt
    agree(merged, folder, stills, tmp_path)


def agree(vlm: Vlm, folder: Path, stills: Sequence[Image], tmp_path: Path) -> None:
    """Ask both every instruction about every still."""
    asked = list(product(range(len(stills)), INSTRUCTIONS))
    expected = vlm.answer([stills[number] for number, _ in asked], [instruction for _, instruction in asked])
    assert len(set(expected)) > 4, "answers that are all alike would prove little"
    for number, still in enumerate(stills):
        still.save(tmp_path / f"{number}.png")
    system = [{"role": "system", "content": vlm.contract.system_prompt}] if vlm.contract.system_prompt else []
    chats = [
        [*system, {"role": "user", "content": [picture(tmp_path / f"{number}.png"), text(instruction)]}]
        for number, instruction in asked
    ]
    (tmp_path / "asked.json").write_text(json.dumps(chats), encoding="utf-8")
    program = [PYTHON, Path(__file__).with_name("ask_vllm.py"), folder, tmp_path / "asked.json", tmp_path / "said.json"]
    done = subprocess.run(program, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-4000:]
    assert json.loads((tmp_path / "said.json").read_text(encoding="utf-8")) == expected


def picture(path: Path) -> dict[str, str]:
    return {"type": "image_pil", "image_pil": str(path)}


def text(instruction: str) -> dict[str, str]:
    return {"type": "text", "text": instruction}
