"""Time and memory are told from a step that was really taken; a run that would not fit is refused with a way out."""

import math
import time
from functools import partial
from pathlib import Path

import pytest
import torch

from tests.tuning.conftest import PrepareTuning
from workbench.errors import PreflightError
from workbench.models.loading import load_processor
from workbench.recipe import Base, Part, Recipe, Training
from workbench.tuning.collator import Collator
from workbench.tuning.encoding import item_of
from workbench.tuning.estimate import check_fit, divided, to_fit, tried
from workbench.tuning.frames import AS_IT_IS
from workbench.tuning.memory_limit import left_by_limit
from workbench.tuning.preflight import prove_contract
from workbench.tuning.tuner import Prepared, collate_for, estimated


def test_a_tried_step_tells_its_cost_and_changes_nothing(prepare_tuning: PrepareTuning) -> None:
    training = Training(max_steps=100, per_device_train_batch_size=2, gradient_accumulation_steps=3, eval_steps=10)
    prepared = prepare_tuning(Recipe(training=training))
    before = [weight.detach().clone() for weight in prepared.model.parameters()]
    random = torch.get_rng_state()
    cost = estimated(prepared)
    assert cost.total_s > 100 * cost.step_s > 0
    assert 0 < cost.memory_mib < cost.available_mib
    assert cost.device == "cpu"
    assert torch.equal(random, torch.get_rng_state())
    assert all(torch.equal(old, new) for old, new in zip(before, prepared.model.parameters(), strict=True))
    assert all(weight.grad is None for weight in prepared.model.parameters())


def test_a_first_step_that_takes_longer_is_not_the_usual_one() -> None:
    begun: list[float] = []

    def step() -> None:
        begun.append(time.monotonic())
        time.sleep(0.2 if len(begun) == 1 else 0)

    seconds, most_mib = tried(torch.device("cpu"), step)
    assert len(begun) > 1
    assert seconds < 0.2
    assert most_mib > 0


@pytest.mark.parametrize(
    ("files", "left"),
    [
        ({"memory.max": "1000", "memory.current": "700", "memory.stat": "anon 500\ninactive_file 100"}, 400),
        ({"memory.max": "max", "memory.current": "700", "memory.stat": "anon 500"}, math.inf),
        ({"memory.max": "600", "memory.current": "900", "memory.stat": "inactive_file 0"}, 0),
        (
            {
                "memory/memory.limit_in_bytes": "1000",
                "memory/memory.usage_in_bytes": "300",
                "memory/memory.stat": "inactive_file 7\ntotal_inactive_file 50",
            },
            750,
        ),
        ({}, math.inf),
    ],
    ids=["second version", "no limit", "already above it", "first version", "no control groups"],
)
def test_a_container_leaves_what_its_limit_does(files: dict[str, str], left: float, tmp_path: Path) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(f"{text}\n")
    assert left_by_limit(tmp_path) == left


@pytest.mark.parametrize(
    ("training", "base", "available_mib", "remedy"),
    [
        (Training(per_device_train_batch_size=16), Base(), 1000 + 16 * 100, None),
        (
            Training(per_device_train_batch_size=16),
            Base(),
            1000 + 450,
            "per_device_train_batch_size to 4 and training.gradient_accumulation_steps to 4",
        ),
        (
            Training(per_device_train_batch_size=8, gradient_accumulation_steps=2),
            Base(),
            1000 + 350,
            "per_device_train_batch_size to 3 and training.gradient_accumulation_steps to 6",
        ),
        (Training(per_device_train_batch_size=1), Base(), 1050, "activation_checkpointing to true"),
        (Training(activation_checkpointing=True), Base(), 900, "base.quantization to nf4"),
        (Training(activation_checkpointing=True), Base(quantization="nf4"), 900, "a smaller model"),
    ],
)
def test_what_does_not_fit_is_refused_with_what_to_change(
    training: Training, base: Base, available_mib: float, remedy: str | None
) -> None:
    changed = partial(to_fit, Recipe(base=base, training=training))
    check = partial(check_fit, training.per_device_train_batch_size, 1000, 100, available_mib, remedy=changed)
    if remedy is None:
        check()
        return
    with pytest.raises(PreflightError, match=remedy):
        check()


