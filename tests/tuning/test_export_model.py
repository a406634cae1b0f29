"""``workbench model export``: what is written answers as the adapter does, or nothing is written."""

import json
import resource
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from typer.testing import CliRunner

from tests.tuning.conftest import CAPTIONS, CLASS_NAMES
from tests.tuning.test_workflow import stored_dataset
from workbench.cli import app
from workbench.domain import LabelledFrame, Site
from workbench.errors import ModelError, StorageError, UsageError
from workbench.footage.pictures import decode_image
from workbench.models.instructions import class_instruction
from workbench.models.merging import load_merged, save_merged
from workbench.models.vlm import Vlm, load_vlm
from workbench.settings import Settings
from workbench.tuning.adapter_files import MANIFEST_FILE, verify_adapter
from workbench.workflows import export_model as workflow
from workbench.workflows.export_model import PARITY_FILE, export_model
from workbench.workflows.predict import load_site_model
from workbench.workflows.tune import tune
from workbench.workflows.workspace import Workspace

SITE = "dock"
RECIPE = """
lora: {r: 2}
training: {max_steps: 20, learning_rate: 5e-3, warmup_steps: 0, metric_for_best_model: loss}
export: {tolerance: 1e-5}
"""
"""A random model finds every token about equally likely: its answers move little, whatever it learns."""
NF4 = [
    "base.quantization=nf4",
    "base.dtype=bfloat16",
    "parts.connector.train=lora",
    "training.max_steps=2",
    "training.learning_rate=2e-2",
]


@pytest.fixture(scope="module")
def dock(base_dir: Path, frames: list[LabelledFrame], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("WORKBENCH_HOME", str(tmp_path_factory.mktemp("home")))
        patched.setenv("WORKBENCH_BASE_MODEL", str(base_dir))
        workspace = Workspace.open(Settings.load())
        workspace.store.sites.add(Site(SITE, CLASS_NAMES))
        workspace.store.datasets.add(stored_dataset(workspace, SITE, frames))
        yield workspace
        workspace.store.close()


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("recipe") / "small.yaml"
    path.write_text(RECIPE, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def run_id(dock: Workspace, recipe: Path) -> str:
    return tune(dock, recipe, site=SITE, actor="ada").run_id


def likelihoods(vlm: Vlm, frames: list[LabelledFrame]) -> Any:
    images = [decode_image(frame.image_jpeg) for frame in frames]
    return vlm.choice_log_likelihoods(images, class_instruction(CLASS_NAMES), CAPTIONS).numpy()


def test_merged_weights_are_written_with_their_lineage_and_answer_the_same(
    dock: Workspace, run_id: str, frames: list[LabelledFrame], tmp_path: Path
) -> None:
    report = export_model(dock, SITE, tmp_path / "out" / "dock", model=run_id, actor="ada")

    assert [one.form for one in report.parity] == ["merged", "reloaded"]
    assert all(one.largest < 1e-5 and one.other_captions == 0 for one in report.parity)
    folder = Path(report.folder)
    verify_adapter(folder)
    written = set(json.loads((folder / MANIFEST_FILE).read_text())["sha256"])
    assert {"README.md", "config.json", "model.safetensors", "chat_contract.json", PARITY_FILE} <= written
    assert [path.name for path in folder.parent.iterdir()] == ["dock"]
    kept = likelihoods(load_site_model(dock, SITE, run_id), frames)
    assert likelihoods(load_vlm(folder), frames) == pytest.approx(kept, abs=1e-2)
    assert likelihoods(load_site_model(dock, SITE, "base"), frames) != pytest.approx(kept, abs=0.5)
    card = (folder / "README.md").read_text()
    assert run_id in card
    assert dock.store.datasets.latest(SITE).id in card
    logged = dock.tracker.file(run_id, PARITY_FILE)
    assert logged is not None
    assert json.loads(logged.read_text())["parity"][1]["form"] == "reloaded"
    event = dock.store.audit.events()[-1]
    assert (event.actor, event.action, event.subject) == ("ada", "export.model", run_id)


def test_the_adapter_alone_is_exported_and_loads_on_its_base(
    dock: Workspace, run_id: str, base_dir: Path, frames: list[LabelledFrame], tmp_path: Path
) -> None:
    printed = CliRunner().invoke(
        app,
        ["model", "export", str(tmp_path / "out"), "--site", SITE, "--model", run_id, "--adapter", "--json"],
        catch_exceptions=False,
    )
    report = json.loads(printed.stdout)
    assert (report["form"], [one["form"] for one in report["parity"]]) == ("adapter", ["reloaded"])
    verify_adapter(tmp_path / "out")
    assert "library_name: peft" in (tmp_path / "out" / "README.md").read_text()
    kept = likelihoods(load_site_model(dock, SITE, run_id), frames)
    assert likelihoods(load_vlm(base_dir, adapter=tmp_path / "out"), frames) == pytest.approx(kept, abs=1e-4)


def test_an_adapter_for_which_there_is_no_room_is_told_in_a_sentence_and_leaves_nothing(
    dock: Workspace, run_id: str, tmp_path: Path
) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limits[1]))
    try:
        with pytest.raises(StorageError, match=r"room for what is exported at .*/out, but found File too large; name"):
            export_model(dock, SITE, tmp_path / "out", model=run_id, merged=False, actor="ada")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert list(tmp_path.iterdir()) == []


