"""What an evaluation leaves in MLflow: figures by name, answers, checks and the report."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from workbench.domain import EvaluationReport, Interval
from workbench.evaluation import Answers
from workbench.evaluation.checks import CheckResult, result_to_json
from workbench.evaluation.confidence import abstention_curve, precision_recall_curve
from workbench.evaluation.report import Assessment
from workbench.evaluation.slices import SliceFigures
from workbench.tracking import RunLog
from workbench.workflows.exams import Sitting
from workbench.workflows.measured import CHECKS_FILE, GOLDEN, answers_file

__all__ = ["REPORT_FILE", "Evidence"]

REPORT_FILE = "report/report.html"
_UNSPEAKABLE = re.compile(r"[^\w. -]+")
"""What MLflow takes in no name, and what parts names."""


@dataclass(frozen=True, eq=False)
class Evidence:
    """Sittings (the first on a split, another on the golden set), the page about each, and what goes with the first."""

    sittings: Sequence[Sitting]
    pages: Sequence[str]
    slices: Sequence[SliceFigures]
    checks: Sequence[CheckResult]

    def log(self, run: RunLog) -> None:
        """Write everything into the run that measured the model."""
        held, *of_golden = self.sittings
        run.log_metrics({"rows": held.own.report.rows, **_flat(held.own.report), **_of_classes(held.own)})
        run.log_metrics(self._beside)
        run.log_table(_table(held.own), "predictions.json")
        run.log_json([result_to_json(result) for result in self.checks], CHECKS_FILE)
        for sitting, page in zip(self.sittings, self.pages, strict=True):
            _log_answers(run, sitting)
            run.log_text(page, _report_file(sitting.exam.part))
        for sitting in of_golden:
            _log_report(run, GOLDEN, sitting.own.report)

    def log_on_tuning(self, run: RunLog) -> None:
        """Write what promotion looks for into the run that tuned the model."""
        run.log_metrics({f"checks/{name}": value for name, value in self._beside.items()})
        for sitting, page in zip(self.sittings, self.pages, strict=True):
            _log_report(run, sitting.exam.part, sitting.own.report)
            if sitting.base is not None:
                _log_report(run, f"base_{sitting.exam.part}", sitting.base.report)
            run.log_text(page, _report_file(sitting.exam.part))

    @property
    def _beside(self) -> dict[str, float]:
        flat: dict[str, float] = {}
        for one in self.slices:
            name = "/".join(_UNSPEAKABLE.sub("_", part).strip("_ ") for part in (one.kind, one.value))
            flat |= _bounded(f"slice/{name}", one.metric)
        for result in self.checks:
            flat |= {f"{result.check.value}/asked": float(result.asked)}
            for figure in result.figures:
                flat |= _bounded(f"{result.check.value}/{figure.name}", figure.own)
            flat |= {
                f"{result.check.value}/{name}": value for name, value in result.counts.items() if value is not None
            }
        return flat


def _log_answers(run: RunLog, sitting: Sitting) -> None:
    frame_ids = [row.frame.frame_id for row in sitting.own.frames]
    run.log_json(_told(sitting.own.answers, frame_ids), answers_file(sitting.exam.part))
    if sitting.base is not None:
        run.log_json(_told(sitting.base.answers, frame_ids), answers_file(sitting.exam.part, is_beside=True))


def _told(answers: Answers, frame_ids: Sequence[str]) -> dict[str, object]:
    return {
        "model_version": answers.model_version,
        "class_names": list(answers.class_names),
        "frame_ids": list(frame_ids),
        "probabilities": answers.probabilities.tolist(),
        "captions": list(answers.captions),
    }


def _report_file(part: str) -> str:
    return "report/golden.html" if part == GOLDEN else REPORT_FILE


def _table(assessment: Assessment) -> list[dict[str, object]]:
    return [
        {
            "frame_id": result.frame.frame_id,
            "camera": result.frame.camera,
            "taken_at": result.frame.taken_at.isoformat(),
            "true_class": result.frame.class_name,
            "class": result.class_name,
            "probability": round(result.probability, 4),
            "reference": result.frame.caption,
            "caption": result.caption,
            "cider": round(result.cider, 4),
        }
        for result in assessment.frames
    ]


def _flat(report: EvaluationReport) -> dict[str, float]:
    """Return every figure of a report with its bounds, by the names under which MLflow keeps them."""
    figures = dict(report.metrics)
    for camera, metrics in report.by_camera.items():
        figures |= {f"camera/{camera}/{name}": interval for name, interval in metrics.items()}
    return {key: value for name, interval in figures.items() for key, value in _bounded(name, interval).items()}


def _bounded(name: str, interval: Interval) -> dict[str, float]:
    return {name: interval.value, f"{name}_low": interval.low, f"{name}_high": interval.high}


def _of_classes(assessment: Assessment) -> dict[str, float]:
    """Return each class's precision, recall, F1 and average precision, and what abstaining is worth."""
    answers, truth = assessment.answers, np.array([result.frame.class_name for result in assessment.frames])
    flat: dict[str, float] = {}
    for one in assessment.per_class:
        flat |= {
            f"class/{one.class_name}/{name}": getattr(one, name) for name in ("precision", "recall", "f1", "frames")
        }
    for place, name in enumerate(answers.class_names):
        average = precision_recall_curve(answers.probabilities[:, place], truth == name).average_precision
        if average is not None:
            flat[f"class/{name}/average_precision"] = average
    curve = abstention_curve(answers.confidence, np.array([float(result.is_right) for result in assessment.frames]))
    return flat | {"risk_coverage_area": curve.area, "risk_coverage_excess_area": curve.excess_area}


def _log_report(run: RunLog, prefix: str, report: EvaluationReport) -> None:
    figures = {"rows": float(report.rows), **_flat(report)}
    run.log_metrics({f"{prefix}/{name}": value for name, value in figures.items()})
    run.log_tags({f"{prefix}.dataset_id": report.dataset_id})
