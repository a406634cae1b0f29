"""A run learns, repeats itself, keeps its best weights and leaves a folder that loads to the same model."""

import json
import math
import resource
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from tests.tuning.conftest import CLASS_NAMES, PrepareTuning
from workbench.errors import DatasetError, ModelError, PreflightError, StorageError
from workbench.models.vlm import load_vlm
from workbench.recipe import Base, Part, Recipe, Training
from workbench.tuning.adapter import prove_adapter, save_adapter, trained_weights, verify_adapter
from workbench.tuning.best_weights import BestWeights
from workbench.tuning.encoding import item_of
from workbench.tuning.tuner import Prepared, Tuned, tune_model

FAST = Training(max_steps=8, per_device_train_batch_size=3, learning_rate=5e-3, eval_steps=4)


def tuned(prepared: Prepared, directory: Path) -> tuple[Tuned, dict[str, list[float]]]:
    curves: dict[str, list[float]] = {}

    def sink(step: int, metrics) -> None:
        for name, value in metrics.items():
            curves.setdefault(name, []).append(value)

    return tune_model(prepared, directory, facts={"dataset_id": "abc"}, sink=sink), curves


def test_the_loss_falls_and_the_folder_answers_like_the_tuned_model(
    prepare_tuning: PrepareTuning, tmp_path: Path, base_dir: Path
) -> None:
    result, curves = tuned(prepare_tuning(Recipe(training=FAST)), tmp_path / "adapter")
    losses = curves["train/loss"]
    assert len(losses) == len(curves["train/learning_rate"]) == result.steps == 8
    assert np.mean(losses[-2:]) < np.mean(losses[:2]) - 0.3
    assert len(curves["validation/loss"]) == 2
    halves = np.mean([curves["validation/caption_loss"], curves["validation/class_choice_loss"]], axis=0)
    assert curves["validation/loss"] == pytest.approx(halves.tolist())
    assert curves["validation/class_accuracy"][-1] in (0.0, 0.5, 1.0)
    image = Image.new("RGB", (64, 36), (90, 60, 30))
    reloaded = load_vlm(base_dir, adapter=result.adapter_dir)
    assert reloaded.contract.class_names == CLASS_NAMES
    expected = result.vlm.class_probabilities([image], CLASS_NAMES)
    assert reloaded.class_probabilities([image], CLASS_NAMES) == pytest.approx(expected, abs=1e-4)
    facts = json.loads((result.adapter_dir / "tuning.json").read_text())
    assert (facts["dataset_id"], facts["best_step"], facts["steps"]) == ("abc", result.best_step, 8)


def test_a_part_trained_in_full_on_a_base_of_16_bits_is_proved(prepare_tuning: PrepareTuning, tmp_path: Path) -> None:
    parts = {"text_model": Part(path="model.text_model", train="full")}
    result, _ = tuned(
        prepare_tuning(Recipe(base=Base(dtype="bfloat16"), parts=parts, training=FAST)), tmp_path / "adapter"
    )
    assert next(result.vlm.model.parameters()).dtype is torch.bfloat16


def test_an_adapter_on_a_tied_head_is_saved_without_the_embedding(
    prepare_tuning: PrepareTuning, tmp_path: Path, base_dir: Path
) -> None:
    parts = {"lm_head": Part(path="lm_head"), "text_model": Part(path="model.text_model")}
    result, _ = tuned(prepare_tuning(Recipe(parts=parts, training=FAST)), tmp_path / "adapter")
    stored = load_file(result.adapter_dir / "adapter_model.safetensors")
    assert any("lm_head.lora_B" in name for name in stored)
    assert not any("base_layer" in name or "embed_tokens" in name for name in stored)
    tied = load_vlm(base_dir, adapter=result.adapter_dir).model.get_base_model()
    assert torch.equal(tied.lm_head.base_layer.weight, load_vlm(base_dir).model.lm_head.weight)
    assert tied.lm_head.base_layer.weight is tied.get_input_embeddings().weight


def test_the_same_seed_gives_the_same_losses_and_another_seed_others(
    prepare_tuning: PrepareTuning, tmp_path: Path
) -> None:
    curves = [
        tuned(prepare_tuning(Recipe(training=FAST.model_copy(update={"seed": seed}))), tmp_path / str(place))[1]
        for place, seed in enumerate((1, 1, 2))
    ]
    assert curves[0] == curves[1]
    assert curves[0]["train/loss"] != curves[2]["train/loss"]


