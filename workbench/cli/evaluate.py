"""``workbench evaluate``: measure a model on held-out frames."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from workbench.cli.console import DatasetOption, JsonOption, SiteOption, actor_name, emit, open_workspace, progress_bar
from workbench.domain import Interval, Split
from workbench.errors import UsageError

if TYPE_CHECKING:
    from workbench.evaluation.checks import Check
    from workbench.workflows.evaluate import Evaluation


def evaluate(
    site: SiteOption,
    model: Annotated[str, typer.Option("--model", help="base, champion or the id of a tuning run.")] = "champion",
    split: Annotated[Split, typer.Option("--split", help="The part of the dataset to measure on.")] = Split.TEST,
    dataset_id: DatasetOption = None,
    also: Annotated[
        list[str] | None,
        typer.Option("--also", help="probes, robustness or general: measure this too; may be given several times."),
    ] = None,
    judge: Annotated[
        str | None,
        typer.Option("--judge", help="A recipe whose base model judges captions, or http://HOST:PORT/v1#MODEL."),
    ] = None,
    rubric: Annotated[Path | None, typer.Option("--rubric", help="What the judge goes by (YAML).")] = None,
    report: Annotated[Path | None, typer.Option("--report", help="Write the HTML report here as well.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Measure a model's classes and captions, with 95 % intervals, whole, by camera and by kind of frame."""
    workspace = open_workspace(site)
    from workbench.evaluation.judging import CAPTION_RUBRIC
    from workbench.workflows import evaluate as workflow
    from workbench.workflows.judging import read_rubric

    checks = [_check(name) for name in also or []]
    if report is not None:
        _require_folder(report)
    with progress_bar() as progress:
        evaluation = workflow.evaluate(
            workspace,
            site=site,
            model=model,
            split=split,
            dataset_id=dataset_id,
            checks=checks,
            judge=judge,
            rubric=read_rubric(rubric) if rubric else CAPTION_RUBRIC,
            actor=actor_name(),
            progress=progress,
        )
    if report is not None:
        shutil.copyfile(evaluation.html_path, report)
    emit(_as_json(evaluation), as_json, _as_table(evaluation))


def _check(name: str) -> "Check":
    from workbench.evaluation.checks import ASKED_FOR, Check

    if name not in ASKED_FOR:
        raise UsageError(
            expected=f"one of {', '.join(ASKED_FOR)} behind --also", found=name, remedy="name one of those"
        )
    return Check(name)


def _require_folder(report: Path) -> None:
    if not report.parent.is_dir() or report.is_dir():
        raise UsageError(
            expected="a file to write the report to, in a folder that there is",
            found=str(report),
            remedy="make the folder, or name another file",
        )


def _as_json(evaluation: "Evaluation") -> Mapping[str, object]:
    report = evaluation.report
    return {
        **report.metrics,
        "rows": report.rows,
        "model": report.model_version,
        "dataset": report.dataset_id,
        "rows_learnt_from": evaluation.learnt_from,
        "golden": evaluation.golden and {**evaluation.golden.metrics, "rows": evaluation.golden.rows},
        "base": evaluation.baseline and evaluation.baseline.metrics,
        "differences": evaluation.differences,
        "by_camera": report.by_camera,
        "slices": evaluation.slices,
        "checks": {
            result.check.value: {
                "asked": result.asked,
                **{one.name: one.own for one in result.figures},
                **result.counts,
            }
            for result in evaluation.checks
        },
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
    for result in evaluation.checks:
        for one in result.figures:
            compared = (str(one.base), _signed(one.difference)) if one.base and one.difference else ()
            table.add_row(f"{result.check.value}: {one.name}", str(one.own), *compared)
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
