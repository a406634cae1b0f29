"""``workbench tune`` on a stored dataset: lineage in MLflow, audit, and clear refusals that leave nothing behind."""

import json
import resource
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from typer.testing import CliRunner

from tests.tuning.conftest import CLASS_NAMES
from workbench.cli import app
from workbench.datasets import Manifest, ManifestRow, save_dataset
from workbench.domain import Camera, DatasetVersion, Frame, LabelledFrame, QueueRules, Signal, Site, Split, utc_now
from workbench.errors import (
    DatasetError,
    ModelError,
    NotFoundError,
    PreflightError,
    RecipeError,
    StorageError,
    TrackingError,
    UsageError,
)
from workbench.progress import silent
from workbench.settings import Settings
from workbench.tracking import RunLog, Tracker
from workbench.tuning import tuner
from workbench.tuning.adapter import verify_adapter
from workbench.workflows.queue import plan_queue
from workbench.workflows.sweep import sweep
from workbench.workflows.tune import resume, tune
from workbench.workflows.workspace import Workspace

RECIPE = """
lora: {r: 2}
training: {max_steps: 3, per_device_train_batch_size: 2, eval_steps: 2, learning_rate: 5e-3}
"""


@pytest.fixture
def home(tmp_path: Path, base_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("WORKBENCH_BASE_MODEL", str(base_dir))
    return tmp_path / "home"


@pytest.fixture
def dock(home: Path, frames: list[LabelledFrame]):
    workspace = Workspace.open(Settings.load())
    workspace.store.sites.add(Site("dock", CLASS_NAMES))
    workspace.store.datasets.add(stored_dataset(workspace, "dock", frames))
    yield workspace
    workspace.store.close()


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    path = tmp_path / "small.yaml"
    path.write_text(RECIPE, encoding="utf-8")
    return path


def stored_dataset(workspace: Workspace, site: str, frames: list[LabelledFrame]) -> DatasetVersion:
    splits = [Split.TRAIN] * (len(frames) - 2) + [Split.VALIDATION] * 2
    rows = tuple(
        ManifestRow(
            frame_id=frame.frame_id,
            camera=frame.camera,
            clip_id=frame.clip_id,
            clip_name="clip.mp4",
            offset_s=float(place),
            taken_at=frame.taken_at,
            class_name=frame.class_name,
            caption=frame.caption,
            split=split,
            annotators=("ada",),
        )
        for place, (frame, split) in enumerate(zip(frames, splits, strict=True))
    )
    manifest = Manifest(site, CLASS_NAMES, rows)
    workspace.store.footage.add_frames([catalogued(workspace, site, row) for row in rows])
    for frame in frames:
        workspace.frame_files.write(frame.image_jpeg)
    path = save_dataset(manifest, workspace.settings.datasets_dir, {"README.md": "# The card"}, progress=silent)
    counts = {split: splits.count(split) for split in Split}
    return DatasetVersion(manifest.id, site, None, str(path), counts, utc_now())


def catalogued(workspace: Workspace, site: str, row: ManifestRow) -> Frame:
    workspace.store.sites.add_camera(Camera(site, row.camera))
    return Frame(
        row.frame_id, site, row.camera, row.clip_id, row.clip_name, row.offset_s, row.taken_at, size_wh=(64, 36)
    )


def test_a_run_can_be_followed_back_to_everything_that_made_it(dock: Workspace, recipe: Path) -> None:
    announced = []
    result = tune(dock, recipe, site="dock", actor="ada", announce=announced.append)
    run = dock.tracker.get(result.run_id)
    assert run.state == "FINISHED"
    assert dict(run.datasets) == {"training": result.dataset_id}
    assert run.params["dataset_id"] == result.dataset_id == dock.store.datasets.latest("dock").id
    assert run.params["training.learning_rate"] == "0.005"
    assert run.params["base_version"].startswith("base")
    assert run.metrics.keys() >= {"train/loss", "train/learning_rate", "validation/loss", "tune/seconds"}
    assert announced[0].trainable_parameters == result.trainable_parameters > 0
    adapter = dock.tracker.folder(result.run_id, "adapter")
    verify_adapter(adapter)
    verify_adapter(result.adapter_dir)
    artifacts = adapter.parent
    assert {path.name for path in artifacts.iterdir()} >= {"recipe.yaml", "preflight.json", "packages.json"}
    assert (artifacts / "dataset" / "README.md").read_text() == "# The card"
    table = json.loads((artifacts / "samples.json").read_text())
    assert {"class_before", "class_after", "caption_before", "caption_after"} <= set(table["columns"])
    assert len(table["data"]) == 2
    event = dock.store.audit.events()[-1]
    assert (event.actor, event.action, event.subject) == ("ada", "tune", result.run_id)


def test_a_finished_run_is_the_challenger_that_the_queue_asks(dock: Workspace, recipe: Path) -> None:
    rules = QueueRules(3, {Signal.DISAGREEMENT: 1.0})
    assert plan_queue(dock, "dock", rules, actor="ada").notes == ("No challenger yet: disagreement is left out.",)
    tune(dock, recipe, site="dock", actor="ada")

    plan = plan_queue(dock, "dock", rules, actor="ada")

    assert (plan.notes, {item.signal for item in plan.items}) == ((), {Signal.DISAGREEMENT})
    assert all("The model in force says" in item.reason for item in plan.items)


def test_the_command_tells_what_it_trains_and_prints_json(dock: Workspace, recipe: Path) -> None:
    printed = CliRunner().invoke(
        app, ["tune", str(recipe), "--site", "dock", "--set", "training.max_steps=2", "--json"], catch_exceptions=False
    )
    result = json.loads(printed.stdout)
    assert (printed.exit_code, result["steps"]) == (0, 2)
    assert "text_model" in printed.stderr
    assert "2 steps on 6 frames, 2 for validation" in printed.stderr


def test_a_run_whose_lineage_cannot_be_saved_fails_and_leaves_no_adapter(
    dock: Workspace, recipe: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: RunLog, folder: Path, path: str) -> None:
        raise TrackingError(expected="room", found="a full disk", remedy="free some")

    monkeypatch.setattr(RunLog, "log_folder", refuse)
    with pytest.raises(TrackingError, match="full disk"):
        tune(dock, recipe, site="dock", actor="ada")
    assert dock.tracker.runs("dock")[0].state == "FAILED"
    assert list(dock.settings.adapters_dir.iterdir()) == []
    assert dock.store.audit.events() == []


@pytest.mark.parametrize(
    ("place", "told"),
    [((tuner, "save_adapter"), "to write the adapter"), ((RunLog, "log_folder"), "to keep what a run logs")],
)
def test_a_disk_that_is_full_at_the_end_is_told_and_the_run_goes_on_once_there_is_room(
    place: tuple[Any, str], told: str, dock: Workspace, recipe: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, limits = getattr(*place), resource.getrlimit(resource.RLIMIT_FSIZE)

    def without_room(*args: Any, **kwargs: Any) -> Any:
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limits[1]))
        try:
            return write(*args, **kwargs)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)

    with monkeypatch.context() as full:
        full.setattr(*place, without_room)
        with pytest.raises(StorageError, match=f"{told} .*found File too large;"):
            tune(dock, recipe, site="dock", actor="ada")
    (failed,) = dock.tracker.runs("dock")
    assert failed.state == "FAILED"
    assert list(dock.settings.adapters_dir.iterdir()) == []
    said: list[str] = []

    verify_adapter(resume(dock, failed.id, actor="ada", warn=said.append).adapter_dir)

    assert said == ["The run goes on after step 3."]