def test_the_weights_of_the_lowest_validation_loss_are_kept() -> None:
    weights = {"weight": torch.zeros(3)}
    best = BestWeights("loss", patience=2, frames=10)
    stops = []
    for step, loss in enumerate((3.0, 1.0, 2.0, 1.5), start=1):
        weights["weight"].fill_(step)
        stops.append(best.look(step, {"loss": loss}, weights))
    best.restore(weights)
    assert (best.step, best.score, weights["weight"].unique().tolist()) == (2, -1.0, [2.0])
    assert stops == [False, False, False, True]


@pytest.mark.parametrize(
    ("metric", "step"), [("loss", 1), ("caption_loss", 2), ("class_choice_loss", 3), ("class_accuracy", 2)]
)
def test_the_named_metric_decides_which_weights_are_kept(metric: str, step: int) -> None:
    best = BestWeights(metric, patience=0, frames=100)
    for now, losses in enumerate(((1, 3, 3, 0.5), (2, 1, 2, 0.9), (3, 2, 1, 0.6)), start=1):
        names = ("loss", "caption_loss", "class_choice_loss", "class_accuracy")
        best.look(now, dict(zip(names, losses, strict=True)), {"weight": torch.zeros(1)})
    assert best.step == step


@pytest.mark.parametrize(("n_frames", "step"), [(17, 3), (1000, 1)])
def test_few_frames_do_not_speak_for_early_weights(n_frames: int, step: int) -> None:
    best = BestWeights("class_accuracy", patience=0, frames=n_frames)
    for now, share in enumerate((0.92, 0.6, 0.88), start=1):
        best.look(now, {"class_accuracy": share}, {"weight": torch.zeros(1)})
    assert best.step == step


def test_early_stopping_ends_a_run_that_no_longer_improves(prepare_tuning: PrepareTuning, tmp_path: Path) -> None:
    training = FAST.model_copy(
        update={
            "learning_rate": 0.3,
            "eval_steps": 1,
            "max_steps": 30,
            "early_stopping_patience": 2,
            "metric_for_best_model": "loss",
        }
    )
    result, _ = tuned(prepare_tuning(Recipe(training=training)), tmp_path / "adapter")
    assert result.steps < 30
    assert result.best_step == result.steps - 2


def test_without_a_validation_split_the_last_weights_are_kept(prepare_tuning: PrepareTuning, tmp_path: Path) -> None:
    result, curves = tuned(prepare_tuning(Recipe(training=FAST), validation=0), tmp_path / "adapter")
    assert result.best_step is None
    assert "validation/loss" not in curves


def test_a_loss_that_is_no_number_ends_the_run_and_leaves_nothing(
    prepare_tuning: PrepareTuning, tmp_path: Path
) -> None:
    prepared = prepare_tuning(Recipe(training=FAST))
    with torch.no_grad():
        next(weight for weight in prepared.model.parameters() if weight.requires_grad).fill_(math.nan)
    with pytest.raises(PreflightError, match="a finite loss"):
        tuned(prepared, tmp_path / "adapter")
    assert list(tmp_path.iterdir()) == []


def test_a_gradient_that_is_no_number_ends_the_run_before_its_weights_are_kept(
    prepare_tuning: PrepareTuning, tmp_path: Path
) -> None:
    prepared = prepare_tuning(Recipe(training=FAST.model_copy(update={"max_steps": 1})))
    next(weight for weight in prepared.model.parameters() if weight.requires_grad).register_hook(
        lambda it: it * math.nan
    )
    with pytest.raises(PreflightError, match="a finite gradient"):
        tuned(prepared, tmp_path / "adapter")


@pytest.mark.parametrize("workers", [0, 1])
def test_a_frame_that_cannot_be_read_is_named_wherever_it_is_read(
    workers: int, prepare_tuning: PrepareTuning, tmp_path: Path
) -> None:
    prepared = prepare_tuning(Recipe(training=FAST.model_copy(update={"dataloader_num_workers": workers})))
    prepared.train[3] = replace(prepared.train[3], image_jpeg=b"no picture any more")
    with pytest.raises(DatasetError, match=prepared.train[3].frame_id[:12]):
        tuned(prepared, tmp_path / "adapter")


def test_memory_that_runs_out_in_the_middle_is_told_with_what_to_change(
    prepare_tuning: PrepareTuning, tmp_path: Path
) -> None:
    def run_out(module: torch.nn.Module, inputs: object, output: object) -> None:
        raise torch.cuda.OutOfMemoryError("a longer batch than the one that was tried")

    prepared = prepare_tuning(Recipe(training=FAST))
    prepared.model.get_submodule("base_model.model.lm_head").register_forward_hook(run_out)
    with pytest.raises(PreflightError, match=r"memory for a step.*per_device_train_batch_size to 1"):
        tuned(prepared, tmp_path / "adapter")


