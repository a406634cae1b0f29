"""Small tuning runs in processes of their own, to be killed: at any moment, or in the middle of a save."""

import json
import os
import signal
import time
from collections.abc import Mapping
from pathlib import Path

import torch

from tests.forking import FORKING
from tests.tuning.conftest import CLASS_NAMES, labelled_frame
from workbench.recipe import Augmentation, Data, Lora, Recipe, Training
from workbench.tuning import checkpoint as checkpoints_module
from workbench.tuning.loop import Checkpoints
from workbench.tuning.tuner import prepare, tune_model

RECIPE = Recipe(
    lora=Lora(r=2, lora_dropout=0.2),
    data=Data(augmentation=Augmentation(brightness=0.3, crop=0.2), class_balance=0.5),
    training=Training(
        max_steps=9, per_device_train_batch_size=2, gradient_accumulation_steps=2, eval_steps=3, save_steps=2
    ),
)
IDENTITY = {"dataset": "of the test"}


def run(base_dir: Path, work_dir: Path, *, resume: bool, dies_at_sync: int | None = None) -> None:
    """Tune in ``work_dir``; every metric is appended to ``curve.jsonl``. SIGKILL at the given fsync of a checkpoint."""
    torch.set_num_threads(1)
    if dies_at_sync is not None:
        _die_at_sync(dies_at_sync)
    frames = [labelled_frame(index) for index in range(8)]
    prepared = prepare(RECIPE, str(base_dir), CLASS_NAMES, frames[:6], frames[6:])
    with (work_dir / "curve.jsonl").open("a", encoding="utf-8") as curve:

        def sink(step: int, metrics: Mapping[str, float]) -> None:
            curve.write(json.dumps([step, dict(metrics)]) + "\n")
            curve.flush()

        tune_model(
            prepared,
            work_dir / "adapter",
            facts={},
            sink=sink,
            warn=lambda text: (work_dir / "warnings.txt").open("a").write(text + "\n"),
            checkpoints=Checkpoints(work_dir / "checkpoints", resume, IDENTITY),
        )


def run_and_wait(base_dir: Path, work_dir: Path, *, resume: bool) -> float:
    """Run to the end in a process; returns the seconds."""
    started = time.monotonic()
    process = FORKING.Process(target=run, args=(base_dir, work_dir), kwargs={"resume": resume})
    process.start()
    process.join()
    assert process.exitcode == 0
    return time.monotonic() - started


def run_and_kill(
    base_dir: Path, work_dir: Path, *, after_s: float | None = None, dies_at_sync: int | None = None
) -> bool:
    """Run and kill the process after some seconds or at a sync; tells whether it was killed before its end."""
    chosen = {"resume": True, "dies_at_sync": dies_at_sync}
    process = FORKING.Process(target=run, args=(base_dir, work_dir), kwargs=chosen)
    process.start()
    process.join(after_s)
    if process.is_alive():
        process.kill()
    process.join()
    return process.exitcode == -signal.SIGKILL


def _die_at_sync(number: int) -> None:
    synced = 0
    real = os.fsync

    def fsync(descriptor: int) -> None:
        nonlocal synced
        synced += 1
        if synced == number:
            os.kill(os.getpid(), signal.SIGKILL)
        real(descriptor)

    checkpoints_module.write_manifest.__globals__["os"] = type("os", (), {**vars(os), "fsync": staticmethod(fsync)})
