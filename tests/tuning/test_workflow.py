"""``workbench tune`` on a stored dataset: lineage in MLflow, audit, and clear refusals that leave nothing behind."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.tuning.conftest import CLASS_NAMES
from workbench.cli import app
from workbench.datasets import Manifest, ManifestRow, save_dataset
from workbench.domain import Camera, DatasetVersion, Frame, LabelledFrame, QueueRules, Signal, Site, Split, utc_now
from workbench.errors import DatasetError, ModelError, NotFoundError, TrackingError
from workbench.progress import silent
from workbench.settings import Settings
from workbench.tracking import RunLog
from workbench.tuning.adapter import verify_adapter
from workbench.workflows.queue import plan_queue
from workbench.workflows.tune import tune
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