@pytest.mark.parametrize("change", ["template", "pixels"])
def test_a_processor_that_would_ask_otherwise_in_production_is_refused(
    change: str, prepare_tuning: PrepareTuning
) -> None:
    prepared: Prepared = prepare_tuning(Recipe())
    contract = prepared.vlm.contract
    frame = prepared.taught[0]
    batch = collate_for(prepared.vlm)([prepared.pixels.at(frame, AS_IT_IS)])
    served = load_processor(prepared.loading["source"])
    prove_contract(served, contract, item_of(frame), batch)
    if change == "template":
        served.tokenizer.add_tokens(["Describe"])
    else:
        batch = {**batch, "pixel_values": batch["pixel_values"] + 0.01}
    with pytest.raises(PreflightError, match="serving to"):
        prove_contract(served, contract, item_of(frame), batch)


def test_every_row_must_show_the_pixels_of_production(prepare_tuning: PrepareTuning) -> None:
    prepared = prepare_tuning(Recipe())
    item, vlm = item_of(prepared.taught[0]), prepared.vlm
    batch = Collator(vlm.processor, vlm.contract)([item])
    served = load_processor(prepared.loading["source"])
    prove_contract(served, vlm.contract, item, batch)
    batch["pixel_values"][-1] += 0.01
    with pytest.raises(PreflightError, match="other pixels"):
        prove_contract(served, vlm.contract, item, batch)


@pytest.mark.parametrize("layer", ["model.text_model.layers.0", "model.text_model.norm"])
def test_what_gets_no_gradient_is_refused_by_name(prepare_tuning: PrepareTuning, layer: str) -> None:
    prepared = prepare_tuning(Recipe())
    module = prepared.model.get_base_model().get_submodule(layer)
    module.register_forward_hook(lambda module, inputs, output: output.detach().requires_grad_())
    with pytest.raises(PreflightError, match=r"a gradient for each of the \d+ modules of parts\..*such as model\."):
        estimated(prepared)


def test_a_projector_that_is_trained_whole_must_get_a_gradient(prepare_tuning: PrepareTuning) -> None:
    parts = {"connector": Part(path="model.connector", train="full"), "text_model": Part(path="model.text_model")}
    prepared = prepare_tuning(Recipe(parts=parts))
    connector = prepared.model.get_base_model().get_submodule("model.connector")
    connector.register_forward_hook(lambda module, inputs, output: output.detach().requires_grad_())
    with pytest.raises(PreflightError, match=r"modules of parts\.connector"):
        estimated(prepared)


def test_an_adapter_that_a_model_never_runs_is_none_of_it(prepare_tuning: PrepareTuning) -> None:
    prepared = prepare_tuning(Recipe())
    layers = prepared.model.get_base_model().model.text_model.layers
    layers[0].forward = lambda hidden_states, **others: hidden_states
    assert estimated(prepared).step_s > 0


def test_gradients_are_needed_once_however_many_frames() -> None:
    """A frame's own share is what a step takes beyond them; the optimiser and the best weights come on top."""
    million, gradients_mib = 2**20, 4.0
    adam, validated = divided(Training(), million, 100, 100 + gradients_mib + 3, validates=False), 4
    assert adam == (100 + gradients_mib + 8, 3)
    assert divided(Training(), million, 100, 107, validates=True) == (adam[0] + validated, 3)
    assert divided(Training(optim="adamw_bnb_8bit"), million, 100, 107, validates=False) == (106, 3)
    assert divided(Training(), million, 100, 101, validates=False)[1] == 0