@pytest.fixture
def saved(prepare_tuning: PrepareTuning, tmp_path: Path) -> tuple[Prepared, Path]:
    prepared = prepare_tuning(Recipe())
    with torch.no_grad():
        for weight in prepared.model.parameters():
            if weight.requires_grad:
                weight.add_(0.02)
    directory = tmp_path / "adapter"
    save_adapter(prepared.model, directory, contract=prepared.vlm.contract, recipe=prepared.recipe, facts={})
    return prepared, directory


def test_a_folder_is_written_whole_with_a_manifest_of_every_file(saved: tuple[Prepared, Path]) -> None:
    _, directory = saved
    verify_adapter(directory)
    named = json.loads((directory / "manifest.json").read_text())["sha256"].keys()
    assert named == {
        "adapter_config.json",
        "adapter_model.safetensors",
        "chat_contract.json",
        "recipe.yaml",
        "tuning.json",
    }
    assert list(directory.parent.iterdir()) == [directory]


@pytest.mark.parametrize("name", ["adapter_model.safetensors", "recipe.yaml", "chat_contract.json"])
def test_an_altered_file_is_refused_by_name(saved: tuple[Prepared, Path], name: str) -> None:
    _, directory = saved
    content = bytearray((directory / name).read_bytes())
    content[-3] ^= 1
    (directory / name).write_bytes(content)
    with pytest.raises(ModelError, match=name):
        verify_adapter(directory)


@pytest.mark.parametrize("manifest", ['{"sha256": []}', '{"sha256": 1}', "[]", "{"])
def test_a_manifest_that_is_none_is_refused(saved: tuple[Prepared, Path], manifest: str) -> None:
    _, directory = saved
    (directory / "manifest.json").write_text(manifest)
    with pytest.raises(ModelError, match="restore the folder from a backup, or tune again"):
        verify_adapter(directory)


def test_a_missing_or_an_added_file_is_refused(saved: tuple[Prepared, Path]) -> None:
    _, directory = saved
    (directory / "tuning.json").rename(directory / "extra.json")
    with pytest.raises(ModelError, match=r"extra\.json, tuning\.json"):
        verify_adapter(directory)


def test_a_folder_that_answers_otherwise_fails_its_proof(saved: tuple[Prepared, Path], frames) -> None:
    prepared, directory = saved
    start = {name: weight - 0.02 for name, weight in trained_weights(prepared.model).items()}
    item = item_of(prepared.taught[0])
    with pytest.raises(PreflightError, match="unchanged"):
        prove_adapter(directory, prepared.vlm, trained_weights(prepared.model), item, prepared.loading)
    with torch.no_grad():
        for weight in prepared.model.parameters():
            if weight.requires_grad:
                weight.add_(0.2)
    with pytest.raises(PreflightError, match="answer as the tuned model"):
        prove_adapter(directory, prepared.vlm, start, item, prepared.loading)


def test_a_proof_holds_one_model_at_a_time(saved: tuple[Prepared, Path]) -> None:
    prepared, directory = saved
    start = {name: weight - 0.02 for name, weight in trained_weights(prepared.model).items()}
    reloaded = prove_adapter(directory, prepared.vlm, start, item_of(prepared.taught[0]), prepared.loading)
    assert not any(weight.numel() for weight in prepared.model.parameters())
    assert reloaded.version.startswith(f"{prepared.vlm.version}+adapter@")


def test_a_disk_that_refuses_is_told_and_leaves_nothing(saved: tuple[Prepared, Path], tmp_path: Path) -> None:
    prepared, _ = saved
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError, match="to write the adapter"):
        save_adapter(
            prepared.model,
            tmp_path / "file" / "adapter",
            contract=prepared.vlm.contract,
            recipe=prepared.recipe,
            facts={},
        )


@pytest.mark.parametrize("room", [3000, 20_000])  # peft writes a README before the weights
def test_a_disk_that_fills_up_is_told_and_nothing_half_written_stays(
    room: int, saved: tuple[Prepared, Path], tmp_path: Path
) -> None:
    prepared, directory = saved
    (tmp_path / ".other-of-a-killed-run").mkdir()
    chosen = {"contract": prepared.vlm.contract, "recipe": prepared.recipe, "facts": {}}
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, hard))
    try:
        with pytest.raises(StorageError, match=r"to write the adapter to .*other.*File too large"):
            save_adapter(prepared.model, tmp_path / "other", **chosen)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list(tmp_path.iterdir()) == [directory]
