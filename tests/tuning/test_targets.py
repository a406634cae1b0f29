"""What a recipe names is trained, exactly that, and by its full path."""

import re
from pathlib import Path

import pytest
import torch
from transformers import (
    AutoModelForImageTextToText,
    Idefics3Config,
    Idefics3ForConditionalGeneration,
    Qwen2_5_VLConfig,
    Qwen2_5_VLForConditionalGeneration,
    Qwen3VLConfig,
    Qwen3VLForConditionalGeneration,
)

from tests.tuning.conftest import PrepareTuning
from workbench.errors import PreflightError
from workbench.recipe import Part, Recipe
from workbench.recipe_file import load_recipe
from workbench.tuning.targets import find_targets

RECIPES = Path(__file__).parents[2] / "recipes"


@pytest.fixture(scope="module")
def model(base_dir):
    return AutoModelForImageTextToText.from_pretrained(base_dir)


def test_lora_is_put_on_each_part_by_its_own_expression(model) -> None:
    parts = {
        "eyes": Part(path="model.vision_model", target_modules=r"encoder\.layers\.1\.self_attn\.(q|v)_proj"),
        "words": Part(path="model.text_model", target_modules=r".*down_proj"),
    }
    targets = find_targets(model, parts)
    assert targets.lora["eyes"] == (
        "model.vision_model.encoder.layers.1.self_attn.v_proj",
        "model.vision_model.encoder.layers.1.self_attn.q_proj",
    )
    assert targets.lora["words"] == tuple(f"model.text_model.layers.{layer}.mlp.down_proj" for layer in (0, 1))


@pytest.mark.parametrize(
    ("part", "told"),
    [
        (Part(path="model.visual"), "vision_model"),
        (Part(path="model.text_model", target_modules="q_proj"), "none among 14"),
        (Part(path="model.vision_model.embeddings"), "without linear layers"),
        (Part(path="model.text_model", target_modules=".*(q|k)_proj|.*typo"), r"that matches '\.\*typo'"),
        (Part(path="model.text_model", target_modules=".*q_proj|"), "that matches ''"),
        (Part(path="model.text_model.layers", train="full"), "layers, a list of 2; name the module around it"),
        (Part(path="model", train="full"), "2 end, such as model.vision_model"),
    ],
)
def test_a_part_that_matches_nothing_is_refused(model, part: Part, told: str) -> None:
    with pytest.raises(PreflightError, match=told):
        find_targets(model, {"part": part})


def test_exactly_the_named_weights_are_trainable(prepare_tuning: PrepareTuning) -> None:
    prepared = prepare_tuning(Recipe())
    trainable = [name for name, weight in prepared.model.named_parameters() if weight.requires_grad]
    assert all("lora_" in name or "connector.modules_to_save" in name for name in trainable)
    audits = {audit.part: audit for audit in prepared.preflight.parts}
    assert all(audit.trainable > 0 for audit in audits.values())
    assert audits["connector"].train == "full"
    assert audits["connector"].trainable == audits["connector"].parameters
    assert prepared.preflight.trainable_parameters == sum(
        weight.numel() for weight in prepared.model.parameters() if weight.requires_grad
    )


def test_a_part_is_not_taken_for_what_peft_calls_its_own(prepare_tuning: PrepareTuning) -> None:
    parts = {"model": Part(path="model"), "head": Part(path="lm_head")}
    model, head = prepare_tuning(Recipe(parts=parts)).preflight.parts
    assert model.trainable > head.trainable > 0


def test_a_part_inside_another_that_is_trained_otherwise_is_refused(prepare_tuning: PrepareTuning) -> None:
    parts = {
        "text_model": Part(path="model.text_model"),
        "first_layer": Part(path="model.text_model.layers.0", train="frozen"),
    }
    with pytest.raises(PreflightError, match=r"parts\.first_layer to be frozen"):
        prepare_tuning(Recipe(parts=parts))


@pytest.mark.parametrize(
    ("name", "family", "config"),
    [
        ("demo", Idefics3ForConditionalGeneration, Idefics3Config()),
        ("smolvlm-500m-lora", Idefics3ForConditionalGeneration, Idefics3Config()),
        ("qwen2.5-vl-3b-qlora", Qwen2_5_VLForConditionalGeneration, Qwen2_5_VLConfig()),
        ("qwen3-vl-4b-qlora", Qwen3VLForConditionalGeneration, Qwen3VLConfig()),
    ],
)
def test_shipped_recipes_name_every_layer_of_their_model_family(name: str, family, config) -> None:
    recipe = load_recipe(RECIPES / f"{name}.yaml")
    with torch.device("meta"):
        model = family(config)
    targets = find_targets(model, recipe.parts)
    for part, paths in targets.lora.items():
        depths = {int(number) for path in paths for number in re.findall(r"\.(\d+)\.", path)}
        assert depths == set(range(len(depths)))
        assert part in ("connector", "lm_head", "merger") or len(depths) == _depth(config, part)


def _depth(config, part: str) -> int:
    if part in ("vision_model", "visual"):
        return getattr(config.vision_config, "depth", 0) or config.vision_config.num_hidden_layers
    return config.text_config.num_hidden_layers
