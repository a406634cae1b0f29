"""Class probabilities are what one full forward per class gives, and nothing loads silently wrong."""

from pathlib import Path

import numpy as np
import pytest
import torch
from peft import LoraConfig, get_peft_model
from PIL.Image import Image
from safetensors.torch import load_file, save_file

from workbench.errors import ModelError
from workbench.models.chat import IGNORED_LABEL, encode
from workbench.models.instructions import class_instruction, class_text
from workbench.models.loading import ADAPTER_WEIGHTS
from workbench.models.vlm import Vlm, load_vlm

# peft 0.21 reads a property that transformers 5.23 has renamed.
pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")

CLASS_NAMES = ("free", "person_at_table", "forklift", "a")


@pytest.fixture
def adapter_dir(vlm_dir: Path, vlm: Vlm, tmp_path: Path) -> Path:
    """An adapter with weights that change the answers."""
    torch.manual_seed(0)
    config = LoraConfig(r=2, target_modules=r".*text_model.*\.(q_proj|v_proj)", init_lora_weights=False)
    adapted = get_peft_model(load_vlm(vlm_dir).model, config)
    adapted.save_pretrained(tmp_path / "adapter")
    vlm.contract.save(tmp_path / "adapter")
    return tmp_path / "adapter"


def test_probabilities_equal_one_full_forward_per_class(vlm: Vlm, images: list[Image]) -> None:
    probabilities = vlm.class_probabilities(images, CLASS_NAMES, batch_size=2)
    assert probabilities.shape == (3, 4)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-9)
    expected = np.array([_brute_force(vlm, image) for image in images])
    np.testing.assert_allclose(probabilities, expected, rtol=1e-3, atol=1e-7)


def test_order_of_images_and_batches_does_not_matter(vlm: Vlm, images: list[Image]) -> None:
    forwards = vlm.class_probabilities(images, CLASS_NAMES, batch_size=3)
    backwards = vlm.class_probabilities(images[::-1], CLASS_NAMES, batch_size=1)
    np.testing.assert_allclose(forwards, backwards[::-1], rtol=1e-4)


def test_no_images_give_empty_answers(vlm: Vlm) -> None:
    assert vlm.class_probabilities([], CLASS_NAMES).shape == (0, 4)
    assert vlm.generate_captions([]) == []


def test_answers_are_the_same_alone_and_in_a_batch(vlm: Vlm, images: list[Image]) -> None:
    instructions = ["Who?", "Is it night? Answer yes or no.", "A much longer question than the others?"]
    together = vlm.answer(images, instructions, max_new_tokens=5)
    alone = [
        vlm.answer([image], [asked], max_new_tokens=5)[0] for image, asked in zip(images, instructions, strict=True)
    ]
    assert together == alone


def test_adapter_is_loaded_and_named_in_the_version(
    vlm: Vlm, vlm_dir: Path, adapter_dir: Path, images: list[Image]
) -> None:
    adapted = load_vlm(vlm_dir, adapter=adapter_dir)
    assert adapted.version.startswith(f"{vlm.version}+adapter@")
    base = vlm.choice_log_likelihoods(images, "Who?", ["free", "a"])
    assert not torch.allclose(base, adapted.choice_log_likelihoods(images, "Who?", ["free", "a"]))


@pytest.mark.parametrize("damage", ["renamed", "missing", "empty"])
def test_adapter_that_does_not_fit_is_refused(vlm_dir: Path, adapter_dir: Path, damage: str) -> None:
    weights = load_file(adapter_dir / ADAPTER_WEIGHTS)
    first = min(weights)
    if damage == "renamed":
        weights = {name.replace("text_model", "language_model"): tensor for name, tensor in weights.items()}
    elif damage == "missing":
        del weights[first]
    else:
        weights = {}
    save_file(weights, adapter_dir / ADAPTER_WEIGHTS)
    with pytest.raises(ModelError, match="adapter weights"), pytest.warns(UserWarning, match="missing adapter keys"):
        load_vlm(vlm_dir, adapter=adapter_dir)


def test_what_cannot_be_loaded_is_told_in_one_sentence(vlm_dir: Path, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{")
    for source in (tmp_path / "nowhere", tmp_path):
        with pytest.raises(ModelError) as caught:
            load_vlm(source)
        assert "\n" not in str(caught.value)
        assert str(source) in str(caught.value)
    with pytest.raises(ModelError, match="dtype"):
        load_vlm(vlm_dir, dtype="float8")
    with pytest.raises(ModelError, match="chat_contract"):
        load_vlm(vlm_dir, adapter=tmp_path / "no-adapter")


def _brute_force(vlm: Vlm, image: Image) -> list[float]:
    likelihoods = []
    for name in CLASS_NAMES:
        batch = encode(vlm.processor, vlm.contract, [image], [class_instruction(CLASS_NAMES)], [class_text(name)])
        labels = batch.pop("labels")[:, 1:]
        with torch.inference_mode():
            logits = vlm.model(**batch).logits.double().log_softmax(dim=-1)[:, :-1]
        chosen = logits.gather(2, labels.clamp(min=0)[..., None]).squeeze(2)
        likelihoods.append(chosen[labels != IGNORED_LABEL].sum())
    return torch.stack(likelihoods).softmax(dim=0).tolist()