class StoppedError(Exception):
    pass


def test_a_stopped_run_goes_on_as_the_same_run_with_one_gapless_curve(
    dock: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = tmp_path / "long.yaml"
    recipe.write_text(
        "lora: {r: 2}\ntraining: {max_steps: 25, save_steps: 6, eval_steps: 5, per_device_train_batch_size: 1}"
    )
    whole = tune(dock, recipe, site="dock", actor="ada")

    def stop(done: int, total: int | None, what: str) -> None:
        if (done, what) == (22, "training steps"):
            raise StoppedError

    with pytest.raises(StoppedError):
        tune(dock, recipe, site="dock", actor="ada", progress=stop)
    stopped = dock.tracker.runs("dock")[0]
    assert stopped.state == "FAILED"
    warnings: list[str] = []

    result = resume(dock, stopped.id[:12], actor="ben", warn=warnings.append)

    assert (result.run_id, result.steps, result.best_step) == (stopped.id, 25, whole.best_step)
    assert warnings == ["The run goes on after step 18."]
    run = dock.tracker.get(stopped.id)
    assert run.state == "FINISHED"
    for metric in ("train/loss", "train/learning_rate", "validation/loss"):
        assert dock.tracker.history(stopped.id, metric) == dock.tracker.history(whole.run_id, metric)
    assert len(dock.tracker.history(stopped.id, "train/loss")) == 25
    weights = [
        (adapter / "adapter_model.safetensors").read_bytes() for adapter in (whole.adapter_dir, result.adapter_dir)
    ]
    assert weights[0] == weights[1]
    assert not (dock.settings.checkpoints_dir / stopped.id).exists()
    assert [(event.actor, event.action) for event in dock.store.audit.events()] == [
        ("ada", "tune"),
        ("ben", "tune.resume"),
    ]
    with pytest.raises(UsageError, match="a tuning run that was stopped"):
        resume(dock, stopped.id, actor="ada")


def test_a_run_that_is_being_tuned_is_not_resumed_beside(dock: Workspace, recipe: Path) -> None:
    def meddle(done: int, total: int | None, what: str) -> None:
        if what == "training steps":
            running = dock.tracker.runs("dock")[0]
            with pytest.raises(UsageError, match="to have stopped"):
                resume(dock, running.id, actor="ada")

    tune(dock, recipe, site="dock", actor="ada", progress=meddle)
    assert dock.tracker.runs("dock")[0].state == "FINISHED"


def test_of_two_who_resume_a_run_at_the_same_moment_one_goes_on(
    dock: Workspace, recipe: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(done: int, total: int | None, what: str) -> None:
        if (done, what) == (2, "training steps"):
            raise StoppedError

    with pytest.raises(StoppedError):
        tune(dock, recipe, site="dock", overrides=["training.save_steps=1"], actor="ada", progress=stop)
    stopped = dock.tracker.runs("dock")[0]
    read_history, both = Tracker.history, Barrier(2, timeout=60)

    def slow_history(self: Tracker, run_id: str, metric: str) -> list[tuple[int, float]]:
        time.sleep(0.2)
        return read_history(self, run_id, metric)

    def go_on(actor: str) -> Path | UsageError:
        workspace = Workspace.open(Settings.load())
        both.wait()
        try:
            return resume(workspace, stopped.id, actor=actor).adapter_dir
        except UsageError as refused:
            return refused
        finally:
            workspace.store.close()

    with monkeypatch.context() as slow, ThreadPoolExecutor(2) as threads:
        slow.setattr(Tracker, "history", slow_history)
        adapter, refused = sorted(threads.map(go_on, ("ada", "ben")), key=lambda one: isinstance(one, UsageError))

    assert isinstance(adapter, Path)
    verify_adapter(adapter)
    assert isinstance(refused, UsageError)
    assert "stopped" in str(refused)
    assert [step for step, _ in dock.tracker.history(stopped.id, "train/loss")] == [1, 2, 3]


def test_the_preflight_alone_trains_and_tracks_nothing(dock: Workspace, recipe: Path) -> None:
    printed = CliRunner().invoke(
        app, ["tune", str(recipe), "--site", "dock", "--preflight", "--json"], catch_exceptions=False
    )
    told = json.loads(printed.stdout)
    assert (told["steps"], told["train_frames"]) == (3, 6)
    assert {token["learnt"] for mask in told["masks"] for token in mask["tokens"]} == {True, False}
    assert dock.tracker.runs("dock") == []


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["--site", "dock"], "no recipe file"),
        (["--resume", "abc", "--site", "dock"], "--resume alone"),
        (["--resume", "abc", "--preflight"], "--resume alone"),
    ],
)
def test_a_command_that_leaves_out_or_contradicts_is_refused(dock: Workspace, given: list[str], told: str) -> None:
    refused = CliRunner().invoke(app, ["tune", *given])
    assert isinstance(refused.exception, UsageError)
    assert told in str(refused.exception)


