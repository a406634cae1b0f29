"""The same recipe on a cluster: two workers that train as one would, and one of them killed in the middle."""

from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest
import torch
from safetensors.torch import load_file

from workbench.errors import PreflightError, ServiceError, UsageError
from workbench.workflows.tune import TuneResult, preflight, tune
from workbench.workflows.workspace import Workspace

RECIPE = """
lora: {r: 2}
launcher: ray
scaling: {num_workers: 2}
training: {max_steps: 12, per_device_train_batch_size: 2, eval_steps: 6, save_steps: 2, learning_rate: 1e-3}
"""
ALONE = ("launcher=local", "scaling.num_workers=1", "training.per_device_train_batch_size=4")
CURVES = ("train/loss", "train/gradient_norm", "validation/loss")


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    path = tmp_path / "small.yaml"
    path.write_text(RECIPE, encoding="utf-8")
    return path


def weights(result: TuneResult) -> dict[str, torch.Tensor]:
    return load_file(result.adapter_dir / "adapter_model.safetensors")


def curves(workspace: Workspace, result: TuneResult) -> dict[str, list[tuple[int, float]]]:
    return {name: workspace.tracker.history(result.run_id, name) for name in CURVES}


@dataclass
class Killer:
    """Kills one of the workers, once, when a run has come to ``step``."""

    step: int
    killed: list[int] = field(default_factory=list)

    def __call__(self, done: int, total: int | None, what: str) -> None:
        if what == "training steps" and done >= self.step and not self.killed:
            worker = next(
                process
                for process in psutil.process_iter(["cmdline"])
                if "RayTrainWorker" in "".join(process.info["cmdline"] or ())
            )
            worker.kill()
            self.killed.append(worker.pid)


def test_two_workers_train_as_one_does_also_when_one_of_them_is_killed(dock: Workspace, recipe: Path) -> None:
    killer, told = Killer(step=7), []
    alone = tune(dock, recipe, site="dock", overrides=ALONE, actor="ada")
    together = tune(dock, recipe, site="dock", actor="ada")
    broken = tune(dock, recipe, site="dock", actor="ada", progress=killer, warn=told.append)
    for name, curve in curves(dock, alone).items():
        assert dict(curves(dock, together)[name]) == pytest.approx(dict(curve), rel=1e-3)
    for name, weight in weights(alone).items():
        torch.testing.assert_close(weights(together)[name], weight, rtol=1e-2, atol=1e-4)
        assert torch.equal(weights(broken)[name], weights(together)[name])
    assert killer.killed
    assert [text for text in told if text.startswith("The run goes on after step")]
    assert curves(dock, broken) == curves(dock, together)


def test_what_a_worker_refuses_is_told_as_here(dock: Workspace, recipe: Path) -> None:
    with pytest.raises(PreflightError, match=r"a linear layer of model.text_model that matches 'nothing'"):
        preflight(dock, recipe, site="dock", overrides=["parts.text_model.target_modules=nothing"])
    with pytest.raises(ServiceError, match="in the cluster, one for each worker"):
        preflight(dock, recipe, site="dock", overrides=["scaling.num_workers=3"])


def test_a_cluster_that_is_not_there_is_told_in_one_sentence(
    dock: Workspace, recipe: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for address, error, words in (("", UsageError, "ray start --head"), ("127.0.0.1:9", ServiceError, "127.0.0.1:9")):
        monkeypatch.setenv("WORKBENCH_RAY_ADDRESS", address)
        workspace = Workspace.open()
        with pytest.raises(error, match=words):
            preflight(workspace, recipe, site="dock")
        workspace.store.close()


def test_workers_that_are_lost_too_often_end_the_run(dock: Workspace, recipe: Path) -> None:
    killer = Killer(step=2)
    with pytest.raises(ServiceError, match="no more than 0 times"):
        tune(dock, recipe, site="dock", overrides=["scaling.max_failures=0"], actor="ada", progress=killer)
    [run] = dock.tracker.runs("dock", "tune")
    assert run.state == "FAILED"
    assert not (dock.settings.adapters_dir / run.id).exists()
