"""The main job, whole: the command that README promises, on the real Label Studio and the real MLflow."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient

from tests.services import free_port
from workbench.settings import Settings
from workbench.store import Store
from workbench.workflows.workspace import Workspace

pytestmark = pytest.mark.timeout(1800)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module")
def summary(home: Path) -> dict[str, Any]:
    environment = {
        **os.environ,
        "WORKBENCH_HOME": str(home),
        "WORKBENCH_LABELSTUDIO_URL": f"http://127.0.0.1:{free_port()}",
    }
    command = [sys.executable, "-m", "workbench", "demo", "--json"]
    finished = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return dict(json.loads(finished.stdout))


@pytest.fixture(scope="module")
def store(summary: dict[str, Any], home: Path) -> Iterator[Store]:
    store = Workspace.open(Settings.load(home=home)).store
    yield store
    store.close()


def test_every_stage_is_timed(summary: dict[str, Any]) -> None:
    names = [stage["name"] for stage in summary["stages"]]
    assert {"ingest", "dataset", "tune", "evaluate base", "evaluate adapter", "promote", "drift"} <= set(names)
    assert all(stage["seconds"] >= 0 for stage in summary["stages"])


def test_adapter_is_clearly_better_than_the_base_on_held_out_clips(summary: dict[str, Any]) -> None:
    base, adapted = summary["base"]["class_accuracy"], summary["adapted"]["class_accuracy"]
    assert adapted["low"] > base["value"], (base, adapted)
    assert summary["adapted"]["cider"]["value"] > summary["base"]["cider"]["value"]


def test_another_person_approved_and_the_registry_shows_it(summary: dict[str, Any], home: Path, store: Store) -> None:
    assert summary["requested_by"] != summary["approved_by"]
    client = MlflowClient(Settings.load(home=home).resolved_tracking_uri)
    registered = client.get_model_version_by_alias(summary["registered_model"], summary["alias"])
    assert (int(registered.version), registered.run_id) == (summary["version"], summary["mlflow_run_id"])
    assert store.promotions.champion(summary["site"]) == summary["version"]


def test_the_camera_whose_lamps_failed_has_drifted(summary: dict[str, Any]) -> None:
    verdicts = {report["camera"]: report for report in summary["drift"]}
    assert verdicts["crossing"]["drifted"]
    assert not any(verdicts[camera]["current_rows"] for camera in ("bay", "rack"))


def test_labels_were_given_in_label_studio_by_accounts_named_as_scripted(summary: dict[str, Any], store: Store) -> None:
    labellers = {annotation.labeller for annotation in store.labels.annotations(summary["site"])}
    assert len(labellers) == 2
    assert all("scripted" in labeller for labeller in labellers)


def test_whole_story_is_in_the_audit_trail(summary: dict[str, Any], store: Store) -> None:
    assert store.audit.verify() > 0
    told = {event.action for event in store.audit.events()}
    assert {"footage.ingest", "label.push", "dataset.build", "tune", "promotion.request", "promotion.approve"} <= told
