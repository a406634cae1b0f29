"""One look at a frame for all of its examples costs and teaches what a look for each does."""

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tests.tuning.conftest import PrepareTuning
from workbench.recipe import Augmentation, Data, Part, Recipe, Tasks, Training
from workbench.tuning.collator import Batch, Collator, collate_packed
from workbench.tuning.examples import TASKS
from workbench.tuning.forward import row_losses
from workbench.tuning.frames import AS_IT_IS, PixelLooks
from workbench.tuning.loop import Watch, focused
from workbench.tuning.tuner import Prepared, looks_of, new_loop, training_sets

PARTS = {"text_model": Part(path="model.text_model")}


def batches(prepared: Prepared, count: int) -> tuple[Batch, Batch]:
    """Return the first ``count`` frames row by row and packed."""
    pixels, vlm = prepared.pixels, prepared.vlm
    by_row = PixelLooks(pixels.augmentation, encoder=None)
    frames = prepared.taught[:count]
    rows = Collator(vlm.processor, vlm.contract)([by_row.at(frame, AS_IT_IS) for frame in frames])
    return rows, collate_packed([pixels.at(frame, AS_IT_IS) for frame in frames])


@pytest.mark.parametrize("tasks", [Tasks(), Tasks(caption=0.5), Tasks(class_choice=0)])
def test_packed_rows_lose_and_weigh_what_separate_ones_do(prepare_tuning: PrepareTuning, tasks: Tasks) -> None:
    training = Training(metric_for_best_model="loss")
    prepared = prepare_tuning(Recipe(data=Data(tasks=tasks), training=training))
    rows, packed = batches(prepared, 3)
    model = prepared.model.eval().get_base_model()
    with torch.no_grad():
        assert row_losses(model, packed).tolist() == pytest.approx(row_losses(model, rows).tolist(), abs=2e-5)
    for name in ("row_weight", "row_task", "row_tokens"):
        assert torch.equal(rows[name], packed[name])


def test_a_frame_beside_others_of_another_size_loses_the_same(prepare_tuning: PrepareTuning) -> None:
    prepared = prepare_tuning(Recipe())
    model = prepared.model.eval().get_base_model()
    _, packed = batches(prepared, 2)
    first = prepared.pixels.at(prepared.taught[0], AS_IT_IS)
    with torch.no_grad():
        alone = row_losses(model, collate_packed([first]))
        assert row_losses(model, packed)[:2].tolist() == pytest.approx(alone.tolist(), abs=2e-5)


def test_a_step_in_parts_changes_the_weights_as_one_whole_does(prepare_tuning: PrepareTuning) -> None:
    """Also where the parts weigh unequally: rare classes count more, and one frame more in the first part."""
    gradients = []
    for size, parts in ((6, 1), (2, 3), (3, 2)):
        training = Training(
            max_steps=1, max_grad_norm=1e6, per_device_train_batch_size=size, gradient_accumulation_steps=parts
        )
        prepared = prepare_tuning(Recipe(training=training, data=Data(class_weighting=1)), train=5)
        loop = new_loop(prepared, *training_sets(prepared, prepared.pixels), Watch(lambda step, metrics: None))
        loop.run()
        gradients.append([10 * loop.optimizer.state[weight]["exp_avg"] for weight in loop.weights.values()])
    whole, *divided = gradients
    assert any(gradient.abs().max() > 0 for gradient in whole)
    for other in divided:
        for expected, found in zip(whole, other, strict=True):
            torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-6)


def test_focal_loss_follows_the_paper_for_class_answers_alone() -> None:
    losses = torch.tensor([0.7, 0.05, 2.0], requires_grad=True)
    tokens = torch.tensor([10.0, 3.0, 2.0])
    caption, choice = TASKS.index("caption"), TASKS.index("class_choice")
    batch = {"row_tokens": tokens, "row_task": torch.tensor([caption, choice, choice])}
    found = focused(losses, batch, 2.0)
    expected = [0.7, (1 - math.exp(-0.15)) ** 2 * 0.05, (1 - math.exp(-4)) ** 2 * 2.0]
    assert found.tolist() == pytest.approx(expected, rel=1e-5)
    found.sum().backward()
    assert torch.isfinite(losses.grad).all()
    assert focused(losses, batch, 0.0) is losses


def test_what_a_frozen_tower_saw_is_kept_and_teaches_the_same(prepare_tuning: PrepareTuning, tmp_path: Path) -> None:
    varied = Data(augmentation=Augmentation(brightness=0.4, crop=0.2, views=2))
    training = Training(max_steps=6, per_device_train_batch_size=2, eval_steps=3, learning_rate=5e-3)
    curves = [
        curve(prepare_tuning(Recipe(parts=PARTS, data=data, training=training)), tmp_path)
        for data in (varied, varied.model_copy(update={"cache_image_features": False}), Data())
    ]
    cached, seen_anew, without_variation = curves
    for name, values in seen_anew.items():
        assert cached[name] == pytest.approx(values, abs=1e-4), name
    assert without_variation["train/loss"] != pytest.approx(cached["train/loss"], abs=1e-4)


def curve(prepared: Prepared, features_dir: Path) -> Mapping[str, list[float]]:
    told: dict[str, list[float]] = {}

    def sink(step: int, metrics: Mapping[str, float]) -> None:
        for name, value in metrics.items():
            told.setdefault(name, []).append(value)

    prepared = replace(prepared, features_dir=features_dir)
    new_loop(prepared, *training_sets(prepared, looks_of(prepared)), Watch(sink)).run()
    return told


@pytest.mark.parametrize("gamma", [0.5, 1.0, 2.0])
def test_a_class_that_is_known_for_certain_has_a_finite_gradient(gamma: float) -> None:
    losses = torch.tensor([0.0, 0.3], requires_grad=True)
    batch = {"row_tokens": torch.tensor([3.0, 3.0]), "row_task": torch.full((2,), TASKS.index("class_choice"))}
    focused(losses, batch, gamma).sum().backward()
    assert torch.isfinite(losses.grad).all()
