"""Measure a model on held-out frames: ask it, score it, compare it with the base, and put the evidence into MLflow."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from workbench.domain import DatasetVersion, EvaluationReport, Interval, LabelledFrame, Site, Split, utc_now
from workbench.errors import TrackingError
from workbench.evaluation import Answers, Assessment, FrameResult, assess, compare, render_html
from workbench.models.vlm import Vlm
from workbench.progress import Progress, silent
from workbench.tracking import RunLog
from workbench.workflows.build import dataset_of
from workbench.workflows.dataset_rows import learnt_from, load_rows
from workbench.workflows.predict import BASE, CHAMPION, decode_image, load_site_model, tuned_run
from workbench.workflows.workspace import Workspace

__all__ = ["Evaluation", "evaluate"]

_KIND = "evaluate"
_ANSWERS = "answers.json"
_REPORT = "report/report.html"
_ROWS_AT_ONCE = 64
_WORST_FRAMES = 12


@dataclass(frozen=True)
class Evaluation:
    """``baseline`` and ``differences`` (paired, this model minus the base) are empty when the base was measured.

    ``learnt_from`` of the frames the model was tuned on, as on an older version that had them in another split: its
    figures flatter it. None where that version is gone.
    """

    report: EvaluationReport
    run_id: str
    html_path: Path
    worst_frames: tuple[FrameResult, ...]
    baseline: EvaluationReport | None
    differences: Mapping[str, Interval]
    learnt_from: int | None = 0


def evaluate(
    workspace: Workspace,
    *,
    site: str,
    model: str = CHAMPION,
    split: Split = Split.TEST,
    dataset_id: str | None = None,
    actor: str,
    progress: Progress = silent,
) -> Evaluation:
    """Measure ``base``, ``champion`` or the adapter of a run on one split of a dataset version (the latest by default).

    An adapter is measured beside the base that it was tuned from, on the same frames. The evidence stands in a run of
    its own, and on the tuning run as well, under ``<split>/`` and ``base_<split>/``, where promotion looks for it.
    """
    known_site = workspace.store.sites.get(site)
    version = dataset_of(workspace, site, dataset_id)
    rows = load_rows(workspace, version, split)
    exam = _Exam(workspace, known_site, version, split, rows, progress)
    tuned = tuned_run(workspace, site, model)
    learnt = learnt_from(workspace, tuned.datasets.get("training", ""), rows.rows) if tuned else 0
    progress(0, None, "loading the model")
    vlm = load_site_model(workspace, site, tuned.id if tuned else BASE)
    assessment = exam.take(vlm)
    with vlm.without_adapter() as base:
        baseline = exam.take(base, from_memory=True) if base else None
    differences = compare(assessment, baseline) if baseline else {}
    html = render_html(
        assessment, site=site, baseline=baseline, differences=differences, made_at=f"{utc_now():%Y-%m-%d %H:%M} UTC"
    )
    tags = {"model": model, "model_version": vlm.version, "manner": vlm.manner, "split": split.value}
    with workspace.tracker.run(site, f"{model[:12]} on {split.value}", kind=_KIND, tags=tags) as run:
        run.log_dataset(version, split.value)
        run.log_metrics({"rows": assessment.report.rows, **_flat(assessment.report)})
        if learnt is not None:
            run.log_metrics({"rows_learnt_from": learnt})
        run.log_json(_answers_to_json(exam.answers[vlm.version], rows), _ANSWERS)
        run.log_table(_table(assessment), "predictions.json")
        run.log_text(html, _REPORT)
    if tuned:
        _log_on_tuning_run(workspace, tuned.id, split, assessment, baseline, html)
    workspace.store.audit.append(
        actor=actor,
        action="evaluate",
        subject=site,
        detail={"run_id": run.id, "model": vlm.version, "dataset": version.id, "split": split.value},
    )
    return Evaluation(
        report=assessment.report,
        run_id=run.id,
        html_path=_report_path(workspace, run.id),
        worst_frames=assessment.worst_frames(_WORST_FRAMES),
        baseline=baseline.report if baseline else None,
        differences=differences,
        learnt_from=learnt,
    )


class _Exam:
    """One split of one dataset version, put to several models; ``answers`` by model version."""

    def __init__(
        self,
        workspace: Workspace,
        site: Site,
        version: DatasetVersion,
        split: Split,
        rows: Sequence[LabelledFrame],
        progress: Progress,
    ) -> None:
        self._workspace, self._site, self._version, self._split = workspace, site, version, split
        self._rows, self._progress = rows, progress
        self.answers: dict[str, Answers] = {}

    def take(self, vlm: Vlm, *, from_memory: bool = False) -> Assessment:
        """Measure what the model answers, or answered in an earlier evaluation if that will do and there was one."""
        remembered = self._remembered(vlm) if from_memory else None
        answers = remembered or _ask(vlm, self._rows, self._site.class_names, self._progress)
        self.answers[vlm.version] = answers
        return assess(self._rows, answers, dataset_id=self._version.id, split=self._split)

    def _remembered(self, vlm: Vlm) -> Answers | None:
        tracker = self._workspace.tracker
        for run in tracker.runs(self._site.name, _KIND):
            if (
                run.state == "FINISHED"
                and (run.tags.get("model_version"), run.tags.get("manner")) == (vlm.version, vlm.manner)
                and run.datasets.get(self._split.value) == self._version.id
                and (path := tracker.file(run.id, _ANSWERS)) is not None
            ):
                answers = _json_to_answers(json.loads(path.read_text()), self._rows)
                if answers is not None and answers.class_names == self._site.class_names:
                    return answers
        return None


def _ask(vlm: Vlm, rows: Sequence[LabelledFrame], class_names: tuple[str, ...], progress: Progress) -> Answers:
    """Return the model's answers; class answers are chosen among ``class_names`` by likelihood."""
    what = f"frames answered by {vlm.version}"
    probabilities = [np.zeros((0, len(class_names)))]
    captions: list[str] = []
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        progress(start, len(rows), what)
        images = [decode_image(row.image_jpeg) for row in rows[start : start + _ROWS_AT_ONCE]]
        probabilities.append(vlm.class_probabilities(images, class_names))
        captions += vlm.generate_captions(images)
    progress(len(rows), len(rows), what)
    return Answers(vlm.version, class_names, np.concatenate(probabilities), tuple(captions))


