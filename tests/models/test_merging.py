"""Merged weights answer as the adapter does, whatever was trained, and load like any model of the hub."""

import dataclasses
import json
from pathlib import Path

import pytest
import torch
from peft import LoraConfig, get_peft_model
from peft.utils.constants import DUMMY_TARGET_MODULES
from PIL.Image import Image
from transformers import AutoModelForImageTextToText, AutoProcessor

from workbench.errors import ModelError, StorageError
from workbench.models.chat import CONTRACT_FILE, encode_prompts
from workbench.models.merging import load_merged, merge_adapter, save_merged
from workbench.models.vlm import Vlm, load_vlm

pytestmark = [
    # peft 0.21 reads a property that transformers 5.23 has renamed.
    pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning"),
    pytest.mark.filterwarnings("ignore:Model has `tie_word_embeddings=True`:UserWarning"),
]

EVERYWHERE = r".*(text_model|vision_model).*\.(q_proj|v_proj)"
KINDS: dict[str, dict[str, object]] = {
    "lora": {"target_modules": EVERYWHERE},
    "rslora": {"target_modules": EVERYWHERE, "use_rslora": True},
    "dora": {"target_modules": EVERYWHERE, "use_dora": True},
    "connector": {"target_modules": EVERYWHERE, "modules_to_save": ["model.connector"]},
    "head": {"target_modules": EVERYWHERE + "|lm_head"},
    "dora_head": {"target_modules": EVERYWHERE + "|lm_head", "use_dora": True},
    "whole_head": {"target_modules": EVERYWHERE, "modules_to_save": ["lm_head"]},
    "whole_connector_alone": {"target_modules": DUMMY_TARGET_MODULES, "modules_to_save": ["model.connector"]},
    "whole_text_model": {"target_modules": r".*vision_model.*\.q_proj", "modules_to_save": ["model.text_model"]},
}
CHOICES = ["free", "forklift", "a"]


def write_adapter(vlm_dir: Path, directory: Path, kind: str, dtype: str = "float32") -> Path:
    """Write an adapter of ``kind`` with weights that change the answers."""
    torch.manual_seed(0)
    vlm = load_vlm(vlm_dir, dtype=dtype)
    adapted = get_peft_model(vlm.model, LoraConfig(r=2, init_lora_weights=False, **KINDS[kind]))
    with torch.no_grad():
        for name, weight in adapted.named_parameters():
            if "modules_to_save" in name or "magnitude" in name:
                weight.mul_(1 + 0.2 * torch.rand_like(weight))
    adapted.save_pretrained(directory, save_embedding_layers=False)
    dataclasses.replace(vlm.contract, system_prompt="You watch a gate.", class_names=("free", "forklift")).save(
        directory
    )
    return directory


@pytest.mark.parametrize("kind", KINDS)
def test_merged_weights_answer_as_the_adapter_does(
    kind: str, vlm_dir: Path, tmp_path: Path, images: list[Image]
) -> None:
    adapter = write_adapter(vlm_dir, tmp_path / "adapter", kind)
    adapted = load_vlm(vlm_dir, adapter=adapter)
    merged = load_merged(vlm_dir, adapter=adapter)
    assert not [name for name in merged.model.state_dict() if "lora" in name or "modules_to_save" in name]
    assert merged.version == f"{adapted.version}+merged"
    directory = save_merged(merged, tmp_path / "merged")
    reloaded = load_vlm(directory)
    assert reloaded.contract == adapted.contract == merged.contract
    prompts = encode_prompts(adapted.processor, adapted.contract, images, ["Who?", "What?", "Where?"])
    with torch.inference_mode():
        expected, base = adapted.model(**prompts).logits, load_vlm(vlm_dir).model(**prompts).logits
        assert not torch.allclose(expected, base, atol=1e-2)
        for vlm in (merged, reloaded):
            torch.testing.assert_close(vlm.model(**prompts).logits, expected, atol=2e-4, rtol=1e-4)
    likelihoods = adapted.choice_log_likelihoods(images, "Who?", CHOICES)
    torch.testing.assert_close(reloaded.choice_log_likelihoods(images, "Who?", CHOICES), likelihoods, atol=1e-3, rtol=0)


@pytest.mark.parametrize("kind", ["head", "dora_head", "whole_head"])
def test_an_adapted_head_leaves_the_embedding_that_it_was_tied_to_as_it_was(
    kind: str, vlm: Vlm, vlm_dir: Path, tmp_path: Path
) -> None:
    assert vlm.model.lm_head.weight is vlm.model.get_input_embeddings().weight
    merged = load_merged(vlm_dir, adapter=write_adapter(vlm_dir, tmp_path / "adapter", kind))
    reloaded = load_vlm(save_merged(merged, tmp_path / "merged"))
    for model in (merged.model, reloaded.model):
        assert torch.equal(model.get_input_embeddings().weight, vlm.model.get_input_embeddings().weight)
        assert not torch.allclose(model.lm_head.weight, vlm.model.lm_head.weight, atol=1e-3)
    config = json.loads((tmp_path / "merged" / "config.json").read_text())
    assert not any(part.get("tie_word_embeddings") for part in (config, config["text_config"]))


