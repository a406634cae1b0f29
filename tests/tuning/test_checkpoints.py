"""A run that was killed goes on from a checkpoint that is whole, and ends as if nothing had happened."""

import json
import os
import resource
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.tuning.conftest import PrepareTuning
from tests.tuning.killed_runs import IDENTITY, RECIPE, run_and_kill, run_and_wait
from workbench.errors import PreflightError, StorageError
from workbench.recipe import Recipe, Training
from workbench.tuning.adapter_files import write_manifest
from workbench.tuning.checkpoint import Checkpoint, load_newest, save_checkpoint
from workbench.tuning.loop import Checkpoints, Watch, _check_identity
from workbench.tuning.packages import package_versions
from workbench.tuning.tuner import Prepared, new_loop, training_sets

KILLS = int(os.environ.get("WORKBENCH_TEST_KILLS", "6"))
SYNCS_PER_SAVE = 10


def adapter_bytes(work_dir: Path) -> bytes:
    return (work_dir / "adapter" / "adapter_model.safetensors").read_bytes()


def curve(work_dir: Path) -> dict[tuple[int, str], set[float]]:
    """Return every value that was told for each step and metric: more than one is a curve that contradicts itself."""
    told: dict[tuple[int, str], set[float]] = {}
    for line in (work_dir / "curve.jsonl").read_text().splitlines():
        step, metrics = json.loads(line)
        for name, value in metrics.items():
            told.setdefault((step, name), set()).add(value)
    return told


@pytest.fixture(scope="module")
def unbroken(base_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, float]:
    """A run that nobody stopped, and the seconds it took."""
    work_dir = tmp_path_factory.mktemp("unbroken")
    run_and_wait(base_dir, work_dir, resume=False)
    shutil.rmtree(work_dir / "adapter")
    (work_dir / "curve.jsonl").unlink()
    return work_dir, run_and_wait(base_dir, work_dir, resume=False)


@pytest.mark.parametrize("attempt", range(KILLS))
def test_a_killed_run_ends_with_the_same_weights_and_curve(
    attempt: int, base_dir: Path, unbroken: tuple[Path, float], tmp_path: Path
) -> None:
    """Every second one dies inside a save; each is killed twice, so that a resumed run is killed as well."""
    rng = np.random.default_rng(attempt)
    whole, seconds = unbroken
    for _ in range(2):
        if attempt % 2:
            run_and_kill(base_dir, tmp_path, dies_at_sync=int(rng.integers(1, 4 * SYNCS_PER_SAVE)))
        else:
            run_and_kill(base_dir, tmp_path, after_s=float(rng.uniform(0.1, seconds)))
        shutil.rmtree(tmp_path / "adapter", ignore_errors=True)
    run_and_wait(base_dir, tmp_path, resume=True)
    assert adapter_bytes(tmp_path) == adapter_bytes(whole)
    assert curve(tmp_path) == curve(whole)
    assert not list((tmp_path / "checkpoints").glob(".building-*"))


def loop_of(prepared: Prepared, directory: Path, *, resume: bool, warnings: list[str], told: list[int] | None = None):
    watch = Watch(lambda step, metrics: told.append(step) if told is not None else None, warn=warnings.append)
    sets = training_sets(prepared, prepared.pixels)
    return new_loop(prepared, *sets, watch, Checkpoints(directory, resume, IDENTITY))


@pytest.fixture(scope="module")
def finished(base_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, torch.Tensor]]:
    """The two newest checkpoints of a whole run (after steps 8 and 9), and the weights that it ended with."""
    work_dir = tmp_path_factory.mktemp("finished")
    loop = loop_of(prepared_again(base_dir), work_dir, resume=False, warnings=[])
    loop.run()
    assert sorted(path.name for path in work_dir.iterdir()) == ["step-00000008", "step-00000009"]
    return work_dir, {name: weight.detach().clone() for name, weight in loop.weights.items()}


def prepared_again(base_dir: Path) -> Prepared:
    from tests.tuning.conftest import CLASS_NAMES, labelled_frame
    from workbench.tuning.tuner import prepare

    frames = [labelled_frame(index) for index in range(8)]
    return prepare(RECIPE, str(base_dir), CLASS_NAMES, frames[:6], frames[6:])


def without(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).unlink()


def cut(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).write_bytes((folder / name).read_bytes()[:-5])


