"""An MLflow for every test, copied from one whose tables are made once: that takes two seconds."""

import shutil
from pathlib import Path

import pytest

from workbench.tracking import Tracker
from workbench.workflows.workspace import Workspace


@pytest.fixture(scope="session")
def empty_mlflow(tmp_path_factory: pytest.TempPathFactory) -> Path:
    database = tmp_path_factory.mktemp("empty") / "mlflow.db"
    assert Tracker(f"sqlite:///{database}", database.parent).runs("yard") == []
    return database


@pytest.fixture(autouse=True)
def _mlflow(empty_mlflow: Path, workspace: Workspace) -> None:
    target = workspace.settings.home / "mlruns" / "mlflow.db"
    target.parent.mkdir(parents=True)
    shutil.copy(empty_mlflow, target)