def test_a_sweep_is_one_run_above_its_trials_and_names_the_best(dock: Workspace, recipe: Path) -> None:
    given = ["--site", "dock", "--try", "training.learning_rate=1e-9,1e-2", "--try", "lora.r=2,300", "--json"]
    given += ["--set", "training.metric_for_best_model=loss", "--set", "parts.text_model.target_modules=.*down_proj"]
    printed = CliRunner().invoke(app, ["sweep", str(recipe), *given], catch_exceptions=False)
    result = json.loads(printed.stdout)
    runs = dock.tracker.runs("dock")
    (parent,) = [run for run in runs if run.kind == "sweep"]
    trials = [run for run in runs if run.kind == "tune"]
    assert (parent.id, parent.state, parent.tags["best_run"]) == (
        result["run_id"],
        "FINISHED",
        result["best"]["run_id"],
    )
    assert len(trials) == len(result["trials"]) == 4
    assert {dock.tracker.client.get_run(run.id).data.tags["mlflow.parentRunId"] for run in trials} == {parent.id}
    scores = {tuple(trial["overrides"]): trial["score"] for trial in result["trials"]}
    assert max(scores, key=scores.__getitem__)[0] == "training.learning_rate=0.01"
    assert result["best"]["score"] == max(scores.values())
    assert {run.params["lora.r"] for run in trials} == {"2", "300"}
    assert dock.store.audit.events()[-1].action == "sweep"