def flipped(name: str) -> Callable[[Path], None]:
    def flip(folder: Path) -> None:
        content = bytearray((folder / name).read_bytes())
        content[-2] ^= 1
        (folder / name).write_bytes(content)

    return flip


def emptied(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.mkdir()


def with_manifest(damage: Callable[[Path], None]) -> Callable[[Path], None]:
    """Damage a checkpoint as another version of the workbench could have written it: its manifest fits."""

    def written(folder: Path) -> None:
        damage(folder)
        (folder / "manifest.json").unlink()
        write_manifest(folder)

    return written


def without_weight(folder: Path) -> None:
    weights = load_file(folder / "weights.safetensors")
    weights.pop(min(weights))
    save_file(weights, folder / "weights.safetensors")


def changed(name: str, **values: object) -> Callable[[Path], None]:
    """Give the JSON file other values; those that are None are taken out."""

    def change(folder: Path) -> None:
        content = {**json.loads((folder / name).read_text()), **values}
        (folder / name).write_text(json.dumps({key: value for key, value in content.items() if value is not None}))

    return change


OTHERWISE_WRITTEN = {
    "no best": without("best.safetensors"),
    "no identity": without("identity.json"),
    "no scheduler": without("scheduler.json"),
    "no weight": without_weight,
    "no best progress": changed("progress.json", best=None),
    "no rate": changed("scheduler.json", last_epoch=None),
    "no tensors": cut("weights.safetensors"),
    "another step": changed("state.json", step=70),
    "no number": changed("state.json", step=[]),
}
DAMAGES = {
    **{f"{name}, which the manifest knows": with_manifest(damage) for name, damage in OTHERWISE_WRITTEN.items()},
    "a manifest without names": lambda folder: (folder / "manifest.json").write_text('{"sha256": []}'),
    **{f"no {name}": without(name) for name in ("weights.safetensors", "optimizer.safetensors", "scheduler.json")},
    **{f"no {name}": without(name) for name in ("random.safetensors", "state.json", "manifest.json")},
    **{f"cut {name}": cut(name) for name in ("weights.safetensors", "optimizer.safetensors", "scheduler.json")},
    **{f"cut {name}": cut(name) for name in ("random.safetensors", "state.json", "progress.json", "manifest.json")},
    **{f"flipped {name}": flipped(name) for name in ("weights.safetensors", "optimizer.safetensors")},
    "an empty folder": emptied,
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_checkpoint_is_passed_over_for_the_one_before_and_that_is_said(
    damage: str, base_dir: Path, finished: tuple[Path, dict[str, torch.Tensor]], tmp_path: Path
) -> None:
    kept, expected = finished
    directory = tmp_path / "checkpoints"
    shutil.copytree(kept, directory)
    DAMAGES[damage](directory / "step-00000009")
    warnings: list[str] = []
    loop = loop_of(prepared_again(base_dir), directory, resume=True, warnings=warnings)
    loop.run()
    assert [text.split(":")[0] for text in warnings] == [
        "step-00000009 was passed over",
        "The run goes on after step 8.",
    ]
    assert all(torch.equal(weight, expected[name]) for name, weight in loop.weights.items())


def test_a_checkpoint_of_a_later_step_than_the_last_is_passed_over_and_costs_no_other(
    base_dir: Path, finished: tuple[Path, dict[str, torch.Tensor]], tmp_path: Path
) -> None:
    shutil.copytree(finished[0] / "step-00000008", tmp_path / "step-00000008")
    beyond = shutil.copytree(finished[0] / "step-00000009", tmp_path / "step-00000070")
    with_manifest(changed("state.json", step=70))(beyond)
    warnings: list[str] = []
    loop_of(prepared_again(base_dir), tmp_path, resume=True, warnings=warnings).run()
    assert warnings[0] == "step-00000070 was passed over: it is of step 70 of a run of 9"
    checkpoint, _ = load_newest(tmp_path)
    save_checkpoint(tmp_path, replace(checkpoint, step=9), keep=1)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["step-00000009", "step-00000070"]


def test_a_disk_that_fills_up_in_a_save_costs_that_checkpoint_alone(base_dir: Path, tmp_path: Path) -> None:
    warnings: list[str] = []
    loop = loop_of(prepared_again(base_dir), tmp_path, resume=False, warnings=warnings)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    original = loop._save

    def save(checkpoints: Checkpoints, stopped: bool) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (2000 if loop.step >= 6 else soft, hard))
        try:
            original(checkpoints, stopped)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    loop._save = save
    loop.run()
    assert len(warnings) == 3
    assert all("goes on without this checkpoint" in text and "File too large" in text for text in warnings)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["step-00000002", "step-00000004"]
    checkpoint, passed_over = load_newest(tmp_path)
    assert (checkpoint.step, passed_over) == (4, [])


def test_every_process_reads_a_checkpoint_in_the_same_order(finished: tuple[Path, dict[str, torch.Tensor]]) -> None:
    checkpoint, _ = load_newest(finished[0])
    assert checkpoint is not None
    assert len(checkpoint.tensors["weights"]) > 8
    assert all(list(group) == sorted(group) for group in checkpoint.tensors.values())


def test_without_any_valid_checkpoint_a_run_starts_anew_and_says_so(base_dir: Path, tmp_path: Path) -> None:
    (tmp_path / "step-00000004").mkdir()
    warnings, steps = [], []
    loop_of(prepared_again(base_dir), tmp_path, resume=True, warnings=warnings, told=steps).run()
    assert warnings[0].startswith("step-00000004 was passed over")
    assert "starts at its beginning" in warnings[1]
    assert steps[0] == 1


def test_a_checkpoint_of_another_run_is_refused(
    base_dir: Path, finished: tuple[Path, dict[str, torch.Tensor]], tmp_path: Path
) -> None:
    prepared = prepared_again(base_dir)
    sets = training_sets(prepared, prepared.pixels)
    other = Checkpoints(finished[0], True, {"dataset": "another"})
    with pytest.raises(PreflightError, match="a checkpoint of a run with the dataset another"):
        new_loop(prepared, *sets, Watch(lambda step, metrics: None), other).run()


def test_other_libraries_than_a_run_began_with_are_told(
    base_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as older:
        older.setattr("workbench.tuning.loop.package_versions", lambda: package_versions() | {"torch": "1.0"})
        loop_of(prepared_again(base_dir), tmp_path, resume=False, warnings=[]).run()
    warnings: list[str] = []
    loop_of(prepared_again(base_dir), tmp_path, resume=True, warnings=warnings).run()
    assert warnings[1].endswith(f"as here is torch {package_versions()['torch']} instead of 1.0.")


def test_what_differs_is_told_in_full() -> None:
    before, now = "SmolVLM-500M-Instruct@11112222", "SmolVLM-500M-Instruct@33334444"
    with pytest.raises(PreflightError, match=f"the base {now}, but found {before};"):
        _check_identity({"base": now}, {"base": before})


@pytest.mark.parametrize("optim", ["adamw_bnb_8bit", "paged_adamw_8bit"])
def test_8_bit_states_are_kept_as_well(optim: str, prepare_tuning: PrepareTuning, tmp_path: Path) -> None:
    weights = []
    recipe = Recipe(
        parts={"text_model": RECIPE.parts["text_model"].model_copy(update={"train": "full"})},
        training=Training(max_steps=4, per_device_train_batch_size=2, save_steps=2, eval_steps=99, optim=optim),
    )
    for step in (None, 2):
        if step:
            shutil.rmtree(tmp_path / "step-00000004")
        loop = loop_of(prepare_tuning(recipe), tmp_path, resume=bool(step), warnings=[])
        loop.run()
        weights.append([weight.detach().clone() for weight in loop.weights.values()])
    assert all(torch.equal(whole, resumed) for whole, resumed in zip(*weights, strict=True))


def test_nothing_is_written_where_the_folder_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError, match="checkpoint step-00000003"):
        save_checkpoint(tmp_path / "file", Checkpoint(3, {}, {}), keep=1)


def test_a_run_of_a_gpu_goes_on_where_there_is_none(
    base_dir: Path, finished: tuple[Path, dict[str, torch.Tensor]], tmp_path: Path
) -> None:
    checkpoint, _ = load_newest(finished[0])
    random = {**checkpoint.tensors["random"], "cuda": torch.zeros(16, dtype=torch.uint8)}
    save_checkpoint(tmp_path, replace(checkpoint, tensors={**checkpoint.tensors, "random": random}), keep=1)
    loop = loop_of(prepared_again(base_dir), tmp_path, resume=True, warnings=[])
    loop.run()
    assert loop.step == checkpoint.step
