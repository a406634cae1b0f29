"""``workbench drift check`` on stored footage, with real models and MLflow."""

import json

from typer.testing import CliRunner

from tests.evaluation.conftest import START, base_dir, harbour, one_thread
from workbench.cli import app
from workbench.domain import Verdict
from workbench.workflows.monitor import check_drift
from workbench.workflows.workspace import Workspace

__all__ = ["base_dir", "harbour", "one_thread"]


def test_brighter_footage_is_found_and_an_idle_camera_is_no_evidence(harbour: Workspace) -> None:
    arguments = ["drift", "check", "--site", "harbour", "--since", "2026-03-01T00:08", "--json"]
    printed = CliRunner().invoke(app, arguments, catch_exceptions=False)
    dock, gate = json.loads(printed.stdout)["cameras"]
    assert (dock["camera"], dock["verdict"], dock["drifted"]) == ("dock", "fail", True)
    assert dock["p_values"]["embeddings"] < 0.05
    assert (gate["camera"], gate["verdict"], gate["current_rows"]) == ("gate", "no-evidence", 0)
    runs = {run.tags["camera"]: run for run in harbour.tracker.runs("harbour", "drift")}
    assert runs["dock"].metrics["drifted"] == 1
    assert runs["dock"].metrics["embeddings"] == dock["statistics"]["embeddings"]
    assert runs["dock"].datasets == {"reference": harbour.store.datasets.latest("harbour").id}
    assert runs["gate"].tags["verdict"] == Verdict.NO_EVIDENCE
    event = harbour.store.audit.events("harbour")[-1]
    assert (event.action, event.detail["drifted"]) == ("drift.check", ["dock"])


def test_a_window_without_footage_is_no_evidence(harbour: Workspace) -> None:
    reports = check_drift(harbour, site="harbour", until=START, actor="ada")
    assert [report.verdict for report in reports] == [Verdict.NO_EVIDENCE] * 2
    assert not any(report.drifted for report in reports)