def test_a_head_without_an_adapter_stays_tied(vlm_dir: Path, tmp_path: Path) -> None:
    merged = load_merged(vlm_dir, adapter=write_adapter(vlm_dir, tmp_path / "adapter", "lora"))
    reloaded = load_vlm(save_merged(merged, tmp_path / "merged"))
    assert reloaded.model.lm_head.weight is reloaded.model.get_input_embeddings().weight


def test_the_sum_is_taken_in_float32_and_rounded_once(vlm_dir: Path, tmp_path: Path) -> None:
    adapter = write_adapter(vlm_dir, tmp_path / "adapter", "head", dtype="bfloat16")
    exact = load_merged(vlm_dir, adapter=adapter).model.state_dict()
    base = load_vlm(vlm_dir).model.state_dict()
    rounded = load_merged(vlm_dir, adapter=adapter, dtype="bfloat16").model.state_dict()
    for name in ("lm_head.weight", "model.text_model.layers.0.self_attn.q_proj.weight"):
        held = base[name].bfloat16().float()
        assert torch.equal(rounded[name], (held + (exact[name] - base[name])).bfloat16())
    assert {weight.dtype for weight in rounded.values()} == {torch.bfloat16}


def test_an_adapter_of_a_quantised_run_is_merged_into_the_unquantised_base(vlm_dir: Path, tmp_path: Path) -> None:
    adapter = write_adapter(vlm_dir, tmp_path / "adapter", "lora", dtype="bfloat16")
    quantised = load_vlm(vlm_dir, adapter=adapter, dtype="bfloat16", quantization="nf4")
    with pytest.raises(ModelError, match="unquantised base"):
        merge_adapter(quantised.model)
    merged = load_merged(vlm_dir, adapter=adapter, dtype="bfloat16", quantization="nf4")
    plain = load_merged(vlm_dir, adapter=adapter, dtype="bfloat16")
    assert all(
        torch.equal(weight, plain.model.state_dict()[name]) for name, weight in merged.model.state_dict().items()
    )


def test_an_adapter_with_weights_that_are_no_numbers_is_refused(vlm_dir: Path, tmp_path: Path) -> None:
    adapted = load_vlm(vlm_dir, adapter=write_adapter(vlm_dir, tmp_path / "adapter", "lora")).model
    with torch.no_grad():
        next(weight for name, weight in adapted.named_parameters() if "lora_B" in name).fill_(torch.nan)
    with pytest.raises(ModelError, match="NaNs"):
        merge_adapter(adapted)


def test_the_folder_loads_through_the_library_alone(vlm_dir: Path, tmp_path: Path, images: list[Image]) -> None:
    merged = load_merged(vlm_dir, adapter=write_adapter(vlm_dir, tmp_path / "adapter", "connector"))
    directory = save_merged(merged, tmp_path / "merged")
    written = {file.name for file in directory.iterdir()}
    assert written >= {"config.json", "generation_config.json", "model.safetensors", CONTRACT_FILE, "tokenizer.json"}
    assert written >= {"tokenizer_config.json", "processor_config.json", "chat_template.jinja"}
    assert json.loads((directory / "config.json").read_text())["architectures"] == ["Idefics3ForConditionalGeneration"]
    processor = AutoProcessor.from_pretrained(directory, backend="pil")
    model = AutoModelForImageTextToText.from_pretrained(directory)
    prompts = encode_prompts(processor, merged.contract, images[:1], ["Who?"])
    made = model.generate(**prompts, max_new_tokens=5, do_sample=False)
    answer = processor.batch_decode(made[:, prompts["input_ids"].shape[1] :], skip_special_tokens=True)[0].strip()
    assert [answer] == merged.answer(images[:1], ["Who?"], max_new_tokens=5)


def test_a_model_with_its_adapter_apart_and_a_full_folder_are_refused(vlm_dir: Path, tmp_path: Path) -> None:
    adapter = write_adapter(vlm_dir, tmp_path / "adapter", "lora")
    with pytest.raises(ModelError, match="adapter apart"):
        save_merged(load_vlm(vlm_dir, adapter=adapter), tmp_path / "merged")
    with pytest.raises(StorageError, match="to write the merged model"):
        save_merged(load_merged(vlm_dir, adapter=adapter), adapter)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["adapter"]
