"""``workbench evaluate`` on a stored dataset, with real models and MLflow."""

import json
import shutil
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file
from typer.testing import CliRunner

from workbench.cli import app
from workbench.domain import Role, Site, Split, User, Verdict
from workbench.errors import DatasetError, NotFoundError
from workbench.evaluation import METRICS
from workbench.promotion.evidence import report_from_metrics
from workbench.settings import Settings
from workbench.workflows import exams
from workbench.workflows.evaluate import evaluate
from workbench.workflows.freeze_golden import freeze_golden
from workbench.workflows.promote import request_promotion
from workbench.workflows.tune import tune
from workbench.workflows.workspace import Workspace

RECIPE = "lora: {r: 2}\ntraining: {max_steps: 2, per_device_train_batch_size: 2, eval_steps: 2, learning_rate: 2e-2}\n"


def test_the_base_is_measured_and_the_command_prints_it(harbour: Workspace) -> None:
    arguments = ["evaluate", "--site", "harbour", "--model", "base", "--json"]
    printed = CliRunner().invoke(app, arguments, catch_exceptions=False)
    told = json.loads(printed.stdout)
    version = harbour.store.datasets.latest("harbour")
    assert printed.exit_code == 0
    assert set(told) == {
        *METRICS,
        "checks",
        "rows",
        "rows_learnt_from",
        "golden",
        "model",
        "dataset",
        "base",
        "differences",
        "by_camera",
        "slices",
        "report",
        "mlflow_run_id",
    }
    assert (told["rows"], told["dataset"]) == (10, version.id)
    assert set(told["class_accuracy"]) == {"value", "low", "high"}
    assert 0 <= told["class_accuracy"]["low"] <= told["class_accuracy"]["value"] <= told["class_accuracy"]["high"] <= 1
    assert set(told["by_camera"]) == {"dock"}
    assert (told["base"], told["differences"]) == (None, {}), "there is nothing beside the base itself"
    assert {"class"} <= {one["kind"] for one in told["slices"]}
    assert "harbour" in Path(told["report"]).read_text(encoding="utf-8")
    run = harbour.tracker.get(told["mlflow_run_id"])
    assert (run.kind, run.tags["model_version"]) == ("evaluate", told["model"])
    assert run.datasets == {"test": version.id}
    assert run.metrics["class_accuracy"] == told["class_accuracy"]["value"]
    assert run.metrics["camera/dock/class_accuracy_high"] == told["class_accuracy"]["high"]
    event = harbour.store.audit.events("harbour")[-1]
    assert (event.action, event.detail["run_id"]) == ("evaluate", run.id)