def test_a_sweep_of_wrong_values_is_refused_before_its_first_trial(dock: Workspace, recipe: Path) -> None:
    with pytest.raises(RecipeError, match=r"lora\.r should be greater than 0"):
        sweep(dock, recipe, site="dock", space=["lora.r=4,0"], actor="ada")
    with pytest.raises(RecipeError, match="ranges with a number of trials"):
        sweep(dock, recipe, site="dock", space=["lora.r=4..8"], actor="ada")
    with pytest.raises(RecipeError, match="one metric by which all trials are compared"):
        sweep(dock, recipe, site="dock", space=["training.metric_for_best_model=loss,class_accuracy"], actor="ada")
    with pytest.raises(RecipeError, match=r"training\.max_steps should be a valid integer, not 1\.0"):
        sweep(dock, recipe, site="dock", space=["training.max_steps=1.0..9.0"], trials=2, actor="ada")
    assert dock.tracker.runs("dock") == []


@pytest.mark.parametrize(
    ("tried", "chosen", "told"),
    [
        ("lora.r=8,16", "parts={head: {path: lm_head, train: full}}", r"that lora\.r has no effect: it needs a part"),
        (
            "parts.text_model.learning_rate=1e-3,1e-2",
            "parts.text_model.train=frozen",
            "an effect, but found that parts",
        ),
        ("training.num_train_epochs=1,2", "training.max_steps=3", "has no effect, as training.max_steps decides"),
        ("lora.r=2,2", "training.max_steps=3", "its values, each once"),
    ],
)
def test_a_sweep_of_equal_trials_is_refused(dock: Workspace, recipe: Path, tried: str, chosen: str, told: str) -> None:
    with pytest.raises(RecipeError, match=told):
        sweep(dock, recipe, site="dock", space=[tried], overrides=[chosen, "lora.r=16"], actor="ada")
    assert dock.tracker.runs("dock") == []


