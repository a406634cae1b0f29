"""QLoRA for real: 4-bit weights in the language model alone, and a step that trains."""

from pathlib import Path

import pytest
import torch
from bitsandbytes.nn import Linear4bit
from PIL import Image
from torch import nn

from tests.tuning.conftest import CLASS_NAMES, PrepareTuning
from workbench.errors import PreflightError
from workbench.recipe import Base, Part, Recipe, Training
from workbench.tuning.forward import mixed_precision, row_losses
from workbench.tuning.gradients import gradients_proved
from workbench.tuning.preflight import check_quantization
from workbench.tuning.tuner import collate_for, training_sets, tune_model

NF4 = Recipe(base=Base(quantization="nf4", dtype="bfloat16"), training=Training(max_steps=1, warmup_steps=0, bf16=True))


def test_nf4_takes_the_language_model_alone_and_trains(prepare_tuning: PrepareTuning, tmp_path: Path) -> None:
    prepared = prepare_tuning(NF4)
    in_4_bits: dict[str, set[bool]] = {}
    for name, module in prepared.model.named_modules():
        if isinstance(module, nn.Linear) and "lora_" not in name:
            part = next((part for part in prepared.recipe.parts if f".{part}." in name), name.rpartition(".")[2])
            in_4_bits.setdefault(part, set()).add(isinstance(module, Linear4bit))
    assert in_4_bits == {"vision_model": {False}, "connector": {False}, "text_model": {True}, "lm_head": {False}}
    result = tune_model(prepared, tmp_path / "adapter", facts={}, sink=lambda step, metrics: None)
    assert result.final_loss > 0


def test_a_model_that_is_not_quantized_although_its_recipe_says_so_is_refused() -> None:
    with pytest.raises(PreflightError, match="not one"):
        check_quantization(nn.Linear(2, 2), NF4)


def test_what_is_asked_between_two_steps_leaves_every_4_bit_layer_trainable(prepare_tuning: PrepareTuning) -> None:
    """bitsandbytes repacks layers for answering on some CPUs, which cuts off the gradient of all before them."""
    prepared = prepare_tuning(NF4)
    with mixed_precision(prepared.model, NF4.training):
        prepared.vlm.class_probabilities([Image.new("RGB", (64, 36))], CLASS_NAMES)
    train, _ = training_sets(prepared, prepared.pixels)
    batch = collate_for(prepared.vlm)([train[0]])
    prepared.model.train()
    with gradients_proved(prepared.model, NF4.parts), mixed_precision(prepared.model, NF4.training):
        torch.autograd.backward(row_losses(prepared.model.get_base_model(), batch).mean())


def test_a_part_in_4_bits_is_not_trained_whole(prepare_tuning: PrepareTuning) -> None:
    parts = {"text_model": Part(path="model.text_model", train="full")}
    with pytest.raises(PreflightError, match=r"parts\.text_model, whose every weight is trained, not to be held in 4"):
        prepare_tuning(NF4.model_copy(update={"parts": parts}))
