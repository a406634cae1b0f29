"""Several processes train as one would: the same losses, the same weights, whatever divides the model among them."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
from safetensors.torch import load_file

from tests.forking import FORKING
from tests.tuning.conftest import CLASS_NAMES, labelled_frame
from workbench.recipe import Lora, Part, Recipe, Scaling, Training
from workbench.tuning.checkpoint import Checkpoint, load_newest
from workbench.tuning.loop import Checkpoints
from workbench.tuning.tuner import prepare, tune_model
from workbench.tuning.workers import ALONE, Workers

WHOLE_PARTS = {
    "connector": Part(path="model.connector", train="full"),
    "text_model": Part(path="model.text_model", train="full"),
}
TRAINING = Training(max_steps=4, eval_steps=2, save_steps=2, gradient_accumulation_steps=2, learning_rate=1e-3)


def recipe_for(workers: int, strategy: str, dropout: float) -> Recipe:
    """The same eight frames in every step, however many workers divide them."""
    return Recipe(
        parts=WHOLE_PARTS if strategy == "fsdp" else Recipe().parts,
        lora=Lora(r=2, lora_dropout=dropout),
        launcher="ray",
        scaling=Scaling(num_workers=workers, strategy=strategy),
        training=TRAINING.model_copy(update={"per_device_train_batch_size": 4 // workers}),
    )


def work(base_dir: Path, work_dir: Path, strategy: str, rank: int, size: int, steps: int, dropout: float) -> None:
    torch.set_num_threads(1)
    workers = ALONE
    if size > 1:
        meeting = f"file://{work_dir}/meeting-{steps}"
        dist.init_process_group("gloo", init_method=meeting, rank=rank, world_size=size)
        workers = Workers.joined(strategy)
    recipe = recipe_for(size, strategy, dropout)
    frames = [labelled_frame(index) for index in range(8)]
    prepared = prepare(
        recipe, str(base_dir), CLASS_NAMES, frames[:5], frames[5:], features_dir=work_dir / "features", workers=workers
    )

    def sink(step: int, metrics: Mapping[str, float]) -> None:
        model_weights = list(prepared.model.parameters())
        held = sum(getattr(weight, "_local_tensor", weight).numel() for weight in model_weights)
        share = held / sum(weight.numel() for weight in model_weights)
        (work_dir / f"share-{rank}.json").write_text(json.dumps(share))
        if workers.leads:
            with (work_dir / "curve.jsonl").open("a", encoding="utf-8") as curve:
                curve.write(json.dumps([step, dict(metrics)]) + "\n")
            if step > steps:
                raise InterruptedError

    checkpoints = Checkpoints(work_dir / "checkpoints", steps == TRAINING.max_steps, {})
    try:
        tune_model(prepared, work_dir / "adapter", facts={}, sink=sink, checkpoints=checkpoints)
    except InterruptedError:
        return
    workers.gathered(None)


def run(base_dir: Path, work_dir: Path, strategy: str, size: int, steps: int, dropout: float = 0.0) -> None:
    """Train for ``steps`` steps in ``size`` processes, going on from where the folder's last run was interrupted."""
    processes = [
        FORKING.Process(target=work, args=(base_dir, work_dir, strategy, rank, size, steps, dropout))
        for rank in range(size)
    ]
    for process in processes:
        process.start()
    processes[0].join()
    for process in processes[1:]:
        process.join(0 if steps < TRAINING.max_steps else None)
        process.kill()
    assert steps < TRAINING.max_steps or [process.exitcode for process in processes] == [0] * size


def curve(work_dir: Path) -> dict[int, dict[str, float]]:
    told: dict[int, dict[str, float]] = {}
    for line in (work_dir / "curve.jsonl").read_text().splitlines():
        step, metrics = json.loads(line)
        told.setdefault(step, {}).update(metrics)
    return told


def weights(work_dir: Path) -> dict[str, torch.Tensor]:
    return load_file(work_dir / "adapter" / "adapter_model.safetensors")


def last_checkpoint(work_dir: Path) -> Checkpoint:
    checkpoint, passed_over = load_newest(work_dir / "checkpoints")
    assert checkpoint is not None
    assert (checkpoint.step, passed_over) == (TRAINING.max_steps, [])
    return checkpoint


@pytest.mark.parametrize("strategy", ["ddp", "fsdp"])
def test_two_workers_train_as_one_does_and_go_on_where_they_were_interrupted(
    strategy: str, base_dir: Path, tmp_path: Path
) -> None:
    alone, together, broken = tmp_path / "alone", tmp_path / "together", tmp_path / "broken"
    for directory, size, steps in ((alone, 1, 4), (together, 2, 4), (broken, 2, 2), (broken, 2, 4)):
        directory.mkdir(exist_ok=True)
        run(base_dir, directory, strategy, size, steps)
    expected, found = curve(alone), curve(together)
    assert expected.keys() == found.keys() == {1, 2, 3, 4}
    for step, metrics in expected.items():
        assert found[step] == pytest.approx(metrics, rel=1e-3, abs=1e-6)
    for name, weight in weights(alone).items():
        torch.testing.assert_close(weights(together)[name], weight, rtol=1e-3, atol=2e-5)
        assert torch.equal(weights(broken)[name], weights(together)[name])
    unbroken_state, state = (last_checkpoint(directory).tensors for directory in (together, broken))
    for group in ("weights", "best", "optimizer"):
        assert state[group].keys() == unbroken_state[group].keys()
        assert all(torch.equal(held, unbroken_state[group][name]) for name, held in state[group].items()), group
    for rank in (0, 1):
        share = json.loads((together / f"share-{rank}.json").read_text())
        assert share == pytest.approx(0.5 if strategy == "fsdp" else 1.0, abs=0.05)


def test_what_is_left_out_at_random_is_the_same_after_an_interruption(base_dir: Path, tmp_path: Path) -> None:
    unbroken, broken = tmp_path / "unbroken", tmp_path / "broken"
    for directory, steps in ((unbroken, 4), (broken, 2), (broken, 4)):
        directory.mkdir(exist_ok=True)
        run(base_dir, directory, "ddp", 2, steps, dropout=0.3)
    assert all(torch.equal(weights(broken)[name], weight) for name, weight in weights(unbroken).items())