def _answers_to_json(answers: Answers, rows: Sequence[LabelledFrame]) -> dict[str, object]:
    return {
        "model_version": answers.model_version,
        "class_names": list(answers.class_names),
        "frame_ids": [row.frame_id for row in rows],
        "probabilities": answers.probabilities.tolist(),
        "captions": list(answers.captions),
    }


def _json_to_answers(stored: Mapping[str, list[str]], rows: Sequence[LabelledFrame]) -> Answers | None:
    """Return the answers if they are for exactly ``rows``."""
    if stored["frame_ids"] != [row.frame_id for row in rows]:
        return None
    probabilities = np.array(stored["probabilities"], dtype=np.float64)
    version, names = str(stored["model_version"]), tuple(stored["class_names"])
    return Answers(version, names, probabilities, tuple(stored["captions"]))


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
    flat: dict[str, float] = {}
    for name, interval in figures.items():
        flat |= {name: interval.value, f"{name}_low": interval.low, f"{name}_high": interval.high}
    return flat


def _log_on_tuning_run(
    workspace: Workspace,
    run_id: str,
    split: Split,
    assessment: Assessment,
    baseline: Assessment | None,
    html: str,
) -> None:
    with workspace.tracker.reopen(run_id) as run:
        _log_evidence(run, split.value, assessment.report)
        if baseline is not None:
            _log_evidence(run, f"base_{split.value}", baseline.report)
        run.log_text(html, _REPORT)


def _log_evidence(run: RunLog, prefix: str, report: EvaluationReport) -> None:
    figures = {"rows": float(report.rows), **_flat(report)}
    run.log_metrics({f"{prefix}/{name}": value for name, value in figures.items()})
    run.log_tags({f"{prefix}.dataset_id": report.dataset_id})


def _report_path(workspace: Workspace, run_id: str) -> Path:
    path = workspace.tracker.file(run_id, _REPORT)
    if path is None:
        raise TrackingError(
            expected=f"the report of run {run_id} in MLflow",
            found="none, though it was written a moment ago",
            remedy="check MLflow's artifact store",
        )
    return path