def test_values_that_make_no_recipe_fail_their_trial_alone(dock: Workspace, recipe: Path) -> None:
    space, metric = ["data.tasks.caption=0", "data.tasks.class_choice=0"], "training.metric_for_best_model=loss"
    with pytest.raises(PreflightError, match=r"all 1 failed.*at least one task must have a weight above 0"):
        sweep(dock, recipe, site="dock", space=space, overrides=[metric], actor="ada")
    assert [run.kind for run in dock.tracker.runs("dock")] == ["sweep"]


def test_what_ends_one_trial_does_not_end_the_sweep_but_a_server_that_is_away_does(
    dock: Workspace, recipe: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = {"expected": "this", "found": "that", "remedy": "mend it"}

    def refused(*_: object, overrides: list[str], **__: object) -> None:
        raise ModelError(**said) if overrides == ["lora.r=2"] else TrackingError(**said)

    monkeypatch.setattr("workbench.workflows.sweep.tune", refused)
    with pytest.raises(PreflightError, match="all 1 failed, the last one because: Expected this"):
        sweep(dock, recipe, site="dock", space=["lora.r=2"], actor="ada")
    with pytest.raises(TrackingError):
        sweep(dock, recipe, site="dock", space=["lora.r=2,4"], actor="ada")


def test_datasets_that_do_not_belong_are_refused(dock: Workspace, recipe: Path) -> None:
    dock.store.sites.add(Site("gate", CLASS_NAMES))
    with pytest.raises(DatasetError):
        tune(dock, recipe, site="gate", actor="ada")
    with pytest.raises(DatasetError, match="of dock"):
        tune(dock, recipe, site="gate", dataset_id=dock.store.datasets.latest("dock").id[:12], actor="ada")
    with pytest.raises(NotFoundError):
        tune(dock, recipe, site="nowhere", actor="ada")
    assert dock.tracker.runs("gate") == []


def test_the_recipe_names_the_base_model(dock: Workspace, recipe: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no-such-model"):
        tune(dock, recipe, site="dock", overrides=[f"base.model={tmp_path / 'no-such-model'}"], actor="ada")
    assert dock.tracker.runs("dock")[0].state == "FAILED"


def test_a_preflight_tells_what_the_run_will_not_do(dock: Workspace, recipe: Path) -> None:
    given = ["tune", str(recipe), "--site", "dock", "--preflight", "--set", "training.early_stopping_patience=1"]
    printed = CliRunner().invoke(app, given, catch_exceptions=False)
    assert "\ntraining.early_stopping_patience has no effect, as a run of 3 steps is measured 2 times" in printed.stdout


@pytest.mark.parametrize(("arguments", "code"), [(["recipe", "check"], 0), (["recipe", "explain"], 0)])
def test_recipes_are_checked_and_explained(arguments: list[str], code: int, recipe: Path) -> None:
    printed = CliRunner().invoke(app, [*arguments, str(recipe), "--set", "lora.r=4", "--json"], catch_exceptions=False)
    assert printed.exit_code == code
    found = json.loads(printed.stdout)
    values = found["recipe"]["lora"]["r"] if "recipe" in found else {v["key"]: v["value"] for v in found}["lora.r"]
    assert values == 4


def test_the_schema_is_printed_as_json() -> None:
    printed = CliRunner().invoke(app, ["recipe", "schema"], catch_exceptions=False)
    assert "training" in json.loads(printed.stdout)["properties"]