def test_a_merge_of_another_scale_is_refused_and_leaves_nothing(
    dock: Workspace, run_id: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def off_scale(source: str, *, adapter: Path, **loading: Any) -> Vlm:
        base, merged = load_vlm(source), load_merged(source, adapter=adapter, **loading)
        learnt = base.model.state_dict()
        for name, weight in merged.model.state_dict().items():
            weight += 2 * (weight - learnt[name])
        return merged

    monkeypatch.setattr(workflow, "load_merged", off_scale)
    events = len(dock.store.audit.events())
    with pytest.raises(ModelError, match="Expected the merged model to answer 2 probe frames") as refused:
        export_model(dock, SITE, tmp_path / "to" / "others" / "dock", model=run_id, actor="ada")
    assert "each probability within 1e-05" in str(refused.value)
    assert list(tmp_path.iterdir()) == []
    assert len(dock.store.audit.events()) == events
    logged = dock.tracker.file(run_id, PARITY_FILE)
    assert logged is not None
    assert json.loads(logged.read_text())["parity"][0]["token_probability"] > 1e-5


def test_weights_that_the_disk_gives_back_otherwise_are_refused(
    dock: Workspace, run_id: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def altered(vlm: Vlm, directory: Path) -> Path:
        with torch.no_grad():
            vlm.model.lm_head.weight.mul_(-1)
        return save_merged(vlm, directory)

    monkeypatch.setattr(workflow, "save_merged", altered)
    with pytest.raises(ModelError, match="the reloaded model"):
        export_model(dock, SITE, tmp_path / "out", model=run_id, actor="ada")
    assert list(tmp_path.iterdir()) == []


def test_an_adapter_of_a_quantised_base_is_asked_merged_and_quantised_too(
    dock: Workspace, recipe: Path, tmp_path: Path
) -> None:
    tuned = tune(dock, recipe, site=SITE, overrides=[*NF4, "export.tolerance=0.5"], actor="ada")
    report = export_model(dock, SITE, tmp_path / "out", model=tuned.run_id, actor="ada")
    assert [one.form for one in report.parity] == ["merged", "reloaded", "quantised"]
    assert report.tolerance == 0.5
    assert load_vlm(tmp_path / "out", dtype="auto").model.dtype is torch.bfloat16
    assert "nf4" in (tmp_path / "out" / "README.md").read_text()


def test_a_full_folder_and_a_site_without_a_champion_are_refused(dock: Workspace, run_id: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="promote a run, or name one"):
        export_model(dock, SITE, tmp_path / "out", actor="ada")
    (tmp_path / "note.txt").touch()
    with pytest.raises(UsageError, match="a new or empty folder"):
        export_model(dock, SITE, tmp_path, model=run_id, actor="ada")