def test_an_adapter_is_measured_beside_the_base_and_its_run_carries_the_evidence(
    harbour: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = tmp_path / "small.yaml"
    recipe.write_text(RECIPE, encoding="utf-8")
    tuned = tune(harbour, recipe, site="harbour", actor="ada")
    base = evaluate(harbour, site="harbour", model="base", actor="ada")
    asked = []
    ask = exams.form_opinions
    monkeypatch.setattr(exams, "form_opinions", lambda vlm, *a, **k: (asked.append(vlm.version), ask(vlm, *a, **k))[1])

    adapted = evaluate(harbour, site="harbour", model=tuned.run_id, actor="ada")

    assert asked == [adapted.report.model_version], "the base's answers are remembered"
    assert adapted.baseline is not None
    assert adapted.baseline.metrics == base.report.metrics
    assert tuple(adapted.differences) == METRICS
    assert adapted.learnt_from == 0
    run = harbour.tracker.get(tuned.run_id)
    evidence = [
        report_from_metrics(run.metrics, prefix, model_version="", dataset_id=run.tags[f"{prefix}.dataset_id"])
        for prefix in ("test", "base_test")
    ]
    for found, report in zip(evidence, (adapted.report, adapted.baseline), strict=True):
        assert found is not None
        assert found.metrics == report.metrics
        assert found.by_camera == report.by_camera
        assert (found.rows, found.dataset_id) == (report.rows, report.dataset_id)
    page = harbour.tracker.file(run.id, "report/report.html")
    assert page is not None
    assert "The base model did in" in page.read_text(encoding="utf-8")
    seen = evaluate(harbour, site="harbour", model=tuned.run_id, split=Split.VALIDATION, actor="ada")
    assert seen.learnt_from == seen.report.rows
    assert harbour.tracker.get(seen.run_id).metrics["rows_learnt_from"] == seen.report.rows


def test_a_golden_set_is_measured_with_the_test_split_and_decides_on_promotion(
    harbour: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = tmp_path / "small.yaml"
    recipe.write_text(RECIPE, encoding="utf-8")
    rosa, ada = User("rosa", frozenset({Role.REVIEWER})), User("ada", frozenset({Role.ENGINEER}))
    for user in (rosa, ada):
        harbour.store.users.add(user, "not asked for")
    tuned = tune(harbour, recipe, site="harbour", actor="ada")
    evaluate(harbour, site="harbour", model=tuned.run_id, actor="ada")
    version = harbour.store.datasets.latest("harbour")
    golden = freeze_golden(harbour, site="harbour", version=version, actor=rosa).golden
    *_, seen, measured = request_promotion(harbour, site="harbour", run_id=tuned.run_id, actor=ada).gates
    assert (seen.verdict, measured.verdict) == (Verdict.PASS, Verdict.NO_EVIDENCE)
    base = evaluate(harbour, site="harbour", model="base", actor="ada")
    assert base.golden is not None
    asked = []
    ask = exams.form_opinions
    monkeypatch.setattr(exams, "form_opinions", lambda vlm, *a, **k: (asked.append(vlm.version), ask(vlm, *a, **k))[1])

    evaluation = evaluate(harbour, site="harbour", model=tuned.run_id, actor="ada")

    assert evaluation.golden is not None
    assert (evaluation.golden.dataset_id, evaluation.golden.rows) == (golden.id, golden.frames)
    assert evaluation.golden.metrics == evaluation.report.metrics, "it was frozen from the same frames"
    assert asked == [evaluation.report.model_version] * 2, "the base's answers are remembered"
    page = harbour.tracker.file(evaluation.run_id, "report/golden.html")
    assert page is not None
    assert "Evaluation of site harbour, golden set" in page.read_text(encoding="utf-8")
    *_, seen, measured = request_promotion(harbour, site="harbour", run_id=tuned.run_id, actor=ada).gates
    assert seen.verdict is Verdict.PASS
    assert measured.verdict is not Verdict.NO_EVIDENCE
    assert f"of {golden.frames} golden frames, the base in" in measured.explanation


def test_an_adapter_is_compared_with_the_base_that_it_was_tuned_from(
    harbour: Workspace, base_dir: Path, tmp_path: Path
) -> None:
    other = shutil.copytree(base_dir, tmp_path / "other-base")
    weights = {name: -weight for name, weight in load_file(other / "model.safetensors").items()}
    save_file(weights, other / "model.safetensors", metadata={"format": "pt"})
    recipe = tmp_path / "small.yaml"
    recipe.write_text(RECIPE, encoding="utf-8")
    tuned = tune(harbour, recipe, site="harbour", overrides=[f"base.model={other}"], actor="ada")
    configured = evaluate(harbour, site="harbour", model="base", actor="ada")

    adapted = evaluate(harbour, site="harbour", model=tuned.run_id, actor="ada")

    elsewhere = Workspace.open(Settings.load(base_model=str(other)))
    true_base = evaluate(elsewhere, site="harbour", model="base", actor="ada")
    elsewhere.store.close()
    assert adapted.baseline is not None
    assert adapted.baseline.model_version == true_base.report.model_version != configured.report.model_version
    measured, expected = (
        {name: interval.value for name, interval in report.metrics.items()}
        for report in (adapted.baseline, true_base.report)
    )
    assert measured == pytest.approx(expected)
    assert adapted.report.model_version.startswith(f"{adapted.baseline.model_version}+adapter@")


def test_a_dataset_of_another_site_is_refused(harbour: Workspace) -> None:
    harbour.store.sites.add(Site("gate", harbour.store.sites.get("harbour").class_names))
    with pytest.raises(DatasetError, match=r"a dataset version of gate, but found .* of harbour"):
        evaluate(harbour, site="gate", dataset_id=harbour.store.datasets.latest("harbour").id[:12], actor="ada")


def test_the_champion_of_a_site_without_one_is_the_base(harbour: Workspace) -> None:
    evaluation = evaluate(harbour, site="harbour", split=Split.VALIDATION, actor="ada")
    assert evaluation.baseline is None
    assert evaluation.report.split is Split.VALIDATION
    assert "adapter" not in evaluation.report.model_version


def test_an_unknown_dataset_or_run_is_told_before_anything_is_written(harbour: Workspace) -> None:
    with pytest.raises(NotFoundError, match="dataset version"):
        evaluate(harbour, site="harbour", dataset_id="feed", actor="ada")
    with pytest.raises(NotFoundError, match="nosuchrun"):
        evaluate(harbour, site="harbour", model="nosuchrun", actor="ada")
    assert harbour.tracker.runs("harbour", "evaluate") == []
