"""``workbench evaluate``: measure a model on held-out frames."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from workbench.cli.console import DatasetOption, JsonOption, SiteOption, actor_name, emit, open_workspace, progress_bar
from workbench.domain import Interval, Split

if TYPE_CHECKING:
    from workbench.workflows.evaluate import Evaluation


def evaluate(
    site: SiteOption,
    model: Annotated[str, typer.Option("--model", help="base, champion or the id of a tuning run.")] = "champion",
    split: Annotated[Split, typer.Option("--split", help="The part of the dataset to measure on.")] = Split.TEST,
    dataset_id: DatasetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Measure a model's classes and captions, with 95 % intervals, whole and by camera."""
    from workbench.workflows import evaluate as workflow

    with progress_bar() as progress:
        evaluation = workflow.evaluate(
            open_workspace(),
            site=site,
            model=model,
            split=split,
            dataset_id=dataset_id,
            actor=actor_name(),
            progress=progress,
        )
    emit(_as_json(evaluation), as_json, _as_table(evaluation))


def _as_json(evaluation: "Evaluation") -> Mapping[str, object]:
    report = evaluation.report
    return {
        **report.metrics,
        "rows": report.rows,
        "model": report.model_version,
        "dataset": report.dataset_id,
        "rows_learnt_from": evaluation.learnt_from,
        "golden": evaluation.golden and {**evaluation.golden.metrics, "rows": evaluation.golden.rows},
        "by_camera": report.by_camera,
        "report": evaluation.html_path,
        "mlflow_run_id": evaluation.run_id,
    }


def _as_table(evaluation: "Evaluation") -> Table:
    report, baseline = evaluation.report, evaluation.baseline
    table = Table(
        title=f"{report.model_version} on {report.rows} {report.split.value} frames",
        caption=_told(evaluation),
        caption_justify="left",
    )
    for column in ("", "value [95 %]", *(("base", "difference") if baseline else ()), *report.by_camera):
        table.add_column(column, justify="right" if column else "left")
    for name, interval in report.metrics.items():
        compared = (str(baseline.metrics[name]), _signed(evaluation.differences[name])) if baseline else ()
        cameras = (str(metrics[name]) for metrics in report.by_camera.values())
        table.add_row(name, str(interval), *compared, *cameras)
    return table


def _told(evaluation: "Evaluation") -> str:
    where = f"Report: {evaluation.html_path}\nMLflow run: {evaluation.run_id}"
    return f"{_learnt(evaluation)}{_golden(evaluation)}{where}"


def _learnt(evaluation: "Evaluation") -> str:
    if evaluation.learnt_from is None:
        return "The version that it was tuned on is gone: nobody can tell whether it learnt from these frames.\n"
    if not evaluation.learnt_from:
        return ""
    return f"It was tuned on {evaluation.learnt_from} of these frames: the figures flatter it.\n"


def _golden(evaluation: "Evaluation") -> str:
    golden = evaluation.golden
    if golden is None:
        return ""
    return f"On golden set {golden.dataset_id[:12]}, {golden.rows} frames: {golden.metrics['class_accuracy']} right.\n"


def _signed(difference: Interval) -> str:
    return f"{difference.value:+.3f} [{difference.low:+.3f}, {difference.high:+.3f}]"
